/** The metadata of a Kubernetes object as the API server hands it out. It may hold more than is typed here. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  creationTimestamp?: string;
  /** Set once somebody asked to delete the object; the object goes when its finalizers are gone. */
  deletionTimestamp?: string;
  ownerReferences?: OwnerReference[];
  /** Who wrote which fields, and when last. */
  managedFields?: { manager?: string; subresource?: string; time?: string }[];
}

/** The object that owns this one, and takes it along when it goes. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}
