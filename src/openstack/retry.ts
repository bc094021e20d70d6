import { setTimeout as sleep } from 'node:timers/promises';
import pRetry from 'p-retry';
import { OpenStackError } from './errors.ts';

const TRIES = 3;
const BASE_MS = 250;
const CAP_MS = 4_000;
/** A longer Retry-After is left to the caller: a call shouldn't sleep for minutes. */
const LONGEST_WAIT_MS = 10_000;
/** No Retry-After is believed beyond this. */
const LONGEST_RETRY_AFTER_MS = 60 * 60 * 1000;

/** How a call is repeated. */
export interface RetryOptions {
  /**
   * `safe`: a repeat changes nothing (GET, a token request). `unsent`: it could, so it is repeated only when
   * nothing was sent; a create, update or delete whose answer was lost may have been carried out.
   */
  repeat: 'safe' | 'unsent';
  signal?: AbortSignal | undefined;
  /** Told of each failure that is followed by another try. */
  onRetry?: (error: OpenStackError, delayMs: number) => void;
  /** 0 ≤ n < 1. */
  random?: () => number;
}

/**
 * Runs `attempt` up to three times, with full jitter between the tries.
 *
 * @throws what the last try threw; the signal's reason when it was aborted.
 */
export function withRetry<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { repeat, signal, onRetry, random = Math.random } = options;
  return pRetry(attempt, {
    retries: TRIES - 1,
    // p-retry's delays have neither full jitter nor Retry-After: the wait is done in shouldRetry.
    minTimeout: 0,
    ...(signal && { signal }),
    shouldRetry: async ({ error, retriesConsumed }) => {
      if (!(error instanceof OpenStackError) || !mayRepeat(error, repeat)) return false;
      const delay = error.retryAfterMs ?? random() * Math.min(CAP_MS, BASE_MS * 2 ** retriesConsumed);
      if (delay > LONGEST_WAIT_MS) return false;
      onRetry?.(error, delay);
      await sleep(delay, undefined, signal && { signal }).catch((reason: unknown) => {
        signal?.throwIfAborted();
        throw reason;
      });
      return true;
    },
  });
}

function mayRepeat(error: OpenStackError, repeat: RetryOptions['repeat']): boolean {
  if (!error.retryable) return false;
  if (repeat === 'unsent') return error.notSent;
  // A 500 of Heat can be permanent, and a time-out has already cost its whole time.
  return (
    error.code === 'ConnectionFailed' ||
    error.code === 'TooManyRequests' ||
    error.code === 'Overloaded' ||
    (error.code === 'ServerError' && [502, 503, 504].includes(error.status ?? 0))
  );
}

/**
 * Reads a `Retry-After` header: seconds or an HTTP date.
 *
 * @param now in milliseconds since the epoch.
 * @returns milliseconds from `now`, between 0 and one hour; undefined when the header can't be read.
 */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
}
