import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Cache, cached, fingerprint, forget } from './cache.ts';
import { step } from './progress.ts';
import type { Python } from './python.ts';
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
  const read = (file: string): Promise<Buffer> => readFile(join(PROGRAMS, file));
  const packages = [await read('requirements.in'), await read('constraints.txt')];
  const minor = python.version.split('.').slice(0, 2).join('.');
  const venvPrint = fingerprint([process.platform, process.arch, minor, python.path, ...packages]);

  // An environment points at the Python it was made from; when that one is gone, it is of no use.
  const venvName = `openstack-${venvPrint}`;
  const interpreter = join(cache.root, venvName, 'bin', 'python');
  if (!existsSync(interpreter)) await forget(cache, venvName);
  await cached(cache, venvName, (folder) => install(cache, python, folder));

  const seedPrint = fingerprint([venvPrint, await read('configuration.py'), await read('seed.py')]);
  const seed = await cached(cache, `openstack-seed-${seedPrint}`, (folder) =>
    step(cache.log, 'making the first databases of Keystone and Heat', (note) =>
      runTool({
        python: python.path,
        command: interpreter,
        args: [join(PROGRAMS, 'seed.py'), folder],
        logFile: `${folder}.log`,
        cure: `remove ${join(cache.root, venvName)} and start again`,
        onLine: (line) => {
          if (line.startsWith('step: ')) note(line.slice('step: '.length));
        },
        signal: cache.signal,
      }),
    ),
  );
  return { python: interpreter, seed };
}

async function install(cache: Cache, python: Python, folder: string): Promise<void> {
  const common = { python: python.path, logFile: `${folder}.log`, signal: cache.signal };
  await step(cache.log, `making a virtual environment with Python ${python.version}`, () =>
    runTool({
      ...common,
      command: python.path,
      args: ['-m', 'venv', folder],
      cure: "install Python's venv module (on Debian and Ubuntu: apt install python3-venv)",
    }),
  );
  await step(cache.log, 'installing Keystone and Heat with pip (about a minute, once)', (note) =>
    runTool({
      ...common,
      command: join(folder, 'bin', 'python'),
      args: [
        '-m',
        'pip',
        'install',
        '--disable-pip-version-check',
        '--no-input',
        '--progress-bar',
        'off',
        '-r',
        join(PROGRAMS, 'requirements.in'),
        '-c',
        join(PROGRAMS, 'constraints.txt'),
      ],
      cure: 'if it is about downloading, check that PyPI or your mirror of it can be reached (pip config list), then start again',
      onLine: (line) => {
        const what = /^\s*(Collecting|Downloading|Using cached|Building|Installing)\b\s*(\S+)/.exec(line);
        if (what !== null) note(what[0].trim());
      },
    }),
  );
}
