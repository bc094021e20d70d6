import * as v from 'valibot';
import { isJsonObject, type Json } from '../json.ts';
import { isAbsent, isKubeError, KubeError, watchError } from './errors.ts';
import { apiVersionOf, type KubeObject, type ObjectRef, type ResourceType } from './objects.ts';
import type { KubeRequest, KubeTransport } from './transport.ts';

const PAGE_SIZE = 500;
// An object can have 1.5 MiB, and 500 of them would be held at once; a page that is too large is asked for in parts.
const MAX_PAGE_BYTES = 8 * 1024 * 1024;
/** Of a list that is asked for as a whole. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;
const SMALLER_PAGE = 5;

/** Which objects of a {@link ResourceType}. Without a namespace those of all namespaces. */
export interface Selection {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  /** Only `metadata` is sent by the API server. `apiVersion` and `kind` are those of the resource all the same. */
  metadataOnly?: boolean | undefined;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

export interface WriteOptions extends CallOptions {
  /** The API server sends back only `metadata` of what it has written; `apiVersion` and `kind` are there all the same. */
  metadataOnly?: boolean;
}

export interface ListOptions extends Selection, CallOptions {
  /** Objects for each page; 0 asks for all at once. Default 500. */
  limit?: number | undefined;
}

export interface WatchOptions extends Selection {
  /** Events after this version are sent. */
  resourceVersion: string;
  /** The API server ends the watch after this time. */
  timeoutSeconds: number;
  /** The watch is given up when no byte came for so long; default 90 s. */
  idleTimeoutMs?: number | undefined;
  signal: AbortSignal;
}

export interface DeleteOptions extends CallOptions {
  /** Only the object with this uid is deleted; another of that name is a `Conflict`. */
  uid?: string;
  /** Only this version is deleted. */
  resourceVersion?: string;
}

/** An event of a watch; a bookmark says only up to which version everything has been sent. */
export type WatchEvent<T extends KubeObject> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  | { type: 'BOOKMARK'; resourceVersion: string };

/** An object as it is sent for creation; of `metadata` only the name must be given, `apiVersion` and `kind` need not. */
export type NewObject<T extends KubeObject> = Omit<T, 'apiVersion' | 'kind' | 'metadata'> &
  Partial<Pick<T, 'apiVersion' | 'kind'>> & {
    metadata: Partial<T['metadata']> & Pick<T['metadata'], 'name'>;
  };

const listSchema = v.object({
  metadata: v.object({ resourceVersion: v.string(), continue: v.optional(v.string()) }),
  items: v.nullable(v.array(v.unknown())),
});

/** Typed requests to the API server. All methods throw {@link KubeError}, or the signal's reason when aborted. */
export class KubeClient {
  readonly #transport: Pick<KubeTransport, 'request' | 'watch'>;

  constructor(transport: Pick<KubeTransport, 'request' | 'watch'>) {
    this.#transport = transport;
  }

  /** Reads an object from the API server; `undefined` when there is none. */
  async get<T extends KubeObject>(
    type: ResourceType,
    ref: ObjectRef,
    options: CallOptions = {},
  ): Promise<T | undefined> {
    try {
      const answer = await this.#transport.request({
        method: 'GET',
        path: objectPath(type, ref),
        ...options,
      });
      return asObject<T>(type, answer, false);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** Reads all objects of a selection, page by page, into one list. */
  async list<T extends KubeObject>(
    type: ResourceType,
    options: ListOptions = {},
  ): Promise<{ items: T[]; resourceVersion: string }> {
    const items: T[] = [];
    let resourceVersion = '';
    for await (const page of this.pages<T>(type, options)) {
      items.push(...page.items);
      resourceVersion = page.resourceVersion;
    }
    return { items, resourceVersion };
  }

  /**
   * As {@link list}, but hands out the pages as they arrive, so that no more than one has to be held. Pages of large
   * objects have fewer: whoever may write some large ones mustn't keep the others' from being listed.
   */
  async *pages<T extends KubeObject>(
    type: ResourceType,
    options: ListOptions = {},
  ): AsyncGenerator<{ items: T[]; resourceVersion: string }> {
    const { metadataOnly = false } = options;
    let { limit = PAGE_SIZE } = options;
    let next: string | undefined;
    for (;;) {
      let answer: Json;
      try {
        answer = await this.#transport.request({
          method: 'GET',
          path: collectionPath(type, options.namespace),
          query: { ...selectors(options), limit: limit || undefined, continue: next },
          accept: accept(metadataOnly, 'PartialObjectMetadataList'),
          maxBytes: limit === 0 ? MAX_LIST_BYTES : MAX_PAGE_BYTES,
          signal: options.signal,
        });
      } catch (error) {
        if (!isKubeError(error, 'ResponseTooLarge') || limit <= 1) throw error;
        limit = Math.ceil(limit / SMALLER_PAGE);
        continue;
      }
      const parsed = v.safeParse(listSchema, answer);
      if (!parsed.success) {
        throw new KubeError('InvalidResponse', `GET ${collectionPath(type, options.namespace)}: not a list`);
      }
      const { metadata, items } = parsed.output;
      yield {
        items: (items ?? []).map((item) => asObject<T>(type, item as Json, metadataOnly)),
        resourceVersion: metadata.resourceVersion,
      };
      if (!metadata.continue) return;
      next = metadata.continue;
    }
  }

  /**
   * Watches a selection until the API server ends the watch or the signal is aborted.
   *
   * @throws KubeError also for an `ERROR` event; `Expired` means: list anew
   */
  async *watch<T extends KubeObject>(
    type: ResourceType,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const { metadataOnly = false, idleTimeoutMs, signal } = options;
    const path = collectionPath(type, options.namespace);
    const events = this.#transport.watch({
      path,
      query: {
        ...selectors(options),
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion: options.resourceVersion,
        timeoutSeconds: options.timeoutSeconds,
      },
      accept: accept(metadataOnly, 'PartialObjectMetadata'),
      ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
      signal,
    });
    for await (const event of events) {
      if (!isJsonObject(event)) throw new KubeError('InvalidResponse', `watch ${path}: not an event`);
      const { type: change, object = null } = event;
      switch (change) {
        case 'ADDED':
        case 'MODIFIED':
        case 'DELETED':
          yield { type: change, object: asObject<T>(type, object, metadataOnly) };
          break;
        case 'BOOKMARK':
          yield {
            type: change,
            resourceVersion: asObject(type, object, metadataOnly).metadata.resourceVersion,
          };
          break;
        case 'ERROR':
          throw watchError(`watch ${path}`, object);
        default:
          throw new KubeError('InvalidResponse', `watch ${path}: not an event`);
      }
    }
  }

  /** Creates an object. */
  async create<T extends KubeObject>(
    type: ResourceType,
    object: NewObject<T>,
    options: WriteOptions = {},
  ): Promise<T> {
    const path = collectionPath(type, object.metadata.namespace);
    return this.#write<T>(type, { method: 'POST', path, body: withType(type, object) }, options);
  }

  /** Replaces an object (without its status) if it still has the `resourceVersion` given, else `Conflict`. */
  async replace<T extends KubeObject>(type: ResourceType, object: T, options: CallOptions = {}): Promise<T> {
    const path = objectPath(type, object.metadata);
    return this.#write<T>(type, { method: 'PUT', path, body: withType(type, object) }, options);
  }

  /**
   * Replaces an object's status if it still has the `resourceVersion` given, else `Conflict`. The rest isn't sent: the
   * API server keeps its own, and it can be large, or too deep to be written as JSON.
   */
  async replaceStatus<T extends KubeObject>(
    type: ResourceType,
    object: T,
    options: CallOptions = {},
  ): Promise<T> {
    const path = `${objectPath(type, object.metadata)}/status`;
    const { name, namespace, uid, resourceVersion } = object.metadata;
    const metadata = { name, namespace, uid, resourceVersion };
    const body = withType(type, { metadata, ...('status' in object && { status: object.status }) });
    return this.#write<T>(type, { method: 'PUT', path, body }, options);
  }

  /**
   * Merges `patch` into an object (JSON merge patch: `null` removes, lists are replaced). With
   * `metadata.resourceVersion` in the patch it is a `Conflict` when the object has changed since; with another
   * object's `metadata.uid` it is `Conflict` or `Invalid`.
   */
  async mergePatch<T extends KubeObject>(
    type: ResourceType,
    ref: ObjectRef,
    patch: unknown,
    options: WriteOptions = {},
  ): Promise<T> {
    const contentType = 'application/merge-patch+json';
    const path = objectPath(type, ref);
    return this.#write<T>(type, { method: 'PATCH', path, body: patch, contentType }, options);
  }

  /** Deletes an object in the background; no error when there is none. Finalizers may keep it for a while. */
  async delete(type: ResourceType, ref: ObjectRef, options: DeleteOptions = {}): Promise<void> {
    const { signal, uid, resourceVersion } = options;
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      preconditions: { uid, resourceVersion },
    };
    try {
      await this.#transport.request({ method: 'DELETE', path: objectPath(type, ref), body, signal });
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }

  async #write<T extends KubeObject>(
    type: ResourceType,
    request: KubeRequest,
    { metadataOnly = false, signal }: WriteOptions,
  ): Promise<T> {
    const answer = await this.#transport.request({
      ...request,
      accept: accept(metadataOnly, 'PartialObjectMetadata'),
      signal,
    });
    return asObject<T>(type, answer, metadataOnly);
  }
}

function collectionPath(type: ResourceType, namespace: string | undefined): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${scope}/${type.plural}`;
}

function objectPath(type: ResourceType, ref: ObjectRef): string {
  // An empty name would turn the request into one for the whole collection.
  if (ref.name === '') throw new TypeError(`a ${type.kind} without a name`);
  return `${collectionPath(type, ref.namespace)}/${encodeURIComponent(ref.name)}`;
}

function selectors({ labelSelector, fieldSelector }: Selection) {
  return { labelSelector, fieldSelector };
}

function accept(metadataOnly: boolean, kind: string): string {
  return metadataOnly ? `application/json;as=${kind};g=meta.k8s.io;v=v1` : 'application/json';
}

function withType(type: ResourceType, object: object): object {
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}

/**
 * Checks what every object has and types the rest as the resource's type, whose schema the API server enforces.
 * Items of built-in lists carry no `apiVersion` and `kind`, and metadata-only objects those of the wrapper.
 */
function asObject<T extends KubeObject>(type: ResourceType, value: Json, metadataOnly: boolean): T {
  if (!isJsonObject(value) || !isJsonObject(value['metadata'] ?? null)) {
    throw new KubeError('InvalidResponse', `the API server sent something else than a ${type.kind}`);
  }
  const named = { apiVersion: apiVersionOf(type), kind: type.kind };
  return (metadataOnly ? { ...value, ...named } : { ...named, ...value }) as unknown as T;
}
