import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FailedFile, type Outcome, readReport, type SecondRun } from './second-run.ts';
import { UNHANDLED_FILE } from './unhandled.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** The most files that run a second time; of more, the fault isn't that the machine was busy. */
export const MOST_AGAIN = 3;

/** A project of vitest.config.ts, and how it is run. */
export interface VitestProject {
  project: string;
  /** What tells scenarios where their test bed is, if they need one. */
  bedFile?: string | undefined;
  /** Runs a program of node_modules/.bin to its end; its exit code. */
  execute: (command: string, args: string[], env: Record<string, string>) => Promise<number>;
}

/**
 * Runs test files of a project.
 *
 * @param filters only files whose path contains one of these; all if there is none
 * @param report file for what it came to
 * @returns what it came to; `undefined` when it failed and left no test that did
 */
export async function runVitest(
  { project, bedFile, execute }: VitestProject,
  filters: readonly string[],
  report: string,
): Promise<Outcome | undefined> {
  const args = ['run', '--project', project, '--passWithNoTests'];
  args.push('--reporter=default', '--reporter=json', `--outputFile.json=${report}`);
  args.push('--reporter=./test/unhandled.ts');
  const unhandled = `${report}.unhandled`;
  const env = { [UNHANDLED_FILE]: unhandled, ...(bedFile !== undefined && { HEATSTACK_TESTBED: bedFile }) };
  const code = await execute('vitest', [...args, ...filters], env);
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const outcome = readReport(text, ROOT);
  outcome.count.failed += Number(await readFile(unhandled, 'utf8').catch(() => 0));
  return code === 0 || outcome.count.failed > 0 ? outcome : undefined;
}

/** A file of scenarios in which something failed, and what it belongs to. */
export interface Failed {
  of: VitestProject;
  file: FailedFile;
}

/**
 * Runs the files that failed once more, one at a time and nothing beside them, on the bed that they ran on. With more than
 * a few it does nothing.
 *
 * @param artifacts folder for reports
 */
export async function runAgain(
  failed: readonly Failed[],
  artifacts: string,
  log: (line: string) => void,
): Promise<SecondRun[]> {
  const runs: SecondRun[] = [];
  if (failed.length > MOST_AGAIN) {
    log(`${failed.length} files failed: too many for a second run`);
    return runs;
  }
  for (const [index, { of, file: first }] of failed.entries()) {
    log(`\n── once more, alone: ${first.file} ──`);
    const second = await runVitest(of, [first.file], join(artifacts, `again-${index}.json`));
    runs.push({ first, second });
  }
  return runs;
}
