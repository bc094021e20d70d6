import { expect, test } from 'vitest';
import { OUTPUTS_OF } from '../api/constants.ts';
import type { KubeObject, OwnerReference } from '../kube/index.ts';
import { type CachedData, WrittenObjects, writtenFor } from './written-objects.ts';

const OWNER: OwnerReference = {
  apiVersion: 'heatstack.dev/v1alpha1',
  kind: 'HeatStack',
  name: 'web',
  uid: 'u1',
  controller: true,
};

function secret(
  owners: OwnerReference[],
  annotations: Record<string, string> = { [OUTPUTS_OF]: 'web' },
): KubeObject {
  const metadata = {
    name: 'a',
    namespace: 'team',
    uid: 's1',
    resourceVersion: '1',
    ownerReferences: owners,
    annotations,
  };
  return { apiVersion: 'v1', kind: 'Secret', metadata };
}

test('an object was written for the HeatStack that controls it, if it carries the annotation', () => {
  expect(writtenFor(secret([{ ...OWNER, uid: 'u0', controller: false }, OWNER]))).toEqual({
    uid: 'u1',
    name: 'web',
  });
  expect(writtenFor(secret([OWNER], {}))).toBeUndefined();
  expect(writtenFor(secret([]))).toBeUndefined();
  expect(writtenFor(secret([{ ...OWNER, controller: false }]))).toBeUndefined();
  expect(writtenFor(secret([{ ...OWNER, kind: 'Deployment' }]))).toBeUndefined();
  expect(writtenFor(secret([{ ...OWNER, apiVersion: 'example.com/v1' }]))).toBeUndefined();
});

test('the index follows the cache', () => {
  const index = new WrittenObjects();
  const of = (uid?: string): CachedData => {
    const { metadata, ...rest } = secret([]);
    return { ...rest, metadata, ...(uid === undefined ? {} : { writtenFor: { uid, name: 'web' } }) };
  };
  const names = (uid: string) => index.writtenFor(uid).map(({ metadata }) => metadata.name);
  const event = { key: 'team/a', initial: false };
  index.update({ ...event, type: 'added', object: of('u1') });
  expect(names('u1')).toEqual(['a']);
  index.update({ ...event, type: 'updated', object: of('u2'), old: of('u1') });
  expect([names('u1'), names('u2')]).toEqual([[], ['a']]);
  index.update({ ...event, type: 'updated', object: of(), old: of('u2') });
  expect(names('u2')).toEqual([]);
  index.update({ ...event, type: 'updated', object: of('u2'), old: of() });
  // A deletion that only a new list showed has no former object.
  index.update({ ...event, type: 'deleted', object: of('u2') });
  expect(names('u2')).toEqual([]);
});
