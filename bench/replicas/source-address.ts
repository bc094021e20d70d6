// Loaded into a replica before the operator: its connections come from an address of loopback that no other replica
// has, so that whoever answers them can tell which one it was. Linux takes all of 127.0.0.0/8 for its own.
import { Socket, type SocketConnectOpts } from 'node:net';

const localAddress = process.env['BENCH_SOURCE_ADDRESS'];
const { connect } = Socket.prototype;

function fromHere(this: Socket, ...args: unknown[]): Socket {
  const [first] = args;
  // Node's own callers give a list with the options and a callback.
  const options: unknown = Array.isArray(first) ? first[0] : first;
  if (isTcp(options)) Object.assign(options, { localAddress });
  return Reflect.apply(connect, this, args);
}

function isTcp(options: unknown): options is SocketConnectOpts {
  return typeof options === 'object' && options !== null && 'port' in options;
}

Socket.prototype.connect = fromHere;
