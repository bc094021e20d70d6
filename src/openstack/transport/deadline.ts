import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { createError } from '../errors.ts';
import { type CallOptions, failEarly, interceptor, PassingHandler, peerOf } from './call.ts';

/** Attempts under way, which can be ended all at once, and none is begun after. */
export class Attempts {
  // Not a Set: a table that it has outgrown points to the next one, so that one old table which isn't collected yet
  // keeps all that came after.
  readonly #open: DeadlineHandler[] = [];
  #end: Error | undefined;

  /** Gives up all of them, and those to come. */
  end(reason: Error): void {
    this.#end ??= reason;
    for (const attempt of [...this.#open]) attempt.giveUp(this.#end);
  }

  /** Why none is begun any more. */
  get ended(): Error | undefined {
    return this.#end;
  }

  add(attempt: DeadlineHandler): void {
    attempt.place = this.#open.length;
    this.#open.push(attempt);
  }

  remove(attempt: DeadlineHandler): void {
    const last = this.#open.pop();
    if (!last || last === attempt) return;
    this.#open[attempt.place] = last;
    last.place = attempt.place;
  }
}

/**
 * Ends an attempt when its time is over, when its caller's signal is aborted, or when the connection is closed; also
 * one that still waits for a socket, of which undici wouldn't tell before it has one.
 */
export const deadlines = (attempts: Attempts) =>
  interceptor((dispatch, options, handler) => {
    const attempt = new DeadlineHandler(handler, options, attempts);
    return attempt.begin() ? dispatch(options, attempt) : true;
  });

class DeadlineHandler extends PassingHandler {
  /** Where it is in the list of {@link Attempts}. */
  place = 0;
  readonly #options: CallOptions;
  readonly #attempts: Attempts;
  #controller: Dispatcher.DispatchController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #reason: Error | undefined;
  #isOver = false;

  constructor(next: Dispatcher.DispatchHandler, options: CallOptions, attempts: Attempts) {
    super(next);
    this.#options = options;
    this.#attempts = attempts;
  }

  /** @returns whether there is any time for it. */
  begin(): boolean {
    const { timeoutMs, signal } = this.#options.call;
    this.#attempts.add(this);
    this.#timer = setTimeout(() => this.giveUp(this.#timeout()), timeoutMs);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (this.#attempts.ended) this.giveUp(this.#attempts.ended);
    else if (signal?.aborted) this.#onAbort();
    return !this.#isOver;
  }

  giveUp(reason: Error): void {
    if (this.#isOver || this.#reason) return;
    this.#reason = reason;
    if (this.#controller) {
      // A signal's reason may be anything; undici wants an error.
      this.#controller.abort(reason instanceof Error ? reason : new Error('given up'));
    } else {
      this.#close();
      failEarly(this.next, reason);
    }
  }

  readonly #onAbort = (): void => this.giveUp(this.#options.call.signal?.reason);

  override onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('given up'));
    else super.onRequestStart(controller, context);
  }

  override onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    // 1xx come before the answer.
    if (!this.#isOver && status >= 200) super.onResponseStart(controller, status, headers);
  }

  override onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isOver) super.onResponseData(controller, chunk);
  }

  override onResponseEnd(controller: Dispatcher.DispatchController, trailers: IncomingHttpHeaders): void {
    if (this.#isOver) return;
    this.#close();
    super.onResponseEnd(controller, trailers);
  }

  override onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#isOver) return;
    this.#close();
    super.onResponseError(controller, this.#reason ?? error);
  }

  #close(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#options.call.signal?.removeEventListener('abort', this.#onAbort);
    this.#attempts.remove(this);
  }

  #timeout(): Error {
    const { call, origin, progress } = this.#options;
    return createError(
      'Timeout',
      `${peerOf(call)} at ${String(origin)} gave no complete answer within ${call.timeoutMs / 1000} s.`,
      // Without a controller it has waited for a socket all the time.
      { requestId: progress.requestId, notSent: this.#controller === undefined },
    );
  }
}
