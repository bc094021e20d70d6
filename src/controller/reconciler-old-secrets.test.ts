import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HeatStackSpec } from '../api/heat-stack.ts';
import { createError, type Resource } from '../openstack/index.ts';
import { resource } from './testing/fake-heat.ts';
import { World } from './testing/world.ts';

const SECOND = 1_000;
const HIDING = 'parameters: { password: { type: string, hidden: true } }';
const PLAIN = 'parameters: { password: { type: string } }';
const WITHHELD = 'the message is withheld, since it may quote a secret';
const QUOTES_OLD = 'bad value the-old-password';
const QUOTES_NEW = 'bad value the-new-password';
const FAILED_UPDATE = { status: 'UPDATE_FAILED', statusReason: QUOTES_NEW };
const REFUSED = createError('BadRequest', QUOTES_NEW);

let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(async () => {
  await world.stop();
});

function give(password: string, spec: Partial<HeatStackSpec> = {}): void {
  world.apply({
    template: { inline: HIDING },
    parameters: { password },
    remediation: {
      create: { retries: 0, strategy: 'none' },
      update: { retries: 0, strategy: 'none' },
      retryInterval: '30s',
    },
    ...spec,
  });
}

/** What failed when the stack was created. */
function oldFailure(more: Partial<Resource> = {}): Resource {
  const { createdAt } = world.heat.stack();
  return resource('r', 'CREATE_FAILED', { statusReason: QUOTES_OLD, updatedAt: createdAt, ...more });
}

/** Heat ends its operation, and quotes the old value. */
async function fail(): Promise<void> {
  world.heat.finish('FAILED', { statusReason: QUOTES_OLD, resources: [oldFailure()] });
  await world.reconcileNews();
}

/** Heat ends an update that fails at `s`, before it got to `r`. */
async function failBefore(reason = QUOTES_NEW): Promise<void> {
  expect(world.heat.stack().status).toBe('UPDATE_IN_PROGRESS');
  const { updatedAt = '' } = world.heat.stack();
  world.news.length = 0;
  world.heat.finish('FAILED', {
    statusReason: reason,
    resources: [oldFailure(), resource('s', 'CREATE_FAILED', { statusReason: reason, updatedAt })],
  });
  await world.reconcileNews();
}

/** Time goes on, so that Heat's next operation begins at another second. */
async function reconcileLater(seconds = 2): Promise<void> {
  await world.clock.advance(seconds * SECOND);
  await world.reconcile();
}

function loseStatus(): void {
  world.edit((object) => {
    object.status = { observedGeneration: -1 };
  });
}

function reasons(): (string | undefined)[] {
  return (world.status.resources ?? []).map(({ statusReason }) => statusReason);
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
    await reconcileLater();
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
    expect(reasons()).toEqual([WITHHELD]);
  });

  test('of a resource that the update did not get to', async () => {
    await fail();
    give('the-new-password');
    await reconcileLater();
    await failBefore();
    expect(reasons()).toEqual([WITHHELD, 'bad value [redacted]']);
    expect(world.status.stackStatusReason).toBe('bad value [redacted]');
  });

  test('of a resource that no retry of the update got to', async () => {
    const remediation: HeatStackSpec['remediation'] = {
      create: { retries: 3, strategy: 'update' },
      update: { retries: 0, strategy: 'update' },
      retryInterval: '30s',
    };
    await fail();
    give('the-new-password', { remediation });
    await reconcileLater();
    await failBefore();
    for (const attempts of [1, 2]) {
      await reconcileLater(120);
      await failBefore();
      expect(world.status.attempts).toBe(attempts);
      expect(reasons()).toEqual([WITHHELD, 'bad value [redacted]']);
    }
    expect(world.events.at(-1)?.note).toContain(WITHHELD);
  });

  test('as the name of something that the update did not get to, unlike names that Heat makes', async () => {
    const { id, name } = world.heat.stack();
    const stack = { id, name };
    world.heat.finish('FAILED', {
      resources: [
        oldFailure({ name: 'key', physicalId: 'the-old-password' }),
        oldFailure({ name: 'made', physicalId: 'web-made-uvtmy2vaikwi', stack }),
      ],
    });
    await world.reconcileNews();
    give('the-new-password');
    await reconcileLater();
    const { resources } = world.heat.stack();
    world.heat.finish('FAILED', { resources });
    await world.reconcileNews();
    expect(world.status.resources?.map(({ physicalResourceID }) => physicalResourceID)).toEqual([
      '[redacted]',
      'web-made-uvtmy2vaikwi',
    ]);
  });

  test('when the new inputs hide nothing: neither in progress nor when they fail', async () => {
    await fail();
    give('none', { template: { inline: PLAIN } });
    await reconcileLater();
    await world.clock.advance(15 * SECOND);
    await world.reconcile();
    expect(reasons()).toEqual([WITHHELD]);
    await failBefore('bad value none');
    expect(reasons()).toEqual([WITHHELD, 'bad value none']);
    expect(world.status.stackStatusReason).toBe('bad value none');
  });

  test('when Heat refuses new inputs that hide nothing', async () => {
    await fail();
    world.heat.fail('update', createError('BadRequest', 'bad value none'));
    give('none', { template: { inline: PLAIN } });
    await reconcileLater();
    expect(world.condition('Ready')?.message).toContain('bad value none');
    expect(world.status.stackStatusReason).toBe('bad value [redacted]');
    expect(world.status.failures?.[0]?.reason).toBe('bad value [redacted]');
  });

  test.each([
    ['hide another value', { parameters: { password: 'the-new-password' } }],
    ['hide nothing', { template: { inline: PLAIN }, parameters: {} }],
  ])('when the status is lost and the inputs %s', async (_, spec) => {
    await fail();
    world.heat.fail('update', REFUSED);
    world.apply(spec);
    loseStatus();
    await world.restart();
    await reconcileLater();
    expect(world.status.stackStatusReason).toBe(WITHHELD);
    expect(reasons()).toEqual([WITHHELD]);
  });

  test('when the status is lost, and Heat still has these inputs after another change', async () => {
    await fail();
    loseStatus();
    await world.restart();
    await world.reconcile();
    expect(world.status.stackStatusReason).toBe('bad value [redacted]');
    expect(reasons()).toEqual(['bad value [redacted]']);
    world.heat.fail('update', REFUSED);
    give('the-new-password');
    await reconcileLater();
    expect(world.status.stackStatusReason).toBe('bad value [redacted]');
    loseStatus();
    await reconcileLater();
    expect(world.status.stackStatusReason).toBe(WITHHELD);
  });

  test('when Heat loses the update with the new one, and has failed with the old one', async () => {
    await fail();
    world.heat.lostUpdates = 1;
    give('the-new-password');
    await reconcileLater();
    expect(world.heat.takeCalls()).toContain('update');
    await world.restart();
    world.apply({ resyncPeriod: '11m' });
    await world.reconcile();
    expect(world.status.stackStatus).toBe('CREATE_FAILED');
    expect(world.status.stackStatusReason).toBe('bad value [redacted]');
    expect(reasons()).toEqual(['bad value [redacted]']);
  });

  test.each([
    ['which was seen to begin', true],
    ['and that was seen at once', false],
  ])('when Heat rolled back to it (%s), and a retry does not get to what failed then', async (_, seen) => {
    world.heat.finish();
    await world.reconcileNews();
    give('the-new-password', {
      rollbackOnFailure: true,
      remediation: {
        create: { retries: 0, strategy: 'none' },
        update: { retries: 1, strategy: 'update' },
        retryInterval: '30s',
      },
    });
    await reconcileLater();
    const { updatedAt = '' } = world.heat.stack();
    if (seen) {
      world.heat.finish('FAILED', { statusReason: QUOTES_NEW });
      await world.reconcileNews();
      expect(world.status.stackStatusReason).toBe('bad value [redacted]');
    }
    world.heat.stack().status = 'ROLLBACK_IN_PROGRESS';
    if (seen) await reconcileLater();
    const rolledBack = oldFailure({ status: 'UPDATE_FAILED', updatedAt });
    world.heat.finish('FAILED', { statusReason: QUOTES_OLD, resources: [rolledBack] });
    await world.reconcileNews();
    expect(world.ready).toBe('False RollbackFailed Reconciling');
    expect(reasons()).toEqual([WITHHELD]);
    await reconcileLater(60);
    expect(world.heat.stack().status).toBe('UPDATE_IN_PROGRESS');
    world.heat.finish('FAILED', { statusReason: QUOTES_NEW, resources: [rolledBack] });
    await world.reconcileNews();
    await reconcileLater(15);
    expect(world.ready).toBe('False UpdateFailed Stalled');
    expect(reasons()).toEqual([WITHHELD]);
    expect(world.status.stackStatusReason).toBe('bad value [redacted]');
  });

  test('as the cause of a rollback from it, once there is another one', async () => {
    world.heat.finish();
    await world.reconcileNews();
    give('the-new-password', { rollbackOnFailure: true });
    await reconcileLater();
    const { id, createdAt: at } = world.heat.stack();
    world.heat.stack().status = 'ROLLBACK_IN_PROGRESS';
    world.heat.finish('COMPLETE', {
      events: [
        { id: 'e', at, physicalId: id, resourceName: 'web', links: [], ...FAILED_UPDATE },
        { id: 'b', at, physicalId: id, resourceName: 'web', links: [], status: 'UPDATE_IN_PROGRESS' },
      ],
    });
    world.heat.fail('update', createError('BadRequest', 'bad value the-third-one'));
    give('the-third-one');
    await reconcileLater();
    expect(world.status.stackStatus).toBe('ROLLBACK_COMPLETE');
    expect(world.status.stackStatusReason).toBe(WITHHELD);
  });

  test('though the stack failed in the very second in which the new one is there', async () => {
    world.apply({ tags: ['changed'] });
    world.heat.finish('FAILED', { resources: [oldFailure()] });
    await world.reconcileNews();
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    expect(world.heat.stack().status).toBe('CREATE_FAILED');
    await reconcileLater(1);
    expect(world.heat.stack().status).toBe('UPDATE_IN_PROGRESS');
  });

  test.each([
    ['hides another one', { parameters: { password: 'the-new-password' } }],
    ['hides nothing', { template: { inline: PLAIN }, parameters: {} }],
  ])('while the stack is deleted that had it, and the object %s', async (_, spec) => {
    await fail();
    world.apply(spec);
    world.delete();
    await world.reconcile();
    await fail();
    expect(world.status.stackStatusReason).toBe(WITHHELD);
    expect(world.status.failures?.[0]?.reason).toBe(WITHHELD);
  });
});

describe('a stack that never had hidden values says all', () => {
  beforeEach(async () => {
    world.apply({ tags: ['one'] });
    await world.reconcile();
  });

  test('also of inputs that were changed', async () => {
    world.heat.fail('update', REFUSED);
    world.apply({ tags: ['two'] });
    await fail();
    expect(world.status.stackStatusReason).toBe(QUOTES_OLD);
    expect(reasons()).toEqual([QUOTES_OLD]);
  });

  test('while Heat works on it', async () => {
    world.heat.finish();
    await world.reconcileNews();
    world.apply({ tags: ['two'] });
    await reconcileLater();
    world.heat.stack().resources = [oldFailure({ physicalId: 'my-key' })];
    await reconcileLater(15);
    expect(world.status.resources).toMatchObject([
      { physicalResourceID: 'my-key', statusReason: QUOTES_OLD },
    ]);
  });

  test('until it is given some', async () => {
    await fail();
    give('the-new-password');
    await reconcileLater();
    expect(world.status.hidesInputs).toBe(true);
    world.apply({ template: { inline: PLAIN } });
    await failBefore();
    expect(reasons()).toEqual([WITHHELD, WITHHELD]);
    expect(shown()).not.toContain('the-new-password');
  });
});

test('a stack that is just created, with hidden values, is shown while Heat works on it', async () => {
  give('the-new-password');
  await world.reconcile();
  const statusReason = QUOTES_NEW;
  world.heat.stack().resources = [oldFailure({ physicalId: 'my-key', statusReason })];
  await reconcileLater(15);
  expect(world.status.resources).toMatchObject([
    { physicalResourceID: 'my-key', statusReason: 'bad value [redacted]' },
  ]);
});
