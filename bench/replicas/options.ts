import { parseArgs } from 'node:util';
import { parseDuration } from '../../src/api/duration.ts';
import { messageOf, TestbedError } from '../../test/testbed/errors.ts';
import { pick } from '../pick.ts';
import { SET_UPS, type SetUp } from './set-ups.ts';

const MAX_STACKS = 10_000;
const MAX_CHANGES = 100;
const MAX_SEED = 2 ** 32 - 1;
const DAY_MS = 86_400_000;
const NAMES = SET_UPS.map(({ name }) => name).join(',');

export const REPLICAS_USAGE = `usage: npm run bench -- replicas [options]

Kills, ends, pauses and adds replicas of the operator at random while HeatStacks are made, changed and deleted, on a real
API server of Kubernetes with a stand-in for Heat, all on loopback. First a leader with a standby, then three shards of
two replicas each. In the end each object must have its one stack, with its parameters, and nothing else may be left.
Needs Linux, Go and Python. Exit code 1 when a rule was broken; it says which, and for which objects.

options:
  --stacks N           how many HeatStacks (default 1000)
  --duration DURATION  how long things happen, for all set-ups together (default 10m)
  --pause DURATION     how long a paused replica is stopped (default 60s)
  --changes N          objects made, changed or deleted a second (default 5)
  --set-ups NAMES      these set-ups (default ${NAMES})
  --work DURATION      how long Heat works on a stack (default 10s)
  --seed N             what chance decides is the same for the same number (default: another one each time)
  --help               show this
`;

export interface Options {
  stacks: number;
  /** Of each set-up. */
  durationMs: number;
  pauseMs: number;
  /** A second. */
  changes: number;
  setUps: SetUp[];
  /** As Go writes durations. */
  work: string;
  seed: number;
}

/** Options of the command line. Throws a TestbedError for what it doesn't know. */
export function parseOptions(args: string[], seed: () => number): Options {
  const given = parse(args);
  const setUps = pick('--set-ups', given['set-ups'], SET_UPS, ({ name }) => name);
  const durationMs = durationOf('--duration', given.duration ?? '10m') / setUps.length;
  const pauseMs = durationOf('--pause', given.pause ?? '60s');
  if (pauseMs >= durationMs) {
    throw new TestbedError('--pause must be shorter than --duration divided by the number of set-ups');
  }
  return {
    stacks: numberOf('--stacks', given.stacks ?? '1000', 1, MAX_STACKS),
    durationMs,
    pauseMs,
    changes: numberOf('--changes', given.changes ?? '5', 1, MAX_CHANGES),
    setUps,
    work: `${durationOf('--work', given.work ?? '10s')}ms`,
    seed: given.seed === undefined ? seed() : numberOf('--seed', given.seed, 0, MAX_SEED),
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      strict: true,
      allowPositionals: false,
      options: {
        stacks: { type: 'string' },
        duration: { type: 'string' },
        pause: { type: 'string' },
        changes: { type: 'string' },
        'set-ups': { type: 'string' },
        work: { type: 'string' },
        seed: { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new TestbedError(`${messageOf(error)}; --help shows the options`);
  }
}

function numberOf(option: string, text: string, least: number, most: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : -1;
  if (number >= least && number <= most) return number;
  throw new TestbedError(`${option} takes whole numbers from ${least} to ${most}, not "${text}"`);
}

function durationOf(option: string, text: string): number {
  try {
    const ms = parseDuration(text);
    if (ms >= 1000 && ms <= DAY_MS) return ms;
  } catch {
    // said below
  }
  throw new TestbedError(`${option} must be a duration of 1s to 24h, not "${text}"`);
}
