import { GROUP, KIND, OUTPUTS_OF } from '../api/constants.ts';
import { type CacheEvent, type KubeObject, keyOf, type OwnerReference } from '../kube/index.ts';
import type { DataKind } from './data-object.ts';

/** A Secret or ConfigMap as the cache holds it: its name and version, and which HeatStack it was written for. */
export interface CachedData extends KubeObject {
  /** Of the HeatStack; missing when the operator didn't write the object. */
  writtenFor?: { uid: string; name: string };
  /** It is kept because a HeatStack needs it. */
  inUse?: boolean;
}

/** What the operator's watches know of Secrets and ConfigMaps. */
export interface WatchedObjects {
  /** `uid/resourceVersion` of an object; `undefined` when it isn't known. */
  versionOf(kind: DataKind, namespace: string, name: string): string | undefined;
  /** Whether every object of the kind is watched: then one that isn't known isn't there. */
  seesAll(kind: DataKind): boolean;
  /** The objects that were written for the HeatStack with this uid. */
  writtenFor(uid: string): CachedData[];
}

/** The object that controls this one. */
export function controllerOf({ metadata }: KubeObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true);
}

/**
 * The HeatStack that an object was written for. The owner alone doesn't tell: people make a HeatStack the owner of other
 * objects too, to have them deleted along with it.
 */
export function writtenFor(object: KubeObject): CachedData['writtenFor'] {
  const owner = controllerOf(object);
  if (owner?.kind !== KIND || !owner.apiVersion.startsWith(`${GROUP}/`)) return undefined;
  if (object.metadata.annotations?.[OUTPUTS_OF] === undefined) return undefined;
  return { uid: owner.uid, name: owner.name };
}

/** Which objects of one kind were written for which HeatStack, so that what nobody asks for any more is found. */
export class WrittenObjects {
  readonly #objects = new Map<string, Map<string, CachedData>>();

  /** Takes over what changed in a cache of Secrets or ConfigMaps. */
  update({ type, object, old }: CacheEvent<CachedData>): void {
    if (old?.writtenFor) this.#remove(old.writtenFor.uid, old);
    if (!object.writtenFor) return;
    const { uid } = object.writtenFor;
    if (type === 'deleted') this.#remove(uid, object);
    else this.#of(uid).set(keyOf(object.metadata), object);
  }

  /** The objects that were written for the HeatStack with this uid. */
  writtenFor(uid: string): CachedData[] {
    return [...(this.#objects.get(uid)?.values() ?? [])];
  }

  #of(uid: string): Map<string, CachedData> {
    const present = this.#objects.get(uid) ?? new Map<string, CachedData>();
    this.#objects.set(uid, present);
    return present;
  }

  #remove(uid: string, { metadata }: KubeObject): void {
    const present = this.#objects.get(uid);
    present?.delete(keyOf(metadata));
    if (present?.size === 0) this.#objects.delete(uid);
  }
}
