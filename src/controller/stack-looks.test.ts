import { setImmediate as immediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../kube/testing/fake-clock.ts';
import { createError } from '../openstack/index.ts';
import { StackLooks } from './stack-looks.ts';
import { FakeHeat, type FakeStack, type HeatCall } from './testing/fake-heat.ts';

const { signal } = new AbortController();

let clock: FakeClock;
let heat: FakeHeat;
let looks: StackLooks;
let stacks: FakeStack[];
/** Is looked at first, and alone, so that the others wait. */
let opener: FakeStack;

beforeEach(() => {
  clock = new FakeClock(0);
  heat = new FakeHeat(clock);
  opener = heat.add({ name: 'opener' });
  looks = new StackLooks({ orchestration: () => heat, clock });
  stacks = Array.from({ length: 120 }, (_, index) => heat.add({ name: `s${index}` }));
});

afterEach(() => looks.close());

/** What comes of looks at some of the stacks, all asked for while another look is under way. */
async function lookAt(some: readonly { id: string; name: string }[]): Promise<string[]> {
  const opened = looks.look(opener, signal);
  await immediate();
  const found = Promise.allSettled(some.map((stack) => looks.look(stack, signal)));
  // Some lists are only begun when the ones before have ended.
  for (let part = 0; part < 10; part += 1) await clock.advance(100);
  expect(await opened.catch(() => undefined)).toBeDefined();
  return (await found).map((each) =>
    each.status === 'fulfilled'
      ? each.value.is === 'stack'
        ? each.value.stack.name
        : each.value.is
      : String(each.reason.code),
  );
}

test('one look alone is a GET, at once', async () => {
  const [stack] = stacks;
  if (!stack) return expect.unreachable();
  const found = await looks.look(stack, signal);
  expect(found).toMatchObject({ is: 'stack', stack: { id: stack.id, disableRollback: true } });
  expect(heat.takeCalls()).toEqual(['get']);
});

test('what is asked for meanwhile goes out together, fifty at once', async () => {
  expect(await lookAt(stacks)).toEqual(stacks.map(({ name }) => name));
  expect(heat.takeCalls()).toEqual(['get', 'looks', 'looks', 'looks']);
});

test('many that come one after the other wait a moment for each other', async () => {
  await lookAt(stacks.slice(0, 2));
  heat.takeCalls();
  const found = stacks.slice(0, 5).map(async (stack, index) => {
    await clock.sleep(index * 3);
    return looks.look(stack, signal);
  });
  await clock.advance(100);
  expect((await Promise.all(found)).map(({ is }) => is)).toEqual(Array(5).fill('stack'));
  expect(heat.takeCalls()).toEqual(['looks']);
  // After a while without any, one alone doesn't wait.
  await clock.advance(5000);
  const [stack] = stacks;
  if (stack) await looks.look(stack, signal);
  expect(heat.takeCalls()).toEqual(['get']);
});

test('the slower Heat is, the longer they wait, within half a second', async () => {
  const list = heat.stacks.bind(heat);
  let tookMs = 300;
  heat.stacks = async function* (query) {
    await clock.sleep(tookMs);
    yield* list(query);
  };
  await lookAt(stacks.slice(0, 2));
  for (const [waitMs, nextMs] of [
    [300, 3000],
    [300, 3000],
    [500, 0],
  ] as const) {
    heat.takeCalls();
    const found = Promise.all(stacks.slice(0, 2).map((stack) => looks.look(stack, signal)));
    await clock.advance(waitMs - 1);
    expect(heat.takeCalls()).toEqual([]);
    await clock.advance(2 + tookMs);
    expect(heat.takeCalls()).toEqual(['looks']);
    await found;
    tookMs = nextMs;
  }
});

/** Has looks at some stacks expected, of the first version of their objects. */
function expectAll(some: readonly FakeStack[]): void {
  for (const { id } of some) looks.expect(id, 'v1');
}

/** What looks at some stacks find, one after the other, and what they ask Heat. */
async function lookInTurn(some: readonly FakeStack[], of = 'v1'): Promise<[string[], HeatCall[]]> {
  const found: string[] = [];
  for (const stack of some) {
    const look = looks.look(stack, signal, of);
    await clock.advance(100);
    const { is, ...rest } = await look;
    found.push('stack' in rest ? rest.stack.status : is);
  }
  return [found, heat.takeCalls()];
}

test('one list takes along those that are about to be looked at', async () => {
  const some = stacks.slice(0, 5);
  expectAll(some);
  expect(await lookInTurn(some)).toEqual([Array(5).fill('CREATE_COMPLETE'), ['looks']]);
  // Each once.
  expect((await lookInTurn(some.slice(0, 2)))[1]).toHaveLength(2);
});

test('one that is expected alone is a GET, at once', async () => {
  const [stack] = stacks;
  if (!stack) return expect.unreachable();
  looks.expect(stack.id, 'v1');
  await looks.look(stack, signal, 'v1');
  expect(heat.takeCalls()).toEqual(['get']);
});

test('what was read along is of no use once the stack was written to, the object changed, or it is old', async () => {
  const some = stacks.slice(0, 5);
  const [first, written, changed, ...others] = some;
  if (!first || !written || !changed) return expect.unreachable();
  expectAll(some);
  await lookInTurn([first]);
  for (const stack of some) stack.status = 'UPDATE_IN_PROGRESS';
  looks.forget(written.id);
  looks.expect(changed.id, 'v2');
  expect(await lookInTurn([written])).toEqual([['UPDATE_IN_PROGRESS'], ['looks']]);
  expect((await lookInTurn([changed], 'v2'))[0]).toEqual(['UPDATE_IN_PROGRESS']);
  await clock.advance(3_000);
  expect((await lookInTurn(others))[0]).toEqual(['UPDATE_IN_PROGRESS', 'UPDATE_IN_PROGRESS']);
});

test('the list of deletes takes others along, too', async () => {
  const [removed, ...others] = stacks.slice(0, 4);
  if (!removed) return expect.unreachable();
  expectAll(others);
  expect(await looks.deleted([removed.id])).toEqual(new Map());
  expect(await lookInTurn(others)).toEqual([Array(3).fill('CREATE_COMPLETE'), ['looks']]);
});

test('a list that fails is no answer for those that were read along', async () => {
  const some = stacks.slice(0, 3);
  expectAll(some);
  heat.fail('looks', createError('ServerError', 'out of order', { status: 503 }));
  const [first, ...others] = some;
  if (!first) return expect.unreachable();
  await expect(looks.look(first, signal, 'v1')).rejects.toThrow('out of order');
  expect((await lookInTurn(others))[0]).toEqual(['CREATE_COMPLETE', 'CREATE_COMPLETE']);
});

test('the same stack is asked for once', async () => {
  const [stack, other] = stacks;
  if (!stack || !other) return expect.unreachable();
  const listed: unknown[] = [];
  const list = heat.stacks.bind(heat);
  heat.stacks = (query) => {
    listed.push(query?.id);
    return list(query);
  };
  expect(await lookAt([stack, other, stack])).toEqual(['s0', 's1', 's0']);
  expect(listed).toEqual([[stack.id, other.id]]);
});

test('a stack that Heat shows as deleted is gone, and one that still holds its name is not', async () => {
  Object.assign(stacks[0] ?? {}, { status: 'DELETE_COMPLETE', deletedAt: '2026-01-01T00:00:00Z' });
  Object.assign(stacks[1] ?? {}, { status: 'DELETE_COMPLETE' });
  expect(await lookAt(stacks.slice(0, 2))).toEqual(['gone', 's1']);
  expect(heat.takeCalls()).toEqual(['get', 'looks']);
  const ids = stacks.map(({ id }) => id);
  expect(await looks.deleted([...ids, 'nobody'])).toEqual(
    new Map([
      [ids[0], 'gone'],
      [ids[1], 'ending'],
    ]),
  );
});

test('a stack that is missing in the list is read: only that tells that there is none', async () => {
  Object.assign(stacks[0] ?? {}, { parentId: 'nested, so not listed' });
  const [first, second] = stacks;
  if (!first || !second) return expect.unreachable();
  expect(await lookAt([first, second, { id: 'none', name: 'none' }])).toEqual(['s0', 's1', 'gone']);
  expect(heat.takeCalls()).toEqual(['get', 'looks', 'get', 'get', 'get']);
});

test.each([
  ['ignores the ids', () => Object.assign(heat, { ignoresIds: true })],
  ['refuses them', () => heat.fail('looks', createError('BadRequest', 'no', { status: 400 }))],
  ['fails at them', () => heat.fail('looks', createError('ServerError', 'KeyError', { status: 500 }))],
])('a Heat that %s is asked for each stack from then on', async (_, prepare) => {
  prepare();
  expect(await lookAt(stacks.slice(0, 3))).toEqual(['s0', 's1', 's2']);
  expect(heat.takeCalls()).toEqual(['get', 'looks', 'get', 'get', 'get']);
  Object.assign(heat, { ignoresIds: false });
  expect(await lookAt(stacks.slice(0, 3))).toEqual(['s0', 's1', 's2']);
  expect(heat.takeCalls()).toEqual(['get', 'get', 'get', 'get']);
  expect(await looks.deleted(['any'])).toEqual(new Map());
});

test('an outage is told to all, and is no reason to ask one by one', async () => {
  heat.fail('looks', createError('ServerError', 'out of order', { status: 503 }));
  expect(await lookAt(stacks.slice(0, 3))).toEqual(Array(3).fill('ServerError'));
  expect(heat.takeCalls()).toEqual(['get', 'looks']);
  expect(await lookAt(stacks.slice(0, 3))).toEqual(['s0', 's1', 's2']);
  expect(heat.takeCalls()).toEqual(['looks']);
});

test('a GET that fails is told to the one who asked', async () => {
  const [first, second] = stacks;
  if (!first || !second) return expect.unreachable();
  heat.onCall = (call) => {
    if (call === 'looks') heat.fail('get', createError('Forbidden', 'no', { status: 403 }));
  };
  expect(await lookAt([first, { id: 'none', name: 'none' }, second])).toEqual(['s0', 'Forbidden', 's1']);
});

test('who gives up waiting disturbs nobody', async () => {
  const [first, second] = stacks;
  if (!first || !second) return expect.unreachable();
  const abort = new AbortController();
  const given = expect(looks.look(first, abort.signal)).rejects.toThrow('enough');
  const other = looks.look(second, signal);
  abort.abort(new Error('enough'));
  await given;
  await expect(other).resolves.toMatchObject({ is: 'stack' });
});

test('without Heat in the catalog a look fails', async () => {
  const without = new StackLooks({ orchestration: () => undefined, clock });
  await expect(without.look({ id: 'a', name: 'a' }, signal)).rejects.toThrow('orchestration');
});
