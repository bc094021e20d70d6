import * as v from 'valibot';
import type { JsonObject } from '../json.ts';
import {
  type Answer,
  type Extra,
  type Link,
  linkedStack,
  links,
  maybeObject,
  name,
  names,
  record,
  type StackIdentity,
  state,
  text,
  time,
} from './fields.ts';

/** A resource of a stack. */
export interface Resource extends Extra {
  name: string;
  logicalId: string;
  /** The id of what was made; missing when there is nothing yet. */
  physicalId?: string;
  type: string;
  /** `ACTION_STATUS`, such as `CREATE_COMPLETE`; `INIT_COMPLETE` before it is begun. */
  status: string;
  statusReason?: string;
  requiredBy: string[];
  /** Times are ISO 8601 with a resolution of one second. */
  createdAt?: string;
  updatedAt?: string;
  /** In a nested stack: the name of the resource of the outer stack that is this stack. */
  parentResource?: string;
  /** The stack that it belongs to, which differs from the asked one when it is nested. */
  stack?: StackIdentity;
  /** The stack that it is, for a resource that is a nested stack. */
  nestedStack?: StackIdentity;
  links: Link[];
  /** With detail only. */
  description?: string;
  /** With detail only: live values, hidden parameters in clear. */
  attributes?: JsonObject;
}

/** A resource in a preview. */
export interface ResourceChange extends Extra {
  name: string;
  type: string;
  /** `ACTION_STATUS`; `INIT_COMPLETE` for what isn't there yet. */
  status: string;
  statusReason?: string;
  /** The id of what is there; missing when there is nothing yet. */
  physicalId?: string;
  /** The stack, nested or not, that holds it or would. */
  stackName?: string;
  /** Missing when that stack isn't there yet. */
  stack?: StackIdentity;
  /** The stack that it is, for a resource that is a nested stack. */
  nestedStack?: StackIdentity;
  requiredBy: string[];
  description?: string;
  createdAt?: string;
  updatedAt?: string;
  parentResource?: string;
  /** Holds hidden parameters in clear. */
  properties?: JsonObject;
  /** Live values, hidden parameters in clear. */
  attributes?: JsonObject;
  metadata?: JsonObject;
}

const resource = record(
  {
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
    description: text,
    attributes: maybeObject,
  },
  (raw) => ({
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
    description: raw.description || undefined,
    attributes: raw.attributes ?? undefined,
  }),
);

/** Most resources of one list; Heat's own limit is 1,000 for a stack with all that is nested in it. */
const MAX_RESOURCES = 10_000;

/** `GET /stacks/{name}/{id}/resources`. */
export const resourcesAnswer: Answer<{ resources: Resource[] }> = v.object({
  // Counted before anything is made of them.
  resources: v.pipe(v.array(v.unknown()), v.maxLength(MAX_RESOURCES), v.array(resource)),
});

/** `GET /stacks/{name}/{id}/resources/{resource}`. */
export const resourceAnswer: Answer<{ resource: Resource }> = v.object({ resource });

/** `GET /stacks/{name}/{id}/resources/{resource}/metadata`. */
export const metadataAnswer: Answer<{ metadata?: JsonObject | null | undefined }> = v.object({
  metadata: maybeObject,
});

const identity = v.nullish(v.object({ stack_name: v.string(), stack_id: v.nullish(v.string()) }));

/** A stack in a preview, unless it isn't there yet: then Heat says "None" for its id. */
function stackOf(raw: v.InferOutput<typeof identity>): StackIdentity | undefined {
  if (!raw?.stack_id || raw.stack_id === 'None') return undefined;
  return { name: raw.stack_name, id: raw.stack_id };
}

/** A resource in the answers of both previews. */
export const resourceChange: Answer<ResourceChange> = record(
  {
    resource_name: name,
    resource_type: v.string(),
    resource_action: state,
    resource_status: state,
    resource_status_reason: text,
    physical_resource_id: text,
    stack_name: text,
    stack_identity: identity,
    nested_stack_id: identity,
    // Says again what the two before say.
    resource_identity: v.optional(v.unknown()),
    required_by: names,
    description: text,
    creation_time: time,
    updated_time: time,
    parent_resource: text,
    properties: maybeObject,
    attributes: maybeObject,
    metadata: maybeObject,
  },
  (raw) => ({
    name: raw.resource_name,
    type: raw.resource_type,
    status: `${raw.resource_action}_${raw.resource_status}`,
    statusReason: raw.resource_status_reason || undefined,
    physicalId: raw.physical_resource_id || undefined,
    stackName: raw.stack_name ?? undefined,
    stack: stackOf(raw.stack_identity),
    nestedStack: stackOf(raw.nested_stack_id),
    requiredBy: raw.required_by,
    description: raw.description || undefined,
    createdAt: raw.creation_time ?? undefined,
    updatedAt: raw.updated_time ?? undefined,
    parentResource: raw.parent_resource ?? undefined,
    properties: raw.properties ?? undefined,
    attributes: raw.attributes ?? undefined,
    metadata: raw.metadata ?? undefined,
  }),
);
