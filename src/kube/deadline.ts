const DISPOSED = new Error('the deadline was disposed of');

/**
 * An AbortSignal that fires when the caller's signal does, when time is up, or when the deadline is disposed of.
 * Disposing (`using`) ends what is still going on under it, and removes its timer and its listener, so that a signal
 * as old as the process doesn't collect them.
 */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #parent: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = () => this.#controller.abort(this.#parent?.reason);

  /**
   * @param ms time until the signal fires, in milliseconds
   * @param reason gives the error with which it then fires
   * @param parent the caller's signal, whose reason is passed on
   */
  constructor(ms: number, reason: () => Error, parent?: AbortSignal) {
    this.#parent = parent;
    this.#timer = setTimeout(() => this.#controller.abort(reason()), ms);
    if (parent?.aborted) this.#onAbort();
    else parent?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Starts the time anew. */
  extend(): void {
    this.#timer.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#parent?.removeEventListener('abort', this.#onAbort);
    this.#controller.abort(DISPOSED);
  }
}
