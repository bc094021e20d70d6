import type { JsonObject } from '../../json.ts';
import { Refusal } from './answer.ts';
import { stackRow } from './format.ts';
import { rootOf } from './heat.ts';
import { readBoolean, readInteger, readTags } from './inputs.ts';
import type { Call } from './routes.ts';
import type { Stack } from './stack.ts';

/** Filters of a list of stacks, and what they compare. */
const FILTERS: Record<string, (stack: Stack) => string[]> = {
  id: ({ id }) => [id],
  name: ({ name }) => [name],
  stack_name: ({ name }) => [name],
  status: ({ status, state }) => [status, state],
  stack_status: ({ status, state }) => [status, state],
  action: ({ action }) => [action],
  stack_action: ({ action }) => [action],
  username: ({ owner }) => [owner],
  stack_owner: ({ owner }) => [owner],
  tenant: ({ projectId }) => [projectId],
  owner_id: ({ parent }) => (parent ? [parent.id] : []),
  parent: ({ parent }) => (parent ? [parent.id] : []),
  stack_user_project_id: ({ userProjectId }) => [userProjectId],
};
const SORT_KEYS: Record<string, (stack: Stack) => string> = {
  stack_name: ({ name }) => name,
  stack_status: ({ status }) => status,
  creation_time: ({ createdAt }) => String(createdAt),
  updated_time: ({ updatedAt = 0 }) => String(updatedAt),
};

/** The answer to `GET /stacks`. What Heat doesn't know it ignores. */
export function listStacks(call: Call): JsonObject {
  const { heat, token, projectId, query, url } = call;
  const flag = (name: string): boolean => {
    const value = query.get(name);
    return value !== null && value !== '' && readBoolean(name, value);
  };
  const isGlobal = flag('global_tenant');
  const [showDeleted, showNested] = [flag('show_deleted'), flag('show_nested')];
  flag('show_hidden');
  const withCount = flag('with_count');
  const hasTags = tagFilter(query);
  const asked = Object.keys(FILTERS).filter((key) => query.get(key));
  // The youngest first, unless something else is asked for.
  const direction = query.get('sort_dir') ?? (query.has('sort_keys') ? 'asc' : 'desc');
  if (isGlobal && !token.isAdmin) {
    throw new Refusal(403, 'Forbidden', 'You are not authorized to use stacks:global_index.');
  }
  if (direction !== 'asc' && direction !== 'desc') throw new Refusal(400, 'ValueError');
  const limit = readLimit(query);
  if (query.get('tags')) {
    // Heat 27 joins the table of tags, and then looks for the other filters in that table: it has an id only, which is
    // none of a stack. Several ids are compared as they should be.
    if (asked.some((key) => key !== 'id')) throw new Refusal(500, 'InvalidRequestError');
    if (query.getAll('id').length === 1) return { stacks: [], ...(withCount && { count: 0 }) };
  }
  for (const stack of heat.stacks) if (stack.projectId === projectId || isGlobal) rootOf(stack)?.look();
  const fits = heat.stacks.filter(
    (stack) =>
      (isGlobal || stack.projectId === projectId) &&
      (showDeleted || stack.deletedAt === undefined) &&
      // Heat shows nested stacks to who asks for those of one parent.
      (showNested || stack.parent === undefined || query.has('owner_id')) &&
      asked.every((key) =>
        (FILTERS[key]?.(stack) ?? []).some((value) => query.getAll(key).includes(value)),
      ) &&
      hasTags(stack),
  );
  const sorted = sort(fits, query.getAll('sort_keys'), direction === 'asc');
  const page = pageOf(sorted, query, limit);
  const last = page.at(-1);
  const next = new URLSearchParams(query);
  if (last) next.set('marker', last.id);
  const isFull = limit !== undefined && limit > 0 && page.length === limit;
  return {
    stacks: page.map((stack) => stackRow(stack, (each) => heat.urlOf(each), isGlobal || token.isAdmin)),
    ...(isFull && { links: [{ rel: 'next', href: `${url}?${next}` }] }),
    ...(withCount && { count: fits.length }),
  };
}

function tagFilter(query: URLSearchParams): (stack: Stack) => boolean {
  const asked = (name: string): string[] | undefined => {
    const value = query.get(name);
    return value ? readTags(value) : undefined;
  };
  const [all, any, notAll, notAny] = ['tags', 'tags_any', 'not_tags', 'not_tags_any'].map(asked);
  return ({ tags }) =>
    (all?.every((tag) => tags.includes(tag)) ?? true) &&
    (any?.some((tag) => tags.includes(tag)) ?? true) &&
    !(notAll?.every((tag) => tags.includes(tag)) ?? false) &&
    !(notAny?.some((tag) => tags.includes(tag)) ?? false);
}

function sort(stacks: Stack[], keys: string[], ascending: boolean): Stack[] {
  const known = keys.flatMap((key) => (Object.hasOwn(SORT_KEYS, key) ? (SORT_KEYS[key] ?? []) : []));
  const order = new Map(stacks.map((stack, index) => [stack, index]));
  const compare = (one: Stack, other: Stack): number => {
    for (const key of known) {
      const [a, b] = [key(one), key(other)];
      if (a !== b) return a < b ? -1 : 1;
    }
    return (order.get(one) ?? 0) - (order.get(other) ?? 0);
  };
  const sorted = [...stacks].sort(compare);
  return ascending ? sorted : sorted.reverse();
}

function readLimit(query: URLSearchParams): number | undefined {
  const limit = query.get('limit');
  return limit ? readInteger('limit', limit) : undefined;
}

/** The rows after the marker. A marker that isn't there is ignored. */
export function pageOf<T extends { id?: unknown }>(
  rows: T[],
  query: URLSearchParams,
  limit: number | undefined = readLimit(query),
): T[] {
  const marker = query.get('marker');
  const after = rows.findIndex(({ id }) => id === marker) + 1;
  return rows.slice(after, limit === undefined ? undefined : after + limit);
}
