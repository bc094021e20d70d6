import { GROUP, TAGS } from '../api/constants.ts';
import type { KubeObject } from '../kube/index.ts';
import { isOpenStackError, type Stack } from '../openstack/index.ts';
import type { HeatClient } from './heat-client.ts';
import type { SeenStack } from './plan.ts';

/** What a look at Heat found. */
export type Found =
  | { is: 'absent' }
  | { is: 'gone' }
  | { is: 'foreign'; message: string }
  | { is: 'ambiguous'; message: string }
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
      return foundAs(stack);
    } catch (error) {
      if (!isOpenStackError(error, 'ResourceNotFound', 'ResponseTooLarge')) throw error;
      outputsTooLarge = isOpenStackError(error, 'ResponseTooLarge');
    }
  }
  // Heat finds a stack only by both, its id and its name, and no proof covers the name: the id alone has the last word.
  for (const each of [ref, ref.id]) {
    try {
      const stack = await orchestration.getStack(each, { resolveOutputs: false, showDeleted: true, signal });
      // What isn't an id to Heat is a name.
      if (each === ref || stack.id === ref.id) return foundAs(stack, outputsTooLarge);
    } catch (error) {
      if (!isOpenStackError(error, 'ResourceNotFound') || error.type !== 'EntityNotFound') throw error;
    }
  }
  return { is: 'gone' };
}

/** What a stack is that Heat shows, be it in a list that was asked for those that are deleted: *gone* with a deletion time. */
export function foundAs(stack: Stack, outputsTooLarge = false): Found {
  return stack.deletedAt ? { is: 'gone' } : { is: 'stack', stack, outputsTooLarge };
}

/** An object in its newest version, as far as that leads to a look: a deletion is a new generation, too. */
export function lookVersion({ metadata }: KubeObject): string {
  return `${metadata.uid}/${metadata.generation ?? 0}`;
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
 * Looks for the object's own stack by its tags, under whatever name: one that was adopted may have another than the
 * object asks for.
 */
export async function findOwn(orchestration: HeatClient, owner: Owner, signal: AbortSignal): Promise<Found> {
  // Heat 27 answers 500 to tags together with a name.
  for await (const stack of orchestration.stacks({ tags: [...owner.tags], showHidden: true, signal })) {
    if (whose(stack, owner.tags) !== 'ours') continue;
    const judged = judge(stack, owner);
    if (judged.is === 'stack') return judged;
  }
  return { is: 'absent' };
}

/** Whose a stack is, by its tags. */
export function whose(stack: Pick<Stack, 'tags'>, ownTags: readonly string[]): SeenStack['whose'] {
  if (ownTags.every((tag) => stack.tags.includes(tag))) return 'ours';
  return stack.tags.some((tag) => tag.startsWith(`${GROUP}/`)) ? 'other' : 'nobody';
}

/**
 * Whether a stack carries the tag of another object. The cluster's tag alone says nothing: an operator that got another
 * id for the same cluster still knows its stacks by their proofs.
 */
export function namesAnother(stack: Pick<Stack, 'tags'>, ownTags: readonly string[]): boolean {
  const objects = stack.tags.filter((tag) => tag.startsWith(TAGS.object));
  return objects.length > 0 && !objects.some((tag) => ownTags.includes(tag));
}

/** Whether a stack is about to be gone. */
export function isLeaving({ status, deletedAt }: Stack): boolean {
  return deletedAt !== undefined || /^DELETE_(IN_PROGRESS|COMPLETE)$/.test(status);
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
  const owner = whose(stack, tags);
  if (owner === 'ours' && deleting) return { is: 'stack', stack, outputsTooLarge: false };
  // Also one of ours: the object was deleted and applied again, and its former stack is on its way out.
  if (isLeaving(stack)) {
    return {
      is: 'held',
      message: `a stack with the name "${stack.name}" is being deleted; the name is free once it is gone`,
    };
  }
  if (owner === 'ours') return { is: 'stack', stack, outputsTooLarge: false };
  const others = owner === 'other' ? 'a stack of another HeatStack' : 'a stack that no HeatStack made';
  return {
    is: 'foreign',
    message: `the name "${stack.name}" is taken by ${stack.parentId ? 'a nested stack' : others} (id ${stack.id}); it is left alone. Delete this object and choose another spec.stackName, or delete that stack (Heat renames none)`,
  };
}
