import { once } from 'node:events';
import { createServer as createHttpServer, type OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Server as TcpServer } from 'node:net';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';

/** Passes on bytes, TLS and all, and can behave as a broken network does. */
export class TcpProxy {
  readonly #server: TcpServer;
  readonly #target: number;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  /** Whether new connections are closed at once. */
  #down = false;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createTcpServer((client) => this.#join(client));
  }

  /** @param target port of loopback to which everything goes */
  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Lets nothing through any more on the connections that there are, and tells nobody: as a firewall that forgot them. */
  drop(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.unpipe().pause();
  }

  /** Tears all connections, and refuses new ones until {@link mend}. */
  tear(): void {
    this.#down = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  mend(): void {
    this.#down = false;
  }

  async stop(): Promise<void> {
    this.tear();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket): void {
    if (this.#down) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.#target, '127.0.0.1');
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    for (const [socket, other] of [pair, [server, client]] as const) {
      socket.pipe(other);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        other.destroy();
        this.#pairs.delete(pair);
      });
    }
  }
}

/** An answer that isn't the API server's. */
export interface Answer {
  status: number;
  headers?: OutgoingHttpHeaders;
}

/** Speaks HTTP to the client and TLS to the API server, and answers itself what {@link fault} tells it to. */
export class HttpProxy {
  readonly #server;
  /** What a request gets instead of the API server's answer; by default nothing. */
  fault: (request: { watch: boolean }) => Answer | undefined = () => undefined;
  /** How many requests got such an answer. */
  refused = 0;

  private constructor(target: URL, ca: string) {
    this.#server = createHttpServer((incoming, outgoing) => {
      const { searchParams } = new URL(incoming.url ?? '/', target);
      const answer = this.fault({ watch: searchParams.get('watch') === 'true' });
      if (answer) {
        this.refused += 1;
        outgoing.writeHead(answer.status, answer.headers).end('not the API server');
        return;
      }
      const { method, headers, url: path } = incoming;
      const { host: _ours, ...passed } = headers;
      const asked = httpsRequest(
        new URL(path ?? '/', target),
        { method, headers: passed, ca },
        (response) => {
          outgoing.writeHead(response.statusCode ?? 502, response.headers);
          // Or the client would hear of an empty watch only at its first event.
          outgoing.flushHeaders();
          response.on('error', () => outgoing.destroy()).pipe(outgoing);
        },
      );
      asked.on('error', () => outgoing.destroy());
      outgoing.on('close', () => asked.destroy());
      incoming.pipe(asked);
    });
  }

  /** @param ca the certificate that the API server is trusted by */
  static async start(target: URL, ca: string): Promise<HttpProxy> {
    const proxy = new HttpProxy(target, ca);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends the watches that are open. */
  tear(): void {
    this.#server.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.tear();
    await once(this.#server, 'close');
  }
}
