import { isUtf8 } from 'node:buffer';
import {
  defineMappingTag,
  defineScalarTag,
  FAILSAFE_SCHEMA,
  loadAll,
  mergeTag,
  NOT_RESOLVED,
  type Schema,
  YAMLException,
} from 'js-yaml';
import { isJsonObject, type Json, type JsonObject, MAX_DEPTH, rawNumber } from './json.ts';

/** YAML that can't be read. The message tells where, never what stands there: the text may come from a Secret. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
}

/** Longest text, in UTF-16 units: Heat's own limit for a template, unless its operator changed it. */
const MAX_LENGTH = 512 * 1024;
// One alias may stand for a whole tree that holds aliases itself; 100 is what an ordinary file never needs.
const MAX_ALIASES = 100;
/** Longest text that aliases may expand to, in about the characters of its JSON: what Heat takes in a request. */
const MAX_EXPANDED = 1024 * 1024;
/** Longest number, in characters: Python's limit. To make a number of a longer text takes ever longer. */
const MAX_DIGITS = 4300;

/** A plain scalar that isn't text, and how it is written: keys stay as they are written. */
class Plain {
  readonly source: string;
  readonly value: Json | bigint;

  constructor(source: string, value: Json | bigint) {
    this.source = source;
    this.value = value;
  }
}

/** A tag of YAML 1.1 for what PyYAML, with which Heat reads, takes for such a value; YAML 1.1 by the letter has more. */
function plain(name: string, pattern: RegExp, read: (source: string) => Json | bigint) {
  return defineScalarTag<Plain>(`tag:yaml.org,2002:${name}`, {
    implicit: true,
    resolve: (source) => (pattern.test(source) ? new Plain(source, read(source)) : NOT_RESOLVED),
    identify: () => false,
  });
}

const NULL = plain('null', /^(?:~|null|Null|NULL|)$/, () => null);
const BOOL = plain(
  'bool',
  /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/,
  (source) => /^(?:yes|true|on)$/i.test(source),
);
const INT = plain(
  'int',
  /^[-+]?(?:0b_*[01][01_]*|0(?:[0-7_]*[0-7])?|[1-9][0-9_]*|0x_*[0-9a-fA-F][0-9a-fA-F_]*|[1-9][0-9_]*(?::[0-5]?[0-9])+)$/,
  readInt,
);
const FLOAT = plain(
  'float',
  /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/,
  readFloat,
);
/** A date is text for Heat, also where it is tagged as one. */
const DATE = defineScalarTag('tag:yaml.org,2002:timestamp', {
  resolve: (source) => source,
  identify: () => false,
});
/** Bytes as the text that they hold; where they hold none, each as a character. */
const BINARY = defineScalarTag('tag:yaml.org,2002:binary', {
  resolve: (source) => {
    const bytes = Buffer.from(source, 'base64');
    return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
  },
  identify: () => false,
});

/** A tag of maps whose keys are what `plainKey` makes of a plain scalar. */
function mapWith(plainKey: (key: Plain) => string) {
  const keyOf = (key: unknown): string | undefined => {
    if (key instanceof Plain) return plainKey(key);
    return typeof key === 'string' ? key : undefined;
  };
  return defineMappingTag<Map<string, unknown>>('tag:yaml.org,2002:map', {
    create: () => new Map(),
    addPair(map, key, value) {
      const text = keyOf(key);
      if (text === undefined) return 'a key that is no text';
      map.set(text, value);
      return '';
    },
    has: (map, key) => map.has(keyOf(key) ?? ''),
    keys: (map) => map.keys(),
    get: (map, key) => map.get(keyOf(key) ?? ''),
    identify: () => false,
  });
}

// Heat reads `010: x` and `yes: x` as keys that aren't text, and refuses them without a message where it looks at them.
const MAP = mapWith(({ source }) => source);
const JSON_MAP = mapWith(({ value }) => keyText(value));
const TEXTS = FAILSAFE_SCHEMA.withTags(MAP, mergeTag, NULL, BOOL, DATE);
const ALL = TEXTS.withTags(INT, FLOAT);

/** A key as Python's JSON writes it: a float that is whole keeps its point. */
function keyText(value: Plain['value']): string {
  const text = String(value);
  return typeof value === 'number' && Number.isInteger(value) && !text.includes('e') ? `${text}.0` : text;
}

/** How to read YAML. */
export interface YamlOptions {
  /** False: of a key that comes twice the last one counts, as for Heat. */
  uniqueKeys?: boolean;
  /** False: plain numbers are text, as they are written. */
  numbers?: boolean;
  /** True: a key that isn't text becomes what JSON has in its place (`yes: 1` is `"true": 1`), as when Heat gives out what it read. */
  jsonKeys?: boolean;
  /** True: what is tagged `!!binary`, and refused otherwise, is the text of its bytes. */
  binary?: boolean;
  /** Longest text, in UTF-16 units. */
  maxLength?: number;
}

/**
 * Reads YAML as Heat does: version 1.1 (`yes` is true, `010` is 8), dates stay text (`2018-08-31`), integers keep
 * every digit. JSON is YAML, too. It takes a time in proportion to the text, whatever the text is, and what it makes
 * is bounded in size and depth.
 *
 * @throws YamlError with line and column.
 */
export function parseYaml(text: string, options: YamlOptions = {}): Json {
  const { uniqueKeys = true, numbers = true, jsonKeys = false, binary = false } = options;
  const { maxLength = MAX_LENGTH } = options;
  if (text.length > maxLength) throw new YamlError(`it is larger than ${maxLength / 1024} KiB`);
  const more = [...(jsonKeys ? [JSON_MAP] : []), ...(binary ? [BINARY] : [])];
  const schema = numbers ? ALL : TEXTS;
  const [value = null] = load(text, more.length > 0 ? schema.withTags(...more) : schema, uniqueKeys);
  let left = MAX_EXPANDED;
  const spend = (length: number): void => {
    left -= length + 1;
    if (left < 0) throw new YamlError('its aliases expand too far (to more than 1 MiB)');
  };
  return toJson(value, 1, spend);
}

function load(text: string, schema: Schema, uniqueKeys: boolean): unknown[] {
  let documents: unknown[];
  try {
    documents = loadAll(text, { schema, json: !uniqueKeys, maxAliases: MAX_ALIASES, maxDepth: MAX_DEPTH });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    throw new YamlError(describe(error));
  }
  if (documents.length > 1) throw new YamlError('it holds several documents; one is allowed');
  return documents;
}

/** Beginnings of the library's messages that quote the text or name its options, and what is said instead. */
const SAID: [beginning: string, instead: string][] = [
  ['nesting exceeded', `it is nested deeper than ${MAX_DEPTH} levels`],
  ['aliases exceeded', `it has too many aliases (at most ${MAX_ALIASES} are allowed)`],
  ['merge keys exceeded', 'its merge keys expand too far'],
  ['unidentified alias', 'unknown alias'],
  ['unknown', 'unknown tag'],
  ['duplicated mapping key', 'duplicate key'],
];

function describe({ reason, mark }: YAMLException): string {
  const [beginning, instead] = SAID.find(([start]) => reason.startsWith(start)) ?? ['', reason];
  if (beginning.endsWith('exceeded')) return instead;
  const where = mark ? ` at line ${mark.line + 1}, column ${mark.column + 1}` : '';
  // What is quoted comes after a sign.
  return `it is not valid YAML${where}${/^[a-z ,;'-]+$/i.test(instead) ? ` (${instead})` : ''}`;
}

function readInt(source: string): bigint {
  if (source.length > MAX_DIGITS) throw new YamlError(`it holds a number of more than ${MAX_DIGITS} digits`);
  const text = source.replaceAll('_', '').replace(/^[-+]/, '');
  const octal = /^0[0-7]/.test(text) ? `0o${text.slice(1)}` : text;
  const value = octal.split(':').reduce((sum, part) => sum * 60n + BigInt(part), 0n);
  return source.startsWith('-') ? -value : value;
}

function readFloat(source: string): number {
  const text = source.toLowerCase().replaceAll('_', '').replace(/^[-+]/, '');
  const value = text.endsWith('.inf')
    ? Number.POSITIVE_INFINITY
    : text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return source.startsWith('-') ? -value : value;
}

function toJson(value: unknown, depth: number, spend: (length: number) => void): Json {
  if (value instanceof Plain) return toNumber(value, spend);
  if (typeof value === 'string') {
    spend(value.length);
    return value;
  }
  if (depth > MAX_DEPTH) throw new YamlError('it is nested too deeply, or within itself');
  spend(1);
  if (Array.isArray(value)) return value.map((member) => toJson(member, depth + 1, spend));
  if (!(value instanceof Map)) return null;
  const entries: [string, Json][] = [];
  for (const [key, member] of value as Map<string, unknown>) {
    spend(key.length);
    entries.push([key, toJson(member, depth + 1, spend)]);
  }
  return Object.fromEntries(entries);
}

function toNumber({ source, value }: Plain, spend: (length: number) => void): Json {
  spend(source.length);
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) ? Number(value) : rawNumber(String(value));
  }
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new YamlError('it holds a number that JSON cannot carry');
  return value;
}

/**
 * Reads YAML whose root is a map; an empty text is an empty map.
 *
 * @throws YamlError
 */
export function parseYamlMap(text: string): JsonObject {
  const value = parseYaml(text) ?? {};
  if (!isJsonObject(value)) throw new YamlError('its root is not a map');
  return value;
}
