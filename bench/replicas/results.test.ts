import { expect, test } from 'vitest';
import { brokenRules, report, type TrialResult } from './results.ts';

const result = (changes: Partial<TrialResult> = {}): TrialResult => ({
  ...{ title: 'a leader and a standby', stacks: 10, writes: 30, late: [], foreign: [], problems: [] },
  ...{ counts: { created: 12, updated: 5, deleted: 2 }, complaints: [], settledMs: 12_300 },
  faults: [
    { kind: 'kill', at: 1000, lease: 'x', replica: 'a', led: true, standbys: ['b'] },
    { kind: 'end', at: 90_000, lease: 'x', replica: 'b', led: true, standbys: ['c'] },
  ],
  tenures: [
    { lease: 'x', holder: 'b', acquiredAt: 16_000, seenAt: 16_000 },
    { lease: 'x', holder: '', acquiredAt: 90_100, seenAt: 90_100 },
    { lease: 'x', holder: 'c', acquiredAt: 94_000, seenAt: 94_000 },
  ],
  ...changes,
});
const line = (text: string, begin: string): string =>
  text
    .split('\n')
    .map((each) => each.trim())
    .find((each) => each.startsWith(begin)) ?? '';

test('what happened, and how long take-overs took', () => {
  const text = report(result());
  expect(line(text, 'objects')).toMatch(/12 created, 5 updated, 2 deleted$/);
  expect(line(text, 'faults')).toMatch(/kill 1, end 1, pause 0/);
  expect(line(text, 'all was right')).toMatch(/12 s after/);
  expect(line(text, 'after SIGKILL').split(/ {2,}/)).toEqual([
    ...['after SIGKILL', '1', '15.0', '15.0', '15.0', '≤ 17', 'yes'],
  ]);
  expect(line(text, 'after SIGTERM').split(/ {2,}/).slice(1)).toEqual([
    ...['1', '4.0', '4.0', '4.0', '≤ 3', 'no'],
  ]);
  expect(line(text, 'after SIGSTOP').split(/ {2,}/).slice(1)).toEqual(['0', '-', '-', '-', '-', '-']);
  expect(text).not.toContain('!');
});

test('a broken rule says what broke it, but not a thousand times', () => {
  const problems = Array.from({ length: 25 }, (_, at) => `stack-${at}: it has no stack`);
  const broken = brokenRules(result({ problems, settledMs: undefined }));
  expect(broken).toContain('  stack-3: it has no stack');
  expect(broken.at(-1)).toBe('  and 5 more');
  expect(report(result({ problems }))).toContain('! one stack for each object');
});

test('late writes are counted, writes of one that never led break a rule', () => {
  const write = { at: 1, sender: undefined, what: 'PUT /stacks of web' };
  expect(brokenRules(result({ late: [write] }))).toEqual([]);
  expect(report(result({ late: [write] }))).toContain('late: PUT /stacks of web');
  expect(brokenRules(result({ foreign: [write] }))).toContain('  PUT /stacks of web');
});

test('a lost Lease is a reason to end, another one is not', () => {
  const complaints = ['replica 1: heatstack-operator: lost Lease default/x', 'replica 2: TypeError'];
  expect(brokenRules(result({ complaints }))).toEqual([
    'no end without a reason: 1 times not',
    '  replica 2: TypeError',
  ]);
});
