/**
 * A client for OpenStack Heat: clouds.yaml, Keystone, the catalog, and Heat's stacks. It knows no Kubernetes.
 */

export { isRawNumber, type Json, type JsonObject, type RawNumber, rawNumber } from '../json.ts';
export type { StackAttributes } from './attributes.ts';
export { ByteBudget } from './byte-budget.ts';
export {
  type CloudConfig,
  type CloudOptions,
  insecureWarning,
  parseCloudsYaml,
} from './clouds.ts';
export { type CloudIdentity, type Connection, connect } from './connection.ts';
export { EndpointPolicy, type EndpointRules } from './endpoint-policy.ts';
export { mergeEnvironments } from './environment.ts';
export * from './errors.ts';
export type { StackEvent } from './event.ts';
export type { Extra, Link, StackIdentity } from './fields.ts';
export { type LoadOptions, loadCloud } from './load-cloud.ts';
export {
  type ApplicationCredentialAuth,
  type Auth,
  type Login,
  type PasswordAuth,
  type ProjectScope,
  type Scope,
  secretOf,
  type TokenAuth,
  type TrustScope,
  type UserRef,
} from './login.ts';
export type { CallOptions, Orchestration } from './orchestration.ts';
export type {
  EventQuery,
  ResourceQuery,
  ResourceTypeQuery,
  SoftwareDeploymentQuery,
  StackQuery,
  StackSortKey,
} from './query.ts';
export type { Resource, ResourceChange } from './resource.ts';
export type { AnswerLimits, ConnectOptions, LoggerLike } from './session.ts';
export type { Snapshot } from './snapshot.ts';
export type {
  SoftwareConfig,
  SoftwareConfigAttributes,
  SoftwareDeployment,
  SoftwareDeploymentAttributes,
} from './software.ts';
export type { CreatedStack, Output, Stack, StackChanges, StackPreview, StackRef } from './stack.ts';
export type {
  BuildInfo,
  HeatService,
  ResourceType,
  TemplateFunction,
  TemplateParameter,
  TemplateValidation,
  TemplateVersion,
} from './template.ts';
export type { CallLimits } from './transport/call-limiter.ts';
export {
  type BreakerOptions,
  type Circuit,
  CircuitBreaker,
  type CircuitState,
} from './transport/circuit-breaker.ts';
export type { CallStart, CallTrace, RequestInfo } from './transport/observe.ts';
export type { WaitOptions } from './wait.ts';
