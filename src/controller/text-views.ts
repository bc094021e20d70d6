import { oneLine } from './secret-texts.ts';

/**
 * A way to read a text: as it is, or with an encoding undone. Each UTF-16 unit of it tells from where to where it stands
 * in the text itself.
 */
export interface TextView {
  readonly text: string;
  /** Where the unit at `index` begins in the text itself. */
  start(index: number): number;
  /** Where it ends. */
  end(index: number): number;
}

/** Encodings within encodings that are undone: JSON in Python's notation in JSON. */
const MAX_LAYERS = 3;
const ESCAPE = /\\(?:u([\da-fA-F]{4})|U([\da-fA-F]{8})|x([\da-fA-F]{2})|([\s\S]))/g;
const ESCAPED: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };
const PERCENT = /%([\da-f]{2})/gi;
const PERCENT_OR_PLUS = /%([\da-f]{2})|\+/gi;
/** Both alphabets. Six bytes, the least that are looked for, take eight characters. */
const BASE64 = /[\w+/-]{8,}/g;

/**
 * The text as it is, with backslash escapes undone (JSON, Python's repr), URL-decoded, and with everything that can be
 * base64 decoded, from each of the four places where a group may begin. Decoded bytes are characters of their own:
 * what is looked for must be given as its UTF-8 bytes, too.
 */
export function* textViews(text: string): Generator<TextView, void> {
  const asItIs: TextView = { text, start: (index) => index, end: (index) => index + 1 };
  yield asItIs;
  yield* layers(asItIs, '\\', (view) => decoded(view, ESCAPE, unescaped));
  yield* layers(asItIs, '%', (view) => decoded(view, PERCENT, percentDecoded));
  yield* layers(asItIs, '+', (view) => decoded(view, PERCENT_OR_PLUS, percentDecoded));
  if (text.search(BASE64) >= 0) {
    for (const offset of [0, 1, 2, 3]) yield base64Decoded(asItIs, offset);
  }
}

function* layers(
  view: TextView,
  sign: string,
  decode: (view: TextView) => TextView,
): Generator<TextView, void> {
  let inner = view;
  for (let layer = 0; layer < MAX_LAYERS && inner.text.includes(sign); layer += 1) {
    inner = decode(inner);
    yield inner;
  }
}

function unescaped([, short, long, byte, other = '']: RegExpExecArray): string {
  const code = Number.parseInt(short ?? long ?? byte ?? '', 16);
  if (Number.isNaN(code)) return ESCAPED[other] ?? other;
  return code <= 0x10ffff ? String.fromCodePoint(code) : '';
}

function percentDecoded([, byte]: RegExpExecArray): string {
  return byte === undefined ? ' ' : String.fromCharCode(Number.parseInt(byte, 16));
}

/** Puts a view together; white space is one blank, as in what is looked for. */
class Decoded implements TextView {
  text = '';
  readonly #view: TextView;
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  constructor(view: TextView) {
    this.#view = view;
  }

  /** Adds what stands for the units `from` to `to` (exclusive) of the view that is decoded. */
  add(units: string, from: number, to: number): void {
    for (let index = 0; index < units.length; index += 1) this.#push(units, index, from, to);
  }

  /** Adds units as they are. */
  copy(from: number, to: number): void {
    for (let index = from; index < to; index += 1) this.#push(this.#view.text, index, index, index + 1);
  }

  start(index: number): number {
    return this.#starts[index] ?? 0;
  }

  end(index: number): number {
    return this.#ends[index] ?? 0;
  }

  #push(units: string, index: number, from: number, to: number): void {
    const blank = isBlank(units.charCodeAt(index));
    const end = this.#view.end(to - 1);
    if (blank && this.text.endsWith(' ')) {
      this.#ends[this.#ends.length - 1] = end;
      return;
    }
    this.text += blank ? ' ' : units.charAt(index);
    this.#starts.push(this.#view.start(from));
    this.#ends.push(end);
  }
}

/** Whether a unit is one of those that {@link oneLine} makes a blank of. */
function isBlank(unit: number): boolean {
  if (unit < 0x7f) return unit <= 0x20;
  return unit <= 0xa0 || (unit > 0x5ff && oneLine(String.fromCharCode(unit)) === '');
}

function decoded(view: TextView, pattern: RegExp, decode: (match: RegExpExecArray) => string): TextView {
  const result = new Decoded(view);
  let done = 0;
  for (const match of view.text.matchAll(pattern)) {
    const after = match.index + match[0].length;
    result.copy(done, match.index);
    result.add(decode(match), match.index, after);
    done = after;
  }
  result.copy(done, view.text.length);
  return result;
}

/** What the runs of base64's characters hold; each may be cut off at its end. @param offset of a run's first group */
function base64Decoded(view: TextView, offset: number): TextView {
  const result = new Decoded(view);
  for (const match of view.text.matchAll(BASE64)) {
    const start = match.index + offset;
    const after = match.index + match[0].length;
    // Node reads both alphabets.
    const bytes = Buffer.from(match[0].slice(offset), 'base64').toString('latin1');
    for (let index = 0; index < bytes.length; index += 1) {
      const from = start + Math.floor((index * 4) / 3);
      const to = start + Math.ceil(((index + 1) * 4) / 3);
      result.add(bytes.charAt(index), from, Math.min(to, after));
    }
    result.add('…', after - 1, after);
  }
  return result;
}
