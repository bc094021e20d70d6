import type { Dispatcher } from 'undici';

/** No write may start, since another process may have taken over; what was to be written isn't lost, it is another's to do. */
export class WriteRefused extends Error {
  override readonly name = 'WriteRefused';
}

/**
 * An interceptor for undici's `compose` that calls `check` when a request gets its connection, right before its first
 * byte, however long it waited for that. What `check` throws is how the request ends, and nothing of it is sent.
 */
export function writeFence(check: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, options.method === 'GET' ? handler : new FencedHandler(handler, check));
}

class FencedHandler implements Dispatcher.DispatchHandler {
  readonly #next: Dispatcher.DispatchHandler;
  readonly #check: () => void;

  constructor(next: Dispatcher.DispatchHandler, check: () => void) {
    this.#next = next;
    this.#check = check;
  }

  onRequestStart(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onRequestStart']>>): void {
    this.#check();
    this.#next.onRequestStart?.(...args);
  }

  onResponseStart(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>): void {
    this.#next.onResponseStart?.(...args);
  }

  onResponseData(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseData']>>): void {
    this.#next.onResponseData?.(...args);
  }

  onResponseEnd(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseEnd']>>): void {
    this.#next.onResponseEnd?.(...args);
  }

  onResponseError(...args: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseError']>>): void {
    this.#next.onResponseError?.(...args);
  }
}
