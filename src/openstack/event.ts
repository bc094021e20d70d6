import * as v from 'valibot';
import type { JsonObject } from '../json.ts';
import {
  type Answer,
  type Extra,
  id,
  type Link,
  linkedStack,
  links,
  maybeObject,
  name,
  record,
  type StackIdentity,
  state,
  text,
} from './fields.ts';

/** Something that happened to a stack or to one of its resources. */
export interface StackEvent extends Extra {
  id: string;
  /** ISO 8601 with a resolution of one second. */
  at: string;
  /** The resource's name; the stack's own events have the stack's. */
  resourceName: string;
  logicalId?: string;
  /** Of the stack's own events: the stack's id. */
  physicalId?: string;
  /** `ACTION_STATUS`, such as `UPDATE_FAILED`. */
  status: string;
  statusReason?: string;
  /** The stack, nested or not, that it happened in. */
  stack?: StackIdentity;
  links: Link[];
  /** Of one event only. */
  resourceType?: string;
  /** Of one event only: the resource's properties, hidden parameters in clear. */
  resourceProperties?: JsonObject;
}

const event = record(
  {
    id,
    event_time: v.string(),
    resource_name: name,
    logical_resource_id: text,
    physical_resource_id: text,
    resource_status: state,
    resource_status_reason: text,
    links,
    resource_type: text,
    resource_properties: maybeObject,
  },
  (raw) => ({
    id: raw.id,
    at: raw.event_time,
    resourceName: raw.resource_name,
    logicalId: raw.logical_resource_id ?? undefined,
    physicalId: raw.physical_resource_id || undefined,
    status: raw.resource_status,
    statusReason: raw.resource_status_reason || undefined,
    stack: linkedStack(raw.links, 'stack'),
    links: raw.links,
    resourceType: raw.resource_type ?? undefined,
    resourceProperties: raw.resource_properties ?? undefined,
  }),
);

/** `GET /stacks/{name}/{id}/events`. */
export const eventsAnswer: Answer<{ events: StackEvent[]; links: Link[] }> = v.object({
  events: v.array(event),
  links,
});

/** `GET /stacks/{name}/{id}/resources/{resource}/events/{event}`. */
export const eventAnswer: Answer<{ event: StackEvent }> = v.object({ event });
