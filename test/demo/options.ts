import { parseArgs } from 'node:util';
import { DemoError } from './errors.ts';

export const USAGE = `usage: npm run demo -- [options]

Starts a real Kubernetes API server and a real OpenStack Keystone and Heat on free ports of loopback, runs the operator
against them, and shows two HeatStacks (deploy/samples) turn Ready and one of them change. Everything then stays up
until Ctrl-C. The first run builds the servers into a cache, which takes some minutes. Your own clusters and clouds are
not touched.

options:
  --exit    don't stay: delete the HeatStacks, check that Heat has no stack left, and end
  --help    show this

Exit code: 0 if all went well, 1 if something failed, 130 if it was interrupted before the end.
`;

export interface Options {
  help: boolean;
  /** Delete what was made, and end. */
  exit: boolean;
}

/** Options of the command line. Throws a DemoError for what it doesn't know. */
export function parseOptions(args: string[]): Options {
  try {
    const { values } = parseArgs({
      args,
      strict: true,
      allowPositionals: false,
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        exit: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    throw new DemoError(
      `${error instanceof Error ? error.message : String(error)}; --help shows the options`,
    );
  }
}
