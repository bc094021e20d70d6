import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  CircuitBreaker,
  type CircuitState,
  type Connection,
  type ConnectOptions,
  connect,
  type Orchestration,
  type RequestInfo,
} from '../index.ts';
import { type MockCloud, startMockCloud } from '../mock/index.ts';

let cloud: MockCloud;
let connections: Connection[];
let requests: RequestInfo[];

beforeEach(async () => {
  cloud = await startMockCloud();
  connections = [];
  requests = [];
});
afterEach(async () => {
  for (const connection of connections) await connection.close();
  await cloud.close();
});

async function connected(options: ConnectOptions): Promise<{ connection: Connection; heat: Orchestration }> {
  const onRequest = (request: RequestInfo) => void requests.push(request);
  const connection = await connect(cloud.config(), { onRequest, ...options });
  connections.push(connection);
  if (!connection.orchestration) throw new Error('no Heat');
  return { connection, heat: connection.orchestration };
}

const never = new AbortController().signal;
const list = (heat: Orchestration, signal = never) => Array.fromAsync(heat.stacks({ signal }));
const seen = (method = 'GET') =>
  cloud.requests.filter((request) => request.service === 'orchestration' && request.method === method).length;

describe('limits', () => {
  it('let no more calls out at once, and tell how long each waited', async () => {
    const counts: number[] = [];
    const onWaiting = (waiting: number) => void counts.push(waiting);
    const { heat } = await connected({ limits: { concurrency: 2 }, onWaiting });
    cloud.failNext({ method: 'GET', delayMs: 50, times: 6 });
    await Promise.all(Array.from({ length: 6 }, () => list(heat)));
    expect(Math.max(...counts)).toBe(4);
    expect(counts.at(-1)).toBe(0);
    const waited = requests.filter(({ method }) => method === 'GET').map(({ waitedMs }) => waitedMs > 0);
    // They may end in another order than they began in.
    expect(waited.filter((hasWaited) => !hasWaited)).toHaveLength(2);
    expect(requests[0]).toMatchObject({ service: 'identity', waitedMs: 0 });
  });

  it('hold up no sign-in that a call with the last place needs', async () => {
    const { heat, connection } = await connected({ limits: { concurrency: 1 } });
    const old = connection.token;
    cloud.failNext({ service: 'orchestration', method: 'GET', status: 401 });
    await Promise.all([list(heat), list(heat), connection.reauthenticate()]);
    expect(connection.token).not.toBe(old);
  });

  it('hold up no sign-in behind calls that take long', async () => {
    const { heat, connection } = await connected({ limits: { concurrency: 1 } });
    cloud.failNext({ service: 'orchestration', method: 'GET', delayMs: 10_000_000 });
    const abort = new AbortController();
    const slow = list(heat, abort.signal).catch(() => undefined);
    await vi.waitFor(() => expect(seen()).toBe(1));
    await connection.reauthenticate();
    abort.abort();
    await slow;
  });

  it('end a wait with the signal, and nothing is sent then', async () => {
    const { heat } = await connected({ limits: { concurrency: 1 } });
    cloud.failNext({ method: 'GET', delayMs: 100 });
    const abort = new AbortController();
    const first = list(heat);
    const second = list(heat, abort.signal);
    const reason = new Error('no longer wanted');
    abort.abort(reason);
    await expect(second).rejects.toBe(reason);
    await first;
    await list(heat);
    expect(seen()).toBe(2);
  });

  it('end a wait when the connection is closed', async () => {
    const { heat, connection } = await connected({ limits: { concurrency: 1 } });
    cloud.failNext({ method: 'GET', delayMs: 10_000 });
    const both = Promise.allSettled([list(heat), list(heat)]);
    await vi.waitFor(() => expect(seen()).toBe(1));
    await connection.close();
    const closed = { status: 'rejected', reason: expect.objectContaining({ code: 'ConnectionFailed' }) };
    expect(await both).toEqual([closed, closed]);
  });

  it('end a wait that has taken as long as the call may, unsent', async () => {
    const { heat } = await connected({ limits: { concurrency: 1 } });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      // The first is a create, which may take longer.
      cloud.failNext({ method: 'POST', delayMs: 10_000_000 });
      const template = 'heat_template_version: 2018-08-31';
      const create = heat.createStack({ name: 'a', template }).catch(() => undefined);
      const read = list(heat).catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(30_000);
      expect(await read).toMatchObject({
        code: 'Timeout',
        notSent: true,
        message: expect.stringMatching(/waited 30 s for its turn/),
      });
      await connections[0]?.close();
      await create;
    } finally {
      vi.useRealTimers();
    }
  });

  it('hold for a second try of a call as well', async () => {
    const { heat } = await connected({ limits: { concurrency: 1 } });
    cloud.failNext({ method: 'GET', status: 503, headers: { 'retry-after': '0' } });
    await Promise.all([list(heat), list(heat)]);
    expect(seen()).toBe(3);
  });

  it('must be sensible', async () => {
    await expect(connected({ limits: { concurrency: 0 } })).rejects.toMatchObject({ code: 'ConfigError' });
  });
});

describe('a breaker', () => {
  let now: number;
  let states: string[];
  let breaker: CircuitBreaker;

  beforeEach(() => {
    now = Date.now();
    states = [];
    const onCircuit = ({ service, state }: CircuitState) => void states.push(`${service} ${state}`);
    breaker = new CircuitBreaker({ now: () => now, random: () => 0, onCircuit });
  });

  const out = (service: 'identity' | 'orchestration') =>
    cloud.failNext({ service, status: 503, headers: { 'retry-after': '0' }, times: 1_000 });

  it('keeps calls away from a Heat that is out of order, and lets them through when it is back', async () => {
    const { heat } = await connected({ breaker });
    out('orchestration');
    await expect(list(heat)).rejects.toMatchObject({ code: 'ServerError' });
    await expect(list(heat)).rejects.toMatchObject({ code: 'CircuitOpen' });
    expect(seen()).toBe(5);
    for (let n = 0; n < 20; n += 1) {
      await expect(heat.deleteStack({ name: 'a', id: '1' })).rejects.toMatchObject({ code: 'CircuitOpen' });
    }
    expect(seen('DELETE')).toBe(0);
    now += 1_000;
    await expect(list(heat)).rejects.toMatchObject({ code: 'CircuitOpen' });
    expect(seen()).toBe(6);
    cloud.clearFaults();
    now += 2_000;
    await list(heat);
    expect(states).toEqual([
      'orchestration open',
      'orchestration half-open',
      'orchestration open',
      'orchestration half-open',
      'orchestration closed',
    ]);
  });

  it('sends home who waits behind calls that fail', async () => {
    const { heat } = await connected({ breaker, limits: { concurrency: 1 } });
    cloud.failNext({ service: 'orchestration', drop: 'before', delayMs: 20, times: 1_000 });
    const template = 'heat_template_version: 2018-08-31';
    const calls = Array.from({ length: 50 }, (_, n) => heat.createStack({ name: `a${n}`, template }));
    const codes = (await Promise.allSettled(calls)).map((result) =>
      result.status === 'rejected' ? result.reason.code : 'ok',
    );
    expect(codes.slice(0, 5)).toEqual(Array(5).fill('ConnectionFailed'));
    expect(new Set(codes.slice(5))).toEqual(new Set(['CircuitOpen']));
    expect(seen('POST')).toBe(5);
  });

  it('lets those who wait for the rate know at once', async () => {
    const { heat } = await connected({ breaker, limits: { ratePerSecond: 50 }, now: () => now });
    cloud.failNext({ service: 'orchestration', drop: 'before', times: 1_000 });
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    try {
      // Five begin at once; time stands still for the others.
      const deletes = Array.from({ length: 20 }, (_, n) => heat.deleteStack({ name: 'a', id: `${n}` }));
      const results = await Promise.allSettled(deletes);
      expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(20);
      expect(seen('DELETE')).toBe(5);
    } finally {
      vi.useRealTimers();
    }
  });

  it('is not opened by errors that are no outage', async () => {
    const { heat } = await connected({ breaker });
    cloud.failNext({ service: 'orchestration', status: 500, times: 20 });
    for (let n = 0; n < 20; n += 1) await expect(list(heat)).rejects.toMatchObject({ code: 'ServerError' });
    for (let n = 0; n < 20; n += 1) {
      await expect(heat.getStack({ name: 'a', id: '1' })).rejects.toMatchObject({ code: 'ResourceNotFound' });
    }
    expect(states).toEqual([]);
  });

  it('outlives a connection: sign-ins of several in a row are no storm', async () => {
    out('identity');
    for (let n = 0; n < 10; n += 1) await expect(connected({ breaker })).rejects.toThrow();
    expect(cloud.requests).toHaveLength(5);
    cloud.clearFaults();
    now += 1_000;
    await connected({ breaker });
    expect(states).toEqual(['identity open', 'identity half-open', 'identity closed']);
  });

  it('lets calls go on with the token they have while Keystone alone is out of order', async () => {
    const { heat, connection } = await connected({ breaker });
    out('identity');
    for (let n = 0; n < 3; n += 1) await expect(connection.reauthenticate()).rejects.toThrow();
    await list(heat);
    expect(states).toEqual(['identity open']);
  });
});
