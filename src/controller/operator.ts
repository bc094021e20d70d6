import type { Logger } from 'pino';
import { HEAT_STACKS } from '../api/constants.ts';
import type { HeatStack } from '../api/heat-stack.ts';
import {
  type Clock,
  CONFIG_MAPS,
  Controller,
  EventRecorder,
  type KubeClient,
  type KubeObject,
  Reflector,
  type ResourceType,
  SECRETS,
  systemClock,
  WorkQueue,
} from '../kube/index.ts';
import { ByteBudget, connect, type EndpointPolicy } from '../openstack/index.ts';
import type { DataKind } from './data-object.ts';
import { Digester } from './digest.ts';
import { loadDigestKey, readClusterID } from './operator-keys.ts';
import { Reconciler } from './reconciler.ts';
import { type CachedStack, ReferenceIndex, referenceKey, referencesOf } from './references.ts';
import { Sessions } from './sessions.ts';
import { type CachedData, type WatchedObjects, WrittenObjects, writtenFor } from './written-objects.ts';

/** Settings of the operator. */
export interface OperatorOptions {
  client: KubeClient;
  logger: Logger;
  /** Namespaces to work in; none means all. */
  namespaces: readonly string[];
  /** The namespace of the operator's own Secret. */
  operatorNamespace: string;
  /** Default: the uid of the namespace `kube-system`. */
  clusterID?: string | undefined;
  /** How many objects are worked on at once. */
  concurrency: number;
  /** How often the resources of a stack in progress are read, in ms. */
  progressIntervalMs: number;
  /** Time beyond `spec.timeout` before an operation counts as stuck, in ms. */
  graceMs: number;
  /** Which addresses clouds may be at. */
  endpoints: EndpointPolicy;
  /** Whether outputs may be written to Secrets and ConfigMaps. */
  outputObjects: boolean;
  userAgent: string;
  /** Name of the pod or machine, in Events. */
  instance: string;
  clock?: Clock;
}

/** What is held of answers of all clouds at once: two of the largest that are read. */
const ANSWERS_BYTES = 32 * 1024 * 1024;
/** People's edits go before what a start or a resync brings. */
const INITIAL_PRIORITY = -100;

/**
 * Runs the operator until the signal is aborted; then finishes what is under way, and resolves.
 *
 * @throws SetupError, KubeError when it can't start.
 */
export async function runOperator(options: OperatorOptions, signal: AbortSignal): Promise<void> {
  const { client, logger, clock = systemClock } = options;
  const key = await loadDigestKey(
    client,
    { namespace: options.operatorNamespace, watched: options.namespaces },
    signal,
  );
  const clusterID = options.clusterID ?? (await readClusterID(client, signal));
  const queue = new WorkQueue({ clock, groupOf: (name) => name.slice(0, name.indexOf('/')) });
  const events = new EventRecorder({
    client,
    reportingController: 'heatstack.dev/operator',
    reportingInstance: options.instance,
    logger,
    clock,
  });
  const budget = new ByteBudget(ANSWERS_BYTES);
  const sessions = new Sessions({
    connect: (cloud, connectOptions) =>
      connect(cloud, {
        ...connectOptions,
        logger,
        userAgent: options.userAgent,
        endpoints: options.endpoints,
        budget,
      }),
    onNews: (name) => queue.add(name),
    onRequest: (request) => logger.trace(request, 'cloud request'),
    progressIntervalMs: options.progressIntervalMs,
    clock,
    logger,
  });
  const watches = new Watches(options, queue);
  const reconciler = new Reconciler({
    client,
    sessions,
    events,
    digester: new Digester(key),
    clusterID,
    objects: watches,
    outputObjects: options.outputObjects,
    progressIntervalMs: options.progressIntervalMs,
    graceMs: options.graceMs,
    clock,
  });
  watches.ignore = (name, resourceVersion) => reconciler.isOwnWrite(name, resourceVersion);
  watches.ignoreData = (name, version) => reconciler.isOwnData(name, version);

  const reflectors = watches.run(signal);
  try {
    await watches.whenSynced(signal);
    logger.info({ clusterID, stacks: watches.size, namespaces: options.namespaces }, 'started');
    const controller = new Controller({
      name: 'heatstack',
      queue,
      reconcile: (name, context) => reconciler.reconcile(name, context),
      concurrency: options.concurrency,
      logger,
      clock,
    });
    await controller.run(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    queue.shutDown();
    await sessions.close();
    await events.flush();
    if (signal.aborted) await reflectors;
  }
  logger.info('stopped');
}

/** What the operator watches: HeatStacks, and of ConfigMaps and Secrets no more than names and versions. */
class Watches implements WatchedObjects {
  readonly #stacks: Reflector<CachedStack>[] = [];
  readonly #objects: Record<DataKind, Reflector<CachedData>[]> = { ConfigMap: [], Secret: [] };
  readonly #index = new ReferenceIndex();
  readonly #written: Record<DataKind, WrittenObjects> = {
    ConfigMap: new WrittenObjects(),
    Secret: new WrittenObjects(),
  };
  readonly #queue: WorkQueue;
  /** Whether a version of a HeatStack is the operator's own write. */
  ignore: (key: string, resourceVersion: string) => boolean = () => false;
  /** Whether the operator knows this version (`uid/resourceVersion`) of an object with outputs of a HeatStack. */
  ignoreData: (key: string, version: string) => boolean = () => false;

  constructor({ client, logger, namespaces, clock = systemClock }: OperatorOptions, queue: WorkQueue) {
    this.#queue = queue;
    const common = { client, logger, clock };
    for (const namespace of namespaces.length > 0 ? namespaces : [undefined]) {
      const where = namespace === undefined ? {} : { namespace };
      this.#stacks.push(
        new Reflector<CachedStack>({
          ...common,
          ...where,
          type: HEAT_STACKS,
          transform: (raw) => toCached(raw as unknown as HeatStack),
          onEvent: (event) => {
            const { type, key, object, initial } = event;
            this.#index.update(event);
            if (type === 'deleted' || !this.ignore(key, object.metadata.resourceVersion)) {
              queue.add(key, { priority: initial ? INITIAL_PRIORITY : 0 });
            }
          },
        }),
      );
      this.#objects.ConfigMap.push(this.#metadata('ConfigMap', CONFIG_MAPS, { ...common, ...where }));
      // Helm keeps its releases in Secrets: large, many, and never referred to.
      this.#objects.Secret.push(
        this.#metadata('Secret', SECRETS, { ...common, ...where, fieldSelector: 'type!=helm.sh/release.v1' }),
      );
    }
  }

  get size(): number {
    return this.#stacks.reduce((sum, { cache }) => sum + cache.size, 0);
  }

  versionOf(kind: DataKind, namespace: string, name: string): string | undefined {
    for (const { cache } of this.#objects[kind]) {
      const object = cache.get(`${namespace}/${name}`);
      if (object) return versionOf(object);
    }
    return undefined;
  }

  writtenFor(uid: string): CachedData[] {
    return [...this.#written.Secret.writtenFor(uid), ...this.#written.ConfigMap.writtenFor(uid)];
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#all().map((reflector) => reflector.run(signal)));
  }

  async whenSynced(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#all().map((reflector) => reflector.whenSynced(signal)));
  }

  #all(): Pick<Reflector<KubeObject>, 'run' | 'whenSynced'>[] {
    return [...this.#stacks, ...this.#objects.ConfigMap, ...this.#objects.Secret];
  }

  #metadata(
    kind: DataKind,
    type: ResourceType,
    options: Pick<
      ConstructorParameters<typeof Reflector>[0],
      'client' | 'logger' | 'namespace' | 'fieldSelector' | 'clock'
    >,
  ): Reflector<CachedData> {
    return new Reflector<CachedData>({
      ...options,
      type,
      metadataOnly: true,
      transform: toCachedData,
      onEvent: (event) => {
        const { type, object, initial } = event;
        this.#written[kind].update(event);
        if (initial) return;
        const { namespace = '', name } = object.metadata;
        const users = new Set(this.#index.usersOf(referenceKey(kind, namespace, name)));
        // Of no use any more, perhaps: its HeatStack is to say.
        if (type !== 'deleted' && object.writtenFor) users.add(`${namespace}/${object.writtenFor.name}`);
        for (const key of users) {
          if (type === 'deleted' || !this.ignoreData(key, versionOf(object))) this.#queue.add(key);
        }
      },
    });
  }
}

function versionOf({ metadata }: KubeObject): string {
  return `${metadata.uid}/${metadata.resourceVersion}`;
}

function toCachedData(raw: KubeObject): CachedData {
  const owner = writtenFor(raw);
  return { ...bare(raw), ...(owner === undefined ? {} : { writtenFor: owner }) };
}

function toCached(raw: HeatStack): CachedStack {
  return { ...bare(raw), references: referencesOf(raw.spec, raw.metadata.namespace ?? '') };
}

/** Name and version alone: even a Secret's metadata can hold its values (in kubectl's last-applied annotation). */
function bare({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { name, namespace, uid, resourceVersion } = metadata;
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), uid, resourceVersion },
  };
}
