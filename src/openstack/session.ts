import { randomUUID } from 'node:crypto';
import type { Dispatcher } from 'undici';
import { untilAborted } from '../abort.ts';
import { type Asked, faultError } from './answer.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { CloudConfig } from './clouds.ts';
import type { EndpointPolicy } from './endpoint-policy.ts';
import { createError, isOpenStackError, type OpenStackError } from './errors.ts';
import { type HttpAnswer, HttpClient, type HttpRequest } from './http.ts';
import { type Endpoint, orchestrationEndpoint, readToken, type Token, tokenRequest } from './keystone.ts';
import { withRetry } from './retry.ts';

const TOKEN_TIMEOUT_MS = 30_000;
const REQUEST_ID = /^req-[\w-]{1,60}$/;
/** A catalog of thousands of endpoints is smaller. */
const TOKEN_BYTES = 1024 * 1024;

/** Where log lines go: pino's Logger fits. No line holds a secret. */
export interface LoggerLike {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** One HTTP request that was made. */
export interface RequestInfo {
  service: 'identity' | 'orchestration';
  method: string;
  /** The path with its variable parts named: `/stacks/{name}/{id}`. */
  route: string;
  /** 0 when there was no answer. */
  status: number;
  /** From the start to the last byte, in milliseconds. */
  ms: number;
  requestId: string;
}

/** Options of {@link connect}. */
export interface ConnectOptions {
  /** Ends the sign-in; later calls take a signal of their own. */
  signal?: AbortSignal;
  logger?: LoggerLike;
  /** Sent as User-Agent. */
  userAgent?: string;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** Told of every HTTP request, repeats and redirects included, when it has ended. */
  onRequest?: (request: RequestInfo) => void;
  /** Replaces the pool of connections, for tests; `close()` leaves it open. */
  dispatcher?: Dispatcher;
  /** Which addresses may be connected to, whatever clouds.yaml and the catalog say; default: all. */
  endpoints?: EndpointPolicy;
  /** Bounds what is held of answers together with other connections that share it; default: no bound. */
  budget?: ByteBudget;
}

/** One request to Heat. */
export interface HeatRequest {
  method: HttpRequest['method'];
  /** Below the endpoint, encoded: `/stacks/web/…?resolve_outputs=false`. */
  path: string;
  route: string;
  body?: string | undefined;
  timeoutMs: number;
  maxBytes: number;
  signal?: AbortSignal | undefined;
}

/** An answer of Heat below 400, and what is needed to read it. */
export interface HeatAnswer {
  answer: HttpAnswer;
  asked: Asked;
}

/**
 * A user signed in to a project: holds the token, renews it, and sends Heat's requests with it. Project and Heat stay
 * the same for its whole life: to another project, region or Heat, every stack would look deleted.
 */
export class Session {
  readonly cloud: CloudConfig;
  readonly #options: ConnectOptions;
  readonly #http: HttpClient;
  readonly #now: () => number;
  #token: Token | undefined;
  /** Where Heat is, or was when the catalog last had it. */
  #home: Endpoint | undefined;
  #renewal: Promise<Token> | undefined;

  constructor(cloud: CloudConfig, options: ConnectOptions) {
    this.cloud = cloud;
    this.#options = options;
    this.#http = new HttpClient(cloud, options);
    this.#now = options.now ?? Date.now;
  }

  /** The token in use. */
  get token(): Token {
    if (!this.#token) throw createError('Unauthorized', 'Not signed in yet; connect first.');
    return this.#token;
  }

  /** Where Heat is; undefined while the newest catalog doesn't have it for the cloud's interface and region. */
  get endpoint(): Endpoint | undefined {
    return findEndpoint(this.token, this.cloud);
  }

  /**
   * Gets a new token and catalog. Callers at the same time share one request; a caller's signal ends its own wait
   * only.
   *
   * @throws OpenStackError as `connect`, and IdentityChanged when the new token is for another project, or its catalog
   * has Heat in another region or at another address than before. The token and catalog of before are kept then.
   */
  async renew(signal?: AbortSignal): Promise<Token> {
    signal?.throwIfAborted();
    this.#renewal ??= this.#signIn().finally(() => {
      this.#renewal = undefined;
    });
    return untilAborted(this.#renewal, signal);
  }

  async #signIn(): Promise<Token> {
    const call = { peer: 'Keystone', method: 'POST', route: '/auth/tokens' } as const;
    const once = async (): Promise<Token> => {
      const { answer, asked } = await this.#send(
        { service: 'identity', ...call },
        {
          method: call.method,
          url: `${this.cloud.authUrl}${call.route}`,
          body: tokenRequest(this.cloud),
          timeoutMs: this.#timeout(TOKEN_TIMEOUT_MS),
          maxBytes: TOKEN_BYTES,
        },
      );
      return readToken(answer, asked, this.cloud, this.#now());
    };
    const token = await withRetry(once, {
      repeat: 'safe',
      signal: this.#http.closed,
      onRetry: this.#logRetry(call.peer, call.method, call.route),
    });
    const endpoint = findEndpoint(token, this.cloud);
    this.#checkIdentity(token, endpoint);
    this.#token = token;
    // Kept while the catalog has no Heat: it mustn't come back elsewhere either.
    this.#home = endpoint ?? this.#home;
    this.#options.logger?.debug(
      { cloud: this.cloud.name, project: token.project.id },
      'signed in to Keystone',
    );
    return token;
  }

  #checkIdentity(token: Token, endpoint: Endpoint | undefined): void {
    const project = this.#token?.project.id ?? token.project.id;
    if (project !== token.project.id) {
      throw createError(
        'IdentityChanged',
        `The project of cloud "${this.cloud.name}" is another one than before; connect anew.`,
      );
    }
    const home = this.#home ?? endpoint;
    if (home && endpoint && (home.url !== endpoint.url || home.region !== endpoint.region)) {
      throw createError(
        'IdentityChanged',
        `The catalog of cloud "${this.cloud.name}" has Heat ${place(endpoint)} now, before it was ${place(home)}; connect anew.`,
      );
    }
  }

  /**
   * Sends a request to Heat with a valid token. GETs are repeated on failures that pass; others only when nothing was
   * sent. After a 401 the request, which was refused, is sent once more with a new token.
   *
   * @returns an answer below 400; redirects are the caller's to judge.
   * @throws OpenStackError; IdentityChanged as {@link renew}, the request was not carried out then.
   */
  async request(request: HeatRequest): Promise<HeatAnswer> {
    const { signal } = request;
    let token = this.#token;
    if (!token || this.#now() >= token.renewAt) token = await this.renew(signal);
    const first = await this.#sendHeat(request, token);
    if (first.answer.status !== 401) return first;
    // Unless somebody else has renewed it since.
    if (this.#token === token) await this.renew(signal);
    const second = await this.#sendHeat(request, this.token);
    if (second.answer.status === 401) throw faultError(second.answer, second.asked, this.#now());
    return second;
  }

  /** Sends a request with a token. @returns an answer below 400, or with status 401. */
  #sendHeat(request: HeatRequest, token: Token): Promise<HeatAnswer> {
    const { method, route, signal } = request;
    const { url } = orchestrationEndpoint(token, this.cloud);
    const once = async (): Promise<HeatAnswer> => {
      const sent = await this.#send(
        { service: 'orchestration', peer: 'Heat', method, route },
        {
          method,
          url: `${url}${request.path}`,
          body: request.body,
          timeoutMs: this.#timeout(request.timeoutMs),
          maxBytes: request.maxBytes,
          signal,
        },
        token,
      );
      const { status } = sent.answer;
      if (status >= 400 && status !== 401) throw faultError(sent.answer, sent.asked, this.#now());
      return sent;
    };
    const repeat = method === 'GET' ? 'safe' : 'unsent';
    return withRetry(once, { repeat, signal, onRetry: this.#logRetry('Heat', method, route) });
  }

  /** `api_timeout` lengthens our own time-outs; it never cuts off work that Heat does before it answers. */
  #timeout(ms: number): number {
    return Math.max(ms, this.cloud.apiTimeoutMs ?? 0);
  }

  async #send(
    { service, ...asked }: Omit<Asked, 'requestId'> & { service: RequestInfo['service'] },
    request: Omit<HttpRequest, 'headers' | 'peer' | 'requestId'>,
    token?: Token,
  ): Promise<HeatAnswer> {
    this.#http.closed.throwIfAborted();
    let requestId = `req-${randomUUID()}`;
    let status = 0;
    const start = performance.now();
    try {
      const answer = await this.#http.request({
        ...request,
        peer: asked.peer,
        requestId,
        headers: {
          accept: 'application/json',
          'user-agent': this.#options.userAgent ?? 'heatstack-operator',
          ...(request.body !== undefined && { 'content-type': 'application/json' }),
          ...(token && { 'x-auth-token': token.id }),
        },
      });
      status = answer.status;
      const theirs = answer.header('x-openstack-request-id') ?? '';
      // Shown to people, so it must be what it claims to be.
      if (REQUEST_ID.test(theirs)) requestId = theirs;
      return { answer, asked: { ...asked, requestId } };
    } finally {
      const ms = performance.now() - start;
      const { method, route } = asked;
      this.#options.onRequest?.({ service, method, route, status, ms, requestId });
      this.#options.logger?.debug({ service, method, route, status, ms, requestId }, 'request');
    }
  }

  #logRetry(peer: string, method: string, route: string) {
    return (error: OpenStackError, delayMs: number): void => {
      const { code, status, requestId } = error;
      this.#options.logger?.warn(
        { peer, method, route, code, status, requestId, delayMs },
        'request is repeated',
      );
    };
  }

  /** Ends what is under way and closes every socket. */
  close(): Promise<void> {
    return this.#http.close();
  }
}

/** @throws OpenStackError InvalidResponse when the address is unusable. */
function findEndpoint(token: Token, cloud: CloudConfig): Endpoint | undefined {
  try {
    return orchestrationEndpoint(token, cloud);
  } catch (error) {
    if (isOpenStackError(error, 'ServiceNotFound', 'EndpointNotFound')) return undefined;
    throw error;
  }
}

function place({ url, region }: Endpoint): string {
  return region === undefined ? `at ${url}` : `in region "${region}" at ${url}`;
}
