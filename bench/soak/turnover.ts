import { setTimeout as sleep } from 'node:timers/promises';
import { HEAT_STACKS } from '../../src/api/constants.ts';
import type { KubeClient } from '../../src/kube/index.ts';
import { type HeatStackObject, specOf } from '../operator/fleet.ts';
import { oneOf } from '../replicas/random.ts';

/** Requests of the benchmark itself under way at once: an API server that is slow for a moment changes no rate. */
const WRITERS = 8;
/** How likely an object is deleted, and another one made, when it is chosen; else it is changed. */
const REPLACE_SHARE = 0.25;
/** How likely Heat fails at what is made or changed. */
const FAIL_SHARE = 0.1;
/** Later than this, what was missed is left out, in ms: the rate shall be the same all the time. */
const LATE_MS = 2000;

export interface TurnoverOptions {
  client: KubeClient;
  namespaces: readonly string[];
  /** How many objects there are at any time. */
  size: number;
  /** Requests a second. */
  rate: number;
  random(): number;
  signal: AbortSignal;
}

interface Living {
  namespace: string;
  name: string;
  value: string;
  /** A request for it is under way. */
  isBusy: boolean;
}

/**
 * HeatStacks of which some are changed, and some replaced by others, at the same rate all the time. No name is used twice:
 * what is kept by name or uid, and never given back, adds up.
 */
export class Turnover {
  readonly #options: TurnoverOptions;
  readonly #living: Living[] = [];
  readonly #gone: string[] = [];
  #number = 0;
  readonly counts = { created: 0, updated: 0, deleted: 0, failing: 0 };

  constructor(options: TurnoverOptions) {
    this.#options = options;
  }

  /** All requests so far. */
  get changes(): number {
    const { created, updated, deleted } = this.counts;
    return created + updated + deleted;
  }

  /** What there shall be now; without a value, what shall be gone. */
  get wanted(): { name: string; value: string | undefined }[] {
    return [...this.#living, ...this.#gone.map((name) => ({ name, value: undefined }))];
  }

  /** Makes all objects, as fast as it goes. */
  async begin(): Promise<void> {
    const missing = Array.from({ length: this.#options.size }).values();
    const writer = async (): Promise<void> => {
      for (const _ of missing) await this.#create();
    };
    await Promise.all(Array.from({ length: WRITERS }, writer));
  }

  /** Changes objects until the time is over, by `Date.now()`. */
  async run(until: number): Promise<void> {
    const { rate, random, signal } = this.#options;
    const pause = (1000 * WRITERS) / rate;
    const writer = async (next: number): Promise<void> => {
      while (next < until) {
        await sleep(Math.max(0, next - Date.now()), undefined, { signal });
        const requests = await this.#change(random() < REPLACE_SHARE);
        next = Math.max(next + requests * pause, Date.now() - LATE_MS);
      }
    };
    const now = Date.now();
    await Promise.all(Array.from({ length: WRITERS }, (_, at) => writer(now + (at * pause) / WRITERS)));
  }

  /** Replaces or updates one of those that no request is under way for. @returns how many requests it took */
  async #change(replace: boolean): Promise<number> {
    const idle = this.#living.filter(({ isBusy }) => !isBusy);
    const one = oneOf(this.#options.random, idle);
    if (!one) return 1;
    one.isBusy = true;
    if (!replace) {
      await this.#update(one, this.#newValue());
      one.isBusy = false;
      return 1;
    }
    await this.#delete(one);
    await this.#create();
    return 2;
  }

  /** Changes those for good at which Heat was to fail. */
  async heal(): Promise<void> {
    for (const one of this.#living) if (fails(one.value)) await this.#update(one, `${++this.#number}`);
  }

  /** Deletes all objects. */
  async end(): Promise<void> {
    for (const one of [...this.#living]) await this.#delete(one);
  }

  #newValue(): string {
    const isToFail = this.#options.random() < FAIL_SHARE;
    if (isToFail) this.counts.failing += 1;
    return `${isToFail ? 'fail-' : ''}${++this.#number}`;
  }

  async #create(): Promise<void> {
    const { client, namespaces, signal } = this.#options;
    const value = this.#newValue();
    const namespace = namespaces[this.#number % namespaces.length] ?? '';
    const name = `stack-${this.#number}`;
    const object = { metadata: { namespace, name }, spec: specOf(value) };
    await client.create<HeatStackObject>(HEAT_STACKS, object, { signal });
    this.#living.push({ namespace, name, value, isBusy: false });
    this.counts.created += 1;
  }

  async #update(one: Living, value: string): Promise<void> {
    const { client, signal } = this.#options;
    const { namespace, name } = one;
    await client.mergePatch(
      HEAT_STACKS,
      { namespace, name },
      { spec: { parameters: { value } } },
      { signal },
    );
    one.value = value;
    this.counts.updated += 1;
  }

  async #delete(one: Living): Promise<void> {
    const { client, signal } = this.#options;
    const { namespace, name } = one;
    await client.delete(HEAT_STACKS, { namespace, name }, { signal });
    this.#living.splice(this.#living.indexOf(one), 1);
    this.#gone.push(name);
    this.counts.deleted += 1;
  }
}

/** As the stand-in for Heat reads it. */
function fails(value: string): boolean {
  return value.startsWith('fail');
}
