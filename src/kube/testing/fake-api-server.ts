import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import type { KubeObject } from '../objects.ts';

export interface ReceivedRequest {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: IncomingMessage['headers'];
  body: string;
}

export type Responder = (request: ReceivedRequest, response: ServerResponse) => void;

/** A watch that a client has open. */
export interface OpenWatch {
  request: ReceivedRequest;
  /** Sends an event. */
  send(type: string, object: unknown): void;
  /** Sends bytes as they are. */
  write(bytes: string | Uint8Array): void;
  /** Ends the watch as the API server does when its time is over. */
  end(): void;
  /** Breaks the connection. */
  tear(): void;
}

/**
 * An API server for tests of what a real one seldom does. It serves one collection; each list or watch is answered
 * by the next scripted responder, or, when none is left, from {@link objects} and with a watch that stays open.
 */
export class FakeApiServer {
  readonly requests: ReceivedRequest[] = [];
  readonly objects = new Map<string, KubeObject>();
  readonly lists: Responder[] = [];
  readonly watches: Responder[] = [];
  readonly openWatches: OpenWatch[] = [];
  /** Answers what is neither a list nor a watch. */
  respond: Responder = (_request, response) => sendStatus(response, 404, 'NotFound');
  resourceVersion = '100';
  /** How many connections clients have opened so far. */
  connections = 0;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((incoming, response) => void this.#receive(incoming, response));
    this.#server.on('connection', () => {
      this.connections++;
    });
  }

  static async start(): Promise<FakeApiServer> {
    const fake = new FakeApiServer();
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A KubeConfig that leads here. */
  config(user: object = { token: 'sesame' }): KubeConfig {
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [{ name: 'fake', server: this.url, skipTLSVerify: true }],
      users: [{ name: 'user', ...user }],
      contexts: [{ name: 'fake', cluster: 'fake', user: 'user' }],
      currentContext: 'fake',
    });
    return config;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #receive(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', this.url);
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    const request: ReceivedRequest = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: incoming.headers,
      body,
    };
    this.requests.push(request);
    if (request.query['watch'] === 'true') {
      const responder = this.watches.shift() ?? ((r, s) => void this.openWatch(r, s));
      responder(request, response);
    } else if (request.method === 'GET' && /\/[a-z]+s$/.test(request.path)) {
      const responder = this.lists.shift() ?? ((_r, s) => this.sendList(s));
      responder(request, response);
    } else {
      this.respond(request, response);
    }
  }

  /** Answers a list with {@link objects}. */
  sendList(response: ServerResponse): void {
    const items = [...this.objects.values()];
    sendJson(response, 200, { kind: 'List', metadata: { resourceVersion: this.resourceVersion }, items });
  }

  /** Opens a watch and keeps it in {@link openWatches} until either side closes it. */
  openWatch(request: ReceivedRequest, response: ServerResponse): OpenWatch {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const forget = () => {
      const index = this.openWatches.indexOf(watch);
      if (index >= 0) this.openWatches.splice(index, 1);
    };
    const watch: OpenWatch = {
      request,
      send: (type, object) => void response.write(`${JSON.stringify({ type, object })}\n`),
      write: (bytes) => void response.write(bytes),
      end: () => {
        forget();
        response.end();
      },
      tear: () => {
        forget();
        response.destroy();
      },
    };
    this.openWatches.push(watch);
    response.on('close', forget);
    return watch;
  }
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: object = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** Answers with a Status object, as the API server reports errors. */
export function sendStatus(
  response: ServerResponse,
  status: number,
  reason: string,
  headers: object = {},
): void {
  sendJson(response, status, statusObject(status, reason), headers);
}

export function statusObject(code: number, reason: string): object {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: `told ${reason}` };
}

/** A ConfigMap of namespace `ns`. */
export function configMap(name: string, resourceVersion: string, uid = `uid-${name}`): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'ns', uid, resourceVersion } };
}
