import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Cache, cached, fingerprint } from './cache.ts';
import { step } from './progress.ts';
import type { Python } from './python.ts';
import { pythonEnvironment } from './python-environment.ts';
import { runTool } from './tool.ts';

/** The Python programs that run Keystone and Heat. */
export const PROGRAMS = fileURLToPath(new URL('./openstack', import.meta.url));

export interface OpenStackEnvironment {
  /** Interpreter of the virtual environment with Keystone and Heat. */
  python: string;
  /** Folder with the databases that every test bed starts from. */
  seed: string;
}

/** Keystone and Heat from PyPI in a virtual environment, and their first databases; built into the cache if missing. */
export async function openStackEnvironment(cache: Cache, python: Python): Promise<OpenStackEnvironment> {
  const { name, interpreter, print } = await pythonEnvironment(cache, python, {
    name: 'openstack',
    title: 'Keystone and Heat with pip (about a minute, once)',
    folder: PROGRAMS,
  });
  const read = (file: string): Promise<Buffer> => readFile(join(PROGRAMS, file));
  const seedPrint = fingerprint([print, await read('configuration.py'), await read('seed.py')]);
  const seed = await cached(cache, `openstack-seed-${seedPrint}`, (folder) =>
    step(cache.log, 'making the first databases of Keystone and Heat', (note) =>
      runTool({
        python: python.path,
        command: interpreter,
        args: [join(PROGRAMS, 'seed.py'), folder],
        logFile: `${folder}.log`,
        cure: `remove ${join(cache.root, name)} and start again`,
        onLine: (line) => {
          if (line.startsWith('step: ')) note(line.slice('step: '.length));
        },
        signal: cache.signal,
      }),
    ),
  );
  return { python: interpreter, seed };
}
