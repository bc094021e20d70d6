import type { HeatStackSpec } from '../api/heat-stack.ts';
import type { CacheEvent, KubeObject } from '../kube/index.ts';
import type { DataKind } from './data-object.ts';

/** A HeatStack as the cache holds it: what is needed to notice a change. No template, no resources. */
export interface CachedStack extends KubeObject {
  /** Keys of the objects that the spec names, as in {@link referenceKey}. */
  references: string[];
  /** Name of the Secret with the credentials, if the HeatStack may have a stack to delete. */
  credentials?: string;
}

/** Names a ConfigMap or Secret. */
export function referenceKey(kind: DataKind, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

/** The ConfigMaps and Secrets that a spec names, to read them or to write outputs to them. */
export function referencesOf(spec: HeatStackSpec, namespace: string): string[] {
  const { secretName, configMapName } = spec.outputs ?? {};
  return [
    ...sourcesOf(spec, namespace),
    ...(secretName === undefined ? [] : [referenceKey('Secret', namespace, secretName)]),
    ...(configMapName === undefined ? [] : [referenceKey('ConfigMap', namespace, configMapName)]),
  ];
}

/** The ConfigMaps and Secrets that a spec reads. */
export function sourcesOf(spec: HeatStackSpec, namespace: string): string[] {
  const { configMapKeyRef, secretKeyRef } = spec.template ?? {};
  return [
    referenceKey('Secret', namespace, spec.cloudCredentialsRef.secretName),
    ...(configMapKeyRef ? [referenceKey('ConfigMap', namespace, configMapKeyRef.name)] : []),
    ...(secretKeyRef ? [referenceKey('Secret', namespace, secretKeyRef.name)] : []),
  ];
}

/** Which HeatStacks name which ConfigMap or Secret, so that a change of one is a look-up and no search. */
export class ReferenceIndex {
  readonly #users = new Map<string, Set<string>>();

  /** Takes over what changed in the cache of HeatStacks. */
  update({ type, key, object, old }: CacheEvent<CachedStack>): void {
    const isDeleted = type === 'deleted';
    // A deletion that was only noticed by a new list comes with the object as it was, and without `old`.
    const before = (old ?? (isDeleted ? object : undefined))?.references ?? [];
    const after = isDeleted ? [] : object.references;
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
