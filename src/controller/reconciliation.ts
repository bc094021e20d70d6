import type { Logger } from 'pino';
import { type Availability, type Outcome, summarise } from '../api/conditions.ts';
import { type ANNOTATIONS, FINALIZER, HEAT_STACKS } from '../api/constants.ts';
import { parseDuration } from '../api/duration.ts';
import type { HeatStack, HeatStackSpec, HeatStackStatus, HistoryEntry } from '../api/heat-stack.ts';
import { timestamp } from '../api/timestamp.ts';
import type { Json } from '../json.ts';
import {
  type Clock,
  type EventRecorder,
  isAbsent,
  isKubeError,
  type KubeClient,
  type KubeObject,
  type LabelSelector,
  type Result,
} from '../kube/index.ts';
import { annotationOf, approves, isAsked, isNew, requestOf } from './asked.ts';
import type { WatchedStacks } from './dependencies.ts';
import { type Digester, FORMER_DIGEST, isKnownDigest, ownerTags } from './digest.ts';
import { ended, endedSince, type History } from './history.ts';
import type { Desired } from './inputs.ts';
import type { KnownClouds } from './known-clouds.ts';
import {
  hasForeignStatus,
  isAdopted,
  isTrue,
  provable,
  readyOf,
  withoutInputs,
  withoutStack,
} from './own-status.ts';
import { OwnWrites } from './own-writes.ts';
import { spreadPeriod } from './period.ts';
import type { Remembered, Step } from './plan.ts';
import { BACKGROUND } from './priority.ts';
import { isSeen, sourcesOf } from './references.ts';
import { Scrubber } from './scrubber.ts';
import type { Sessions } from './sessions.ts';
import { statusFingerprint } from './stack-status.ts';
import type { Request } from './verbs.ts';
import type { WatchedObjects } from './written-objects.ts';

/** Settings of a {@link Reconciler}. */
export interface ReconcilerOptions {
  client: KubeClient;
  sessions: Sessions;
  /** The clouds of Secrets that were read before; without it each reconcile reads its own. */
  clouds?: KnownClouds;
  events: Pick<EventRecorder, 'event'>;
  digester: Digester;
  /** Id of the cluster, in the tags of its stacks. */
  clusterID: string;
  /** What the metadata watches know. */
  objects: WatchedObjects;
  /** What the watch of HeatStacks knows. */
  stacks: WatchedStacks;
  /** Which HeatStacks to work on, by their labels; missing: all. */
  isMine?: LabelSelector | undefined;
  /** Whether outputs may be written to Secrets and ConfigMaps. */
  outputObjects: boolean;
  progressIntervalMs: number;
  /** Time beyond Heat's own timeout before an operation counts as stuck, in ms. */
  graceMs: number;
  clock: Clock;
  /** Told of each operation on a stack whose end was seen, and written down. */
  onOperation?: ((operation: HistoryEntry) => void) | undefined;
  /** Called with the key of an object whose change {@link Reconciler.isOwnWrite} took for an own write, which it wasn't. */
  onOthers?: (key: string) => void;
}

/** What the operator knows of an object besides its status; lost with the process, and never needed. */
export interface Memory {
  uid: string;
  /** Fingerprint of the status that was last written or found right: another one was written by somebody else. */
  fingerprint?: string;
  /** Our own writes, whose events need no reconcile. */
  writes: OwnWrites;
  /** Digest that was wanted, and the version of the credentials, at the last full look. */
  digest?: string;
  secretVersion?: string | undefined;
  /** The Secret that the last login was made with: its name, its version, and what names the credentials in it. */
  login?: { secretName: string; version: string; credentials: string };
  /** When a settled object is to look at its stack, in ms; besides what a shared list tells. */
  nextLookAt?: number;
  resourcesReadAt?: number;
  /** When the action that is under way was sent, in ms. */
  actionSentAt?: number;
  /** The stack that was made for the object, and when, in ms; if it is to be deleted with it. */
  made?: { id: string; name: string; at: number; ownerTags: readonly string[] };
  /** The object was deleted at once although the operator held it; see {@link Reconciler.torn}. */
  isTorn?: boolean;
  /** The update that was sent last, if the stack was at rest before, and its tags told of other inputs. */
  sent?: { stackId: string; digest: string };
  /** When the inputs that Heat has were last compared with the wanted ones, in ms. */
  comparedAt?: number;
  /** Since when another stack holds the name, in ms. */
  heldSince?: number;
  /** The stack as it was last seen, and since when. */
  seen?: { state: string; since: number };
  /** Failed logins in a row. */
  refusals: number;
  /** Versions (`uid/resourceVersion`) of the objects with the outputs that hold what has this digest. */
  outputVersions: Map<string, { version: string; digest: string }>;
  /** Uids of objects that were deleted because nobody asks for them; the cache may still show them. */
  outputsDropped: Set<string>;
  /** The outputs couldn't be written and won't be by themselves; and what a look at the objects had said of that. */
  outputsRefused?: { found: string | undefined };
  /** When an object was last put right that somebody else had changed, in ms. */
  outputsRestoredAt?: number;
}

/** What is known of an object that was never heard of before. */
export function newMemory(uid: string): Memory {
  return { uid, writes: new OwnWrites(), refusals: 0, outputVersions: new Map(), outputsDropped: new Set() };
}

/** What is remembered of an object that needed no look when the operator started: the periods begin then. */
export function firstLook(now: number): Pick<Memory, 'resourcesReadAt' | 'comparedAt'> {
  return { resourcesReadAt: now, comparedAt: now };
}

/** What an object without anything to do wants: a look of its own after so many ms; 0 is none. */
export function restFor(memory: Memory, ms: number, now: number): Result {
  memory.nextLookAt = ms === 0 ? Number.POSITIVE_INFINITY : now + ms;
  return ms === 0 ? {} : { requeueAfterMs: ms, priority: BACKGROUND };
}

/** A failure that was said in the status, to be tried again with back-off. The message is scrubbed. */
export class TryAgain extends Error {
  override readonly name = 'TryAgain';
}

/** How a reconcile ended. */
export type Ended = Result & {
  /** The object needs the operator no more. */
  gone?: boolean;
};

/** A missing object is noticed by its watch; this is for a watch that lags. */
export const MISSING_MS = 60_000;
/** A create answers within this time or never: the client waits 120 s, and Heat's own limit is shorter. */
const CREATE_MS = 150_000;
/** Reasons of Ready that tell how Heat answered a create. */
const ANSWERED = new Set<string>([
  'ValidationFailed',
  'QuotaExceeded',
  'Forbidden',
  'NameConflict',
  'StackNotFound',
]);
const WRITE_ROUNDS = 4;

/**
 * One reconcile of one object: the object, the status as it will be written, and the way out. It knows Kubernetes, and
 * nothing of Heat.
 */
export class Reconciliation {
  readonly options: ReconcilerOptions;
  readonly key: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly memory: Memory;
  readonly namespace: string;
  readonly name: string;
  readonly spec: HeatStackSpec;
  readonly deleting: boolean;
  readonly now: number;
  /** The status as it was found; without what can't be trusted when somebody else wrote it. */
  before: HeatStackStatus;
  readonly tampered: boolean;
  /** The object changed since the last look, or somebody asked for one. */
  readonly asked: boolean;
  object: HeatStack;
  /** The status as it will be written. */
  status: HeatStackStatus;
  /** What another client changed in the stack's inputs; `undefined` when that wasn't looked at. */
  drift: readonly string[] | undefined;
  /** The digest of the wanted inputs, once they are to be acted on. */
  digest: string | undefined;
  scrubber = new Scrubber([]);
  #secrets: Json[] = [];
  #wanted: (Pick<Desired, 'inputs' | 'digest'> & { former?: string }) | undefined;
  #withhold = false;
  #isGone = false;
  #told: History | undefined;
  /** Of a status that the API server has: it is asked for several times. */
  #stored: { status: HeatStackStatus; fingerprint: string } | undefined;

  constructor(
    options: ReconcilerOptions,
    key: string,
    object: HeatStack,
    memory: Memory,
    logger: Logger,
    signal: AbortSignal,
  ) {
    this.options = options;
    this.key = key;
    this.object = object;
    this.memory = memory;
    this.logger = logger;
    this.signal = signal;
    this.namespace = object.metadata.namespace ?? '';
    this.name = object.metadata.name;
    this.spec = object.spec;
    this.deleting = object.metadata.deletionTimestamp !== undefined;
    this.now = options.clock.now();
    const found = object.status;
    this.tampered =
      memory.fingerprint === undefined
        ? hasForeignStatus(object)
        : memory.fingerprint !== this.#fingerprintOf(found);
    this.before = this.tampered ? provable(found) : found;
    this.status = { ...this.before };
    this.asked = isAsked(object);
  }

  /** What the annotation `heatstack.dev/action` asks for; `undefined` once it was handled. */
  get request(): Request | undefined {
    return requestOf(this.object, this.status.lastHandledAction);
  }

  /** The value of one of the annotations that ask for something. */
  annotation(name: keyof typeof ANNOTATIONS): string | undefined {
    return annotationOf(this.object, name);
  }

  /** Whether an annotation asks for something that wasn't handled yet. */
  isNew(name: keyof typeof ANNOTATIONS, handled: string | undefined): boolean {
    return isNew(this.object, name, handled);
  }

  /** Somebody asked for an update with the same inputs, and it wasn't sent yet. */
  get forced(): boolean {
    return this.isNew('forceAt', this.object.status.lastHandledForceAt);
  }

  /** Whether the status could not be written, since there is no such object any more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Notes in the status that requests were seen. A forced update is noted when it was sent. */
  acknowledge(): void {
    const requestedAt = this.annotation('requestedAt');
    if (requestedAt !== undefined) this.status.lastHandledReconcileAt = requestedAt;
    const resetAt = this.annotation('resetAt');
    if (resetAt !== undefined) this.status.lastHandledResetAt = resetAt;
  }

  /** Notes in the status that the update that was asked for was sent. */
  forceDone(): void {
    const forceAt = this.annotation('forceAt');
    if (forceAt !== undefined) this.status.lastHandledForceAt = forceAt;
  }

  /** Takes the wanted inputs, and makes digests of the form that was used before comparable with theirs. */
  want({ inputs, digest }: Pick<Desired, 'inputs' | 'digest'>): void {
    this.#wanted = { inputs, digest };
    this.before = this.#withNewForm(this.before);
    this.status = this.#withNewForm(this.status);
  }

  /** The wanted inputs; `undefined` while they aren't known. */
  get wantedInputs(): Desired['inputs'] | undefined {
    return this.#wanted?.inputs;
  }

  /** The digest of the wanted inputs; `undefined` while they aren't known. */
  get wantedDigest(): string | undefined {
    return this.#wanted?.digest;
  }

  /**
   * A digest, in the newest form if it is that of the wanted inputs: an upgrade of the operator isn't a change. One of a
   * form that this version doesn't know, as after a downgrade, says nothing.
   */
  newForm(digest: string | undefined): string | undefined {
    if (!isKnownDigest(digest)) return undefined;
    if (!digest.startsWith(FORMER_DIGEST) || !this.#wanted) return digest;
    this.#wanted.former ??= this.options.digester.formerInputs(this.#wanted.inputs);
    return digest === this.#wanted.former ? this.#wanted.digest : digest;
  }

  #withNewForm({ appliedDigest, attemptedDigest, ...status }: HeatStackStatus): HeatStackStatus {
    const forms = {
      appliedDigest: this.newForm(appliedDigest),
      attemptedDigest: this.newForm(attemptedDigest),
    };
    return {
      ...status,
      ...(forms.appliedDigest === undefined ? {} : { appliedDigest: forms.appliedDigest }),
      ...(forms.attemptedDigest === undefined ? {} : { attemptedDigest: forms.attemptedDigest }),
    };
  }

  /** Keeps values out of every text from now on. */
  hide(secrets: Json[]): void {
    this.#secrets.push(...secrets);
    this.scrubber = new Scrubber(this.#secrets, this.#withhold);
  }

  /** Shows no text from Heat any more: it isn't known which values are hidden. */
  withhold(): void {
    this.#withhold = true;
    this.hide([]);
  }

  /** The stack's name in Heat. */
  get stackName(): string {
    return this.spec.stackName ?? this.name;
  }

  /** The tags of the object's stack; see {@link ownerTags}. */
  get ownerTags(): [string, string] {
    return ownerTags(this.options.clusterID, { namespace: this.namespace, name: this.name });
  }

  /** Whether the operator may write to the stack. */
  get managed(): boolean {
    return this.spec.managementPolicy === 'managed';
  }

  /** Whether the object waits for its stack when it is deleted. */
  get hasFinalizer(): boolean {
    return this.object.metadata.finalizers?.includes(FINALIZER) ?? false;
  }

  /** How often the shared list is to be compared with a stack at rest, in ms; 0 is never. */
  get resyncMs(): number {
    return spreadPeriod(parseDuration(this.spec.resyncPeriod), this.object.metadata.uid);
  }

  /** How often an object at rest looks at its own stack in full, in ms; 0 is never. */
  get refreshMs(): number {
    return spreadPeriod(parseDuration(this.spec.resources.refreshPeriod), this.object.metadata.uid);
  }

  /**
   * Whether a list that it shares with others tells when the stack is to be looked at. Not for an object that reads what the
   * operator doesn't watch: that it must read by itself.
   */
  get sharesLooks(): boolean {
    const sources = sourcesOf(this.spec, this.namespace);
    return this.resyncMs > 0 && sources.every((source) => isSeen(this.options.objects, source));
  }

  /** How often an object at rest does something by itself, in ms; 0 is never. */
  get restMs(): number {
    return this.sharesLooks ? this.refreshMs : this.lookMs;
  }

  /** How often an object looks at its stack that no shared list watches, in ms; 0 is never. */
  get lookMs(): number {
    const periods = [this.resyncMs, this.refreshMs].filter((ms) => ms > 0);
    return periods.length === 0 ? 0 : Math.min(...periods);
  }

  /**
   * How long a create may still come true whose answer was lost, in ms. The finalizer is written right before the create;
   * without an id, only a status that tells of Heat's answer to it, or that nobody approved it, proves that no stack will come.
   */
  get createMayComeMs(): number {
    const deletedAt = Date.parse(this.object.metadata.deletionTimestamp ?? '');
    const ready = readyOf(this.before);
    const isHeld = ready?.reason === 'ApprovalRequired' && !approves(this.object, this.before.plan?.id);
    const unanswered = this.before.id === undefined && !isHeld && !ANSWERED.has(ready?.reason ?? '');
    return unanswered ? Math.max(0, deletedAt + CREATE_MS - this.now) : 0;
  }

  /** Whether nothing was to happen any more when the status was written. */
  get wasStalled(): boolean {
    return isTrue(this.before, 'Stalled');
  }

  /** Says in a Kubernetes Event and in the log what happened. */
  event(type: 'Normal' | 'Warning', reason: string, action: string, note: string): void {
    this.logger.info({ event: reason }, note);
    this.options.events.event(this.object, { type, reason, action, note });
  }

  /** Has the object wait for its stack when it is deleted, unless the stack isn't the operator's to delete. */
  async hold(): Promise<void> {
    if (!this.managed || this.deleting || this.hasFinalizer) return;
    const { uid, resourceVersion, finalizers = [] } = this.object.metadata;
    await this.#patchFinalizers(uid, resourceVersion, [...finalizers, FINALIZER]);
  }

  /** The one way out: computes the conditions, replaces the status if it says something new. */
  async finish(outcome: Outcome, result: Result | 'backoff' = {}, available?: Availability): Promise<Result> {
    this.acknowledge();
    const { generation = 0 } = this.object.metadata;
    // Whose inputs are those of nobody here can't drift.
    const drift = !this.managed || this.spec.driftDetection.mode === 'disabled' ? null : this.drift;
    this.#noteDrift(drift);
    this.status.observedGeneration = generation;
    this.status.conditions = summarise({
      generation,
      outcome,
      available,
      drift,
      previous: this.before.conditions,
      now: this.now,
    });
    this.status.lastSyncTime = timestamp(this.now);
    if (outcome.state !== 'ready') this.options.sessions.unwatch(this.key);
    await this.#writeStatus();
    this.#tellEnded(this.status.history);
    // Not before: what the status doesn't say yet isn't done.
    if (this.digest !== undefined) this.memory.digest = this.digest;
    if (result === 'backoff') throw new TryAgain('message' in outcome ? outcome.message : outcome.state);
    return result;
  }

  #noteDrift(drift: readonly string[] | null | undefined): void {
    if (drift === undefined) return;
    delete this.status.drift;
    if (!drift?.length) return;
    const { detectedAt = timestamp(this.now) } = this.before.drift ?? {};
    this.status.drift = { detectedAt, fields: [...drift] };
  }

  /** Ends with nothing left to do: the next look is a period away, or comes after `againMs`. */
  settle(outcome: Outcome, available?: Availability, againMs?: number): Promise<Result> {
    return this.finish(
      outcome,
      this.rest(againMs ?? (outcome.state === 'ready' ? this.restMs : this.lookMs)),
      available,
    );
  }

  /** What an object without anything to do wants; see {@link restFor}. */
  rest(ms: number): Result {
    return restFor(this.memory, ms, this.now);
  }

  /** What the status remembers of the inputs that were sent. */
  remembered(digest: string | undefined): Remembered {
    const { appliedDigest, attemptedDigest, attempts = 0 } = this.status;
    const reset = this.isNew('resetAt', this.object.status.lastHandledResetAt);
    const changed =
      digest !== undefined &&
      attemptedDigest !== undefined &&
      attemptedDigest !== digest &&
      // The count tells that this delete, which may have ended by now, is the operator's own, to create the stack again.
      !this.before.stackStatus?.startsWith('DELETE_');
    return {
      // What an adopted stack was whole with isn't known; but it was, and it holds what others rely on.
      applied: appliedDigest ?? (isAdopted(this.status) ? '' : undefined),
      attempted: attemptedDigest,
      attempts: reset || changed ? 0 : attempts,
    };
  }

  /** Takes everything about inputs out of the status: for a stack that is only observed. */
  forgetInputs(): void {
    this.before = withoutInputs(this.before);
    this.status = withoutInputs(this.status);
  }

  /** Takes everything about a stack out of the status. */
  forgetStack(): void {
    this.status = withoutStack(this.status);
  }

  /** Lets the object go. */
  async release(why: Extract<Step, { to: 'release' }>['why']): Promise<Result & { gone: boolean }> {
    const { stackName = this.stackName, id } = this.status;
    if (why === 'gone' && id) this.event('Normal', 'StackDeleted', 'Delete', `Stack ${stackName} is deleted`);
    if (why === 'detached' && id)
      this.event('Normal', 'StackDetached', 'Delete', `Stack ${stackName} (${id}) stays in Heat`);
    await this.letGo();
    // With the object goes its history, so the end of the last operation stands nowhere.
    if (why === 'gone' && this.before.history?.[0]?.action === 'Delete')
      this.#tellEnded(ended(this.before.history, { result: 'DELETE_COMPLETE' }, this.now));
    this.options.sessions.release(this.key);
    return { gone: true };
  }

  /** Tells of each operation that is over now, once. */
  #tellEnded(history: History | undefined): void {
    for (const entry of endedSince(this.#told ?? this.before.history, history))
      this.options.onOperation?.(entry);
    this.#told = history;
  }

  /** Has the object wait for its stack no more when it is deleted. */
  async letGo(): Promise<void> {
    if (!this.hasFinalizer) return;
    const { uid, resourceVersion, finalizers = [] } = this.object.metadata;
    const others = finalizers.filter((finalizer) => finalizer !== FINALIZER);
    try {
      await this.#patchFinalizers(uid, resourceVersion, others);
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }

  async #patchFinalizers(uid: string, resourceVersion: string, finalizers: string[]): Promise<void> {
    const ref = { namespace: this.namespace, name: this.name };
    const patch = { metadata: { uid, resourceVersion, finalizers } };
    const options = { metadataOnly: true, signal: this.signal } as const;
    const { metadata } = await this.#write(() =>
      this.options.client.mergePatch(HEAT_STACKS, ref, patch, options),
    );
    // Of the version that was read, so that the rest is as it was.
    this.object = { ...this.object, metadata };
  }

  #write<T extends KubeObject>(send: () => Promise<T>): Promise<T> {
    return this.memory.writes.carryOut(send, () => this.options.onOthers?.(this.key));
  }

  /** The fingerprint of a status as the API server has it. */
  #fingerprintOf(status: HeatStackStatus): string {
    if (this.#stored?.status !== status) this.#stored = { status, fingerprint: statusFingerprint(status) };
    return this.#stored.fingerprint;
  }

  async #writeStatus(): Promise<void> {
    const fingerprint = statusFingerprint(this.status);
    const ref = { namespace: this.namespace, name: this.name };
    let current = this.object;
    for (let round = 0; ; round += 1) {
      if (this.#fingerprintOf(current.status) === fingerprint) break;
      try {
        const changed = { ...current, status: this.status };
        const send = () =>
          this.options.client.replaceStatus<HeatStack>(HEAT_STACKS, changed, { signal: this.signal });
        // After a conflict it is a newer object that is written to, and its change is still to be seen.
        if (round > 0) current = await send();
        else this.object = current = await this.#write(send);
        break;
      } catch (error) {
        if (isAbsent(error)) {
          this.#isGone = true;
          return;
        }
        if (!isKubeError(error, 'Conflict') || round >= WRITE_ROUNDS) throw error;
        // The status is the operator's alone, so a change of the rest of the object doesn't make it wrong.
        const fresh = await this.options.client.get<HeatStack>(HEAT_STACKS, ref, { signal: this.signal });
        if (fresh?.metadata.uid !== this.memory.uid) {
          this.#isGone = fresh === undefined;
          return;
        }
        current = fresh;
      }
    }
    // As the API server keeps it: it prunes what the schema doesn't know.
    this.memory.fingerprint = this.#fingerprintOf(current.status);
  }
}
