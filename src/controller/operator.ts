import type { Logger } from 'pino';
import {
  type Clock,
  Controller,
  EventRecorder,
  type KubeClient,
  type LabelSelector,
  type LeaderElection,
  LogScope,
  systemClock,
  WorkQueue,
} from '../kube/index.ts';
import { ByteBudget, connect, type EndpointPolicy } from '../openstack/index.ts';
import { CredentialsInUse } from './credentials-in-use.ts';
import { Digester, ownerTagsOf } from './digest.ts';
import { KnownClouds } from './known-clouds.ts';
import type { Metrics } from './metrics.ts';
import { loadDigestKey, readClusterID } from './operator-keys.ts';
import { BACKGROUND } from './priority.ts';
import { Reconciler } from './reconciler.ts';
import { Resume } from './resume.ts';
import { Sessions } from './sessions.ts';
import type { Tracing } from './tracing.ts';
import { Watches } from './watches.ts';

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
  /** Requests under way at once, and in a second, with one login to a cloud. */
  heatConcurrency: number;
  heatRate: number;
  /** Which addresses clouds may be at. */
  endpoints: EndpointPolicy;
  /** Whether outputs may be written to Secrets and ConfigMaps. */
  outputObjects: boolean;
  /** Whether Secrets with credentials are kept while HeatStacks need them. */
  protectCredentials: boolean;
  /** Which HeatStacks to work on, by their labels; missing: all. */
  isMine?: LabelSelector | undefined;
  /** Labels of the ConfigMaps and Secrets to watch; missing: all. */
  configsLabelSelector?: string | undefined;
  /** Names of the only Secrets that the operator may read; none means all. */
  secretNames: readonly string[];
  /** Whether Kubernetes Events are written. */
  events: boolean;
  /** How long running reconciles may go on after a stop, in ms. */
  shutdownTimeoutMs: number;
  /** Makes one of several replicas the one that works; missing: this one is alone. */
  election?: LeaderElection | undefined;
  metrics?: Metrics | undefined;
  tracing?: Tracing | undefined;
  /** Called when the caches are filled. */
  onSynced?: () => void;
  userAgent: string;
  /** Name of the pod or machine, in Events. */
  instance: string;
  clock?: Clock;
}

/** How long a Secret waits whose namespace isn't known yet. */
const UNFILLED_MS = 10_000;
/** What is held of answers of all clouds at once: two of the largest that are read. */
const ANSWERS_BYTES = 32 * 1024 * 1024;
/** Most stacks of one list; Heat's quota for a project is 512 unless its operator raised it. */
const MAX_STACKS = 20_000;

/**
 * Runs the operator until the signal is aborted; then finishes what is under way, and resolves. A replica that doesn't lead
 * keeps its caches filled, and writes nothing.
 *
 * @throws SetupError, KubeError when it can't start; LeadershipLost when another replica may have taken over.
 */
export async function runOperator(options: OperatorOptions, signal: AbortSignal): Promise<void> {
  const { client, logger, metrics, election, clock = systemClock } = options;
  const clusterID = options.clusterID ?? (await readClusterID(client, signal));
  const queue = new WorkQueue({
    clock,
    groupOf: (name) => name.slice(0, name.indexOf('/')),
    metrics: metrics?.queue('heatstack'),
  });
  const secrets = new WorkQueue({ clock, metrics: metrics?.queue('credentials') });
  const inUse = options.protectCredentials ? new CredentialsInUse({ client, queue: secrets }) : undefined;
  const watches = new Watches({
    client,
    queue,
    namespaces: options.namespaces,
    isMine: options.isMine,
    labelSelector: options.configsLabelSelector,
    secretNames: options.secretNames,
    inUse,
    logger,
    clock,
  });
  metrics?.observeWatches(() => watches.watched);
  if (election) metrics?.observeLease(election.leaseName, () => election.isLeader);
  const ended = new AbortController();
  const reflectors = watches.run(AbortSignal.any([signal, ended.signal]));
  try {
    await watches.whenSynced(signal);
    options.onSynced?.();
    logger.info({ clusterID, stacks: watches.size, namespaces: options.namespaces }, 'started');
    const work = (lost: AbortSignal) =>
      reconcileAll(options, { clusterID, queue, secrets, inUse, watches }, signal, lost);
    await (election ? election.lead(work, signal) : work(ended.signal));
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    queue.shutDown();
    secrets.shutDown();
    ended.abort();
    await reflectors;
  }
  logger.info('stopped');
}

/** What a replica has before it leads. */
interface Standby {
  clusterID: string;
  queue: WorkQueue;
  secrets: WorkQueue;
  inUse: CredentialsInUse | undefined;
  watches: Watches;
}

/**
 * Reconciles all HeatStacks until `signal` is aborted; resolves when what was under way has ended, and everything is
 * written. Once `lost` is aborted nothing can be written any more, and all is cut.
 */
async function reconcileAll(
  options: OperatorOptions,
  { clusterID, queue, secrets, inUse, watches }: Standby,
  signal: AbortSignal,
  lost: AbortSignal,
): Promise<void> {
  const { client, logger, metrics, tracing, election, clock = systemClock } = options;
  const logs = new LogScope(logger);
  const key = await loadDigestKey(
    client,
    { namespace: options.operatorNamespace, watched: options.namespaces, logger },
    AbortSignal.any([signal, lost]),
  );
  const events = options.events
    ? new EventRecorder({
        client,
        reportingController: 'heatstack.dev/operator',
        reportingInstance: options.instance,
        logger,
        clock,
      })
    : undefined;
  const budget = new ByteBudget(ANSWERS_BYTES);
  const sessions = new Sessions({
    connect: (cloud, connectOptions) =>
      connect(cloud, {
        ...connectOptions,
        logger: logs,
        trace: () => {
          const { logger } = logs;
          const traced = tracing?.cloudCall();
          return (request) => {
            logger.debug(request, 'cloud request');
            traced?.(request);
          };
        },
        userAgent: options.userAgent,
        endpoints: options.endpoints,
        ...(election ? { beforeWrite: () => election.assertLeader() } : {}),
        budget,
        limits: {
          listItems: MAX_STACKS,
          concurrency: options.heatConcurrency,
          ratePerSecond: options.heatRate,
        },
      }),
    onNews: (name) => queue.add(name),
    onMoved: (name) => queue.add(name, { priority: BACKGROUND }),
    tagsOf: (name) => ownerTagsOf(clusterID, name),
    mostInTrouble: Math.max(1, Math.floor(options.concurrency / 2)),
    onRequest: (request) => metrics?.cloudRequest(request),
    progressIntervalMs: options.progressIntervalMs,
    clock,
    logger,
  });
  const digester = new Digester(key);
  const reconciler = new Reconciler({
    client,
    sessions,
    clouds: new KnownClouds(),
    events: events ?? { event: () => undefined },
    digester,
    clusterID,
    objects: watches,
    stacks: watches,
    isMine: options.isMine,
    outputObjects: options.outputObjects,
    progressIntervalMs: options.progressIntervalMs,
    graceMs: options.graceMs,
    clock,
    onOthers: (name) => queue.add(name),
    onOperation: metrics && ((operation) => metrics.operation(operation)),
  });
  const resume = new Resume({
    client,
    stacks: watches,
    objects: watches,
    sessions,
    reconciler,
    digester,
    queue,
    concurrency: options.concurrency,
    clock,
    logger,
  });
  watches.torn = (key, uid) => reconciler.torn(key, uid);
  watches.ignore = (name, resourceVersion) => reconciler.isOwnWrite(name, resourceVersion);
  watches.onChanged = (name, version) => sessions.expectLook(name, version);
  watches.ignoreData = (name, version) =>
    reconciler.isOwnData(name, version) || (inUse?.isOwnVersion(version) ?? false);
  metrics?.observeWork(watches.counts, sessions, events);

  const present = watches.lead();
  try {
    const controller = new Controller({
      name: 'heatstack',
      queue,
      // What isn't filled yet is queued when it is.
      reconcile: (name, context) =>
        watches.isFilled(name) ? reconciler.reconcile(name, context) : Promise.resolve({}),
      concurrency: options.concurrency,
      logger,
      logs,
      clock,
      graceMs: options.shutdownTimeoutMs,
      metrics: metrics?.controller('heatstack', options.concurrency),
      trace: tracing && ((run, work) => tracing.reconcile(run, watches.uidOf(run.key), work)),
    });
    const keeper = new Controller({
      name: 'credentials',
      queue: secrets,
      // Where not all HeatStacks are known, a Secret may look as if nobody needed it.
      reconcile: (name, context) =>
        watches.isFilled(name)
          ? (inUse?.reconcile(name, context) ?? Promise.resolve({}))
          : Promise.resolve({ requeueAfterMs: UNFILLED_MS }),
      concurrency: 1,
      logger,
      logs,
      clock,
      graceMs: options.shutdownTimeoutMs,
      metrics: metrics?.controller('credentials', 1),
      trace: tracing && ((run, work) => tracing.reconcile(run, undefined, work)),
    });
    await Promise.all([
      resume.run(present, signal, lost),
      controller.run(signal, lost),
      keeper.run(signal, lost),
    ]);
  } finally {
    if (lost.aborted) events?.drop();
    await sessions.close();
    await events?.flush();
  }
}
