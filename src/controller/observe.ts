import { GROUP } from '../api/constants.ts';
import { isOpenStackError, type Stack } from '../openstack/index.ts';
import type { HeatClient } from './heat-client.ts';

/** What a look at Heat found. */
export type Found =
  | { is: 'absent' }
  | { is: 'gone' }
  | { is: 'foreign'; message: string }
  | { is: 'held'; message: string }
  | { is: 'stack'; stack: Stack; outputsTooLarge: boolean };

/**
 * Reads a stack by its id. *Gone* is Heat's own 404 of type `EntityNotFound` on a read without outputs, or a
 * deletion time: a 404 of another type can come from one of the stack's resources, and DELETE_COMPLETE without a
 * deletion time still holds the name (Heat 27).
 */
export async function readStack(
  orchestration: HeatClient,
  ref: { id: string; name: string },
  options: { resolveOutputs: boolean; signal: AbortSignal },
): Promise<Found> {
  const { signal } = options;
  let outputsTooLarge = false;
  if (options.resolveOutputs) {
    try {
      const stack = await orchestration.getStack(ref, { resolveOutputs: true, showDeleted: true, signal });
      return found(stack, false);
    } catch (error) {
      if (!isOpenStackError(error, 'ResourceNotFound', 'ResponseTooLarge')) throw error;
      outputsTooLarge = isOpenStackError(error, 'ResponseTooLarge');
    }
  }
  try {
    const stack = await orchestration.getStack(ref, { resolveOutputs: false, showDeleted: true, signal });
    return found(stack, outputsTooLarge);
  } catch (error) {
    if (isOpenStackError(error, 'ResourceNotFound') && error.type === 'EntityNotFound') return { is: 'gone' };
    throw error;
  }
}

function found(stack: Stack, outputsTooLarge: boolean): Found {
  return stack.deletedAt ? { is: 'gone' } : { is: 'stack', stack, outputsTooLarge };
}

/** Whose stack is looked for. */
export interface Owner {
  /** The two tags of the object; a stack that carries both is the object's (an answer to a create was lost). */
  tags: readonly [string, string];
  /** The object is being deleted, and so may its stack be. */
  deleting: boolean;
}

/** Looks for the stack that has the name, and tells by its tags whose it is. */
export async function lookUpStack(
  orchestration: HeatClient,
  name: string,
  owner: Owner,
  signal: AbortSignal,
): Promise<Found> {
  for await (const stack of orchestration.stacks({ name, showHidden: true, signal })) {
    // Heat ignores a filter that it doesn't know and lists everything.
    if (stack.name !== name) continue;
    return judge(stack, owner);
  }
  return { is: 'absent' };
}

/**
 * Finds who has a name that Heat just called taken though the list doesn't show it: a nested stack, or one that is
 * being deleted, whose name is free 0.3 to 0.9 s later (Heat 27).
 */
export async function whoHasTheName(
  orchestration: HeatClient,
  name: string,
  owner: Owner,
  signal: AbortSignal,
): Promise<Found> {
  const listed = await lookUpStack(orchestration, name, owner, signal);
  if (listed.is !== 'absent') return listed;
  const stack = await orchestration.findStack(name, { resolveOutputs: false, signal });
  return stack
    ? judge(stack, owner)
    : { is: 'held', message: `Heat still holds the name "${name}" of a stack that was deleted` };
}

function judge(stack: Stack, { tags, deleting }: Owner): Found {
  const isOurs = tags.every((tag) => stack.tags.includes(tag));
  if (isOurs && deleting) return { is: 'stack', stack, outputsTooLarge: false };
  // Also one of ours: the object was deleted and applied again, and its former stack is on its way out.
  if (/^DELETE_(IN_PROGRESS|COMPLETE)$/.test(stack.status)) {
    return {
      is: 'held',
      message: `a stack with the name "${stack.name}" is being deleted; the name is free once it is gone`,
    };
  }
  if (isOurs) return { is: 'stack', stack, outputsTooLarge: false };
  const whose = stack.parentId
    ? 'a nested stack'
    : stack.tags.some((tag) => tag.startsWith(`${GROUP}/`))
      ? 'a stack of another HeatStack'
      : 'a stack that no HeatStack made';
  return {
    is: 'foreign',
    message: `the name "${stack.name}" is taken by ${whose} (id ${stack.id}); it is left alone. Delete this object and choose another spec.stackName, or delete that stack (Heat renames none)`,
  };
}
