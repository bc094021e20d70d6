// Vitest's global set-up of the tests of files for other tools: the programs that try them are built once.
import type { TestProject } from 'vitest/node';
import { cacheRoot } from '../testbed/cache.ts';
import { findPython } from '../testbed/python.ts';
import { gitopsPrograms, type Programs } from './programs.ts';

declare module 'vitest' {
  interface ProvidedContext {
    programs: Programs;
  }
}

export default async function setup(project: TestProject): Promise<void> {
  const python = (await findPython()).path;
  const log = (line: string): void => void process.stdout.write(`${line}\n`);
  project.provide('programs', await gitopsPrograms({ root: cacheRoot(), python, log }));
}
