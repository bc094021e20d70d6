import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ANNOTATIONS } from '../api/constants.ts';
import type { HeatStackSpec } from '../api/heat-stack.ts';
import { createError } from '../openstack/index.ts';
import { change, resource } from './testing/fake-heat.ts';
import { World } from './testing/world.ts';

const SERVER = 'OS::Nova::Server';
const VOLUME = 'OS::Cinder::Volume';
const RULES: HeatStackSpec['protect'] = [
  { resourceTypes: [SERVER, 'OS::Cinder::*'], operations: ['replace', 'delete'] },
];
const UNTOLD = createError('BadRequest', 'The server could not comply with the request.', {
  status: 400,
  type: 'HTTPBadRequest',
});

let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(async () => {
  await world.stop();
});

function annotate(annotations: Record<string, string>): void {
  world.edit(({ metadata }) => {
    metadata.annotations = { ...metadata.annotations, ...annotations };
  });
}

function approve(id = world.status.plan?.id ?? 'none'): void {
  annotate({ [ANNOTATIONS.approve]: id });
}

function message(): string {
  return world.condition('Ready')?.message ?? '';
}

/** Ends what Heat is at work on. */
async function finish(): Promise<void> {
  world.heat.finish();
  await world.reconcileNews();
}

describe('a create with spec.approval: manual', () => {
  beforeEach(async () => {
    world.heat.changes = { added: [change('server', SERVER), change('disk', VOLUME)] };
    world.apply({ approval: 'manual' });
    await world.reconcile();
  });

  test('waits for the plan to be approved, and is carried out once', async () => {
    expect(world.ready).toBe('Unknown ApprovalRequired Reconciling');
    expect(world.condition('Available')).toMatchObject({ status: 'False', reason: 'StackNotFound' });
    expect(world.heat.takeCalls()).toEqual(['preview']);
    const plan = world.status.plan;
    expect(plan).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      added: [
        { path: 'disk', type: VOLUME },
        { path: 'server', type: SERVER },
      ],
      updated: [],
      replaced: [],
      deleted: [],
      unchanged: 0,
      createdAt: '2026-01-01T00:00:00Z',
    });
    expect(message()).toBe(
      `Creating stack web would add 2, update 0, replace 0 and delete 0 resources; to have it done, set the annotation heatstack.dev/approve: ${plan?.id}`,
    );
    expect(world.eventReasons).toEqual(['PlanReady']);
    expect(world.heat.all.size).toBe(0);

    approve();
    await world.reconcile();
    expect(world.heat.previewed).toEqual(world.heat.stack().attributes);
    expect(world.status.plan).toBeUndefined();
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    await finish();
    expect(world.ready).toBe('True Succeeded');
    expect(world.eventReasons).toEqual(['PlanReady', 'StackCreating', 'StackCreated']);
  });

  test('is looked at again only after the resync period, and keeps its plan', async () => {
    const plan = world.status.plan;
    const writes = world.cluster.writes.length;
    await world.clock.advance(700_000);
    expect(await world.reconcile()).toMatchObject({ requeueAfterMs: expect.any(Number) });
    expect(world.status.plan).toEqual(plan);
    expect(world.cluster.writes).toHaveLength(writes);
    expect(world.eventReasons).toEqual(['PlanReady']);
  });

  test('keeps its plan while the cloud is out of order', async () => {
    const plan = world.status.plan;
    world.heat.fail('list', createError('ServerError', 'Service Unavailable', { status: 503 }));
    expect(await world.reconcile()).toBe('later');
    expect(world.status.plan).toEqual(plan);
    await world.reconcile();
    expect(world.status.plan).toEqual(plan);
    expect(world.eventReasons).toEqual(['PlanReady']);
  });

  test('is not approved by the annotation of an object that was deleted and is applied again', async () => {
    approve();
    const { annotations = {} } = world.object.metadata;
    await world.reconcile();
    await finish();
    world.delete();
    await world.reconcile();
    await finish();
    expect(world.exists).toBe(false);
    world.apply({ approval: 'manual' }, annotations);
    await world.reconcile();
    expect(world.ready).toBe('Unknown ApprovalRequired Reconciling');
  });

  test('has no stack to wait for when the object is deleted', async () => {
    world.delete();
    await world.reconcile();
    expect(world.exists).toBe(false);
  });

  test('may have come true once it was approved, though the status does not say so', async () => {
    approve();
    world.delete();
    await world.reconcile();
    expect(world.exists).toBe(true);
  });

  test('is planned anew when the stack is gone, whatever was approved before', async () => {
    approve();
    await world.reconcile();
    await finish();
    world.heat.all.clear();
    annotate({ [ANNOTATIONS.requestedAt]: '1' });
    await world.reconcile();
    expect(world.ready).toBe('Unknown ApprovalRequired Reconciling');
    expect(world.heat.all.size).toBe(0);
    expect(message()).toContain('is out of date');
  });

  test('fails as the create would', async () => {
    world.heat.fail('preview', createError('BadRequest', 'no such type', { status: 400, type: 'X' }));
    world.applyParameter('large');
    await world.reconcile();
    expect(world.ready).toBe('False ValidationFailed Stalled');
    expect(world.heat.all.size).toBe(0);
  });

  test('finds who took the name meanwhile', async () => {
    world.heat.heldNames.add('web');
    await world.reconcile();
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    expect(world.status.plan).toBeUndefined();
  });
});

describe('an update with spec.approval: manual', () => {
  beforeEach(async () => {
    await world.created();
    world.apply({ approval: 'manual' });
    await world.reconcile();
    world.forget();
    world.heat.changes = {
      replaced: [change('server', SERVER)],
      updated: [change('web', 'web.yaml', { nestedStack: { name: 'web-web-subr3nfhngsd', id: 's-1' } })],
      deleted: [change('disk', VOLUME, { stackName: 'web-web-subr3nfhngsd', parentResource: 'web' })],
      unchanged: [change('other', VOLUME)],
    };
    world.applyParameter('large');
    await world.reconcile();
  });

  test('waits, and is carried out once whoever keeps the annotation', async () => {
    expect(world.ready).toBe('Unknown ApprovalRequired Reconciling');
    expect(world.condition('Available')?.status).toBe('True');
    expect(world.heat.takeCalls()).toEqual(['get+outputs', 'resources', 'preview']);
    expect(world.heat.previewed).toMatchObject({ showNested: true, parameters: { flavor: 'large' } });
    expect(world.status.plan).toMatchObject({
      added: [],
      updated: [{ path: 'web', type: 'web.yaml' }],
      replaced: [{ path: 'server', type: SERVER }],
      deleted: [{ path: 'web/disk', type: VOLUME }],
      unchanged: 1,
    });
    expect(message()).toContain('would add 0, update 1, replace 1 and delete 1 resources');

    const id = world.status.plan?.id;
    approve();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['get+outputs', 'resources', 'preview', 'update']);
    expect(world.status.plan).toBeUndefined();
    await finish();
    expect(world.ready).toBe('True Succeeded');
    expect(world.eventReasons).toEqual(['PlanReady', 'StackUpdating', 'StackUpdated']);

    // There and back again: the same inputs, the same changes, and an approval that was used.
    for (const flavor of ['small', 'large']) {
      await world.clock.advance(1_000);
      world.edit(({ spec }) => {
        spec.parameters = { flavor };
      });
      approve(id);
      await world.reconcile();
      expect(world.ready).toBe('Unknown ApprovalRequired Reconciling');
      expect(world.status.plan?.id).not.toBe(id);
      expect(message()).toContain('is out of date');
      approve();
      await world.reconcile();
      await finish();
    }
    expect(world.ready).toBe('True Succeeded');
  });

  test('is not carried out for another id', async () => {
    approve('0123456789abcdef');
    await world.reconcile();
    expect(world.heat.takeCalls()).not.toContain('update');
    expect(message()).toContain('is out of date');
    expect(world.eventReasons).toEqual(['PlanReady']);
  });

  test.each([
    ['the inputs changed', () => world.applyParameter('huge')],
    ['Heat would do something else', () => (world.heat.changes = { deleted: [change('disk', VOLUME)] })],
    ['the stack changed', () => (world.heat.stack().updatedAt = '2026-01-01T00:00:09Z')],
  ])('is not carried out when %s since it was approved', async (_what, happen) => {
    const id = world.status.plan?.id;
    happen();
    approve(id);
    await world.reconcile();
    expect(world.heat.takeCalls()).not.toContain('update');
    expect(world.status.plan?.id).not.toBe(id);
    expect(world.eventReasons).toEqual(['PlanReady', 'PlanReady']);
    approve();
    await world.reconcile();
    expect(world.heat.takeCalls()).toContain('update');
  });

  test('is forgotten when the inputs go back', async () => {
    world.edit(({ spec }) => {
      delete spec.parameters;
    });
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(world.status.plan).toBeUndefined();
    expect(world.heat.takeCalls()).not.toContain('update');
  });

  test('waits also when it is asked for with forceAt, which is kept until then', async () => {
    annotate({ [ANNOTATIONS.forceAt]: 'now' });
    await world.reconcile();
    expect(world.ready).toBe('Unknown ApprovalRequired Reconciling');
    expect(world.status.lastHandledForceAt).toBeUndefined();
    approve();
    await world.reconcile();
    expect(world.heat.takeCalls()).toContain('update');
    expect(world.status.lastHandledForceAt).toBe('now');
  });

  test('does not happen while the object is suspended', async () => {
    world.apply({ suspend: true }, world.object.metadata.annotations);
    approve();
    world.heat.takeCalls();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);
    expect(world.ready).toBe('Unknown Suspended');
    world.apply({ suspend: false }, world.object.metadata.annotations);
    await world.reconcile();
    expect(world.heat.takeCalls()).toContain('update');
  });

  test('holds back no delete', async () => {
    world.delete();
    await world.reconcile();
    expect(world.heat.stack().status).toBe('DELETE_IN_PROGRESS');
  });

  test('a restart of the operator changes nothing', async () => {
    const { plan } = world.status;
    await world.restart();
    await world.reconcile();
    expect(world.status.plan).toEqual(plan);
    expect(world.eventReasons).toEqual(['PlanReady']);
  });
});

describe('spec.protect', () => {
  beforeEach(async () => {
    await world.created({ protect: RULES });
  });

  test('lets an update pass that replaces and deletes nothing protected', async () => {
    world.heat.changes = { added: [change('server', SERVER)], updated: [change('disk', VOLUME)] };
    world.applyParameter('large');
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['get+outputs', 'resources', 'preview', 'update']);
    expect(world.status.plan).toBeUndefined();
    expect(world.eventReasons).toEqual(['StackUpdating']);
  });

  test('refuses one that does, until it is approved', async () => {
    world.heat.changes = { replaced: [change('server', SERVER)], deleted: [change('disk', VOLUME)] };
    world.applyParameter('large');
    await world.reconcile();
    expect(world.ready).toBe('False ReplacementBlocked Stalled');
    expect(message()).toContain('this update would REPLACE server, DELETE disk');
    expect(message()).toContain(`heatstack.dev/approve: ${world.status.plan?.id}`);
    expect(world.heat.takeCalls()).not.toContain('update');
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);
    expect(world.eventReasons).toEqual(['ReplacementBlocked']);
    approve();
    await world.reconcile();
    expect(world.heat.takeCalls()).toContain('update');
    expect(world.status.plan).toBeUndefined();
  });

  test('is content when the change is taken back', async () => {
    world.heat.changes = { deleted: [change('disk', VOLUME)] };
    world.applyParameter('large');
    await world.reconcile();
    world.edit(({ spec }) => {
      delete spec.parameters;
    });
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(world.status.plan).toBeUndefined();
  });

  test('tells of another plan that is refused', async () => {
    world.heat.changes = { deleted: [change('disk', VOLUME)] };
    world.applyParameter('large');
    await world.reconcile();
    world.applyParameter('huge');
    await world.reconcile();
    expect(world.eventReasons).toEqual(['ReplacementBlocked', 'ReplacementBlocked']);
  });

  test('sees the type of what is there, which a preview does not tell', async () => {
    world.heat.stack().resources = [resource('server', 'CREATE_COMPLETE', { type: SERVER })];
    world.heat.changes = { replaced: [change('server', 'OS::Heat::Value')] };
    world.applyParameter('large');
    await world.reconcile();
    expect(message()).toContain('would REPLACE server');
  });

  test('is obeyed by another try after a failure: Heat replaces what failed', async () => {
    world.apply({
      remediation: { ...world.object.spec.remediation, update: { retries: 3, strategy: 'update' } },
    });
    world.applyParameter('large');
    await world.reconcile();
    world.heat.changes = { replaced: [change('server', SERVER)] };
    world.heat.finish('FAILED');
    await world.reconcileNews();
    expect(world.ready).toBe('False UpdateFailed Reconciling');
    await world.clock.advance(31_000);
    await world.reconcile();
    expect(world.ready).toBe('False ReplacementBlocked Stalled');
    expect(world.heat.stack().status).toBe('UPDATE_FAILED');
  });

  test('is on the safe side when Heat cannot tell what happens in nested stacks', async () => {
    const nested = { name: 'web-group-subr3nfhngsd', id: 's-1' };
    world.heat.stack().resources = [
      resource('group', 'CREATE_COMPLETE', { type: 'OS::Heat::ResourceGroup', nestedStack: nested }),
      resource('0', 'CREATE_COMPLETE', { type: SERVER, stack: nested }),
    ];
    world.heat.changes = { updated: [change('group', 'OS::Heat::ResourceGroup')] };
    world.heat.fail('preview', UNTOLD);
    world.applyParameter('large');
    await world.reconcile();
    expect(world.heat.previewed?.showNested).toBe(false);
    expect(message()).toContain('would perhaps REPLACE or DELETE group/0,');
    world.heat.fail('preview', UNTOLD);
    approve();
    await world.reconcile();
    expect(world.heat.takeCalls()).toContain('update');
  });

  test('asks for no preview of a create', async () => {
    const other = new World();
    other.apply({ protect: RULES });
    await other.reconcile();
    expect(other.heat.takeCalls()).toEqual(['create']);
    await other.stop();
  });

  test('stalls when the preview is too large', async () => {
    world.heat.fail('preview', createError('ResponseTooLarge', 'more than 16 MiB'));
    world.applyParameter('large');
    await world.reconcile();
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    expect(message()).toContain('too large');
  });
});

describe('spec.updatePolicy', () => {
  async function changeWhileUpdating(updatePolicy: HeatStackSpec['updatePolicy']): Promise<void> {
    await world.created({ updatePolicy });
    world.applyParameter('large');
    await world.reconcile();
    await world.reconcile();
    await world.clock.advance(30_000);
    world.news.length = 0;
    world.forget();
    world.applyParameter('huge');
    await world.reconcile();
  }

  test('wait: a change is sent when the work in progress has ended', async () => {
    await changeWhileUpdating('wait');
    expect(world.heat.takeCalls()).not.toContain('update');
    await finish();
    expect(world.heat.takeCalls()).toContain('update');
    expect(world.heat.stack().attributes.parameters).toEqual({ flavor: 'huge' });
  });

  test('supersede: it is sent at once, and what it overtakes is not told to have failed', async () => {
    await changeWhileUpdating('supersede');
    expect(world.heat.takeCalls()).toEqual(['update']);
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    expect(world.status.attempts).toBe(0);
    expect(world.eventReasons).toEqual(['StackUpdating']);
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);
    await finish();
    expect(world.ready).toBe('True Succeeded');
    expect(world.eventReasons).toEqual(['StackUpdating', 'StackUpdated']);
    expect(world.heat.stack().attributes.parameters).toEqual({ flavor: 'huge' });
  });

  test('supersede: a create is overtaken as well', async () => {
    world.apply({ updatePolicy: 'supersede' });
    await world.reconcile();
    world.applyParameter('huge');
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['create', 'update']);
    await finish();
    expect(world.ready).toBe('True Succeeded');
  });

  test('supersede: a change that needs approval waits for it while Heat is at work', async () => {
    await world.created({ updatePolicy: 'supersede' });
    world.applyParameter('large');
    await world.reconcile();
    world.apply({ approval: 'manual', parameters: { flavor: 'huge' } });
    await world.restart();
    await world.reconcile();
    expect(world.ready).toBe('Unknown ApprovalRequired Reconciling');
    await finish();
    expect(world.ready).toBe('Unknown ApprovalRequired Reconciling');
    expect(world.condition('Available')?.status).toBe('True');
    approve();
    await world.reconcile();
    expect(world.heat.stack().attributes.parameters).toEqual({ flavor: 'huge' });
  });
});
