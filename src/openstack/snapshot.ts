import * as v from 'valibot';
import type { JsonObject } from '../json.ts';
import { type Answer, type Extra, id, maybeObject, record, state, text, time } from './fields.ts';

/** A snapshot of a stack. */
export interface Snapshot extends Extra {
  id: string;
  name?: string;
  /** `IN_PROGRESS`, `COMPLETE` or `FAILED`. */
  status: string;
  statusReason?: string;
  /** ISO 8601 with a resolution of one second. */
  createdAt?: string;
  /** The stack's definition and what its resources need to be restored: it can hold secrets. */
  data?: JsonObject;
}

const fields = {
  id,
  name: text,
  // Always CREATE.
  action: text,
  status: state,
  status_reason: text,
  creation_time: time,
  data: maybeObject,
};

/** `POST /stacks/{name}/{id}/snapshots`, which has no envelope. */
export const snapshotFields: Answer<Snapshot> = record(fields, (raw) => ({
  id: raw.id,
  name: raw.name ?? undefined,
  status: raw.status,
  statusReason: raw.status_reason ?? undefined,
  createdAt: raw.creation_time ?? undefined,
  data: raw.data ?? undefined,
}));

/** `GET /stacks/{name}/{id}/snapshots/{snapshot}`. */
export const snapshotAnswer: Answer<{ snapshot: Snapshot }> = v.object({ snapshot: snapshotFields });

/** `GET /stacks/{name}/{id}/snapshots`. */
export const snapshotsAnswer: Answer<{ snapshots: Snapshot[] }> = v.object({
  snapshots: v.array(snapshotFields),
});
