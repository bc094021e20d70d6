import { type BackoffOptions, backoffMs } from './backoff.ts';
import { type Clock, systemClock } from './clock.ts';
import { KeyedHeap } from './heap.ts';
import type { QueueMetrics } from './metrics.ts';

const DEFAULT_BACKOFF: BackoffOptions = { baseMs: 750, maxMs: 15 * 60_000 };

export interface WorkQueueOptions {
  /** Delays of {@link WorkQueue.addRateLimited}; default 0.75 s, doubled up to 15 min, a fifth of it jitter. */
  backoff?: BackoffOptions;
  clock?: Clock;
  /**
   * The group that a key is in, such as its namespace. A group with as many keys worked on as there are idle workers
   * waits: whatever work of one group takes so long, others find a worker. Default: none waits for its group.
   */
  groupOf?: (key: string) => string;
  metrics?: QueueMetrics | undefined;
  /** For the jitter, 0 ≤ x < 1. */
  random?: () => number;
}

export interface AddOptions {
  /** Higher comes first; default 0. Use a negative one for what isn't urgent, such as the initial list. */
  priority?: number;
}

/** A key that waits; `order` keeps keys of one priority first in, first out. */
interface Waiting {
  priority: number;
  order: number;
}

interface Delayed extends Waiting {
  dueAt: number;
}

/** The keys of a group that wait, and how many others of it are worked on; one of these is never nothing. */
interface Group {
  readonly keys: KeyedHeap<Waiting>;
  busy: number;
}

/**
 * Keys that need work. A key waits at most once, however often it is added: at the earliest of the times and the
 * highest of the priorities it was added with. It is never handed to two workers at once; when it is added while one
 * works on it, it waits until that is {@link done}. Of the keys whose group may have another worker, the one with the
 * highest priority comes next, and of several that which was added first.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #backoff: BackoffOptions;
  readonly #random: () => number;
  readonly #groupOf: (key: string) => string;
  readonly #hasGroups: boolean;
  readonly #metrics: QueueMetrics | undefined;
  readonly #groups = new Map<string, Group>();
  /**
   * The groups that wait, each by its first key, in one heap for each number of their keys that are worked on; none is
   * empty. W workers make no more than √(2 W) + 1 such numbers, so the choice of a key looks at no more than these.
   */
  readonly #ranked = new Map<number, KeyedHeap<Waiting>>();
  #size = 0;
  readonly #delayed = new KeyedHeap<Delayed>(
    (a, b) => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order),
  );
  readonly #running = new Set<string>();
  // Added while running.
  readonly #again = new Map<string, Waiting>();
  readonly #failures = new Map<string, number>();
  readonly #workers = new Set<(key: string | undefined) => void>();
  #alarm: { dueAt: number; controller: AbortController } | undefined;
  #order = 0;
  #isShutDown = false;

  constructor({
    backoff = DEFAULT_BACKOFF,
    clock = systemClock,
    random = Math.random,
    groupOf,
    metrics,
  }: WorkQueueOptions = {}) {
    this.#backoff = backoff;
    this.#clock = clock;
    this.#random = random;
    this.#groupOf = groupOf ?? (() => '');
    this.#hasGroups = groupOf !== undefined;
    this.#metrics = metrics;
  }

  /** How many keys wait for a worker; delayed ones and those worked on don't count. */
  get size(): number {
    return this.#size;
  }

  /** Asks for work on a key as soon as possible. */
  add(key: string, { priority = 0 }: AddOptions = {}): void {
    if (this.#isShutDown) return;
    const delayed = this.#delayed.get(key);
    if (delayed !== undefined) this.#delayed.delete(key);
    this.#enqueue(key, Math.max(priority, delayed?.priority ?? priority));
    this.#handOut();
  }

  /** Asks for work on a key after `delayMs` milliseconds; nothing changes when it is due earlier anyway. */
  addAfter(key: string, delayMs: number, { priority = 0 }: AddOptions = {}): void {
    if (this.#isShutDown) return;
    if (delayMs <= 0 || this.#waiting(key) !== undefined) {
      this.add(key, { priority });
      return;
    }
    const present = this.#delayed.get(key);
    this.#delayed.set(key, {
      dueAt: Math.min(this.#clock.now() + delayMs, present?.dueAt ?? Number.POSITIVE_INFINITY),
      priority: Math.max(priority, present?.priority ?? priority),
      order: present?.order ?? this.#order++,
    });
    this.#setAlarm();
  }

  /**
   * Asks for work on a key that has failed, later with each failure.
   *
   * @returns the delay in milliseconds
   */
  addRateLimited(key: string, options: AddOptions = {}): number {
    this.#metrics?.retried();
    const failures = this.retries(key);
    this.#failures.set(key, failures + 1);
    const delayMs = backoffMs(failures, this.#backoff, this.#random);
    this.addAfter(key, delayMs, options);
    return delayMs;
  }

  /** Forgets the failures of a key; what was asked for stays asked for. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** How often a key has failed since it was last forgotten. */
  retries(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /**
   * Waits for a key to work on; {@link done} must be called afterwards.
   *
   * @returns `undefined` when the signal is aborted or the queue is shut down
   */
  async next(signal: AbortSignal): Promise<string | undefined> {
    if (signal.aborted || this.#isShutDown) return undefined;
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    const onAbort = () => {
      if (this.#workers.delete(resolve)) resolve(undefined);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#workers.add(resolve);
    this.#handOut();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends the work on a key; if it was added meanwhile, it waits again. */
  done(key: string): void {
    if (!this.#running.delete(key)) return;
    this.#metrics?.done(key);
    this.#count(key, -1);
    const again = this.#again.get(key);
    if (again !== undefined) {
      this.#again.delete(key);
      this.#setReady(key, again);
    }
    this.#handOut();
  }

  /** Drops everything that waits and sends all workers home; further additions are ignored. */
  shutDown(): void {
    this.#isShutDown = true;
    this.#groups.clear();
    this.#ranked.clear();
    this.#size = 0;
    this.#delayed.clear();
    this.#again.clear();
    this.#alarm?.controller.abort();
    this.#alarm = undefined;
    for (const resolve of this.#workers) resolve(undefined);
    this.#workers.clear();
  }

  #enqueue(key: string, priority: number): void {
    const present = this.#waiting(key);
    if (!present) this.#metrics?.added(key);
    const waiting: Waiting = {
      priority: Math.max(priority, present?.priority ?? priority),
      order: present?.order ?? this.#order++,
    };
    if (this.#running.has(key)) this.#again.set(key, waiting);
    else this.#setReady(key, waiting);
  }

  /** How a key waits that is due. */
  #waiting(key: string): Waiting | undefined {
    return this.#groups.get(this.#groupOf(key))?.keys.get(key) ?? this.#again.get(key);
  }

  #setReady(key: string, waiting: Waiting): void {
    const name = this.#groupOf(key);
    let group = this.#groups.get(name);
    if (!group) {
      group = { keys: new KeyedHeap(isBefore), busy: 0 };
      this.#groups.set(name, group);
    }
    if (group.keys.get(key) === undefined) this.#size += 1;
    group.keys.set(key, waiting);
    this.#rank(name, group);
  }

  /** Takes out the key to work on next, if there is one for an idle worker. */
  #take(): string | undefined {
    let best: { key: string; item: Waiting } | undefined;
    for (const [busy, groups] of this.#ranked) {
      const first = groups.peek();
      if (first && busy < this.#workers.size && !(best && isBefore(best.item, first.item))) best = first;
    }
    const group = this.#groups.get(best?.key ?? '');
    const key = best === undefined ? undefined : group?.keys.pop()?.key;
    if (key !== undefined) this.#size -= 1;
    return key;
  }

  /** Notes that one more key of a group is worked on, or one less. */
  #count(key: string, change: 1 | -1): void {
    const name = this.#groupOf(key);
    const group = this.#groups.get(name);
    if (!group) return; // shut down
    this.#unrank(name, group);
    group.busy += change;
    this.#rank(name, group);
  }

  /** Puts a group where its first key and its number of workers belong. */
  #rank(name: string, group: Group): void {
    const level = this.#level(group);
    const first = group.keys.peek();
    if (!first) {
      if (group.busy === 0) this.#groups.delete(name);
      return;
    }
    const groups = this.#ranked.get(level) ?? new KeyedHeap(isBefore);
    groups.set(name, first.item);
    this.#ranked.set(level, groups);
  }

  #unrank(name: string, group: Group): void {
    const level = this.#level(group);
    const groups = this.#ranked.get(level);
    groups?.delete(name);
    if (groups?.size === 0) this.#ranked.delete(level);
  }

  /** Without groups no key waits for others. */
  #level({ busy }: Group): number {
    return this.#hasGroups ? busy : 0;
  }

  /** Gives keys that are due to workers that wait. */
  #handOut(): void {
    const now = this.#clock.now();
    for (let first = this.#delayed.peek(); first && first.item.dueAt <= now; first = this.#delayed.peek()) {
      this.#delayed.delete(first.key);
      this.#enqueue(first.key, first.item.priority);
    }
    for (const resolve of this.#workers) {
      const key = this.#take();
      if (key === undefined) break;
      this.#workers.delete(resolve);
      this.#running.add(key);
      this.#metrics?.taken(key);
      this.#count(key, 1);
      resolve(key);
    }
    this.#setAlarm();
  }

  /**
   * Has {@link #handOut} called when the first delayed key is due, or before: an alarm that comes too early costs less than
   * to set it anew whenever the first key changes.
   */
  #setAlarm(): void {
    const dueAt = this.#delayed.peek()?.item.dueAt;
    if (dueAt !== undefined && this.#alarm !== undefined && this.#alarm.dueAt <= dueAt) return;
    this.#alarm?.controller.abort(ALARM_CHANGED);
    this.#alarm = undefined;
    if (dueAt === undefined) return;
    const controller = new AbortController();
    this.#alarm = { dueAt, controller };
    this.#clock.sleep(dueAt - this.#clock.now(), controller.signal).then(
      () => {
        if (this.#alarm?.controller !== controller) return;
        this.#alarm = undefined;
        this.#handOut();
      },
      () => undefined, // Another key is due earlier, or none is.
    );
  }
}

/** Made once: one of its own for each abort would collect a stack trace. */
const ALARM_CHANGED = new Error('another key is due first');

function isBefore(a: Waiting, b: Waiting): boolean {
  return a.priority > b.priority || (a.priority === b.priority && a.order < b.order);
}
