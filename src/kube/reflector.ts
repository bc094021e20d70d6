import type { Logger } from 'pino';
import { untilAborted } from '../abort.ts';
import { type BackoffOptions, backoffMs } from './backoff.ts';
import type { Cache, CacheEvent } from './cache.ts';
import type { KubeClient } from './client.ts';
import { type Clock, systemClock } from './clock.ts';
import { isKubeError } from './errors.ts';
import { type KubeObject, keyOf, type ResourceType } from './objects.ts';

const DEFAULT_BACKOFF: BackoffOptions = { baseMs: 800, maxMs: 30_000, jitter: 0.5 };
// A watch that ends sooner counts as a failure, else a server that ends each at once would be asked without pause.
const SHORTEST_GOOD_WATCH_MS = 1000;
const LONGEST_RETRY_AFTER_MS = 5 * 60_000;

export interface ReflectorOptions<T extends KubeObject> {
  client: Pick<KubeClient, 'pages' | 'watch'>;
  type: ResourceType;
  /** Default: all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Only `metadata` is fetched and kept. */
  metadataOnly?: boolean;
  /**
   * Applied to each object on arrival; what it leaves out is never held. It may change the object it is given, and take
   * over what didn't change from what the cache has for the same key.
   */
  transform?: (raw: T, old: T | undefined) => T;
  /** Told of every change of the cache. It should only note the key; what it throws is logged and forgotten. */
  onEvent: (event: CacheEvent<T>) => void;
  logger: Logger;
  clock?: Clock;
  /** Between failures; default 0.8 s to 30 s, half of it jitter. */
  backoff?: BackoffOptions;
  /** A watch without a byte for so long is taken for dead; default 90 s, as bookmarks come every 60 s. */
  idleTimeoutMs?: number;
}

/** How often a reflector has done what; they only grow. */
export interface ReflectorCounters {
  readonly lists: number;
  readonly watches: number;
  readonly failures: number;
}

/**
 * Keeps a cache of objects equal to the API server's, by a list and then watches, and tells of each change.
 * Whatever goes wrong, it goes on; changes that happened in between are found by comparing a new list with the cache.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #clock: Clock;
  readonly #counters = { lists: 0, watches: 0, failures: 0 };
  readonly #synced = Promise.withResolvers<void>();
  readonly #answered = Promise.withResolvers<void>();
  #objects = new Map<string, T>();
  #isSynced = false;
  #resourceVersion: string | undefined;
  // Whether the current watch has brought anything.
  #heard = false;
  // Since the last good watch: how much went wrong, and whether that was an expired version.
  #failures = 0;
  #expired = false;
  #lastEventAt: number | undefined;
  // 0 = all in one answer, once a paged list has outlived the version its pages were taken from.
  #pageSize: number | undefined;

  /** The objects as they were last heard of; empty until synced. */
  readonly cache: Cache<T>;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const objects = () => this.#objects;
    this.cache = {
      get: (key) => objects().get(key),
      list: () => [...objects().values()],
      get size() {
        return objects().size;
      },
    };
  }

  /** Made for each line, which are few: a child keeps the level that its parent had. */
  get #logger(): Logger {
    return this.#options.logger.child({ reflector: this.#options.type.plural });
  }

  /** What it watches, such as `secrets`. */
  get resource(): string {
    return this.#options.type.plural;
  }

  /** Whether the first list is in the cache and its events have been handed out. */
  get synced(): boolean {
    return this.#isSynced;
  }

  /** When the API server was last heard (list, event or bookmark), in milliseconds since 1970. */
  get lastEventAt(): number | undefined {
    return this.#lastEventAt;
  }

  get counters(): ReflectorCounters {
    return { ...this.#counters };
  }

  /** Resolves when {@link synced}; rejects with the signal's reason when it is aborted before. */
  async whenSynced(signal: AbortSignal): Promise<void> {
    await untilAborted(this.#synced.promise, signal);
  }

  /** Resolves when {@link synced}, or when the API server first says that it may not list; rejects as {@link whenSynced}. */
  async whenAnswered(signal: AbortSignal): Promise<void> {
    await untilAborted(this.#answered.promise, signal);
  }

  /** Lists and watches until the signal is aborted, then resolves with no request left open; it never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let watchedSince: number | undefined;
      let problem: unknown;
      this.#heard = false;
      try {
        if (this.#resourceVersion === undefined) await this.#list(signal);
        watchedSince = this.#clock.now();
        await this.#watch(signal);
      } catch (error) {
        problem = error;
      }
      if (signal.aborted) return;

      const lived = watchedSince === undefined ? 0 : this.#clock.now() - watchedSince;
      const refused = isKubeError(problem) && problem.status !== undefined && !this.#heard;
      if (lived >= SHORTEST_GOOD_WATCH_MS && !refused) {
        this.#failures = 0;
        this.#expired = false;
        // The API server ends every watch after a while; nothing is wrong then.
        if (problem === undefined) continue;
      }
      await this.#recover(problem, signal);
    }
  }

  /** Takes over a complete list and tells of what is different from the cache. */
  async #list(signal: AbortSignal): Promise<void> {
    const { client, type, transform = (raw) => raw } = this.#options;
    const objects = new Map<string, T>();
    let resourceVersion: string | undefined;
    this.#counters.lists++;
    try {
      for await (const page of client.pages<T>(type, {
        ...this.#selection(),
        limit: this.#pageSize,
        signal,
      })) {
        signal.throwIfAborted();
        for (const raw of page.items) {
          const key = keyOf(raw.metadata);
          objects.set(key, transform(raw, this.#objects.get(key)));
        }
        resourceVersion = page.resourceVersion;
      }
    } catch (error) {
      if (isKubeError(error, 'Expired')) this.#pageSize = 0;
      if (isKubeError(error, 'ResponseTooLarge')) this.#pageSize = undefined;
      throw error;
    }
    const before = this.#objects;
    const initial = !this.#isSynced;
    this.#objects = objects;
    this.#resourceVersion = resourceVersion;
    this.#lastEventAt = this.#clock.now();
    for (const [key, old] of before) {
      if (!objects.has(key)) this.#emit({ type: 'deleted', key, object: old, initial: false });
    }
    for (const [key, object] of objects) this.#emitChange(key, object, before.get(key), initial);
    this.#isSynced = true;
    this.#synced.resolve();
    this.#answered.resolve();
    this.#logger.debug({ objects: objects.size, resourceVersion }, 'listed');
  }

  /** Applies the events of one watch. It returns when the API server ends it. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { client, type, idleTimeoutMs } = this.#options;
    this.#counters.watches++;
    const events = client.watch<T>(type, {
      ...this.#selection(),
      resourceVersion: this.#resourceVersion ?? '',
      // Spread, so that the watches of many clients don't all end at once.
      timeoutSeconds: 240 + Math.floor(Math.random() * 240),
      idleTimeoutMs,
      signal,
    });
    for await (const event of events) {
      signal.throwIfAborted();
      this.#heard = true;
      this.#lastEventAt = this.#clock.now();
      if (event.type === 'BOOKMARK') {
        this.#resourceVersion = event.resourceVersion;
      } else {
        // Read first: a transform may leave it out.
        const { resourceVersion } = event.object.metadata;
        this.#apply(event.type, event.object);
        this.#resourceVersion = resourceVersion;
      }
    }
  }

  #apply(type: 'ADDED' | 'MODIFIED' | 'DELETED', raw: T): void {
    const key = keyOf(raw.metadata);
    const old = this.#objects.get(key);
    const object = this.#options.transform?.(raw, old) ?? raw;
    if (type === 'DELETED') {
      if (!this.#objects.delete(key)) return;
      this.#emit({ type: 'deleted', key, object, ...(old && { old }), initial: false });
    } else {
      this.#objects.set(key, object);
      this.#emitChange(key, object, old, false);
    }
  }

  #emitChange(key: string, object: T, old: T | undefined, initial: boolean): void {
    if (old === undefined) {
      this.#emit({ type: 'added', key, object, initial });
    } else if (old.metadata.uid !== object.metadata.uid) {
      // Deleted and made anew while we weren't watching: two objects, two events.
      this.#emit({ type: 'deleted', key, object: old, initial: false });
      this.#emit({ type: 'added', key, object, initial });
    } else if (old.metadata.resourceVersion !== object.metadata.resourceVersion) {
      this.#emit({ type: 'updated', key, object, old, initial });
    }
  }

  #emit(event: CacheEvent<T>): void {
    try {
      this.#options.onEvent(event);
    } catch (error) {
      this.#logger.error({ key: event.key, error: messageOf(error) }, `the handler of ${event.type} failed`);
    }
  }

  /** Logs what went wrong, decides from where to go on, and waits before that. */
  async #recover(problem: unknown, signal: AbortSignal): Promise<void> {
    const { backoff = DEFAULT_BACKOFF } = this.#options;
    if (isKubeError(problem, 'Forbidden')) this.#answered.resolve();
    if (isKubeError(problem, 'Expired') && !this.#expired) {
      // Usual after a restart of the API server, which is back now: no reason to wait. Once only, lest we hammer it.
      this.#logger.debug({ error: problem.message }, 'version expired; listing anew');
      this.#expired = true;
      this.#resourceVersion = undefined;
      return;
    }
    // What can't be continued or read now can't be by watching the same changes again.
    if (isKubeError(problem, 'Expired', 'InvalidResponse', 'ResponseTooLarge'))
      this.#resourceVersion = undefined;
    const retryAfterMs = isKubeError(problem) ? (problem.retryAfterMs ?? 0) : 0;
    const delayMs = Math.max(
      backoffMs(this.#failures++, backoff),
      Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS),
    );
    this.#counters.failures++;
    this.#logger.warn(
      {
        error: problem === undefined ? 'the watch ended at once' : messageOf(problem),
        delayMs: Math.round(delayMs),
      },
      'list or watch failed; trying again',
    );
    await this.#clock.sleep(delayMs, signal).catch(() => undefined);
  }

  #selection() {
    const { namespace, labelSelector, fieldSelector, metadataOnly } = this.#options;
    return { namespace, labelSelector, fieldSelector, metadataOnly };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
