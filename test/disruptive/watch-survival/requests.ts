import { channel } from 'node:diagnostics_channel';

const SECOND_MS = 1000;
/** A watch that is refused, the list after it, and the next watch come one upon the other. */
const BURST = 5;

/** Every try of a GET below a path that this process makes, those that reach nobody included, as undici tells of them. */
export class RequestLog implements Disposable {
  readonly #path: string;
  /** When each was made, in milliseconds of a clock that only goes on. */
  readonly #times: number[] = [];
  readonly #note = (message: unknown): void => {
    const { request } = message as { request: { method: string; path: string } };
    if (request.method === 'GET' && request.path.startsWith(this.#path)) this.#times.push(performance.now());
  };

  constructor(path: string) {
    this.#path = path;
    channel('undici:request:create').subscribe(this.#note);
  }

  /** What is wrong with the requests since then: more than one a second and a burst, or too many at once. */
  stormSince(since: number): string[] {
    const times = this.#times.filter((time) => time >= since);
    const seconds = (performance.now() - since) / SECOND_MS;
    const most = Math.max(
      0,
      ...times.map((from) => times.filter((time) => time >= from && time < from + SECOND_MS).length),
    );
    return [
      ...(times.length > seconds + BURST ? [`${times.length} requests in ${Math.round(seconds)} s`] : []),
      ...(most > BURST ? [`${most} requests in one second`] : []),
    ];
  }

  [Symbol.dispose](): void {
    channel('undici:request:create').unsubscribe(this.#note);
  }
}
