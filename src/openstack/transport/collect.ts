import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { type CallOptions, type HttpAnswer, headerOf } from './call.ts';

/**
 * Dispatches a call and gathers its answer. Any status is an answer.
 *
 * @throws the error of an interceptor, or the reason of the call's signal.
 */
export function collect(dispatcher: Dispatcher, options: CallOptions): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    dispatcher.dispatch(options, new Collector(options, resolve, reject));
  });
}

class Collector implements Dispatcher.DispatchHandler {
  readonly #options: CallOptions;
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (error: Error) => void;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #chunks: Buffer[] = [];

  constructor(options: CallOptions, resolve: (answer: HttpAnswer) => void, reject: (error: Error) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onRequestStart(): void {}

  /** A repeated call begins its answer anew. */
  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    this.#status = status;
    this.#headers = headers;
    this.#chunks = [];
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    // A small piece of a large read is copied: it would hold all that came with it, such as extensions of chunks.
    this.#chunks.push(chunk.length * 2 < chunk.buffer.byteLength ? Buffer.from(chunk) : chunk);
  }

  onResponseEnd(): void {
    const { requestId } = this.#options.progress;
    const headers = this.#headers;
    const [only] = this.#chunks;
    const bytes = this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks);
    this.#resolve({
      status: this.#status,
      body: bytes.toString('utf8'),
      requestId,
      header: (name) => headerOf(headers, name),
    });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#reject(error);
  }
}
