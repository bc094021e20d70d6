import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { ListenAddress } from './options.ts';

/** What a path answers with. */
export interface Page {
  status: number;
  contentType: string;
  body: string;
}

/** A page for each path; made anew for each request. */
export type Pages = Readonly<Record<string, () => Page | Promise<Page>>>;

// Probes and one Prometheus or two ask; nobody else has a reason to.
const MAX_CONNECTIONS = 64;
const MAX_HEADER_BYTES = 8 * 1024;
const REQUEST_TIMEOUT_MS = 5_000;
const CHECK_MS = 1_000;

/** A page of plain text. */
export function text(status: number, body: string): Page {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${body}\n` };
}

/**
 * Serves pages over HTTP: GET only, one request a connection, without a name or an error of the program in an answer.
 *
 * @returns the server, and the port that it listens on
 * @throws Error that names the address when it can't be listened on
 */
export async function serve(address: ListenAddress, pages: Pages): Promise<{ server: Server; port: number }> {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_MS,
    },
    (request, response) => {
      // Whatever a request has for a body is not read.
      response.shouldKeepAlive = false;
      answer(response, request.method, pathOf(request.url), pages).catch(() => {
        if (response.headersSent) response.destroy();
        else send(response, text(500, 'internal error'));
      });
    },
  );
  // One more closes the oldest: whoever opens many must not keep the probes out, or Kubernetes restarts the operator.
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    if (sockets.size > MAX_CONNECTIONS) sockets.values().next().value?.destroy();
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(address.port, address.host, resolve);
  try {
    await promise;
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    throw new Error(`cannot listen on ${address.host ?? ''}:${address.port} (${code})`, { cause });
  } finally {
    server.off('error', reject);
  }
  // A socket that breaks is its own affair.
  server.on('error', () => undefined);
  return { server, port: (server.address() as AddressInfo).port };
}

/** Stops listening and ends what is under way. */
export async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

async function answer(
  response: ServerResponse,
  method: string | undefined,
  path: string,
  pages: Pages,
): Promise<void> {
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (!page) return send(response, text(404, 'not found'));
  if (method !== 'GET') {
    response.setHeader('allow', 'GET');
    return send(response, text(405, 'only GET'));
  }
  send(response, await page());
}

function send(response: ServerResponse, { status, contentType, body }: Page): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  response.end(body);
}

function pathOf(url = ''): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}
