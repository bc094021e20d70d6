/** What many stacks at once cost in requests to Heat, the shared lists included. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HeatStack } from '../api/heat-stack.ts';
import { NAMESPACE, World } from './testing/world.ts';

const STACKS = 20;
const WORKERS = 10;
const names = Array.from({ length: STACKS }, (_, index) => `s${index}`);

let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(async () => {
  await world.stop();
});

/** Reconciles all of them, as many at once as there are workers. */
async function reconcile(keys: readonly string[]): Promise<void> {
  const { signal } = new AbortController();
  const waiting = [...keys];
  const work = async (): Promise<void> => {
    for (let key = waiting.shift(); key !== undefined; key = waiting.shift())
      await world.reconciler.reconcile(key, { signal, logger: world.log.logger });
  };
  let isDone = false;
  const done = Promise.all(Array.from({ length: WORKERS }, work)).then(() => {
    isDone = true;
  });
  while (!isDone) await world.clock.advance(5);
  await done;
}

const keys = names.map((name) => `${NAMESPACE}/${name}`);
const object = (name: string) => world.cluster.get<HeatStack>('HeatStack', NAMESPACE, name);
const readyOf = (name: string) =>
  object(name)?.status.conditions?.find(({ type }) => type === 'Ready')?.status;

/**
 * Begins what the objects ask for, lets Heat work for some time, ends it, and brings back what is news then.
 *
 * @returns the calls for each stack, without the list of what is in progress: any number of stacks share it
 */
async function carryOut(): Promise<number> {
  world.heat.takeCalls();
  await reconcile(keys);
  for (let seconds = 0; seconds < 8; seconds += 1) await world.clock.advance(1000);
  for (const name of names) world.heat.finish('COMPLETE', {}, name);
  for (let seconds = 0; world.news.length < STACKS; seconds += 1) {
    if (seconds > 60) throw new Error(`news of ${world.news.length} stacks`);
    await world.clock.advance(1000);
  }
  await reconcile(world.news.splice(0));
  expect(world.heat.calls.filter((call) => call === 'poll').length).toBeLessThan(12);
  return world.heat.takeCalls().length / STACKS;
}

test('stacks that are created, updated and deleted at once cost little more than each write and what is shown', async () => {
  world.apply();
  const { spec } = world.object;
  world.delete();
  for (const name of names) {
    world.cluster.apply<HeatStack>({
      apiVersion: 'heatstack.dev/v1alpha1',
      kind: 'HeatStack',
      metadata: { name, namespace: NAMESPACE },
      spec,
      status: { observedGeneration: -1 },
    });
  }
  // The POST, the stack with its outputs, its resources.
  expect(await carryOut()).toBe(3);
  expect(names.map(readyOf)).toEqual(names.map(() => 'True'));

  for (const name of names) {
    const parameters = { flavor: 'large' };
    const { metadata } = object(name) ?? {};
    world.cluster.apply<HeatStack>({
      apiVersion: 'heatstack.dev/v1alpha1',
      kind: 'HeatStack',
      metadata: { ...metadata, name, namespace: NAMESPACE },
      spec: { ...spec, parameters },
      status: { observedGeneration: -1 },
    });
  }
  // The same with a PUT, and a look before that ten share.
  expect(await carryOut()).toBeLessThanOrEqual(3.1);
  expect(names.map(readyOf)).toEqual(names.map(() => 'True'));
  expect(world.heat.stack('s7').attributes.parameters).toEqual({ flavor: 'large' });

  for (const name of names) world.cluster.delete('HeatStack', NAMESPACE, name);
  expect(await carryOut()).toBeLessThanOrEqual(1.2);
  expect(names.map(object)).toEqual(names.map(() => undefined));
});
