import * as v from 'valibot';
import type { HeatStack } from '../../src/api/heat-stack.ts';
import { isTooDeep } from '../../src/json.ts';

/** The file of a scenario's artifacts that has its history: JSON lines, see {@link History}. */
export const HISTORY_FILE = 'history.jsonl';

/** A larger spec, in characters of JSON, is left out of the history, and so is a deep one: kstatus doesn't read it. */
const MAX_SPEC_LENGTH = 64 * 1024;

const conditionSchema = v.looseObject({
  type: v.string(),
  status: v.string(),
  reason: v.optional(v.string()),
});

const versionSchema = v.object({
  /** As in a watch; `LISTED`: the watch was lost, and versions before this one may be missing. */
  event: v.picklist(['ADDED', 'MODIFIED', 'DELETED', 'LISTED']),
  /** The object without its managed fields. */
  object: v.looseObject({
    metadata: v.looseObject({
      name: v.string(),
      namespace: v.string(),
      uid: v.string(),
      resourceVersion: v.string(),
      generation: v.number(),
      deletionTimestamp: v.optional(v.string()),
    }),
    spec: v.optional(
      v.looseObject({
        managementPolicy: v.optional(v.string()),
        template: v.optional(v.looseObject({ inline: v.optional(v.string()) })),
        parameters: v.optional(v.record(v.string(), v.unknown())),
      }),
    ),
    // Not there only if the definition lost its default.
    status: v.optional(
      v.looseObject({
        observedGeneration: v.optional(v.number()),
        conditions: v.optional(v.array(conditionSchema)),
        stackStatus: v.optional(v.string()),
        appliedDigest: v.optional(v.string()),
        attemptedDigest: v.optional(v.string()),
      }),
      {},
    ),
  }),
});

const byHandSchema = v.object({ byHand: v.string() });

/** One version of a HeatStack as a watch saw it. */
export type Version = v.InferOutput<typeof versionSchema>;

/** What a scenario's objects were like. */
export interface History {
  /** In the order of their events. */
  versions: Version[];
  /** Resource versions whose status the scenario wrote itself. */
  byHand: Set<string>;
}

/** The line of a history for a version of an object. */
export function versionLine(event: Version['event'], { metadata, spec, ...rest }: HeatStack): string {
  const { managedFields: _, ...kept } = metadata;
  const object = { ...rest, metadata: kept, ...(isSmall(spec) && { spec }) };
  return JSON.stringify({ event, object });
}

/** The line of a history for a status that the scenario wrote; it may stand after that of the version. */
export function byHandLine(resourceVersion: string): string {
  return JSON.stringify({ byHand: resourceVersion });
}

function isSmall(spec: unknown): boolean {
  return !isTooDeep(spec) && JSON.stringify(spec).length <= MAX_SPEC_LENGTH;
}

/**
 * Reads a history.
 *
 * @throws ValiError or SyntaxError when a line is none of a history
 */
export function parseHistory(text: string): History {
  const history: History = { versions: [], byHand: new Set() };
  for (const line of text.split('\n').filter(Boolean)) {
    const parsed = v.parse(v.union([byHandSchema, versionSchema]), JSON.parse(line));
    if ('byHand' in parsed) history.byHand.add(parsed.byHand);
    else history.versions.push(parsed);
  }
  return history;
}
