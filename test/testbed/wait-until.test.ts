import { expect, test } from 'vitest';
import { waitUntil } from './wait-until.ts';

test('tries until the condition holds', async () => {
  let tries = 0;
  expect(await waitUntil(() => ++tries === 3, { timeoutMs: 5000, everyMs: 1 })).toBe(true);
  expect(tries).toBe(3);
});

test('answers false when the time is over', async () => {
  expect(await waitUntil(() => false, { timeoutMs: 5, everyMs: 1 })).toBe(false);
});

test('rejects when aborted, and with what the condition throws', async () => {
  const aborter = new AbortController();
  const waiting = waitUntil(() => false, { timeoutMs: 60_000, everyMs: 60_000, signal: aborter.signal });
  aborter.abort();
  await expect(waiting).rejects.toThrow(/abort/);
  const broken = (): boolean => {
    throw new Error('broken');
  };
  await expect(waitUntil(broken, { timeoutMs: 1000 })).rejects.toThrow('broken');
});
