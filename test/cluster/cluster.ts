import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { prepareControlPlane } from '../testbed/control-plane.ts';
import { TestbedError } from '../testbed/errors.ts';
import { logIn, readCloud, setServiceInCatalog } from '../testbed/keystone.ts';
import { prepareOpenStack } from '../testbed/openstack.ts';
import type { Log } from '../testbed/progress.ts';
import type { Service } from '../testbed/service.ts';
import { waitUntil } from '../testbed/wait-until.ts';
import { CLOUD_ADDRESS, NODE, NODE_ADDRESS, SERVICE_RANGE } from './network.ts';
import { NODE_USERS, prepareNode } from './node.ts';
import { PARTS } from './node-binaries.ts';
import type { Preparation } from './preparation.ts';

const SCHEDULABLE_MS = 60_000;

export interface ClusterOptions {
  preparation: Preparation;
  /** Folder of all state. */
  dir: string;
  /** Folder for the logs of pods, which are worth keeping. */
  podLogs: string;
  cgroup: string;
  log: Log;
  onUnexpectedExit: (error: TestbedError) => void;
}

/** A cluster of one node that runs pods, and a cloud that pods reach. */
export interface Cluster {
  kubeconfig: string;
  clouds: string;
  authUrl: string;
  heatUrl: string;
  etcd: Service;
  apiServer: Service;
  kubelet: Service;
  keystone: Service;
  heat: Service;
  hideOrchestrationService(): Promise<void>;
  showOrchestrationService(): Promise<void>;
}

/** Starts all of it in the namespaces that this process runs in, and imports the images. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { preparation, dir, podLogs, cgroup, log, onUnexpectedExit } = options;
  const { python } = preparation;
  const common = { python, onUnexpectedExit };
  const controlPlane = await prepareControlPlane({
    ...common,
    binaries: preparation.controlPlane,
    dir: join(dir, 'kubernetes'),
    node: { address: NODE_ADDRESS, serviceRange: SERVICE_RANGE, users: NODE_USERS },
  });
  const { kubeconfigs, certificateAuthority, serviceAccountKey, etcd, apiServer, kubeconfig } = controlPlane;
  const node = await prepareNode({
    ...common,
    ...{ podLogs, cgroup, kubeconfigs, certificateAuthority, serviceAccountKey },
    binaries: preparation.node,
    runtime: preparation.runtime,
    dir: join(dir, 'node'),
  });
  const cloud = await prepareOpenStack({
    ...common,
    environment: preparation.openStack,
    dir: join(dir, 'openstack'),
    host: CLOUD_ADDRESS,
    tokenExpirationSeconds: 3600,
    tokenCacheSeconds: 300,
  });
  const startContainerd = async (): Promise<void> => {
    await node.containerd.start();
    for (const image of preparation.images) await node.importImage(image);
    log('containerd has the images');
  };
  const startApiServer = async (): Promise<void> => {
    await etcd.start();
    await apiServer.start();
    log('the API server answers');
  };
  const startNode = async (): Promise<void> => {
    await Promise.all([startContainerd(), startApiServer()]);
    await Promise.all(PARTS.map((part) => node[part].start()));
    await schedulable(preparation.controlPlane.kubectl, kubeconfig);
    log('the node is ready');
  };
  const startCloud = async (): Promise<void> => {
    await Promise.all([cloud.keystone.start(), cloud.heat.start()]);
    log('Keystone and Heat answer');
  };
  log('starting Kubernetes, containerd, Keystone and Heat');
  await Promise.all([startNode(), startCloud()]);

  const show = async (shown: boolean): Promise<void> =>
    setServiceInCatalog(await logIn(await readCloud(cloud.clouds, 'admin')), 'orchestration', shown);
  return {
    ...{ kubeconfig, etcd, apiServer, kubelet: node.kubelet },
    ...cloud,
    hideOrchestrationService: () => show(false),
    showOrchestrationService: () => show(true),
  };
}

/** Waits until a pod of the default ServiceAccount could start. */
export async function schedulable(kubectl: string, kubeconfig: string): Promise<void> {
  const get = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)(kubectl, ['--kubeconfig', kubeconfig, 'get', ...args])).stdout;
  const ready = '{.status.conditions[?(@.type=="Ready")].status} {.spec.taints}';
  const isSchedulable = async (): Promise<boolean> => {
    const [node] = await Promise.all([
      get('node', NODE, '--output', `jsonpath=${ready}`),
      get('serviceaccount', 'default', '--namespace', 'default'),
    ]);
    return node.trim() === 'True';
  };
  const isDone = await waitUntil(() => isSchedulable().catch(() => false), {
    timeoutMs: SCHEDULABLE_MS,
    everyMs: 200,
  });
  if (!isDone) throw new TestbedError(`the node isn't ready after ${SCHEDULABLE_MS / 1000} s`);
}
