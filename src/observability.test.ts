import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Metrics } from './controller/metrics.ts';
import { Health } from './health.ts';
import { memoryLogger } from './kube/testing/memory-logger.ts';
import { serveObservability } from './observability.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };
let health: Health;
let log: ReturnType<typeof memoryLogger>;
let close: () => Promise<void>;

beforeEach(() => {
  health = new Health();
  log = memoryLogger();
});

afterEach(async () => {
  vi.restoreAllMocks();
  health.stop();
  await close();
});

/** Serves, and gives the addresses that the log tells. */
async function start(metrics: Metrics | undefined): Promise<string[]> {
  const metricsAddress = metrics && { host: 'localhost', port: 0 };
  close = await serveObservability({
    healthAddress: LOOPBACK,
    metricsAddress,
    health,
    metrics,
    logger: log.logger,
  });
  return log.lines.map(({ port }) => `http://127.0.0.1:${port}`);
}

async function get(url: string, init: RequestInit = {}): Promise<[status: number, text: string]> {
  const answer = await fetch(url, init);
  return [answer.status, await answer.text()];
}

test('readyz follows the life of the process', async () => {
  const [url] = await start(undefined);
  expect(await get(`${url}/readyz`)).toEqual([503, 'not ready: starting\n']);
  health.readiness = 'ready';
  expect(await get(`${url}/readyz?verbose`)).toEqual([200, 'ok\n']);
  health.readiness = 'stopping';
  expect(await get(`${url}/readyz`)).toEqual([503, 'not ready: stopping\n']);
  expect(await get(`${url}/healthz`)).toEqual([200, 'ok\n']);
});

test('healthz tells of an event loop that is late', async () => {
  const [url] = await start(undefined);
  vi.spyOn(health, 'lagMs', 'get').mockReturnValue(10_000);
  expect(await get(`${url}/healthz`)).toEqual([503, 'the event loop is late\n']);
});

test('the lag is that of a clock tick which did not come', () => {
  close = async () => undefined;
  let now = 0;
  const late = new Health(() => now);
  now = 900;
  expect(late.lagMs).toBe(0);
  now = 12_000;
  expect(late.lagMs).toBe(11_000);
  expect(late.isAlive).toBe(false);
  late.stop();
});

test('metrics have an address of their own, and no other page is anywhere', async () => {
  const [healthUrl = '', metricsUrl = ''] = await start(new Metrics());
  const answer = await fetch(metricsUrl.replace('127.0.0.1', 'localhost').concat('/metrics'));
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await answer.text()).toContain('# TYPE process_cpu_seconds_total counter\n');
  for (const path of ['/metrics', '/', '/constructor', '/healthz/', '//healthz'])
    expect(await get(`${healthUrl}${path}`)).toEqual([404, 'not found\n']);
});

test('one server serves both where the address is the same', async () => {
  close = await serveObservability({
    healthAddress: LOOPBACK,
    metricsAddress: LOOPBACK,
    health,
    metrics: new Metrics(),
    logger: log.logger,
  });
  expect(log.lines.map(({ paths }) => paths)).toEqual([['/healthz', '/readyz', '/metrics']]);
});

test.each(['POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'])('%s is refused', async (method) => {
  const [url] = await start(undefined);
  const answer = await fetch(`${url}/healthz`, { method });
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET']);
});

test('an error of a page shows nothing of itself', async () => {
  const metrics = new Metrics();
  vi.spyOn(metrics, 'text').mockRejectedValue(new Error('secret'));
  close = await serveObservability({
    healthAddress: undefined,
    metricsAddress: LOOPBACK,
    health,
    metrics,
    logger: log.logger,
  });
  expect(await get(`http://127.0.0.1:${log.lines[0]?.['port']}/metrics`)).toEqual([500, 'internal error\n']);
});

test('headers without end are not read', async () => {
  const [url = ''] = await start(undefined);
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
  socket.write(`GET /healthz HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n`);
  const answer = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
  expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  socket.destroy();
});

test('what is listened on ends with close, an open connection too', async () => {
  const [url = ''] = await start(undefined);
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
  await new Promise((resolve) => socket.once('connect', resolve));
  const ended = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => undefined);
  await close();
  await ended;
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
});

test('an address that is taken is named', async () => {
  const [url = ''] = await start(undefined);
  const healthAddress = { host: '127.0.0.1', port: Number(new URL(url).port) };
  const again = { healthAddress, health, metrics: undefined, logger: log.logger };
  await expect(serveObservability(again)).rejects.toThrow(
    `cannot listen on 127.0.0.1:${healthAddress.port} (EADDRINUSE)`,
  );
});

test('whoever opens many connections keeps no probe out', async () => {
  const [url = ''] = await start(undefined);
  const sockets = Array.from({ length: 80 }, () =>
    connect(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined),
  );
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  expect((await get(`${url}/healthz`))[0]).toBe(200);
  for (const socket of sockets) socket.destroy();
});
