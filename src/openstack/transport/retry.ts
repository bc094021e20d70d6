import type { IncomingHttpHeaders } from 'node:http';
import pRetry from 'p-retry';
import type { Dispatcher } from 'undici';
import { createError, OpenStackError } from '../errors.ts';
import {
  type Call,
  type CallOptions,
  failEarly,
  headerOf,
  interceptor,
  PassingHandler,
  peerOf,
  quietly,
} from './call.ts';

const TRIES = 3;
const BASE_MS = 250;
const CAP_MS = 4_000;
/** A longer Retry-After is left to the caller: a call shouldn't sleep for minutes. */
const LONGEST_WAIT_MS = 10_000;
/** No Retry-After is believed beyond this. */
const LONGEST_RETRY_AFTER_MS = 60 * 60 * 1000;

/** How calls are repeated. */
export interface RetryOptions {
  /** Ends the waits between the tries. */
  closed: AbortSignal;
  /** Told of each failure that is followed by another try. */
  onRetry: (error: OpenStackError, delayMs: number, call: Call) => void;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** 0 ≤ n < 1. */
  random?: () => number;
}

/**
 * Makes up to three attempts at a call, with full jitter between them, or after the time that the service asks for.
 * The answer of the last one is the answer.
 */
export const retry = ({ closed, onRetry, now, random = Math.random }: RetryOptions) =>
  interceptor((dispatch, options, handler) => {
    const { call, progress } = options;
    const attempt = (number: number): Promise<void> =>
      new Promise((resolve, reject) => {
        const judge = (error: OpenStackError) => number < TRIES && mayRepeat(error, call.repeat);
        dispatch(options, new AttemptHandler(handler, options, judge, now, resolve, reject));
      });
    // p-retry costs as much as the rest of the way of a call, so it comes in only when the first attempt has failed.
    const repeat = (failure: Error): Promise<void> =>
      pRetry((number) => (number === 1 ? Promise.reject(failure) : attempt(number)), {
        retries: TRIES - 1,
        // p-retry's delays have neither full jitter nor Retry-After: the wait is done in shouldRetry.
        minTimeout: 0,
        shouldRetry: async ({ error, retriesConsumed }) => {
          if (!(error instanceof OpenStackError) || progress.isUnauthorized) return false;
          if (!mayRepeat(error, call.repeat)) return false;
          const delay = error.retryAfterMs ?? random() * Math.min(CAP_MS, BASE_MS * 2 ** retriesConsumed);
          quietly(() => onRetry(error, delay, call));
          await sleep(delay, call.signal, closed);
          return true;
        },
      });
    attempt(1)
      .catch(repeat)
      .catch((error: Error) => failEarly(handler, error));
    return true;
  });

/** Waits, unless one of the signals ends it. @throws the signal's reason */
async function sleep(ms: number, ...signals: (AbortSignal | undefined)[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const present = signals.filter((signal) => signal !== undefined);
  const end = (event: Event): void => reject((event.target as AbortSignal).reason);
  for (const signal of present) signal.addEventListener('abort', end, { once: true });
  try {
    for (const signal of present) signal.throwIfAborted();
    await promise;
  } finally {
    clearTimeout(timer);
    for (const signal of present) signal.removeEventListener('abort', end);
  }
}

/** Keeps an answer that is to be repeated to itself; another, even one that breaks off, is passed on as it comes. */
class AttemptHandler extends PassingHandler {
  readonly #options: CallOptions;
  readonly #mayRepeat: (error: OpenStackError) => boolean;
  readonly #now: () => number;
  readonly #resolve: () => void;
  readonly #reject: (error: Error) => void;
  #refusal: OpenStackError | undefined;

  constructor(
    next: Dispatcher.DispatchHandler,
    options: CallOptions,
    mayRepeatIt: (error: OpenStackError) => boolean,
    now: () => number,
    resolve: () => void,
    reject: (error: Error) => void,
  ) {
    super(next);
    this.#options = options;
    this.#mayRepeat = mayRepeatIt;
    this.#now = now;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  override onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status === 429 || status >= 500) {
      const { call, progress } = this.#options;
      const error = createError(
        status === 429 ? 'TooManyRequests' : 'ServerError',
        `${peerOf(call)} answered ${status} to ${call.method} ${call.route}.`,
        {
          status,
          requestId: progress.requestId,
          retryAfterMs: parseRetryAfter(headerOf(headers, 'retry-after'), this.#now()),
        },
      );
      if (this.#mayRepeat(error)) {
        this.#refusal = error;
        return;
      }
    }
    super.onResponseStart(controller, status, headers);
  }

  override onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#refusal) super.onResponseData(controller, chunk);
  }

  override onResponseEnd(controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    if (this.#refusal) {
      this.#reject(this.#refusal);
      return;
    }
    this.#resolve();
    super.onResponseEnd(controller, trailers);
  }

  override onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#reject(error);
  }
}

/** Whether a call that failed like this may succeed when it is repeated, and a repeat can't do it twice. */
function mayRepeat(error: OpenStackError, repeat: Call['repeat']): boolean {
  // A time-out has already cost its whole time, and an open circuit is there to keep calls away.
  if (!error.retryable || error.code === 'Timeout' || error.code === 'CircuitOpen') return false;
  if ((error.retryAfterMs ?? 0) > LONGEST_WAIT_MS) return false;
  if (repeat === 'unsent') return error.notSent;
  // A 500 of Heat can be permanent.
  return (
    error.code === 'ConnectionFailed' ||
    error.code === 'TooManyRequests' ||
    error.code === 'Overloaded' ||
    (error.code === 'ServerError' && [502, 503, 504].includes(error.status ?? 0))
  );
}

/** The three forms of RFC 9110 begin with the name of a day. What else `Date.parse` takes for a date is none. */
const HTTP_DATE = /^\s*(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /;

/**
 * Reads a `Retry-After` header: seconds or an HTTP date.
 *
 * @param now in milliseconds since the epoch.
 * @returns milliseconds from `now`, between 0 and one hour; undefined when the header can't be read.
 */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return atMostAnHour(Number(header) * 1000);
  if (!HTTP_DATE.test(header)) return undefined;
  // asctime's form has no zone, and means UTC.
  const date = Date.parse(/GMT\s*$/.test(header) ? header : `${header} GMT`);
  return Number.isNaN(date) ? undefined : atMostAnHour(date - now);
}

function atMostAnHour(ms: number): number {
  return Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
}
