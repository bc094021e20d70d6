import { TestbedError } from '../test/testbed/errors.ts';

/** Those of `all` that are named, in the order of `all`. */
export function pick<T>(
  option: string,
  names: string | undefined,
  all: readonly T[],
  nameOf: (one: T) => string,
): T[] {
  if (names === undefined) return [...all];
  const wanted = new Set(names.split(','));
  for (const name of wanted) {
    if (all.some((one) => nameOf(one) === name)) continue;
    throw new TestbedError(`${option} doesn't know "${name}"; it can be ${all.map(nameOf).join(', ')}`);
  }
  return all.filter((one) => wanted.has(nameOf(one)));
}
