import * as v from 'valibot';
import type { Json, JsonObject } from '../json.ts';
import { json, jsonObject, label } from './answer.ts';
import { defined } from './define.ts';
import { MAX_URL_LENGTH } from './url.ts';

/** A stack, as Heat describes it. Rows of a list have no parameters, outputs or time-out. */
export interface Stack {
  id: string;
  name: string;
  /** `ACTION_STATUS`, such as `CREATE_COMPLETE`. States unknown today stay text. */
  status: string;
  /** Up to 64 KiB, and it can quote inputs. */
  statusReason: string;
  /** Times are ISO 8601 with a resolution of one second. */
  createdAt?: string;
  /** When the last action other than the create began. Not an etag: two updates can share it. */
  updatedAt?: string;
  deletedAt?: string;
  description?: string;
  /** Every value is text, defaults and pseudo parameters included; hidden ones are `******`. */
  parameters?: JsonObject;
  /** Missing when they weren't resolved. */
  outputs?: Output[];
  tags: string[];
  timeoutMins?: number;
  disableRollback?: boolean;
  /** The user that created it. */
  ownerName?: string;
  /** The stack that it is nested in. */
  parentId?: string;
  links: Link[];
}

/** An output of a stack. */
export interface Output {
  key: string;
  description?: string;
  /** Null when it can't be resolved (yet). Can hold a hidden parameter in clear. */
  value?: Json;
  error?: string;
}

/** A link to something related: `self`, `stack`, `nested`. */
export interface Link {
  rel: string;
  href: string;
}

/** A stack by its name and id; with both, no request is spent on looking it up. */
export type StackRef = string | { id: string; name?: string } | { name: string; id?: string };

/** Both halves of a stack's address. */
export interface StackIdentity {
  id: string;
  name: string;
}

/** What a create answers. Its status is to be read with `getStack`. */
export interface CreatedStack extends StackIdentity {
  links: Link[];
}

/** What a create would make: the stack, without a status, and its resources. */
export interface StackPreview extends Omit<Stack, 'id' | 'status' | 'statusReason'> {
  resources: PreviewResource[];
}

/** Something that happened to a stack or to one of its resources. */
export interface StackEvent {
  id: string;
  at: string;
  /** The resource's name; the stack's own events have the stack's. */
  resourceName: string;
  /** Of the stack's own events: the stack's id. */
  physicalId?: string;
  /** `ACTION_STATUS`, such as `UPDATE_FAILED`. */
  status: string;
  statusReason?: string;
  links: Link[];
}

/** A resource that a create would make; those of nested stacks are in the same list. */
export interface PreviewResource {
  name: string;
  type: string;
  /** `INIT_COMPLETE`. */
  status: string;
  /** The stack, nested or not, that would hold it. */
  stackName?: string;
  requiredBy: string[];
  /** Holds hidden parameters in clear. */
  properties?: JsonObject;
}

/** A resource of a stack. */
export interface Resource {
  name: string;
  logicalId: string;
  /** The id of what was made; missing when there is nothing yet. */
  physicalId?: string;
  type: string;
  /** `ACTION_STATUS`, such as `CREATE_COMPLETE`; `INIT_COMPLETE` before it is begun. */
  status: string;
  statusReason?: string;
  requiredBy: string[];
  createdAt?: string;
  updatedAt?: string;
  /** In a nested stack: the name of the resource of the outer stack that is this stack. */
  parentResource?: string;
  /** The stack that it belongs to, which differs from the asked one when it is nested. */
  stack?: StackIdentity;
  /** The stack that it is, for a resource that is a nested stack. */
  nestedStack?: StackIdentity;
  links: Link[];
}

/** Spelled out, so that the published types don't unfold every schema. */
type Answer<T> = v.GenericSchema<unknown, T>;

const text = v.nullish(v.string());
// Heat's own columns are no longer, and what is said of a stack must fit where it is shown.
const id = label(64);
// A resource's name may be any text.
const name = v.pipe(v.string(), v.maxLength(255));
const state = label(64);
const time = v.nullish(label(64));
const links = v.optional(v.array(v.object({ rel: v.string(), href: v.string() })), () => []);
const names = v.nullish(v.array(name), () => []);

const output = v.pipe(
  v.object({ output_key: v.string(), description: text, output_value: v.optional(json), output_error: text }),
  v.transform(
    (raw): Output =>
      defined({
        key: raw.output_key,
        description: raw.description ?? undefined,
        value: raw.output_value,
        error: raw.output_error ?? undefined,
      }),
  ),
);

const commonStackFields = {
  stack_name: name,
  creation_time: time,
  updated_time: time,
  deletion_time: time,
  description: text,
  parameters: v.nullish(jsonObject),
  outputs: v.nullish(v.array(output)),
  tags: names,
  timeout_mins: v.nullish(v.number()),
  disable_rollback: v.nullish(v.boolean()),
  stack_owner: text,
  parent: text,
  links,
};
const commonStack = v.object(commonStackFields);

function readCommon(raw: v.InferOutput<typeof commonStack>) {
  return {
    name: raw.stack_name,
    createdAt: raw.creation_time ?? undefined,
    updatedAt: raw.updated_time ?? undefined,
    deletedAt: raw.deletion_time ?? undefined,
    description: raw.description ?? undefined,
    parameters: raw.parameters ?? undefined,
    outputs: raw.outputs ?? undefined,
    tags: raw.tags,
    timeoutMins: raw.timeout_mins ?? undefined,
    disableRollback: raw.disable_rollback ?? undefined,
    ownerName: raw.stack_owner ?? undefined,
    parentId: raw.parent ?? undefined,
    links: raw.links,
  };
}

const stack = v.pipe(
  v.object({ ...commonStackFields, id, stack_status: state, stack_status_reason: text }),
  v.transform(
    (raw): Stack =>
      defined({
        id: raw.id,
        status: raw.stack_status,
        statusReason: raw.stack_status_reason ?? '',
        ...readCommon(raw),
      }),
  ),
);

/** `GET /stacks/{name}/{id}`. */
export const stackAnswer: Answer<{ stack: Stack }> = v.object({ stack });

/** `GET /stacks`. */
export const stacksAnswer: Answer<{ stacks: Stack[]; links: Link[] }> = v.object({
  stacks: v.array(stack),
  links,
});

/** `POST /stacks`. */
export const createdAnswer: Answer<{ stack: { id: string; links: Link[] } }> = v.object({
  stack: v.object({ id, links }),
});

const previewResource = v.pipe(
  v.object({
    resource_name: name,
    resource_type: v.string(),
    resource_action: state,
    resource_status: state,
    stack_name: text,
    required_by: names,
    properties: v.nullish(jsonObject),
  }),
  v.transform(
    (raw): PreviewResource =>
      defined({
        name: raw.resource_name,
        type: raw.resource_type,
        status: `${raw.resource_action}_${raw.resource_status}`,
        stackName: raw.stack_name ?? undefined,
        requiredBy: raw.required_by,
        properties: raw.properties ?? undefined,
      }),
  ),
);

/** `POST /stacks/preview`. A nested stack stands in the list as a list of its own resources. */
export const previewAnswer: Answer<{ stack: StackPreview }> = v.object({
  stack: v.pipe(
    v.object({
      ...commonStackFields,
      resources: v.pipe(
        v.array(v.unknown()),
        v.transform((list) => list.flat(Number.POSITIVE_INFINITY)),
        v.array(previewResource),
      ),
    }),
    v.transform((raw): StackPreview => defined({ ...readCommon(raw), resources: raw.resources })),
  ),
});

const resource = v.pipe(
  v.object({
    resource_name: name,
    logical_resource_id: text,
    physical_resource_id: text,
    resource_type: v.string(),
    resource_status: state,
    resource_status_reason: text,
    required_by: names,
    creation_time: time,
    updated_time: time,
    parent_resource: text,
    links,
  }),
  v.transform(
    (raw): Resource =>
      defined({
        name: raw.resource_name,
        logicalId: raw.logical_resource_id ?? raw.resource_name,
        // Heat says "" for none.
        physicalId: raw.physical_resource_id || undefined,
        type: raw.resource_type,
        status: raw.resource_status,
        statusReason: raw.resource_status_reason || undefined,
        requiredBy: raw.required_by,
        createdAt: raw.creation_time ?? undefined,
        updatedAt: raw.updated_time ?? undefined,
        parentResource: raw.parent_resource ?? undefined,
        stack: linkedStack(raw.links, 'stack'),
        nestedStack: linkedStack(raw.links, 'nested'),
        links: raw.links,
      }),
  ),
);

/** Most resources of one list; Heat's own limit is 1,000 for a stack with all that is nested in it. */
const MAX_RESOURCES = 10_000;

/** `GET /stacks/{name}/{id}/resources`. */
export const resourcesAnswer: Answer<{ resources: Resource[] }> = v.object({
  // Counted before anything is made of them.
  resources: v.pipe(v.array(v.unknown()), v.maxLength(MAX_RESOURCES), v.array(resource)),
});

const event = v.pipe(
  v.object({
    id: v.string(),
    event_time: v.string(),
    resource_name: v.string(),
    physical_resource_id: text,
    resource_status: v.string(),
    resource_status_reason: text,
    links,
  }),
  v.transform(
    (raw): StackEvent =>
      defined({
        id: raw.id,
        at: raw.event_time,
        resourceName: raw.resource_name,
        physicalId: raw.physical_resource_id || undefined,
        status: raw.resource_status,
        statusReason: raw.resource_status_reason || undefined,
        links: raw.links,
      }),
  ),
);

/** `GET /stacks/{name}/{id}/events`. */
export const eventsAnswer: Answer<{ events: StackEvent[] }> = v.object({ events: v.array(event) });

function linkedStack(all: Link[], rel: string): StackIdentity | undefined {
  const link = all.find((candidate) => candidate.rel === rel);
  return link && stackInUrl(link.href);
}

/**
 * The stack that an address of Heat names: what follows its last `/stacks/`. Host and path before it are never used,
 * since Heat behind a TLS terminator names itself by http, and a token must not follow an answer to another host.
 */
export function stackInUrl(url: string): StackIdentity | undefined {
  const mark = '/stacks/';
  const at = url.lastIndexOf(mark);
  if (at < 0 || url.length > MAX_URL_LENGTH) return undefined;
  const [stackName, stackId] = url.slice(at + mark.length).split(/[/?#]/, 2);
  if (!stackName || !stackId) return undefined;
  try {
    return { name: decodeURIComponent(stackName), id: decodeURIComponent(stackId) };
  } catch {
    return undefined;
  }
}
