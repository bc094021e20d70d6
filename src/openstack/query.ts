import { createError } from './errors.ts';

/** Which stacks to list. A list of values matches any of them. */
export interface StackQuery {
  /** Rows of one page, 200 unless given. All pages are read; leave the loop to stop earlier. */
  limit?: number;
  /** Begin after the stack with this id. */
  marker?: string;
  /** Heat ignores keys other than these. */
  sortKeys?: StackSortKey[];
  sortDir?: 'asc' | 'desc';
  id?: string | string[];
  name?: string | string[];
  /** `COMPLETE`, `IN_PROGRESS`, `FAILED`. */
  status?: string | string[];
  /** `CREATE`, `UPDATE` … */
  action?: string | string[];
  username?: string | string[];
  /** The id of the outer stack; wants `showNested`. */
  ownerId?: string | string[];
  /** Stacks that have all of these tags. With it, no filter but `id` works. */
  tags?: string[];
  /** Stacks that have one of these tags. */
  anyTags?: string[];
  /** Not the stacks that have all of these tags. */
  notTags?: string[];
  /** Not the stacks that have one of these tags. */
  notAnyTags?: string[];
  showDeleted?: boolean;
  showNested?: boolean;
  /** Stacks with a tag that the cloud hides. */
  showHidden?: boolean;
  /** Stacks of all projects, for administrators of the cloud. */
  globalTenant?: boolean;
  /** Stacks of other projects, with `globalTenant`. */
  projectId?: string | string[];
  /** Stop after so many. */
  maxItems?: number;
  signal?: AbortSignal;
}

/** What Heat can sort stacks by. */
export type StackSortKey = 'stack_name' | 'stack_status' | 'creation_time' | 'updated_time';

/** Which resources of a stack to list. */
export interface ResourceQuery {
  /** How deep to look into nested stacks: 0 (the default) is the stack itself. */
  nestedDepth?: number;
  name?: string | string[];
  /** `COMPLETE`, `IN_PROGRESS`, `FAILED`. */
  status?: string | string[];
  /** `CREATE`, `UPDATE` … */
  action?: string | string[];
  type?: string | string[];
  id?: string | string[];
  physicalResourceId?: string | string[];
  /** With attributes, which are read from live services. */
  withDetail?: boolean;
  signal?: AbortSignal;
}

/** Which events of a stack to list. */
export interface EventQuery {
  /** Events of one page, 200 unless given. All pages are read: Heat keeps about a thousand for each stack. */
  limit?: number;
  /** Begin after the event with this id. */
  marker?: string;
  /** The newest first unless given. */
  sortDir?: 'asc' | 'desc';
  sortKeys?: ('event_time' | 'resource_type')[];
  /** Stop after so many. */
  maxItems?: number;
  /** How deep to look into nested stacks: 0 (the default) is the stack itself. */
  nestedDepth?: number;
  /** The resource's name; the stack's own events have the stack's. */
  name?: string | string[];
  /** `COMPLETE`, `IN_PROGRESS`, `FAILED`. */
  status?: string | string[];
  /** `CREATE`, `UPDATE` … */
  action?: string | string[];
  /** The resource's type. */
  type?: string | string[];
  signal?: AbortSignal;
}

/** Which types of resources to list. */
export interface ResourceTypeQuery {
  /** A pattern, such as `OS::Heat::.*`. */
  name?: string;
  /** The Heat that they came with. */
  version?: string;
  /** `SUPPORTED`, `DEPRECATED` … */
  supportStatus?: string;
  withDescription?: boolean;
  signal?: AbortSignal | undefined;
}

/** Which software deployments to list. */
export interface SoftwareDeploymentQuery {
  serverId?: string;
  signal?: AbortSignal | undefined;
}

type Kind = 'number' | 'text' | 'texts' | 'repeated' | 'commas' | 'flag';
/** Keys that aren't sent. */
type OwnKey = 'signal' | 'maxItems';
const OWN_KEYS: readonly string[] = ['signal', 'maxItems'] satisfies OwnKey[];
type Keys<TQuery> = Record<Exclude<keyof TQuery, OwnKey>, readonly [parameter: string, kind: Kind]>;

const STACK_KEYS: Keys<StackQuery> = {
  limit: ['limit', 'number'],
  marker: ['marker', 'text'],
  sortKeys: ['sort_keys', 'texts'],
  sortDir: ['sort_dir', 'text'],
  id: ['id', 'repeated'],
  name: ['name', 'repeated'],
  status: ['status', 'repeated'],
  action: ['action', 'repeated'],
  username: ['username', 'repeated'],
  ownerId: ['owner_id', 'repeated'],
  tags: ['tags', 'commas'],
  anyTags: ['tags_any', 'commas'],
  notTags: ['not_tags', 'commas'],
  notAnyTags: ['not_tags_any', 'commas'],
  showDeleted: ['show_deleted', 'flag'],
  showNested: ['show_nested', 'flag'],
  showHidden: ['show_hidden', 'flag'],
  globalTenant: ['global_tenant', 'flag'],
  projectId: ['tenant', 'repeated'],
};

const RESOURCE_KEYS: Keys<ResourceQuery> = {
  nestedDepth: ['nested_depth', 'number'],
  name: ['name', 'repeated'],
  status: ['status', 'repeated'],
  action: ['action', 'repeated'],
  type: ['type', 'repeated'],
  id: ['id', 'repeated'],
  physicalResourceId: ['physical_resource_id', 'repeated'],
  withDetail: ['with_detail', 'flag'],
};

const EVENT_KEYS: Keys<EventQuery> = {
  limit: ['limit', 'number'],
  marker: ['marker', 'text'],
  sortDir: ['sort_dir', 'text'],
  sortKeys: ['sort_keys', 'texts'],
  type: ['resource_type', 'repeated'],
  nestedDepth: ['nested_depth', 'number'],
  name: ['resource_name', 'repeated'],
  status: ['resource_status', 'repeated'],
  action: ['resource_action', 'repeated'],
};

const RESOURCE_TYPE_KEYS: Keys<ResourceTypeQuery> = {
  name: ['name', 'text'],
  version: ['version', 'text'],
  supportStatus: ['support_status', 'text'],
  withDescription: ['with_description', 'flag'],
};

const SOFTWARE_DEPLOYMENT_KEYS: Keys<SoftwareDeploymentQuery> = { serverId: ['server_id', 'text'] };

// Heat 27 joins the tags and then looks for these columns in the table of tags: 500 InvalidRequestError.
const CLASH_WITH_TAGS = ['name', 'status', 'action', 'username', 'ownerId', 'projectId'] as const;

/**
 * The query string of a list of stacks.
 *
 * @throws OpenStackError ConfigError for what Heat would ignore (and answer with every stack) or fail at.
 */
export function stackSearch(query: StackQuery): URLSearchParams {
  const search = searchParams('stacks', STACK_KEYS, query);
  if (search.has('tags')) {
    const clash = CLASH_WITH_TAGS.find((key) => search.has(STACK_KEYS[key][0]));
    if (clash) {
      throw createError(
        'ConfigError',
        `stacks(): Heat can't filter by tags and ${clash} at once; drop one of them.`,
      );
    }
    // A single id would be compared with the ids of tags, and find nothing; several are compared with those of stacks.
    const ids = search.getAll('id');
    if (ids.length === 1 && ids[0] !== undefined) search.append('id', ids[0]);
  }
  return search;
}

/** The query string of a list of resources. @throws OpenStackError ConfigError for an unknown key or a wrong value. */
export function resourceSearch(query: ResourceQuery): URLSearchParams {
  return searchParams('resources', RESOURCE_KEYS, query);
}

/** The query string of a list of events. @throws OpenStackError ConfigError for an unknown key or a wrong value. */
export function eventSearch(query: EventQuery): URLSearchParams {
  return searchParams('events', EVENT_KEYS, query);
}

/** The query string of a list of resource types. @throws OpenStackError ConfigError, as the others. */
export function resourceTypeSearch(query: ResourceTypeQuery): URLSearchParams {
  return searchParams('resourceTypes', RESOURCE_TYPE_KEYS, query);
}

/** The query string of a list of software deployments. @throws OpenStackError ConfigError, as the others. */
export function softwareDeploymentSearch(query: SoftwareDeploymentQuery): URLSearchParams {
  return searchParams('softwareDeployments', SOFTWARE_DEPLOYMENT_KEYS, query);
}

function searchParams<TQuery extends object>(
  call: string,
  keys: Keys<TQuery>,
  query: TQuery,
): URLSearchParams {
  const search = new URLSearchParams();
  const known = new Map<string, readonly [string, Kind]>(Object.entries(keys));
  for (const [key, value] of Object.entries(query)) {
    const isGiven = value !== undefined && value !== null;
    if (key === 'maxItems' && isGiven && !(Number.isSafeInteger(value) && Number(value) > 0)) {
      throw createError('ConfigError', `${call}(): maxItems must be a whole number above 0.`);
    }
    if (OWN_KEYS.includes(key) || !isGiven) continue;
    const spec = known.get(key);
    if (!spec) {
      throw createError(
        'ConfigError',
        `${call}(): unknown key "${key}"; it can be ${[...known.keys()].join(', ')}.`,
      );
    }
    const [parameter, kind] = spec;
    const texts = asTexts(kind, value);
    if (!texts) throw createError('ConfigError', `${call}(): ${key} must be ${MUST_BE[kind]}.`);
    // An empty list matches nothing, but leaving it out would match everything.
    if (texts.length === 0) throw createError('ConfigError', `${call}(): ${key} is empty; leave it out.`);
    for (const text of texts) search.append(parameter, text);
  }
  return search;
}

const MUST_BE: Record<Kind, string> = {
  number: 'a whole number of 0 or more',
  text: 'text',
  texts: 'a list of texts',
  repeated: 'text or a list of texts',
  commas: 'a list of tags without commas',
  flag: 'true or false',
};

function asTexts(kind: Kind, value: unknown): string[] | undefined {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  switch (kind) {
    case 'number':
      return Number.isSafeInteger(value) && Number(value) >= 0 ? [String(value)] : undefined;
    case 'flag':
      return typeof value === 'boolean' ? [String(value)] : undefined;
    case 'text':
      return typeof value === 'string' ? [value] : undefined;
    case 'commas':
      return list === value && isTexts(list) && !list.some((tag) => tag.includes(','))
        ? list.length > 0
          ? [list.join(',')]
          : []
        : undefined;
    case 'texts':
      return list === value && isTexts(list) ? list : undefined;
    case 'repeated':
      return isTexts(list) ? list : undefined;
  }
}

function isTexts(list: unknown[]): list is string[] {
  return list.every((item) => typeof item === 'string' && item !== '');
}
