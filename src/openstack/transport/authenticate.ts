import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { failEarly, interceptor, PassingHandler } from './call.ts';

/** Who has the token. */
export interface Authenticator {
  /** A token that is valid for a while: at once when there is one. */
  token(signal: AbortSignal | undefined): string | Promise<string>;
  /** A newer one than a token that was refused. */
  replace(refused: string, signal: AbortSignal | undefined): Promise<string>;
}

/**
 * Puts the token on calls to Heat. One that is refused with 401 is sent once more with a new token; the second 401 is
 * the answer (as keystoneauth does).
 */
export const authenticate = (authenticator: Authenticator) =>
  interceptor((dispatch, options, handler) => {
    const { authenticated, signal } = options.call;
    if (!authenticated) return dispatch(options, handler);
    const send = (token: string, to: Dispatcher.DispatchHandler): boolean => {
      options.headers['x-auth-token'] = token;
      return dispatch(options, to);
    };
    const first = (token: string): boolean =>
      send(
        token,
        new RefusalHandler(handler, () => {
          authenticator
            .replace(token, signal)
            .then((newer) => send(newer, handler))
            .catch(fail);
        }),
      );
    const fail = (error: Error): void => {
      // The sign-in has repeats of its own.
      options.progress.isUnauthorized = true;
      failEarly(handler, error);
    };
    const token = authenticator.token(signal);
    if (typeof token === 'string') return first(token);
    token.then(first).catch(fail);
    return true;
  });

/** Keeps an answer with status 401 to itself, and asks for another attempt. */
class RefusalHandler extends PassingHandler {
  readonly #onRefusal: () => void;
  #isRefused = false;

  constructor(next: Dispatcher.DispatchHandler, onRefusal: () => void) {
    super(next);
    this.#onRefusal = onRefusal;
  }

  override onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    this.#isRefused = status === 401;
    if (!this.#isRefused) super.onResponseStart(controller, status, headers);
  }

  override onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isRefused) super.onResponseData(controller, chunk);
  }

  override onResponseEnd(controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    if (this.#isRefused) this.#onRefusal();
    else super.onResponseEnd(controller, trailers);
  }
}
