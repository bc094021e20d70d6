import { numberOf, textOptions } from '../arguments.ts';

const MAX_MINUTES = 1440;
const MAX_STACKS = 10_000;
const MAX_CHANGES = 50;
const NAMES = ['minutes', 'stacks', 'changes', 'snapshots', 'json'] as const;

export const SOAK_USAGE = `usage: npm run bench -- soak [options]

Runs one operator for long while HeatStacks are made, changed and deleted at the same rate all the time, on a real API
server of Kubernetes with a stand-in for Heat, all on loopback, and looks from outside whether its memory or its sockets
grow. Needs Linux, Go and Python. Exit code 1 when something grew, or an object isn't right in the end.

options:
  --minutes N         how long (default 30); less than ten tell little of the heap
  --stacks N          how many HeatStacks there are at any time (default 300)
  --changes N         objects made, changed or deleted a second (default 5)
  --snapshots FOLDER  write the heap there after the warm-up and in the end, for a browser's developer tools; it is
                      measured worse then
  --json FILE         write what was measured to FILE too
  --help              show this
`;

export interface Options {
  durationMs: number;
  stacks: number;
  /** A second. */
  changes: number;
  snapshots: string | undefined;
  json: string | undefined;
}

/** Options of the command line. Throws a TestbedError for what it doesn't know. */
export function parseOptions(args: string[]): Options {
  const { minutes = '30', stacks = '300', changes = '5', snapshots, json } = textOptions(args, NAMES);
  return {
    durationMs: numberOf('--minutes', minutes, MAX_MINUTES) * 60_000,
    stacks: numberOf('--stacks', stacks, MAX_STACKS),
    changes: numberOf('--changes', changes, MAX_CHANGES),
    snapshots,
    json,
  };
}
