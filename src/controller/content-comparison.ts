import { DIGEST_PARAMETER } from '../api/constants.ts';
import {
  canonicalJson,
  isJsonObject,
  isRawNumber,
  type Json,
  type JsonObject,
  MAX_DEPTH,
  parseWithin,
} from '../json.ts';
import { parseYaml, YamlError } from '../yaml.ts';
import type { StackInputs } from './inputs.ts';
import type { LiveInputs } from './live-inputs.ts';

/** What a comparison of wanted inputs with those that Heat has says. */
export interface Comparison {
  /**
   * What differs, in a fixed order: `template`, `files/web.yaml`, `environment/resource_registry`,
   * `environment/parameter_defaults/size`, `parameters/size`, `tags`, `timeout`, `rollbackOnFailure`. Never a value.
   */
  differing: string[];
  /** What can't be compared, in the same words: Heat masks the values of hidden parameters. */
  unseen: string[];
}

/** What Heat 20 and newer show of a hidden parameter; older ones show its value. */
const MASK = '******';
/** A template within Heat's own limit has fewer values. */
const MAX_VALUES = 200_000;

/**
 * Compares the inputs that a stack should have with those that Heat has, as far as Heat shows them. Text for text only
 * where Heat keeps the text; all else by what Heat makes of it (verified on Heat 27).
 *
 * @param wanted with all tags, the operator's own among them
 */
export function compareContent(wanted: StackInputs, live: LiveInputs): Comparison {
  const comparison: Comparison = { differing: [], unseen: [] };
  const { differing, unseen } = comparison;
  compareTemplate(wanted.template, live.template, comparison);
  if (!live.files) unseen.push('files');
  else differing.push(...filesThatDiffer(wanted.files, live.files).map((name) => `files/${name}`));
  compareEnvironment(wanted, live.environment, comparison);
  // Their order is nobody's concern.
  if (!isSame([...new Set(wanted.tags)].sort(), [...new Set(live.tags)].sort())) differing.push('tags');
  if (wanted.timeoutMins !== live.timeoutMins) differing.push('timeout');
  if (wanted.disableRollback !== live.disableRollback) differing.push('rollbackOnFailure');
  return comparison;
}

function compareTemplate(
  wanted: StackInputs['template'],
  live: JsonObject | undefined,
  { differing, unseen }: Comparison,
): void {
  const read = readTemplate(wanted);
  if (read === undefined || live === undefined) unseen.push('template');
  else if (!isSame(read, live)) differing.push('template');
}

/** A template as Heat gives it out: JSON of what it read, which it takes for JSON first, then for YAML 1.1. */
function readTemplate(template: StackInputs['template']): Json | undefined {
  if (typeof template !== 'string') return template;
  try {
    return parseWithin(template, { maxDepth: MAX_DEPTH, maxValues: MAX_VALUES }).value;
  } catch {
    // YAML, then.
  }
  try {
    return parseYaml(template, { uniqueKeys: false, jsonKeys: true });
  } catch (error) {
    if (error instanceof YamlError) return undefined;
    throw error;
  }
}

function filesThatDiffer(wanted: Record<string, string>, live: Record<string, string>): string[] {
  return unionOf(wanted, live).filter((name) => {
    if (Object.hasOwn(wanted, name)) return !Object.hasOwn(live, name) || wanted[name] !== live[name];
    // What Heat fetched itself for a type or a registry entry that is a URL it keeps with the files.
    return !/^https?:\/\//i.test(name);
  });
}

function compareEnvironment(
  { environment, parameters }: StackInputs,
  live: JsonObject,
  comparison: Comparison,
): void {
  const { differing } = comparison;
  const wantedRegistry = section(environment, 'resource_registry');
  if (!isSame(registry(wantedRegistry), registry(section(live, 'resource_registry'), wantedRegistry)))
    differing.push('environment/resource_registry');
  if (!isSame(environment['event_sinks'] ?? [], live['event_sinks'] ?? []))
    differing.push('environment/event_sinks');
  const { [DIGEST_PARAMETER]: _, ...wantedDefaults } = section(environment, 'parameter_defaults');
  const { [DIGEST_PARAMETER]: __, ...liveDefaults } = section(live, 'parameter_defaults');
  compareValues('environment/parameter_defaults', wantedDefaults, liveDefaults, comparison);
  // As Heat merges them. `parameters` of the stack itself are texts, with those that nobody set.
  const merged = { ...section(environment, 'parameters'), ...parameters };
  compareValues('parameters', merged, section(live, 'parameters'), comparison);
}

/** A section of an environment; a missing one is an empty one. */
function section(environment: JsonObject, name: string): JsonObject {
  const value = environment[name];
  return isJsonObject(value) ? value : {};
}

/**
 * A registry without what means nothing and what Heat adds by itself: an entry for each file that a template uses as a
 * type (`web.yaml: web.yaml`), and for each type that a pattern fits (`My::Value: OS::Heat::*`). Null takes a type out,
 * and isn't kept.
 *
 * @param wanted the registry that was sent, when this is Heat's
 */
function registry(entries: JsonObject, wanted: JsonObject = entries): JsonObject {
  const isHeats = (name: string, value: Json): boolean =>
    !Object.hasOwn(wanted, name) &&
    (value === name ||
      Object.entries(wanted).some(
        ([pattern, target]) =>
          pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1)) && target === value,
      ));
  const { resources, ...types } = entries;
  const kept = Object.entries(types).filter(([name, value]) => value !== null && !isHeats(name, value));
  const own = isJsonObject(resources) ? withoutNulls(resources) : {};
  return Object.fromEntries([...kept, ['resources', own]]);
}

function withoutNulls(entries: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(entries)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, isJsonObject(value) ? withoutNulls(value) : value]),
  );
}

/** Compares the values that were given to parameters. */
function compareValues(
  where: string,
  wanted: JsonObject,
  live: JsonObject,
  { differing, unseen }: Comparison,
): void {
  for (const name of unionOf(wanted, live)) {
    const [ours, theirs] = [wanted, live].map((values) =>
      Object.hasOwn(values, name) ? values[name] : undefined,
    );
    if (ours === undefined || theirs === undefined) differing.push(`${where}/${name}`);
    else if (theirs === MASK) unseen.push(`${where}/${name}`);
    else if (!isSame(asText(ours), asText(theirs))) differing.push(`${where}/${name}`);
  }
}

/** Heat keeps a value as it was sent, and reads `5` and `"5"`, or `true` and `"True"`, as the same for all types of parameters. */
function asText(value: Json): Json {
  const exact = rounded(value);
  if (isRawNumber(exact)) return exact.rawJSON;
  if (typeof exact === 'boolean' || typeof exact === 'number') return String(exact);
  return typeof value === 'string' && /^(?:true|false)$/i.test(value) ? value.toLowerCase() : value;
}

function unionOf(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
}

function isSame(a: Json, b: Json): boolean {
  return canonicalJson(rounded(a)) === canonicalJson(rounded(b));
}

/** Heat keeps every digit of an integer, and of other numbers what a double holds. */
function rounded(value: Json): Json {
  if (isRawNumber(value)) return /^-?\d+$/.test(value.rawJSON) ? value : Number(value.rawJSON);
  if (Array.isArray(value)) return value.map(rounded);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, rounded(member)]));
}
