import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { TestbedError } from './errors.ts';
import { atLeast, parseVersion } from './version.ts';

/** Heat 27 and Keystone 30 say so in their packages' `Requires-Python`. */
export const MINIMUM_PYTHON = '3.11';
const CANDIDATES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python'];

export interface Python {
  /** Path of the interpreter itself, not of a launcher in front of it. */
  path: string;
  /** As in `3.11.7`. */
  version: string;
}

/** The first Python on PATH that is new enough. Throws a TestbedError that says what was found instead. */
export async function findPython(): Promise<Python> {
  const found: string[] = [];
  for (const candidate of CANDIDATES) {
    const python = await inspect(candidate);
    if (python === undefined) continue;
    if (atLeast(python.version, MINIMUM_PYTHON)) return python;
    found.push(`${candidate} is ${python.version}`);
  }
  throw new TestbedError(
    `no Python ${MINIMUM_PYTHON} or newer on PATH (${found.join(', ') || 'none at all'}), and Heat and Keystone need one: ` +
      'install Python with its venv module (on Debian and Ubuntu: apt install python3 python3-venv)',
  );
}

async function inspect(command: string): Promise<Python | undefined> {
  // Inside a virtual environment, sys._base_executable is the Python it was made from, which outlives it.
  const program =
    'import sys; print("%d.%d.%d" % sys.version_info[:3]); print(getattr(sys, "_base_executable", "") or sys.executable)';
  try {
    const { stdout } = await promisify(execFile)(command, ['-I', '-c', program], { timeout: 20_000 });
    const [version, path] = stdout.trim().split('\n');
    if (path === undefined || parseVersion(version ?? '') === undefined) return undefined;
    return { path, version: version ?? '' };
  } catch {
    return undefined; // not installed, or too old for this program
  }
}
