import * as v from 'valibot';
import { HEAT_STACKS } from './api/constants.ts';
import { DIGEST_KEY_SECRET } from './controller/operator-keys.ts';
import {
  CONFIG_MAPS,
  EVENTS,
  isKubeError,
  KubeClient,
  type KubeTransport,
  LEASES,
  type Lease,
  NAMESPACES,
  type ResourceType,
  SECRETS,
} from './kube/index.ts';
import { leaseName, type Options } from './options.ts';

/** What of the options decides which rights the operator needs. */
export type CheckedOptions = Pick<
  Options,
  | 'namespaces'
  | 'secretNames'
  | 'outputObjects'
  | 'protectCredentials'
  | 'events'
  | 'leaderElect'
  | 'leaseName'
  | 'stacksLabelSelector'
>;

/** A right that the operator needs; without a namespace in all of them, without a name for all objects. */
export interface Right {
  verb: string;
  type: ResourceType;
  subresource?: string;
  namespace?: string;
  name?: string;
}

const reviewSchema = v.object({ status: v.object({ allowed: v.boolean() }) });
const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';

/** The rights that an operator with these options needs, as docs/rbac.md lists them. */
export function rightsFor(options: CheckedOptions, operatorNamespace: string): Right[] {
  const { namespaces, secretNames, outputObjects, protectCredentials, events, leaderElect } = options;
  const named = secretNames.length > 0 ? secretNames : [undefined];
  const lease = leaseName(options);
  const rows: (Omit<Right, 'verb' | 'name'> & { verbs: string; names?: (string | undefined)[] })[] = [];
  for (const watched of namespaces.length > 0 ? namespaces : [undefined]) {
    const where = watched === undefined ? {} : { namespace: watched };
    rows.push(
      { ...where, type: HEAT_STACKS, verbs: 'get list watch patch' },
      { ...where, type: HEAT_STACKS, subresource: 'status', verbs: 'update' },
      { ...where, type: SECRETS, names: named, verbs: 'get list watch' },
      { ...where, type: CONFIG_MAPS, verbs: 'get list watch' },
      { ...where, type: NAMESPACES, names: [watched], verbs: 'get' },
    );
    if (outputObjects) {
      rows.push(
        { ...where, type: SECRETS, verbs: 'create' },
        { ...where, type: SECRETS, names: named, verbs: 'update delete' },
        { ...where, type: CONFIG_MAPS, verbs: 'create update delete' },
      );
    }
    if (protectCredentials) rows.push({ ...where, type: SECRETS, names: named, verbs: 'patch' });
    if (events) rows.push({ ...where, type: EVENTS, verbs: 'create patch' });
  }
  const own = { namespace: operatorNamespace };
  rows.push(
    { ...own, type: SECRETS, names: [DIGEST_KEY_SECRET], verbs: 'get' },
    { ...own, type: SECRETS, verbs: 'create' },
  );
  if (leaderElect) {
    rows.push(
      { ...own, type: LEASES, names: [lease], verbs: 'get update' },
      { ...own, type: LEASES, verbs: 'create' },
    );
  }
  return rows.flatMap(({ verbs, names = [undefined], ...right }) =>
    verbs
      .split(' ')
      .flatMap((verb) => names.map((name) => ({ ...right, verb, ...(name === undefined ? {} : { name }) }))),
  );
}

/**
 * Tries what an operator with these options needs of the API server, and writes nothing: that it answers, that it serves
 * HeatStacks, and that it grants all rights; with leader election also whether some replica works.
 *
 * @param say is told each finding, in a line
 * @returns whether all is well
 */
export async function check(
  transport: KubeTransport,
  options: CheckedOptions,
  operatorNamespace: string,
  say: (line: string) => void,
  { signal, now = Date.now }: { signal: AbortSignal; now?: () => number },
): Promise<boolean> {
  const client = new KubeClient(transport);
  let isWell = true;
  const attempt = async (trial: () => Promise<string>): Promise<void> => {
    try {
      say(`✓ ${await trial()}`);
    } catch (error) {
      signal.throwIfAborted();
      isWell = false;
      say(`✗ ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  for (const namespace of options.namespaces.length > 0 ? options.namespaces : [undefined]) {
    await attempt(() => servesStacks(client, namespace, signal));
  }
  await attempt(async () => {
    const rights = rightsFor(options, operatorNamespace);
    const missing: Right[] = [];
    for (const right of rights) if (!(await isGranted(transport, right, signal))) missing.push(right);
    if (missing.length > 0) throw new Error(`may not ${missing.map(describe).join(', ')}`);
    return `has all ${rights.length} rights that it needs`;
  });
  if (options.leaderElect) {
    const ref = { namespace: operatorNamespace, name: leaseName(options) };
    await attempt(async () => holderOf(await client.get<Lease>(LEASES, ref, { signal }), ref, now()));
  }
  return isWell;
}

async function servesStacks(
  client: KubeClient,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const where = namespace === undefined ? 'all namespaces' : `namespace ${namespace}`;
  try {
    // The first page is enough.
    for await (const _ of client.pages(HEAT_STACKS, { limit: 1, ...(namespace && { namespace }), signal }))
      break;
  } catch (error) {
    if (!isKubeError(error, 'NotFound')) throw error;
    throw new Error('the API server knows no HeatStacks: the custom resource definition is not installed');
  }
  return `the API server answers, and lists the HeatStacks of ${where}`;
}

async function isGranted(transport: KubeTransport, right: Right, signal: AbortSignal): Promise<boolean> {
  const { verb, type, subresource, namespace, name } = right;
  const resourceAttributes = { verb, group: type.group, resource: type.plural, subresource, namespace, name };
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  };
  const answer = await transport.request({ method: 'POST', path: REVIEWS, body, signal });
  return v.parse(reviewSchema, answer).status.allowed;
}

function describe({ verb, type, subresource, namespace, name }: Right): string {
  const group = type.group === '' ? '' : `.${type.group}`;
  const resource = [`${type.plural}${group}`, ...(subresource === undefined ? [] : [subresource])].join('/');
  const which = name === undefined ? '' : ` "${name}"`;
  return `${verb} ${resource}${which} in ${namespace === undefined ? 'all namespaces' : `namespace ${namespace}`}`;
}

/** Who holds the Lease; throws when nobody does. */
function holderOf(lease: Lease | undefined, ref: { namespace: string; name: string }, now: number): string {
  const name = `Lease ${ref.namespace}/${ref.name}`;
  const { holderIdentity, renewTime, leaseDurationSeconds = 0 } = lease?.spec ?? {};
  if (!holderIdentity || !renewTime) throw new Error(`no replica works: nobody holds ${name}`);
  const age = Math.max(0, Math.round((now - Date.parse(renewTime)) / 1000));
  const found = `${holderIdentity} holds ${name}, and renewed it ${age} s ago`;
  if (age > leaseDurationSeconds) throw new Error(`no replica works: ${found}`);
  return found;
}
