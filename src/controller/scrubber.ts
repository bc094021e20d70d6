import { clip } from '../api/clip.ts';
import { isJsonObject, isRawNumber, type Json } from '../json.ts';

const REDACTED = '[redacted]';
// A value this short occurs in ordinary words, so that replacing it tells where it stood.
const MIN_LENGTH = 6;
const MAX_LENGTH = 1024;
// In a template from a Secret, such as `server:`. Heat's messages name resources so, and a name is no secret.
const BARE_KEY = /^[\w.-]+:$/;

/**
 * Takes secrets out of a text that came from outside, before it reaches a condition, Event, log or error.
 *
 * Heat quotes the values that it refuses: 9 of 11 kinds of wrong input for a hidden parameter came back with the
 * value in clear (Heat 27). Values are replaced as they are, JSON-escaped, base64 and URL-encoded.
 */
export class Scrubber {
  readonly #needles: string[];
  readonly #short: string[];

  readonly #withhold: boolean;

  /**
   * @param secrets values from Secrets and of hidden parameters, in any JSON form
   * @param withhold show no text at all, since not all secrets are known
   */
  constructor(secrets: Iterable<Json>, withhold = false) {
    this.#withhold = withhold;
    const values = new Set<string>();
    for (const secret of secrets) collect(secret, values);
    values.delete('');
    const long = [...values].filter((value) => value.length >= MIN_LENGTH);
    this.#short = [...values].filter((value) => value.length < MIN_LENGTH);
    const needles = new Set(long.flatMap(forms));
    // The longest first: a secret may contain another.
    this.#needles = [...needles].sort((a, b) => b.length - a.length);
  }

  /**
   * The text without secrets, on one line, at most 1 KiB.
   *
   * @param fallback what to say when the text can't be shown at all, e.g. Heat's `error.type`.
   */
  clean(text: string, fallback = 'the message is withheld, since it may quote a secret'): string {
    if (this.#withhold) return fallback;
    let clean = text;
    for (const needle of this.#needles) clean = clean.replaceAll(needle, REDACTED);
    clean = cutQuotedYaml(clean).replace(/\s+/g, ' ').trim();
    if (this.#short.some((value) => clean.includes(value))) return fallback;
    return clip(clean, MAX_LENGTH);
  }
}

/** The texts in a value: a list's members, a map's values, numbers as they are written; not `true`, which is no secret. */
function collect(value: Json, into: Set<string>): void {
  if (typeof value === 'string') {
    into.add(value);
    // A Secret's value often ends with a newline that Heat's message doesn't quote.
    into.add(value.trim());
    for (const line of value.split('\n').map((text) => text.trim())) {
      if (line.length >= MIN_LENGTH && !BARE_KEY.test(line)) into.add(line);
    }
  } else if (typeof value === 'number') into.add(String(value));
  else if (isRawNumber(value)) into.add(value.rawJSON);
  else if (Array.isArray(value)) for (const member of value) collect(member, into);
  else if (isJsonObject(value)) for (const member of Object.values(value)) collect(member, into);
}

function forms(value: string): string[] {
  const base64 = Buffer.from(value).toString('base64');
  // A lone surrogate has no URL form.
  const encoded = encodeURIComponent(value.toWellFormed());
  return [
    value,
    JSON.stringify(value).slice(1, -1),
    base64.replace(/=+$/, ''),
    Buffer.from(value).toString('base64url'),
    encoded,
    encoded.replaceAll('%20', '+'),
  ];
}

/** PyYAML quotes the lines around an error, indented by four; a caret marks the column. */
function cutQuotedYaml(text: string): string {
  return text.replace(/(in "<unicode string>", line \d+, column \d+):?\n(?: {4,}.*(?:\n|$))+/g, '$1\n');
}
