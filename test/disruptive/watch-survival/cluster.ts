import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { KubeClient, KubeTransport, loadKubeConfig } from '../../../src/kube/index.ts';
import { type StartedControlPlane, startControlPlane } from '../../testbed/index.ts';

/** Another way to the API server than the administrator's own. */
export interface Way {
  server?: string;
  tokenFile?: string;
}

/** What the test bed's kubeconfig holds, as far as it is needed here. */
interface KubeconfigFile {
  clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
  users: [{ user: { token?: string; tokenFile?: string } }];
}

/** A control plane of one's own, and an administrator's connection to it. */
export class Cluster implements AsyncDisposable {
  readonly plane: StartedControlPlane;
  readonly transport: KubeTransport;
  readonly kube: KubeClient;

  private constructor(plane: StartedControlPlane) {
    this.plane = plane;
    this.transport = new KubeTransport(this.config(), { userAgent: 'administrator/1' });
    this.kube = new KubeClient(this.transport);
  }

  /** Secrets have no watch cache there: their lists and watches are read from etcd itself. */
  static async start(): Promise<Cluster> {
    return new Cluster(await startControlPlane({ apiServerArgs: ['--watch-cache-sizes=secrets#0'] }));
  }

  get url(): URL {
    return new URL(this.#kubeconfig().clusters[0].cluster.server);
  }

  /** The certificate that the API server is trusted by. */
  get ca(): string {
    const data = this.#kubeconfig().clusters[0].cluster['certificate-authority-data'];
    return Buffer.from(data, 'base64').toString();
  }

  config({ server, tokenFile }: Way = {}): KubeConfig {
    const content = this.#kubeconfig();
    if (server !== undefined) content.clusters[0].cluster.server = server;
    if (tokenFile !== undefined) content.users[0].user = { tokenFile };
    const kubeconfig = this.file(`kubeconfig-${randomUUID()}`, JSON.stringify(content));
    return loadKubeConfig({ kubeconfig });
  }

  /** Writes a file that goes with the control plane; its path. */
  file(name: string, content: string): string {
    const path = join(dirname(this.plane.kubeconfig), name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  /** Has etcd forget the past of all objects, so that no watch can go on from a version before. */
  async compact(): Promise<void> {
    const { header } = await this.#etcd<{ header: { revision: string } }>('maintenance/status', {});
    await this.#etcd('kv/compaction', { revision: header.revision, physical: true });
  }

  async #etcd<T>(path: string, body: object): Promise<T> {
    const answer = await fetch(`${this.plane.etcdUrl}/v3/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`etcd: ${path}: ${answer.status}`);
    return (await answer.json()) as T;
  }

  #kubeconfig(): KubeconfigFile {
    return JSON.parse(readFileSync(this.plane.kubeconfig, 'utf8')) as KubeconfigFile;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.transport.close();
    await this.plane.stop();
  }
}
