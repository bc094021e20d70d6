import type { Logger } from 'pino';
import { clip } from '../api/clip.ts';
import { type Availability, MAX_MESSAGE_LENGTH } from '../api/conditions.ts';
import { FINALIZER, HEAT_STACKS } from '../api/constants.ts';
import { parseDuration } from '../api/duration.ts';
import type { HeatStack } from '../api/heat-stack.ts';
import type { ReconcileContext, Result } from '../kube/index.ts';
import { isOpenStackError } from '../openstack/index.ts';
import { Actions } from './actions.ts';
import { Actuator, type Goal } from './actuator.ts';
import { type AtRest, shownAtRest, watchAtRest } from './at-rest.ts';
import { isOtherVersion, leaveOldSession, namespaceIsEnding, openSession } from './credentials.ts';
import { cycleOf, DEPENDENCY_MS, unmetDependency, usedBy, waiting } from './dependencies.ts';
import { NO_INPUTS } from './digest.ts';
import { tellTheSame, toCloudProblem } from './heat-errors.ts';
import { ClusterReader } from './input-reader.ts';
import { InputError } from './input-sources.ts';
import { type Desired, resolveInputs } from './inputs.ts';
import { readStack, whose } from './observe.ts';
import { Crowded } from './outages.ts';
import { OutputObjects } from './output-objects.ts';
import { isOnlyObserved, isSettled, readyOf } from './own-status.ts';
import { Ownership } from './ownership.ts';
import { plan, type Review, type Sight, type Wanted } from './plan.ts';
import { BACKGROUND } from './priority.ts';
import {
  type Ended,
  firstLook,
  type Memory,
  MISSING_MS,
  newMemory,
  type ReconcilerOptions,
  Reconciliation,
  restFor,
  TryAgain,
} from './reconciliation.ts';
import type { Session } from './sessions.ts';
import { statusFingerprint } from './stack-status.ts';
import { StackView } from './stack-view.ts';
import { underWay, type Verb } from './verbs.ts';
import { NO_STACK } from './verdict.ts';

const REFUSALS_UNTIL_STALLED = 5;
const ROUNDS = 6;
const QUOTA_MS = 60_000;
/**
 * So long after a create its object can have been torn away: the API server ends a request after a minute, and the watch
 * may lag. Later, whoever took the object out of etcd itself may want the stack to stay.
 */
const TORN_MS = 5 * 60_000;
const LET_GO = ' To let the object go and keep the stack, set spec.managedOptions.onDelete to "detach".';

/**
 * Brings one HeatStack closer to what is wanted: reads the object, looks at Heat if there is a reason to, plans one
 * step, carries it out, and replaces the status once, at the end. Level-based: it may run at any time, twice, or
 * after a crash at any line.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #memories = new Map<string, Memory>();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Whether this version of an object came to be by the operator's own write; see {@link OwnWrites}. */
  isOwnWrite(key: string, resourceVersion: string): boolean {
    return this.#memories.get(key)?.writes.has(resourceVersion) ?? false;
  }

  /** Whether the version (`uid/resourceVersion`) of an object with outputs is one that the operator wrote or found right. */
  isOwnData(key: string, version: string): boolean {
    const known = this.#memories.get(key)?.outputVersions.values();
    return known?.some((each) => each.version === version) ?? false;
  }

  /** Whether the object was reconciled, or resumed, by this process. */
  knows(key: string): boolean {
    return this.#memories.has(key);
  }

  /**
   * Takes an object for known as it is at rest, whose stack is watched with these credentials.
   *
   * @returns what it wants next
   */
  resume(
    key: string,
    uid: string,
    { digest, refreshMs }: Pick<AtRest, 'digest' | 'refreshMs'>,
    login: NonNullable<Memory['login']>,
  ): Result {
    const now = this.#options.clock.now();
    const memory = { ...newMemory(uid), ...firstLook(now), digest, secretVersion: login.version, login };
    this.#memories.set(key, memory);
    return restFor(memory, refreshMs, now);
  }

  /**
   * An object was deleted while it had the operator's finalizer, and nobody had asked for its deletion before: Kubernetes
   * 1.37 decides on a deletion by the object that it read first, however long it takes from then on, so that a finalizer,
   * and all that followed it, can be of no effect. The next reconcile deletes the stack that was made meanwhile.
   */
  torn(key: string, uid: string): void {
    const memory = this.#memories.get(key);
    if (memory?.uid !== uid || !memory.made) return;
    memory.isTorn = this.#options.clock.now() - memory.made.at <= TORN_MS;
  }

  /** Reconciles the object with the key `namespace/name`. */
  async reconcile(
    key: string,
    { signal, logger, note = () => logger }: Omit<ReconcileContext, 'note'> & Partial<ReconcileContext>,
  ): Promise<Result> {
    const slash = key.indexOf('/');
    const ref = { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
    // No object is called so, and in a request it would lead to another place than the object.
    if (ref.name.includes('/')) return {};
    // As after its finalizer was taken out: if there is another one, the watch will tell.
    if (!this.#memories.has(key) && !this.#options.stacks.stack(ref.namespace, ref.name)) return {};
    const object = await this.#options.client.get<HeatStack>(HEAT_STACKS, ref, { signal });
    if (!object) {
      // How it went, the watch will tell.
      if (this.#memories.get(key)?.made && this.#options.stacks.stack(ref.namespace, ref.name)) return {};
      await this.#deleteMade(key, signal, logger);
    }
    // Asked of the object itself: the watch may lag, and another shard work on it already.
    const isMine = object && (this.#options.isMine?.(object.metadata.labels) ?? true);
    if (!isMine || (object.metadata.deletionTimestamp && !object.metadata.finalizers?.includes(FINALIZER))) {
      this.#memories.delete(key);
      this.#options.sessions.release(key);
      return {};
    }
    let memory = this.#memories.get(key);
    if (memory?.uid !== object.metadata.uid) {
      memory = newMemory(object.metadata.uid);
      this.#memories.set(key, memory);
    }
    if (object.spec.managedOptions.onDelete === 'detach') delete memory.made;
    const { id } = object.status;
    const cloud = object.spec.cloudCredentialsRef.cloudName;
    const lines = note(id === undefined ? { cloud } : { cloud, stackID: id });
    const run = new Reconciliation(this.#options, key, object, memory, lines, signal);
    try {
      const result = await (run.deleting ? finalize(run) : bringAbout(run));
      if (result.gone) this.#memories.delete(key);
      return result;
    } finally {
      this.#options.sessions.end(key);
    }
  }

  /** Deletes the stack of an object that was {@link torn} away, with the login that it had. Nobody else knows of it. */
  async #deleteMade(key: string, signal: AbortSignal, logger: Logger): Promise<void> {
    const { isTorn, made } = this.#memories.get(key) ?? {};
    if (!isTorn || !made) return;
    const stack = { id: made.id, name: made.name };
    const session = await this.#options.sessions.current(key);
    const orchestration = session?.connection.orchestration;
    if (!orchestration) {
      logger.warn(stack, 'the object went although it was held; its stack is left behind in Heat');
      return;
    }
    const found = await readStack(orchestration, stack, { resolveOutputs: false, signal });
    // Another HeatStack may have taken it over meanwhile.
    if (found.is !== 'stack' || whose(found.stack, made.ownerTags) !== 'ours') return;
    try {
      await orchestration.deleteStack(stack, { signal });
    } catch (error) {
      if (!isOpenStackError(error, 'ResourceNotFound')) throw error;
    }
    logger.warn(stack, 'the object went although it was held; its stack is deleted');
  }
}

/** Deletes the stack of an object that is being deleted, or lets it go. It needs only id and credentials. */
async function finalize(run: Reconciliation): Promise<Ended> {
  // Neither needs the cloud, which may be out of reach.
  if (!run.managed) return run.release('unmanaged');
  if (run.spec.managedOptions.onDelete === 'detach') return run.release('detached');
  const users = await stillUsedBy(run);
  if (users !== undefined) return run.finish(waiting(users), { requeueAfterMs: DEPENDENCY_MS });
  try {
    // Only for what must not be shown: the reason of a failed delete can quote a hidden parameter.
    const desired = await inputsOf(run);
    run.want(desired);
    run.hide(desired.secrets);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    run.withhold();
  }
  return converge(run, undefined);
}

/**
 * Why a stack can't be deleted yet: others use its outputs. It costs no request unless some do, and stops no delete that
 * has begun. In a namespace that is being deleted all go together.
 */
async function stillUsedBy(run: Reconciliation): Promise<string | undefined> {
  const hasBegun = run.before.stackStatus?.startsWith('DELETE_') ?? false;
  const users = hasBegun ? undefined : usedBy(run);
  return users === undefined || (await namespaceIsEnding(run)) ? undefined : users;
}

/** Brings about the stack that an object asks for. */
async function bringAbout(run: Reconciliation): Promise<Ended> {
  if (!run.managed) return observe(run);
  const objects = new OutputObjects(run);
  if (!run.spec.suspend) await objects.dropUnasked();
  let desired: Desired;
  try {
    const cycle = cycleOf(run);
    if (cycle !== undefined) throw new InputError('InvalidConfiguration', cycle);
    desired = await inputsOf(run);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    if (isAtWork(run) && !run.spec.suspend) {
      // Which values are hidden isn't known.
      run.withhold();
      return converge(run, { objects, unmet: (available) => inputProblem(run, error, available) });
    }
    await leaveOldSession(run);
    // While another HeatStack is worked on, nobody knows whether the inputs change: that it shows when it is Ready.
    if (run.spec.suspend) return run.finish({ state: 'suspended', unchanged: error.waits && !run.asked });
    return inputProblem(run, error);
  }
  run.want(desired);
  run.hide(desired.secrets);
  await objects.look();
  if (run.spec.suspend) {
    await leaveOldSession(run);
    const unchanged = desired.digest === run.before.appliedDigest && objects.right;
    return run.finish({ state: 'suspended', unchanged });
  }
  const rest = restOf(run, desired.digest, objects);
  if (rest && rest !== 'unwatched') return rest;
  const missing = unmetDependency(run);
  const wait = (available?: Availability): Promise<Result> =>
    run.finish(waiting(missing ?? ''), { requeueAfterMs: DEPENDENCY_MS }, available);
  if (missing !== undefined && isNew(run, desired) && !isAtWork(run)) {
    await leaveOldSession(run);
    return wait();
  }
  run.digest = desired.digest;
  return converge(run, { desired, objects, ...(missing === undefined ? {} : { unmet: wait }) }, rest);
}

/** Whether the stack is to be looked at whatever the inputs are: Heat is at work, or an action is asked for. */
function isAtWork({ before, request }: Reconciliation): boolean {
  const { id, stackStatus = '', lastHandledAction } = before;
  if (id === undefined) return false;
  return (
    stackStatus.endsWith('_IN_PROGRESS') || request !== undefined || underWay(lastHandledAction) !== undefined
  );
}

/** Shows the stack of an object that doesn't manage it. */
async function observe(run: Reconciliation): Promise<Ended> {
  await run.letGo();
  run.forgetInputs();
  // There is nothing to send again.
  run.forceDone();
  const objects = new OutputObjects(run);
  if (!run.spec.suspend) await objects.dropUnasked();
  await objects.look();
  if (run.spec.suspend) {
    await leaveOldSession(run);
    return run.finish({ state: 'suspended', unchanged: objects.right });
  }
  const rest = restOf(run, NO_INPUTS, objects);
  if (rest && rest !== 'unwatched') return rest;
  run.digest = NO_INPUTS;
  return converge(run, { objects }, rest);
}

/** Whether a create or an update is to come, as far as can be told without a look at Heat. */
function isNew({ before }: Reconciliation, { digest }: Desired): boolean {
  return before.attemptedDigest === undefined ? before.id === undefined : before.attemptedDigest !== digest;
}

async function inputsOf(run: Reconciliation): Promise<Desired> {
  const { digester } = run.options;
  return resolveInputs(run.spec, new ClusterReader(run), (inputs) => digester.inputs(run.key, inputs));
}

function inputProblem(
  run: Reconciliation,
  { reason, message, waits }: InputError,
  available?: Availability,
): Promise<Result> {
  if (reason === 'InvalidConfiguration') {
    const isNews = readyOf(run.before)?.message !== clip(message, MAX_MESSAGE_LENGTH);
    if (isNews) run.event('Warning', reason, 'Reconcile', message);
    return run.settle({ state: 'stalled', reason, message }, available);
  }
  const requeueAfterMs = waits ? DEPENDENCY_MS : MISSING_MS;
  return run.finish({ state: 'retrying', reason, message }, { requeueAfterMs }, available);
}

/**
 * What a settled object wants next without a look at Heat: an unchanged object costs no request of its own. `unwatched`
 * when only nobody watches its stack yet, as after a start; `undefined` when it needs a look.
 */
function restOf(
  run: Reconciliation,
  digest: string,
  objects: OutputObjects,
): Result | 'unwatched' | undefined {
  const { memory, now } = run;
  const { status } = run.object;
  const needsFinalizer = run.managed && status.id !== undefined && !isOnlyObserved(status);
  if (run.asked || run.request || run.tampered || (needsFinalizer && !run.hasFinalizer)) return undefined;
  if (!isSettled(status) && !objects.refusedAsBefore) return undefined;
  if (digest !== (memory.digest ?? run.newForm(status.attemptedDigest) ?? NO_INPUTS)) return undefined;
  const { sessions } = run.options;
  // Its end was told, or nobody would tell.
  if (status.stackStatus?.endsWith('_IN_PROGRESS') && !sessions.isOperating(run.key, status.id ?? ''))
    return undefined;
  const { secretName } = run.spec.cloudCredentialsRef;
  const version = run.options.objects.versionOf('Secret', run.namespace, secretName);
  const isReady = readyOf(status)?.status === 'True';
  const isFirst = memory.digest === undefined;
  if (isFirst) {
    // What stalled before may be well by now.
    if (!isReady) return undefined;
    // The credentials that are there now count as those that were used.
    Object.assign(memory, firstLook(now), { digest, secretVersion: version });
  }
  memory.fingerprint ??= statusFingerprint(status);
  if (isOtherVersion(run, version)) return undefined;
  if (!objects.right && isReady)
    return objects.restoreInMs > 0 ? { requeueAfterMs: objects.restoreInMs } : undefined;
  const isWatched = !isReady || !run.sharesLooks || sessions.watches(run.key, status.id ?? '');
  if (isFirst && !isWatched) return 'unwatched';
  if (isFirst && run.sharesLooks) return run.rest(run.refreshMs);
  if (isFirst) {
    // Whoever looks by itself goes on in its turn.
    const lastLook = Date.parse(status.lastSyncTime ?? '') || 0;
    memory.nextLookAt = run.lookMs === 0 ? Number.POSITIVE_INFINITY : Math.min(lastLook, now) + run.lookMs;
  }
  const { nextLookAt = 0 } = memory;
  if (!isWatched || nextLookAt <= now) return undefined;
  return nextLookAt === Number.POSITIVE_INFINITY
    ? {}
    : { requeueAfterMs: nextLookAt - now, priority: BACKGROUND };
}

/** Looks at Heat, plans one step and carries it out; what goes wrong becomes the status. */
async function converge(
  run: Reconciliation,
  goal: Goal | undefined,
  rest?: 'unwatched' | undefined,
): Promise<Ended> {
  try {
    const session = await openSession(run);
    if (!('connection' in session)) return await run.finish(session.outcome, session.result);
    if (rest && isWatchedBy(run, session)) return run.rest(run.refreshMs);
    return await takeStep(run, session, goal);
  } catch (error) {
    // Unless that is told, what led here is still to be done.
    run.memory.nextLookAt = 0;
    if (run.signal.aborted) throw error;
    if (error instanceof Crowded) {
      // The first look is still to come.
      if (rest) delete run.memory.digest;
      return { requeueAfterMs: error.retryAfterMs, priority: BACKGROUND };
    }
    return cloudProblem(run, error);
  }
}

/** Has the session watch the stack of an object at rest; false when the object is to look at it. */
function isWatchedBy(run: Reconciliation, session: Session): boolean {
  const rest = shownAtRest(run.object);
  const { digester } = run.options;
  return (
    rest !== undefined && watchAtRest(session, run.key, rest, { uid: run.memory.uid, digester, now: run.now })
  );
}

async function takeStep(run: Reconciliation, session: Session, goal: Goal | undefined): Promise<Ended> {
  const { orchestration, cloud, token } = session.connection;
  // A service's error can quote the request.
  run.hide([token]);
  // What was found for a spec.import that isn't there any more is of no concern.
  if (!run.spec.import && isOnlyObserved(run.status)) run.forgetStack();
  const ownership = new Ownership(run.options.digester, run.memory.uid);
  const elsewhere = ownership.elsewhere(session.connection, run.status, !run.tampered);
  if (!orchestration && !elsewhere) {
    const { regions } = session.connection;
    const where = cloud.region ? ` in region "${cloud.region}"` : '';
    const known = regions.length > 0 ? `; regions that have it: ${regions.slice(0, 10).join(', ')}` : '';
    const message = `the cloud's catalog has no orchestration service${where}${known}; correct the region, or have Heat added to the catalog`;
    return run.finish({ state: 'retrying', reason: 'OrchestrationNotAvailable', message }, 'backoff');
  }
  const view = new StackView(run, session, ownership);
  const actions = new Actions(run);
  const actuator = new Actuator(run, session, view, ownership, actions, goal);
  let review: Review | undefined;
  let sight: Sight = elsewhere ? { is: 'elsewhere', message: elsewhere } : await view.look();
  for (let round = 0; round < ROUNDS; round += 1) {
    const early = run.deleting ? undefined : actions.settle(sight);
    const remembered = run.remembered(goal?.desired?.digest);
    const step = early ?? plan(wantedBy(run, view, actions.wanted), remembered, sight, review);
    run.status.attempts = remembered.attempts;
    run.logger.debug({ sight: sight.is, stackStatus: run.status.stackStatus, step }, 'planned');
    const next = await actuator.act(step, sight);
    if (!('again' in next)) {
      run.memory.refusals = 0;
      return next;
    }
    sight = next.again;
    review = next.review;
  }
  throw new TryAgain('the stack changed again and again while it was looked at');
}

function wantedBy(
  run: Reconciliation,
  { imports, takesOwnership }: StackView,
  verb: Verb | undefined,
): Wanted {
  const { spec } = run;
  const { remediation, managedOptions, onExternalDeletion, rollbackOnFailure, timeout } = spec;
  return {
    deleting: run.deleting,
    managed: run.managed,
    imports,
    takeOwnership: takesOwnership,
    driftMode: spec.driftDetection.mode,
    updatePolicy: spec.updatePolicy,
    approval: spec.approval,
    protects: (spec.protect ?? []).length > 0,
    verb,
    onDelete: managedOptions.onDelete,
    onExternalDeletion,
    digest: run.digest ?? '',
    asked: run.asked,
    createMayComeMs: run.createMayComeMs,
    force: run.forced,
    rollback: rollbackOnFailure,
    remediation: {
      create: remediation.create,
      update: remediation.update,
      retryIntervalMs: parseDuration(remediation.retryInterval),
    },
    overdueMs: parseDuration(timeout) + run.options.graceMs,
  };
}

function cloudProblem(run: Reconciliation, error: unknown): Promise<Result> {
  const { memory, wasStalled } = run;
  const doing = isOpenStackError(error, 'ConfigError', 'EndpointRefused')
    ? `spec.cloudCredentialsRef: Secret "${run.spec.cloudCredentialsRef.secretName}"`
    : run.deleting
      ? 'deleting the stack'
      : 'reconciling the stack';
  // The session stays with the Heat that it was made for; the next one is judged anew.
  if (isOpenStackError(error, 'IdentityChanged')) run.options.sessions.evict(run.key);
  const problem = toCloudProblem(error, doing, run.scrubber);
  if (!problem) throw error;
  const { reason, next } = problem;
  const told = run.deleting && next === 'final' ? `${problem.message}${LET_GO}` : problem.message;
  const before = readyOf(run.before);
  const isNews = !tellTheSame(before?.message ?? '', clip(told, MAX_MESSAGE_LENGTH));
  // Else every look at a cloud that is out of order would write the status of every object.
  const message = isNews ? told : (before?.message ?? '');
  const available: Availability | undefined = run.status.id ? undefined : NO_STACK;
  run.logger.info({ reason }, told);
  if (next === 'refused') memory.refusals += 1;
  const isRefused =
    next === 'refused' &&
    (memory.refusals >= REFUSALS_UNTIL_STALLED || (wasStalled && before?.reason === reason));
  if (next === 'final' || isRefused) {
    if (isNews || !wasStalled) run.event('Warning', reason, 'Reconcile', message);
    return run.settle({ state: 'stalled', reason, message }, available);
  }
  const restMs = reason === 'TransientError' ? run.options.sessions.awaitCloud(run.key) : 0;
  // No failure of this object's: it is told when the cloud is back, and asks nothing of it until then.
  if (isOpenStackError(error, 'CircuitOpen')) {
    return run.finish({ state: 'retrying', reason, message }, { requeueAfterMs: restMs }, available);
  }
  const waitMs = Math.max(problem.retryAfterMs ?? 0, reason === 'QuotaExceeded' ? QUOTA_MS : 0);
  return run.finish(
    { state: 'retrying', reason, message },
    waitMs > 0 ? { requeueAfterMs: waitMs } : 'backoff',
    available,
  );
}
