import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { proxyAuthorization } from '../../http-proxy.ts';
import type { EndpointPolicy } from '../endpoint-policy.ts';
import { createError, type OpenStackError } from '../errors.ts';

export interface TunnelOptions {
  proxy: URL;
  /** Of the cloud's service. */
  port: number;
  /** Speaks TLS over the tunnel. */
  connect: buildConnector.connector;
  endpoints: EndpointPolicy | undefined;
  /** Until the proxy has connected, in milliseconds. */
  timeoutMs: number;
  closed: AbortSignal;
}

/**
 * Sets up connections by asking a proxy (CONNECT), for plain http too: the proxy sees no token of an https service, and
 * "was it sent?" has the same answer as without it. Not undici's ProxyAgent, as the policy is asked at each connection.
 */
export function tunnel(options: TunnelOptions): buildConnector.connector {
  const { port, connect, endpoints } = options;
  return (target, done) => {
    const open = async (): Promise<Socket> => {
      await endpoints?.permitProxied(target.hostname, port);
      return askProxy(target.hostname, options);
    };
    open().then(
      (socket) => {
        if (target.protocol === 'https:') connect({ ...target, httpSocket: socket }, done);
        else done(null, socket);
      },
      (error: Error) => done(error, null),
    );
  };
}

/** @returns the socket that leads to the host once the proxy has said so */
function askProxy(hostname: string, { proxy, port, timeoutMs, closed }: TunnelOptions): Promise<Socket> {
  const authority = `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`;
  const send = proxy.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const asked = send({
      method: 'CONNECT',
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      path: authority,
      headers: { host: authority, ...proxyAuthorization(proxy) },
      agent: false,
      timeout: timeoutMs,
      signal: closed,
    });
    asked.once('connect', (answer, socket: Socket, head: Buffer) => {
      if (answer.statusCode === 200) {
        socket.setTimeout(0);
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(refusal(proxy, authority, answer.statusCode ?? 0));
    });
    asked.once('timeout', () => asked.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })));
    asked.once('error', (cause: NodeJS.ErrnoException) => {
      const why = `The proxy ${proxy.host} can't be reached (${cause.code ?? cause.name})`;
      reject(createError('ConnectionFailed', `${why}; check HTTPS_PROXY.`, { notSent: true, cause }));
    });
    asked.end();
  });
}

function refusal(proxy: URL, authority: string, status: number): OpenStackError {
  const cure =
    status === 407
      ? 'put a user and password that it knows into HTTPS_PROXY'
      : 'have it allow the connection, or put the host into NO_PROXY';
  return createError(
    'ConnectionFailed',
    `The proxy ${proxy.host} didn't connect to ${authority} (${status}); ${cure}.`,
    { notSent: true, retryable: status >= 500 },
  );
}
