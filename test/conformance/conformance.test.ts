import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { MOCK_DIFFERENCES } from './mock-differences.ts';
import { difference, type Outcome, placeheld } from './outcome.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { judge, mockDifference } from './verdict.ts';

const NAMES = SCENARIOS.map(({ name }) => name);

test('docs/openstack-conformance.md has each scenario once, in this order', () => {
  const page = readFileSync(new URL('../../docs/openstack-conformance.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| (.*?) \| (same|better) \|/gm)].map(([, name = '']) =>
    name.replaceAll('\\', ''),
  );
  expect(rows).toEqual(NAMES);
});

test('names are unique, and accepted differences are of scenarios', () => {
  expect(new Set(NAMES).size).toBe(NAMES.length);
  expect(NAMES).toEqual(expect.arrayContaining(Object.keys(MOCK_DIFFERENCES)));
});

describe('verdicts', () => {
  const it: Scenario = { name: 'x', sdk: '', ours: () => undefined };
  const run = (outcome: object): Outcome =>
    ({ value: 1, requests: ['GET /stacks 200'], writes: [], ...outcome }) as Outcome;

  test.each([
    ['equal', {}, {}, 'same'],
    ['fewer requests', {}, { requests: [] }, 'same'],
    ['more requests', {}, { requests: ['GET /a 200', 'GET /b 200'] }, 'worse'],
    ['another value', {}, { value: 2 }, 'worse'],
    ['members beside', { value: { a: 1 } }, { value: { a: 1, b: 2 } }, 'same'],
    ['a member is missing', { value: { a: 1, b: 2 } }, { value: { a: 1 } }, 'worse'],
    ['another write', { writes: [{ body: 1 }] }, { writes: [{ body: 2 }] }, 'worse'],
    ['an error of ours', {}, { value: undefined, error: 'BadRequest' }, 'worse'],
    ['an error of both, which is not expected', { error: 'BadRequest' }, { error: 'BadRequest' }, 'worse'],
  ])('%s', (_what, sdk, ours, verdict) => {
    expect(judge({ ...it, expect: {} }, run(sdk), run(ours)).verdict).toBe(verdict);
  });

  test('what should be better is worse when either does otherwise than it says', () => {
    const better = { because: 'why', sdk: { value: 1 }, ours: { value: 2 } };
    expect(judge({ ...it, better }, run({ value: 1 }), run({ value: 2 }))).toEqual({
      verdict: 'better',
      reason: 'why',
    });
    expect(judge({ ...it, better }, run({ value: 2 }), run({ value: 2 })).verdict).toBe('worse');
    expect(judge({ ...it, better }, run({ value: 1 }), run({ value: 1 })).verdict).toBe('worse');
  });

  test('the mock may order resources otherwise, but not add or lack a member', () => {
    const real = run({ value: [{ name: 'a' }, { name: 'b' }] });
    expect(mockDifference(it, real, run({ value: [{ name: 'b' }, { name: 'a' }] }))).toBeUndefined();
    expect(mockDifference(it, real, run({ value: [{ name: 'a', x: 1 }, { name: 'b' }] }))).toContain('x');
    expect(mockDifference(it, real, run({ value: [{ name: 'a' }] }))).toContain('value');
  });
});

test('what is new in each run becomes a placeholder', () => {
  const id = '01234567-89ab-cdef-0123-456789abcdef';
  const names = { name: 'conf1-own', prefix: 'conf1', stacks: [{ name: 'conf1-own', id }] };
  const link = `http://127.0.0.1:1234/v1/${'0'.repeat(32)}/stacks/conf1-own/${id}`;
  expect(placeheld({ link, at: '2026-01-01T00:00:00Z', other: 'conf1-web' }, names)).toEqual({
    link: '<heat>/stacks/<name>/<id>',
    at: '<time>',
    other: '<run>-web',
  });
});

test('a difference is told by its place', () => {
  expect(difference({ a: [{ b: 1 }] }, { a: [{ b: 2 }] })).toBe('a[0].b is 1 instead of 2');
  expect(difference({ a: null }, {})).toBeUndefined();
});
