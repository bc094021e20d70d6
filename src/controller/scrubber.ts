import { clip } from '../api/clip.ts';
import type { Json } from '../json.ts';
import { MIN_LENGTH, oneLine, type SecretTexts, secretTexts } from './secret-texts.ts';
import { type TextView, textViews } from './text-views.ts';

const REDACTED = '[redacted]';
const WITHHELD = 'the message is withheld, since it may quote a secret';
/** Of what is shown, in UTF-16 units. */
const MAX_LENGTH = 1024;
/** Of a text that is looked at; the rest is dropped. */
const MAX_INPUT = 8 * 1024;
/** Units in a row of a secret that give it away anywhere, not only from its beginning to where the text is cut off. */
const RUN_LENGTH = 16;
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
 * URL-encoded. So are 16 characters in a row of one, from any place in it (a template can split a value), and its
 * beginning from 6 characters on where the text is cut off. What counts as a value: {@link secretTexts}.
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
    if (needles.incomplete) return undefined;
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
    for (let at = 0; at + MIN_LENGTH <= text.length; at += 1) {
      this.#workLeft -= 1;
      for (let entry = needles.first(text, at); entry !== NONE; entry = needles.next(entry)) {
        const { from, to, isStart, isWhole } = needles.common(text, at, entry);
        const length = to - from;
        this.#workLeft -= 1 + length;
        if (this.#workLeft < 0) return;
        if (
          length >= RUN_LENGTH ||
          (isStart && length >= MIN_LENGTH && (isWhole || CUT.test(text.slice(to, to + 4))))
        )
          isSecret.fill(1, view.start(from), view.end(to - 1));
      }
    }
  }

  /** Whether the text holds one of the secrets that are too short to be replaced, outside of what is replaced. */
  #holdsShort(view: TextView, asItIs: boolean, needles: Needles, isSecret: Uint8Array): boolean {
    const { lengths, short, words } = needles;
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

/** A run that a text and a secret have in common. */
interface Common {
  /** Where in the text it begins. */
  from: number;
  /** Where it ends (exclusive). */
  to: number;
  /** The secret begins with it. */
  isStart: boolean;
  /** It goes on to the secret's end. */
  isWhole: boolean;
}

const NONE = -1;
/** What stands between secrets: {@link oneLine} leaves it in no text. */
const BETWEEN = '\n';
/**
 * From one place that is looked up to the next. A run of {@link RUN_LENGTH} units holds one of them with the
 * {@link MIN_LENGTH} units after it, wherever it begins.
 */
const STRIDE = RUN_LENGTH - MIN_LENGTH + 1;

/** The secrets in the form in which they are found fast: it takes a few bytes for each eleven units. */
class Needles {
  readonly incomplete: boolean;
  readonly short: ReadonlySet<string>;
  readonly words: ReadonlySet<string>;
  /** Of the secrets that can't be replaced. */
  readonly lengths: ReadonlySet<number>;
  readonly #all: string;
  /** Places in {@link #all}, each {@link STRIDE} units of a secret. */
  readonly #places: readonly number[];
  /** The last place by the hash of the units there, and for each place the one before with the same hash. */
  readonly #last: Int32Array;
  readonly #before: Int32Array;

  constructor(texts: SecretTexts) {
    this.incomplete = texts.incomplete;
    this.short = texts.short;
    this.words = texts.words;
    this.lengths = new Set([...texts.short, ...texts.words].map(({ length }) => length));
    this.#all = [BETWEEN, ...texts.long, ...texts.lines, ''].join(BETWEEN);
    const places: number[] = [];
    let start = 2 * BETWEEN.length;
    const add = (text: string, end: number): void => {
      for (let at = 0; at < end && at + MIN_LENGTH <= text.length; at += STRIDE) places.push(start + at);
      start += text.length + BETWEEN.length;
    };
    for (const text of texts.long) add(text, text.length < RUN_LENGTH ? 1 : text.length);
    for (const text of texts.lines) add(text, 1);
    this.#places = places;
    this.#last = new Int32Array(2 ** Math.ceil(Math.log2(2 * places.length + 2))).fill(NONE);
    this.#before = new Int32Array(places.length);
    for (const [entry, place] of places.entries()) {
      const hash = this.#hash(this.#all, place);
      this.#before[entry] = this.#last[hash] ?? NONE;
      this.#last[hash] = entry;
    }
  }

  /** A place of a secret where its units may be those of the text at `at`; {@link NONE} when there is none. */
  first(text: string, at: number): number {
    return this.#last[this.#hash(text, at)] ?? NONE;
  }

  /** One more such place. */
  next(entry: number): number {
    return this.#before[entry] ?? NONE;
  }

  /** The longest run around such a place. */
  common(text: string, at: number, entry: number): Common {
    const place = this.#places[entry] ?? 0;
    let from = 0;
    while (at + from > 0 && this.#isSame(text, at + from - 1, place + from - 1)) from -= 1;
    let to = 0;
    while (at + to < text.length && this.#isSame(text, at + to, place + to)) to += 1;
    return {
      from: at + from,
      to: at + to,
      isStart: this.#all[place + from - 1] === BETWEEN,
      isWhole: this.#all[place + to] === BETWEEN,
    };
  }

  #isSame(text: string, at: number, place: number): boolean {
    return text.charCodeAt(at) === this.#all.charCodeAt(place);
  }

  #hash(text: string, at: number): number {
    let hash = 0;
    for (let index = at; index < at + MIN_LENGTH; index += 1)
      hash = Math.imul(hash, 0x01000193) ^ text.charCodeAt(index);
    return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) & (this.#last.length - 1);
  }
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
