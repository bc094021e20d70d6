import type { IncomingHttpHeaders } from 'node:http';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { Agent, type Dispatcher, ProxyAgent, Socks5ProxyAgent } from 'undici';
import { type Json, parseJson } from '../json.ts';
import { type Clock, systemClock } from './clock.ts';
import { proxyUrlOf } from './config.ts';
import { type Credential, Credentials, type TlsOptions } from './credentials.ts';
import { Deadline } from './deadline.ts';
import { isKubeError, KubeError, responseError } from './errors.ts';
import { exchange } from './exchange.ts';
import { readLines } from './lines.ts';
import type { KubeRequestInfo } from './metrics.ts';
import { writeFence } from './write-fence.ts';

const MIB = 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_BYTES = 8 * MIB;
// The API server sends a bookmark about every 60 s; longer silence means a dead connection.
const DEFAULT_IDLE_MS = 90_000;
const MAX_WATCH_LINE_BYTES = 8 * MIB;
const GET_RETRIES = 3;
// A longer Retry-After than this is for the caller to wait out.
const LONGEST_RETRY_AFTER_MS = 10_000;
const MAX_REQUEST_CONNECTIONS = 32;

export interface KubeRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below the server's URL, encoded. */
  path: string;
  query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  body?: unknown;
  /** Of the body; default `application/json`. */
  contentType?: string;
  accept?: string;
  /** For the whole exchange, waiting for a free connection included; default 30 s. */
  timeoutMs?: number;
  /** Longest body that is read; default 8 MiB. */
  maxBytes?: number;
  signal?: AbortSignal | undefined;
}

export interface KubeWatchRequest extends Pick<KubeRequest, 'path' | 'query' | 'accept'> {
  /** The watch is given up as dead when no byte came for so long; default 90 s. */
  idleTimeoutMs?: number;
  signal: AbortSignal;
}

export interface KubeTransportOptions {
  /** Sent with every request; the part before the `/` is what `managedFields` shows. */
  userAgent: string;
  logger?: Logger;
  clock?: Clock;
  /**
   * Called right before the first byte of each request that isn't a GET, after any wait for a connection. It throws
   * when no write may start: the request then fails with what it threw, and isn't sent.
   */
  beforeWrite?: () => void;
  /** Told of every request when it has ended, and of every watch when it was answered or refused. */
  onRequest?: ((request: KubeRequestInfo) => void) | undefined;
}

/** Requests and watches have connections of their own, so that long watches never keep a request waiting. */
interface Pools {
  readonly tlsId: string;
  readonly requests: Dispatcher;
  readonly watches: Dispatcher;
}

/**
 * HTTP to one API server over pooled connections. client-node opens a connection for every request, so only its
 * knowledge of kubeconfigs is used here.
 */
export class KubeTransport {
  readonly #origin: string;
  readonly #host: string;
  /** The path of the server's URL: some cluster managers proxy many API servers under one host. */
  readonly #root: string;
  readonly #proxyUrl: string | undefined;
  readonly #userAgent: string;
  readonly #clock: Clock;
  readonly #credentials: Credentials;
  readonly #beforeWrite: (() => void) | undefined;
  readonly #onRequest: KubeTransportOptions['onRequest'];
  #pools: Pools | undefined;
  #closed = false;

  /** @throws KubeError `ConfigError` when the KubeConfig's current context has no cluster. */
  constructor(config: KubeConfig, options: KubeTransportOptions) {
    const { userAgent, logger, clock = systemClock, beforeWrite, onRequest } = options;
    const cluster = config.getCurrentCluster();
    if (cluster === null)
      throw new KubeError('ConfigError', 'the current context of the kubeconfig has no cluster');
    const { origin, host, pathname } = new URL(cluster.server);
    this.#origin = origin;
    this.#host = host;
    this.#root = pathname.replace(/\/$/, '');
    this.#proxyUrl = proxyUrlOf(cluster);
    this.#userAgent = userAgent;
    this.#clock = clock;
    this.#beforeWrite = beforeWrite;
    this.#onRequest = onRequest;
    this.#credentials = new Credentials(config, logger, clock);
  }

  /**
   * Sends one request. A GET that is answered 429 or 5xx with a short Retry-After is repeated a few times; whether
   * anything else may be repeated is for the caller to know.
   *
   * @returns the body's JSON with all digits kept; `null` for an empty body
   * @throws KubeError, or the signal's reason
   */
  async request(request: KubeRequest): Promise<Json> {
    for (let left = request.method === 'GET' ? GET_RETRIES : 0; ; left -= 1) {
      try {
        return await this.#requestAsWeAre(request);
      } catch (error) {
        const delayMs = left > 0 ? repeatAfterMs(error) : undefined;
        if (delayMs === undefined) throw error;
        await this.#clock.sleep(delayMs, request.signal);
      }
    }
  }

  /** A request that was refused for an outdated credential or CA had no effect: it is sent again with those of now. */
  async #requestAsWeAre(request: KubeRequest): Promise<Json> {
    const used = await this.#credentials.get();
    try {
      return await this.#requestOnce(request, used);
    } catch (error) {
      if (!isOutdated(error) || !(await this.#credentials.renew(used))) throw error;
      return this.#requestOnce(request, await this.#credentials.get());
    }
  }

  async #requestOnce(request: KubeRequest, credential: Credential): Promise<Json> {
    const { method, timeoutMs = DEFAULT_TIMEOUT_MS, maxBytes = DEFAULT_MAX_BYTES, signal } = request;
    const where = `${method} ${request.path}`;
    const startedAt = performance.now();
    let status: number | undefined;
    try {
      const answer = await exchange(
        this.#poolsFor(credential).requests,
        {
          ...this.#options(request, credential),
          method,
          body: request.body === undefined ? null : JSON.stringify(request.body),
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        {
          timeoutMs,
          onTimeout: () => new KubeError('Timeout', `${where}: no answer within ${timeoutMs / 1000} s`),
          maxBytes,
          onTooLarge: () => tooLarge(maxBytes, where),
          signal,
        },
      );
      status = answer.status;
      check(where, answer.status, answer.headers, answer.text);
      return parseBody(answer.text, where);
    } catch (error) {
      throw toKubeError(error, where, signal, this.#proxyUrl);
    } finally {
      const { path } = request;
      this.#onRequest?.({ method, path, host: this.#host, status, ms: performance.now() - startedAt });
    }
  }

  /**
   * Opens a watch and gives the JSON value of each of its lines, until the API server ends it. Leaving the loop or
   * aborting the signal closes it.
   *
   * @throws KubeError when the watch is refused, torn, silent for too long or not understood; the signal's reason
   */
  async *watch(request: KubeWatchRequest): AsyncGenerator<Json> {
    const used = await this.#credentials.get();
    try {
      yield* this.#watchOnce(request, used);
      return;
    } catch (error) {
      if (!isOutdated(error) || !(await this.#credentials.renew(used))) throw error;
    }
    yield* this.#watchOnce(request, await this.#credentials.get());
  }

  async *#watchOnce(request: KubeWatchRequest, credential: Credential): AsyncGenerator<Json> {
    const { idleTimeoutMs = DEFAULT_IDLE_MS } = request;
    const where = `watch ${request.path}`;
    using deadline = new Deadline(
      idleTimeoutMs,
      () => new KubeError('Timeout', `${where}: nothing heard for ${idleTimeoutMs / 1000} s`),
      request.signal,
    );
    let told = false;
    const tell = (status?: number) => {
      if (!told) this.#onRequest?.({ method: 'GET', path: request.path, host: this.#host, status });
      told = true;
    };
    try {
      deadline.signal.throwIfAborted();
      const response = await this.#poolsFor(credential).watches.request({
        ...this.#options(request, credential),
        method: 'GET',
        signal: deadline.signal,
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      tell(response.statusCode);
      if (response.statusCode !== 200) {
        const text = await readText(response, DEFAULT_MAX_BYTES, where);
        check(where, response.statusCode, response.headers, text);
        throw new KubeError('InvalidResponse', `${where}: ${response.statusCode} instead of 200`);
      }
      const lines = readLines(extending(response.body, deadline), {
        maxBytes: MAX_WATCH_LINE_BYTES,
        onTooLong: () => new KubeError('ResponseTooLarge', `${where}: an event of more than 8 MiB`),
        onTorn: () => new KubeError('ConnectionFailed', `${where}: ended in the middle of an event`),
      });
      for await (const line of lines) yield parseBody(line, where);
    } catch (error) {
      tell();
      throw toKubeError(error, where, deadline.signal, this.#proxyUrl);
    }
  }

  /** Closes all connections; running requests and watches fail, and so do later ones. */
  async close(): Promise<void> {
    this.#closed = true;
    const pools = this.#pools;
    this.#pools = undefined;
    await Promise.all([pools?.requests.destroy(), pools?.watches.destroy()]);
  }

  /** The connections that are made with a credential. */
  #poolsFor(credential: Credential): Pools {
    if (this.#closed) throw new KubeError('ConnectionFailed', 'the connections to the API server are closed');
    if (this.#pools?.tlsId !== credential.tlsId) {
      const old = this.#pools;
      const requests = createDispatcher(credential.tls, this.#proxyUrl, MAX_REQUEST_CONNECTIONS);
      this.#pools = {
        tlsId: credential.tlsId,
        requests: this.#beforeWrite ? requests.compose(writeFence(this.#beforeWrite)) : requests,
        // No limit: a watch over it would wait for another one to end.
        watches: createDispatcher(credential.tls, this.#proxyUrl, null),
      };
      // What runs on the old certificates runs to its end.
      old?.requests.close().catch(() => undefined);
      old?.watches.close().catch(() => undefined);
    }
    return this.#pools;
  }

  #options(
    request: Pick<KubeRequest, 'path' | 'query' | 'accept' | 'body' | 'contentType'>,
    credential: Credential,
  ) {
    const headers: Record<string, string> = {
      ...credential.headers,
      'user-agent': this.#userAgent,
      accept: request.accept ?? 'application/json',
    };
    if (request.body !== undefined) headers['content-type'] = request.contentType ?? 'application/json';
    const path = `${this.#root}${request.path}${searchOf(request.query)}`;
    return { origin: this.#origin, path, headers };
  }
}

function searchOf(query: KubeRequest['query']): string {
  if (query === undefined) return '';
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.append(name, String(value));
  }
  return search.size > 0 ? `?${search}` : '';
}

/** After which time a GET that failed like this is repeated, in ms; `undefined`: not at all. */
function repeatAfterMs(error: unknown): number | undefined {
  if (!isKubeError(error, 'TooManyRequests', 'ServerError')) return undefined;
  const { retryAfterMs } = error;
  return retryAfterMs === undefined || retryAfterMs > LONGEST_RETRY_AFTER_MS ? undefined : retryAfterMs;
}

function check(where: string, status: number, headers: IncomingHttpHeaders, text: string): void {
  if (status < 200 || status > 299) throw responseError(where, status, headers, text);
}

/** Codes by which Node refuses a certificate; nothing of the request has been sent then. */
const NOT_TRUSTED = /^(CERT_|ERR_TLS_CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/** Whether a request failed for what {@link Credentials} has, which may have been replaced since it was read. */
function isOutdated(error: unknown): boolean {
  if (isKubeError(error, 'Unauthorized')) return true;
  return isKubeError(error, 'ConnectionFailed') && NOT_TRUSTED.test(codeOf(error.cause) ?? '');
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

function createDispatcher(
  tls: TlsOptions,
  proxyUrl: string | undefined,
  connections: number | null,
): Dispatcher {
  const connect = { ...tls, keepAlive: true, keepAliveInitialDelay: 30_000 };
  // HTTP/1.1: on one HTTP/2 connection a single stuck packet stalls all requests, and it isn't faster.
  const pool = { connections, allowH2: false, keepAliveTimeout: 30_000 };
  if (proxyUrl === undefined) return new Agent({ ...pool, connect });
  if (proxyUrl.startsWith('socks')) return new Socks5ProxyAgent(proxyUrl, { ...pool, requestTls: connect });
  return new ProxyAgent({ ...pool, uri: proxyUrl, requestTls: connect });
}

function tooLarge(maxBytes: number, where: string): KubeError {
  return new KubeError(
    'ResponseTooLarge',
    `${where}: the answer is longer than ${Math.round(maxBytes / MIB)} MiB`,
  );
}

async function readText(response: Dispatcher.ResponseData, maxBytes: number, where: string): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(maxBytes, where);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseBody(text: string, where: string): Json {
  if (text === '') return null;
  try {
    return parseJson(text);
  } catch {
    throw new KubeError('InvalidResponse', `${where}: the answer is not JSON`);
  }
}

/** Every piece that comes puts the deadline off. */
async function* extending(stream: AsyncIterable<Buffer>, deadline: Deadline): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    deadline.extend();
    yield chunk;
  }
}

/** What undici threw as a {@link KubeError}; an abort as the reason of the abort. */
function toKubeError(
  error: unknown,
  where: string,
  signal: AbortSignal | undefined,
  proxyUrl: string | undefined,
): unknown {
  if (isKubeError(error)) return error;
  if (signal?.aborted) return signal.reason;
  const code = codeOf(error);
  // Wrong arguments are a fault of this program, not of the connection.
  if (code === undefined || code === 'UND_ERR_INVALID_ARG') return error;
  // The host alone: its URL may hold a password.
  const through = proxyUrl === undefined ? '' : ` through the proxy ${new URL(proxyUrl).host}`;
  return new KubeError('ConnectionFailed', `${where}: no answer from the API server${through} (${code})`, {
    cause: error,
  });
}
