import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { messageOf } from './errors.ts';
import { freePorts } from './ports.ts';
import { Service, type ServiceOptions } from './service.ts';

vi.setConfig({ testTimeout: 60_000 }); // processes are started; the machine may be busy

let dir: string;
let service: Service | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'service-test-'));
});
afterEach(async () => {
  await service?.kill();
  await rm(dir, { recursive: true, force: true });
});

async function nodeService(program: string, more: Partial<ServiceOptions> = {}): Promise<Service> {
  const [port] = await freePorts(1);
  service = new Service({
    name: 'server',
    command: process.execPath,
    args: ['-e', program, String(port)],
    logFile: join(dir, 'server.log'),
    python: 'python3',
    readyTimeoutMs: 20_000,
    isReady: async (signal) => (await fetch(`http://127.0.0.1:${port}/`, { signal })).ok,
    ...more,
  });
  return service;
}

const SERVER = `
  console.log('serving');
  require('node:http').createServer((q, r) => r.end()).listen(Number(process.argv[1]), '127.0.0.1');
`;

test('starts, ends and starts again', async () => {
  const server = await nodeService(SERVER);
  await server.start();
  const first = server.pid;
  expect(first).toBeGreaterThan(0);
  await server.kill();
  expect(server.pid).toBeUndefined();
  await server.start();
  expect(server.pid).not.toBe(first);
  expect(await readFile(join(dir, 'server.log'), 'utf8')).toBe('serving\nserving\n');
});

test('says why a start failed, on one line', async () => {
  const server = await nodeService(`console.error('first\\nport taken'); process.exit(3)`);
  const error = await server.start().catch((e: unknown) => e);
  expect(messageOf(error)).toBe(
    `server ended while starting (code 3): port taken (its log: ${join(dir, 'server.log')})`,
  );
});

test("says that it didn't answer", async () => {
  const server = await nodeService('setInterval(() => undefined, 1000)', { readyTimeoutMs: 200 });
  await expect(server.start()).rejects.toThrow("server didn't answer within 0.2 s");
});

test('tells an end that nobody asked for, and only that', async () => {
  const ends: string[] = [];
  const told = Promise.withResolvers<void>();
  const server = await nodeService(SERVER, {
    onUnexpectedExit: (error) => {
      ends.push(error.message);
      told.resolve();
    },
  });
  await server.start();
  await server.restart('SIGTERM');
  expect(ends).toEqual([]);
  process.kill(server.pid ?? 0, 'SIGKILL');
  await told.promise;
  expect(ends).toEqual([`server ended (SIGKILL): serving (its log: ${join(dir, 'server.log')})`]);
});
