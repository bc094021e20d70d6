import { afterEach, beforeEach, expect, test } from 'vitest';
import { createError } from '../openstack/index.ts';
import { resource } from './testing/fake-heat.ts';
import { World } from './testing/world.ts';

const MINUTE = 60_000;
const SECRET = 'a-password-from-a-secret';

let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(async () => {
  await world.stop();
});

/** In short: `Update UPDATE_FAILED: why`, the newest first. */
const history = () =>
  (world.status.history ?? []).map(({ action, result = 'open', reason }) =>
    reason === undefined ? `${action} ${result}` : `${action} ${result}: ${reason}`,
  );

async function update(flavor: string): Promise<void> {
  await world.clock.advance(2000);
  world.applyParameter(flavor);
  await world.reconcile();
}

test('has an entry for each operation, with its end, and costs no write of its own', async () => {
  world.apply();
  await world.reconcile();
  const { attemptedDigest } = world.status;
  expect(world.status.history).toEqual([
    { action: 'Create', digest: attemptedDigest, startedAt: '2026-01-01T00:00:00Z' },
  ]);
  world.heat.finish();
  await world.reconcileNews();
  expect(world.status.history).toEqual([
    {
      action: 'Create',
      digest: attemptedDigest,
      startedAt: '2026-01-01T00:00:00Z',
      finishedAt: '2026-01-01T00:00:01Z',
      result: 'CREATE_COMPLETE',
    },
  ]);
  await update('large');
  world.heat.finish();
  await world.reconcileNews();
  expect(history()).toEqual(['Update UPDATE_COMPLETE', 'Create CREATE_COMPLETE']);
  expect(world.status.history?.[0]?.digest).toBe(world.status.appliedDigest);

  world.forget();
  await world.clock.advance(12 * MINUTE);
  await world.reconcile();
  await world.restart();
  await world.clock.advance(12 * MINUTE);
  await world.reconcile();
  expect(world.cluster.writes).toEqual([]);
  expect(history()).toEqual(['Update UPDATE_COMPLETE', 'Create CREATE_COMPLETE']);
});

test('holds five entries at most', async () => {
  await world.created();
  for (let index = 0; index < 6; index += 1) {
    await update(`flavor-${index}`);
    world.heat.finish();
    await world.reconcileNews();
  }
  expect(history()).toEqual(Array(5).fill('Update UPDATE_COMPLETE'));
});

test('tells why something failed, without secrets', async () => {
  world.writeData('Secret', 'values', { template: `description: ${SECRET}\nresources: {}\n` });
  world.apply({ template: { secretKeyRef: { name: 'values', key: 'template' } } });
  await world.reconcile();
  const resources = [resource('web', 'CREATE_FAILED', { statusReason: `bad ${SECRET}` })];
  world.heat.finish('FAILED', { resources });
  await world.reconcileNews();
  expect(history()).toEqual([
    expect.stringMatching(/^Create CREATE_FAILED: web \(OS::Heat::Value\): .*(redacted|withheld)/),
  ]);
  expect(JSON.stringify(world.object)).not.toContain(SECRET);
});

test('tells of each retry, over a restart', async () => {
  world.apply();
  await world.reconcile();
  world.heat.finish('FAILED');
  await world.reconcileNews();
  await world.restart();
  await world.reconcile();
  await world.clock.advance(MINUTE);
  await world.reconcile();
  world.heat.finish();
  await world.reconcileNews();
  expect(world.ready).toBe('True Succeeded');
  expect(history()).toEqual(['Update UPDATE_COMPLETE', 'Create CREATE_FAILED: Resource failed']);
});

test('tells of a rollback, and which inputs Heat has then', async () => {
  await world.created({ rollbackOnFailure: true });
  const { attributes } = structuredClone(world.heat.stack());
  await update('huge');
  const event = {
    ...{ id: 'one', at: '2026-01-01T00:04:00Z', resourceName: 'web', links: [] },
    ...{ status: 'UPDATE_FAILED', statusReason: 'No valid host', physicalId: world.heat.stack().id },
  };
  Object.assign(world.heat.stack(), {
    status: 'ROLLBACK_IN_PROGRESS',
    statusReason: 'Stack ROLLBACK started',
  });
  await world.reconcile();
  expect(history()).toEqual(['Rollback open', 'Update UPDATE_FAILED', 'Create CREATE_COMPLETE']);
  world.heat.finish('COMPLETE', { attributes, events: [event] });
  await world.reconcileNews();
  expect(world.ready).toBe('False RollbackComplete Stalled');
  expect(history()).toEqual([
    'Rollback ROLLBACK_COMPLETE',
    'Update UPDATE_FAILED: No valid host',
    'Create CREATE_COMPLETE',
  ]);
  expect(world.status.history?.[0]?.digest).toBe(world.status.appliedDigest);
  expect(world.condition('Ready')?.message).toBe(
    'ROLLBACK_COMPLETE: No valid host; Heat went back to the inputs of 2026-01-01T00:00:00Z',
  );
});

test('tells that an update overtook another', async () => {
  await world.created({ updatePolicy: 'supersede' });
  await update('large');
  await update('huge');
  expect(history()).toEqual(['Update open', 'Update Superseded', 'Create CREATE_COMPLETE']);
});

test('has one entry for an update that Heat lost and that was sent again', async () => {
  await world.created();
  world.heat.lostUpdates = 1;
  await update('large');
  await world.reconcileNews();
  expect(world.heat.calls.filter((call) => call === 'update')).toHaveLength(2);
  expect(history()).toEqual(['Update open', 'Create CREATE_COMPLETE']);
  world.heat.finish();
  await world.reconcileNews();
  expect(history()).toEqual(['Update UPDATE_COMPLETE', 'Create CREATE_COMPLETE']);
});

test('has no entry for an update that Heat refused', async () => {
  await world.created();
  world.heat.fail('update', createError('BadRequest', 'no', { status: 400 }));
  await update('large');
  expect(history()).toEqual(['Create CREATE_COMPLETE']);
});

test('stays with the object when its stack is deleted and made anew', async () => {
  const remediation = {
    create: { retries: 3, strategy: 'recreate' },
    update: { retries: 0, strategy: 'update' },
    retryInterval: '30s',
  } as const;
  world.apply({ remediation });
  await world.reconcile();
  world.heat.finish('FAILED');
  await world.reconcileNews();
  await world.clock.advance(MINUTE);
  await world.reconcile();
  world.heat.finish();
  await world.reconcileNews();
  expect(history()).toEqual([
    'Create open',
    'Delete DELETE_COMPLETE',
    'Create CREATE_FAILED: Resource failed',
  ]);
});

test('tells why a delete failed', async () => {
  await world.created();
  world.delete();
  await world.reconcile();
  expect(history()[0]).toBe('Delete open');
  world.heat.finish('FAILED', { statusReason: 'port in use' });
  await world.reconcileNews();
  expect(history()[0]).toBe('Delete DELETE_FAILED: port in use');
});

test('is dropped when somebody else wrote to the status', async () => {
  await world.created();
  world.edit(({ status }) => {
    status.history = [{ action: 'Update', startedAt: '2020-01-01T00:00:00Z', result: 'Forged' }];
  });
  await world.reconcile();
  expect(world.status.history).toBeUndefined();
});

test('an update that Heat lost did not end as the stack is', async () => {
  await world.created();
  world.heat.lostUpdates = 1;
  await update('large');
  world.apply({ parameters: {} });
  await world.reconcileNews();
  expect(world.ready).toBe('True Succeeded');
  expect(history()).toEqual(['Update Superseded', 'Create CREATE_COMPLETE']);
});

test('an update that Heat loses again and again is over when the operator gives up', async () => {
  await world.created();
  world.heat.lostUpdates = 9;
  await update('large');
  for (let tries = 0; tries < 4; tries += 1) await world.reconcile();
  expect(world.ready).toBe('False UpdateFailed Stalled');
  expect(history()).toEqual(['Update Superseded', 'Create CREATE_COMPLETE']);
});
