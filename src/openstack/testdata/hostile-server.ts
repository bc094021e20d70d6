import type { ServerResponse } from 'node:http';
import { FakeCloud, PROJECT, type Reply, type Seen } from './fake-cloud.ts';

const MIB = 1024 * 1024;

/** A Keystone that signs in, and a Heat that answers everything in one way. */
export class HostileServer extends FakeCloud {
  /** How Heat answers. */
  reply: Reply = () => {};

  protected override otherwise(_seen: Seen): Reply {
    return this.reply;
  }

  /** Answers token requests from now on like this, too. */
  turn(reply: Reply): void {
    this.reply = reply;
    this.tokenReplies.push(...Array<Reply>(10_000).fill(reply));
  }

  /** The token's catalog has Heat at this address. */
  heatAt(url: string): void {
    const endpoint = { interface: 'public', region: 'RegionOne', url: `${url}/v1/${PROJECT}` };
    this.editToken = (token) => {
      token['catalog'] = [{ type: 'orchestration', endpoints: [endpoint] }];
    };
  }
}

/** No answer at all. */
export const silence: Reply = () => {};

/** These bytes on the wire, whatever they are; then nothing more. */
export function wire(bytes: string | Uint8Array, end: 'stays open' | 'closes' = 'stays open'): Reply {
  return (_seen, { socket }) => {
    socket?.on('error', () => {});
    socket?.write(bytes);
    if (end === 'closes') socket?.end();
  };
}

/** These bytes again and again, as fast as they are taken. */
export function flood(
  head: string,
  bytes: string | Uint8Array,
  times = Number.POSITIVE_INFINITY,
  tail = '',
): Reply {
  return (_seen, { socket }) => {
    if (!socket) return;
    socket.on('error', () => {});
    socket.write(head);
    let left = times;
    const more = (): void => {
      while (left > 0 && !socket.destroyed) {
        left -= 1;
        if (!socket.write(bytes)) return;
      }
      if (!socket.destroyed) socket.end(tail);
    };
    socket.on('drain', more);
    more();
  };
}

/** An answer with this body, called JSON. */
export function json(text: string | Uint8Array, status = 200, headers: Record<string, string> = {}): Reply {
  return (_seen, response: ServerResponse) =>
    void response
      .writeHead(status, { 'content-type': 'application/json', 'x-subject-token': 'hostile', ...headers })
      .end(text);
}

/** A body of so many MiB, in one string; its size is told only when `announced`. */
export function large(mebibytes: number, announced: boolean, status = 200): Reply {
  const bytes = Buffer.alloc(MIB, 'x');
  const type = 'content-type: application/json\r\n';
  const chunk = Buffer.concat([Buffer.from(`${MIB.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
  return announced
    ? flood(
        `HTTP/1.1 ${status} X\r\n${type}content-length: ${mebibytes * MIB + 2}\r\n\r\n"`,
        bytes,
        mebibytes,
        '"',
      )
    : flood(
        `HTTP/1.1 ${status} X\r\n${type}transfer-encoding: chunked\r\n\r\n1\r\n"\r\n`,
        chunk,
        mebibytes,
        '1\r\n"\r\n0\r\n\r\n',
      );
}
