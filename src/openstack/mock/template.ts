import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { invalid, Refusal } from './answer.ts';
import { isTrue, type Reference, references, resolve, type Scope } from './functions.ts';
import { type Inputs, readInputs } from './inputs.ts';
import { Parameters, section } from './parameters.ts';
import {
  ABSENT_SERVICES,
  addedType,
  BUILT_IN,
  type MockResourceType,
  type ResourceType,
  withDefaults,
  wrongValue,
} from './resource-types.ts';

const SECTIONS = [
  ...['heat_template_version', 'description', 'parameter_groups', 'parameters', 'resources', 'outputs'],
  'conditions',
];
const KEYWORDS = [
  ...['type', 'properties', 'metadata', 'depends_on', 'deletion_policy', 'update_policy', 'description'],
  ...['external_id', 'condition'],
];
export const GROUP = 'OS::Heat::ResourceGroup';
const MAX_DEPTH = 5;

/** A resource as its template defines it. */
export interface Definition {
  name: string;
  /** As the template calls it. */
  type: string;
  /** As the environment's registry has it. */
  kind: Kind;
  properties: JsonObject;
  metadata: JsonObject;
  description: string;
  /** Names of the resources that it needs first. */
  needs: string[];
}

/** What a type's name stands for: a resource type, or a template of the files. */
export type Kind = { name: string; type: ResourceType } | { name: string; template: JsonObject };

/** The resource types that a mock knows. */
export class Types {
  readonly #types: Map<string, ResourceType>;

  constructor(added: Record<string, MockResourceType>) {
    const more = Object.entries(added).map(([name, type]) => [name, addedType(type)] as const);
    this.#types = new Map([...Object.entries(BUILT_IN), ...more]);
  }

  get names(): string[] {
    return [...this.#types.keys()];
  }

  get(name: string): ResourceType | undefined {
    return this.#types.get(name);
  }

  /** @throws Refusal when the type is unknown, or its file isn't there. */
  find(name: string, resource: string, { environment, files }: Inputs): Kind {
    const registry = section(environment, 'resource_registry');
    const ofResource = section(section(registry, 'resources'), resource);
    const mapped = ofResource[name] ?? registry[name];
    const target = typeof mapped === 'string' ? mapped : name;
    const type = this.get(target);
    if (type) return { name: target, type };
    const file = files[target];
    if (typeof file === 'string' || isJsonObject(file)) {
      const { template } = readInputs({ template: file });
      return { name: target, template };
    }
    if (/\.(?:yaml|template)$/.test(target)) {
      throw invalid(`Could not fetch remote template "${target}": Invalid URL scheme `);
    }
    throw this.unknown(target);
  }

  /** @param lack what the catalog hasn't. Default: the endpoint by its names. */
  unknown(name: string, lack?: string): Refusal {
    const [, group = ''] = name.split('::');
    const [service, endpoint] = Object.hasOwn(ABSENT_SERVICES, group) ? (ABSENT_SERVICES[group] ?? []) : [];
    if (!service) return invalid(`The Resource Type (${name}) could not be found.`);
    return invalid(
      `HEAT-E99001 Service ${service} is not available for resource type ${name}, reason: ${lack ? `${lack} not` : `${service} ${endpoint} endpoint is not`} in service catalog.`,
      'ResourceTypeUnavailable',
    );
  }
}

/** What the functions of a template see before there are resources. */
export function emptyScope(inputs: Inputs, parameters: Parameters): Scope {
  const scope: Scope = {
    parameter(name) {
      const value = parameters.value(name);
      if (value === undefined)
        throw invalid(`The Parameter (${name}) was not provided.`, 'UserParameterMissing');
      return value;
    },
    resource: () => ({ reference: null, attribute: () => null }),
    file(name) {
      const content = inputs.files[name];
      if (content === undefined) {
        throw invalid(`No content found in the "files" section for get_file path: ${name}`);
      }
      return content;
    },
    condition: (name) => isTrue(section(inputs.template, 'conditions')[name] ?? false, scope),
  };
  return scope;
}

/**
 * The resources of a template, in an order in which each comes after what it needs.
 *
 * @throws Refusal of whatever Heat refuses in a template, and the mock looks at.
 */
export function definitionsOf(inputs: Inputs, types: Types, scope: Scope, depth = 0): Definition[] {
  if (depth > MAX_DEPTH) throw invalid(`Recursion depth exceeds ${MAX_DEPTH}.`);
  checkSections(inputs.template);
  const definitions = Object.entries(section(inputs.template, 'resources'))
    .map(([name, resource]) => [name, resource as JsonObject] as const)
    .filter(([, { condition }]) => condition === undefined || isTrue(condition, scope))
    .map(([name, resource]) => definitionOf(name, resource, inputs, types));
  const byName = new Map(definitions.map((each) => [each.name, each]));
  for (const definition of definitions) {
    checkReferences(definition, byName, scope);
    checkProperties(definition, scope);
    const nested = nestedTemplate(definition, section({ all: resolve(definition.properties, scope) }, 'all'));
    if (nested) checkNested({ ...inputs, template: nested }, types, depth + 1);
  }
  for (const [name, output] of Object.entries(section(inputs.template, 'outputs'))) {
    if (!isJsonObject(output) || output['value'] === undefined) {
      throw invalid(
        `Output validation error: outputs.${name}: Each output definition must contain a value key.`,
      );
    }
    for (const reference of references(output['value'])) {
      checkAttribute(reference, byName, `outputs.${name}.value`);
    }
  }
  return inOrder(byName);
}

function checkSections(template: JsonObject): void {
  const stranger = Object.keys(template).find((key) => !SECTIONS.includes(key));
  if (stranger !== undefined) throw invalid(`The template section is invalid: ${stranger}`);
  for (const resource of Object.values(section(template, 'resources'))) {
    if (!isJsonObject(resource)) {
      const kind = typeof resource === 'string' ? 'str' : typeof resource;
      throw invalid(`"resources" must contain a map of resource maps. Found a [<class '${kind}'>] instead`);
    }
    const keyword = Object.keys(resource).find((key) => !KEYWORDS.includes(key));
    // Heat forgets to fill in its own message.
    if (keyword !== undefined) throw invalid(`"%s" is not a valid keyword inside a ${keyword} definition`);
    if (typeof resource['type'] !== 'string') throw invalid('Each resource must contain a type key.');
  }
}

function definitionOf(name: string, resource: JsonObject, inputs: Inputs, types: Types): Definition {
  const type = String(resource['type']);
  const explicit = resource['depends_on'] ?? [];
  const implied = references([resource['properties'] ?? null, resource['metadata'] ?? null]);
  const needs = [...(Array.isArray(explicit) ? explicit.map(String) : [String(explicit)])];
  return {
    name,
    type,
    kind: types.find(type, name, inputs),
    properties: section(resource, 'properties'),
    metadata: section(resource, 'metadata'),
    description: String(resource['description'] ?? ''),
    needs: [...new Set([...needs, ...implied.map((each) => each.resource)])],
  };
}

function checkReferences(definition: Definition, byName: Map<string, Definition>, scope: Scope): void {
  const incorrect = (name: string, where: string): Refusal =>
    invalid(`The specified reference "${name}" (in ${where}) is incorrect.`, 'InvalidTemplateReference');
  for (const [property, value] of Object.entries(definition.properties)) {
    for (const reference of references(value)) {
      if (!byName.has(reference.resource)) {
        throw incorrect(reference.resource, `${definition.name}.Properties.${property}`);
      }
      checkAttribute(reference, byName, `resources.${definition.name}.properties.${property}`);
    }
    try {
      resolve(value, scope);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw propertyError(definition, `.${property}`, error.told ?? '');
    }
  }
  const lost = definition.needs.find((name) => !byName.has(name));
  if (lost !== undefined) throw incorrect(lost, definition.name);
}

function checkAttribute(reference: Reference, byName: Map<string, Definition>, where: string): void {
  const { resource, attribute } = reference;
  const kind = byName.get(resource)?.kind;
  if (attribute === undefined || !kind || attribute === 'show' || attribute.startsWith('resource.')) return;
  const known =
    'template' in kind
      ? section(kind.template, 'outputs')
      : kind.name === GROUP
        ? undefined
        : kind.type.attributes;
  if (!known || Object.hasOwn(known, attribute)) return;
  throw invalid(`${where}.get_attr: The Referenced Attribute (${resource} ${attribute}) is incorrect.`);
}

function propertyError({ name }: Definition, property: string, what: string): Refusal {
  return invalid(`Property error: resources.${name}.properties${property}: ${what}`);
}

function checkProperties(definition: Definition, scope: Scope): void {
  const { kind, properties } = definition;
  const isNested = 'template' in kind;
  const declared = isNested ? section(kind.template, 'parameters') : kind.type.properties;
  if (!declared) return;
  for (const name of Object.keys(properties)) {
    if (!Object.hasOwn(declared, name)) throw propertyError(definition, '', `Unknown Property ${name}`);
  }
  for (const [name, schema] of Object.entries(declared)) {
    const value = properties[name];
    const { required, default: otherwise } = schema as JsonObject;
    if (value === undefined && (isNested ? otherwise === undefined : required === true)) {
      throw propertyError(definition, '', `Property ${name} not assigned`);
    }
    const resolved = value === undefined ? null : resolve(value, scope);
    if (isNested || resolved === null) continue;
    const property = kind.type.properties?.[name];
    const wrong = property && wrongValue(property, resolved);
    if (wrong) throw propertyError(definition, `.${name}`, wrong);
  }
}

/** Of a nested template, the values of whose parameters aren't known, only what needs none is looked at. */
function checkNested(inputs: Inputs, types: Types, depth: number): void {
  const scope = emptyScope(inputs, new Parameters(inputs.template, inputs.environment, {}));
  definitionsOf(inputs, types, { ...scope, parameter: () => null, condition: () => true }, depth);
}

function inOrder(byName: Map<string, Definition>): Definition[] {
  const ordered = new Set<Definition>();
  const visit = (definition: Definition, above: Definition[]): void => {
    if (ordered.has(definition)) return;
    if (above.includes(definition)) {
      const names = above.map(({ name }) => name).join(', ');
      throw invalid(`Circular Dependency Found: {${names}}`, 'CircularDependencyException');
    }
    for (const name of definition.needs) {
      const needed = byName.get(name);
      if (needed) visit(needed, [...above, definition]);
    }
    ordered.add(definition);
  };
  for (const definition of byName.values()) visit(definition, []);
  return [...ordered];
}

/** The template of the stack that a resource is, if it is one. */
export function nestedTemplate({ kind }: Definition, properties: JsonObject): JsonObject | undefined {
  if ('template' in kind) return kind.template;
  return kind.name === GROUP ? groupTemplate(properties) : undefined;
}

function groupTemplate(properties: JsonObject): JsonObject {
  const {
    count,
    index_var: variable,
    resource_def: definition,
  } = withDefaults(BUILT_IN[GROUP] as ResourceType, properties);
  const indexed = (value: Json, index: string): Json => {
    if (typeof value === 'string') return value.replaceAll(String(variable), index);
    if (Array.isArray(value)) return value.map((each) => indexed(each, index));
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, indexed(each, index)]));
  };
  const members = Array.from({ length: Number(count) }, (_, index) => [
    String(index),
    indexed(definition ?? {}, String(index)),
  ]);
  return { heat_template_version: '2015-04-30', resources: Object.fromEntries(members) as JsonObject };
}
