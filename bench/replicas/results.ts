import { median } from '../median.ts';
import { render } from '../table.ts';
import {
  type AttributedWrite,
  FAULT_KINDS,
  type Fault,
  type FaultKind,
  type Tenure,
  takeOvers,
} from './tenures.ts';

/** What came of one set-up. */
export interface TrialResult {
  title: string;
  stacks: number;
  counts: { created: number; updated: number; deleted: number };
  faults: readonly Fault[];
  tenures: readonly Tenure[];
  /** Requests that were to change a stack. */
  writes: number;
  late: readonly AttributedWrite[];
  foreign: readonly AttributedWrite[];
  /** From the last fault until all was right; `undefined` when it didn't become so in time. */
  settledMs: number | undefined;
  /** What was not right in the end. */
  problems: readonly string[];
  /** Of replicas that ended although nobody ended or paused them. */
  complaints: readonly string[];
}

/** Most time until a warm standby leads, in ms. */
const GOALS_MS: readonly { kind: FaultKind; title: string; most?: number }[] = [
  { kind: 'kill', title: 'SIGKILL', most: 17_000 },
  { kind: 'end', title: 'SIGTERM', most: 3_000 },
  { kind: 'pause', title: 'SIGSTOP' },
];
/** So many names at most are told of one rule. */
const MOST_NAMES = 20;
/** A leader that can't reach the API server in time ends: what it says then. */
const LOST_LEASE = 'lost Lease';

/** The rules that were broken, with what broke them. */
export function brokenRules({ problems, foreign, complaints }: TrialResult): string[] {
  const crashes = complaints.filter((each) => !each.includes(LOST_LEASE));
  return [
    ...some('one stack for each object, as it says', problems),
    ...some(
      'no write by one that never led',
      foreign.map(({ what }) => what),
    ),
    ...some('no end without a reason', crashes),
  ];
}

function some(rule: string, breaches: readonly string[]): string[] {
  if (breaches.length === 0) return [];
  const left = breaches.length - MOST_NAMES;
  return [
    `${rule}: ${breaches.length} times not`,
    ...breaches.slice(0, MOST_NAMES).map((breach) => `  ${breach}`),
    ...(left > 0 ? [`  and ${left} more`] : []),
  ];
}

/** What came of one set-up, for people. */
export function report(result: TrialResult): string {
  const { title, stacks, counts, faults, writes, late, complaints, settledMs } = result;
  const times = (kind: FaultKind): number => faults.filter((fault) => fault.kind === kind).length;
  const settled = settledMs === undefined ? 'no' : `${(settledMs / 1000).toFixed(0)} s after the last fault`;
  const lost = complaints.filter((each) => each.includes(LOST_LEASE)).length;
  const rows = [
    ['objects', `${counts.created} created, ${counts.updated} updated, ${counts.deleted} deleted`],
    ['faults', FAULT_KINDS.map((kind) => `${kind} ${times(kind)}`).join(', ')],
    ['Leases lost otherwise', String(lost)],
    ['writes to Heat', `${writes}, late ones ${late.length}`],
    ['all was right', settled],
  ];
  const table = [
    ['take-over by a warm standby, in s', 'times', 'min', 'median', 'max', 'goal', 'met'],
    ...GOALS_MS.map(({ kind, title: name, most }) => takeOverRow(result, kind, name, most)),
  ];
  const lines = [
    `${title}, ${stacks} stacks`,
    ...rows.map(([what = '', text = '']) => `  ${what.padEnd(22)} ${text}`),
    ...late.slice(0, MOST_NAMES).map(({ what }) => `  late: ${what}`),
    ...render(table)
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
  ];
  const broken = brokenRules(result);
  return `${[...lines, ...broken.map((line) => `  ! ${line}`)].join('\n')}\n`;
}

function takeOverRow({ faults, tenures }: TrialResult, kind: FaultKind, name: string, most?: number) {
  const times = takeOvers(kind, faults, tenures);
  const seconds = (ms: number | undefined): string => (ms === undefined ? '-' : (ms / 1000).toFixed(1));
  const max = times.at(-1);
  const met = most === undefined || max === undefined ? '-' : max <= most ? 'yes' : 'no';
  const middle = median(times);
  return [
    `after ${name}`,
    String(times.length),
    seconds(times[0]),
    seconds(middle),
    seconds(max),
    most === undefined ? '-' : `≤ ${most / 1000}`,
    met,
  ];
}
