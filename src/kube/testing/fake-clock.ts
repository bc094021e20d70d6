import type { Clock } from '../clock.ts';

interface Sleeper {
  dueAt: number;
  wake: () => void;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(now = 0) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  /** How long the current sleeps still take, in milliseconds, shortest first. */
  get sleeping(): number[] {
    return [...this.#sleepers].map((sleeper) => sleeper.dueAt - this.#now).sort((a, b) => a - b);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => {
      this.#sleepers.delete(sleeper);
      reject(signal?.reason);
    };
    const sleeper: Sleeper = {
      dueAt: this.#now + Math.max(0, ms),
      wake: () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#sleepers.add(sleeper);
    return promise;
  }

  /** Moves on by `ms` milliseconds and wakes sleepers in their order, each at its time. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settled();
    for (let next = this.#first(until); next !== undefined; next = this.#first(until)) {
      this.#sleepers.delete(next);
      this.#now = Math.max(this.#now, next.dueAt);
      next.wake();
      await settled();
    }
    this.#now = until;
    await settled();
  }

  #first(until: number): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (sleeper.dueAt <= until && (first === undefined || sleeper.dueAt < first.dueAt)) first = sleeper;
    }
    return first;
  }
}

/** Resolves when all promises that could have gone on have done so. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
