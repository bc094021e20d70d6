import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FINALIZER } from '../api/constants.ts';
import type { Condition, HeatStack, HeatStackSpec, HeatStackStatus } from '../api/heat-stack.ts';
import { KubeError } from '../kube/index.ts';
import { createError } from '../openstack/index.ts';
import { type DataObject, encodeData } from './data-object.ts';
import { NAME, NAMESPACE, World } from './testing/world.ts';

let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(async () => {
  await world.stop();
});

function condition(status: Condition['status'], reason: string): Condition {
  return {
    type: 'Ready',
    status,
    reason,
    observedGeneration: 1,
    lastTransitionTime: '2026-01-01T00:00:00Z',
    message: '',
  };
}

const READY = [condition('True', 'Succeeded')];
const AT_WORK = [condition('Unknown', 'Progressing')];

/** Puts another HeatStack there, Ready unless its status says otherwise. */
function other(
  name: string,
  spec: Partial<HeatStackSpec> = {},
  status: Partial<HeatStackStatus> = {},
): HeatStack {
  return world.cluster.apply<HeatStack>({
    apiVersion: 'heatstack.dev/v1alpha1',
    kind: 'HeatStack',
    metadata: { name, namespace: NAMESPACE, finalizers: [FINALIZER] },
    spec: { cloudCredentialsRef: { secretName: 'creds', cloudName: 'prod' }, ...spec } as HeatStackSpec,
    status: { observedGeneration: 1, conditions: READY, ...status },
  });
}

function setConditions(name: string, conditions: Condition[]): void {
  world.cluster.edit<HeatStack>('HeatStack', NAMESPACE, name, ({ status }) =>
    Object.assign(status, { conditions }),
  );
}

/** A Secret or ConfigMap that a HeatStack wrote. */
function written(
  kind: 'Secret' | 'ConfigMap',
  name: string,
  texts: Record<string, string>,
  uid: string,
): void {
  const owner = {
    apiVersion: 'heatstack.dev/v1alpha1',
    kind: 'HeatStack',
    name: 'net',
    uid,
    controller: true,
  };
  world.cluster.apply<DataObject>({
    apiVersion: 'v1',
    kind,
    metadata: { name, namespace: NAMESPACE, ownerReferences: [owner] },
    data: encodeData(new Map(Object.entries(texts)), kind),
  });
}

function takes(output: string, optional = false): Partial<HeatStackSpec> {
  const valueFrom = { heatStackOutputRef: { name: 'net', output }, ...(optional ? { optional } : {}) };
  return { parameterValues: [{ name: 'value', valueFrom }] };
}

function sent(): unknown {
  return world.heat.stack().attributes.parameters;
}

function message(): string {
  return world.condition('Ready')?.message ?? '';
}

describe('an output of another HeatStack', () => {
  test.each([
    ['text', 'net-1', 'net-1'],
    ['a number', 5, 5],
    ['a list', ['a', { b: null }], ['a', { b: null }]],
    ['false', false, false],
    ['empty text', '', ''],
  ])('is taken from its status as it is: %s', async (_, value, expected) => {
    other('net', { outputs: { inStatus: ['*'] } }, { outputs: [{ name: 'id', value }] });
    world.apply(takes('id'));
    await world.reconcile();
    expect(sent()).toEqual({ value: expected });
  });

  test.each(['Secret', 'ConfigMap'] as const)('is taken from its %s as text', async (kind) => {
    const outputs = kind === 'Secret' ? { secretName: 'net-out' } : { configMapName: 'net-out' };
    const { metadata } = other('net', { outputs }, { outputs: [{ name: 'id' }], outputsDigest: 'h1:x' });
    written(kind, 'net-out', { id: '{"a":[1]}' }, metadata.uid);
    world.apply(takes('id'));
    await world.reconcile();
    expect(sent()).toEqual({ value: '{"a":[1]}' });
  });

  test('from its Secret is shown nowhere, from its ConfigMap it may be', async () => {
    const { metadata } = other(
      'net',
      { outputs: { secretName: 'net-out', configMapName: 'net-public' } },
      { outputs: [{ name: 'id' }], outputsDigest: 'h1:x' },
    );
    written('Secret', 'net-out', { id: 'correct-battery' }, metadata.uid);
    written('ConfigMap', 'net-public', { id: 'correct-battery' }, metadata.uid);
    const refusal = createError('BadRequest', 'The value correct-battery is wrong', { status: 400 });
    world.heat.fail('create', refusal);
    world.apply(takes('id'));
    await world.reconcile();
    expect(world.ready).toBe('False ValidationFailed Stalled');
    expect(message()).toContain('The value [redacted] is wrong');
    world.heat.fail('create', refusal);
    world.cluster.edit<HeatStack>('HeatStack', NAMESPACE, 'net', ({ spec }) => {
      spec.outputs = { configMapName: 'net-public' };
    });
    world.apply(takes('id'), { 'reconcile.fluxcd.io/requestedAt': '1' });
    await world.reconcile();
    expect(message()).toContain('The value correct-battery is wrong');
  });

  test('is never taken from a Secret that the other one did not write', async () => {
    other(
      'net',
      { outputs: { secretName: 'net-out' } },
      { outputs: [{ name: 'id' }], outputsDigest: 'h1:x' },
    );
    written('Secret', 'net-out', { id: 'stolen' }, 'another-uid');
    world.apply(takes('id'));
    await world.reconcile();
    expect(world.ready).toBe('False DependencyNotReady Reconciling');
    expect(world.heat.calls).toEqual([]);
  });

  test('that is optional is waited for while its Secret, which somebody deleted, is written again', async () => {
    const { metadata } = other(
      'net',
      { outputs: { secretName: 'net-out' } },
      { outputs: [{ name: 'id' }], outputsDigest: 'h1:x' },
    );
    written('Secret', 'net-out', { id: 'net-1' }, metadata.uid);
    await world.created(takes('id', true));
    world.cluster.delete('Secret', NAMESPACE, 'net-out');
    await world.reconcile();
    expect(world.ready).toBe('False DependencyNotReady Reconciling');
    expect(message()).toContain('HeatStack "net" has no Secret "net-out" of its own any more');
    written('Secret', 'net-out', { id: 'net-1' }, metadata.uid);
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(world.heat.calls).not.toContain('update');
  });

  test.each<[string, Partial<HeatStackSpec>, Partial<HeatStackStatus> | undefined, string, string]>([
    [
      'there is none of that name',
      {},
      undefined,
      'False DependencyNotReady Reconciling',
      'there is no HeatStack "net" in this namespace',
    ],
    [
      'it is at work',
      {},
      { conditions: AT_WORK },
      'False DependencyNotReady Reconciling',
      'HeatStack "net" is not Ready (Progressing); the operator goes on by itself',
    ],
    [
      'its newest spec was not looked at',
      {},
      { observedGeneration: 0 },
      'False DependencyNotReady Reconciling',
      'HeatStack "net" was not looked at yet',
    ],
    [
      'it has no such output',
      {},
      {},
      'False DependencyNotReady Reconciling',
      'HeatStack "net" has no output "id"; add it to its template or correct the name',
    ],
    [
      'Heat gives no value',
      { outputs: { inStatus: ['id'] } },
      { outputs: [{ name: 'id' }] },
      'False DependencyNotReady Reconciling',
      'HeatStack "net" has no value for its output "id"; correct its template',
    ],
    [
      'it is too large for the status',
      { outputs: { inStatus: ['id'] } },
      { outputs: [{ name: 'id', error: 'the value has 5000 bytes' }] },
      'False DependencyNotReady Reconciling',
      'HeatStack "net" has no value for its output "id" (the value has 5000 bytes); correct that, or set its spec.outputs.secretName',
    ],
    [
      'it is not written yet',
      { outputs: { secretName: 'out' } },
      { outputs: [{ name: 'id' }] },
      'False DependencyNotReady Reconciling',
      'HeatStack "net" has no value for its output "id"',
    ],
    [
      'nobody may see it',
      { outputs: { inStatus: ['x'], secretName: 'out', names: ['x'] } },
      { outputs: [{ name: 'id' }] },
      'False InvalidConfiguration Stalled',
      'HeatStack "net" keeps the value of its output "id" to itself; name it in its spec.outputs.inStatus, or set its spec.outputs.secretName',
    ],
  ])('is not there when %s, and Heat is not asked', async (_, spec, status, ready, why) => {
    if (status) other('net', spec, status);
    world.apply(takes('id'));
    await world.reconcile();
    expect(world.ready).toBe(ready);
    expect(message()).toContain(`spec.parameterValues[0].valueFrom.heatStackOutputRef: ${why}`);
    expect(world.heat.calls).toEqual([]);
    expect(world.logins).toBe(0);
  });

  test('that is optional may be missing, but not unknown', async () => {
    world.apply(takes('id', true));
    await world.reconcile();
    expect(sent()).toEqual({});
    world.heat.finish();
    await world.reconcileNews();
    other('net', {}, { conditions: AT_WORK });
    await world.reconcile();
    expect(world.ready).toBe('False DependencyNotReady Reconciling');
  });

  test('updates the stack when it changes, and leaves it alone while it does not', async () => {
    other('net', { outputs: { inStatus: ['id'] } }, { outputs: [{ name: 'id', value: 'one' }] });
    await world.created(takes('id'));
    setConditions('net', AT_WORK);
    await world.reconcile();
    expect(world.ready).toBe('False DependencyNotReady Reconciling');
    setConditions('net', READY);
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(world.heat.takeCalls()).not.toContain('update');
    world.cluster.edit<HeatStack>('HeatStack', NAMESPACE, 'net', ({ status }) => {
      status.outputs = [{ name: 'id', value: 'two' }];
    });
    await world.reconcile();
    expect(world.heat.takeCalls()).toContain('update');
    expect(sent()).toEqual({ value: 'two' });
  });

  test('says nothing new for a suspended object while the other one is at work, and later if it is another', async () => {
    other('net', { outputs: { inStatus: ['id'] } }, { outputs: [{ name: 'id', value: 'one' }] });
    await world.created(takes('id'));
    world.apply({ suspend: true });
    await world.reconcile();
    setConditions('net', AT_WORK);
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    world.cluster.edit<HeatStack>('HeatStack', NAMESPACE, 'net', ({ status }) =>
      Object.assign(status, { conditions: READY, outputs: [{ name: 'id', value: 'two' }] }),
    );
    await world.reconcile();
    expect(world.ready).toBe('Unknown Suspended');
  });

  test('of which several are used costs one request', async () => {
    other(
      'net',
      { outputs: { inStatus: ['*'] } },
      {
        outputs: [
          { name: 'a', value: 1 },
          { name: 'b', value: 2 },
        ],
      },
    );
    world.writeData('ConfigMap', 'all', { x: '1', y: '2' });
    const key = (name: string) => ({ name, valueFrom: { configMapKeyRef: { name: 'all', key: name } } });
    const output = (name: string) => ({
      name,
      valueFrom: { heatStackOutputRef: { name: 'net', output: name } },
    });
    world.apply({
      parameterValues: [key('x'), key('y'), output('a'), output('b')],
      parametersFrom: [{ configMapRef: { name: 'all' } }],
    });
    await world.reconcile();
    const reads = world.cluster.requests.filter((request) => /configmaps|heatstacks\/net/.test(request));
    expect(reads).toHaveLength(2);
    expect(sent()).toEqual({ x: '1', y: '2', a: 1, b: 2 });
  });
});

describe('what the spec refers to', () => {
  test('is named when the operator may not read it', async () => {
    world.cluster.before = ({ path }) => {
      if (path.endsWith('/configmaps/sealed')) throw new KubeError('Forbidden', '403', { status: 403 });
    };
    world.apply({ parametersFrom: [{ configMapRef: { name: 'sealed' } }] });
    expect(await world.reconcile()).toEqual({ requeueAfterMs: 60_000 });
    expect(world.ready).toBe('False Forbidden Reconciling');
    expect(message()).toContain(
      'ConfigMap "sealed", which the API server doesn\'t let the operator get (403)',
    );
  });

  test('is not more than is held at once', async () => {
    for (let at = 0; at < 9; at += 1) world.writeData('ConfigMap', `c${at}`, { a: 'x'.repeat(1000 * 1000) });
    const parameterValues = Array.from({ length: 9 }, (_, at) => ({
      name: `p${at}`,
      valueFrom: { configMapKeyRef: { name: `c${at}`, key: 'nosuch' }, optional: true },
    }));
    world.apply({ parameterValues });
    await world.reconcile();
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    expect(message()).toContain('hold more than 8 MiB together');
  });

  test("can't be the Secret for its own outputs", async () => {
    world.writeData('Secret', 'both', { a: 'x' });
    await world.created({
      parametersFrom: [{ secretRef: { name: 'both' } }],
      outputs: { secretName: 'both' },
    });
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    expect(message()).toContain('where the credentials or the inputs come from');
  });
});

describe('a HeatStack that depends on another', () => {
  const dependsOn = [{ name: 'net' }];

  test.each<[string, (() => void) | undefined, string]>([
    ['is not there', undefined, 'there is no HeatStack "net" in this namespace'],
    [
      'is at work',
      () => other('net', {}, { conditions: AT_WORK }),
      'HeatStack "net" is not Ready (Progressing)',
    ],
    [
      'was not looked at',
      () => other('net', {}, { observedGeneration: 0 }),
      'HeatStack "net" was not looked at yet',
    ],
  ])('waits without a request to the cloud when that %s', async (_, prepare, why) => {
    prepare?.();
    world.apply({ dependsOn });
    expect(await world.reconcile()).toEqual({ requeueAfterMs: 600_000 });
    expect(world.ready).toBe('False DependencyNotReady Reconciling');
    expect(message()).toBe(`spec.dependsOn: ${why}; the operator goes on by itself once all are Ready`);
    expect(world.heat.calls).toEqual([]);
    expect(world.logins).toBe(0);
    expect(world.status.observedGeneration).toBe(1);
  });

  test('goes on when that is Ready', async () => {
    other('net', {}, { conditions: AT_WORK });
    world.apply({ dependsOn });
    await world.reconcile();
    setConditions('net', READY);
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['create']);
  });

  test('stays Ready while that is at work, and holds back a change', async () => {
    other('net');
    await world.created({ dependsOn });
    setConditions('net', AT_WORK);
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    await world.clock.advance(13 * 60_000);
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    world.forget();
    world.applyParameter('large');
    await world.reconcile();
    expect(world.ready).toBe('False DependencyNotReady Reconciling');
    expect(world.heat.takeCalls()).toEqual([]);
    setConditions('net', READY);
    await world.reconcile();
    expect(world.heat.takeCalls()).toContain('update');
  });

  test('is not made anew before that is Ready, when somebody deleted its stack', async () => {
    other('net');
    await world.created({ dependsOn });
    setConditions('net', AT_WORK);
    world.heat.all.clear();
    await world.clock.advance(13 * 60_000);
    await world.reconcile();
    expect(world.ready).toBe('False DependencyNotReady Reconciling');
    expect(world.heat.takeCalls()).not.toContain('create');
    setConditions('net', READY);
    await world.reconcile();
    expect(world.heat.takeCalls()).toContain('create');
  });

  test('sees the end of what Heat is at work on, while that is not Ready', async () => {
    other('net');
    world.apply({ dependsOn });
    await world.reconcile();
    setConditions('net', AT_WORK);
    world.heat.finish();
    await world.reconcileNews();
    expect(world.ready).toBe('True Succeeded');
  });

  test('is observed without waiting for it when it is unmanaged', async () => {
    world.apply({
      dependsOn,
      managementPolicy: 'unmanaged',
      import: { filter: { name: NAME }, takeOwnership: false },
    });
    await world.reconcile();
    expect(world.heat.takeCalls().length).toBeGreaterThan(0);
    expect(message()).not.toContain('spec.dependsOn');
  });

  test('is deleted without waiting for it', async () => {
    other('net');
    await world.created({ dependsOn });
    setConditions('net', AT_WORK);
    world.delete();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['get', 'delete']);
  });
});

describe('a circle', () => {
  test.each<[string, () => void, Partial<HeatStackSpec>, string]>([
    ['of one', () => undefined, { dependsOn: [{ name: NAME }] }, 'web → web'],
    [
      'of two',
      () => other('net', { dependsOn: [{ name: NAME }] }),
      { dependsOn: [{ name: 'net' }] },
      'web → net → web',
    ],
    [
      'of three, by outputs as well',
      () => {
        other('net', { dependsOn: [{ name: 'dns' }] });
        const valueFrom = { heatStackOutputRef: { name: NAME, output: 'x' } };
        other('dns', { parameterValues: [{ name: 'x', valueFrom }] });
      },
      takes('id'),
      'web → net → dns → web',
    ],
  ])('%s is found and said', async (_, prepare, spec, circle) => {
    prepare();
    world.apply(spec);
    await world.reconcile();
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    expect(message()).toBe(
      `spec.dependsOn, spec.parameterValues: HeatStacks wait for each other in a circle, ${circle}; remove one of these references`,
    );
    expect(world.heat.calls).toEqual([]);
  });

  test('that others are in concerns nobody else', async () => {
    other('net', { dependsOn: [{ name: 'dns' }] });
    other('dns', { dependsOn: [{ name: 'net' }] });
    world.apply({ dependsOn: [{ name: 'net' }] });
    await world.reconcile();
    expect(world.heat.takeCalls()).toContain('create');
  });
});

describe('deleting a HeatStack whose outputs others use', () => {
  const user = (name: string) => other(name, { parameterValues: [usesWeb] });
  const usesWeb = { name: 'x', valueFrom: { heatStackOutputRef: { name: NAME, output: 'x' } } };

  test('is held until the last of them is gone', async () => {
    await world.created();
    user('b');
    user('a');
    world.delete();
    expect(await world.reconcile()).toEqual({ requeueAfterMs: 600_000 });
    expect(world.ready).toBe('False DependencyNotReady Reconciling');
    expect(message()).toBe(
      'the stack stays while its outputs are in use by HeatStack "a", "b"; delete them first, or remove their references to it (heatStackOutputRef). To let the object go and keep the stack, set spec.managedOptions.onDelete to "detach"',
    );
    expect(world.heat.takeCalls()).toEqual([]);
    other('a');
    await world.reconcile();
    expect(message()).toContain('in use by HeatStack "b";');
    other('b');
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['get', 'delete']);
    user('late');
    world.heat.finish();
    await world.reconcileNews();
    expect(world.exists).toBe(false);
  });

  test('is not held by those that only depend on it, or that are elsewhere', async () => {
    await world.created();
    other('a', { dependsOn: [{ name: NAME }] });
    world.delete();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['get', 'delete']);
  });

  test('is not held when its stack stays', async () => {
    await world.created({ managedOptions: { onDelete: 'detach' } });
    user('a');
    world.delete();
    await world.reconcile();
    expect(world.exists).toBe(false);
  });

  test('is not held when the namespace is being deleted', async () => {
    await world.created();
    user('a');
    world.cluster.edit('Namespace', undefined, NAMESPACE, ({ metadata }) =>
      Object.assign(metadata, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    );
    world.delete();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['get', 'delete']);
  });

  test('is not held by one whose outputs it uses itself, or both would stay for ever', async () => {
    await world.created();
    user('net');
    world.apply(takes('id'));
    world.delete();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['get', 'delete']);
  });
});
