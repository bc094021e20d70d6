import * as v from 'valibot';
import type { Json, JsonObject } from '../json.ts';
import { jsonObject } from './answer.ts';
import {
  type Answer,
  type Extra,
  id,
  type Link,
  links,
  maybeJson,
  maybeObject,
  name,
  names,
  type Raw,
  record,
  type StackIdentity,
  state,
  text,
  time,
} from './fields.ts';
import { type ResourceChange, resourceChange } from './resource.ts';

/** A stack, as Heat describes it. Rows of a list have no parameters, outputs or time-out. */
export interface Stack extends Extra {
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
  templateDescription?: string;
  /** Every value is text, defaults and pseudo parameters included; hidden ones are `******`. */
  parameters?: JsonObject;
  /** Missing when they weren't resolved. */
  outputs?: Output[];
  tags: string[];
  /** How long an action may take, in minutes; missing when it is the cloud's default. */
  timeoutMins?: number;
  disableRollback?: boolean;
  /** The user that created it. */
  ownerName?: string;
  /** The stack that it is nested in. */
  parentId?: string;
  /** The project that Heat made for the users of this stack. */
  userProjectId?: string;
  /** Only in lists of all projects: whose it is. */
  projectId?: string;
  capabilities?: string[];
  notificationTopics?: string[];
  links: Link[];
}

/** An output of a stack. */
export interface Output extends Extra {
  key: string;
  description?: string;
  /** Null when it can't be resolved (yet). Can hold a hidden parameter in clear. */
  value?: Json;
  error?: string;
}

/** A stack by its name and id; with both, no request is spent on looking it up. */
export type StackRef = string | { id: string; name?: string } | { name: string; id?: string };

/** What a create answers. Its status is to be read with `getStack`. */
export interface CreatedStack extends StackIdentity {
  links: Link[];
}

/** What a create would make: the stack, without a status, and its resources. */
export interface StackPreview extends Omit<Stack, 'id' | 'status' | 'statusReason'> {
  /** Those of nested stacks are in the same list. */
  resources: ResourceChange[];
}

/** What an update would do to each resource. */
export interface StackChanges {
  added: ResourceChange[];
  updated: ResourceChange[];
  replaced: ResourceChange[];
  deleted: ResourceChange[];
  unchanged: ResourceChange[];
}

const output = record(
  { output_key: v.string(), description: text, output_value: maybeJson, output_error: text },
  (raw) => ({
    key: raw.output_key,
    description: raw.description ?? undefined,
    value: raw.output_value,
    error: raw.output_error ?? undefined,
  }),
);

const commonFields = {
  stack_name: name,
  creation_time: time,
  updated_time: time,
  deletion_time: time,
  description: text,
  template_description: text,
  parameters: maybeObject,
  outputs: v.nullish(v.array(output)),
  tags: names,
  timeout_mins: v.nullish(v.number()),
  disable_rollback: v.nullish(v.boolean()),
  stack_owner: text,
  parent: text,
  stack_user_project_id: text,
  project: text,
  capabilities: v.nullish(v.array(v.string())),
  notification_topics: v.nullish(v.array(v.string())),
  links,
};

function readCommon(raw: Raw<typeof commonFields>) {
  return {
    name: raw.stack_name,
    createdAt: raw.creation_time ?? undefined,
    updatedAt: raw.updated_time ?? undefined,
    deletedAt: raw.deletion_time ?? undefined,
    description: raw.description ?? undefined,
    templateDescription: raw.template_description ?? undefined,
    parameters: raw.parameters ?? undefined,
    outputs: raw.outputs ?? undefined,
    tags: raw.tags,
    timeoutMins: raw.timeout_mins ?? undefined,
    disableRollback: raw.disable_rollback ?? undefined,
    ownerName: raw.stack_owner ?? undefined,
    parentId: raw.parent ?? undefined,
    userProjectId: raw.stack_user_project_id ?? undefined,
    projectId: raw.project ?? undefined,
    capabilities: raw.capabilities ?? undefined,
    notificationTopics: raw.notification_topics ?? undefined,
    links: raw.links,
  };
}

const stack = record({ ...commonFields, id, stack_status: state, stack_status_reason: text }, (raw) => ({
  id: raw.id,
  status: raw.stack_status,
  statusReason: raw.stack_status_reason ?? '',
  ...readCommon(raw),
}));

/** `GET /stacks/{name}/{id}`. */
export const stackAnswer: Answer<{ stack: Stack }> = v.object({ stack });

/** `GET /stacks`. */
export const stacksAnswer: Answer<{ stacks: Stack[]; links: Link[] }> = v.object({
  stacks: v.array(stack),
  links,
});

/** `GET /stacks?with_count=true`. */
export const countAnswer: Answer<{ count: number }> = v.object({ count: v.number() });

/** `POST /stacks`. */
export const createdAnswer: Answer<{ stack: { id: string; links: Link[] } }> = v.object({
  stack: v.object({ id, links }),
});

/** `POST /stacks/preview`. A nested stack stands in the list as a list of its own resources. */
export const previewAnswer: Answer<{ stack: StackPreview }> = v.object({
  stack: record(
    {
      ...commonFields,
      // "None": there is none yet.
      id: text,
      stack_status: text,
      stack_status_reason: text,
      resources: v.pipe(
        v.array(v.unknown()),
        v.transform((list) => list.flat(Number.POSITIVE_INFINITY)),
        v.array(resourceChange),
      ),
    },
    (raw) => ({ ...readCommon(raw), resources: raw.resources }),
  ),
});

const changes = v.array(resourceChange);

/** `PUT /stacks/{name}/{id}/preview`, and PATCH. */
export const changesAnswer: Answer<{ resource_changes: StackChanges }> = v.object({
  resource_changes: v.object({
    added: changes,
    updated: changes,
    replaced: changes,
    deleted: changes,
    unchanged: changes,
  }),
});

/** `GET /stacks/{name}/{id}/outputs`: keys and descriptions, no values. */
export const outputsAnswer: Answer<{ outputs: Output[] }> = v.object({ outputs: v.array(output) });

/** `GET /stacks/{name}/{id}/outputs/{key}`. */
export const outputAnswer: Answer<{ output: Output }> = v.object({ output });

/** `GET /stacks/{name}/{id}/files`: texts, exactly as they were sent. */
export const filesAnswer: Answer<Record<string, string>> = v.pipe(
  jsonObject,
  v.custom<Record<string, string>>(
    (files) => Object.values(files as object).every((file) => typeof file === 'string'),
    'a map of texts',
  ),
);
