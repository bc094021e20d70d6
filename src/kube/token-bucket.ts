/** Allows a burst of actions, then one in each interval. */
export class TokenBucket {
  readonly #burst: number;
  readonly #intervalMs: number;
  #tokens: number;
  #filledAt: number;

  /**
   * @param burst how many are allowed at once
   * @param intervalMs how long one takes to come back, in milliseconds
   * @param now the time, in milliseconds
   */
  constructor(burst: number, intervalMs: number, now: number) {
    this.#burst = burst;
    this.#intervalMs = intervalMs;
    this.#tokens = burst;
    this.#filledAt = now;
  }

  /** Takes one; `false` when there is none. */
  take(now: number): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filledAt) / this.#intervalMs);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
