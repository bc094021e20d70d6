import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from './clock.ts';
import { Deadline } from './deadline.ts';

test('a sleep ends with the reason of the abort', async () => {
  const stop = new AbortController();
  const sleeping = systemClock.sleep(60_000, stop.signal);
  const reason = new Error('stopping');
  stop.abort(reason);
  await expect(sleeping).rejects.toBe(reason);
  await expect(systemClock.sleep(0, stop.signal)).rejects.toBe(reason);
});

test('a very long sleep does not end at once', async () => {
  const stop = new AbortController();
  const sleeping = systemClock.sleep(2 ** 40, stop.signal);
  await systemClock.sleep(20);
  stop.abort(new Error('still asleep'));
  await expect(sleeping).rejects.toThrow('still asleep');
});

test('a negative sleep is none', async () => {
  await expect(systemClock.sleep(-5)).resolves.toBeUndefined();
});

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

test('a deadline fires when time is up, later when it is extended', () => {
  using deadline = new Deadline(100, () => new Error('too late'));
  vi.advanceTimersByTime(99);
  deadline.extend();
  vi.advanceTimersByTime(99);
  expect(deadline.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(deadline.signal.reason).toEqual(new Error('too late'));
});

test('a deadline fires with its parent, and leaves no listener and no timer behind', () => {
  const parent = new AbortController();
  const listeners = new Set<unknown>();
  vi.spyOn(parent.signal, 'addEventListener').mockImplementation(
    (_type, listener) => void listeners.add(listener),
  );
  vi.spyOn(parent.signal, 'removeEventListener').mockImplementation(
    (_type, listener) => void listeners.delete(listener),
  );
  {
    using deadline = new Deadline(100, () => new Error('too late'), parent.signal);
    expect(deadline.signal.aborted).toBe(false);
    expect(listeners.size).toBe(1);
  }
  expect(listeners.size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
  vi.restoreAllMocks();

  const reason = new Error('stopping');
  using before = new Deadline(100, () => new Error('too late'), parent.signal);
  parent.abort(reason);
  expect(before.signal.reason).toBe(reason);
  using after = new Deadline(100, () => new Error('too late'), parent.signal);
  expect(after.signal.reason).toBe(reason);
});
