import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { parseOptions } from '../../../src/options.ts';
import { BED_VALUES, CHART, narrowValues, Release, runHelm } from '../../support/release.ts';
import { RANDOM_STRING, scenario } from '../../support/scenario.ts';
import { containerOf, deploymentOf, isDefinition, readJson, render } from './render.ts';

const s = scenario('helm-install');
const own = `${s.namespace}-own`;
const release = new Release(s.bed, { name: s.namespace, namespace: own });

/** Every value, and none as it is by default. */
const EVERY_VALUE = {
  image: {
    repository: 'registry.example.com:5000/heat/operator',
    tag: 'v2',
    digest: '',
    pullPolicy: 'Always',
  },
  imagePullSecrets: [{ name: 'registry' }],
  nameOverride: 'heat',
  fullnameOverride: 'heat-operator',
  commonLabels: { owner: 'platform', 'app.kubernetes.io/name': 'another' },
  crds: { install: false, keep: false },
  serviceAccount: { create: false, name: 'operator', annotations: { 'example.com/role': 'heat' } },
  rbac: { create: true, aggregatedRoles: false },
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
  terminationGracePeriodSeconds: 90,
  clusterID: 'prod-1',
  operatorNamespace: 'team-a',
  // Without its Secret, since such an operator has no rights in this cluster.
  kubeconfig: { secretName: '', key: 'config', context: 'none' },
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
  ports: { metrics: 9090, health: 9091 },
  proxy: {
    httpsProxy: 'http://proxy.example.com:3128',
    httpProxy: 'http://proxy.example.com:3129',
    noProxy: '10.0.0.0/8,.cluster.local',
    secretName: '',
  },
  caBundle: { configMapName: 'authorities', secretName: '', key: 'all.pem' },
  nodeOptions: '--max-semi-space-size=8',
  env: [{ name: 'TZ', valueFrom: { secretKeyRef: { name: 'zone', key: 'tz' } } }],
  envFrom: [{ configMapRef: { name: 'more' } }],
  volumes: [{ name: 'more', emptyDir: {} }],
  volumeMounts: [{ name: 'more', mountPath: '/more' }],
  resources: { requests: { cpu: 1, memory: '1Gi' }, limits: { cpu: '2', memory: '1Gi' } },
  podSecurityContext: { runAsUser: 1000 },
  securityContext: { runAsGroup: 1000 },
  livenessProbe: { initialDelaySeconds: 1, periodSeconds: 2, timeoutSeconds: 3, failureThreshold: 4 },
  readinessProbe: { initialDelaySeconds: 5, periodSeconds: 6, timeoutSeconds: 7, failureThreshold: 8 },
  podAnnotations: { 'example.com/note': '"quoted": {{ not a template }}\n- no list', port: '8080' },
  podLabels: { team: 'true', 'app.kubernetes.io/name': 'another' },
  nodeSelector: { 'kubernetes.io/arch': 'amd64' },
  tolerations: [{ key: 'dedicated', operator: 'Exists' }],
  affinity: { nodeAffinity: {} },
  topologySpreadConstraints: [{ maxSkew: 2, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
  priorityClassName: 'important',
  dnsPolicy: 'None',
  dnsConfig: { nameservers: ['192.0.2.53'] },
  hostAliases: [{ ip: '192.0.2.5', hostnames: ['keystone'] }],
  podDisruptionBudget: { enabled: false, maxUnavailable: '50%', minAvailable: 1 },
  networkPolicy: { enabled: true },
  // What these make is looked at in test/e2e/monitoring.
  metricsService: { enabled: false, annotations: { note: 'x' } },
  serviceMonitor: { enabled: false, interval: '15s' },
  podMonitor: { enabled: false, interval: '15s' },
  prometheusRule: { enabled: true, disabledAlerts: ['HeatStackDrift'] },
  dashboard: { enabled: true, labels: { dashboards: 'yes' } },
};

describe('the chart', () => {
  it('passes helm lint --strict', async () => {
    await expect(runHelm(s.bed.helm, ['lint', '--strict', CHART])).resolves.toContain('0 chart(s) failed');
    const args = ['lint', '--strict', CHART, '--values', '-'];
    await expect(runHelm(s.bed.helm, args, EVERY_VALUE)).resolves.toContain('0 chart(s) failed');
  });

  it('has the version of the operator', () => {
    const { version, appVersion } = parse(readFileSync(`${CHART}/Chart.yaml`, 'utf8'));
    const program = readJson('package.json') as { version: string };
    expect({ version, appVersion }).toEqual({ version: program.version, appVersion: program.version });
  });

  it('has a schema, a default and a test for each value', () => {
    const schema = readJson(`${CHART}/values.schema.json`) as { properties: Record<string, unknown> };
    const defaults = parse(readFileSync(`${CHART}/values.yaml`, 'utf8')) as Record<string, unknown>;
    const { global: _, enabled: __, ...properties } = schema.properties;
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
      operatorNamespace: 'team-a',
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
      healthAddress: { port: 9091 },
      logFormat: 'pretty',
    });
    expect(container).toMatchObject({
      image: 'registry.example.com:5000/heat/operator:v2',
      imagePullPolicy: 'Always',
      resources: EVERY_VALUE.resources,
      env: [
        { name: 'NODE_OPTIONS', value: EVERY_VALUE.nodeOptions },
        { name: 'NODE_EXTRA_CA_CERTS', value: '/etc/heatstack-operator/ca/ca.crt' },
        { name: 'HTTPS_PROXY', value: EVERY_VALUE.proxy.httpsProxy },
        { name: 'HTTP_PROXY', value: EVERY_VALUE.proxy.httpProxy },
        { name: 'NO_PROXY', value: EVERY_VALUE.proxy.noProxy },
        ...EVERY_VALUE.env,
      ],
      envFrom: EVERY_VALUE.envFrom,
      volumeMounts: [
        { name: 'ca', mountPath: '/etc/heatstack-operator/ca', readOnly: true },
        ...EVERY_VALUE.volumeMounts,
      ],
      ports: [{ name: 'health', containerPort: 9091 }],
      // The defaults of both contexts are there as well.
      securityContext: { ...EVERY_VALUE.securityContext, readOnlyRootFilesystem: true },
      livenessProbe: { httpGet: { path: '/healthz', port: 'health' }, ...EVERY_VALUE.livenessProbe },
      readinessProbe: { httpGet: { path: '/readyz', port: 'health' }, ...EVERY_VALUE.readinessProbe },
    });
    const { imagePullSecrets, nodeSelector, tolerations, affinity, podAnnotations } = EVERY_VALUE;
    const { priorityClassName, dnsPolicy, dnsConfig, hostAliases } = EVERY_VALUE;
    const { metadata, spec } = deployment.spec.template;
    const { matchLabels } = deployment.spec.selector;
    expect(spec).toMatchObject({
      ...{ imagePullSecrets, nodeSelector, tolerations, affinity },
      ...{ priorityClassName, dnsPolicy, dnsConfig, hostAliases },
      terminationGracePeriodSeconds: 90,
      serviceAccountName: 'operator',
      securityContext: { ...EVERY_VALUE.podSecurityContext, runAsNonRoot: true },
      topologySpreadConstraints: [
        { ...EVERY_VALUE.topologySpreadConstraints[0], labelSelector: { matchLabels } },
      ],
      volumes: [
        {
          name: 'ca',
          configMap: { name: 'authorities', items: [{ key: 'all.pem', path: 'ca.crt' }] },
        },
        ...EVERY_VALUE.volumes,
      ],
    });
    // Labels of the selector can't be taken away.
    expect(matchLabels).toEqual({ 'app.kubernetes.io/name': 'heat', 'app.kubernetes.io/instance': 'demo' });
    expect(metadata).toMatchObject({
      annotations: podAnnotations,
      labels: { team: 'true', owner: 'platform', ...matchLabels },
    });
  });

  it('names and labels all objects as told', async () => {
    const objects = await render(EVERY_VALUE);
    const names = new Set(objects.map(({ metadata }) => metadata.name));
    expect(names).toEqual(
      new Set([
        'heat-operator',
        'heat-operator-dashboard',
        'heat-operator-digest-key',
        'heat-operator-lease',
      ]),
    );
    for (const { metadata } of objects)
      expect(metadata.labels).toMatchObject({ owner: 'platform', 'app.kubernetes.io/name': 'heat' });
    const bindings = objects.filter(({ kind }) => kind === 'RoleBinding');
    expect(new Set(bindings.map(({ subjects }) => JSON.stringify(subjects)))).toEqual(
      new Set([
        JSON.stringify([{ kind: 'ServiceAccount', name: 'operator', namespace: 'heatstack-system' }]),
      ]),
    );
    const [crd] = (await render({ commonLabels: { owner: 'platform' } })).filter(isDefinition);
    expect(crd?.metadata.labels).toEqual({ owner: 'platform' });
  });

  it('writes names that YAML could take for numbers as texts', async () => {
    const objects = await render(EVERY_VALUE, '1e3');
    const namespaces = objects.map(({ metadata }) => metadata.namespace);
    expect(new Set(namespaces)).toEqual(new Set(['1e3', 'team-a', '123']));
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

  /** The operator's own check, with the rights of the release; what it prints. */
  async function check(args: string[]): Promise<string> {
    const folder = await mkdtemp(join(dirname(s.bed.kubeconfig), 'check-'));
    const kubeconfig = ['--kubeconfig', await release.writeKubeconfig(folder)];
    const { args: released } = await release.operator();
    const program = [inject('operator'), ...kubeconfig, ...released, ...args, '--check'];
    return (await promisify(execFile)(process.execPath, program)).stdout;
  }

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
    await release.install({ ...BED_VALUES, crds: { install: false } });
    // One of each, and the roles for people.
    expect(await clusterWide()).toHaveLength(kinds.length + 3);
    await release.install(narrowValues(s.namespace, { outputObjects: { enabled: false } }));
    expect(await clusterWide()).toEqual([]);

    // What `helm test` runs in a pod.
    const rights = `✓ the API server answers, and lists the HeatStacks of namespace ${s.namespace}`;
    expect(await check([])).toBe(`${rights}\n✓ has all 16 rights that it needs\n`);
    await expect(check(['--leader-elect=true', '--protect-credentials=true'])).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringMatching(
        /✗ may not patch secrets in namespace \S+, get leases.coordination.k8s.io "heatstack-operator" in/,
      ),
    });

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
