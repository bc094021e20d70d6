import type { Json, JsonObject } from '../../json.ts';

/** A property in the words of Heat's resource schemas. */
interface Property {
  type: 'string' | 'integer' | 'number' | 'boolean' | 'list' | 'map' | 'any';
  default?: Json;
  required?: true;
  min?: number;
  max?: number;
  allowed?: string[];
  /** Changed in place. Other properties have the resource replaced. */
  update?: true;
  /** Not told in the schema, but in a preview. */
  hidden?: true;
}

/** What the mock knows of a resource type. */
export interface ResourceType {
  /** Undefined: any property is taken. */
  properties?: Record<string, Property>;
  /** Names of attributes; with a value, if the type has a fixed one. Undefined: any name, null. */
  attributes?: Record<string, Json>;
  /** What its physical id looks like. */
  id: 'name' | 'uuid' | 'hex' | 'none';
  /** Whether Heat can look after it. */
  checked?: true;
  /** The first Heat that had it. */
  since: string;
  /** Of a type without a list of properties: which ones have the resource replaced. */
  replacedBy?: string[];
}

/** A resource type that a test adds: any properties, each changed in place unless it is named in `replacedBy`. */
export interface MockResourceType {
  /** Values of its attributes. */
  attributes?: JsonObject;
  /** Properties whose change has the resource replaced. */
  replacedBy?: string[];
}

const wait = { type: 'number', default: 0, min: 0, update: true } satisfies Property;
const seconds = { type: 'number', default: 0, update: true } satisfies Property;

/** Types that the mock has by itself. The rest of Heat's is unknown to it, unless a test adds one. */
export const BUILT_IN: Record<string, ResourceType> = {
  'OS::Heat::RandomString': {
    properties: {
      length: { type: 'integer', default: 32, min: 1, max: 512 },
      sequence: { type: 'string', hidden: true },
      character_classes: { type: 'list', default: [{ class: 'lettersdigits', min: 1 }] },
      character_sequences: { type: 'list' },
      salt: { type: 'string' },
    },
    attributes: { value: null },
    id: 'name',
    since: '2014.1',
  },
  'OS::Heat::Value': {
    properties: {
      value: { type: 'any', required: true, update: true },
      type: {
        type: 'string',
        update: true,
        allowed: ['string', 'number', 'comma_delimited_list', 'json', 'boolean'],
      },
    },
    attributes: { value: null },
    id: 'name',
    since: '7.0.0',
  },
  'OS::Heat::None': { id: 'uuid', since: '5.0.0' },
  'OS::Heat::TestResource': {
    properties: {
      constraint_prop_secs: seconds,
      attr_wait_secs: seconds,
      value: { type: 'string', default: 'test_string', update: true },
      update_replace_value: { type: 'string' },
      fail: { type: 'boolean', default: false, update: true },
      update_replace: { type: 'boolean', default: false, update: true },
      wait_secs: seconds,
      action_wait_secs: { type: 'map', update: true },
      client_name: { type: 'string', default: '', update: true },
      entity_name: { type: 'string', default: '', update: true },
    },
    attributes: { output: null },
    id: 'name',
    checked: true,
    since: '5.0.0',
  },
  'OS::Heat::Delay': {
    properties: {
      min_wait: wait,
      max_jitter: wait,
      jitter_multiplier: { ...wait, default: 1 },
      actions: { type: 'list', default: ['CREATE'], update: true },
    },
    attributes: {},
    id: 'none',
    since: '11.0.0',
  },
  'OS::Heat::WaitConditionHandle': {
    properties: { signal_transport: { type: 'string', default: 'TOKEN_SIGNAL' } },
    attributes: { token: null, endpoint: null, curl_cli: null, signal: 'null' },
    id: 'hex',
    since: '2014.2',
  },
  'OS::Heat::WaitCondition': {
    properties: {
      handle: { type: 'string', required: true },
      timeout: { type: 'number', required: true, min: 1, max: 43200 },
      count: { type: 'integer', default: 1, min: 1, update: true },
    },
    attributes: { data: null },
    id: 'name',
    since: '2014.2',
  },
  'OS::Heat::ResourceGroup': {
    properties: {
      count: { type: 'integer', default: 1, min: 0, update: true },
      index_var: { type: 'string', default: '%index%' },
      resource_def: { type: 'map', required: true, update: true },
      removal_policies: { type: 'list', default: [], update: true },
      removal_policies_mode: {
        type: 'string',
        default: 'append',
        allowed: ['append', 'update'],
        update: true,
      },
    },
    attributes: { refs: null, refs_map: null, attributes: null, removed_rsrc_list: [] },
    id: 'uuid',
    since: '2014.1',
  },
};

/** Services that a cloud with nothing but Keystone and Heat lacks, by the second part of a type's name. */
export const ABSENT_SERVICES: Record<string, [service: string, endpoint: string]> = {
  Nova: ['nova', 'compute'],
  Neutron: ['neutron', 'network'],
  Cinder: ['cinder', 'volumev3'],
  Glance: ['glance', 'image'],
  Swift: ['swift', 'object-store'],
};

/** A type that a test added, as a type of the mock. */
export function addedType({ attributes, replacedBy = [] }: MockResourceType): ResourceType {
  return { ...(attributes && { attributes }), id: 'uuid', since: 'unknown', replacedBy };
}

/** Whether a change of a property has the resource replaced. */
export function isReplacedBy(type: ResourceType, property: string): boolean {
  if (type.properties) return type.properties[property]?.update !== true;
  return type.replacedBy?.includes(property) ?? false;
}

/** The values of all properties, with defaults, as a preview tells them. */
export function withDefaults(type: ResourceType, given: JsonObject): JsonObject {
  const all = Object.entries(type.properties ?? {}).map(([name, { default: value = null }]) => [name, value]);
  return { ...(Object.fromEntries(all) as JsonObject), ...given };
}

/** What is wrong with the value of a property, in Heat's words. */
export function wrongValue(property: Property, value: Json): string | undefined {
  const { type, min, max, allowed } = property;
  const isNumber = typeof value === 'number' || (typeof value === 'string' && value.trim() !== '');
  if (type === 'integer' && !(isNumber && Number.isInteger(Number(value)))) {
    return `Value '${String(value)}' is not an integer`;
  }
  if (type === 'number' && !(isNumber && Number.isFinite(Number(value)))) {
    return `could not convert string to float: '${String(value)}'`;
  }
  if ((min !== undefined && Number(value) < min) || (max !== undefined && Number(value) > max)) {
    return `${String(value)} is out of range (min: ${min ?? 'None'}, max: ${max ?? 'None'})`;
  }
  if (allowed && !allowed.includes(String(value))) {
    return `"${String(value)}" is not an allowed value [${allowed.map((each) => `"${each}"`).join(', ')}]`;
  }
  return undefined;
}

/** The schema of a type, as `GET /resource_types/{name}` tells it; what Heat says in words of its own is left out. */
export function schemaOf(name: string, type: ResourceType): JsonObject {
  const properties = Object.entries(type.properties ?? {})
    .filter(([, { hidden }]) => !hidden)
    .map(([key, { type: kind, default: value, required = false, min, max, allowed, update = false }]) => {
      const range = { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
      const constraints: Json[] = [
        ...(Object.keys(range).length > 0 ? [{ range }] : []),
        ...(allowed ? [{ allowed_values: allowed }] : []),
      ];
      const schema: JsonObject = {
        type: kind,
        description: `The property ${key}.`,
        ...(value !== undefined && { default: value }),
        required,
        ...(constraints.length > 0 && { constraints }),
        update_allowed: update,
        immutable: false,
      };
      return [key, schema];
    });
  const attributes = Object.keys(type.attributes ?? {}).map((key) => [
    key,
    { description: `The attribute ${key}.` },
  ]);
  return {
    resource_type: name,
    properties: Object.fromEntries(properties) as JsonObject,
    attributes: {
      ...(Object.fromEntries(attributes) as JsonObject),
      show: { description: 'Detailed information about resource.', type: 'map' },
    },
    support_status: { status: 'SUPPORTED', message: null, version: type.since, previous_status: null },
  };
}
