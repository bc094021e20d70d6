import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { parse } from 'yaml';
import { HEAT_STACKS } from '../../src/api/constants.ts';
import { KubeClient, type KubeObject, KubeTransport, loadKubeConfig } from '../../src/kube/index.ts';
import type { Cache } from '../../test/testbed/cache.ts';
import { prepareControlPlane } from '../../test/testbed/control-plane.ts';
import { controlPlaneBinaries } from '../../test/testbed/control-plane-binaries.ts';
import { TestbedError } from '../../test/testbed/errors.ts';
import { waitUntil } from '../../test/testbed/wait-until.ts';

const CRD = fileURLToPath(new URL('../../crds/heatstack.dev_heatstacks.yaml', import.meta.url));
const CRDS = {
  ...{ group: 'apiextensions.k8s.io', version: 'v1' },
  ...{ plural: 'customresourcedefinitions', kind: 'CustomResourceDefinition' },
};
/** How long the API server may take to serve the new kind, in ms. */
const SERVED_MS = 60_000;

/** A real API server that knows HeatStacks. */
export interface Cluster {
  kubeconfig: string;
  client: KubeClient;
  stop(): Promise<void>;
}

/**
 * Starts etcd and kube-apiserver on loopback. They end with this process, however that ends.
 *
 * @param dir folder of their data and logs
 */
export async function startCluster(cache: Cache, dir: string): Promise<Cluster> {
  const { python, log, signal } = cache;
  const binaries = await controlPlaneBinaries(cache);
  const plane = await prepareControlPlane({ binaries, dir, python, onUnexpectedExit: () => undefined });
  const { etcd, apiServer, kubeconfig } = plane;
  let transport: KubeTransport | undefined;
  const stop = async (): Promise<void> => {
    await transport?.close();
    await Promise.all([etcd.kill(), apiServer.kill()]);
  };
  try {
    log('starting etcd and kube-apiserver');
    await etcd.start(signal);
    await apiServer.start(signal);
    transport = new KubeTransport(loadKubeConfig({ kubeconfig }), {
      userAgent: 'heatstack-bench',
      logger: pino({ level: 'silent' }),
    });
    const client = new KubeClient(transport);
    await client.create(CRDS, parse(await readFile(CRD, 'utf8')) as KubeObject, { signal });
    const isServed = await waitUntil(() => client.list(HEAT_STACKS, { signal }).then(...YES_OR_NO), {
      timeoutMs: SERVED_MS,
      signal,
    });
    if (!isServed) throw new TestbedError('the API server does not serve HeatStacks');
    return { kubeconfig, client, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const YES_OR_NO = [() => true, () => false] as const;
