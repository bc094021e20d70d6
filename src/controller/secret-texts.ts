import { isJsonObject, isRawNumber, type Json } from '../json.ts';
import { parseYaml } from '../yaml.ts';

/** A shorter text occurs in ordinary words, so that replacing it tells where it stood. In UTF-16 units. */
export const MIN_LENGTH = 6;
/** A longer line or list is known by its values alone, and not as a whole. In UTF-16 units. */
const MAX_LINE_LENGTH = 64;
/** What is gathered at most, in UTF-16 units: more than the largest template that Heat takes, 512 KiB, comes to: 2.3 M. */
const MAX_UNITS = 4 * 1024 * 1024;
/** A shorter value of a document says next to nothing, and ones like 8 and `no` are everywhere. */
const MIN_WORD_LENGTH = 3;

/** In a document, such as `server:`. Heat's messages name resources so, and a name is no secret. */
const BARE_KEY = /^[\w.-]+:$/;
const KEYED = /^["']?[\w.$-]+["']?: /;
const NAME = /^[\w.$-]+$/;
const VERSION_KEY = /^(?:heat_template_version|(?:AWS|Heat)TemplateFormatVersion)$/;
const VERSION = /^"?(?:heat_template_version|(?:AWS|Heat)TemplateFormatVersion)"?: *["']?[\w-]{1,12}["']?,?$/;
/** Quoted texts of a line, which may lack their end, and what stands between them. */
const QUOTED_OR_NOT = /"(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?|[^"']+/g;
/** A plain piece of a line, and whether it is a key. */
const PLAIN = /((?:[^[\]{},:]|:(?=\S))+)(:?)/g;
/** Pieces of a value between signs that often part the secret from the rest, and the sign that stands before. */
const PART = /((?<!:)[:=]["']?)?([^\s:/@;,=&?|"'`<>()[\]{}]{6,})/g;
/** What is in few names and words: a digit, a special character, capitals and small letters by turns. */
const UNUSUAL = /[^\p{L}._-]|\p{Lu}\p{Ll}(?!\p{Ll})/u;
const RESOURCE_TYPE = /^(?:OS|AWS)::[\w:]+$/;
/** Words of templates that Heat's messages need. */
const ORDINARY = new Set(
  'string number boolean json comma_delimited_list true false null True False yes no on off'.split(' '),
);

/** The texts that give a secret away. */
export interface SecretTexts {
  /** To be replaced wherever they stand, as parts of them are; at least {@link MIN_LENGTH} units each. */
  long: Set<string>;
  /** Lines with their keys, to be replaced from their beginning only: a part may be a name that messages need. */
  lines: Set<string>;
  /** Too short to be replaced; a text that holds one anywhere can't be shown. */
  short: Set<string>;
  /** Short values of documents; a text that holds one as a word can't be shown. */
  words: Set<string>;
  /** There is more than can be gathered; then nothing can be shown. */
  incomplete: boolean;
}

/**
 * Finds the texts in secret values: members of lists and maps, numbers in each spelling, lines and values of a document
 * (a template, a configuration file), the latter also as YAML reads them. Not `true`, and not what a document calls its
 * keys. And parts of values, which a template can split: between commas, after `:` and `=`, and between any of
 * `: / @ ; = & ? |`, blanks, quotes and brackets where it has a digit or looks made up otherwise. So of
 * `http://admin:swordfish@localhost`, `admin` and `localhost` are no secret, for words are in ordinary messages.
 *
 * @param secrets values from Secrets and of hidden parameters
 */
export function secretTexts(secrets: Iterable<Json>): SecretTexts {
  const gathered = new Gathered();
  for (const secret of secrets) gathered.add(secret);
  return gathered;
}

/** The text as it is shown and compared: on one line, without control characters, which could steer a terminal. */
export function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}\p{Bidi_Control}]+/gu, ' ').trim();
}

class Gathered implements SecretTexts {
  readonly long = new Set<string>();
  readonly lines = new Set<string>();
  readonly short = new Set<string>();
  readonly words = new Set<string>();
  #units = 0;

  get incomplete(): boolean {
    return this.#units > MAX_UNITS;
  }

  add(secret: Json): void {
    if (this.incomplete) return;
    if (typeof secret === 'number') this.#addText(String(secret));
    else if (isRawNumber(secret)) this.#addText(secret.rawJSON);
    else if (typeof secret === 'string') {
      if (!/[\n\r]|^\s*[[{]/.test(secret)) {
        this.#addText(secret);
        this.#addParts(secret);
      } else {
        if (oneLine(secret).length <= MAX_LINE_LENGTH) this.#addText(secret, this.lines);
        this.#addDocument(secret);
      }
    } else if (Array.isArray(secret)) for (const member of secret) this.add(member);
    else if (isJsonObject(secret)) {
      for (const [key, member] of Object.entries(secret)) {
        this.#addLong(oneLine(key));
        this.add(member);
      }
    }
  }

  #addText(value: string, to: Set<string> = this.long): void {
    const text = oneLine(value);
    for (const spelling of [text, ...spellings(text)]) {
      if (spelling.length >= MIN_LENGTH) this.#addLong(spelling, to);
      else if (spelling !== '') this.short.add(spelling);
    }
  }

  #addLong(text: string, to: Set<string> = this.long): void {
    if (text.length < MIN_LENGTH || this.incomplete || to.has(text)) return;
    this.#units += text.length;
    to.add(text);
    if (!/[^ -~]/.test(text)) return;
    // As its UTF-8 bytes look when each is taken for a character: so encodings are read.
    const bytes = oneLine(Buffer.from(text).toString('latin1'));
    if (bytes.length >= MIN_LENGTH) to.add(bytes);
  }

  /** @param names that are no secret */
  #addParts(text: string, names?: ReadonlySet<string>): void {
    // Heat may read the text as a comma-delimited list, and quote one member.
    if (text.includes(',')) for (const part of text.split(',')) this.#addLong(oneLine(part));
    for (const [, sign, part = ''] of text.matchAll(PART)) {
      if ((sign || UNUSUAL.test(part)) && !names?.has(part)) this.#addLong(oneLine(part));
    }
  }

  #addDocument(text: string): void {
    const names = new Set<string>();
    const values: string[] = [];
    const lines = text.split(/[\n\r]+/).map((line) => withoutDashes(oneLine(line)));
    for (const [index, line] of lines.entries()) {
      if (this.incomplete) return;
      this.#readLine(line, names, values);
      // A short line is known by those around it, when the whole is quoted.
      const around = lines.slice(Math.max(0, index - 1), index + 2);
      if (line.length < MIN_LENGTH) this.#addLong(around.join(' ').trim(), this.lines);
    }
    readYaml(text, names, values);
    for (const value of values) {
      if (names.has(value) || ORDINARY.has(value) || RESOURCE_TYPE.test(value)) continue;
      for (const spelling of [value, ...spellings(value)]) {
        if (spelling.length >= MIN_LENGTH) this.#addLong(spelling);
        else if (spelling.length >= MIN_WORD_LENGTH) this.words.add(spelling);
      }
      this.#addParts(value, names);
    }
  }

  /** Reads one line as YAML and JSON are mostly written: the whole need not be well-formed. */
  #readLine(line: string, names: Set<string>, values: string[], isNested = false): void {
    if (VERSION.test(line)) return;
    if (BARE_KEY.test(line)) {
      names.add(line.slice(0, -1));
      return;
    }
    const colon = line.indexOf(': ');
    const after = colon < 0 ? '' : withoutComment(line.slice(colon + 2));
    // One word alone may be the name of something, and the members of long lists and maps are looked at below.
    if (!KEYED.test(line)) {
      if (/^[^[{"].* /.test(line)) this.#addLong(line);
    } else if (line.length <= MAX_LINE_LENGTH) this.#addLong(line, this.lines);
    if (!/^[[{]/.test(after)) values.push(unquoted(after));
    else if (after.length <= MAX_LINE_LENGTH) this.#addLong(after, this.lines);
    for (const { 0: part, index } of line.matchAll(QUOTED_OR_NOT)) {
      if (part.startsWith('"') || part.startsWith("'")) {
        const isKey = /^ ?:/.test(line.slice(index + part.length, index + part.length + 2));
        const text = unquoted(part);
        if (isKey) names.add(text);
        else values.push(text, part.slice(1, -1));
        // A parameter of type json is given like this, and Heat quotes its members.
        if (!isKey && !isNested && /^[[{]/.test(text)) this.#readLine(text, names, values, true);
        continue;
      }
      for (const [, plain = '', isKey] of part.matchAll(PLAIN)) {
        const text = withoutComment(plain).trim();
        if (isKey && NAME.test(text)) names.add(text);
        else values.push(text, ...withoutSign(text));
      }
    }
  }
}

/** Reads a document as Heat does: escapes undone, lines joined, `!!binary` and numbers to the base 60 decoded. */
function readYaml(text: string, names: Set<string>, values: string[]): void {
  const read = (value: Json): void => {
    if (typeof value === 'string') values.push(oneLine(value));
    else if (typeof value === 'number') values.push(String(value));
    else if (isRawNumber(value)) values.push(value.rawJSON);
    else if (Array.isArray(value)) for (const member of value) read(member);
    else if (isJsonObject(value)) {
      for (const [key, member] of Object.entries(value)) {
        names.add(key);
        if (!VERSION_KEY.test(key)) read(member);
      }
    }
  };
  try {
    read(parseYaml(text, { uniqueKeys: false, binary: true }));
  } catch {
    // Then its lines must do.
  }
}

function withoutDashes(line: string): string {
  let at = 0;
  while (line.startsWith('- ', at)) at += 2;
  return line.slice(at);
}

function withoutComment(text: string): string {
  const at = text.indexOf(' #');
  return at < 0 ? text : text.slice(0, at).trim();
}

/** What YAML's `!tag value`, `&anchor value` and `*alias` hold, which its parser quotes without the sign. */
function withoutSign(text: string): string[] {
  return /^[!&*@%`|>]/.test(text) ? [text.slice(1), ...text.slice(1).split(' ')] : [];
}

function unquoted(text: string): string {
  if (text.startsWith("'")) return oneLine(text.replace(/^'|'$/g, '').replaceAll("''", "'"));
  if (!text.startsWith('"')) return text;
  try {
    return oneLine(String(JSON.parse(text)));
  } catch {
    return oneLine(text.replace(/^"|"$/g, ''));
  }
}

/** How Heat may write a number that was given as this text: Python reads it, and writes it anew. */
function spellings(text: string): string[] {
  const digits = text.replaceAll('_', '');
  if (digits.length > 400 || !/^[+-]?(?:0x[\da-f]+|0o?[0-7]+|[\d.]+(?:e[+-]?\d+)?)$/i.test(digits)) return [];
  const plain = digits.replace(/^[+-]/, '');
  const octal = /^0o?([0-7]+)$/i.exec(plain)?.[1];
  const all = [plain.replace(/^0+(?=\d)/, '')];
  for (const value of [Number(plain), octal === undefined ? Number.NaN : Number.parseInt(octal, 8)]) {
    if (!Number.isFinite(value)) continue;
    const exponential = value.toExponential();
    const mantissa = exponential.slice(0, exponential.indexOf('e'));
    all.push(String(value));
    if (Number.isInteger(value)) all.push(String(BigInt(value)));
    if (mantissa.length >= MIN_LENGTH) all.push(mantissa);
    // Python writes an exponent from 1e16 on and below 1e-4, always of two digits.
    else if (value >= 1e16 || (value > 0 && value < 1e-4))
      all.push(exponential.replace(/e([+-])(\d)$/, 'e$10$2'));
  }
  return all;
}
