import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { GrowingBytes } from '../growing-bytes.ts';
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
  /** The body as long as it is in one piece, as most are. */
  #only: Buffer | undefined;
  #bytes: GrowingBytes | undefined;

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
    this.#forget();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#only && !this.#bytes) {
      // A small piece of a large read is copied: it would hold all that came with it, such as extensions of chunks.
      this.#only = chunk.length * 2 < chunk.buffer.byteLength ? Buffer.from(chunk) : chunk;
      return;
    }
    this.#bytes ??= new GrowingBytes();
    if (this.#only) this.#bytes.add(this.#only);
    this.#only = undefined;
    this.#bytes.add(chunk);
  }

  onResponseEnd(): void {
    const { requestId } = this.#options.progress;
    const headers = this.#headers;
    const body = this.#only?.toString('utf8') ?? this.#bytes?.toString() ?? '';
    this.#forget();
    this.#resolve({ status: this.#status, body, requestId, header: (name) => headerOf(headers, name) });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#forget();
    this.#reject(error);
  }

  #forget(): void {
    this.#only = undefined;
    this.#bytes?.[Symbol.dispose]();
    this.#bytes = undefined;
  }
}
