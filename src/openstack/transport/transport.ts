import type { Dispatcher } from 'undici';
import type { ByteBudget } from '../byte-budget.ts';
import { createError, type OpenStackError } from '../errors.ts';
import { admit } from './admit.ts';
import { type Authenticator, authenticate } from './authenticate.ts';
import { bodyLimit } from './body-limit.ts';
import { type Call, type CallOptions, type HttpAnswer, quietly } from './call.ts';
import { CallLimiter, type CallLimits } from './call-limiter.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import { collect } from './collect.ts';
import { connectionErrors } from './connection-errors.ts';
import { Attempts, deadlines } from './deadline.ts';
import { type CallTrace, observe, type RequestInfo } from './observe.ts';
import { createPool, type PoolOptions } from './pool.ts';
import { redirects } from './redirects.ts';
import { requestIds } from './request-id.ts';
import { retry } from './retry.ts';
import { writeFence } from './write-fence.ts';

/** Settings of a {@link Transport}. */
export interface TransportOptions extends PoolOptions {
  authenticator: Authenticator;
  userAgent: string;
  /** Used instead of a pool of its own, and left open by {@link Transport.close}; then `endpoints` has no effect. */
  dispatcher?: Dispatcher | undefined;
  /** Bounds what is held of answers together with others that share it. */
  budget?: ByteBudget | undefined;
  /** Throws when no write may begin: see {@link writeFence}. */
  beforeWrite?: (() => void) | undefined;
  /** How many calls to Heat are made at once and in a second; default: no limit. */
  limits?: CallLimits | undefined;
  /** Told how many calls wait for their turn whenever that has changed. */
  onWaiting?: ((waiting: number) => void) | undefined;
  /** Keeps calls from a service that is out of order; default: none does. */
  breaker?: CircuitBreaker | undefined;
  /** Told of every attempt when it has ended. */
  onRequest: (request: RequestInfo) => unknown;
  /** Told of each call by itself. */
  trace?: CallTrace | undefined;
  /** Told of each failure that is followed by another try. */
  onRetry: (error: OpenStackError, delayMs: number, call: Call) => void;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** What the calls of one connection go through: a pool of sockets, and what is done to each request and answer. */
export class Transport {
  readonly #pool: Dispatcher;
  readonly #owned: boolean;
  readonly #dispatcher: Dispatcher;
  readonly #userAgent: string;
  readonly #trace: CallTrace | undefined;
  readonly #limiter: CallLimiter | undefined;
  readonly #attempts = new Attempts();
  readonly #closed = new AbortController();

  constructor(options: TransportOptions) {
    const { budget, beforeWrite, limits = {}, breaker, onRequest, onRetry, now } = options;
    this.#trace = options.trace;
    this.#owned = options.dispatcher === undefined;
    this.#pool = options.dispatcher ?? createPool(options, this.#closed.signal);
    this.#userAgent = options.userAgent;
    const isLimited = limits.concurrency !== undefined || limits.ratePerSecond !== undefined;
    this.#limiter = isLimited ? new CallLimiter(limits, now, options.onWaiting) : undefined;
    // From the wire to the caller.
    this.#dispatcher = this.#pool.compose(
      requestIds(),
      connectionErrors(),
      ...(beforeWrite ? [writeFence(beforeWrite)] : []),
      redirects(),
      bodyLimit(budget),
      deadlines(this.#attempts),
      observe(onRequest),
      ...(this.#limiter || breaker ? [admit({ limiter: this.#limiter, breaker, now })] : []),
      authenticate(options.authenticator),
      retry({ closed: this.#closed.signal, onRetry, now }),
    );
  }

  /**
   * Sends a call, and sends it again where that is safe. Any status is an answer; the caller judges it.
   *
   * @throws OpenStackError Timeout, ConnectionFailed, CircuitOpen, EndpointRefused, ResponseTooLarge, Overloaded or InvalidResponse;
   * what the authenticator or `beforeWrite` throws; the signal's reason when it was aborted.
   */
  async request(call: Call): Promise<HttpAnswer> {
    call.signal?.throwIfAborted();
    this.#closed.signal.throwIfAborted();
    // Not by new URL: an address is written as a URL prints it, from the host to the encoded path.
    const slash = call.url.indexOf('/', call.url.indexOf('//') + 2);
    const options: CallOptions = {
      origin: call.url.slice(0, slash),
      path: call.url.slice(slash),
      method: call.method,
      headers: {
        accept: 'application/json',
        'user-agent': this.#userAgent,
        ...(call.body !== undefined && { 'content-type': 'application/json' }),
      },
      body: call.body ?? null,
      call,
      progress: { requestId: '' },
      traced: this.#traced(call),
    };
    try {
      return await collect(this.#dispatcher, options);
    } catch (error) {
      // The reason itself, whatever became of it on its way.
      call.signal?.throwIfAborted();
      throw error;
    }
  }

  #traced({ service, method, route }: Call): ReturnType<CallTrace> | undefined {
    let traced: ReturnType<CallTrace> | undefined;
    quietly(() => {
      traced = this.#trace?.({ service, method, route });
    });
    return traced;
  }

  /** Ends every request under way with ConnectionFailed and closes every socket. */
  async close(): Promise<void> {
    const reason = createError('ConnectionFailed', 'This connection was closed; connect anew.', {
      retryable: false,
    });
    this.#limiter?.refuseAll(() => reason);
    this.#attempts.end(reason);
    this.#closed.abort(reason);
    if (this.#owned) await this.#pool.destroy();
  }
}
