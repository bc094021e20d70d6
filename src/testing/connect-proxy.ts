import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** An HTTP proxy that knows CONNECT, and where every name is a port of loopback. */
export class ConnectProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** What it was asked to connect to, as `host:port`. */
  readonly asked: string[] = [];
  /** The Proxy-Authorization of each. */
  readonly authorizations: (string | undefined)[] = [];
  /** What it answers instead of connecting. */
  refuse: number | undefined;

  private constructor(target: number) {
    this.#server = createServer((_request, response) => void response.writeHead(405).end());
    this.#server.on('connection', (socket) => this.#sockets.add(socket));
    this.#server.on('connect', (request, client) => {
      this.asked.push(request.url ?? '');
      this.authorizations.push(request.headers['proxy-authorization']);
      if (this.refuse !== undefined) {
        client.end(`HTTP/1.1 ${this.refuse} No\r\n\r\n`);
        return;
      }
      const server = connect(target, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        client.pipe(server).pipe(client);
      });
      client.on('error', () => server.destroy()).on('close', () => server.destroy());
      server.on('error', () => client.destroy());
    });
  }

  /** @param target the port of loopback to which every host leads */
  static async start(target: number): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }
}
