import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector, Pool } from 'undici';
import type { EndpointPolicy } from '../endpoint-policy.ts';

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

/**
 * The connections of one cloud, to Keystone and Heat: kept alive, of their own, without a proxy from the environment.
 *
 * @param closed ends every socket, also those that undici still sets up and would leave alone.
 */
export function createPool(tls: TlsOptions, closed: AbortSignal, endpoints?: EndpointPolicy): Agent {
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
        connect: connector(new URL(origin), tls, closed, endpoints),
      }),
  });
}

/** Sets up the connections to one origin. The policy is asked each time: a name may lead elsewhere than before. */
function connector(
  origin: URL,
  tls: TlsOptions,
  closed: AbortSignal,
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
  const connect = keepingItsError(
    buildConnector({
      allowH2: false,
      timeout: CONNECT_TIMEOUT_MS,
      signal: closed,
      rejectUnauthorized: tls.verify,
      ...(tls.cacert !== undefined && { ca: tls.cacert }),
      ...(tls.cert !== undefined && { cert: tls.cert }),
      ...(tls.key !== undefined && { key: tls.key }),
      ...(endpoints && { lookup }),
    }),
  );
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
