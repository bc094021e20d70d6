/** A Kubernetes runtime for controllers: client, reflector with cache, work queue, controller loop, events. */
export type { BackoffOptions } from './backoff.ts';
export type { Cache, CacheEvent } from './cache.ts';
export {
  type CallOptions,
  type DeleteOptions,
  KubeClient,
  type ListOptions,
  type NewObject,
  type Selection,
  type WatchEvent,
  type WatchOptions,
} from './client.ts';
export { type Clock, systemClock } from './clock.ts';
export { apiServerUrls, inClusterNamespace, type LoadOptions, loadKubeConfig } from './config.ts';
export {
  Controller,
  type ControllerOptions,
  type ReconcileContext,
  type Result,
  TerminalError,
} from './controller.ts';
export { isAbsent, isKubeError, KUBE_ERROR_CODES, KubeError, type KubeErrorCode } from './errors.ts';
export { type EventDetails, EventRecorder, type EventRecorderOptions } from './events.ts';
export { KeyedHeap } from './heap.ts';
export { type LabelSelector, parseLabelSelector } from './label-selector.ts';
export { LeaderElection, type LeaderElectionOptions, LeadershipLost, type Lease } from './leader-election.ts';
export { LogScope } from './log-scope.ts';
export type {
  ControllerMetrics,
  KubeRequestInfo,
  QueueMetrics,
  ReconcileOutcome,
  ReconcileRun,
  ReconcileTrace,
} from './metrics.ts';
export {
  apiVersionOf,
  CONFIG_MAPS,
  EVENTS,
  type KubeObject,
  keyOf,
  LEASES,
  NAMESPACES,
  type ObjectMeta,
  type ObjectRef,
  type OwnerReference,
  type ResourceType,
  refOf,
  SECRETS,
} from './objects.ts';
export { Recent } from './recent.ts';
export { Reflector, type ReflectorCounters, type ReflectorOptions } from './reflector.ts';
export { routeOf } from './route.ts';
export {
  type KubeRequest,
  KubeTransport,
  type KubeTransportOptions,
  type KubeWatchRequest,
} from './transport.ts';
export { type AddOptions, WorkQueue, type WorkQueueOptions } from './work-queue.ts';
export { WriteRefused } from './write-fence.ts';
