import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector, type Dispatcher, Pool } from 'undici';
import type { ByteBudget, ByteShare } from './byte-budget.ts';
import type { EndpointPolicy } from './endpoint-policy.ts';
import { createError, OpenStackError } from './errors.ts';
import { GrowingBytes } from './growing-bytes.ts';

/** Time to set up a connection, TLS included, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Sockets for each origin. More requests wait for a free one. */
const CONNECTIONS = 16;
/** An error answer larger than this, in bytes, is judged by its status alone. */
const ERROR_BODY_BYTES = 64 * 1024;
/** A body in more pieces is not read on: each costs far more than a byte. The largest lists come in some 12,000. */
const MAX_CHUNKS = 65_536;

/** One HTTP request. */
export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  url: string;
  /** Who is asked, for messages: "Keystone" or "Heat". */
  peer: string;
  headers: Record<string, string>;
  /** Sent as X-Openstack-Request-Id; services log it, and an answer may name another. */
  requestId: string;
  body?: string | undefined;
  /** From now to the last byte of the answer, in milliseconds. */
  timeoutMs: number;
  /** Largest body of a successful answer, in bytes. */
  maxBytes: number;
  signal?: AbortSignal | undefined;
}

/** A complete answer. */
export interface HttpAnswer {
  status: number;
  /** Undefined when an error answer was larger than 64 KiB. */
  body: string | undefined;
  header(name: string): string | undefined;
}

/** What a pool of connections needs to know of TLS. */
export interface TlsOptions {
  /** PEM certificates that replace the system's, as `cacert` does in openstacksdk. */
  cacert?: string | undefined;
  verify: boolean;
}

/** Settings of an {@link HttpClient}. */
export interface HttpClientOptions {
  /** Used instead of a pool of its own, and left open by {@link HttpClient.close}; then `endpoints` has no effect. */
  dispatcher?: Dispatcher | undefined;
  /** Which addresses may be connected to; default: all. */
  endpoints?: EndpointPolicy | undefined;
  /** Bounds what is held of answers together with others that share it. */
  budget?: ByteBudget | undefined;
}

/**
 * A pool of connections of its own: no redirects, no proxy from the environment, no compression (a small compressed
 * body could grow without bound), every answer bounded in time and size.
 */
export class HttpClient {
  readonly #dispatcher: Dispatcher;
  readonly #owned: boolean;
  readonly #budget: ByteBudget | undefined;
  readonly #closed = new AbortController();

  constructor(tls: TlsOptions, { dispatcher, endpoints, budget }: HttpClientOptions = {}) {
    this.#budget = budget;
    this.#owned = dispatcher === undefined;
    this.#dispatcher =
      dispatcher ??
      new Agent({
        factory: (origin) =>
          new Pool(origin, {
            connections: CONNECTIONS,
            pipelining: 1,
            // OpenStack's services are WSGI behind HTTP/1.1; one protocol keeps "was it sent?" answerable.
            allowH2: false,
            // The deadline of each request covers these two.
            headersTimeout: 0,
            bodyTimeout: 0,
            connect: connector(new URL(origin), tls, endpoints),
          }),
      });
  }

  /** Aborted by {@link close}. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /**
   * Sends one request, once. Any status is an answer; the caller judges it.
   *
   * @throws OpenStackError Timeout, ConnectionFailed, EndpointRefused, ResponseTooLarge, Overloaded or InvalidResponse;
   * the signal's reason when it was aborted.
   */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    request.signal?.throwIfAborted();
    const { origin, pathname, search } = new URL(request.url);
    // Not AbortSignal.any: signals derived from one that lives long pile up on it.
    const end = new AbortController();
    const abort = (): void => end.abort();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      abort();
    }, request.timeoutMs);
    let crowded = false;
    const share = this.#budget?.open(() => {
      crowded = true;
      abort();
    });
    const signals = request.signal ? [this.#closed.signal, request.signal] : [this.#closed.signal];
    for (const signal of signals) signal.addEventListener('abort', abort, { once: true });
    try {
      const answer = await this.#dispatcher.request({
        origin,
        path: `${pathname}${search}`,
        method: request.method,
        headers: {
          ...request.headers,
          'accept-encoding': 'identity',
          'x-openstack-request-id': request.requestId,
        },
        body: request.body ?? null,
        signal: end.signal,
      });
      const header = (name: string): string | undefined => {
        const value = answer.headers[name];
        return Array.isArray(value) ? value[0] : value;
      };
      const { statusCode: status } = answer;
      const body = await readBody(request, answer, header, share);
      return { status, body, header };
    } catch (error) {
      request.signal?.throwIfAborted();
      this.#closed.signal.throwIfAborted();
      if (error instanceof OpenStackError) throw error;
      const { peer, requestId } = request;
      if (crowded) {
        throw createError(
          'Overloaded',
          `${peer}'s answer to ${request.method} is too large to be read beside others just now.`,
          { requestId },
        );
      }
      if (late) {
        throw createError(
          'Timeout',
          `${peer} at ${origin} gave no complete answer within ${request.timeoutMs / 1000} s.`,
          { requestId, cause: error },
        );
      }
      throw connectionError(`${peer} at ${origin}`, requestId, error);
    } finally {
      clearTimeout(timer);
      share?.close();
      for (const signal of signals) signal.removeEventListener('abort', abort);
    }
  }

  /** Ends every request under way with ConnectionFailed and closes every socket. */
  async close(): Promise<void> {
    this.#closed.abort(
      createError('ConnectionFailed', 'This connection was closed; connect anew.', {
        retryable: false,
      }),
    );
    if (this.#owned) await this.#dispatcher.destroy();
  }
}

async function readBody(
  request: HttpRequest,
  answer: Dispatcher.ResponseData,
  header: (name: string) => string | undefined,
  share: ByteShare | undefined,
): Promise<string | undefined> {
  const failed = answer.statusCode >= 400;
  const limit = failed ? ERROR_BODY_BYTES : request.maxBytes;
  const encoding = header('content-encoding');
  using bytes = new GrowingBytes();
  let chunks = 0;
  let tooLarge = Number(header('content-length')) > limit;
  if (!tooLarge) {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      chunks += 1;
      tooLarge = bytes.size + chunk.length > limit || chunks > MAX_CHUNKS;
      if (tooLarge) break;
      bytes.add(chunk);
      share?.add(chunk.length);
    }
  }
  if (tooLarge) {
    // Leaving the loop destroys the stream; this covers the body that was never begun.
    answer.body.on('error', () => undefined).destroy();
    if (failed) return undefined;
    throw createError(
      'ResponseTooLarge',
      `${request.peer}'s answer to ${request.method} is larger than ${limit / 1024 / 1024} MiB, or in too many pieces.`,
      { status: answer.statusCode, requestId: request.requestId },
    );
  }
  if (encoding !== undefined && encoding !== 'identity') {
    if (failed) return undefined;
    throw createError('InvalidResponse', `${request.peer} sent a compressed body unasked.`, {
      status: answer.statusCode,
      requestId: request.requestId,
    });
  }
  return bytes.toString();
}

/** Sets up the connections to one origin. The policy is asked each time: a name may lead elsewhere than before. */
function connector(
  origin: URL,
  tls: TlsOptions,
  endpoints: EndpointPolicy | undefined,
): buildConnector.connector {
  const port = Number(origin.port) || (origin.protocol === 'https:' ? 443 : 80);
  const lookup: LookupFunction = (hostname, { all }, done) => {
    endpoints?.addressesOf(hostname, port).then(
      (addresses) => {
        const [first] = addresses;
        if (all || !first) done(null, addresses);
        else done(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => done(error, []),
    );
  };
  const connect = buildConnector({
    allowH2: false,
    timeout: CONNECT_TIMEOUT_MS,
    rejectUnauthorized: tls.verify,
    ...(tls.cacert !== undefined && { ca: tls.cacert }),
    ...(endpoints && { lookup }),
  });
  if (!endpoints) return connect;
  return (options, done) => {
    // An address isn't looked up.
    if (isIP(options.hostname) === 0) connect(options, done);
    else
      endpoints.addressesOf(options.hostname, port).then(
        () => connect(options, done),
        (error: Error) => done(error, null),
      );
  };
}

/** Failures of setting up a connection: nothing of the request has left this machine. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Codes by which Node refuses a peer's certificate. They don't heal by themselves within a call. */
const CERTIFICATE = /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)|_CERT_|_SIGNATURE$/;

function connectionError(peer: string, requestId: string, cause: unknown): OpenStackError {
  const code = errorCode(cause);
  if (CERTIFICATE.test(code)) {
    return createError(
      'ConnectionFailed',
      code === 'ERR_TLS_CERT_ALTNAME_INVALID'
        ? `The certificate of ${peer} is for another host; correct the address or the certificate.`
        : `The certificate of ${peer} isn't trusted (${code}); give its CA as cacert.`,
      { notSent: true, retryable: false, requestId, cause },
    );
  }
  const notSent = NOT_SENT.has(code);
  return createError(
    'ConnectionFailed',
    notSent
      ? `${peer} can't be reached (${code}); check the address and the network.`
      : `The connection to ${peer} broke (${code}).`,
    { notSent, requestId, cause },
  );
}

function errorCode(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return error instanceof Error ? error.name : 'unknown error';
}
