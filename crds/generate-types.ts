/**
 * Writes src/api/heat-stack.ts, the JSON schemas and the Helm chart's copy of the CRD from the CRD. With `--check` writes
 * nothing and fails when one of them is stale.
 *
 *     node crds/generate-types.ts [--check]
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { compile, type JSONSchema } from 'json-schema-to-typescript';
import { parse } from 'yaml';
import { writeGenerated } from './generated-files.ts';
import { jsonSchemaOf, type OpenApiNode } from './json-schema.ts';

const CRD = fileURLToPath(new URL('heatstack.dev_heatstacks.yaml', import.meta.url));
const TYPES = fileURLToPath(new URL('../src/api/heat-stack.ts', import.meta.url));
/** Named as kubeconform looks for them, with `-strict` or nothing at the end. */
const schemaFile = (suffix: string): string =>
  fileURLToPath(new URL(`schemas/heatstack-heatstack.dev-v1alpha1${suffix}.json`, import.meta.url));
/** Helm reads no file outside of a chart. */
const CHART_COPY = fileURLToPath(
  new URL('../deploy/helm/heatstack-operator/files/heatstack.dev_heatstacks.yaml', import.meta.url),
);

const BANNER = `/*
 * GENERATED from crds/heatstack.dev_heatstacks.yaml by crds/generate-types.ts: change that file, not this one.
 *
 * The types say what the API server hands out: a field with a default is always there, so it is not optional.
 */
import type { Json, JsonObject } from '../json.ts';
import type { ObjectMeta } from './object-meta.ts';`;

/** The part of a CRD's schema (an OpenAPI dialect) that makes types. */
interface CrdSchema {
  title?: string;
  description?: string;
  type?: string;
  enum?: string[];
  default?: unknown;
  required?: string[];
  properties?: Record<string, CrdSchema>;
  additionalProperties?: CrdSchema;
  items?: CrdSchema;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
}

interface Crd {
  spec: {
    group: string;
    names: { kind: string };
    versions: { name: string; schema: { openAPIV3Schema: CrdSchema } }[];
  };
}

/** Shapes of the nodes with a title so far: a title that comes again is the same interface. */
const titled = new Map<string, string>();

/** The CRD's schema as JSON Schema: free-form parts get the project's JSON types, defaulted fields are required. */
function toJsonSchema(schema: CrdSchema): JSONSchema {
  const description = describe(schema);
  if (schema.title !== undefined) {
    const shape = JSON.stringify(schema, (key, value) => (key === 'description' ? undefined : value));
    const known = titled.get(schema.title);
    if (known === shape) return { ...description, tsType: schema.title };
    if (known !== undefined) throw new Error(`two shapes have the title ${schema.title}`);
    titled.set(schema.title, shape);
  }
  if (schema['x-kubernetes-preserve-unknown-fields']) {
    return { ...description, tsType: schema.type === 'object' ? 'JsonObject' : 'Json' };
  }
  const { title, type, properties, additionalProperties, items } = schema;
  if (type === undefined) throw new Error(`a node of the CRD has no type: ${schema.description}`);
  return {
    ...description,
    ...(title !== undefined && { title }),
    type: type as NonNullable<JSONSchema['type']>,
    ...(schema.enum && { enum: schema.enum }),
    ...(items && { items: toJsonSchema(items) }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, property]) => [name, toJsonSchema(property)]),
      ),
      required: Object.keys(properties).filter(
        (name) => schema.required?.includes(name) || properties[name]?.default !== undefined,
      ),
    }),
    additionalProperties: additionalProperties ? toJsonSchema(additionalProperties) : false,
  };
}

/** The description, with the default of a scalar: that of an object only makes way for its members' defaults. */
function describe({ description, type, default: value }: CrdSchema): JSONSchema {
  const scalar = value !== undefined && type !== 'object';
  return description === undefined
    ? {}
    : { description: scalar ? `${description}\n\n@default ${JSON.stringify(value)}` : description };
}

/** The text of src/api/heat-stack.ts. */
async function typesOf(crd: string): Promise<string> {
  const { spec } = parse(crd) as Crd;
  const [version, ...others] = spec.versions;
  if (!version || others.length > 0) throw new Error('expected a CRD of one version');
  const root = toJsonSchema(version.schema.openAPIV3Schema);
  // Kubernetes itself sees to these three, and lets a CRD say next to nothing about them.
  Object.assign(root.properties?.['apiVersion'] ?? {}, { tsType: `'${spec.group}/${version.name}'` });
  Object.assign(root.properties?.['kind'] ?? {}, { tsType: `'${spec.names.kind}'` });
  Object.assign(root.properties?.['metadata'] ?? {}, { tsType: 'ObjectMeta' });
  root.required = ['apiVersion', 'kind', 'metadata', ...(root.required as string[])];
  return compile(root, spec.names.kind, {
    bannerComment: BANNER,
    ignoreMinAndMaxItems: true,
    style: { singleQuote: true, bracketSpacing: true, printWidth: 110 },
  });
}

/** The text of the JSON schema. */
function schemaOf(crd: string, strict: boolean): string {
  const { spec } = parse(crd) as Crd;
  const [version] = spec.versions;
  if (!version) throw new Error('expected a CRD of one version');
  const root = version.schema.openAPIV3Schema as OpenApiNode;
  const resource = { group: spec.group, version: version.name, kind: spec.names.kind };
  return `${JSON.stringify(jsonSchemaOf(root, resource, strict), null, 2)}\n`;
}

/** The text of the chart's copy: the CRD with another comment at its head. */
function chartCopyOf(crd: string): string {
  // The chart's template puts an annotation there.
  if (crd.split('\nmetadata:\n').length !== 2)
    throw new Error('expected "metadata:" once at the start of a line');
  const body = crd.replace(/^(#.*\n)+/, '');
  return `# GENERATED from crds/heatstack.dev_heatstacks.yaml: change that file, not this one.\n${body}`;
}

const crd = await readFile(CRD, 'utf8');
const files = [
  [TYPES, await typesOf(crd)],
  [schemaFile(''), schemaOf(crd, false)],
  [schemaFile('-strict'), schemaOf(crd, true)],
  [CHART_COPY, chartCopyOf(crd)],
] as const;
await writeGenerated(files, 'the CRD');
