import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../kube/testing/fake-clock.ts';
import { memoryLogger } from '../kube/testing/memory-logger.ts';
import { createError, type StackQuery } from '../openstack/index.ts';
import { digestTag, ownerTagsOf } from './digest.ts';
import { type Resting, ResyncWatch } from './resync-watch.ts';
import { FakeHeat, type FakeStack } from './testing/fake-heat.ts';

const MINUTE = 60_000;
const PERIOD = 10 * MINUTE;
/** A list comes so late at most, after what was read just before. */
const LATE = 1_000;

let clock: FakeClock;
let heat: FakeHeat;
let moved: string[];
let watch: ResyncWatch;
let queries: StackQuery[];
/** What happens once the rows of a list are known and before they are given out. */
let duringList: () => void;
let hasHeat: boolean;

beforeEach(() => {
  clock = new FakeClock(Date.UTC(2026, 0, 1));
  heat = new FakeHeat(clock);
  moved = [];
  queries = [];
  hasHeat = true;
  duringList = () => undefined;
  const list = heat.stacks.bind(heat);
  heat.stacks = async function* (query = {}) {
    queries.push(query);
    const rows = await Array.fromAsync(list(query));
    if (!query.sortKeys) duringList();
    yield* rows;
  };
  watch = new ResyncWatch({
    orchestration: () => (hasHeat ? heat : undefined),
    tagsOf: (key) => ownerTagsOf('cluster-1', key),
    onMoved: (key) => moved.push(key),
    clock,
    logger: memoryLogger().logger,
  });
});

afterEach(() => watch.close());

function restingOf(stack: FakeStack, more: Partial<Resting> = {}): Resting {
  const { id, name, status, updatedAt } = stack;
  return {
    stackId: id,
    stackName: name,
    stackStatus: status,
    updatedAt,
    tags: 'own',
    digest: 'h2:1',
    periodMs: PERIOD,
    ...more,
  };
}

/** A stack at rest that is watched for the object `team/NAME`. */
function rest(name: string, more: Partial<Resting> = {}, dueInMs?: number): FakeStack {
  const key = `team/${name}`;
  const stack = heat.add({ name, attributes: { tags: [...ownerTagsOf('cluster-1', key)] } });
  watch.add(key, restingOf(stack, more), dueInMs);
  return stack;
}

/** Stacks at rest. */
function restAll(count: number): FakeStack[] {
  return Array.from({ length: count }, (_, i) => rest(`s${i}`));
}

/** Somebody touches a stack, now. */
function touch(stack: FakeStack, status = 'UPDATE_COMPLETE'): void {
  Object.assign(stack, { status, updatedAt: `${new Date(clock.now()).toISOString().slice(0, 19)}Z` });
}

const lists = () => queries.filter(({ sortKeys }) => !sortKeys);
const newest = () => queries.filter(({ sortKeys }) => sortKeys);

describe('the list of a period', () => {
  test('is one for all, and tells nothing of stacks that are as they were', async () => {
    restAll(150);
    await clock.advance(PERIOD - 1);
    expect(lists()).toEqual([]);
    await clock.advance(1 + LATE);
    expect(lists()).toEqual([{ limit: 200, showHidden: true, signal: expect.any(AbortSignal) }]);
    await clock.advance(3 * (PERIOD + LATE));
    expect(lists()).toHaveLength(4);
    expect(moved).toEqual([]);
    expect(watch.size).toBe(150);
  });

  test('names the stacks while these are few: a project may have many others', async () => {
    const ids = restAll(3).map(({ id }) => id);
    await clock.advance(PERIOD + LATE);
    expect(lists()).toMatchObject([{ id: expect.arrayContaining(ids), limit: 200 }]);
    expect(lists()[0]?.id).toHaveLength(3);
  });

  test('names them too in a project with many more of others', async () => {
    for (let i = 0; i < 500; i += 1) heat.add({ name: `other-${i}` });
    restAll(150);
    await clock.advance(PERIOD + LATE);
    expect(lists()).toHaveLength(1);
    await clock.advance(PERIOD + LATE);
    expect(
      lists()
        .slice(1)
        .map(({ id = [] }) => id.length),
    ).toEqual([100, 50]);
  });

  test('is left for names when it is too large', async () => {
    restAll(150);
    heat.fail('resync', createError('ResponseTooLarge', 'too many'));
    await clock.advance(PERIOD + LATE);
    expect(lists().map(({ id = [] }) => id.length)).toEqual([0, 100, 50]);
    await clock.advance(PERIOD + LATE);
    expect(
      lists()
        .slice(3)
        .map(({ id = [] }) => id.length),
    ).toEqual([100, 50]);
    expect(moved).toEqual([]);
  });

  test.each<[string, (stack: FakeStack) => void]>([
    ['has another status', (stack) => Object.assign(stack, { status: 'CHECK_FAILED' })],
    ['was updated', (stack) => Object.assign(stack, { updatedAt: '2026-01-01T00:00:01Z' })],
    ['is gone', (stack) => heat.all.delete(stack.id)],
    ['is another one of the name', (stack) => Object.assign(stack, { id: 'another' })],
    ['has another name', (stack) => Object.assign(stack, { name: 'another' })],
    ['lost its tags', (stack) => Object.assign(stack.attributes, { tags: [] })],
    [
      'has the tags of another object',
      (stack) => Object.assign(stack.attributes, { tags: [...ownerTagsOf('cluster-1', 'team/other')] }),
    ],
  ])('tells once of a stack that %s, which leaves the watch', async (_, change) => {
    const [stack] = restAll(2);
    if (stack) change(stack);
    await clock.advance(PERIOD + LATE);
    expect(moved).toEqual(['team/s0']);
    expect(watch.has('team/s1', [...heat.all.values()].at(-1)?.id ?? '')).toBe(true);
    await clock.advance(3 * (PERIOD + LATE));
    expect(moved).toEqual(['team/s0']);
    expect(watch.size).toBe(1);
  });

  test('tells of inputs of before that came late, in the very second of the last update', async () => {
    const stack = rest('late');
    stack.status = 'UPDATE_COMPLETE';
    stack.attributes.tags?.push(digestTag('h2:1'));
    watch.add('team/late', restingOf(stack));
    await clock.advance(PERIOD + LATE);
    expect(moved).toEqual([]);
    stack.attributes.tags?.splice(2, 1, digestTag('h2:0'));
    await clock.advance(PERIOD + LATE);
    expect(moved).toEqual(['team/late']);
  });

  test('tells of other tags only where they matter', async () => {
    rest('drifted', { tags: 'not-others' }).attributes.tags = ['somebodys'];
    rest('observed', { tags: 'any' }).attributes.tags = [...ownerTagsOf('cluster-2', 'team/x')];
    rest('given-up', { tags: 'not-others' }).attributes.tags = [...ownerTagsOf('cluster-2', 'team/x')];
    await clock.advance(PERIOD + LATE);
    expect(moved).toEqual(['team/given-up']);
  });

  test('is of use to two objects that watch one stack', async () => {
    const stack = rest('a');
    watch.add('team/b', restingOf(stack, { tags: 'any' }));
    await clock.advance(PERIOD + LATE);
    expect(lists()).toHaveLength(1);
    expect(moved).toEqual([]);
    stack.status = 'CHECK_COMPLETE';
    await clock.advance(PERIOD + LATE);
    expect(moved.sort()).toEqual(['team/a', 'team/b']);
  });

  test('judges no stack that came, changed or went while it was read', async () => {
    const [a, b] = restAll(3);
    duringList = () => {
      duringList = () => undefined;
      rest('new');
      if (a) watch.add('team/s0', restingOf({ ...a, status: 'UPDATE_COMPLETE' }));
      if (b) watch.remove('team/s1');
    };
    if (b) heat.all.delete(b.id);
    await clock.advance(PERIOD + LATE);
    expect(moved).toEqual([]);
    expect(watch.size).toBe(3);
  });

  test('is only of those that are due when others have longer periods', async () => {
    const short = rest('short', { periodMs: MINUTE });
    restAll(150);
    await clock.advance(5 * MINUTE);
    expect(lists()).toHaveLength(5);
    for (const { id } of lists()) expect(id).toEqual([short.id]);
  });

  test('becomes one for all that began at different times', async () => {
    for (let i = 0; i < 9; i += 1) rest(`s${i}`, {}, PERIOD + i * MINUTE);
    await clock.advance(5 * PERIOD + LATE);
    expect(lists().map(({ id = [] }) => id.length)).toEqual([9, 9, 9, 9, 9]);
    expect(moved).toEqual([]);
  });

  test('comes soon for all that are overdue, together', async () => {
    for (let i = 0; i < 20; i += 1) rest(`s${i}`, {}, i % 2 ? 0 : -PERIOD);
    await clock.advance(1500);
    expect(lists()).toHaveLength(1);
    expect(moved).toEqual([]);
  });

  test('ends with the last stack, and begins anew with the next', async () => {
    restAll(1);
    watch.remove('team/s0');
    await clock.advance(2 * PERIOD);
    expect(queries).toEqual([]);
    expect(clock.sleeping).toEqual([]);
    rest('again');
    await clock.advance(PERIOD + LATE);
    expect(lists()).toHaveLength(1);
  });
});

describe('a list that fails', () => {
  const broken = () => createError('ConnectionFailed', 'no answer');

  test('changes nothing, and is tried again later and later', async () => {
    restAll(30);
    heat.fail('resync', broken());
    heat.fail('resync', broken());
    await clock.advance(PERIOD + LATE);
    expect(lists()).toHaveLength(1);
    await clock.advance(20_000);
    expect(lists()).toHaveLength(1);
    await clock.advance(20_000);
    expect(lists()).toHaveLength(2);
    await clock.advance(35_000);
    expect(lists()).toHaveLength(2);
    await clock.advance(30_000);
    expect(lists()).toHaveLength(3);
    expect(moved).toEqual([]);
    expect(watch.size).toBe(30);
  });

  test('again and again has some of the objects look by themselves, not all at once', async () => {
    restAll(30);
    for (let i = 0; i < 4; i += 1) heat.fail('resync', broken());
    await clock.advance(PERIOD + 3 * MINUTE);
    expect(lists()).toHaveLength(3);
    expect(moved).toHaveLength(10);
    await clock.advance(30 * MINUTE);
    expect(moved).toHaveLength(20);
    expect(watch.size).toBe(10);
  });

  test('since it is refused has those that are due look by themselves', async () => {
    restAll(30);
    heat.fail('resync', createError('Forbidden', 'not allowed', { status: 403 }));
    await clock.advance(PERIOD + LATE);
    expect(moved).toHaveLength(30);
  });

  test('where the catalog has no Heat any more has them look by themselves', async () => {
    restAll(3);
    hasHeat = false;
    await clock.advance(PERIOD + LATE);
    expect(moved).toHaveLength(3);
  });
});

describe('between two periods', () => {
  test('the stacks that were touched last are read, a few of them', async () => {
    restAll(2);
    await clock.advance(70_000);
    expect(newest()).toMatchObject([
      { sortKeys: ['updated_time'], sortDir: 'desc', limit: 20, maxItems: 20, showHidden: true },
    ]);
    expect(moved).toEqual([]);
  });

  test('a stack that somebody touched is told of within a part of the period', async () => {
    const stacks = restAll(150);
    await clock.advance(2 * MINUTE);
    if (stacks[7]) touch(stacks[7], 'UPDATE_IN_PROGRESS');
    await clock.advance(70_000);
    expect(moved).toEqual(['team/s7']);
    expect(lists()).toEqual([]);
  });

  test('a second one in the very second that was read last is told of as well', async () => {
    const [a, b] = restAll(3);
    await clock.advance(2 * MINUTE);
    if (a) touch(a);
    await clock.advance(70_000);
    if (a && b) Object.assign(b, { status: 'UPDATE_COMPLETE', updatedAt: a.updatedAt });
    await clock.advance(70_000);
    expect(moved).toEqual(['team/s0', 'team/s1']);
  });

  test('more than a page of them are read, and at most a page of a list', async () => {
    const stacks = restAll(300);
    await clock.advance(2 * MINUTE);
    if (stacks[0]) touch(stacks[0]);
    await clock.advance(70_000);
    for (const stack of stacks.slice(1)) touch(stack);
    await clock.advance(70_000);
    expect(moved).toHaveLength(201);
    await clock.advance(PERIOD + LATE);
    expect(moved).toHaveLength(300);
  });

  test('a failure of that tells nothing; a refusal ends it', async () => {
    restAll(2);
    heat.fail('newest', createError('ConnectionFailed', 'no answer'));
    await clock.advance(70_000);
    heat.fail('newest', createError('BadRequest', 'no such sort key', { status: 400 }));
    await clock.advance(70_000);
    const soFar = newest().length;
    expect(soFar).toBe(2);
    await clock.advance(2 * PERIOD);
    expect(newest()).toHaveLength(soFar);
    expect(moved).toEqual([]);
    expect(lists()).toHaveLength(2);
  });

  test('nothing is read where the periods are short', async () => {
    rest('a', { periodMs: 30_000 });
    await clock.advance(PERIOD + LATE);
    expect(newest()).toEqual([]);
  });
});

test('closing ends all, and nothing is watched any more', async () => {
  restAll(2);
  await watch.close();
  expect(clock.sleeping).toEqual([]);
  rest('late');
  expect(watch.size).toBe(0);
  await clock.advance(PERIOD + LATE);
  expect(queries).toEqual([]);
});
