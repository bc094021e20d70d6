import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ANNOTATIONS } from '../api/constants.ts';
import type { HeatStack } from '../api/heat-stack.ts';
import { createError } from '../openstack/index.ts';
import { Digester } from './digest.ts';
import { CLOUDS_YAML, KEY, NAME, NAMESPACE, World } from './testing/world.ts';

const MINUTE = 60_000;
const MANY = 30;

let world: World;

beforeEach(() => {
  world = new World();
});
afterEach(() => world.stop());

/** Reconciles an object that isn't the World's own. */
async function reconcile(key: string): Promise<void> {
  const { signal } = new AbortController();
  await world.reconciler.reconcile(key, { signal, logger: world.log.logger });
}

/** Another object with a stack, as the World's own. */
async function createdAs(namespace: string, name: string, secretName = 'creds'): Promise<string> {
  const { spec } = world.object;
  world.cluster.apply<HeatStack>({
    apiVersion: 'heatstack.dev/v1alpha1',
    kind: 'HeatStack',
    metadata: { name, namespace },
    spec: {
      ...spec,
      stackName: `${namespace}-${name}`,
      cloudCredentialsRef: { secretName, cloudName: 'prod' },
    },
    status: { observedGeneration: -1 },
  });
  const key = `${namespace}/${name}`;
  await reconcile(key);
  world.heat.finish('COMPLETE', {}, `${namespace}-${name}`);
  for (let seconds = 0; !world.news.includes(key); seconds += 1) {
    if (seconds > 120) throw new Error('no news');
    await world.clock.advance(1000);
  }
  await reconcile(key);
  return key;
}

/** Ends the operator, and starts another one after a while. */
async function restart(downMs = 60 * MINUTE): Promise<void> {
  await world.restart();
  await world.clock.advance(downMs);
  world.forget();
  world.logins = 0;
}

const lists = () => world.heat.calls.filter((call) => call !== 'newest');

describe('objects that are at rest', () => {
  test('are all looked at with one list after a start, and nothing is written', async () => {
    await world.created();
    for (let i = 1; i < MANY; i += 1) await createdAs(NAMESPACE, `s${i}`);
    await restart();
    expect(await world.resume()).toEqual([]);
    expect(world.cluster.requests).toEqual([expect.stringMatching(/^GET .*\/secrets\/creds$/)]);
    expect(world.logins).toBe(1);
    await world.clock.advance(2000);
    expect(lists()).toEqual(['resync']);
    await world.clock.advance(9 * MINUTE);
    expect(lists()).toEqual(['resync']);
    expect(world.news).toEqual([]);
    expect(world.cluster.writes).toEqual([]);
  });

  test('are looked at when their period is over, and not before', async () => {
    await world.created();
    await restart(5 * MINUTE);
    expect(await world.resume()).toEqual([]);
    await world.clock.advance(4 * MINUTE);
    expect(lists()).toEqual([]);
    await world.clock.advance(4 * MINUTE);
    expect(lists()).toEqual(['resync']);
  });

  test('cost nothing when they are reconciled for another reason', async () => {
    await world.created();
    await restart();
    await world.resume();
    world.edit(({ metadata }) => Object.assign(metadata, { labels: { a: 'b' } }));
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);
    expect(world.cluster.writes).toEqual([]);
  });

  test('have their resources read once a refresh period is over', async () => {
    await world.created();
    await restart();
    await world.resume();
    await world.clock.advance(59 * MINUTE);
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);
    await world.clock.advance(14 * MINUTE);
    await world.reconcile();
    expect(world.heat.takeCalls()).toContain('resources');
  });

  test('follow a change of their spec', async () => {
    await world.created();
    await restart();
    await world.resume();
    world.applyParameter('large');
    await world.reconcile();
    expect(world.heat.takeCalls()).toContain('update');
  });

  test('follow a change of their Secret, also one that comes right after the start', async () => {
    await world.created();
    await restart();
    await world.resume();
    world.writeCredentials(CLOUDS_YAML.replace('username: demo', 'username: other'));
    await world.reconcile();
    expect(world.logins).toBe(2);
    expect(world.heat.takeCalls()).toEqual(['get']);
    expect(world.eventReasons).toEqual(['CredentialsRotated']);
  });

  test('are deleted as ever', async () => {
    await world.created();
    await restart();
    await world.resume();
    world.delete();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['get', 'delete']);
  });

  test('that only observe a stack are among them', async () => {
    const stack = world.heat.add({ name: 'legacy' });
    world.apply({ managementPolicy: 'unmanaged', import: { id: stack.id, takeOwnership: false } });
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    await restart();
    expect(await world.resume()).toEqual([]);
    await world.clock.advance(2000);
    expect(lists()).toEqual(['resync']);
    expect(world.news).toEqual([]);
  });
});

describe('what happened while the operator was down', () => {
  test('is found by the list: an update, a deletion, another owner', async () => {
    await world.created();
    const keys: string[] = [];
    for (const name of ['updated', 'deleted', 'taken', 'same']) keys.push(await createdAs(NAMESPACE, name));
    Object.assign(world.heat.stack('team-updated'), {
      status: 'UPDATE_COMPLETE',
      updatedAt: '2026-01-01T01:00:00Z',
    });
    Object.assign(world.heat.stack('team-deleted'), { status: 'DELETE_COMPLETE', deletedAt: 'now' });
    world.heat.stack('team-taken').attributes.tags = [
      'heatstack.dev/cluster=cluster-1',
      'heatstack.dev/object=team/other',
    ];
    await restart();
    expect(await world.resume()).toEqual([]);
    await world.clock.advance(2000);
    expect(world.news.toSorted()).toEqual(keys.slice(0, 3).toSorted());
    await reconcile('team/deleted');
    expect(world.heat.takeCalls()).toContain('create');
  });

  test.each<[string, (object: HeatStack) => void]>([
    ['the spec changed', ({ metadata }) => Object.assign(metadata, { generation: 7 })],
    ['it is being deleted', ({ metadata }) => Object.assign(metadata, { deletionTimestamp: 'now' })],
    ['it was suspended', ({ spec }) => Object.assign(spec, { suspend: true })],
    ['it lost its finalizer', ({ metadata }) => Object.assign(metadata, { finalizers: [] })],
    ...(['requestedAt', 'forceAt', 'resetAt', 'action'] as const).map(
      (name): [string, (object: HeatStack) => void] => [
        `the annotation ${name} asks for something`,
        ({ metadata }) => Object.assign(metadata, { annotations: { [ANNOTATIONS[name]]: 'check@1' } }),
      ],
    ),
    [
      'somebody wrote to its status',
      ({ metadata }) =>
        Object.assign(metadata, {
          managedFields: [{ manager: 'kubectl', subresource: 'status', time: '2026-01-01T01:00:00Z' }],
        }),
    ],
    ['it is not Ready', ({ status }) => Object.assign(status.conditions?.[0] ?? {}, { status: 'False' })],
    [
      'another version made its digest',
      ({ status }) => Object.assign(status, { appliedDigest: 'h9:1', attemptedDigest: 'h9:1' }),
    ],
    ['an update was begun', ({ status }) => Object.assign(status, { attemptedDigest: 'h2:1' })],
    ['its proof is not ours', ({ status }) => Object.assign(status, { ownership: 'h1:00' })],
    ['its id is another', ({ status }) => Object.assign(status, { id: 'of another stack' })],
    [
      'it uses the outputs of another',
      ({ spec }) =>
        Object.assign(spec, {
          parameterValues: [{ name: 'a', valueFrom: { heatStackOutputRef: { name: 'b', output: 'c' } } }],
        }),
    ],
    [
      'it reads a ConfigMap',
      ({ spec }) => Object.assign(spec, { parametersFrom: [{ configMapRef: { name: 'a' } }] }),
    ],
    ['it writes outputs', ({ spec }) => Object.assign(spec, { outputs: { secretName: 'a' } })],
    ['it has no resync', ({ spec }) => Object.assign(spec, { resyncPeriod: '0s' })],
  ])('is for a reconcile when %s', async (_, change) => {
    await world.created();
    world.edit(change);
    await restart();
    expect(await world.resume()).toEqual([KEY]);
    await world.clock.advance(2000);
    expect(world.heat.calls).toEqual([]);
  });

  test.each<[string, () => void]>([
    ['the Secret is gone', () => world.cluster.delete('Secret', NAMESPACE, 'creds')],
    ['the Secret has no such cloud', () => world.writeCredentials('clouds: {}')],
    ['nobody may sign in', () => world.loginErrors.push(createError('Unauthorized', 'no', { status: 401 }))],
    [
      'the credentials lead to another project',
      () => {
        world.cloud = { ...world.cloud, projectID: 'p2' };
      },
    ],
    [
      'the catalog has no Heat',
      () => {
        world.hasHeat = false;
      },
    ],
  ])('is for each to say when %s', async (_, change) => {
    await world.created();
    await createdAs(NAMESPACE, 'other');
    await restart();
    change();
    expect((await world.resume()).toSorted()).toEqual(['team/other', KEY]);
    expect(world.sessions.size).toBe(0);
    expect(world.heat.calls).toEqual([]);
    expect(world.cluster.writes).toEqual([]);
  });

  test('is for each to find out when the key of the proofs is another', async () => {
    await world.created();
    world.digester = new Digester(Buffer.alloc(32, 8));
    await restart();
    expect(await world.resume()).toEqual([KEY]);
  });

  test('is not read from a status that an older look wrote once the object was reconciled', async () => {
    await world.created();
    await restart();
    await world.reconcile();
    const { requests } = world.cluster;
    requests.length = 0;
    expect(await world.resume()).toEqual([]);
    expect(world.reconciler.knows(KEY)).toBe(true);
  });
});

test('an object that is reconciled at a start joins the list without a look of its own', async () => {
  world.writeData('ConfigMap', 'params', { size: '1' });
  await world.created({ parametersFrom: [{ configMapRef: { name: 'params' } }] });
  await restart();
  expect(await world.resume()).toEqual([KEY]);
  await world.reconcile();
  expect(world.heat.calls).toEqual([]);
  await world.clock.advance(2000);
  expect(lists()).toEqual(['resync']);
  world.heat.stack().status = 'CHECK_COMPLETE';
  await world.clock.advance(13 * MINUTE);
  expect(world.news).toEqual([KEY]);
  await world.reconcile();
  expect(world.heat.takeCalls()).toContain('get');
});

test('tenants never share a login or a list, though their clouds.yaml are the same', async () => {
  await world.created();
  const { data } = world.cluster.get('Secret', NAMESPACE, 'creds') as unknown as { data: object };
  world.cluster.apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'creds', namespace: 'rivals' },
    ...{ data },
  });
  await createdAs('rivals', NAME);
  await restart();
  expect(await world.resume()).toEqual([]);
  expect(world.logins).toBe(2);
  expect(world.sessions.size).toBe(2);
  await world.clock.advance(2000);
  expect(lists()).toEqual(['resync', 'resync']);
});

test('of one namespace, all logins are taken up, however many there are', async () => {
  await world.created();
  const { data } = world.cluster.get('Secret', NAMESPACE, 'creds') as unknown as { data: object };
  for (let i = 0; i < MANY; i += 1) {
    const name = `creds-${i}`;
    world.cluster.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace: NAMESPACE },
      ...{ data },
    });
    await createdAs(NAMESPACE, `s${i}`, name);
  }
  await restart();
  expect(await world.resume()).toEqual([]);
  expect(world.logins).toBe(MANY + 1);
});
