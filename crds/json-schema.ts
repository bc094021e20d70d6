import type { JsonObject } from '../src/json.ts';

/** A node of a CRD's schema (an OpenAPI dialect), as far as JSON Schema has a word for it. */
export interface OpenApiNode {
  description?: string;
  type?: string;
  format?: string;
  properties?: Record<string, OpenApiNode>;
  additionalProperties?: OpenApiNode;
  items?: OpenApiNode;
  required?: string[];
  'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** What JSON Schema calls the same, and means the same by. */
const SHARED = [
  ...['type', 'enum', 'default', 'pattern', 'minimum', 'maximum'],
  ...['minLength', 'maxLength', 'minItems', 'maxItems', 'uniqueItems', 'minProperties', 'maxProperties'],
] as const;

/** Which resource a schema is for. */
export interface Resource {
  group: string;
  version: string;
  kind: string;
}

/**
 * The JSON Schema (draft 7) of a custom resource, for editors and for kubeconform. It says what a manifest may hold,
 * so a field with a default may be left out. CEL rules have no equal in JSON Schema and are left to the API server.
 *
 * @param strict whether a field that the CRD doesn't have is wrong; the API server drops it, or refuses it if asked to
 */
export function jsonSchemaOf(
  root: OpenApiNode,
  { group, version, kind }: Resource,
  strict: boolean,
): JsonObject {
  const { properties = {}, ...rest } = nodeOf(root, strict);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: kind,
    ...rest,
    required: ['apiVersion', 'kind', 'metadata', ...(root.required ?? [])],
    properties: {
      ...(properties as JsonObject),
      apiVersion: { description: 'Group and version.', type: 'string', enum: [`${group}/${version}`] },
      kind: { description: 'The kind.', type: 'string', enum: [kind] },
    },
  };
}

function nodeOf(node: OpenApiNode, strict: boolean): JsonObject {
  const { description, format, properties, additionalProperties, items, required } = node;
  const isOpen = node['x-kubernetes-preserve-unknown-fields'] === true || properties === undefined;
  return {
    ...(description !== undefined && { description }),
    ...pick(node),
    // Others, such as int32, are Kubernetes' own.
    ...(format === 'date-time' && { format }),
    ...(required && { required }),
    ...(properties && { properties: mapValues(properties, (child) => nodeOf(child, strict)) }),
    ...(items && { items: nodeOf(items, strict) }),
    ...(additionalProperties && { additionalProperties: nodeOf(additionalProperties, strict) }),
    ...(strict && !isOpen && { additionalProperties: false }),
  };
}

function pick(node: OpenApiNode): JsonObject {
  const values = node as JsonObject;
  return Object.fromEntries(
    SHARED.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]]])),
  );
}

function mapValues<T>(object: Record<string, T>, change: (value: T) => JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));
}
