import { randomUUID } from 'node:crypto';
import { type KubeObject, NAMESPACES, type ResourceType, SECRETS } from '../../../src/kube/index.ts';
import { waitUntil } from '../../testbed/wait-until.ts';
import type { Cluster } from './cluster.ts';

const SERVICE_ACCOUNTS: ResourceType = {
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
};
const RBAC = 'rbac.authorization.k8s.io';
const ROLES: ResourceType = { group: RBAC, version: 'v1', kind: 'ClusterRole', plural: 'clusterroles' };
const BINDINGS: ResourceType = {
  group: RBAC,
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
};

/** A token as a pod has, which is good while an object lives that it is bound to. */
export interface BoundToken {
  text: string;
  /** Resolves when the API server refuses it. */
  revoke(): Promise<void>;
}

/** An account that may read all ConfigMaps. */
export class ServiceAccount {
  readonly #cluster: Cluster;
  readonly #namespace: string;

  private constructor(cluster: Cluster, namespace: string) {
    this.#cluster = cluster;
    this.#namespace = namespace;
  }

  /** @param namespace of the account; it is made */
  static async create(cluster: Cluster, namespace: string): Promise<ServiceAccount> {
    const { kube } = cluster;
    await kube.create(NAMESPACES, { metadata: { name: namespace } });
    await kube.create(SERVICE_ACCOUNTS, { metadata: { namespace, name: 'operator' } });
    const metadata = { name: namespace };
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['list', 'watch'] }];
    await kube.create<KubeObject & { rules: object[] }>(ROLES, { metadata, rules });
    const roleRef = { apiGroup: RBAC, kind: 'ClusterRole', name: namespace };
    const subjects = [{ kind: 'ServiceAccount', namespace, name: 'operator' }];
    const binding = { metadata, roleRef, subjects };
    await kube.create<KubeObject & Pick<typeof binding, 'roleRef' | 'subjects'>>(BINDINGS, binding);
    return new ServiceAccount(cluster, namespace);
  }

  async token(): Promise<BoundToken> {
    const { kube, transport } = this.#cluster;
    const name = `bound-${randomUUID()}`;
    const bound = await kube.create(SECRETS, { metadata: { namespace: this.#namespace, name } });
    const answer = await transport.request({
      method: 'POST',
      path: `/api/v1/namespaces/${this.#namespace}/serviceaccounts/operator/token`,
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {
          boundObjectRef: { apiVersion: 'v1', kind: 'Secret', name, uid: bound.metadata.uid },
        },
      },
    });
    const { status } = answer as unknown as { status: { token: string } };
    return {
      text: status.token,
      revoke: async () => {
        await kube.delete(SECRETS, { namespace: this.#namespace, name });
        // The API server remembers for some seconds that it was good.
        await waitUntil(async () => !(await this.#isGood(status.token)), { timeoutMs: 30_000, everyMs: 500 });
      },
    };
  }

  async #isGood(token: string): Promise<boolean> {
    const answer = await this.#cluster.transport.request({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/tokenreviews',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } },
    });
    return (answer as unknown as { status: { authenticated?: boolean } }).status.authenticated === true;
  }
}
