/** Names of the HeatStack API that a schema can't carry. */

export const GROUP = 'heatstack.dev';
export const VERSION = 'v1alpha1';
export const KIND = 'HeatStack';
export const PLURAL = 'heatstacks';

/** HeatStack as a resource of the Kubernetes API. */
export const HEAT_STACKS = { group: GROUP, version: VERSION, plural: PLURAL, kind: KIND } as const;

/** Set before the first request that can make a stack; removed once Heat says that the stack is gone. */
export const FINALIZER = 'heatstack.dev/stack';

/** Keeps a Secret with credentials as long as a HeatStack needs it to delete its stack; only if that is asked for. */
export const IN_USE_FINALIZER = 'heatstack.dev/in-use';

/** The operator's name in `metadata.managedFields`: the API server takes it from the user agent, up to the slash. */
export const FIELD_MANAGER = 'heatstack-operator';

/** Annotations that people and GitOps tools set. A value that wasn't seen before asks once; see the status. */
export const ANNOTATIONS = {
  /** Reconcile now; echoed in `status.lastHandledReconcileAt`. */
  requestedAt: 'reconcile.fluxcd.io/requestedAt',
  /** Update the stack even if its inputs are the same; echoed in `status.lastHandledForceAt`. */
  forceAt: 'reconcile.fluxcd.io/forceAt',
  /** Start counting failures anew; echoed in `status.lastHandledResetAt`. */
  resetAt: 'reconcile.fluxcd.io/resetAt',
  /** Carry out the plan with this id; see `status.plan`. */
  approve: 'heatstack.dev/approve',
  /** Do something with the stack once, as `<verb>@<token>`; echoed in `status.lastHandledAction`. */
  action: 'heatstack.dev/action',
} as const;

/** Annotation on the objects that the operator writes outputs to; its value is the HeatStack's name. */
export const OUTPUTS_OF = 'heatstack.dev/outputs-of';

/** Keys of the Secret that `spec.cloudCredentialsRef` names; the same as those of the OpenStack Resource Controller. */
export const CREDENTIALS_KEYS = {
  cloudsYaml: 'clouds.yaml',
  cacert: 'cacert',
  cert: 'cert',
  key: 'key',
} as const;

/** Tags on every stack that say whose it is, and what was sent for it. Users' tags can't begin with {@link GROUP} and a slash (a rule of the CRD). */
export const TAGS = {
  /** Followed by the id of the cluster. */
  cluster: 'heatstack.dev/cluster=',
  /** Followed by `<namespace>/<name>` of the object, or its digest. */
  object: 'heatstack.dev/object=',
  /** Followed by the beginning of the digest of the inputs that were sent with it. */
  digest: 'heatstack.dev/digest=',
} as const;

/** Name in the environment's `parameter_defaults` under which the digest of a stack's inputs is kept. */
export const DIGEST_PARAMETER = 'heatstack_digest';
