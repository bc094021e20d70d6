import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { ByteBudget, ByteShare } from '../byte-budget.ts';
import { createError, type OpenStackErrorCode } from '../errors.ts';
import { type CallOptions, headerOf, interceptor, PassingHandler, peerOf } from './call.ts';

/** An error answer larger than this, in bytes, is judged by its status alone. */
const ERROR_BODY_BYTES = 64 * 1024;
/** A body in more pieces is not read on: each costs far more than a byte. The largest lists come in some 12,000. */
const MAX_CHUNKS = 65_536;

/**
 * Bounds the body of each answer, and through the budget of all that are under way together. No compression is asked
 * for or taken: a small compressed body could grow without bound.
 */
export const bodyLimit = (budget: ByteBudget | undefined) =>
  interceptor((dispatch, options, handler) => {
    options.headers['accept-encoding'] = 'identity';
    return dispatch(options, new LimitHandler(handler, options, budget));
  });

class LimitHandler extends PassingHandler {
  readonly #options: CallOptions;
  readonly #budget: ByteBudget | undefined;
  #share: ByteShare | undefined;
  #limit = 0;
  #status = 0;
  #bytes = 0;
  #chunks = 0;
  /** An error answer is cut off: what came of it is all that there is. */
  #isCut = false;

  constructor(next: Dispatcher.DispatchHandler, options: CallOptions, budget: ByteBudget | undefined) {
    super(next);
    this.#options = options;
    this.#budget = budget;
  }

  override onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    // 1xx come before the answer, as many as the server likes.
    if (status < 200) return;
    this.#status = status;
    this.#limit = status >= 400 ? ERROR_BODY_BYTES : this.#options.call.maxBytes;
    super.onResponseStart(controller, status, headers);
    const encoding = headerOf(headers, 'content-encoding');
    if (encoding !== undefined && encoding !== 'identity') {
      this.#giveUp(controller, 'InvalidResponse', 'sent a compressed body unasked');
    } else if (Number(headerOf(headers, 'content-length')) > this.#limit) {
      this.#tooLarge(controller);
    } else {
      this.#share = this.#budget?.open(() => controller.abort(this.#crowdedOut()));
    }
  }

  override onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isCut) return;
    this.#bytes += chunk.length;
    this.#chunks += 1;
    if (this.#bytes > this.#limit || this.#chunks > MAX_CHUNKS) {
      this.#tooLarge(controller);
      return;
    }
    this.#share?.add(chunk.length);
    if (!controller.aborted) super.onResponseData(controller, chunk);
  }

  override onResponseEnd(controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    super.onResponseEnd(controller, trailers);
    this.#share?.close();
  }

  override onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#share?.close();
    if (this.#isCut) super.onResponseEnd(controller, {});
    else super.onResponseError(controller, error);
  }

  #tooLarge(controller: Dispatcher.DispatchController): void {
    this.#giveUp(
      controller,
      'ResponseTooLarge',
      `sent an answer larger than ${this.#limit / 1024 / 1024} MiB, or in too many pieces`,
    );
  }

  #giveUp(controller: Dispatcher.DispatchController, code: OpenStackErrorCode, what: string): void {
    this.#isCut = this.#status >= 400;
    controller.abort(this.#error(code, what));
  }

  #crowdedOut(): Error {
    return this.#error('Overloaded', 'sent an answer that is too large to be read beside others just now');
  }

  #error(code: OpenStackErrorCode, what: string): Error {
    const { call, progress } = this.#options;
    return createError(code, `${peerOf(call)} ${what} (${call.method} ${call.route}).`, {
      status: this.#status,
      requestId: progress.requestId,
    });
  }
}
