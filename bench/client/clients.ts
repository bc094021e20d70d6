import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Cache } from '../../test/testbed/cache.ts';
import { goPrograms } from '../../test/testbed/go-programs.ts';
import { sdkEnvironment } from '../../test/testbed/sdk-environment.ts';
import type { Workplace } from '../workplace.ts';

const PEERS = fileURLToPath(new URL('./peers', import.meta.url));
const OURS = fileURLToPath(new URL('./ours.ts', import.meta.url));

/** A command line without the last two arguments: Keystone's address and the work. */
export interface Command {
  command: string;
  args: string[];
}

/** Where programs come from. */
type Workshop = Pick<Workplace, 'cache' | 'python' | 'folder'>;

export interface Client {
  title: string;
  /** How often it is measured, at most. */
  rounds?: number;
  /** Does at most so much of a workload, warm-up too. */
  most?: { count: number; warmUp: number };
  prepare(workshop: Workshop): Promise<Command>;
}

export type ClientName = 'ours' | 'bundled' | 'gophercloud' | 'openstacksdk';

export const CLIENTS: Record<ClientName, Client> = {
  ours: {
    title: 'ours',
    prepare: async () => ({ command: process.execPath, args: [OURS] }),
  },
  bundled: {
    title: 'ours, bundled',
    async prepare({ folder }) {
      const outfile = join(folder, 'ours.mjs');
      await build({
        entryPoints: [OURS],
        outfile,
        bundle: true,
        platform: 'node',
        format: 'esm',
        // Dependencies that are CommonJS ask for Node's own modules by require.
        banner: {
          js: "import {createRequire} from 'node:module';const require=createRequire(import.meta.url);",
        },
        logLevel: 'error',
      });
      return { command: process.execPath, args: [outfile] };
    },
  },
  gophercloud: {
    title: 'gophercloud',
    prepare: async ({ cache }) => ({ command: await peer(cache, 'gophercloud'), args: [] }),
  },
  openstacksdk: {
    title: 'openstacksdk',
    // A round takes it most of a minute.
    rounds: 1,
    most: { count: 10_000, warmUp: 1000 },
    prepare: async ({ cache, python }) => ({
      command: await sdkEnvironment(cache, python),
      args: [join(PEERS, 'openstacksdk', 'client.py')],
    }),
  },
};

/** The server that all are measured on. */
export async function serverCommand(cache: Cache): Promise<Command> {
  const samples = fileURLToPath(new URL('../../src/openstack/testdata/heat-samples.json', import.meta.url));
  return { command: await peer(cache, 'server'), args: [samples] };
}

/** Path of one of the Go programs, built into the cache if missing. */
async function peer(cache: Cache, name: 'server' | 'gophercloud'): Promise<string> {
  const programs = await goPrograms(cache, {
    name: 'bench-peers',
    module: PEERS,
    what: 'gophercloud and the server',
    otherwise: ', or leave it out by --clients',
  });
  return join(programs, name);
}
