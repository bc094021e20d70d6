import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll } from 'vitest';
import { Release } from '../../support/release.ts';
import { bed, eventually } from '../../support/scenario.ts';
import { CLOUD_ADDRESS } from '../network.ts';

/** Where releases go unless a scenario says otherwise. */
export const NAMESPACE = 'heatstack-system';
/** What the chart needs in this cluster, and a log worth keeping. */
export const VALUES = { allowedEndpoints: [CLOUD_ADDRESS], logLevel: 'debug' };

const HOOK_MS = 180_000;
const DELETE_MS = 60_000;
/** A kubectl that hangs must not take the whole time of a test. */
const KUBECTL_MS = 90_000;

/** Runs kubectl, as an administrator unless a kubeconfig says otherwise; its stdout. Throws with its stderr. */
export async function kubectl(
  args: string[],
  stdin = '',
  kubeconfig: string = bed().kubeconfig,
): Promise<string> {
  const { kubectl } = bed();
  const child = promisify(execFile)(kubectl, ['--kubeconfig', kubeconfig, ...args], {
    maxBuffer: 64 * 1024 * 1024,
    timeout: KUBECTL_MS,
  });
  child.child.stdin?.end(stdin);
  return (await child).stdout;
}

/** Makes the namespace of a release, which takes only pods of the restricted level, as a careful administrator does. */
export async function createNamespace(name: string): Promise<void> {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await kubectl(
    ['apply', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }),
  );
}

/** `helm install --wait`, or an upgrade of what is installed: resolves when all pods are ready. */
export async function install(release: Release, values: object = {}, args: string[] = []): Promise<string> {
  await createNamespace(release.namespace);
  return release.install({ ...VALUES, ...values }, [
    '--create-namespace',
    '--wait',
    '--timeout',
    '2m',
    ...args,
  ]);
}

/**
 * A release of the chart, installed before the tests of a file. After them all of it is gone, and so are all HeatStacks
 * and the custom resource definition, so that the next file begins with an empty cluster.
 *
 * Call it before `scenario()`, which needs the custom resource definition.
 *
 * @param values besides {@link VALUES}
 */
export function installed(values: object = {}): Release {
  const release = new Release(bed(), { name: 'heatstack-operator', namespace: NAMESPACE });
  beforeAll(() => install(release, values), HOOK_MS);
  afterAll(() => removeAll([release]), HOOK_MS);
  return release;
}

/** Takes away all HeatStacks, the releases, their namespaces and the custom resource definition. */
export async function removeAll(releases: readonly Release[]): Promise<void> {
  await removeHeatStacks();
  for (const release of releases) await release.uninstall().catch(() => undefined);
  const namespaces = [...new Set(releases.map(({ namespace }) => namespace))];
  await kubectl(['delete', 'crd', 'heatstacks.heatstack.dev', '--ignore-not-found']);
  await kubectl(['delete', 'namespace', '--ignore-not-found', ...namespaces]);
}

/** Has the operator delete all HeatStacks; what it doesn't in time loses its finalizer. */
async function removeHeatStacks(): Promise<void> {
  const list = async (): Promise<string[][]> => {
    const columns = 'custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name';
    const text = await kubectl(['get', 'heatstacks', '-A', '--no-headers', '-o', columns]);
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => line.trim().split(/ +/));
  };
  const found = await list().catch(() => []);
  if (found.length === 0) return;
  await kubectl(['delete', 'heatstacks', '-A', '--all', '--wait=false']);
  await eventually(
    async () => (await list()).length === 0,
    () => 'HeatStacks are left',
    DELETE_MS,
  ).catch(async () => {
    for (const [namespace = '', name = ''] of await list())
      await kubectl([
        'patch',
        'heatstack',
        name,
        '-n',
        namespace,
        '--type=merge',
        '-p',
        '{"metadata":{"finalizers":null}}',
      ]);
  });
}
