import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { CallTrace } from './observe.ts';

/** One request to Keystone or Heat, as the interceptors see it. */
export interface Call {
  readonly service: 'identity' | 'orchestration';
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  /** The path with its variable parts named: `/stacks/{name}/{id}`. */
  readonly route: string;
  readonly body?: string | undefined;
  /** From the start of an attempt to the last byte of its answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Largest body of a successful answer, in bytes. */
  readonly maxBytes: number;
  /**
   * `safe`: a repeat changes nothing (GET, a token request). `unsent`: it could, so it is repeated only when nothing
   * was sent; a create, update or delete whose answer was lost may have been carried out.
   */
  readonly repeat: 'safe' | 'unsent';
  /** `read`: the caller reads where a redirect leads. No redirect is ever followed. */
  readonly redirect: 'read' | 'refuse';
  /** Whether it carries the token. */
  readonly authenticated: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** What became of a call so far. */
export interface Progress {
  /** The id under which the service logs the newest attempt: of its answer, else the one that was sent. */
  requestId: string;
  /** How long the newest attempt waited for its turn, in milliseconds; see `admit`. */
  waitedMs?: number;
  /** True when it failed for want of a token, of which all has been tried. */
  isUnauthorized?: boolean;
}

/** A complete answer. */
export interface HttpAnswer {
  readonly status: number;
  /** Text in UTF-8; cut off in an error answer that is too large or compressed. */
  readonly body: string;
  readonly requestId: string;
  header(name: string): string | undefined;
}

/** What travels through the interceptors: undici's options, and the call that they are for. */
export interface CallOptions extends Dispatcher.DispatchOptions {
  readonly headers: Record<string, string>;
  readonly call: Call;
  readonly progress: Progress;
  /** Told of each attempt, for whoever made the call. */
  readonly traced?: ReturnType<CallTrace> | undefined;
}

type CallDispatch = (options: CallOptions, handler: Dispatcher.DispatchHandler) => boolean;

/**
 * An interceptor for undici's `compose`. All of this folder are: each does one thing, to the request on its way out
 * or to the answer on its way back.
 */
export function interceptor(
  intercept: (dispatch: CallDispatch, options: CallOptions, handler: Dispatcher.DispatchHandler) => boolean,
): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => intercept(dispatch, options as CallOptions, handler);
}

/** A handler that passes everything on. Interceptors override what they care for. */
export class PassingHandler implements Dispatcher.DispatchHandler {
  protected readonly next: Dispatcher.DispatchHandler;

  constructor(next: Dispatcher.DispatchHandler) {
    this.next = next;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.next.onRequestStart?.(controller, context);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    this.next.onResponseStart?.(controller, status, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.next.onResponseData?.(controller, chunk);
  }

  onResponseEnd(controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    this.next.onResponseEnd?.(controller, trailers);
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.next.onResponseError?.(controller, error);
  }
}

/** Tells a handler of a failure before undici has given it a controller. No handler of ours looks at it then. */
export function failEarly(handler: Dispatcher.DispatchHandler, error: Error): void {
  handler.onResponseError?.(undefined as unknown as Dispatcher.DispatchController, error);
}

/** Tells a hook of whoever uses the library. Its errors, also those of a promise, are not to reach a call or the process. */
export function quietly(hook: () => unknown): void {
  try {
    const result = hook();
    if (result instanceof Promise) result.catch(() => undefined);
  } catch {}
}

/** The service's name, for messages. */
export function peerOf({ service }: Pick<Call, 'service'>): 'Keystone' | 'Heat' {
  return service === 'identity' ? 'Keystone' : 'Heat';
}

/** The value of a header, the first when it came more than once. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
