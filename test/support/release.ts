import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { type KubeRequest, KubeTransport, loadKubeConfig } from '../../src/kube/index.ts';

/** The chart, as a path that helm takes. */
export const CHART = fileURLToPath(new URL('../../deploy/helm/heatstack-operator', import.meta.url));

/** Helm, and the cluster that a release is in. */
export interface Cluster {
  helm: string;
  /** Of an administrator. */
  kubeconfig: string;
}

/** What a scenario's operator takes of a release: how its pod would be started. */
export interface ReleasedOperator {
  args: string[];
  env: Record<string, string>;
}

const deploymentSchema = v.object({
  spec: v.object({
    template: v.object({
      spec: v.object({
        serviceAccountName: v.string(),
        containers: v.tuple([
          v.object({
            args: v.array(v.string()),
            env: v.optional(v.array(v.object({ name: v.string(), value: v.string() })), []),
            resources: v.optional(
              v.object({ limits: v.optional(v.object({ memory: v.optional(v.string()) })) }),
            ),
          }),
        ]),
      }),
    }),
  }),
});

const tokenSchema = v.object({ status: v.object({ token: v.string() }) });

/** A release of the chart. */
export class Release {
  readonly name: string;
  readonly namespace: string;
  readonly #cluster: Cluster;

  constructor(cluster: Cluster, { name, namespace }: { name: string; namespace: string }) {
    this.#cluster = cluster;
    this.name = name;
    this.namespace = namespace;
  }

  /** Name of its ServiceAccount, Deployment and roles. */
  get fullname(): string {
    return this.name.includes('heatstack-operator') ? this.name : `${this.name}-heatstack-operator`;
  }

  /** The ServiceAccount as RBAC names it. */
  get user(): string {
    return `system:serviceaccount:${this.namespace}:${this.fullname}`;
  }

  /** Installs or upgrades it; helm's stdout. */
  async install(values: object = {}, args: string[] = [], chart: string = CHART): Promise<string> {
    return this.helm(['upgrade', '--install', this.name, chart, '--values', '-', ...args], values);
  }

  async uninstall(): Promise<string> {
    return this.helm(['uninstall', this.name]);
  }

  /** Runs helm for the release's namespace, with values on its stdin; its stdout. Throws with its stderr. */
  async helm(args: string[], values?: object): Promise<string> {
    const { helm, kubeconfig } = this.#cluster;
    return runHelm(helm, ['--kubeconfig', kubeconfig, '--namespace', this.namespace, ...args], values);
  }

  /**
   * The operator as the installed Deployment would start it. In a pod, Node takes half of the memory's limit for its
   * heap, and collects garbage the earlier the smaller that is; without a pod it has to be told.
   */
  async operator(): Promise<ReleasedOperator> {
    const [{ args, env, resources }] = (await this.#podSpec()).containers;
    const variables = Object.fromEntries(env.map(({ name, value }) => [name, value]));
    const mebibytes = /^(\d+)Mi$/.exec(resources?.limits?.memory ?? '')?.[1];
    if (mebibytes !== undefined) {
      const heap = `--max-old-space-size=${Math.floor(Number(mebibytes) / 2)}`;
      variables['NODE_OPTIONS'] = [variables['NODE_OPTIONS'], heap].filter(Boolean).join(' ');
    }
    return { args, env: variables };
  }

  /**
   * Writes a kubeconfig with a new token of the Deployment's ServiceAccount, in a file beside it as in a pod.
   *
   * @param folder that nobody else may read
   * @returns the kubeconfig's path
   */
  async writeKubeconfig(folder: string): Promise<string> {
    const { serviceAccountName } = await this.#podSpec();
    const answer = await this.#request({
      method: 'POST',
      path: `/api/v1/namespaces/${this.namespace}/serviceaccounts/${serviceAccountName}/token`,
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} },
    });
    const { token } = v.parse(tokenSchema, answer).status;
    const admin = loadKubeConfig({ kubeconfig: this.#cluster.kubeconfig }).getCurrentCluster();
    const name = this.fullname;
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: { server: admin?.server, 'certificate-authority-data': admin?.caData } }],
      users: [{ name, user: { tokenFile: 'token' } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      'current-context': name,
    };
    const file = join(folder, 'kubeconfig');
    await writeFile(join(folder, 'token'), token, { mode: 0o600 });
    await writeFile(file, JSON.stringify(config), { mode: 0o600 });
    return file;
  }

  async #podSpec(): Promise<v.InferOutput<typeof deploymentSchema>['spec']['template']['spec']> {
    const path = `/apis/apps/v1/namespaces/${this.namespace}/deployments/${this.fullname}`;
    return v.parse(deploymentSchema, await this.#request({ method: 'GET', path })).spec.template.spec;
  }

  async #request(request: KubeRequest): Promise<unknown> {
    const config = loadKubeConfig({ kubeconfig: this.#cluster.kubeconfig });
    const transport = new KubeTransport(config, { userAgent: 'heatstack-tests/1' });
    try {
      return await transport.request(request);
    } finally {
      await transport.close();
    }
  }
}

/** Runs helm without what the caller's environment tells it; its stdout. Throws with its stderr. */
export async function runHelm(helm: string, args: string[], values?: object): Promise<string> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HELM_')));
  const child = promisify(execFile)(helm, args, { env, maxBuffer: 64 * 1024 * 1024 });
  child.child.stdin?.end(values === undefined ? '' : JSON.stringify(values));
  return (await child).stdout;
}

/** The release that every scenario's operator belongs to: for all namespaces, and for the clouds of the test bed. */
export function bedRelease(cluster: Cluster): Release {
  return new Release(cluster, { name: 'heatstack-operator', namespace: 'heatstack-system' });
}

/** The values of {@link bedRelease}. */
export const BED_VALUES = { allowedEndpoints: ['127.0.0.1'] };

/** Values of a release that works in one namespace of the test bed and has nothing cluster-wide. */
export function narrowValues(namespace: string, more: object = {}): object {
  return {
    ...BED_VALUES,
    crds: { install: false },
    watchNamespaces: [namespace],
    clusterID: namespace,
    ...more,
  };
}
