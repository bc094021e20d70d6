import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { KubeClient } from './client.ts';
import { EventRecorder } from './events.ts';
import type { KubeObject } from './objects.ts';
import { configMap, FakeApiServer, sendJson, sendStatus } from './testing/fake-api-server.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { memoryLogger } from './testing/memory-logger.ts';
import { KubeTransport } from './transport.ts';

const START = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

let server: FakeApiServer;
let transport: KubeTransport;
let clock: FakeClock;
let recorder: EventRecorder;
let log: ReturnType<typeof memoryLogger>;

beforeEach(async () => {
  server = await FakeApiServer.start();
  // Not a real Event: only what a test looks at.
  server.respond = (request, response) =>
    sendJson(response, 201, { metadata: {}, ...JSON.parse(request.body) });
  transport = new KubeTransport(server.config(), { userAgent: 'test/1' });
  clock = new FakeClock(START);
  log = memoryLogger();
  recorder = new EventRecorder({
    client: {
      create: (...args) => new KubeClient(transport).create(...args),
      mergePatch: (...args) => new KubeClient(transport).mergePatch(...args),
    },
    reportingController: 'example.org/controller',
    reportingInstance: 'pod-1',
    logger: log.logger,
    clock,
  });
});

afterEach(async () => {
  await transport.close();
  await server.stop();
});

const created = { type: 'Normal', reason: 'Created', action: 'Create', note: 'made it' } as const;

/** The bodies sent, once there are so many. */
async function sent(
  count: number,
): Promise<{ method: string; path: string; body: Record<string, unknown> }[]> {
  await vi.waitFor(() => expect(server.requests.length).toBeGreaterThanOrEqual(count), { timeout: 10_000 });
  await recorder.flush();
  expect(server.requests).toHaveLength(count);
  return server.requests.map(({ method, path, body }) => ({ method, path, body: JSON.parse(body) }));
}

function nameOf(event: Record<string, unknown> | undefined): string {
  return (event?.['metadata'] as { name: string } | undefined)?.name ?? '';
}

test('writes an event with a full reference', async () => {
  recorder.event(configMap('web', '7'), created);
  const [request] = await sent(1);
  expect(request).toMatchObject({ method: 'POST', path: '/apis/events.k8s.io/v1/namespaces/ns/events' });
  const { metadata, ...event } = request?.body ?? {};
  expect(metadata).toEqual({ name: expect.stringMatching(/^web\.[0-9a-f]{16}$/), namespace: 'ns' });
  expect(event).toEqual({
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    eventTime: '2026-01-02T03:04:05.678000Z',
    ...created,
    regarding: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      name: 'web',
      namespace: 'ns',
      uid: 'uid-web',
      resourceVersion: '7',
    },
    reportingController: 'example.org/controller',
    reportingInstance: 'pod-1',
  });
});

test('events of cluster-scoped objects go to the default namespace', async () => {
  const namespace: KubeObject = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'x', uid: 'u', resourceVersion: '1' },
  };
  recorder.event(namespace, created);
  const [request] = await sent(1);
  expect(request?.path).toBe('/apis/events.k8s.io/v1/namespaces/default/events');
});

test('cuts a long note between characters, and a long name so that it stays valid', async () => {
  recorder.event(configMap(`${'n'.repeat(235)}-.${'n'.repeat(16)}`, '7'), {
    ...created,
    note: `xyz${'😀'.repeat(400)}`,
  });
  const [request] = await sent(1);
  const note = String(request?.body['note']);
  expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024);
  expect(note).toMatch(/^xyz(😀){254}…$/u);
  const name = nameOf(request?.body);
  expect(name.length).toBeLessThanOrEqual(253);
  expect(name).toMatch(/^n+\.[0-9a-f]{16}$/);
});

test('counts equal events within six minutes in one object', async () => {
  const object = configMap('web', '7');
  recorder.event(object, created);
  await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  await clock.advance(5 * 60_000);
  recorder.event(object, created);
  await vi.waitFor(() => expect(server.requests).toHaveLength(2));
  await clock.advance(5 * 60_000);
  recorder.event(configMap('web', '8'), created);
  await vi.waitFor(() => expect(server.requests).toHaveLength(3));
  await clock.advance(6 * 60_000);
  recorder.event(object, created);
  const requests = await sent(4);
  const name = nameOf(requests[0]?.body);
  expect(requests.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'PATCH', 'POST']);
  expect(requests[1]?.path).toBe(`/apis/events.k8s.io/v1/namespaces/ns/events/${name}`);
  expect(requests[1]?.body).toEqual({
    series: { count: 2, lastObservedTime: '2026-01-02T03:09:05.678000Z' },
  });
  expect(requests[2]?.body).toEqual({
    series: { count: 3, lastObservedTime: '2026-01-02T03:14:05.678000Z' },
  });
});

test('equal events that pile up are written once', async () => {
  const object = configMap('web', '7');
  for (let i = 0; i < 10; i++) recorder.event(object, created);
  const requests = await sent(2);
  expect(requests[0]?.body['series']).toBeUndefined();
  expect(requests[1]?.body).toMatchObject({ series: { count: 10 } });
});

test('keeps nothing of the object but its reference', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const tell = (): WeakRef<object> => {
    const large = {};
    recorder.event({ ...configMap('web', '7'), data: large } as KubeObject, created);
    return new WeakRef(large);
  };
  const kept = tell();
  await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  await vi.waitFor(() => {
    collect();
    expect(kept.deref()).toBeUndefined();
  });
  recorder.event(configMap('web', '8'), created);
  expect((await sent(2)).map(({ method }) => method)).toEqual(['POST', 'PATCH']);
});

test('different ones are different', async () => {
  const object = configMap('web', '7');
  recorder.event(object, created);
  recorder.event(object, { ...created, note: 'made another' });
  recorder.event(object, { ...created, type: 'Warning' });
  recorder.event(configMap('web', '7', 'another-uid'), created);
  expect((await sent(4)).map(({ method }) => method)).toEqual(['POST', 'POST', 'POST', 'POST']);
});

test('writes the object anew when the API server has dropped it', async () => {
  recorder.event(configMap('web', '7'), created);
  await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  const { respond } = server;
  server.respond = (request, response) => {
    if (request.method === 'PATCH') sendStatus(response, 404, 'NotFound');
    else respond(request, response);
  };
  await clock.advance(1000);
  recorder.event(configMap('web', '7'), created);
  const requests = await sent(3);
  expect(requests.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'POST']);
  expect(requests[2]?.body).toMatchObject({ series: { count: 2 } });
});

test('an object gets 25 at once, then one in five minutes', async () => {
  for (let i = 0; i < 40; i++) recorder.event(configMap('noisy', '7'), { ...created, note: `note ${i}` });
  recorder.event(configMap('quiet', '7'), created);
  await vi.waitFor(() => expect(server.requests).toHaveLength(26));
  await clock.advance(5 * 60_000);
  recorder.event(configMap('noisy', '7'), { ...created, note: 'later' });
  recorder.event(configMap('noisy', '7'), { ...created, note: 'too much' });
  const requests = await sent(27);
  expect(requests[26]?.body['note']).toBe('later');
});

test('a namespace with many events does not keep others from theirs', async () => {
  const about = (namespace: string, name: string): KubeObject => {
    const object = configMap(name, '1');
    return { ...object, metadata: { ...object.metadata, namespace, uid: `${namespace}/${name}` } };
  };
  for (let i = 0; i < 2000; i++) recorder.event(about('loud', `l${i}`), created);
  for (let i = 0; i < 3; i++) recorder.event(about('quiet', `q${i}`), created);
  const requests = await sent(1 + 100 + 3);
  const quiet = requests.flatMap(({ path }, i) => (path.includes('/quiet/') ? [i] : []));
  // Beside the one that was under way.
  expect(quiet.every((position) => position <= 6)).toBe(true);
});

test('tries again while the API server is away, and gives up in the end', async () => {
  let failures = 2;
  const { respond } = server;
  server.respond = (request, response) => {
    if (failures-- > 0) sendStatus(response, 503, 'ServiceUnavailable');
    else respond(request, response);
  };
  recorder.event(configMap('web', '7'), created);
  await vi.waitFor(() => expect(clock.sleeping).toEqual([1000]));
  await clock.advance(1000);
  await vi.waitFor(() => expect(clock.sleeping).toEqual([2000]));
  await clock.advance(2000);
  await sent(3);
  expect(log.text()).not.toContain('event lost');

  failures = 100;
  recorder.event(configMap('web', '7'), { ...created, note: 'lost' });
  for (const delay of [1000, 2000, 4000, 8000]) {
    await vi.waitFor(() => expect(clock.sleeping).toEqual([delay]));
    await clock.advance(delay);
  }
  await recorder.flush();
  expect(server.requests).toHaveLength(8);
  expect(log.text()).toContain('event lost');
});

test('what is refused is dropped, the next is written', async () => {
  const { respond } = server;
  server.respond = (_request, response) => {
    server.respond = respond;
    sendStatus(response, 403, 'Forbidden');
  };
  recorder.event(configMap('web', '7'), created);
  recorder.event(configMap('web', '7'), { ...created, note: 'second' });
  const requests = await sent(2);
  expect(requests[1]?.body['note']).toBe('second');
  expect(log.text()).toContain('event lost');
});

test('flush ends in time when the API server hangs, and nothing more is recorded', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    server.respond = () => undefined;
    recorder.event(configMap('web', '7'), created);
    recorder.event(configMap('db', '7'), created);
    const flushed = recorder.flush();
    await vi.advanceTimersByTimeAsync(5000);
    await flushed;
    recorder.event(configMap('cache', '7'), created);
    await recorder.flush();
    expect(server.requests.length).toBeLessThanOrEqual(1);
  } finally {
    vi.useRealTimers();
  }
});
