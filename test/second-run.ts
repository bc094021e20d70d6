import { relative } from 'node:path';
import * as v from 'valibot';

/** What vitest's JSON report says, as far as it is read here. */
const reportSchema = v.object({
  numPassedTests: v.number(),
  numFailedTests: v.number(),
  numPendingTests: v.number(),
  numTodoTests: v.number(),
  testResults: v.array(
    v.object({
      name: v.string(),
      status: v.string(),
      message: v.optional(v.string(), ''),
      assertionResults: v.array(
        v.object({
          fullName: v.string(),
          status: v.string(),
          failureMessages: v.nullish(v.array(v.string()), []),
        }),
      ),
    }),
  ),
});

export interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

/** Adds to a count. */
export function addTo(total: Count, { passed, failed, skipped }: Count): void {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

/** A test that failed, or a file that failed otherwise: then the test is "(the file)". */
export interface Failure {
  test: string;
  /** The first lines of what it said. */
  message: string;
}

/** A test file in which something failed. */
export interface FailedFile {
  /** Path from the root of the repository. */
  file: string;
  count: Count;
  failures: Failure[];
}

/** What vitest counted, and the files in which something failed. */
export interface Outcome {
  count: Count;
  failedFiles: FailedFile[];
}

const MESSAGE_LINES = 12;

/** Reads a JSON report of vitest; a file that couldn't be loaded, or whose hook failed, counts as one failure. */
export function readReport(text: string, root: string): Outcome {
  const report = v.parse(reportSchema, JSON.parse(text));
  const count: Count = {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
  };
  const failedFiles = report.testResults
    .filter(({ status }) => status === 'failed')
    .map(({ name, message, assertionResults }) => {
      const of = (...which: string[]) => assertionResults.filter(({ status }) => which.includes(status));
      const failures = of('failed').map(({ fullName, failureMessages }) => ({
        test: fullName,
        message: firstLines((failureMessages ?? []).join('\n')),
      }));
      if (failures.length === 0) {
        failures.push({ test: '(the file)', message: firstLines(message) });
        count.failed += 1;
      }
      const passed = of('passed').length;
      const skipped = assertionResults.length - passed - of('failed').length;
      return {
        file: relative(root, name),
        count: { passed, failed: failures.length, skipped },
        failures,
      };
    });
  return { count, failedFiles };
}

function firstLines(text: string): string {
  const lines = text.trim().split('\n');
  return lines
    .filter((line) => !line.includes('/node_modules/'))
    .slice(0, MESSAGE_LINES)
    .join('\n');
}

/** What a file's second run, alone, made of its first. */
export interface SecondRun {
  first: FailedFile;
  /** `undefined` when it left no report. */
  second: Outcome | undefined;
}

/** Whether a file's second run is without a failure, and not without a test. */
export function passedAgain({ second }: SecondRun): boolean {
  return second !== undefined && second.count.failed === 0 && second.count.passed > 0;
}

/** The change of the total count: what a file counted the second time instead of the first. */
export function recount({ first, second }: SecondRun): Count {
  if (!second) return { passed: 0, failed: 0, skipped: 0 };
  // A second run with nothing in it takes no failure away.
  if (second.count.failed === 0 && second.count.passed === 0) return { passed: 0, failed: 0, skipped: 0 };
  return {
    passed: second.count.passed - first.count.passed,
    failed: second.count.failed - first.count.failed,
    skipped: second.count.skipped - first.count.skipped,
  };
}

/** What is said in the end about files that ran twice. */
export function describeSecondRuns(runs: readonly SecondRun[]): string[] {
  const lines = runs.flatMap((run) => {
    const again = new Set(
      run.second?.failedFiles.flatMap(({ failures }) => failures.map(({ test }) => test)),
    );
    const what = passedAgain(run) ? '⚠ passed only when run again, alone:' : '✗ failed twice:';
    return run.first.failures.flatMap(({ test, message }) => {
      // In a file that failed twice, a test may have passed this time.
      const verdict =
        passedAgain(run) || again.has(test) ? what : '✗ failed once, in a file that failed twice:';
      return [
        `${verdict} ${run.first.file} › ${test}`,
        '  the first time:',
        ...message.split('\n').map((line) => `    ${line}`),
      ];
    });
  });
  const flaky = runs.filter(passedAgain).length;
  if (flaky > 0) lines.push(`⚠ ${flaky} file${flaky > 1 ? 's' : ''} passed only when run again, alone`);
  const failing = runs.length - flaky;
  if (failing > 0) lines.push(`✗ ${failing} file${failing > 1 ? 's' : ''} failed twice`);
  return lines;
}
