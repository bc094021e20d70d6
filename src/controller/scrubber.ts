import { clip } from '../api/clip.ts';
import type { Json } from '../json.ts';
import { CUT_ANYWHERE, MIN_LENGTH, oneLine, type SecretTexts, secretTexts } from './secret-texts.ts';
import { type TextView, textViews } from './text-views.ts';

const REDACTED = '[redacted]';
const WITHHELD = 'the message is withheld, since it may quote a secret';
/** Of what is shown, in UTF-16 units. */
const MAX_LENGTH = 1024;
/** Of a text that is looked at; the rest is dropped. */
const MAX_INPUT = 8 * 1024;
/** What is shown of a longer text ends so far before, that no secret can be cut off: 64 units, each `%E2%82%AC`. */
const MAX_SECRET = 1024;
/** Heat cuts texts at 200, 255 and 65,535 units without a sign (Heat 27), PyYAML and others with dots. */
const CUT = /^ ?(?:\.{3}|…|$)/;
/** Units looked at and compared. A failed resource's reason takes about 1,500; a tenant's worst stays below half a second. */
const MAX_WORK = 2_000_000;
/** What Heat says of a stack or resource that is well. */
const ORDINARY = /^(?:Stack [A-Z]+ (?:started|completed successfully)|state changed)$/;

/**
 * Takes secrets out of texts that came from outside, before they reach a condition, Event, log or error. For the texts
 * of one reconcile.
 *
 * Heat quotes the values that it refuses: 9 of 11 kinds of wrong input for a hidden parameter came back with the
 * value in clear (Heat 27). A value is found as it is, with backslash escapes, base64 at any place in a longer run and
 * URL-encoded. So is the beginning of one, from 6 characters on where the text is cut off, from 16 on anywhere.
 *
 * Secrets and texts are a tenant's own choice, so the work is bounded; what is beyond the bound is withheld.
 */
export class Scrubber {
  readonly #secrets: Json[];
  readonly #withhold: boolean;
  readonly #cleaned = new Map<string, string | undefined>();
  #needles: Needles | undefined;
  #workLeft = MAX_WORK;

  /**
   * @param secrets values from Secrets and of hidden parameters, in any JSON form
   * @param withhold show no text at all, since not all secrets are known
   */
  constructor(secrets: Iterable<Json>, withhold = false) {
    this.#secrets = [...secrets];
    this.#withhold = withhold;
  }

  /** Units looked at and compared so far; the texts that come when it is {@link MAX_WORK} are withheld. */
  get work(): number {
    return MAX_WORK - this.#workLeft;
  }

  /**
   * The text without secrets, on one line, at most 1 KiB.
   *
   * @param fallback what to say when the text can't be shown at all, e.g. Heat's `error.type`.
   */
  clean(text: string, fallback = WITHHELD): string {
    if (ORDINARY.test(text)) return text;
    if (this.#withhold || this.#workLeft < 0) return fallback;
    const line = oneLine(cutQuotedYaml(text.slice(0, MAX_INPUT)));
    const isCut = text.length > MAX_INPUT;
    const key = isCut ? `${line} …` : line;
    if (!this.#cleaned.has(key)) this.#cleaned.set(key, this.#redact(line, isCut));
    return this.#cleaned.get(key) ?? fallback;
  }

  /** `undefined` when the text can't be shown. */
  #redact(text: string, isCut: boolean): string | undefined {
    // Built only now: most reconciles have nothing to clean.
    this.#needles ??= new Needles(secretTexts(this.#secrets));
    const needles = this.#needles;
    if (needles.texts.incomplete) return undefined;
    const views = [...textViews(text)];
    const isSecret = new Uint8Array(text.length);
    for (const view of views) this.#mark(view, needles, isSecret);
    for (const view of views) {
      if (this.#workLeft < 0 || this.#holdsShort(view, view === views[0], needles, isSecret))
        return undefined;
    }
    const shown = isCut ? Math.max(0, text.length - MAX_SECRET) : text.length;
    return clip(`${replaced(text, isSecret, shown)}${isCut ? ' …' : ''}`, MAX_LENGTH);
  }

  #mark(view: TextView, needles: Needles, isSecret: Uint8Array): void {
    const { text } = view;
    for (let at = 0; at + MIN_LENGTH <= text.length && this.#workLeft >= 0; at += 1) {
      this.#workLeft -= 1;
      let longest = 0;
      for (const needle of needles.at(text, at)) {
        const common = commonLength(text, at, needle);
        this.#workLeft -= common;
        if (this.#workLeft < 0) return;
        if (common <= longest) continue;
        const given =
          common === needle.length ||
          common >= CUT_ANYWHERE ||
          CUT.test(text.slice(at + common, at + common + 4));
        if (given) longest = common;
      }
      if (longest > 0) isSecret.fill(1, view.start(at), view.end(at + longest - 1));
    }
  }

  /** Whether the text holds one of the secrets that are too short to be replaced, outside of what is replaced. */
  #holdsShort(view: TextView, asItIs: boolean, needles: Needles, isSecret: Uint8Array): boolean {
    const { lengths, texts } = needles;
    const { short, words } = texts;
    const { text } = view;
    for (const length of lengths) {
      // In what isn't encoded at all, so little comes up by chance.
      if (!asItIs && (length < 3 || short.size === 0)) continue;
      for (let at = 0; at + length <= text.length; at += 1) {
        this.#workLeft -= 1;
        const part = text.slice(at, at + length);
        if (!short.has(part) && !(asItIs && words.has(part) && isWord(text, at, length))) continue;
        const place = isSecret.subarray(view.start(at), view.end(at + length - 1));
        if (place.includes(0)) return true;
      }
    }
    return false;
  }
}

/** The secrets in the form in which they are found fast. */
class Needles {
  readonly texts: SecretTexts;
  /** Of the secrets that can't be replaced. */
  readonly lengths: ReadonlySet<number>;
  /** Those that can be, by their first {@link MIN_LENGTH} units. */
  readonly #byStart = new Map<string, string[]>();
  /** Whether one begins with three units of this hash: there are few, and most places of a text end here. */
  readonly #mayStart = new Uint8Array(2 ** 16);

  constructor(texts: SecretTexts) {
    this.texts = texts;
    this.lengths = new Set([...texts.short, ...texts.words].map(({ length }) => length));
    for (const needle of texts.long) {
      this.#mayStart[hashAt(needle, 0)] = 1;
      const start = needle.slice(0, MIN_LENGTH);
      const known = this.#byStart.get(start);
      if (known) known.push(needle);
      else this.#byStart.set(start, [needle]);
    }
  }

  /** Those that begin like the text at this place. */
  at(text: string, index: number): readonly string[] {
    if (this.#mayStart[hashAt(text, index)] === 0) return NONE;
    return this.#byStart.get(text.slice(index, index + MIN_LENGTH)) ?? NONE;
  }
}

const NONE: readonly string[] = [];

function hashAt(text: string, at: number): number {
  return (text.charCodeAt(at) + text.charCodeAt(at + 1) * 167 + text.charCodeAt(at + 2) * 7919) & 0xffff;
}

function commonLength(text: string, at: number, needle: string): number {
  let length = MIN_LENGTH;
  while (length < needle.length && text.charCodeAt(at + length) === needle.charCodeAt(length)) length += 1;
  return length;
}

function isWord(text: string, at: number, length: number): boolean {
  return !/\w/.test(text.charAt(at - 1)) && !/\w/.test(text.charAt(at + length));
}

function replaced(text: string, isSecret: Uint8Array, length: number): string {
  const parts: string[] = [];
  for (let at = 0; at < length; ) {
    const kind = isSecret[at];
    let end = at + 1;
    while (end < length && isSecret[end] === kind) end += 1;
    parts.push(kind ? REDACTED : text.slice(at, end));
    at = end;
  }
  return parts.join('');
}

/** PyYAML quotes the lines around an error, indented by four or more; a caret marks the column. */
function cutQuotedYaml(text: string): string {
  let quoted = false;
  const kept = text.split('\n').filter((line) => {
    quoted = quoted ? line.startsWith('    ') : false;
    const isKept = !quoted;
    quoted ||= /in "<[\w ]+>", line \d+, column \d+:$/.test(line);
    return isKept;
  });
  return kept.join('\n').replace(/(in "<[\w ]+>", line \d+, column \d+):$/gm, '$1');
}
