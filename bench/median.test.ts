import { expect, test } from 'vitest';
import { median } from './median.ts';

test.each([
  [[], undefined],
  [[3], 3],
  [[3, 1, 2], 2],
  [[4, 1, 2, 3], 2.5],
])('the median of %j is %j', (numbers, expected) => {
  expect(median(numbers)).toBe(expected);
});
