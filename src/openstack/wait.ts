import { setTimeout as sleep } from 'node:timers/promises';
import { createError, isOpenStackError } from './errors.ts';
import type { Stack } from './stack.ts';

/** The first looks follow each other quickly, the later ones as slowly as this, in milliseconds. */
const LONGEST_INTERVAL_MS = 5_000;
const FIRST_INTERVAL_MS = 250;
/** No timer runs longer, in milliseconds: 25 days. One that should would end at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** How long a failure is looked at again before it is believed, in milliseconds: a rollback may follow. */
const ROLLBACK_GRACE_MS = 2_000;

/** What is waited for, and how long. */
export interface WaitOptions {
  /**
   * A status (`CREATE_COMPLETE`), several, or a function of the stack; unless given, any `*_COMPLETE`, though not that
   * of a delete or a rollback. `DELETE_COMPLETE` means that the stack is gone and its name free.
   */
  until?: string | readonly string[] | ((stack: Stack) => boolean);
  /** In milliseconds; unless given, as long as it takes. */
  timeoutMs?: number;
  /** Between two looks, in milliseconds; unless given, 250 at first and up to 5,000 later. */
  intervalMs?: number;
  signal?: AbortSignal | undefined;
  /** Told of the stack whenever its status or its reason is another one than before. */
  onProgress?: (stack: Stack) => void;
}

/** Whether a stack is deleted for good. Heat shows DELETE_COMPLETE up to a second before it lets go of the name. */
export function isGone(stack: Stack): boolean {
  return stack.deletedAt !== undefined;
}

/**
 * Whether Heat itself says that there is no such stack. A 404 of another type can come from a resource of a living
 * stack, and one without a type from a proxy.
 */
export function isMissing(error: unknown): boolean {
  return isOpenStackError(error, 'ResourceNotFound') && error.type === 'EntityNotFound';
}

/**
 * Looks at a stack again and again until it is as wanted.
 *
 * @param name what a message calls it.
 * @param look gives the stack, deleted or not, unless its signal ends it.
 * @returns the stack as last seen; undefined when it is gone, that was waited for, and it was never seen.
 * @throws OpenStackError StackFailed when the stack ended otherwise, Timeout, what `look` throws; the signal's reason.
 */
export async function waitFor(
  name: string,
  look: (signal: AbortSignal | undefined) => Promise<Stack>,
  options: WaitOptions,
): Promise<Stack | undefined> {
  const { timeoutMs, signal } = options;
  const view: View = { last: undefined };
  if (timeoutMs === undefined || timeoutMs > LONGEST_TIMER_MS) return lookOn(look, options, signal, view);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  const both = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  try {
    return await lookOn(look, options, both, view);
  } catch (error) {
    if (!late.signal.aborted || signal?.aborted) throw error;
    const is = view.last ? `is still ${view.last.status}` : "couldn't be looked at";
    throw createError(
      'Timeout',
      `The stack ${name} ${is} after ${timeoutMs / 1000} s; it goes on without being waited for.`,
    );
  } finally {
    clearTimeout(timer);
  }
}

/** What has been seen. */
interface View {
  last: Stack | undefined;
}

async function lookOn(
  look: (signal: AbortSignal | undefined) => Promise<Stack>,
  { until, intervalMs, onProgress }: WaitOptions,
  signal: AbortSignal | undefined,
  view: View,
): Promise<Stack | undefined> {
  const isWanted = wanted(until);
  const awaitsDelete = [until].flat().includes('DELETE_COMPLETE');
  let failedAt: number | undefined;
  for (let round = 0; ; round += 1) {
    const { last } = view;
    const stack = await look(signal).catch((error: unknown) => {
      if (isMissing(error) && awaitsDelete) return undefined;
      throw error;
    });
    if (!stack) return last;
    view.last = stack;
    if (stack.status !== last?.status || stack.statusReason !== last.statusReason) onProgress?.(stack);
    if (isGone(stack)) {
      if (awaitsDelete) return stack;
      throw failure(stack);
    }
    if (isWanted(stack)) return stack;
    if (isOver(stack, awaitsDelete)) {
      failedAt ??= performance.now();
      // With rollback on, a failure passes into the rollback (seen on Heat 27).
      const isFinal = !mayRollBack(stack) || performance.now() - failedAt >= ROLLBACK_GRACE_MS;
      if (isFinal) throw failure(stack);
    } else failedAt = undefined;
    const interval = intervalMs ?? Math.min(FIRST_INTERVAL_MS * 1.5 ** round, LONGEST_INTERVAL_MS);
    await sleep(Math.min(interval, LONGEST_TIMER_MS), undefined, signal && { signal }).catch(
      (error: unknown) => {
        signal?.throwIfAborted();
        throw error;
      },
    );
  }
}

function wanted(until: WaitOptions['until']): (stack: Stack) => boolean {
  if (typeof until === 'function') return until;
  if (until === undefined) return ({ status }) => /^(?!DELETE_|ROLLBACK_).*_COMPLETE$/.test(status);
  const statuses = [until].flat();
  return ({ status }) => status !== 'DELETE_COMPLETE' && statuses.includes(status);
}

/** Whether nothing more happens to a stack by itself. */
function isOver({ status }: Stack, awaitsDelete: boolean): boolean {
  // The delete that is waited for may begin in any moment, and it ends a while after it says so.
  if (awaitsDelete) return status === 'DELETE_FAILED';
  return status.endsWith('_FAILED') || (status.endsWith('_COMPLETE') && status !== 'DELETE_COMPLETE');
}

function mayRollBack({ status, disableRollback }: Stack): boolean {
  return disableRollback === false && (status === 'CREATE_FAILED' || status === 'UPDATE_FAILED');
}

function failure({ name, status, statusReason, deletedAt }: Stack): Error {
  const gone = deletedAt === undefined ? '' : ' and deleted';
  return createError('StackFailed', `The stack ${name} is ${status}${gone}: ${statusReason}`, {
    detail: statusReason,
  });
}
