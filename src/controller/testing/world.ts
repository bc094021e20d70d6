import type { Condition, HeatStack, HeatStackSpec } from '../../api/heat-stack.ts';
import { type KubeObject, keyOf, type Result } from '../../kube/index.ts';
import { FakeClock } from '../../kube/testing/fake-clock.ts';
import { memoryLogger } from '../../kube/testing/memory-logger.ts';
import type { CircuitBreaker, CloudConfig, CloudIdentity } from '../../openstack/index.ts';
import type { WatchedStacks } from '../dependencies.ts';
import { Digester, digestTag, ownerTags, ownerTagsOf } from '../digest.ts';
import type { CloudConnection } from '../heat-client.ts';
import { KnownClouds } from '../known-clouds.ts';
import { Reconciler } from '../reconciler.ts';
import { toCached } from '../references.ts';
import { Resume } from '../resume.ts';
import { Sessions } from '../sessions.ts';
import { type WatchedObjects, writtenFor } from '../written-objects.ts';
import { FakeCluster } from './fake-cluster.ts';
import { FakeHeat } from './fake-heat.ts';

export const NAMESPACE = 'team';
export const NAME = 'web';
export const KEY = `${NAMESPACE}/${NAME}`;
const CLUSTER_ID = 'cluster-1';
const PASSWORD = 'correct-horse-battery';
export const TOKEN = 'gAAAAA-token-of-the-session';
export const CLOUDS_YAML = `
clouds:
  prod:
    auth:
      auth_url: https://keystone.example.com/v3
      username: demo
      password: ${PASSWORD}
      project_name: demo
      domain_name: Default
`;

interface DataObject extends KubeObject {
  data: Record<string, string>;
}

const SPEC: HeatStackSpec = {
  cloudCredentialsRef: { secretName: 'creds', cloudName: 'prod' },
  template: { inline: 'heat_template_version: 2021-04-16\nresources: {}\n' },
  timeout: '60m',
  rollbackOnFailure: false,
  suspend: false,
  resyncPeriod: '10m',
  managementPolicy: 'managed',
  driftDetection: { mode: 'warn' },
  updatePolicy: 'wait',
  approval: 'automatic',
  managedOptions: { onDelete: 'delete' },
  onExternalDeletion: 'recreate',
  remediation: {
    create: { retries: 3, strategy: 'update' },
    update: { retries: 0, strategy: 'update' },
    retryInterval: '30s',
  },
  resources: { nestedDepth: 0, maxItems: 100, refreshPeriod: '1h' },
};

/** A cluster, a cloud and a reconciler between them. Time stands still unless a test moves it. */
export class World {
  readonly clock = new FakeClock(Date.UTC(2026, 0, 1));
  readonly cluster = new FakeCluster();
  readonly heat = new FakeHeat(this.clock);
  readonly log = memoryLogger();
  readonly events: { type: string; reason: string; note: string }[] = [];
  /** Keys that the watches of stacks brought back. */
  readonly news: string[] = [];
  /** What logins fail with, one after the other; then they succeed. */
  readonly loginErrors: unknown[] = [];
  logins = 0;
  /** What the last login was made with. */
  lastLogin: CloudConfig | undefined;
  /** What keeps the calls of the last login from a cloud that is out of order. */
  breaker: CircuitBreaker | undefined;
  hasHeat = true;
  /** Called when a session gets a new token and catalog. */
  onReauthenticate: () => void = () => undefined;
  /** Where a new catalog leads the sessions that are open. */
  movedTo: CloudIdentity | undefined;
  cloud: CloudIdentity = {
    authURL: 'https://keystone.example.com/v3',
    endpoint: 'https://heat.example.com/v1/p1',
    region: 'north',
    projectID: 'p1',
    projectName: 'demo',
  };
  /** Read at a {@link restart}, as the next. */
  digester = new Digester(Buffer.alloc(32, 7));
  /** Whether outputs may be written to objects; read at a {@link restart}. */
  outputObjects = true;
  /** Whether the watch shows ConfigMaps and Secrets; else it is narrowed to labels that these don't have. */
  seesAll = true;
  /** A watch that never lags. */
  readonly watched: WatchedObjects = {
    seesAll: () => this.seesAll,
    versionOf: (kind, namespace, name) => {
      if (!this.seesAll) return undefined;
      const object = this.cluster.get(kind, namespace, name);
      return object && `${object.metadata.uid}/${object.metadata.resourceVersion}`;
    },
    writtenFor: (uid) =>
      this.cluster.all(['Secret', 'ConfigMap']).flatMap((object) => {
        const owner = writtenFor(object);
        return owner?.uid === uid ? [{ ...object, writtenFor: owner }] : [];
      }),
  };
  /** The same for HeatStacks. */
  readonly stacks: WatchedStacks = {
    stack: (namespace, name) => {
      const object = this.cluster.get<HeatStack>('HeatStack', namespace, name);
      return object && toCached(object);
    },
    consumersOf: (namespace, name) =>
      this.cluster
        .all(['HeatStack'])
        .map((object) => toCached(object as HeatStack))
        .filter(({ metadata, producers }) => metadata.namespace === namespace && producers.includes(name))
        .map(({ metadata }) => metadata.name),
  };
  sessions: Sessions;
  reconciler: Reconciler;

  constructor() {
    this.cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
    this.writeCredentials();
    ({ sessions: this.sessions, reconciler: this.reconciler } = this.#start());
  }

  #start(): Pick<World, 'sessions' | 'reconciler'> {
    const { clock, log } = this;
    const sessions = new Sessions({
      connect: (cloud, { breaker }) => {
        this.breaker = breaker;
        return this.#connect(cloud);
      },
      onNews: (key) => this.news.push(key),
      onMoved: (key) => this.news.push(key),
      tagsOf: (key) => ownerTagsOf(CLUSTER_ID, key),
      onRequest: () => undefined,
      // Nobody tells the breaker of the answers of this Heat.
      mostInTrouble: Number.POSITIVE_INFINITY,
      progressIntervalMs: 10_000,
      clock,
      logger: log.logger,
    });
    const reconciler = new Reconciler({
      client: this.cluster.client,
      sessions,
      clouds: new KnownClouds(),
      events: { event: (_object, { type, reason, note }) => this.events.push({ type, reason, note }) },
      digester: this.digester,
      clusterID: CLUSTER_ID,
      objects: this.watched,
      stacks: this.stacks,
      isMine: (labels) => labels?.['shard'] !== 'another',
      outputObjects: this.outputObjects,
      progressIntervalMs: 10_000,
      graceMs: 300_000,
      clock,
    });
    return { sessions, reconciler };
  }

  async #connect(login: CloudConfig): Promise<CloudConnection> {
    this.logins += 1;
    this.lastLogin = login;
    if (this.loginErrors.length > 0) throw this.loginErrors.shift();
    // A session leads to the cloud as it was at its login.
    const cloud = this.cloud;
    const world = this;
    return {
      get cloud() {
        const { endpoint: _, region: __, ...login } = cloud;
        // Without Heat in the catalog, and no region in clouds.yaml, neither is known.
        return world.hasHeat ? (world.movedTo ?? cloud) : login;
      },
      get orchestration() {
        return world.hasHeat ? world.heat : undefined;
      },
      token: TOKEN,
      regions: ['north'],
      reauthenticate: async () => world.onReauthenticate(),
      close: async () => undefined,
    };
  }

  /** Ends the operator and starts it anew: what it only remembered is lost. */
  async restart(): Promise<void> {
    await this.sessions.close();
    this.news.length = 0;
    ({ sessions: this.sessions, reconciler: this.reconciler } = this.#start());
  }

  async stop(): Promise<void> {
    await this.sessions.close();
  }

  /** Writes the Secret with the credentials; another text makes it a rotated one. */
  writeCredentials(cloudsYaml = CLOUDS_YAML): void {
    this.writeData('Secret', 'creds', { 'clouds.yaml': cloudsYaml });
  }

  writeData(kind: 'Secret' | 'ConfigMap', name: string, texts: Record<string, string>): void {
    const encode = (text: string) => (kind === 'Secret' ? Buffer.from(text).toString('base64') : text);
    const data = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, encode(text)]));
    this.cluster.apply<DataObject>({
      apiVersion: 'v1',
      kind,
      metadata: { name, namespace: NAMESPACE },
      data,
    });
  }

  /** Creates or changes the HeatStack. */
  apply(spec: Partial<HeatStackSpec> = {}, annotations: Record<string, string> = {}): void {
    const before = this.cluster.get<HeatStack>('HeatStack', NAMESPACE, NAME);
    this.cluster.apply<HeatStack>({
      apiVersion: 'heatstack.dev/v1alpha1',
      kind: 'HeatStack',
      metadata: { name: NAME, namespace: NAMESPACE, annotations },
      spec: { ...SPEC, ...before?.spec, ...spec },
      status: { observedGeneration: -1 },
    });
  }

  /** Inputs that differ from the others by one parameter. */
  applyParameter(value: string): void {
    this.apply({ parameters: { flavor: value } });
  }

  edit(change: (object: HeatStack) => void): void {
    this.cluster.edit<HeatStack>('HeatStack', NAMESPACE, NAME, change);
  }

  delete(): void {
    this.cluster.delete('HeatStack', NAMESPACE, NAME);
  }

  /** The HeatStack as the API server has it; throws when it is gone. */
  get object(): HeatStack {
    const object = this.cluster.get<HeatStack>('HeatStack', NAMESPACE, NAME);
    if (!object) throw new Error('the HeatStack is gone');
    return object;
  }

  get status(): HeatStack['status'] {
    return this.object.status;
  }

  /** The tags of the operator's own that the stack has with what was sent last. */
  get ownTags(): string[] {
    const tags = ownerTags('cluster-1', { namespace: NAMESPACE, name: NAME });
    return [...tags, digestTag(this.status.attemptedDigest ?? '')];
  }

  get exists(): boolean {
    return this.cluster.get('HeatStack', NAMESPACE, NAME) !== undefined;
  }

  condition(type: string): Condition | undefined {
    return this.status.conditions?.find((condition) => condition.type === type);
  }

  /** Ready in short: `True Succeeded`, with `Reconciling` or `Stalled` when that is there. */
  get ready(): string {
    const { status, reason } = this.condition('Ready') ?? {};
    const others = ['Reconciling', 'Stalled'].filter((type) => this.condition(type)?.status === 'True');
    return [status, reason, ...others].join(' ');
  }

  /** Reconciles once. @returns `later` when it asked for back-off. */
  async reconcile(): Promise<Result | 'later'> {
    this.news.length = 0;
    const { signal } = new AbortController();
    try {
      return await this.reconciler.reconcile(KEY, { signal, logger: this.log.logger });
    } catch (error) {
      if (error instanceof Error && error.name === 'TryAgain') return 'later';
      throw error;
    }
  }

  /** Lets more than a resync period pass, and has the object look by itself, as if the shared list had told something. */
  async lookAgain(): Promise<Result | 'later'> {
    await this.clock.advance(12 * 60_000);
    this.sessions.unwatch(KEY);
    return this.reconcile();
  }

  /** Resumes all objects, as a start does. @returns keys that are to be reconciled. */
  async resume(): Promise<string[]> {
    const queued: string[] = [];
    const { clock, sessions, reconciler, digester, cluster, watched: objects, stacks } = this;
    const queue = { add: (key: string) => queued.push(key), addAfter: () => undefined };
    const { client } = cluster;
    const resume = new Resume({
      client,
      stacks,
      objects,
      sessions,
      reconciler,
      digester,
      queue,
      concurrency: 2,
      clock,
      logger: this.log.logger,
    });
    const keys = cluster.all(['HeatStack']).map(({ metadata }) => keyOf(metadata));
    const stop = new AbortController();
    const running = resume.run(keys, stop.signal);
    await clock.advance(0);
    stop.abort();
    await running;
    return queued;
  }

  /** Lets time pass until a watch of stacks has news, and reconciles. */
  async reconcileNews(): Promise<Result | 'later'> {
    for (let seconds = 0; this.news.length === 0; seconds += 1) {
      if (seconds > 120) throw new Error('no news');
      await this.clock.advance(1000);
    }
    return this.reconcile();
  }

  /** Creates the object and its stack. */
  async created(spec: Partial<HeatStackSpec> = {}): Promise<void> {
    this.apply(spec);
    await this.reconcile();
    this.heat.finish();
    await this.reconcileNews();
    this.forget();
  }

  /** Forgets calls, requests and events so far. */
  forget(): void {
    this.heat.calls.length = 0;
    this.cluster.requests.length = 0;
    this.events.length = 0;
  }

  get eventReasons(): string[] {
    return this.events.map(({ reason }) => reason);
  }
}
