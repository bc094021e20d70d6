import { setTimeout as sleep } from 'node:timers/promises';
import { HEAT_STACKS } from '../../src/api/constants.ts';
import { isKubeError, type KubeClient } from '../../src/kube/index.ts';
import { type HeatStackObject, specOf } from '../operator/fleet.ts';
import type { Wanted } from './audit.ts';
import { oneOf } from './random.ts';

/** How many objects are made at once in the beginning. */
const WRITERS = 8;
/** How likely an object is deleted when it is chosen; else it is changed. So most are there at any time. */
const DELETE_SHARE = 0.2;

export interface ChurnOptions {
  client: KubeClient;
  namespace: string;
  /** Labels of each object, one after the other. */
  labels: readonly Record<string, string>[];
  size: number;
  /** Changes a second. */
  rate: number;
  random(): number;
  signal: AbortSignal;
}

interface Slot {
  name: string;
  labels: Record<string, string>;
  value: string | undefined;
  made: number[];
}

/** HeatStacks that are made, changed, deleted and made again. */
export class Churn {
  readonly #options: ChurnOptions;
  readonly #slots: Slot[];
  #value = 0;
  readonly counts = { created: 0, updated: 0, deleted: 0 };

  constructor(options: ChurnOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.size }, (_, at) => ({
      name: `stack-${String(at).padStart(5, '0')}`,
      labels: options.labels[at % options.labels.length] ?? {},
      value: undefined,
      made: [],
    }));
  }

  /** What there shall be now. */
  get wanted(): readonly Wanted[] {
    return this.#slots;
  }

  /** Makes all objects, then changes them at random until the time is over, by `Date.now()`. */
  async run(until: number): Promise<void> {
    const { rate, random, signal } = this.#options;
    const left = this.#slots.values();
    const writer = async (): Promise<void> => {
      for (const slot of left) if (Date.now() < until) await this.#create(slot);
    };
    await Promise.all(Array.from({ length: WRITERS }, writer));
    for (;;) {
      const pause = ((0.5 + random()) * 1000) / rate;
      if (Date.now() + pause >= until) return;
      await sleep(pause, undefined, { signal });
      const slot = oneOf(random, this.#slots);
      if (slot) await this.#change(slot);
    }
  }

  async #change(slot: Slot): Promise<void> {
    if (slot.value === undefined) return this.#create(slot);
    return this.#options.random() < DELETE_SHARE ? this.#delete(slot) : this.#update(slot);
  }

  async #create(slot: Slot): Promise<void> {
    const { client, namespace, signal } = this.#options;
    const { name, labels } = slot;
    const value = ++this.#value;
    const at = Date.now();
    try {
      const object = { metadata: { namespace, name, labels }, spec: specOf(value) };
      await client.create<HeatStackObject>(HEAT_STACKS, object, { signal });
    } catch (error) {
      // The former one is still being deleted.
      if (isKubeError(error, 'AlreadyExists')) return;
      throw error;
    }
    slot.made.push(at);
    slot.value = String(value);
    this.counts.created += 1;
  }

  async #update(slot: Slot): Promise<void> {
    const { client, namespace, signal } = this.#options;
    const value = String(++this.#value);
    const patch = { spec: { parameters: { value } } };
    await client.mergePatch(HEAT_STACKS, { namespace, name: slot.name }, patch, { signal });
    slot.value = value;
    this.counts.updated += 1;
  }

  async #delete(slot: Slot): Promise<void> {
    const { client, namespace, signal } = this.#options;
    await client.delete(HEAT_STACKS, { namespace, name: slot.name }, { signal });
    slot.value = undefined;
    this.counts.deleted += 1;
  }
}
