import { createHash } from 'node:crypto';
import { clip } from '../api/clip.ts';
import type { Plan, PlannedChange, ProtectRule } from '../api/heat-stack.ts';
import { STATUS_LIMITS } from '../api/limits.ts';
import { canonicalJson } from '../json.ts';
import {
  isOpenStackError,
  type ResourceChange,
  type StackAttributes,
  type StackChanges,
  type StackIdentity,
} from '../openstack/index.ts';
import { pathsOf } from './change-paths.ts';
import type { HeatClient } from './heat-client.ts';
import { type PlacedResource, placeResources } from './resource-tree.ts';

/** What a create or an update would do, as Heat's preview tells it: paths and types, never properties. */
export interface Preview {
  added: PlannedChange[];
  updated: PlannedChange[];
  replaced: PlannedChange[];
  deleted: PlannedChange[];
  unchanged: number;
  /** What `spec.protect` refuses, such as `REPLACE web/server-0`. */
  blocked: string[];
  /** Heat couldn't tell what would happen in nested stacks. */
  hidesNested: boolean;
}

const KINDS = ['added', 'updated', 'replaced', 'deleted'] as const;
/** A cloud may allow deeper nesting than Heat's own 5. */
const ALL_DEPTHS = 10;
/** A message names five, and ends with the cure. */
const MAX_SHOWN_PATH = 100;
/** Room in a status: a path alone may have 2,048 characters. */
const MAX_PLAN_BYTES = 96 * 1024;

/** Asks Heat what a create would make. Heat lists the resources in nested stacks, and not those stacks themselves. */
export async function previewCreate(
  heat: HeatClient,
  attributes: StackAttributes & { name: string },
  signal: AbortSignal,
): Promise<Preview> {
  const { resources } = await heat.createStack(attributes, { preview: true, signal });
  const none = { updated: [], replaced: [], deleted: [], unchanged: [] };
  return toPreview(attributes.name, { added: resources, ...none }, false);
}

/**
 * Asks Heat what an update would do, in nested stacks as well: without them, Heat hides what is replaced and deleted in
 * them. The rules of `spec.protect` are applied to what is there now: Heat tells only the new type of what is replaced.
 *
 * @throws OpenStackError as `previewStackUpdate`, and ResponseTooLarge
 */
export async function previewUpdate(
  heat: HeatClient,
  stack: StackIdentity,
  attributes: StackAttributes,
  rules: readonly ProtectRule[],
  signal: AbortSignal,
): Promise<Preview> {
  const { changes, hidesNested } = await askForChanges(heat, stack, attributes, signal);
  const preview = toPreview(stack.name, changes, hidesNested);
  const readCurrent = async () =>
    placeResources(await Array.fromAsync(heat.resources(stack, { nestedDepth: ALL_DEPTHS, signal })));
  if (hidesNested) {
    const current = await readCurrent();
    addMembers(preview, current);
    preview.blocked = [
      ...findBlocked(rules, preview, typesOf(current)),
      ...findPerhapsBlocked(rules, preview, current),
    ];
  } else if (rules.length > 0) {
    const types = preview.replaced.length > 0 ? typesOf(await readCurrent()) : new Map<string, string>();
    preview.blocked = findBlocked(rules, preview, types);
  }
  return preview;
}

/**
 * Heat 27 fails to preview what is nested with 400 and no word of why, whenever a nested stack would be added to, or
 * replaced in, another nested stack (a group of nested stacks that grows, say). The outermost stack alone it can.
 */
async function askForChanges(
  heat: HeatClient,
  stack: StackIdentity,
  attributes: StackAttributes,
  signal: AbortSignal,
): Promise<{ changes: StackChanges; hidesNested: boolean }> {
  try {
    const changes = await heat.previewStackUpdate(stack, attributes, { showNested: true, signal });
    return { changes, hidesNested: false };
  } catch (error) {
    if (!isOpenStackError(error, 'BadRequest') || error.type !== 'HTTPBadRequest') throw error;
  }
  const changes = await heat.previewStackUpdate(stack, attributes, { showNested: false, signal });
  return { changes, hidesNested: true };
}

function toPreview(root: string, changes: StackChanges, hidesNested: boolean): Preview {
  const { added, updated, replaced, deleted, unchanged } = changes;
  // What is there already links to its stack by id, and goes first.
  const paths = pathsOf(root, [...updated, ...deleted, ...replaced, ...added]);
  const place = (list: readonly ResourceChange[]): PlannedChange[] =>
    list
      .map((change) => ({ path: (paths.get(change) ?? [change.name]).join('/'), type: change.type }))
      .sort(comparePaths);
  return {
    added: place(added),
    updated: place(updated),
    replaced: place(replaced),
    deleted: place(deleted),
    unchanged: unchanged.length,
    blocked: [],
    hidesNested,
  };
}

function comparePaths(a: PlannedChange, b: PlannedChange): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

/** What is in a nested stack goes with it. */
function addMembers(preview: Preview, current: readonly PlacedResource[]): void {
  const gone = new Set([...preview.deleted, ...preview.replaced].map(({ path }) => path));
  const members = current.filter(({ names: [outermost = ''], depth }) => depth > 0 && gone.has(outermost));
  preview.deleted = [...preview.deleted, ...members.map(toChange)].sort(comparePaths);
}

function toChange({ resource, names }: PlacedResource): PlannedChange {
  return { path: names.join('/'), type: resource.type };
}

function typesOf(current: readonly PlacedResource[]): Map<string, string> {
  return new Map(current.map(toChange).map(({ path, type }) => [path, type]));
}

/** @param types those of the resources that are there, by path */
function findBlocked(
  rules: readonly ProtectRule[],
  preview: Preview,
  types: ReadonlyMap<string, string>,
): string[] {
  const protects = protection(rules);
  const replaced = preview.replaced.filter(({ path, type }) => {
    const current = types.get(path) ?? type;
    // One of another type takes its place, and it is gone for good.
    return protects('replace', current) || (current !== type && protects('delete', current));
  });
  const deleted = preview.deleted.filter(({ type }) => protects('delete', type));
  return [
    ...replaced.map(({ path }) => `REPLACE ${shownPath(path)}`),
    ...deleted.map(({ path }) => `DELETE ${shownPath(path)}`),
  ];
}

/** What may happen in nested stacks when Heat can't tell. */
function findPerhapsBlocked(
  rules: readonly ProtectRule[],
  preview: Preview,
  current: readonly PlacedResource[],
): string[] {
  const protects = protection(rules);
  const updated = new Set(preview.updated.map(({ path }) => path));
  return current
    .filter(({ names: [outermost = ''], depth }) => depth > 0 && updated.has(outermost))
    .map(toChange)
    .filter(({ type }) => protects('replace', type) || protects('delete', type))
    .sort(comparePaths)
    .map(({ path }) => `perhaps REPLACE or DELETE ${shownPath(path)}`);
}

type Operation = ProtectRule['operations'][number];

/** Tells whether a rule keeps resources of a type from an operation. */
function protection(rules: readonly ProtectRule[]): (operation: Operation, type: string) => boolean {
  return (operation, type) =>
    rules.some(
      ({ operations, resourceTypes }) =>
        operations.includes(operation) && resourceTypes.some((pattern) => matches(pattern, type)),
    );
}

/** "*" at the end of a pattern stands for anything. */
function matches(pattern: string, type: string): boolean {
  return pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type;
}

function shownPath(path: string): string {
  return clip(path, MAX_SHOWN_PATH);
}

/** How many resources would be added, replaced or deleted; 1 when that can't be told. */
export function countChanges({ added, replaced, deleted, hidesNested }: Preview): number {
  return Math.max(hidesNested ? 1 : 0, added.length + replaced.length + deleted.length);
}

/** What would happen, in words. */
export function describePreview({ added, updated, replaced, deleted, hidesNested }: Preview): string {
  const counts = `add ${added.length}, update ${updated.length}, replace ${replaced.length} and delete ${deleted.length} resources`;
  return hidesNested ? `${counts}, and what Heat can't tell in nested stacks` : counts;
}

/**
 * The id of a plan. It is another one when the inputs, the stack or the list of changes is another, so an approval is
 * good for one plan, once.
 *
 * @param inputs digest of the inputs
 * @param stack what tells a state of the stack from any other
 */
export function planId(inputs: string, stack: readonly (string | undefined)[], preview: Preview): string {
  const added = preview.added.map(({ path, type }) => ({ path: path.replace(RANDOM_NAME, '/*'), type }));
  const { blocked: _, unchanged: __, ...changes } = preview;
  const parts = {
    inputs,
    stack: stack.map((part) => part ?? null),
    ...changes,
    added: added.sort(comparePaths),
  };
  return createHash('sha256').update(canonicalJson(parts)).digest('hex').slice(0, 16);
}

/** The name of a new member of an autoscaling group is another one in each preview (Heat 27). */
const RANDOM_NAME = /\/[a-z2-7]{12}(?=\/|$)/g;

/** The plan as the status shows it. */
export function toPlan(preview: Preview, id: string, createdAt: string): Plan {
  let room = MAX_PLAN_BYTES;
  const lists: Pick<Plan, (typeof KINDS)[number]> = { added: [], updated: [], replaced: [], deleted: [] };
  // What is lost comes first.
  for (const kind of KINDS.toReversed()) {
    for (const { path, type } of preview[kind].slice(0, STATUS_LIMITS.plannedChanges)) {
      const change = { path: clip(path, STATUS_LIMITS.path), type: clip(type, STATUS_LIMITS.type) };
      room -= Buffer.byteLength(JSON.stringify(change));
      if (room < 0) break;
      lists[kind].push(change);
    }
  }
  return { id, ...lists, unchanged: preview.unchanged, createdAt };
}
