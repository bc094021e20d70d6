import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Controller, type ControllerOptions, type Result, TerminalError } from './controller.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { memoryLogger } from './testing/memory-logger.ts';
import { WorkQueue } from './work-queue.ts';
import { WriteRefused } from './write-fence.ts';

let clock: FakeClock;
let queue: WorkQueue;
let stop: AbortController;
let log: ReturnType<typeof memoryLogger>;
let running: Promise<void>;

beforeEach(() => {
  clock = new FakeClock();
  queue = new WorkQueue({ clock, random: () => 0, backoff: { baseMs: 100, maxMs: 1000 } });
  stop = new AbortController();
  log = memoryLogger();
});

afterEach(async () => {
  stop.abort();
  await clock.advance(60_000);
  await running;
  queue.shutDown();
});

function start(reconcile: ControllerOptions['reconcile'], concurrency = 1): void {
  running = new Controller({ name: 'test', queue, reconcile, concurrency, logger: log.logger, clock }).run(
    stop.signal,
  );
}

/** Reconciles whose outcome is taken from a list; later ones succeed. */
function outcomes(...list: (() => Result)[]) {
  const at: number[] = [];
  start(async () => {
    at.push(clock.now());
    return list.shift()?.() ?? {};
  });
  return at;
}

function raise(error: unknown): () => never {
  return () => {
    throw error;
  };
}

test('a success is not repeated', async () => {
  const at = outcomes();
  queue.add('ns/a');
  await clock.advance(100_000);
  expect(at).toEqual([0]);
});

test('requeueAfterMs comes again then, and forgets failures', async () => {
  const at = outcomes(raise(new Error('once')), () => ({ requeueAfterMs: 5000 }));
  queue.add('ns/a');
  await clock.advance(100);
  expect(at).toEqual([0, 100]);
  expect(queue.retries('ns/a')).toBe(0);
  await clock.advance(5000);
  expect(at).toEqual([0, 100, 5100]);
});

test('errors come again, ever later', async () => {
  const at = outcomes(raise(new Error('1')), raise(new Error('2')), raise(new Error('3')));
  queue.add('ns/a');
  await clock.advance(700);
  expect(at).toEqual([0, 100, 300, 700]);
  expect(queue.retries('ns/a')).toBe(0);
});

test('a refused write is no failure of the object, and comes again', async () => {
  const at = outcomes(raise(new WriteRefused('not the leader')));
  queue.add('ns/a');
  await clock.advance(100);
  expect(at).toEqual([0, 100]);
  expect(log.lines.filter(({ level }) => Number(level) > 30)).toEqual([]);
  expect(log.lines.map(({ msg }) => msg)).toContain('reconcile cut short');
});

test('a TerminalError does not come again until the key is added, and forgets failures', async () => {
  const at = outcomes(raise(new Error('1')), raise(new TerminalError('hopeless')));
  queue.add('ns/a');
  await clock.advance(100_000);
  expect(at).toEqual([0, 100]);
  expect(queue.retries('ns/a')).toBe(0);
  queue.add('ns/a');
  await clock.advance(0);
  expect(at).toHaveLength(3);
});

test.each([['a string'], [undefined], [null], [{ strange: true }]])(
  'thrown %s is an error too',
  async (thrown) => {
    const at = outcomes(raise(thrown));
    queue.add('ns/a');
    await clock.advance(100);
    expect(at).toEqual([0, 100]);
  },
);

test('a reconcile that throws before its first await is an error too', async () => {
  let runs = 0;
  start(() => {
    runs++;
    throw new Error('not async');
  });
  queue.add('ns/a');
  await clock.advance(100);
  expect(runs).toBe(2);
});

test('logs message and code of an error, with key and run, and nothing else of it', async () => {
  const error = Object.assign(new Error('no such stack', { cause: new Error('hush') }), {
    code: 'NotFound',
    headers: { authorization: 'hush' },
  });
  outcomes(raise(error), raise(error));
  queue.add('ns/a');
  await clock.advance(100);
  const errors = log.lines.filter((line) => line['level'] === 50);
  expect(errors[0]).toMatchObject({
    controller: 'test',
    key: 'ns/a',
    error: 'no such stack',
    code: 'NotFound',
  });
  expect(errors[0]?.['reconcileID']).toMatch(/^[0-9a-f-]{36}$/);
  expect(errors[1]?.['reconcileID']).not.toBe(errors[0]?.['reconcileID']);
  expect(log.text()).not.toContain('hush');
});

test('hands its logger to the reconcile', async () => {
  start(async (_key, { logger }) => {
    logger.info('hello');
    return {};
  });
  queue.add('ns/a');
  await clock.advance(0);
  expect(log.lines.find((line) => line['msg'] === 'hello')).toMatchObject({
    controller: 'test',
    key: 'ns/a',
  });
});

describe('concurrency', () => {
  test('is the number of keys worked on at once', async () => {
    const gates = new Map<string, PromiseWithResolvers<Result>>();
    start((key) => {
      const gate = Promise.withResolvers<Result>();
      gates.set(key, gate);
      return gate.promise;
    }, 2);
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await clock.advance(0);
    expect([...gates.keys()]).toEqual(['a', 'b']);
    gates.get('a')?.resolve({});
    await clock.advance(0);
    expect([...gates.keys()]).toEqual(['a', 'b', 'c']);
    for (const gate of gates.values()) gate.resolve({});
  });
});

describe('stop', () => {
  test('waits for what is running, and starts nothing more', async () => {
    const gate = Promise.withResolvers<Result>();
    const started: string[] = [];
    start((key) => {
      started.push(key);
      return gate.promise;
    });
    queue.add('a');
    queue.add('b');
    await clock.advance(0);
    const ended = vi.fn();
    void running.then(ended);
    stop.abort();
    await clock.advance(1000);
    expect(ended).not.toHaveBeenCalled();
    gate.resolve({});
    await clock.advance(0);
    expect(ended).toHaveBeenCalled();
    expect(started).toEqual(['a']);
    expect(clock.sleeping).toEqual([]);
  });

  test('aborts what is still running after the grace time', async () => {
    const aborted = vi.fn();
    start((_key, { signal }) => {
      const { promise, reject } = Promise.withResolvers<Result>();
      signal.addEventListener('abort', () => {
        aborted(clock.now());
        reject(signal.reason);
      });
      return promise;
    });
    queue.add('a');
    await clock.advance(0);
    stop.abort();
    await clock.advance(19_999);
    expect(aborted).not.toHaveBeenCalled();
    await clock.advance(1);
    await running;
    expect(aborted).toHaveBeenCalledWith(20_000);
    expect(log.lines.some((line) => line['level'] === 50)).toBe(false);
  });
});

test('a cut ends what is running at once', async () => {
  const cut = new AbortController();
  const ends: unknown[] = [];
  const controller = new Controller({
    name: 'test',
    queue,
    concurrency: 2,
    logger: log.logger,
    clock,
    reconcile: (key, { signal }) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          ends.push([key, signal.reason]);
          reject(signal.reason);
        }),
      ),
  });
  queue.add('ns/a');
  running = controller.run(stop.signal, cut.signal);
  await clock.advance(0);
  cut.abort('lost');
  await running;
  expect(ends).toEqual([['ns/a', 'lost']]);
  queue.add('ns/b');
  await clock.advance(100_000);
  expect(ends).toHaveLength(1);
});
