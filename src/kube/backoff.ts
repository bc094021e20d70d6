/** Exponential back-off: `baseMs`, twice that, four times that … up to `maxMs`. */
export interface BackoffOptions {
  baseMs: number;
  maxMs: number;
  /** Share of the delay that is left to chance, 0–1, so that many clients don't return at once. Default 0.2. */
  jitter?: number;
}

/**
 * The delay in milliseconds before the next try.
 *
 * @param failures how often it failed before: 0 for the first delay
 * @returns never more than `maxMs`; jitter shortens it
 */
export function backoffMs(
  failures: number,
  options: BackoffOptions,
  random: () => number = Math.random,
): number {
  const { baseMs, maxMs, jitter = 0.2 } = options;
  const delay = Math.min(maxMs, baseMs * 2 ** Math.min(failures, 60));
  return delay * (1 - jitter * random());
}
