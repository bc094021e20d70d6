import type { Outcome } from '../api/conditions.ts';
import { CREDENTIALS_KEYS } from '../api/constants.ts';
import type { HeatStackSpec } from '../api/heat-stack.ts';
import { isKubeError, type KubeObject, NAMESPACES, type Result, SECRETS } from '../kube/index.ts';
import { type CloudConfig, parseCloudsYaml, secretOf } from '../openstack/index.ts';
import { type DataObject, dataOf } from './data-object.ts';
import type { KnownCloud } from './known-clouds.ts';
import { type Memory, MISSING_MS, type Reconciliation } from './reconciliation.ts';
import type { Session } from './sessions.ts';

/** What stands in the way of a login, and when to look again. */
export interface NoSession {
  outcome: Outcome;
  result: Result;
}

/**
 * Logs in with the credentials that the object names, or takes the login that others use already.
 *
 * @throws OpenStackError when clouds.yaml is wrong or the login fails
 */
export async function openSession(run: Reconciliation): Promise<Session | NoSession> {
  const found = knownCloud(run) ?? (await readSecret(run));
  if (!('cloud' in found)) return found;
  const { version, uid, cloud } = found;
  run.hide([secretOf(cloud.auth)]);
  if (version !== run.memory.secretVersion) run.memory.refusals = 0;
  run.memory.secretVersion = version;
  const session = await run.options.sessions.acquire(run.key, uid, cloud, run.signal);
  const { secretName } = run.spec.cloudCredentialsRef;
  noteLogin(run, { secretName, version, credentials: session.credentials });
  // A catalog without Heat may have it by now.
  if (!session.connection.orchestration) await session.connection.reauthenticate({ signal: run.signal });
  return session;
}

/** A cloud, and the version (`uid/resourceVersion`) of the Secret that it is of. */
type VersionedCloud = KnownCloud & { version: string };

/** The cloud of a Secret that was read before and is as it was, by what the watch knows. */
function knownCloud({ options, namespace, spec, now }: Reconciliation): VersionedCloud | undefined {
  const { cloudCredentialsRef: reference } = spec;
  const version = options.objects.versionOf('Secret', namespace, reference.secretName);
  const known = version === undefined ? undefined : options.clouds?.get(version, reference, now);
  return version !== undefined && known ? { ...known, version } : undefined;
}

async function readSecret(run: Reconciliation): Promise<VersionedCloud | Session | NoSession> {
  const { cloudCredentialsRef: reference } = run.spec;
  const { secretName } = reference;
  const ref = { namespace: run.namespace, name: secretName };
  let secret: DataObject | undefined;
  try {
    secret = await run.options.client.get<DataObject>(SECRETS, ref, { signal: run.signal });
  } catch (error) {
    if (!isKubeError(error, 'Forbidden')) throw error;
    return withoutRight(run, secretName);
  }
  const cloud = secret && readCloud(run, secret);
  if (!secret || !cloud) {
    return withoutSecret(
      run,
      secret
        ? `Secret "${secretName}" has no key "${CREDENTIALS_KEYS.cloudsYaml}"`
        : `there is no Secret "${secretName}"`,
    );
  }
  const { uid, resourceVersion } = secret.metadata;
  const version = `${uid}/${resourceVersion}`;
  run.options.clouds?.set(version, reference, { uid, cloud }, run.now);
  return { uid, cloud, version };
}

/** Says that the object works with other credentials of the same Secret than before. */
function noteLogin(run: Reconciliation, login: NonNullable<Memory['login']>): void {
  const { memory } = run;
  const former = memory.login;
  memory.login = login;
  if (!former || former.secretName !== login.secretName || former.version === login.version) return;
  if (former.credentials === login.credentials) return;
  const note = `logged in with the changed credentials of Secret "${login.secretName}"`;
  run.event('Normal', 'CredentialsRotated', 'Login', note);
}

function withoutRight(run: Reconciliation, secretName: string): NoSession {
  const cure = run.deleting
    ? 'or set spec.managedOptions.onDelete to "detach" to let the object go and keep the stack'
    : 'or name another one';
  const message = `spec.cloudCredentialsRef: the API server doesn't let the operator get Secret "${secretName}" (403); give its ServiceAccount the verb "get" on it, ${cure}`;
  return {
    outcome: { state: 'retrying', reason: 'Forbidden', message },
    result: { requeueAfterMs: MISSING_MS },
  };
}

/** Credentials that can't be read are no reason to go on with the ones before. */
function readCloud(run: Reconciliation, secret: DataObject): CloudConfig | undefined {
  try {
    return cloudOf(secret, run.spec.cloudCredentialsRef);
  } catch (error) {
    run.options.sessions.release(run.key);
    throw error;
  }
}

/**
 * The cloud that a reference names in its Secret; `undefined` when that has no clouds.yaml.
 *
 * @throws OpenStackError ConfigError when the clouds.yaml is wrong, or has no such cloud
 */
export function cloudOf(
  secret: DataObject,
  { cloudName, regionName }: HeatStackSpec['cloudCredentialsRef'],
): CloudConfig | undefined {
  const data = dataOf(secret, 'Secret');
  const cloudsYaml = data.get(CREDENTIALS_KEYS.cloudsYaml);
  if (cloudsYaml === undefined) return undefined;
  return parseCloudsYaml(cloudsYaml, {
    cloudName,
    regionName,
    cacert: data.get(CREDENTIALS_KEYS.cacert),
    cert: data.get(CREDENTIALS_KEYS.cert),
    key: data.get(CREDENTIALS_KEYS.key),
  });
}

/**
 * Leaves the session of credentials that the object doesn't name any more, or not in this version. For an object that
 * isn't to look at its cloud now: {@link openSession} does it for the others.
 */
export async function leaveOldSession(run: Reconciliation): Promise<void> {
  const { sessions, objects } = run.options;
  const version = objects.versionOf('Secret', run.namespace, run.spec.cloudCredentialsRef.secretName);
  if (!isOtherVersion(run, version)) return;
  if (version !== undefined || !(await namespaceIsEnding(run))) sessions.release(run.key);
}

/**
 * Whether the Secret with the credentials isn't what it was at the last login, by what the watch knows of it.
 *
 * @param version as the watch has it; `undefined` tells nothing of a Secret that isn't watched
 */
export function isOtherVersion({ memory, options }: Reconciliation, version: string | undefined): boolean {
  if (version === undefined && !options.objects.seesAll('Secret')) return false;
  return version !== memory.secretVersion;
}

/** Whether the namespace is being deleted, and all that is in it. */
export async function namespaceIsEnding(run: Reconciliation): Promise<boolean> {
  const ref = { name: run.namespace };
  const namespace = await run.options.client.get<KubeObject>(NAMESPACES, ref, { signal: run.signal });
  return namespace?.metadata.deletionTimestamp !== undefined;
}

/**
 * What is left of the credentials of an object whose Secret is gone: nothing, unless the namespace is being deleted. It
 * then loses its Secrets first, while HeatStacks wait for their stacks, so the session in memory is kept for them.
 */
async function withoutSecret(run: Reconciliation, what: string): Promise<Session | NoSession> {
  const { sessions } = run.options;
  const isEnding = await namespaceIsEnding(run);
  if (!isEnding) sessions.release(run.key);
  else if (run.deleting) {
    const kept = await sessions.current(run.key).catch(() => undefined);
    if (kept) return kept;
  }
  const create = isEnding ? '' : 'create it so that the stack can be deleted, or ';
  const cure = run.deleting
    ? `${create}set spec.managedOptions.onDelete to "detach" to let the object go and keep the stack`
    : 'create it, the operator goes on by itself';
  const message = `spec.cloudCredentialsRef: ${what} in this namespace; ${cure}`;
  return {
    outcome: { state: 'retrying', reason: 'CredentialsNotFound', message },
    result: { requeueAfterMs: MISSING_MS },
  };
}
