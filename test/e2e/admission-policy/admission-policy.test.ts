import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CONFIG_MAPS, SECRETS } from '../../../src/kube/index.ts';
import { Release } from '../../support/release.ts';
import { eventually, RANDOM_STRING, read, scenario } from '../../support/scenario.ts';

const s = scenario('admission-policy');
const own = `${s.namespace}-own`;
const release = new Release(s.bed, { name: s.namespace, namespace: own });
const KEY = 'heatstack-operator-digest-key';

// What the policy says.
const NOT_CONTROLLED = 'creates only objects that a HeatStack controls, and its own Secret';
const NOT_OURS = 'changes and deletes only objects that a HeatStack controls';
const ANOTHER_OWNER = "doesn't take an object from the HeatStack that controls it";
const NOT_OPAQUE = 'writes only Secrets of type Opaque';

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; annotations?: object; ownerReferences?: object[] };
  type?: string;
}

/** The reference to a HeatStack that the operator puts on what it writes. */
const HEAT_STACK = {
  apiVersion: 'heatstack.dev/v1alpha1',
  kind: 'HeatStack',
  name: 'web',
  uid: randomUUID(),
  controller: true,
};

const object = (kind: string, metadata: Manifest['metadata'], rest: object = {}): Manifest => ({
  apiVersion: 'v1',
  kind,
  metadata,
  ...rest,
});
const owned = (kind: string, name: string, change: object = {}, rest: object = {}): Manifest =>
  object(kind, { name, ownerReferences: [{ ...HEAT_STACK, ...change }] }, rest);

let kubeconfig: string;

/** Runs kubectl with the ServiceAccount's own token; how it was refused, or its stdout. */
async function asOperator(args: string[], manifest?: Manifest): Promise<string> {
  const file = manifest ? ['-f', '-'] : [];
  const stdin = manifest && { stdin: JSON.stringify(manifest) };
  return s.kubectl(['--kubeconfig', kubeconfig, ...args, ...file], stdin).catch(String);
}

/** Creates an object as another user does. */
async function given(manifest: Manifest): Promise<void> {
  await s.kubectl(['create', '-f', '-'], { stdin: JSON.stringify(manifest) });
}

beforeAll(async () => {
  await s.createNamespace(own);
  await release.install({ crds: { install: false }, allowedEndpoints: ['127.0.0.1'] });
  kubeconfig = await release.writeKubeconfig(mkdtempSync(join(dirname(s.bed.kubeconfig), 'operator-')));
  // More than the chart gives, so that nothing here is refused for want of a right.
  for (const namespace of [s.namespace, own]) {
    const role = ['--clusterrole=cluster-admin', `--serviceaccount=${own}:${release.fullname}`];
    const binding = ['create', 'rolebinding', 'all', `--namespace=${namespace}`, ...role];
    await s.kubectl(binding, { namespaced: false });
  }
  // The API server takes a new role and a new policy into account a moment later.
  for (const namespace of [s.namespace, own]) {
    const probe = object('Secret', { name: 'probe', namespace }, { type: 'example.com/other' });
    let answer = '';
    await eventually(
      async () => {
        answer = await asOperator(['create', '--dry-run=server', `--namespace=${namespace}`], probe);
        return answer.includes(`'${release.fullname}' denied request`);
      },
      () => `the policy doesn't hold: ${answer}`,
    );
  }
}, 60_000);

afterAll(async () => {
  // Not all of it is in the namespace.
  await release.uninstall();
}, 60_000);

describe('create', () => {
  const impostor = { type: 'kubernetes.io/service-account-token' };
  const annotations = { 'kubernetes.io/service-account.name': 'default' };
  it.each([
    [
      "another ServiceAccount's token",
      object('Secret', { name: 'token', annotations, ownerReferences: [HEAT_STACK] }, impostor),
      NOT_OPAQUE,
    ],
    [
      "another ServiceAccount's token by the name of its key",
      object('Secret', { name: KEY, namespace: own, annotations }, impostor),
      NOT_OPAQUE,
    ],
    ['a Secret without owner', object('Secret', { name: 'a' }), NOT_CONTROLLED],
    ['a ConfigMap without owner', object('ConfigMap', { name: 'a' }), NOT_CONTROLLED],
    [
      'an object of which a HeatStack is no controller',
      owned('Secret', 'a', { controller: false }),
      NOT_CONTROLLED,
    ],
    ['an object of another kind', owned('ConfigMap', 'a', { kind: 'HeatStackSet' }), NOT_CONTROLLED],
    [
      'an object of another API group',
      owned('Secret', 'a', { apiVersion: 'heatstack.dev.example.com/v1' }),
      NOT_CONTROLLED,
    ],
    ['a Secret in its own namespace', object('Secret', { name: 'a', namespace: own }), NOT_CONTROLLED],
    ['a Secret like its key elsewhere', object('Secret', { name: KEY }), NOT_CONTROLLED],
    ['a ConfigMap like its key', object('ConfigMap', { name: KEY, namespace: own }), NOT_CONTROLLED],
  ])('refuses %s', async (_, manifest, why) => {
    const { namespace = s.namespace } = manifest.metadata;
    const create = ['create', '--dry-run=server', `--namespace=${namespace}`];
    const answer = await asOperator(create, manifest);
    expect(answer).toContain(why);
    // As RBAC refuses, so that the operator tries on.
    expect(answer).toContain('(Forbidden)');
  });

  it.each(['Secret', 'ConfigMap'])('takes a %s that a HeatStack controls', async (kind) => {
    expect(await asOperator(['create'], owned(kind, 'made'))).toContain('/made created');
  });

  it('takes its key', async () => {
    const key = object('Secret', { name: KEY, namespace: own });
    const create = ['create', '--dry-run=server', `--namespace=${own}`];
    expect(await asOperator(create, key)).toContain(`secret/${KEY} created`);
  });
});

describe.each(['Secret', 'ConfigMap'])("%s of somebody else's", (kind) => {
  const name = 'foreign';
  beforeAll(() => given(object(kind, { name })));

  it.each([
    ['patched', ['patch', kind, name, '--type=merge', '--patch={"data":{"a":"YQ=="}}']],
    ['labelled', ['label', kind, name, 'a=b']],
    [
      'taken as its own',
      [
        'patch',
        kind,
        name,
        '--type=merge',
        `--patch=${JSON.stringify({ metadata: { ownerReferences: [HEAT_STACK] } })}`,
      ],
    ],
    ['deleted', ['delete', kind, name]],
    [
      'deleted with its collection',
      [
        'delete',
        '--raw',
        `/api/v1/namespaces/${s.namespace}/${kind.toLowerCase()}s?fieldSelector=metadata.name%3D${name}`,
      ],
    ],
  ])("isn't %s", async (_, args) => {
    expect(await asOperator(args)).toContain(NOT_OURS);
  });

  it("isn't replaced", async () => {
    expect(await asOperator(['replace'], owned(kind, name))).toContain(NOT_OURS);
  });
});

it("doesn't change or delete its key", async () => {
  const where = `--namespace=${own}`;
  await s.kubectl(['create', 'secret', 'generic', KEY, where], { namespaced: false });
  onTestFinished(async () => {
    await s.kubectl(['delete', 'secret', KEY, where, '--ignore-not-found'], { namespaced: false });
  });
  expect(await asOperator(['label', where, 'secret', KEY, 'a=b'])).toContain(NOT_OURS);
  expect(await asOperator(['delete', where, 'secret', KEY])).toContain(NOT_OURS);
});

describe.each(['Secret', 'ConfigMap'])('%s that a HeatStack controls', (kind) => {
  const name = 'ours';
  const patch = (metadata: object, rest: object = {}) => [
    'patch',
    kind,
    name,
    '--type=merge',
    `--patch=${JSON.stringify({ metadata, ...rest })}`,
  ];
  beforeAll(() => given(owned(kind, name)));

  it.each([
    ["doesn't lose it", []],
    ["isn't given to another HeatStack", [{ ...HEAT_STACK, uid: randomUUID() }]],
    ["isn't given to another kind", [{ ...HEAT_STACK, kind: 'Service' }]],
    ['keeps it as controller', [{ ...HEAT_STACK, controller: false }]],
  ])('%s', async (_, ownerReferences) => {
    expect(await asOperator(patch({ ownerReferences }))).toContain(ANOTHER_OWNER);
  });

  it('is changed, also with an owner besides, and deleted', async () => {
    const another = { ...HEAT_STACK, kind: 'Service', uid: randomUUID(), controller: false };
    await s.kubectl(patch({ ownerReferences: [another, HEAT_STACK] }));
    expect(await asOperator(patch({ labels: { a: 'b' } }, { data: { a: 'YQ==' } }))).toContain('patched');
    expect(await asOperator(['delete', kind, name])).toContain('deleted');
  });
});

it('changes no Secret of another type, but deletes it', async () => {
  await given(owned('Secret', 'typed', {}, { type: 'example.com/other' }));
  expect(await asOperator(['label', 'secret', 'typed', 'a=b'])).toContain(NOT_OPAQUE);
  expect(await asOperator(['delete', 'secret', 'typed'])).toContain('deleted');
});

it('lets an operator make its key, and write, change and delete outputs', async () => {
  const name = s.namespace;
  const spec = { template: { inline: RANDOM_STRING } };
  const operator = await s.startOperator([], release);
  await s.apply(name, { ...spec, outputs: { secretName: 'values', configMapName: 'values' } });
  await s.ready(name);
  const before = await read(s, SECRETS, 'values');
  expect(await read(s, CONFIG_MAPS, 'values')).toBeDefined();

  await s.apply(name, { ...spec, outputs: { secretName: 'values', labels: { a: 'b' } } });
  await s.ready(name);
  const { metadata } = (await read(s, SECRETS, 'values')) ?? {};
  expect(metadata).toMatchObject({ uid: before?.metadata.uid, labels: { a: 'b' } });
  expect(await read(s, CONFIG_MAPS, 'values')).toBeUndefined();

  await s.apply(name, { ...spec, outputs: {} });
  await s.ready(name);
  expect(await read(s, SECRETS, 'values')).toBeUndefined();
  await s.delete(name);
  await s.gone(name);
  expect(JSON.stringify(operator.log())).not.toContain('Forbidden');
  await operator.stop();
});
