import { IN_USE_FINALIZER } from '../api/constants.ts';
import {
  type CacheEvent,
  isKubeError,
  type KubeClient,
  type KubeObject,
  type Result,
  SECRETS,
  type WorkQueue,
} from '../kube/index.ts';
import type { CachedStack } from './references.ts';
import type { CachedData } from './written-objects.ts';

/** Settings of {@link CredentialsInUse}. */
export interface CredentialsInUseOptions {
  client: Pick<KubeClient, 'get' | 'mergePatch'>;
  /** Where Secrets are queued whose finalizer isn't as it should be, as `namespace/name`. */
  queue: Pick<WorkQueue, 'add'>;
}

/**
 * Keeps the Secrets with credentials that HeatStacks still need to delete their stacks: they have a finalizer as long as
 * a HeatStack with a stack names them. So they outlive a deletion, of their namespace as well, until the last one is
 * gone or names another.
 *
 * It knows who needs what from the watches alone, and sends a request only when a finalizer is to be added or removed.
 */
export class CredentialsInUse {
  readonly #client: CredentialsInUseOptions['client'];
  readonly #queue: CredentialsInUseOptions['queue'];
  /** Keys of the HeatStacks that need a Secret, by the Secret's key. */
  readonly #users = new Map<string, Set<string>>();
  /** Keys of the Secrets that have the finalizer. */
  readonly #kept = new Set<string>();
  /** `uid/resourceVersion` that a Secret got by our own write, by its uid. */
  readonly #ownVersions = new Map<string, string>();

  constructor({ client, queue }: CredentialsInUseOptions) {
    this.#client = client;
    this.#queue = queue;
  }

  /** Takes over what changed in the cache of HeatStacks. */
  onStack({ type, key, object, old }: CacheEvent<CachedStack>): void {
    const before = neededBy(old ?? (type === 'deleted' ? object : undefined));
    const after = type === 'deleted' ? undefined : neededBy(object);
    if (before === after) return;
    if (before !== undefined) {
      const users = this.#users.get(before);
      users?.delete(key);
      if (users?.size === 0) this.#users.delete(before);
      this.#check(before);
    }
    if (after !== undefined) {
      const users = this.#users.get(after) ?? new Set();
      this.#users.set(after, users.add(key));
      this.#check(after);
    }
  }

  /** Takes over what changed in the cache of Secrets. */
  onSecret({ type, key, object }: CacheEvent<CachedData>): void {
    const isKept = type !== 'deleted' && object.inUse === true;
    if (isKept) this.#kept.add(key);
    else this.#kept.delete(key);
    if (type === 'deleted') this.#ownVersions.delete(object.metadata.uid);
    else this.#check(key);
  }

  /** Whether a Secret got this version (`uid/resourceVersion`) by our own write, which changes nothing for HeatStacks. */
  isOwnVersion(version: string): boolean {
    return this.#ownVersions.get(version.slice(0, version.indexOf('/'))) === version;
  }

  /** Adds the finalizer to a Secret that is needed, and removes it from one that isn't. */
  async reconcile(key: string, { signal }: { signal: AbortSignal }): Promise<Result> {
    const isNeeded = this.#users.has(key);
    if (isNeeded === this.#kept.has(key)) return {};
    const slash = key.indexOf('/');
    const ref = { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
    const secret = await this.#client.get<KubeObject>(SECRETS, ref, { signal });
    if (!secret) return {};
    const { uid, resourceVersion, finalizers = [], deletionTimestamp } = secret.metadata;
    if (isNeeded === finalizers.includes(IN_USE_FINALIZER)) return {};
    // What is being deleted takes no new finalizer.
    if (isNeeded && deletionTimestamp !== undefined) return {};
    const others = finalizers.filter((finalizer) => finalizer !== IN_USE_FINALIZER);
    const wanted = isNeeded ? [...others, IN_USE_FINALIZER] : others;
    const patch = { metadata: { uid, resourceVersion, finalizers: wanted } };
    try {
      const { metadata } = await this.#client.mergePatch(SECRETS, ref, patch, {
        metadataOnly: true,
        signal,
      });
      this.#ownVersions.set(uid, `${metadata.uid}/${metadata.resourceVersion}`);
    } catch (error) {
      if (!isKubeError(error, 'NotFound')) throw error;
    }
    return {};
  }

  #check(key: string): void {
    if (this.#users.has(key) !== this.#kept.has(key)) this.#queue.add(key);
  }
}

function neededBy(stack: CachedStack | undefined): string | undefined {
  if (stack?.credentials === undefined) return undefined;
  return `${stack.metadata.namespace}/${stack.credentials}`;
}
