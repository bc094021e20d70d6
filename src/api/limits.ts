/**
 * What fits into a status: the API server refuses the whole write when one text or list is longer than the CRD allows.
 * Texts are measured in characters; {@link clip} counts UTF-16 units, which are never fewer.
 */
export const STATUS_LIMITS = {
  /** Most items of `status.outputs`. */
  outputs: 256,
  /** Most items of `status.resources`, also the upper bound of `spec.resources.maxItems`. */
  resources: 2000,
  /** Most items of `status.history`. */
  history: 5,
  /** Most items of `requiredBy` of a resource. */
  requiredBy: 1000,
  /** Most items of `status.failures`. */
  failures: 20,
  /** Most items of each list of `status.plan`. */
  plannedChanges: 200,
  /** Names of stacks, resources and outputs, of regions and projects. */
  name: 255,
  /** A resource's type: a nested stack's may be a long path. */
  type: 1024,
  /** What Heat or the cloud calls a resource. */
  physicalResourceID: 1024,
  /** Reasons, errors and descriptions from Heat. */
  text: 1024,
  /** Names from the outermost stack in, with slashes between. */
  path: 2048,
  url: 2048,
  /** `CREATE_COMPLETE` and the like. */
  state: 64,
  /** A time as Heat writes it. */
  time: 64,
  digest: 128,
  /** Ids of stacks and projects. */
  id: 64,
  /** The echo of an annotation. */
  handled: 1024,
  /** Bytes of an output's value as JSON; not a rule of the CRD. */
  outputValueBytes: 4096,
} as const;
