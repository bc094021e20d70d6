import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { CHART, runHelm } from '../../support/release.ts';
import { bed } from '../../support/scenario.ts';

export interface Rendered {
  kind: string;
  metadata: {
    name: string;
    namespace?: unknown;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  subjects?: unknown;
}

export interface Deployment extends Rendered {
  spec: {
    selector: { matchLabels: Record<string, string> };
    template: { metadata: Record<string, unknown>; spec: Record<string, unknown> };
  };
}

export const isDefinition = ({ kind }: Rendered): boolean => kind === 'CustomResourceDefinition';
export const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

const rendered = new Map<string, Promise<string>>();

/** What the chart makes of values, without the pods of `helm test`. */
export async function render(values: object = {}, namespace = 'heatstack-system'): Promise<Rendered[]> {
  const key = JSON.stringify({ values, namespace });
  const args = ['template', 'demo', CHART, '--namespace', namespace, '--values', '-', '--skip-tests'];
  const text = rendered.get(key) ?? runHelm(bed().helm, args, values);
  rendered.set(key, text);
  return parseAllDocuments(await text).map((document) => document.toJS() as Rendered);
}

export function deploymentOf(objects: readonly Rendered[]): Deployment {
  const found = objects.find(({ kind }) => kind === 'Deployment');
  if (!found) throw new Error('no Deployment');
  return found as Deployment;
}

export function containerOf({ spec }: Deployment): {
  image: string;
  args: string[];
  [field: string]: unknown;
} {
  const [container] = spec.template.spec['containers'] as [{ image: string; args: string[] }];
  return container;
}
