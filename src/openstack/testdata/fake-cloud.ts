import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type CloudConfig,
  type Connection,
  type ConnectOptions,
  connect,
  type Orchestration,
} from '../index.ts';

/** What the fake cloud answers: a status with a body, or whatever a function does with the response. */
export type Reply =
  | { status: number; body?: unknown; headers?: Record<string, string> }
  | ((request: Seen, response: ServerResponse) => void);

/** A request as it arrived. */
export interface Seen {
  method: string;
  /** Below the endpoint, without the query. */
  path: string;
  query: string;
  headers: IncomingMessage['headers'];
  body: string;
}

interface Sample {
  status: number;
  body?: unknown;
  location?: string;
}

const samples = JSON.parse(readFileSync(new URL('./heat-samples.json', import.meta.url), 'utf8')) as Record<
  string,
  Sample
>;

/** The project of the samples. */
export const PROJECT = '36ebabd8b6584a79beb4f5af258bdb23';

/** A verbatim answer of a real Heat 27 or Keystone 30. */
export function sample(name: string): { status: number; body: unknown; headers: Record<string, string> } {
  const found = samples[name];
  if (!found) throw new Error(`no sample ${name}`);
  const { status, body, location } = structuredClone(found);
  return { status, body, headers: location === undefined ? {} : { location } };
}

/** One of the samples that are a stack without the rest of the answer. */
export function stackSample(name: string): Reply {
  return { status: 200, body: { stack: samples[name] } };
}

/** A part of a sample, by its keys. */
export function pick(value: unknown, ...keys: string[]): unknown {
  return keys.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], value);
}

/** A Keystone and a Heat on loopback that answer what they are told to. */
export class FakeCloud {
  /** Requests to Heat, in their order. */
  readonly seen: Seen[] = [];
  /** Requests to Keystone, in their order. */
  readonly signIns: Seen[] = [];
  /** Token requests so far. The n-th answer is the token `token-<n>`. */
  tokens = 0;
  /** Lifetime of the tokens, in seconds. */
  tokenLifetime = 3600;
  /** Answers instead of a token, used up one by one. */
  readonly tokenReplies: Reply[] = [];
  /** Changes the body of a token. */
  editToken: (token: Record<string, unknown>) => void = () => {};
  readonly #replies = new Map<string, Reply[]>();
  readonly #server = createServer((request, response) => void this.#handle(request, response));

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get config(): CloudConfig {
    return {
      name: 'demo',
      authUrl: `${this.origin}/v3`,
      auth: { type: 'password', username: 'demo', userDomainId: 'default', password: 'pa55-of-demo' },
      scope: { projectName: 'demo', projectDomainId: 'default' },
      interface: 'public',
      verify: true,
    };
  }

  connect(options?: ConnectOptions): Promise<Connection> {
    return connect(this.config, options);
  }

  /** Answers of Heat to `"GET /stacks/web"`, in turn; the last one is given from then on. */
  on(request: string, ...replies: Reply[]): this {
    this.#replies.set(request, replies);
    return this;
  }

  /** Requests to Heat so far: "GET /stacks/web". */
  get asked(): string[] {
    return this.seen.map(({ method, path }) => `${method} ${path}`);
  }

  /** Open sockets. */
  connections(): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    );
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { pathname, search } = new URL(request.url ?? '', this.origin);
    const { method = '' } = request;
    const seen: Seen = {
      method,
      path: pathname.replace(/^\/v1\/[^/]+(?=\/)/, ''),
      query: search.slice(1),
      headers: request.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    };
    if (pathname === '/v3/auth/tokens') {
      this.tokens += 1;
      this.signIns.push(seen);
      send(this.tokenReplies.shift() ?? this.#token(), seen, response);
      return;
    }
    this.seen.push(seen);
    const replies = this.#replies.get(`${method} ${seen.path}`) ?? [];
    const reply = replies.length > 1 ? replies.shift() : replies[0];
    send(reply ?? this.otherwise(seen), seen, response);
  }

  /** The answer of Heat to what {@link on} wasn't told of. */
  protected otherwise({ method, path }: Seen): Reply {
    return { status: 599, body: `no answer for ${method} ${path}` };
  }

  #token(): Reply {
    const { status, body } = sample('auth_token');
    const text = JSON.stringify(body).replaceAll('http://127.0.0.1:18004', this.origin);
    const { token } = JSON.parse(text) as { token: Record<string, unknown> };
    const issued = Date.now();
    token['issued_at'] = new Date(issued).toISOString();
    token['expires_at'] = new Date(issued + this.tokenLifetime * 1000).toISOString();
    this.editToken(token);
    return { status, body: { token }, headers: { 'x-subject-token': `token-${this.tokens}` } };
  }
}

function send(reply: Reply, seen: Seen, response: ServerResponse): void {
  if (typeof reply === 'function') {
    reply(seen, response);
    return;
  }
  const { status, body, headers } = reply;
  const text = body === undefined || typeof body === 'string' ? (body ?? '') : JSON.stringify(body);
  response.writeHead(status, {
    'content-type': typeof body === 'string' ? 'text/html' : 'application/json',
    'x-openstack-request-id': `req-of-heat-${status}`,
    ...headers,
  });
  response.end(text);
}

/** Heat of a connection that must have it. */
export function heatOf(connection: Connection): Orchestration {
  const { orchestration } = connection;
  if (!orchestration) throw new Error('the catalog has no orchestration service');
  return orchestration;
}
