/**
 * JSON that keeps every digit of a number.
 *
 * `JSON.parse` rounds 9007199254740993; Kubernetes and Heat carry it unchanged. A number that a double can't
 * hold is kept as a raw JSON value, which `JSON.stringify` writes back as it was read.
 */

import { randomUUID } from 'node:crypto';

/** A value that came from JSON text. A number too long for a double is a {@link RawNumber}. */
export type Json = string | number | boolean | null | RawNumber | Json[] | { [key: string]: Json };

/** A number kept as its text; `JSON.stringify` writes `rawJSON` verbatim. */
export interface RawNumber {
  readonly rawJSON: string;
}

/** A JSON object. */
export type JsonObject = { [key: string]: Json };

interface LosslessJson {
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
}
// Node 26 has the TC39 proposal "JSON.parse source text access"; TypeScript's library doesn't declare it yet.
const lossless = JSON as unknown as LosslessJson;

/** Deepest nesting of what is taken from tenants and from their clouds; far more than a template needs. */
export const MAX_DEPTH = 100;

const COLON = /\s*:/y;

/**
 * Parses JSON text and keeps numbers that a double would round as {@link RawNumber}. It takes a time in proportion to
 * the text, whatever the text is, and any depth: one object nested too deeply must not end a list of many.
 *
 * @throws SyntaxError when the text isn't JSON.
 */
export function parseJson(text: string): Json {
  return parseSurveyed(text, survey(text, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY));
}

/**
 * Parses JSON text from a stranger as {@link parseJson} does, unless there is too much in it: small bytes can make many
 * values, and what is nested deeply overflows the stack of whatever walks it.
 *
 * @param limits.maxValues each takes some 60 bytes of memory, or several times that, once it is parsed
 * @throws SyntaxError when the text isn't JSON.
 */
export function parseWithin(
  text: string,
  { maxDepth = MAX_DEPTH, maxValues }: { maxDepth?: number; maxValues: number },
): { value: Json; excess?: never } | { value?: never; excess: 'depth' | 'values' } {
  const seen = survey(text, maxDepth, maxValues);
  if (seen === 'depth' || seen === 'values') return { excess: seen };
  return { value: parseSurveyed(text, seen) };
}

/** What JSON text is like: has too much of something, or numbers that a double may not hold, or nothing special. */
type Survey = 'depth' | 'values' | 'long numbers' | 'plain';

function parseSurveyed(text: string, seen: Survey): Json {
  // Looking at every number with care makes parsing several times slower.
  if (seen !== 'long numbers') return JSON.parse(text) as Json;
  // Not with a reviver: it recurses, and takes 4 s for 16 MB. A mark that nobody can guess stands for "a number".
  const mark = randomUUID();
  const marked = markNumbers(text, mark);
  const root = { value: JSON.parse(marked ?? text) as Json };
  if (marked !== undefined) restoreNumbers(root, mark);
  return root.value;
}

/** Looks through JSON text once, before anything is made of it. Of text that isn't JSON it may tell anything. */
function survey(text: string, maxDepth: number, maxValues: number): Survey {
  let depth = 0;
  let values = 1;
  let seen: Survey = 'plain';
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
    } else if (code === COMMA) {
      values += 1;
    } else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      depth += 1;
      values += 1;
      if (depth > maxDepth) return 'depth';
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) {
      depth -= 1;
    } else if (code >= ZERO && code <= NINE) {
      const end = endOfNumber(text, at);
      if (mayLoseDigits(text, at, end)) seen = 'long numbers';
      at = end - 1;
    }
    if (values > maxValues) return 'values';
  }
  return seen;
}

/** Whether the number without a sign between two places is one that a double may not hold. */
function mayLoseDigits(text: string, start: number, end: number): boolean {
  if (end - start > MAX_EXACT_LENGTH) return true;
  for (let at = start; at < end; at += 1) if ((text.charCodeAt(at) | LOWER_CASE) === LETTER_E) return true;
  return false;
}

/** The text with a string, which begins with the mark, in place of each number that loses digits. */
function markNumbers(text: string, mark: string): string | undefined {
  const parts: string[] = [];
  let copied = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
    } else if (code === MINUS || (code >= ZERO && code <= NINE)) {
      const end = endOfNumber(text, at);
      const source = text.slice(at, end);
      COLON.lastIndex = end;
      // A number is no key, and must not become one.
      if (losesDigits(source) && !COLON.test(text)) {
        parts.push(text.slice(copied, at), `"${mark}${source}"`);
        copied = end;
      }
      at = end - 1;
    }
  }
  return parts.length === 0 ? undefined : parts.join('') + text.slice(copied);
}

/** Puts numbers back where their marks are. */
function restoreNumbers(root: { value: Json }, mark: string): void {
  const containers: (Json[] | { [key: string]: Json })[] = [root];
  for (let next = containers.pop(); next !== undefined; next = containers.pop()) {
    // Keys as text in a list too: one way to write a member for both. `__proto__` is an own member after JSON.parse.
    const members = next as { [key: string]: Json };
    for (const key of Object.keys(members)) {
      const member = members[key];
      if (typeof member === 'object' && member !== null) containers.push(member as JsonObject);
      else if (typeof member === 'string' && member.startsWith(mark)) {
        const value = rawNumber(member.slice(mark.length));
        Object.defineProperty(members, key, { value, writable: true, enumerable: true, configurable: true });
      }
    }
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const LETTER_E = 0x65;
const LOWER_CASE = 0x20;
/** A number of so many digits, or with a point among them, is read and written as it is. */
const MAX_EXACT_LENGTH = 15;

/** Where the string that begins at a quote ends. */
function endOfString(text: string, quote: number): number {
  // indexOf looks at many characters at once. No backslash is counted twice, since a quote is between.
  for (let end = text.indexOf('"', quote + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let first = end;
    while (text.charCodeAt(first - 1) === BACKSLASH) first -= 1;
    if ((end - first) % 2 === 0) return end;
  }
  return text.length;
}

/** Where the number that begins at a digit or minus ends, if it is one: {@link rawNumber} refuses all others. */
function endOfNumber(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && NUMERIC.has(text.charCodeAt(at))) at += 1;
  return at;
}

const NUMERIC = new Set([...'0123456789.eE+-'].map((sign) => sign.charCodeAt(0)));
/** A longer number is kept as it is: a regular expression takes 20 bytes of memory for each of its digits. */
const MAX_COMPARED = 1000;

/** Whether a double doesn't stand for a number of JSON. */
function losesDigits(source: string): boolean {
  if (source.length < 16 && !/e/i.test(source)) return false;
  if (source.length > MAX_COMPARED) return true;
  const value = Number(source);
  if (!Number.isFinite(value)) return true;
  return decimal(String(value)) !== decimal(source);
}

/** A canonical form of a decimal number: sign, digits without outer zeros, exponent of the last digit. */
function decimal(text: string): string {
  const match = /^(-?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (!match) return text;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = whole + fraction;
  let first = 0;
  let end = digits.length;
  // Not by a regular expression: it takes the square of the zeros.
  while (first < end && digits.charCodeAt(first) === ZERO) first += 1;
  while (end > first && digits.charCodeAt(end - 1) === ZERO) end -= 1;
  if (first === end) return '0';
  return `${sign}${digits.slice(first, end)}e${Number(exponent) - fraction.length + digits.length - end}`;
}

/** Whether a value is nested deeper than {@link MAX_DEPTH}. */
export function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    const next: unknown[] = [];
    for (const each of level) {
      if (typeof each !== 'object' || each === null) continue;
      for (const member of Object.values(each)) if (typeof member === 'object') next.push(member);
    }
    if (next.length === 0) return false;
    level = next;
  }
  return true;
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
  // Not by a replacer: with one, writing takes several times as long.
  return JSON.stringify(sorted(value));
}

/** The value with all keys in order; itself where they are already, as in what the API server sends. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    let copy: unknown[] | undefined;
    for (let at = 0; at < value.length; at += 1) {
      const member = sorted(value[at]);
      if (member !== value[at]) copy ??= [...value];
      if (copy) copy[at] = member;
    }
    return copy ?? value;
  }
  if (!isJsonObject(value)) return value;
  const keys = Object.keys(value);
  let copy: { [key: string]: unknown } | undefined;
  if (!isInOrder(keys)) {
    keys.sort();
    copy = {};
  }
  for (const key of keys) {
    const member = sorted(value[key]);
    if (copy === undefined && member !== value[key]) copy = { ...value };
    if (copy === undefined) continue;
    // Written as any other key, it would set the prototype.
    if (key === '__proto__') Object.defineProperty(copy, key, { value: member, enumerable: true });
    else copy[key] = member;
  }
  return copy ?? value;
}

function isInOrder(keys: readonly string[]): boolean {
  let before = '';
  for (const key of keys) {
    if (key < before) return false;
    before = key;
  }
  return true;
}
