import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OpenStackError } from '../openstack/index.ts';
import { resource } from './testing/fake-heat.ts';
import { World } from './testing/world.ts';

const INLINE = 'parameters: { password: { type: string, hidden: true } }';
const WITHHELD = 'the message is withheld, since it may quote a secret';
const QUOTES_OLD = 'bad value the-old-password';
const REFUSED = new OpenStackError('BadRequest', 'bad value the-new-password');

let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(async () => {
  await world.stop();
});

function give(password: string): void {
  world.apply({
    template: { inline: INLINE },
    parameters: { password },
    remediation: {
      create: { retries: 0, strategy: 'none' },
      update: { retries: 0, strategy: 'none' },
      retryInterval: '30s',
    },
  });
}

/** Heat ends its operation, and quotes the old value. */
async function fail(): Promise<void> {
  world.heat.finish('FAILED', {
    statusReason: QUOTES_OLD,
    resources: [
      resource('r', 'CREATE_FAILED', { statusReason: QUOTES_OLD, updatedAt: world.heat.stack().createdAt }),
    ],
  });
  await world.reconcileNews();
}

function shown(): string {
  const { spec: _, ...rest } = world.object;
  return JSON.stringify([rest, world.events]) + world.log.text();
}

describe('the value that a hidden parameter had before is not shown', () => {
  beforeEach(async () => {
    give('the-old-password');
    await world.reconcile();
  });

  afterEach(() => {
    expect(shown()).not.toMatch(/the-(old|new)-password/);
  });

  test('when Heat refuses the new one, and still tells why the stack failed: that stays as it was shown', async () => {
    await fail();
    expect(world.status.stackStatusReason).toBe('bad value [redacted]');
    world.heat.fail('update', REFUSED);
    give('the-new-password');
    await world.reconcile();
    expect(world.condition('Ready')).toMatchObject({ reason: 'ValidationFailed' });
    expect(world.condition('Ready')?.message).toContain('bad value [redacted]');
    expect(world.status.stackStatusReason).toBe('bad value [redacted]');
    expect(world.status.failures?.[0]?.reason).toBe('bad value [redacted]');
  });

  test('when the stack fails with it after it was changed', async () => {
    world.heat.fail('update', REFUSED);
    give('the-new-password');
    await fail();
    expect(world.status.stackStatusReason).toBe(WITHHELD);
    expect(world.status.failures?.[0]?.reason).toBe(WITHHELD);
    expect(world.status.resources?.[0]?.statusReason).toBe(WITHHELD);
  });

  test('of a resource that the update did not get to', async () => {
    await fail();
    await world.clock.advance(1_000);
    give('the-new-password');
    await world.reconcile();
    expect(world.heat.stack().status).toBe('UPDATE_IN_PROGRESS');
    await world.clock.advance(1_000);
    const { updatedAt = '' } = world.heat.stack();
    world.heat.finish('FAILED', {
      resources: [
        resource('r', 'CREATE_FAILED', { statusReason: QUOTES_OLD, updatedAt: world.heat.stack().createdAt }),
        resource('s', 'CREATE_FAILED', { statusReason: 'bad value the-new-password', updatedAt }),
      ],
    });
    await world.reconcileNews();
    expect(world.status.resources?.map(({ statusReason }) => statusReason)).toEqual([
      WITHHELD,
      'bad value [redacted]',
    ]);
  });

  test('while the stack is deleted that had it', async () => {
    await fail();
    give('the-new-password');
    world.delete();
    await world.reconcile();
    await fail();
    expect(world.status.stackStatusReason).toBe(WITHHELD);
  });
});

test('a stack without secrets says all', async () => {
  world.apply({ tags: ['one'] });
  await world.reconcile();
  world.heat.fail('update', REFUSED);
  world.apply({ tags: ['two'] });
  await fail();
  expect(world.status.stackStatusReason).toBe(QUOTES_OLD);
});
