import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { leaseName, parseOptions } from '../../../src/options.ts';
import { CHART, Release, runHelm } from '../../support/release.ts';
import { RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('helm-install');
const own = `${s.namespace}-own`;
const release = new Release(s.bed, { name: s.namespace, namespace: own });
const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

/** Every value, and none as it is by default. */
const EVERY_VALUE = {
  image: {
    repository: 'registry.example.com:5000/heat/operator',
    tag: 'v2',
    digest: '',
    pullPolicy: 'Always',
  },
  imagePullSecrets: [{ name: 'registry' }],
  crds: { install: false, keep: false },
  watchNamespaces: ['team-a', '123'],
  watchLabelSelector: 'sharding.fluxcd.io/key in (a,b)',
  replicas: 2,
  leaderElection: {
    enabled: true,
    leaseName: 'one-of-us',
    leaseDuration: '30s',
    renewDeadline: '20s',
    retryPeriod: '3s',
  },
  shutdownTimeout: '40s',
  clusterID: 'prod-1',
  allowedEndpoints: ['*.example.com', '192.0.2.0/24', '2001:db8::/32'],
  refusedEndpoints: ['192.0.2.7'],
  outputObjects: { enabled: false, admissionPolicy: false },
  protectCredentials: true,
  watchConfigsLabelSelector: 'team in (a, b),!old',
  secretNames: ['openstack-clouds', 'web.tls'],
  events: false,
  concurrency: 3,
  heatConcurrency: 4,
  heatRate: 50,
  progressInterval: '1m30s',
  operationGrace: '90s',
  metrics: false,
  logLevel: 'debug',
  logFormat: 'pretty',
  env: [
    { name: 'HTTPS_PROXY', valueFrom: { secretKeyRef: { name: 'proxy', key: 'url' } } },
    { name: 'NO_PROXY', value: '10.0.0.0/8,.cluster.local' },
  ],
  resources: { requests: { cpu: 1, memory: '1Gi' }, limits: { cpu: '2', memory: '1Gi' } },
  podAnnotations: { 'example.com/note': '"quoted": {{ not a template }}\n- no list', port: '8080' },
  podLabels: { team: 'true', 'app.kubernetes.io/name': 'another' },
  nodeSelector: { 'kubernetes.io/arch': 'amd64' },
  tolerations: [{ key: 'dedicated', operator: 'Exists' }],
  affinity: { nodeAffinity: {} },
};

interface Rendered {
  kind: string;
  metadata: { name: string; namespace?: unknown; annotations?: Record<string, string> };
}

interface Deployment extends Rendered {
  spec: {
    selector: { matchLabels: Record<string, string> };
    template: { metadata: Record<string, unknown>; spec: Record<string, unknown> };
  };
}

const json = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

async function render(values: object = {}, namespace = 'heatstack-system'): Promise<Rendered[]> {
  const args = ['template', 'demo', CHART, '--namespace', namespace, '--values', '-'];
  const text = await runHelm(s.bed.helm, args, values);
  return parseAllDocuments(text).map((document) => document.toJS() as Rendered);
}

function deploymentOf(objects: readonly Rendered[]): Deployment {
  const found = objects.find(({ kind }) => kind === 'Deployment');
  if (!found) throw new Error('no Deployment');
  return found as Deployment;
}

function containerOf({ spec }: Deployment): { image: string; args: string[]; [field: string]: unknown } {
  const [container] = spec.template.spec['containers'] as [{ image: string; args: string[] }];
  return container;
}

describe('the chart', () => {
  it('passes helm lint --strict', async () => {
    await expect(runHelm(s.bed.helm, ['lint', '--strict', CHART])).resolves.toContain('0 chart(s) failed');
    const args = ['lint', '--strict', CHART, '--values', '-'];
    await expect(runHelm(s.bed.helm, args, EVERY_VALUE)).resolves.toContain('0 chart(s) failed');
  });

  it('has the version of the operator', () => {
    const { version, appVersion } = parse(readFileSync(`${CHART}/Chart.yaml`, 'utf8'));
    const program = json('package.json') as { version: string };
    expect({ version, appVersion }).toEqual({ version: program.version, appVersion: program.version });
  });

  it('has a schema, a default and a test for each value', () => {
    const schema = json(`${CHART}/values.schema.json`) as { properties: Record<string, unknown> };
    const defaults = parse(readFileSync(`${CHART}/values.yaml`, 'utf8')) as Record<string, unknown>;
    const { global: _, ...properties } = schema.properties;
    expect(Object.keys(properties).sort()).toEqual(Object.keys(defaults).sort());
    expect(Object.keys(EVERY_VALUE).sort()).toEqual(Object.keys(defaults).sort());
    for (const [name, value] of Object.entries(EVERY_VALUE)) expect(value, name).not.toEqual(defaults[name]);
  });

  it('gives the operator its defaults', async () => {
    const { args } = containerOf(deploymentOf(await render()));
    expect(parseOptions(args, {})).toEqual({
      ...(parseOptions([], {}) as object),
      operatorNamespace: 'heatstack-system',
      healthAddress: { port: 8081 },
      metricsAddress: { port: 8080 },
      logFormat: 'json',
    });
  });

  it('has a port for each address, and probes at the pages that are served there', async () => {
    const health = { name: 'health', containerPort: 8081 };
    const container = containerOf(deploymentOf(await render()));
    expect(container['ports']).toEqual([health, { name: 'metrics', containerPort: 8080 }]);
    expect(container).toMatchObject({
      livenessProbe: { httpGet: { path: '/healthz', port: 'health' } },
      readinessProbe: { httpGet: { path: '/readyz', port: 'health' } },
    });
    expect(containerOf(deploymentOf(await render({ metrics: false })))['ports']).toEqual([health]);
  });

  it('gives the operator and its pod every value', async () => {
    const deployment = deploymentOf(await render(EVERY_VALUE));
    const container = containerOf(deployment);
    expect(parseOptions(container.args, {})).toEqual({
      ...(parseOptions([], {}) as object),
      operatorNamespace: 'heatstack-system',
      namespaces: EVERY_VALUE.watchNamespaces,
      stacksLabelSelector: EVERY_VALUE.watchLabelSelector,
      leaderElect: true,
      leaseName: 'one-of-us',
      leaseDurationMs: 30_000,
      renewDeadlineMs: 20_000,
      retryPeriodMs: 3_000,
      shutdownTimeoutMs: 40_000,
      clusterID: EVERY_VALUE.clusterID,
      allowedEndpoints: EVERY_VALUE.allowedEndpoints,
      refusedEndpoints: EVERY_VALUE.refusedEndpoints,
      outputObjects: false,
      protectCredentials: true,
      configsLabelSelector: EVERY_VALUE.watchConfigsLabelSelector,
      secretNames: EVERY_VALUE.secretNames,
      events: false,
      concurrency: 3,
      heatConcurrency: 4,
      heatRate: 50,
      progressIntervalMs: 90_000,
      graceMs: 90_000,
      logLevel: 'debug',
      healthAddress: { port: 8081 },
      logFormat: 'pretty',
    });
    expect(container).toMatchObject({
      image: 'registry.example.com:5000/heat/operator:v2',
      imagePullPolicy: 'Always',
      resources: EVERY_VALUE.resources,
      env: expect.arrayContaining(EVERY_VALUE.env),
      securityContext: { readOnlyRootFilesystem: true },
    });
    const { imagePullSecrets, nodeSelector, tolerations, affinity, podAnnotations } = EVERY_VALUE;
    const { metadata, spec } = deployment.spec.template;
    expect(spec).toMatchObject({ imagePullSecrets, nodeSelector, tolerations, affinity });
    // Labels of the selector can't be taken away.
    expect(metadata).toMatchObject({
      annotations: podAnnotations,
      labels: { team: 'true', ...deployment.spec.selector.matchLabels },
    });
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
        spec: { replicas: number; strategy: { type: string } };
      };
      return [spec.replicas, spec.strategy.type];
    };
    expect(await strategy({})).toEqual([1, 'Recreate']);
    expect(await strategy({ replicas: 3, leaderElection: { enabled: true } })).toEqual([3, 'RollingUpdate']);
    await expect(render({ replicas: 2 })).rejects.toThrow(/leaderElection.enabled must be true/);
  });

  it('takes an image by its digest', async () => {
    const { image } = containerOf(deploymentOf(await render({ image: { tag: 'v2', digest: DIGEST } })));
    expect(image).toBe(`heatstack-operator@${DIGEST}`);
  });

  it('writes names that YAML could take for numbers as texts', async () => {
    const objects = await render(EVERY_VALUE, '1e3');
    const namespaces = objects.map(({ metadata }) => metadata.namespace);
    expect(new Set(namespaces)).toEqual(new Set(['1e3', 'team-a', '123']));
  });

  it('keeps the custom resource definition on uninstall unless told otherwise', async () => {
    const crdOf = (objects: Rendered[]) => objects.find(({ kind }) => kind === 'CustomResourceDefinition');
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

  it.each([
    ['an unknown value', { watchNamespace: ['a'] }, /additional properties 'watchNamespace' not allowed/],
    ['an unknown member', { crds: { instal: true } }, /'\/crds'.*'instal' not allowed/],
    ['a number out of range', { concurrency: 101 }, /'\/concurrency'.*want 100/],
    ['a fraction', { concurrency: 1.5 }, /'\/concurrency'.*want integer/],
    ['a number for a boolean', { protectCredentials: 1 }, /'\/protectCredentials'.*boolean/],
    ['a text for a boolean', { outputObjects: { enabled: 'false' } }, /'\/outputObjects\/enabled'.*boolean/],
    [
      'a number for a boolean',
      { outputObjects: { admissionPolicy: 1 } },
      /'\/outputObjects\/admissionPolicy'.*boolean/,
    ],
    ['a duration without unit', { progressInterval: '10' }, /'\/progressInterval'.*does not match/],
    ['a duration as a number', { operationGrace: 10 }, /'\/operationGrace'.*want string/],
    ['a list as a text', { allowedEndpoints: 'example.com' }, /'\/allowedEndpoints'.*want array/],
    ['no name of a Secret', { secretNames: ['A_b'] }, /'\/secretNames\/0'.*does not match/],
    ['two hosts in one', { allowedEndpoints: ['a.example,b'] }, /'\/allowedEndpoints\/0'.*does not match/],
    ['no name of a namespace', { watchNamespaces: ['Team_A'] }, /'\/watchNamespaces\/0'.*does not match/],
    ['an unknown log level', { logLevel: 'verbose' }, /'\/logLevel'.*must be one of/],
    ['a short digest', { image: { digest: 'sha256:0' } }, /'\/image\/digest'.*does not match/],
    ['two lines as an image', { image: { tag: 'a\nb' } }, /'\/image\/tag'.*does not match/],
    [
      'namespaces without a cluster',
      { watchNamespaces: ['a'] },
      /clusterID must be set as well: .*kubectl get/,
    ],
  ])('refuses %s', async (_, values, message) => {
    await expect(render(values)).rejects.toThrow(message);
  });
});

describe('on the API server', () => {
  beforeAll(async () => {
    await s.createNamespace(own);
    const restricted = 'pod-security.kubernetes.io/enforce=restricted';
    await s.kubectl(['label', 'namespace', own, restricted], { namespaced: false });
  }, 60_000);

  afterAll(async () => {
    // Not all of it is in the namespace.
    await release.uninstall();
  }, 60_000);

  it('its pod passes the restricted level of pod security', async () => {
    const { spec } = deploymentOf(await render()).spec.template;
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'operator' } };
    const tryPod = (podSpec: object) =>
      s.kubectl(['create', '--dry-run=server', '--namespace', own, '-f', '-'], {
        stdin: JSON.stringify({ ...pod, spec: podSpec }),
        namespaced: false,
      });
    await expect(tryPod(spec)).resolves.toContain('pod/operator created');
    // The API server does look.
    await expect(tryPod({ ...spec, securityContext: {} })).rejects.toThrow(/violates PodSecurity/);
  });

  it('an operator that may work in one namespace only brings up a stack there', async () => {
    const kinds = [
      ...['clusterroles', 'clusterrolebindings'],
      ...['validatingadmissionpolicies', 'validatingadmissionpolicybindings'],
    ];
    const clusterWide = async () =>
      (await s.kubectl(['get', kinds.join(), '--output', 'name'], { namespaced: false }))
        .split('\n')
        .filter((name) => name.includes(s.namespace));
    const allowedEndpoints = ['127.0.0.1'];
    await release.install({ crds: { install: false }, allowedEndpoints });
    expect(await clusterWide()).toHaveLength(kinds.length);
    await release.install({
      crds: { install: false },
      allowedEndpoints,
      watchNamespaces: [s.namespace],
      clusterID: s.namespace,
      outputObjects: { enabled: false },
    });
    expect(await clusterWide()).toEqual([]);

    const operator = await s.startOperator([], release);
    await s.apply('hello', { template: { inline: RANDOM_STRING } });
    const { status } = await s.ready('hello');
    const stack = await s.stack(status.id ?? '');
    expect(stack?.tags).toContain(`heatstack.dev/cluster=${s.namespace}`);
    // Where a Secret is missing, it looks at its namespace.
    await s.apply('lost', {
      cloudCredentialsRef: { secretName: 'missing', cloudName: 'demo' },
      template: { inline: RANDOM_STRING },
    });
    await s.notReady('lost', 'CredentialsNotFound');
    await expect
      .poll(async () => (await s.events('hello')).map(({ reason }) => reason), { timeout: 10_000 })
      .toContain('StackCreated');
    await s.delete('hello');
    await s.gone('hello');
    // Its key is in its own namespace.
    await s.kubectl(['get', 'secret', 'heatstack-operator-digest-key', '--namespace', own], {
      namespaced: false,
    });
    expect(operator.log().filter(({ level }) => level >= 50)).toEqual([]);
    expect(JSON.stringify(operator.log())).not.toMatch(/is forbidden|Forbidden/);
    await operator.stop();
  });
});
