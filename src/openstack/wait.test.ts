import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createError } from './errors.ts';
import type { Stack } from './stack.ts';
import { FakeCloud, heatOf, pick, sample } from './testdata/fake-cloud.ts';
import { type WaitOptions, waitFor } from './wait.ts';

/** The waits between looks that were asked for, in milliseconds; `quick` makes none of them. */
const waits = { asked: [] as number[], quick: false };
const { setTimeout: sleep } = timers;

beforeAll(() => {
  timers.setTimeout = (ms = 0, ...rest) => {
    waits.asked.push(ms);
    return sleep(waits.quick ? 0 : ms, ...rest);
  };
  syncBuiltinESMExports();
});
afterAll(() => {
  timers.setTimeout = sleep;
  syncBuiltinESMExports();
});

const identity = { name: 'web', id: '1' };

function stack(status: string, members: Partial<Stack> = {}): Stack {
  return { ...identity, status, statusReason: `is ${status}`, tags: [], links: [], ...members };
}

const gone = stack('DELETE_COMPLETE', { deletedAt: '2026-11-23T13:50:24Z' });
const missing = createError('ResourceNotFound', 'no such stack', { status: 404, type: 'EntityNotFound' });

let looks = 0;

beforeEach(() => {
  looks = 0;
  waits.asked.length = 0;
  waits.quick = true;
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Waits for a stack that is seen so, one after the other; the last again and again. */
function wait(seen: (Stack | Error)[], options: WaitOptions = {}): Promise<Stack | undefined> {
  const look = async (): Promise<Stack> => {
    const now = seen[Math.min(looks, seen.length - 1)];
    looks += 1;
    if (now === undefined || now instanceof Error) throw now;
    return now;
  };
  return waitFor('web', look, options);
}

const failed = (status: string, members: object = {}) => ({
  code: 'StackFailed',
  detail: `is ${status}`,
  message: expect.stringContaining(`The stack web is ${status}: is ${status}`),
  ...members,
});

describe('unless told for what', () => {
  it.each(['CREATE', 'UPDATE', 'CHECK', 'SUSPEND', 'RESUME', 'ADOPT', 'SNAPSHOT', 'RESTORE'])(
    'waits for %s to end',
    async (action) => {
      const done = stack(`${action}_COMPLETE`);
      expect(await wait([stack(`${action}_IN_PROGRESS`), done])).toBe(done);
      expect(looks).toBe(2);
    },
  );

  it('takes states that it does not know for ones that pass', async () => {
    const done = stack('CREATE_COMPLETE');
    expect(await wait([stack('DREAM_PENDING'), stack('ROLLBACK_IN_PROGRESS'), done])).toBe(done);
  });

  it.each([
    'CREATE_FAILED',
    'UPDATE_FAILED',
    'DELETE_FAILED',
    'CHECK_FAILED',
    'ROLLBACK_FAILED',
    'ROLLBACK_COMPLETE',
  ])('throws when it ends as %s', async (status) => {
    await expect(wait([stack('CREATE_IN_PROGRESS'), stack(status)])).rejects.toMatchObject(failed(status));
    expect(looks).toBe(2);
  });

  it('throws when it is deleted, but not before it is', async () => {
    await expect(wait([stack('DELETE_COMPLETE'), gone])).rejects.toMatchObject({
      code: 'StackFailed',
      message: expect.stringContaining('The stack web is DELETE_COMPLETE and deleted: '),
    });
    expect(looks).toBe(2);
    await expect(wait([missing])).rejects.toBe(missing);
  });
});

describe('until', () => {
  it('is a status', async () => {
    const done = stack('UPDATE_COMPLETE');
    expect(await wait([stack('UPDATE_IN_PROGRESS'), done], { until: 'UPDATE_COMPLETE' })).toBe(done);
  });

  it('may be a state that passes, a failure, or a rollback', async () => {
    for (const status of ['UPDATE_IN_PROGRESS', 'CREATE_FAILED', 'ROLLBACK_COMPLETE']) {
      expect(await wait([stack(status)], { until: status })).toMatchObject({ status });
    }
  });

  it('is one of several', async () => {
    const until = ['CREATE_COMPLETE', 'ROLLBACK_COMPLETE'];
    looks = 0;
    expect(await wait([stack('CREATE_IN_PROGRESS'), stack('ROLLBACK_COMPLETE')], { until })).toMatchObject({
      status: 'ROLLBACK_COMPLETE',
    });
    await expect(wait([stack('UPDATE_COMPLETE')], { until })).rejects.toMatchObject(
      failed('UPDATE_COMPLETE'),
    );
  });

  it('is a function, whose error ends the wait', async () => {
    const tagged = stack('UPDATE_IN_PROGRESS', { tags: ['x'] });
    const until = ({ tags }: Stack) => tags.includes('x');
    expect(await wait([stack('UPDATE_IN_PROGRESS'), tagged], { until })).toBe(tagged);
    const error = new Error('bug');
    const broken = () => {
      throw error;
    };
    await expect(wait([tagged], { until: broken })).rejects.toBe(error);
  });

  it('is a function that does not want how it ended', async () => {
    await expect(wait([stack('UPDATE_COMPLETE')], { until: () => false })).rejects.toMatchObject(
      failed('UPDATE_COMPLETE'),
    );
  });
});

describe('until DELETE_COMPLETE', () => {
  const until = 'DELETE_COMPLETE';

  it('goes on until the name is free, whatever the stack is before', async () => {
    const states = ['CREATE_COMPLETE', 'UPDATE_FAILED', 'DELETE_IN_PROGRESS', 'DELETE_COMPLETE'];
    expect(await wait([...states.map((status) => stack(status)), gone], { until })).toBe(gone);
    expect(looks).toBe(5);
  });

  it('gives the stack as last seen when Heat knows it no more', async () => {
    const last = stack('DELETE_IN_PROGRESS');
    expect(await wait([last, missing], { until })).toBe(last);
    expect(looks).toBe(2);
  });

  it('gives nothing when it was never seen', async () => {
    expect(await wait([missing], { until: ['CREATE_COMPLETE', until] })).toBeUndefined();
    expect(waits.asked).toEqual([]);
  });

  it('also ends with another state that is wanted', async () => {
    expect(await wait([stack('CREATE_COMPLETE')], { until: [until, 'CREATE_COMPLETE'] })).toMatchObject({
      status: 'CREATE_COMPLETE',
    });
  });

  it.each([
    createError('ResourceNotFound', 'a resource', { status: 404, type: 'NotFound' }),
    createError('ResourceNotFound', 'a proxy', { status: 404 }),
    createError('Forbidden', 'no', { status: 403, type: 'EntityNotFound' }),
    createError('ServerError', 'no', { status: 503 }),
  ])('takes no other error for its end: %s', async (error) => {
    await expect(wait([stack('DELETE_IN_PROGRESS'), error], { until })).rejects.toBe(error);
  });

  it('throws when the delete failed', async () => {
    await expect(wait([stack('DELETE_FAILED')], { until })).rejects.toMatchObject(failed('DELETE_FAILED'));
  });
});

describe('a failure that a rollback may follow', () => {
  const on = { disableRollback: false };
  /** Each look takes so long, in milliseconds. */
  const eachLookTakes = (ms: number) => vi.spyOn(performance, 'now').mockImplementation(() => looks * ms);

  it.each(['CREATE', 'UPDATE'])('passes into it: %s', async (action) => {
    eachLookTakes(500);
    const seen = [stack(`${action}_FAILED`, on), stack('ROLLBACK_IN_PROGRESS', on)];
    const done = stack('ROLLBACK_COMPLETE', on);
    expect(await wait([...seen, done], { until: ['ROLLBACK_COMPLETE'] })).toBe(done);
    looks = 0;
    await expect(wait([...seen, done])).rejects.toMatchObject(failed('ROLLBACK_COMPLETE'));
    looks = 0;
    await expect(wait([...seen, stack('ROLLBACK_FAILED', on)])).rejects.toMatchObject(
      failed('ROLLBACK_FAILED'),
    );
  });

  it('is one after 2 s', async () => {
    eachLookTakes(500);
    await expect(wait([stack('UPDATE_FAILED', on)])).rejects.toMatchObject(failed('UPDATE_FAILED'));
    // At 500 ms for the first time, and then until 2,500 ms.
    expect(looks).toBe(5);
  });

  it('has its 2 s each time', async () => {
    eachLookTakes(1_500);
    const seen = [stack('CREATE_FAILED', on), stack('UPDATE_IN_PROGRESS', on), stack('UPDATE_FAILED', on)];
    const done = stack('UPDATE_COMPLETE', on);
    expect(await wait([...seen, done])).toBe(done);
  });

  it.each([
    stack('CREATE_FAILED', { disableRollback: true }),
    stack('CREATE_FAILED'),
    stack('CHECK_FAILED', on),
    stack('ROLLBACK_FAILED', on),
  ])('is one at once without a rollback to come: $status, $disableRollback', async (seen) => {
    await expect(wait([seen])).rejects.toMatchObject(failed(seen.status));
    expect(looks).toBe(1);
  });
});

describe('looks', () => {
  it('follow each other more and more slowly', async () => {
    const seen = Array<Stack>(12).fill(stack('CREATE_IN_PROGRESS'));
    await wait([...seen, stack('CREATE_COMPLETE')]);
    const rounded = waits.asked.map((ms) => Math.round(ms));
    expect(rounded).toEqual([250, 375, 563, 844, 1266, 1898, 2848, 4271, 5000, 5000, 5000, 5000]);
  });

  it('follow each other as told', async () => {
    const seen = Array<Stack>(3).fill(stack('CREATE_IN_PROGRESS'));
    await wait([...seen, stack('CREATE_COMPLETE')], { intervalMs: 7 });
    expect(waits.asked).toEqual([7, 7, 7]);
  });

  it('are told of when the status or its reason is another one', async () => {
    const told: string[] = [];
    const seen = [
      stack('CREATE_IN_PROGRESS'),
      stack('CREATE_IN_PROGRESS'),
      stack('CREATE_IN_PROGRESS', { statusReason: 'another' }),
      stack('CREATE_IN_PROGRESS', { statusReason: 'another', updatedAt: 'x' }),
      stack('CREATE_COMPLETE', { statusReason: 'another' }),
    ];
    await wait(seen, {
      onProgress: ({ status, statusReason }) => told.push(`${status}: ${statusReason}`),
    });
    expect(told).toEqual([
      'CREATE_IN_PROGRESS: is CREATE_IN_PROGRESS',
      'CREATE_IN_PROGRESS: another',
      'CREATE_COMPLETE: another',
    ]);
  });

  it('are told of before they are judged', async () => {
    const told: Stack[] = [];
    const onProgress = (seen: Stack) => told.push(seen);
    await expect(wait([stack('CHECK_FAILED')], { onProgress })).rejects.toThrow();
    await expect(wait([gone], { onProgress })).rejects.toThrow();
    expect(told.map(({ status }) => status)).toEqual(['CHECK_FAILED', 'DELETE_COMPLETE']);
  });
});

/** A look that ends with its signal alone, as the client's own do. */
const hanging = (signal: AbortSignal | undefined) =>
  new Promise<Stack>((_resolve, reject) =>
    signal?.addEventListener('abort', () => reject(signal.reason as Error)),
  );

describe('the time-out', () => {
  const timeout = (what: string) => ({
    code: 'Timeout',
    message: `The stack web ${what} after 0.03 s; it goes on without being waited for.`,
  });

  it('ends a wait between two looks', async () => {
    waits.quick = false;
    await expect(wait([stack('CREATE_IN_PROGRESS')], { timeoutMs: 30 })).rejects.toMatchObject(
      timeout('is still CREATE_IN_PROGRESS'),
    );
    expect(looks).toBe(1);
  });

  it('ends a wait that only looks', async () => {
    await expect(wait([stack('CREATE_IN_PROGRESS')], { timeoutMs: 30 })).rejects.toMatchObject(
      timeout('is still CREATE_IN_PROGRESS'),
    );
    expect(looks).toBeGreaterThan(1);
  });

  it('ends a look that hangs', async () => {
    await expect(waitFor('web', hanging, { timeoutMs: 30 })).rejects.toMatchObject(
      timeout("couldn't be looked at"),
    );
    const once = (signal: AbortSignal | undefined) =>
      looks++ === 0 ? Promise.resolve(stack('UPDATE_IN_PROGRESS')) : hanging(signal);
    await expect(waitFor('web', once, { timeoutMs: 30 })).rejects.toMatchObject(
      timeout('is still UPDATE_IN_PROGRESS'),
    );
  });

  it('is no excuse for another error', async () => {
    const error = createError('Forbidden', 'no');
    await expect(wait([error], { timeoutMs: 10_000 })).rejects.toBe(error);
  });

  it.each([2 ** 31, 90 * 24 * 3600_000, Number.POSITIVE_INFINITY])(
    'may be longer than any timer: %d ms',
    async (timeoutMs) => {
      waits.quick = false;
      const done = stack('CREATE_COMPLETE');
      const seen = [stack('CREATE_IN_PROGRESS'), done];
      expect(await wait(seen, { timeoutMs, intervalMs: 30 })).toBe(done);
    },
  );
});

describe('the signal', () => {
  it.each([new Error('stop'), 'stop', null, 0])('ends a wait with its reason: %s', async (reason) => {
    waits.quick = false;
    for (const timeoutMs of [undefined, 20_000]) {
      const abort = new AbortController();
      const options = { signal: abort.signal, ...(timeoutMs && { timeoutMs }) };
      const waiting = wait([stack('CREATE_IN_PROGRESS')], {
        ...options,
        intervalMs: 20_000,
        onProgress: () => queueMicrotask(() => abort.abort(reason)),
      }).catch((error: unknown) => ({ error }));
      expect(await waiting).toEqual({ error: reason });
    }
  });

  it('is the reason also when the time is over before the look has ended', async () => {
    const abort = new AbortController();
    const slow = (signal: AbortSignal | undefined) =>
      new Promise<Stack>((_resolve, reject) => {
        signal?.addEventListener('abort', () => setTimeout(() => reject(signal.reason as Error), 40));
        abort.abort(new Error('stop'));
      });
    await expect(waitFor('web', slow, { signal: abort.signal, timeoutMs: 20 })).rejects.toThrow('stop');
  });

  it('ends a look', async () => {
    for (const timeoutMs of [undefined, 20_000]) {
      const abort = new AbortController();
      const options = { signal: abort.signal, ...(timeoutMs && { timeoutMs }) };
      const waiting = waitFor('web', hanging, options);
      abort.abort(new Error('stop'));
      await expect(waiting).rejects.toThrow('stop');
    }
  });
});

describe('waitForStack', () => {
  const { stack_name: name, id } = pick(sample('get_stack').body, 'stack') as Record<string, string>;
  const PATH = `GET /stacks/${name}/${id}`;
  const web = { name: String(name), id: String(id) };
  let cloud: FakeCloud;
  let closers: (() => Promise<void>)[];
  const connected = async () => {
    const connection = await cloud.connect();
    closers.push(() => connection.close());
    return heatOf(connection);
  };
  beforeEach(async () => {
    cloud = await new FakeCloud().start();
    closers = [];
  });
  afterEach(async () => {
    for (const close of closers) await close();
    await cloud.stop();
  });

  it('looks a name up once, and never asks for outputs', async () => {
    const heat = await connected();
    const begun = sample('get_stack');
    Object.assign(pick(begun.body, 'stack') as object, { stack_status: 'CREATE_IN_PROGRESS' });
    cloud.on(`GET /stacks/${name}`, sample('get_by_name_302')).on(PATH, begun, begun, sample('get_stack'));
    expect(await heat.waitForStack(web.name)).toMatchObject({ status: 'CREATE_COMPLETE' });
    expect(cloud.asked).toEqual([`GET /stacks/${name}`, PATH, PATH, PATH]);
    expect(new Set(cloud.seen.slice(1).map(({ query }) => query))).toEqual(
      new Set(['resolve_outputs=false']),
    );
  });

  it('of what is not there gives nothing when its end is wanted, else ResourceNotFound', async () => {
    const heat = await connected();
    cloud.on(`GET /stacks/${name}`, sample('stack_404'));
    expect(await heat.waitForStack(web.name, { until: 'DELETE_COMPLETE' })).toBeUndefined();
    await expect(heat.waitForStack(web.name)).rejects.toMatchObject({
      code: 'ResourceNotFound',
      type: 'EntityNotFound',
    });
    cloud.on(`GET /stacks/${name}`, { status: 404, body: '<html>' });
    await expect(heat.waitForStack(web.name, { until: 'DELETE_COMPLETE' })).rejects.toMatchObject({
      code: 'ResourceNotFound',
    });
  });

  it('ends in time while Heat says nothing, and leaves no request behind', async () => {
    const heat = await connected();
    let closed = false;
    cloud.on(PATH, (_seen, response) => response.on('close', () => (closed = true)));
    await expect(heat.waitForStack(web, { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'Timeout',
      message: `The stack ${name} couldn't be looked at after 0.1 s; it goes on without being waited for.`,
    });
    await expect.poll(() => closed).toBe(true);
  });

  it('ends in time while a name is looked up', async () => {
    const heat = await connected();
    cloud.on(`GET /stacks/${name}`, () => {});
    await expect(heat.waitForStack(web.name, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'Timeout' });
    await expect(heat.waitForStack({ id: web.name }, { timeoutMs: 100 })).rejects.toThrow(
      `The stack ${name} couldn't be looked at`,
    );
  });

  it('refuses a name that is none', async () => {
    const heat = await connected();
    await expect(heat.waitForStack('a/b')).rejects.toMatchObject({ code: 'ConfigError' });
    expect(cloud.seen).toEqual([]);
  });
});
