import { clip } from '../api/clip.ts';
import type { HeatStackStatus, HistoryEntry } from '../api/heat-stack.ts';
import { STATUS_LIMITS } from '../api/limits.ts';
import { timestamp } from '../api/timestamp.ts';
import { parseState } from './stack-state.ts';

/** What was done to a stack; it changes only together with what else the status says. The newest first. */
export type History = readonly HistoryEntry[];

/** What the operator does to a stack. */
export type Operation = 'Create' | 'Update' | 'Adopt' | 'Delete';

const SUPERSEDED = 'Superseded';
/** Heat's word for the operator's, in its states. */
const ACTIONS: Partial<Record<string, string>> = {
  Create: 'CREATE',
  Update: 'UPDATE',
  Adopt: 'UPDATE',
  Delete: 'DELETE',
  Rollback: 'ROLLBACK',
};

/**
 * With an operation that is begun now; one that wasn't over is overtaken by it.
 *
 * The same operation with the same inputs is no new one: Heat lost it, or it was stuck.
 */
export function begun(
  history: History = [],
  operation: { action: Operation; digest?: string | undefined },
  now: number,
): HistoryEntry[] {
  const { action, digest } = operation;
  const [newest] = history;
  if (newest && isOpen(newest) && newest.action === action && newest.digest === digest) return [...history];
  return added(ended(history, { result: SUPERSEDED }, now), {
    action,
    ...(digest === undefined ? {} : { digest }),
    startedAt: timestamp(now),
  });
}

/** With the newest operation at its end, if it wasn't. */
export function ended(
  history: History = [],
  { result, reason }: { result: string; reason?: string | undefined },
  now: number,
): HistoryEntry[] {
  const [newest, ...others] = history;
  if (!newest || !isOpen(newest)) return [...history];
  const why = reason === undefined ? {} : { reason: clip(reason, STATUS_LIMITS.text) };
  return [
    { ...newest, finishedAt: timestamp(now), result: clip(result, STATUS_LIMITS.state), ...why },
    ...others,
  ];
}

/**
 * With the newest operation at its end, when the stack rests. The state of another action is that from before an operation
 * that Heat lost.
 */
export function atRest(history: History | undefined, stackStatus: string, now: number): HistoryEntry[] {
  const [newest] = history ?? [];
  const isIts = ACTIONS[newest?.action ?? ''] === parseState(stackStatus).action;
  return ended(history, { result: isIts ? stackStatus : SUPERSEDED }, now);
}

/**
 * With what a look at Heat shows: the end of an operation, and that Heat went back to the inputs before. Call it only
 * for a stack that moved since the last look, else what is seen is the end of the operation before.
 *
 * @param status as the look left it
 * @param reason why the stack is FAILED, or was rolled back; without secrets
 */
export function seen(
  history: History = [],
  { stackStatus = '', appliedDigest }: Pick<HeatStackStatus, 'stackStatus' | 'appliedDigest'>,
  reason: string | undefined,
  now: number,
): HistoryEntry[] {
  const [newest] = history;
  if (!newest) return [];
  const { action, status } = parseState(stackStatus);
  let known: History = history;
  if (action === 'ROLLBACK' && newest.action !== 'Rollback') {
    const failed = { result: `${ACTIONS[newest.action] ?? 'UPDATE'}_FAILED` };
    known = added(ended(history, failed, now), {
      action: 'Rollback',
      ...(appliedDigest === undefined ? {} : { digest: appliedDigest }),
      startedAt: timestamp(now),
    });
  }
  if (action === 'ROLLBACK' && status === 'COMPLETE') known = explained(known, reason);
  if (status !== 'COMPLETE' && status !== 'FAILED') return [...known];
  if (ACTIONS[known[0]?.action ?? ''] !== action) return ended(known, { result: SUPERSEDED }, now);
  const why = status === 'FAILED' ? reason : undefined;
  return ended(known, { result: stackStatus, reason: why }, now);
}

/** With the reason why what Heat rolled back had failed: it is only read once the rollback is over. */
function explained([rollback, failed, ...others]: History, reason: string | undefined): HistoryEntry[] {
  if (!rollback) return [];
  if (!failed) return [rollback];
  const isKnown = reason === undefined || failed.reason !== undefined || !failed.result?.endsWith('_FAILED');
  return [rollback, isKnown ? failed : { ...failed, reason: clip(reason, STATUS_LIMITS.text) }, ...others];
}

/** The operations that are over in one history and weren't in the one before. */
export function endedSince(before: History = [], after: History = []): HistoryEntry[] {
  const known = new Set(before.filter((entry) => !isOpen(entry)).map(identity));
  return after.filter((entry) => !isOpen(entry) && !known.has(identity(entry)));
}

function identity({ action, startedAt, digest = '' }: HistoryEntry): string {
  return `${startedAt} ${action} ${digest}`;
}

/** When the inputs with this digest were sent that Heat completed. */
export function sentAt(history: History = [], digest: string | undefined): string | undefined {
  return history.find(
    (entry) =>
      digest !== undefined &&
      entry.digest === digest &&
      entry.action !== 'Rollback' &&
      entry.result?.endsWith('_COMPLETE'),
  )?.startedAt;
}

function added(history: History, entry: HistoryEntry): HistoryEntry[] {
  return [entry, ...history].slice(0, STATUS_LIMITS.history);
}

function isOpen({ result }: HistoryEntry): boolean {
  return result === undefined;
}
