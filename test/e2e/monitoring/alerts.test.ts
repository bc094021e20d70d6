import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { ALERTS_FILE, readAlerts } from '../../support/promql.ts';
import { CHART, runHelm } from '../../support/release.ts';
import { bed } from '../../support/scenario.ts';

const { helm, promtool = 'promtool' } = bed();
const CASES = join(import.meta.dirname, 'cases.yaml');
const run = async (...args: string[]) => (await promisify(execFile)(promtool, args)).stdout;

interface Case {
  promql_expr_test: { expr: string; exp_samples: { labels: string }[] }[];
}

interface Rendered {
  kind: string;
  metadata: { name: string; labels: Record<string, string>; annotations?: Record<string, string> };
  spec: Record<string, unknown>;
  data: Record<string, string>;
}

/** What the chart makes with these values, without what it makes anyway. */
async function render(values: object): Promise<Rendered[]> {
  const names = ['metrics-service', 'servicemonitor', 'podmonitor', 'prometheusrule', 'dashboard'];
  const text = await runHelm(
    helm,
    ['template', 'demo', CHART, '--namespace', 'monitored', '--values', '-'],
    values,
  );
  const ours = text.split(/^---$/m).filter((part) => names.some((name) => part.includes(`/${name}.yaml`)));
  return parseAllDocuments(ours.join('\n---\n'))
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null);
}

describe('the alerts', () => {
  it('are rules as Prometheus wants them', async () => {
    expect(await run('check', 'rules', ALERTS_FILE)).toContain('SUCCESS');
  });

  it('fire when they should, and not before', async () => {
    expect(await run('test', 'rules', CASES)).toContain('SUCCESS');
  });

  it('have a case in which each fires, one in which none does, and one in which it waits for its time', () => {
    const { tests } = parse(readFileSync(CASES, 'utf8')) as { tests: Case[] };
    const asked = tests.flatMap(({ promql_expr_test }) => promql_expr_test);
    for (const { alert, labels, for: time } of readAlerts()) {
      const answers = (state: string): string[][] =>
        asked
          .filter(({ expr }) => expr === `ALERTS{alertname="${alert}", alertstate="${state}"}`)
          .map(({ exp_samples }) => exp_samples.map((sample) => sample.labels));
      // Two rules of one name differ by their own labels.
      const own = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
      const has = (state: string): boolean =>
        answers(state).some((found) => found.some((series) => own.every((pair) => series.includes(pair))));
      expect(has('firing'), alert).toBe(true);
      expect(answers('firing'), alert).toContainEqual([]);
      expect(has('pending'), alert).toBe(time !== undefined);
    }
  });
});

describe('the chart', () => {
  it('has nothing of it by default', async () => {
    expect(await render({})).toEqual([]);
  });

  it('has Prometheus scrape each replica through a Service', async () => {
    const [service, monitor] = await render({
      serviceMonitor: { enabled: true, interval: '15s', scrapeTimeout: '10s', labels: { release: 'one' } },
      metricsService: { annotations: { note: 'x' } },
    });
    expect(service).toMatchObject({
      kind: 'Service',
      metadata: { annotations: { note: 'x' } },
      spec: { clusterIP: 'None', ports: [{ name: 'metrics', targetPort: 'metrics' }] },
    });
    expect(monitor).toMatchObject({
      kind: 'ServiceMonitor',
      metadata: { labels: { release: 'one', 'app.kubernetes.io/instance': 'demo' } },
      spec: {
        selector: { matchLabels: service?.spec['selector'] },
        endpoints: [
          {
            port: 'metrics',
            interval: '15s',
            scrapeTimeout: '10s',
            relabelings: [{ targetLabel: 'job', replacement: 'demo-heatstack-operator' }],
          },
        ],
      },
    });
    expect(service?.metadata.labels).toMatchObject(service?.spec['selector'] as object);
  });

  it('has Prometheus scrape each replica without one', async () => {
    const drop = { sourceLabels: ['__name__'], regex: 'nodejs_.*', action: 'drop' };
    const [monitor, ...others] = await render({
      podMonitor: { enabled: true, metricRelabelings: [drop], relabelings: [{ action: 'labelmap' }] },
    });
    expect(others).toEqual([]);
    expect(monitor).toMatchObject({
      kind: 'PodMonitor',
      spec: {
        podMetricsEndpoints: [
          {
            port: 'metrics',
            relabelings: [{ targetLabel: 'job' }, { action: 'labelmap' }],
            metricRelabelings: [drop],
          },
        ],
      },
    });
  });

  it('has the alerts look at the release', async () => {
    const runbookURL = 'https://example.com/runbooks/';
    const [rule] = await render({
      prometheusRule: {
        enabled: true,
        runbookURL,
        labels: { release: 'one' },
        alertLabels: { team: 'cloud', severity: 'page' },
        disabledAlerts: ['HeatStackDrift'],
      },
    });
    expect(rule?.metadata.labels).toMatchObject({ release: 'one' });
    const text = stringify(rule?.spec);
    const folder = mkdtempSync(join(tmpdir(), 'heatstack-rules-'));
    writeFileSync(join(folder, 'rules.yaml'), text);
    expect(await run('check', 'rules', join(folder, 'rules.yaml'))).toContain('SUCCESS');
    rmSync(folder, { recursive: true });
    const ours = 'job="demo-heatstack-operator", namespace="monitored"';
    const expected = readAlerts()
      .filter(({ alert }) => alert !== 'HeatStackDrift')
      .map(({ expr, labels, annotations, ...others }) => ({
        ...others,
        expr: expr.replaceAll('job="heatstack-operator", namespace="heatstack-system"', ours),
        labels: { ...labels, team: 'cloud', severity: 'page' },
        annotations: { ...annotations, runbook_url: `${runbookURL}${others.alert}.md` },
      }));
    expect(readAlerts(text)).toEqual(expected);
  });

  it('gives no address of runbooks that it does not know', async () => {
    const [rule] = await render({ prometheusRule: { enabled: true } });
    for (const { annotations } of readAlerts(stringify(rule?.spec)))
      expect(Object.keys(annotations).sort()).toEqual(['description', 'summary']);
  });

  it('has the dashboard where Grafana finds it', async () => {
    const [map] = await render({ dashboard: { enabled: true, annotations: { grafana_folder: 'Clouds' } } });
    expect(map).toMatchObject({
      kind: 'ConfigMap',
      metadata: { labels: { grafana_dashboard: '1' }, annotations: { grafana_folder: 'Clouds' } },
    });
    const file = readFileSync(join(CHART, 'files/dashboard.json'), 'utf8');
    expect(JSON.parse(map?.data['heatstack-operator.json'] ?? '')).toEqual(JSON.parse(file));
  });

  it.each([
    [
      'both monitors',
      { serviceMonitor: { enabled: true }, podMonitor: { enabled: true } },
      /scrape each replica twice/,
    ],
    ['a monitor without metrics', { metrics: false, podMonitor: { enabled: true } }, /metrics must be true/],
    [
      'a Service without metrics',
      { metrics: false, metricsService: { enabled: true } },
      /metrics must be true/,
    ],
    [
      'an alert that is not there',
      { prometheusRule: { enabled: true, disabledAlerts: ['HeatStackDrifted'] } },
      /there is no alert HeatStackDrifted; there are HeatStackOperatorDown, /,
    ],
    [
      'half a minute',
      { serviceMonitor: { interval: '0.5m' } },
      /'\/serviceMonitor\/interval'.*does not match/,
    ],
    ['a path for an address', { prometheusRule: { runbookURL: 'docs' } }, /'\/prometheusRule\/runbookURL'/],
    ['a number as a label', { dashboard: { labels: { a: 1 } } }, /'\/dashboard\/labels\/a'.*want string/],
  ])('refuses %s', async (_, values, message) => {
    await expect(render(values)).rejects.toThrow(message);
  });
});
