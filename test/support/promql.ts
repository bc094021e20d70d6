import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { parse } from 'yaml';
import { dashboard } from '../../deploy/helm/dashboard/grafana.ts';
import { CHART } from './release.ts';

const texts = v.record(v.string(), v.string());

const rulesSchema = v.object({
  groups: v.array(
    v.object({
      name: v.string(),
      rules: v.array(
        v.strictObject({
          alert: v.string(),
          expr: v.string(),
          for: v.optional(v.string()),
          labels: texts,
          annotations: v.object({
            summary: v.string(),
            description: v.string(),
            runbook_url: v.optional(v.string()),
          }),
        }),
      ),
    }),
  ),
});

/** An alerting rule. */
export type Alert = v.InferOutput<typeof rulesSchema>['groups'][number]['rules'][number];

/** The chart's alerts, as a file of Prometheus' rules. */
export const ALERTS_FILE = join(CHART, 'files/alerts.yaml');

/** The alerts of a file of Prometheus' rules. */
export function readAlerts(text: string = readFileSync(ALERTS_FILE, 'utf8')): Alert[] {
  return v.parse(rulesSchema, parse(text)).groups.flatMap(({ rules }) => rules);
}

/** A metric that a query reads, and its matchers, whichever operator they have. */
export interface Selector {
  metric: string;
  matchers: Record<string, string>;
}

/** What a query reads, if every metric in it has braces. */
export function selectors(query: string): Selector[] {
  return [...query.matchAll(/([a-zA-Z_:][\w:]*)\{([^}]*)\}/g)].map(([, metric = '', inBraces = '']) => ({
    metric,
    matchers: Object.fromEntries(
      [...inBraces.matchAll(/(\w+)(?:=~|!~|!=|=)"([^"]*)"/g)].map(([, label = '', value = '']) => [
        label,
        value,
      ]),
    ),
  }));
}

const panelsSchema = v.object({
  panels: v.array(
    v.object({
      title: v.string(),
      targets: v.optional(v.array(v.object({ refId: v.string(), expr: v.string() })), []),
    }),
  ),
});

/**
 * All queries of the dashboard and of the alerts as Grafana and Prometheus send them, by where they are; without what makes
 * up for finding nothing, and without the limits of alerts, so that each finds something wherever the operator is seen.
 */
export function allQueries(): Map<string, string> {
  const found = new Map<string, string>();
  for (const { title, targets } of v.parse(panelsSchema, dashboard()).panels)
    for (const { refId, expr } of targets) found.set(`${title} ${refId}`, expr.replace(' or vector(0)', ''));
  for (const { alert, labels, expr } of readAlerts())
    found.set([alert, labels['api']].filter(Boolean).join(' '), expr.replace(/ (>|==) [\d.]+/, ''));
  for (const [where, query] of found)
    found.set(
      where,
      query.replaceAll('$__rate_interval', '1m').replaceAll(/\$(cluster|namespace|job)\b/g, '.*'),
    );
  return found;
}
