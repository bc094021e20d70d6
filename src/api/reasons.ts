/** The words that conditions use. They are part of the API: programs compare them. */

/** Types of the conditions, in the order in which they are listed. */
export const CONDITION_TYPES = [
  'Ready',
  'Reconciling',
  'Stalled',
  'Available',
  'Progressing',
  'Drifted',
] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];

/** What Heat, or somebody who uses it, did to the stack. */
export type StackReason =
  | 'CreateFailed'
  | 'UpdateFailed'
  | 'RollbackComplete'
  | 'RollbackFailed'
  | 'DeleteFailed'
  | 'CheckFailed'
  | 'ResumeFailed'
  | 'SnapshotFailed'
  | 'RestoreFailed'
  /** An operation didn't end within `spec.timeout`. */
  | 'OperationTimeout'
  /** The stack is suspended in Heat. */
  | 'StackSuspended'
  /** Somebody else began to delete the stack in Heat. */
  | 'StackDeleting'
  /** There is no stack: gone and not to be made anew, or none fits `spec.import`. */
  | 'StackNotFound'
  /** The name is taken by a stack that isn't this object's. */
  | 'NameConflict'
  /** An update would replace or delete what `spec.protect` names. */
  | 'ReplacementBlocked';

/** What is wrong with the object, or with what it refers to. */
export type ConfigurationReason =
  /** There, and wrong: clouds.yaml, a template's source, a parameter. */
  | 'InvalidConfiguration'
  /** Heat refused the inputs. */
  | 'ValidationFailed'
  /** The credentials lead to another project, region or cloud than the one that holds the stack. */
  | 'CloudChanged'
  /** The Secret with the credentials, or a key in it, isn't there. */
  | 'CredentialsNotFound'
  /** A ConfigMap or Secret that the spec names, or a key in it, isn't there; or a HeatStack isn't Ready. */
  | 'DependencyNotReady';

/** What the cloud says about the request as a whole. */
export type CloudReason =
  | 'AuthenticationFailed'
  | 'Forbidden'
  /** The cloud's catalog has no Heat (in this region). */
  | 'OrchestrationNotAvailable'
  | 'QuotaExceeded'
  /** The network, or the cloud, is out of order for now. */
  | 'TransientError';

/** Why an object isn't ready. */
export type NotReadyReason = StackReason | ConfigurationReason | CloudReason;

/** All reasons of `Ready`. */
export type ReadyReason = 'Succeeded' | WorkingReason | 'Suspended' | NotReadyReason;

/** Why it isn't known yet whether an object is ready. `ApprovalRequired`: its plan waits for somebody to approve it. */
export type WorkingReason = 'Progressing' | 'ApprovalRequired';

/** All reasons of `Reconciling`, in Flux's words. */
export type ReconcilingReason = 'Progressing' | 'ProgressingWithRetry';

/** All reasons of `Available`. */
export type AvailableReason =
  /** The stack exists and its last action ended COMPLETE. */
  | 'Succeeded'
  /** Its first create, or the delete, is under way. */
  | 'Progressing'
  /** Its last action ended FAILED. */
  | 'StackFailed'
  /** There is no stack. */
  | 'StackNotFound'
  /** The stack is COMPLETE, a resource in it isn't. */
  | 'ResourceUnhealthy'
  /** Nobody has looked yet, or the cloud can't be asked. */
  | 'Unknown';

/** All reasons of `Drifted`. */
export type DriftedReason = 'DriftDetected' | 'NoDriftDetected';
