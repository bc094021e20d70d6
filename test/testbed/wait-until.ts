import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** Give up after this many milliseconds. */
  timeoutMs: number;
  /** Pause between two tries, in milliseconds. */
  everyMs?: number;
  signal?: AbortSignal | undefined;
}

/**
 * Try until `condition` answers true. Answers false when the time is over; rejects with the signal's reason when
 * aborted, and with whatever `condition` throws.
 */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  { timeoutMs, everyMs = 50, signal }: WaitOptions,
): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (performance.now() < end) {
    signal?.throwIfAborted();
    if (await condition()) return true;
    await sleep(everyMs, undefined, signal === undefined ? {} : { signal });
  }
  return false;
}
