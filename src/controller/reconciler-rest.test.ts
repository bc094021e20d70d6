import { afterEach, beforeEach, expect, test } from 'vitest';
import { KEY, World } from './testing/world.ts';

const SERVER = 'OS::Nova::Server';
let world: World;

beforeEach(() => {
  world = new World();
});
afterEach(() => world.stop());

test('a stack is not in a list any more once its resync is turned off', async () => {
  await world.created();
  world.apply({ resyncPeriod: '0s' });
  await world.reconcile();
  world.heat.takeCalls();
  await world.clock.advance(60 * 60_000);
  expect(world.heat.takeCalls()).toEqual([]);
});

test('an object that is blocked while Heat is at work looks when that ends', async () => {
  const protect = [{ resourceTypes: [SERVER], operations: ['replace' as const, 'delete' as const] }];
  await world.created({ updatePolicy: 'supersede', protect });
  world.applyParameter('medium');
  await world.reconcile();
  world.heat.changes = {
    replaced: [{ name: 'server', type: SERVER }],
  } as unknown as typeof world.heat.changes;
  world.applyParameter('large');
  await world.reconcile();
  expect(world.ready).toBe('False ReplacementBlocked Stalled');
  expect(world.status.stackStatus).toBe('UPDATE_IN_PROGRESS');
  world.heat.finish();
  while (!world.news.includes(KEY)) await world.clock.advance(1000);
  await world.reconcile();
  expect(world.status.stackStatus).toBe('UPDATE_COMPLETE');
});
