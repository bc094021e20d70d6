import { closeSync, openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { HEAT_STACKS } from '../../src/api/constants.ts';
import type { HeatStack } from '../../src/api/heat-stack.ts';
import { isKubeError, type KubeClient } from '../../src/kube/index.ts';
import { byHandLine, type Version, versionLine } from './history.ts';

const WATCH_SECONDS = 600;
const AGAIN_MS = 250;
const DRAIN_MS = 10_000;

/** Writes every version of the HeatStacks of a namespace to a file, from a list on and then by watches. */
export class HistoryRecorder {
  readonly #client: Pick<KubeClient, 'list' | 'watch'>;
  readonly #namespace: string;
  readonly #file: number;
  readonly #stop = new AbortController();
  /** Resource versions of the objects that are there, as far as they are recorded, by uid. */
  readonly #recorded = new Map<string, string>();
  #running: Promise<void> = Promise.resolve();
  #problem: unknown;
  #change = Promise.withResolvers<void>();

  private constructor(client: Pick<KubeClient, 'list' | 'watch'>, namespace: string, file: string) {
    this.#client = client;
    this.#namespace = namespace;
    this.#file = openSync(file, 'a');
  }

  /** Resolves when no version from now on is missed. */
  static async start(
    client: Pick<KubeClient, 'list' | 'watch'>,
    namespace: string,
    file: string,
  ): Promise<HistoryRecorder> {
    const recorder = new HistoryRecorder(client, namespace, file);
    const since = await recorder.#list();
    recorder.#running = recorder.#follow(since);
    return recorder;
  }

  /** Resolves at the next version of any object. */
  get change(): Promise<void> {
    return this.#change.promise;
  }

  /**
   * Notes that the scenario itself wrote the status of a version. Managed fields wouldn't tell: who only takes something
   * out of a status doesn't appear there, and times have whole seconds.
   */
  wroteByHand(resourceVersion: string): void {
    writeSync(this.#file, `${byHandLine(resourceVersion)}\n`);
  }

  /**
   * Ends it, once all that is there now is recorded.
   *
   * @param withinMs how long the last events may take
   * @throws Error when they didn't come, or a version could not be written
   */
  async stop(withinMs = DRAIN_MS): Promise<void> {
    try {
      await this.#drain(withinMs);
    } finally {
      this.#stop.abort();
      await this.#running;
      closeSync(this.#file);
    }
  }

  async #drain(withinMs: number): Promise<void> {
    for (const end = Date.now() + withinMs; ; await sleep(AGAIN_MS / 5)) {
      const { items } = await this.#client.list(HEAT_STACKS, {
        namespace: this.#namespace,
        metadataOnly: true,
      });
      const missing = items.filter(
        ({ metadata: { uid, resourceVersion } }) => this.#recorded.get(uid) !== resourceVersion,
      );
      if (missing.length === 0 && items.length === this.#recorded.size) return;
      if (Date.now() > end) {
        const what = missing.map(({ metadata }) => metadata.name).join(', ') || 'a deletion';
        throw new Error(`the history of ${this.#namespace} lacks the last of ${what}`, {
          cause: this.#problem,
        });
      }
    }
  }

  /** Records what is there. @returns the resource version to watch from */
  async #list(): Promise<string> {
    const { items, resourceVersion } = await this.#client.list<HeatStack>(HEAT_STACKS, {
      namespace: this.#namespace,
      signal: this.#stop.signal,
    });
    this.#recorded.clear();
    for (const object of items) this.#record('LISTED', object);
    return resourceVersion;
  }

  /** Watches until {@link stop}; never rejects. */
  async #follow(from: string): Promise<void> {
    const { signal } = this.#stop;
    let since: string | undefined = from;
    while (!signal.aborted) {
      try {
        since ??= await this.#list();
        for await (const event of this.#client.watch<HeatStack>(HEAT_STACKS, {
          namespace: this.#namespace,
          resourceVersion: since,
          timeoutSeconds: WATCH_SECONDS,
          signal,
        })) {
          if (event.type === 'BOOKMARK') {
            since = event.resourceVersion;
          } else {
            this.#record(event.type, event.object);
            since = event.object.metadata.resourceVersion;
          }
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#problem = error;
        if (isKubeError(error, 'Expired')) since = undefined;
        // A scenario may have stopped the API server.
        await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  #record(event: Version['event'], object: HeatStack): void {
    writeSync(this.#file, `${versionLine(event, object)}\n`);
    const { uid, resourceVersion } = object.metadata;
    if (event === 'DELETED') this.#recorded.delete(uid);
    else this.#recorded.set(uid, resourceVersion);
    const { resolve } = this.#change;
    this.#change = Promise.withResolvers();
    resolve();
  }
}
