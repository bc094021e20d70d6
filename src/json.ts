/**
 * JSON that keeps every digit of a number.
 *
 * `JSON.parse` rounds 9007199254740993; Kubernetes and Heat carry it unchanged. A number that a double can't
 * hold is kept as a raw JSON value, which `JSON.stringify` writes back as it was read.
 */

/** A value that came from JSON text. A number too long for a double is a {@link RawNumber}. */
export type Json = string | number | boolean | null | RawNumber | Json[] | { [key: string]: Json };

/** A number kept as its text; `JSON.stringify` writes `rawJSON` verbatim. */
export interface RawNumber {
  readonly rawJSON: string;
}

/** A JSON object. */
export type JsonObject = { [key: string]: Json };

interface LosslessJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): Json;
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
}
// Node 26 has the TC39 proposal "JSON.parse source text access"; TypeScript's library doesn't declare it yet.
const lossless = JSON as unknown as LosslessJson;

// Only such numbers can lose digits; a reviver makes parsing several times slower, so others skip it.
const MAY_LOSE_DIGITS = /[\s:,[]-?(?:[\d.]{16,}|[\d.]+[eE])|^-?(?:[\d.]{16,}|[\d.]+[eE])/;

/**
 * Parses JSON text and keeps numbers that a double would round as {@link RawNumber}.
 *
 * @throws SyntaxError when the text isn't JSON.
 */
export function parseJson(text: string): Json {
  if (!MAY_LOSE_DIGITS.test(text)) return JSON.parse(text) as Json;
  return lossless.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && losesDigits(value, source)
      ? rawNumber(source)
      : value,
  );
}

/** Whether the double `value` no longer stands for the decimal text `source`. */
function losesDigits(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return true;
  return decimal(String(value)) !== decimal(source);
}

/** A canonical form of a decimal number: sign, digits without outer zeros, exponent of the last digit. */
function decimal(text: string): string {
  const match = /^(-?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (!match) return text;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const all = (whole + fraction).replace(/^0+/, '');
  const digits = all.replace(/0+$/, '');
  if (digits === '') return '0';
  return `${sign}${digits}e${Number(exponent) - fraction.length + all.length - digits.length}`;
}

/** A number that is written to JSON as this text. */
export function rawNumber(text: string): RawNumber {
  return lossless.rawJSON(text);
}

/** Whether a value is a number kept as text by {@link parseJson}. */
export function isRawNumber(value: unknown): value is RawNumber {
  return lossless.isRawJSON(value);
}

/** Whether a value is a JSON object (not a list, null or {@link RawNumber}). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value);
}

/**
 * JSON with the keys of every object sorted, so that equal values give equal text. Members that are `undefined`
 * are left out, as `JSON.stringify` does.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    isJsonObject(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : member,
  );
}
