import { expect, test } from 'vitest';
import { oneOf, seededRandom } from './random.ts';

const first = (seed: number, count: number): number[] =>
  Array.from(
    { length: count },
    function (this: () => number) {
      return this();
    },
    seededRandom(seed),
  );

test('the same seed gives the same numbers, another one others', () => {
  expect(first(1, 20)).toEqual(first(1, 20));
  expect(first(1, 20)).not.toEqual(first(2, 20));
});

test('numbers are spread over all from 0 to 1', () => {
  const numbers = first(7, 10_000);
  expect(numbers.every((each) => each >= 0 && each < 1)).toBe(true);
  for (let tenth = 0; tenth < 10; tenth += 1) {
    const share = numbers.filter((each) => Math.floor(each * 10) === tenth).length;
    expect(share).toBeGreaterThan(800);
    expect(share).toBeLessThan(1200);
  }
});

test('one of several is chosen as often as its weight says', () => {
  const random = seededRandom(3);
  const chosen = Array.from({ length: 1000 }, () =>
    oneOf(random, ['a', 'b', 'never'], (one) => ({ a: 3, b: 1 })[one] ?? 0),
  );
  expect(chosen.filter((each) => each === 'a').length).toBeGreaterThan(650);
  expect(chosen.filter((each) => each === 'b').length).toBeGreaterThan(150);
  expect(chosen).not.toContain('never');
  expect(oneOf(random, [])).toBeUndefined();
});
