import { readFileSync } from 'node:fs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { FINALIZER } from '../../../src/api/constants.ts';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import type { Stack } from '../../../src/openstack/index.ts';
import {
  condition,
  heatWrites,
  type Operator,
  RANDOM_STRING,
  scenario,
  underway,
} from '../../support/scenario.ts';

const s = scenario('change-cloud');

let operator: Operator;
let name = '';
let secretName = '';
let before: HeatStack;
let stack: Stack | undefined;
let since: number;

beforeAll(async () => {
  operator = await s.startOperator();
});

beforeEach(async () => {
  const suffix = Math.random().toString(36).slice(2, 7);
  name = `${s.namespace}-${suffix}`;
  secretName = `cloud-${suffix}`;
  await useCloud('demo');
  await apply({});
  before = await s.ready(name);
  stack = await s.stack(before.status.id ?? '');
  since = operator.log().length;
});

afterEach(async () => {
  await useCloud('demo');
  if (!(await s.get(name))) return;
  await s.delete(name);
  await s.gone(name);
});

const CHANGES: [what: string, change: () => Promise<void>, difference: RegExp][] = [
  [
    'another project of the same user',
    () => useCloud('demo2'),
    /project demo2 \(\w+\) instead of demo \(\w+\)/,
  ],
  ['another user and project', () => useCloud('alice'), /project alice \(\w+\) instead of demo \(\w+\)/],
  ['a region without Heat', () => useCloud('demo', 'RegionTwo'), /region RegionTwo instead of RegionOne/],
];

describe.each(CHANGES)('%s', (_what, change, difference) => {
  it('is said, and nothing is written until the old credentials are back', async () => {
    await change();
    expectCloudChanged(await s.notReady(name, 'CloudChanged'), difference);

    // An update of the object is not sent there, nor does it make a second stack.
    await apply({ tags: ['new'] });
    expectCloudChanged(await s.ask(name), difference);
    await apply({});
    expectCloudChanged(await s.ask(name), difference);

    await useCloud('demo');
    const healed = await s.ready(name);
    expect(healed.status).toMatchObject({ id: before.status.id, cloud: before.status.cloud });
    await expectNothingWritten();
  });

  it('keeps the finalizer of an object that is deleted', async () => {
    await change();
    await s.notReady(name, 'CloudChanged');
    await s.delete(name);
    const deleting = await s.ask(name);
    expect(deleting.metadata.deletionTimestamp).toBeDefined();
    expect(deleting.metadata.finalizers).toContain(FINALIZER);
    expectCloudChanged(deleting, difference);
    await expectNothingWritten();

    await useCloud('demo');
    await s.gone(name);
    expect(await s.stack(before.status.id ?? '')).toBeUndefined();
  });
});

it('is noticed, and its end too, when the credentials change while the operator is down', async () => {
  await operator.stop();
  await useCloud('demo2');
  operator = await s.startOperator();
  expectCloudChanged(await s.ask(name), /project demo2/);
  await operator.stop();
  await useCloud('demo');
  operator = await s.startOperator();
  await s.ready(name);
  await expectNothingWritten();
});

it('is noticed when the object is deleted and the credentials change while the operator is down', async () => {
  await operator.stop();
  await useCloud('demo2');
  await s.delete(name);
  operator = await s.startOperator();
  const deleting = await s.notReady(name, 'CloudChanged');
  expect(deleting.metadata.finalizers).toContain(FINALIZER);
  await expectNothingWritten();
});

it('is also a wrong region in the object itself', async () => {
  await apply({ cloudCredentialsRef: { secretName, cloudName: 'demo', regionName: 'RegionTwo' } });
  expectCloudChanged(await s.notReady(name, 'CloudChanged'), /region RegionTwo instead of RegionOne/);
  await apply({});
  await s.ready(name);
  await expectNothingWritten();
});

it('lets the object go with detach, and leaves the stack', async () => {
  await useCloud('demo2');
  await s.notReady(name, 'CloudChanged');
  await s.patch(name, { spec: { managedOptions: { onDelete: 'detach' } } });
  await s.delete(name);
  await s.gone(name);
  await expectNothingWritten();
  if (stack) await (await s.heat()).deleteStack(stack);
  await s.stackGone(before.status.id ?? '');
});

async function apply(spec: Record<string, unknown>): Promise<void> {
  const cloudCredentialsRef = { secretName, cloudName: 'demo' };
  await s.apply(name, { cloudCredentialsRef, template: { inline: RANDOM_STRING }, ...spec });
}

/** Makes the Secret's cloud "demo" lead to another cloud of the test bed. */
async function useCloud(cloudName: string, region?: string): Promise<void> {
  const { clouds } = parse(readFileSync(s.bed.clouds, 'utf8')) as { clouds: Record<string, object> };
  const demo = { ...clouds[cloudName], ...(region === undefined ? {} : { region_name: region }) };
  await s.writeSecret(secretName, { 'clouds.yaml': stringify({ clouds: { demo } }) });
}

function expectCloudChanged(object: HeatStack, difference: RegExp): void {
  const ready = condition(object, 'Ready');
  expect(ready).toMatchObject({ status: 'False', reason: 'CloudChanged' });
  expect(ready?.message).toMatch(difference);
  expect(ready?.message).toContain('nothing is written');
  expect(ready?.message).toContain("Point spec.cloudCredentialsRef back to the stack's cloud");
  expect(underway(object)).toEqual(['Stalled']);
  expect(object.status).toMatchObject({ id: before.status.id, cloud: before.status.cloud });
}

async function expectNothingWritten(): Promise<void> {
  expect(heatWrites(operator.log().slice(since))).toEqual([]);
  expect(await s.stack(before.status.id ?? '')).toEqual(stack);
  expect(await s.stacksNamed(name)).toHaveLength(1);
  for (const cloud of ['demo2', 'alice']) expect(await s.stacksNamed(name, cloud)).toEqual([]);
}
