import { HEAT_STACKS } from '../api/constants.ts';
import type { HeatStack, HeatStackSpec, OutputStatus } from '../api/heat-stack.ts';
import { isTooDeep } from '../json.ts';
import { CONFIG_MAPS, isKubeError, SECRETS } from '../kube/index.ts';
import { type DataKind, type DataObject, textsOf } from './data-object.ts';
import { type FoundOutput, InputError, type InputReader } from './input-sources.ts';
import type { Reconciliation } from './reconciliation.ts';
import { whyNotReady } from './references.ts';
import { controllerOf } from './written-objects.ts';

/** What is held of objects that one spec refers to, in characters: several of the largest. */
const MAX_LENGTH = 8 * 1024 * 1024;

interface ReadObject {
  texts: ReadonlyMap<string, string | undefined>;
  /** Uid of its controller. */
  owner: string | undefined;
}

/** What is kept of a HeatStack whose outputs are used. */
interface Producer {
  uid: string;
  notReady: string | undefined;
  /** As its spec has it. */
  wanted: NonNullable<HeatStackSpec['outputs']>;
  shown: readonly OutputStatus[];
  /** Its Secret and its ConfigMap hold the newest outputs. */
  written: boolean;
}

/** Reads what a spec refers to from the API server: each object once in a reconcile, for the watches keep no contents. */
export class ClusterReader implements InputReader {
  readonly #run: Reconciliation;
  readonly #objects = new Map<string, ReadObject | undefined>();
  readonly #producers = new Map<string, Producer | undefined>();
  #length = 0;

  constructor(run: Reconciliation) {
    this.#run = run;
  }

  /** @throws InputError when it is too much, or not allowed. */
  async read(kind: DataKind, name: string): Promise<ReadObject['texts'] | undefined> {
    return (await this.#object(kind, name))?.texts;
  }

  /**
   * The value as the producer shows it, once that is Ready with its newest spec: before, nobody knows what the value will
   * be. A value in a Secret or ConfigMap is text as it stands there, which is JSON for what was no text.
   *
   * @throws InputError as {@link read} does
   */
  async output(stack: string, output: string): Promise<FoundOutput> {
    const producer = await this.#producer(stack);
    const label = `HeatStack "${stack}"`;
    if (!producer)
      return { is: 'missing', why: `there is no ${label} in this namespace; create it or correct the name` };
    if (producer.notReady !== undefined) {
      const why = `${label} ${producer.notReady}; the operator goes on by itself once it is Ready`;
      return { is: 'awaited', why };
    }
    const shown = producer.shown.find(({ name }) => name === output);
    if (shown?.value !== undefined && shown.value !== null)
      return { is: 'given', value: shown.value, hidden: false };
    const written = await this.#written(producer, label, output);
    if (written) return written;
    if (!shown) {
      const cure = 'add it to its template or correct the name';
      return { is: 'missing', why: `${label} has no output "${output}"; ${cure}` };
    }
    if (shown.error !== undefined) {
      const cure =
        'correct that, or set its spec.outputs.secretName if the value is too large for the status';
      return {
        is: 'awaited',
        why: `${label} has no value for its output "${output}" (${shown.error}); ${cure}`,
      };
    }
    if (isAskedFor(producer.wanted, output))
      return { is: 'missing', why: `${label} has no value for its output "${output}"; correct its template` };
    const cure = 'name it in its spec.outputs.inStatus, or set its spec.outputs.secretName';
    return { is: 'unexposed', why: `${label} keeps the value of its output "${output}" to itself; ${cure}` };
  }

  /** The output in the Secret or the ConfigMap that the producer wrote, and nobody else. */
  async #written(
    { uid, wanted, written }: Producer,
    label: string,
    output: string,
  ): Promise<FoundOutput | undefined> {
    if (!written) return undefined;
    const { secretName, configMapName } = wanted;
    const places: [DataKind, string | undefined][] = [
      ['Secret', secretName],
      ['ConfigMap', configMapName],
    ];
    let lost: string | undefined;
    for (const [kind, name] of places) {
      if (name === undefined) continue;
      const object = await this.#object(kind, name);
      if (object?.owner !== uid) {
        lost ??= `${kind} "${name}"`;
        continue;
      }
      const text = object.texts.get(output);
      if (text !== undefined) return { is: 'given', value: text, hidden: kind === 'Secret' };
    }
    // Somebody deleted it, and it is about to be written again: what is optional must not count as taken away meanwhile.
    const why = `${label} has no ${lost} of its own any more; the operator goes on by itself once it is written again`;
    return lost === undefined ? undefined : { is: 'awaited', why };
  }

  async #object(kind: DataKind, name: string): Promise<ReadObject | undefined> {
    const key = `${kind}/${name}`;
    if (this.#objects.has(key)) return this.#objects.get(key);
    const found = await this.#get(kind, name);
    const object = found && { texts: textsOf(found, kind), owner: controllerOf(found)?.uid };
    for (const text of object?.texts.values() ?? []) this.#hold(text?.length ?? 0);
    this.#objects.set(key, object);
    return object;
  }

  async #get(kind: DataKind, name: string): Promise<DataObject | undefined> {
    const { namespace, options, signal } = this.#run;
    const type = kind === 'Secret' ? SECRETS : CONFIG_MAPS;
    try {
      return await options.client.get<DataObject>(type, { namespace, name }, { signal });
    } catch (error) {
      if (!isKubeError(error, 'Forbidden')) throw error;
      const cure = `give its ServiceAccount the verb "get" on it, or refer to another one`;
      const message = `the spec refers to ${kind} "${name}", which the API server doesn't let the operator get (403); ${cure}`;
      throw new InputError('Forbidden', message);
    }
  }

  async #producer(name: string): Promise<Producer | undefined> {
    if (!this.#producers.has(name)) this.#producers.set(name, await this.#readProducer(name));
    return this.#producers.get(name);
  }

  async #readProducer(name: string): Promise<Producer | undefined> {
    const { namespace, options, signal } = this.#run;
    const object = await options.client.get<HeatStack>(HEAT_STACKS, { namespace, name }, { signal });
    if (!object) return undefined;
    const { metadata, spec, status } = object;
    // A value that somebody else wrote may be of any depth.
    const shown = isTooDeep(status.outputs) ? [] : (status.outputs ?? []);
    this.#hold(JSON.stringify(shown).length);
    return {
      uid: metadata.uid,
      notReady: whyNotReady(object),
      wanted: spec.outputs ?? {},
      shown,
      written: status.outputsDigest !== undefined,
    };
  }

  #hold(length: number): void {
    this.#length += length;
    if (this.#length <= MAX_LENGTH) return;
    const most = `${MAX_LENGTH / 1024 / 1024} MiB together`;
    const message = `the objects that the spec refers to hold more than ${most}; refer to fewer or smaller ones`;
    throw new InputError('InvalidConfiguration', message);
  }
}

/** Whether a HeatStack is asked to show the value of an output somewhere. */
function isAskedFor(
  { inStatus = [], secretName, configMapName, names }: Producer['wanted'],
  output: string,
): boolean {
  if (inStatus.includes('*') || inStatus.includes(output)) return true;
  return (secretName !== undefined || configMapName !== undefined) && (names?.includes(output) ?? true);
}
