/**
 * A client for OpenStack Heat: clouds.yaml, Keystone, the catalog, and Heat's stacks. It knows no Kubernetes.
 */
export { ByteBudget } from './byte-budget.ts';
export { type CloudConfig, type CloudOptions, type PasswordAuth, parseCloudsYaml } from './clouds.ts';
export { type CloudIdentity, type Connection, connect } from './connection.ts';
export { EndpointPolicy, type EndpointRules } from './endpoint-policy.ts';
export * from './errors.ts';
export type { CallOptions, Orchestration, StackAttributes } from './orchestration.ts';
export type { EventQuery, ResourceQuery, StackQuery, StackSortKey } from './query.ts';
export type { AnswerLimits, ConnectOptions, LoggerLike } from './session.ts';
export type {
  CreatedStack,
  Link,
  Output,
  PreviewResource,
  Resource,
  Stack,
  StackEvent,
  StackIdentity,
  StackPreview,
  StackRef,
} from './stack.ts';
export type { RequestInfo } from './transport/observe.ts';
