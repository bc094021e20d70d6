import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FakeClock } from './testing/fake-clock.ts';
import { WorkQueue } from './work-queue.ts';

const never = new AbortController().signal;

function setUp() {
  const clock = new FakeClock(1000);
  const queue = new WorkQueue({ clock, random: () => 0, backoff: { baseMs: 100, maxMs: 1000 } });
  /** What is ready now, in order; marked done at once. */
  const drain = async () => {
    const keys: string[] = [];
    while (queue.size > 0) {
      const key = await queue.next(never);
      if (key === undefined) break;
      keys.push(key);
      queue.done(key);
    }
    return keys;
  };
  return { clock, queue, drain };
}

describe('order', () => {
  test('first in, first out; a key waits once', async () => {
    const { queue, drain } = setUp();
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect(queue.size).toBe(3);
    expect(await drain()).toEqual(['a', 'b', 'c']);
  });

  test('higher priority first, and the highest asked for counts', async () => {
    const { queue, drain } = setUp();
    queue.add('low', { priority: -100 });
    queue.add('raised', { priority: -100 });
    queue.add('normal');
    queue.add('urgent', { priority: 5 });
    queue.add('raised', { priority: 1 });
    queue.add('urgent', { priority: -1 });
    expect(await drain()).toEqual(['urgent', 'raised', 'normal', 'low']);
  });
});

describe('one worker a key', () => {
  test('a key added while worked on is handed out after done, once', async () => {
    const { queue } = setUp();
    queue.add('a');
    expect(await queue.next(never)).toBe('a');
    queue.add('a');
    queue.add('a');
    expect(queue.size).toBe(0);
    const next = queue.next(never);
    queue.add('b');
    expect(await next).toBe('b');
    queue.done('a');
    expect(await queue.next(never)).toBe('a');
    queue.done('a');
    expect(queue.size).toBe(0);
  });

  test('a key that becomes due while worked on waits for done', async () => {
    const { clock, queue } = setUp();
    queue.add('a');
    await queue.next(never);
    queue.addAfter('a', 50);
    await clock.advance(60);
    expect(queue.size).toBe(0);
    queue.done('a');
    expect(await queue.next(never)).toBe('a');
  });
});

describe('delay', () => {
  test('a key is handed out when it is due, to a worker that waits', async () => {
    const { clock, queue } = setUp();
    queue.addAfter('late', 200);
    queue.addAfter('soon', 100);
    const got: (string | undefined)[] = [];
    const work = async () => {
      for (;;) {
        const key = await queue.next(never);
        if (key === undefined) return;
        got.push(key);
        queue.done(key);
      }
    };
    const working = work();
    await clock.advance(99);
    expect(got).toEqual([]);
    await clock.advance(1);
    expect(got).toEqual(['soon']);
    await clock.advance(100);
    expect(got).toEqual(['soon', 'late']);
    queue.shutDown();
    await working;
    expect(clock.sleeping).toEqual([]);
  });

  test('the earliest time counts', async () => {
    const { clock, queue, drain } = setUp();
    queue.addAfter('a', 500);
    queue.addAfter('a', 100);
    queue.addAfter('a', 300);
    await clock.advance(100);
    expect(await drain()).toEqual(['a']);
    await clock.advance(1000);
    expect(await drain()).toEqual([]);
  });

  test('at once is the earliest time, and keeps the priority', async () => {
    const { clock, queue, drain } = setUp();
    queue.add('b');
    queue.addAfter('a', 500, { priority: 3 });
    queue.add('a');
    queue.addAfter('a', 100);
    expect(await drain()).toEqual(['a', 'b']);
    await clock.advance(1000);
    expect(await drain()).toEqual([]);
    expect(clock.sleeping).toEqual([]);
  });

  test('the highest priority counts', async () => {
    const { clock, queue, drain } = setUp();
    queue.addAfter('b', 100, { priority: 1 });
    queue.addAfter('a', 100, { priority: 2 });
    queue.addAfter('a', 200);
    await clock.advance(100);
    queue.add('c', { priority: 1 });
    expect(await drain()).toEqual(['a', 'b', 'c']);
  });

  test('no delay is at once', async () => {
    const { queue, drain } = setUp();
    queue.addAfter('a', 0);
    expect(await drain()).toEqual(['a']);
  });

  test('uses one timer', () => {
    const { clock, queue } = setUp();
    for (let i = 1000; i > 0; i--) queue.addAfter(`key-${i}`, i);
    expect(clock.sleeping).toHaveLength(1);
  });
});

describe('failures', () => {
  test('are retried ever later, until forgotten', async () => {
    const { queue } = setUp();
    expect(queue.retries('a')).toBe(0);
    const delays = Array.from({ length: 6 }, () => queue.addRateLimited('a'));
    expect(delays).toEqual([100, 200, 400, 800, 1000, 1000]);
    expect(queue.retries('a')).toBe(6);
    expect(queue.addRateLimited('b')).toBe(100);
    queue.forget('a');
    expect(queue.retries('a')).toBe(0);
    expect(queue.addRateLimited('a')).toBe(100);
  });

  test('jitter only shortens', () => {
    const queue = new WorkQueue({ random: () => 0.999999, backoff: { baseMs: 100, maxMs: 1000 } });
    expect(queue.addRateLimited('a')).toBeCloseTo(80, 1);
    queue.shutDown();
  });
});

describe('workers', () => {
  test('that wait get keys in the order they came', async () => {
    const { queue } = setUp();
    const first = queue.next(never);
    const second = queue.next(never);
    queue.add('a');
    queue.add('b');
    expect(await first).toBe('a');
    expect(await second).toBe('b');
  });

  test('that are aborted get nothing, and take nothing', async () => {
    const { queue } = setUp();
    const stop = new AbortController();
    const aborted = queue.next(stop.signal);
    stop.abort();
    expect(await aborted).toBeUndefined();
    expect(await queue.next(stop.signal)).toBeUndefined();
    queue.add('a');
    expect(await queue.next(never)).toBe('a');
  });

  test('go home when the queue is shut down', async () => {
    const { clock, queue } = setUp();
    const waiting = queue.next(never);
    queue.addAfter('a', 10);
    queue.shutDown();
    queue.add('b');
    queue.addAfter('c', 10);
    expect(await waiting).toBeUndefined();
    expect(await queue.next(never)).toBeUndefined();
    expect(queue.size).toBe(0);
    expect(clock.sleeping).toEqual([]);
  });
});

describe('groups', () => {
  const groupOf = (key: string) => key.slice(0, key.indexOf('/'));

  /** A queue with workers that begin what they are given, and end it when the test says so. */
  function withWorkers(count: number) {
    const queue = new WorkQueue({ clock: new FakeClock(), groupOf });
    const begun: string[] = [];
    const work = async () => {
      const key = await queue.next(never);
      if (key !== undefined) begun.push(key);
    };
    for (let i = 0; i < count; i += 1) void work();
    const end = (key: string) => {
      queue.done(key);
      void work();
    };
    return { queue, begun, end, settled: () => new Promise((resolve) => setImmediate(resolve)) };
  }

  test('work of one that never ends leaves workers to others', async () => {
    const { queue, begun, settled } = withWorkers(10);
    for (let i = 0; i < 1000; i += 1) queue.add(`a/${i}`, { priority: 1 });
    await settled();
    expect(begun).toEqual(['a/0', 'a/1', 'a/2', 'a/3', 'a/4']);
    for (let i = 0; i < 1000; i += 1) queue.add(`b/${i}`);
    queue.add('c/0');
    queue.add('d/0', { priority: -100 });
    await settled();
    expect(begun.slice(5)).toEqual(['b/0', 'b/1', 'b/2', 'c/0', 'd/0']);
    expect(queue.size).toBe(2000 - 8);
  });

  test('go on in their order when work ends', async () => {
    const { queue, begun, end, settled } = withWorkers(2);
    for (const key of ['a/0', 'a/1', 'a/2']) queue.add(key);
    queue.add('a/3', { priority: 1 });
    await settled();
    expect(begun).toEqual(['a/0']);
    for (const key of ['a/0', 'a/3', 'a/1', 'a/2']) {
      end(key);
      await settled();
    }
    expect(begun).toEqual(['a/0', 'a/3', 'a/1', 'a/2']);
    expect(queue.size).toBe(0);
  });

  test('have a worker even where there is only one', async () => {
    const { queue, begun, end, settled } = withWorkers(1);
    queue.add('a/0');
    queue.add('a/1');
    await settled();
    end('a/0');
    await settled();
    expect(begun).toEqual(['a/0', 'a/1']);
  });

  test('a key that waits for its group is found by its key', async () => {
    const { queue, begun, end, settled } = withWorkers(1);
    for (const key of ['a/0', 'a/1', 'a/2']) queue.add(key);
    queue.addAfter('a/2', 1000, { priority: 5 });
    expect(queue.size).toBe(2);
    await settled();
    end('a/0');
    await settled();
    expect(begun).toEqual(['a/0', 'a/2']);
  });
});

/** What {@link WorkQueue} promises, in the plainest way: it looks at all keys for each choice. */
class PlainQueue {
  readonly #groupOf: ((key: string) => string) | undefined;
  #waiting: { key: string; priority: number; order: number }[] = [];
  #again: { key: string; priority: number; order: number }[] = [];
  readonly #running: string[] = [];
  #idle = 0;
  #order = 0;
  readonly chosen: string[] = [];

  constructor(groupOf: ((key: string) => string) | undefined) {
    this.#groupOf = groupOf;
  }

  get size(): number {
    return this.#waiting.length;
  }

  add(key: string, priority: number): void {
    const list = this.#running.includes(key) ? this.#again : this.#waiting;
    const present = list.find((each) => each.key === key);
    if (present) present.priority = Math.max(present.priority, priority);
    else list.push({ key, priority, order: this.#order++ });
    this.#choose();
  }

  next(): void {
    this.#idle += 1;
    this.#choose();
  }

  done(key: string): void {
    this.#running.splice(this.#running.indexOf(key), 1);
    this.#waiting.push(...this.#again.filter((each) => each.key === key));
    this.#again = this.#again.filter((each) => each.key !== key);
    this.#choose();
  }

  #choose(): void {
    while (this.#idle > 0) {
      const [first] = this.#waiting
        .filter(({ key }) => this.#mayHaveWorker(key))
        .sort((a, b) => b.priority - a.priority || a.order - b.order);
      if (!first) return;
      this.#waiting = this.#waiting.filter((each) => each !== first);
      this.#running.push(first.key);
      this.#idle -= 1;
      this.chosen.push(first.key);
    }
  }

  #mayHaveWorker(key: string): boolean {
    const groupOf = this.#groupOf;
    if (!groupOf) return true;
    return this.#running.filter((each) => groupOf(each) === groupOf(key)).length < this.#idle;
  }
}

test.each([
  ['', undefined],
  [' with groups', (key: string) => key.charAt(0)],
])('chooses as one that looks at all keys%s', async (_, groupOf) => {
  const key = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(3)).map(([group, n]) => `${group}${n}`);
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ op: fc.constant('add' as const), key, priority: fc.nat(2) }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('next' as const) }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('done' as const), which: fc.nat(20) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
      const queue = new WorkQueue({ clock: new FakeClock(), ...(groupOf && { groupOf }) });
      const plain = new PlainQueue(groupOf);
      const chosen: string[] = [];
      const running: string[] = [];
      for (const s of steps) {
        if (s.op === 'add') {
          queue.add(s.key, { priority: s.priority });
          plain.add(s.key, s.priority);
        } else if (s.op === 'next') {
          void queue.next(never).then((next) => {
            if (next === undefined) return;
            chosen.push(next);
            running.push(next);
          });
          plain.next();
        } else if (running.length > 0) {
          const [ended = ''] = running.splice(s.which % running.length, 1);
          queue.done(ended);
          plain.done(ended);
        }
        await new Promise((resolve) => setImmediate(resolve));
        expect(chosen).toEqual(plain.chosen);
        expect(queue.size).toBe(plain.size);
      }
      queue.shutDown();
    }),
    { numRuns: 300 },
  );
});

test.each([
  ['', undefined],
  [' with groups', (key: string) => (key < 'c' ? 'ab' : 'cd')],
])('every key added is handed out afterwards, and never to two workers at once%s', async (_, groupOf) => {
  const key = fc.constantFrom('a', 'b', 'c', 'd');
  const step = fc.oneof(
    fc.record({ op: fc.constant('add' as const), key, priority: fc.integer({ min: -2, max: 2 }) }),
    fc.record({ op: fc.constant('addAfter' as const), key, delay: fc.nat(100) }),
    fc.record({ op: fc.constant('addRateLimited' as const), key }),
    fc.record({ op: fc.constant('forget' as const), key }),
    fc.record({ op: fc.constant('finish' as const), worker: fc.nat(2) }),
    fc.record({ op: fc.constant('wait' as const), ms: fc.nat(50) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const clock = new FakeClock();
      const backoff = { baseMs: 10, maxMs: 80 };
      const queue = new WorkQueue({ clock, backoff, ...(groupOf && { groupOf }) });
      // For each key the moment (as a step's number) it was last asked for and last handed out.
      const asked = new Map<string, number>();
      const started = new Map<string, number>();
      const running: (string | undefined)[] = [undefined, undefined, undefined];
      let moment = 0;
      const work = async (worker: number) => {
        const next = await queue.next(never);
        if (next === undefined) return;
        expect(running).not.toContain(next);
        running[worker] = next;
        started.set(next, moment);
      };
      const finish = (worker: number) => {
        const done = running[worker];
        if (done === undefined) return;
        running[worker] = undefined;
        queue.done(done);
        void work(worker);
      };
      for (const worker of [0, 1, 2]) void work(worker);

      for (const s of steps) {
        moment++;
        if (s.op === 'finish') finish(s.worker);
        else if (s.op === 'wait') await clock.advance(s.ms);
        else if (s.op === 'forget') queue.forget(s.key);
        else {
          asked.set(s.key, moment);
          if (s.op === 'add') queue.add(s.key, { priority: s.priority });
          else if (s.op === 'addAfter') queue.addAfter(s.key, s.delay);
          else queue.addRateLimited(s.key);
        }
        await clock.advance(0);
      }
      for (let rounds = 0; rounds < 10; rounds++) {
        await clock.advance(100);
        for (const worker of [0, 1, 2]) finish(worker);
      }
      await clock.advance(0);
      for (const [k, when] of asked) expect(started.get(k)).toBeGreaterThanOrEqual(when);
      expect(queue.size).toBe(0);
      queue.shutDown();
    }),
    { numRuns: 60 },
  );
});
