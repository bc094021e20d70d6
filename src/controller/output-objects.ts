import type { Outcome } from '../api/conditions.ts';
import { ANNOTATIONS, GROUP, KIND, OUTPUTS_OF, VERSION } from '../api/constants.ts';
import type { HeatStackSpec } from '../api/heat-stack.ts';
import { CONFIG_MAPS, isKubeError, type KubeError, type ResourceType, SECRETS } from '../kube/index.ts';
import type { Output } from '../openstack/index.ts';
import { chooseOutputs } from './chosen-outputs.ts';
import { type DataKind, type DataObject, dataOf, encodeData } from './data-object.ts';
import { DIGEST_KEY_SECRET } from './operator-keys.ts';
import { type Reconciliation, TryAgain } from './reconciliation.ts';
import { referenceKey, referencesOf, sourcesOf } from './references.ts';
import { type CachedData, controllerOf } from './written-objects.ts';

/** The most that the API server lets a Secret or ConfigMap hold. */
const MAX_BYTES = 1024 * 1024;
const WRITE_ROUNDS = 4;
/** Another program that undoes what is written here is answered this often at most: each answer costs a look at Heat. */
const RESTORE_MS = 10_000;
/** Keys by which other programs know what is theirs to change or delete. */
const FOREIGN_KEY = /^([^/]*\.)?(kubernetes\.io|k8s\.io|helm\.sh|argoproj\.io|fluxcd\.io|heatstack\.dev)\//i;
const TYPES: Record<DataKind, ResourceType> = { Secret: SECRETS, ConfigMap: CONFIG_MAPS };

/** Why the objects aren't as they should be. */
export type OutputProblem = Extract<Outcome, { state: 'retrying' | 'stalled' }>;

/** Where the outputs of a stack come from. */
export interface OutputSource {
  /** Whether they were read already, and cost no request any more. */
  readonly outputsRead: boolean;
  /** The outputs; `undefined` when the answer with them is too large. */
  outputs(): Promise<readonly Output[] | undefined>;
}

/** An object that the spec asks for. */
interface Target {
  kind: DataKind;
  name: string;
  /** As `spec.outputs.secretName: Secret "web"`, for messages. */
  label: string;
}

/**
 * The Secret and the ConfigMap that a HeatStack's outputs go to.
 *
 * An object is the HeatStack's when its controller is, by uid; one that isn't is never written to. What an object holds
 * is compared with a digest in the status, so that neither a resync nor a restart asks Heat for the outputs again.
 */
export class OutputObjects {
  readonly #run: Reconciliation;
  readonly #spec: NonNullable<HeatStackSpec['outputs']>;
  readonly #targets: Target[];
  readonly #refusal: OutputProblem | undefined;
  #found: OutputProblem | undefined;
  #right = true;

  constructor(run: Reconciliation) {
    this.#run = run;
    this.#spec = run.spec.outputs ?? {};
    const { secretName, configMapName } = this.#spec;
    this.#targets = [
      ...(secretName === undefined ? [] : [target('Secret', secretName, 'secretName')]),
      ...(configMapName === undefined ? [] : [target('ConfigMap', configMapName, 'configMapName')]),
    ];
    this.#refusal = this.#refuseSpec();
  }

  /** Whether all objects were as they should be at the {@link look}. */
  get right(): boolean {
    return this.#right;
  }

  /** Whether what is wrong was said already, and waits for somebody to put it right. */
  get refusedAsBefore(): boolean {
    const { outputsRefused } = this.#run.memory;
    return outputsRefused !== undefined && outputsRefused.found === this.#found?.message;
  }

  /** How long to wait before what others changed is put right once more, in ms. */
  get restoreInMs(): number {
    return (this.#run.memory.outputsRestoredAt ?? Number.NEGATIVE_INFINITY) + RESTORE_MS - this.#run.now;
  }

  /** Deletes the objects of a kind that isn't asked for any more, whatever the state of the stack. */
  async dropUnasked(): Promise<void> {
    const asked = new Set(this.#targets.map(({ kind }) => kind));
    await this.#drop((object) => !asked.has(kindOf(object)));
  }

  /** Looks whether the objects are as they were written. It asks the API server only for those that changed since. */
  async look(): Promise<void> {
    this.#forget();
    this.#found = this.#refusal;
    this.#right = this.#found === undefined && this.#leftovers().length === 0;
    if (this.#found) return;
    for (const each of this.#targets) {
      const state = await this.#check(each);
      if (state !== 'right') this.#right = false;
      if (typeof state === 'object') this.#found ??= state;
    }
  }

  /**
   * Writes the outputs of a stack that is as wanted, and notes in the status where they are.
   *
   * @param drifted another client changed the stack, so its outputs aren't those of the wanted inputs
   * @returns why the objects aren't as they should be; `undefined` when they are
   */
  async bring(source: OutputSource, drifted: boolean): Promise<OutputProblem | undefined> {
    const { memory, status } = this.#run;
    const problem = this.#refusal ?? (await this.#bring(source, drifted));
    delete memory.outputsRefused;
    if (problem?.state === 'stalled') memory.outputsRefused = { found: this.#found?.message };
    if (problem) this.#noteKeys(new Map());
    // What isn't as it should be must be written at the next look, whatever it holds.
    if (problem || this.#targets.length === 0) delete status.outputsDigest;
    return problem;
  }

  async #bring(source: OutputSource, drifted: boolean): Promise<OutputProblem | undefined> {
    const [first] = this.#targets;
    if (!first) return this.#drop(() => true);
    if (this.#right && (drifted || !source.outputsRead)) return undefined;
    if (drifted) {
      const cure = `set the annotation ${ANNOTATIONS.forceAt} to put the wanted ones back`;
      return (
        this.#found ??
        stalled(first, `is not written, since another client changed the stack's inputs; ${cure}`)
      );
    }
    const outputs = await source.outputs();
    if (!outputs) {
      const cure = 'let the template give fewer or smaller outputs';
      return stalled(first, `is not written, since the outputs are too large to be read from Heat; ${cure}`);
    }
    return this.#write(first, chooseOutputs(outputs, this.#spec.names).data);
  }

  async #write(first: Target, data: ReadonlyMap<string, string>): Promise<OutputProblem | undefined> {
    const { asked, before, memory, now, status } = this.#run;
    const bytes = sizeOf(data);
    if (bytes > MAX_BYTES) {
      const cure = 'choose fewer in spec.outputs.names';
      return stalled(
        first,
        `is not written: the outputs need ${bytes} bytes of at most ${MAX_BYTES}; ${cure}`,
      );
    }
    const digest = this.#digest(data);
    const isNews = digest !== before.outputsDigest;
    if (isNews || !this.#right) {
      let problem: OutputProblem | undefined;
      for (const each of this.#targets) {
        const other = await this.#put(each, data, digest);
        problem ??= other;
      }
      // Not before: until then the former object is all there is.
      problem ??= await this.#drop(() => true);
      if (problem) return problem;
      if (!isNews && !asked) memory.outputsRestoredAt = now;
    }
    status.outputsDigest = digest;
    this.#noteKeys(data);
    return undefined;
  }

  /** What is wrong with the spec. The CRD refuses most of it, but not what was there before the CRD did. */
  #refuseSpec(): OutputProblem | undefined {
    const { options, spec, namespace } = this.#run;
    const [first] = this.#targets;
    if (!first) return undefined;
    if (!options.outputObjects) {
      const cure = 'leave the name out, or have the operator run with --output-objects=true';
      return stalled(first, `is not written, since this operator writes no outputs to objects; ${cure}`);
    }
    if (this.#spec.secretName === DIGEST_KEY_SECRET) {
      return stalled(first, "isn't for outputs: it is the operator's own; take another name");
    }
    const sources = new Set(sourcesOf(spec, namespace));
    const taken = this.#targets.find(({ kind, name }) => sources.has(referenceKey(kind, namespace, name)));
    if (taken) return stalled(taken, 'is where the credentials or the inputs come from; take another name');
    for (const member of ['labels', 'annotations'] as const) {
      const key = Object.keys(this.#spec[member] ?? {}).find((each) => FOREIGN_KEY.test(each));
      if (key === undefined) continue;
      const message = `spec.outputs.${member}: the key "${key}" steers other programs; take a key of your own domain`;
      return { state: 'stalled', reason: 'InvalidConfiguration', message };
    }
    return undefined;
  }

  /** Whether an object is as it was written. */
  async #check(each: Target): Promise<'right' | 'wrong' | OutputProblem> {
    const { asked, before, memory, namespace, options } = this.#run;
    const version = options.objects.versionOf(each.kind, namespace, each.name);
    const known = memory.outputVersions.get(each.label);
    const isKnown = known !== undefined && known.version === version && known.digest === before.outputsDigest;
    if (isKnown && !asked) return 'right';
    let object: DataObject | undefined;
    try {
      object = await this.#get(each);
    } catch (error) {
      if (!isKubeError(error)) throw error;
      return 'wrong'; // the write says why
    }
    if (!object) return 'wrong';
    const refusal = this.#refuse(each, object);
    if (refusal) return refusal;
    const data = dataOf(object, each.kind);
    const digest = this.#digest(data);
    const isSame = digest === before.outputsDigest && this.#holds(each, object, data, false);
    if (!isSame) return object.immutable ? immutable(each) : 'wrong';
    this.#remember(each, object, digest);
    return 'right';
  }

  /** Why an object that is there must not be written to. */
  #refuse(each: Target, object: DataObject): OutputProblem | undefined {
    const owner = controllerOf(object);
    if (owner?.uid !== this.#run.memory.uid) {
      const whose = owner ? `belongs to ${owner.kind} "${owner.name}"` : "isn't this object's own";
      return stalled(
        each,
        `is there already and ${whose}, so it is left alone; delete it or take another name`,
      );
    }
    if (each.kind === 'Secret' && object.type !== 'Opaque') {
      return stalled(each, 'is not of type Opaque; delete it, and it is made anew');
    }
    return undefined;
  }

  /** Creates or replaces an object, unless it is right or must not be touched. */
  async #put(
    each: Target,
    data: ReadonlyMap<string, string>,
    digest: string,
  ): Promise<OutputProblem | undefined> {
    const { before, options, signal } = this.#run;
    // What was asked for before goes; what others add while nothing else changes stays.
    const exactly = digest !== before.outputsDigest;
    let verb = 'get';
    for (let round = 0; round < WRITE_ROUNDS; round += 1) {
      try {
        verb = 'get';
        const object = await this.#get(each);
        const refusal = object && this.#refuse(each, object);
        if (refusal) return refusal;
        if (object && this.#holds(each, object, data, exactly)) {
          this.#remember(each, object, digest);
          return undefined;
        }
        if (object?.immutable) return immutable(each);
        if (object?.metadata.deletionTimestamp !== undefined) {
          const message = `${each.label} is being deleted; it is made anew once it is gone`;
          return { state: 'retrying', reason: 'TransientError', message };
        }
        verb = object ? 'update' : 'create';
        const type = TYPES[each.kind];
        const after = {
          ...(each.kind === 'Secret' ? { type: 'Opaque' } : {}),
          data: encodeData(data, each.kind),
        };
        const { client } = options;
        let written: DataObject;
        if (object) {
          // With the version that was seen to be ours: whatever has the name by now is a conflict.
          const { apiVersion, kind } = object;
          const metadata = { ...object.metadata, ...this.#marks() };
          written = await client.replace<DataObject>(
            type,
            { apiVersion, kind, metadata, ...after },
            { signal },
          );
        } else {
          const metadata = { ...this.#ref(each), ...this.#marks(), ownerReferences: [this.#owner()] };
          written = await client.create<DataObject>(type, { metadata, ...after }, { signal });
        }
        this.#remember(each, written, digest);
        return undefined;
      } catch (error) {
        if (!isKubeError(error)) throw error;
        if (!isKubeError(error, 'Conflict', 'AlreadyExists', 'NotFound')) return failed(each, verb, error);
      }
    }
    throw new TryAgain(`${each.label} changed again and again while it was written`);
  }

  /**
   * Deletes objects that were written for this HeatStack and that the spec doesn't ask for. They go by the version in which
   * they were seen to be ours.
   */
  async #drop(isMeant: (object: CachedData) => boolean): Promise<OutputProblem | undefined> {
    const { memory, namespace, options, signal } = this.#run;
    for (const object of this.#leftovers().filter(isMeant)) {
      const kind = kindOf(object);
      const { name, uid, resourceVersion } = object.metadata;
      try {
        await options.client.delete(TYPES[kind], { namespace, name }, { uid, resourceVersion, signal });
        memory.outputsDropped.add(uid);
      } catch (error) {
        if (!isKubeError(error)) throw error;
        // It changed, which its watch is about to tell.
        if (isKubeError(error, 'Conflict')) continue;
        return failed(
          { kind, name, label: `spec.outputs: ${kind} "${name}", not asked for any more,` },
          'delete',
          error,
        );
      }
    }
    return undefined;
  }

  /** Takes out of the memory what can't be of use any more. */
  #forget(): void {
    const { memory, options } = this.#run;
    const listed = new Set(options.objects.writtenFor(memory.uid).map(({ metadata }) => metadata.uid));
    for (const uid of memory.outputsDropped) if (!listed.has(uid)) memory.outputsDropped.delete(uid);
    const labels = new Set(this.#targets.map(({ label }) => label));
    for (const label of memory.outputVersions.keys())
      if (!labels.has(label)) memory.outputVersions.delete(label);
  }

  /** Objects that were written for this HeatStack, and that its spec doesn't name; none for an operator that writes none. */
  #leftovers(): CachedData[] {
    const { memory, namespace, options, spec } = this.#run;
    const written = options.outputObjects ? options.objects.writtenFor(memory.uid) : [];
    if (written.length === 0) return [];
    const named = new Set(referencesOf(spec, namespace));
    return written.filter((object) => {
      const { name, uid } = object.metadata;
      if (object.metadata.namespace !== namespace || memory.outputsDropped.has(uid)) return false;
      return !named.has(referenceKey(kindOf(object), namespace, name));
    });
  }

  /** Whether an object holds these data and the labels and annotations of the spec; `exactly` when no others. */
  #holds(
    { kind }: Target,
    { data = {}, binaryData = {}, metadata }: DataObject,
    wanted: ReadonlyMap<string, string>,
    exactly: boolean,
  ): boolean {
    const marks = this.#marks();
    return (
      Object.keys(binaryData).length === 0 &&
      covers(data, encodeData(wanted, kind), true) &&
      covers(metadata.labels ?? {}, marks.labels, exactly) &&
      covers(metadata.annotations ?? {}, marks.annotations, exactly)
    );
  }

  #marks(): { labels: Record<string, string>; annotations: Record<string, string> } {
    const { labels = {}, annotations = {} } = this.#spec;
    return { labels, annotations: { ...annotations, [OUTPUTS_OF]: this.#run.name } };
  }

  /** Also over names and labels: another wish is to be carried out though it gives the same data. */
  #digest(data: ReadonlyMap<string, string>): string {
    const { names, labels = {}, annotations = {} } = this.#spec;
    const content = [Object.fromEntries(data), names ?? null, labels, annotations];
    return this.#run.options.digester.outputs(this.#run.key, content);
  }

  #remember(each: Target, { metadata }: DataObject, digest: string): void {
    const version = `${metadata.uid}/${metadata.resourceVersion}`;
    this.#run.memory.outputVersions.set(each.label, { version, digest });
  }

  #noteKeys(data: ReadonlyMap<string, string>): void {
    const { status } = this.#run;
    const { secretName } = this.#spec;
    if (!status.outputs) return;
    status.outputs = status.outputs.map(({ secretKeyRef: _, ...output }) =>
      secretName !== undefined && data.has(output.name)
        ? { ...output, secretKeyRef: { name: secretName, key: output.name } }
        : output,
    );
  }

  /** It takes the object along when the HeatStack goes, which doesn't wait for it. */
  #owner() {
    const { memory, name } = this.#run;
    return { apiVersion: `${GROUP}/${VERSION}`, kind: KIND, name, uid: memory.uid, controller: true };
  }

  #ref({ name }: Target) {
    return { namespace: this.#run.namespace, name };
  }

  #get(each: Target): Promise<DataObject | undefined> {
    const { options, signal } = this.#run;
    return options.client.get<DataObject>(TYPES[each.kind], this.#ref(each), { signal });
  }
}

function target(kind: DataKind, name: string, field: string): Target {
  return { kind, name, label: `spec.outputs.${field}: ${kind} "${name}"` };
}

function kindOf({ kind }: CachedData): DataKind {
  return kind === 'Secret' ? 'Secret' : 'ConfigMap';
}

function stalled({ label }: Target, what: string): OutputProblem {
  return { state: 'stalled', reason: 'InvalidConfiguration', message: `${label} ${what}` };
}

function immutable(each: Target): OutputProblem {
  return stalled(each, 'is marked immutable and differs from the outputs; delete it, and it is made anew');
}

/** What an answer of the API server means. Its text isn't shown: it may quote what was written. */
function failed({ kind, label }: Target, verb: string, error: KubeError): OutputProblem {
  const resources = TYPES[kind].plural;
  switch (error.code) {
    case 'Forbidden': {
      const cure = `give its ServiceAccount the verb "${verb}" on ${resources}, or look for a quota or an admission policy that is in the way`;
      const message = `${label}: the API server doesn't let the operator ${verb} ${resources} (403); ${cure}`;
      return { state: 'retrying', reason: 'Forbidden', message };
    }
    case 'Invalid':
    case 'BadRequest':
      return stalled(
        { kind, name: '', label },
        `is refused by the API server (${error.status}); correct spec.outputs`,
      );
    default: {
      const message = `${label}: the API server didn't ${verb} it (${error.code})`;
      return { state: 'retrying', reason: 'TransientError', message };
    }
  }
}

/** What data take in the API server's store, where the list of keys stands twice (in managedFields). */
function sizeOf(data: ReadonlyMap<string, string>): number {
  let bytes = 0;
  for (const [key, text] of data) bytes += 2 * key.length + Buffer.byteLength(text);
  return bytes;
}

/** Whether `present` has all of `wanted`; `exactly` when nothing else. */
function covers(present: Record<string, string>, wanted: Record<string, string>, exactly: boolean): boolean {
  const entries = Object.entries(wanted);
  return (
    entries.every(([key, value]) => Object.hasOwn(present, key) && present[key] === value) &&
    (!exactly || Object.keys(present).length === entries.length)
  );
}
