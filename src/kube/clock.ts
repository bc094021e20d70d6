import { setTimeout as timer } from 'node:timers/promises';

/** Time as the runtime sees it; tests hand in their own. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when that is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

// Node fires a timer of more than 2^31-1 ms at once.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's own clock. A sleep ends after 24.8 days at the latest. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    signal?.throwIfAborted();
    try {
      await timer(Math.min(Math.max(ms, 0), LONGEST_TIMER_MS), undefined, signal ? { signal } : {});
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};
