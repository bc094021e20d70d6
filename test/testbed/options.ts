import { parseArgs } from 'node:util';
import { messageOf, TestbedError } from './errors.ts';

export const USAGE = `usage: npm run testbed -- [options]

Runs a real Kubernetes API server and a real Keystone and Heat on free ports of loopback, until Ctrl-C.
The first start builds them into the cache, which takes minutes.

options:
  --ready FILE   write FILE when everything answers: JSON with kubeconfig, clouds, kubectl, heatUrl, authUrl, pids
  --dir DIR      keep all state in DIR, and go on from what it holds (default: a temporary folder, removed at the end)
  --help         show this
`;

export interface Options {
  help: boolean;
  ready: string | undefined;
  dir: string | undefined;
}

/** Options of the command line. Throws a TestbedError for what it doesn't know. */
export function parseOptions(args: string[]): Options {
  try {
    const { values } = parseArgs({
      args,
      strict: true,
      allowPositionals: false,
      options: { help: { type: 'boolean', short: 'h' }, ready: { type: 'string' }, dir: { type: 'string' } },
    });
    return { help: values.help ?? false, ready: values.ready, dir: values.dir };
  } catch (error) {
    throw new TestbedError(`${messageOf(error)}; --help shows the options`);
  }
}
