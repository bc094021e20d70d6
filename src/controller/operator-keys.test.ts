import { beforeEach, describe, expect, test } from 'vitest';
import type { HeatStack } from '../api/heat-stack.ts';
import { KubeError, type KubeObject } from '../kube/index.ts';
import { memoryLogger } from '../kube/testing/memory-logger.ts';
import { DIGEST_KEY_SECRET, loadDigestKey, readClusterID } from './operator-keys.ts';
import { FakeCluster } from './testing/fake-cluster.ts';

const OPERATOR = 'heatstack-system';
const KEY = Buffer.alloc(32, 7);
const { signal } = new AbortController();

let cluster: FakeCluster;
let log: ReturnType<typeof memoryLogger>;

beforeEach(() => {
  cluster = new FakeCluster();
  log = memoryLogger();
});

const load = (watched: string[] = []) =>
  loadDigestKey(cluster.client, { namespace: OPERATOR, watched, logger: log.logger }, signal);

function applySecret(key: Buffer): void {
  cluster.apply<KubeObject & { data: Record<string, string> }>({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: DIGEST_KEY_SECRET, namespace: OPERATOR },
    data: { key: key.toString('base64') },
  });
}

/** A HeatStack, with or without the proof that a key made. */
function applyStack(namespace: string, name: string, ownership?: string): void {
  cluster.apply<HeatStack>({
    apiVersion: 'heatstack.dev/v1alpha1',
    kind: 'HeatStack',
    metadata: { name, namespace },
    spec: { template: { inline: 'x' } } as HeatStack['spec'],
    status: { observedGeneration: 1, ...(ownership === undefined ? {} : { ownership }) },
  });
}

describe('the key of the digests', () => {
  test('is made at the first start, random, and is the same ever after', async () => {
    applyStack('team', 'new');
    const key = await load();
    expect(key).toHaveLength(32);
    expect(key.every((byte) => byte === 0)).toBe(false);
    expect(await load()).toEqual(key);
    expect(cluster.writes).toEqual([`POST /api/v1/namespaces/${OPERATOR}/secrets`]);
    expect(cluster.get('Secret', OPERATOR, DIGEST_KEY_SECRET)?.metadata.labels).toEqual({
      'app.kubernetes.io/managed-by': 'heatstack-operator',
    });
    expect(
      await loadDigestKey(
        new FakeCluster().client,
        { namespace: OPERATOR, watched: [], logger: log.logger },
        signal,
      ),
    ).not.toEqual(key);
    expect(log.text()).toBe('');
  });

  test('that is there is taken, whatever HeatStacks there are', async () => {
    applySecret(KEY);
    applyStack('team', 'web', 'h1:proof');
    expect(await load()).toEqual(KEY);
    expect(cluster.requests).toHaveLength(1);
  });

  test.each<[string, string[]]>([
    ['all namespaces are watched', []],
    ['some namespaces are watched', ['other', 'team']],
  ])('that is lost is made anew, and a warning says what that means (%s)', async (_, watched) => {
    applyStack('team', 'new');
    applyStack('team', 'web', 'h1:proof');
    expect(await load(watched)).toHaveLength(32);
    expect(cluster.writes).toEqual([`POST /api/v1/namespaces/${OPERATOR}/secrets`]);
    expect(log.text()).toContain(`Secret ${OPERATOR}/${DIGEST_KEY_SECRET} is missing, though HeatStacks`);
    expect(log.text()).toContain('"heatStack":"team/web"');
    expect(log.text()).toContain('point --operator-namespace to it');
  });

  test('is not missed when only namespaces have HeatStacks that are not watched', async () => {
    applyStack('team', 'web', 'h1:proof');
    expect(await load(['other'])).toHaveLength(32);
    expect(log.text()).toBe('');
  });

  test('is made though one of the namespaces may not be looked into', async () => {
    applyStack('team', 'web', 'h1:proof');
    cluster.before = ({ path }) => {
      if (path.includes('/namespaces/gone/')) throw new KubeError('Forbidden', 'no right', { status: 403 });
    };
    expect(await load(['gone', 'team'])).toHaveLength(32);
    expect(log.text()).toContain('"heatStack":"team/web"');
  });

  test('is the one of another operator that was quicker', async () => {
    cluster.before = ({ method }) => {
      if (method === 'POST') applySecret(KEY);
    };
    expect(await load()).toEqual(KEY);
  });

  test('that is too short is refused, and its Secret is left alone', async () => {
    applySecret(Buffer.alloc(31, 7));
    await expect(load()).rejects.toThrow(/has no usable "key" \(32 random bytes\); restore it from a backup/);
    expect(cluster.writes).toEqual([]);
  });
});

test('the id of the cluster is the uid of kube-system', async () => {
  const { metadata } = cluster.apply<KubeObject>({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'kube-system' },
  });
  expect(await readClusterID(cluster.client, signal)).toBe(metadata.uid);
  await expect(readClusterID(new FakeCluster().client, signal)).rejects.toThrow('--cluster-id');
});
