import type { Dispatcher } from 'undici';
import { untilAborted } from '../abort.ts';
import type { ProxyEnvironment } from '../http-proxy.ts';
import { type Asked, faultError } from './answer.ts';
import type { ByteBudget } from './byte-budget.ts';
import { type CloudConfig, insecureWarning } from './clouds.ts';
import type { EndpointPolicy } from './endpoint-policy.ts';
import { createError, isOpenStackError } from './errors.ts';
import { type Endpoint, orchestrationEndpoint, readToken, type Token, tokenRequest } from './keystone.ts';
import { isDelegated } from './login.ts';
import type { Authenticator } from './transport/authenticate.ts';
import { type Call, type HttpAnswer, quietly } from './transport/call.ts';
import type { CallLimits } from './transport/call-limiter.ts';
import type { CircuitBreaker } from './transport/circuit-breaker.ts';
import type { CallTrace, RequestInfo } from './transport/observe.ts';
import { Transport } from './transport/transport.ts';

const MIB = 1024 * 1024;
const TOKEN_TIMEOUT_MS = 30_000;
/** Between tries to renew a token that is still valid, in milliseconds. */
const RENEW_AGAIN_MS = 10_000;
/** A catalog of thousands of endpoints is smaller. */
const TOKEN_BYTES = 1024 * 1024;

/** Where log lines go: pino's Logger fits. No line holds a secret. */
export interface LoggerLike {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
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
  /** Called when each call begins, to be told of its requests. With it, the logger isn't told of requests. */
  trace?: CallTrace;
  /** Replaces the pool of connections, for tests; `close()` leaves it open. */
  dispatcher?: Dispatcher;
  /** Which addresses may be connected to, whatever clouds.yaml and the catalog say; default: all. */
  endpoints?: EndpointPolicy;
  /**
   * Where `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are looked up; default: `process.env`; `{}`: no proxy. Loopback is
   * never proxied.
   */
  proxyEnv?: ProxyEnvironment;
  /** Bounds what is held of answers together with other connections that share it; default: no bound. */
  budget?: ByteBudget;
  /**
   * Called right before each attempt at a write to Heat goes out, after all waiting. When it throws, nothing is sent and
   * the call fails with just that. A sign-in is no write.
   */
  beforeWrite?: () => void;
  /** How much of an answer is read, and how many calls to Heat are made. Calls over the limit wait for their turn. */
  limits?: AnswerLimits & CallLimits;
  /** Told how many calls wait for their turn whenever that has changed. */
  onWaiting?: (waiting: number) => void;
  /** Fails calls at once while Keystone or Heat is out of order; default: each call finds out for itself. */
  breaker?: CircuitBreaker;
}

/** How much of an answer is read. */
export interface AnswerLimits {
  /** Of one stack, its template, environment or files, in bytes; 4 MiB unless given. */
  stackBytes?: number | undefined;
  /** Of one page of a list, in bytes; 16 MiB unless given. */
  listBytes?: number | undefined;
  /** Rows of all pages of a list together; 1,000,000 unless given. */
  listItems?: number | undefined;
}

/** One request to Heat. */
export interface HeatRequest extends Pick<Call, 'method' | 'route' | 'timeoutMs' | 'maxBytes'> {
  /** Below the endpoint, encoded: `/stacks/web/…?resolve_outputs=false`. */
  path: string;
  body?: string | undefined;
  /** Whether the caller reads a redirect; else it is an error. */
  redirect?: Call['redirect'];
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
export class Session implements Authenticator {
  readonly cloud: CloudConfig;
  readonly limits: Readonly<Record<keyof AnswerLimits, number>>;
  readonly #logger: LoggerLike | undefined;
  readonly #transport: Transport;
  readonly #now: () => number;
  #token: Token | undefined;
  /** What the catalog of a token says: it needn't be searched for each request. */
  #found: { token: Token; endpoint: Endpoint } | undefined;
  /** Where Heat is, or was when the catalog last had it. */
  #home: Endpoint | undefined;
  #renewal: Promise<Token> | undefined;
  /** A token that Heat refused, and that couldn't be replaced yet. */
  #refused: string | undefined;
  /** When to try again to renew a token ahead of its end, after that failed; in milliseconds since the epoch. */
  #renewAfter = 0;

  constructor(cloud: CloudConfig, options: ConnectOptions) {
    const { userAgent = 'heatstack-operator', now = Date.now, logger, onRequest, limits } = options;
    this.cloud = cloud;
    this.limits = {
      stackBytes: limits?.stackBytes ?? 4 * MIB,
      listBytes: limits?.listBytes ?? 16 * MIB,
      listItems: limits?.listItems ?? 1_000_000,
    };
    this.#logger = logger;
    this.#now = now;
    const warning = insecureWarning(cloud);
    if (warning) quietly(() => logger?.warn({ cloud: cloud.name }, warning));
    const { dispatcher, endpoints, budget, beforeWrite, onWaiting, breaker, trace } = options;
    const { proxyEnv = process.env } = options;
    this.#transport = new Transport({
      tls: cloud,
      authenticator: this,
      userAgent,
      dispatcher,
      endpoints,
      proxyEnv,
      budget,
      beforeWrite,
      limits,
      onWaiting: onWaiting && ((waiting) => quietly(() => onWaiting(waiting))),
      breaker,
      now,
      trace,
      onRequest: (request) => {
        if (!trace) quietly(() => logger?.debug(request, 'request'));
        return onRequest?.(request);
      },
      onRetry: ({ code, status, requestId }, delayMs, { service, method, route }) =>
        logger?.warn({ service, method, route, code, status, requestId, delayMs }, 'request is repeated'),
    });
  }

  /** The token in use, and what came with it. */
  get current(): Token {
    if (!this.#token) throw createError('Unauthorized', 'Not signed in yet; connect first.');
    return this.#token;
  }

  /** Where Heat is; undefined while the newest catalog doesn't have it for the cloud's interface and region. */
  get endpoint(): Endpoint | undefined {
    const token = this.current;
    if (this.#found?.token === token) return this.#found.endpoint;
    const endpoint = findEndpoint(token, this.cloud);
    if (endpoint) this.#found = { token, endpoint };
    return endpoint;
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
    const call = { method: 'POST', route: '/auth/tokens' } as const;
    const answer = await this.#transport.request({
      ...call,
      service: 'identity',
      url: `${this.cloud.authUrl}${call.route}`,
      body: tokenRequest(this.cloud),
      timeoutMs: this.#timeout(TOKEN_TIMEOUT_MS),
      maxBytes: TOKEN_BYTES,
      // A token more does no harm.
      repeat: 'safe',
      redirect: 'read',
      authenticated: false,
    });
    const asked = { ...call, peer: 'Keystone', requestId: answer.requestId };
    const token = readToken(answer, asked, this.cloud, this.#now());
    const endpoint = findEndpoint(token, this.cloud);
    this.#checkIdentity(token, endpoint);
    this.#token = token;
    // Kept while the catalog has no Heat: it mustn't come back elsewhere either.
    this.#home = endpoint ?? this.#home;
    quietly(() =>
      this.#logger?.debug({ cloud: this.cloud.name, project: token.project.id }, 'signed in to Keystone'),
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

  /** The token, as long as it is valid for a while; see {@link Authenticator}. */
  token(signal: AbortSignal | undefined): string | Promise<string> {
    const token = this.#token;
    if (!token || token.id === this.#refused) return this.#renewForHeat(signal);
    const now = this.#now();
    if (now < token.renewAt || (now < this.#renewAfter && now < token.expiresAt)) return token.id;
    return this.#renewAhead(token, signal);
  }

  /** A new token; when Keystone is out of order, the present one as long as it lasts. */
  async #renewAhead(token: Token, signal: AbortSignal | undefined): Promise<string> {
    try {
      return await this.#renewForHeat(signal);
    } catch (error) {
      const now = this.#now();
      const isPassing = isOpenStackError(error) && error.retryable && now < token.expiresAt;
      if (!isPassing || this.#token !== token || token.id === this.#refused) throw error;
      this.#renewAfter = now + RENEW_AGAIN_MS;
      return token.id;
    }
  }

  /** A newer token than one that Heat refused; see {@link Authenticator}. */
  async replace(refused: string, signal: AbortSignal | undefined): Promise<string> {
    // Unless somebody else has renewed it since.
    if (this.#token && this.#token.id !== refused) return this.#token.id;
    this.#refused = refused;
    return this.#renewForHeat(signal);
  }

  async #renewForHeat(signal: AbortSignal | undefined): Promise<string> {
    const token = await this.renew(signal);
    // Throws when the new catalog has no Heat.
    this.#endpointOf(token);
    return token.id;
  }

  /**
   * Sends a request to Heat with a valid token. GETs are repeated on failures that pass; others only when nothing was
   * sent. After a 401 the request, which was refused, is sent once more with a new token.
   *
   * @returns an answer below 400.
   * @throws OpenStackError; IdentityChanged as {@link renew}, the request was not carried out then.
   */
  async request(request: HeatRequest): Promise<HeatAnswer> {
    const { path, method, route, ...rest } = request;
    const { url } = this.#endpointOf(this.current);
    const answer = await this.#transport.request({
      repeat: method === 'GET' ? 'safe' : 'unsent',
      redirect: 'refuse',
      ...rest,
      method,
      route,
      service: 'orchestration',
      url: `${url}${path}`,
      timeoutMs: this.#timeout(request.timeoutMs),
      authenticated: true,
    });
    const { requestId } = answer;
    const asked = { peer: 'Heat', method, route, requestId, delegated: isDelegated(this.cloud) };
    if (answer.status >= 400) throw faultError(answer, asked, this.#now());
    return { answer, asked };
  }

  /** Where Heat is by a token's catalog. @throws OpenStackError as {@link orchestrationEndpoint} */
  #endpointOf(token: Token): Endpoint {
    if (this.#found?.token !== token) {
      this.#found = { token, endpoint: orchestrationEndpoint(token, this.cloud) };
    }
    return this.#found.endpoint;
  }

  /** `api_timeout` lengthens our own time-outs; it never cuts off work that Heat does before it answers. */
  #timeout(ms: number): number {
    return Math.max(ms, this.cloud.apiTimeoutMs ?? 0);
  }

  /** Ends what is under way and closes every socket. */
  close(): Promise<void> {
    return this.#transport.close();
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
