// Vitest's global set-up of the scenarios: what they start as the operator is made once a run, of the sources as they are.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { bundle } from '../../deploy/bundle/bundle.ts';
import { findPython } from '../testbed/python.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The operator as one file. */
    operator: string;
    /** Where operators keep what is compiled. */
    compileCache: string;
    /** A Python for the guards of operators. */
    python: string;
  }
}

/**
 * Bundles the operator: of a start from the sources, two thirds is finding and stripping hundreds of files, and the
 * scenarios start some hundred and fifty.
 *
 * @returns removes it
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'heatstack-operator-'));
  const { program: operator } = await bundle(join(folder, 'bundle'));
  const compileCache = join(folder, 'compiled');
  // Node writes its cache when it ends, and scenarios mostly kill.
  await promisify(execFile)(process.execPath, [operator, '--version'], {
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
  });
  project.provide('operator', operator);
  project.provide('compileCache', compileCache);
  project.provide('python', (await findPython()).path);
  return () => rm(folder, { recursive: true, force: true });
}
