import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Metrics } from '../../src/controller/metrics.ts';
import { parseMetrics } from '../../test/support/prometheus.ts';
import { readAlerts, selectors } from '../../test/support/promql.ts';
import { dashboard } from './dashboard/grafana.ts';

const ROOT = join(import.meta.dirname, '../..');
const RUNBOOKS = join(ROOT, 'docs/runbooks');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

const alerts = readAlerts();
const names = [...new Set(alerts.map(({ alert }) => alert))];

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { refId: string; expr: string; legendFormat: string }[];
}

const { panels } = dashboard() as { panels: Panel[] };
const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** Labels of each metric: of ours as docs/metrics.md has them, which a test compares with the program. */
async function labelsOfMetrics(): Promise<Map<string, Set<string>>> {
  const known = new Map([['up', new Set<string>()]]);
  for (const [name] of parseMetrics(await new Metrics().text()))
    if (/^(process|nodejs)_/.test(name)) known.set(name, new Set());
  for (const [, name = '', labels = ''] of read('docs/metrics.md').matchAll(
    /^\| `(\w+)` \| \w+ \|([^|]*)\|/gm,
  ))
    known.set(name, new Set([...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label)));
  return known;
}

/** What Prometheus and the Prometheus Operator add to each series: of a metric's own label it would make another name. */
const TARGET = ['cluster', 'namespace', 'job', 'service', 'endpoint', 'pod', 'container', 'node', 'instance'];
/** And to those of a histogram. */
const ADDED = [...TARGET, 'le'];

describe('the labels of metrics', () => {
  it('are none that Prometheus gives', async () => {
    for (const [name, labels] of await labelsOfMetrics())
      for (const label of TARGET) expect(labels.has(label), `${name}: ${label}`).toBe(false);
  });
});

describe('the queries of alerts and dashboard', () => {
  it('use only metrics that there are, with their labels', async () => {
    const known = await labelsOfMetrics();
    const used = [...alerts.map(({ expr }) => expr), ...queries].map(selectors);
    expect(used.filter((each) => each.length === 0)).toEqual([]);
    for (const { metric, matchers } of used.flat()) {
      const labels = known.get(metric) ?? known.get(metric.replace(/_(bucket|sum|count)$/, ''));
      expect(labels, metric).toBeDefined();
      const unknown = Object.keys(matchers).filter((label) => !labels?.has(label) && !ADDED.includes(label));
      expect(unknown, metric).toEqual([]);
    }
  });

  it('use only values of labels that there are', () => {
    const page = read('docs/metrics.md');
    for (const { metric, matchers } of [...alerts.map(({ expr }) => expr), ...queries].flatMap(selectors)) {
      const { type, status, code: _, ...others } = matchers;
      for (const value of [others['state'], others['stalled'], others['api']].filter(Boolean))
        expect(page, metric).toContain(`\`${value}\``);
      if (type) expect(['Ready', 'Stalled', 'Drifted']).toContain(type);
      if (metric === 'heatstack_condition') expect(['True', 'False', undefined]).toContain(status);
    }
  });

  it('choose the release in every part', () => {
    for (const { expr } of alerts)
      for (const { matchers } of selectors(expr))
        expect(matchers).toMatchObject({ job: 'heatstack-operator', namespace: 'heatstack-system' });
    for (const expr of queries)
      for (const { matchers } of selectors(expr))
        expect(matchers).toMatchObject({ cluster: '$cluster', namespace: '$namespace', job: '$job' });
  });
});

describe('an alert', () => {
  it.each(names)('%s says how bad it is, what it means, and what to do', (name) => {
    for (const { labels, annotations, expr, for: time } of alerts.filter(({ alert }) => alert === name)) {
      expect(['critical', 'warning', 'info']).toContain(labels['severity']);
      expect(annotations.summary).toMatch(/^[A-Z].{10,90}\.$/);
      expect(annotations.description.length).toBeGreaterThan(120);
      expect(annotations.runbook_url).toBe(`docs/runbooks/${name}.md`);
      // What is true for a moment wakes nobody.
      expect(time !== undefined || expr.includes('[1h]')).toBe(true);
    }
  });

  it.each(names)('%s has a runbook', (name) => {
    const page = readFileSync(join(RUNBOOKS, `${name}.md`), 'utf8');
    const headings = [...page.replaceAll(/^```.*?^```$/gms, '').matchAll(/^#+ .*$/gm)].map(
      ([heading]) => heading,
    );
    expect(headings).toEqual([`# ${name}`, '## Meaning', '## Impact', '## Diagnosis', '## Cure']);
    expect(page).toMatch(/^```sh$/m);
  });

  it('is in the index of runbooks, which has no others', () => {
    const index = readFileSync(join(RUNBOOKS, 'README.md'), 'utf8');
    const rows = [...index.matchAll(/^\| \[(\w+)\]\(\1\.md\) \| (\w+) \|/gm)];
    const severities = new Map(alerts.map(({ alert, labels }) => [alert, labels['severity']]));
    expect(rows.map(([, name = '', severity]) => [name, severity])).toEqual([...severities]);
    const pages = readdirSync(RUNBOOKS).filter((file) => file !== 'README.md');
    expect(pages.sort()).toEqual(names.map((name) => `${name}.md`).sort());
  });
});

describe('the dashboard', () => {
  it('is what the chart has', () => {
    const file = JSON.parse(read('deploy/helm/heatstack-operator/files/dashboard.json')) as unknown;
    expect(file, 'run "npm run generate"').toEqual(dashboard());
  });

  it('explains every panel, and calls lines by labels that their query leaves', () => {
    for (const { type, title, description = '', targets = [] } of panels) {
      if (type === 'row') continue;
      expect(description.length, title).toBeGreaterThan(10);
      expect(targets.length, title).toBeGreaterThan(0);
      expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
      for (const { expr, legendFormat } of targets) {
        const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
        const outer = /(?:sum|max) by \(([^)]*)\)/.exec(expr)?.[1];
        if (outer === undefined) continue;
        const left = outer.split(', ').filter((label) => label !== 'le');
        expect(
          shown.filter((label) => !left.includes(label)),
          title,
        ).toEqual([]);
      }
    }
  });

  it('has each panel once, and none over another', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos } of panels) {
      const { x, y, w, h } = gridPos;
      expect(x + w, title).toBeLessThanOrEqual(24);
      for (let column = x; column < x + w; column++)
        for (let line = y; line < y + h; line++) {
          expect(taken.has(`${column},${line}`), title).toBe(false);
          taken.add(`${column},${line}`);
        }
    }
  });
});
