import type { Json, JsonObject } from '../json.ts';
import { createError } from './errors.ts';

/** The inputs of a stack. Members that are undefined or null aren't sent. */
export interface StackAttributes {
  /** Needed by a create; an update doesn't rename. */
  name?: string | null | undefined;
  /** Text is sent untouched: only Heat reads its YAML. */
  template?: string | JsonObject | null | undefined;
  /** Heat itself fetches the template from there; it follows redirects, and its errors quote what it fetched. */
  templateUrl?: string | null | undefined;
  /** What `get_file` and nested templates name, by the exact same key. */
  files?: Record<string, string> | null | undefined;
  environment?: string | JsonObject | null | undefined;
  /**
   * Keys of `files` that Heat merges itself. Its rules differ from those of one environment: they win over
   * `parameters`, and `environment` is ignored. `mergeEnvironments` merges here instead.
   */
  environmentFiles?: string[] | null | undefined;
  /** A Swift container with further files. */
  filesContainer?: string | null | undefined;
  parameters?: Record<string, Json> | null | undefined;
  /** At most 80 characters each, no comma. */
  tags?: string[] | null | undefined;
  /** How long an action may take, in minutes; Heat can't unset it. */
  timeoutMins?: number | null | undefined;
  /** Heat's default is true. */
  disableRollback?: boolean | null | undefined;
}

/** Heat's names of the attributes; `stack_name` stands in the body of a create alone. */
const NAMES: Record<Exclude<keyof StackAttributes, 'name'>, string> = {
  template: 'template',
  templateUrl: 'template_url',
  files: 'files',
  environment: 'environment',
  environmentFiles: 'environment_files',
  filesContainer: 'files_container',
  parameters: 'parameters',
  tags: 'tags',
  timeoutMins: 'timeout_mins',
  disableRollback: 'disable_rollback',
};

/** Longest tag that Heat stores. */
const MAX_TAG_LENGTH = 80;

/**
 * The attributes as the body of a request, without the name.
 *
 * @throws OpenStackError ConfigError for an attribute that isn't one, which Heat would ignore, and for a tag that it
 * would take for several or refuse.
 */
export function stackBody(call: string, attributes: StackAttributes): { [name: string]: unknown } {
  const { name: _name, ...others } = attributes;
  const body = renamed(call, NAMES, others, 'name');
  const { tags } = attributes;
  if (!tags) return body;
  if (tags.some((tag) => tag === '' || tag.includes(',') || [...tag].length > MAX_TAG_LENGTH)) {
    throw createError(
      'ConfigError',
      `${call}(): a tag must have 1 to ${MAX_TAG_LENGTH} characters and no comma.`,
    );
  }
  // Heat splits a text; a list is a 400 without a message, and "" would be one empty tag.
  if (tags.length > 0) body['tags'] = tags.join(',');
  else delete body['tags'];
  return body;
}

/**
 * Attributes under Heat's names; those that are undefined or null are left out.
 *
 * @param besides names of attributes that the message also allows.
 * @throws OpenStackError ConfigError for an attribute that isn't one, which Heat would ignore.
 */
export function renamed(
  call: string,
  names: Readonly<Record<string, string>>,
  attributes: object,
  ...besides: string[]
): { [name: string]: unknown } {
  const body: { [name: string]: unknown } = {};
  for (const [key, value] of Object.entries(attributes)) {
    const theirs = Object.hasOwn(names, key) ? names[key] : undefined;
    if (theirs === undefined) {
      const known = [...besides, ...Object.keys(names)].join(', ');
      throw createError('ConfigError', `${call}(): unknown attribute "${key}"; it can be ${known}.`);
    }
    if (value !== undefined && value !== null) body[theirs] = value;
  }
  return body;
}
