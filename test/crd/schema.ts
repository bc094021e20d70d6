/** The HeatStack's schema as data, to tell which of its fields and rules something is said of. */
import { parse } from 'yaml';
import type { Json } from '../../src/json.ts';

/** What is looked at of a node of the schema. */
export interface Schema {
  type?: string;
  enum?: string[];
  default?: unknown;
  properties?: Record<string, Schema>;
  items?: Schema;
  'x-kubernetes-validations'?: { message: string; fieldPath?: string }[];
}

/** The schema of the version that a custom resource definition has. */
export function readSchema(definition: string): Schema {
  const crd = parse(definition) as { spec: { versions: { schema: { openAPIV3Schema: Schema } }[] } };
  const [version, ...others] = crd.spec.versions;
  if (!version || others.length > 0) throw new Error('the CRD has not exactly one version');
  return version.schema.openAPIV3Schema;
}

/** All rules, each with the field that a refusal names: as in `spec.tags[]`. */
export function rulesOf(schema: Schema, path = ''): { field: string; message: string }[] {
  const own = (schema['x-kubernetes-validations'] ?? []).map(({ message, fieldPath = '' }) => ({
    field: `${path}${fieldPath}`.replace(/^\./, ''),
    message,
  }));
  return [...own, ...childrenOf(schema, path).flatMap(([child, at]) => rulesOf(child, at))];
}

/**
 * All fields below a node, as in `spec.tags` and `spec.protect[].operations`; and each word of an enum, as in
 * `spec.approval=manual`.
 */
export function fieldsOf(schema: Schema, path: string): string[] {
  const words = (schema.enum ?? []).map((word) => `${path}=${word}`);
  return [
    ...words,
    ...childrenOf(schema, path).flatMap(([child, at]) => [at, ...fieldsOf(child, at)]),
  ].filter((field) => !field.endsWith('[]'));
}

/** Those of {@link fieldsOf} that have no field below them, without the words that are a field's default. */
export function leavesOf(schema: Schema, path: string): string[] {
  const children = childrenOf(schema, path);
  const words = (schema.enum ?? [])
    .filter((word) => word !== schema.default)
    .map((word) => `${path}=${word}`);
  if (children.length === 0) return path.endsWith('[]') ? words : [path, ...words];
  const leaves = children.flatMap(([child, at]) => leavesOf(child, at));
  // A list of texts is one leaf, whatever may be in it.
  return schema.items && !schema.items.properties ? [path, ...leaves] : leaves;
}

/** The same for a value: what is in it. */
export function pathsIn(value: Json, path: string): string[] {
  if (typeof value === 'string') return [path, `${path}=${value}`];
  if (Array.isArray(value)) return [path, ...value.flatMap((item) => pathsIn(item, `${path}[]`))];
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, member]) => pathsIn(member, `${path}.${name}`))];
}

function childrenOf({ properties = {}, items }: Schema, path: string): [Schema, string][] {
  const members = Object.entries(properties).map(([name, child]): [Schema, string] => [
    child,
    path === '' ? name : `${path}.${name}`,
  ]);
  return items ? [...members, [items, `${path}[]`]] : members;
}
