import type { Dispatcher } from 'undici';
import { interceptor, PassingHandler } from './call.ts';

/**
 * Asks, at the last moment before each attempt at a write goes out, whether it may: all waits are over by then, those for
 * a token, a repeat or a free socket too. Reads and sign-ins aren't asked for: they change nothing.
 *
 * @param beforeWrite throws when no write may begin; the call fails with just that, and nothing of it was sent.
 */
export const writeFence = (beforeWrite: () => void) =>
  interceptor((dispatch, options, handler) => {
    const { service, method } = options.call;
    const isWrite = service === 'orchestration' && method !== 'GET';
    return dispatch(options, isWrite ? new FenceHandler(handler, beforeWrite) : handler);
  });

class FenceHandler extends PassingHandler {
  readonly #beforeWrite: () => void;
  #refusal: { error: Error } | undefined;

  constructor(next: Dispatcher.DispatchHandler, beforeWrite: () => void) {
    super(next);
    this.#beforeWrite = beforeWrite;
  }

  override onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    try {
      this.#beforeWrite();
    } catch (error) {
      this.#refusal = { error: error as Error };
      // undici sends nothing then, and keeps the socket, which an abort would close.
      throw error;
    }
    super.onRequestStart(controller, context);
  }

  override onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    // On its way here the refusal was taken for a broken connection.
    super.onResponseError(controller, this.#refusal?.error ?? error);
  }
}
