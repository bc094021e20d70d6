import { randomUUID } from 'node:crypto';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import { KubeClient, KubeError, type KubeErrorCode, type KubeObject } from '../../kube/index.ts';

type TransportRequest = Parameters<ConstructorParameters<typeof KubeClient>[0]['request']>[0];

const REASONS: Partial<Record<number, KubeErrorCode>> = { 404: 'NotFound', 409: 'Conflict', 422: 'Invalid' };

/**
 * The objects of a cluster, in memory, with what the reconciler relies on: resource versions and their conflicts,
 * generations, a status of its own, deletion that waits for finalizers.
 */
export class FakeCluster {
  /** `METHOD path` of every request. */
  readonly requests: string[] = [];
  readonly client = new KubeClient({
    request: (request) => this.#request(request),
    watch: () => {
      throw new Error('nothing is watched here');
    },
  });
  /** Called before a request is answered; what it throws is the answer. */
  before: (request: TransportRequest) => void = () => undefined;
  readonly #objects = new Map<string, KubeObject>();
  #version = 100;

  /** Writes that were answered, as `METHOD path`. */
  get writes(): string[] {
    return this.requests.filter((request) => !request.startsWith('GET'));
  }

  /** Puts an object there as a user would: a change of the spec raises the generation. */
  apply<T extends KubeObject>(object: Omit<T, 'metadata'> & { metadata: Partial<T['metadata']> }): T {
    const path = pathOf(object.kind, object.metadata.namespace, object.metadata.name ?? '');
    const before = this.#objects.get(path);
    const generation = before?.metadata.generation ?? 0;
    const metadata = {
      uid: randomUUID(),
      finalizers: [],
      ...before?.metadata,
      ...object.metadata,
      generation: sameSpec(before, object) ? generation : generation + 1,
      resourceVersion: this.#nextVersion(),
    };
    // The status is the operator's alone.
    const after = structuredClone({ ...object, ...statusOf(before), metadata }) as unknown as T;
    this.#objects.set(path, after);
    return after;
  }

  /** The object as it is. */
  get<T extends KubeObject>(kind: string, namespace: string | undefined, name: string): T | undefined {
    return this.#objects.get(pathOf(kind, namespace, name)) as T | undefined;
  }

  /** All objects of some kinds. */
  all(kinds: readonly string[]): KubeObject[] {
    return [...this.#objects.values()].filter(({ kind }) => kinds.includes(kind));
  }

  /** Changes an object in place, status included, as somebody with all rights can. */
  edit<T extends KubeObject>(
    kind: string,
    namespace: string | undefined,
    name: string,
    change: (object: T) => void,
  ): void {
    const object = this.get<T>(kind, namespace, name);
    if (!object) throw new Error(`no ${kind} ${name}`);
    change(object);
    object.metadata.resourceVersion = this.#nextVersion();
  }

  /** Deletes an object; with finalizers it only gets a deletion timestamp. */
  delete(kind: string, namespace: string | undefined, name: string): void {
    const path = pathOf(kind, namespace, name);
    const object = this.#objects.get(path);
    if (!object?.metadata.finalizers?.length) {
      this.#objects.delete(path);
      return;
    }
    object.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    object.metadata.generation = (object.metadata.generation ?? 0) + 1;
    object.metadata.resourceVersion = this.#nextVersion();
  }

  async #request(request: TransportRequest): Promise<Json> {
    request.signal?.throwIfAborted();
    const { method, path } = request;
    this.requests.push(`${method} ${path}`);
    this.before(request);
    const ofStatus = path.endsWith('/status');
    const key = ofStatus ? path.slice(0, -'/status'.length) : path;
    if (method === 'POST') return this.#create(path, toJson(request.body) as unknown as KubeObject);
    const object = this.#objects.get(key);
    if (method === 'GET' && /\/(heatstacks|secrets|configmaps)$/.test(path)) return this.#list(path);
    if (!object) throw failure(404, `${method} ${path}`);
    switch (method) {
      case 'GET':
        return toJson(object);
      case 'PATCH':
        return this.#patch(key, object, toJson(request.body) as JsonObject);
      case 'PUT': {
        const sent = toJson(request.body) as unknown as KubeObject;
        if (sent.metadata.resourceVersion !== object.metadata.resourceVersion) throw failure(409, path);
        if (!ofStatus) return this.#replace(key, object, sent);
        const after = { ...object, ...statusOf(sent) };
        after.metadata = { ...object.metadata, resourceVersion: this.#nextVersion() };
        this.#objects.set(key, after);
        return toJson(after);
      }
      case 'DELETE': {
        const { uid, resourceVersion } = preconditionsOf(request.body);
        const { metadata } = object;
        if (uid !== undefined && uid !== metadata.uid) throw failure(409, path);
        if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
          throw failure(409, path);
        this.delete(object.kind, metadata.namespace, metadata.name);
        return {};
      }
      default:
        throw new Error(`${method} is not expected`);
    }
  }

  /** Of a Secret or ConfigMap, whose data can't change when it is immutable, and whose type never does. */
  #replace(key: string, object: KubeObject, sent: KubeObject): Json {
    const fixed = ({ type, immutable, data }: Record<string, unknown>) =>
      JSON.stringify(immutable ? { type, immutable, data } : { type });
    if (!/\/(secrets|configmaps)\//.test(key)) throw new Error('only Secrets and ConfigMaps are replaced');
    if (fixed({ ...object }) !== fixed({ ...sent, immutable: 'immutable' in object && object.immutable }))
      throw failure(422, key);
    const metadata = {
      ...sent.metadata,
      uid: object.metadata.uid,
      resourceVersion: this.#nextVersion(),
    };
    const after = { ...sent, metadata };
    this.#objects.set(key, after);
    return toJson(after);
  }

  #create(path: string, object: KubeObject): Json {
    const key = `${path}/${object.metadata.name}`;
    if (this.#objects.has(key)) throw failure(409, `POST ${path}`, 'AlreadyExists');
    const metadata = { ...object.metadata, uid: randomUUID(), resourceVersion: this.#nextVersion() };
    this.#objects.set(key, { ...object, metadata });
    return toJson({ ...object, metadata });
  }

  /** All objects of a kind, of one namespace or of all. */
  #list(path: string): Json {
    const [, root, plural] = /^(.*)\/(\w+)$/.exec(path) ?? [];
    const inside = new RegExp(`^${root}(/namespaces/[^/]+)?/${plural}/[^/]+$`);
    const items = [...this.#objects].filter(([key]) => inside.test(key)).map(([, object]) => object);
    return toJson({ metadata: { resourceVersion: String(this.#version) }, items });
  }

  #patch(key: string, object: KubeObject, patch: JsonObject): Json {
    const { metadata } = patch;
    if (!isJsonObject(metadata)) throw new Error('only metadata is patched');
    const { uid, resourceVersion, ...changes } = metadata;
    if (uid !== object.metadata.uid) throw failure(422, key);
    if (resourceVersion !== undefined && resourceVersion !== object.metadata.resourceVersion)
      throw failure(409, key);
    const after: KubeObject = {
      ...object,
      metadata: { ...object.metadata, ...changes, resourceVersion: this.#nextVersion() },
    };
    if (after.metadata.deletionTimestamp && !after.metadata.finalizers?.length) this.#objects.delete(key);
    else this.#objects.set(key, after);
    return toJson(after);
  }

  #nextVersion(): string {
    this.#version += 1;
    return String(this.#version);
  }
}

function preconditionsOf(body: unknown): { uid?: Json; resourceVersion?: Json } {
  const options = toJson(body);
  const preconditions = isJsonObject(options) ? options['preconditions'] : undefined;
  return preconditions !== undefined && isJsonObject(preconditions) ? preconditions : {};
}

function failure(
  status: number,
  where: string,
  code: KubeErrorCode = REASONS[status] ?? 'ServerError',
): KubeError {
  return new KubeError(code, `${where}: ${status} ${code}`, { status, reason: code });
}

function pathOf(kind: string, namespace: string | undefined, name: string): string {
  const group = kind === 'HeatStack' ? '/apis/heatstack.dev/v1alpha1' : '/api/v1';
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  return `${group}${scope}/${kind.toLowerCase()}s/${name}`;
}

function statusOf(object: object | undefined): { status?: unknown } {
  return object && 'status' in object ? { status: object.status } : {};
}

function sameSpec(a: object | undefined, b: object): boolean {
  const spec = (object: object) => ('spec' in object ? JSON.stringify(object.spec) : undefined);
  return a !== undefined && spec(a) === spec(b);
}

/** As it would come over the wire. */
function toJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
