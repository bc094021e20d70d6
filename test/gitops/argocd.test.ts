import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { parse } from 'yaml';
import { ANNOTATIONS } from '../../src/api/constants.ts';
import { VERBS } from '../../src/controller/verbs.ts';
import { ARGOCD, STRICT_SCHEMAS } from './paths.ts';
import { run } from './run.ts';

const { argocd, kubeconform } = inject('programs');

test('the health check and the actions do what their tests say, in Argo CD’s own format', async () => {
  const { code, stdout, stderr } = await run(argocd, ['test', ARGOCD]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const outcomes = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { test: string; problem?: string });
  expect(outcomes.filter(({ problem }) => problem !== undefined)).toEqual([]);
  // Each object has a health; each action is tried.
  const objects = readdirSync(join(ARGOCD, 'testdata')).map((name) => `health testdata/${name}`);
  const tested = outcomes.map((outcome) => outcome.test);
  expect(objects.filter((name) => !tested.includes(name))).toEqual([]);
  const actions = readdirSync(join(ARGOCD, 'actions'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'testdata')
    .map(({ name }) => name);
  const tried = new Set(
    tested.filter((name) => name.startsWith('action ')).map((name) => name.split(' ')[1]),
  );
  expect([...tried].sort()).toEqual(actions.sort());
});

test('there is an action for each annotation and each verb', () => {
  const scripts = readdirSync(join(ARGOCD, 'actions'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('action.lua'))
    .map((name) => readFileSync(join(ARGOCD, 'actions', name), 'utf8'))
    .join('\n');
  expect(Object.values(ANNOTATIONS).filter((name) => !scripts.includes(`["${name}"]`))).toEqual([]);
  expect(VERBS.filter((verb) => !scripts.includes(`"${verb}@"`))).toEqual([]);
});

test('the objects of the tests are such as the API server takes', async () => {
  const folders = [join(ARGOCD, 'testdata'), join(ARGOCD, 'actions', 'testdata')];
  const args = ['-strict', '-summary', '-output', 'json', '-schema-location', STRICT_SCHEMAS, ...folders];
  const { code, stdout } = await run(kubeconform, args);
  const { resources = [], summary } = JSON.parse(stdout) as {
    resources?: unknown[];
    summary: { valid: number };
  };
  expect(resources).toEqual([]);
  expect(summary.valid).toBe(folders.flatMap((folder) => readdirSync(folder)).length);
  expect(code).toBe(0);
});

test('the objects of the tests tell of the whole status', () => {
  const reasons = readdirSync(join(ARGOCD, 'testdata')).flatMap((name) => {
    const { status } = parse(readFileSync(join(ARGOCD, 'testdata', name), 'utf8')) as {
      status: { conditions?: { type: string; status: string }[] };
    };
    return (status.conditions ?? []).map(({ type, status: value }) => `${type}=${value}`);
  });
  const wanted = ['Ready=True', 'Ready=False', 'Ready=Unknown', 'Reconciling=True', 'Stalled=True'];
  expect(wanted.filter((each) => !reasons.includes(each))).toEqual([]);
});
