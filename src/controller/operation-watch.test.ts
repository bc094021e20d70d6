import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../kube/testing/fake-clock.ts';
import { memoryLogger } from '../kube/testing/memory-logger.ts';
import { createError } from '../openstack/index.ts';
import { OperationWatch } from './operation-watch.ts';
import { StackLooks } from './stack-looks.ts';
import { FakeHeat } from './testing/fake-heat.ts';

const PROGRESS_MS = 10_000;

let clock: FakeClock;
let heat: FakeHeat;
let news: string[];
let onNews: (key: string) => void;
let watch: OperationWatch;
/** What happens while the list is read. */
let duringList: () => void;
let hasHeat: boolean;

beforeEach(() => {
  clock = new FakeClock(1_000_000);
  heat = new FakeHeat(clock);
  news = [];
  onNews = (key) => news.push(key);
  hasHeat = true;
  duringList = () => undefined;
  const list = heat.stacks.bind(heat);
  heat.stacks = async function* (query) {
    const rows = await Array.fromAsync(list(query));
    await clock.sleep(100);
    duringList();
    yield* rows;
  };
  watch = new OperationWatch({
    orchestration: () => (hasHeat ? heat : undefined),
    looks: new StackLooks({ orchestration: () => heat, clock }),
    onNews: (key) => onNews(key),
    progressIntervalMs: PROGRESS_MS,
    clock,
    logger: memoryLogger().logger,
  });
});

afterEach(async () => {
  const closed = watch.close();
  await clock.advance(1000);
  await closed;
});

/** A stack in progress that is watched. */
function begin(name: string): { id: string; finish: () => void } {
  const stack = heat.add({ name, status: 'CREATE_IN_PROGRESS' });
  watch.begin(name, stack.id);
  return { id: stack.id, finish: () => Object.assign(stack, { status: 'CREATE_COMPLETE' }) };
}

const polls = () => heat.calls.filter((call) => call === 'poll').length;

describe('the end of an operation', () => {
  test('is news, once, and then nothing is asked any more', async () => {
    const a = begin('a');
    await clock.advance(1500);
    expect(news).toEqual([]);
    a.finish();
    await clock.advance(1500);
    expect(news).toEqual(['a']);
    expect(watch.size).toBe(0);
    const sofar = polls();
    await clock.advance(60_000);
    expect(news).toEqual(['a']);
    expect(polls()).toBe(sofar);
  });

  test('is found with one list for all', async () => {
    const stacks = Array.from({ length: 20 }, (_, i) => begin(`s${i}`));
    stacks[3]?.finish();
    stacks[7]?.finish();
    await clock.advance(1500);
    expect(news).toEqual(['s3', 's7']);
    expect(polls()).toBe(1);
    expect(watch.size).toBe(18);
  });

  test('is not told of an operation that began while the list was read', async () => {
    begin('a');
    duringList = () => {
      duringList = () => undefined;
      begin('b');
    };
    await clock.advance(1300);
    expect(polls()).toBe(1);
    expect(news).toEqual([]);
    expect(watch.size).toBe(2);
  });

  test('of a former one is none of the operation on top of it', async () => {
    const a = begin('a');
    a.finish();
    duringList = () => {
      duringList = () => undefined;
      watch.begin('a', a.id);
    };
    await clock.advance(1300);
    expect(news).toEqual([]);
    await clock.advance(1300);
    expect(news).toEqual(['a']);
  });

  test('is not told once the object is gone', async () => {
    const a = begin('a');
    a.finish();
    watch.remove('a');
    await clock.advance(10_000);
    expect(news).toEqual([]);
  });

  test.each([0, 1, 2, 3, 4, 5, 6])(
    'leaves no operation unwatched that is added %i microtasks later',
    async (delay) => {
      const a = begin('a');
      a.finish();
      onNews = (key) => {
        news.push(key);
        if (key !== 'a') return;
        let later = Promise.resolve();
        for (let i = 0; i < delay; i += 1) later = later.then(() => undefined);
        void later.then(() => begin('b').finish());
      };
      await clock.advance(1300);
      expect(news).toEqual(['a']);
      await clock.advance(3000);
      expect(news).toEqual(['a', 'b']);
    },
  );
});

describe('the end of a delete', () => {
  /** A stack that is being deleted. */
  function remove(name: string): { id: string; finish: (change?: object) => void } {
    const stack = heat.add({ name, status: 'DELETE_IN_PROGRESS' });
    watch.begin(name, stack.id, { deleting: true });
    const deletedAt = '2026-01-01T00:00:00Z';
    return {
      id: stack.id,
      finish: (change = { deletedAt }) => Object.assign(stack, { status: 'DELETE_COMPLETE', ...change }),
    };
  }

  test('is read with one more list for all, and known for those that Heat shows as deleted', async () => {
    const stacks = Array.from({ length: 20 }, (_, i) => remove(`s${i}`));
    const other = begin('other');
    for (const each of stacks) each.finish();
    other.finish();
    await clock.advance(2000);
    expect(news).toHaveLength(21);
    expect(heat.calls).toEqual(['poll', 'looks']);
    expect(watch.isGone('s1', stacks[1]?.id ?? '')).toBe(true);
    expect(watch.isGone('s1', 'another')).toBe(false);
    expect(watch.isGone('other', other.id)).toBe(false);
  });

  test('is waited for while the stack still holds its name, but not for ever', async () => {
    const [a, b] = [remove('a'), remove('b')];
    for (const each of [a, b]) each.finish({});
    await clock.advance(2000);
    expect(news).toEqual([]);
    a.finish();
    await clock.advance(2000);
    expect(news).toEqual(['a']);
    expect(watch.isGone('a', a.id)).toBe(true);
    await clock.advance(40_000);
    expect(news).toEqual(['a', 'b']);
    expect(watch.isGone('b', b.id)).toBe(false);
  });

  test('is forgotten with the object, and with the next operation', async () => {
    const [a, b] = [remove('a'), remove('b')];
    for (const each of [a, b]) each.finish();
    await clock.advance(2000);
    watch.remove('a');
    watch.begin('b', 'another');
    expect([watch.isGone('a', a.id), watch.isGone('b', b.id)]).toEqual([false, false]);
  });

  test('is news all the same when that list fails', async () => {
    const { id, finish } = remove('a');
    finish();
    heat.fail('looks', createError('ServerError', 'out of order', { status: 503 }));
    await clock.advance(2000);
    expect(news).toEqual(['a']);
    expect(watch.isGone('a', id)).toBe(false);
  });
});

describe('the time between two lists', () => {
  test('grows with the age of the youngest operation, up to ten seconds', async () => {
    begin('a');
    await clock.advance(60_000);
    expect(polls()).toBeGreaterThan(10);
    const before = polls();
    await clock.advance(600_000);
    expect(polls() - before).toBeGreaterThan(600 / 11 - 2);
    expect(polls() - before).toBeLessThan(600 / 9 + 8);
  });

  test('is short again for a new operation, at once', async () => {
    begin('old');
    await clock.advance(600_000);
    const before = polls();
    begin('new').finish();
    await clock.advance(2600);
    expect(polls() - before).toBeGreaterThan(0);
    expect(news).toContain('new');
  });

  test('is longer where there are many, however young', async () => {
    for (let at = 0; at < 100; at += 1) begin(`s${at}`);
    // The first one began alone.
    await clock.advance(1_200);
    expect(polls()).toBe(1);
    await clock.advance(1_900);
    expect(polls()).toBe(1);
    await clock.advance(1_000);
    expect(polls()).toBe(2);
  });

  test('is long for an operation that is known to be old', async () => {
    const { id } = heat.add({ name: 'a', status: 'CREATE_IN_PROGRESS' });
    watch.add('a', id, 3_600_000);
    await clock.advance(8000);
    expect(polls()).toBe(0);
    await clock.advance(4000);
    expect(polls()).toBe(1);
  });
});

describe('the age', () => {
  test('is kept by what watches on, and begins anew with an operation', async () => {
    const { id } = heat.add({ name: 'a', status: 'CREATE_IN_PROGRESS' });
    watch.add('a', id, 5000);
    await clock.advance(2000);
    expect(watch.ageMs('a')).toBe(7000);
    watch.add('a', id, 0);
    expect(watch.ageMs('a')).toBe(7000);
    watch.begin('a', id);
    expect(watch.ageMs('a')).toBe(0);
    expect(watch.ageMs('b')).toBe(0);
  });

  test('is that of the stack: another one of the object begins anew', () => {
    const { id } = heat.add({ name: 'a', status: 'CREATE_IN_PROGRESS' });
    watch.add('a', id, 5000);
    expect(watch.watches('a', id)).toBe(true);
    expect(watch.watches('a', 'other')).toBe(false);
    expect(watch.watches('b', id)).toBe(false);
    watch.add('a', 'other');
    expect(watch.ageMs('a')).toBe(0);
    expect(watch.watches('a', id)).toBe(false);
  });

  test('is never in the future', () => {
    watch.add('a', 'id', -5000);
    expect(watch.ageMs('a')).toBe(0);
  });
});

describe('progress', () => {
  test('is news of one operation for each list, in turns', async () => {
    for (const name of ['a', 'b', 'c']) begin(name);
    await clock.advance(PROGRESS_MS - 1000);
    expect(news).toEqual([]);
    const before = polls();
    await clock.advance(10_000);
    expect(news.slice(0, 3)).toEqual(['a', 'b', 'c']);
    expect(news.length).toBeLessThanOrEqual(polls() - before);
  });

  test('is told of all, also of more than there are lists in the interval', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `s${i}`);
    for (const name of names) begin(name);
    await clock.advance(600_000);
    const counts = names.map((name) => news.filter((key) => key === name).length);
    expect(Math.min(...counts)).toBeGreaterThan(0);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  test('is no news when it was just looked at', async () => {
    const { id } = begin('a');
    for (let seconds = 0; seconds < 30; seconds += 5) {
      await clock.advance(5000);
      watch.add('a', id);
    }
    expect(news).toEqual([]);
  });
});

describe('a list that can not be read', () => {
  const failed = createError('ServerError', 'out of order');

  test('is read again', async () => {
    const a = begin('a');
    heat.fail('poll', failed);
    heat.fail('poll', failed);
    a.finish();
    await clock.advance(2500);
    expect(news).toEqual([]);
    await clock.advance(2000);
    expect(news).toEqual(['a']);
  });

  test('three times in a row: all are news, for their own reads to say what is wrong', async () => {
    begin('a');
    begin('b');
    for (let i = 0; i < 3; i += 1) heat.fail('poll', failed);
    await clock.advance(10_000);
    expect(news).toEqual(['a', 'b']);
    expect(watch.size).toBe(0);
    begin('c').finish();
    await clock.advance(2000);
    expect(news).toEqual(['a', 'b', 'c']);
  });

  test('since the cloud is known to be out of order: all are news at once, and nothing is asked any more', async () => {
    begin('a');
    begin('b');
    heat.fail('poll', createError('CircuitOpen', 'out of order'));
    await clock.advance(1300);
    expect(news).toEqual(['a', 'b']);
    await clock.advance(60_000);
    expect(polls()).toBe(1);
  });

  test('because there is no Heat any more: all are news', async () => {
    begin('a');
    hasHeat = false;
    await clock.advance(1300);
    expect(news).toEqual(['a']);
    expect(watch.size).toBe(0);
  });
});

describe('closing', () => {
  test('ends everything, also while the list is read', async () => {
    begin('a').finish();
    while (polls() === 0) await clock.advance(50);
    const closed = watch.close();
    await clock.advance(200);
    await closed;
    expect(watch.size).toBe(0);
    expect(news).toEqual([]);
    expect(clock.sleeping).toEqual([]);
  });

  test('before anything began is nothing', async () => {
    await watch.close();
    expect(clock.sleeping).toEqual([]);
  });
});
