/** A map of what was in use lately: bounded in number and in age, so that it can't grow with what has been. */
export class Recent<V> {
  readonly #maxSize: number;
  readonly #maxAgeMs: number;
  /** The least recently set comes first. */
  readonly #entries = new Map<string, { value: V; setAt: number }>();

  /**
   * @param maxSize how many are kept; one more pushes out the one that was set the longest time ago
   * @param maxAgeMs how long one is kept after it was set, in milliseconds
   */
  constructor(maxSize: number, maxAgeMs: number) {
    this.#maxSize = maxSize;
    this.#maxAgeMs = maxAgeMs;
  }

  /** How many are kept. */
  get size(): number {
    return this.#entries.size;
  }

  /** @param now the time, in milliseconds */
  get(key: string, now: number): V | undefined {
    this.#expire(now);
    return this.#entries.get(key)?.value;
  }

  /** Sets an entry, as the newest. @param now the time, in milliseconds */
  set(key: string, value: V, now: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, setAt: now });
    this.#expire(now);
  }

  #expire(now: number): void {
    for (const [key, { setAt }] of this.#entries) {
      if (this.#entries.size <= this.#maxSize && now - setAt < this.#maxAgeMs) return;
      this.#entries.delete(key);
    }
  }
}
