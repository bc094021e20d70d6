// Vitest's global set-up of the scenarios: what they start as the operator is made once a run, of the sources as they are.
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import type { TestProject } from 'vitest/node';
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

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Bundles the operator: of a start from the sources, two thirds is finding and stripping hundreds of files, and the
 * scenarios start some hundred and fifty.
 *
 * @returns removes it
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'heatstack-operator-'));
  const operator = join(folder, 'dist', 'main.mjs');
  await build({
    entryPoints: [join(ROOT, 'src', 'main.ts')],
    outfile: operator,
    bundle: true,
    platform: 'node',
    format: 'esm',
    // Some of the dependencies are CommonJS.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    // Names in stack traces stay.
    minify: false,
    logLevel: 'error',
  });
  // It says which version it is.
  await copyFile(join(ROOT, 'package.json'), join(folder, 'package.json'));
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
