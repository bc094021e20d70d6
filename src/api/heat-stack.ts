/*
 * GENERATED from crds/heatstack.dev_heatstacks.yaml by crds/generate-types.ts: change that file, not this one.
 *
 * The types say what the API server hands out: a field with a default is always there, so it is not optional.
 */
import type { Json, JsonObject } from '../json.ts';
import type { ObjectMeta } from './object-meta.ts';

/**
 * A HeatStack is one OpenStack Heat stack. The operator creates the stack from the spec, updates it when the spec changes, deletes it with the object, and shows in the status what Heat says about the stack and every resource in it.
 */
export interface HeatStack {
  /**
   * The version of this API, heatstack.dev/v1alpha1.
   */
  apiVersion: 'heatstack.dev/v1alpha1';
  /**
   * HeatStack.
   */
  kind: 'HeatStack';
  metadata: ObjectMeta;
  spec: HeatStackSpec;
  status: HeatStackStatus;
}
/**
 * What the stack should be.
 */
export interface HeatStackSpec {
  cloudCredentialsRef: CloudCredentialsRef;
  /**
   * Name of the stack in Heat. Default: metadata.name. It starts with a letter and goes on with letters, digits, "_", "." and "-", at most 255 in all. "detail" and "preview" are refused, for they are paths of Heat's API. Needed when metadata.name starts with a digit. It can't be changed, added or removed later. Keep it short: Heat puts it in front of the names of servers, ports and so on.
   */
  stackName?: string;
  /**
   * "managed": the operator creates, updates and deletes the stack. "unmanaged": it only observes the stack that spec.import names, and never writes to it; deleting this object leaves the stack alone. It may be changed at any time.
   *
   * @default "managed"
   */
  managementPolicy: 'managed' | 'unmanaged';
  import?: ImportSource;
  template?: TemplateSource;
  /**
   * Files that the template or an environment names: with get_file, as the type of a resource (nested template), or in a resource_registry. Each key must be written there exactly as it is here, for example "type: web.yaml" and the key "web.yaml"; Heat never reads a path. At most 256 files. Template, files, environments and parameters share Heat's limit of 1 MiB for a request.
   */
  files?: {
    [k: string]: string;
  };
  /**
   * More files, from ConfigMaps and Secrets, at most 32 objects: each key is a file, or only those of "items". A later one wins over an earlier one, and spec.files over them all. A change of the object is noticed within seconds, and leads to an update when a file changed.
   */
  filesFrom?: FilesSource[];
  /**
   * Heat environments, at most 32. They are merged in this order, as the openstack command merges several "-e", and sent as one: maps are merged deeply, in anything else the later one wins. spec.parameters wins over them all.
   */
  environments?: EnvironmentSource[];
  /**
   * Values of the template's parameters, of any JSON type; at most 1000. They win over every environment, spec.parametersFrom and spec.parameterValues. null means not set: the next source's value or the template's default counts. A name that the template doesn't declare is refused by Heat. Numbers keep every digit.
   *
   * Two pitfalls of YAML: quote versions, for 1.10 is the number 1.1 while "1.10" is text; and quote words that YAML may read as true or false, also as names: n, y, no, yes, off, on ("n": 3).
   *
   * Everybody who may read this object can read the values, even if the template marks a parameter as hidden.
   */
  parameters?: JsonObject;
  /**
   * Parameters from ConfigMaps and Secrets, at most 32 objects: each key is a parameter, its value is text. A later one wins over an earlier one; spec.parameterValues and spec.parameters win over them. Values from Secrets never appear in the status, in Events or in logs.
   */
  parametersFrom?: ParametersSource[];
  /**
   * Single parameters whose values are kept elsewhere, at most 256: in a ConfigMap, a Secret, or an output of another HeatStack. A later one wins over an earlier one of the same name; spec.parameters wins over them.
   */
  parameterValues?: ParameterValue[];
  /**
   * Tags of the stack in Heat, besides the operator's own; at most 50, each up to 80 characters and without a comma. Tags that start with heatstack.dev/ are the operator's own.
   */
  tags?: string[];
  /**
   * How long Heat may take for one create, update or delete before it gives up, as a duration like "90m" or "1h30m", from 1m to 168h. Heat counts in minutes, so a part of a minute counts as a whole one.
   *
   * @default "60m"
   */
  timeout: string;
  /**
   * Whether Heat undoes an update that failed (and removes the resources of a create that failed). The object then says RollbackComplete and isn't Ready, since Heat doesn't have what the spec asks for; going back to the former spec makes it Ready without any work in Heat.
   *
   * @default false
   */
  rollbackOnFailure: boolean;
  /**
   * While true, the operator leaves the stack alone and doesn't look at it. Deleting the object still works.
   *
   * @default false
   */
  suspend: boolean;
  /**
   * How often a stack that is healthy and unchanged is looked at, as a duration like "10m": at least 10s, at most 168h, and up to a fifth is added so that stacks take turns. "0s" turns it off; a shorter resources.refreshPeriod counts instead. Changes of the object are always seen at once.
   *
   * @default "10m"
   */
  resyncPeriod: string;
  managedOptions: ManagedOptions;
  driftDetection: DriftDetection;
  /**
   * What a change of the inputs does while Heat is at work on the stack. "wait": it is sent when the work has ended. "supersede": it is sent at once, and Heat goes on from where it is (Heat's convergence engine allows it).
   *
   * @default "wait"
   */
  updatePolicy: 'wait' | 'supersede';
  /**
   * "automatic": changes are carried out. "manual": a create or an update is previewed first; status.plan tells what it would do, and it is carried out when the annotation heatstack.dev/approve holds that plan's id. Deletion isn't held back.
   *
   * @default "automatic"
   */
  approval: 'automatic' | 'manual';
  /**
   * Resources that an update may not replace or delete unless its plan was approved with the annotation heatstack.dev/approve; at most 32 rules. Each update is then previewed first, also when it is tried again after a failure, and resources of nested stacks count. Deleting the object still deletes the stack.
   */
  protect?: ProtectRule[];
  /**
   * Other HeatStacks of the namespace that must be Ready, with their newest specs, before this one is created or updated, at most 32. An unchanged stack stays as it is while they are worked on. Deleting doesn't wait for these. HeatStacks that wait for each other in a circle are told so.
   */
  dependsOn?: Dependency[];
  outputs?: OutputsSpec;
  /**
   * What to do when somebody deleted the stack in Heat. "recreate": make it anew. "stall": do nothing and say so in the conditions, until the object is changed or asked to reconcile.
   *
   * @default "recreate"
   */
  onExternalDeletion: 'recreate' | 'stall';
  remediation: Remediation;
  resources: ResourcesSpec;
}
/**
 * The cloud that holds the stack and the credentials for it: a Secret in the same namespace, the same that the OpenStack Resource Controller reads.
 */
export interface CloudCredentialsRef {
  /**
   * Name of the Secret. Its key clouds.yaml (required) holds a clouds.yaml as the openstack command reads it; its keys cacert, cert and key (optional) hold the PEM certificates of the authorities to trust, and the client's own certificate with its private key.
   */
  secretName: string;
  /**
   * Name of the entry under "clouds" in clouds.yaml.
   */
  cloudName: string;
  /**
   * Region whose Heat to use. Default: region_name of the clouds.yaml entry; without either, the only region of the catalog that has Heat.
   */
  regionName?: string;
}
/**
 * An existing stack to take instead of creating one. Unmanaged, it is observed. Managed, it is adopted: the operator first previews the update to this object's template and parameters, and goes on only if nothing is added, replaced or deleted by it, or when that was approved by the plan's id. While no stack fits, the operator waits for one. It can be removed once the stack is taken, but not changed.
 */
export interface ImportSource {
  /**
   * The stack's id in Heat.
   */
  id?: string;
  filter?: ImportFilter;
  /**
   * Whether a stack may be taken that carries the tags of another HeatStack: of a cluster that is gone, whose objects were restored into this one. Make sure that the other object doesn't work on the stack any more.
   *
   * @default false
   */
  takeOwnership: boolean;
}
/**
 * What the one stack of the project must match, all of it.
 */
export interface ImportFilter {
  /**
   * The stack's name, whole.
   */
  name?: string;
  /**
   * Tags that it must have, all of them; 1 to 20.
   */
  tags?: string[];
}
/**
 * The Heat template (HOT or CloudFormation form); needed unless spec.managementPolicy is "unmanaged". Set exactly one of four:
 *
 * inline, text, sent to Heat as it stands: the usual choice.
 *
 * object, the template as part of the manifest, so that Kustomize can patch it.
 *
 * configMapKeyRef, a key of a ConfigMap: for a template that is generated, shared, or large.
 *
 * secretKeyRef, a key of a Secret: for a template that holds secrets.
 *
 * There is no URL: what is behind it could change unseen, so neither the record of what was applied nor a preview would be true, and Heat would fetch from its own network whatever address a tenant names.
 *
 * Sizes: Heat takes 512 KiB unless its administrator allows more. "kubectl apply" keeps a copy of the manifest in an annotation and fails when inline is over about 256 KiB: use "kubectl apply --server-side" or configMapKeyRef then.
 */
export interface TemplateSource {
  /**
   * The template's text, YAML or JSON. It goes to Heat untouched and is never parsed on the way, so an unquoted date such as "heat_template_version: 2018-08-31" is safe. Mind the "|" after "inline:" in YAML. Over about 256 KiB use "kubectl apply --server-side" or configMapKeyRef.
   */
  inline?: string;
  /**
   * The template as YAML inside the manifest, without "|". Tools that work on manifests can read and patch it. YAML is then read by your tools and not by Heat: comments are lost, and short forms of functions ("!Ref") don't work.
   */
  object?: JsonObject;
  configMapKeyRef?: ConfigMapKeyRef;
  secretKeyRef?: SecretKeyRef;
}
/**
 * A key of a ConfigMap in the same namespace that holds the template's text. A ConfigMap can hold up to 1 MiB.
 */
export interface ConfigMapKeyRef {
  /**
   * Name of the ConfigMap.
   */
  name: string;
  /**
   * Key in its data.
   */
  key: string;
}
/**
 * A key of a Secret in the same namespace that holds the template's text.
 */
export interface SecretKeyRef {
  /**
   * Name of the Secret.
   */
  name: string;
  /**
   * Key in its data.
   */
  key: string;
}
/**
 * A ConfigMap or Secret whose keys are files; set exactly one of configMapRef and secretRef.
 */
export interface FilesSource {
  configMapRef?: ConfigMapRef;
  secretRef?: SecretRef;
  /**
   * Put before each key, or path, to make the file's name, such as "lib/".
   */
  prefix?: string;
  /**
   * The keys to take, 1 to 256, and the name of the file that each becomes. Needed for names with a slash, which a key can't have. Default: all keys, under their own names.
   */
  items?: FileItem[];
}
/**
 * A ConfigMap in the same namespace.
 */
export interface ConfigMapRef {
  /**
   * Name of the ConfigMap.
   */
  name: string;
  /**
   * Whether to go on without it when it, or its key, isn't there. Default false, which waits for it.
   */
  optional?: boolean;
}
/**
 * A Secret in the same namespace.
 */
export interface SecretRef {
  /**
   * Name of the Secret.
   */
  name: string;
  /**
   * Whether to go on without it when it, or its key, isn't there. Default false, which waits for it.
   */
  optional?: boolean;
}
/**
 * A key and the file that it becomes.
 */
export interface FileItem {
  /**
   * Key in its data.
   */
  key: string;
  /**
   * The file's name, as the template or an environment writes it.
   */
  path: string;
}
/**
 * One environment; set exactly one of four.
 */
export interface EnvironmentSource {
  /**
   * The environment's text, YAML or JSON. Sections: parameters, parameter_defaults, resource_registry, event_sinks, parameter_merge_strategies.
   */
  inline?: string;
  /**
   * The environment as YAML inside the manifest, without "|".
   */
  object?: JsonObject;
  /**
   * A key of a ConfigMap in the same namespace that holds the environment's text.
   */
  configMapKeyRef?: ConfigMapKeyRef;
  /**
   * A key of a Secret in the same namespace that holds the environment's text.
   */
  secretKeyRef?: SecretKeyRef;
}
/**
 * A ConfigMap or Secret whose keys are parameters; set exactly one of configMapRef and secretRef.
 */
export interface ParametersSource {
  /**
   * A ConfigMap in the same namespace.
   */
  configMapRef?: ConfigMapRef;
  /**
   * A Secret in the same namespace.
   */
  secretRef?: SecretRef;
  /**
   * Put before each key to make the parameter's name.
   */
  prefix?: string;
}
/**
 * A parameter and where its value is.
 */
export interface ParameterValue {
  /**
   * Name of the template's parameter.
   */
  name: string;
  valueFrom: ParameterValueSource;
}
/**
 * Where the value is; set exactly one of three.
 */
export interface ParameterValueSource {
  /**
   * A key of a ConfigMap in the same namespace that holds the value, as text.
   */
  configMapKeyRef?: ConfigMapKeyRef;
  /**
   * A key of a Secret in the same namespace that holds the value, as text.
   */
  secretKeyRef?: SecretKeyRef;
  heatStackOutputRef?: HeatStackOutputRef;
  /**
   * Whether to go on without it when it, or its key, isn't there. Default false, which waits for it.
   */
  optional?: boolean;
}
/**
 * An output of another HeatStack in the same namespace. This one waits until that is Ready with its newest spec, also while that is updated: before, nobody knows the value. It is read from where that HeatStack writes it, and the cloud isn't asked: from its status (spec.outputs.inStatus), as it is; else from its Secret or its ConfigMap (spec.outputs.secretName, configMapName), as the text that stands there, which is JSON for a list, a map or a number. While the output is in use, deleting that HeatStack waits until this one is gone.
 */
export interface HeatStackOutputRef {
  /**
   * Name of the HeatStack.
   */
  name: string;
  /**
   * Name of the output.
   */
  output: string;
}
/**
 * How the operator manages the stack.
 */
export interface ManagedOptions {
  /**
   * What happens to the stack when this object is deleted. "delete": the stack and its resources are deleted first, then the object goes. "detach": the stack stays as it is, and the same object applied again takes it back. It may still be changed while the object is being deleted: "detach" is the way out when the credentials no longer work.
   *
   * @default "delete"
   */
  onDelete: 'delete' | 'detach';
}
/**
 * What to do when somebody else changed the stack's inputs in Heat: template, environment, files, parameters, tags, timeout or rollback.
 */
export interface DriftDetection {
  /**
   * "warn": say so in the condition Drifted, in status.drift and in an Event; Ready stays True. "enabled": put the inputs back, too. "disabled": don't look.
   *
   * @default "warn"
   */
  mode: 'disabled' | 'warn' | 'enabled';
}
/**
 * Types of resources, and what may not happen to them.
 */
export interface ProtectRule {
  /**
   * Types such as OS::Nova::Server, 1 to 64; "*" at the end stands for anything, as in OS::Cinder::*, and "*" alone for all types.
   */
  resourceTypes: string[];
  /**
   * What is refused, one or both of replace and delete.
   */
  operations: ('replace' | 'delete')[];
}
/**
 * A HeatStack in the same namespace.
 */
export interface Dependency {
  /**
   * Name of the HeatStack.
   */
  name: string;
}
/**
 * Where values of the stack's outputs go. By default nowhere: the status lists names, descriptions and errors only, since an output may show a hidden parameter in clear.
 */
export interface OutputsSpec {
  /**
   * Names of the outputs whose values are shown in status.outputs, or "*" alone for all of them; at most 256. Everybody who may read this object can read them. A value over 4 KiB isn't shown.
   */
  inStatus?: string[];
  /**
   * Name of a Secret in the same namespace, of type Opaque, that the operator makes and keeps: the chosen outputs, a key each. Text stands in it as it is, other values as JSON. It is written before the object is Ready, written again when somebody changes or deletes it, and deleted with this object or when it isn't asked for any more. A Secret of that name which isn't this object's own is never touched. An output without a value, or with a name that can't be a key, is left out, and status.outputs says so.
   */
  secretName?: string;
  /**
   * Name of a ConfigMap to hold the same, as for secretName. Everybody who may read ConfigMaps can read the values. With both names, both hold all chosen outputs.
   */
  configMapName?: string;
  /**
   * Names of the outputs that go into the Secret and the ConfigMap, 1 to 256. Default: all outputs.
   */
  names?: string[];
  /**
   * Labels of the Secret and the ConfigMap, at most 32. Keys of kubernetes.io, k8s.io, helm.sh, argoproj.io, fluxcd.io and heatstack.dev are refused.
   */
  labels?: {
    [k: string]: string;
  };
  /**
   * Annotations of the Secret and the ConfigMap, at most 32 with up to 4 KiB each. The same keys are refused.
   */
  annotations?: {
    [k: string]: string;
  };
}
/**
 * What to do after Heat failed to create or update the stack, with the same inputs. A change of them is always tried at once and starts the count anew.
 */
export interface Remediation {
  create: CreateRemediation;
  update: UpdateRemediation;
  /**
   * Time before the first retry, as a duration from 1s to 15m; it doubles with every retry, up to 15 minutes.
   *
   * @default "30s"
   */
  retryInterval: string;
}
/**
 * After a failed create, as long as the stack was never complete.
 */
export interface CreateRemediation {
  /**
   * How often to try again, 0 to 100, before the object is Stalled.
   *
   * @default 3
   */
  retries: number;
  /**
   * "update": update the failed stack, which makes only what failed or is missing. "recreate": delete the stack and create it again; never with spec.protect or manual approval, nor after Heat rolled the create back: then an update repairs it. "none": don't try again.
   *
   * @default "update"
   */
  strategy: 'update' | 'recreate' | 'none';
}
/**
 * After a failed update or a rollback.
 */
export interface UpdateRemediation {
  /**
   * How often to try again, 0 to 100, before the object is Stalled. By default not at all, since Heat replaces each failed resource, a server with its disk too, in the next update.
   *
   * @default 0
   */
  retries: number;
  /**
   * "update": update the stack again. "none": don't try again.
   *
   * @default "update"
   */
  strategy: 'update' | 'none';
}
/**
 * How much of the stack's resources the status shows.
 */
export interface ResourcesSpec {
  /**
   * How many levels of nested stacks to show, 0 to 5. 0 shows the resources of the stack itself; a nested stack is then one resource.
   *
   * @default 0
   */
  nestedDepth: number;
  /**
   * How many resources to list at most, 1 to 2000; failed ones come first when some must be left out. status.resourceSummary counts them all. Large lists make the object heavy for everybody who watches it.
   *
   * @default 100
   */
  maxItems: number;
  /**
   * How often the resources are read although the stack itself didn't change (autoscaling and marks of health don't touch it), as a duration from 10s to 168h. "0s" turns it off. With them, at most once an hour, the inputs are compared, see driftDetection.
   *
   * @default "1h"
   */
  refreshPeriod: string;
}
/**
 * What Heat says about the stack, written by the operator alone: whatever else is written here is replaced.
 */
export interface HeatStackStatus {
  /**
   * The metadata.generation that this status speaks of; -1 until the operator has looked at the object for the first time.
   *
   * @default -1
   */
  observedGeneration: number;
  /**
   * Ready sums up all others and is the one to wait for. Reconciling and Stalled are there only while True: Reconciling when work or a retry is under way, Stalled when nothing will happen until somebody changes something. Available says whether the stack exists and last ended COMPLETE, Progressing repeats Reconciling.
   */
  conditions?: Condition[];
  /**
   * The stack's id in Heat.
   */
  id?: string;
  /**
   * The stack's name in Heat.
   */
  stackName?: string;
  cloud?: CloudStatus;
  /**
   * The operator's proof that the id above was written by it. Without it the id counts for nothing.
   */
  ownership?: string;
  /**
   * The stack's state in Heat, for example CREATE_COMPLETE.
   */
  stackStatus?: string;
  /**
   * Heat's reason for that state, or what it was rolled back for, cut at 1 KiB.
   */
  stackStatusReason?: string;
  /**
   * When Heat created the stack.
   */
  createdAt?: string;
  /**
   * When Heat last began to work on the stack; missing when it did nothing since the create.
   */
  updatedAt?: string;
  /**
   * The stack's outputs. Values are there only for those that spec.outputs.inStatus names.
   */
  outputs?: OutputStatus[];
  /**
   * The stack's resources, as many as spec.resources allows; failed ones first when some were left out.
   */
  resources?: ResourceStatus[];
  resourceSummary?: ResourceSummary;
  /**
   * Whether the list of resources leaves some out.
   */
  resourcesTruncated?: boolean;
  /**
   * What went wrong, cause first: the failed resources themselves, found through nested stacks, without the stacks around them.
   */
  failures?: ResourceFailure[];
  plan?: Plan;
  drift?: Drift;
  /**
   * What was done to the stack, the newest first, at most 5.
   */
  history?: HistoryEntry[];
  /**
   * Digest of what the Secret and the ConfigMap of spec.outputs hold.
   */
  outputsDigest?: string;
  /**
   * Digest of the inputs that Heat last completed.
   */
  appliedDigest?: string;
  /**
   * Digest of the inputs that were last sent to Heat.
   */
  attemptedDigest?: string;
  /**
   * Since when Heat has worked with nothing but the inputs of attemptedDigest; missing while that isn't known. What it said of other inputs isn't shown if they may have hidden values.
   */
  attemptedSince?: string;
  /**
   * Whether any inputs that were sent to this stack had hidden values, from Secrets or of hidden parameters. Counts as true when it is missing.
   */
  hidesInputs?: boolean;
  /**
   * How often the same inputs, or the delete, were sent again; after a cancel, the number of retries that is allowed.
   */
  attempts?: number;
  /**
   * When the operator last had something new to say; a look that finds all as before isn't written.
   */
  lastSyncTime?: string;
  /**
   * The last value of the annotation reconcile.fluxcd.io/requestedAt that was acted on.
   */
  lastHandledReconcileAt?: string;
  /**
   * The last value of the annotation reconcile.fluxcd.io/forceAt that was acted on.
   */
  lastHandledForceAt?: string;
  /**
   * The last value of the annotation reconcile.fluxcd.io/resetAt that was acted on.
   */
  lastHandledResetAt?: string;
  lastHandledAction?: HandledAction;
}
/**
 * One aspect of the object's state.
 */
export interface Condition {
  /**
   * Which aspect, for example Ready.
   */
  type: string;
  /**
   * True, False or Unknown.
   */
  status: 'True' | 'False' | 'Unknown';
  /**
   * The metadata.generation that this condition speaks of.
   */
  observedGeneration?: number;
  /**
   * When the status of this condition last changed.
   */
  lastTransitionTime: string;
  /**
   * One word for programs to tell why.
   */
  reason: string;
  /**
   * A sentence for people to tell why, and what to do.
   */
  message: string;
}
/**
 * The cloud where the stack is.
 */
export interface CloudStatus {
  /**
   * Keystone's URL.
   */
  authURL?: string;
  /**
   * Heat's URL for the project.
   */
  endpoint?: string;
  /**
   * The region of that endpoint.
   */
  region?: string;
  /**
   * Id of the project that owns the stack.
   */
  projectID?: string;
  /**
   * Name of the project that owns the stack.
   */
  projectName?: string;
}
/**
 * An output of the stack.
 */
export interface OutputStatus {
  /**
   * Name of the output.
   */
  name: string;
  /**
   * The template's description of it.
   */
  description?: string;
  /**
   * The value, any JSON, up to 4 KiB.
   */
  value?: Json;
  /**
   * Why there is no value, here or in the objects that spec.outputs names.
   */
  error?: string;
  secretKeyRef?: OutputKeyRef;
}
/**
 * Where the value is in the Secret that spec.outputs.secretName names.
 */
export interface OutputKeyRef {
  /**
   * Name of the Secret.
   */
  name: string;
  /**
   * Key in its data.
   */
  key: string;
}
/**
 * A resource of the stack.
 */
export interface ResourceStatus {
  /**
   * The resource's name in the template.
   */
  name: string;
  /**
   * The resource's type, for example OS::Nova::Server.
   */
  type: string;
  /**
   * The id of what was made, for example of the server.
   */
  physicalResourceID?: string;
  /**
   * The resource's state in Heat, for example CREATE_COMPLETE.
   */
  status: string;
  /**
   * Heat's reason for that state.
   */
  statusReason?: string;
  /**
   * Names of the resources that depend on this one.
   */
  requiredBy?: string[];
  /**
   * When Heat last changed the resource.
   */
  updatedAt?: string;
  /**
   * Where the resource is, for a resource of a nested stack: names from the outermost in, as in "web/0/server".
   */
  path?: string;
}
/**
 * Counts of the resources at the depth shown, also of those that the list leaves out.
 */
export interface ResourceSummary {
  /**
   * All resources.
   */
  total: number;
  /**
   * Resources in a state that ends in COMPLETE.
   */
  complete: number;
  /**
   * Resources that Heat is working on.
   */
  inProgress: number;
  /**
   * Resources in a state that ends in FAILED.
   */
  failed: number;
  /**
   * Complete of total, for example "18/20".
   */
  text: string;
}
/**
 * A resource that failed.
 */
export interface ResourceFailure {
  /**
   * Where the resource is, names from the outermost in, as in "web/0/server".
   */
  path: string;
  /**
   * The resource's type.
   */
  type?: string;
  /**
   * The id of what was made, if anything was.
   */
  physicalResourceID?: string;
  /**
   * Heat's reason.
   */
  reason?: string;
}
/**
 * What the wanted create or update would do, as Heat's preview tells it; there while it waits for approval or is refused by spec.protect.
 */
export interface Plan {
  /**
   * What the annotation heatstack.dev/approve must hold to have it carried out. It is another one when the inputs, the stack or the list of changes is another.
   */
  id: string;
  /**
   * Resources that would be made; the first 200 at most.
   */
  added: PlannedChange[];
  /**
   * Resources that would be updated in place; the first 200 at most. Heat lists nested stacks here whether or not anything in them changes.
   *
   * Items: A resource that would change.
   */
  updated: PlannedChange[];
  /**
   * Resources that would be made anew and then deleted; the first 200 at most.
   *
   * Items: A resource that would change.
   */
  replaced: PlannedChange[];
  /**
   * Resources that would be deleted; the first 200 at most.
   *
   * Items: A resource that would change.
   */
  deleted: PlannedChange[];
  /**
   * How many resources would stay as they are.
   */
  unchanged: number;
  /**
   * When this was first planned.
   */
  createdAt: string;
}
/**
 * A resource that would change.
 */
export interface PlannedChange {
  /**
   * Where the resource is, names from the outermost in, as in "web/0/server".
   */
  path: string;
  /**
   * The resource's type.
   */
  type: string;
}
/**
 * What another client changed in the stack's inputs; there while that is so.
 */
export interface Drift {
  /**
   * When it was first noticed.
   */
  detectedAt: string;
  /**
   * What differs from the spec, such as "template", "files/web.yaml", "parameters/size" or "tags"; the first 32.
   */
  fields: string[];
}
/**
 * One operation.
 */
export interface HistoryEntry {
  /**
   * Digest of the inputs that were sent.
   */
  digest?: string;
  /**
   * Create, Update, Adopt or Delete; or Rollback, when Heat went back to the inputs before.
   */
  action: string;
  /**
   * When it was begun.
   */
  startedAt: string;
  /**
   * When its end was seen; missing while it is under way.
   */
  finishedAt?: string;
  /**
   * The state in Heat that it ended in, such as UPDATE_COMPLETE; or Superseded, when another one overtook it.
   */
  result?: string;
  /**
   * Why it failed.
   */
  reason?: string;
}
/**
 * The last value of the annotation heatstack.dev/action that was acted on, and what came of it.
 */
export interface HandledAction {
  /**
   * What follows the "@" in the annotation. A token is carried out once, until another one was.
   */
  token: string;
  /**
   * What was asked for, for example check.
   */
  verb: string;
  /**
   * InProgress, Succeeded or Failed; or Refused with the reason, when it can't be done in the stack's state.
   */
  result: string;
}
