import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import {
  type CacheEvent,
  CONFIG_MAPS,
  isKubeError,
  KubeClient,
  type KubeObject,
  KubeTransport,
  keyOf,
  NAMESPACES,
  Reflector,
  type ResourceType,
} from '../../../src/kube/index.ts';
import { memoryLogger } from '../../../src/kube/testing/memory-logger.ts';
import { waitUntil } from '../../testbed/wait-until.ts';
import type { Cluster, Way } from './cluster.ts';
import { RequestLog } from './requests.ts';

const WRITE_EVERY_MS = 200;
const NAMES = Array.from({ length: 8 }, (_, index) => `object-${index}`);
/** How long after the end of a fault all must be well again. */
const RECOVERY_MS = 40_000;

export interface WatcherOptions {
  cluster: Cluster;
  /** A namespace for this watcher alone; it is made. */
  namespace: string;
  type?: ResourceType;
  way?: Way;
}

/** What a watcher heard of a fault, once it is over. */
export interface Survival {
  /** How many times all objects were listed anew. */
  lists: number;
  /** What its log says. */
  log: string;
}

/**
 * The operator's own reflector on a real API server, and somebody who changes its objects all the time through a
 * connection of their own. It keeps what it is told as a second copy, which must never contradict itself, and in the
 * end must be equal to what the API server has.
 */
export class Watcher implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #namespace: string;
  readonly #type: ResourceType;
  readonly #transport: KubeTransport;
  readonly #reflector: Reflector<KubeObject>;
  readonly #requests: RequestLog;
  readonly #log = memoryLogger();
  readonly #stop = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  /** What it was told, as key → uid and version. */
  readonly #told = new Map<string, string>();
  /** Every version that it was told of. */
  readonly #versions = new Set<string | undefined>();
  readonly #contradictions: string[] = [];
  /** Every version that the API server has confirmed to the writer. */
  #written: string[] = [];
  /** Whether the writer waits. */
  #paused = false;

  private constructor({ cluster, namespace, type = CONFIG_MAPS, way }: WatcherOptions) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#type = type;
    this.#requests = new RequestLog(`/api/v1/namespaces/${namespace}/${type.plural}`);
    this.#transport = new KubeTransport(cluster.config(way), {
      userAgent: 'watcher/1',
      logger: this.#log.logger,
    });
    this.#reflector = new Reflector<KubeObject>({
      client: new KubeClient(this.#transport),
      type,
      namespace,
      onEvent: (event) => this.#hear(event),
      logger: this.#log.logger,
    });
  }

  /** A watcher that has a namespace, and has not begun. */
  static async prepare(options: WatcherOptions): Promise<Watcher> {
    const { cluster, namespace } = options;
    await cluster.kube.create(NAMESPACES, { metadata: { name: namespace } });
    return new Watcher(options);
  }

  /** A watcher that has listed all, and heard of a change since. */
  static async start(options: WatcherOptions): Promise<Watcher> {
    const watcher = await Watcher.prepare(options);
    watcher.begin();
    await watcher.#hearsOf('the start', RECOVERY_MS);
    return watcher;
  }

  /** Begins to watch, and to write. */
  begin(): void {
    const { signal } = this.#stop;
    this.#running = Promise.all([this.#reflector.run(signal), this.#write(signal)]);
  }

  /**
   * Lets something happen to the API server or the way to it, and then demands: that within 40 s, or as long as given,
   * changes are heard of again; no more than one request a second meanwhile; and no change missed: no single version, unless
   * the API server kept too little for the watch to go on from where it was (it keeps 75 s, and more while it has room).
   *
   * @param fault ends with the fault
   */
  async survives(
    fault: () => Promise<unknown>,
    { recoveryMs = RECOVERY_MS }: { recoveryMs?: number } = {},
  ): Promise<Survival> {
    const hasListed = this.#reflector.synced;
    if (hasListed) await this.#make('doomed', RECOVERY_MS);
    const { lists } = this.#reflector.counters;
    const since = performance.now();
    this.#log.lines.length = 0;
    this.#written = [];
    // A deletion leaves nothing that a later list could show.
    await Promise.all([fault(), this.#delete('doomed')]);
    await this.#hearsOf('the fault', recoveryMs);
    const storm = this.#requests.stormSince(since);
    const written = this.#written;
    await this.#isEqual();
    expect(storm).toEqual([]);
    const newLists = this.#reflector.counters.lists - lists;
    if (hasListed && newLists === 0)
      expect(written.filter((version) => !this.#versions.has(version))).toEqual([]);
    return { lists: newLists, log: this.#log.text() };
  }

  async #hearsOf(what: string, timeoutMs: number): Promise<void> {
    const heard = await this.#make(`after-${what.replaceAll(' ', '-')}`, timeoutMs);
    if (!heard)
      throw new Error(`heard nothing within ${timeoutMs / 1000} s of ${what}:\n${this.#log.text()}`);
  }

  /** Makes an object, and waits until the reflector has it. */
  async #make(name: string, timeoutMs: number): Promise<boolean> {
    const metadata = { namespace: this.#namespace, name };
    let made = false;
    return waitUntil(
      async () => {
        if (this.#reflector.cache.get(keyOf(metadata))) return true;
        if (made) return false;
        made = await this.#cluster.kube.create(this.#type, { metadata }).then(
          () => true,
          (error: unknown) => isKubeError(error, 'AlreadyExists'),
        );
        return false;
      },
      { timeoutMs, everyMs: 200 },
    );
  }

  /** Deletes an object, as soon as the API server lets it. */
  async #delete(name: string): Promise<void> {
    const ref = { namespace: this.#namespace, name };
    const deleted = () =>
      this.#cluster.kube.delete(this.#type, ref).then(
        () => true,
        () => false,
      );
    await waitUntil(deleted, { timeoutMs: 120_000, everyMs: 500 });
  }

  /** When all is quiet, the cache, and what was told, are what the API server has. */
  async #isEqual(): Promise<void> {
    this.#paused = true;
    let differences: unknown;
    const equal = await waitUntil(
      async () => {
        const { items } = await this.#cluster.kube.list(this.#type, { namespace: this.#namespace });
        const real = entries(items);
        const held = entries(this.#reflector.cache.list());
        const told = [...this.#told].map(([key, version]) => `${key} ${version}`).sort();
        differences = { real, held, told };
        return String(real) === String(held) && String(real) === String(told);
      },
      { timeoutMs: 20_000, everyMs: 200 },
    );
    this.#paused = false;
    if (!equal) throw new Error(`the cache differs from the API server: ${JSON.stringify(differences)}`);
    expect(this.#contradictions).toEqual([]);
  }

  #hear({ type, key, object, ...event }: CacheEvent<KubeObject>): void {
    const before = this.#told.get(key);
    const { uid, resourceVersion } = object.metadata;
    this.#versions.add(resourceVersion);
    const old = 'old' in event && event.old ? versionOf(event.old) : undefined;
    const fits =
      type === 'added'
        ? before === undefined
        : type === 'updated'
          ? before === old
          : before?.startsWith(`${uid} `) === true;
    if (!fits) this.#contradictions.push(`${type} ${key} ${versionOf(object)} after ${before}`);
    if (type === 'deleted') this.#told.delete(key);
    else this.#told.set(key, versionOf(object));
  }

  /** Makes, changes and deletes objects until the signal; what goes wrong meanwhile is the fault's doing. */
  async #write(signal: AbortSignal): Promise<void> {
    const { kube } = this.#cluster;
    for (let turn = 0; !signal.aborted; turn++) {
      await sleep(WRITE_EVERY_MS, undefined, { signal }).catch(() => undefined);
      if (this.#paused) continue;
      const name = NAMES[turn % NAMES.length] ?? '';
      const ref = { namespace: this.#namespace, name };
      try {
        if (Math.random() < 0.3) {
          await kube.delete(this.#type, ref, { signal });
        } else {
          const patch = { metadata: { annotations: { turn: String(turn) } } };
          const object = await kube.mergePatch(this.#type, ref, patch, { signal }).catch((error: unknown) => {
            if (!isKubeError(error, 'NotFound')) throw error;
            return kube.create(this.#type, { metadata: ref }, { signal });
          });
          this.#written.push(object.metadata.resourceVersion);
        }
      } catch (error) {
        if (!signal.aborted && !isKubeError(error)) throw error;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#requests[Symbol.dispose]();
    await this.#transport.close();
  }
}

function versionOf({ metadata }: KubeObject): string {
  return `${metadata.uid} ${metadata.resourceVersion}`;
}

function entries(objects: readonly KubeObject[]): string[] {
  return objects.map((object) => `${keyOf(object.metadata)} ${versionOf(object)}`).sort();
}
