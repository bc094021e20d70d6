import { createError } from './errors.ts';
import type { StackIdentity } from './fields.ts';

/** `/stacks/{name}/{id}`, encoded. */
export function stackPath({ name, id }: StackIdentity): string {
  return `/stacks/${stackSegment('name', name)}/${stackSegment('id', id)}`;
}

/** A stack's name or id as a part of a path. */
export function stackSegment(what: string, text: string): string {
  if (!isStack(text)) {
    throw createError('ConfigError', `A stack's ${what} can't be "detail" or "preview".`);
  }
  return segment(`A stack's ${what}`, text);
}

/** One part of a path, encoded; refuses what would make the path another one. */
export function segment(what: string, text: string): string {
  if (!isSegment(text)) {
    throw createError('ConfigError', `${what} can't be empty, "." or "..", nor contain "/".`);
  }
  return encodeURIComponent(text);
}

/** Whether a stack can have this name or id. */
export function isStackSegment(text: string): boolean {
  return isSegment(text) && isStack(text);
}

function isSegment(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..' && !text.includes('/');
}

/** GET /stacks/detail and /stacks/preview are other things than stacks. */
function isStack(text: string): boolean {
  return text !== 'detail' && text !== 'preview';
}
