import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { createError } from '../errors.ts';
import { type CallOptions, failEarly, interceptor, PassingHandler, peerOf } from './call.ts';
import type { CallLimiter, WaitingCall } from './call-limiter.ts';
import { type Circuit, type CircuitBreaker, verdictOfError, verdictOfStatus } from './circuit-breaker.ts';

/** What decides whether and when an attempt begins. */
export interface AdmitOptions {
  limiter: CallLimiter | undefined;
  breaker: CircuitBreaker | undefined;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/**
 * Has an attempt wait until the limits allow it, and refuses it while the service is out of order. It has its token by
 * then, and a sign-in never waits: calls that hold all places can't stand in the way of the token that one of them
 * needs. The wait is no part of the service's time; it may take as long as that, and what still waits then fails.
 */
export const admit = ({ limiter, breaker, now }: AdmitOptions) =>
  interceptor((dispatch, options, handler) => {
    const { call, progress } = options;
    const circuit = breaker?.of(call.service);
    const limits = call.service === 'orchestration' ? limiter : undefined;
    const begin = (): boolean => {
      // It may have opened while the call waited.
      const refusal = circuit?.refusal();
      if (refusal) {
        limits?.leave();
        failEarly(handler, refusal);
        return true;
      }
      const attempt = new AdmittedHandler(handler, options, limits, circuit);
      try {
        return dispatch(options, attempt);
      } catch (error) {
        attempt.fail(error as Error);
        return true;
      }
    };
    const refusal = circuit?.refusal();
    if (refusal) failEarly(handler, refusal);
    else if (limits) waitFor(limits, options, now, begin, (error) => failEarly(handler, error));
    else {
      progress.waitedMs = 0;
      begin();
    }
    return true;
  });

/** Waits for the call's turn, for its signal, or until it has waited as long as it may take. */
function waitFor(
  limiter: CallLimiter,
  { call, origin, progress }: CallOptions,
  now: () => number,
  begin: () => void,
  fail: (error: Error) => void,
): void {
  const { signal, timeoutMs } = call;
  const since = now();
  let timer: NodeJS.Timeout | undefined;
  let waits = false;
  const stop = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  };
  const turn: WaitingCall = {
    enter: () => {
      stop();
      progress.waitedMs = waits ? Math.max(0, now() - since) : 0;
      begin();
    },
    refuse: (error) => {
      stop();
      fail(error);
    },
  };
  const giveUp = (error: Error): void => {
    if (limiter.forgo(turn)) turn.refuse(error);
  };
  const onAbort = (): void => giveUp(signal?.reason);
  waits = limiter.join(turn);
  if (!waits) return;
  const cure = 'make fewer at once, or raise limits.concurrency and limits.ratePerSecond';
  const late = `A call to ${peerOf(call)} at ${String(origin)} waited ${timeoutMs / 1000} s for its turn; ${cure}.`;
  timer = setTimeout(() => giveUp(createError('Timeout', late, { notSent: true })), timeoutMs);
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
}

/** Gives the place back when the attempt has ended, before anybody else hears of it, and says how it went. */
class AdmittedHandler extends PassingHandler {
  readonly #options: CallOptions;
  readonly #limiter: CallLimiter | undefined;
  readonly #circuit: Circuit | undefined;
  readonly #isProbe: boolean;
  #status = 0;

  constructor(
    next: Dispatcher.DispatchHandler,
    options: CallOptions,
    limiter: CallLimiter | undefined,
    circuit: Circuit | undefined,
  ) {
    super(next);
    this.#options = options;
    this.#limiter = limiter;
    this.#circuit = circuit;
    this.#isProbe = circuit?.begin() ?? false;
  }

  override onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    this.#status = status;
    super.onResponseStart(controller, status, headers);
  }

  override onResponseEnd(controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    const { call } = this.#options;
    const { method, route } = call;
    const failure = `${peerOf(call)} answered ${this.#status} to ${method} ${route}.`;
    this.#circuit?.ended(verdictOfStatus(this.#status), this.#isProbe, failure);
    this.#leave();
    super.onResponseEnd(controller, trailers);
  }

  override onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#circuit?.ended(verdictOfError(error), this.#isProbe, error.message);
    this.#leave();
    super.onResponseError(controller, error);
  }

  fail(error: Error): void {
    this.onResponseError(undefined as unknown as Dispatcher.DispatchController, error);
  }

  #leave(): void {
    // Those who wait behind calls that hung must not wait to hear it as well.
    const refusal = this.#circuit?.refusal();
    if (refusal) this.#limiter?.refuseAll(() => refusal);
    this.#limiter?.leave();
  }
}
