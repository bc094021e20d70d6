import { setImmediate } from 'node:timers/promises';
import { untilAborted } from '../abort.ts';
import { inBackground } from '../background.ts';
import type { Clock } from '../kube/index.ts';
import { createError, isOpenStackError, type Stack, type StackIdentity } from '../openstack/index.ts';
import type { HeatClient } from './heat-client.ts';
import { type Found, foundAs, readStack } from './observe.ts';
import { ReadAhead } from './read-ahead.ts';

/** Settings of {@link StackLooks}. */
export interface StackLooksOptions {
  /** The Heat to ask; read anew for each request, since a renewed catalog may have it or not. */
  orchestration: () => HeatClient | undefined;
  clock: Clock;
}

interface Waiting {
  stack: StackIdentity;
  answer: PromiseWithResolvers<Found>;
}

/** Ids in one request: about 2 KB of its address, which proxies on the way take. */
const BATCH = 50;
/** More than a batch has: a full page would be followed by another request. */
const PAGE = 200;
/**
 * While many look, a look waits for others to join, in ms: as long as a look takes, within these bounds. The slower Heat
 * is, the more go together.
 */
const MIN_GATHER_MS = 50;
const MAX_GATHER_MS = 500;
/** It doesn't when so many are known that will look. */
const ENOUGH = 10;
/** So long after looks had to wait for another one, others are expected, in ms. */
const CROWDED_MS = 5_000;
/** A 500 can be permanent, and can pass. */
const REFUSED_MS = 10 * 60_000;

/**
 * Looks at stacks by their ids, for all objects of a session. One look alone is a GET; those that are asked for while
 * one is under way go out together, as one list of their ids. With them go those that are expected; see {@link ReadAhead}.
 *
 * A row of a list has no outputs, time-out or rollback. A stack whose row is missing is read by a GET, whose 404 alone
 * tells that there is none. Where Heat refuses such a list, or answers with stacks that weren't asked for, each look is
 * a GET from then on, or for a while after an error that may pass.
 */
export class StackLooks {
  readonly #options: StackLooksOptions;
  readonly #abort = new AbortController();
  readonly #ahead: ReadAhead;
  #waiting: Waiting[] = [];
  #loop: Promise<void> | undefined;
  /** Until then others are expected to look, too; in ms. */
  #crowdedUntil = 0;
  /** How long the last request took, in ms. */
  #tookMs = 0;
  /** Until then lists of ids aren't tried, in ms. */
  #noListsUntil = 0;

  constructor(options: StackLooksOptions) {
    this.#options = options;
    this.#ahead = new ReadAhead({ clock: options.clock, signal: this.#abort.signal });
  }

  /** A look at a stack is about to come; see {@link ReadAhead.expect}. */
  expect(id: string, of: string): void {
    if (!this.#abort.signal.aborted) this.#ahead.expect(id, of);
  }

  /** The stack isn't at rest any more, or was written to: nothing that was read before is of use. */
  forget(id: string): void {
    this.#ahead.forget(id);
  }

  /**
   * Looks at a stack, without its outputs.
   *
   * @param of the version of the object that looks, as it was expected
   * @throws OpenStackError what Heat answers; the signal's reason when it is aborted, which ends only this wait
   */
  look({ id, name }: StackIdentity, signal: AbortSignal, of = ''): Promise<Found> {
    const stack = { id, name };
    const ahead = this.#ahead.take(id, of);
    return untilAborted(ahead ? this.#use(ahead.row, stack) : this.#ask(stack), signal);
  }

  async #use(row: Promise<Stack | undefined>, stack: StackIdentity): Promise<Found> {
    const found = await row;
    return found ? foundAs(found) : this.#ask(stack);
  }

  #ask(stack: StackIdentity): Promise<Found> {
    const answer = Promise.withResolvers<Found>();
    this.#waiting.push({ stack, answer });
    this.#loop ??= inBackground(() => this.#run());
    return answer.promise;
  }

  /**
   * How far the deletes of stacks are: those that Heat shows as deleted, some of which still hold their names for a
   * moment. Nothing follows from a stack that is not among them.
   *
   * @throws OpenStackError what Heat answers
   */
  async deleted(ids: readonly string[]): Promise<Map<string, 'gone' | 'ending'>> {
    const deleted = new Map<string, 'gone' | 'ending'>();
    for (let at = 0; at < ids.length; at += BATCH) {
      const some = ids.slice(at, at + BATCH);
      const rows = await this.#list(some, this.#ahead.next(BATCH - some.length));
      for (const row of rows?.values() ?? []) {
        if (foundAs(row).is === 'gone') deleted.set(row.id, 'gone');
        else if (row.status === 'DELETE_COMPLETE') deleted.set(row.id, 'ending');
      }
    }
    return deleted;
  }

  /** Ends all looks; resolves when no request is left. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#ahead.clear();
    await this.#loop;
  }

  async #run(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const { clock } = this.#options;
        // Workers that begin together come here together.
        const isCrowded = clock.now() < this.#crowdedUntil;
        await (isCrowded && this.#ahead.next(ENOUGH).length < ENOUGH ? this.#gather() : setImmediate());
        const batch = this.#waiting.splice(0, BATCH);
        const along = this.#ahead.next(BATCH - batch.length);
        const asked = clock.now();
        await this.#answer(batch, along);
        this.#tookMs = clock.now() - asked;
        if (batch.length + along.length > 1 || this.#waiting.length > 0)
          this.#crowdedUntil = clock.now() + CROWDED_MS;
      }
    } finally {
      // Here, and not once the promise is settled: a look that is asked for in between would never be answered.
      this.#loop = undefined;
    }
  }

  async #gather(): Promise<void> {
    const ms = Math.min(MAX_GATHER_MS, Math.max(MIN_GATHER_MS, this.#tookMs));
    await this.#options.clock.sleep(ms, this.#abort.signal).catch(() => undefined);
  }

  /** Answers looks, and reads other stacks along. */
  async #answer(batch: readonly Waiting[], along: readonly string[]): Promise<void> {
    try {
      const ids = batch.map(({ stack }) => stack.id);
      const rows = ids.length + along.length > 1 ? await this.#list(ids, along) : undefined;
      await Promise.all(batch.map((each) => this.#settle(each, rows?.get(each.stack.id))));
    } catch (error) {
      for (const { answer } of batch) answer.reject(error);
    }
  }

  async #settle({ stack, answer }: Waiting, row: Stack | undefined): Promise<void> {
    try {
      answer.resolve(row ? foundAs(row) : await this.#get(stack));
    } catch (error) {
      answer.reject(error);
    }
  }

  #get(stack: StackIdentity): Promise<Found> {
    return readStack(this.#heat, stack, { resolveOutputs: false, signal: this.#abort.signal });
  }

  /** The rows of stacks, and of those that are read along; `undefined` when this Heat can't list by id. */
  async #list(ids: readonly string[], along: readonly string[]): Promise<Map<string, Stack> | undefined> {
    if (this.#options.clock.now() < this.#noListsUntil) return undefined;
    const rows = this.#rowsOf(new Set([...ids, ...along]));
    this.#ahead.keep(along, rows);
    return rows;
  }

  async #rowsOf(asked: ReadonlySet<string>): Promise<Map<string, Stack> | undefined> {
    const now = this.#options.clock.now();
    const rows = new Map<string, Stack>();
    const { signal } = this.#abort;
    const query = { id: [...asked], showDeleted: true, showHidden: true, limit: PAGE, signal };
    try {
      for await (const row of this.#heat.stacks(query)) {
        if (!asked.has(row.id)) return this.#giveUpLists(Number.POSITIVE_INFINITY);
        rows.set(row.id, row);
      }
    } catch (error) {
      // Of an outage the GETs would tell nothing else, one by one.
      const forMs = refusedForMs(error);
      if (forMs === 0) throw error;
      return this.#giveUpLists(now + forMs);
    }
    return rows;
  }

  #giveUpLists(until: number): undefined {
    this.#noListsUntil = until;
  }

  get #heat(): HeatClient {
    const heat = this.#options.orchestration();
    if (heat) return heat;
    throw createError('IdentityChanged', 'The catalog has no orchestration service any more.');
  }
}

/** How long Heat will not take such a list, in ms; 0 when the error says nothing about that. */
function refusedForMs(error: unknown): number {
  if (isOpenStackError(error, 'BadRequest', 'Forbidden', 'ResourceNotFound')) return Number.POSITIVE_INFINITY;
  const mayPass =
    isOpenStackError(error, 'ResponseTooLarge') ||
    (isOpenStackError(error, 'ServerError') && error.status === 500);
  return mayPass ? REFUSED_MS : 0;
}
