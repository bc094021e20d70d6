import { isScalar, parseDocument, type Tags, visit } from 'yaml';
import { isJsonObject, type Json, type JsonObject, rawNumber } from '../json.ts';

/** YAML that can't be read. The message tells where, never what stands there: the text may come from a Secret. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
}

// One alias may stand for a whole tree that holds aliases itself; 100 is what an ordinary file never needs.
const MAX_ALIASES = 100;

/** Tags of YAML 1.1 that have no JSON form; Heat reads timestamps as strings as well. */
const NOT_JSON = new Set(['timestamp', 'binary', 'omap', 'pairs', 'set']);

type Tag = Tags[number];

/**
 * What PyYAML, with which Heat reads, takes for a boolean or a number. The library takes more by the letter of YAML
 * 1.1: `y` and `n`, and also `08540`, `1e3` and `.`.
 */
const AS_PYYAML: Record<string, string> = {
  bool: '^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$',
  int: '^[-+]?(?:0b[01_]+|0(?:[0-7_]*[0-7])?|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)$',
  float:
    '^(?:[-+]?[0-9][0-9_]*\\.[0-9_]*(?:[eE][-+][0-9]+)?|\\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\\.[0-9_]*|[-+]?\\.(?:inf|Inf|INF)|\\.(?:nan|NaN|NAN))$',
};

/**
 * Reads YAML as Heat does: version 1.1 (`yes` is true, `010` is 8), dates stay text (`2018-08-31`), integers keep
 * every digit. JSON is YAML, too.
 *
 * @param options.uniqueKeys false: of a key that comes twice the last one counts, as for Heat
 * @throws YamlError with line and column.
 */
export function parseYaml(text: string, { uniqueKeys = true } = {}): Json {
  try {
    return read(text, uniqueKeys);
  } catch (error) {
    if (error instanceof RangeError) throw new YamlError('it is nested too deeply, or within itself');
    throw error;
  }
}

function read(text: string, uniqueKeys: boolean): Json {
  const document = parseDocument(text, {
    version: '1.1',
    uniqueKeys,
    intAsBigInt: true,
    prettyErrors: true,
    logLevel: 'silent',
    customTags: (tags) => tags.filter((tag) => !NOT_JSON.has(kindOf(tag))).map(narrowed),
  });
  const [error] = document.errors;
  if (error) {
    const at = error.linePos?.[0];
    const where = at ? ` at line ${at.line}, column ${at.col}` : '';
    throw new YamlError(`it is not valid YAML${where} (${error.code.toLowerCase().replaceAll('_', ' ')})`);
  }
  visit(document, {
    Pair(_, pair) {
      // Heat reads `010: x` and `yes: x` as keys that aren't text and refuses them without a message.
      if (isScalar(pair.key) && typeof pair.key.value !== 'string') pair.key.value = pair.key.source ?? '';
    },
  });
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch {
    throw new YamlError(`its aliases expand too far (at most ${MAX_ALIASES} are allowed)`);
  }
  return toJson(value);
}

function kindOf(tag: Tag): string {
  return typeof tag === 'string' ? tag : tag.tag.slice(tag.tag.lastIndexOf(':') + 1);
}

/** The tag for no more plain scalars than {@link AS_PYYAML} says. */
function narrowed(tag: Tag): Tag {
  const pattern = AS_PYYAML[kindOf(tag)];
  if (pattern === undefined || typeof tag === 'string' || !('test' in tag) || !tag.test) return tag;
  return { ...tag, test: new RegExp(`(?=${pattern})${tag.test.source}`) };
}

function toJson(value: unknown): Json {
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) ? Number(value) : rawNumber(String(value));
  }
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new YamlError('it holds a number that JSON cannot carry');
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toJson(member)]));
  }
  return value === undefined ? null : (value as Json);
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
