import { setTimeout as sleep } from 'node:timers/promises';
import { HEAT_STACKS } from '../../src/api/constants.ts';
import type { Json } from '../../src/json.ts';
import { isKubeError, type KubeClient, type KubeObject, NAMESPACES, SECRETS } from '../../src/kube/index.ts';
import { TestbedError } from '../../test/testbed/errors.ts';
import { follow } from './follow.ts';

/** Requests of the benchmark itself under way at once. */
const WRITERS = 16;
const TEMPLATE_BYTES = 4096;
const SECRET = 'cloud';
/** How often a condition is looked at, in ms. */
const LOOK_MS = 100;

export interface HeatStackObject extends KubeObject {
  spec: { [field: string]: Json };
  status?: {
    observedGeneration?: number;
    id?: string;
    conditions?: {
      type: string;
      status: string;
      reason?: string;
      message?: string;
      observedGeneration?: number;
    }[];
  };
}

interface Seen {
  generation: number;
  isReady: boolean;
}

export interface FleetOptions {
  client: KubeClient;
  /** Begins the names of its namespaces and objects. */
  prefix: string;
  size: number;
  namespaces: number;
  /** Each namespace has credentials for a project of its own. */
  cloudsYaml: (project: string) => string;
  signal: AbortSignal;
}

/** The HeatStacks of one measurement, which this makes and changes, and watches an operator bring about. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #names: { namespace: string; name: string }[];
  readonly #seen = new Map<string, Seen>();
  readonly #watching = new AbortController();
  #watch: Promise<void> | undefined;
  #generation = 0;
  #changes = 0;
  #own = 0;
  #lastChangeAt = 0;
  #ready = 0;

  constructor(options: FleetOptions) {
    const { prefix, size, namespaces } = options;
    this.#options = options;
    this.#names = Array.from({ length: size }, (_, at) => ({
      namespace: `${prefix}-${at % namespaces}`,
      name: `${prefix}-${String(at).padStart(5, '0')}`,
    }));
  }

  /** How often others than this changed one of the objects. */
  get changes(): number {
    return this.#changes - this.#own;
  }

  /** When an object changed last, by `performance.now()`. */
  get lastChangeAt(): number {
    return this.#lastChangeAt;
  }

  /** How many objects are ready with what they say now. */
  get ready(): number {
    return this.#ready;
  }

  /** How many objects there are. */
  get size(): number {
    return this.#seen.size;
  }

  /** Makes the namespaces and the Secrets, and begins to watch. */
  async prepare(): Promise<void> {
    const { client, cloudsYaml, prefix, namespaces, signal } = this.#options;
    for (let at = 0; at < namespaces; at += 1) {
      await createNamespace(client, `${prefix}-${at}`, cloudsYaml(`project-${at}`), signal);
    }
    const { resourceVersion } = await client.list(HEAT_STACKS, { signal });
    const watching = AbortSignal.any([signal, this.#watching.signal]);
    this.#watch = follow<HeatStackObject>(
      client,
      HEAT_STACKS,
      { resourceVersion, signal: watching },
      (object, gone) => this.#note(object, gone),
    );
    this.#watch.catch(() => undefined);
  }

  async create(): Promise<void> {
    const { client, signal } = this.#options;
    this.#generation = 1;
    await this.#each(async ({ namespace, name }) => {
      const object = { metadata: { namespace, name }, spec: specOf(this.#generation) };
      await client.create<HeatStackObject>(HEAT_STACKS, object, { signal });
    });
    this.#own += this.#names.length;
  }

  /** Changes a parameter of every object. */
  async update(): Promise<void> {
    const { client, signal } = this.#options;
    this.#generation += 1;
    this.#ready = 0;
    const parameters = { value: String(this.#generation) };
    await this.#each((ref) => client.mergePatch(HEAT_STACKS, ref, { spec: { parameters } }, { signal }));
    this.#own += this.#names.length;
  }

  async delete(): Promise<void> {
    const { client, signal } = this.#options;
    await this.#each((ref) => client.delete(HEAT_STACKS, ref, { signal }));
    this.#own += this.#names.length;
  }

  /**
   * Waits until something holds.
   *
   * @param timeoutMs how long it may take
   * @throws TestbedError when it doesn't hold in time
   */
  async until(holds: () => boolean, what: string, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!holds()) {
      this.#options.signal.throwIfAborted();
      if (performance.now() > deadline) {
        const state = `${this.ready} of ${this.size} are ready`;
        throw new TestbedError(`${what} took longer than ${timeoutMs / 1000} s; ${state}`);
      }
      await Promise.race([sleep(LOOK_MS), this.#watch]);
    }
  }

  async close(): Promise<void> {
    this.#watching.abort();
    await this.#watch?.catch(() => undefined);
  }

  #note(object: HeatStackObject, gone: boolean): void {
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    this.#lastChangeAt = performance.now();
    const before = this.#seen.get(key);
    if (before?.isReady && before.generation >= this.#generation) this.#ready -= 1;
    if (gone) {
      this.#seen.delete(key);
      return;
    }
    this.#changes += 1;
    const generation = object.metadata.generation ?? 0;
    const isReady = isReadyNow(object);
    if (isReady && generation >= this.#generation) this.#ready += 1;
    this.#seen.set(key, { generation, isReady });
  }

  async #each(act: (ref: { namespace: string; name: string }) => Promise<unknown>): Promise<void> {
    const left = this.#names.values();
    const writer = async (): Promise<void> => {
      for (const ref of left) {
        await act(ref).catch((error: unknown) => {
          if (!isKubeError(error, 'NotFound')) throw error;
        });
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, writer));
  }
}

/** Whether an object is ready with what it says now. */
export function isReadyNow({ metadata, status }: HeatStackObject): boolean {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && status?.observedGeneration === metadata.generation;
}

/** Makes a namespace with the Secret that {@link specOf} names. */
export async function createNamespace(
  client: KubeClient,
  namespace: string,
  cloudsYaml: string,
  signal: AbortSignal,
): Promise<void> {
  await client.create(NAMESPACES, { metadata: { name: namespace } }, { signal });
  const secret = { metadata: { name: SECRET, namespace }, data: dataOf(cloudsYaml) };
  await client.create<KubeObject & { data: object }>(SECRETS, secret, { signal });
}

/** Replaces the credentials of a namespace. */
export async function changeCredentials(
  client: KubeClient,
  namespace: string,
  cloudsYaml: string,
  signal: AbortSignal,
): Promise<void> {
  await client.mergePatch(SECRETS, { namespace, name: SECRET }, { data: dataOf(cloudsYaml) }, { signal });
}

function dataOf(cloudsYaml: string): { [file: string]: string } {
  return { 'clouds.yaml': Buffer.from(cloudsYaml).toString('base64') };
}

/** A HeatStack whose parameter has this value. */
export function specOf(value: number | string): { [field: string]: Json } {
  return {
    cloudCredentialsRef: { secretName: SECRET, cloudName: 'openstack' },
    template: { inline: template() },
    parameters: { value: String(value) },
    // No second look while it is measured, by the clock.
    resyncPeriod: '10m',
  };
}

/** A template of 4 KiB with five resources. */
function template(): string {
  const head = `heat_template_version: 2018-08-31
description: A stack of the benchmark
parameters:
  value: {type: string}
outputs:
  value: {value: {get_param: value}}
resources:
`;
  const resources = Array.from({ length: 5 }, (_, at) => `  r${at}:\n    type: OS::Heat::RandomString\n`);
  const text = `${head}${resources.join('')}`;
  const line = '# A comment, so that the template is as long as one that has something to do.\n';
  return `${text}${line.repeat(Math.ceil((TEMPLATE_BYTES - text.length) / line.length))}`.slice(
    0,
    TEMPLATE_BYTES,
  );
}
