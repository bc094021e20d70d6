import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { TestbedError } from './errors.ts';

/**
 * Below the ports that Linux (32768) and macOS (49152) give to outgoing connections, so that no client's socket takes
 * the port of a server that a test has stopped and will start again.
 */
const FIRST = 20_000;
const LAST = 32_000;

/** Different ports of loopback, free at this moment. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let tries = 0; ports.size < count; tries++) {
    if (tries === 1000)
      throw new TestbedError(`found no free ports of 127.0.0.1 between ${FIRST} and ${LAST}`);
    const port = randomInt(FIRST, LAST);
    if (!ports.has(port) && (await isFree(port))) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
