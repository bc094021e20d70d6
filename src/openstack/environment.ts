import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { createError } from './errors.ts';

const SECTIONS = [
  'parameters',
  'parameter_defaults',
  'resource_registry',
  'event_sinks',
  'parameter_merge_strategies',
];
const STRATEGIES = ['overwrite', 'merge', 'deep_merge'];

/**
 * Merges environments in order into the one that is sent to Heat: maps deeply, later scalars and lists replace,
 * as openstacksdk does; `event_sinks` are concatenated, and `parameter_merge_strategies` are applied here, since
 * Heat ignores them in a single environment (Heat 27).
 *
 * One merged environment has one rule of precedence. Heat's own `environment_files` has another (files beat the
 * request's parameters) and drops `parameter_defaults` that the root template doesn't declare.
 *
 * @param placeOf names an environment in messages, by its place in the list.
 * @throws OpenStackError ConfigError for a section that Heat would refuse.
 *
 * @example
 * const environment = mergeEnvironments([base, production]);
 * await heat.createStack({ name: 'web', template, environment });
 */
export function mergeEnvironments(
  environments: readonly JsonObject[],
  placeOf: (index: number) => string = (index) => `environment ${index + 1}`,
): JsonObject {
  let merged: JsonObject = {};
  environments.forEach((environment, index) => {
    const where = placeOf(index);
    merged = mergeOne(merged, check(environment, where), where);
  });
  return merged;
}

function check(environment: JsonObject, where: string): JsonObject {
  for (const [section, value] of Object.entries(environment)) {
    if (section === 'encrypted_param_names') {
      // An environment that was read from Heat always has the list.
      if (Array.isArray(value) && value.length === 0) continue;
      throw createError(
        'ConfigError',
        `${where}: "encrypted_param_names" is Heat's own; remove it (declare the parameter hidden instead)`,
      );
    }
    if (!SECTIONS.includes(section)) {
      throw createError(
        'ConfigError',
        `${where}: unknown section "${section.slice(0, 64)}"; Heat knows ${SECTIONS.join(', ')}`,
      );
    }
    if (
      section === 'event_sinks'
        ? value !== null && !Array.isArray(value)
        : value !== null && !isJsonObject(value)
    ) {
      throw createError(
        'ConfigError',
        `${where}: section "${section}" must be a ${section === 'event_sinks' ? 'list' : 'map'}`,
      );
    }
  }
  return environment;
}

function mergeOne(old: JsonObject, next: JsonObject, where: string): JsonObject {
  const { parameter_merge_strategies: strategies, event_sinks: sinks, ...maps } = next;
  const merged: JsonObject = { ...old };
  for (const [section, value] of Object.entries(maps)) {
    if (!isJsonObject(value)) continue; // an empty section; Heat refuses null
    const before = section in merged ? merged[section] : undefined;
    merged[section] =
      section === 'resource_registry' || !isJsonObject(strategies)
        ? deepUpdate(before, value)
        : mergeParameters(before, value, strategies, where);
  }
  if (Array.isArray(sinks)) {
    const before = merged['event_sinks'];
    merged['event_sinks'] = [...(Array.isArray(before) ? before : []), ...sinks];
  }
  return merged;
}

/** Maps merge, all else is replaced. Built from entries, so that a key named `__proto__` is an ordinary key. */
function deepUpdate(old: Json | undefined, next: JsonObject): JsonObject {
  const entries = new Map(isJsonObject(old) ? Object.entries(old) : []);
  for (const [key, value] of Object.entries(next)) {
    entries.set(key, isJsonObject(value) ? deepUpdate(entries.get(key), value) : value);
  }
  return Object.fromEntries(entries);
}

function mergeParameters(
  old: Json | undefined,
  next: JsonObject,
  strategies: JsonObject,
  where: string,
): JsonObject {
  const entries = new Map(isJsonObject(old) ? Object.entries(old) : []);
  for (const [name, value] of Object.entries(next)) {
    const strategy = Object.hasOwn(strategies, name)
      ? strategies[name]
      : (strategies['default'] ?? 'overwrite');
    if (typeof strategy !== 'string' || !STRATEGIES.includes(strategy)) {
      throw createError(
        'ConfigError',
        `${where}: parameter_merge_strategies of "${name.slice(0, 64)}" must be one of ${STRATEGIES.join(', ')}`,
      );
    }
    entries.set(name, mergeValue(entries.get(name), value, strategy));
  }
  return Object.fromEntries(entries);
}

/** Heat's own merge (`heat.common.environment_util`): lists and texts are joined, maps merged, numbers replaced. */
function mergeValue(old: Json | undefined, next: Json, strategy: string): Json {
  if (strategy === 'overwrite' || old === undefined || old === null || old === '') return next;
  if (Array.isArray(old) && Array.isArray(next)) return [...old, ...next];
  if (typeof old === 'string' && typeof next === 'string') {
    // A comma_delimited_list is written as text as well, and only its commas tell it from a string.
    return old.includes(',') || next.includes(',') ? `${old},${next}` : old + next;
  }
  if (!isJsonObject(old) || !isJsonObject(next)) return next;
  const entries = new Map(Object.entries(old));
  for (const [key, value] of Object.entries(next)) {
    if (value === null) continue;
    entries.set(key, strategy === 'deep_merge' ? mergeValue(entries.get(key), value, strategy) : value);
  }
  return Object.fromEntries(entries);
}
