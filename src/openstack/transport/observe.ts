import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { type CallOptions, interceptor, PassingHandler, quietly } from './call.ts';

/** One HTTP request that was made. */
export interface RequestInfo {
  service: 'identity' | 'orchestration';
  method: string;
  /** The path with its variable parts named: `/stacks/{name}/{id}`. */
  route: string;
  /** Where it went, with the port unless it is the usual one. */
  host: string;
  /** 0 when there was no answer. */
  status: number;
  /** From the start to the last byte, in milliseconds. */
  ms: number;
  /** How long it waited for its turn before that, by the limits of concurrency and rate, in milliseconds. */
  waitedMs: number;
  requestId: string;
}

/** What is known of a call when it begins. */
export type CallStart = Pick<RequestInfo, 'service' | 'method' | 'route'>;

/**
 * Called when a call begins, in the asynchronous context of its caller; what it returns is told of each of its requests when
 * that has ended, in no context in particular.
 */
export type CallTrace = (call: CallStart) => (request: RequestInfo) => void;

/**
 * Tells of every attempt when it has ended: for metrics, and for a log at debug. Nothing of it is secret. An error of
 * whoever is told is nobody's here: it must not keep the answer from its caller, nor end the process.
 */
export const observe = (tell: (request: RequestInfo) => unknown) =>
  interceptor((dispatch, options, handler) =>
    dispatch(options, new ObservingHandler(handler, options, tell)),
  );

class ObservingHandler extends PassingHandler {
  readonly #options: CallOptions;
  readonly #tell: (request: RequestInfo) => unknown;
  readonly #start = performance.now();
  #status = 0;

  constructor(
    next: Dispatcher.DispatchHandler,
    options: CallOptions,
    tell: (request: RequestInfo) => unknown,
  ) {
    super(next);
    this.#options = options;
    this.#tell = tell;
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
    this.#end(this.#status);
    super.onResponseEnd(controller, trailers);
  }

  override onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#end(0);
    super.onResponseError(controller, error);
  }

  #end(status: number): void {
    const { call, origin, progress, traced } = this.#options;
    const { service, method, route } = call;
    const address = String(origin);
    const host = address.slice(address.indexOf('//') + 2);
    const ms = performance.now() - this.#start;
    const { requestId, waitedMs = 0 } = progress;
    const request: RequestInfo = { service, method, route, host, status, ms, waitedMs, requestId };
    quietly(() => traced?.(request));
    quietly(() => this.#tell(request));
  }
}
