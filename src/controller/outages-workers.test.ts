import { expect, test } from 'vitest';
import { Controller, WorkQueue } from '../kube/index.ts';
import { FakeClock } from '../kube/testing/fake-clock.ts';
import { memoryLogger } from '../kube/testing/memory-logger.ts';
import { Crowded, Outages } from './outages.ts';

const WORKERS = 10;
/** How long a call to a cloud that hangs takes. */
const HANGS_MS = 30_000;
const MINUTE = 60_000;

/** How long an object of a cloud that is well waits for a worker, at the longest. */
async function longestWait(
  hanging: number,
  names: string[],
  everySeconds: number,
  untilMs: number,
): Promise<number> {
  const clock = new FakeClock(1);
  const { logger } = memoryLogger();
  const queue = new WorkQueue({ clock, groupOf: (key) => key.slice(0, key.indexOf('/')) });
  const outages = new Outages({ onNews: (key) => queue.add(key), mostInTrouble: WORKERS / 2, clock, logger });
  const askedAt = new Map<string, number>();
  let longest = 0;
  const controller = new Controller({
    name: 'test',
    queue,
    concurrency: WORKERS,
    logger,
    clock,
    reconcile: async (key) => {
      const namespace = key.slice(0, key.indexOf('/'));
      try {
        if (namespace === 'well') {
          const well = outages.join(key, namespace).of('orchestration');
          well.ended('answered', well.begin());
          longest = Math.max(longest, clock.now() - (askedAt.get(key) ?? clock.now()));
          return {};
        }
        const circuit = outages.join(key, namespace).of('orchestration');
        if (circuit.refusal()) return { requeueAfterMs: outages.wait(key) };
        const isProbe = circuit.begin();
        await clock.sleep(HANGS_MS);
        circuit.ended('hung', isProbe);
        throw new Error('no answer');
      } catch (error) {
        if (error instanceof Crowded) return { requeueAfterMs: error.retryAfterMs };
        throw error;
      } finally {
        outages.end(key);
      }
    },
  });
  const stop = new AbortController();
  const running = controller.run(stop.signal);
  // It was well before.
  queue.add('well/0');
  await clock.advance(0);
  for (let n = 0; n < hanging; n += 1) for (const name of names) queue.add(`ns-${n}/${name}`);
  for (let n = 0; clock.now() < untilMs; n += 1) {
    if (n % everySeconds === 0) {
      askedAt.set(`well/${n + 1}`, clock.now());
      queue.add(`well/${n + 1}`);
    }
    await clock.advance(1_000);
  }
  stop.abort();
  outages.close();
  await clock.advance(HANGS_MS);
  await running;
  return longest;
}

test.each([1, 4, 20])(
  '%i clouds that hang leave workers to one that is well, from the beginning',
  async (hanging) => {
    expect(await longestWait(hanging, ['a', 'b', 'c'], 1, 20 * MINUTE)).toBe(0);
  },
);

test('one that is well, and is asked so seldom that it may hang as well, waits for one time-out at most', async () => {
  expect(await longestWait(20, ['a'], 60, 60 * MINUTE)).toBeLessThanOrEqual(HANGS_MS);
});
