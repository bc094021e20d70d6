import { parseDuration } from '../api/duration.ts';
import type { HeatStackStatus, HistoryEntry } from '../api/heat-stack.ts';
import {
  createError,
  isOpenStackError,
  type Output,
  type Resource,
  type Stack,
  type StackIdentity,
} from '../openstack/index.ts';
import { findImport } from './find-import.ts';
import type { HeatClient } from './heat-client.ts';
import { ended, type History, seen } from './history.ts';
import { isAttemptKnown, mayQuoteOthers, noteOperation } from './known-inputs.ts';
import { type Live, LiveDigest } from './live-digest.ts';
import { type Found, findOwn, lookUpStack, lookVersion, namesAnother, readStack, whose } from './observe.ts';
import type { OutputSource } from './output-objects.ts';
import { isAdopted, isTrue, readyOf } from './own-status.ts';
import type { Ownership } from './ownership.ts';
import type { SeenStack, Sight } from './plan.ts';
import { type Reconciliation, TryAgain } from './reconciliation.ts';
import { findFailures, HIDDEN_ID, isHeatsOwnId, placeResources, reportResources } from './resource-tree.ts';
import { Scrubber } from './scrubber.ts';
import type { Session } from './sessions.ts';
import { parseState } from './stack-state.ts';
import { cloudFields, fitReport, keepKeys, reportOutputs, stackFields } from './stack-status.ts';
import { causeOf } from './verdict.ts';

const FAILURE_DEPTH = 5;
/** A failed operation and its rollback have a handful of events of the stack itself. */
const ROLLBACK_EVENTS = 20;
const WITHHOLDING = new Scrubber([], true);

/**
 * The session's Heat.
 *
 * @throws TryAgain when the catalog, which may be renewed at any time, has it no more
 */
export function heatOf({ connection }: Session): HeatClient {
  if (!connection.orchestration) throw new TryAgain('the catalog has no orchestration service any more');
  return connection.orchestration;
}

/** Looks at Heat for one reconcile: what is seen goes into the status, what it means into a {@link Sight}. */
export class StackView implements OutputSource {
  readonly #run: Reconciliation;
  readonly #session: Session;
  readonly #ownership: Ownership;
  /** Which inputs Heat has. */
  readonly inputs: LiveDigest;
  #found: Extract<Found, { is: 'stack' }> | undefined;
  /** Those of the stack as it was found; `list` is missing when it is too large. */
  #outputs: { list: readonly Output[] | undefined } | undefined;
  /** Another HeatStack took the stack since the last look. */
  #isTaken = false;

  constructor(run: Reconciliation, session: Session, ownership: Ownership) {
    this.#run = run;
    this.#session = session;
    this.#ownership = ownership;
    this.inputs = new LiveDigest(run, {
      heat: () => heatOf(session),
      inFull: (stack) => this.#inFull(stack),
    });
  }

  /** Looks at Heat and notes in the status what is there. */
  async look(): Promise<Sight> {
    const run = this.#run;
    const { id, stackStatus, stackName: name = run.stackName } = run.status;
    if (!id || !this.#ownership.knows(this.#session.connection, run.status)) {
      // An id without a proof steers nothing.
      this.forget();
      return this.#find();
    }
    const isOwn = this.#isOwn;
    run.status.stackName = name;
    if (isOwn) await run.hold();
    if (this.#isWatched(id)) {
      // Known to be at work: no need to ask. A delete isn't sent unasked, for another HeatStack may have it by now.
      const seen = this.#seen(name, stackStatus ?? '', undefined, isOwn ? 'ours' : 'nobody');
      const operationAgeMs = this.#session.operations.ageMs(run.key);
      return { is: 'present', stack: { ...seen, operationAgeMs } };
    }
    const found = await this.#read({ id, name });
    // A renewed catalog may have led the request to another Heat, whose 404 says nothing about the stack.
    if (!this.#ownership.knows(this.#session.connection, run.status)) {
      throw createError('IdentityChanged', 'The cloud changed while the stack was looked at.');
    }
    // One that wasn't adopted yet is no loss: another one may fit by now.
    if (found.is === 'gone' && run.managed && !isOwn) {
      this.forget();
      return this.#find();
    }
    return this.note(found);
  }

  /** Reads the stack that the status names, with its outputs when they are wanted as well. */
  async #read(stack: StackIdentity): Promise<Found> {
    const { key, status, deleting, signal, object } = this.#run;
    const { looks } = this.#session;
    // Gone for good, so that there is nothing to ask.
    if (this.#session.operations.isGone(key, stack.id)) return { is: 'gone' };
    const pending = status.attemptedDigest !== status.appliedDigest;
    if (deleting || !(pending || this.#readsAll)) return looks.look(stack, signal, lookVersion(object));
    looks.forget(stack.id);
    return readStack(heatOf(this.#session), stack, { resolveOutputs: true, signal });
  }

  /**
   * Whether outputs and resources are read of a stack that didn't move: somebody wants to see it. Not before an update,
   * after whose end they are read anyway.
   */
  get #readsAll(): boolean {
    const { asked, tampered, before, digest, spec } = this.#run;
    const { attemptedDigest: attempted } = before;
    const isUnguarded = spec.approval === 'automatic' && !spec.protect?.length;
    const sends = isUnguarded && digest !== undefined && attempted !== undefined && attempted !== digest;
    return tampered || (asked && !sends);
  }

  /** Looks for the stack of an object that knows of none. */
  async #find(): Promise<Sight> {
    const run = this.#run;
    const heat = heatOf(this.#session);
    const { signal } = run;
    const owner = { tags: run.ownerTags, deleting: run.deleting };
    if (!run.managed || this.imports) {
      // What the object adopted has its tags now, and maybe nothing more of what spec.import looks for.
      const own: Found = run.managed ? await findOwn(heat, owner, signal) : { is: 'absent' };
      const { import: source, stackName } = run.spec;
      if (own.is !== 'absent' || !source || run.deleting) return this.note(own);
      return this.note(await findImport(heat, source, stackName, signal));
    }
    if (!run.hasFinalizer && !run.deleting) {
      // Written by this very reconcile, so no create of ours can have come before.
      await run.hold();
      return { is: 'absent' };
    }
    const named = await lookUpStack(heat, run.stackName, owner, signal);
    // An adopted stack may have another name, and only a status that was lost doesn't know it. One that was written since,
    // as while there were no credentials, tells no more, until it tells of a create.
    const isLost = run.before.id !== undefined || run.before.attemptedDigest === undefined;
    if (named.is === 'stack' || !isLost) return this.note(named);
    const own = await findOwn(heat, owner, signal);
    return this.note(own.is === 'stack' ? own : named);
  }

  /** Whether the stack that the status names is the object's own. */
  get #isOwn(): boolean {
    return this.#ownership.proves(this.#session.connection, this.#run.status);
  }

  /** Whether a stack of somebody else's is to be taken: none of the object's own is there, or was. */
  get imports(): boolean {
    return this.#run.spec.import !== undefined && !this.#isOwn && !this.#isMadeAnew;
  }

  /**
   * Whether a stack may be taken from another HeatStack. Not back from one that took it, unless somebody asks for it: two
   * objects that both may would take it from each other for ever.
   */
  get takesOwnership(): boolean {
    const { asked, before, spec, wasStalled } = this.#run;
    const wasTaken = wasStalled && readyOf(before)?.reason === 'NameConflict' && !asked;
    return spec.import?.takeOwnership === true && !this.#isTaken && !wasTaken;
  }

  /** Whether the stack that was imported became the object's own and is gone, so that another one is made. */
  get #isMadeAnew(): boolean {
    const { status } = this.#run;
    return !status.id && this.#ownership.proves(this.#session.connection, { ...status, id: '' });
  }

  /**
   * Takes the stack out of the status. Of one that was imported and became the object's own a proof without an id stays:
   * else the object would wait for what spec.import names instead of making the stack anew.
   */
  forget(): void {
    const run = this.#run;
    const wasImported = run.spec.import !== undefined && (this.#isOwn || this.#isMadeAnew);
    run.forgetStack();
    if (wasImported) run.status.ownership = this.#ownership.proof(this.#session.connection, '');
  }

  /** Whether the shared list still has the stack in progress. */
  #isWatched(id: string): boolean {
    return (
      this.#session.operations.watches(this.#run.key, id) &&
      (this.#run.status.stackStatus?.endsWith('_IN_PROGRESS') ?? false)
    );
  }

  /** Whether this look saw the stack at rest, and without this tag. */
  isAtRestWithout(tag: string): boolean {
    const { stack } = this.#found ?? {};
    return stack !== undefined && !stack.status.endsWith('_IN_PROGRESS') && !stack.tags.includes(tag);
  }

  /** Takes what was found into the status, and reads what else is needed to judge it. */
  async note(found: Found): Promise<Sight> {
    const { memory, now } = this.#run;
    if (found.is === 'held') {
      memory.heldSince ??= now;
      return { ...found, heldForMs: now - memory.heldSince };
    }
    // A name that nobody seems to have may still be held: only a create tells.
    if (found.is !== 'absent') delete memory.heldSince;
    if (found.is === 'gone') {
      delete this.#run.status.stackStatus;
      this.#noteHistory((history) => {
        const result = history[0]?.action === 'Delete' ? 'DELETE_COMPLETE' : 'Superseded';
        return ended(history, { result }, now);
      });
    }
    if (found.is !== 'stack') return found;
    try {
      return await this.#noteStack(found);
    } catch (error) {
      // What could not be read is to be read at the next look: the stack must count as moved until then.
      this.#restoreState();
      throw error;
    }
  }

  /** Notes what was seen of the operations that the status tells of. */
  #noteHistory(after: (history: History) => HistoryEntry[]): void {
    const { history } = this.#run.status;
    if (history !== undefined) this.#run.status.history = after(history);
  }

  #restoreState(): void {
    const { status, before } = this.#run;
    delete status.stackStatus;
    delete status.updatedAt;
    if (before.id !== status.id) return;
    if (before.stackStatus !== undefined) status.stackStatus = before.stackStatus;
    if (before.updatedAt !== undefined) status.updatedAt = before.updatedAt;
  }

  async #noteStack(found: Extract<Found, { is: 'stack' }>): Promise<Sight> {
    const { stack } = found;
    this.#found = found;
    this.#outputs = undefined;
    const before = this.#run.status.id === stack.id ? this.#run.before : undefined;
    const moved = before?.stackStatus !== stack.status || before?.updatedAt !== stack.updatedAt;
    const state = parseState(stack.status);
    const owner = this.#whose(stack);
    // Of a stack that is deleted, and shown for a moment more, nothing is left to be read, or to be remembered as whole.
    const over = state.status === 'FAILED' || (state.status === 'COMPLETE' && state.action !== 'DELETE');
    const { digest, wantedDigest } = this.#run;
    // Only the inputs of the object's own stack can be the wanted ones.
    const compares = over && this.#run.managed && owner === 'ours' && digest !== undefined;
    const {
      digest: live,
      isTold,
      isLate = false,
    } = compares ? await this.inputs.of(stack, before) : ({} as Live);
    // Of a failure with inputs that the status knows, Heat isn't asked which they were.
    const isWanted = isTold === true && live === digest;
    const isForeign = moved && this.#isForeignUpdate(stack, before);
    if (isForeign) this.#run.status.attempts = 0;
    // Somebody else brought the wanted inputs about, or others, of which Heat may hide some.
    const isNews = live !== undefined && live === digest && before?.attemptedDigest !== digest;
    const hidesOthers = !isWanted && (isForeign || isNews);
    noteOperation(this.#run.status, before, stack, { digest: wantedDigest, isWanted, hidesOthers });
    const scrubber = this.#scrubberAt(stack.updatedAt ?? stack.createdAt);
    this.#setStack(stack, scrubber, owner);
    if (owner === 'ours') await this.#run.hold();
    // What was said of the inputs before stays as it was shown, when their secrets were known.
    const keeps = scrubber === WITHHOLDING && !moved && !this.#run.tampered;
    if (keeps && before?.stackStatusReason) this.#run.status.stackStatusReason = before.stackStatusReason;
    const failed = state.status === 'FAILED';
    const fresh = moved || this.#readsAll;
    if (over && !this.#run.deleting && fresh) await this.#readOutputs(this.#found);
    // While deleting, only what stands in the way is of interest.
    const wanted = this.#run.deleting ? failed : over;
    if (
      wanted &&
      !(keeps && failed) &&
      (fresh || this.#refreshIsDue() || (failed && !this.#run.status.failures))
    ) {
      await this.readResources(failed);
    }
    let cause = failed ? causeOf(this.#run.status) : undefined;
    if (state.action === 'ROLLBACK' && state.status === 'COMPLETE' && !this.#run.deleting) {
      // Heat's own reason says only that the rollback went well, and not why it had to be.
      cause = moved ? await this.#causeOfRollback(stack) : before?.stackStatusReason;
      if (cause !== undefined) this.#run.status.stackStatusReason = cause;
    }
    if (state.status === 'COMPLETE') this.#noteApplied(live, state.action);
    if (moved) this.#noteHistory((history) => seen(history, this.#run.status, cause, this.#run.now));
    return { is: 'present', stack: { ...this.#seen(stack.name, stack.status, live, owner), isLate } };
  }

  #seen(name: string, stackStatus: string, live: string | undefined, owner: SeenStack['whose']): SeenStack {
    const state = `${this.#run.status.id} ${stackStatus} ${this.#run.status.updatedAt}`;
    if (this.#run.memory.seen?.state !== state) this.#run.memory.seen = { state, since: this.#run.now };
    const began = Date.parse(this.#run.status.updatedAt ?? this.#run.status.createdAt ?? '');
    return {
      name,
      whose: owner,
      state: parseState(stackStatus),
      stackStatus,
      live,
      isLate: false,
      operationAgeMs: Number.isNaN(began)
        ? this.#run.now - this.#run.memory.seen.since
        : this.#run.now - began,
      seenForMs: this.#run.now - this.#run.memory.seen.since,
    };
  }

  /** For what Heat said at a time, or of an operation that began then. */
  #scrubberAt(time: string | undefined): Scrubber {
    const { status, wantedDigest, scrubber } = this.#run;
    return mayQuoteOthers(status, wantedDigest, time) ? WITHHOLDING : scrubber;
  }

  /** For what Heat says of the stack as it is. */
  get #scrubber(): Scrubber {
    const { updatedAt, createdAt } = this.#run.status;
    return this.#scrubberAt(updatedAt ?? createdAt);
  }

  /**
   * The proof says whose the stack is, even when somebody else erased its tags. Only an object that doesn't manage it has
   * given it up once it carries those of another HeatStack.
   */
  #whose(stack: Stack): SeenStack['whose'] {
    const byTags = whose(stack, this.#run.ownerTags);
    const isOwn = this.#run.status.id === stack.id && this.#isOwn;
    if (isOwn && namesAnother(stack, this.#run.ownerTags)) this.#isTaken = true;
    if (!isOwn || this.#isTaken) return byTags;
    return this.#run.managed || byTags !== 'other' ? 'ours' : byTags;
  }

  #setStack(stack: Stack, scrubber: Scrubber, owner: SeenStack['whose']): void {
    const isKnown = this.#run.status.id === stack.id && this.#isOwn;
    const own = isKnown && isAdopted(this.#run.status) ? 'adopted' : 'own';
    const tie = owner === 'ours' ? own : 'observed';
    const { stackStatusReason: _, updatedAt: __, ...status } = this.#run.status;
    this.#run.status = {
      ...status,
      ...stackFields(stack, scrubber),
      cloud: cloudFields(this.#session.connection.cloud),
      ownership: this.#ownership.proof(this.#session.connection, stack.id, tie),
    };
  }

  /** The stack with what the row of a list doesn't have; `undefined` when it is gone. */
  async #inFull(stack: Stack): Promise<Stack | undefined> {
    if (stack.disableRollback !== undefined) return stack;
    // With outputs, which are read anyway after such a look.
    const options = { resolveOutputs: true, signal: this.#run.signal };
    const found = await readStack(heatOf(this.#session), { id: stack.id, name: stack.name }, options);
    if (found.is !== 'stack') return undefined;
    this.#found = found;
    return found.stack;
  }

  /** Whether Heat carries out, or ended, an update that this operator didn't send. */
  #isForeignUpdate(stack: Stack, before: HeatStackStatus | undefined): boolean {
    const { digest, forced } = this.#run;
    return (
      /^(UPDATE|ROLLBACK)_/.test(stack.status) &&
      digest !== undefined &&
      !forced &&
      before?.appliedDigest === digest &&
      before.attemptedDigest === digest &&
      isTrue(before, 'Ready')
    );
  }

  /** Remembers the inputs that a stack is whole with, unless another client brought them back. */
  #noteApplied(live: string | undefined, action: string): void {
    const { appliedDigest, attemptedDigest } = this.#run.status;
    if (live === undefined) return;
    if (live === attemptedDigest || action === 'ROLLBACK' || appliedDigest === undefined)
      this.#run.status.appliedDigest = live;
  }

  get outputsRead(): boolean {
    return this.#outputs !== undefined;
  }

  async outputs(): Promise<readonly Output[] | undefined> {
    if (!this.#outputs && this.#found) await this.#readOutputs(this.#found);
    // What is written elsewhere must be of the state that the plan was made for.
    if (!this.#outputs) throw new TryAgain('the stack moved while its outputs were read');
    return this.#outputs.list;
  }

  async #readOutputs(found: Extract<Found, { is: 'stack' }>): Promise<void> {
    let { outputs } = found.stack;
    let tooLarge = found.outputsTooLarge;
    let moved = false;
    if (outputs === undefined && !tooLarge) {
      const { id, name } = found.stack;
      const again = await readStack(
        heatOf(this.#session),
        { id, name },
        { resolveOutputs: true, signal: this.#run.signal },
      );
      if (again.is === 'stack') {
        outputs = again.stack.outputs;
        tooLarge = again.outputsTooLarge;
        moved = again.stack.status !== found.stack.status || again.stack.updatedAt !== found.stack.updatedAt;
      } else {
        moved = true;
      }
    }
    if (!moved) this.#outputs = { list: tooLarge ? undefined : (outputs ?? []) };
    if (tooLarge) {
      this.#run.event(
        'Warning',
        'OutputsTooLarge',
        'Read',
        'the answer with the outputs is too large to be read; the status shows none',
      );
    }
    delete this.#run.status.outputs;
    if (!outputs) return;
    const { before, spec, status } = this.#run;
    const report = reportOutputs(outputs, spec.outputs, this.#scrubber);
    // What was written stays where it is until it is written anew.
    const isWritten = status.outputsDigest !== undefined && spec.outputs?.secretName !== undefined;
    if (report.length > 0) status.outputs = isWritten ? keepKeys(report, before.outputs) : report;
  }

  /** What failed first in the operation that Heat rolled back; `undefined` when nothing did, as after a cancel. */
  async #causeOfRollback({ id, name }: Stack): Promise<string | undefined> {
    const query = { name, limit: ROLLBACK_EVENTS, maxItems: ROLLBACK_EVENTS, signal: this.#run.signal };
    const { status, wantedDigest } = this.#run;
    const scrubber = isAttemptKnown(status, wantedDigest) ? this.#run.scrubber : WITHHOLDING;
    let cause: string | undefined;
    for await (const event of heatOf(this.#session).events({ id, name }, query)) {
      if (event.physicalId !== id) continue; // a resource with the stack's name
      const state = parseState(event.status);
      if (state.action === 'ROLLBACK') continue;
      if (state.status === 'IN_PROGRESS') break;
      if (state.status === 'FAILED' && event.statusReason) cause = scrubber.clean(event.statusReason);
    }
    return cause;
  }

  #refreshIsDue(): boolean {
    const period = parseDuration(this.#run.spec.resources.refreshPeriod);
    this.#run.memory.resourcesReadAt ??= this.#run.now;
    return period > 0 && this.#run.now - this.#run.memory.resourcesReadAt >= period;
  }

  async readResources(failed: boolean): Promise<void> {
    const { id, stackName } = this.#run.status;
    if (!id || !stackName) return;
    const { nestedDepth, maxItems } = this.#run.spec.resources;
    const depth = failed ? FAILURE_DEPTH : nestedDepth;
    const resources = await this.#listResources({ id, name: stackName }, depth);
    this.#run.memory.resourcesReadAt = this.#run.now;
    delete this.#run.status.failures;
    if (resources === undefined) {
      delete this.#run.status.resources;
      delete this.#run.status.resourceSummary;
      this.#run.status.resourcesTruncated = true;
      return;
    }
    const { scrubber } = this.#run;
    const placed = placeResources(resources.map((resource) => this.#withoutOthers(resource)));
    // The failures first: they are what must not be withheld when there is too much to look at.
    const failures = findFailures(placed, scrubber);
    const report = reportResources(
      placed.filter((place) => place.depth <= nestedDepth),
      maxItems,
      scrubber,
    );
    Object.assign(this.#run.status, fitReport(report, Buffer.byteLength(JSON.stringify(this.#run.spec))));
    if (failures.length > 0) this.#run.status.failures = failures;
  }

  /** The resources down to a depth; `undefined` when there are too many to be read, which is told. */
  async #listResources(stack: StackIdentity, depth: number): Promise<Resource[] | undefined> {
    const query = { ...(depth > 0 ? { nestedDepth: depth } : {}), signal: this.#run.signal };
    try {
      return await Array.fromAsync(heatOf(this.#session).resources(stack, query));
    } catch (error) {
      if (!isOpenStackError(error, 'ResponseTooLarge')) throw error;
      this.#run.event(
        'Warning',
        'ResourcesTooLarge',
        'Read',
        'the list of resources is too large to be read; the status shows none',
      );
      return undefined;
    }
  }

  /** A resource without what may quote other inputs than the wanted ones. */
  #withoutOthers(resource: Resource): Resource {
    if (this.#scrubberAt(resource.updatedAt) !== WITHHOLDING) return resource;
    const { physicalId, statusReason } = resource;
    return {
      ...resource,
      ...(physicalId && !isHeatsOwnId(resource) ? { physicalId: HIDDEN_ID } : {}),
      ...(statusReason ? { statusReason: WITHHOLDING.clean(statusReason) } : {}),
    };
  }
}
