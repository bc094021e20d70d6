import { createHash } from 'node:crypto';
import { FINALIZER } from '../api/constants.ts';
import type { HeatStack, HeatStackSpec, HeatStackStatus } from '../api/heat-stack.ts';
import { canonicalJson, isTooDeep } from '../json.ts';
import type { CacheEvent, LabelSelector } from '../kube/index.ts';
import { type Idle, idle } from './at-rest.ts';
import type { DataKind } from './data-object.ts';
import { readyOf } from './own-status.ts';
import { type Countable, countable } from './stack-counts.ts';
import type { WatchedObjects } from './written-objects.ts';

/** What a spec says of other objects. */
interface References {
  /** Keys of the objects that the spec names, as in {@link referenceKey}. */
  references: string[];
  /** Names of the HeatStacks whose outputs it uses. */
  producers: string[];
  /** Names of the HeatStacks that it waits for: these, and those of `spec.dependsOn`. */
  dependencies: string[];
}

/** A HeatStack as the cache holds it: what is needed to notice a change. No template, no resources. */
export interface CachedStack extends Countable, References {
  /** Name of the Secret with the credentials, if the HeatStack may have a stack to delete. */
  credentials?: string;
  deleting: boolean;
  /** Its stack isn't to be deleted with it. */
  detaches?: true;
  /** What it is at rest with, if no reconcile would find anything to do. */
  idle?: Idle;
  /** Why others can't build on it yet; see {@link whyNotReady}. */
  notReady: string | undefined;
  /** Another one when those that depend on it have something to look at. */
  state: string;
}

/** Names a ConfigMap, a Secret or a HeatStack. */
export function referenceKey(kind: DataKind | 'HeatStack', namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

/** The objects that a spec names, to read them, to wait for them, or to write outputs to them. */
export function referencesOf(spec: HeatStackSpec, namespace: string): string[] {
  const { secretName, configMapName } = spec.outputs ?? {};
  return [
    ...sourcesOf(spec, namespace),
    ...dependenciesOf(spec).map((name) => referenceKey('HeatStack', namespace, name)),
    ...(secretName === undefined ? [] : [referenceKey('Secret', namespace, secretName)]),
    ...(configMapName === undefined ? [] : [referenceKey('ConfigMap', namespace, configMapName)]),
  ];
}

/** The ConfigMaps and Secrets that a spec reads. */
export function sourcesOf(spec: HeatStackSpec, namespace: string): string[] {
  const { template, filesFrom = [], environments = [], parametersFrom = [], parameterValues = [] } = spec;
  const keys = new Set([referenceKey('Secret', namespace, spec.cloudCredentialsRef.secretName)]);
  const values = parameterValues.map(({ valueFrom }) => valueFrom);
  for (const { configMapKeyRef, secretKeyRef } of [template ?? {}, ...environments, ...values]) {
    if (configMapKeyRef) keys.add(referenceKey('ConfigMap', namespace, configMapKeyRef.name));
    if (secretKeyRef) keys.add(referenceKey('Secret', namespace, secretKeyRef.name));
  }
  for (const { configMapRef, secretRef } of [...filesFrom, ...parametersFrom]) {
    if (configMapRef) keys.add(referenceKey('ConfigMap', namespace, configMapRef.name));
    if (secretRef) keys.add(referenceKey('Secret', namespace, secretRef.name));
  }
  return [...keys];
}

/** Whether the watch tells of changes of an object, by its {@link referenceKey}. */
export function isSeen(objects: Pick<WatchedObjects, 'versionOf' | 'seesAll'>, reference: string): boolean {
  const [kind, namespace = '', name = ''] = reference.split('/');
  const dataKind = kind === 'Secret' ? 'Secret' : 'ConfigMap';
  return objects.seesAll(dataKind) || objects.versionOf(dataKind, namespace, name) !== undefined;
}

/** Names of the HeatStacks whose outputs a spec uses; none when it only observes a stack, which takes no inputs. */
export function producersOf({ managementPolicy, parameterValues = [] }: HeatStackSpec): string[] {
  if (managementPolicy === 'unmanaged') return [];
  const names = parameterValues.flatMap(({ valueFrom }) => valueFrom.heatStackOutputRef?.name ?? []);
  return [...new Set(names)];
}

/** Names of the HeatStacks that must be Ready before this one is created or updated. */
export function dependenciesOf(spec: HeatStackSpec): string[] {
  if (spec.managementPolicy === 'unmanaged') return [];
  const named = (spec.dependsOn ?? []).map(({ name }) => name);
  return [...new Set([...named, ...producersOf(spec)])];
}

/** Why others can't build on a HeatStack yet, as in "it …"; nothing when it is Ready with its newest spec. */
export function whyNotReady({
  metadata,
  status,
}: Pick<HeatStack, 'metadata' | 'status'>): string | undefined {
  const { deletionTimestamp, generation = 0 } = metadata;
  if (deletionTimestamp !== undefined) return 'is being deleted';
  const ready = readyOf(status);
  if (!ready || status.observedGeneration !== generation || ready.observedGeneration !== generation)
    return 'was not looked at yet';
  return ready.status === 'True' ? undefined : `is not Ready (${ready.reason.slice(0, MAX_REASON)})`;
}

const MAX_REASON = 64;
/** Of an object that was never looked at, as one can write it where the CRD isn't ours. */
const NO_STATUS: HeatStackStatus = { observedGeneration: -1 };

/**
 * What the cache keeps of a HeatStack.
 *
 * @param isMine tells by the labels whether it is this operator's to work on
 * @param known what the cache has of it: most changes are of the status alone
 */
export function toCached(
  raw: HeatStack,
  isMine: LabelSelector = () => true,
  known?: CachedStack,
): CachedStack {
  const { apiVersion, kind, metadata, spec, status = NO_STATUS } = raw;
  const { name, namespace = '', uid, resourceVersion, generation } = metadata;
  const hasSameSpec =
    generation !== undefined && known?.metadata.generation === generation && known.metadata.uid === uid;
  const { references, producers, dependencies } = hasSameSpec
    ? known
    : {
        references: referencesOf(spec, namespace),
        producers: producersOf(spec),
        dependencies: dependenciesOf(spec),
      };
  const notReady = whyNotReady({ metadata, status });
  const rest = idle({ ...raw, status });
  const mayHaveStack = metadata.finalizers?.includes(FINALIZER) ?? false;
  return {
    apiVersion,
    kind,
    metadata: {
      ...{ name, namespace, uid, resourceVersion },
      ...(generation === undefined ? {} : { generation }),
    },
    mine: isMine(metadata.labels),
    references,
    producers,
    dependencies,
    deleting: metadata.deletionTimestamp !== undefined,
    ...(spec.managedOptions?.onDelete === 'detach' ? { detaches: true as const } : {}),
    notReady,
    state: notReady ?? outputsVersion(raw),
    ...countable(status, metadata),
    ...(rest ? { idle: rest } : {}),
    ...(mayHaveStack ? { credentials: spec.cloudCredentialsRef.secretName } : {}),
  };
}

/** Differs when the outputs that a HeatStack shows, or where it shows them, are others. */
function outputsVersion({ spec, status }: HeatStack): string {
  const { outputs = [], outputsDigest = '' } = status;
  const { secretName = '', configMapName = '' } = spec.outputs ?? {};
  // A value that somebody else wrote may be of any depth.
  if (outputs.length === 0 || isTooDeep(outputs)) return '';
  const shown = canonicalJson([outputs, outputsDigest, secretName, configMapName]);
  return createHash('sha256').update(shown).digest('base64').slice(0, 22);
}

/** Which HeatStacks name which object, so that a change of one is a look-up and no search. */
export class ReferenceIndex {
  readonly #users = new Map<string, Set<string>>();

  /** Takes over what changed in the cache of HeatStacks. */
  update({ type, key, object, old }: CacheEvent<CachedStack>): void {
    const isDeleted = type === 'deleted';
    // A deletion that was only noticed by a new list comes with the object as it was, and without `old`.
    const before = (old ?? (isDeleted ? object : undefined))?.references ?? [];
    const after = isDeleted ? [] : object.references;
    // As after each write of a status.
    if (before.length === after.length && before.every((reference, at) => reference === after[at])) return;
    for (const reference of before) {
      const users = this.#users.get(reference);
      users?.delete(key);
      if (users?.size === 0) this.#users.delete(reference);
    }
    for (const reference of after) {
      const users = this.#users.get(reference);
      if (users) users.add(key);
      else this.#users.set(reference, new Set([key]));
    }
  }

  /** Keys of the HeatStacks that name it. */
  usersOf(reference: string): Iterable<string> {
    return this.#users.get(reference) ?? [];
  }
}
