import { isScalar, parseDocument, visit } from 'yaml';
import { isJsonObject, type Json, type JsonObject, rawNumber } from '../json.ts';

/** YAML that can't be read. The message tells where, never what stands there: the text may come from a Secret. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
}

// One alias may stand for a whole tree that holds aliases itself; 100 is what an ordinary file never needs.
const MAX_ALIASES = 100;

/** Tags of YAML 1.1 that have no JSON form; Heat reads timestamps as strings as well. */
const NOT_JSON = new Set(['timestamp', 'binary', 'omap', 'pairs', 'set']);

/**
 * Reads YAML as Heat does: version 1.1 (`yes` is true, `010` is 8), dates stay text (`2018-08-31`), integers keep
 * every digit. JSON is YAML, too.
 *
 * @throws YamlError with line and column.
 */
export function parseYaml(text: string): Json {
  const document = parseDocument(text, {
    version: '1.1',
    intAsBigInt: true,
    prettyErrors: true,
    logLevel: 'silent',
    customTags: (tags) =>
      tags.filter(
        (tag) => typeof tag === 'string' || !NOT_JSON.has(tag.tag.slice(tag.tag.lastIndexOf(':') + 1)),
      ),
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
      if (isScalar(pair.key) && typeof pair.key.value !== 'string' && pair.key.value !== null) {
        pair.key.value = pair.key.source ?? String(pair.key.value);
      }
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
