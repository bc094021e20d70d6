import type { Logger } from 'pino';
import { inBackground } from '../background.ts';
import { type Clock, KeyedHeap } from '../kube/index.ts';
import { isOpenStackError, type Stack, type StackQuery } from '../openstack/index.ts';
import { isTaggedOtherwise } from './digest.ts';
import type { HeatClient } from './heat-client.ts';
import { codeOf } from './heat-errors.ts';
import { whose } from './observe.ts';

/** A stack at rest, as the status of its object shows it. */
export interface Resting {
  stackId: string;
  stackName: string | undefined;
  stackStatus: string;
  updatedAt: string | undefined;
  /** Which tags it must have: the object's own two, or none of another HeatStack, or it doesn't matter. */
  tags: 'own' | 'not-others' | 'any';
  /** Digest of the inputs that Heat has; empty when there are none of the object's. */
  digest: string;
  /** How often to look at it, in ms. */
  periodMs: number;
}

interface Member extends Resting {
  readonly key: string;
  /** When to look at it next, in ms. */
  dueAt: number;
}

/** Settings of a {@link ResyncWatch}. */
export interface ResyncWatchOptions {
  /** The Heat to ask; read anew each time, since a renewed catalog may have it or not. */
  orchestration: () => HeatClient | undefined;
  /** The tags of an object's stack. */
  tagsOf: (key: string) => readonly string[];
  /** Called with the key of an object whose stack isn't as its status shows it, or can't be looked at together with others. */
  onMoved: (key: string) => void;
  /** Called with the id of a stack that is watched no more, or as another one: it may have moved. */
  onLeft?: (stackId: string) => void;
  clock: Clock;
  logger: Logger;
}

const PAGE = 200;
/** Ids in one request: some servers take no address of more than 8 KiB, and an id has 40 bytes in it. */
const IDS = 100;
/** All that come at once, as after a start, are looked at together. */
const MIN_PAUSE_MS = 1_000;
/** The stacks that were touched last are read at this part of a period. */
const NEWEST_RATIO = 0.1;
const MIN_NEWEST_MS = 30_000;
const NEWEST_PAGE = 20;
const MIN_RETRY_MS = 30_000;
const MAX_RETRY_MS = 10 * 60_000;
/** From this failure in a row on some of the stacks' own looks shall say what is wrong. */
const FAILURES = 3;
/** This part of them each time, or so many: not all at once. */
const GIVEN_UP = 0.1;
const MIN_GIVEN_UP = 10;

/**
 * Looks at all of a session's stacks that are at rest with one list of the project each period, instead of a GET for
 * each. A stack that isn't in the list as its status shows it leaves the watch: a hint only, confirmed by a look of its
 * object's own.
 *
 * Between two periods it reads the stacks that Heat touched last, so that most changes by others are found sooner. Heat's
 * times are of seconds, so those of the last second that was read are read again.
 */
export class ResyncWatch {
  readonly #options: ResyncWatchOptions;
  readonly #members = new Map<string, Member>();
  readonly #byStack = new Map<string, Member[]>();
  readonly #due = new KeyedHeap<Member>((a, b) => a.dueAt < b.dueAt);
  readonly #abort = new AbortController();
  #loop: Promise<void> | undefined;
  #sleep: { until: number; wake: () => void } | undefined;
  /** Rows of the last list of the whole project. */
  #listed: number | undefined;
  #failures = 0;
  /** After a failure: not before this time, in ms. */
  #notBefore = 0;
  #newestAt = Number.POSITIVE_INFINITY;
  /** The last `updated_time` that was read. */
  #watermark: string | undefined;
  #sorts = true;

  constructor(options: ResyncWatchOptions) {
    this.#options = options;
  }

  /** Number of stacks at rest. */
  get size(): number {
    return this.#members.size;
  }

  /** Whether the stack of an object is watched: then it was as the status shows it a period ago at most. */
  has(key: string, stackId: string): boolean {
    return this.#members.get(key)?.stackId === stackId;
  }

  /** The stack that is watched for an object. */
  stackOf(key: string): string | undefined {
    return this.#members.get(key)?.stackId;
  }

  /**
   * Watches the stack of an object, instead of what was watched for it before.
   *
   * @param dueInMs when it is to be looked at for the first time
   */
  add(key: string, resting: Resting, dueInMs = resting.periodMs): void {
    this.remove(key);
    if (this.#abort.signal.aborted) return;
    const { stackId, stackName, stackStatus, updatedAt, tags, digest, periodMs } = resting;
    const dueAt = this.#options.clock.now() + Math.max(0, dueInMs);
    const stack = { stackId, stackName, stackStatus, updatedAt, tags, digest };
    const member: Member = { key, ...stack, periodMs, dueAt };
    this.#members.set(key, member);
    const others = this.#byStack.get(member.stackId);
    if (others) others.push(member);
    else this.#byStack.set(member.stackId, [member]);
    this.#due.set(key, member);
    this.#loop ??= inBackground(() => this.#run());
    if (this.#sleep && member.dueAt < this.#sleep.until) this.#sleep.wake();
  }

  /** Ends the watch for an object. */
  remove(key: string): void {
    const member = this.#members.get(key);
    if (!member) return;
    this.#members.delete(key);
    this.#due.delete(key);
    this.#options.onLeft?.(member.stackId);
    const others = (this.#byStack.get(member.stackId) ?? []).filter((each) => each !== member);
    if (others.length > 0) this.#byStack.set(member.stackId, others);
    else this.#byStack.delete(member.stackId);
  }

  /** Ends all watching; resolves when no request is left. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#members.clear();
    this.#byStack.clear();
    this.#due.clear();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    this.#planNewest();
    try {
      for (;;) {
        await this.#pause();
        const first = this.#due.peek()?.item;
        if (!first || this.#abort.signal.aborted) return;
        if (first.dueAt <= clock.now()) await this.#resync();
        else await this.#readNewest();
      }
    } finally {
      // Here, and not once the promise is settled: a stack added in between would never be watched.
      this.#loop = undefined;
    }
  }

  /** Waits until a stack is due, or the newest are to be read. One that is due sooner shortens the wait. */
  async #pause(): Promise<void> {
    const { clock } = this.#options;
    const earliest = Math.max(clock.now() + MIN_PAUSE_MS, this.#notBefore);
    while (!this.#abort.signal.aborted) {
      const dueAt = this.#due.peek()?.item.dueAt ?? 0;
      const until = Math.max(earliest, Math.min(dueAt, this.#newestAt));
      if (until <= clock.now()) return;
      const woken = new AbortController();
      this.#sleep = { until, wake: () => woken.abort() };
      await clock
        .sleep(until - clock.now(), AbortSignal.any([woken.signal, this.#abort.signal]))
        .catch(() => undefined);
      this.#sleep = undefined;
    }
  }

  #planNewest(): void {
    const first = this.#due.peek()?.item;
    const interval =
      Math.max(MIN_NEWEST_MS, (first?.periodMs ?? 0) * NEWEST_RATIO) * (0.9 + Math.random() * 0.2);
    // A shorter period finds all by itself.
    const isOfUse = this.#sorts && first !== undefined && first.periodMs > 2 * MIN_NEWEST_MS;
    this.#newestAt = isOfUse ? this.#options.clock.now() + interval : Number.POSITIVE_INFINITY;
  }

  /** Looks at all that are due, and at all others when that costs no more. */
  async #resync(): Promise<void> {
    const { clock, logger } = this.#options;
    const due = this.#takeDue();
    try {
      await this.#look(due);
      this.#failures = 0;
      this.#notBefore = 0;
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#failures += 1;
      const delay = Math.min(MAX_RETRY_MS, MIN_RETRY_MS * 2 ** (this.#failures - 1));
      this.#notBefore = clock.now() + delay * (0.9 + Math.random() * 0.2);
      logger.debug({ failures: this.#failures, code: codeOf(error) }, 'the list of stacks could not be read');
      // Whoever may not list may still look at each. A cloud out of order is back before most would have told of it.
      const isRefused = isOpenStackError(
        error,
        'Forbidden',
        'ResourceNotFound',
        'IdentityChanged',
        'ConfigError',
      );
      const some = Math.max(MIN_GIVEN_UP, Math.ceil(due.length * GIVEN_UP));
      const givenUp = isRefused ? due.length : this.#failures < FAILURES ? 0 : some;
      for (const member of due.slice(0, givenUp)) this.#report(member);
      for (const member of due.slice(givenUp)) this.#setDue(member, member.dueAt);
    }
    this.#planNewest();
  }

  /** Those due within a period of the first: so all with the same period are looked at together from then on. */
  #takeDue(): Member[] {
    const due: Member[] = [];
    const first = this.#due.peek()?.item;
    const until = this.#options.clock.now() + (first?.periodMs ?? 0);
    for (let next = first; next && next.dueAt <= until; next = this.#due.peek()?.item) {
      this.#due.pop();
      due.push(next);
    }
    return due;
  }

  async #look(due: readonly Member[]): Promise<void> {
    const pages = Math.ceil((this.#listed ?? this.#members.size) / PAGE);
    if (due.length > IDS && pages <= Math.ceil(due.length / IDS)) {
      try {
        return await this.#lookAt([...this.#members.values()], {});
      } catch (error) {
        if (!isOpenStackError(error, 'ResponseTooLarge')) throw error;
        this.#listed = Number.POSITIVE_INFINITY;
      }
    }
    for (let at = 0; at < due.length; at += IDS) {
      const some = due.slice(at, at + IDS);
      await this.#lookAt(some, { id: [...new Set(some.map(({ stackId }) => stackId))] });
    }
  }

  /** Compares members with the rows of one list that must have them all. */
  async #lookAt(members: readonly Member[], query: Pick<StackQuery, 'id'>): Promise<void> {
    const missing = new Set(members);
    let rows = 0;
    let newest: string | undefined;
    for await (const row of this.#list({ ...query, limit: PAGE })) {
      rows += 1;
      if (newest === undefined || (row.updatedAt ?? '') > newest) newest = row.updatedAt;
      for (const member of this.#byStack.get(row.id) ?? []) {
        if (!missing.delete(member)) continue; // it came while the list was read, or twice in it
        if (this.#isAsSeen(member, row)) this.#setDue(member, this.#options.clock.now() + member.periodMs);
        else this.#report(member);
      }
    }
    for (const member of missing) this.#report(member);
    if (query.id !== undefined) return;
    this.#listed = rows;
    this.#watermark = newest ?? this.#watermark;
  }

  /** Reads the stacks that Heat touched last, down to those that were read before. */
  async #readNewest(): Promise<void> {
    const former = this.#watermark;
    try {
      const query = { sortKeys: ['updated_time' as const], sortDir: 'desc' as const, limit: NEWEST_PAGE };
      // The first time only to know where to go on from.
      for await (const row of this.#list({ ...query, maxItems: former === undefined ? NEWEST_PAGE : PAGE })) {
        // Stacks that were never updated have no time. Where they come first (PostgreSQL), the resync finds the others.
        if (row.updatedAt === undefined || (former !== undefined && row.updatedAt < former)) break;
        if (this.#watermark === undefined || row.updatedAt > this.#watermark) this.#watermark = row.updatedAt;
        for (const member of this.#byStack.get(row.id) ?? []) {
          if (!this.#isAsSeen(member, row)) this.#report(member);
        }
      }
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      this.#options.logger.debug(
        { code: codeOf(error) },
        'the stacks that were touched last could not be read',
      );
      // What wasn't read is read the next time.
      this.#watermark = former;
      if (isOpenStackError(error, 'BadRequest', 'Forbidden')) this.#sorts = false;
    }
    this.#planNewest();
  }

  async *#list(query: StackQuery): AsyncGenerator<Stack, void> {
    const orchestration = this.#options.orchestration();
    // Each object says so by itself.
    if (!orchestration) return;
    yield* orchestration.stacks({ ...query, showHidden: true, signal: this.#abort.signal });
  }

  #isAsSeen({ key, stackName, stackStatus, updatedAt, tags, digest }: Member, row: Stack): boolean {
    if (row.name !== stackName || row.status !== stackStatus || row.updatedAt !== updatedAt) return false;
    if (tags === 'any') return true;
    // Inputs of before that were sent late, within a second of those that the status tells of.
    if (digest !== '' && row.status.startsWith('UPDATE_') && isTaggedOtherwise(row, digest)) return false;
    const owner = whose(row, this.#options.tagsOf(key));
    return tags === 'own' ? owner === 'ours' : owner !== 'other';
  }

  #setDue(member: Member, at: number): void {
    if (this.#members.get(member.key) !== member) return; // gone, or another one by now
    member.dueAt = at;
    this.#due.set(member.key, member);
  }

  #report(member: Member): void {
    if (this.#members.get(member.key) !== member) return;
    this.remove(member.key);
    this.#options.onMoved(member.key);
  }
}
