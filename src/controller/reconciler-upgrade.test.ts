import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ANNOTATIONS } from '../api/constants.ts';
import { Digester } from './digest.ts';
import { World } from './testing/world.ts';

/** As before digests covered the object. */
class FormerDigester extends Digester {
  override inputs(_object: string, inputs: unknown): string {
    return this.formerInputs(inputs);
  }
}

let world: World;

beforeEach(async () => {
  world = new World();
  world.digester = new FormerDigester(Buffer.alloc(32, 7));
  await world.restart();
  world.writeCredentials();
});
afterEach(() => world.stop());

async function upgrade(): Promise<void> {
  world.digester = new Digester(Buffer.alloc(32, 7));
  await world.restart();
}

describe('with a digest of the form before, an upgrade of the operator', () => {
  test('changes nothing, and asks Heat for nothing', async () => {
    await world.created();
    const before = world.status;
    expect(before.appliedDigest).toMatch(/^h1:/);
    await upgrade();
    await world.reconcile();
    expect(world.heat.calls).toEqual([]);
    expect(world.status).toEqual(before);
  });

  test('puts the new form into the status at the next look, without an update', async () => {
    await world.created();
    await upgrade();
    world.edit(({ metadata }) => {
      metadata.annotations = { [ANNOTATIONS.requestedAt]: 'now' };
    });
    await world.reconcile();
    expect(world.heat.takeCalls()).not.toContain('update');
    expect(world.ready).toBe('True Succeeded');
    expect(world.status.appliedDigest).toMatch(/^h2:/);
    expect(world.status.attemptedDigest).toBe(world.status.appliedDigest);
  });

  test('knows the stack by its marker when the status is lost', async () => {
    await world.created();
    world.edit((object) => {
      object.status = { observedGeneration: -1 };
    });
    await upgrade();
    await world.reconcile();
    expect(world.heat.takeCalls()).not.toContain('update');
    expect(world.ready).toBe('True Succeeded');
    expect(world.status.appliedDigest).toMatch(/^h2:/);
  });

  test('in the middle of an update does not send it again', async () => {
    await world.created();
    world.applyParameter('large');
    await world.reconcile();
    expect(world.heat.takeCalls()).toContain('update');
    await upgrade();
    await world.reconcile();
    world.heat.finish();
    await world.reconcileNews();
    expect(world.heat.takeCalls()).not.toContain('update');
    expect(world.ready).toBe('True Succeeded');
  });

  test('sends an update when the inputs changed as well', async () => {
    await world.created();
    await upgrade();
    world.applyParameter('large');
    await world.reconcile();
    expect(world.heat.takeCalls()).toContain('update');
  });
});
