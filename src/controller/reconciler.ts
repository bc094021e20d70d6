import type { Logger } from 'pino';
import { clip } from '../api/clip.ts';
import { type Availability, MAX_MESSAGE_LENGTH, type Outcome, summarise } from '../api/conditions.ts';
import { ANNOTATIONS, CREDENTIALS_KEYS, FIELD_MANAGER, FINALIZER, HEAT_STACKS } from '../api/constants.ts';
import { parseDuration } from '../api/duration.ts';
import type { Condition, HeatStack, HeatStackSpec, HeatStackStatus } from '../api/heat-stack.ts';
import type { NotReadyReason } from '../api/reasons.ts';
import type { Json } from '../json.ts';
import {
  type Clock,
  CONFIG_MAPS,
  type EventRecorder,
  isKubeError,
  type KubeClient,
  type KubeObject,
  NAMESPACES,
  type Result,
  SECRETS,
} from '../kube/index.ts';
import { isOpenStackError, type Orchestration, parseCloudsYaml, type Stack } from '../openstack/index.ts';
import { type Digester, ownerTags } from './digest.ts';
import { tellTheSame, toCloudProblem } from './heat-errors.ts';
import {
  type Desired,
  digestMarker,
  InputError,
  markedEnvironment,
  type ReferenceReader,
  resolveInputs,
} from './inputs.ts';
import { type Found, lookUpStack, readStack, whoHasTheName } from './observe.ts';
import { plan, type Remembered, type Sight, type Step, type Wanted } from './plan.ts';
import { findFailures, placeResources, reportResources } from './resource-tree.ts';
import { Scrubber } from './scrubber.ts';
import type { Session, Sessions } from './sessions.ts';
import { parseState } from './stack-state.ts';
import { cloudFields, fitReport, reportOutputs, stackFields, statusFingerprint } from './stack-status.ts';

/** Settings of a {@link Reconciler}. */
export interface ReconcilerOptions {
  client: KubeClient;
  sessions: Sessions;
  events: Pick<EventRecorder, 'event'>;
  digester: Digester;
  /** Id of the cluster, in the tags of its stacks. */
  clusterID: string;
  /** `uid/resourceVersion` of a Secret, from the metadata watch; `undefined` when it isn't known. */
  secretVersion: (namespace: string, name: string) => string | undefined;
  progressIntervalMs: number;
  /** Time beyond Heat's own timeout before an operation counts as stuck, in ms. */
  graceMs: number;
  clock: Clock;
}

/** What the operator knows of an object besides its status; lost with the process, and never needed. */
interface Memory {
  uid: string;
  /** Fingerprint of the status that was last written or found right: another one was written by somebody else. */
  fingerprint?: string;
  /** Resource versions of our own writes, whose events need no reconcile. */
  ownVersion?: string;
  /** Digest that was wanted, and the version of the credentials, at the last full look. */
  digest?: string;
  secretVersion?: string | undefined;
  /** When to look at a settled stack again, in ms. */
  nextLookAt?: number;
  resourcesReadAt?: number;
  /** The stack as it was last seen, and since when. */
  seen?: { state: string; since: number };
  /** Failed logins in a row. */
  refusals: number;
}

/** A failure that was said in the status, to be tried again with back-off. The message is scrubbed. */
class TryAgain extends Error {
  override readonly name = 'TryAgain';
}

const REFUSALS_UNTIL_STALLED = 5;
const ROUNDS = 4;
const FAILURE_DEPTH = 5;
/** A missing object is noticed by its watch; this is for a watch that lags. */
const MISSING_MS = 60_000;
const QUOTA_MS = 60_000;
/** A failed operation and its rollback have a handful of events of the stack itself. */
const ROLLBACK_EVENTS = 20;

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

  /** Whether this version of an object came to be by the operator's own write. */
  isOwnWrite(key: string, resourceVersion: string): boolean {
    return this.#memories.get(key)?.ownVersion === resourceVersion;
  }

  /** Reconciles the object with the key `namespace/name`. */
  async reconcile(key: string, { signal, logger }: { signal: AbortSignal; logger: Logger }): Promise<Result> {
    const slash = key.indexOf('/');
    const ref = { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
    const object = await this.#options.client.get<HeatStack>(HEAT_STACKS, ref, { signal });
    if (!object || (object.metadata.deletionTimestamp && !object.metadata.finalizers?.includes(FINALIZER))) {
      this.#memories.delete(key);
      this.#options.sessions.release(key);
      return {};
    }
    let memory = this.#memories.get(key);
    if (memory?.uid !== object.metadata.uid) {
      memory = { uid: object.metadata.uid, refusals: 0 };
      this.#memories.set(key, memory);
    }
    const result = await new Run(this.#options, key, object, memory, logger, signal).execute();
    if (result.gone) this.#memories.delete(key);
    return result;
  }
}

/** One reconcile of one object. */
class Run {
  readonly #options: ReconcilerOptions;
  readonly #key: string;
  readonly #logger: Logger;
  readonly #signal: AbortSignal;
  readonly #memory: Memory;
  readonly #namespace: string;
  readonly #name: string;
  readonly #spec: HeatStackSpec;
  readonly #deleting: boolean;
  readonly #now: number;
  /** The status as it was found; without what can't be trusted when somebody else wrote it. */
  readonly #before: HeatStackStatus;
  readonly #tampered: boolean;
  /** The object changed since the last look, or somebody asked for one. */
  readonly #asked: boolean;
  #object: HeatStack;
  /** The status as it will be written. */
  #status: HeatStackStatus;
  /** The digest of the wanted inputs, once they are to be acted on. */
  #digest: string | undefined;
  #scrubber = new Scrubber([]);
  #secrets: Json[] = [];

  constructor(
    options: ReconcilerOptions,
    key: string,
    object: HeatStack,
    memory: Memory,
    logger: Logger,
    signal: AbortSignal,
  ) {
    this.#options = options;
    this.#key = key;
    this.#object = object;
    this.#memory = memory;
    this.#logger = logger;
    this.#signal = signal;
    this.#namespace = object.metadata.namespace ?? '';
    this.#name = object.metadata.name;
    this.#spec = object.spec;
    this.#deleting = object.metadata.deletionTimestamp !== undefined;
    this.#now = options.clock.now();
    const found = object.status;
    this.#tampered =
      memory.fingerprint === undefined
        ? hasForeignStatus(object)
        : memory.fingerprint !== statusFingerprint(found);
    this.#before = this.#tampered ? provable(found) : found;
    this.#status = { ...this.#before };
    this.#asked =
      found.observedGeneration !== object.metadata.generation ||
      (this.#annotation('requestedAt') ?? found.lastHandledReconcileAt) !== found.lastHandledReconcileAt ||
      this.#forced ||
      this.#isNew('resetAt', found.lastHandledResetAt);
  }

  async execute(): Promise<Result & { gone?: boolean }> {
    if (this.#deleting && this.#spec.managedOptions.onDelete === 'detach') return this.#release('detached');
    let desired: Desired | undefined;
    if (!this.#deleting) {
      try {
        desired = await resolveInputs(this.#spec, this.#reader(), this.#options.digester);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        if (this.#spec.suspend) return this.#finish({ state: 'suspended', unchanged: false });
        return this.#inputProblem(error);
      }
      this.#hide(desired.secrets);
      if (this.#spec.suspend) {
        this.#acknowledge();
        return this.#finish({ state: 'suspended', unchanged: desired.digest === this.#before.appliedDigest });
      }
      const settledFor = this.#settledFor(desired.digest);
      if (settledFor !== undefined) return settledFor === 0 ? {} : { requeueAfterMs: settledFor };
      this.#digest = desired.digest;
    }
    try {
      const session = await this.#openSession();
      if (!('connection' in session)) return await this.#finish(session.outcome, session.result);
      return await this.#converge(session, desired);
    } catch (error) {
      if (this.#signal.aborted) throw error;
      return this.#cloudProblem(error);
    }
  }

  // ---------------------------------------------------------------- before Heat is asked

  #annotation(name: keyof typeof ANNOTATIONS): string | undefined {
    return this.#object.metadata.annotations?.[ANNOTATIONS[name]];
  }

  #isNew(name: keyof typeof ANNOTATIONS, handled: string | undefined): boolean {
    const token = this.#annotation(name);
    return token !== undefined && token !== handled;
  }

  get #forced(): boolean {
    return this.#isNew('forceAt', this.#object.status.lastHandledForceAt);
  }

  /** Notes in the status that requests were seen. A forced update is noted when it was sent. */
  #acknowledge(): void {
    const requestedAt = this.#annotation('requestedAt');
    if (requestedAt !== undefined) this.#status.lastHandledReconcileAt = requestedAt;
    const resetAt = this.#annotation('resetAt');
    if (resetAt !== undefined) this.#status.lastHandledResetAt = resetAt;
  }

  #hide(secrets: Json[]): void {
    this.#secrets.push(...secrets);
    this.#scrubber = new Scrubber(this.#secrets);
  }

  #reader(): ReferenceReader {
    return {
      read: async (kind, name) => {
        const type = kind === 'Secret' ? SECRETS : CONFIG_MAPS;
        const ref = { namespace: this.#namespace, name };
        const object = await this.#options.client.get<DataObject>(type, ref, { signal: this.#signal });
        return object && dataOf(object, kind);
      },
    };
  }

  #inputProblem(error: InputError): Promise<Result> {
    this.#acknowledge();
    this.#memory.nextLookAt = 0;
    if (error.reason === 'InvalidConfiguration') {
      const period = this.#lookPeriodMs();
      return this.#finish(
        { state: 'stalled', reason: error.reason, message: error.message },
        period > 0 ? { requeueAfterMs: period } : {},
      );
    }
    return this.#finish(
      { state: 'retrying', reason: error.reason, message: error.message },
      { requeueAfterMs: MISSING_MS },
    );
  }

  /**
   * How long a settled object needs no look at Heat, in ms; 0 for ever, `undefined` when it needs one now. An
   * unchanged object costs no request between two resyncs.
   */
  #settledFor(digest: string): number | undefined {
    const { status } = this.#object;
    if (this.#asked || this.#tampered || !isSettled(status) || (status.id && !this.#hasFinalizer))
      return undefined;
    if (digest !== (this.#memory.digest ?? status.attemptedDigest)) return undefined;
    const version = this.#options.secretVersion(this.#namespace, this.#spec.cloudCredentialsRef.secretName);
    if (this.#memory.digest === undefined) {
      // What stalled before may be well by now.
      if (readyOf(status)?.status !== 'True') return undefined;
      // The first look after a start: the credentials that are there now count as those that were used.
      this.#memory.digest = digest;
      this.#memory.secretVersion = version;
      this.#memory.fingerprint = statusFingerprint(status);
    }
    if (version !== this.#memory.secretVersion) return undefined;
    const period = this.#lookPeriodMs();
    if (period === 0) return 0;
    const lastLook = Date.parse(status.lastSyncTime ?? '');
    this.#memory.nextLookAt ??= Number.isNaN(lastLook) ? 0 : Math.min(lastLook, this.#now) + period;
    return this.#memory.nextLookAt > this.#now ? this.#memory.nextLookAt - this.#now : undefined;
  }

  /** The resync period with 0 to 20 % on top, the same for an object every time; 0 when it is off. */
  #lookPeriodMs(): number {
    const resync = parseDuration(this.#spec.resyncPeriod);
    const period = resync === 0 ? parseDuration(this.#spec.resources.refreshPeriod) : resync;
    return Math.round(period * (1 + 0.2 * spread(this.#object.metadata.uid)));
  }

  get #hasFinalizer(): boolean {
    return this.#object.metadata.finalizers?.includes(FINALIZER) ?? false;
  }

  // ---------------------------------------------------------------- credentials

  async #openSession(): Promise<Session | { outcome: Outcome; result: Result }> {
    const { secretName, cloudName, regionName } = this.#spec.cloudCredentialsRef;
    const ref = { namespace: this.#namespace, name: secretName };
    const secret = await this.#options.client.get<DataObject>(SECRETS, ref, { signal: this.#signal });
    const data = secret && dataOf(secret, 'Secret');
    const cloudsYaml = data?.get(CREDENTIALS_KEYS.cloudsYaml);
    if (!secret || !data || cloudsYaml === undefined) {
      const kept = await this.#keptSession();
      if (kept) return kept;
      return this.#credentialsMissing(
        secret
          ? `Secret "${secretName}" has no key "${CREDENTIALS_KEYS.cloudsYaml}"`
          : `there is no Secret "${secretName}"`,
      );
    }
    const cacert = data.get(CREDENTIALS_KEYS.cacert);
    const cloud = parseCloudsYaml(cloudsYaml, {
      cloudName,
      ...(regionName === undefined ? {} : { regionName }),
      ...(cacert === undefined ? {} : { cacert }),
    });
    this.#hide([cloud.auth.password]);
    const version = `${secret.metadata.uid}/${secret.metadata.resourceVersion}`;
    if (version !== this.#memory.secretVersion) this.#memory.refusals = 0;
    this.#memory.secretVersion = version;
    const session = await this.#options.sessions.acquire(this.#key, secret.metadata.uid, cloud, this.#signal);
    // A catalog without Heat may have it by now.
    if (!session.connection.orchestration && this.#wasWithoutHeat)
      await session.connection.reauthenticate({ signal: this.#signal });
    return session;
  }

  get #wasWithoutHeat(): boolean {
    return readyOf(this.#before)?.reason === 'OrchestrationNotAvailable';
  }

  /**
   * The session of an object whose Secret is gone: none, unless the namespace is being deleted. It then loses its
   * Secrets first, while HeatStacks wait for their stacks, so the session in memory is kept for their deletion.
   */
  async #keptSession(): Promise<Session | undefined> {
    const { client, sessions } = this.#options;
    const ref = { name: this.#namespace };
    const namespace = await client.get<KubeObject>(NAMESPACES, ref, { signal: this.#signal });
    if (!namespace?.metadata.deletionTimestamp) {
      sessions.release(this.#key);
      return undefined;
    }
    return this.#deleting ? sessions.current(this.#key).catch(() => undefined) : undefined;
  }

  #credentialsMissing(what: string): { outcome: Outcome; result: Result } {
    const cure = this.#deleting
      ? '; create it so that the stack can be deleted, or set spec.managedOptions.onDelete to "detach" to let the object go and keep the stack'
      : '; create it, the operator goes on by itself';
    const message = `spec.cloudCredentialsRef: ${what} in this namespace${cure}`;
    return {
      outcome: { state: 'retrying', reason: 'CredentialsNotFound', message },
      result: { requeueAfterMs: MISSING_MS },
    };
  }

  // ---------------------------------------------------------------- look, plan, act

  async #converge(session: Session, desired: Desired | undefined): Promise<Result & { gone?: boolean }> {
    const { orchestration, cloud, regions } = session.connection;
    const elsewhere = this.#cloudChanged(session);
    if (!orchestration && !elsewhere) {
      const where = cloud.region ? ` in region "${cloud.region}"` : '';
      const known = regions.length > 0 ? `; regions that have it: ${regions.join(', ')}` : '';
      const message = `the cloud's catalog has no orchestration service${where}${known}; correct the region, or have Heat added to the catalog`;
      return this.#finish({ state: 'retrying', reason: 'OrchestrationNotAvailable', message }, 'backoff');
    }
    const wanted = this.#wanted(desired?.digest ?? '');
    let sight: Sight | undefined = elsewhere ? { is: 'elsewhere', message: elsewhere } : undefined;
    for (let round = 0; round < ROUNDS; round += 1) {
      if (!sight) {
        if (!orchestration) break;
        sight = await this.#look(session, orchestration, desired);
      }
      const remembered = this.#remembered(desired);
      const step = plan(wanted, remembered, sight);
      this.#status.attempts = remembered.attempts;
      this.#logger.debug({ sight: sight.is, stackStatus: this.#status.stackStatus, step }, 'planned');
      const next = await this.#act(step, session, desired, sight);
      if (!('again' in next)) {
        this.#memory.refusals = 0;
        return next;
      }
      sight = next.again;
    }
    throw new TryAgain('the stack changed again and again while it was looked at');
  }

  #wanted(digest: string): Wanted {
    const { remediation, managedOptions, onExternalDeletion, rollbackOnFailure, timeout } = this.#spec;
    return {
      deleting: this.#deleting,
      onDelete: managedOptions.onDelete,
      onExternalDeletion,
      digest,
      asked: this.#asked,
      force: this.#forced && this.#status.lastHandledForceAt !== this.#annotation('forceAt'),
      rollback: rollbackOnFailure,
      remediation: {
        create: remediation.create,
        update: remediation.update,
        retryIntervalMs: parseDuration(remediation.retryInterval),
      },
      overdueMs: parseDuration(timeout) + this.#options.graceMs,
    };
  }

  #remembered(desired: Desired | undefined): Remembered {
    const { appliedDigest, attemptedDigest, attempts = 0 } = this.#status;
    const reset = this.#isNew('resetAt', this.#object.status.lastHandledResetAt);
    const changed =
      desired !== undefined && attemptedDigest !== undefined && attemptedDigest !== desired.digest;
    return { applied: appliedDigest, attempted: attemptedDigest, attempts: reset || changed ? 0 : attempts };
  }

  #claim(session: Session, stackId: string): Parameters<Digester['ownership']>[0] {
    const { projectID, region = '', endpoint = '' } = session.connection.cloud;
    return { uid: this.#memory.uid, stackId, projectID, region, endpoint };
  }

  /** Whether the status' stack is proven to be in another project, region or endpoint; then a sentence that says so. */
  #cloudChanged(session: Session): string | undefined {
    const { id, ownership, cloud: was } = this.#status;
    if (!id || !was) return undefined;
    const { digester } = this.#options;
    const is = session.connection.cloud;
    if (session.connection.orchestration && digester.owns(this.#claim(session, id), ownership))
      return undefined;
    const { projectID = '', region = '', endpoint = '' } = was;
    if (!digester.owns({ uid: this.#memory.uid, stackId: id, projectID, region, endpoint }, ownership))
      return undefined;
    if (is.projectID === projectID && (is.region ?? '') === region && !session.connection.orchestration)
      return undefined;
    const differences = [
      ['project', `${was.projectName ?? ''} (${projectID})`, `${is.projectName ?? ''} (${is.projectID})`],
      ['region', region, is.region ?? ''],
      ['endpoint', endpoint, is.endpoint ?? 'none'],
    ]
      .filter(([, before, after]) => before !== after)
      .map(([what, before, after]) => `${what} ${after} instead of ${before}`);
    return `the credentials lead to ${differences.join(', ')}, where the stack is not; nothing is written. Point spec.cloudCredentialsRef back to the stack's cloud; to give the stack up, set spec.managedOptions.onDelete to "detach" and delete the object`;
  }

  /** Looks at Heat and notes in the status what is there. */
  async #look(session: Session, orchestration: Orchestration, desired: Desired | undefined): Promise<Sight> {
    const { id, ownership, stackStatus } = this.#status;
    const name = this.#stackName;
    const trusted = id !== undefined && this.#options.digester.owns(this.#claim(session, id), ownership);
    if (!trusted) {
      // An id without a proof steers nothing.
      this.#forgetStack();
      if (!this.#hasFinalizer && !this.#deleting) {
        // Written by this very reconcile, so no create of ours can have come before.
        await this.#addFinalizer();
        return { is: 'absent' };
      }
      const tags = ownerTags(this.#options.clusterID, { namespace: this.#namespace, name: this.#name });
      return this.#note(
        await lookUpStack(orchestration, this.#stackName, { tags, deleting: this.#deleting }, this.#signal),
        session,
        orchestration,
        desired,
      );
    }
    // Heat finds a stack only by its id and its name: 404 for another name would look like a stack that is gone.
    this.#status.stackName = name;
    if (!this.#hasFinalizer && !this.#deleting) await this.#addFinalizer();
    if (
      this.#isWatched(session, id) ||
      (this.#deleting && stackStatus !== undefined && !stackStatus.startsWith('DELETE_'))
    ) {
      // Known to be at work, or to be deleted whatever it does: no need to ask.
      const stack = this.#seen(name, stackStatus ?? '', undefined);
      return { is: 'present', stack: { ...stack, operationAgeMs: session.operations.ageMs(this.#key) } };
    }
    const pending = this.#status.attemptedDigest !== this.#status.appliedDigest;
    const resolveOutputs = !this.#deleting && (pending || this.#asked || this.#tampered);
    const found = await readStack(orchestration, { id, name }, { resolveOutputs, signal: this.#signal });
    return this.#note(found, session, orchestration, desired);
  }

  get #stackName(): string {
    return this.#spec.stackName ?? this.#name;
  }

  /** Whether the shared list still has the stack in progress. */
  #isWatched(session: Session, id: string): boolean {
    return (
      session.operations.watches(this.#key, id) &&
      (this.#status.stackStatus?.endsWith('_IN_PROGRESS') ?? false)
    );
  }

  /** Takes what was found into the status, and reads what else is needed to judge it. */
  async #note(
    found: Found,
    session: Session,
    orchestration: Orchestration,
    desired: Desired | undefined,
  ): Promise<Sight> {
    if (found.is !== 'stack') return found;
    const { stack } = found;
    const before = this.#status.id === stack.id ? this.#before : undefined;
    const moved = before?.stackStatus !== stack.status || before?.updatedAt !== stack.updatedAt;
    this.#setStack(session, stack);
    const state = parseState(stack.status);
    // Of a stack that is deleted, and shown for a moment more, nothing is left to be read, or to be remembered as whole.
    const over = state.status === 'FAILED' || (state.status === 'COMPLETE' && state.action !== 'DELETE');
    if (over && !this.#deleting) {
      if (moved || this.#asked || this.#tampered) await this.#readOutputs(orchestration, found);
      const due = this.#refreshIsDue();
      if (moved || this.#asked || due || (state.status === 'FAILED' && !this.#status.failures)) {
        await this.#readResources(orchestration, state.status === 'FAILED');
      }
    }
    if (state.action === 'ROLLBACK' && state.status === 'COMPLETE' && !this.#deleting) {
      // Heat's own reason says only that the rollback went well, and not why it had to be.
      const cause = moved ? await this.#causeOfRollback(orchestration, stack) : before?.stackStatusReason;
      if (cause !== undefined) this.#status.stackStatusReason = cause;
    }
    const live = over && desired ? await this.#liveDigest(orchestration, stack, before) : undefined;
    if (state.status === 'COMPLETE') this.#noteApplied(live, state.action);
    return { is: 'present', stack: this.#seen(stack.name, stack.status, live) };
  }

  #seen(
    name: string,
    stackStatus: string,
    live: string | undefined,
  ): Extract<Sight, { is: 'present' }>['stack'] {
    const state = `${this.#status.id} ${stackStatus} ${this.#status.updatedAt}`;
    if (this.#memory.seen?.state !== state) this.#memory.seen = { state, since: this.#now };
    const began = Date.parse(this.#status.updatedAt ?? this.#status.createdAt ?? '');
    return {
      name,
      state: parseState(stackStatus),
      stackStatus,
      live,
      operationAgeMs: Number.isNaN(began) ? this.#now - this.#memory.seen.since : this.#now - began,
      seenForMs: this.#now - this.#memory.seen.since,
    };
  }

  #setStack(session: Session, stack: Stack): void {
    const { stackStatusReason: _, updatedAt: __, ...status } = this.#status;
    this.#status = {
      ...status,
      ...stackFields(stack, this.#scrubber),
      cloud: cloudFields(session.connection.cloud),
      ownership: this.#options.digester.ownership(this.#claim(session, stack.id)),
    };
  }

  #forgetStack(): void {
    const {
      observedGeneration,
      conditions,
      lastHandledReconcileAt,
      lastHandledForceAt,
      lastHandledResetAt,
      attempts,
    } = this.#status;
    this.#status = defined({
      observedGeneration,
      conditions,
      lastHandledReconcileAt,
      lastHandledForceAt,
      lastHandledResetAt,
      attempts,
    });
  }

  /**
   * The digest of the inputs that Heat has. The status knows it as long as nobody else touched the stack since;
   * otherwise the marker in the environment tells, which rolls back with the template.
   */
  async #liveDigest(
    orchestration: Orchestration,
    stack: Stack,
    before: HeatStackStatus | undefined,
  ): Promise<string | undefined> {
    const { action, status } = parseState(stack.status);
    const attempted = before?.attemptedDigest;
    const applied = before?.appliedDigest;
    if (status === 'FAILED' && attempted !== undefined) return attempted;
    if (before && attempted !== undefined && before.updatedAt === stack.updatedAt) {
      if (attempted === applied && before.stackStatus === stack.status && !this.#wasDrifted) return applied;
      // Our create, which was seen to begin. An update may have been lost in Heat, so only the marker tells.
      if (action === 'CREATE' && before.stackStatus === 'CREATE_IN_PROGRESS') return attempted;
    }
    return digestMarker(
      await orchestration.stackEnvironment({ id: stack.id, name: stack.name }, { signal: this.#signal }),
    );
  }

  /** Remembers the inputs that a stack is whole with, unless another client brought them back. */
  #noteApplied(live: string | undefined, action: string): void {
    const { appliedDigest, attemptedDigest } = this.#status;
    if (live === undefined) return;
    if (live === attemptedDigest || action === 'ROLLBACK' || appliedDigest === undefined)
      this.#status.appliedDigest = live;
  }

  get #wasDrifted(): boolean {
    return readyOf(this.#before)?.message.includes(DRIFT) ?? false;
  }

  async #readOutputs(orchestration: Orchestration, found: Extract<Found, { is: 'stack' }>): Promise<void> {
    let { outputs } = found.stack;
    let tooLarge = found.outputsTooLarge;
    if (outputs === undefined && !tooLarge) {
      const { id, name } = found.stack;
      const again = await readStack(
        orchestration,
        { id, name },
        { resolveOutputs: true, signal: this.#signal },
      );
      if (again.is === 'stack') {
        outputs = again.stack.outputs;
        tooLarge = again.outputsTooLarge;
      }
    }
    if (tooLarge) {
      this.#event(
        'Warning',
        'OutputsTooLarge',
        'Read',
        'the answer with the outputs is too large to be read; the status shows none',
      );
    }
    delete this.#status.outputs;
    if (outputs && outputs.length > 0)
      this.#status.outputs = reportOutputs(outputs, this.#spec.outputs, this.#scrubber);
  }

  /** What failed first in the operation that Heat rolled back; `undefined` when nothing did, as after a cancel. */
  async #causeOfRollback(orchestration: Orchestration, { id, name }: Stack): Promise<string | undefined> {
    const query = { name, limit: ROLLBACK_EVENTS, signal: this.#signal };
    let cause: string | undefined;
    for await (const event of orchestration.stackEvents({ id, name }, query)) {
      if (event.physicalId !== id) continue; // a resource with the stack's name
      const { action, status } = parseState(event.status);
      if (action === 'ROLLBACK') continue;
      if (status === 'IN_PROGRESS') break;
      if (status === 'FAILED' && event.statusReason) cause = this.#scrubber.clean(event.statusReason);
    }
    return cause;
  }

  #refreshIsDue(): boolean {
    const period = parseDuration(this.#spec.resources.refreshPeriod);
    this.#memory.resourcesReadAt ??= this.#now;
    return period > 0 && this.#now - this.#memory.resourcesReadAt >= period;
  }

  async #readResources(orchestration: Orchestration, failed: boolean): Promise<void> {
    const { id, stackName } = this.#status;
    if (!id || !stackName) return;
    const { nestedDepth, maxItems } = this.#spec.resources;
    const depth = failed ? FAILURE_DEPTH : nestedDepth;
    const resources = await Array.fromAsync(
      orchestration.resources(
        { id, name: stackName },
        { ...(depth > 0 ? { nestedDepth: depth } : {}), signal: this.#signal },
      ),
    );
    const placed = placeResources(resources);
    const report = reportResources(
      placed.filter((place) => place.depth <= nestedDepth),
      maxItems,
      this.#scrubber,
    );
    Object.assign(this.#status, fitReport(report));
    const failures = findFailures(placed, this.#scrubber);
    delete this.#status.failures;
    if (failures.length > 0) this.#status.failures = failures;
    this.#memory.resourcesReadAt = this.#now;
  }

  async #act(
    step: Step,
    session: Session,
    desired: Desired | undefined,
    sight: Sight,
  ): Promise<(Result & { gone?: boolean }) | { again: Sight | undefined }> {
    const { orchestration } = session.connection;
    switch (step.to) {
      case 'create':
        if (!orchestration || !desired) break;
        return this.#create(session, orchestration, desired, sight);
      case 'update':
        if (!orchestration || !desired) break;
        return this.#update(session, orchestration, desired, step.why);
      case 'delete':
        if (!orchestration) break;
        return this.#delete(session, orchestration, step.why);
      case 'release':
        return this.#release(step.why);
      case 'watch':
        return this.#watch(session, orchestration, sight);
      case 'wait':
        return this.#finish(
          { state: 'working', message: step.message },
          { requeueAfterMs: step.ms },
          this.#available(sight),
        );
      case 'retry-later': {
        const message = this.#failureMessage(step.reason);
        this.#announceFailure(message);
        return this.#finish(
          { state: 'retrying', reason: step.reason, message },
          { requeueAfterMs: step.ms },
          this.#available(sight),
        );
      }
      case 'rest':
        return this.#rest(desired, step.drifted, sight);
      case 'stall':
        return this.#stall(step, sight);
    }
    throw new TryAgain('there is no orchestration service to carry the step out');
  }

  async #create(
    session: Session,
    orchestration: Orchestration,
    desired: Desired,
    sight: Sight,
  ): Promise<Result | { again: Sight | undefined }> {
    const name = this.#stackName;
    const tags = ownerTags(this.#options.clusterID, { namespace: this.#namespace, name: this.#name });
    const { attempts } = this.#remembered(desired);
    const neverComplete = this.#status.appliedDigest === undefined;
    if (sight.is === 'gone' && !(neverComplete && attempts > 0)) {
      this.#event(
        'Warning',
        'StackNotFound',
        'Reconcile',
        `somebody deleted stack ${name} (${this.#status.id}) in Heat; it is created anew`,
      );
    }
    if (!this.#hasFinalizer) await this.#addFinalizer();
    this.#forgetStack();
    // A create that is tried again counts on, also when its name was free only after a while.
    this.#status.attempts = neverComplete ? attempts : 0;
    let id: string;
    try {
      ({ id } = await orchestration.createStack(this.#attributes(desired, tags, name), {
        signal: this.#signal,
      }));
    } catch (error) {
      if (isOpenStackError(error, 'BadRequest')) {
        this.#status.attemptedDigest = desired.digest;
        this.#forceDone();
      }
      if (!isOpenStackError(error, 'StackExists')) throw error;
      const found = await whoHasTheName(orchestration, name, { tags, deleting: false }, this.#signal);
      // Not in the list a moment ago, and not now: the name of a deleted stack is about to become free.
      const held: Found = {
        is: 'held',
        message: `Heat calls the name "${name}" taken though no stack has it; it is tried again`,
      };
      return {
        again: await this.#note(found.is === 'absent' ? held : found, session, orchestration, desired),
      };
    }
    this.#status.id = id;
    this.#status.stackName = name;
    this.#status.cloud = cloudFields(session.connection.cloud);
    this.#status.ownership = this.#options.digester.ownership(this.#claim(session, id));
    this.#status.stackStatus = 'CREATE_IN_PROGRESS';
    this.#status.attemptedDigest = desired.digest;
    this.#forceDone();
    session.operations.begin(this.#key, id);
    this.#event('Normal', 'StackCreating', 'Create', `Heat is creating stack ${name} (${id})`);
    return this.#working(`Heat is creating stack ${name}`, {
      status: 'False',
      reason: 'Progressing',
      message: 'The stack is being created.',
    });
  }

  async #update(
    session: Session,
    orchestration: Orchestration,
    desired: Desired,
    why: Extract<Step, { to: 'update' }>['why'],
  ): Promise<Result | { again: Sight | undefined }> {
    const { id, stackName } = this.#status;
    if (!id || !stackName) throw new TryAgain('the stack has no id');
    const tags = ownerTags(this.#options.clusterID, { namespace: this.#namespace, name: this.#name });
    const { attempts } = this.#remembered(desired);
    try {
      await orchestration.updateStack({ id, name: stackName }, this.#attributes(desired, tags), {
        signal: this.#signal,
      });
    } catch (error) {
      // Another action began since the look, as when somebody suspends or deletes the stack.
      if (
        isOpenStackError(error, 'ActionInProgress') ||
        (isOpenStackError(error, 'BadRequest') && error.type === 'NotSupported')
      ) {
        const message =
          toCloudProblem(error, 'Heat does not take the update now', this.#scrubber)?.message ?? '';
        return this.#finish({ state: 'working', message }, { requeueAfterMs: 5_000 });
      }
      // Refused whole: what Heat has is still what was attempted before.
      if (isOpenStackError(error, 'BadRequest')) this.#forceDone();
      throw error;
    }
    this.#status.attemptedDigest = desired.digest;
    this.#status.attempts = why === 'changed' || why === 'forced' ? 0 : attempts + 1;
    delete this.#status.failures;
    this.#forceDone();
    session.operations.begin(this.#key, id);
    const reasons = {
      changed: '',
      forced: ' (asked for)',
      retry: ' (another try)',
      lost: ' (the last one was lost)',
      overdue: ' (the operation was stuck)',
    };
    this.#event('Normal', 'StackUpdating', 'Update', `Heat is updating stack ${stackName}${reasons[why]}`);
    return this.#working(`Heat is updating stack ${stackName}`);
  }

  async #delete(
    session: Session,
    orchestration: Orchestration,
    why: Extract<Step, { to: 'delete' }>['why'],
  ): Promise<Result> {
    const { id, stackName, attempts = 0 } = this.#status;
    if (!id || !stackName) throw new TryAgain('the stack has no id');
    await orchestration.deleteStack({ id, name: stackName }, { signal: this.#signal });
    this.#status.stackStatus = 'DELETE_IN_PROGRESS';
    this.#status.attempts = why === 'deleting' ? 0 : attempts + 1;
    delete this.#status.stackStatusReason;
    session.operations.begin(this.#key, id);
    this.#event(
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

  async #watch(session: Session, orchestration: Orchestration | undefined, sight: Sight): Promise<Result> {
    const { id = '', stackName = '', stackStatus = '' } = this.#status;
    const { operations } = session;
    const { progressIntervalMs } = this.#options;
    const due = this.#now - (this.#memory.resourcesReadAt ?? 0) >= progressIntervalMs;
    if (
      orchestration &&
      due &&
      !this.#deleting &&
      operations.watches(this.#key, id) &&
      operations.ageMs(this.#key) >= progressIntervalMs
    ) {
      await this.#readResources(orchestration, false);
    }
    operations.add(this.#key, id, sight.is === 'present' ? sight.stack.operationAgeMs : 0);
    return this.#working(`Stack ${stackName} is ${stackStatus}`, this.#availableNow());
  }

  #rest(desired: Desired | undefined, drifted: boolean, sight: Sight): Promise<Result> {
    const { stackName, stackStatus = '' } = this.#status;
    if (desired) {
      this.#status.appliedDigest = desired.digest;
      this.#status.attemptedDigest = desired.digest;
    }
    this.#status.attempts = 0;
    this.#announceSuccess();
    if (drifted && !this.#wasDrifted)
      this.#event('Warning', 'DriftDetected', 'Look', `${DRIFT} of stack ${stackName}`);
    const message = drifted
      ? `Stack ${stackName} is ${stackStatus}, but ${DRIFT}; they are put back with the next update`
      : `Stack ${stackName} is ${stackStatus}`;
    return this.#settle({ state: 'ready', message }, sight);
  }

  #stall(step: Extract<Step, { to: 'stall' }>, sight: Sight): Promise<Result> {
    const message = step.failure
      ? this.#failureMessage(step.reason, step.message)
      : `${step.reason}: ${step.message}`;
    const before = readyOf(this.#before);
    if (step.failure) this.#announceFailure(message);
    else if (before?.reason !== step.reason) this.#event('Warning', step.reason, 'Reconcile', message);
    if (step.failure && (this.#status.attempts ?? 0) > 0 && !this.#wasStalled) {
      this.#event(
        'Warning',
        'RetryExhausted',
        'Reconcile',
        `gave up after ${this.#status.attempts} more tries; change the object, or set the annotation ${ANNOTATIONS.resetAt}`,
      );
    }
    return this.#settle({ state: 'stalled', reason: step.reason, message }, sight, step.againMs);
  }

  /** Nothing is left to do: the next look is the resync's. */
  #settle(outcome: Outcome, sight: Sight, againMs?: number): Promise<Result> {
    const requeueAfterMs = againMs ?? this.#lookPeriodMs();
    this.#memory.nextLookAt = requeueAfterMs === 0 ? Number.POSITIVE_INFINITY : this.#now + requeueAfterMs;
    return this.#finish(outcome, requeueAfterMs > 0 ? { requeueAfterMs } : {}, this.#available(sight));
  }

  #working(message: string, available?: Availability): Promise<Result> {
    // The watch of operations brings the object back; this is for an operation that never ends.
    return this.#finish(
      { state: 'working', message },
      { requeueAfterMs: parseDuration(this.#spec.timeout) + this.#options.graceMs },
      available,
    );
  }

  #attributes(
    { inputs, digest }: Desired,
    ownTags: readonly string[],
    name?: string,
  ): Parameters<Orchestration['updateStack']>[1] {
    const { template, files, environment, parameters, tags, timeoutMins, disableRollback } = inputs;
    return {
      ...(name === undefined ? {} : { name }),
      template,
      files,
      environment: markedEnvironment(environment, digest),
      parameters,
      tags: [...ownTags, ...tags],
      timeoutMins,
      disableRollback,
    };
  }

  // ---------------------------------------------------------------- what it means

  #available(sight: Sight): Availability | undefined {
    switch (sight.is) {
      case 'present':
        return this.#availableNow();
      case 'elsewhere':
        return undefined;
      default:
        return NO_STACK;
    }
  }

  #availableNow(): Availability | undefined {
    const { stackStatus = '', stackName } = this.#status;
    const { action, status } = parseState(stackStatus);
    if (status === 'COMPLETE' && action !== 'DELETE') {
      const failed = this.#status.resourceSummary?.failed ?? 0;
      if (failed > 0)
        return {
          status: 'False',
          reason: 'ResourceUnhealthy',
          message: `${failed} resources of stack ${stackName} are not well.`,
        };
      return { status: 'True', reason: 'Succeeded', message: `Stack ${stackName} is ${stackStatus}.` };
    }
    if (status === 'FAILED')
      return { status: 'False', reason: 'StackFailed', message: `Stack ${stackName} is ${stackStatus}.` };
    if (status === 'IN_PROGRESS' && (action === 'CREATE' || action === 'DELETE')) {
      return { status: 'False', reason: 'Progressing', message: `Stack ${stackName} is ${stackStatus}.` };
    }
    return undefined;
  }

  /** Why the stack failed, in one line: the first leaf cause, else Heat's own reason. */
  #failureMessage(reason: NotReadyReason, cure = ''): string {
    const { stackStatus, stackStatusReason, appliedDigest, failures = [] } = this.#status;
    const [first, ...others] = failures;
    const cause = first
      ? `${first.path} (${first.type}): ${first.reason}${others.length > 0 ? ` (and ${others.length} more, see status.failures)` : ''}`
      : (stackStatusReason ?? 'Heat gives no reason');
    const rolledBack = appliedDigest ? 'went back to the inputs before' : 'removed what it had made';
    return `${stackStatus}: ${cause}${reason === 'RollbackComplete' ? `; Heat ${rolledBack}` : ''}${cure ? `; ${cure}` : ''}`;
  }

  #announceSuccess(): void {
    if (this.#tampered) return; // it isn't known whether this is news
    const { stackName, stackStatus = '', updatedAt, resourceSummary } = this.#status;
    const before = this.#before;
    if (before.stackStatus === stackStatus && before.updatedAt === updatedAt) return;
    const note = `Stack ${stackName} is ${stackStatus}${resourceSummary ? ` with ${resourceSummary.text} resources` : ''}`;
    if (before.id === undefined) this.#event('Normal', 'StackAdopted', 'Adopt', note);
    else if (before.appliedDigest === undefined) this.#event('Normal', 'StackCreated', 'Create', note);
    else if (parseState(stackStatus).action === 'UPDATE')
      this.#event('Normal', 'StackUpdated', 'Update', note);
  }

  #announceFailure(message: string): void {
    if (this.#tampered) return;
    if (
      this.#before.stackStatus !== this.#status.stackStatus ||
      this.#before.updatedAt !== this.#status.updatedAt
    ) {
      this.#event('Warning', 'StackFailed', 'Reconcile', message);
    }
  }

  get #wasStalled(): boolean {
    return (
      this.#before.conditions?.some(({ type, status }) => type === 'Stalled' && status === 'True') ?? false
    );
  }

  #cloudProblem(error: unknown): Promise<Result> {
    const doing = isOpenStackError(error, 'ConfigError')
      ? `spec.cloudCredentialsRef: Secret "${this.#spec.cloudCredentialsRef.secretName}"`
      : this.#deleting
        ? 'deleting the stack'
        : 'reconciling the stack';
    const problem = toCloudProblem(error, doing, this.#scrubber);
    if (!problem) throw error;
    const { reason, next } = problem;
    const before = readyOf(this.#before)?.message ?? '';
    const isNews = !tellTheSame(before, clip(problem.message, MAX_MESSAGE_LENGTH));
    // Else every look at a cloud that is out of order would write the status of every object.
    const message = isNews ? problem.message : before;
    const available: Availability | undefined = this.#status.id ? undefined : NO_STACK;
    this.#logger.info({ reason }, problem.message);
    if (next === 'refused') this.#memory.refusals += 1;
    const stalled =
      next === 'final' ||
      (next === 'refused' &&
        (this.#memory.refusals >= REFUSALS_UNTIL_STALLED ||
          (this.#wasStalled && readyOf(this.#before)?.reason === reason)));
    if (stalled) {
      if (isNews || !this.#wasStalled) this.#event('Warning', reason, 'Reconcile', message);
      const period = this.#lookPeriodMs();
      this.#memory.nextLookAt = period === 0 ? Number.POSITIVE_INFINITY : this.#now + period;
      return this.#finish(
        { state: 'stalled', reason, message },
        period > 0 ? { requeueAfterMs: period } : {},
        available,
      );
    }
    const outcome: Outcome = { state: 'retrying', reason, message };
    const waitMs = Math.max(problem.retryAfterMs ?? 0, reason === 'QuotaExceeded' ? QUOTA_MS : 0);
    return this.#finish(outcome, waitMs > 0 ? { requeueAfterMs: waitMs } : 'backoff', available);
  }

  // ---------------------------------------------------------------- writes to Kubernetes

  #forceDone(): void {
    const forceAt = this.#annotation('forceAt');
    if (forceAt !== undefined) this.#status.lastHandledForceAt = forceAt;
  }

  #event(type: 'Normal' | 'Warning', reason: string, action: string, note: string): void {
    this.#logger.info({ event: reason }, note);
    this.#options.events.event(this.#object, { type, reason, action, note });
  }

  async #addFinalizer(): Promise<void> {
    const { uid, resourceVersion, finalizers = [] } = this.#object.metadata;
    await this.#patchFinalizers(uid, resourceVersion, [...finalizers, FINALIZER]);
  }

  async #patchFinalizers(uid: string, resourceVersion: string, finalizers: string[]): Promise<void> {
    const ref = { namespace: this.#namespace, name: this.#name };
    const patch = { metadata: { uid, resourceVersion, finalizers } };
    this.#object = await this.#options.client.mergePatch<HeatStack>(HEAT_STACKS, ref, patch, {
      signal: this.#signal,
    });
    this.#memory.ownVersion = this.#object.metadata.resourceVersion;
  }

  /** Lets the object go. */
  async #release(why: Extract<Step, { to: 'release' }>['why']): Promise<Result & { gone: boolean }> {
    const { uid, resourceVersion, finalizers = [] } = this.#object.metadata;
    const { stackName = this.#stackName, id } = this.#status;
    if (why === 'gone' && id)
      this.#event('Normal', 'StackDeleted', 'Delete', `Stack ${stackName} is deleted`);
    if (why === 'detached' && id)
      this.#event('Normal', 'StackDetached', 'Delete', `Stack ${stackName} (${id}) stays in Heat`);
    try {
      await this.#patchFinalizers(
        uid,
        resourceVersion,
        finalizers.filter((finalizer) => finalizer !== FINALIZER),
      );
    } catch (error) {
      if (!isKubeError(error, 'NotFound')) throw error;
    }
    this.#options.sessions.release(this.#key);
    return { gone: true };
  }

  /** The one way out: computes the conditions, replaces the status if it says something new. */
  async #finish(
    outcome: Outcome,
    result: Result | 'backoff' = {},
    available?: Availability,
  ): Promise<Result> {
    this.#acknowledge();
    const { generation = 0 } = this.#object.metadata;
    this.#status.observedGeneration = generation;
    this.#status.conditions = summarise({
      generation,
      outcome,
      available,
      previous: this.#before.conditions,
      now: this.#now,
    });
    this.#status.lastSyncTime = new Date(this.#now).toISOString().replace(/\.\d+Z$/, 'Z');
    await this.#writeStatus();
    // Not before: what the status doesn't say yet isn't done.
    if (this.#digest !== undefined) this.#memory.digest = this.#digest;
    if (result === 'backoff') throw new TryAgain('message' in outcome ? outcome.message : outcome.state);
    return result;
  }

  async #writeStatus(): Promise<void> {
    const fingerprint = statusFingerprint(this.#status);
    const ref = { namespace: this.#namespace, name: this.#name };
    let current = this.#object;
    for (let round = 0; ; round += 1) {
      if (statusFingerprint(current.status) === fingerprint) break;
      try {
        current = await this.#options.client.replaceStatus<HeatStack>(
          HEAT_STACKS,
          { ...current, status: this.#status },
          { signal: this.#signal },
        );
        this.#memory.ownVersion = current.metadata.resourceVersion;
        break;
      } catch (error) {
        if (isKubeError(error, 'NotFound')) return;
        if (!isKubeError(error, 'Conflict') || round >= ROUNDS) throw error;
        // The status is the operator's alone, so a change of the rest of the object doesn't make it wrong.
        const fresh = await this.#options.client.get<HeatStack>(HEAT_STACKS, ref, { signal: this.#signal });
        if (fresh?.metadata.uid !== this.#memory.uid) return;
        current = fresh;
      }
    }
    // As the API server keeps it: it prunes what the schema doesn't know.
    this.#memory.fingerprint = statusFingerprint(current.status);
  }
}

const NO_STACK: Availability = {
  status: 'False',
  reason: 'StackNotFound',
  message: 'There is no stack of this object.',
};
const DRIFT = 'another client changed the inputs';

interface DataObject extends KubeObject {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
}

function dataOf(object: DataObject, kind: 'ConfigMap' | 'Secret'): Map<string, string> {
  const entries = Object.entries(object.data ?? {});
  return new Map(
    kind === 'Secret'
      ? entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')])
      : entries,
  );
}

/** Whether somebody else wrote to the status after the operator did, as when it was down. */
function hasForeignStatus({ metadata }: HeatStack): boolean {
  const writers = (metadata.managedFields ?? []).filter(({ subresource }) => subresource === 'status');
  const ours = writers.filter(({ manager }) => manager === FIELD_MANAGER).map(({ time = '' }) => time);
  // An older entry only says who else wrote before: it stays when what was healed is a part of it.
  return writers.some(
    ({ manager, time = '' }) => manager !== FIELD_MANAGER && ours.every((own) => own < time),
  );
}

/** What a status that somebody else wrote to may still say: the stack's id, if its proof holds, and what was handled. */
function provable(status: HeatStackStatus): HeatStackStatus {
  const {
    id,
    stackName,
    cloud,
    ownership,
    conditions,
    lastHandledReconcileAt,
    lastHandledForceAt,
    lastHandledResetAt,
  } = status;
  return defined({
    observedGeneration: -1,
    id,
    stackName,
    cloud,
    ownership,
    conditions,
    lastHandledReconcileAt,
    lastHandledForceAt,
    lastHandledResetAt,
  });
}

function defined(status: { [K in keyof HeatStackStatus]: HeatStackStatus[K] | undefined }): HeatStackStatus {
  return Object.fromEntries(
    Object.entries(status).filter(([, value]) => value !== undefined),
  ) as unknown as HeatStackStatus;
}

function readyOf(status: HeatStackStatus): Condition | undefined {
  return status.conditions?.find(({ type }) => type === 'Ready');
}

/** Whether nothing was left to do when the status was written. */
function isSettled({ conditions = [] }: HeatStackStatus): boolean {
  // What was wrong with the inputs may be right by now, without a change of the object.
  return conditions.some(
    ({ type, status, reason }) =>
      (type === 'Ready' || type === 'Stalled') && status === 'True' && reason !== 'InvalidConfiguration',
  );
}

/** A number from 0 to 1 that spreads objects evenly, always the same for one uid. */
function spread(uid: string): number {
  let hash = 0x811c9dc5;
  for (const character of uid) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  return hash / 0xffffffff;
}
