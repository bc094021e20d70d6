import type { HeatStackSpec } from '../api/heat-stack.ts';
import type { Output } from '../openstack/index.ts';

/** What goes into the Secret and the ConfigMap of `spec.outputs`. */
export interface ChosenOutputs {
  /** The texts by the outputs' names, which are the keys; sorted. */
  data: ReadonlyMap<string, string>;
  /** Why other chosen outputs are left out, by name. */
  leftOut: ReadonlyMap<string, string>;
}

/** As the API server has it for keys of Secrets and ConfigMaps. */
const KEY = /^(?!\.$|\.\.)[-._a-zA-Z0-9]{1,253}$/;

const NOT_A_KEY =
  'no key of a Secret or ConfigMap can have this name (only letters, digits, "-", "_" and ".", and no ".." at the beginning); rename the output';

/** Whether the outputs are to go into an object. */
export function wantsObjects(spec: HeatStackSpec['outputs']): boolean {
  return spec?.secretName !== undefined || spec?.configMapName !== undefined;
}

/**
 * Chooses the outputs that `spec.outputs.names` names, or all. Text stays as it is, and any other value becomes JSON
 * with every digit.
 *
 * Null is what Heat gives for an output that it can't resolve, often without an error (Heat 27): such a key is left out,
 * since a program would take "null" for a value.
 */
export function chooseOutputs(
  outputs: readonly Output[],
  names: readonly string[] | undefined,
): ChosenOutputs {
  const known = new Map(outputs.map((output) => [output.key, output]));
  const data = new Map<string, string>();
  const leftOut = new Map<string, string>();
  for (const name of [...new Set(names ?? known.keys())].sort()) {
    const output = known.get(name);
    const text = asText(output?.value);
    if (!output) leftOut.set(name, 'the stack has no such output; correct spec.outputs.names');
    else if (output.error) leftOut.set(name, 'Heat gives an error instead of a value');
    else if (text === undefined) leftOut.set(name, 'Heat gives no value (null)');
    else if (!KEY.test(name)) leftOut.set(name, NOT_A_KEY);
    else data.set(name, text);
  }
  return { data, leftOut };
}

function asText(value: Output['value']): string | undefined {
  if (value === undefined || value === null) return undefined;
  // The API server replaces lone surrogates, and what is read back would never be what was written.
  return (typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed();
}
