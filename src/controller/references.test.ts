import { describe, expect, test } from 'vitest';
import type { Condition, HeatStack, HeatStackSpec, HeatStackStatus } from '../api/heat-stack.ts';
import type { Json } from '../json.ts';
import {
  type CachedStack,
  dependenciesOf,
  producersOf,
  ReferenceIndex,
  referenceKey,
  referencesOf,
  sourcesOf,
  toCached,
} from './references.ts';

const spec = (template: HeatStackSpec['template']) =>
  ({ cloudCredentialsRef: { secretName: 'creds', cloudName: 'prod' }, template }) as HeatStackSpec;

test('the credentials and the source of the template are referred to', () => {
  expect(referencesOf(spec({ inline: 'x' }), 'team')).toEqual(['Secret/team/creds']);
  expect(referencesOf(spec({ object: {} }), 'team')).toEqual(['Secret/team/creds']);
  expect(referencesOf(spec({ configMapKeyRef: { name: 't', key: 'k' } }), 'team')).toEqual([
    'Secret/team/creds',
    'ConfigMap/team/t',
  ]);
  expect(referencesOf(spec({ secretKeyRef: { name: 't', key: 'k' } }), 'team')).toEqual([
    'Secret/team/creds',
    'Secret/team/t',
  ]);
});

test('objects for outputs are referred to as well, but not read', () => {
  const outputs = { secretName: 'out', configMapName: 'public' };
  const both = { ...spec({ secretKeyRef: { name: 't', key: 'k' } }), outputs };
  expect(referencesOf(both, 'team')).toEqual([
    'Secret/team/creds',
    'Secret/team/t',
    'Secret/team/out',
    'ConfigMap/team/public',
  ]);
  expect(sourcesOf(both, 'team')).toEqual(['Secret/team/creds', 'Secret/team/t']);
});

test('everything that inputs come from is referred to, once', () => {
  const all: HeatStackSpec = {
    ...spec({ configMapKeyRef: { name: 't', key: 'k' } }),
    filesFrom: [{ configMapRef: { name: 'f' } }, { secretRef: { name: 'f', optional: true } }],
    environments: [
      { inline: '' },
      { configMapKeyRef: { name: 'e', key: 'k' } },
      { secretKeyRef: { name: 'e', key: 'k' } },
    ],
    parametersFrom: [{ configMapRef: { name: 'p' } }, { secretRef: { name: 'p' } }],
    parameterValues: [
      { name: 'a', valueFrom: { configMapKeyRef: { name: 'v', key: 'a' } } },
      { name: 'b', valueFrom: { configMapKeyRef: { name: 'v', key: 'b' } } },
      { name: 'c', valueFrom: { secretKeyRef: { name: 'v', key: 'c' } } },
      { name: 'd', valueFrom: { heatStackOutputRef: { name: 'net', output: 'a' } } },
      { name: 'e', valueFrom: { heatStackOutputRef: { name: 'net', output: 'b' } } },
    ],
    dependsOn: [{ name: 'dns' }, { name: 'net' }],
  };
  const objects = [
    'Secret/team/creds',
    'ConfigMap/team/t',
    'ConfigMap/team/e',
    'Secret/team/e',
    'ConfigMap/team/v',
    'Secret/team/v',
    'ConfigMap/team/f',
    'Secret/team/f',
    'ConfigMap/team/p',
    'Secret/team/p',
  ];
  expect(sourcesOf(all, 'team')).toEqual(objects);
  expect(referencesOf(all, 'team')).toEqual([...objects, 'HeatStack/team/dns', 'HeatStack/team/net']);
  expect(dependenciesOf(all)).toEqual(['dns', 'net']);
  expect(producersOf(all)).toEqual(['net']);
  const observed: HeatStackSpec = { ...all, managementPolicy: 'unmanaged' };
  expect(dependenciesOf(observed)).toEqual([]);
  expect(producersOf(observed)).toEqual([]);
  expect(referencesOf(observed, 'team')).toEqual(objects);
});

describe('what the cache keeps of a HeatStack', () => {
  const ready = (status: Condition['status'], reason: string, observedGeneration = 2): Condition => ({
    type: 'Ready',
    status,
    reason,
    observedGeneration,
    lastTransitionTime: '',
    message: '',
  });
  const object = (status: Partial<HeatStackStatus>, metadata: Partial<HeatStack['metadata']> = {}) =>
    toCached({
      apiVersion: 'heatstack.dev/v1alpha1',
      kind: 'HeatStack',
      metadata: {
        name: 'net',
        namespace: 'team',
        uid: 'u',
        resourceVersion: '1',
        generation: 2,
        ...metadata,
      },
      spec: spec({ inline: 'x' }),
      status: { observedGeneration: 2, ...status },
    });

  test.each<[Partial<HeatStackStatus>, string | undefined]>([
    [{ conditions: [ready('True', 'Succeeded')] }, undefined],
    [{ conditions: [ready('Unknown', 'Progressing')] }, 'is not Ready (Progressing)'],
    [{ conditions: [ready('False', 'CreateFailed')] }, 'is not Ready (CreateFailed)'],
    [{ observedGeneration: 1, conditions: [ready('True', 'Succeeded', 1)] }, 'was not looked at yet'],
    [{ conditions: [ready('True', 'Succeeded', 1)] }, 'was not looked at yet'],
    [{ observedGeneration: -1 }, 'was not looked at yet'],
  ])('tells for %j why others can not build on it', (status, why) => {
    expect(object(status).notReady).toBe(why);
  });

  test('tells that it is being deleted, and nothing of its contents', () => {
    const cached = object(
      { conditions: [ready('True', 'Succeeded')], resources: [{ name: 'r', type: 't', status: 's' }] },
      { deletionTimestamp: '2026-01-01T00:00:00Z', annotations: { a: 'b' } },
    );
    expect(cached).toEqual({
      mine: true,
      stackStatus: 'none',
      conditions: 'Ready=True',
      apiVersion: 'heatstack.dev/v1alpha1',
      kind: 'HeatStack',
      metadata: { name: 'net', namespace: 'team', uid: 'u', resourceVersion: '1', generation: 2 },
      references: ['Secret/team/creds'],
      producers: [],
      dependencies: [],
      deleting: true,
      deletingSince: Date.parse('2026-01-01T00:00:00Z'),
      notReady: 'is being deleted',
      state: 'is being deleted',
    });
  });

  test('takes over what the same spec said before', () => {
    const raw = (uid: string, generation: number): HeatStack => ({
      apiVersion: 'heatstack.dev/v1alpha1',
      kind: 'HeatStack',
      metadata: { name: 'net', namespace: 'team', uid, resourceVersion: '1', generation },
      spec: spec({ inline: 'x' }),
      status: { observedGeneration: 1 },
    });
    const known = { ...toCached(raw('u', 2)), references: ['Secret/team/known'] };
    expect(toCached(raw('u', 2), undefined, known).references).toEqual(['Secret/team/known']);
    for (const [uid, generation] of [
      ['u', 3],
      ['other', 2],
    ] as const)
      expect(toCached(raw(uid, generation), undefined, known).references).toEqual(['Secret/team/creds']);
  });

  test('is another state when outputs or their digest changed, and for nothing else', () => {
    const conditions = [ready('True', 'Succeeded')];
    const outputs = [{ name: 'a', value: 1 }];
    const { state } = object({ conditions, outputs });
    expect(object({ conditions, outputs, lastSyncTime: 'later', resourcesTruncated: true }).state).toBe(
      state,
    );
    expect(object({ conditions, outputs: [{ value: 1, name: 'a' }] }).state).toBe(state);
    const others = [
      object({ conditions, outputs: [{ name: 'a', value: 2 }] }),
      object({ conditions, outputs, outputsDigest: 'h1:other' }),
      object({ conditions: [ready('False', 'UpdateFailed')], outputs }),
    ].map((each) => each.state);
    expect(new Set([state, ...others]).size).toBe(4);
  });

  test('stands a value of any depth', () => {
    let deep: Json = 1;
    for (let depth = 0; depth < 20_000; depth += 1) deep = [deep];
    const outputs = [{ name: 'a', value: deep }];
    expect(object({ conditions: [ready('True', 'Succeeded')], outputs }).state).toBe('');
  });
});

function stack(references: string[]): CachedStack {
  const metadata = { name: 'a', namespace: 'team', uid: 'u', resourceVersion: '1' };
  const nothing = {
    ...{
      mine: true,
      producers: [],
      dependencies: [],
      deleting: false,
      notReady: undefined,
      state: '',
    },
    ...{ stackStatus: 'none', conditions: '' },
  };
  return { apiVersion: 'heatstack.dev/v1alpha1', kind: 'HeatStack', metadata, references, ...nothing };
}

test('the index knows who refers to what, and forgets', () => {
  const index = new ReferenceIndex();
  const creds = referenceKey('Secret', 'team', 'creds');
  const template = referenceKey('ConfigMap', 'team', 't');
  const both = stack([creds, template]);
  const one = stack([creds]);
  index.update({ type: 'added', key: 'team/a', object: both, initial: true });
  index.update({ type: 'added', key: 'team/b', object: one, initial: true });
  expect([...index.usersOf(creds)]).toEqual(['team/a', 'team/b']);
  expect([...index.usersOf(template)]).toEqual(['team/a']);
  expect([...index.usersOf(referenceKey('ConfigMap', 'team', 'creds'))]).toEqual([]);
  expect([...index.usersOf(referenceKey('Secret', 'other', 'creds'))]).toEqual([]);

  index.update({ type: 'updated', key: 'team/a', object: one, old: both, initial: false });
  expect([...index.usersOf(template)]).toEqual([]);
  expect([...index.usersOf(creds)]).toContain('team/a');

  index.update({ type: 'deleted', key: 'team/a', object: one, old: one, initial: false });
  expect([...index.usersOf(creds)]).toEqual(['team/b']);
});

test('a deletion that only a new list showed is forgotten as well: its event has no former object', () => {
  const index = new ReferenceIndex();
  const object = stack(['Secret/team/x']);
  index.update({ type: 'added', key: 'team/a', object, initial: true });
  index.update({ type: 'deleted', key: 'team/a', object, initial: false });
  expect([...index.usersOf('Secret/team/x')]).toEqual([]);
});

test('the same thing referred to twice is forgotten once nobody does', () => {
  const index = new ReferenceIndex();
  const twice = stack(['Secret/team/x', 'Secret/team/x']);
  const once = stack(['Secret/team/x']);
  index.update({ type: 'added', key: 'team/a', object: twice, initial: true });
  index.update({ type: 'updated', key: 'team/a', object: once, old: twice, initial: false });
  expect([...index.usersOf('Secret/team/x')]).toEqual(['team/a']);
  index.update({ type: 'updated', key: 'team/a', object: stack([]), old: once, initial: false });
  expect([...index.usersOf('Secret/team/x')]).toEqual([]);
});
