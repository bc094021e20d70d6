import { parseArgs } from 'node:util';
import { messageOf, TestbedError } from '../test/testbed/errors.ts';

/** The values of these options of a command line. Throws a TestbedError for what it doesn't know. */
export function textOptions<Name extends string>(
  args: string[],
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' } as const]));
  try {
    return parseArgs({ args, strict: true, allowPositionals: false, options }).values as Partial<
      Record<Name, string>
    >;
  } catch (error) {
    throw new TestbedError(`${messageOf(error)}; --help shows the options`);
  }
}

/** A whole number from 1 on. Throws a TestbedError that names the option. */
export function numberOf(option: string, text: string, most: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= most) return number;
  throw new TestbedError(`${option} must be a whole number from 1 to ${most}, not "${text}"`);
}
