/** The configuration as kube-state-metrics reads it (pkg/customresourcestate there), over objects of a real operator. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readSchema, type Schema } from '../../test/crd/schema.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (name: string): string => readFileSync(`${ROOT}${name}`, 'utf8');
const TESTDATA = 'deploy/argocd/resource_customizations/heatstack.dev/HeatStack/testdata/';

const path = v.array(v.string());
const labelsFromPath = v.optional(v.record(v.string(), path), {});
const name = v.pipe(v.string(), v.regex(/^[a-z][a-z_]*$/));

/** What the configuration may hold; kube-state-metrics ignores what it doesn't know. */
const configSchema = v.strictObject({
  kind: v.literal('CustomResourceStateMetrics'),
  spec: v.strictObject({
    resources: v.tuple([
      v.strictObject({
        groupVersionKind: v.strictObject({ group: v.string(), version: v.string(), kind: v.string() }),
        metricNamePrefix: name,
        errorLogV: v.number(),
        labelsFromPath,
        metrics: v.array(
          v.strictObject({
            name,
            help: v.string(),
            each: v.variant('type', [
              v.strictObject({ type: v.literal('Info'), info: v.strictObject({ path, labelsFromPath }) }),
              v.strictObject({
                type: v.literal('Gauge'),
                gauge: v.strictObject({ path, labelsFromPath, valueFrom: v.optional(path, []) }),
              }),
              v.strictObject({
                type: v.literal('StateSet'),
                stateSet: v.strictObject({
                  path,
                  labelsFromPath,
                  labelName: name,
                  list: v.array(v.string()),
                  valueFrom: path,
                }),
              }),
            ]),
          }),
        ),
      }),
    ]),
  }),
});

const [RESOURCE] = v.parse(configSchema, parse(read('deploy/kube-state-metrics/custom-resource-state.yaml')))
  .spec.resources;
type Metric = (typeof RESOURCE.metrics)[number];

const get = (value: unknown, keys: readonly string[]): unknown =>
  keys.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], value);

/** A number as kube-state-metrics takes it: also a boolean, and a time as seconds since 1970. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'string' && /^\d{4}-.*Z$/.test(value)) return Date.parse(value) / 1000;
  return undefined;
}

/** The series of a metric for an object: `name{label="value",…} value`, without the labels that all have. */
function seriesOf({ name: metric, each }: Metric, object: unknown): string[] {
  const of = each.type === 'Info' ? each.info : each.type === 'Gauge' ? each.gauge : each.stateSet;
  const found = get(object, of.path);
  const items = Array.isArray(found) ? found : found === undefined ? [] : [found];
  return items.flatMap((item) => {
    const labels = Object.entries(of.labelsFromPath).flatMap(([label, from]) => {
      const value = get(item, from);
      return value === undefined ? [] : [`${label}="${value}"`];
    });
    const line = (more: string[], value: number): string =>
      `${RESOURCE.metricNamePrefix}_${metric}{${[...more, ...labels].join(',')}} ${value}`;
    if (each.type === 'Info') return labels.length > 0 ? [line([], 1)] : [];
    if (each.type === 'Gauge') {
      const value = numberOf(get(item, each.gauge.valueFrom));
      return value === undefined ? [] : [line([], value)];
    }
    const { list, labelName, valueFrom } = each.stateSet;
    const value = get(item, valueFrom);
    return list.map((word) => line([`${labelName}="${word}"`], Number(word === value)));
  });
}

function metricsOf(object: string): string[] {
  const manifest: unknown = parse(read(`${TESTDATA}${object}.yaml`));
  return RESOURCE.metrics.flatMap((metric) => seriesOf(metric, manifest));
}

/** Whether the CRD has a field there; what an object of Kubernetes' own has below `metadata` isn't in it. */
function exists(schema: Schema | undefined, [first, ...rest]: readonly string[]): boolean {
  if (first === undefined) return schema !== undefined;
  if (first === 'metadata') return true;
  const node = schema?.items ?? schema;
  return exists(node?.properties?.[first], rest);
}

describe('the configuration', () => {
  const schema = readSchema(read('crds/heatstack.dev_heatstacks.yaml'));

  test('is about the kind, and names each metric once', () => {
    expect(RESOURCE.groupVersionKind).toEqual({
      group: 'heatstack.dev',
      version: 'v1alpha1',
      kind: 'HeatStack',
    });
    const names = RESOURCE.metrics.map((metric) => metric.name);
    expect(new Set(names).size).toBe(names.length);
    const infos = RESOURCE.metrics.filter(({ each }) => each.type === 'Info');
    expect(infos.filter((info) => !info.name.endsWith('info'))).toEqual([]);
  });

  test('has only paths of the API', () => {
    const paths: string[][] = RESOURCE.metrics.flatMap(({ each }) => {
      const of = each.type === 'Info' ? each.info : each.type === 'Gauge' ? each.gauge : each.stateSet;
      const below: string[][] = [[], ...Object.values<string[]>(of.labelsFromPath)];
      if (each.type === 'Gauge') below.push(each.gauge.valueFrom);
      if (each.type === 'StateSet') below.push(each.stateSet.valueFrom);
      return below.map((rest) => [...of.path, ...rest]);
    });
    expect(paths.length).toBeGreaterThan(30);
    expect(paths.filter((each) => !exists(schema, each))).toEqual([]);
  });

  test('makes each metric of some object', () => {
    const objects = readdirSync(`${ROOT}${TESTDATA}`).map((file) => file.replace(/\.yaml$/, ''));
    const seen = new Set(objects.flatMap(metricsOf).map((line) => line.replace(/\{.*/, '')));
    const wanted = RESOURCE.metrics.map((metric) => `${RESOURCE.metricNamePrefix}_${metric.name}`);
    expect(wanted.filter((each) => !seen.has(each))).toEqual([]);
  });

  test('is listed in the page, metric by metric', () => {
    const page = read('deploy/kube-state-metrics/README.md');
    const named = [...page.matchAll(/`(kube_heatstack_\w+)`/g)].map(([, each]) => each);
    expect(named.sort()).toEqual(RESOURCE.metrics.map((each) => `kube_heatstack_${each.name}`).sort());
  });
});

/** A line of kube-state-metrics' in the form of {@link seriesOf}, its labels in order. */
function normalized(line: string): string {
  const [, metric = '', labels = '', value = ''] = /^(\w+)\{(.*)\} (\S+)$/.exec(line) ?? [];
  // What every series has.
  const own = [...labels.matchAll(/(\w+)="[^"]*"/g)].filter(
    ([, label = '']) => !/^(namespace|heatstack|customresource_\w+)$/.test(label),
  );
  const sorted = own.map(([pair]) => pair).sort();
  return `${metric}{${sorted.join(',')}} ${Number(value)}`;
}

test('this test reads the configuration as kube-state-metrics does', () => {
  const made = read('deploy/kube-state-metrics/testdata/metrics.txt').split('\n');
  const theirs = made.filter((line) => line.startsWith('kube_')).map(normalized);
  const ours = ['approval-required', 'healthy-drifted', 'deleting'].flatMap(metricsOf).map(normalized);
  expect(ours.length).toBeGreaterThan(80);
  expect(ours.sort()).toEqual(theirs.sort());
});

test('what is shown of an object that nobody has looked at', () => {
  const lines = metricsOf('new');
  expect(lines).toContain('kube_heatstack_status_observed_generation{} -1');
  expect(lines.join()).not.toContain('kube_heatstack_status_condition');
});
