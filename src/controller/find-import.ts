import type { ImportSource } from '../api/heat-stack.ts';
import type { Stack } from '../openstack/index.ts';
import type { HeatClient } from './heat-client.ts';
import { type Found, isLeaving } from './observe.ts';

/** How many ids a message names. */
const MOST_NAMED = 3;

/**
 * Looks for the one stack that `spec.import` names: a root stack that isn't being deleted.
 *
 * @param stackName that of the spec, if it has one: then the stack must be called so
 */
export async function findImport(
  orchestration: HeatClient,
  source: ImportSource,
  stackName: string | undefined,
  signal: AbortSignal,
): Promise<Found> {
  const stacks = await Array.fromAsync(candidates(orchestration, source, signal));
  const [stack] = stacks;
  if (!stack) return { is: 'absent' };
  if (stacks.length > 1) {
    const ids = stacks.slice(0, MOST_NAMED).map(({ id }) => id);
    const others = stacks.length > MOST_NAMED ? ' and more' : '';
    return {
      is: 'ambiguous',
      message: `spec.import.filter fits more than one stack (${ids.join(', ')}${others}); nothing is done until it fits one alone. Or make a new HeatStack that names it by spec.import.id`,
    };
  }
  if (stack.parentId !== undefined) {
    return {
      is: 'ambiguous',
      message: `spec.import.id names stack "${stack.name}", which is nested in stack ${stack.parentId}; make a new HeatStack that names the outermost stack`,
    };
  }
  if (stackName !== undefined && stackName !== stack.name) {
    return {
      is: 'ambiguous',
      message: `spec.import names stack "${stack.name}" (${stack.id}), and spec.stackName is "${stackName}"; make a new HeatStack whose spec.stackName is the name of that stack, or that has none`,
    };
  }
  return { is: 'stack', stack, outputsTooLarge: false };
}

/** The stacks that fit, one more than a message names at most. */
async function* candidates(
  orchestration: HeatClient,
  { id, filter }: ImportSource,
  signal: AbortSignal,
): AsyncGenerator<Stack, void> {
  if (id !== undefined) {
    const stack = await orchestration.findStack(id, { resolveOutputs: false, signal });
    // What isn't an id to Heat is a name.
    if (stack?.id === id && !isLeaving(stack)) yield stack;
    return;
  }
  const { name, tags = [] } = filter ?? {};
  if (name === undefined && tags.length === 0) return; // it would fit every stack
  // Heat 27 answers 500 to tags together with a name; and it ignores a filter that it doesn't know.
  const query = name === undefined ? { tags } : { name };
  let left = MOST_NAMED + 1;
  for await (const stack of orchestration.stacks({ ...query, showHidden: true, signal })) {
    const fits =
      (name === undefined || stack.name === name) &&
      tags.every((tag) => stack.tags.includes(tag)) &&
      stack.parentId === undefined &&
      !isLeaving(stack);
    if (!fits) continue;
    yield stack;
    left -= 1;
    if (left === 0) return;
  }
}
