import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { parse } from 'yaml';
import { ARGOCD, FLUX } from './paths.ts';
import { askOf } from './run.ts';

const { flux } = inject('programs');

/** What the expressions should make of Argo CD's test data, which are objects of a real operator. */
const VERDICTS: Record<string, string[]> = {
  Current: ['healthy', 'healthy-drifted', 'unmanaged', 'degraded-resource', 'suspended', 'suspended-changed'],
  Failed: ['degraded', 'degraded-deletion', 'replacement-blocked', 'stack-suspended', 'approval-required'],
  InProgress: [
    ...['new', 'pending-generation', 'creating', 'updating', 'deleting'],
    ...['retrying', 'waiting-for-credentials'],
  ],
};

describe('the health check expressions', () => {
  test('say of each object what it is', async () => {
    const names = readdirSync(join(ARGOCD, 'testdata')).map((file) => file.replace(/\.yaml$/, ''));
    const objects = names.map((name): unknown =>
      parse(readFileSync(join(ARGOCD, 'testdata', `${name}.yaml`), 'utf8')),
    );
    const verdicts = await askOf(flux, [join(FLUX, 'kustomizations.yaml')], objects);
    const told = Object.fromEntries(names.map((name, index) => [name, verdicts[index]]));
    const wanted = Object.entries(VERDICTS).flatMap(([verdict, which]) =>
      which.map((name) => [name, verdict]),
    );
    expect(told).toEqual(Object.fromEntries(wanted));
  });

  test('are never wrong about what they have not seen yet', async () => {
    const object = { apiVersion: 'heatstack.dev/v1alpha1', kind: 'HeatStack', metadata: { generation: 1 } };
    const conditions = [{ type: 'Ready', status: 'True', reason: 'Succeeded' }];
    const statuses = [{}, { observedGeneration: 1 }, { observedGeneration: 0, conditions }];
    const objects = statuses.map((status) => ({ ...object, status }));
    const verdicts = await askOf(flux, [join(FLUX, 'kustomizations.yaml')], objects);
    expect(verdicts).toEqual(['InProgress', 'InProgress', 'InProgress']);
  });
});
