import type { Logger } from 'pino';
import { HEAT_STACKS, IN_USE_FINALIZER } from '../api/constants.ts';
import type { HeatStack } from '../api/heat-stack.ts';
import {
  type CacheEvent,
  type Clock,
  CONFIG_MAPS,
  type KubeClient,
  type KubeObject,
  keyOf,
  type LabelSelector,
  Reflector,
  type ReflectorCounters,
  type ResourceType,
  SECRETS,
  systemClock,
  type WorkQueue,
} from '../kube/index.ts';
import type { CredentialsInUse } from './credentials-in-use.ts';
import type { DataKind } from './data-object.ts';
import type { WatchedStacks } from './dependencies.ts';
import { lookVersion } from './observe.ts';
import { type CachedStack, ReferenceIndex, referenceKey, toCached } from './references.ts';
import { StackCounts } from './stack-counts.ts';
import { type CachedData, type WatchedObjects, WrittenObjects, writtenFor } from './written-objects.ts';

/** Settings of {@link Watches}. */
export interface WatchesOptions {
  client: Pick<KubeClient, 'pages' | 'watch'>;
  /** Where HeatStacks are queued that there is something to do for. */
  queue: Pick<WorkQueue, 'add'>;
  /** Namespaces to watch; none means all. */
  namespaces: readonly string[];
  /** Which HeatStacks this operator works on, by their labels; missing: all. The others are known, for those that refer to them. */
  isMine?: LabelSelector | undefined;
  /** Labels of the ConfigMaps and Secrets to watch; without it all are. */
  labelSelector?: string | undefined;
  /** Names of the only Secrets to watch; none means all. */
  secretNames?: readonly string[];
  /** Is told of all HeatStacks and Secrets, to keep the credentials that are needed. */
  inUse?: Pick<CredentialsInUse, 'onStack' | 'onSecret'> | undefined;
  logger: Logger;
  clock?: Clock;
}

type WatchedReflector = Pick<
  Reflector<KubeObject>,
  'run' | 'whenAnswered' | 'whenSynced' | 'synced' | 'resource' | 'counters' | 'lastEventAt'
>;

/**
 * What the operator watches: HeatStacks, and of ConfigMaps and Secrets no more than names and versions. Nothing is queued
 * until {@link lead}: a replica that stands by keeps its caches filled, and does nothing.
 */
export class Watches implements WatchedObjects, WatchedStacks {
  /** By namespace; '' for all. */
  readonly #stacks = new Map<string, Reflector<CachedStack>>();
  /** By namespace and name, as `namespace/name`; '' for all. */
  readonly #objects: Record<DataKind, Map<string, Reflector<CachedData>>> = {
    ConfigMap: new Map(),
    Secret: new Map(),
  };
  /** All of these by namespace; '' for all. */
  readonly #reflectors = new Map<string, readonly WatchedReflector[]>();
  readonly #isNarrowed: { toNamespaces: boolean; toSecrets: boolean };
  readonly #index = new ReferenceIndex();
  readonly #written: Record<DataKind, WrittenObjects> = {
    ConfigMap: new WrittenObjects(),
    Secret: new WrittenObjects(),
  };
  readonly #queue: WatchesOptions['queue'];
  readonly #inUse: WatchesOptions['inUse'];
  readonly #logger: Logger;
  readonly #seesAll: Record<DataKind, boolean>;
  #leads = false;
  /** How many HeatStacks there are of each kind. */
  readonly counts = new StackCounts();
  /** Told of a HeatStack that was deleted although it was held, and of no other deletion. */
  torn: (key: string, uid: string) => void = () => undefined;
  /** Whether a version of a HeatStack is the operator's own write. */
  ignore: (key: string, resourceVersion: string) => boolean = () => false;
  /** Told of a HeatStack that changed so that its stack is likely to be looked at; see {@link lookVersion}. */
  onChanged: (key: string, version: string) => void = () => undefined;
  /** Whether the operator made this version (`uid/resourceVersion`) of an object, which is news for no HeatStack then. */
  ignoreData: (key: string, version: string) => boolean = () => false;

  constructor(options: WatchesOptions) {
    const { client, queue, namespaces, inUse, logger, clock = systemClock } = options;
    const { isMine, labelSelector, secretNames = [] } = options;
    this.#queue = queue;
    this.#isNarrowed = { toNamespaces: namespaces.length > 0, toSecrets: secretNames.length > 0 };
    const labels = labelSelector === undefined ? {} : { labelSelector };
    // Whoever keeps Secrets has to see which ones it keeps.
    const secretLabels = inUse === undefined ? labels : {};
    this.#seesAll = {
      ConfigMap: labelSelector === undefined,
      Secret: !('labelSelector' in secretLabels) && secretNames.length === 0,
    };
    this.#inUse = inUse;
    this.#logger = logger;
    const common = { client, logger, clock };
    for (const namespace of namespaces.length > 0 ? namespaces : ['']) {
      const where = namespace === '' ? {} : { namespace };
      const stacks = new Reflector<CachedStack>({
        ...common,
        ...where,
        type: HEAT_STACKS,
        transform: (raw, old) => toCached(raw as unknown as HeatStack, isMine, old),
        onEvent: (event) => {
          const { type, key, object, old } = event;
          this.#index.update(event);
          this.counts.update(event);
          inUse?.onStack(event);
          // With `old` it is the object as it was when it was deleted, and not when it was last seen.
          const isHeld = object.credentials !== undefined && !object.deleting && !object.detaches;
          if (type === 'deleted' && old && isHeld) this.torn(key, object.metadata.uid);
          // One that has lost its labels is another's from now on, and is let go of.
          if (old?.mine && !object.mine) this.#add(key);
          else if (type === 'deleted' || !this.ignore(key, object.metadata.resourceVersion)) {
            if (object.metadata.generation !== old?.metadata.generation) this.#announce(key, object);
            this.#enqueue(key, object);
          }
          // What is there when it begins to lead is queued then.
          if (this.#leads) for (const other of this.#concernedBy(event)) this.#enqueue(other);
        },
      });
      this.#stacks.set(namespace, stacks);
      const configMaps = this.#metadata('ConfigMap', CONFIG_MAPS, { ...common, ...where, ...labels });
      this.#objects.ConfigMap.set(`${namespace}/`, configMaps);
      const reflectors: WatchedReflector[] = [stacks, configMaps];
      // Helm keeps its releases in Secrets: large, many, and never referred to. A right to one name covers no other field.
      const selections =
        secretNames.length === 0
          ? [{ name: '', fieldSelector: 'type!=helm.sh/release.v1', ...secretLabels }]
          : secretNames.map((name) => ({ name, fieldSelector: `metadata.name=${name}` }));
      for (const { name, ...selection } of selections) {
        const secrets = this.#metadata('Secret', SECRETS, { ...common, ...where, ...selection });
        this.#objects.Secret.set(`${namespace}/${name}`, secrets);
        reflectors.push(secrets);
      }
      this.#reflectors.set(namespace, reflectors);
    }
  }

  get size(): number {
    return this.#stacks.values().reduce((sum, { cache }) => sum + cache.size, 0);
  }

  versionOf(kind: DataKind, namespace: string, name: string): string | undefined {
    const isNamed = kind === 'Secret' && this.#isNarrowed.toSecrets;
    const watched = `${this.#watched(namespace)}/${isNamed ? name : ''}`;
    const object = this.#objects[kind].get(watched)?.cache.get(`${namespace}/${name}`);
    return object && versionOf(object);
  }

  seesAll(kind: DataKind): boolean {
    return this.#seesAll[kind];
  }

  writtenFor(uid: string): CachedData[] {
    return [...this.#written.Secret.writtenFor(uid), ...this.#written.ConfigMap.writtenFor(uid)];
  }

  stack(namespace: string, name: string): CachedStack | undefined {
    return this.#stack(`${namespace}/${name}`);
  }

  /** The uid of the HeatStack with this key, if there is one. */
  uidOf(key: string): string | undefined {
    return this.#stack(key)?.metadata.uid;
  }

  consumersOf(namespace: string, name: string): string[] {
    return [...this.#index.usersOf(referenceKey('HeatStack', namespace, name))].flatMap((key) => {
      const user = this.#stack(key);
      return user?.producers.includes(name) ? [user.metadata.name] : [];
    });
  }

  #stack(key: string): CachedStack | undefined {
    const namespace = key.slice(0, key.indexOf('/'));
    return this.#stacks.get(this.#watched(namespace))?.cache.get(key);
  }

  /** What stands for a namespace where the watches are kept. */
  #watched(namespace: string): string {
    return this.#isNarrowed.toNamespaces ? namespace : '';
  }

  /**
   * Keys of other HeatStacks that a change of one concerns: those that depend on it, if it says something new for them; and
   * those whose outputs it used, if they wait to be deleted. Most changes of a status concern nobody.
   */
  #concernedBy({ type, object, old }: CacheEvent<CachedStack>): Set<string> {
    const { name, namespace = '' } = object.metadata;
    const isGone = type === 'deleted';
    const keys = new Set<string>();
    if (isGone || old?.state !== object.state) {
      for (const key of this.#index.usersOf(referenceKey('HeatStack', namespace, name))) keys.add(key);
    }
    const former = (old ?? object).producers;
    const isLeaving = isGone || (object.deleting && !old?.deleting);
    for (const producer of isLeaving ? former : former.filter((each) => !object.producers.includes(each))) {
      if (this.stack(namespace, producer)?.deleting) keys.add(`${namespace}/${producer}`);
    }
    return keys;
  }

  /**
   * From now on queues each HeatStack that there is something to do for.
   *
   * @returns the keys of all that are there, but for those that {@link isFilled} says no of: they are queued later
   */
  lead(): string[] {
    this.#leads = true;
    return [...this.#stacks.keys()]
      .filter((each) => this.#isFilled(each))
      .flatMap((each) => this.#mine(each));
  }

  /** Whether all is known of the namespace of a key, so that what isn't in the caches isn't there. */
  isFilled(key: string): boolean {
    return this.#isFilled(this.#watched(key.slice(0, key.indexOf('/'))));
  }

  #isFilled(watched: string): boolean {
    return this.#reflectorsOf(watched).every(({ synced }) => synced);
  }

  /** Keys of the HeatStacks to work on in one of the watched namespaces. */
  #mine(watched: string): string[] {
    const stacks = this.#stacks.get(watched)?.cache.list() ?? [];
    return stacks.filter(({ mine }) => mine).map(({ metadata }) => keyOf(metadata));
  }

  /** Before it is queued: it may be worked on at once. */
  #announce(key: string, stack = this.#stack(key)): void {
    if (this.#leads && stack?.mine) this.onChanged(key, lookVersion(stack));
  }

  #enqueue(key: string, stack = this.#stack(key)): void {
    if (stack?.mine) this.#add(key);
  }

  #add(key: string): void {
    if (this.#leads) this.#queue.add(key);
  }

  /** What has been watched how, a row for each watch. */
  get watched(): { resource: string; counters: ReflectorCounters; lastEventAt: number | undefined }[] {
    return this.#all().map(({ resource, counters, lastEventAt }) => ({ resource, counters, lastEventAt }));
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#all().map((reflector) => reflector.run(signal)));
  }

  /**
   * Resolves when the caches are filled. Of several namespaces one is enough when the operator may not look into the
   * others: one that is deleted takes its Role along, and all others must not stand still for that. Those are filled once
   * they may be looked into, see {@link isFilled}.
   */
  async whenSynced(signal: AbortSignal): Promise<void> {
    const namespaces = [...this.#stacks.keys()];
    await Promise.all(this.#all().map((reflector) => reflector.whenAnswered(signal)));
    const filled = namespaces.map((each) => this.#whenFilled(each, signal));
    await Promise.race(filled);
    for (const namespace of namespaces.filter((each) => !this.#isFilled(each))) {
      this.#logger.error({ namespace }, 'may not look into this namespace; it is left out until it may');
      void this.#fillLater(namespace, signal);
    }
  }

  async #whenFilled(watched: string, signal: AbortSignal): Promise<void> {
    await Promise.all(this.#reflectorsOf(watched).map((reflector) => reflector.whenSynced(signal)));
  }

  /** Queues what is there once a namespace is filled after all; never rejects. */
  async #fillLater(namespace: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#whenFilled(namespace, signal);
    } catch {
      return; // Stopped before.
    }
    this.#logger.info({ namespace }, 'may look into this namespace now');
    for (const key of this.#mine(namespace)) this.#add(key);
  }

  #all(): WatchedReflector[] {
    return [...this.#reflectors.values()].flat();
  }

  /** The reflectors of one of the watched namespaces. */
  #reflectorsOf(watched: string): readonly WatchedReflector[] {
    return this.#reflectors.get(watched) ?? [];
  }

  #metadata(
    kind: DataKind,
    type: ResourceType,
    options: Pick<
      ConstructorParameters<typeof Reflector>[0],
      'client' | 'logger' | 'namespace' | 'fieldSelector' | 'labelSelector' | 'clock'
    >,
  ): Reflector<CachedData> {
    return new Reflector<CachedData>({
      ...options,
      type,
      metadataOnly: true,
      transform: toCachedData,
      onEvent: (event) => {
        const { type, object } = event;
        this.#written[kind].update(event);
        if (kind === 'Secret') this.#inUse?.onSecret(event);
        if (!this.#leads) return;
        const { namespace = '', name } = object.metadata;
        const users = new Set(this.#index.usersOf(referenceKey(kind, namespace, name)));
        // Of no use any more, perhaps: its HeatStack is to say.
        const owner = type === 'deleted' ? undefined : this.#ownerOf(object);
        if (owner !== undefined) {
          users.add(owner);
          // Written again after somebody changed it, which the status of its HeatStack doesn't tell.
          for (const key of this.#index.usersOf(`HeatStack/${owner}`)) users.add(key);
        }
        for (const key of users) {
          if (type !== 'deleted' && this.ignoreData(key, versionOf(object))) continue;
          this.#announce(key);
          this.#enqueue(key);
        }
      },
    });
  }

  /** The key of the HeatStack that an object was written for. Anybody can name one that isn't there, or isn't a name. */
  #ownerOf({ metadata: { namespace = '' }, writtenFor: owner }: CachedData): string | undefined {
    if (!owner) return undefined;
    const key = `${namespace}/${owner.name}`;
    return this.#stack(key)?.metadata.uid === owner.uid ? key : undefined;
  }
}

function versionOf({ metadata }: KubeObject): string {
  return `${metadata.uid}/${metadata.resourceVersion}`;
}

function toCachedData(raw: KubeObject): CachedData {
  const owner = writtenFor(raw);
  const inUse = raw.metadata.finalizers?.includes(IN_USE_FINALIZER) ? { inUse: true } : {};
  return { ...bare(raw), ...(owner === undefined ? {} : { writtenFor: owner }), ...inUse };
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
