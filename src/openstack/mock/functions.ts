import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { invalid } from './answer.ts';
import { pythonText } from './python.ts';

/** What the functions of a template can see. */
export interface Scope {
  /** @throws Refusal when there is no such parameter. */
  parameter(name: string): Json;
  /** Undefined: the template has no such resource. */
  resource(name: string): { reference: Json; attribute(name: string, path: Json[]): Json } | undefined;
  file(name: string): Json;
  condition(name: string): boolean;
}

/** Functions that the mock knows of and doesn't carry out: their value is null. */
const NOT_CARRIED_OUT = ['repeat', 'resource_facade', 'digest', 'yaql', 'map_replace', 'filter', 'make_url'];

/**
 * The value that a part of a template stands for. What Heat would compute and the mock doesn't is null.
 *
 * @throws Refusal of a reference to what isn't there.
 */
export function resolve(value: Json, scope: Scope): Json {
  if (Array.isArray(value)) return value.map((each) => resolve(each, scope));
  if (!isJsonObject(value)) return value;
  const call = callOf(value);
  if (call) return call();
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolve(each, scope)]));

  function callOf(object: JsonObject): (() => Json) | undefined {
    const [name = '', ...more] = Object.keys(object);
    const given = object[name] ?? null;
    if (more.length > 0) return undefined;
    if (NOT_CARRIED_OUT.includes(name)) return () => null;
    const carriedOut = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
    return carriedOut && (() => carriedOut(given, scope));
  }
}

const FUNCTIONS: Record<string, (given: Json, scope: Scope) => Json> = {
  get_param(given, scope) {
    const [name = '', ...path] = resolvedList(given, scope);
    return at(scope.parameter(String(name)), path);
  },
  get_resource: (given, scope) => resourceOf(given, scope).reference,
  get_attr(given, scope) {
    const [name = null, attribute = '', ...path] = resolvedList(given, scope);
    return resourceOf(name, scope).attribute(String(attribute), path);
  },
  get_file: (given, scope) => scope.file(String(given)),
  list_join(given, scope) {
    const [delimiter = '', ...lists] = resolvedList(given, scope);
    const members = lists.flatMap((list) => (Array.isArray(list) ? list : []));
    // What isn't known yet makes the whole unknown.
    if (members.includes(null) || lists.includes(null)) return null;
    return members.map(pythonText).join(String(delimiter));
  },
  str_replace: replaced,
  str_replace_strict: replaced,
  str_replace_vstrict: replaced,
  str_split(given, scope) {
    const [delimiter = ',', text = '', index] = resolvedList(given, scope);
    const parts = String(text).split(String(delimiter));
    return index === undefined ? parts : (parts[Number(index)] ?? null);
  },
  map_merge: (given, scope) => Object.assign({}, ...resolvedList(given, scope)) as JsonObject,
  list_concat: (given, scope) =>
    resolvedList(given, scope).flatMap((list) => (Array.isArray(list) ? list : [])),
  list_concat_unique(given, scope) {
    const all = resolvedList(given, scope).flatMap((list) => (Array.isArray(list) ? list : []));
    return [...new Map(all.map((each) => [canonicalJson(each), each])).values()];
  },
  if(given, scope) {
    const [condition = false, then = null, otherwise = null] = Array.isArray(given) ? given : [];
    return resolve(isTrue(condition, scope) ? then : otherwise, scope);
  },
  equals(given, scope) {
    const [one = null, other = null] = resolvedList(given, scope);
    return canonicalJson(one) === canonicalJson(other);
  },
  not: (given, scope) => !isTrue(given, scope),
  and: (given, scope) => Array.isArray(given) && given.every((each) => isTrue(each, scope)),
  or: (given, scope) => Array.isArray(given) && given.some((each) => isTrue(each, scope)),
};

/** Whether a condition holds: its name, or an expression. */
export function isTrue(condition: Json, scope: Scope): boolean {
  return typeof condition === 'string' ? scope.condition(condition) : resolve(condition, scope) === true;
}

function resolvedList(given: Json, scope: Scope): Json[] {
  const resolved = resolve(given, scope);
  return Array.isArray(resolved) ? resolved : [resolved];
}

function resourceOf(name: Json, scope: Scope) {
  const resource = scope.resource(String(name));
  if (resource) return resource;
  throw invalid(
    `The specified reference "${String(name)}" (in unknown) is incorrect.`,
    'InvalidTemplateReference',
  );
}

function replaced(given: Json, scope: Scope): Json {
  const { template, params } = isJsonObject(given) ? given : {};
  const text = resolve(template ?? null, scope);
  const values = resolve(params ?? {}, scope);
  if (text === null || !isJsonObject(values) || Object.values(values).includes(null)) return null;
  return Object.entries(values).reduce<string>(
    (result, [key, value]) => result.replaceAll(key, pythonText(value)),
    String(text),
  );
}

/** A value inside a value. */
export function at(value: Json, path: Json[]): Json {
  return path.reduce<Json>((inner, key) => {
    const members = isJsonObject(inner) || Array.isArray(inner) ? (inner as JsonObject) : {};
    return Object.hasOwn(members, String(key)) ? (members[String(key)] ?? null) : null;
  }, value);
}

/** A reference from a part of a template to a resource. */
export interface Reference {
  resource: string;
  /** Undefined of `get_resource`. */
  attribute?: string;
}

/** The resources that a part of a template refers to, except where their names are computed. */
export function references(value: Json): Reference[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (!isJsonObject(value)) return [];
  const { get_resource: resource, get_attr: attribute } = value;
  const isCall = Object.keys(value).length === 1;
  if (isCall && typeof resource === 'string') return [{ resource }];
  if (isCall && Array.isArray(attribute) && typeof attribute[0] === 'string') {
    const [name, key, ...path] = attribute;
    return [
      { resource: name, ...(typeof key === 'string' && { attribute: key }) },
      ...references([key ?? null, ...path]),
    ];
  }
  return Object.values(value).flatMap(references);
}
