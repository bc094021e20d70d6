import { afterEach, beforeEach, expect, test } from 'vitest';
import { FakeClock } from '../kube/testing/fake-clock.ts';
import type { Stack } from '../openstack/index.ts';
import { ReadAhead } from './read-ahead.ts';

const MOST = 50;

let clock: FakeClock;
let stop: AbortController;
let ahead: ReadAhead;

beforeEach(() => {
  clock = new FakeClock(0);
  stop = new AbortController();
  ahead = new ReadAhead({ clock, signal: stop.signal });
});

afterEach(async () => {
  stop.abort();
  await clock.advance(0);
  expect(clock.sleeping).toEqual([]);
});

function stack(id: string): Stack {
  return { id, name: id, status: 'UPDATE_COMPLETE', statusReason: '', tags: [], links: [] };
}

/** Expects looks at stacks of these numbers, each of the first version of an object. */
function expectAll(count: number): string[] {
  const ids = Array.from({ length: count }, (_, index) => `s${index}`);
  for (const id of ids) ahead.expect(id, 'v1');
  return ids;
}

/** Reads what the next list may take along. */
function read(most = MOST): string[] {
  const ids = ahead.next(most);
  ahead.keep(ids, Promise.resolve(new Map(ids.map((id) => [id, stack(id)]))));
  return ids;
}

test('a row is of use to one look', async () => {
  ahead.expect('a', 'v1');
  expect(read()).toEqual(['a']);
  expect(ahead.next(MOST)).toEqual([]);
  expect(await ahead.take('a', 'v1')?.row).toEqual(stack('a'));
  expect(ahead.take('a', 'v1')).toBeUndefined();
});

test('one that is still being read is waited for, and one that is not there or could not be read is none', async () => {
  for (const id of ['a', 'b', 'c']) ahead.expect(id, 'v1');
  const { promise, resolve } = Promise.withResolvers<Map<string, Stack>>();
  ahead.keep(['a', 'b'], promise);
  ahead.keep(['c'], Promise.reject(new Error('out of order')));
  const rows = ['a', 'b', 'c'].map((id) => ahead.take(id, 'v1')?.row);
  resolve(new Map([['a', stack('a')]]));
  expect(await Promise.all(rows)).toEqual([stack('a'), undefined, undefined]);
});

test('a row is of no use to an object that changed since, though the watch may not have told of it', () => {
  ahead.expect('a', 'v1');
  read();
  ahead.expect('a', 'v2');
  expect(ahead.take('a', 'v2')).toBeUndefined();
  ahead.expect('b', 'v1');
  read();
  expect(ahead.take('b', 'v2')).toBeUndefined();
});

test('what is forgotten is neither read nor used, even if it is being read', () => {
  for (const id of ['a', 'b']) ahead.expect(id, 'v1');
  ahead.forget('a');
  expect(read()).toEqual(['b']);
  ahead.forget('b');
  ahead.expect('b', 'v1');
  expect(ahead.take('b', 'v1')).toBeUndefined();
});

test('a row is of use for three seconds from when it was asked for, and is then read anew, before others', async () => {
  expectAll(30);
  const first = read();
  await clock.advance(2_999);
  expect(ahead.take('s0', 'v1')).toBeDefined();
  await clock.advance(1);
  expect(ahead.take('s1', 'v1')).toBeUndefined();
  expect(read()).toEqual(first.slice(2).concat(['s10', 's11', 's12', 's13']).slice(0, 12));
  expect(ahead.take('s2', 'v1')).toBeDefined();
});

test('as many are read as are of use', () => {
  expectAll(300);
  expect(read()).toHaveLength(10);
  for (let at = 0; at < 10; at += 1) ahead.take(`s${at}`, 'v1');
  expect(read()).toHaveLength(30);
  for (let at = 10; at < 40; at += 1) ahead.take(`s${at}`, 'v1');
  expect(read()).toHaveLength(MOST);
  expect(read()).toHaveLength(10);
});

test('a list may leave no place', () => {
  expectAll(3);
  expect(ahead.next(0)).toEqual([]);
  expect(ahead.next(2)).toEqual(['s0', 's1']);
});

test('never more than a hundred rows are kept', async () => {
  expectAll(1000);
  let kept = 0;
  for (let count = 1; count > 0; kept += count) count = read().length;
  expect(kept).toBe(100);
  ahead.clear();
  expect(ahead.next(MOST)).toEqual([]);
});
