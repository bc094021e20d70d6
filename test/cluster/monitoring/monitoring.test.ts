import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { ANNOTATIONS } from '../../../src/api/constants.ts';
import { cloudsYaml } from '../../support/clouds.ts';
import { ALERTS_FILE, allQueries, readAlerts } from '../../support/promql.ts';
import { CHART, runHelm } from '../../support/release.ts';
import { disturb, FAILING, RANDOM_STRING, scenario } from '../../support/scenario.ts';
import { CLOUD_ADDRESS } from '../network.ts';
import { installed, kubectl, NAMESPACE } from '../support/installation.ts';
import { type ActiveAlert, PrometheusServer } from '../support/prometheus-server.ts';

const release = installed({
  replicas: 2,
  leaderElection: { enabled: true },
  metricsService: { enabled: true },
});
const s = scenario('monitoring');
/** The only thing that is changed about the alerts: how long they wait before they fire. */
const RULES = readFileSync(ALERTS_FILE, 'utf8').replaceAll(/^( +for:) .*$/gm, '$1 1s');

interface ServiceMonitor {
  kind: string;
  spec: {
    selector: { matchLabels: Record<string, string> };
    endpoints: { port: string; relabelings: { targetLabel: string; replacement: string }[] }[];
  };
}

interface EndpointSlice {
  metadata: { labels: Record<string, string> };
  ports: { name: string; port: number }[];
  endpoints: { addresses: string[]; targetRef: { name: string } }[];
}

/**
 * What to scrape by the ServiceMonitor of the chart, from its Service to the replicas, with the labels that the Prometheus
 * Operator gives. Debian's Prometheus doesn't look into clusters itself.
 */
async function scrapeConfig(): Promise<object> {
  const values = { serviceMonitor: { enabled: true } };
  const args = ['template', release.name, CHART, '--namespace', NAMESPACE, '--values', '-'];
  const objects = parseAllDocuments(await runHelm(s.bed.helm, args, values)).map(
    (document) => document.toJS() as ServiceMonitor,
  );
  const monitor = objects.find(({ kind }) => kind === 'ServiceMonitor');
  const [endpoint] = monitor?.spec.endpoints ?? [];
  const selector = Object.entries(monitor?.spec.selector.matchLabels ?? {}).map((pair) => pair.join('='));
  const service = ['get', 'services', '-n', NAMESPACE, '-l', selector.join(), '-o', 'name'];
  const name = (await kubectl(service)).trim().replace('service/', '');
  const slices = ['get', 'endpointslices', '-n', NAMESPACE, '-l', `kubernetes.io/service-name=${name}`];
  const { items } = JSON.parse(await kubectl([...slices, '-o', 'json'])) as { items: EndpointSlice[] };
  return {
    job_name: 'monitor',
    static_configs: items.flatMap(({ ports, endpoints }) => {
      const port = ports.find((each) => each.name === endpoint?.port)?.port;
      return endpoints.map(({ addresses, targetRef }) => ({
        targets: [`${addresses[0]}:${port}`],
        labels: { namespace: NAMESPACE, service: name, job: name, pod: targetRef.name },
      }));
    }),
    relabel_configs: endpoint?.relabelings.map(({ targetLabel, replacement }) => ({
      target_label: targetLabel,
      replacement,
    })),
  };
}

let prometheus: PrometheusServer | undefined;
/** Once it runs. */
function server(): PrometheusServer {
  if (!prometheus) throw new Error('Prometheus was not started');
  return prometheus;
}
let isHeatDown = false;

beforeAll(async () => {
  await s.writeSecret('nobody', {
    'clouds.yaml': cloudsYaml({ auth: { auth_url: `http://${CLOUD_ADDRESS}:9/v3` } }),
  });
  prometheus = await PrometheusServer.start([await scrapeConfig()], RULES);
});

afterAll(async () => {
  if (isHeatDown) await disturb('heat/start');
  await prometheus?.stop();
  await kubectl(['scale', 'deployment', release.fullname, '-n', NAMESPACE, '--replicas=1']);
});

/** That nothing is missing in its texts. */
function expectWhole({ annotations }: ActiveAlert): void {
  const text = Object.values(annotations).join('\n');
  expect(text).not.toMatch(/<no value>|<error|\{\{/);
}

it('both replicas are scraped, and no alert fires', async () => {
  await expect.poll(() => server().query('up{job="heatstack-operator"} == 1')).toHaveLength(2);
  await s.apply('works', { template: { inline: RANDOM_STRING } });
  await s.ready('works');
  await expect.poll(() => server().query('heatstack_stacks{status="CREATE_COMPLETE"} == 1')).toHaveLength(1);
  const health = await server().health();
  expect(health.map(([name]) => name)).toEqual(readAlerts().map(({ alert }) => alert));
  await expect
    .poll(async () => new Set((await server().health()).map(([, how]) => how)))
    .toEqual(new Set(['ok']));
  // The rules are evaluated once a second, and may have seen the stack before it was complete.
  await expect.poll(() => server().alerts()).toEqual([]);
});

it('a stack that fails is told with its reason, and so is one that waits', async () => {
  await s.apply('fails', { template: { inline: FAILING }, remediation: { create: { retries: 0 } } });
  await s.apply('unknown', {
    cloudCredentialsRef: { secretName: 'nobody', cloudName: 'demo' },
    template: { inline: RANDOM_STRING },
  });
  const alert = await server().firing('HeatStackStalled', { reason: 'CreateFailed', severity: 'warning' });
  expect(alert.annotations['description']).toContain('1 HeatStacks are stalled with the reason CreateFailed');
  await server().firing('HeatStackNotReady', { reason: 'TransientError' });
});

it('a Heat that is killed is told, and what failed meanwhile', async () => {
  await disturb('heat/kill');
  isHeatDown = true;
  await s.patch('works', { metadata: { annotations: { [ANNOTATIONS.requestedAt]: 'now' } } });
  expectWhole(await server().firing('HeatStackCloudCircuitOpen', { api: 'heat' }));
  await disturb('heat/start');
  isHeatDown = false;
  expectWhole(await server().firing('HeatStackCloudErrors', { api: 'heat' }));
  expect((await server().alerts()).filter(({ labels }) => labels['api'] === 'heat')).toMatchObject([
    { labels: { alertname: 'HeatStackCloudErrors' } },
  ]);
  await s.ready('works');
});

it('all queries of alerts and dashboard find something', async () => {
  // Another alert tells of a cloud that is away altogether; see the rule.
  await s.delete('unknown');
  await s.gone('unknown');
  await server().firing('HeatStackCloudErrors', { api: 'keystone' });
  await s.apply('waits', { template: { inline: RANDOM_STRING }, dependsOn: [{ name: 'nobody' }] });
  await s.notReady('waits', 'DependencyNotReady');
  await expect.poll(() => server().query('heatstack_not_ready_stacks{stalled="false"}')).not.toEqual([]);
  const empty: string[] = [];
  for (const [where, query] of allQueries())
    if ((await server().query(query)).length === 0) empty.push(`${where}: ${query}`);
  expect(empty).toEqual([]);
});

it('replicas that may not lead are told, and no replica at all', async () => {
  const role = ['role', `${release.fullname}-lease`, '-n', NAMESPACE];
  const { rules } = JSON.parse(await kubectl(['get', ...role, '-o', 'json'])) as { rules: unknown };
  const allow = (what: unknown) =>
    kubectl(['patch', ...role, '--type=merge', '-p', JSON.stringify({ rules: what })]);
  await allow([]);
  expectWhole(await server().firing('HeatStackOperatorNoLeader', { name: 'heatstack-operator' }));
  await allow(rules);
  await server().quiet('HeatStackOperatorNoLeader');

  await kubectl(['scale', 'deployment', release.fullname, '-n', NAMESPACE, '--replicas=0']);
  expectWhole(
    await server().firing('HeatStackOperatorDown', { severity: 'critical', job: release.fullname }),
  );
});
