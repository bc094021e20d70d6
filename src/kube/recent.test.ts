import { expect, test } from 'vitest';
import { Recent } from './recent.ts';

test('keeps an entry until its age after it was last set', () => {
  const recent = new Recent<number>(10, 100);
  recent.set('a', 1, 0);
  expect(recent.get('a', 99)).toBe(1);
  recent.set('a', 2, 99);
  expect(recent.get('a', 198)).toBe(2);
  expect(recent.get('a', 199)).toBeUndefined();
});

test('lets go of all that are too old, whichever is asked for', () => {
  const recent = new Recent<number>(10, 100);
  for (const key of ['a', 'b', 'c']) recent.set(key, 1, 0);
  recent.set('a', 2, 50);
  expect(recent.size).toBe(3);
  recent.set('d', 1, 100);
  expect(recent.size).toBe(2);
  expect(recent.get('x', 150)).toBeUndefined();
  expect(recent.size).toBe(1);
});

test('lets go of the one that was set the longest time ago when there are too many', () => {
  const recent = new Recent<number>(2, 100);
  recent.set('a', 1, 0);
  recent.set('b', 1, 1);
  recent.set('a', 1, 2);
  recent.set('c', 1, 3);
  expect(['a', 'b', 'c'].map((key) => recent.get(key, 4))).toEqual([1, undefined, 1]);
});
