import { once } from 'node:events';
import { createServer, request as forward, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A request of a client, with Heat's answer to it. */
export interface Exchange {
  method: string;
  /** Below the project: `/stacks/web?limit=1`. */
  path: string;
  body: string;
  status: number;
}

/** An answer on its way to the client. */
export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** A request on its way back: `count` is 1 for the first, `base` what leads to the proxy. */
export interface Asking {
  method: string;
  path: string;
  count: number;
  base: string;
}

/** Changes an answer of Heat into what a scenario wants; undefined leaves it. */
export type Tamper = (answer: Answer, request: Asking) => Partial<Answer> | undefined;

/** A proxy in front of Heat, on loopback, that remembers what one client asks in one scenario. */
export class RecordingProxy {
  readonly #heatUrl: URL;
  readonly #tamper: Tamper | undefined;
  readonly exchanges: Exchange[] = [];
  readonly #server = createServer(async (request, response) => {
    try {
      const { status, headers, body } = await this.#pass(request);
      const { 'content-length': _length, 'transfer-encoding': _encoding, ...rest } = headers;
      const bytes = Buffer.from(body);
      response.writeHead(status, { ...rest, ...(status !== 204 && { 'content-length': bytes.length }) });
      response.end(status === 204 ? undefined : bytes);
    } catch {
      response.destroy();
    }
  });

  /** @param heatUrl Heat's API, with /v1 and without a project */
  constructor(heatUrl: string, tamper?: Tamper) {
    this.#heatUrl = new URL(heatUrl);
    this.#tamper = tamper;
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** What to set as `orchestration_endpoint_override`. */
  get endpoint(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}${this.#heatUrl.pathname}/%(project_id)s`;
  }

  async #pass(request: IncomingMessage): Promise<Answer> {
    const { method = 'GET', url = '/', headers } = request;
    const body = await text(request);
    const upstream = forward(this.#heatUrl, { method, path: url, headers });
    upstream.end(body);
    const [incoming] = (await once(upstream, 'response')) as [IncomingMessage];
    const answer: Answer = {
      status: incoming.statusCode ?? 0,
      headers: incoming.headers as IncomingHttpHeaders & Answer['headers'],
      body: await text(incoming),
    };
    // What is left of the project's own address.
    const path = url.slice(this.#heatUrl.pathname.length).replace(/^\/[^/?]+/, '');
    const count = this.exchanges.length + 1;
    const base = `http://${headers.host}${url.slice(0, url.length - path.length)}`;
    const changed = { ...answer, ...this.#tamper?.(answer, { method, path, count, base }) };
    this.exchanges.push({ method, path, body, status: changed.status });
    return changed;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
