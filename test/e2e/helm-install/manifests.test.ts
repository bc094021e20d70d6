/** The chart with many values, and what is made from it, all tried on the API server, which writes nothing of it. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments, parse as parseYaml, stringify } from 'yaml';
import { manifests } from '../../../deploy/helm/manifests.ts';
import { CHART, runHelm } from '../../support/release.ts';
import { scenario } from '../../support/scenario.ts';
import { rightValues, rounds } from './value-cases.ts';

const s = scenario('manifests');
const { namespace } = s;
const account = { create: false, name: 'heat' };
const peers = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }];
const spread = { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule' };
/** What ServiceMonitor and PodMonitor have in common. */
const SCRAPING = {
  labels: { release: 'monitoring' },
  interval: '1m30s',
  scrapeTimeout: '10s',
  relabelings: [{ sourceLabels: ['__meta_kubernetes_pod_node_name'], targetLabel: 'node' }],
  metricRelabelings: [{ sourceLabels: ['__name__'], regex: 'nodejs_.*', action: 'drop' }],
};
const networks = ['192.0.2.0/24', '2001:db8::/32'].map((cidr) => ({ ipBlock: { cidr } }));

/** Sets of values as people may have them; only a few with the definition, which takes the API server longest. */
const SETS: Record<string, object> = {
  default: { crds: { install: true } },
  'for one namespace': { watchNamespaces: [namespace], clusterID: 'test' },
  'for one namespace, with all else on': {
    watchNamespaces: [namespace],
    clusterID: 'test',
    replicas: 2,
    leaderElection: { enabled: true },
    protectCredentials: true,
    networkPolicy: { enabled: true },
  },
  'several replicas': {
    replicas: 3,
    leaderElection: { enabled: true },
    topologySpreadConstraints: [spread],
    priorityClassName: 'system-cluster-critical',
    podDisruptionBudget: { minAvailable: '50%' },
  },
  'a shard': { watchLabelSelector: 'sharding.fluxcd.io/key=a', leaderElection: { enabled: true } },
  'the other shard': { watchLabelSelector: '!sharding.fluxcd.io/key', leaderElection: { enabled: true } },
  'few rights': {
    secretNames: ['openstack-clouds', 'web.tls'],
    outputObjects: { enabled: false },
    events: false,
    rbac: { aggregatedRoles: false },
  },
  'credentials kept': { protectCredentials: true, watchConfigsLabelSelector: 'a in (b, c),!d' },
  'a narrow network': {
    networkPolicy: {
      enabled: true,
      metricsFrom: peers,
      dns: { to: peers, ports: [53, 5353] },
      apiServer: { to: networks, ports: [6443] },
      clouds: { to: networks, ports: [443, 5000, 8004] },
    },
  },
  'an open network': {
    networkPolicy: { enabled: true, dns: { ports: [] }, apiServer: { ports: [] }, clouds: { to: [] } },
    metrics: false,
  },
  'a proxy, and authorities in a ConfigMap': {
    proxy: { httpsProxy: 'http://192.0.2.1:3128', noProxy: '10.0.0.0/8,.example.com' },
    caBundle: { configMapName: 'authorities', key: 'all.pem' },
  },
  'both in Secrets, and more of each': {
    proxy: { secretName: 'proxy' },
    caBundle: { secretName: 'authorities' },
    env: [{ name: 'TZ', value: 'UTC' }],
    envFrom: [{ secretRef: { name: 'more', optional: true } }],
    volumes: [{ name: 'more', emptyDir: { medium: 'Memory' } }],
    volumeMounts: [{ name: 'more', mountPath: '/more' }],
  },
  'other names': {
    nameOverride: '123',
    fullnameOverride: '1e3',
    commonLabels: { on: 'true', number: '1' },
    serviceAccount: account,
    crds: { install: true, keep: false },
  },
  'rights from somebody else': { rbac: { create: false }, serviceAccount: account },
  'another cluster': { kubeconfig: { secretName: 'elsewhere', context: 'prod' }, operatorNamespace: 'heat' },
  'another pod': {
    podSecurityContext: { runAsUser: 1000, fsGroup: 1000 },
    resources: { limits: { cpu: 1, memory: '1Gi' } },
    affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
    tolerations: [{ operator: 'Exists', effect: 'NoSchedule' }],
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    dnsPolicy: 'None',
    dnsConfig: { nameservers: ['192.0.2.53'], options: [{ name: 'ndots', value: '1' }] },
    hostAliases: [{ ip: '192.0.2.5', hostnames: ['keystone.example.com'] }],
    podAnnotations: { port: '8080' },
    ports: { metrics: 9090, health: 9091 },
    image: { digest: `sha256:${'0f'.repeat(32)}` },
  },
  'watched through a Service': {
    metricsService: { annotations: { note: 'x' } },
    serviceMonitor: { enabled: true, ...SCRAPING },
    prometheusRule: {
      enabled: true,
      labels: { release: 'monitoring' },
      alertLabels: { team: 'cloud' },
      disabledAlerts: ['HeatStackDrift'],
      runbookURL: 'https://example.com/runbooks',
    },
    dashboard: { enabled: true, annotations: { grafana_folder: 'Clouds' } },
  },
  'watched without one': { podMonitor: { enabled: true, ...SCRAPING }, prometheusRule: { enabled: true } },
};

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  spec?: { template?: { spec: object } };
}

const parse = (text: string): Manifest[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);

/** What the chart makes of each set; a release for each, so that the API server's answers tell them apart. */
const rendered: Manifest[][] = [];

beforeAll(async () => {
  // For all namespaces and for good; nothing else is about them.
  const definitions = ['--filename', s.bed.monitoringDefinitions ?? ''];
  await s.kubectl(['apply', '--server-side', ...definitions], { namespaced: false });
  await s.kubectl(['wait', '--for=condition=Established', ...definitions], { namespaced: false });
  const restricted = 'pod-security.kubernetes.io/enforce=restricted';
  await s.kubectl(['label', 'namespace', namespace, restricted], { namespaced: false });
  for (const [index, values] of Object.values(SETS).entries()) {
    const args = ['template', `set-${index}`, CHART, '--namespace', namespace, '--values', '-'];
    const all = { crds: { install: false }, ...values, operatorNamespace: namespace };
    rendered.push(parse(await runHelm(s.bed.helm, args, all)));
  }
}, 120_000);

/** Has the API server try to apply objects; how many it took. It refuses unknown fields. */
async function tryAll(objects: readonly object[]): Promise<number> {
  const apply = ['apply', '--server-side', '--force-conflicts', '--dry-run=server', '--validate=strict'];
  const stdin = objects.map((object) => stringify(object)).join('---\n');
  const answer = await s.kubectl([...apply, '-f', '-'], { stdin, namespaced: false });
  return answer.split('\n').filter((line) => line.endsWith(' serverside-applied (server dry run)')).length;
}

/** The pods of Deployments, which pod security judges only when they are made. */
const podsOf = (objects: readonly Manifest[]): Manifest[] =>
  objects.flatMap(({ metadata, spec }) =>
    spec?.template ? [{ apiVersion: 'v1', kind: 'Pod', metadata, spec: spec.template.spec }] : [],
  );

/** What the Prometheus Operator works on. */
const monitoring = (objects: readonly Manifest[]): Manifest[] =>
  objects.filter(({ apiVersion }) => apiVersion === 'monitoring.coreos.com/v1');

describe('the API server takes', () => {
  it('what the chart makes of each set of values, and its pods under the level restricted', async () => {
    expect(rendered.length).toBeGreaterThanOrEqual(12);
    const objects = rendered.flatMap((each) => [...each, ...podsOf(each)]);
    expect(await tryAll(objects)).toBe(objects.length);
    const kinds = monitoring(objects).map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(['ServiceMonitor', 'PodMonitor', 'PrometheusRule']));
  });

  it("what the chart has for the Prometheus Operator with each of a value's right ones", async () => {
    const objects: Manifest[] = [];
    for (const round of rounds('right')) {
      const args = ['template', `round-${round}`, CHART, '--namespace', namespace, '--values', '-'];
      objects.push(...monitoring(parse(await runHelm(s.bed.helm, args, rightValues(round)))));
    }
    expect(new Set(objects.map(({ kind }) => kind)).size).toBe(3);
    expect(await tryAll(objects)).toBe(objects.length);
  });

  it('the example in the annotations of the chart, which name what it installs', async () => {
    const { annotations } = parseYaml(readFileSync(`${CHART}/Chart.yaml`, 'utf8')) as {
      annotations: Record<string, string>;
    };
    const read = (name: string): unknown => parseYaml(annotations[`artifacthub.io/${name}`] ?? '');
    const examples = (read('crdsExamples') as Manifest[]).map(({ metadata, ...example }) => ({
      ...example,
      metadata: { ...metadata, namespace },
    }));
    expect(await tryAll(examples)).toBe(1);
    const definition = parseYaml(readFileSync('crds/heatstack.dev_heatstacks.yaml', 'utf8')) as {
      metadata: { name: string };
      spec: { names: { kind: string }; versions: { name: string }[] };
    };
    const { metadata, spec } = definition;
    expect(read('crds')).toMatchObject(
      spec.versions.map(({ name }) => ({ name: metadata.name, kind: spec.names.kind, version: name })),
    );
    expect(read('operatorCapabilities')).toBe('Basic Install');
  });

  it('install.yaml, and the overlay of the base for Kustomize, which hold what the chart makes', async () => {
    const files = await manifests(s.bed.helm);
    // "npm run manifests" writes them.
    for (const [path, text] of files) expect(readFileSync(path, 'utf8'), path).toBe(text);
    const install = parse(readFileSync('deploy/install.yaml', 'utf8'));
    const kustomize = async (folder: string) =>
      parse(await s.kubectl(['kustomize', folder], { namespaced: false }));
    const inOrder = (objects: Manifest[]) => objects.map((object) => JSON.stringify(sorted(object))).sort();
    expect(inOrder(await kustomize('deploy/kustomize/base'))).toEqual(inOrder(install));
    const overlaid = await kustomize('deploy/kustomize/overlays/example');
    expect(JSON.stringify(overlaid)).toContain('--allowed-endpoints=*.cloud.example.com');
    const isDefinition = ({ kind }: Manifest) => kind === 'CustomResourceDefinition';
    const objects = [...install, ...overlaid.filter((object) => !isDefinition(object))];
    expect(await tryAll(objects)).toBe(objects.length);
  });
});

it('nothing of a release for some namespaces is cluster-wide', () => {
  const clusterWide = /^(Cluster|ValidatingAdmission|CustomResourceDefinition)/;
  const kinds = Object.values(SETS).map((values, index) => ({
    isNarrow: 'watchNamespaces' in values,
    found: (rendered[index] ?? []).map(({ kind }) => kind).filter((kind) => clusterWide.test(kind)),
  }));
  for (const { found } of kinds.filter(({ isNarrow }) => isNarrow)) expect(found).toEqual([]);
  expect(kinds[0]?.found.length).toBeGreaterThan(5);
});

it('two shards of a namespace share no object but those of the operator itself', () => {
  const shards = Object.keys(SETS).flatMap((name, index) =>
    name.includes('shard') ? [rendered[index] ?? []] : [],
  );
  const names = shards.map((objects) => objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`));
  expect(names).toHaveLength(2);
  expect(names[0]?.filter((name) => names[1]?.includes(name))).toEqual([]);
});

/** With the members of all objects in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}
