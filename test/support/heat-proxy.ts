import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

/** An answer of Heat, as the proxy saw it. */
export interface HeatAnswer {
  method: string;
  /** Below the project, without the query: `/stacks/web/…`. */
  path: string;
  status: number;
  /** Tells tokens apart; it isn't the token. */
  token: string;
}

/** Answers of Heat that have arrived at the proxy and go no further. */
export interface HeldAnswers {
  /** Resolves when the first one is there: Heat has done what it was asked for, and the client doesn't know. */
  readonly arrived: Promise<HeatAnswer>;
  /** Passes on what was held, and holds no more. */
  release(): void;
  /** Breaks the connections of what was held, and holds no more. */
  lose(): void;
}

/** An answer that Heat could give. */
export interface CannedAnswer {
  status: number;
  body?: unknown;
}

/** How a Heat is away: its load balancer has no server, it doesn't answer, or nothing listens there. */
export type Outage = '502' | 'hangs' | 'refuses';

/**
 * A proxy in front of Heat to stop the world between an answer and who gets it. A client uses it by {@link endpoint} as
 * `orchestration_endpoint_override` in its clouds.yaml.
 */
export class HeatProxy {
  readonly #heatUrl: URL;
  readonly #host: string;
  readonly #answers: HeatAnswer[] = [];
  readonly #server = createServer((request, response) => {
    // A client that was killed in the middle breaks the connection.
    this.#pass(request, response).catch(() => response.destroy());
  });
  /** What is told of answers that are held, by their requests' methods; resolves when they go on. */
  readonly #holds = new Map<string, (answer: HeatAnswer) => Promise<void>>();
  #rewrite: ((text: string) => string) | undefined;
  #outage: { how: Outage; requests: number; held: ServerResponse[] } | undefined;
  #port = 0;
  readonly #canned = new Map<string, { answer: CannedAnswer; count: number }>();

  /**
   * @param heatUrl Heat's API, with /v1 and without a project
   * @param host the address it listens on
   */
  constructor(heatUrl: string, host = '127.0.0.1') {
    this.#heatUrl = new URL(heatUrl);
    this.#host = host;
  }

  async start(): Promise<void> {
    this.#server.listen(this.#port, this.#host);
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  get endpoint(): string {
    return `http://${this.#host}:${this.#port}${this.#heatUrl.pathname}/%(project_id)s`;
  }

  /** All answers so far. */
  get answers(): readonly HeatAnswer[] {
    return this.#answers;
  }

  /** How often Heat answered requests with this method, and with this path if one is given. */
  count(method: string, path?: string): number {
    return this.#answers.filter((answer) => answer.method === method && (path ?? answer.path) === answer.path)
      .length;
  }

  /** Holds all answers to requests with this method from now on. */
  hold(method: string): HeldAnswers {
    const arrived = Promise.withResolvers<HeatAnswer>();
    const released = Promise.withResolvers<void>();
    released.promise.catch(() => undefined); // Nothing may be held.
    const hold = (answer: HeatAnswer) => {
      arrived.resolve(answer);
      return released.promise;
    };
    const holdNoMore = () => {
      if (this.#holds.get(method) === hold) this.#holds.delete(method);
    };
    this.#holds.set(method, hold);
    return {
      arrived: arrived.promise,
      release: () => {
        holdNoMore();
        released.resolve();
      },
      lose: () => {
        holdNoMore();
        released.reject(new Error('lost'));
      },
    };
  }

  /** Changes what Heat says in the answers to GET from now on; without a function they pass as they are. */
  rewrite(change?: (text: string) => string): void {
    this.#rewrite = change;
  }

  /** Answers all requests with this method itself from now on; Heat doesn't see them. */
  answer(method: string, answer: CannedAnswer): void {
    this.#canned.set(method, { answer, count: 0 });
  }

  /** Lets requests with this method through to Heat again. @returns how many were answered here. */
  passOn(method: string): number {
    const count = this.#canned.get(method)?.count ?? 0;
    this.#canned.delete(method);
    return count;
  }

  /** Takes Heat away from all who come through here. */
  async goAway(how: Outage): Promise<void> {
    this.#outage = { how, requests: 0, held: [] };
    if (how === 'refuses') await this.close();
  }

  /** How many requests came since Heat is away; of refused connections nobody knows. */
  get requestsInVain(): number {
    return this.#outage?.requests ?? 0;
  }

  /** Gives Heat back. */
  async comeBack(): Promise<void> {
    const outage = this.#outage;
    this.#outage = undefined;
    for (const response of outage?.held ?? []) response.destroy();
    if (outage?.how === 'refuses') await this.start();
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = request;
    if (this.#outage) {
      this.#outage.requests += 1;
      request.resume();
      if (this.#outage.how === '502') response.writeHead(502).end();
      else this.#outage.held.push(response);
      return;
    }
    const canned = this.#canned.get(method);
    if (canned) {
      canned.count += 1;
      request.resume();
      response.writeHead(canned.answer.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(canned.answer.body));
      return;
    }
    const upstream = forward(new URL(url, this.#heatUrl), { method, headers });
    const [[answer]] = await Promise.all([
      once(upstream, 'response') as Promise<[IncomingMessage]>,
      pipeline(request, upstream),
    ]);
    const { statusCode: status = 0 } = answer;
    const path = new URL(url, this.#heatUrl).pathname.replace(/^\/v1\/[^/]+/, '');
    const token = createHash('sha256').update(String(headers['x-auth-token'])).digest('hex');
    const seen = { method, path, status, token };
    this.#answers.push(seen);
    await this.#holds.get(method)?.(seen);
    if (method === 'GET' && this.#rewrite) {
      const { 'content-length': _, ...others } = answer.headers;
      response.writeHead(status, others).end(this.#rewrite(await text(answer)));
      return;
    }
    response.writeHead(status, answer.headers);
    await pipeline(answer, response);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
