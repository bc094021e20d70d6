import { expect, test } from 'vitest';
import { applyPatch } from './writes.ts';

test('a patch holds all that is applied now, and takes out what only the last apply had', () => {
  const before = { spec: { suspend: true, parameters: { one: 1, two: 2 }, tags: ['a'] } };
  const now = { spec: { parameters: { two: 2 }, tags: ['b'], outputs: {} } };
  expect(applyPatch(before, now)).toEqual({
    spec: { suspend: null, parameters: { one: null, two: 2 }, tags: ['b'], outputs: {} },
  });
  expect(applyPatch(undefined, now)).toEqual(now);
});
