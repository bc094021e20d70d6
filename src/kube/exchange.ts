import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

/** An answer, whatever its status, with its whole body. */
export interface WholeAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** What bounds an exchange, and the errors that it then ends with. */
export interface ExchangeLimits {
  /** For the whole exchange, waiting for a free connection included. */
  timeoutMs: number;
  onTimeout: () => Error;
  /** Longest body that is read. */
  maxBytes: number;
  onTooLarge: () => Error;
  signal: AbortSignal | undefined;
}

/**
 * Sends a request and reads its answer. Not by undici's `request`, which makes a stream and listens to an AbortSignal for
 * each: that costs a third more.
 *
 * @throws what undici reports, the error of a limit, or the signal's reason
 */
export function exchange(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  limits: ExchangeLimits,
): Promise<WholeAnswer> {
  return new Promise((resolve, reject) => {
    const exchange = new Exchange(limits, resolve, reject);
    if (exchange.begin()) dispatcher.dispatch(options, exchange);
  });
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #limits: ExchangeLimits;
  readonly #resolve: (answer: WholeAnswer) => void;
  readonly #reject: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #isOver = false;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  /** Most bodies are in one piece. */
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(
    limits: ExchangeLimits,
    resolve: (answer: WholeAnswer) => void,
    reject: (error: unknown) => void,
  ) {
    this.#limits = limits;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** @returns whether it is still wanted */
  begin(): boolean {
    const { signal, timeoutMs, onTimeout } = this.#limits;
    if (signal?.aborted) {
      this.#giveUp(signal.reason);
      return false;
    }
    this.#timer = setTimeout(() => this.#giveUp(onTimeout()), timeoutMs);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    return true;
  }

  readonly #onAbort = (): void => this.#giveUp(this.#limits.signal?.reason);

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It was given up while it waited for a connection.
    if (this.#isOver) controller.abort(GIVEN_UP);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    // 1xx come before the answer.
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isOver) return;
    this.#length += chunk.length;
    if (this.#length > this.#limits.maxBytes) this.#giveUp(this.#limits.onTooLarge());
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    const [only] = this.#chunks;
    const body = only && this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks, this.#length);
    this.#close();
    this.#resolve({ status: this.#status, headers: this.#headers, text: body.toString('utf8') });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#isOver) return;
    this.#close();
    this.#reject(error);
  }

  #giveUp(reason: unknown): void {
    if (this.#isOver) return;
    this.#close();
    this.#reject(reason);
    this.#controller?.abort(GIVEN_UP);
  }

  #close(): void {
    this.#isOver = true;
    this.#chunks = [];
    clearTimeout(this.#timer);
    this.#limits.signal?.removeEventListener('abort', this.#onAbort);
  }
}

/** For undici alone: whoever waits is told why. */
const GIVEN_UP = new Error('given up');
