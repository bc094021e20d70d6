import { describe, expect, test } from 'vitest';
import { describeSecondRuns, passedAgain, readReport, recount } from './second-run.ts';

interface Test {
  fullName: string;
  status: string;
  failureMessages?: string[];
}

function report(files: Record<string, Test[]>): string {
  const all = Object.values(files).flat();
  const number = (status: string) => all.filter((each) => each.status === status).length;
  return JSON.stringify({
    numPassedTests: number('passed'),
    numFailedTests: number('failed'),
    numPendingTests: number('skipped'),
    numTodoTests: 0,
    testResults: Object.entries(files).map(([name, assertionResults]) => ({
      name: `/repo/${name}`,
      status: assertionResults.every(({ status }) => status === 'passed') ? 'passed' : 'failed',
      message: assertionResults.some(({ status }) => status === 'failed') ? '' : 'Error: in beforeAll\nat x',
      assertionResults,
    })),
  });
}

const passed = (fullName: string): Test => ({ fullName, status: 'passed' });
const skipped = (fullName: string): Test => ({ fullName, status: 'skipped' });
const failed = (fullName: string): Test => ({
  fullName,
  status: 'failed',
  failureMessages: ['AssertionError: 1 is not 2'],
});

const FIRST = report({ 'a.test.ts': [passed('one'), failed('two')], 'b.test.ts': [passed('three')] });
const first = firstOf(FIRST);

function firstOf(text: string) {
  const [file] = readReport(text, '/repo').failedFiles;
  if (!file) throw new Error('nothing failed');
  return file;
}

describe('a report', () => {
  test('names the files and tests that failed', () => {
    expect(readReport(FIRST, '/repo')).toEqual({
      count: { passed: 2, failed: 1, skipped: 0 },
      failedFiles: [
        {
          file: 'a.test.ts',
          count: { passed: 1, failed: 1, skipped: 0 },
          failures: [{ test: 'two', message: 'AssertionError: 1 is not 2' }],
        },
      ],
    });
  });

  test('of a file whose hook failed counts one failure', () => {
    expect(readReport(report({ 'a.test.ts': [skipped('one')] }), '/repo')).toEqual({
      count: { passed: 0, failed: 1, skipped: 1 },
      failedFiles: [
        {
          file: 'a.test.ts',
          count: { passed: 0, failed: 1, skipped: 1 },
          failures: [{ test: '(the file)', message: 'Error: in beforeAll\nat x' }],
        },
      ],
    });
  });

  test('that is none is refused', () => {
    expect(() => readReport('{}', '/repo')).toThrow();
  });
});

describe('a second run', () => {
  test('that passes is told with the first failure', () => {
    const run = {
      first,
      second: readReport(report({ 'a.test.ts': [passed('one'), passed('two')] }), '/repo'),
    };
    expect(passedAgain(run)).toBe(true);
    expect(recount(run)).toEqual({ passed: 1, failed: -1, skipped: 0 });
    expect(describeSecondRuns([run])).toEqual([
      '⚠ passed only when run again, alone: a.test.ts › two',
      '  the first time:',
      '    AssertionError: 1 is not 2',
      '⚠ 1 file passed only when run again, alone',
    ]);
  });

  test('that fails in another test fails', () => {
    const run = {
      first,
      second: readReport(report({ 'a.test.ts': [failed('one'), passed('two')] }), '/repo'),
    };
    expect(passedAgain(run)).toBe(false);
    expect(recount(run)).toEqual({ passed: 0, failed: 0, skipped: 0 });
    expect(describeSecondRuns([run])).toContain('✗ 1 file failed twice');
  });

  test.each([
    ['no report', undefined],
    ['no test', readReport(report({}), '/repo')],
  ])('with %s takes no failure away', (_what, second) => {
    const run = { first, second };
    expect(passedAgain(run)).toBe(false);
    expect(recount(run)).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });
});
