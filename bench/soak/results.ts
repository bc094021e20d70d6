import { median } from '../median.ts';
import { render } from '../table.ts';
import { grows, type Tolerance, type Trend, trendOf, windowsOf } from './growth.ts';
import type { Sample } from './samples.ts';

/** How much the work of the last third may differ from that of the first; else they can't be compared. */
const SAME_WORK = 0.2;

/** What came of a soak. */
export interface SoakResult {
  durationMs: number;
  samples: readonly Sample[];
  /** What was done to the objects, and how often. */
  counts: Readonly<Record<string, number>>;
  disturbances: Readonly<Record<string, number>>;
  /** What wasn't right when the changes were over. */
  problems: readonly string[];
  /** When all objects had been deleted. */
  after: Pick<Sample, 'sessions' | 'sockets' | 'heapMiB' | 'residentMiB'>;
}

interface Row {
  title: string;
  digits: number;
  /** Of the samples in a window; `undefined` when there are none. */
  value(window: readonly Sample[]): number | undefined;
  /** Missing: it may grow as it likes. */
  tolerated?: Tolerance;
}

const middle =
  (read: (sample: Sample) => number): Row['value'] =>
  (window) =>
    median(window.map(read));
/** What is left when garbage was collected. */
const least =
  (read: (sample: Sample) => number): Row['value'] =>
  (window) =>
    window.length === 0 ? undefined : Math.min(...window.map(read));
/** In a second, of what is counted. */
const rate =
  (read: (sample: Sample) => number): Row['value'] =>
  (window) => {
    const [first, last] = [window.at(0), window.at(-1)];
    if (!first || !last || first === last) return undefined;
    return ((read(last) - read(first)) * 1000) / (last.atMs - first.atMs);
  };

const ROWS: readonly Row[] = [
  {
    title: 'resident memory, MiB',
    digits: 1,
    value: middle(({ residentMiB }) => residentMiB),
    tolerated: { amount: 10, share: 0.08 },
  },
  {
    title: 'heap after garbage collection, MiB',
    digits: 1,
    value: least(({ heapMiB }) => heapMiB),
    tolerated: { amount: 3, share: 0.05 },
  },
  {
    title: 'buffers, MiB',
    digits: 1,
    value: least(({ externalMiB }) => externalMiB),
    tolerated: { amount: 2, share: 0.1 },
  },
  {
    title: 'sockets',
    digits: 0,
    value: middle(({ sockets }) => sockets),
    tolerated: { amount: 5, share: 0.1 },
  },
  {
    title: 'files, pipes and sockets',
    digits: 0,
    value: middle(({ descriptors }) => descriptors),
    tolerated: { amount: 5, share: 0.1 },
  },
  {
    title: "Node's handles and timers",
    digits: 0,
    value: middle(({ resources }) => resources),
    // Timers of what is under way: more on a busy machine.
    tolerated: { amount: 25, share: 0.1 },
  },
  {
    title: 'sessions',
    digits: 0,
    value: middle(({ sessions }) => sessions),
    // On a busy machine objects are late to leave the one before.
    tolerated: { amount: 4, share: 0 },
  },
  { title: 'HeatStacks', digits: 0, value: middle(({ stacks }) => stacks) },
  { title: 'changes a second', digits: 1, value: rate(({ changes }) => changes) },
  { title: 'reconciles a second', digits: 1, value: rate(({ reconciles }) => reconciles) },
  { title: 'Heat requests a second', digits: 1, value: rate(({ heatRequests }) => heatRequests) },
  { title: 'CPU, % of a core', digits: 1, value: rate(({ cpuMs }) => cpuMs / 10) },
];
/** What must be the same in all thirds. */
const WORK = ['HeatStacks', 'changes a second', 'reconciles a second'];

/** The rules that were broken, each with what broke it; none when all is well. */
export function brokenRules(result: SoakResult): string[] {
  const { problems, after } = result;
  const trends = trendsOf(result);
  const broken: string[] = [];
  for (const { row, trend } of trends) {
    const [first, , last] = trend.thirds;
    const change = `from ${first.toFixed(row.digits)} to ${last.toFixed(row.digits)}`;
    if (row.tolerated && grows(trend, row.tolerated)) broken.push(`grew: ${row.title}, ${change}`);
    if (WORK.includes(row.title) && !(Math.abs(last / first - 1) <= SAME_WORK))
      broken.push(`not the same work all the time, so nothing can be compared: ${row.title}, ${change}`);
  }
  if (after.sessions > 0)
    broken.push(`${after.sessions} sessions are left though no HeatStack is there any more`);
  return [...broken, ...problems.map((problem) => `not right in the end: ${problem}`)];
}

/** What came of it, for people. */
export function report(result: SoakResult): string {
  const { samples, counts, disturbances, after, durationMs } = result;
  const table = [
    ['', 'first third', 'middle', 'last third', 'an hour', 'may grow by', 'grows'],
    ...trendsOf(result).map(({ row, trend }) => {
      const { tolerated, digits } = row;
      const thirds = trend.thirds.map((value) => value.toFixed(digits));
      const slope = `${trend.slope < 0 ? '' : '+'}${trend.slope.toFixed(digits)}`;
      const most = tolerated ? Math.max(tolerated.amount, tolerated.share * trend.thirds[0]) : undefined;
      const verdict = tolerated ? (grows(trend, tolerated) ? 'yes' : 'no') : '-';
      return [row.title, ...thirds, slope, most?.toFixed(digits) ?? '-', verdict];
    }),
  ];
  const [first, last] = [samples.at(0), samples.at(-1)];
  const times = (read: (sample: Sample) => number): number => (first && last ? read(last) - read(first) : 0);
  const said = (all: Readonly<Record<string, number>>): string =>
    Object.entries(all)
      .map(([what, count]) => `${count} ${what}`)
      .join(', ');
  const facts = [
    ['objects', said(counts)],
    ['disturbances', said(disturbances)],
    [
      'the operator',
      said({
        reconciles: times(({ reconciles }) => reconciles),
        'Heat requests': times(({ heatRequests }) => heatRequests),
        'tokens got': times(({ tokens }) => tokens),
        'watches begun again': times(({ watchRestarts }) => watchRestarts),
        'lists anew': times(({ watchLists }) => watchLists),
      }),
    ],
    [
      'all deleted',
      `${after.sessions} sessions, ${after.sockets} sockets, heap ${after.heapMiB.toFixed(1)} MiB, resident ${after.residentMiB.toFixed(1)} MiB`,
    ],
  ];
  const head = `${(durationMs / 60_000).toFixed(0)} minutes, of which the first fifth doesn't count\n`;
  const lines = facts.map(([what = '', text = '']) => `${what.padEnd(14)}${text}\n`);
  const broken = brokenRules(result).map((line) => `! ${line}\n`);
  return [head, ...lines, '\n', render(table), ...broken].join('');
}

function trendsOf({ samples, durationMs }: SoakResult): { row: Row; trend: Trend }[] {
  const windows = windowsOf(samples, durationMs);
  const windowMs = (durationMs * 0.8) / windows.length;
  return ROWS.map((row) => ({ row, trend: trendOf(windows.map(row.value), windowMs) }));
}
