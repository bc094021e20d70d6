import type { KubeObject } from './objects.ts';

/** The objects a reflector knows, by key. They are shared: read them, never change them. */
export interface Cache<T extends KubeObject> {
  get(key: string): T | undefined;
  list(): T[];
  readonly size: number;
}

/** A change of the cache; the cache already shows it when the event is handed out. */
export interface CacheEvent<T extends KubeObject> {
  type: 'added' | 'updated' | 'deleted';
  /** `namespace/name`, or `name` of a cluster-scoped object. */
  key: string;
  /** The object as it is now; for `deleted` the last state known. */
  object: T;
  /** For `updated`: the object as it was before. */
  old?: T;
  /** Whether it comes from the very first list, that is: nothing happened, we have only just started. */
  initial: boolean;
}
