import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { step } from './progress.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('tells the step, the time gone by and what it is busy with', async () => {
  const lines: string[] = [];
  const done = Promise.withResolvers<string>();
  const result = step(
    (line) => lines.push(line),
    'building',
    (note) => {
      note('linking');
      return done.promise;
    },
  );
  await vi.advanceTimersByTimeAsync(10_500);
  done.resolve('binary');
  expect(await result).toBe('binary');
  expect(lines).toEqual([
    'building …',
    'building: 5 s, linking',
    'building: 10 s, linking',
    'building: done in 11 s',
  ]);
});

test('is silent after a failure', async () => {
  const lines: string[] = [];
  const failing = step(
    (line) => lines.push(line),
    'building',
    () => Promise.reject(new Error('no disk')),
  );
  await expect(failing).rejects.toThrow('no disk');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(lines).toEqual(['building …']);
});
