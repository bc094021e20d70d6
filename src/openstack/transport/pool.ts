import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector, Pool } from 'undici';
import { type ProxyEnvironment, proxyFor } from '../../http-proxy.ts';
import type { EndpointPolicy } from '../endpoint-policy.ts';
import { createError } from '../errors.ts';
import { tunnel } from './tunnel.ts';

/** Time to set up a connection, TLS included, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Sockets for each origin. More requests wait for a free one. */
const CONNECTIONS = 16;

/** What a pool of connections needs to know of TLS. */
export interface TlsOptions {
  /** PEM certificates that replace the system's, as `cacert` does in openstacksdk. */
  cacert?: string | undefined;
  /** PEM certificate and key that the client shows (mutual TLS). */
  cert?: string | undefined;
  key?: string | undefined;
  verify: boolean;
}

/** What the connections of one cloud go by. */
export interface PoolOptions {
  tls: TlsOptions;
  endpoints?: EndpointPolicy | undefined;
  /** The variables that name proxies; default: none. */
  proxyEnv?: ProxyEnvironment | undefined;
}

/**
 * The connections of one cloud, to Keystone and Heat: kept alive, of their own, and through the proxy that the
 * environment names.
 *
 * @param closed ends every socket, also those that undici still sets up and would leave alone.
 */
export function createPool(options: PoolOptions, closed: AbortSignal): Agent {
  return new Agent({
    factory: (origin) =>
      new Pool(origin, {
        connections: CONNECTIONS,
        pipelining: 1,
        // OpenStack's services are WSGI behind HTTP/1.1; one protocol keeps "was it sent?" answerable.
        allowH2: false,
        // The deadline of each attempt covers these two.
        headersTimeout: 0,
        bodyTimeout: 0,
        connect: connector(new URL(origin), options, closed),
      }),
  });
}

/** Sets up the connections to one origin. The policy is asked each time: a name may lead elsewhere than before. */
function connector(
  origin: URL,
  { tls, endpoints, proxyEnv = {} }: PoolOptions,
  closed: AbortSignal,
): buildConnector.connector {
  const proxy = proxyOf(origin, proxyEnv);
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
  const connect = keepingItsError(
    buildConnector({
      allowH2: false,
      timeout: CONNECT_TIMEOUT_MS,
      signal: closed,
      rejectUnauthorized: tls.verify,
      ...(tls.cacert !== undefined && { ca: tls.cacert }),
      ...(tls.cert !== undefined && { cert: tls.cert }),
      ...(tls.key !== undefined && { key: tls.key }),
      ...(endpoints && !proxy && { lookup }),
    }),
  );
  if (proxy) return tunnel({ proxy, port, connect, endpoints, timeoutMs: CONNECT_TIMEOUT_MS, closed });
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

function proxyOf(origin: URL, env: ProxyEnvironment): URL | undefined {
  try {
    return proxyFor(origin, env);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw createError('ConfigError', `${why}.`, { notSent: true, cause });
  }
}

/**
 * A peer that refuses our certificate says so only when the connection stands (TLS 1.3). Node tells of it and goes on to
 * the end of the stream, of which undici would then tell instead: "other side closed".
 */
function keepingItsError(connect: buildConnector.connector): buildConnector.connector {
  return (options, done) =>
    connect(options, (...result) => {
      const [, socket] = result;
      socket?.once('error', (error) => socket.destroy(error));
      done(...result);
    });
}
