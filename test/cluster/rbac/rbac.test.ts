import { beforeAll, describe, expect, it } from 'vitest';
import { DOCUMENTED_RIGHTS, named, parseRights } from '../../support/rights.ts';
import { RANDOM_STRING, scenario } from '../../support/scenario.ts';
import { installed, kubectl, NAMESPACE } from '../support/installation.ts';
import { kubectlOfPod, operatorPods } from '../support/pods.ts';

const release = installed({ leaderElection: { enabled: true } });
const s = scenario('pod-rbac');
/** The values of the table's last column that the release has. */
const SET = ['', 'outputObjects.enabled', 'events', 'leaderElection.enabled'];

let asOperator: (args: string[], stdin?: string) => Promise<string>;
beforeAll(async () => {
  asOperator = await kubectlOfPod(release);
});

describe('the token in the pod', () => {
  it("is the operator's own", async () => {
    expect(await asOperator(['auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}'])).toBe(
      release.user,
    );
  });

  it.each([
    ['a namespace of its HeatStacks', s.namespace],
    ['its own namespace', NAMESPACE],
  ])('has the documented rights in %s', async (_, namespace) => {
    const list = ['auth', 'can-i', '--list', '--namespace', namespace];
    const nobody = `--as=system:serviceaccount:${NAMESPACE}:nobody`;
    const everybodys = parseRights(await kubectl([...list, nobody]));
    const rights = [...parseRights(await asOperator(list))].filter((right) => !everybodys.has(right));
    const documented = DOCUMENTED_RIGHTS.filter(
      ({ where, condition }) => (where === 'watched' || namespace === NAMESPACE) && SET.includes(condition),
    ).flatMap(({ right }) => named(right, []));
    expect(rights.sort()).toEqual([...new Set(documented)].sort());
  });
});

/** Manifest of an object in the scenario's namespace. */
const object = (apiVersion: string, kind: string, rest: object): string =>
  JSON.stringify({ apiVersion, kind, metadata: { name: 'tried', namespace: s.namespace }, ...rest });
const create = ['create', '--validate=false', '-f', '-'];

describe('trying shows that it may not', () => {
  const pod = { spec: { containers: [{ name: 'c', image: 'c' }] } };
  const admin = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' };
  const owner = {
    apiVersion: 'heatstack.dev/v1alpha1',
    kind: 'HeatStack',
    name: 'there',
    uid: 'u',
    controller: true,
  };
  const ofToken = {
    type: 'kubernetes.io/service-account-token',
    metadata: {
      name: 'tried',
      namespace: s.namespace,
      annotations: { 'kubernetes.io/service-account.name': 'default' },
      ownerReferences: [owner],
    },
  };
  const lease = ['-n', NAMESPACE, 'lease'];
  it.each<[string, string[], string?]>([
    ['see pods', ['get', 'pods', '-n', NAMESPACE]],
    ['see nodes', ['get', 'nodes']],
    ['list namespaces', ['get', 'namespaces']],
    ['see its own Deployment', ['get', 'deployments', '-n', NAMESPACE]],
    ['scale its own Deployment', ['scale', 'deployment', release.fullname, '--replicas=5', '-n', NAMESPACE]],
    ['make a pod', create, object('v1', 'Pod', pod)],
    ['have a token made', ['create', 'token', 'default', '-n', 'kube-system']],
    ['be somebody else', ['get', 'pods', '-n', NAMESPACE, '--as=system:admin']],
    [
      'grant itself a role',
      create,
      object('rbac.authorization.k8s.io/v1', 'RoleBinding', {
        roleRef: admin,
        subjects: [{ kind: 'ServiceAccount', name: release.fullname, namespace: NAMESPACE }],
      }),
    ],
    ['make a HeatStack', create, object('heatstack.dev/v1alpha1', 'HeatStack', { spec: {} })],
    ['delete HeatStacks', ['delete', 'heatstack', 'there', '-n', s.namespace]],
    [
      'patch a Secret with credentials',
      ['patch', 'secret', 'openstack-clouds', '-n', s.namespace, '--type=merge', '-p', '{"data":null}'],
    ],
    ['have another Lease', ['get', ...lease, 'another']],
    ['delete its Lease', ['delete', ...lease, 'heatstack-operator']],
    ['see the definition', ['get', 'crd', 'heatstacks.heatstack.dev']],
    // The rest is allowed by its roles; a policy takes it away.
    ['make a Secret for nobody', create, object('v1', 'Secret', {})],
    ['make a ConfigMap for nobody', create, object('v1', 'ConfigMap', {})],
    ['have a token put into a Secret', create, object('v1', 'Secret', ofToken)],
    ['delete a Secret with credentials', ['delete', 'secret', 'openstack-clouds', '-n', s.namespace]],
  ])('%s', async (_, args, stdin) => {
    await expect(asOperator(args, stdin)).rejects.toThrow(/is forbidden|denied request/);
  });

  it('and it works with what it has', async () => {
    const name = `${s.namespace}-works`;
    await s.apply(name, { template: { inline: RANDOM_STRING } });
    await s.ready(name);
    const [pod] = await operatorPods(release);
    const log = await kubectl(['logs', '-n', NAMESPACE, pod?.metadata.name ?? '']);
    expect(log).not.toMatch(/is forbidden|denied request/);
  });
});
