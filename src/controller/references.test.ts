import { expect, test } from 'vitest';
import type { HeatStackSpec } from '../api/heat-stack.ts';
import { ReferenceIndex, referenceKey, referencesOf } from './references.ts';

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

test('the index knows who refers to what, and forgets', () => {
  const index = new ReferenceIndex();
  const creds = referenceKey('Secret', 'team', 'creds');
  const template = referenceKey('ConfigMap', 'team', 't');
  index.update('team/a', [], [creds, template]);
  index.update('team/b', [], [creds]);
  expect([...index.usersOf(creds)]).toEqual(['team/a', 'team/b']);
  expect([...index.usersOf(template)]).toEqual(['team/a']);
  expect([...index.usersOf(referenceKey('ConfigMap', 'team', 'creds'))]).toEqual([]);
  expect([...index.usersOf(referenceKey('Secret', 'other', 'creds'))]).toEqual([]);

  index.update('team/a', [creds, template], [creds]);
  expect([...index.usersOf(template)]).toEqual([]);
  expect([...index.usersOf(creds)]).toContain('team/a');

  index.update('team/a', [creds], []);
  index.update('team/b', [creds], []);
  expect([...index.usersOf(creds)]).toEqual([]);
});

test('the same thing referred to twice is forgotten once nobody does', () => {
  const index = new ReferenceIndex();
  index.update('team/a', [], ['Secret/team/x', 'Secret/team/x']);
  index.update('team/a', ['Secret/team/x', 'Secret/team/x'], ['Secret/team/x']);
  expect([...index.usersOf('Secret/team/x')]).toEqual(['team/a']);
  index.update('team/a', ['Secret/team/x'], []);
  expect([...index.usersOf('Secret/team/x')]).toEqual([]);
});
