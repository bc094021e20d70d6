import type { Availability } from '../api/conditions.ts';
import { ANNOTATIONS } from '../api/constants.ts';
import { parseDuration } from '../api/duration.ts';
import { timestamp } from '../api/timestamp.ts';
import type { Result } from '../kube/index.ts';
import { isOpenStackError, type OpenStackError, type StackIdentity } from '../openstack/index.ts';
import { type Actions, wasCancelled, wasSuspended } from './actions.ts';
import { shownAtRest } from './at-rest.ts';
import { digestTag } from './digest.ts';
import type { HeatClient } from './heat-client.ts';
import { toCloudProblem } from './heat-errors.ts';
import { atRest, begun, type Operation } from './history.ts';
import { type Desired, markedEnvironment } from './inputs.ts';
import { needsPause, noteCreate, noteSending, noteUpdate, PAUSE_MS } from './known-inputs.ts';
import { whoHasTheName } from './observe.ts';
import type { OutputObjects } from './output-objects.ts';
import { isAdopted, readyOf } from './own-status.ts';
import type { Ownership } from './ownership.ts';
import type { InputStep, Review, Sight, Step } from './plan.ts';
import { type Ended, type Reconciliation, TryAgain } from './reconciliation.ts';
import {
  countChanges,
  describePreview,
  type Preview,
  planId,
  previewCreate,
  previewUpdate,
  toPlan,
} from './review.ts';
import type { Session } from './sessions.ts';
import { parseState } from './stack-state.ts';
import { cloudFields } from './stack-status.ts';
import { heatOf, type StackView } from './stack-view.ts';
import { CALLS, type Verb } from './verbs.ts';
import { availabilityAt, availabilityOf, describeDrift, failureMessage, NO_STACK } from './verdict.ts';

/** What is to be brought about, while the object isn't being deleted. */
export interface Goal {
  /** None when the stack is only observed. */
  desired?: Desired;
  objects: OutputObjects;
  /** Says what a create or an update has to wait for, and ends; nothing when they may go ahead. */
  unmet?: (available?: Availability) => Promise<Result>;
}

/** Updates that aren't another try of the same inputs. */
const FIRST_TRIES = new Set<Extract<Step, { to: 'update' }>['why']>(['changed', 'forced', 'adopt']);

/** Carries out the planned step, and says in status and Events what came of it. */
export class Actuator {
  readonly #run: Reconciliation;
  readonly #session: Session;
  readonly #view: StackView;
  readonly #ownership: Ownership;
  readonly #actions: Actions;
  readonly #goal: Goal | undefined;
  #preview: Preview | undefined;

  /** @param goal none while deleting */
  constructor(
    run: Reconciliation,
    session: Session,
    view: StackView,
    ownership: Ownership,
    actions: Actions,
    goal: Goal | undefined,
  ) {
    this.#run = run;
    this.#session = session;
    this.#view = view;
    this.#ownership = ownership;
    this.#actions = actions;
    this.#goal = goal;
  }

  async act(step: Step, sight: Sight): Promise<Ended | { again: Sight; review?: Review }> {
    const isPlanned =
      step.to === 'review' ||
      step.to === 'await-approval' ||
      (step.to === 'stall' && step.reason === 'ReplacementBlocked');
    if (!isPlanned) delete this.#run.status.plan;
    const unmet = this.#goal?.unmet;
    if (unmet && (step.to === 'create' || step.to === 'update' || step.to === 'review')) {
      this.#watchOn(sight);
      return unmet(availabilityAt(sight, this.#run.status));
    }
    switch (step.to) {
      case 'create':
        return this.#create(sight);
      case 'update':
        return this.#update(step.why, sight);
      case 'delete':
        return this.#delete(step.why);
      case 'release':
        return this.#run.release(step.why);
      case 'watch':
        return this.#watch(sight);
      case 'wait':
        return this.#run.finish(
          { state: 'working', message: step.message },
          { requeueAfterMs: step.ms },
          availabilityAt(sight, this.#run.status),
        );
      case 'retry-later': {
        const message = step.failure
          ? failureMessage(this.#run.status, step.reason, step.message)
          : `${step.reason}: ${step.message}`;
        if (step.failure) this.#announceFailure(message);
        if (step.failure) this.#noteEnd();
        return this.#run.finish(
          { state: 'retrying', reason: step.reason, message },
          { requeueAfterMs: step.ms },
          availabilityAt(sight, this.#run.status),
        );
      }
      case 'rest':
        return this.#rest(step.drifted, sight);
      case 'stall':
        return this.#stall(step, sight);
      case 'act':
        return this.#act(step.verb, sight);
      case 'refuse':
        this.#actions.refuse(step.message);
        return { again: sight };
      case 'review':
        return this.#review(step.step, sight);
      case 'await-approval':
        return this.#awaitApproval(step.id, sight);
    }
  }

  async #create(sight: Sight): Promise<Result | { again: Sight }> {
    const { orchestration, desired } = this.#need();
    const name = this.#run.stackName;
    const tags = this.#run.ownerTags;
    const { attempts, attempted = desired.digest } = this.#run.remembered(desired.digest);
    const { id: was, stackName: wasNamed = name, appliedDigest } = this.#run.status;
    const neverComplete = appliedDigest === undefined;
    if (sight.is === 'gone' && !(neverComplete && attempts > 0)) {
      this.#run.event(
        'Warning',
        'StackNotFound',
        'Reconcile',
        `somebody deleted stack ${wasNamed} (${was}) in Heat; it is created anew`,
      );
    }
    await this.#run.hold();
    this.#view.forget();
    if (this.#run.before.drift) this.#run.drift = [];
    // A create that is tried again counts on, also when its name was free only after a while; other inputs count anew.
    this.#run.status.attempts = neverComplete && attempted === desired.digest ? attempts : 0;
    // Written down first: an operator that dies before it writes the new id would look for the former stack alone.
    if (was !== undefined) {
      const message = `stack ${wasNamed} (${was}) is gone; it is created anew`;
      await this.#run.finish({ state: 'working', message }, {}, NO_STACK);
    }
    let id: string;
    try {
      ({ id } = await orchestration.createStack(this.#attributes(desired, tags, name), {
        signal: this.#run.signal,
      }));
    } catch (error) {
      return this.#createRefused(error);
    }
    delete this.#run.memory.heldSince;
    const { memory, now, ownerTags } = this.#run;
    if (this.#run.spec.managedOptions.onDelete === 'delete') memory.made = { id, name, at: now, ownerTags };
    this.#run.status.id = id;
    this.#run.status.stackName = name;
    this.#run.status.cloud = cloudFields(this.#session.connection.cloud);
    this.#run.status.ownership = this.#ownership.proof(this.#session.connection, id);
    this.#run.status.stackStatus = 'CREATE_IN_PROGRESS';
    noteCreate(this.#run.status, desired);
    this.#noteBegin('Create', desired.digest);
    this.#run.forceDone();
    this.#session.operations.begin(this.#run.key, id);
    this.#run.event('Normal', 'StackCreating', 'Create', `Heat is creating stack ${name} (${id})`);
    const result = await this.#working(`Heat is creating stack ${name}`, {
      status: 'False',
      reason: 'Progressing',
      message: 'The stack is being created.',
    });
    if (this.#run.isGone) await this.#undoCreate({ id, name });
    return result;
  }

  /**
   * Deletes the stack of an object that is gone: Kubernetes 1.37 deletes an object at once, whatever its finalizers, when
   * it gets the first one in the very moment of the request. Nobody else would know of the stack.
   */
  async #undoCreate(stack: StackIdentity): Promise<void> {
    if (this.#run.spec.managedOptions.onDelete !== 'delete') return;
    await this.#send(stack.id, (heat, options) => heat.deleteStack(stack, options));
    delete this.#run.memory.made;
    this.#run.logger.warn(stack, 'the object went while its stack was created; the stack is deleted');
  }

  /** Notes why Heat doesn't take a create, or its preview. */
  async #createRefused(error: unknown): Promise<{ again: Sight }> {
    const { orchestration, desired } = this.#need();
    if (isOpenStackError(error, 'BadRequest')) {
      this.#run.status.attemptedDigest = desired.digest;
      this.#run.forceDone();
    }
    if (!isOpenStackError(error, 'Conflict.StackExists')) throw error;
    const owner = { tags: this.#run.ownerTags, deleting: false };
    const found = await whoHasTheName(orchestration, this.#run.stackName, owner, this.#run.signal);
    return { again: await this.#view.note(found) };
  }

  /** Asks Heat what a write would do, with exactly what would be sent, and shows it in the status. */
  async #review(step: InputStep, sight: Sight): Promise<Ended | { again: Sight; review?: Review }> {
    const { orchestration, desired } = this.#need();
    const { status, before, spec, signal, stackName, ownerTags, now } = this.#run;
    const attributes = this.#attributes(desired, ownerTags);
    let preview: Preview;
    try {
      if (step.to === 'create') {
        preview = await previewCreate(orchestration, { ...attributes, name: stackName }, signal);
      } else {
        const { id, stackName: name } = status;
        if (!id || !name) throw new TryAgain('the stack has no id');
        preview = await previewUpdate(orchestration, { id, name }, attributes, spec.protect ?? [], signal);
      }
    } catch (error) {
      if (isOpenStackError(error, 'ResponseTooLarge')) {
        delete status.plan;
        const message = `Heat's preview of this ${step.to} is too large to be read, and nothing is sent without it; divide the stack, or take spec.approval and spec.protect out`;
        return this.#run.settle(
          { state: 'stalled', reason: 'InvalidConfiguration', message },
          availabilityAt(sight, status),
        );
      }
      if (step.to === 'create') return this.#createRefused(error);
      if (isOpenStackError(error, 'BadRequest')) this.#run.forceDone();
      throw error;
    }
    const live = sight.is === 'present' ? sight.stack.live : undefined;
    // A look that is the same in all of it is of the same stack in the same state: none is ever in it twice.
    // Without a stack it is the object's: one that is applied anew with its annotations isn't approved by them.
    const state = [status.id ?? this.#run.memory.uid, status.updatedAt ?? status.createdAt, live];
    const id = planId(desired.digest, state, preview);
    const createdAt = before.plan?.id === id ? before.plan.createdAt : timestamp(now);
    status.plan = toPlan(preview, id, createdAt);
    this.#preview = preview;
    const approved = this.#run.annotation('approve') === id;
    return {
      again: sight,
      review: { id, changes: countChanges(preview), blocked: preview.blocked, approved },
    };
  }

  #awaitApproval(id: string, sight: Sight): Promise<Result> {
    const { status, before } = this.#run;
    const stackName = status.stackName ?? this.#run.stackName;
    const doing = sight.is === 'present' ? 'Updating' : 'Creating';
    const what = this.#preview ? describePreview(this.#preview) : 'do what status.plan lists';
    const message = `${doing} stack ${stackName} would ${what}; to have it done, set the annotation ${ANNOTATIONS.approve}: ${id}${this.#outdated}`;
    if (before.plan?.id !== id) this.#run.event('Normal', 'PlanReady', 'Plan', message);
    this.#watchOn(sight);
    return this.#run.settle(
      { state: 'working', reason: 'ApprovalRequired', message },
      availabilityAt(sight, status),
    );
  }

  /** What to say of an approval that isn't of the plan. */
  get #outdated(): string {
    const approved = this.#run.annotation('approve');
    const isOutdated = approved !== undefined && approved !== this.#run.status.plan?.id;
    return isOutdated ? ' (the one that it names is out of date)' : '';
  }

  /** Notices the end of what Heat is at work on. */
  #watchOn(sight: Sight): void {
    const { id } = this.#run.status;
    if (id === undefined || sight.is !== 'present' || sight.stack.state.status !== 'IN_PROGRESS') return;
    this.#session.operations.add(this.#run.key, id, sight.stack.operationAgeMs);
  }

  async #update(why: Extract<Step, { to: 'update' }>['why'], sight: Sight): Promise<Result> {
    const { desired } = this.#need();
    const { id, stackName, stackStatus } = this.#run.status;
    if (!id || !stackName) throw new TryAgain('the stack has no id');
    const seenForMs = sight.is === 'present' ? sight.stack.seenForMs : 0;
    if (needsPause(this.#run.status, desired.digest) && seenForMs < PAUSE_MS) {
      const message = `Stack ${stackName} is ${stackStatus}; the changed inputs are sent in a second`;
      return this.#run.finish(
        { state: 'working', message },
        { requeueAfterMs: PAUSE_MS - seenForMs },
        availabilityAt(sight, this.#run.status),
      );
    }
    const tags = this.#run.ownerTags;
    const { attempts } = this.#run.remembered(desired.digest);
    // Before the stack becomes the object's own.
    await this.#run.hold();
    noteSending(this.#run.status, desired);
    try {
      const stack = { id, name: stackName };
      const attributes = this.#attributes(desired, tags);
      await this.#send(id, (heat, options) => heat.updateStack(stack, attributes, options));
    } catch (error) {
      // Another action began since the look, as when somebody suspends or deletes the stack.
      if (
        isOpenStackError(error, 'Conflict') ||
        (isOpenStackError(error, 'BadRequest') && error.type === 'NotSupported')
      ) {
        const message =
          toCloudProblem(error, 'Heat does not take the update now', this.#run.scrubber)?.message ?? '';
        return this.#run.finish({ state: 'working', message }, { requeueAfterMs: 5_000 });
      }
      // Refused whole: what Heat has is still what was attempted before.
      if (isOpenStackError(error, 'BadRequest')) this.#run.forceDone();
      throw error;
    }
    noteUpdate(this.#run.status, desired);
    delete this.#run.memory.sent;
    if (this.#view.isAtRestWithout(digestTag(desired.digest)))
      this.#run.memory.sent = { stackId: id, digest: desired.digest };
    this.#noteBegin(why === 'adopt' ? 'Adopt' : 'Update', desired.digest);
    // By the tags that it has now.
    if (why === 'adopt')
      this.#run.status.ownership = this.#ownership.proof(this.#session.connection, id, 'adopted');
    if (why === 'drift') this.#view.inputs.noteDrift();
    // What others changed is overwritten.
    if (this.#run.before.drift || why === 'drift') this.#run.drift = [];
    this.#run.status.attempts = FIRST_TRIES.has(why) ? 0 : attempts + 1;
    // If Heat loses it, the next try waits as long as after any other.
    delete this.#run.memory.seen;
    delete this.#run.status.failures;
    this.#run.forceDone();
    this.#session.operations.begin(this.#run.key, id);
    const reasons = {
      changed: '',
      forced: ' (asked for)',
      retry: ' (another try)',
      lost: ' (the last one was lost)',
      overdue: ' (the operation was stuck)',
      drift: ' (to put back what another client changed)',
      adopt: ' (to adopt it)',
      late: ' (over inputs of before, which were sent late)',
    };
    this.#run.event(
      'Normal',
      'StackUpdating',
      'Update',
      `Heat is updating stack ${stackName}${reasons[why]}`,
    );
    return this.#working(`Heat is updating stack ${stackName}`);
  }

  async #delete(why: Extract<Step, { to: 'delete' }>['why']): Promise<Result> {
    const { id, stackName, attempts = 0 } = this.#run.status;
    if (!id || !stackName) throw new TryAgain('the stack has no id');
    await this.#send(id, (heat, options) => heat.deleteStack({ id, name: stackName }, options));
    this.#run.status.stackStatus = 'DELETE_IN_PROGRESS';
    this.#run.status.attempts = why === 'deleting' ? 0 : attempts + 1;
    delete this.#run.memory.seen;
    this.#noteBegin('Delete');
    delete this.#run.status.stackStatusReason;
    delete this.#run.status.failures;
    this.#session.operations.begin(this.#run.key, id, { deleting: true });
    this.#run.event(
      'Normal',
      'StackDeleting',
      'Delete',
      `Heat is deleting stack ${stackName}${why === 'recreate' ? ', to create it again' : ''}`,
    );
    return this.#working(`Heat is deleting stack ${stackName}`, {
      status: 'False',
      reason: 'Progressing',
      message: 'The stack is being deleted.',
    });
  }

  async #watch(sight: Sight): Promise<Result> {
    const { id = '', stackName = '', stackStatus = '' } = this.#run.status;
    const { operations } = this.#session;
    const { progressIntervalMs } = this.#run.options;
    const due = this.#run.now - (this.#run.memory.resourcesReadAt ?? 0) >= progressIntervalMs;
    if (
      due &&
      !this.#run.deleting &&
      operations.watches(this.#run.key, id) &&
      operations.ageMs(this.#run.key) >= progressIntervalMs
    ) {
      await this.#view.readResources(false);
    }
    const ageMs = sight.is === 'present' ? sight.stack.operationAgeMs : 0;
    operations.add(this.#run.key, id, ageMs, stackStatus.startsWith('DELETE_'));
    return this.#working(`Stack ${stackName} is ${stackStatus}`, availabilityOf(this.#run.status));
  }

  async #rest(drifted: boolean, sight: Sight): Promise<Result> {
    const { stackName, stackStatus = '' } = this.#run.status;
    const { desired, objects } = this.#wanted();
    if (desired) {
      this.#run.status.appliedDigest = desired.digest;
      this.#run.status.attemptedDigest = desired.digest;
    }
    if (desired && !drifted) {
      // Else what no update puts back would be sent for ever.
      this.#run.status.attempts = 0;
      this.#run.drift = [];
    }
    this.#noteEnd();
    this.#announceSuccess();
    if (drifted) this.#view.inputs.noteDrift();
    const available = availabilityAt(sight, this.#run.status);
    const problem = await objects.bring(this.#view, drifted);
    if (problem?.state === 'retrying') return this.#run.finish(problem, 'backoff', available);
    if (problem) {
      if (readyOf(this.#run.before)?.message !== problem.message)
        this.#run.event('Warning', problem.reason, 'WriteOutputs', problem.message);
      return this.#run.settle(problem, available);
    }
    const message = drifted
      ? `Stack ${stackName} is ${stackStatus}, but ${describeDrift(this.#view.inputs.drift)}; they are put back with the next update`
      : `Stack ${stackName} is ${stackStatus}`;
    const result = await this.#run.settle({ state: 'ready', message }, available);
    const { sharesLooks, isGone, object, status, key } = this.#run;
    const rest = sharesLooks && !isGone ? shownAtRest({ ...object, status }) : undefined;
    if (rest) this.#session.resync.add(key, rest);
    else this.#session.resync.remove(key);
    return result;
  }

  #stall(step: Extract<Step, { to: 'stall' }>, sight: Sight): Promise<Result> {
    const { lastHandledAction: handled } = this.#run.status;
    const isBlocked = step.reason === 'ReplacementBlocked';
    const told = step.failure
      ? failureMessage(this.#run.status, step.reason, step.message)
      : `${step.reason}: ${step.message}${isBlocked ? this.#outdated : ''}`;
    const isAsked = step.reason === 'StackSuspended' && handled !== undefined && wasSuspended(handled);
    const message = isAsked ? `${told}. The annotation ${ANNOTATIONS.action} asked for it` : told;
    const before = readyOf(this.#run.before);
    const isNews =
      before?.reason !== step.reason ||
      (isBlocked && this.#run.before.plan?.id !== this.#run.status.plan?.id);
    if (isBlocked) this.#watchOn(sight);
    // Without a failure it is an update that Heat lost again and again.
    if (step.failure || step.reason === 'UpdateFailed') this.#noteEnd();
    if (step.failure) this.#announceFailure(message);
    else if (isNews && !isAsked) this.#run.event('Warning', step.reason, 'Reconcile', message);
    const isTired = (this.#run.status.attempts ?? 0) > 0 && !(handled && wasCancelled(handled));
    if (step.failure && isTired && !this.#run.wasStalled) {
      this.#run.event(
        'Warning',
        'RetryExhausted',
        'Reconcile',
        `gave up after ${this.#run.status.attempts} more tries; change the object, or set the annotation ${ANNOTATIONS.resetAt}`,
      );
    }
    return this.#run.settle(
      { state: 'stalled', reason: step.reason, message },
      availabilityAt(sight, this.#run.status),
      step.againMs,
    );
  }

  /** Asks Heat for what the annotation asks for. */
  async #act(verb: Verb, sight: Sight): Promise<Ended | { again: Sight }> {
    const { id, stackName } = this.#run.status;
    if (!id || !stackName) throw new TryAgain('the stack has no id');
    // Written before it is sent: an operator that ends in between must not send it twice.
    const former = this.#actions.begin(verb);
    const result = await this.#working(
      `Heat is asked for "${verb}" of stack ${stackName}, as the annotation ${ANNOTATIONS.action} says`,
    );
    try {
      await this.#send(id, (heat, options) => heat[CALLS[verb]]({ id, name: stackName }, options));
    } catch (error) {
      if (this.#run.signal.aborted || !isOpenStackError(error)) throw error;
      const message = toCloudProblem(error, 'Heat does not take it', this.#run.scrubber)?.message ?? '';
      if (isOpenStackError(error, 'BadRequest', 'Forbidden')) {
        this.#actions.refuse(message);
        return { again: sight };
      }
      // Whether it was carried out is for the next look to tell.
      if (!wasNotTaken(error)) return { requeueAfterMs: 1_000 };
      this.#actions.withdraw(former);
      if (!isOpenStackError(error, 'Conflict')) throw error;
      return this.#run.finish({ state: 'working', message }, { requeueAfterMs: 5_000 });
    }
    this.#session.operations.begin(this.#run.key, id);
    this.#actions.begun();
    return result;
  }

  /** Writes to a stack. What was seen of it before is of no use then, whether Heat took it or not. */
  async #send(
    id: string,
    write: (heat: HeatClient, options: { signal: AbortSignal }) => Promise<void>,
  ): Promise<void> {
    const { looks } = this.#session;
    try {
      await write(heatOf(this.#session), { signal: this.#run.signal });
    } finally {
      looks.forget(id);
    }
  }

  #noteBegin(action: Operation, digest?: string): void {
    const { status, now } = this.#run;
    status.history = begun(status.history, { action, digest }, now);
  }

  /** Notes the end of an operation that was over before anybody saw it, within one of Heat's seconds. */
  #noteEnd(): void {
    const { status, now } = this.#run;
    const { stackStatus = '', history } = status;
    if (history && !stackStatus.endsWith('_IN_PROGRESS')) status.history = atRest(history, stackStatus, now);
  }

  #working(message: string, available?: Availability): Promise<Result> {
    // The watch of operations brings the object back; this is for an operation that never ends.
    return this.#run.finish(
      { state: 'working', message },
      { requeueAfterMs: parseDuration(this.#run.spec.timeout) + this.#run.options.graceMs },
      available,
    );
  }

  #wanted(): Goal {
    if (!this.#goal) throw new TryAgain('the inputs are not known while the object is being deleted');
    return this.#goal;
  }

  /** What a write to Heat needs. */
  #need(): { orchestration: HeatClient; desired: Desired } {
    const { desired } = this.#wanted();
    if (!desired) throw new TryAgain('nothing is sent for a stack that is only observed');
    return { orchestration: heatOf(this.#session), desired };
  }

  #attributes(
    { inputs, digest }: Desired,
    ownTags: readonly string[],
    name?: string,
  ): Parameters<HeatClient['updateStack']>[1] {
    const { template, files, environment, parameters, tags, timeoutMins, disableRollback } = inputs;
    return {
      ...(name === undefined ? {} : { name }),
      template,
      files,
      environment: markedEnvironment(environment, digest),
      parameters,
      tags: [...ownTags, digestTag(digest), ...tags],
      timeoutMins,
      disableRollback,
    };
  }

  #announceSuccess(): void {
    if (this.#run.tampered) return; // it isn't known whether this is news
    const { stackName, stackStatus = '', updatedAt, resourceSummary } = this.#run.status;
    const before = this.#run.before;
    if (before.stackStatus === stackStatus && before.updatedAt === updatedAt) return;
    const note = `Stack ${stackName} is ${stackStatus}${resourceSummary ? ` with ${resourceSummary.text} resources` : ''}`;
    const { action } = parseState(stackStatus);
    const isFirst = this.#run.managed && before.appliedDigest === undefined;
    if (isFirst && (before.id === undefined || isAdopted(before)))
      this.#run.event('Normal', 'StackAdopted', 'Adopt', note);
    else if (isFirst) this.#run.event('Normal', 'StackCreated', 'Create', note);
    else if (action === 'UPDATE' && before.id !== undefined)
      this.#run.event('Normal', 'StackUpdated', 'Update', note);
  }

  #announceFailure(message: string): void {
    const { before, status, tampered } = this.#run;
    if (tampered) return;
    const isTheSame = before.stackStatus === status.stackStatus && before.updatedAt === status.updatedAt;
    // A failure that could have been passing was waited for, and isn't told yet.
    if (isTheSame && readyOf(before)?.reason !== 'Progressing') return;
    this.#run.event('Warning', 'StackFailed', 'Reconcile', message);
  }
}

/** Whether a request that failed surely had no effect, so that it can be sent again. */
function wasNotTaken(error: OpenStackError): boolean {
  return (
    error.notSent === true ||
    isOpenStackError(
      error,
      'Conflict',
      'Unauthorized',
      'IdentityChanged',
      'ResourceNotFound',
      'TooManyRequests',
    )
  );
}
