import { render } from '../table.ts';
import { OPERATORS, type OperatorName } from './operators.ts';
import { type Phase, type RunResult, sum } from './phases.ts';

/** Results of all operators that were measured with a number of stacks. */
export type Results = Partial<Record<OperatorName, RunResult>>;

/** The peer whose CPU time is to be undercut. */
const YARDSTICK: OperatorName = 'controller-runtime';
const OURS: readonly OperatorName[] = ['ours', 'ours-without-events'];

interface Goal {
  /** At most so much, or less. */
  most?: number;
  below?: number;
  text: string;
}

interface Row {
  title: string;
  unit: string;
  digits: number;
  value(result: RunResult): number;
  /** What is to be reached; `undefined` when it can't be told, as without the peer. */
  goal(stacks: number, yardstick: RunResult | undefined): Goal | undefined;
}

const cpuOf =
  (phase: Phase) =>
  ({ phases, stacks }: RunResult): number =>
    phases[phase].cpuMs / stacks;
const requestsOf =
  (phase: Phase) =>
  ({ phases, stacks }: RunResult): number =>
    sum(phases[phase].requests) / stacks;
const below =
  (value: (result: RunResult) => number): Row['goal'] =>
  (_, yardstick) =>
    yardstick && { below: value(yardstick), text: `< ${OPERATORS[YARDSTICK].title}` };
const atMost =
  (most: number, digits: number): Row['goal'] =>
  () => ({ most, text: `≤ ${most.toFixed(digits)}` });

const RESTART_REQUESTS = 1 / 200;
const QUIET_S = 5;
/** Most memory in MiB: up to so many stacks. */
const MEMORY = [
  { stacks: 1_000, most: 160 },
  { stacks: 10_000, most: 350 },
];

const ROWS: readonly Row[] = [
  {
    title: 'create → Ready, CPU a stack',
    unit: 'ms',
    digits: 1,
    value: cpuOf('create'),
    goal: below(cpuOf('create')),
  },
  {
    title: 'create → Ready, Heat requests a stack',
    unit: '',
    digits: 2,
    value: requestsOf('create'),
    goal: atMost(3.1, 1),
  },
  {
    title: 'update → Ready, CPU a stack',
    unit: 'ms',
    digits: 1,
    value: cpuOf('update'),
    goal: below(cpuOf('update')),
  },
  {
    title: 'update → Ready, Heat requests a stack',
    unit: '',
    digits: 2,
    value: requestsOf('update'),
    goal: atMost(3.1, 1),
  },
  {
    title: 'restart when settled, CPU a stack',
    unit: 'ms',
    digits: 1,
    value: cpuOf('restart'),
    goal: () => undefined,
  },
  {
    title: 'restart when settled, Heat requests a stack',
    unit: '',
    digits: 3,
    value: requestsOf('restart'),
    // A sign-in for each Secret comes on top of it.
    goal: atMost(RESTART_REQUESTS, 3),
  },
  {
    title: 'restart when settled, writes',
    unit: '',
    digits: 0,
    value: ({ phases }) => phases.restart.writes,
    goal: () => ({ most: 0, text: 'none' }),
  },
  {
    title: 'restart when settled, until quiet',
    unit: 's',
    digits: 1,
    value: ({ phases }) => phases.restart.wallMs / 1000,
    goal: atMost(QUIET_S, 0),
  },
  {
    title: 'delete, CPU a stack',
    unit: 'ms',
    digits: 1,
    value: cpuOf('delete'),
    goal: below(cpuOf('delete')),
  },
  {
    title: 'delete, Heat requests a stack',
    unit: '',
    digits: 2,
    value: requestsOf('delete'),
    goal: atMost(1.2, 1),
  },
  {
    title: 'most memory',
    unit: 'MiB',
    digits: 0,
    value: ({ peakMiB }) => peakMiB,
    goal(stacks) {
      const limit = MEMORY.find((each) => stacks <= each.stacks);
      return limit && { most: limit.most, text: `≤ ${limit.most}` };
    },
  },
  {
    title: 'idle, CPU',
    unit: '%',
    digits: 2,
    value: ({ phases }) => (phases.idle.cpuMs / phases.idle.wallMs) * 100,
    goal: atMost(0.5, 1),
  },
];

/** The table of all operators, with what ours is to reach and whether it does. */
export function comparison(results: Results, stacks: number): string {
  const names = (Object.keys(OPERATORS) as OperatorName[]).filter((name) => results[name]);
  const titles = names.map((name) => {
    const own = results[name]?.stacks;
    return own === stacks ? OPERATORS[name].title : `${OPERATORS[name].title} (${own} stacks)`;
  });
  const lines = [[`${stacks.toLocaleString('en')} stacks`, ...titles, 'goal for ours', 'met']];
  for (const row of ROWS) {
    const goal = row.goal(stacks, results[YARDSTICK]);
    const ours = OURS.flatMap((name) => results[name] ?? []);
    const met = goal && ours.length > 0 ? ours.map((each) => isMet(row, each, goal)) : [];
    lines.push([
      row.title,
      ...names.map((name) => text(row, results[name])),
      goal?.text ?? '-',
      met.map((each) => (each ? 'yes' : 'no')).join(', ') || '-',
    ]);
  }
  return render(lines);
}

/** A limit is judged as the value is shown. */
function isMet(row: Row, result: RunResult, { most = Infinity, below = Infinity }: Goal): boolean {
  const value = row.value(result);
  return value < below && Number(value.toFixed(row.digits)) <= most;
}

function text(row: Row, result: RunResult | undefined): string {
  if (!result) return '-';
  return `${row.value(result).toFixed(row.digits)}${row.unit === '' ? '' : ` ${row.unit}`}`;
}

/** How cost grows: a line for each number of stacks of each operator. */
export function growth(runs: readonly { stacks: number; results: Results }[]): string {
  const lines = [
    ['', 'stacks', 'create CPU', 'update CPU', 'delete CPU', 'Heat requests', 'create', 'memory', 'idle CPU'],
  ];
  for (const name of Object.keys(OPERATORS) as OperatorName[]) {
    for (const { stacks, results } of runs) {
      const result = results[name];
      if (result?.stacks !== stacks) continue; // it works on fewer, the same ones each time
      const requests = sum(result.phases.create.requests) + sum(result.phases.update.requests);
      lines.push([
        OPERATORS[name].title,
        stacks.toLocaleString('en'),
        ...(['create', 'update', 'delete'] as const).map(
          (phase) => `${cpuOf(phase)(result).toFixed(1)} ms a stack`,
        ),
        `${((requests + sum(result.phases.delete.requests)) / stacks).toFixed(1)} a stack`,
        `${(result.phases.create.wallMs / 1000).toFixed(1)} s`,
        `${result.peakMiB.toFixed(0)} MiB`,
        `${((result.phases.idle.cpuMs / result.phases.idle.wallMs) * 100).toFixed(2)} %`,
      ]);
    }
  }
  return render(lines);
}
