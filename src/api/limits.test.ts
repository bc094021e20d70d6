import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { MAX_MESSAGE_LENGTH } from './conditions.ts';
import { STATUS_LIMITS as limits } from './limits.ts';

interface Schema {
  type?: string;
  format?: string;
  enum?: string[];
  maxLength?: number;
  maxItems?: number;
  maxProperties?: number;
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema;
  description?: string;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-list-type'?: string;
}

const text = readFileSync(new URL('../../crds/heatstack.dev_heatstacks.yaml', import.meta.url), 'utf8');
const root: Schema = parse(text).spec.versions[0].schema.openAPIV3Schema;

/** Every node of the CRD by its path, such as `status.conditions[].type`. */
function* nodes(schema: Schema, path = ''): Generator<[path: string, node: Schema]> {
  yield [path, schema];
  const under = (name: string) => (path === '' ? name : `${path}.${name}`);
  for (const [name, child] of Object.entries(schema.properties ?? {})) yield* nodes(child, under(name));
  if (schema.items) yield* nodes(schema.items, `${path}[]`);
  if (schema.additionalProperties) yield* nodes(schema.additionalProperties, under('*'));
}

const all = new Map(nodes(root));
const longest = (path: string) => all.get(path)?.maxLength ?? all.get(path)?.maxItems;

describe('limits of the status are those of the CRD', () => {
  test.each([
    ['status.outputs', limits.outputs],
    ['status.outputs[].name', limits.name],
    ['status.outputs[].description', limits.text],
    ['status.outputs[].error', limits.text],
    ['status.resources', limits.resources],
    ['status.resources[].name', limits.name],
    ['status.resources[].type', limits.type],
    ['status.resources[].physicalResourceID', limits.physicalResourceID],
    ['status.resources[].status', limits.state],
    ['status.resources[].statusReason', limits.text],
    ['status.resources[].requiredBy', limits.requiredBy],
    ['status.resources[].requiredBy[]', limits.name],
    ['status.resources[].updatedAt', limits.time],
    ['status.resources[].path', limits.path],
    ['status.failures', limits.failures],
    ['status.history', limits.history],
    ['status.failures[].path', limits.path],
    ['status.failures[].type', limits.type],
    ['status.failures[].physicalResourceID', limits.physicalResourceID],
    ['status.failures[].reason', limits.text],
    ['status.plan.added', limits.plannedChanges],
    ['status.plan.updated', limits.plannedChanges],
    ['status.plan.replaced', limits.plannedChanges],
    ['status.plan.deleted', limits.plannedChanges],
    ['status.plan.deleted[].path', limits.path],
    ['status.plan.deleted[].type', limits.type],
    ['status.id', limits.id],
    ['status.stackName', limits.name],
    ['status.cloud.authURL', limits.url],
    ['status.cloud.endpoint', limits.url],
    ['status.cloud.region', limits.name],
    ['status.cloud.projectID', limits.id],
    ['status.cloud.projectName', limits.name],
    ['status.ownership', limits.digest],
    ['status.stackStatus', limits.state],
    ['status.stackStatusReason', limits.text],
    ['status.createdAt', limits.time],
    ['status.updatedAt', limits.time],
    ['status.outputsDigest', limits.digest],
    ['status.appliedDigest', limits.digest],
    ['status.attemptedDigest', limits.digest],
    ['status.attemptedSince', limits.time],
    ['status.lastHandledReconcileAt', limits.handled],
    ['status.lastHandledForceAt', limits.handled],
    ['status.lastHandledResetAt', limits.handled],
  ])('%s', (path, limit) => {
    expect(longest(path)).toBe(limit);
  });

  test('a message fits', () => {
    expect(longest('status.conditions[].message')).toBeGreaterThanOrEqual(MAX_MESSAGE_LENGTH);
  });
});

describe('the CRD', () => {
  const free = (node: Schema) => node['x-kubernetes-preserve-unknown-fields'] === true;

  test('describes every field', () => {
    const silent = [...all].filter(
      ([path, node]) => node.description === undefined && path !== 'metadata' && !/(\[\]|\*)$/.test(path),
    );
    expect(silent.map(([path]) => path)).toEqual([]);
  });

  test('bounds every text, list and map', () => {
    const unbounded = [...all].filter(
      ([path, { type, ...node }]) =>
        (type === 'string' &&
          !node.enum &&
          node.format !== 'date-time' &&
          !node.maxLength &&
          path.includes('.')) ||
        (type === 'array' && !node.maxItems) ||
        (node.additionalProperties && !node.maxProperties),
    );
    expect(unbounded.map(([path]) => path)).toEqual([]);
    expect(all.get('spec.parameters')?.maxProperties).toBe(1000);
  });

  test('has free-form parts where users write free form, and nowhere else', () => {
    expect([...all].filter(([, node]) => free(node)).map(([path]) => path)).toEqual([
      'spec.template.object',
      'spec.environments[].object',
      'spec.parameters',
      'status.outputs[].value',
    ]);
  });

  test('merges no list but the conditions by key: 2,000 resources as a map cost twice the work', () => {
    const types = [...all].filter(([, { type }]) => type === 'array');
    expect(
      types.filter(([, node]) => node['x-kubernetes-list-type'] !== 'atomic').map(([path]) => path),
    ).toEqual(['status.conditions']);
  });

  test('is small enough for client-side apply, which keeps a copy in an annotation', () => {
    expect(Buffer.byteLength(text)).toBeLessThan(256 * 1024);
  });
});
