import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ANNOTATIONS, FINALIZER } from '../api/constants.ts';
import type { HeatStackSpec } from '../api/heat-stack.ts';
import { createError } from '../openstack/index.ts';
import { ownerTags } from './digest.ts';
import { change, type FakeStack, resource } from './testing/fake-heat.ts';
import { NAME, NAMESPACE, World } from './testing/world.ts';

const MINUTE = 60_000;
const OUR_TAGS = ownerTags('cluster-1', { namespace: NAMESPACE, name: NAME });
const OTHERS_TAGS = ownerTags('cluster-2', { namespace: NAMESPACE, name: NAME });
const OUT_OF_ORDER = createError('ServerError', 'Service Unavailable', { status: 503 });

let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(async () => {
  await world.stop();
});

/** How often a preview was asked for. */
function reviews(): number {
  return world.heat.calls.filter((call) => call === 'preview').length;
}

/** What a stack isn't adopted with unless that is approved. */
const REPLACING = { replaced: [change('a', 'OS::Heat::Value', { stackName: 'legacy' })] };

/** A stack that somebody else made. */
function legacy(change: Partial<FakeStack> = {}): FakeStack {
  return world.heat.add({ name: 'legacy', resources: [resource('a', 'CREATE_COMPLETE')], ...change });
}

function byId({ id }: FakeStack, more: Partial<HeatStackSpec> = {}): Partial<HeatStackSpec> {
  return { import: { id, takeOwnership: false }, ...more };
}

function byName(name: string, more: Partial<HeatStackSpec> = {}): Partial<HeatStackSpec> {
  return { import: { filter: { name }, takeOwnership: false }, ...more };
}

/** An object that only observes needs no template. */
function observe(spec: Partial<HeatStackSpec>): void {
  world.apply({ managementPolicy: 'unmanaged', ...spec });
  world.edit((object) => {
    delete object.spec.template;
  });
}

/** Has the object adopt a stack, up to Ready. */
async function adopted(stack: FakeStack, spec: Partial<HeatStackSpec> = {}): Promise<void> {
  world.apply(byId(stack, spec));
  await world.reconcile();
  world.heat.finish('COMPLETE', { updatedAt: '2026-01-01T00:00:01Z' }, stack.name);
  await world.reconcileNews();
  expect(world.ready).toBe('True Succeeded');
}

/** Calls that write. */
function writes(): string[] {
  return world.heat.calls.filter((call) => ['create', 'update', 'delete'].includes(call));
}

describe('an unmanaged object', () => {
  test('shows the stack, and writes neither to it nor a finalizer', async () => {
    const stack = legacy({ outputs: [{ key: 'address', value: '192.0.2.1' }] });
    observe(byId(stack, { outputs: { inStatus: ['*'] } }));
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(world.condition('Available')?.status).toBe('True');
    expect(world.condition('Drifted')).toBeUndefined();
    expect(world.status).toMatchObject({
      id: stack.id,
      stackName: 'legacy',
      stackStatus: 'CREATE_COMPLETE',
      resourceSummary: { text: '1/1' },
      outputs: [{ name: 'address', value: '192.0.2.1' }],
      ownership: expect.stringMatching(/^o1:/),
    });
    for (const field of ['appliedDigest', 'attemptedDigest', 'hidesInputs'])
      expect(world.status).not.toHaveProperty(field);
    expect(world.object.metadata.finalizers).toEqual([]);
    expect(writes()).toEqual([]);
    expect(world.eventReasons).toEqual([]);
  });

  test('costs a share of one list for each resync, and nothing else, also over a restart', async () => {
    observe(byName('legacy'));
    const { id } = legacy();
    await world.reconcile();
    world.forget();
    await world.reconcile();
    await world.restart();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);
    // Another stack with the name doesn't matter to one that is known.
    legacy();
    await world.clock.advance(12 * MINUTE);
    expect(world.news).toEqual([]);
    expect(world.heat.calls.filter((call) => call !== 'newest')).toEqual(['resync']);
    await world.lookAgain();
    expect(world.heat.takeCalls()).toEqual(['get']);
    expect(world.status.id).toBe(id);
    expect(world.cluster.writes).toEqual([]);
  });

  test('follows what others do with the stack', async () => {
    const stack = legacy();
    observe(byId(stack));
    await world.reconcile();
    Object.assign(stack, { status: 'UPDATE_IN_PROGRESS', updatedAt: '2026-01-01T00:05:00Z' });
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    const failed = resource('a', 'UPDATE_FAILED', { statusReason: 'the password is s3cr3t' });
    world.heat.finish('FAILED', { resources: [failed] }, 'legacy');
    await world.reconcileNews();
    // Heat may be about to roll back.
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    await world.clock.advance(10_000);
    await world.reconcile();
    expect(world.ready).toBe('False UpdateFailed Stalled');
    expect(world.status.failures).toMatchObject([{ path: 'a' }]);
    expect(JSON.stringify(world.status)).not.toContain('s3cr3t');

    Object.assign(stack, { status: 'UPDATE_COMPLETE', updatedAt: '2026-01-01T00:20:00Z', resources: [] });
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(world.status).not.toHaveProperty('failures');
    expect(writes()).toEqual([]);
    expect(world.eventReasons).toEqual(['StackFailed', 'StackUpdated']);
  });

  test('waits for a stack that fits, and finds it', async () => {
    observe(byName('legacy'));
    expect(await world.reconcile()).toEqual({ requeueAfterMs: 30_000 });
    expect(world.ready).toBe('False StackNotFound Reconciling');
    legacy();
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(writes()).toEqual([]);
  });

  test('is stalled while several fit, and goes on when one is left', async () => {
    const others = [legacy(), legacy()];
    observe(byName('legacy'));
    await world.reconcile();
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    expect(world.status.id).toBeUndefined();
    const [first, second] = others;
    world.heat.all.delete(first?.id ?? '');
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(world.status.id).toBe(second?.id);
  });

  test('is stalled when the stack is gone, and takes no other one', async () => {
    const stack = legacy();
    observe(byName('legacy'));
    await world.reconcile();
    world.heat.all.delete(stack.id);
    legacy();
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(world.ready).toBe('False StackNotFound Stalled');
    expect(world.condition('Available')).toMatchObject({ status: 'False', reason: 'StackNotFound' });
    expect(world.status.id).toBe(stack.id);
    expect(writes()).toEqual([]);
  });

  test('is stalled when the credentials lead to another cloud', async () => {
    observe(byId(legacy()));
    await world.reconcile();
    await world.restart();
    world.cloud = { ...world.cloud, projectID: 'p2' };
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(world.ready).toBe('False CloudChanged Stalled');
    expect(world.condition('Ready')?.message).toContain('to give the stack up, delete the object');
  });

  test('reads no template, and asks for nothing to be sent again', async () => {
    const stack = legacy();
    world.apply(
      {
        ...byId(stack, {
          managementPolicy: 'unmanaged',
          template: { configMapKeyRef: { name: 'no', key: 'no' } },
        }),
      },
      { [ANNOTATIONS.forceAt]: 'now' },
    );
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    world.forget();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);
  });

  test('says what is wrong with its credentials', async () => {
    observe(byId(legacy(), { cloudCredentialsRef: { secretName: 'creds', cloudName: 'nowhere' } }));
    await world.reconcile();
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    expect(world.condition('Ready')?.message).toContain('"nowhere"');
  });

  test('asks Heat nothing while it is suspended', async () => {
    observe(byId(legacy(), { suspend: true }));
    await world.reconcile();
    expect(world.ready).toBe('Unknown Suspended');
    world.apply({ suspend: false });
    await world.reconcile();
    world.forget();
    world.apply({ suspend: true });
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(world.heat.calls).toEqual([]);
  });

  test('that was written to by somebody else is put right with one GET', async () => {
    const stack = legacy();
    observe(byId(stack));
    await world.reconcile();
    const before = structuredClone(world.status);
    world.edit(({ status }) => {
      status.stackName = 'forged';
      status.appliedDigest = 'forged';
      delete status.conditions;
    });
    await world.reconcile();
    expect(world.status).toEqual(before);
  });
});

describe('managementPolicy that changes', () => {
  test('to unmanaged: the stack is let go of, and deleting the object leaves it alone', async () => {
    await world.created();
    const { id } = world.heat.stack();
    observe({ import: { id, takeOwnership: false } });
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(world.status).toMatchObject({ id });
    expect(world.status).not.toHaveProperty('appliedDigest');
    expect(world.condition('Drifted')).toBeUndefined();
    expect(world.object.metadata.finalizers).toEqual([]);
    expect(writes()).toEqual([]);
  });

  test('to unmanaged while the operator is down: deleting asks for no credentials', async () => {
    await world.created();
    const { id } = world.heat.stack();
    observe({ import: { id, takeOwnership: false } });
    world.delete();
    world.cluster.delete('Secret', NAMESPACE, 'creds');
    await world.restart();
    await world.reconcile();
    expect(world.exists).toBe(false);
    expect(world.heat.calls).toEqual([]);
  });

  test('back to managed: the stack is still its own, and needs no update', async () => {
    await world.created();
    const { template } = world.object.spec;
    const { id } = world.heat.stack();
    observe({ import: { id, takeOwnership: false } });
    await world.reconcile();
    world.apply({ managementPolicy: 'managed', ...(template ? { template } : {}) });
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(world.object.metadata.finalizers).toEqual([FINALIZER]);
    expect(world.status.appliedDigest).toBeDefined();
    expect(writes()).toEqual([]);
    expect(reviews()).toBe(0);
  });

  test('back to managed: a stack that another HeatStack took meanwhile is left to that', async () => {
    await world.created();
    const { template } = world.object.spec;
    const stack = world.heat.stack();
    observe({ import: { id: stack.id, takeOwnership: false } });
    await world.reconcile();
    stack.attributes.tags = OTHERS_TAGS;
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    world.apply({ managementPolicy: 'managed', ...(template ? { template } : {}) });
    await world.reconcile();
    expect(world.ready).toBe('False NameConflict Stalled');
    world.delete();
    expect(world.exists).toBe(false);
    expect(writes()).toEqual([]);
  });

  test('to managed: the stack that was observed is adopted', async () => {
    const stack = legacy();
    observe(byId(stack));
    await world.reconcile();
    world.apply({ managementPolicy: 'managed', template: { inline: 'heat_template_version: 2021-04-16' } });
    await world.reconcile();
    expect(reviews()).toBe(1);
    expect(writes()).toEqual(['update']);
    expect(stack.attributes.tags).toEqual(world.ownTags);
  });
});

describe('adopting', () => {
  test('sends the inputs with tags and marker after a review, and tells it once the stack rests', async () => {
    const stack = legacy();
    world.apply(byId(stack, { tags: ['mine'] }));
    let finalizers: string[] | undefined;
    world.heat.onCall = (call) => {
      if (call === 'update') ({ finalizers } = world.object.metadata);
      else expect(world.object.metadata.finalizers).toEqual([]);
    };
    await world.reconcile();
    world.heat.onCall = () => undefined;
    expect(finalizers).toEqual([FINALIZER]);
    expect(reviews()).toBe(1);
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    expect(stack.attributes.tags).toEqual([...world.ownTags, 'mine']);
    expect(JSON.stringify(stack.attributes.environment)).toContain('heatstack_digest');
    expect(world.status).toMatchObject({ id: stack.id, stackName: 'legacy', attempts: 0 });

    world.heat.finish('COMPLETE', { updatedAt: '2026-01-01T00:00:01Z' }, 'legacy');
    await world.reconcileNews();
    expect(world.ready).toBe('True Succeeded');
    expect(world.status).toMatchObject({ id: stack.id, appliedDigest: world.status.attemptedDigest });
    expect(world.eventReasons).toEqual(['StackUpdating', 'StackAdopted']);
    world.forget();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);
  });

  test('is for spec.import to begin with: removed later, nothing happens', async () => {
    await adopted(legacy());
    world.forget();
    world.edit((object) => {
      delete object.spec.import;
      object.metadata.generation = (object.metadata.generation ?? 0) + 1;
    });
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(writes()).toEqual([]);
  });

  test("makes the stack the object's own: it is updated and deleted as any other", async () => {
    const stack = legacy();
    await adopted(stack);
    world.forget();
    world.applyParameter('large');
    await world.reconcile();
    expect(writes()).toEqual(['update']);
    expect(reviews()).toBe(0);
    world.heat.finish('COMPLETE', { updatedAt: '2026-01-01T00:00:02Z' }, 'legacy');
    await world.reconcileNews();
    world.delete();
    await world.reconcile();
    expect(stack.status).toBe('DELETE_IN_PROGRESS');
    expect(world.exists).toBe(true);
    world.heat.finish('COMPLETE', {}, 'legacy');
    await world.reconcileNews();
    expect(world.exists).toBe(false);
  });

  test('waits for approval when it would change more than inputs', async () => {
    const stack = legacy();
    world.heat.changes = REPLACING;
    world.apply(byId(stack));
    await world.reconcile();
    expect(world.ready).toBe('Unknown ApprovalRequired Reconciling');
    expect(world.status).toMatchObject({ id: stack.id, plan: { replaced: [{ path: 'a' }] } });
    expect(world.object.metadata.finalizers).toEqual([]);
    expect(writes()).toEqual([]);
    world.apply({}, { [ANNOTATIONS.approve]: world.status.plan?.id ?? '' });
    await world.reconcile();
    expect(writes()).toEqual(['update']);
    expect(stack.attributes.tags).toEqual(world.ownTags);
  });

  test('that Heat refuses leaves the stack to others: the object goes, and the stack stays', async () => {
    const stack = legacy();
    world.heat.fail(
      'update',
      createError('BadRequest', 'The Parameter (x) was not provided.', {
        status: 400,
        type: 'UserParameterMissing',
      }),
    );
    world.apply(byId(stack));
    await world.reconcile();
    expect(world.ready).toBe('False ValidationFailed Stalled');
    expect(world.status).toMatchObject({ id: stack.id, ownership: expect.stringMatching(/^o1:/) });
    world.delete();
    await world.reconcile();
    expect(world.exists).toBe(false);
    expect(stack.status).toBe('CREATE_COMPLETE');
  });

  test('whose answer was lost is known by the tags: the object deletes the stack that is its own by then', async () => {
    const stack = legacy();
    world.heat.fail('update', createError('Timeout', 'no answer'), { after: true });
    world.apply(byId(stack));
    expect(await world.reconcile()).toBe('later');
    await world.restart();
    world.delete();
    await world.reconcile();
    expect(stack.status).toBe('DELETE_IN_PROGRESS');
    expect(world.exists).toBe(true);
  });

  test('that Heat forgot is sent again', async () => {
    const stack = legacy();
    world.heat.lostUpdates = 1;
    world.apply(byId(stack));
    await world.reconcile();
    await world.reconcileNews();
    expect(stack.attributes.tags).toEqual(world.ownTags);
    expect(reviews()).toBe(1);
  });

  test('that failed is no create to be tried again or made undone', async () => {
    const stack = legacy();
    world.apply(
      byId(stack, {
        remediation: {
          create: { retries: 3, strategy: 'recreate' },
          update: { retries: 0, strategy: 'update' },
          retryInterval: '30s',
        },
      }),
    );
    await world.reconcile();
    world.heat.finish('FAILED', { updatedAt: '2026-01-01T00:00:01Z' }, 'legacy');
    await world.reconcileNews();
    expect(world.ready).toBe('False UpdateFailed Stalled');
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(writes()).toEqual(['update']);
  });

  test.each(['unmanaged', 'managed'] as const)(
    'leaves a stack of another HeatStack alone unless told to (%s)',
    async (managementPolicy) => {
      const stack = legacy({ attributes: { tags: OTHERS_TAGS } });
      world.apply(byId(stack, { managementPolicy }));
      await world.reconcile();
      expect(world.ready).toBe(
        managementPolicy === 'managed' ? 'False NameConflict Stalled' : 'True Succeeded',
      );
      expect(writes()).toEqual([]);
      world.apply({ managementPolicy: 'managed', import: { id: stack.id, takeOwnership: true } });
      await world.reconcile();
      expect(stack.attributes.tags).toEqual(world.ownTags);
    },
  );

  test('waits for a stack, and lets the object go while there is none', async () => {
    world.apply(byName('legacy'));
    expect(await world.reconcile()).toEqual({ requeueAfterMs: 30_000 });
    expect(world.ready).toBe('False StackNotFound Reconciling');
    expect(world.object.metadata.finalizers).toEqual([]);
    expect(writes()).toEqual([]);
    world.delete();
    expect(world.exists).toBe(false);
  });

  test('looks for another stack when the one that was found is gone before it was adopted', async () => {
    world.heat.changes = REPLACING;
    const stack = legacy();
    world.apply(byName('legacy'));
    await world.reconcile();
    expect(world.ready).toBe('Unknown ApprovalRequired Reconciling');
    world.heat.all.delete(stack.id);
    const other = legacy();
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(world.status.id).toBe(other.id);
  });

  test('ends with spec.import: what was only found is of no concern then', async () => {
    world.heat.changes = REPLACING;
    const stack = legacy();
    world.apply(byId(stack));
    await world.reconcile();
    world.edit((object) => {
      delete object.spec.import;
      object.metadata.generation = (object.metadata.generation ?? 0) + 1;
    });
    await world.reconcile();
    expect(writes()).toEqual(['create']);
    expect(world.status.id).toBe(world.heat.stack().id);
    expect(stack.status).toBe('CREATE_COMPLETE');
  });
});

describe('an adopted stack', () => {
  test.each([
    ['in spec.import', true],
    ['in no spec any more', false],
  ])('is found again by its tags when the status is lost, %s', async (_, keepsImport) => {
    const stack = legacy();
    await adopted(stack);
    world.edit((object) => {
      object.status = { observedGeneration: -1 };
      if (!keepsImport) delete object.spec.import;
    });
    await world.restart();
    world.forget();
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(world.status.id).toBe(stack.id);
    expect(writes()).toEqual([]);
    expect(reviews()).toBe(0);
  });

  test('goes before another one that fits the filter', async () => {
    const stack = legacy({ attributes: { tags: ['x'] } });
    world.apply({ import: { filter: { tags: ['x'] }, takeOwnership: false } });
    await world.reconcile();
    world.heat.finish('COMPLETE', { updatedAt: '2026-01-01T00:00:01Z' }, 'legacy');
    await world.reconcileNews();
    world.heat.add({ name: 'another', attributes: { tags: ['x'] } });
    world.edit((object) => {
      object.status = { observedGeneration: -1 };
    });
    await world.restart();
    await world.reconcile();
    expect(world.status.id).toBe(stack.id);
    expect(writes()).toEqual(['update']);
  });

  test.each(['at once', 'after a restart'])('is not taken for gone by a forged name, %s', async (when) => {
    const stack = legacy();
    await adopted(stack);
    world.forget();
    for (const name of [NAME, 'other']) {
      world.edit(({ status }) => {
        status.stackName = name;
      });
      if (when === 'after a restart') await world.restart();
      await world.clock.advance(12 * MINUTE);
      await world.reconcile();
      // Nobody else's write is seen here, but that the list has another name.
      if (when === 'after a restart') await world.reconcileNews();
      expect(world.ready).toBe('True Succeeded');
      expect(world.status).toMatchObject({ id: stack.id, stackName: 'legacy' });
    }
    expect(writes()).toEqual([]);
    world.edit(({ status }) => {
      status.stackName = 'other';
    });
    if (when === 'after a restart') await world.restart();
    world.delete();
    await world.reconcile();
    // A forged name that nothing gives away leads the delete astray, which the next look finds out.
    if (stack.status !== 'DELETE_IN_PROGRESS') await world.reconcileNews();
    expect(stack.status).toBe('DELETE_IN_PROGRESS');
    expect(world.exists).toBe(true);
  });

  test('that somebody deleted is made anew under the name of the object, through failures as well', async () => {
    const stack = legacy();
    await adopted(stack);
    world.forget();
    world.heat.all.delete(stack.id);
    world.heat.fail('create', OUT_OF_ORDER);
    await world.clock.advance(12 * MINUTE);
    expect(await world.reconcile()).toBe('later');
    expect(world.status.id).toBeUndefined();
    await world.restart();
    await world.reconcile();
    expect(writes()).toEqual(['create', 'create']);
    world.heat.finish();
    await world.reconcileNews();
    expect(world.ready).toBe('True Succeeded');
    expect(world.status).toMatchObject({ id: world.heat.stack().id, stackName: NAME });
    expect(world.eventReasons).toEqual(['StackNotFound', 'StackCreating', 'StackCreated']);
  });

  test('that is made anew holds the object while its create may come true', async () => {
    const stack = legacy();
    await adopted(stack);
    world.heat.all.delete(stack.id);
    world.heat.fail('create', OUT_OF_ORDER);
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    world.delete();
    world.edit(({ metadata }) => {
      metadata.deletionTimestamp = new Date(world.clock.now()).toISOString();
    });
    await world.reconcile();
    expect(world.exists).toBe(true);
    world.heat.add({ name: NAME, attributes: { tags: OUR_TAGS } });
    await world.reconcile();
    expect(world.heat.stack().status).toBe('DELETE_IN_PROGRESS');
  });

  test('is found by an object without a status, though it has another name and the credentials come late', async () => {
    await adopted(legacy());
    const spec = { ...world.object.spec };
    delete spec.import;
    world.edit(({ metadata }) => {
      metadata.finalizers = [];
    });
    world.delete();
    await world.reconcile();
    world.cluster.delete('Secret', NAMESPACE, 'creds');
    world.apply(spec);
    world.edit(({ metadata }) => {
      metadata.finalizers = [FINALIZER];
    });
    await world.reconcile();
    expect(world.ready).toBe('False CredentialsNotFound Reconciling');
    world.writeCredentials();
    world.forget();
    await world.reconcile();
    expect(world.status.stackName).toBe('legacy');
    expect(writes()).toEqual([]);
  });

  test('is given up once it carries the tags of another HeatStack', async () => {
    const stack = legacy();
    await adopted(stack);
    stack.attributes.tags = ownerTags('cluster-1', { namespace: NAMESPACE, name: 'other' });
    Object.assign(stack, { status: 'UPDATE_COMPLETE', updatedAt: '2026-01-01T00:05:00Z' });
    world.forget();
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(world.ready).toBe('False NameConflict Stalled');
    world.applyParameter('m2');
    await world.reconcile();
    world.delete();
    await world.reconcile();
    expect(world.exists).toBe(false);
    expect(writes()).toEqual([]);
  });

  test('is not taken back from another HeatStack before somebody asks for it', async () => {
    const stack = legacy();
    await adopted(stack, { import: { id: stack.id, takeOwnership: true } });
    stack.attributes.tags = ownerTags('cluster-1', { namespace: NAMESPACE, name: 'other' });
    Object.assign(stack, { status: 'UPDATE_COMPLETE', updatedAt: '2026-01-01T00:05:00Z' });
    world.forget();
    for (const restart of [false, true, false]) {
      if (restart) await world.restart();
      await world.clock.advance(12 * MINUTE);
      await world.reconcile();
      expect(world.ready).toBe('False NameConflict Stalled');
    }
    expect(writes()).toEqual([]);
    world.apply({}, { [ANNOTATIONS.requestedAt]: '1' });
    await world.reconcile();
    expect(stack.attributes.tags).toEqual(world.ownTags);
  });

  test('is not deleted with an object that did not see yet who took it over', async () => {
    const stack = legacy();
    await adopted(stack);
    stack.attributes.tags = ownerTags('cluster-1', { namespace: NAMESPACE, name: 'other' });
    world.forget();
    world.delete();
    await world.reconcile();
    expect(world.exists).toBe(false);
    expect(writes()).toEqual([]);
  });

  test("stays the object's own when the operator gets another id for the cluster", async () => {
    const stack = legacy();
    await adopted(stack);
    stack.attributes.tags = OTHERS_TAGS;
    Object.assign(stack, { status: 'UPDATE_COMPLETE', updatedAt: '2026-01-01T00:05:00Z' });
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
  });
});
