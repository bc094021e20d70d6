import { mkdtempSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IN_USE_FINALIZER } from '../../../src/api/constants.ts';
import { SECRETS } from '../../../src/kube/index.ts';
import { Release } from '../../support/release.ts';
import { eventually, type Operator, RANDOM_STRING, read, scenario } from '../../support/scenario.ts';

const s = scenario('protect-credentials');
const own = `${s.namespace}-own`;
const release = new Release(s.bed, { name: s.namespace, namespace: own });
const OTHER = 'example.com/other';

let operator: Operator;
let kubeconfig: string;

beforeAll(async () => {
  await s.createNamespace(own);
  const values = { crds: { install: false }, allowedEndpoints: ['127.0.0.1'], protectCredentials: true };
  await release.install(values);
  kubeconfig = await release.writeKubeconfig(mkdtempSync(join(dirname(s.bed.kubeconfig), 'operator-')));
  operator = await s.startOperator([], release);
  // The API server takes a new policy into account a moment later.
  await s.writeSecret('probe', { a: 'b' });
  await eventually(
    async () => (await patch('probe', { metadata: { labels: { a: 'b' } } })).includes('denied request'),
    () => "the policy doesn't hold",
  );
}, 60_000);

afterAll(async () => {
  await release.uninstall();
}, 60_000);

it('keeps a Secret until no HeatStack needs it', async () => {
  const [one, two] = [`${s.namespace}-one`, `${s.namespace}-two`];
  await writeCredentials('shared');
  await writeCredentials('others');
  await apply(one, 'shared');
  await apply(two, 'shared');
  await s.ready(one);
  await s.ready(two);
  await until('shared', [IN_USE_FINALIZER]);
  expect(await finalizersOf('others')).toEqual([]);

  await s.kubectl(['delete', 'secret', 'shared', '--wait=false']);
  await s.delete(one);
  await s.gone(one);
  expect(await finalizersOf('shared')).toEqual([IN_USE_FINALIZER]);
  // The finalizer is no change of the credentials.
  expect((await s.events(two)).map(({ reason }) => reason)).not.toContain('CredentialsRotated');

  // The credentials of another Secret are needed now.
  await apply(two, 'others');
  await until('shared', undefined);
  await until('others', [IN_USE_FINALIZER]);
  await s.delete(two);
  await s.gone(two);
  await until('others', []);
});

it('lets go at a start what is no longer needed', async () => {
  await operator.stop();
  await writeCredentials('left');
  await s.kubectl([
    'patch',
    'secret',
    'left',
    '--type=merge',
    `--patch=${JSON.stringify({ metadata: { finalizers: [OTHER, IN_USE_FINALIZER] } })}`,
  ]);
  operator = await s.startOperator([], release);
  await until('left', [OTHER]);
  await free('left');
});

describe('the policy', () => {
  beforeAll(async () => {
    const finalizers = [OTHER];
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'foreign', finalizers } };
    const manifest = { ...secret, type: 'example.com/other', data: { a: 'YQ==' } };
    await s.kubectl(['create', '-f', '-'], { stdin: JSON.stringify(manifest) });
  });
  const kept = { finalizers: [OTHER, IN_USE_FINALIZER] };
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'a', uid: 'a' };

  it.each([
    ['data', { data: { a: 'Yg==' } }],
    ['data and the finalizer', { metadata: kept, data: { a: 'Yg==' } }],
    ['more data', { metadata: kept, data: { b: 'Yg==' } }],
    ['no data', { metadata: kept, data: null }],
    ['that it is immutable', { metadata: kept, immutable: true }],
    ['labels', { metadata: { ...kept, labels: { a: 'b' } } }],
    ['annotations', { metadata: { ...kept, annotations: { a: 'b' } } }],
    ['owners', { metadata: { ...kept, ownerReferences: [owner] } }],
    ['another finalizer', { metadata: { finalizers: [IN_USE_FINALIZER] } }],
    ['all finalizers', { metadata: { finalizers: null } }],
  ])('lets it not change %s', async (_, change) => {
    expect(await patch('foreign', change)).toContain('changes and deletes only objects that a HeatStack');
  });

  it('lets it add and remove its finalizer', async () => {
    expect(await patch('foreign', { metadata: kept })).toContain('patched');
    expect(await patch('foreign', { metadata: { finalizers: [OTHER] } })).toContain('patched');
    await free('foreign');
  });
});

it('lets a namespace go, with its stacks', async () => {
  const name = `${s.namespace}-last`;
  await apply(name, 'openstack-clouds');
  await s.ready(name);
  await until('openstack-clouds', [IN_USE_FINALIZER]);
  await s.kubectl(['delete', 'namespace', s.namespace, '--wait=false'], { namespaced: false });
  // As the controller of namespaces does, which the test bed has none of: all at once, in no order.
  await s.kubectl(['delete', 'secrets', '--all', '--wait=false']);
  await until('openstack-clouds', [IN_USE_FINALIZER]);
  await s.kubectl(['delete', 'heatstacks', '--all', '--wait=false']);
  await s.gone(name);
  expect(await s.stacksNamed(name)).toEqual([]);
  await until('openstack-clouds', undefined);
});

async function writeCredentials(name: string): Promise<void> {
  await s.writeSecret(name, { 'clouds.yaml': readFileSync(s.bed.clouds, 'utf8') });
}

async function apply(name: string, secretName: string): Promise<void> {
  await s.apply(name, {
    cloudCredentialsRef: { secretName, cloudName: 'demo' },
    template: { inline: RANDOM_STRING },
  });
}

/** Finalizers of a Secret; `undefined` when it is gone. */
async function finalizersOf(name: string): Promise<string[] | undefined> {
  const secret = await read(s, SECRETS, name);
  return secret && (secret.metadata.finalizers ?? []);
}

async function until(name: string, wanted: string[] | undefined): Promise<void> {
  await expect.poll(() => finalizersOf(name), { timeout: 30_000 }).toEqual(wanted);
}

/** Takes all finalizers off a Secret. */
async function free(name: string): Promise<void> {
  await s.kubectl(['patch', 'secret', name, '--type=merge', '--patch={"metadata":{"finalizers":null}}']);
}

/** Patches a Secret with the ServiceAccount's own token; how it was refused, or what kubectl says. */
async function patch(name: string, change: object): Promise<string> {
  const args = [
    'patch',
    'secret',
    name,
    '--type=merge',
    '--dry-run=server',
    '--patch',
    JSON.stringify(change),
  ];
  return s.kubectl(['--kubeconfig', kubeconfig, ...args]).catch(String);
}
