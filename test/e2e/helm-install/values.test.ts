/** Each value of the chart by itself: what its schema takes and refuses. Helm tells all that is wrong at once. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Schema, schemaAt } from '../../../deploy/helm/values.ts';
import { CHART, runHelm } from '../../support/release.ts';
import { bed } from '../../support/scenario.ts';
import { rightValues, rounds, VALUE_CASES, VALUES, valuesOf } from './value-cases.ts';

const SCHEMA = JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8')) as Schema;

const render = (values: object): Promise<string> =>
  runHelm(bed().helm, ['template', 'demo', CHART, '--values', '-'], values);

/** What Helm says of values that it refuses, a line each. */
async function refusalsOf(values: object): Promise<string[]> {
  const message = await render(values).then(
    () => '',
    (error: unknown) => String(error),
  );
  return message
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('- at '));
}

describe('the schema of the chart', () => {
  it('has a type and a test for each value', () => {
    const paths = VALUES.map((path) => path.join('.'));
    expect(Object.keys(VALUE_CASES).sort()).toEqual([...paths].sort());
    for (const path of VALUES) expect(schemaAt(SCHEMA, path)?.type, path.join('.')).toBeDefined();
    for (const [path, { right, wrong }] of Object.entries(VALUE_CASES)) {
      expect(right, path).not.toEqual([]);
      expect(wrong, path).not.toEqual([]);
    }
  });

  it.each(rounds('wrong'))('refuses wrong values, round %i', async (round) => {
    const refused = await refusalsOf(valuesOf((path) => VALUE_CASES[path.join('.')]?.wrong[round]));
    const taken = VALUES.filter((path) => {
      if (VALUE_CASES[path.join('.')]?.wrong[round] === undefined) return false;
      const at = `- at '/${path.join('/')}`;
      return !refused.some((line) => line.startsWith(`${at}'`) || line.startsWith(`${at}/`));
    });
    expect(taken.map((path) => path.join('.'))).toEqual([]);
  });

  it.each(rounds('right'))('takes right values, round %i', async (round) => {
    await expect(render(rightValues(round))).resolves.toContain('kind: Deployment');
  });

  it('takes what comes from a chart that has it as a dependency', async () => {
    const values = { enabled: true, global: { imageRegistry: 'registry.example.com' } };
    await expect(render(values)).resolves.toContain('kind: Deployment');
  });

  it('refuses an unknown value, and an unknown member of each that has members', async () => {
    const parents = new Set(
      VALUES.flatMap((path) => path.slice(0, -1).map((_, index) => path.slice(0, index + 1).join('/'))),
    );
    expect(parents.size).toBeGreaterThan(10);
    const values = { ...valuesOf(() => undefined), unknown: 1 } as Record<string, unknown>;
    for (const parent of parents) {
      let node = values;
      for (const name of parent.split('/')) {
        node[name] ??= { unknown: 1 };
        node = node[name] as Record<string, unknown>;
      }
      node['unknown'] = 1;
    }
    const refused = await refusalsOf(values);
    expect(refused.filter((line) => line.includes("'unknown' not allowed"))).toHaveLength(parents.size + 1);
  });

  it('refuses null, which would take a default away', async () => {
    const refused = (await refusalsOf(valuesOf(() => null))).join('\n');
    const missing = VALUES.filter(
      (path) => !new RegExp(`missing propert[^\\n]*'${path.at(-1)}'`).test(refused),
    );
    expect(missing.map((path) => path.join('.'))).toEqual([]);
  });
});
