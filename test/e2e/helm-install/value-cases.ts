import { readFileSync } from 'node:fs';
import { readValues } from '../../../deploy/helm/values.ts';
import { CHART } from '../../support/release.ts';

/** Values that the chart's schema takes, and values that it refuses. */
export interface Cases {
  /** All can be set together with the others in their place. */
  right: readonly unknown[];
  /** Each is refused by the schema. */
  wrong: readonly unknown[];
}

const BOOLEAN: Cases = { right: [true, false], wrong: ['true', 0] };
const DURATION: Cases = { right: ['5s', '0.1m', '7s500ms'], wrong: ['10', 10, '1d', '-5s', ''] };
const PROBE_TIME: Cases = { right: [1, 30], wrong: [0, 1.5, '10s'] };
const OPTIONAL_NAME: Cases = { right: ['', 'a.b-1'], wrong: ['A', 'a_b', 'a/b', 7] };
const KEY: Cases = { right: ['ca.crt', 'A_b-1'], wrong: ['', 'a/b', '../a'] };
const LABELS: Cases = {
  right: [{}, { 'example.com/team': 'a_B.1', empty: '' }],
  wrong: [{ a: 1 }, { a: 'two words' }, ['a'], { a: 'x'.repeat(64) }],
};
const TEXTS: Cases = { right: [{}, { a: 'any\ntext' }], wrong: [{ a: 1 }, { a: true }, ['a']] };
const SELECTOR: Cases = {
  right: ['', 'a=b', 'a in (b, c),!d'],
  wrong: ['$(HOME)', ['a=b'], 'a'.repeat(1025)],
};
const HOSTS: Cases = {
  right: [[], ['*.example.com'], ['192.0.2.0/24', '2001:db8::1']],
  wrong: [['a.example,b.example'], 'example.com', ['a b'], ['a', 'a'], ['']],
};
const PROXY: Cases = {
  right: ['', '', 'http://proxy.example.com:3128'],
  wrong: ['proxy.example.com', 'http://user:password@proxy.example.com', 'socks5://proxy'],
};
const PEERS: Cases = {
  right: [
    [],
    [{ ipBlock: { cidr: '192.0.2.0/24', except: ['192.0.2.1/32'] } }],
    [{ namespaceSelector: {}, podSelector: { matchLabels: { a: 'b' } } }],
  ],
  wrong: [[{}], [{ ipBlock: { cidr: '192.0.2.1' } }], [{ ipBlocks: {} }], ['192.0.2.0/24']],
};
const PORTS: Cases = { right: [[], [443, 5000]], wrong: [[0], [65536], ['https'], [443, 443], 443] };
const SECURITY_CONTEXT: Cases = {
  right: [{ runAsUser: 1000 }],
  wrong: [{ runasuser: 1000 }, { hostNetwork: true }, 1000],
};

const PROMETHEUS_DURATION: Cases = { right: ['', '30s', '1m30s'], wrong: ['30', '0.5m', 30] };
const RELABELINGS: Cases = {
  right: [[{ sourceLabels: ['a'], targetLabel: 'b' }], []],
  wrong: [['a'], { targetLabel: 'b' }],
};

/** Of what a ServiceMonitor and a PodMonitor have in common. */
function monitor(name: string): Record<string, Cases> {
  return {
    [`${name}.labels`]: LABELS,
    [`${name}.interval`]: PROMETHEUS_DURATION,
    [`${name}.scrapeTimeout`]: PROMETHEUS_DURATION,
    [`${name}.relabelings`]: RELABELINGS,
    [`${name}.metricRelabelings`]: RELABELINGS,
  };
}

/** By the path of a value; each value of the chart has an entry. */
export const VALUE_CASES: Record<string, Cases> = {
  'image.repository': {
    right: ['operator', 'registry.example.com:5000/a/b_c'],
    wrong: ['', 'a b', '-a', 'a@sha256:0'],
  },
  'image.tag': {
    right: ['', 'v1.0.0-rc_1', `1.0.0@sha256:${'0f'.repeat(32)}`],
    wrong: ['a\nb', '.a', 'a:b', 1.1, '1.0.0@sha256:0', `@sha256:${'0f'.repeat(32)}`],
  },
  'image.digest': {
    right: ['', `sha256:${'0f'.repeat(32)}`],
    wrong: ['sha256:0', 'sha512:0', 'F'.repeat(64)],
  },
  'image.pullPolicy': { right: ['Always', 'IfNotPresent', 'Never'], wrong: ['always', ''] },
  imagePullSecrets: {
    right: [[], [{ name: 'a' }]],
    wrong: [['a'], [{}], [{ name: '' }], [{ name: 'a', key: 'b' }]],
  },
  nameOverride: { right: ['', 'heat'], wrong: ['Heat', 'a.b', '-a', 'a'.repeat(58)] },
  fullnameOverride: { right: ['', 'heat'], wrong: ['Heat', 'a.b', 'a-', 'a'.repeat(53)] },
  commonLabels: LABELS,
  'crds.install': BOOLEAN,
  'crds.keep': BOOLEAN,
  'serviceAccount.create': BOOLEAN,
  'serviceAccount.name': { ...OPTIONAL_NAME, right: ['a', 'a.b-1'] },
  'serviceAccount.annotations': TEXTS,
  'rbac.create': BOOLEAN,
  'rbac.aggregatedRoles': BOOLEAN,
  watchNamespaces: { right: [[], ['a', '1']], wrong: [['A'], ['a.b'], 'a', ['a', 'a'], ['']] },
  watchLabelSelector: SELECTOR,
  replicas: { right: [1, 0, 1], wrong: [-1, 1.5, '1', 11] },
  'leaderElection.enabled': BOOLEAN,
  'leaderElection.leaseName': OPTIONAL_NAME,
  'leaderElection.leaseDuration': { ...DURATION, right: ['16s', '0.5m'] },
  'leaderElection.renewDeadline': { ...DURATION, right: ['11s', '10s500ms'] },
  'leaderElection.retryPeriod': { ...DURATION, right: ['500ms', '1.5s'] },
  shutdownTimeout: DURATION,
  terminationGracePeriodSeconds: { right: [25, 3600], wrong: [15, '60s', 60.5, 3601] },
  clusterID: { right: ['c', 'prod/eu-1@x'], wrong: ['a b', '$(A)', 'a,b', 7] },
  operatorNamespace: { right: ['', 'a-1'], wrong: ['A', 'a.b', 'a'.repeat(64)] },
  'kubeconfig.secretName': OPTIONAL_NAME,
  'kubeconfig.key': KEY,
  'kubeconfig.context': { right: ['', 'admin@Prod'], wrong: ['$(A)', 1] },
  allowedEndpoints: HOSTS,
  refusedEndpoints: HOSTS,
  'outputObjects.enabled': BOOLEAN,
  'outputObjects.admissionPolicy': BOOLEAN,
  protectCredentials: BOOLEAN,
  watchConfigsLabelSelector: SELECTOR,
  secretNames: {
    right: [[], ['a', 'b.c']],
    wrong: [['A_b'], ['a', 'a'], 'a', Array.from({ length: 101 }, (_, index) => `a${index}`)],
  },
  events: BOOLEAN,
  concurrency: { right: [1, 100], wrong: [0, 101, 1.5, '10'] },
  heatConcurrency: { right: [1, 100], wrong: [0, 101, 1.5, '10'] },
  heatRate: { right: [1, 10_000], wrong: [0, 10_001, 1.5, '10'] },
  progressInterval: DURATION,
  operationGrace: DURATION,
  metrics: { right: [true, true, true, true, true, false], wrong: BOOLEAN.wrong },
  'ports.metrics': { right: [1024, 65_535], wrong: [80, 65_536, '8080', 0] },
  'ports.health': { right: [1025, 65_534], wrong: [80, 65_536, ':8081', 0] },
  logLevel: {
    right: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'],
    wrong: ['verbose', 'INFO', '', 3],
  },
  logFormat: { right: ['json', 'pretty'], wrong: ['auto', 'text', ''] },
  'proxy.httpsProxy': PROXY,
  'proxy.httpProxy': PROXY,
  'proxy.noProxy': { right: ['', '', '10.0.0.0/8,.cluster.local'], wrong: ['a, b', ['a'], '$(A)'] },
  // Instead of the three, where they are empty.
  'proxy.secretName': { ...OPTIONAL_NAME, right: ['', 'a.b-1', ''] },
  'caBundle.configMapName': { ...OPTIONAL_NAME, right: ['', 'a.b-1', ''] },
  'caBundle.secretName': { ...OPTIONAL_NAME, right: ['a.b-1', '', ''] },
  'caBundle.key': KEY,
  nodeOptions: { right: ['', '--a --b=1'], wrong: ['$(A)', ['--a'], 1] },
  env: {
    right: [[], [{ name: 'A', value: '1' }], [{ name: 'B', valueFrom: { fieldRef: { fieldPath: 'a' } } }]],
    wrong: [
      [{ value: '1' }],
      [{ name: 'A', value: 1 }],
      [{ name: '1A' }],
      { A: '1' },
      [{ name: 'A', valu: '' }],
    ],
  },
  envFrom: {
    right: [
      [],
      [{ secretRef: { name: 'a' } }],
      [{ prefix: 'A_', configMapRef: { name: 'a', optional: true } }],
    ],
    wrong: [[{ secretRef: {} }], [{ secret: { name: 'a' } }], ['a']],
  },
  volumes: {
    right: [[], [{ name: 'a', emptyDir: {} }]],
    wrong: [[{ emptyDir: {} }], [{ name: 'A' }], ['a'], { a: {} }],
  },
  volumeMounts: {
    right: [[], [{ name: 'a', mountPath: '/a', readOnly: true, subPath: 'b' }]],
    wrong: [
      [{ name: 'a' }],
      [{ name: 'a', mountPath: 'a' }],
      [{ name: 'a', mountPath: '/a', readonly: true }],
    ],
  },
  resources: {
    right: [{}, { requests: { cpu: 1 }, limits: { memory: '1Gi' } }],
    wrong: [{ request: {} }, { limits: { memory: true } }, 1],
  },
  podSecurityContext: SECURITY_CONTEXT,
  securityContext: { ...SECURITY_CONTEXT, wrong: [...SECURITY_CONTEXT.wrong, { fsGroup: 1 }] },
  'livenessProbe.initialDelaySeconds': { right: [0, 30], wrong: [-1, '10s'] },
  'livenessProbe.periodSeconds': PROBE_TIME,
  'livenessProbe.timeoutSeconds': PROBE_TIME,
  'livenessProbe.failureThreshold': PROBE_TIME,
  'readinessProbe.initialDelaySeconds': { right: [0, 30], wrong: [-1, '10s'] },
  'readinessProbe.periodSeconds': PROBE_TIME,
  'readinessProbe.timeoutSeconds': PROBE_TIME,
  'readinessProbe.failureThreshold': PROBE_TIME,
  podAnnotations: TEXTS,
  podLabels: LABELS,
  nodeSelector: LABELS,
  tolerations: {
    right: [[], [{ key: 'a', operator: 'Equal', value: 'b', effect: 'NoExecute', tolerationSeconds: 5 }]],
    wrong: [[{ operator: 'exists' }], ['a'], [{ effect: 'Never' }], [{ keys: 'a' }]],
  },
  affinity: {
    right: [{}, { podAntiAffinity: {} }],
    wrong: [{ podAntiaffinity: {} }, [], { nodeAffinity: 'a' }],
  },
  topologySpreadConstraints: {
    right: [[], [{ maxSkew: 1, topologyKey: 'a', whenUnsatisfiable: 'ScheduleAnyway' }]],
    wrong: [
      [{ topologyKey: 'a', whenUnsatisfiable: 'ScheduleAnyway' }],
      [{ maxSkew: 0, topologyKey: 'a', whenUnsatisfiable: 'ScheduleAnyway' }],
      [{ maxSkew: 1, topologyKey: 'a', whenUnsatisfiable: 'Never' }],
    ],
  },
  priorityClassName: OPTIONAL_NAME,
  dnsPolicy: { right: ['ClusterFirst', 'Default', 'None'], wrong: ['default', ''] },
  dnsConfig: {
    right: [{}, { nameservers: ['192.0.2.1'], searches: ['a'], options: [{ name: 'ndots', value: '1' }] }],
    wrong: [{ nameserver: [] }, { nameservers: '192.0.2.1' }, []],
  },
  hostAliases: {
    right: [[], [{ ip: '192.0.2.1', hostnames: ['a.example'] }]],
    wrong: [[{ ip: '192.0.2.1' }], [{ ip: 'a', hostnames: ['a_b'] }], { a: '192.0.2.1' }],
  },
  'podDisruptionBudget.enabled': BOOLEAN,
  'podDisruptionBudget.maxUnavailable': { right: [0, 1, '50%'], wrong: [-1, '', 'half', 0.5] },
  'podDisruptionBudget.minAvailable': { right: ['', 1, '50%'], wrong: [-1, '1', 0.5] },
  'networkPolicy.enabled': BOOLEAN,
  'networkPolicy.metricsFrom': PEERS,
  'networkPolicy.dns.to': PEERS,
  'networkPolicy.dns.ports': PORTS,
  'networkPolicy.apiServer.to': PEERS,
  'networkPolicy.apiServer.ports': PORTS,
  'networkPolicy.clouds.to': PEERS,
  'networkPolicy.clouds.ports': PORTS,
  'metricsService.enabled': BOOLEAN,
  'metricsService.annotations': TEXTS,
  // With metrics, one at a time, and each with all that follows.
  'serviceMonitor.enabled': { right: [true, true, false, false, false, false], wrong: BOOLEAN.wrong },
  'podMonitor.enabled': { right: [false, false, true, true, false, false], wrong: BOOLEAN.wrong },
  ...monitor('serviceMonitor'),
  ...monitor('podMonitor'),
  'prometheusRule.enabled': { right: [true, true, false], wrong: BOOLEAN.wrong },
  'prometheusRule.labels': LABELS,
  'prometheusRule.alertLabels': TEXTS,
  'prometheusRule.disabledAlerts': {
    right: [[], ['HeatStackDrift', 'HeatStackCloudSlow']],
    wrong: ['HeatStackDrift', ['Heat Stack'], ['HeatStackDrift', 'HeatStackDrift']],
  },
  'prometheusRule.runbookURL': {
    right: ['', 'https://example.com/runbooks'],
    wrong: ['docs/runbooks', 'https://a b', 7],
  },
  'dashboard.enabled': BOOLEAN,
  'dashboard.labels': LABELS,
  'dashboard.annotations': TEXTS,
};

/** Paths of all values of the chart. */
export const VALUES = readValues(readFileSync(`${CHART}/values.yaml`, 'utf8')).map(({ path }) => path);

/** Rounds after which each right or wrong value was tried. */
export const rounds = (kind: keyof Cases): number[] => [
  ...Array(Math.max(...Object.values(VALUE_CASES).map((cases) => cases[kind].length))).keys(),
];

/** A right one of each value of the chart. */
export function rightValues(round: number): object {
  return valuesOf((path) => {
    const right = VALUE_CASES[path.join('.')]?.right ?? [];
    return right[round % right.length];
  });
}

/** Values with one for each path that has one. */
export function valuesOf(choose: (path: string[]) => unknown): object {
  const values: Record<string, unknown> = {};
  for (const path of VALUES) {
    const value = choose(path);
    if (value === undefined) continue;
    let node = values;
    for (const name of path.slice(0, -1)) {
      const next = (node[name] ?? {}) as Record<string, unknown>;
      node[name] = next;
      node = next;
    }
    node[path.at(-1) ?? ''] = value;
  }
  return values;
}
