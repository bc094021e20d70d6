import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ANNOTATIONS, DIGEST_PARAMETER, FINALIZER } from '../api/constants.ts';
import type { HeatStack } from '../api/heat-stack.ts';
import { KubeError } from '../kube/index.ts';
import { createError, type OpenStackError } from '../openstack/index.ts';
import { ownerTags } from './digest.ts';
import { lookVersion } from './observe.ts';
import { type HeatCall, resource } from './testing/fake-heat.ts';
import { KEY, NAME, NAMESPACE, TOKEN, World } from './testing/world.ts';

const MINUTE = 60_000;
const OUR_TAGS = ownerTags('cluster-1', { namespace: NAMESPACE, name: NAME });
const TIMEOUT = createError('Timeout', 'no answer');
const REFUSED = createError('BadRequest', 'The Parameter (x) was not provided.', {
  status: 400,
  type: 'UserParameterMissing',
});
const UNAUTHORIZED = createError('Unauthorized', 'The request requires authentication.');
const FORBIDDEN = createError('Forbidden', 'You are not authorized.', { status: 403 });
const OUT_OF_ORDER = createError('ServerError', 'Service Unavailable', { status: 503 });
const HIDES_PASSWORD = 'parameters: { password: { type: string, hidden: true } }';

let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(async () => {
  await world.stop();
});

/** The digest that Heat has. */
function liveDigest(): unknown {
  const environment = world.heat.stack().attributes.environment;
  return (environment as { parameter_defaults?: Record<string, unknown> }).parameter_defaults?.[
    DIGEST_PARAMETER
  ];
}

describe('creating', () => {
  test('takes three calls of Heat until Ready, and one write before the first of them', async () => {
    world.apply();
    expect(await world.reconcile()).toEqual({ requeueAfterMs: 65 * MINUTE });
    expect(world.cluster.writes.map((write) => write.split(' ')[0])).toEqual(['PATCH', 'PUT']);
    expect(world.object.metadata.finalizers).toEqual([FINALIZER]);
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    expect(world.status).toMatchObject({
      observedGeneration: 1,
      stackName: NAME,
      stackStatus: 'CREATE_IN_PROGRESS',
      attempts: 0,
    });
    expect(world.heat.stack().attributes).toMatchObject({
      name: NAME,
      tags: world.ownTags,
      timeoutMins: 60,
      disableRollback: true,
      files: {},
      parameters: {},
    });

    world.heat.finish('COMPLETE', {
      resources: [resource('a', 'CREATE_COMPLETE'), resource('b', 'CREATE_COMPLETE')],
    });
    const result = await world.reconcileNews();
    expect(world.heat.takeCalls()).toEqual(['create', 'get+outputs', 'resources']);
    expect(world.cluster.writes).toHaveLength(3);
    expect(world.ready).toBe('True Succeeded');
    expect(world.condition('Available')?.status).toBe('True');
    expect(world.status).toMatchObject({
      id: world.heat.stack().id,
      stackStatus: 'CREATE_COMPLETE',
      cloud: { projectID: 'p1', region: 'north' },
      resourceSummary: { total: 2, complete: 2, text: '2/2' },
      appliedDigest: world.status.attemptedDigest,
      ownership: expect.stringMatching(/^h1:/),
    });
    expect(world.eventReasons).toEqual(['StackCreating', 'StackCreated']);
    // It looks by itself to refresh its resources alone.
    expect(result).toEqual({ requeueAfterMs: expect.any(Number), priority: -100 });
    const { requeueAfterMs } = result as { requeueAfterMs: number };
    expect(requeueAfterMs).toBeGreaterThanOrEqual(60 * MINUTE);
    expect(requeueAfterMs).toBeLessThanOrEqual(72 * MINUTE);
  });

  test('writes nothing to Heat when the finalizer could not be written', async () => {
    world.apply();
    world.cluster.before = ({ method }) => {
      if (method === 'PATCH')
        world.edit(({ metadata }) => Object.assign(metadata, { labels: { now: 'other' } }));
    };
    await expect(world.reconcile()).rejects.toMatchObject({ code: 'Conflict' });
    expect(world.heat.calls).toEqual([]);
  });

  test('shows progress while Heat is at work, without reading the stack', async () => {
    world.apply();
    await world.reconcile();
    world.heat.stack().resources = [resource('a', 'CREATE_COMPLETE'), resource('b', 'CREATE_IN_PROGRESS')];
    world.forget();
    await world.reconcileNews();
    expect(world.heat.takeCalls()).toEqual(['resources']);
    expect(world.status.resourceSummary?.text).toBe('1/2');
    expect(world.ready).toBe('Unknown Progressing Reconciling');
  });

  test('is Ready without a list of its resources when that is too large to be read', async () => {
    await world.created();
    expect(world.status).toMatchObject({ resources: [], resourcesTruncated: false });
    world.heat.fail('resources', createError('ResponseTooLarge', 'too large'));
    await world.clock.advance(73 * MINUTE);
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(world.status).toMatchObject({ resourcesTruncated: true });
    expect(world.status).not.toHaveProperty('resources');
    expect(world.status).not.toHaveProperty('resourceSummary');
    expect(world.events.at(-1)).toMatchObject({ type: 'Warning', reason: 'ResourcesTooLarge' });

    await world.clock.advance(73 * MINUTE);
    await world.reconcile();
    expect(world.status).toMatchObject({ resources: [], resourcesTruncated: false });
  });

  test('is not Ready before resources and outputs were read, when a read failed after the end', async () => {
    world.apply();
    await world.reconcile();
    world.heat.finish('COMPLETE', {
      outputs: [{ key: 'address', value: '192.0.2.1' }],
      resources: [resource('a', 'CREATE_COMPLETE')],
    });
    world.heat.fail('resources', OUT_OF_ORDER);
    expect(await world.reconcileNews()).toBe('later');
    expect(world.ready).toBe('False TransientError Reconciling');
    world.heat.fail('get+outputs', OUT_OF_ORDER);
    expect(await world.reconcile()).toBe('later');
    await world.restart();
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(world.status.outputs).toEqual([{ name: 'address' }]);
    expect(world.status.resourceSummary?.text).toBe('1/1');
    expect(world.eventReasons).toEqual(['StackCreating', 'StackCreated']);
  });

  test('waits for a reference that is missing, and goes on when it is there', async () => {
    world.apply({ template: { configMapKeyRef: { name: 'templates', key: 'web.yaml' } } });
    await world.reconcile();
    expect(world.ready).toBe('False DependencyNotReady Reconciling');
    expect(world.condition('Ready')?.message).toContain('there is no ConfigMap "templates"');
    expect(world.heat.calls).toEqual([]);
    world.writeData('ConfigMap', 'templates', { 'web.yaml': 'heat_template_version: 2021-04-16' });
    await world.reconcile();
    expect(world.heat.stack().attributes.template).toBe('heat_template_version: 2021-04-16');
  });

  test('is stalled by inputs that are wrong, and goes on when they are right', async () => {
    world.apply({ environments: [{ inline: 'a: [' }] });
    await world.reconcile();
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    world.apply({ environments: [{ inline: '{}' }] });
    await world.reconcile();
    expect(world.ready).toBe('Unknown Progressing Reconciling');
  });

  test('is stalled by what Heat refuses, asks again once for each period, and goes on with another spec', async () => {
    world.heat.fail('create', REFUSED);
    world.apply();
    await world.reconcile();
    expect(world.ready).toBe('False ValidationFailed Stalled');
    expect(world.condition('Ready')?.message).toContain('The Parameter (x) was not provided.');
    world.forget();
    await world.reconcile();
    await world.reconcile();
    expect(world.heat.calls).toEqual([]);

    world.heat.fail('create', REFUSED);
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['list', 'create']);
    expect(world.ready).toBe('False ValidationFailed Stalled');

    world.applyParameter('large');
    await world.reconcile();
    expect(world.ready).toBe('Unknown Progressing Reconciling');
  });
});

describe('an object that is gone in spite of its finalizer', () => {
  /** As the API server may do when both requests meet. */
  const vanish = (onDelete: 'delete' | 'detach') => {
    world.apply({ managedOptions: { onDelete } });
    world.heat.onCall = (call) => {
      if (call !== 'create') return;
      world.edit((object) => Object.assign(object.metadata, { finalizers: [] }));
      world.delete();
    };
    return world.reconcile();
  };

  test('leaves no stack that was created meanwhile', async () => {
    await vanish('delete');
    expect(world.exists).toBe(false);
    expect(world.heat.calls).toEqual(['create', 'delete']);
  });

  test("isn't gone because something on the way to the API server answers 404", async () => {
    world.apply();
    world.cluster.before = ({ method, path }) => {
      if (method === 'PUT' && path.endsWith('/status'))
        throw new KubeError('NotFound', 'a proxy', { status: 404 });
    };
    await expect(world.reconcile()).rejects.toThrow('a proxy');
    expect(world.heat.calls).toEqual(['create']);
    world.cluster.before = ({ method }) => {
      if (method === 'GET') throw new KubeError('NotFound', 'a proxy', { status: 404 });
    };
    await expect(world.reconcile()).rejects.toThrow('a proxy');
    world.cluster.before = () => undefined;
    await world.reconcile();
    expect(world.heat.calls.filter((call) => call === 'create' || call === 'delete')).toEqual(['create']);
    expect(world.status.stackStatus).toBe('CREATE_IN_PROGRESS');
  });

  test('leaves it if it is to be detached', async () => {
    await vanish('detach');
    expect(world.heat.calls).toEqual(['create']);
  });

  /** The object goes after all of its create was written down. */
  const vanishLater = (): string => {
    const { uid } = world.object.metadata;
    world.edit((object) => Object.assign(object.metadata, { finalizers: [] }));
    world.delete();
    return uid;
  };

  test('leaves no stack if it was torn away later, and only what the watch says of it counts', async () => {
    world.apply();
    await world.reconcile();
    // The watch lags.
    const { stack } = world.stacks;
    const known = stack(NAMESPACE, NAME);
    world.stacks.stack = () => known;
    const uid = vanishLater();
    expect(await world.reconcile()).toEqual({});
    expect(world.heat.calls).toEqual(['create']);
    world.stacks.stack = stack;
    world.reconciler.torn(KEY, uid);
    await world.reconcile();
    await world.reconcile();
    expect(world.heat.calls).toEqual(['create', 'get', 'delete']);
  });

  test('leaves the stack to the HeatStack that took it over meanwhile', async () => {
    world.apply();
    await world.reconcile();
    world.heat.stack().attributes.tags = ownerTags('cluster-1', { namespace: NAMESPACE, name: 'another' });
    const uid = vanishLater();
    world.reconciler.torn(KEY, uid);
    await world.reconcile();
    expect(world.heat.calls).not.toContain('delete');
  });

  test('leaves the stack of an object that somebody took out of etcd itself long after its create', async () => {
    world.apply();
    await world.reconcile();
    await world.clock.advance(6 * MINUTE);
    const uid = vanishLater();
    world.reconciler.torn(KEY, uid);
    await world.reconcile();
    expect(world.heat.calls).not.toContain('delete');
  });

  test.each(['delete', 'detach'] as const)(
    'leaves the stack if somebody took the finalizer out, or it is detached now: %s',
    async (onDelete) => {
      world.apply();
      await world.reconcile();
      world.apply({ managedOptions: { onDelete } });
      await world.reconcile();
      const uid = vanishLater();
      if (onDelete === 'detach') world.reconciler.torn(KEY, uid);
      await world.reconcile();
      expect(world.heat.calls).not.toContain('delete');
    },
  );
});

describe('a crash or a lost answer', () => {
  test("an optional ConfigMap doesn't count as missing because something on the way answers 404", async () => {
    world.writeData('ConfigMap', 'lib', { size: 'large' });
    const parametersFrom = [{ configMapRef: { name: 'lib', optional: true } }];
    await world.created({ parametersFrom });
    world.cluster.before = ({ path }) => {
      if (path.includes('/configmaps/')) throw new KubeError('NotFound', 'a proxy', { status: 404 });
    };
    world.apply({ parametersFrom, timeout: '30m' });
    await expect(world.reconcile()).rejects.toThrow('a proxy');
    expect(world.heat.calls).not.toContain('update');
  });

  test.each(['CREATE_IN_PROGRESS', 'CREATE_COMPLETE'])(
    'after the POST: the stack is taken back by its tags when it is %s',
    async (stackStatus) => {
      world.apply();
      world.cluster.before = ({ path }) => {
        if (path.endsWith('/status')) throw new Error('killed');
      };
      await expect(world.reconcile()).rejects.toThrow('killed');
      expect(world.status).toEqual({ observedGeneration: -1 });
      if (stackStatus === 'CREATE_COMPLETE') world.heat.finish();
      world.cluster.before = () => undefined;
      world.forget();

      await world.restart();
      await world.reconcile();
      if (stackStatus === 'CREATE_IN_PROGRESS') {
        expect(world.ready).toBe('Unknown Progressing Reconciling');
        world.heat.finish();
        await world.reconcileNews();
      }
      expect(world.ready).toBe('True Succeeded');
      expect(world.heat.calls).not.toContain('create');
      expect(world.heat.calls).not.toContain('update');
      expect(world.heat.all.size).toBe(1);
      expect(world.status.id).toBe(world.heat.stack().id);
    },
  );

  test('of the POST: the POST is not repeated', async () => {
    world.heat.fail('create', TIMEOUT, { after: true });
    world.apply();
    expect(await world.reconcile()).toBe('later');
    expect(world.ready).toBe('False TransientError Reconciling');
    world.forget();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['list']);
    expect(world.status.id).toBe(world.heat.stack().id);
  });

  test('of a POST that never arrived: it is sent', async () => {
    world.heat.fail('create', TIMEOUT);
    world.apply();
    await world.reconcile();
    world.forget();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['list', 'list', 'create']);
  });

  test('of the PUT: the stack is read first', async () => {
    await world.created();
    world.heat.fail('update', TIMEOUT, { after: true });
    world.applyParameter('large');
    expect(await world.reconcile()).toBe('later');
    world.heat.finish();
    world.forget();
    await world.reconcile();
    expect(world.heat.calls).not.toContain('update');
    expect(world.ready).toBe('True Succeeded');
    expect(world.status.appliedDigest).toBe(liveDigest());
  });

  test('after the POST that makes a stack anew: the new one is deleted with the object', async () => {
    await world.created();
    world.heat.all.delete(world.heat.stack().id);
    await world.clock.advance(12 * MINUTE);
    world.cluster.before = ({ path }) => {
      if (path.endsWith('/status') && world.heat.calls.includes('create')) throw new Error('killed');
    };
    await expect(world.reconcile()).rejects.toThrow('killed');
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    expect(world.status.id).toBeUndefined();
    world.cluster.before = () => undefined;
    world.delete();
    await world.restart();
    await world.reconcile();
    expect(world.heat.stack().status).toBe('DELETE_IN_PROGRESS');
    world.heat.finish();
    await world.reconcileNews();
    expect(world.exists).toBe(false);
  });

  test('after the DELETE: the object goes when the stack is gone', async () => {
    await world.created();
    world.delete();
    world.cluster.before = ({ path }) => {
      if (path.endsWith('/status')) throw new Error('killed');
    };
    await expect(world.reconcile()).rejects.toThrow('killed');
    world.cluster.before = () => undefined;
    await world.restart();
    await world.reconcile();
    world.heat.finish();
    await world.reconcileNews();
    expect(world.exists).toBe(false);
  });
});

describe('the status', () => {
  test('is written in spite of a conflict with a change of the rest of the object', async () => {
    world.apply();
    let conflicts = 0;
    world.cluster.before = ({ path }) => {
      if (!path.endsWith('/status') || conflicts === 3) return;
      conflicts += 1;
      world.edit(({ metadata }) => Object.assign(metadata, { labels: { round: String(conflicts) } }));
    };
    await world.reconcile();
    expect(world.status.id).toBe(world.heat.stack().id);
    expect(world.object.metadata.labels).toEqual({ round: '3' });
    // The change that came in between is still to be seen, and this version is the only one that brings it.
    expect(world.reconciler.isOwnWrite(KEY, world.object.metadata.resourceVersion)).toBe(false);
  });

  test('is not written to another object of the same name', async () => {
    world.apply();
    let done = false;
    world.cluster.before = ({ path }) => {
      if (!path.endsWith('/status') || done) return;
      done = true;
      world.edit((object) => {
        object.metadata.uid = 'another';
        object.status = { observedGeneration: -1 };
      });
    };
    await world.reconcile();
    expect(world.status).toEqual({ observedGeneration: -1 });
  });

  test('that the operator wrote itself needs no reconcile', async () => {
    await world.created();
    const { resourceVersion } = world.object.metadata;
    expect(world.reconciler.isOwnWrite(KEY, resourceVersion)).toBe(true);
    world.edit(() => undefined);
    expect(world.reconciler.isOwnWrite(KEY, world.object.metadata.resourceVersion)).toBe(false);
  });

  test.each(['at once', 'after a restart'])(
    'is put right when somebody else wrote to it, %s',
    async (when) => {
      await world.created();
      if (when === 'after a restart') {
        await world.restart();
        await world.reconcile();
        expect(world.heat.calls).toEqual([]);
      }
      const before = structuredClone(world.status);
      world.edit(({ status }) => {
        status.conditions = [
          {
            type: 'Stalled',
            status: 'True',
            reason: 'Odd',
            message: '',
            lastTransitionTime: '2026-01-01T00:00:00Z',
          },
          {
            type: 'Synced',
            status: 'False',
            reason: 'Odd',
            message: '',
            lastTransitionTime: '2026-01-01T00:00:00Z',
          },
        ];
        status.stackStatus = 'DELETE_FAILED';
        delete status.appliedDigest;
      });
      await world.reconcile();
      const { lastSyncTime: _, ...now } = world.status;
      // What inputs the stack had before, and what was done to it, Heat doesn't tell.
      const lost = { lastSyncTime: undefined, hidesInputs: undefined, history: undefined };
      expect(now).toEqual({ ...before, ...lost });
      expect(world.heat.calls).not.toContain('update');
    },
  );

  test.each(['at once', 'after a restart'])('with a forged id leads to no other stack, %s', async (when) => {
    await world.created();
    const other = world.heat.add({ name: 'other' });
    world.edit(({ status }) => {
      status.id = other.id;
      status.stackName = other.name;
    });
    if (when === 'after a restart') await world.restart();
    world.applyParameter('large');
    await world.reconcile();
    expect(other.status).toBe('CREATE_COMPLETE');
    world.heat.finish();
    await world.reconcileNews();
    expect(world.status).toMatchObject({ id: world.heat.stack().id, stackName: NAME });

    world.edit(({ status }) => {
      status.id = other.id;
    });
    world.delete();
    await world.reconcile();
    expect(other.status).toBe('CREATE_COMPLETE');
    expect(world.heat.stack().status).toBe('DELETE_IN_PROGRESS');
  });

  test('with a forged name of the stack is no reason to take it for gone', async () => {
    await world.created();
    world.edit(({ status }) => {
      status.stackName = 'other';
    });
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(world.status.stackName).toBe(NAME);
    world.edit(({ status }) => {
      status.stackName = 'other';
    });
    world.delete();
    await world.reconcile();
    expect(world.heat.stack().status).toBe('DELETE_IN_PROGRESS');
  });

  test('that is lost is no reason to try a failed update as if it were a create', async () => {
    await world.created();
    world.applyParameter('huge');
    await world.reconcile();
    world.heat.finish('FAILED', { updatedAt: '2026-01-01T00:05:00Z' });
    world.edit((object) => {
      object.status = { observedGeneration: -1 };
    });
    await world.restart();
    world.forget();
    for (let round = 0; round < 3; round += 1) {
      await world.reconcile();
      expect(world.ready).toBe('False UpdateFailed Stalled');
      await world.clock.advance(15 * MINUTE);
    }
    expect(world.heat.calls).not.toContain('update');
  });

  test('that somebody else wrote to while the operator was down is not believed', async () => {
    await world.created();
    world.edit(({ metadata, status }) => {
      metadata.managedFields = [
        { manager: 'heatstack-operator', subresource: 'status', time: '2026-01-01T00:00:01Z' },
        { manager: 'kubectl-edit', subresource: 'status', time: '2026-01-01T00:00:02Z' },
      ];
      status.outputs = [{ name: 'forged' }];
    });
    const { attemptedDigest } = world.status;
    await world.restart();
    await world.reconcile();
    expect(world.status.outputs).toBeUndefined();
    expect(world.status).toMatchObject({ attemptedDigest, appliedDigest: attemptedDigest });
    expect(world.ready).toBe('True Succeeded');
    expect(world.heat.calls).not.toContain('update');
  });

  test('that somebody else wrote to before it was healed is believed', async () => {
    await world.created();
    world.edit(({ metadata }) => {
      metadata.managedFields = [
        { manager: 'heatstack-operator', subresource: 'status', time: '2026-01-01T00:00:02Z' },
        { manager: 'kubectl-edit', subresource: 'status', time: '2026-01-01T00:00:02Z' },
      ];
    });
    await world.restart();
    await world.reconcile();
    expect(world.heat.calls).toEqual([]);
  });

  test('taken over from another object is no proof', async () => {
    await world.created();
    const { status } = structuredClone(world.object);
    world.heat.stack().attributes.tags = [];
    world.edit((object) => {
      object.metadata.uid = 'another';
      object.status = status;
    });
    await world.restart();
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(world.ready).toBe('False NameConflict Stalled');
    expect(world.status.id).toBeUndefined();
  });
});

describe('an object that is settled', () => {
  test('costs no call of Heat and no write but a share of one list for each resync', async () => {
    await world.created();
    world.edit(({ metadata }) => Object.assign(metadata, { labels: { a: 'b' } }));
    await world.reconcile();
    await world.clock.advance(9 * MINUTE);
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);
    await world.restart();
    world.edit(({ metadata }) => Object.assign(metadata, { labels: { a: 'c' } }));
    await world.reconcile();
    expect(world.heat.calls).toEqual([]);

    await world.clock.advance(3 * MINUTE);
    expect(world.heat.calls.filter((call) => call !== 'newest')).toEqual(['resync']);
    expect(world.news).toEqual([]);
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);
    expect(world.cluster.writes).toEqual([]);
  });

  test('with resyncPeriod and refreshPeriod 0s is never looked at again', async () => {
    await world.created({
      resyncPeriod: '0s',
      resources: { nestedDepth: 0, maxItems: 100, refreshPeriod: '0s' },
    });
    await world.clock.advance(24 * 60 * MINUTE);
    expect(await world.reconcile()).toEqual({});
    expect(world.heat.takeCalls()).toEqual([]);
  });

  test('is looked at in each refreshPeriod when that is shorter than the resync', async () => {
    await world.created({ resources: { nestedDepth: 0, maxItems: 100, refreshPeriod: '1m' } });
    const { requeueAfterMs } = (await world.reconcile()) as { requeueAfterMs: number };
    expect(requeueAfterMs).toBeGreaterThanOrEqual(MINUTE);
    expect(requeueAfterMs).toBeLessThanOrEqual(1.2 * MINUTE);
    await world.clock.advance(requeueAfterMs);
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['get', 'resources']);
  });

  test.each(['requestedAt', 'resetAt', 'forceAt'] as const)(
    'is asked once by an annotation that is longer than the status can hold (%s)',
    async (annotation) => {
      await world.created();
      world.apply({}, { [ANNOTATIONS[annotation]]: 'x'.repeat(5000) });
      await world.reconcile();
      expect(world.heat.takeCalls()).toContain('get+outputs');
      if (annotation === 'forceAt') {
        world.heat.finish();
        await world.reconcileNews();
      }
      expect(world.ready).toBe('True Succeeded');
      const { lastHandledReconcileAt, lastHandledResetAt, lastHandledForceAt } = world.status;
      const handled = lastHandledReconcileAt ?? lastHandledResetAt ?? lastHandledForceAt;
      expect(handled).toMatch(/^x{1000,}/);
      expect(handled?.length).toBeLessThanOrEqual(1024);
      world.forget();
      await world.reconcile();
      expect(world.heat.calls).toEqual([]);
      expect(world.cluster.writes).toEqual([]);
    },
  );

  test('is looked at when the annotation asks for it, and says so', async () => {
    await world.created();
    world.apply({}, { [ANNOTATIONS.requestedAt]: 'now' });
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['get+outputs', 'resources']);
    expect(world.status.lastHandledReconcileAt).toBe('now');
    world.forget();
    await world.reconcile();
    expect(world.heat.calls).toEqual([]);
  });

  test('is looked at after a restart when it was stalled, for the cause may be gone', async () => {
    world.heat.fail('create', REFUSED);
    world.apply();
    await world.reconcile();
    expect(world.ready).toBe('False ValidationFailed Stalled');
    await world.restart();
    await world.reconcile();
    expect(world.ready).toBe('Unknown Progressing Reconciling');
  });

  test('is looked at when its credentials were rotated', async () => {
    await world.created();
    world.cluster.edit('Secret', NAMESPACE, 'creds', () => undefined);
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['get']);
  });

  test('has its resources read once for each refreshPeriod, and tells of one that is not well', async () => {
    await world.created();
    world.heat.stack().resources = [resource('a', 'CHECK_FAILED', { statusReason: 'marked unhealthy' })];
    await world.clock.advance(73 * MINUTE);
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['get', 'resources']);
    expect(world.ready).toBe('True Succeeded');
    expect(world.condition('Available')).toMatchObject({ status: 'False', reason: 'ResourceUnhealthy' });
  });
});

describe('updating', () => {
  beforeEach(() => world.created());

  async function update(value: string): Promise<void> {
    world.applyParameter(value);
    await world.reconcile();
  }

  test('sends everything, and is Ready again when Heat has it', async () => {
    await update('large');
    expect(world.heat.takeCalls()).toEqual(['get', 'update']);
    expect(world.heat.stack().attributes).toMatchObject({
      parameters: { flavor: 'large' },
      tags: world.ownTags,
    });
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    expect(world.condition('Available')?.status).toBe('True');
    world.heat.finish();
    await world.reconcileNews();
    expect(world.ready).toBe('True Succeeded');
    expect(world.status.appliedDigest).toBe(liveDigest());
    expect(world.eventReasons).toEqual(['StackUpdating', 'StackUpdated']);
  });

  test('is made up for when the API server failed in the middle of it', async () => {
    world.writeData('ConfigMap', 'templates', { web: 'one' });
    world.apply({ template: { configMapKeyRef: { name: 'templates', key: 'web' } } });
    await world.reconcile();
    world.heat.finish();
    await world.reconcileNews();
    world.writeData('ConfigMap', 'templates', { web: 'two' });
    world.writeCredentials();
    for (const part of ['/secrets/', '/status']) {
      world.cluster.before = ({ path }) => {
        if (path.includes(part)) throw new Error('out of order');
      };
      await expect(world.reconcile()).rejects.toThrow('out of order');
    }
    world.cluster.before = () => undefined;
    world.heat.finish();
    await world.reconcile();
    expect(world.heat.stack().attributes.template).toBe('two');
    expect(world.ready).toBe('True Succeeded');
  });

  test('is not Ready before the new resources and outputs were read', async () => {
    await update('large');
    world.heat.finish('COMPLETE', {
      outputs: [{ key: 'address', value: '192.0.2.1' }],
      resources: [resource('a', 'UPDATE_COMPLETE')],
    });
    for (const call of ['get+outputs', 'resources'] as const) {
      world.heat.fail(call, OUT_OF_ORDER);
      expect(await world.reconcile()).toBe('later');
      expect(world.ready).toBe('False TransientError Reconciling');
    }
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(world.status.outputs).toEqual([{ name: 'address' }]);
    expect(world.status.resourceSummary?.text).toBe('1/1');
  });

  test('waits for the end of the update before', async () => {
    await update('large');
    world.forget();
    await update('small');
    expect(world.heat.calls).not.toContain('update');
    world.heat.finish();
    await world.reconcileNews();
    expect(world.heat.stack().attributes.parameters).toEqual({ flavor: 'small' });
    world.heat.finish();
    await world.reconcileNews();
    expect(world.ready).toBe('True Succeeded');
  });

  test.each(['CREATE_COMPLETE', 'UPDATE_COMPLETE'])(
    'is repeated when Heat lost it, from %s',
    async (status) => {
      if (status === 'UPDATE_COMPLETE') {
        await update('medium');
        world.heat.finish();
        await world.reconcileNews();
      }
      world.heat.lostUpdates = 1;
      await update('large');
      world.forget();
      await world.reconcileNews();
      expect(world.heat.calls).toContain('update');
      expect(world.status.attempts).toBe(1);
      world.heat.finish();
      await world.reconcileNews();
      expect(world.ready).toBe('True Succeeded');
      expect(world.heat.stack().attributes.parameters).toEqual({ flavor: 'large' });
      expect(world.status.attempts).toBe(0);
    },
  );

  test('is repeated when another client won the race inside Heat', async () => {
    world.heat.lostUpdates = 1;
    await update('large');
    const stack = world.heat.stack();
    Object.assign(stack, { status: 'UPDATE_IN_PROGRESS', updatedAt: '2026-01-01T00:00:03Z' });
    world.forget();
    world.heat.finish();
    await world.reconcileNews();
    expect(world.heat.calls).toContain('update');
  });

  test('is given up when Heat loses it again and again', async () => {
    world.heat.lostUpdates = 99;
    await update('large');
    for (let round = 0; round < 4; round += 1) await world.reconcileNews();
    expect(world.ready).toBe('False UpdateFailed Stalled');
    expect(world.heat.calls.filter((call) => call === 'update')).toHaveLength(4);
  });

  test('is stalled by what Heat refuses, and stays so until the spec changes', async () => {
    world.heat.fail('update', REFUSED);
    await update('large');
    expect(world.ready).toBe('False ValidationFailed Stalled');
    expect(world.condition('Available')?.status).toBe('True');
    world.forget();
    await world.reconcile();
    expect(world.heat.calls).toEqual([]);

    world.heat.fail('update', REFUSED);
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(world.ready).toBe('False ValidationFailed Stalled');

    await update('small');
    world.heat.finish();
    await world.reconcileNews();
    expect(world.ready).toBe('True Succeeded');
  });

  test('is Ready without a PUT when the spec goes back to the inputs that Heat rolled back to', async () => {
    world.apply({ rollbackOnFailure: true, parameters: { flavor: 'small' } });
    await world.reconcile();
    world.heat.finish();
    await world.reconcileNews();
    const { attributes } = structuredClone(world.heat.stack());
    await update('huge');
    world.heat.finish('FAILED', { statusReason: 'no valid host' });
    await world.reconcileNews();
    expect(world.ready).toBe('Unknown Progressing Reconciling');

    Object.assign(world.heat.stack(), {
      status: 'ROLLBACK_COMPLETE',
      attributes,
      updatedAt: '2026-01-01T00:05:00Z',
      events: [
        ['ROLLBACK_COMPLETE', 'Stack ROLLBACK completed successfully'],
        ['ROLLBACK_IN_PROGRESS', 'Stack ROLLBACK started'],
        ['UPDATE_FAILED', 'resources.db: Conflict'],
        ['UPDATE_FAILED', 'resources.web: No valid host'],
        ['UPDATE_IN_PROGRESS', 'Stack UPDATE started'],
        ['UPDATE_FAILED', 'resources.old: mended long ago'],
      ].map(([status, statusReason]) => ({
        ...{ status, statusReason, physicalId: world.heat.stack().id },
        ...{ id: `${status}`, at: '2026-01-01T00:04:00Z', resourceName: 'web', links: [] },
      })),
    });
    await world.reconcile();
    expect(world.ready).toBe('False RollbackComplete Stalled');
    expect(world.condition('Ready')?.message).toBe(
      'ROLLBACK_COMPLETE: resources.web: No valid host; Heat went back to the inputs of 2026-01-01T00:00:01Z',
    );
    expect(world.condition('Available')?.status).toBe('True');

    world.forget();
    await update('small');
    expect(world.heat.calls).not.toContain('update');
    expect(world.ready).toBe('True Succeeded');
  });

  test('leaves inputs alone that somebody else put there, and says so', async () => {
    Object.assign(world.heat.stack(), { status: 'UPDATE_COMPLETE', updatedAt: '2026-01-01T01:00:00Z' });
    world.heat.stack().attributes = { environment: {}, tags: [] };
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(world.heat.calls).not.toContain('update');
    expect(world.ready).toBe('True Succeeded');
    expect(world.condition('Ready')?.message).toContain('another client changed the inputs');
    expect(world.eventReasons.filter((reason) => reason === 'DriftDetected')).toHaveLength(1);

    await update('large');
    expect(world.heat.stack().attributes.tags).toEqual(world.ownTags);
  });

  test('is done once for each forceAt', async () => {
    world.apply({}, { [ANNOTATIONS.forceAt]: 'one' });
    await world.reconcile();
    expect(world.heat.takeCalls()).toContain('update');
    expect(world.status.lastHandledForceAt).toBe('one');
    world.heat.finish();
    await world.reconcileNews();
    world.forget();
    await world.reconcile();
    expect(world.heat.calls).toEqual([]);
    expect(world.ready).toBe('True Succeeded');
  });

  test('waits a little when somebody began something else meanwhile', async () => {
    world.heat.fail(
      'update',
      createError('Conflict.ActionInProgress', 'Stack web already has an action in progress.'),
    );
    world.applyParameter('large');
    expect(await world.reconcile()).toEqual({ requeueAfterMs: 5000 });
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    await world.reconcile();
    expect(world.heat.stack().status).toBe('UPDATE_IN_PROGRESS');
  });

  test('that never ends gets one more chance with its full time, then it is stalled', async () => {
    await update('large');
    world.forget();
    await world.clock.advance(66 * MINUTE);
    await world.reconcile();
    expect(world.heat.takeCalls()).toContain('update');
    expect(world.ready).toBe('Unknown Progressing Reconciling');

    await world.clock.advance(60 * MINUTE);
    await world.reconcile();
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    await world.clock.advance(6 * MINUTE);
    await world.reconcile();
    expect(world.ready).toBe('False OperationTimeout Stalled');
    expect(world.heat.calls).not.toContain('update');
  });
});

describe('a failure', () => {
  async function fail(change: Parameters<World['heat']['finish']>[1] = {}): Promise<void> {
    world.apply();
    await world.reconcile();
    world.heat.finish('FAILED', change);
    await world.reconcileNews();
  }

  test('names the resource that caused it, and is tried again', async () => {
    await fail({
      resources: [
        resource('ok', 'CREATE_COMPLETE'),
        resource('bad', 'CREATE_FAILED', { statusReason: 'ValueError: no such image' }),
      ],
    });
    expect(world.ready).toBe('False CreateFailed Reconciling');
    expect(world.condition('Ready')?.message).toBe(
      'CREATE_FAILED: bad (OS::Heat::Value): ValueError: no such image',
    );
    expect(world.status.failures).toEqual([
      { path: 'bad', type: 'OS::Heat::Value', reason: 'ValueError: no such image' },
    ]);
    expect(world.eventReasons).toEqual(['StackCreating', 'StackFailed']);

    await world.clock.advance(31_000);
    await world.reconcile();
    expect(world.heat.stack().status).toBe('UPDATE_IN_PROGRESS');
    expect(world.status.attempts).toBe(1);
    world.heat.finish('COMPLETE', { resources: [] });
    await world.reconcileNews();
    expect(world.ready).toBe('True Succeeded');
    expect(world.status.failures).toBeUndefined();
    expect(world.status.attempts).toBe(0);
  });

  test('is final after the retries, and resetAt counts anew', async () => {
    await fail();
    for (let round = 0; round < 3; round += 1) {
      await world.clock.advance(15 * MINUTE);
      await world.reconcile();
      world.heat.finish('FAILED');
      await world.reconcileNews();
    }
    expect(world.ready).toBe('False CreateFailed Stalled'.replace('Create', 'Update'));
    expect(world.eventReasons).toContain('RetryExhausted');
    await world.clock.advance(15 * MINUTE);
    await world.reconcile();
    expect(world.heat.stack().status).toBe('UPDATE_FAILED');

    world.apply({}, { [ANNOTATIONS.resetAt]: 'now' });
    await world.reconcile();
    expect(world.heat.stack().status).toBe('UPDATE_IN_PROGRESS');
    expect(world.status).toMatchObject({ attempts: 1, lastHandledResetAt: 'now' });
  });

  test('is repaired by another spec at once', async () => {
    await fail();
    world.applyParameter('small');
    await world.reconcile();
    expect(world.heat.stack().status).toBe('UPDATE_IN_PROGRESS');
    expect(world.status.attempts).toBe(0);
  });

  test('of a create is recreated as often as asked for, also when the name is free late', async () => {
    world.apply({
      remediation: {
        create: { retries: 2, strategy: 'recreate' },
        update: { retries: 0, strategy: 'update' },
        retryInterval: '1s',
      },
    });
    await world.reconcile();
    for (let round = 0; round < 2; round += 1) {
      world.heat.finish('FAILED');
      await world.reconcileNews();
      await world.clock.advance(5000);
      await world.reconcile();
      expect(world.heat.stack().status).toBe('DELETE_IN_PROGRESS');
      const stack = world.heat.stack();
      world.heat.finish();
      // Heat shows DELETE_COMPLETE some time before it sets the deletion time.
      const { deletedAt = '' } = stack;
      delete stack.deletedAt;
      await world.reconcileNews();
      stack.deletedAt = deletedAt;
      world.heat.heldNames.add(NAME);
      await world.clock.advance(1000);
      await world.reconcile();
      expect(world.condition('Ready')?.status).toBe('Unknown');
      world.heat.heldNames.clear();
      await world.reconcile();
      expect(world.heat.stack().status).toBe('CREATE_IN_PROGRESS');
      expect(world.status.attempts).toBe(round + 1);
    }
    world.heat.finish('FAILED');
    await world.reconcileNews();
    expect(world.ready).toBe('False CreateFailed Stalled');
    expect(world.heat.all.size).toBe(3);
  });

  test.each(['recreate', 'stall'] as const)(
    'of a create is recreated with another spec that came during the delete (onExternalDeletion %s)',
    async (onExternalDeletion) => {
      world.apply({
        onExternalDeletion,
        remediation: {
          create: { retries: 1, strategy: 'recreate' },
          update: { retries: 0, strategy: 'update' },
          retryInterval: '1s',
        },
      });
      await world.reconcile();
      world.heat.finish('FAILED');
      await world.reconcileNews();
      await world.clock.advance(2000);
      await world.reconcile();
      expect(world.heat.stack().status).toBe('DELETE_IN_PROGRESS');
      world.applyParameter('small');
      await world.reconcile();
      expect(world.ready).toBe('Unknown Progressing Reconciling');
      // A delete that fails is still ours to repeat.
      world.heat.finish('FAILED');
      await world.reconcileNews();
      expect(world.ready).toBe('False DeleteFailed Reconciling');
      await world.clock.advance(15 * MINUTE);
      await world.reconcile();
      expect(world.heat.stack().status).toBe('DELETE_IN_PROGRESS');
      world.forget();
      world.heat.finish();
      await world.reconcileNews();
      expect(world.heat.stack()).toMatchObject({
        status: 'CREATE_IN_PROGRESS',
        attributes: { parameters: { flavor: 'small' } },
      });
      expect(world.status.attempts).toBe(0);
      expect(world.eventReasons).not.toContain('StackNotFound');
      expect(world.eventReasons).not.toContain('StackDeleting');
    },
  );

  test('shows no token, though Heat quotes the request', async () => {
    world.heat.fail('create', createError('BadRequest', `X-Auth-Token: ${TOKEN} is odd`));
    world.apply();
    await world.reconcile();
    expect(world.condition('Ready')?.message).toContain('X-Auth-Token: [redacted] is odd');
  });

  test('shows no secret, though Heat quotes it', async () => {
    world.heat.fail('create', createError('BadRequest', 'Property error: "hunter2hunter2" is too short'));
    world.apply({ template: { inline: HIDES_PASSWORD }, parameters: { password: 'hunter2hunter2' } });
    await world.reconcile();
    expect(world.condition('Ready')?.message).toContain('[redacted]');
    world.apply({ tags: ['again'] });
    await world.reconcile();
    const reason = 'bad value hunter2hunter2';
    world.heat.finish('FAILED', {
      statusReason: reason,
      resources: [resource('r', 'CREATE_FAILED', { statusReason: reason })],
    });
    await world.reconcileNews();
    const said = JSON.stringify([world.status, world.events]) + world.log.text();
    expect(said).toContain('[redacted]');
    expect(said).not.toContain('hunter2');
    expect(said).not.toContain('correct-horse');
  });
});

describe('a name that is taken', () => {
  test.each<[string, object]>([
    ['a stack that no HeatStack made', { attributes: { tags: ['mine'] } }],
    [
      'a stack of another HeatStack',
      { attributes: { tags: [OUR_TAGS[0], 'heatstack.dev/object=team/other'] } },
    ],
    ['a nested stack', { parentId: 'parent' }],
  ])('by %s is a conflict: nothing is written, not even by a deletion', async (whose, foreign) => {
    const stack = world.heat.add(foreign);
    const before = structuredClone(stack);
    world.apply();
    await world.reconcile();
    expect(world.ready).toBe('False NameConflict Stalled');
    expect(world.condition('Ready')?.message).toContain(`is taken by ${whose} (id ${stack.id})`);
    world.applyParameter('large');
    await world.reconcile();
    expect(world.ready).toBe('False NameConflict Stalled');
    world.delete();
    await world.reconcile();
    expect(world.exists).toBe(false);
    expect(world.heat.calls).not.toContain('update');
    expect(world.heat.calls).not.toContain('delete');
    expect(world.heat.stack()).toEqual(before);
  });

  test('is not seen in a list that ignores the filter', async () => {
    world.heat.ignoresNames = true;
    world.heat.add({ name: 'other' });
    world.heat.fail('create', TIMEOUT);
    world.apply();
    await world.reconcile();
    await world.reconcile();
    expect(world.heat.stack().status).toBe('CREATE_IN_PROGRESS');
  });

  test('is created once it is free', async () => {
    const { id } = world.heat.add();
    world.apply();
    await world.reconcile();
    world.heat.all.delete(id);
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(world.heat.stack().attributes.tags).toEqual(world.ownTags);
  });

  test('by our own stack is taken back without an update, as after detach and apply', async () => {
    await world.created();
    world.apply({ managedOptions: { onDelete: 'detach' } });
    world.delete();
    await world.reconcile();
    expect(world.exists).toBe(false);
    expect(world.heat.stack().status).toBe('CREATE_COMPLETE');

    world.forget();
    world.apply();
    await world.reconcile();
    expect(world.heat.calls).not.toContain('update');
    expect(world.ready).toBe('True Succeeded');
    expect(world.status.id).toBe(world.heat.stack().id);
    expect(world.eventReasons).toEqual(['StackAdopted']);
  });

  test('by a stack that is just being deleted is waited for', async () => {
    const stack = world.heat.add({ status: 'DELETE_IN_PROGRESS', attributes: { tags: [...OUR_TAGS] } });
    world.apply();
    expect(await world.reconcile()).toEqual({ requeueAfterMs: 1000 });
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    stack.status = 'DELETE_COMPLETE';
    expect(await world.reconcile()).toEqual({ requeueAfterMs: 1000 });
    stack.deletedAt = '2026-01-01T00:00:01Z';
    await world.reconcile();
    expect(world.heat.stack().status).toBe('CREATE_IN_PROGRESS');
    expect(world.eventReasons).not.toContain('NameConflict');
  });
});

describe('a name that stays held', () => {
  /** The waits of 40 reconciles, each at the end of the one before. */
  async function waits(): Promise<number[]> {
    const all: number[] = [];
    for (let round = 0; round < 40; round += 1) {
      const { requeueAfterMs = 0 } = (await world.reconcile()) as { requeueAfterMs?: number };
      all.push(requeueAfterMs);
      await world.clock.advance(requeueAfterMs);
    }
    return all;
  }

  test.each(['a stack in the list', 'nothing that can be seen'])(
    'is asked for less and less often, by %s',
    async (whose) => {
      if (whose === 'a stack in the list') world.heat.add({ status: 'DELETE_IN_PROGRESS' });
      else world.heat.heldNames.add(NAME);
      world.apply();
      const all = await waits();
      expect(all.slice(0, 3)).toEqual([1000, 1000, 1000]);
      expect(all).toEqual(all.toSorted((a, b) => a - b));
      expect(all.at(-1)).toBe(30_000);

      world.heat.heldNames.clear();
      world.heat.all.clear();
      await world.reconcile();
      expect(world.heat.stack().status).toBe('CREATE_IN_PROGRESS');
    },
  );
});

describe('a stack that somebody deleted', () => {
  beforeEach(() => world.created());

  async function vanish(how: 'purged' | 'deleted'): Promise<void> {
    const stack = world.heat.stack();
    if (how === 'purged') world.heat.all.delete(stack.id);
    else Object.assign(stack, { status: 'DELETE_COMPLETE', deletedAt: '2026-01-01T00:10:00Z' });
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
  }

  test.each(['purged', 'deleted'] as const)('is created anew (%s)', async (how) => {
    const { id } = world.heat.stack();
    await vanish(how);
    expect(world.heat.stack().status).toBe('CREATE_IN_PROGRESS');
    expect(world.status.id).toBe(world.heat.stack().id);
    expect(world.status.id).not.toBe(id);
    expect(world.status.appliedDigest).toBeUndefined();
    expect(world.eventReasons).toEqual(['StackNotFound', 'StackCreating']);
  });

  test('stays away with onExternalDeletion stall, until the object is asked to reconcile', async () => {
    world.apply({ onExternalDeletion: 'stall' });
    await world.reconcile();
    world.forget();
    await vanish('deleted');
    expect(world.ready).toBe('False StackNotFound Stalled');
    expect(world.condition('Available')).toMatchObject({ status: 'False', reason: 'StackNotFound' });
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(world.heat.calls).not.toContain('create');
    world.apply({}, { [ANNOTATIONS.requestedAt]: 'now' });
    await world.reconcile();
    expect(world.heat.stack().status).toBe('CREATE_IN_PROGRESS');
  });

  test('is not taken for deleted because of a 404 of another type', async () => {
    const notFound = createError('ResourceNotFound', 'ResourcePropertiesData …', { type: 'NotFound' });
    world.heat.fail('get', notFound);
    expect(await world.lookAgain()).toBe('later');
    expect(world.heat.calls).not.toContain('create');
    expect(world.ready).toBe('False TransientError Reconciling');
  });

  test('that is DELETE_COMPLETE without a time still holds its name', async () => {
    Object.assign(world.heat.stack(), { status: 'DELETE_COMPLETE' });
    await world.clock.advance(12 * MINUTE);
    expect(await world.reconcile()).toEqual({ requeueAfterMs: 1000 });
    expect(world.heat.calls).not.toContain('create');
  });
});

describe('credentials', () => {
  test('that lead to another cloud: nothing is written, the finalizer stays', async () => {
    await world.created();
    const { status } = world.heat.stack();
    world.cloud = { ...world.cloud, projectID: 'p2', endpoint: 'https://heat.example.com/v1/p2' };
    world.writeCredentials(
      'clouds: { prod: { auth: { auth_url: "https://k/v3", username: u, password: another-one, project_name: p, domain_name: d } } }',
    );
    world.applyParameter('large');
    await world.reconcile();
    expect(world.ready).toBe('False CloudChanged Stalled');
    expect(world.condition('Ready')?.message).toContain('p2');
    world.delete();
    await world.reconcile();
    expect(world.ready).toBe('False CloudChanged Stalled');
    expect(world.object.metadata.finalizers).toEqual([FINALIZER]);
    expect(world.heat.calls).toEqual([]);
    expect(world.heat.stack().status).toBe(status);

    world.apply({ managedOptions: { onDelete: 'detach' } });
    await world.reconcile();
    expect(world.exists).toBe(false);
    expect(world.heat.stack().status).toBe(status);
  });

  test('that are missing: says so, and goes on when they are there', async () => {
    world.cluster.delete('Secret', NAMESPACE, 'creds');
    world.apply();
    await world.reconcile();
    expect(world.ready).toBe('False CredentialsNotFound Reconciling');
    world.writeCredentials();
    await world.reconcile();
    expect(world.ready).toBe('Unknown Progressing Reconciling');
  });

  test('without clouds.yaml, or with one that is wrong, are called so', async () => {
    world.writeData('Secret', 'creds', { other: '' });
    world.apply();
    await world.reconcile();
    expect(world.condition('Ready')?.message).toContain('Secret "creds" has no key "clouds.yaml"');
    world.writeCredentials('clouds: {}');
    await world.reconcile();
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    world.writeCredentials();
    await world.reconcile();
    expect(world.ready).toBe('Unknown Progressing Reconciling');
  });

  test('that Keystone refuses: stalled after five tries, and new ones set it going', async () => {
    world.loginErrors.push(...Array.from({ length: 6 }, () => UNAUTHORIZED));
    world.apply();
    for (let round = 1; round < 5; round += 1) {
      expect(await world.reconcile()).toBe('later');
      expect(world.ready).toBe('False AuthenticationFailed Reconciling');
    }
    await world.reconcile();
    expect(world.ready).toBe('False AuthenticationFailed Stalled');
    expect(world.logins).toBe(5);
    await world.reconcile();
    await world.reconcile();
    expect(world.logins).toBe(5);

    world.loginErrors.length = 0;
    world.cluster.edit('Secret', NAMESPACE, 'creds', () => undefined);
    await world.reconcile();
    expect(world.ready).toBe('Unknown Progressing Reconciling');
  });

  test('that Heat refuses: stalled after five tries', async () => {
    for (let round = 0; round < 5; round += 1) world.heat.fail('create', FORBIDDEN);
    world.apply();
    for (let round = 1; round < 5; round += 1) {
      expect(await world.reconcile()).toBe('later');
      expect(world.ready).toBe('False Forbidden Reconciling');
    }
    await world.reconcile();
    expect(world.ready).toBe('False Forbidden Stalled');
  });

  test('for a cloud without Heat: says so, and goes on when it is there', async () => {
    world.hasHeat = false;
    world.apply();
    expect(await world.reconcile()).toBe('later');
    expect(world.ready).toBe('False OrchestrationNotAvailable Reconciling');
    expect(world.object.metadata.finalizers).toEqual([]);
    world.hasHeat = true;
    await world.reconcile();
    expect(world.ready).toBe('Unknown Progressing Reconciling');
  });

  test('for a catalog that lacks Heat for a moment: a new one brings it back', async () => {
    await world.created();
    world.hasHeat = false;
    world.applyParameter('large');
    expect(await world.reconcile()).toBe('later');
    expect(world.ready).toBe('False OrchestrationNotAvailable Reconciling');
    expect(world.condition('Available')?.status).toBe('True');
    expect(world.heat.calls).toEqual([]);
    world.onReauthenticate = () => {
      world.hasHeat = true;
    };
    await world.reconcile();
    expect(world.heat.stack().status).toBe('UPDATE_IN_PROGRESS');

    world.heat.finish();
    await world.reconcileNews();
    world.hasHeat = false;
    world.applyParameter('small');
    await world.reconcile();
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    expect(world.logins).toBe(1);
  });

  describe('that lead to another Heat during a look', () => {
    const changed = createError('IdentityChanged', 'The catalog has Heat elsewhere now; connect anew.');

    /** The next read of a stack finds that Heat moved: the client says so, or the other Heat answers 404. */
    function move(how: string): void {
      if (how === 'the client says so') {
        world.heat.fail('get', changed);
        return;
      }
      world.heat.onCall = (call) => {
        if (call !== 'get') return;
        world.movedTo = { ...world.cloud, endpoint: 'https://heat.example.com/other/p1' };
        world.heat.fail('get', createError('ResourceNotFound', 'no such stack', { type: 'EntityNotFound' }));
      };
    }

    /** The catalog leads back. */
    function moveBack(): void {
      world.movedTo = undefined;
      world.heat.onCall = () => undefined;
    }

    test.each(['the client says so', 'a 404 says so'])('nothing is created (%s)', async (how) => {
      await world.created();
      move(how);
      expect(await world.lookAgain()).toBe('later');
      expect(world.ready).toBe('False TransientError Reconciling');
      expect(world.status.id).toBe(world.heat.stack().id);
      expect(new Set(world.heat.takeCalls())).toEqual(new Set(['get']));
      moveBack();
      await world.reconcile();
      expect(world.logins).toBe(2);
      expect(world.ready).toBe('True Succeeded');
      expect(world.heat.calls).not.toContain('create');
    });

    test.each(['the client says so', 'a 404 says so'])('the object does not go (%s)', async (how) => {
      await world.created();
      world.delete();
      await world.reconcile();
      move(how);
      await world.clock.advance(66 * MINUTE);
      await world.sessions.current(KEY).then((session) => session?.operations.remove(KEY));
      expect(await world.reconcile()).toBe('later');
      expect(world.ready).toBe('False TransientError Reconciling');
      expect(world.object.metadata.finalizers).toEqual([FINALIZER]);
      moveBack();
      world.heat.finish();
      await world.reconcile();
      expect(world.logins).toBe(2);
      expect(world.exists).toBe(false);
    });
  });

  test('for a cloud that is out of order: waits as long as it asks for', async () => {
    world.heat.fail('create', createError('TooManyRequests', 'slow down', { retryAfterMs: 7000 }));
    world.apply();
    expect(await world.reconcile()).toEqual({ requeueAfterMs: 7000 });
    expect(world.ready).toBe('False TransientError Reconciling');
  });
});

describe('suspended', () => {
  test('a Ready object stays Ready and Heat is left alone', async () => {
    await world.created();
    world.apply({ suspend: true });
    expect(await world.reconcile()).toEqual({});
    expect(world.ready).toBe('True Succeeded');
    expect(world.status.observedGeneration).toBe(2);
    await world.clock.advance(60 * MINUTE);
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);
  });

  test('a change is not carried out before the end of it', async () => {
    await world.created();
    world.apply({ suspend: true, parameters: { flavor: 'large' } });
    await world.reconcile();
    expect(world.ready).toBe('Unknown Suspended');
    expect(world.heat.takeCalls()).toEqual([]);
    world.apply({ suspend: false });
    await world.reconcile();
    expect(world.heat.stack().attributes.parameters).toEqual({ flavor: 'large' });
  });

  test('deleting works', async () => {
    await world.created();
    world.apply({ suspend: true });
    await world.reconcile();
    world.delete();
    await world.reconcile();
    expect(world.heat.stack().status).toBe('DELETE_IN_PROGRESS');
  });
});

describe('what was read of a stack along with others', () => {
  /** Has a look of the object expected, and a list of another stack take it along. */
  async function readAlong(): Promise<void> {
    world.sessions.expectLook(KEY, lookVersion(world.object));
    const session = await world.sessions.current(KEY);
    await session?.looks.deleted(['another']);
  }

  test.each<[HeatCall, () => void]>([
    ['update', () => world.applyParameter('large')],
    ['delete', () => world.delete()],
  ])('is the look before an %s', async (call, change) => {
    await world.created();
    change();
    await readAlong();
    expect(world.heat.takeCalls()).toEqual(['looks']);
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([call]);
  });

  test('is of no use to an object that changed since', async () => {
    await world.created();
    world.applyParameter('large');
    await readAlong();
    world.applyParameter('huge');
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['looks', 'get', 'update']);
  });

  test('is of no use after a write, though its answer was lost', async () => {
    await world.created();
    world.applyParameter('large');
    let hasRead: Promise<void> | undefined;
    world.heat.onCall = (call) => {
      // Between the look and the update.
      if (call === 'get') hasRead = readAlong();
    };
    world.heat.fail('update', createError('ConnectionFailed', 'no answer'), { after: true });
    await world.reconcile();
    await hasRead;
    expect(world.heat.takeCalls()).toEqual(['get', 'looks', 'update']);
    world.heat.onCall = () => undefined;
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['get']);
    expect(world.status.stackStatus).toBe('UPDATE_IN_PROGRESS');
  });

  test('is not read for an object that found nothing to look for', async () => {
    await world.created();
    // As after a change of a ConfigMap that leaves the inputs as they are.
    world.sessions.expectLook(KEY, lookVersion(world.object));
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);
    const { looks } = (await world.sessions.current(KEY)) ?? {};
    await looks?.look({ id: 'another', name: 'another' }, new AbortController().signal);
    expect(world.heat.takeCalls()).not.toContain('looks');
  });

  test('is of no use once the stack is known to have moved', async () => {
    await world.created();
    world.applyParameter('large');
    await readAlong();
    world.sessions.unwatch(KEY);
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['looks', 'get', 'update']);
  });
});

describe('deleting', () => {
  test('looks once, asks Heat once, and lets the object go when the stack is gone', async () => {
    await world.created();
    world.delete();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['get', 'delete']);
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    expect(world.exists).toBe(true);
    world.heat.finish();
    await world.reconcileNews();
    expect(world.heat.takeCalls()).toEqual(['looks']);
    expect(world.exists).toBe(false);
    expect(world.eventReasons).toEqual(['StackDeleting', 'StackDeleted']);
    expect(await world.reconcile()).toEqual({});
  });

  test('needs no template', async () => {
    world.writeData('ConfigMap', 'templates', { web: 'heat_template_version: 2021-04-16' });
    await world.created({ template: { configMapKeyRef: { name: 'templates', key: 'web' } } });
    world.cluster.delete('ConfigMap', NAMESPACE, 'templates');
    world.delete();
    await world.reconcile();
    expect(world.heat.stack().status).toBe('DELETE_IN_PROGRESS');
  });

  test('says how to let the object go when its cloud can not be asked until somebody changes something', async () => {
    await world.created();
    world.writeCredentials('clouds: {}');
    await world.reconcile();
    expect(world.condition('Ready')?.message).not.toContain('detach');
    world.delete();
    await world.reconcile();
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    expect(world.condition('Ready')?.message).toContain('set spec.managedOptions.onDelete to "detach"');
  });

  test('while creating deletes what is there so far', async () => {
    world.apply();
    await world.reconcile();
    world.delete();
    await world.reconcile();
    expect(world.heat.stack().status).toBe('DELETE_IN_PROGRESS');
  });

  test.each(['with', 'without'])(
    'after a create whose answer was lost waits until no stack can come of it (%s a status)',
    async (status) => {
      world.apply();
      world.heat.fail('create', TIMEOUT);
      if (status === 'without') {
        world.cluster.before = ({ path }) => {
          if (path.endsWith('/status')) throw new Error('killed');
        };
        await expect(world.reconcile()).rejects.toThrow('killed');
        world.cluster.before = () => undefined;
        await world.restart();
      } else await world.reconcile();
      world.delete();
      expect(await world.reconcile()).toEqual({ requeueAfterMs: 5000 });
      expect(world.ready).toBe('Unknown Progressing Reconciling');
      expect(world.condition('Ready')?.message).toContain('a create was sent to Heat whose answer was lost');
      await world.clock.advance(149_000);
      expect(await world.reconcile()).toEqual({ requeueAfterMs: 1000 });
      await world.clock.advance(1000);
      await world.reconcile();
      expect(world.exists).toBe(false);
      expect(world.heat.calls).not.toContain('delete');
    },
  );

  test('deletes the stack that came late of a create whose answer was lost', async () => {
    world.apply();
    world.heat.fail('create', TIMEOUT);
    await world.reconcile();
    world.delete();
    await world.reconcile();
    world.heat.add({ status: 'CREATE_IN_PROGRESS', attributes: { tags: [...OUR_TAGS] } });
    await world.clock.advance(5000);
    await world.reconcile();
    expect(world.heat.stack().status).toBe('DELETE_IN_PROGRESS');
    world.heat.finish();
    await world.reconcileNews();
    expect(world.exists).toBe(false);
  });

  test.each<[string, OpenStackError]>([
    ['ValidationFailed', REFUSED],
    ['Forbidden', FORBIDDEN],
    ['QuotaExceeded', createError('QuotaExceeded', 'too many stacks', { status: 403 })],
  ])('after a create that Heat answered with %s lets the object go at once', async (reason, error) => {
    world.apply();
    world.heat.fail('create', error);
    await world.reconcile();
    expect(world.condition('Ready')?.reason).toBe(reason);
    world.delete();
    await world.reconcile();
    expect(world.exists).toBe(false);
  });

  test('an object without our finalizer costs nothing', async () => {
    world.apply();
    world.edit(({ metadata }) => {
      metadata.finalizers = ['other'];
    });
    world.delete();
    expect(await world.reconcile()).toEqual({});
    expect(world.heat.calls).toEqual([]);
  });

  test('keeps the finalizers of others', async () => {
    await world.created();
    world.edit(({ metadata }) => metadata.finalizers?.push('other'));
    world.delete();
    await world.reconcile();
    world.heat.finish();
    await world.reconcileNews();
    expect(world.object.metadata.finalizers).toEqual(['other']);
  });

  test('is tried again when it failed, says why, and never gives up for good', async () => {
    await world.created();
    world.delete();
    await world.reconcile();
    const failed = [resource('port', 'DELETE_FAILED', { statusReason: 'port in use' })];
    for (let round = 0; round < 7; round += 1) {
      world.heat.finish('FAILED', { resources: failed });
      await world.reconcileNews();
      expect(world.ready).toMatch(
        round < 5 ? 'False DeleteFailed Reconciling' : 'False DeleteFailed Stalled',
      );
      await world.clock.advance(16 * MINUTE);
      await world.reconcile();
      expect(world.heat.stack().status).toBe('DELETE_IN_PROGRESS');
    }
    world.heat.finish();
    await world.reconcileNews();
    expect(world.exists).toBe(false);
  });

  test('shows what stands in the way of it, and no more what made the create fail', async () => {
    world.apply();
    await world.reconcile();
    world.heat.finish('FAILED', { resources: [resource('bad', 'CREATE_FAILED')] });
    await world.reconcileNews();
    expect(world.status.failures?.map(({ path }) => path)).toEqual(['bad']);
    world.delete();
    await world.reconcile();
    expect(world.heat.stack().status).toBe('DELETE_IN_PROGRESS');
    expect(world.status.failures).toBeUndefined();
    world.heat.finish('FAILED', {
      resources: [resource('port', 'DELETE_FAILED', { statusReason: 'port in use' })],
    });
    await world.reconcileNews();
    expect(world.status.failures).toEqual([{ path: 'port', type: 'OS::Heat::Value', reason: 'port in use' }]);
    expect(world.condition('Ready')?.message).toContain('port (OS::Heat::Value): port in use');
  });

  test.each([
    ['replaced', 'bad value [redacted]'],
    ['withheld when the template is gone that says what is hidden', 'withheld'],
  ])('shows no hidden parameter that a failure quotes: it is %s', async (how, expected) => {
    world.writeData('ConfigMap', 'templates', { web: HIDES_PASSWORD });
    await world.created({
      template: { configMapKeyRef: { name: 'templates', key: 'web' } },
      parameters: { password: 'hunter2hunter2' },
    });
    if (how !== 'replaced') world.cluster.delete('ConfigMap', NAMESPACE, 'templates');
    world.delete();
    await world.reconcile();
    const statusReason = 'bad value hunter2hunter2';
    const { updatedAt = '' } = world.heat.stack();
    world.heat.finish('FAILED', {
      statusReason,
      resources: [resource('r', 'DELETE_FAILED', { statusReason, updatedAt })],
    });
    await world.reconcileNews();
    expect(world.ready).toBe('False DeleteFailed Reconciling');
    expect(world.condition('Ready')?.message).toContain(expected);
    expect(world.status.stackStatusReason).toContain(expected);
    const { spec: _, ...shown } = world.object;
    expect(JSON.stringify([shown, world.events]) + world.log.text()).not.toContain('hunter2');
  });

  test('that never ends is asked for again, not more often than each time it is overdue', async () => {
    await world.created();
    world.delete();
    await world.reconcile();
    world.forget();
    await world.clock.advance(66 * MINUTE);
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['delete']);
    await world.clock.advance(MINUTE);
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);
  });

  test('without credentials says so, and detach is the way out', async () => {
    await world.created();
    world.cluster.delete('Secret', NAMESPACE, 'creds');
    world.delete();
    await world.reconcile();
    expect(world.ready).toBe('False CredentialsNotFound Reconciling');
    expect(world.condition('Ready')?.message).toContain('"detach"');
    world.apply({ managedOptions: { onDelete: 'detach' } });
    await world.reconcile();
    expect(world.exists).toBe(false);
    expect(world.heat.stack().status).toBe('CREATE_COMPLETE');
  });

  test.each(['before', 'after'])(
    'in a namespace that ends uses the session that is still there (Secret gone %s the deletion)',
    async (when) => {
      await world.created();
      world.cluster.edit('Namespace', undefined, NAMESPACE, ({ metadata }) => {
        metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
      });
      world.cluster.delete('Secret', NAMESPACE, 'creds');
      if (when === 'before') await world.reconcile();
      world.delete();
      await world.reconcile();
      expect(world.heat.stack().status).toBe('DELETE_IN_PROGRESS');
      expect(world.logins).toBe(1);
    },
  );
});

test('two objects never mix', async () => {
  world.apply({ stackName: 'shared' });
  await world.reconcile();
  world.cluster.apply<HeatStack>({
    ...structuredClone(world.object),
    metadata: { name: 'second', namespace: NAMESPACE },
    status: { observedGeneration: -1 },
  });
  const { signal } = new AbortController();
  await world.reconciler.reconcile(`${NAMESPACE}/second`, { signal, logger: world.log.logger });
  const second = world.cluster.get<HeatStack>('HeatStack', NAMESPACE, 'second');
  expect(second?.status.conditions?.[0]).toMatchObject({ type: 'Ready', reason: 'NameConflict' });
  expect(world.heat.all.size).toBe(1);
});

test('a key that leads to a part of an object is no object', async () => {
  world.apply();
  const { signal } = new AbortController();
  const { logger } = world.log;
  expect(await world.reconciler.reconcile(`${KEY}/status`, { signal, logger })).toEqual({});
  expect(world.cluster.requests).toEqual([]);
});
