import type { Logger } from 'pino';
import { inBackground } from '../background.ts';
import type { Clock } from '../kube/index.ts';
import { isOpenStackError } from '../openstack/index.ts';
import type { HeatClient } from './heat-client.ts';
import { codeOf } from './heat-errors.ts';
import type { StackLooks } from './stack-looks.ts';

/** A stack that Heat is working on. */
interface Operation {
  stackId: string;
  /** When the operation began, in ms. */
  since: number;
  /** When the operator began to watch it, in ms. */
  addedAt: number;
  /** When its progress was last worth a look, in ms. */
  shownAt: number;
  /** The stack is being deleted. */
  deleting: boolean;
  /** When its delete was first seen to be complete, while it still held the name, in ms. */
  completeAt?: number;
}

/** Settings of an {@link OperationWatch}. */
export interface OperationWatchOptions {
  /** The Heat to ask; read anew for each tick, since a renewed catalog may have it or not. */
  orchestration: () => HeatClient | undefined;
  /** Reads which of the stacks that were being deleted are gone, all at once. */
  looks: Pick<StackLooks, 'deleted'>;
  /** Called with the key of an object whose stack is no longer in progress, or whose progress is worth a look. */
  onNews: (key: string) => void;
  /** How often the resources of one stack in progress are worth a look, in ms. */
  progressIntervalMs: number;
  clock: Clock;
  logger: Logger;
}

const MIN_TICK_MS = 1_000;
const MAX_TICK_MS = 10_000;
/**
 * Times the root of their number is the least time between two lists of many: Heat takes 5 ms for each row (Heat 27). So
 * neither the requests for each stack nor the time until its end is noticed grow as their number does.
 */
const MANY_TICK_MS = 250;
/** An end is noticed within this part of the operation's duration. */
const TICK_RATIO = 0.15;
/** Heat forgets a deleted stack within a second, or some when it has much to do; after this time it shall be looked at. */
const MAX_ENDING_MS = 30_000;
/** After so many failed ticks in a row the stacks' own reads shall say what is wrong. */
const FAILED_TICKS = 3;
const PAGE = 200;

/**
 * Watches all of a session's stacks that are in progress with one shared list, `status=IN_PROGRESS`, instead of a
 * GET for each. A stack that has left the list has ended: a hint only, confirmed by a read of the stack.
 *
 * Heat lists what is in progress at the cost of those rows alone; tags and status together make it answer 500
 * (Heat 27), so rows are matched by id here.
 */
export class OperationWatch {
  readonly #options: OperationWatchOptions;
  readonly #operations = new Map<string, Operation>();
  /** By object, the stacks that Heat showed as deleted when their delete ended. */
  readonly #gone = new Map<string, string>();
  readonly #abort = new AbortController();
  /** When the youngest operation began, in ms. */
  #newest = Number.NEGATIVE_INFINITY;
  #loop: Promise<void> | undefined;
  #wake: (() => void) | undefined;

  constructor(options: OperationWatchOptions) {
    this.#options = options;
  }

  /** Number of stacks in progress. */
  get size(): number {
    return this.#operations.size;
  }

  /** Whether the stack of an object is watched: then it was in progress a moment ago. */
  watches(key: string, stackId: string): boolean {
    return this.#operations.get(key)?.stackId === stackId;
  }

  /** Time since the operation of a watched stack began, in ms. */
  ageMs(key: string): number {
    const operation = this.#operations.get(key);
    return operation ? this.#options.clock.now() - operation.since : 0;
  }

  /**
   * Watches the stack of an object; keeps its age when it is watched already.
   *
   * @param ageMs time since the operation began
   */
  add(key: string, stackId: string, ageMs = 0, deleting = false): void {
    const known = this.#operations.get(key);
    if (known?.stackId === stackId) known.shownAt = this.#options.clock.now();
    else this.#watch(key, stackId, ageMs, deleting);
  }

  /** Watches an operation that was started just now, on top of another one maybe. */
  begin(key: string, stackId: string, { deleting = false } = {}): void {
    this.#watch(key, stackId, 0, deleting);
  }

  /** Whether the stack of an object was seen to be gone for good when its delete ended. */
  isGone(key: string, stackId: string): boolean {
    return this.#gone.get(key) === stackId;
  }

  /** Ends the watch for an object. */
  remove(key: string): void {
    this.#operations.delete(key);
    this.#gone.delete(key);
  }

  /** Ends all watching; resolves when no request is left. */
  async close(): Promise<void> {
    this.#operations.clear();
    this.#gone.clear();
    this.#abort.abort();
    await this.#loop;
  }

  #watch(key: string, stackId: string, ageMs: number, deleting: boolean): void {
    const now = this.#options.clock.now();
    const since = now - Math.max(0, ageMs);
    this.#operations.set(key, { stackId, since, addedAt: now, shownAt: now, deleting });
    this.#gone.delete(key);
    this.#newest = Math.max(this.#newest, since);
    this.#loop ??= inBackground(() => this.#run());
    this.#wake?.();
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#options;
    let failures = 0;
    try {
      while (this.#operations.size > 0 && !this.#abort.signal.aborted) {
        await this.#pause(clock);
        if (this.#abort.signal.aborted) return;
        try {
          await this.#tick();
          failures = 0;
        } catch (error) {
          if (this.#abort.signal.aborted) return;
          failures += 1;
          logger.debug({ failures, code: codeOf(error) }, 'the list of stacks in progress could not be read');
          // While the cloud is known to be out of order, each object waits for it in its own way.
          if (failures >= FAILED_TICKS || isOpenStackError(error, 'CircuitOpen')) this.#giveUp();
        }
      }
    } finally {
      // Here, and not once the promise is settled: an operation added in between would never be watched.
      this.#loop = undefined;
    }
  }

  /** Waits for the next tick; a new operation shortens the wait. */
  async #pause(clock: Clock): Promise<void> {
    // Once for each tick: as many operations may begin between two as there are.
    this.#newest = Number.NEGATIVE_INFINITY;
    for (const { since } of this.#operations.values()) this.#newest = Math.max(this.#newest, since);
    const until = clock.now() + this.#interval(clock.now()) * (0.9 + Math.random() * 0.2);
    while (!this.#abort.signal.aborted) {
      const left = Math.min(until, clock.now() + this.#interval(clock.now())) - clock.now();
      if (left <= 0) return;
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      await clock.sleep(left, AbortSignal.any([woken.signal, this.#abort.signal])).catch(() => undefined);
      this.#wake = undefined;
      if (!woken.signal.aborted) return;
    }
  }

  /** Fast for a young operation, slower for one that takes its time, and where there are many. */
  #interval(now: number): number {
    const ms = Math.max((now - this.#newest) * TICK_RATIO, Math.sqrt(this.#operations.size) * MANY_TICK_MS);
    return Math.min(MAX_TICK_MS, Math.max(MIN_TICK_MS, ms));
  }

  async #tick(): Promise<void> {
    const orchestration = this.#options.orchestration();
    if (!orchestration) return this.#giveUp();
    const asked = this.#options.clock.now();
    const listed = new Set<string>();
    const query = { status: 'IN_PROGRESS', limit: PAGE, showHidden: true, signal: this.#abort.signal };
    for await (const stack of orchestration.stacks(query)) listed.add(stack.id);
    const left: [key: string, operation: Operation][] = [];
    let oldest: { key: string; operation: Operation } | undefined;
    for (const [key, operation] of this.#operations) {
      if (operation.addedAt > asked) continue; // begun while the list was read
      if (!listed.has(operation.stackId)) {
        left.push([key, operation]);
      } else if (asked - operation.shownAt >= this.#options.progressIntervalMs) {
        if (!oldest || operation.shownAt < oldest.operation.shownAt) oldest = { key, operation };
      }
    }
    await this.#end(left);
    // One look for each tick, whatever the number of stacks: progress is a comfort that must stay cheap.
    if (oldest) {
      oldest.operation.shownAt = asked;
      this.#options.onNews(oldest.key);
    }
  }

  /** Tells of the operations that left the list; of the deletes among them with what is known of their stacks. */
  async #end(left: readonly [key: string, operation: Operation][]): Promise<void> {
    const deletes = left.flatMap(([, { stackId, deleting }]) => (deleting ? [stackId] : []));
    // Without an answer each of them is looked at by itself.
    const deleted = await this.#options.looks.deleted(deletes).catch(() => undefined);
    const now = this.#options.clock.now();
    for (const [key, operation] of left) {
      // Another one may have begun meanwhile.
      if (this.#operations.get(key) !== operation) continue;
      const end = deleted?.get(operation.stackId);
      if (end === 'ending') operation.completeAt ??= now;
      if (end === 'ending' && now - (operation.completeAt ?? now) < MAX_ENDING_MS) continue;
      this.#operations.delete(key);
      if (end === 'gone') this.#gone.set(key, operation.stackId);
      this.#options.onNews(key);
    }
  }

  #giveUp(): void {
    const keys = [...this.#operations.keys()];
    this.#operations.clear();
    for (const key of keys) this.#options.onNews(key);
  }
}
