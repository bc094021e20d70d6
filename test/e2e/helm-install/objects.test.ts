/** What the chart makes of single values. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { leaseName, parseOptions } from '../../../src/options.ts';
import { containerOf, deploymentOf, isDefinition, type Rendered, render } from './render.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('the chart', () => {
  it('has nothing but the pod and its account where the HeatStacks are in another cluster', async () => {
    const kubeconfig = { secretName: 'elsewhere', key: 'config', context: 'prod' };
    const objects = await render({ kubeconfig, operatorNamespace: 'heat' });
    expect(objects.map(({ kind }) => kind).sort()).toEqual(['Deployment', 'ServiceAccount']);
    const deployment = deploymentOf(objects);
    const { args, ...container } = containerOf(deployment);
    const file = '/etc/heatstack-operator/kubeconfig';
    expect(parseOptions(args, {})).toMatchObject({
      kubeconfig: `${file}/kubeconfig`,
      context: 'prod',
      operatorNamespace: 'heat',
    });
    expect(container['volumeMounts']).toEqual([{ name: 'kubeconfig', mountPath: file, readOnly: true }]);
    expect(deployment.spec.template.spec).toMatchObject({
      automountServiceAccountToken: false,
      volumes: [{ secret: { secretName: 'elsewhere', items: [{ key: 'config', path: 'kubeconfig' }] } }],
    });
  });

  it('takes proxies and certificates from Secrets', async () => {
    const values = { proxy: { secretName: 'proxy' }, caBundle: { secretName: 'authorities' } };
    const deployment = deploymentOf(await render(values));
    const variables = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY'];
    expect(containerOf(deployment)['env']).toEqual(
      expect.arrayContaining(
        variables.map((name) => ({
          name,
          valueFrom: { secretKeyRef: { name: 'proxy', key: name, optional: true } },
        })),
      ),
    );
    expect(deployment.spec.template.spec['volumes']).toEqual([
      { name: 'ca', secret: { secretName: 'authorities', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    ]);
  });

  it('adds HeatStacks to the roles of Kubernetes, and to none with namespaces', async () => {
    const roles = async (values: object) =>
      (await render(values))
        .filter(({ kind, metadata }) => kind === 'ClusterRole' && metadata.name.startsWith('demo-'))
        .flatMap(({ metadata }) => Object.keys(metadata.labels ?? {}))
        .filter((label) => label.startsWith('rbac.authorization.k8s.io/'))
        .map((label) => label.split('/')[1]);
    expect(await roles({})).toEqual(['aggregate-to-admin', 'aggregate-to-edit', 'aggregate-to-view']);
    expect(await roles({ rbac: { aggregatedRoles: false } })).toEqual([]);
    expect(await roles({ watchNamespaces: ['a'], clusterID: 'c' })).toEqual([]);
  });

  it('has a budget for disruptions with several replicas', async () => {
    const budget = async (values: object) => {
      const objects = await render({ leaderElection: { enabled: true }, ...values });
      const found = objects.find(({ kind }) => kind === 'PodDisruptionBudget');
      const { selector, ...spec } = (found as unknown as { spec: Record<string, unknown> } | undefined)
        ?.spec ?? { selector: undefined };
      if (found) expect(selector).toEqual(deploymentOf(objects).spec.selector);
      return spec;
    };
    const unhealthyPodEvictionPolicy = 'AlwaysAllow';
    expect(await budget({})).toEqual({});
    expect(await budget({ replicas: 2 })).toEqual({ maxUnavailable: 1, unhealthyPodEvictionPolicy });
    const minAvailable = '50%';
    expect(await budget({ replicas: 2, podDisruptionBudget: { minAvailable } })).toEqual({
      minAvailable,
      unhealthyPodEvictionPolicy,
    });
    expect(await budget({ replicas: 2, podDisruptionBudget: { enabled: false } })).toEqual({});
  });

  it('has a network policy for what the operator needs, if asked to', async () => {
    const policy = async (networkPolicy: object) => {
      const objects = await render({ networkPolicy: { enabled: true, ...networkPolicy } });
      const found = objects.find(({ kind }) => kind === 'NetworkPolicy');
      return (found as unknown as { spec: { ingress: unknown[]; egress: unknown[] } } | undefined)?.spec;
    };
    const dns = [
      { port: 53, protocol: 'UDP' },
      { port: 53, protocol: 'TCP' },
    ];
    const ports = [{ port: 443 }, { port: 6443 }];
    expect(await policy({})).toEqual({
      podSelector: {
        matchLabels: { 'app.kubernetes.io/instance': 'demo' },
        matchExpressions: [
          {
            key: 'app.kubernetes.io/name',
            operator: 'In',
            values: ['heatstack-operator', 'heatstack-operator-check'],
          },
        ],
      },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ ports: [{ port: 8081 }] }, { ports: [{ port: 8080 }] }],
      egress: [
        { ports: dns },
        { ports },
        {
          to: [
            { ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.0.0/16'] } },
            { ipBlock: { cidr: '::/0', except: ['fe80::/10', 'fd00:ec2::254/128'] } },
          ],
        },
      ],
    });
    const peers = (name: string) => [{ ipBlock: { cidr: name } }];
    const narrow = await policy({
      metricsFrom: peers('192.0.2.1/32'),
      dns: { to: peers('192.0.2.2/32'), ports: [5353] },
      apiServer: { to: peers('192.0.2.3/32'), ports: [8443] },
      clouds: { to: peers('192.0.2.4/32'), ports: [5000, 8004] },
    });
    expect(narrow?.ingress[1]).toEqual({ ports: [{ port: 8080 }], from: peers('192.0.2.1/32') });
    expect(narrow?.egress).toEqual([
      { ports: dns.map((each) => ({ ...each, port: 5353 })), to: peers('192.0.2.2/32') },
      { ports: [{ port: 8443 }], to: peers('192.0.2.3/32') },
      { ports: [{ port: 5000 }, { port: 8004 }], to: peers('192.0.2.4/32') },
    ]);
    expect(await policy({ enabled: false })).toBeUndefined();
  });

  it('keeps the custom resource definition on uninstall unless told otherwise', async () => {
    const crdOf = (objects: Rendered[]) => objects.find(isDefinition);
    const source = parse(readFileSync('crds/heatstack.dev_heatstacks.yaml', 'utf8')) as Rendered;
    expect(crdOf(await render())).toEqual({
      ...source,
      metadata: { ...source.metadata, annotations: { 'helm.sh/resource-policy': 'keep' } },
    });
    expect(crdOf(await render({ crds: { keep: false } }))).toEqual(source);
    expect(crdOf(await render({ crds: { install: false } }))).toBeUndefined();
  });

  it('has a policy for Secrets and ConfigMaps in all namespaces, unless told otherwise', async () => {
    const policies = async (values: object) =>
      (await render(values)).filter(({ kind }) => kind.startsWith('ValidatingAdmission')).length;
    expect(await policies({})).toBe(2);
    expect(await policies({ outputObjects: { admissionPolicy: false } })).toBe(0);
    expect(await policies({ outputObjects: { enabled: false } })).toBe(0);
    expect(await policies({ outputObjects: { enabled: false }, protectCredentials: true })).toBe(2);
    expect(await policies({ watchNamespaces: ['a'], clusterID: 'c' })).toBe(0);
  });

  it('names a Lease for each selector, which the pod asks for and may write', async () => {
    const named = async (values: object) => {
      const objects = await render({ leaderElection: { enabled: true }, ...values });
      const role = objects.find(({ kind, metadata }) => kind === 'Role' && metadata.name.endsWith('-lease'));
      const options = parseOptions(containerOf(deploymentOf(objects)).args, {}) as { leaseName: string };
      expect(JSON.stringify(role)).toContain(`"resourceNames":["${options.leaseName}"]`);
      return options.leaseName;
    };
    expect(await named({})).toBe('heatstack-operator');
    const sharded = await named({ watchLabelSelector: 'sharding.fluxcd.io/key=a' });
    expect(sharded).toBe(leaseName({ stacksLabelSelector: 'sharding.fluxcd.io/key=a' }));
    expect(sharded).not.toBe(await named({ watchLabelSelector: 'sharding.fluxcd.io/key=b' }));
  });

  it('never lets two pods work at the same time', async () => {
    const strategy = async (values: object) => {
      const { spec } = deploymentOf(await render(values)) as unknown as {
        spec: { replicas: number; strategy: object };
      };
      return [spec.replicas, spec.strategy];
    };
    expect(await strategy({})).toEqual([1, { type: 'Recreate' }]);
    // All of it stands there: what the API server adds by itself stays when election is turned off, and is refused then.
    const rolling = { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } };
    expect(await strategy({ replicas: 3, leaderElection: { enabled: true } })).toEqual([3, rolling]);
  });

  it('takes an image by its digest', async () => {
    const { image } = containerOf(deploymentOf(await render({ image: { tag: 'v2', digest: DIGEST } })));
    expect(image).toBe(`heatstack-operator@${DIGEST}`);
  });

  it.each([
    [
      'namespaces without a cluster',
      { watchNamespaces: ['a'] },
      /clusterID must be set as well: .*kubectl get/,
    ],
    ['replicas that would all work', { replicas: 2 }, /leaderElection.enabled must be true/],
    ['no time to stop', { shutdownTimeout: '50s' }, /terminationGracePeriodSeconds must be/],
    [
      'a Lease that is not renewed in time',
      { leaderElection: { leaseDuration: '10s' } },
      /renewDeadline must be shorter/,
    ],
    ['one try only', { leaderElection: { retryPeriod: '9s' } }, /renewDeadline must be longer/],
    ['one port for two', { ports: { health: 8080 } }, /must differ/],
    [
      'a variable that the chart sets',
      { env: [{ name: 'NODE_OPTIONS', value: '--inspect' }] },
      /NODE_OPTIONS is in env twice/,
    ],
    [
      'a variable that is there twice',
      {
        env: [
          { name: 'A', value: '1' },
          { name: 'A', value: '2' },
        ],
      },
      /A is in env twice/,
    ],
    ['certificates from two', { caBundle: { configMapName: 'a', secretName: 'b' } }, /name one/],
    ['proxies from two', { proxy: { secretName: 'a', httpProxy: 'http://b' } }, /set either/],
    [
      "the rights for everybody's account",
      { serviceAccount: { create: false } },
      /serviceAccount.name must be set/,
    ],
  ])('refuses %s', async (_, values, message) => {
    await expect(render(values)).rejects.toThrow(message);
  });
});
