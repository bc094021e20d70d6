import { isTooDeep, type Json, MAX_DEPTH } from '../json.ts';
import type { DataKind } from './data-object.ts';
import { DIGEST_KEY_SECRET } from './operator-keys.ts';

type InputReason = 'DependencyNotReady' | 'Forbidden' | 'InvalidConfiguration';

/** Inputs that can't be used. The message is free of secrets. */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly reason: InputReason;
  /** It waits for another HeatStack, whose change is told by the watch. */
  readonly waits: boolean;

  /**
   * @param reason `InvalidConfiguration` doesn't heal by itself, the others do.
   */
  constructor(reason: InputReason, message: string, { waits = false } = {}) {
    super(message);
    this.reason = reason;
    this.waits = waits;
  }
}

/** What an output of another HeatStack gives. */
export type FoundOutput =
  /** `hidden`: it was read from a Secret. */
  | { is: 'given'; value: Json; hidden: boolean }
  /** There is none; that may change. */
  | { is: 'missing'; why: string }
  /** It isn't known yet, or can't be had. */
  | { is: 'awaited'; why: string }
  /** Nobody but Heat knows it. */
  | { is: 'unexposed'; why: string };

/** Reads what a spec refers to in the HeatStack's namespace. */
export interface InputReader {
  /** The texts of an object by key, `undefined` for what is no text; nothing when there is no such object. */
  read(kind: DataKind, name: string): Promise<ReadonlyMap<string, string | undefined> | undefined>;
  /** An output of a HeatStack. */
  output(stack: string, output: string): Promise<FoundOutput>;
}

/** A key of an object, or the object, or an output: whatever a spec refers to. */
interface Source {
  configMapKeyRef?: { name: string; key: string };
  secretKeyRef?: { name: string; key: string };
}

/** Takes values from where a spec refers to, and gathers those that must not be shown. */
export class InputSources {
  readonly #reader: InputReader;
  readonly #hidden = new Set<Json>();

  constructor(reader: InputReader) {
    this.#reader = reader;
  }

  /** All values out of Secrets. */
  get hidden(): Json[] {
    return [...this.#hidden];
  }

  /** Counts a value as one out of a Secret. */
  hide(value: Json): void {
    this.#hidden.add(value);
  }

  /**
   * The text of a key, with its place for messages; nothing when the source names no object, or an optional one isn't
   * there.
   *
   * @param where the source, such as `spec.template`
   * @throws InputError
   */
  async text(
    { configMapKeyRef, secretKeyRef }: Source,
    where: string,
    { optional = false } = {},
  ): Promise<{ text: string; place: string; hidden: boolean } | undefined> {
    const ref = configMapKeyRef ?? secretKeyRef;
    if (!ref) return undefined;
    const kind = configMapKeyRef ? 'ConfigMap' : 'Secret';
    const place = `${where}.${configMapKeyRef ? 'configMapKeyRef' : 'secretKeyRef'}`;
    const object = await this.object(kind, { name: ref.name, optional }, place);
    const text = object?.take(ref.key, place);
    return text === undefined ? undefined : { text, place, hidden: kind === 'Secret' };
  }

  /** The ConfigMap or Secret of a source that names a whole object; nothing when it is optional and not there. */
  async map(
    source: {
      configMapRef?: { name: string; optional?: boolean };
      secretRef?: { name: string; optional?: boolean };
    },
    where: string,
  ): Promise<SourceObject | undefined> {
    const { configMapRef, secretRef } = source;
    if (configMapRef) return this.object('ConfigMap', configMapRef, `${where}.configMapRef`);
    return secretRef && this.object('Secret', secretRef, `${where}.secretRef`);
  }

  /** An object that is named; nothing when it is optional and not there. */
  async object(
    kind: DataKind,
    { name, optional = false }: { name: string; optional?: boolean },
    place: string,
  ): Promise<SourceObject | undefined> {
    // Where the operator's own namespace is open to others, its key mustn't end up in a stack of theirs.
    if (kind === 'Secret' && name === DIGEST_KEY_SECRET) {
      throw new InputError(
        'InvalidConfiguration',
        `${place}: Secret "${name}" is the operator's own; name another one`,
      );
    }
    const data = await this.#reader.read(kind, name);
    if (data) {
      const hide = kind === 'Secret' ? (text: string) => this.hide(text) : () => undefined;
      return new SourceObject(`${kind} "${name}"`, data, optional, hide);
    }
    if (optional) return undefined;
    throw new InputError(
      'DependencyNotReady',
      `${place}: there is no ${kind} "${name}" in this namespace; create it or correct the name`,
    );
  }

  /**
   * An output of another HeatStack; nothing when it is optional and not there.
   *
   * @throws InputError
   */
  async output(
    { name, output }: { name: string; output: string },
    where: string,
    { optional = false } = {},
  ): Promise<Json | undefined> {
    const place = `${where}.heatStackOutputRef`;
    const found = await this.#reader.output(name, output);
    switch (found.is) {
      case 'given':
        // The API server keeps any depth, and what walks the value doesn't take it.
        if (isTooDeep(found.value)) {
          throw new InputError(
            'InvalidConfiguration',
            `${place}: output "${output}" of HeatStack "${name}" is nested deeper than ${MAX_DEPTH} levels`,
          );
        }
        if (found.hidden) this.hide(found.value);
        return found.value;
      case 'missing':
        if (optional) return undefined;
        throw new InputError('DependencyNotReady', `${place}: ${found.why}`, { waits: true });
      case 'awaited':
        throw new InputError('DependencyNotReady', `${place}: ${found.why}`, { waits: true });
      case 'unexposed':
        throw new InputError('InvalidConfiguration', `${place}: ${found.why}`);
    }
  }
}

/** A ConfigMap or Secret whose values are inputs. */
class SourceObject {
  readonly #label: string;
  readonly #data: ReadonlyMap<string, string | undefined>;
  readonly #optional: boolean;
  readonly #note: (text: string) => void;

  /** @param note is told of every value that is taken */
  constructor(
    label: string,
    data: ReadonlyMap<string, string | undefined>,
    optional: boolean,
    note: (text: string) => void,
  ) {
    this.#label = label;
    this.#data = data;
    this.#optional = optional;
    this.#note = note;
  }

  get keys(): Iterable<string> {
    return this.#data.keys();
  }

  /** The text of a key; nothing when it is optional and not there. */
  take(key: string, place: string): string | undefined {
    const text = this.#data.get(key);
    if (text !== undefined) {
      this.#note(text);
      return text;
    }
    if (this.#data.has(key)) {
      throw new InputError(
        'InvalidConfiguration',
        `${place}: key "${key}" of ${this.#label} isn't text (UTF-8), and Heat takes nothing else; encode it, for example in base64, or leave it out`,
      );
    }
    if (this.#optional) return undefined;
    throw new InputError(
      'DependencyNotReady',
      `${place}: ${this.#label} has no key "${key}"; add it or correct the key`,
    );
  }
}
