import type { NotReadyReason } from '../api/reasons.ts';
import { enumerate } from './enumerate.ts';
import type { StackState } from './stack-state.ts';
import type { Verb } from './verbs.ts';

/** What the object asks for. */
export interface Wanted {
  /** The object is being deleted. */
  deleting: boolean;
  /** Whether the operator may write to the stack; else it only observes. */
  managed: boolean;
  /** An existing stack is to be taken, and none is to be made; not any more once a stack is the object's own. */
  imports: boolean;
  /** A stack may be taken that carries the tags of another HeatStack. */
  takeOwnership: boolean;
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
  driftMode: 'disabled' | 'warn' | 'enabled';
  /** What a change does while Heat is at work: wait for its end, or overtake it. */
  updatePolicy: 'wait' | 'supersede';
  approval: 'automatic' | 'manual';
  /** There are resources that an update may not replace or delete unasked. */
  protects: boolean;
  /** What the annotation `heatstack.dev/action` asks for, until it was handled. */
  verb: Verb | undefined;
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
  /** What is to be imported can't be: more than one stack fits, or one that can't be taken. */
  | { is: 'ambiguous'; message: string }
  /** The name belongs to a stack that is being deleted. */
  | { is: 'held'; message: string /** Time since that was first seen, in ms. */; heldForMs: number }
  | { is: 'present'; stack: SeenStack };

/** A stack that is this object's, or that the object imports. */
export interface SeenStack {
  name: string;
  /** Its tags, or the status with its proof, say whose it is. `other`: another HeatStack's. */
  whose: 'ours' | 'nobody' | 'other';
  state: StackState;
  /** The state as Heat writes it. */
  stackStatus: string;
  /** Digest of the inputs that Heat has; `undefined` when they aren't ours or can't be told. */
  live: string | undefined;
  /**
   * What Heat has, or tried last, was sent before the wanted inputs, which it had by then: by an operator that led before
   * this one, whose request came late.
   */
  isLate: boolean;
  /** Time since the operation began, in ms. */
  operationAgeMs: number;
  /** Time since the operator first saw the stack as it is now, in ms. */
  seenForMs: number;
}

/** What the preview of a create or an update says. */
export interface Review {
  /** Names the plan: these inputs, this stack, these changes. */
  id: string;
  /** How many resources would be added, replaced or deleted. */
  changes: number;
  /** What `spec.protect` refuses, such as `REPLACE web/server-0`. */
  blocked: readonly string[];
  /** The annotation `heatstack.dev/approve` names this plan. */
  approved: boolean;
}

/** A write of the inputs to Heat. */
export type InputStep =
  | { to: 'create' }
  | { to: 'update'; why: 'changed' | 'forced' | 'retry' | 'lost' | 'overdue' | 'drift' | 'adopt' | 'late' };

/** One step. */
export type Step =
  | InputStep
  /** Preview a write, and plan anew with what that says. */
  | { to: 'review'; step: InputStep }
  /** The plan waits for somebody to approve it. */
  | { to: 'await-approval'; id: string }
  /** Carry out what the annotation asks for. */
  | { to: 'act'; verb: Verb }
  /** It can't be carried out in this state: say so, and plan anew without it. */
  | { to: 'refuse'; verb: Verb; message: string }
  | { to: 'delete'; why: 'deleting' | 'recreate' | 'retry' | 'overdue' }
  /** Let the object go: remove the finalizer. */
  | { to: 'release'; why: 'gone' | 'detached' | 'not-ours' | 'unmanaged' }
  /** Heat is at work. */
  | { to: 'watch' }
  /** Look again after a while; nothing is wrong. */
  | { to: 'wait'; ms: number; message: string }
  /** Something failed or is missing, with another try to come. `failure`: the stack's resources tell why. */
  | { to: 'retry-later'; ms: number; reason: NotReadyReason; message: string; failure: boolean }
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

/** The stack that an object imports may appear at any time; nothing tells but another look. */
const IMPORT_MS = 30_000;

/**
 * The one next step towards what is wanted. Pure and total; every decision about a state of Heat is made here.
 *
 * It never writes to a stack that isn't the object's: only a `present` sight leads to an update or a delete, and the
 * one update of another's stack is its adoption, after a review.
 *
 * @param review what the preview said that the step before asked for
 */
export function plan(wanted: Wanted, remembered: Remembered, sight: Sight, review?: Review): Step {
  if (wanted.deleting) return planDeletion(wanted, remembered, sight);
  const obstacle = wanted.verb && whyNoAction(wanted, sight);
  if (wanted.verb && obstacle) return refuse(wanted.verb, obstacle);
  if (!wanted.managed) return planObservation(sight);
  const step = planManaged(wanted, remembered, sight);
  return step.to === 'create' || step.to === 'update' ? guard(wanted, step, review) : step;
}

/**
 * Lets a write through when nobody has to look at it before. Every update of a protected stack is previewed, a retry as
 * well: Heat replaces what failed.
 */
function guard(wanted: Wanted, step: InputStep, review: Review | undefined): Step {
  const adopts = step.to === 'update' && step.why === 'adopt';
  const isManual = wanted.approval === 'manual';
  if (!isManual && !adopts && !(wanted.protects && step.to === 'update')) return step;
  if (!review) return { to: 'review', step };
  if (review.approved) return step;
  if (review.blocked.length > 0) {
    return {
      to: 'stall',
      reason: 'ReplacementBlocked',
      message: `this update would ${enumerate(review.blocked)}, which spec.protect refuses; change the inputs, or approve the plan with the annotation heatstack.dev/approve: ${review.id}`,
      failure: false,
    };
  }
  return isManual || (adopts && review.changes > 0) ? { to: 'await-approval', id: review.id } : step;
}

/**
 * Why no action that somebody asked for can be carried out here. It is meant for the stack that was there when it was
 * asked for: it must not cancel the create of the next one, or the update that adopts one.
 */
function whyNoAction({ managed }: Wanted, sight: Sight): string | undefined {
  if (!managed) return 'spec.managementPolicy is "unmanaged", and nothing is written then';
  if (sight.is === 'elsewhere') return sight.message;
  if (sight.is !== 'present' || sight.stack.whose !== 'ours') return 'there is no stack of this object';
  return undefined;
}

function planManaged(wanted: Wanted, remembered: Remembered, sight: Sight): Step {
  switch (sight.is) {
    case 'elsewhere':
      return { to: 'stall', reason: 'CloudChanged', message: sight.message, failure: false };
    case 'foreign':
      return { to: 'stall', reason: 'NameConflict', message: sight.message, failure: false };
    case 'ambiguous':
      return { to: 'stall', reason: 'InvalidConfiguration', message: sight.message, failure: false };
    case 'held': {
      const ms = patience(sight.heldForMs);
      if (sight.heldForMs <= wanted.overdueMs) return { to: 'wait', ms, message: sight.message };
      const message = `${sight.message}. That takes longer than spec.timeout allows: delete that stack once more in Heat`;
      return { to: 'stall', reason: 'OperationTimeout', message, failure: false, againMs: ms };
    }
    case 'absent':
      return wanted.imports ? NOTHING_TO_IMPORT : { to: 'create' };
    case 'gone':
      if (wanted.imports) return NOTHING_TO_IMPORT;
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
      return sight.stack.whose === 'ours'
        ? planPresent(wanted, remembered, sight.stack)
        : planAdoption(wanted, sight.stack);
  }
}

const NOTHING_TO_IMPORT: Extract<Step, { to: 'retry-later' }> = {
  to: 'retry-later',
  ms: IMPORT_MS,
  reason: 'StackNotFound',
  message: 'no stack fits spec.import; it is looked for again and again: create it, or correct spec.import',
  failure: false,
};

/** A stack that somebody else made, and that the object is to take over. */
function planAdoption(wanted: Wanted, stack: SeenStack): Step {
  const { action, status } = stack.state;
  if (!wanted.imports) {
    return {
      to: 'stall',
      reason: 'NameConflict',
      message: `stack "${stack.name}" isn't this object's; it is left alone; set spec.import to take it over`,
      failure: false,
    };
  }
  if (stack.whose === 'other' && !wanted.takeOwnership) {
    return {
      to: 'stall',
      reason: 'NameConflict',
      message: `stack "${stack.name}" carries the tags of another HeatStack; it is left alone. If that one is gone, or works on the stack no more, set spec.import.takeOwnership to true, or request a reconcile if it is`,
      failure: false,
    };
  }
  if (status === 'UNKNOWN') return planUnknown(stack);
  if (action === 'DELETE') {
    return {
      ...NOTHING_TO_IMPORT,
      message: `stack "${stack.name}", which spec.import names, is ${stack.stackStatus}`,
    };
  }
  if (status === 'IN_PROGRESS') return { to: 'watch' };
  if (action === 'SUSPEND') return planSuspended(stack);
  // It isn't known whether a stack of somebody else's rolls back.
  if (mayPass(stack)) return awaitRollback(stack);
  return { to: 'update', why: 'adopt' };
}

/** What an unmanaged object says of its stack; it is never written to. */
function planObservation(sight: Sight): Step {
  switch (sight.is) {
    case 'elsewhere':
      return { to: 'stall', reason: 'CloudChanged', message: sight.message, failure: false };
    case 'foreign':
    case 'ambiguous':
      return { to: 'stall', reason: 'InvalidConfiguration', message: sight.message, failure: false };
    case 'held':
    case 'absent':
      return NOTHING_TO_IMPORT;
    case 'gone':
      return {
        to: 'stall',
        reason: 'StackNotFound',
        message:
          'somebody deleted the stack in Heat; delete this object, or point another one to the new stack',
        failure: false,
      };
    case 'present':
      break;
  }
  const { stack } = sight;
  const { action, status } = stack.state;
  if (status === 'UNKNOWN') return planUnknown(stack);
  if (status === 'IN_PROGRESS') return { to: 'watch' };
  if (action === 'DELETE') {
    return status === 'FAILED'
      ? failed('DeleteFailed')
      : { to: 'wait', ms: patience(stack.seenForMs), message: 'the stack is deleted' };
  }
  if (action === 'SUSPEND') return planSuspended(stack);
  if (mayPass(stack)) return awaitRollback(stack);
  return status === 'COMPLETE' ? { to: 'rest', drifted: false } : failed(failureReason(action));
}

function planDeletion(wanted: Wanted, remembered: Remembered, sight: Sight): Step {
  if (!wanted.managed) return { to: 'release', why: 'unmanaged' };
  if (wanted.onDelete === 'detach') return { to: 'release', why: 'detached' };
  switch (sight.is) {
    case 'absent':
    case 'held':
      // Absence from a list is no proof while Heat may still be at work on a create; nor is a name that is free soon.
      if (wanted.createMayComeMs > 0) {
        return { to: 'wait', ms: Math.min(wanted.createMayComeMs, 5_000), message: CREATE_MAY_COME };
      }
      return { to: 'release', why: sight.is === 'held' ? 'not-ours' : 'gone' };
    case 'gone':
      return { to: 'release', why: 'gone' };
    case 'foreign':
    case 'ambiguous':
      return { to: 'release', why: 'not-ours' };
    case 'elsewhere':
      return { to: 'stall', reason: 'CloudChanged', message: sight.message, failure: false };
    case 'present': {
      const { state, operationAgeMs, whose } = sight.stack;
      if (whose !== 'ours') return { to: 'release', why: 'not-ours' };
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
  if (attempts < DELETE_RETRIES) return retryLater('DeleteFailed', ms);
  return { to: 'stall', reason: 'DeleteFailed', message: '', failure: true, againMs: ms };
}

function planPresent(wanted: Wanted, remembered: Remembered, stack: SeenStack): Step {
  const { action, status } = stack.state;
  if (status === 'UNKNOWN') return planUnknown(stack);
  const verb = wanted.verb && planVerb(wanted.verb, stack);
  if (verb) return verb;
  if (status === 'IN_PROGRESS') return planInProgress(wanted, remembered, stack);
  if (action === 'DELETE') return planDeleted(wanted, remembered, stack);
  if (action === 'SUSPEND')
    return planSuspended(stack, ', or the annotation heatstack.dev/action: stack-resume@TOKEN');
  return status === 'COMPLETE'
    ? planComplete(wanted, remembered, stack)
    : planFailed(wanted, remembered, stack);
}

function planUnknown({ stackStatus }: SeenStack): Step {
  return {
    to: 'wait',
    ms: 60_000,
    message: `Heat reports the state "${stackStatus}", which this version doesn't know; nothing is written until it changes`,
  };
}

/** @param orElse another cure than Heat's own, for a stack that is the object's */
function planSuspended({ name, state }: SeenStack, orElse = ''): Step {
  return {
    to: 'stall',
    reason: 'StackSuspended',
    message: `the stack is suspended in Heat, which then refuses updates; resume it with "openstack stack resume ${name}"${orElse}`,
    failure: state.status === 'FAILED',
  };
}

/**
 * What an action that somebody asked for leads to; `undefined` when it has to wait for the end of the work in progress:
 * actions that overlap can leave a stack stuck for ever (Heat 27).
 */
function planVerb(verb: Verb, { state, stackStatus }: SeenStack): Step | undefined {
  const { action, status } = state;
  const inProgress = status === 'IN_PROGRESS';
  switch (verb) {
    case 'cancel-update':
    case 'cancel-without-rollback': {
      // Heat cancels an update; a create only without a rollback.
      const can = action === 'UPDATE' || (action === 'CREATE' && verb === 'cancel-without-rollback');
      if (inProgress && can) return { to: 'act', verb };
      return refuse(verb, `the stack is ${stackStatus}, and there is nothing to cancel`);
    }
    case 'check':
      if (inProgress) return undefined;
      if (action === 'DELETE' || action === 'SUSPEND') return refuse(verb, `the stack is ${stackStatus}`);
      // Heat calls a resource that it can't check COMPLETE, a failed one as well (Heat 27), and repairs it no more.
      if (status === 'FAILED' && action !== 'CHECK' && action !== 'SNAPSHOT')
        return refuse(verb, `the stack is ${stackStatus}, which a check would hide; let an update repair it`);
      return { to: 'act', verb };
    case 'stack-suspend':
      if (inProgress) return undefined;
      if (action === 'DELETE' || (action === 'SUSPEND' && status === 'COMPLETE'))
        return refuse(verb, `the stack is ${stackStatus}`);
      return { to: 'act', verb };
    case 'stack-resume':
      if (inProgress) return undefined;
      if (action === 'SUSPEND' || (action === 'RESUME' && status === 'FAILED')) return { to: 'act', verb };
      return refuse(verb, `the stack is ${stackStatus}, and not suspended`);
  }
}

function refuse(verb: Verb, message: string): Step {
  return { to: 'refuse', verb, message };
}

function planInProgress(wanted: Wanted, remembered: Remembered, { state, operationAgeMs }: SeenStack): Step {
  const ours = state.action === 'CREATE' || state.action === 'UPDATE' || state.action === 'ROLLBACK';
  const { attempted, attempts } = remembered;
  const isSent = attempted === wanted.digest;
  if (ours && attempted !== undefined && !isSent && wanted.updatePolicy === 'supersede')
    return { to: 'update', why: 'changed' };
  if (operationAgeMs <= wanted.overdueMs) return { to: 'watch' };
  // A lost message leaves a stack in progress for ever; a new update starts the work again (Heat's convergence).
  if (ours && (attempts === 0 || !isSent)) return { to: 'update', why: 'overdue' };
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

function planComplete(wanted: Wanted, remembered: Remembered, stack: SeenStack): Step {
  const { state, live, seenForMs } = stack;
  if (wanted.force) return { to: 'update', why: 'forced' };
  if (live === wanted.digest) return { to: 'rest', drifted: false };
  if (remembered.attempted !== wanted.digest) return { to: 'update', why: 'changed' };
  if (isOvertaken(remembered, stack)) return { to: 'update', why: 'late' };
  // These inputs were live once, so somebody else has put others in their place.
  const isDrifted = remembered.applied === wanted.digest;
  const putsBack = isDrifted && wanted.driftMode === 'enabled';
  if (putsBack && remembered.attempts === 0) return { to: 'update', why: 'drift' };
  if (state.action === 'ROLLBACK')
    return remediate(wanted, remembered, 'RollbackComplete', seenForMs, state.action);
  if (isDrifted && !putsBack) return { to: 'rest', drifted: wanted.driftMode === 'warn' };
  // Heat answers 202 and forgets the update when another one wins the race inside it.
  if (remembered.attempts < LOST_UPDATE_RETRIES) return { to: 'update', why: 'lost' };
  // What no update puts back is told, and the stack is whole all the same.
  if (isDrifted) return { to: 'rest', drifted: true };
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
  if (isOvertaken(remembered, stack)) return { to: 'update', why: 'late' };
  const reason = failureReason(action);
  if (!REMEDIED.has(reason)) return failed(reason);
  if (wanted.rollback && mayPass(stack)) return awaitRollback(stack);
  return remediate(wanted, remembered, reason, stack.seenForMs, action);
}

/** Whether a late update of the operator's own is to be put right. It is no drift, which may be left. */
function isOvertaken({ attempts }: Remembered, { isLate }: SeenStack): boolean {
  return isLate && attempts < LOST_UPDATE_RETRIES;
}

/** Whether a failure may be the moment before a rollback. */
function mayPass({ state: { action, status }, seenForMs }: SeenStack): boolean {
  const canRollBack = action === 'CREATE' || action === 'UPDATE';
  return canRollBack && status === 'FAILED' && seenForMs < PASSING_FAILURE_MS;
}

function awaitRollback({ stackStatus }: SeenStack): Step {
  return { to: 'wait', ms: 2_000, message: `${stackStatus}; Heat may be about to roll back` };
}

/** Failures of the operator's own operations; those of others are never repaired unasked. */
const REMEDIED = new Set<NotReadyReason>(['CreateFailed', 'UpdateFailed', 'RollbackFailed']);

function failureReason(action: string): NotReadyReason {
  switch (action) {
    case 'UPDATE':
      return 'UpdateFailed';
    case 'ROLLBACK':
      return 'RollbackFailed';
    case 'CHECK':
      return 'CheckFailed';
    case 'RESUME':
      return 'ResumeFailed';
    case 'SNAPSHOT':
      return 'SnapshotFailed';
    case 'RESTORE':
      return 'RestoreFailed';
    default:
      return 'CreateFailed';
  }
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
  if (ms > 0) return retryLater(reason, ms);
  // Only the first create itself proves that nothing was ever whole in this stack.
  if (action === 'CREATE' && mayRecreate(wanted, remembered)) return { to: 'delete', why: 'recreate' };
  return { to: 'update', why: 'retry' };
}

function retryLater(reason: NotReadyReason, ms: number): Step {
  return { to: 'retry-later', ms, reason, message: '', failure: true };
}

function failed(reason: NotReadyReason): Step {
  return { to: 'stall', reason, message: '', failure: true };
}

function retryDelay({ remediation }: Wanted, attempts: number): number {
  return Math.min(MAX_RETRY_MS, remediation.retryIntervalMs * 2 ** Math.min(attempts, 20));
}

/**
 * Whether a stack that was never whole may be deleted, to be created again. Nobody can approve a delete, so where plans
 * are to be approved, or resources are protected, an update repairs the stack instead.
 */
function mayRecreate({ remediation, approval, protects }: Wanted, { applied }: Remembered): boolean {
  const isWanted = remediation.create.strategy === 'recreate' && applied === undefined;
  return isWanted && approval === 'automatic' && !protects;
}

/** The stack failed to be created and was deleted by the operator, to be created again. */
function isRecreating(wanted: Wanted, remembered: Remembered): boolean {
  return mayRecreate(wanted, remembered) && remembered.attempts > 0;
}
