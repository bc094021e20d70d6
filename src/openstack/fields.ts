/** What the schemas of Heat's answers have in common. */
import * as v from 'valibot';
import type { Json, JsonObject } from '../json.ts';
import { json, jsonObject, label } from './answer.ts';
import { type Defined, defined } from './define.ts';
import { isStackSegment } from './stack-path.ts';
import { MAX_URL_LENGTH } from './url.ts';

/** A link to something related: `self`, `stack`, `nested`. */
export interface Link {
  rel: string;
  href: string;
}

/** Members that this version doesn't know, as Heat sent them; missing when there are none. */
export interface Extra {
  extra?: JsonObject;
}

/** Both halves of a stack's address. */
export interface StackIdentity {
  id: string;
  name: string;
}

/** A schema's type, spelled out, so that the published types don't unfold every schema. */
export type Answer<T> = v.GenericSchema<unknown, T>;

/** Text that may be missing. */
export const text = v.nullish(v.string());
// Heat's own columns are no longer, and what is said of a stack must fit where it is shown.
export const id = label(64);
/** A resource's name may be any text. */
export const name = v.pipe(v.string(), v.maxLength(255));
/** `ACTION_STATUS`, or one half of it. Those unknown today stay text. */
export const state = label(64);
/** ISO 8601 with a resolution of one second. */
export const time = v.nullish(label(64));
export const links = v.optional(v.array(v.object({ rel: v.string(), href: v.string() })), () => []);
export const names = v.nullish(v.array(name), () => []);
// Spelled out: the type of the published form would unfold without end.
export const maybeJson: v.OptionalSchema<v.GenericSchema<unknown, Json>, undefined> = v.optional(json);
export const maybeObject = v.nullish(jsonObject);

/** What a schema with these entries gives. */
export type Raw<TEntries extends v.ObjectEntries> = v.InferOutput<v.ObjectSchema<TEntries, undefined>>;

/**
 * A schema of an object of Heat, and what is made of it. Members that become undefined are left out, and what the
 * entries don't name is kept as `extra`.
 */
export function record<TEntries extends v.ObjectEntries, TMade extends object>(
  entries: TEntries,
  make: (raw: Raw<TEntries>) => TMade,
): v.GenericSchema<unknown, Defined<TMade> & Extra> {
  const known = new Set(Object.keys(entries));
  return v.pipe(
    v.looseObject(entries),
    v.transform((raw) => {
      const made: Defined<TMade> & Extra = defined(make(raw as Raw<TEntries>));
      for (const key of Object.keys(raw)) {
        if (known.has(key)) continue;
        made.extra ??= {};
        made.extra[key] = raw[key as keyof typeof raw] as Json;
      }
      return made;
    }),
  );
}

/** The stack that a link leads to. */
export function linkedStack(all: Link[], rel: string): StackIdentity | undefined {
  const link = all.find((candidate) => candidate.rel === rel);
  return link && stackInUrl(link.href);
}

/**
 * The stack that an address of Heat names: what follows its last `/stacks/`. Host and path before it are never used,
 * since Heat behind a TLS terminator names itself by http, and a token must not follow an answer to another host.
 */
export function stackInUrl(url: string): StackIdentity | undefined {
  const mark = '/stacks/';
  const at = url.lastIndexOf(mark);
  if (at < 0 || url.length > MAX_URL_LENGTH) return undefined;
  const [stackName, stackId] = url.slice(at + mark.length).split(/[/?#]/, 2);
  if (!stackName || !stackId) return undefined;
  try {
    const found = { name: decodeURIComponent(stackName), id: decodeURIComponent(stackId) };
    return isStackSegment(found.name) && isStackSegment(found.id) ? found : undefined;
  } catch {
    return undefined;
  }
}
