import { mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadKubeConfig } from '../../../src/kube/index.ts';
import type { LogLine } from '../../support/log-file.ts';
import type { Release } from '../../support/release.ts';
import { bed, eventually } from '../../support/scenario.ts';
import { kubectl } from './installation.ts';
import { processes } from './node.ts';

/** A pod, as far as scenarios look at it. */
export interface Pod {
  metadata: { name: string; uid: string; deletionTimestamp?: string };
  spec: {
    nodeName?: string;
    serviceAccountName: string;
    containers: { name: string; image: string; ports: { name: string; containerPort: number }[] }[];
  };
  status: {
    phase: string;
    podIP?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: {
      ready: boolean;
      restartCount: number;
      lastState: { terminated?: { reason: string; exitCode: number } };
    }[];
  };
}

/** The pods of a release, without those that are being deleted. */
export async function operatorPods({ namespace, name }: Release): Promise<Pod[]> {
  const selector = `app.kubernetes.io/name=heatstack-operator,app.kubernetes.io/instance=${name}`;
  const list = await kubectl(['get', 'pods', '-n', namespace, '-l', selector, '-o', 'json']);
  const { items } = JSON.parse(list) as { items: Pod[] };
  return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** Whether a pod is Ready, as its node and the controllers see it. */
export function isReady({ status: { conditions = [] } }: Pod): boolean {
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}

/** Runs a script with the Node in the first pod of a release; its stdout. The file system's functions are in `fs`. */
export async function inOperator(release: Release, script: string): Promise<string> {
  const [pod] = await operatorPods(release);
  const node = ['/usr/local/bin/node', '--eval', `const fs = require('node:fs'); ${script}`];
  return kubectl(['exec', '-n', release.namespace, pod?.metadata.name ?? '', '--', ...node]);
}

/** kubectl with the token that the first pod of a release has at its usual place. */
export async function kubectlOfPod(
  release: Release,
): Promise<(args: string[], stdin?: string) => Promise<string>> {
  const path = '/var/run/secrets/kubernetes.io/serviceaccount/token';
  const token = await inOperator(release, `process.stdout.write(fs.readFileSync('${path}', 'utf8'))`);
  const { kubeconfig } = bed();
  const cluster = loadKubeConfig({ kubeconfig }).getCurrentCluster();
  // Beside the administrator's, where nobody else may read and which goes with the cluster.
  const file = join(mkdtempSync(join(dirname(kubeconfig), 'pod-')), 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'own', cluster: { server: cluster?.server, 'certificate-authority-data': cluster?.caData } },
    ],
    users: [{ name: 'pod', user: { token } }],
    contexts: [{ name: 'pod', context: { cluster: 'own', user: 'pod' } }],
    'current-context': 'pod',
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return (args, stdin) => kubectl(args, stdin, file);
}

/** Sends a signal to a pod's operator as the node does, past the API server and past the pod's own process namespace. */
export function signalOperator({ metadata: { uid } }: Pod, signal: NodeJS.Signals): void {
  const pids = processes(
    ({ command, cgroups }) => cgroups.includes(uid) && command.includes('--operator-namespace'),
  );
  const [pid] = pids;
  if (pid === undefined || pids.length > 1) throw new Error(`processes of pod ${uid}: ${pids.join(', ')}`);
  process.kill(pid, signal);
}

/** Waits until an operator was started again that ended after its pod was as it is here; how it ended. */
export async function restarted(
  release: Release,
  { metadata: { uid }, status }: Pod,
): Promise<{ reason: string; exitCode: number }> {
  const before = status.containerStatuses?.[0]?.restartCount ?? 0;
  let ended: { reason: string; exitCode: number } | undefined;
  await eventually(
    async () => {
      const now = (await operatorPods(release)).find(({ metadata }) => metadata.uid === uid);
      const [container] = now?.status.containerStatuses ?? [];
      if (!container || container.restartCount <= before) return false;
      ended = container.lastState.terminated;
      return ended !== undefined;
    },
    () => `pod ${uid} was not restarted`,
  );
  if (!ended) throw new Error('no end');
  return ended;
}

/** All that a pod's operator logged; with `previous`, what it did before its last restart. */
export async function podLog(
  { namespace }: Release,
  pod: Pod,
  { previous = false } = {},
): Promise<LogLine[]> {
  const text = await kubectl(['logs', '-n', namespace, pod.metadata.name, `--previous=${previous}`]);
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine);
}
