import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { createError } from '../errors.ts';
import { type CallOptions, interceptor, PassingHandler, peerOf } from './call.ts';

/**
 * The rule of redirects: none is followed, so that the token stays with the host that it is for. Heat answers a look-up
 * by name with one, and its caller reads the stack's name and id from it; any other is an error.
 */
export const redirects = () =>
  interceptor((dispatch, options, handler) =>
    dispatch(options, options.call.redirect === 'read' ? handler : new RedirectHandler(handler, options)),
  );

class RedirectHandler extends PassingHandler {
  readonly #options: CallOptions;

  constructor(next: Dispatcher.DispatchHandler, options: CallOptions) {
    super(next);
    this.#options = options;
  }

  override onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status >= 300 && status < 400) {
      const { call, progress } = this.#options;
      // 300 is Heat's list of versions: the endpoint lacks /v1/<project>.
      throw createError(
        'InvalidResponse',
        `${peerOf(call)} answered ${call.method} ${call.route} with a redirect (${status}), and redirects aren't followed; correct its address.`,
        { status, requestId: progress.requestId },
      );
    }
    super.onResponseStart(controller, status, headers);
  }
}
