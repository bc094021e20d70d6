import { expect, test } from 'vitest';
import { grows, trendOf, windowsOf } from './growth.ts';
import type { Sample } from './samples.ts';

const MINUTE = 60_000;
const tolerance = { amount: 3, share: 0.05 };
const series = (value: (at: number) => number): number[] => Array.from({ length: 24 }, (_, at) => value(at));
/** The same noise each time, of ±1. */
const noise = (at: number): number => ((at * 7919) % 21) / 10 - 1;
const growing = (values: (number | undefined)[]): boolean => grows(trendOf(values, MINUTE), tolerance);

test('the first fifth of the time is warm-up', () => {
  const samples = Array.from({ length: 300 }, (_, at) => ({ atMs: at * 100 }) as Sample);
  const windows = windowsOf(samples, 30_000);
  expect(windows).toHaveLength(24);
  expect(windows[0]?.map(({ atMs }) => atMs)).toEqual(Array.from({ length: 10 }, (_, at) => 6000 + at * 100));
});

test('thirds are medians, and the slope is that of most', () => {
  const values = series((at) => 40 + at / 4);
  values[3] = 500;
  const { thirds, slope } = trendOf(values, MINUTE);
  expect(thirds[1] - thirds[0]).toBeCloseTo(2, 0);
  expect(slope).toBeCloseTo(15, 5);
});

test('a leak grows, whatever the noise', () => {
  expect(growing(series((at) => 40 + at / 3 + noise(at)))).toBe(true);
});

test.each([
  ['noise', series((at) => 40 + noise(at))],
  ['a slow start', series((at) => 40 - 20 / (at + 1))],
  ['a step before the middle', series((at) => (at < 6 ? 40 : 50) + noise(at))],
  ['what sinks', series((at) => 40 - at)],
  ['less than a share of much', series((at) => 400 + at / 2)],
  ['one that stands out in the end', series((at) => (at === 23 ? 90 : 40))],
])('%s is no growth', (_, values) => {
  expect(growing(values)).toBe(false);
});

test('what was never seen is not taken for well', () => {
  expect(growing(series(() => 0).map(() => undefined))).toBe(true);
});
