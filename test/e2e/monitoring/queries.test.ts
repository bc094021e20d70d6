import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { ANNOTATIONS } from '../../../src/api/constants.ts';
import { addressesOf } from '../../support/addresses.ts';
import { cloudsYaml } from '../../support/clouds.ts';
import { HeatProxy } from '../../support/heat-proxy.ts';
import { parseMetrics } from '../../support/prometheus.ts';
import { allQueries } from '../../support/promql.ts';
import { narrowValues, Release } from '../../support/release.ts';
import { FAILING, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('queries');
const release = new Release(s.bed, { name: s.namespace, namespace: s.namespace });
const proxy = new HeatProxy(s.bed.heatUrl);
/** What a Prometheus that scrapes each 15 s would have. */
const scrapes: Map<string, number>[] = [];

beforeAll(async () => {
  await proxy.start();
  const away = { orchestration_endpoint_override: proxy.endpoint };
  await s.writeSecret('goes-away', { 'clouds.yaml': cloudsYaml(away) });
  // Nothing listens there.
  await s.writeSecret('nobody', {
    'clouds.yaml': cloudsYaml({ auth: { auth_url: 'http://127.0.0.1:9/v3' } }),
  });
  await release.install(narrowValues(s.namespace, { replicas: 2, leaderElection: { enabled: true } }));
}, 60_000);

afterAll(async () => {
  await proxy.close();
  await release.uninstall();
}, 60_000);

/** Adds what the replicas show now, with the labels that Prometheus adds. */
async function scrape(addresses: string[]): Promise<void> {
  const values = new Map<string, number>();
  for (const [index, address] of addresses.entries()) {
    const target = { job: 'heatstack-operator', namespace: 'heatstack-system', pod: `replica-${index}` };
    values.set(seriesOf('up', target), 1);
    for (const { samples } of parseMetrics(await (await fetch(address)).text()).values())
      for (const { name, labels, value } of samples)
        values.set(seriesOf(name, { ...labels, ...target }), value);
  }
  scrapes.push(values);
}

function seriesOf(name: string, labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return `${name}{${pairs.join(', ')}}`;
}

it('all queries of alerts and dashboard find something', async () => {
  const options = ['--metrics-address=localhost:0', '--log-level=info'];
  const leader = await s.startOperator(options, release);
  await s.startOperator(options, release);
  const addresses = addressesOf(leader.log(), '/metrics');
  expect(addresses).toHaveLength(2);
  const template = { inline: RANDOM_STRING };
  const cloudCredentialsRef = { secretName: 'goes-away', cloudName: 'demo' };
  await s.apply('queries-works', { template });
  await s.apply('queries-away', { template, cloudCredentialsRef });
  await s.apply('queries-fails', { template: { inline: FAILING }, remediation: { create: { retries: 0 } } });
  await s.apply('queries-unknown', {
    template,
    cloudCredentialsRef: { secretName: 'nobody', cloudName: 'demo' },
  });
  await s.ready('queries-works');
  await s.ready('queries-away');
  await s.notReady('queries-fails', 'CreateFailed');
  await s.notReady('queries-unknown', 'TransientError');
  await scrape(addresses);
  // Of a cloud that is away altogether, another alert tells than that of errors.
  await s.delete('queries-unknown');
  await s.gone('queries-unknown');
  await s.apply('queries-waits', { template, dependsOn: [{ name: 'queries-unknown' }] });
  await s.notReady('queries-waits', 'DependencyNotReady');

  await proxy.goAway('refuses');
  await s.patch('queries-away', { metadata: { annotations: { [ANNOTATIONS.requestedAt]: 'now' } } });
  await s.notReady('queries-away', 'TransientError');
  await scrape(addresses);
  await proxy.comeBack();
  await s.ready('queries-away');
  await s.delete('queries-works');
  await s.gone('queries-works');
  await scrape(addresses);

  const all = new Set(scrapes.flatMap((values) => [...values.keys()]));
  const series = [...all].map((name) => ({
    series: name,
    values: scrapes.map((values) => values.get(name) ?? '_').join(' '),
  }));
  const folder = await mkdtemp(join(tmpdir(), 'heatstack-queries-'));
  const file = join(folder, 'queries.yaml');
  writeFileSync(
    file,
    stringify({
      rule_files: [],
      evaluation_interval: '15s',
      tests: [
        {
          interval: '15s',
          input_series: series,
          promql_expr_test: [...allQueries().values()].map((expr) => ({
            // 1 if it finds any series.
            expr: `count(${expr}) > bool 0`,
            eval_time: `${15 * (scrapes.length - 1)}s`,
            exp_samples: [{ labels: '{}', value: 1 }],
          })),
        },
      ],
    }),
  );
  const { stdout } = await promisify(execFile)(s.bed.promtool ?? 'promtool', ['test', 'rules', file]);
  expect(stdout).toContain('SUCCESS');
  await rm(folder, { recursive: true });
});
