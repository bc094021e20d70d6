/**
 * Reads data by a valibot schema, like valibot and several times faster. Valibot makes an object for every value that
 * it looks at, so that it can say what is wrong; here nothing is said, and who needs it asks valibot.
 */
import * as v from 'valibot';

/** What a reader gives for data that the schema refuses, or that valibot should judge. */
export const INVALID = Symbol('invalid');

/** Takes data that came from JSON, may change it, and gives what the schema makes of it, or {@link INVALID}. */
export type Reader = (value: unknown) => unknown;

/** The parts of a schema that are looked at. */
interface Parts {
  type: string;
  entries?: Record<string, v.GenericSchema>;
  item?: v.GenericSchema;
  wrapped?: v.GenericSchema;
  default?: unknown;
  check?: (value: unknown) => boolean;
  pipe?: readonly Step[];
}

/** A step of a pipe: a schema, a check or a change. */
interface Step {
  kind: string;
  type: string;
  requirement?: unknown;
  operation?: (value: unknown) => unknown;
}

const readers = new WeakMap<object, Reader>();

/** The reader of a schema, made once. */
export function quickReader(schema: v.GenericSchema): Reader {
  let reader = readers.get(schema);
  if (!reader) {
    reader = readerOf(schema);
    readers.set(schema, reader);
  }
  return reader;
}

function readerOf(schema: v.GenericSchema): Reader {
  const { pipe } = schema as unknown as Parts;
  if (!pipe) return plainReader(schema);
  // The first step is the schema without the pipe.
  const steps = pipe.map((step) => stepReader(step));
  if (!steps.every((step) => step !== undefined)) return byValibot(schema);
  return (input) => {
    let value = input;
    for (const step of steps) {
      value = step(value);
      if (value === INVALID) return INVALID;
    }
    return value;
  };
}

/** Undefined for a step that only valibot knows. */
function stepReader(step: Step): Reader | undefined {
  const { kind, type, requirement, operation } = step;
  if (kind === 'schema') return quickReader(step as unknown as v.GenericSchema);
  if (type === 'transform' && operation) return operation;
  if (type === 'max_length' && typeof requirement === 'number') {
    return (value) => ((value as string | unknown[]).length <= requirement ? value : INVALID);
  }
  if (type === 'regex' && requirement instanceof RegExp && !requirement.global) {
    return (value) => (requirement.test(value as string) ? value : INVALID);
  }
  return undefined;
}

function plainReader(schema: v.GenericSchema): Reader {
  const { type, entries, item, wrapped, check, default: fallback } = schema as unknown as Parts;
  switch (type) {
    case 'string':
      return (value) => (typeof value === 'string' ? value : INVALID);
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? value : INVALID);
    case 'number':
      // JSON has no NaN.
      return (value) => (typeof value === 'number' ? value : INVALID);
    case 'custom':
      // A member that is missing is for valibot, which tells that from one that is undefined.
      if (check) return (value) => (value !== undefined && check(value) ? value : INVALID);
      break;
    case 'optional':
    case 'nullish':
      if (wrapped) return maybeReader(quickReader(wrapped), type === 'nullish', fallback);
      break;
    case 'array':
      if (item) return listReader(quickReader(item));
      break;
    case 'object':
    case 'loose_object':
      if (entries) return objectReader(entries, type === 'loose_object');
      break;
  }
  return byValibot(schema);
}

function byValibot(schema: v.GenericSchema): Reader {
  return (value) => {
    if (value === undefined) return INVALID;
    const result = v.safeParse(schema, value, { abortEarly: true });
    return result.success ? result.output : INVALID;
  };
}

function maybeReader(read: Reader, takesNull: boolean, fallback: unknown): Reader {
  return (value) => {
    if (value !== undefined && (value !== null || !takesNull)) return read(value);
    if (fallback === undefined) return value;
    return read(typeof fallback === 'function' ? fallback() : fallback);
  };
}

function listReader(read: Reader): Reader {
  return (list) => {
    if (!Array.isArray(list)) return INVALID;
    for (let at = 0; at < list.length; at += 1) {
      const value = read(list[at]);
      if (value === INVALID) return INVALID;
      list[at] = value;
    }
    return list;
  };
}

/** Names that valibot leaves out of objects. */
const SPECIAL = ['__proto__', 'prototype', 'constructor'];

/** @param isLoose members without an entry are kept; then the object itself is changed, which is cheaper than a copy. */
function objectReader(entries: Record<string, v.GenericSchema>, isLoose: boolean): Reader {
  const members = Object.entries(entries).map(([key, schema]) => ({ key, read: quickReader(schema) }));
  return (input) => {
    if (typeof input !== 'object' || input === null) return INVALID;
    const from = input as Record<string, unknown>;
    if (isLoose && SPECIAL.some((key) => Object.hasOwn(from, key))) return INVALID;
    const to = isLoose ? from : {};
    for (const { key, read } of members) {
      const given = from[key];
      const value = read(given);
      if (value === INVALID) return INVALID;
      if (value !== undefined && (value !== given || !isLoose)) to[key] = value;
    }
    return to;
  };
}
