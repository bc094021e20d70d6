import { expect, test } from 'vitest';
import type { HeatStackSpec } from '../api/heat-stack.ts';
import { type CachedStack, ReferenceIndex, referenceKey, referencesOf, sourcesOf } from './references.ts';

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

function stack(references: string[]): CachedStack {
  const metadata = { name: 'a', namespace: 'team', uid: 'u', resourceVersion: '1' };
  return { apiVersion: 'heatstack.dev/v1alpha1', kind: 'HeatStack', metadata, references };
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
