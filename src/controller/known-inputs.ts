import type { HeatStackStatus } from '../api/heat-stack.ts';
import type { Stack } from '../openstack/index.ts';
import { parseState } from './stack-state.ts';

/*
 * Heat quotes the inputs that it was sent, and goes on to show what it said long ago. The operator knows the hidden values
 * of the wanted inputs alone, so no scrubber finds those of before. The status therefore remembers which of Heat's texts
 * can quote nothing else; all others are withheld.
 */

/** Inputs for Heat. */
interface Inputs {
  digest: string;
  secrets: readonly unknown[];
}

/** Notes the inputs that Heat took for a new stack. */
export function noteCreate(status: HeatStackStatus, { digest, secrets }: Inputs): void {
  status.attemptedDigest = digest;
  status.hidesInputs = secrets.length > 0;
}

/** Heat's times are of whole seconds. */
export const PAUSE_MS = 1_000;

/**
 * Whether other inputs are to be sent only {@link PAUSE_MS} after the stack was first seen to have failed: else what Heat
 * said of the failure could have the time at which the update begins, and pass for what it says of that.
 */
export function needsPause(
  { stackStatus, attemptedDigest, hidesInputs }: HeatStackStatus,
  digest: string,
): boolean {
  const hasFailed = parseState(stackStatus ?? '').status === 'FAILED';
  return hasFailed && attemptedDigest !== digest && hidesInputs !== false;
}

/** Notes that inputs are about to be sent to a stack. Whether Heat took them isn't clear when its answer is lost. */
export function noteSending(status: HeatStackStatus, { secrets }: Inputs): void {
  if (secrets.length > 0) status.hidesInputs = true;
}

/** Notes that Heat took the inputs of an update. When it began is only known by a look at Heat. */
export function noteUpdate(status: HeatStackStatus, { digest }: Inputs): void {
  if (status.attemptedDigest !== digest) delete status.attemptedSince;
  status.attemptedDigest = digest;
}

/**
 * Notes since when Heat has worked with nothing but the inputs of `attemptedDigest`.
 *
 * @param before the status at the last look at this stack, if there was one
 * @param isWanted whether Heat itself says that it has the wanted inputs
 * @param hidesOthers whether Heat may have hidden values that nobody here knows, of another client's
 */
export function noteOperation(
  status: HeatStackStatus,
  before: HeatStackStatus | undefined,
  stack: Stack,
  { digest, isWanted, hidesOthers }: Judged & { hidesOthers: boolean },
): void {
  const since = hidesOthers ? undefined : attemptedSince(status, before, stack, { digest, isWanted });
  if (hidesOthers) status.hidesInputs = true;
  delete status.attemptedSince;
  if (since !== undefined) status.attemptedSince = since;
}

/** What is known of the inputs that Heat has. */
interface Judged {
  digest: string | undefined;
  isWanted: boolean;
}

function attemptedSince(
  { attemptedDigest, appliedDigest, attemptedSince }: HeatStackStatus,
  before: HeatStackStatus | undefined,
  { status, createdAt, updatedAt }: Stack,
  { digest, isWanted }: Judged,
): string | undefined {
  const { action } = parseState(status);
  if (before && isUnseen(before)) return createdAt;
  if (action === 'ROLLBACK') {
    // Inputs of before are at work again, unless there are none.
    const hasOthers = appliedDigest !== attemptedDigest && attemptedSince !== createdAt;
    return hasOthers ? undefined : attemptedSince;
  }
  const began = updatedAt ?? createdAt;
  if (isWanted) return attemptedDigest === digest ? (attemptedSince ?? began) : began;
  if (attemptedDigest === undefined) return undefined;
  // An update that was sent may be lost in Heat, which then still speaks of the one before.
  const isNew = before?.updatedAt !== updatedAt && (action === 'CREATE' || action === 'UPDATE');
  return attemptedSince ?? (isNew ? began : undefined);
}

/**
 * Whether a text from Heat may quote hidden values that aren't those of the wanted inputs.
 *
 * @param digest of the wanted inputs; `undefined` when they aren't known
 * @param time when Heat said it, or began the operation that it said it of; to the second
 */
export function mayQuoteOthers(
  status: HeatStackStatus,
  digest: string | undefined,
  time: string | undefined,
): boolean {
  if (status.hidesInputs === false) return false;
  const { attemptedDigest = digest, attemptedSince = isUnseen(status) ? '' : undefined } = status;
  if (digest === undefined || attemptedDigest !== digest || attemptedSince === undefined) return true;
  return (time ?? '') < attemptedSince;
}

/** Whether the operation with the inputs that were sent last can quote no hidden values but those of the wanted ones. */
export function isAttemptKnown(
  { hidesInputs, attemptedDigest }: HeatStackStatus,
  digest: string | undefined,
): boolean {
  return hidesInputs === false || (digest !== undefined && attemptedDigest === digest);
}

/** Whether the stack wasn't looked at since its create, so that it has had no other inputs. */
function isUnseen({ attemptedDigest, createdAt, updatedAt, stackStatus = '' }: HeatStackStatus): boolean {
  const isWatched = /^(CREATE|DELETE)_IN_PROGRESS$/.test(stackStatus);
  return attemptedDigest !== undefined && createdAt === undefined && updatedAt === undefined && isWatched;
}
