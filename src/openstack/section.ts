import { createError, type OpenStackError } from './errors.ts';

/** The members of a mapping by their keys, with `-` in keys read as `_`. */
export type Settings = ReadonlyMap<string, unknown>;

/** Where settings come from, for messages: nothing of it is secret. */
export interface Origin {
  /** `clouds.yaml, cloud "demo"`. */
  name: string;
  /** How a key is written there, without the path to it; default: as it is. */
  key?: (key: string) => string;
}

/** The members of a mapping; undefined when it is none. */
export function settingsOf(value: unknown): Settings | undefined {
  if (value instanceof Map) return value;
  const members = membersOf(value);
  return members && new Map(members.map(([key, member]) => [key.replaceAll('-', '_'), member]));
}

/** The members of a mapping whose keys are names, as they are written; undefined when it is none. */
export function namedOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  const members = membersOf(value);
  return members && new Map(members);
}

function membersOf(value: unknown): [string, unknown][] | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.entries(value);
}

/** Settings over others, `auth` member by member, as openstacksdk lays them. What is null or empty covers nothing. */
export function layered(below: Settings, above: Settings): Settings {
  const both = new Map(below);
  for (const [key, value] of above) {
    if (value === null || value === '') continue;
    const [lower, upper] = key === 'auth' ? [settingsOf(below.get(key)), settingsOf(value)] : [];
    both.set(key, lower && upper ? layered(lower, upper) : value);
  }
  return both;
}

/** Settings that are read one by one, and how their faults are told: by key and cure, never with a value. */
export class Section {
  readonly #origin: Origin;
  readonly #settings: Settings;
  readonly #outer: Section | undefined;
  readonly #path: string;

  constructor(origin: Origin, settings: Settings, path = '', outer?: Section) {
    this.#origin = origin;
    this.#settings = settings;
    this.#path = path;
    this.#outer = outer;
  }

  error(key: string, what: string): OpenStackError {
    const written = this.#origin.key?.(key) ?? `${this.#path}${key}`;
    return createError('ConfigError', `${this.#origin.name}: ${written}: ${what}.`);
  }

  /** These settings with others over them. */
  under(above: Settings): Section {
    return new Section(this.#origin, layered(this.#settings, above), this.#path, this.#outer);
  }

  /** These settings over others. */
  over(below: Settings): Section {
    return new Section(this.#origin, layered(below, this.#settings), this.#path, this.#outer);
  }

  /** A mapping below this one, which also finds what stands beside it. */
  child(key: string): Section {
    const found = settingsOf(this.#settings.get(key) ?? {});
    if (!found) throw this.error(key, 'must be a mapping');
    return new Section(this.#origin, found, `${this.#path}${key}.`, this);
  }

  /** The first of the keys that has a value; a null or empty one is none. */
  value(...keys: string[]): unknown {
    for (const key of keys) {
      const value = this.#settings.get(key) ?? this.#outer?.value(key);
      if (value !== undefined && value !== null && value !== '') return value;
    }
    return undefined;
  }

  refuse(key: string, why: string): void {
    if (this.value(key) !== undefined) throw this.error(key, why);
  }

  text(...keys: string[]): string | undefined {
    for (const key of keys) {
      const value = this.value(key);
      if (typeof value === 'string') return value;
      if (value !== undefined) throw this.error(key, 'must be text; put it in quotes');
    }
    return undefined;
  }

  flag(key: string): boolean | undefined {
    const value = this.value(key);
    if (value === undefined || typeof value === 'boolean') return value;
    // In openstacksdk the text "false" counts as true; guessing either way would surprise somebody.
    throw this.error(key, 'must be true or false, without quotes');
  }
}
