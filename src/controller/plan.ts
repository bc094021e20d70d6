import type { NotReadyReason } from '../api/reasons.ts';
import type { StackState } from './stack-state.ts';

/** What the object asks for. */
export interface Wanted {
  /** The object is being deleted. */
  deleting: boolean;
  onDelete: 'delete' | 'detach';
  onExternalDeletion: 'recreate' | 'stall';
  /** Digest of the inputs; empty while deleting, which needs none. */
  digest: string;
  /** Somebody changed the object or asked for a reconcile since the last look. */
  asked: boolean;
  /**
   * While deleting: how long a create may still come true in Heat whose answer was lost, in ms; 0 when every create was
   * answered.
   */
  createMayComeMs: number;
  /** Send the inputs even if Heat has them. */
  force: boolean;
  /** Heat rolls back a failure by itself, so that a FAILED may be passing. */
  rollback: boolean;
  remediation: {
    create: { retries: number; strategy: 'update' | 'recreate' | 'none' };
    update: { retries: number; strategy: 'update' | 'none' };
    retryIntervalMs: number;
  };
  /** Time after which an operation should have ended: Heat's timeout and a grace, in ms. */
  overdueMs: number;
}

/** What the object's status remembers. */
export interface Remembered {
  /** Digest of the inputs that Heat last completed: the stack was whole once. */
  applied: string | undefined;
  /** Digest of the inputs that were last sent. */
  attempted: string | undefined;
  /** How often they were sent again, or the delete was. */
  attempts: number;
}

/** What Heat shows. */
export type Sight =
  /** No stack is known, and none has the name. */
  | { is: 'absent' }
  /** The stack of this object is gone: Heat's own 404, or a deletion time. */
  | { is: 'gone' }
  /** The credentials lead to another project, region or endpoint than the one that holds the stack. */
  | { is: 'elsewhere'; message: string }
  /** A stack that isn't this object's has the name. */
  | { is: 'foreign'; message: string }
  /** The name belongs to a stack that is being deleted. */
  | { is: 'held'; message: string /** Time since that was first seen, in ms. */; heldForMs: number }
  | { is: 'present'; stack: SeenStack };

/** A stack that is this object's. */
export interface SeenStack {
  name: string;
  state: StackState;
  /** The state as Heat writes it. */
  stackStatus: string;
  /** Digest of the inputs that Heat has; `undefined` when they aren't ours or can't be told. */
  live: string | undefined;
  /** Time since the operation began, in ms. */
  operationAgeMs: number;
  /** Time since the operator first saw the stack as it is now, in ms. */
  seenForMs: number;
}

/** One step. Those with `to` change something; the others only report. */
export type Step =
  | { to: 'create' }
  | { to: 'update'; why: 'changed' | 'forced' | 'retry' | 'lost' | 'overdue' }
  | { to: 'delete'; why: 'deleting' | 'recreate' | 'retry' | 'overdue' }
  /** Let the object go: remove the finalizer. */
  | { to: 'release'; why: 'gone' | 'detached' | 'not-ours' }
  /** Heat is at work. */
  | { to: 'watch' }
  /** Look again after a while; nothing is wrong. */
  | { to: 'wait'; ms: number; message: string }
  /** A failure, with another try to come. */
  | { to: 'retry-later'; ms: number; reason: NotReadyReason; failure: boolean }
  /** The stack is as wanted. `drifted`: somebody else changed its inputs. */
  | { to: 'rest'; drifted: boolean }
  /** Nothing will happen until somebody changes something. `failure`: the stack's resources tell why. */
  | { to: 'stall'; reason: NotReadyReason; message: string; failure: boolean; againMs?: number };

/** The longest time between two tries, in ms. */
export const MAX_RETRY_MS = 15 * 60_000;
const DELETE_RETRIES = 5;
const LOST_UPDATE_RETRIES = 3;
/** With rollback on, Heat 27 shows UPDATE_FAILED for a moment before ROLLBACK_IN_PROGRESS. */
const PASSING_FAILURE_MS = 10_000;
/** A name is free 0.3 to 0.9 s after the stack is deleted (Heat 27); a stack that takes longer may be stuck. */
const NAME_HELD_MS = 1_000;
const NAME_HELD_MAX_MS = 30_000;
const CREATE_MAY_COME =
  'a create was sent to Heat whose answer was lost; the object stays until it is certain that no stack comes of it';

/** The time to the next look at something that ends soon or never, in ms. */
function patience(waitedMs: number): number {
  return Math.min(NAME_HELD_MAX_MS, Math.max(NAME_HELD_MS, waitedMs * 0.15));
}

/**
 * The one next step towards what is wanted. Pure and total; every decision about a state of Heat is made here.
 *
 * It never writes to a stack that isn't the object's: only a `present` sight leads to an update or a delete.
 */
export function plan(wanted: Wanted, remembered: Remembered, sight: Sight): Step {
  if (wanted.deleting) return planDeletion(wanted, remembered, sight);
  switch (sight.is) {
    case 'elsewhere':
      return { to: 'stall', reason: 'CloudChanged', message: sight.message, failure: false };
    case 'foreign':
      return { to: 'stall', reason: 'NameConflict', message: sight.message, failure: false };
    case 'held':
      return { to: 'wait', ms: patience(sight.heldForMs), message: sight.message };
    case 'absent':
      return { to: 'create' };
    case 'gone':
      if (wanted.onExternalDeletion === 'recreate' || wanted.asked || isRecreating(wanted, remembered))
        return { to: 'create' };
      return {
        to: 'stall',
        reason: 'StackNotFound',
        message:
          'somebody deleted the stack in Heat, and spec.onExternalDeletion is "stall"; change the object or request a reconcile to create it anew',
        failure: false,
      };
    case 'present':
      return planPresent(wanted, remembered, sight.stack);
  }
}

function planDeletion(wanted: Wanted, remembered: Remembered, sight: Sight): Step {
  if (wanted.onDelete === 'detach') return { to: 'release', why: 'detached' };
  switch (sight.is) {
    case 'absent':
      // Absence from a list is no proof while Heat may still be at work on a create.
      if (wanted.createMayComeMs > 0) {
        return { to: 'wait', ms: Math.min(wanted.createMayComeMs, 5_000), message: CREATE_MAY_COME };
      }
      return { to: 'release', why: 'gone' };
    case 'gone':
      return { to: 'release', why: 'gone' };
    case 'foreign':
    case 'held':
      return { to: 'release', why: 'not-ours' };
    case 'elsewhere':
      return { to: 'stall', reason: 'CloudChanged', message: sight.message, failure: false };
    case 'present': {
      const { state, operationAgeMs } = sight.stack;
      if (state.action !== 'DELETE') return { to: 'delete', why: 'deleting' };
      if (state.status === 'IN_PROGRESS') {
        return operationAgeMs > wanted.overdueMs ? { to: 'delete', why: 'overdue' } : { to: 'watch' };
      }
      if (state.status === 'FAILED') return retryDelete(wanted, remembered, sight.stack);
      return {
        to: 'wait',
        ms: patience(sight.stack.seenForMs) / 2,
        message: 'Heat is about to forget the stack',
      };
    }
  }
}

/** Deleting again is the cure for most failed deletes (a port still in use); it never ends for good. */
function retryDelete(wanted: Wanted, { attempts }: Remembered, stack: SeenStack): Step {
  const ms = retryDelay(wanted, attempts) - stack.seenForMs;
  if (ms <= 0) return { to: 'delete', why: 'retry' };
  if (attempts < DELETE_RETRIES) return { to: 'retry-later', ms, reason: 'DeleteFailed', failure: true };
  return { to: 'stall', reason: 'DeleteFailed', message: '', failure: true, againMs: ms };
}

function planPresent(wanted: Wanted, remembered: Remembered, stack: SeenStack): Step {
  const { action, status } = stack.state;
  if (status === 'UNKNOWN') {
    return {
      to: 'wait',
      ms: 60_000,
      message: `Heat reports the state "${stack.stackStatus}", which this version doesn't know; nothing is written until it changes`,
    };
  }
  if (status === 'IN_PROGRESS') return planInProgress(wanted, remembered, stack);
  if (action === 'DELETE') return planDeleted(wanted, remembered, stack);
  if (action === 'SUSPEND') {
    return {
      to: 'stall',
      reason: 'StackSuspended',
      message: `the stack is suspended in Heat, which then refuses updates; resume it with "openstack stack resume ${stack.name}"`,
      failure: status === 'FAILED',
    };
  }
  return status === 'COMPLETE'
    ? planComplete(wanted, remembered, stack)
    : planFailed(wanted, remembered, stack);
}

function planInProgress(wanted: Wanted, remembered: Remembered, { state, operationAgeMs }: SeenStack): Step {
  if (operationAgeMs <= wanted.overdueMs) return { to: 'watch' };
  const ours = state.action === 'CREATE' || state.action === 'UPDATE' || state.action === 'ROLLBACK';
  // A lost message leaves a stack in progress for ever; a new update starts the work again (Heat's convergence).
  if (ours && remembered.attempts === 0) return { to: 'update', why: 'overdue' };
  if (state.action === 'DELETE' && isRecreating(wanted, remembered)) return { to: 'delete', why: 'overdue' };
  return {
    to: 'stall',
    reason: 'OperationTimeout',
    message: `${state.action} is in progress for longer than spec.timeout allows, and Heat doesn't end it; look at the stack's events, then change the object, or delete the stack`,
    failure: false,
  };
}

/** The object lives and its stack is being deleted: by somebody else, or to be created again by us. */
function planDeleted(wanted: Wanted, remembered: Remembered, stack: SeenStack): Step {
  if (stack.state.status === 'COMPLETE')
    return {
      to: 'wait',
      ms: patience(stack.seenForMs),
      message: 'the stack was deleted; Heat is about to free its name',
    };
  if (isRecreating(wanted, remembered)) return retryDelete(wanted, remembered, stack);
  return {
    to: 'stall',
    reason: 'StackDeleting',
    message:
      'somebody else began to delete the stack in Heat, and that failed; finish the deletion in Heat (the stack is then made anew) or delete this object',
    failure: true,
  };
}

function planComplete(wanted: Wanted, remembered: Remembered, { state, live, seenForMs }: SeenStack): Step {
  if (wanted.force) return { to: 'update', why: 'forced' };
  if (live === wanted.digest) return { to: 'rest', drifted: false };
  if (remembered.attempted !== wanted.digest) return { to: 'update', why: 'changed' };
  if (state.action === 'ROLLBACK')
    return remediate(wanted, remembered, 'RollbackComplete', seenForMs, state.action);
  // These inputs were live once, so somebody else has put others in their place.
  if (remembered.applied === wanted.digest) return { to: 'rest', drifted: true };
  // Heat answers 202 and forgets the update when another one wins the race inside it.
  if (remembered.attempts < LOST_UPDATE_RETRIES) return { to: 'update', why: 'lost' };
  return {
    to: 'stall',
    reason: 'UpdateFailed',
    message:
      'Heat accepted the update several times and never carried it out; another client may be updating the same stack',
    failure: false,
  };
}

function planFailed(wanted: Wanted, remembered: Remembered, stack: SeenStack): Step {
  const { action } = stack.state;
  const tried = remembered.attempted ?? stack.live;
  if (wanted.force) return { to: 'update', why: 'forced' };
  if (tried !== wanted.digest) return { to: 'update', why: 'changed' };
  switch (action) {
    case 'CHECK':
      return failed('CheckFailed');
    case 'RESUME':
      return failed('ResumeFailed');
    case 'SNAPSHOT':
      return failed('SnapshotFailed');
    case 'RESTORE':
      return failed('RestoreFailed');
  }
  if (wanted.rollback && action !== 'ROLLBACK' && stack.seenForMs < PASSING_FAILURE_MS) {
    return { to: 'wait', ms: 2_000, message: `${stack.stackStatus}; Heat is about to roll back` };
  }
  const reason =
    action === 'ROLLBACK' ? 'RollbackFailed' : action === 'UPDATE' ? 'UpdateFailed' : 'CreateFailed';
  return remediate(wanted, remembered, reason, stack.seenForMs, action);
}

/** Heat replaces what failed with the next update, so updates are tried again only when asked for. */
function remediate(
  wanted: Wanted,
  remembered: Remembered,
  reason: NotReadyReason,
  seenForMs: number,
  action: string,
): Step {
  // Without a memory of its inputs (a lost status), only the create itself proves that a stack was never whole.
  const neverComplete =
    remembered.applied === undefined && (action === 'CREATE' || remembered.attempted !== undefined);
  const { retries, strategy } = neverComplete ? wanted.remediation.create : wanted.remediation.update;
  if (strategy === 'none' || remembered.attempts >= retries) return failed(reason);
  const ms = retryDelay(wanted, remembered.attempts) - seenForMs;
  if (ms > 0) return { to: 'retry-later', ms, reason, failure: true };
  // Only the first create itself proves that nothing was ever whole in this stack.
  if (strategy === 'recreate' && neverComplete && action === 'CREATE')
    return { to: 'delete', why: 'recreate' };
  return { to: 'update', why: 'retry' };
}

function failed(reason: NotReadyReason): Step {
  return { to: 'stall', reason, message: '', failure: true };
}

function retryDelay({ remediation }: Wanted, attempts: number): number {
  return Math.min(MAX_RETRY_MS, remediation.retryIntervalMs * 2 ** Math.min(attempts, 20));
}

/** The stack failed to be created and was deleted by the operator, to be created again. */
function isRecreating({ remediation }: Wanted, { applied, attempts }: Remembered): boolean {
  return remediation.create.strategy === 'recreate' && applied === undefined && attempts > 0;
}
