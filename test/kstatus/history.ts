import * as v from 'valibot';
import type { HeatStack } from '../../src/api/heat-stack.ts';

/** The file of a scenario's artifacts that has its history: a {@link Version} on each line, as JSON. */
export const HISTORY_FILE = 'history.jsonl';

/** A larger spec, in characters of JSON, is left out of the history: kstatus doesn't read it. */
const MAX_SPEC_LENGTH = 64 * 1024;

const conditionSchema = v.object({ type: v.string(), status: v.string(), reason: v.optional(v.string()) });

const versionSchema = v.object({
  /** As in a watch; `LISTED`: the watch was lost, and versions before this one may be missing. */
  event: v.picklist(['ADDED', 'MODIFIED', 'DELETED', 'LISTED']),
  /** Who wrote to the status last; several when they did in the same second, none when nobody did yet. */
  writtenBy: v.array(v.string()),
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
    status: v.looseObject({
      observedGeneration: v.number(),
      conditions: v.optional(v.array(conditionSchema)),
      stackStatus: v.optional(v.string()),
      appliedDigest: v.optional(v.string()),
      attemptedDigest: v.optional(v.string()),
    }),
  }),
});

/** One version of a HeatStack as a watch saw it. */
export type Version = v.InferOutput<typeof versionSchema>;

/** The line of a history for a version of an object. */
export function historyLine(event: Version['event'], { metadata, spec, ...rest }: HeatStack): string {
  const { managedFields = [], ...kept } = metadata;
  const writers = managedFields.filter(({ subresource }) => subresource === 'status');
  // Times have whole seconds, so there can be several newest.
  const newest = writers.map(({ time = '' }) => time).reduce((a, b) => (a > b ? a : b), '');
  const latest = writers.filter(({ time = '' }) => time === newest);
  const writtenBy = [...new Set(latest.map(({ manager = '' }) => manager))].sort();
  return JSON.stringify({
    event,
    writtenBy,
    object: { ...rest, metadata: kept, ...(isSmall(spec) && { spec }) },
  });
}

function isSmall(spec: unknown): boolean {
  try {
    return JSON.stringify(spec).length <= MAX_SPEC_LENGTH;
  } catch {
    // RangeError: nested too deeply to be written
    return false;
  }
}

/**
 * The versions of a history, in the order of their events.
 *
 * @throws ValiError or SyntaxError when a line isn't a {@link Version}
 */
export function parseHistory(text: string): Version[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => v.parse(versionSchema, JSON.parse(line)));
}
