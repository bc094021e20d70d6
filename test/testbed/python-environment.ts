import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cache, cached, fingerprint, forget } from './cache.ts';
import { step } from './progress.ts';
import type { Python } from './python.ts';
import { runTool } from './tool.ts';

export interface PythonEnvironmentOptions {
  /** Begins the name of its folder in the cache. */
  name: string;
  /** What it holds and how long that takes, for people: `Keystone and Heat with pip (about a minute, once)`. */
  title: string;
  /** Folder with requirements.in, what is wanted, and constraints.txt, the version of each package. */
  folder: string;
}

export interface PythonEnvironment {
  /** Name of its folder in the cache. */
  name: string;
  /** Path of its interpreter. */
  interpreter: string;
  /** Differs when anything that it is made from does. */
  print: string;
}

/** A virtual environment with packages from PyPI; built into the cache if missing. */
export async function pythonEnvironment(
  cache: Cache,
  python: Python,
  { name: prefix, title, folder: packages }: PythonEnvironmentOptions,
): Promise<PythonEnvironment> {
  const requirements = join(packages, 'requirements.in');
  const constraints = join(packages, 'constraints.txt');
  const minor = python.version.split('.').slice(0, 2).join('.');
  const content = [await readFile(requirements), await readFile(constraints)];
  const print = fingerprint([process.platform, process.arch, minor, python.path, ...content]);

  // An environment points at the Python it was made from; when that one is gone, it is of no use.
  const name = `${prefix}-${print}`;
  const interpreter = join(cache.root, name, 'bin', 'python');
  if (!existsSync(interpreter)) await forget(cache, name);
  await cached(cache, name, async (folder) => {
    const common = { python: python.path, logFile: `${folder}.log`, signal: cache.signal };
    await step(cache.log, `making a virtual environment with Python ${python.version}`, () =>
      runTool({
        ...common,
        command: python.path,
        args: ['-m', 'venv', folder],
        cure: "install Python's venv module (on Debian and Ubuntu: apt install python3-venv)",
      }),
    );
    const options = ['--disable-pip-version-check', '--no-input', '--progress-bar', 'off'];
    await step(cache.log, `installing ${title}`, (note) =>
      runTool({
        ...common,
        command: join(folder, 'bin', 'python'),
        args: ['-m', 'pip', 'install', ...options, '-r', requirements, '-c', constraints],
        cure: 'if it is about downloading, check that PyPI or your mirror of it can be reached (pip config list), then start again',
        onLine: (line) => {
          const what = /^\s*(Collecting|Downloading|Using cached|Building|Installing)\b\s*(\S+)/.exec(line);
          if (what !== null) note(what[0].trim());
        },
      }),
    );
  });
  return { name, interpreter, print };
}
