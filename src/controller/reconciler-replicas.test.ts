import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HeatStack } from '../api/heat-stack.ts';
import { WriteRefused } from '../kube/index.ts';
import { NAME, NAMESPACE, World } from './testing/world.ts';

let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(async () => {
  await world.stop();
});

describe('a replica that may not write any more', () => {
  const refusal = new WriteRefused('the Lease is not held');

  test.each(['create', 'update', 'delete'] as const)(
    'says nothing of a %s that was refused, and it is sent once by the next one',
    async (call) => {
      if (call === 'create') world.apply();
      else await world.created();
      if (call === 'update') world.applyParameter('large');
      if (call === 'delete') world.delete();
      // The finalizer is there.
      world.heat.fail(call, refusal);
      await expect(world.reconcile()).rejects.toBe(refusal);
      const before = world.object;
      expect(world.cluster.writes.filter((request) => request.endsWith('/status'))).toEqual([]);
      expect(world.events).toEqual([]);

      await world.restart();
      expect(world.object).toEqual(before);
      world.heat.calls.length = 0;
      await world.reconcile();
      expect(world.heat.calls.filter((each) => each === call)).toEqual([call]);
    },
  );

  test('says nothing of a status that was refused; the next one finds what was done', async () => {
    world.apply();
    world.cluster.before = ({ path, method }) => {
      if (method === 'PUT' && path.endsWith('/status')) throw refusal;
    };
    await expect(world.reconcile()).rejects.toBe(refusal);
    world.cluster.before = () => undefined;
    await world.restart();
    world.heat.calls.length = 0;
    await world.reconcile();
    world.heat.finish();
    await world.reconcileNews();
    expect(world.heat.calls).not.toContain('create');
    expect(world.ready).toBe('True Succeeded');
  });
});

test('a HeatStack that becomes another shard’s is let go of, and nothing of it is written', async () => {
  await world.created();
  world.cluster.edit<HeatStack>('HeatStack', NAMESPACE, NAME, ({ metadata, spec }) => {
    metadata.labels = { shard: 'another' };
    spec.parameters = { flavor: 'large' };
  });
  const before = world.object;
  expect(world.sessions.size).toBe(1);
  await world.reconcile();
  expect(world.sessions.size).toBe(0);
  expect(world.object).toEqual(before);
  expect(world.cluster.writes).toEqual([]);
  expect(world.heat.takeCalls()).toEqual([]);

  // And back again.
  world.edit(({ metadata }) => {
    metadata.labels = {};
  });
  await world.reconcile();
  expect(world.heat.takeCalls()).toContain('update');
});
