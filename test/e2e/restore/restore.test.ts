import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import { condition, heatWrites, type Operator, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('restore');
const name = `${s.namespace}-stack`;
const spec = { template: { inline: RANDOM_STRING }, tags: ['users-own'] };

let operator: Operator;
let before: HeatStack;
let since: number;

beforeAll(async () => {
  operator = await s.startOperator();
  await s.apply(name, spec);
});

beforeEach(async () => {
  before = await s.ready(name);
  await operator.stop();
  since = operator.log().length;
});

afterAll(async () => {
  await s.delete(name);
  await s.gone(name);
  expect(await s.stacksNamed(name)).toEqual([]);
});

it('takes the stack back when the status was emptied', async () => {
  await s.patch(name, { status: null }, 'status');
  await takenBack();
});

it('takes the stack back when the object was made again, without its status', async () => {
  await lose();
  await s.apply(name, spec);
  await takenBack();
});

it('takes the stack back when the object was made again with the status of a former life', async () => {
  await lose();
  await s.apply(name, spec);
  await s.patch(name, { status: before.status }, 'status');
  await takenBack();
});

it('takes the stack back when the object was made again with finalizer', async () => {
  await lose();
  const { finalizers = [] } = before.metadata;
  await s.kubectl(['create', '-f', '-'], {
    stdin: JSON.stringify(s.manifest(name, spec, { finalizers } as object)),
  });
  await takenBack();
});

it('takes the stack back and updates it when the object was made again with other inputs', async () => {
  await lose();
  await s.apply(name, { template: { inline: RANDOM_STRING.replace('length: 8', 'length: 9') } });
  operator = await s.startOperator();
  const after = await s.ready(name);
  expect(after.status).toMatchObject({ id: before.status.id, stackStatus: 'UPDATE_COMPLETE' });
  expect(heatWrites(operator.log().slice(since))).toEqual([
    'POST /stacks 409',
    'PUT /stacks/{name}/{id} 202',
  ]);
  expect(await s.stacksNamed(name)).toHaveLength(1);
});

/** The object goes without its stack, as with a cluster that is lost. */
async function lose(): Promise<void> {
  await s.patch(name, { metadata: { finalizers: null } });
  await s.kubectl(['delete', 'heatstack', name]);
}

async function takenBack(): Promise<void> {
  const stack = await s.stack(before.status.id ?? '');
  operator = await s.startOperator();
  const after = await s.ready(name);
  const { id, stackName, cloud, stackStatus, appliedDigest, resources, outputs } = before.status;
  expect(after.status).toMatchObject({
    id,
    stackName,
    cloud,
    stackStatus,
    appliedDigest,
    resources,
    outputs,
  });
  expect(condition(after, 'Ready')?.message).toBe(condition(before, 'Ready')?.message);
  expect(await s.stack(id ?? '')).toEqual(stack);
  expect(await s.stacksNamed(name)).toHaveLength(1);
  const writes = heatWrites(operator.log().slice(since));
  expect(writes.filter((write) => write !== 'POST /stacks 409')).toEqual([]);
}
