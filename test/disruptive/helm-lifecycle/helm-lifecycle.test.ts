import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BED_VALUES, bedRelease, CHART } from '../../support/release.ts';
import { heatWrites, type Operator, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const run = promisify(execFile);
const s = scenario('helm-lifecycle');
const release = bedRelease(s.bed);
const name = s.namespace;
const CHART_FOLDER = 'deploy/helm/heatstack-operator';
const CRD_FILE = 'files/heatstack.dev_heatstacks.yaml';

let folder: string;
/** Where the operator and the chart of before are. */
let before: string;
let stackID: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heatstack-before-'));
  before = await unpackCommitBefore();
});

afterAll(async () => {
  // The scenarios after this one run the operator of this release.
  await release.install(BED_VALUES, ['--create-namespace']);
  await rm(folder, { recursive: true, force: true });
});

/** Unpacks the commit before. Where there is none, as in a shallow clone, an upgrade starts from this one. */
async function unpackCommitBefore(): Promise<string> {
  const target = join(folder, 'commit');
  const archive = join(folder, 'commit.tar');
  try {
    await run('git', ['archive', '--prefix=commit/', '--output', archive, 'HEAD^']);
    await run('tar', ['-xf', archive, '-C', folder]);
    await readFile(join(target, CHART_FOLDER, 'Chart.yaml'));
    await symlink(resolve('node_modules'), join(target, 'node_modules'));
    return target;
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    console.warn(`no chart of the commit before (${why}): upgrading from this one, with other values`);
    return process.cwd();
  }
}

/** Has an operator look at the object, and shows that it neither changes the stack nor makes another. */
async function leavesStackAlone(root?: string): Promise<void> {
  const operator: Operator = await s.startOperator([], release, root === undefined ? {} : { root });
  const since = operator.log().length;
  await s.reconciled(operator, name, 0);
  const { status } = await s.ask(name);
  await operator.stop();
  expect(heatWrites(operator.log())).toEqual(writes);
  expect(operator.log().length).toBeGreaterThan(since);
  expect(status).toMatchObject({ id: stackID, stackStatus: 'CREATE_COMPLETE' });
  expect((await s.stacksNamed(name)).map(({ id }) => id)).toEqual([stackID]);
}

/** What was written to Heat by the first operator. */
const writes = ['POST /stacks 201'];

/** Whether an object is there. */
async function has(kind: string, object: string, namespace = release.namespace): Promise<boolean> {
  const get = ['get', kind, object, '--namespace', namespace, '--ignore-not-found', '--output', 'name'];
  return (await s.kubectl(get, { namespaced: false })) !== '';
}

it('an upgrade from the commit before', async () => {
  await release.uninstall();
  await release.install({ ...BED_VALUES, concurrency: 3 }, [], join(before, CHART_FOLDER));
  const operator = await s.startOperator([], release, { root: before });
  await s.apply(name, { template: { inline: RANDOM_STRING } });
  stackID = (await s.ready(name)).status.id ?? '';
  await operator.stop();
  expect(heatWrites(operator.log())).toEqual(writes);

  await release.install(BED_VALUES);
  expect((await release.operator()).args).toContain('--concurrency=10');
  await leavesStackAlone();
});

it('a rollback to the commit before, whose operator takes the status as it finds it', async () => {
  await release.helm(['rollback', release.name, '1']);
  expect((await release.operator()).args).toContain('--concurrency=3');
  await leavesStackAlone(before);
  await release.install(BED_VALUES);
  await leavesStackAlone();
});

it('an upgrade brings the custom resource definition of the chart', async () => {
  const older = join(folder, 'older');
  await cp(CHART, older, { recursive: true });
  const crd = await readFile(join(older, CRD_FILE), 'utf8');
  await writeFile(join(older, CRD_FILE), crd.replace('name: Resources', 'name: Parts'));
  const columns = async () => {
    const path = 'jsonpath={.spec.versions[0].additionalPrinterColumns[*].name}';
    const get = ['get', 'crd', 'heatstacks.heatstack.dev', '--output', path];
    return s.kubectl(get, { namespaced: false });
  };
  const now = await columns();
  expect(now).toContain('Resources');

  await release.install(BED_VALUES, [], older);
  expect(await columns()).toBe(now.replace('Resources', 'Parts'));
  await release.install(BED_VALUES);
  expect(await columns()).toBe(now);
});

it('after uninstalling, stacks, HeatStacks, their definition and the key are there', async () => {
  await release.uninstall();

  expect(await has('deployment', release.fullname)).toBe(false);
  expect(await has('serviceaccount', release.fullname)).toBe(false);
  expect(await has('clusterrole', release.fullname)).toBe(false);
  expect(await has('validatingadmissionpolicy', release.fullname)).toBe(false);
  expect(await has('role', `${release.fullname}-digest-key`)).toBe(false);

  expect(await has('crd', 'heatstacks.heatstack.dev')).toBe(true);
  expect(await has('secret', 'heatstack-operator-digest-key')).toBe(true);
  expect((await s.get(name))?.metadata.deletionTimestamp).toBeUndefined();
  expect((await s.stack(stackID))?.status).toBe('CREATE_COMPLETE');
});

it('after installing again, the operator goes on with the same stack', async () => {
  await release.install(BED_VALUES);
  await leavesStackAlone();

  await s.startOperator();
  await s.delete(name);
  await s.gone(name);
  await s.stackGone(stackID);
});
