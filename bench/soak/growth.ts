import { median } from '../median.ts';
import type { Sample } from './samples.ts';

/** The time is divided into so many windows. */
const WINDOWS = 30;
/** Of these, the first ones don't count: compilers, pools and caches are still being filled. */
const WARM_UP = 6;
const THIRD = (WINDOWS - WARM_UP) / 3;

/** How much more of something there may be in the end than in the beginning: the larger of the two. */
export interface Tolerance {
  amount: number;
  share: number;
}

/** What a series of windows came to. */
export interface Trend {
  /** Medians of the windows in each third. */
  thirds: [first: number, middle: number, last: number];
  /** By which it rises in an hour. */
  slope: number;
}

/** The windows of a run, one after the other, without those of the warm-up. Each has the samples within it. */
export function windowsOf(samples: readonly Sample[], durationMs: number): Sample[][] {
  const windows = Array.from({ length: WINDOWS }, (): Sample[] => []);
  for (const sample of samples) windows[Math.floor((sample.atMs / durationMs) * WINDOWS)]?.push(sample);
  return windows.slice(WARM_UP);
}

/**
 * The trend of a value of each window; windows without one don't count.
 *
 * @param windowMs how long each is
 */
export function trendOf(values: readonly (number | undefined)[], windowMs: number): Trend {
  const third = (at: number): number =>
    median(values.slice(at * THIRD, (at + 1) * THIRD).filter((value) => value !== undefined)) ?? Number.NaN;
  return { thirds: [third(0), third(1), third(2)], slope: slopeOf(values) * (3_600_000 / windowMs) };
}

/** For each window; the median of the slopes between any two (Theil and Sen), which no single outlier can bend. */
function slopeOf(values: readonly (number | undefined)[]): number {
  const slopes = values.flatMap((from, at) =>
    values.slice(at + 1).flatMap((to, distance) => {
      return from === undefined || to === undefined ? [] : [(to - from) / (distance + 1)];
    }),
  );
  return median(slopes) ?? Number.NaN;
}

/**
 * Whether something grows: the last third has more than the first by more than is tolerated, and of that more than half
 * came after the middle one. So something that rose once, as a table that got its last size, doesn't count, and what rises
 * steadily does. What can't be told counts as growth.
 */
export function grows({ thirds: [first, middle, last] }: Trend, { amount, share }: Tolerance): boolean {
  const tolerated = Math.max(amount, share * first);
  const staysWithin = last - first <= tolerated;
  const roseBefore = last - middle <= tolerated / 2;
  return !(staysWithin || roseBefore);
}
