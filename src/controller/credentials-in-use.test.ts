import { beforeEach, describe, expect, test } from 'vitest';
import { HEAT_STACKS, IN_USE_FINALIZER } from '../api/constants.ts';
import type { CacheEvent, KubeObject } from '../kube/index.ts';
import { CredentialsInUse } from './credentials-in-use.ts';
import type { CachedStack } from './references.ts';
import { FakeCluster } from './testing/fake-cluster.ts';

const { signal } = new AbortController();
const KEY = 'team/creds';
const OTHER = 'example.com/other';

let cluster: FakeCluster;
let queued: string[];
let inUse: CredentialsInUse;
/** The HeatStacks as the cache has them. */
let stacks: Map<string, CachedStack>;

beforeEach(() => {
  cluster = new FakeCluster();
  queued = [];
  stacks = new Map();
  inUse = new CredentialsInUse({ client: cluster.client, queue: { add: (key) => queued.push(key) } });
});

/** Writes a Secret, and tells of it. */
function secret(name = 'creds', finalizers: string[] = []): void {
  cluster.apply<KubeObject>({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'team', finalizers },
  });
  tell(name);
}

/** Tells of a Secret as it is now. */
function tell(name = 'creds', type: CacheEvent<KubeObject>['type'] = 'updated'): void {
  const object = cluster.get<KubeObject>('Secret', 'team', name);
  const metadata = object?.metadata ?? { name, namespace: 'team', uid: 'gone', resourceVersion: '0' };
  const flag = metadata.finalizers?.includes(IN_USE_FINALIZER) ? { inUse: true } : {};
  inUse.onSecret({
    type: object ? type : 'deleted',
    key: `team/${name}`,
    object: { apiVersion: 'v1', kind: 'Secret', metadata, ...flag },
    initial: false,
  });
}

/** Tells of a HeatStack; without `credentials` it needs none. */
function stack(name: string, credentials?: string): void {
  const key = `team/${name}`;
  const old = stacks.get(key);
  const object: CachedStack = {
    apiVersion: `${HEAT_STACKS.group}/${HEAT_STACKS.version}`,
    kind: HEAT_STACKS.kind,
    metadata: { name, namespace: 'team', uid: name, resourceVersion: '1' },
    mine: true,
    references: [],
    producers: [],
    dependencies: [],
    deleting: false,
    notReady: undefined,
    state: '',
    stackStatus: 'none',
    conditions: '',
    ...(credentials === undefined ? {} : { credentials }),
  };
  stacks.set(key, object);
  inUse.onStack({ type: old ? 'updated' : 'added', key, object, ...(old ? { old } : {}), initial: false });
}

/** Tells that a HeatStack is gone. */
function gone(name: string): void {
  const key = `team/${name}`;
  const object = stacks.get(key);
  if (!object) throw new Error(`no ${key}`);
  stacks.delete(key);
  inUse.onStack({ type: 'deleted', key, object, initial: false });
}

/** Does what is queued. */
async function work(): Promise<void> {
  for (const key of new Set(queued.splice(0))) await inUse.reconcile(key, { signal });
  for (const { metadata } of cluster.all(['Secret'])) tell(metadata.name);
}

const finalizers = (name = 'creds') => cluster.get('Secret', 'team', name)?.metadata.finalizers;

describe('a Secret', () => {
  test('is kept while a HeatStack needs it, and let go with the last one', async () => {
    secret();
    stack('one', 'creds');
    stack('two', 'creds');
    await work();
    expect(finalizers()).toEqual([IN_USE_FINALIZER]);
    gone('one');
    await work();
    expect(finalizers()).toEqual([IN_USE_FINALIZER]);
    gone('two');
    await work();
    expect(finalizers()).toEqual([]);
  });

  test('is let go when the last HeatStack names another, which is kept then', async () => {
    secret();
    secret('others');
    stack('one', 'creds');
    await work();
    stack('one', 'others');
    await work();
    expect(finalizers()).toEqual([]);
    expect(finalizers('others')).toEqual([IN_USE_FINALIZER]);
  });

  test('is not kept for a HeatStack that has no stack', async () => {
    secret();
    stack('one');
    expect(queued).toEqual([]);
    stack('one', 'creds');
    expect(queued).toEqual([KEY]);
  });

  test('is kept also when it is written after the HeatStack', async () => {
    stack('one', 'creds');
    await work();
    expect(cluster.writes).toEqual([]);
    secret();
    await work();
    expect(finalizers()).toEqual([IN_USE_FINALIZER]);
  });

  test('is let go at a start when nobody needs it any more', async () => {
    secret('creds', [IN_USE_FINALIZER]);
    await work();
    expect(finalizers()).toEqual([]);
  });

  test('keeps what others have set', async () => {
    secret('creds', [OTHER]);
    stack('one', 'creds');
    await work();
    expect(finalizers()).toEqual([OTHER, IN_USE_FINALIZER]);
    gone('one');
    await work();
    expect(finalizers()).toEqual([OTHER]);
  });

  test('that is deleted goes with the last HeatStack', async () => {
    secret();
    stack('one', 'creds');
    await work();
    cluster.delete('Secret', 'team', 'creds');
    tell();
    await work();
    expect(finalizers()).toEqual([IN_USE_FINALIZER]);
    gone('one');
    await work();
    expect(cluster.get('Secret', 'team', 'creds')).toBeUndefined();
  });

  test('that is being deleted takes no finalizer any more', async () => {
    secret('creds', [OTHER]);
    cluster.delete('Secret', 'team', 'creds');
    stack('one', 'creds');
    await work();
    expect(finalizers()).toEqual([OTHER]);
    expect(cluster.writes).toEqual([]);
  });

  test('that is gone is no error', async () => {
    secret('creds', [IN_USE_FINALIZER]);
    cluster.edit('Secret', 'team', 'creds', ({ metadata }) => {
      metadata.finalizers = [];
    });
    cluster.delete('Secret', 'team', 'creds');
    await work();
    expect(cluster.writes).toEqual([]);
  });
});

test('no request is sent when the finalizer is as it should be', async () => {
  secret();
  stack('one', 'creds');
  await work();
  cluster.requests.length = 0;
  tell();
  stack('one', 'creds');
  stack('two', 'creds');
  gone('two');
  expect(queued).toEqual([]);
  await inUse.reconcile(KEY, { signal });
  expect(cluster.requests).toEqual([]);
});

test('a write that somebody else came before is not made', async () => {
  secret();
  stack('one', 'creds');
  cluster.before = ({ method }) => {
    if (method === 'PATCH')
      cluster.edit('Secret', 'team', 'creds', ({ metadata }) => {
        metadata.finalizers = [OTHER];
      });
  };
  await expect(work()).rejects.toMatchObject({ code: 'Conflict' });
  expect(finalizers()).toEqual([OTHER]);
});

test('knows the version that it made itself', async () => {
  const version = () => {
    const { uid, resourceVersion } = cluster.get('Secret', 'team', 'creds')?.metadata ?? {};
    return `${uid}/${resourceVersion}`;
  };
  secret();
  expect(inUse.isOwnVersion(version())).toBe(false);
  stack('one', 'creds');
  await work();
  expect(inUse.isOwnVersion(version())).toBe(true);
  const own = version();
  secret();
  expect(inUse.isOwnVersion(version())).toBe(false);
  expect(inUse.isOwnVersion(own)).toBe(true);
});
