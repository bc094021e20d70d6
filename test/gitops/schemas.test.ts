/** The JSON schemas by kubeconform: they take what the API server takes, and refuse what a schema can refuse. */
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, test } from 'vitest';
import { CREATE_CASES, type CreateCase, heatStack } from '../crd/cases.ts';
import { STRICT_SCHEMAS } from './paths.ts';
import { run } from './run.ts';

const { kubeconform } = inject('programs');

interface Verdict {
  filename: string;
  status: string;
  msg: string;
}

async function judge(files: string[], ...options: string[]): Promise<Verdict[]> {
  const args = ['-verbose', '-output', 'json', '-schema-location', STRICT_SCHEMAS, ...options, ...files];
  const { stdout } = await run(kubeconform, args);
  return (JSON.parse(stdout) as { resources: Verdict[] }).resources;
}

/** Judges manifests of the API server's tests; the verdicts are in their order. */
async function judgeCases(cases: CreateCase[], ...options: string[]): Promise<Verdict[]> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'heatstack-schemas-'));
  const files = cases.map((_, index) => join(folder.path, `${index}.json`));
  await Promise.all(
    cases.map(({ name = 'web', spec }, index) =>
      writeFile(files[index] ?? '', JSON.stringify(heatStack(name, spec))),
    ),
  );
  const verdicts = new Map((await judge(files, ...options)).map((each) => [each.filename, each]));
  return files.map((file) => verdicts.get(file) ?? { filename: file, status: 'missing', msg: '' });
}

/** What a schema refuses is said in these words; a CEL rule, which no JSON Schema has, in its own. */
const BY_SCHEMA =
  /Required value|should match|unknown field|chars long|may not be more than|must have at most|should have at least|of type|Unsupported value|greater than or equal|less than or equal/;

describe('the strict schema', () => {
  test('takes the samples', async () => {
    const samples = fileURLToPath(new URL('../../deploy/samples', import.meta.url));
    const verdicts = await judge([join(samples, 'minimal.yaml'), join(samples, 'full.yaml')], '-strict');
    const heatStacks = verdicts.filter(({ msg }) => !msg.includes('could not find schema'));
    expect(heatStacks.length).toBeGreaterThan(1);
    expect(heatStacks.filter(({ status }) => status !== 'statusValid')).toEqual([]);
  });

  test('takes all that the API server takes', async () => {
    const good = CREATE_CASES.filter(({ refused }) => !refused);
    expect(good.length).toBeGreaterThan(40);
    const verdicts = await judgeCases(good, '-strict');
    const wrong = verdicts.flatMap(({ status, msg }, index) =>
      status === 'statusValid' ? [] : [`${good[index]?.title}: ${msg}`],
    );
    expect(wrong).toEqual([]);
  });

  test('refuses what the API server refuses by its schema', async () => {
    // A rule that says "Required value": only what is managed needs a template.
    const bad = CREATE_CASES.filter(
      ({ refused, title }) => refused && BY_SCHEMA.test(refused.source) && title !== 'no template',
    );
    expect(bad.length).toBeGreaterThan(60);
    const verdicts = await judgeCases(bad, '-strict');
    const wrong = verdicts.flatMap(({ status }, index) =>
      status === 'statusInvalid' ? [] : [`${bad[index]?.title}: ${status}`],
    );
    expect(wrong).toEqual([]);
  });
});

test('the other schema lets pass what the API server drops', async () => {
  const unknown = CREATE_CASES.filter(({ refused }) => refused && /^unknown field/.test(refused.source));
  expect(unknown.length).toBeGreaterThan(2);
  const verdicts = await judgeCases(unknown);
  const isTaken = verdicts.some(({ status }) => status === 'statusValid');
  expect(isTaken).toBe(true);
});
