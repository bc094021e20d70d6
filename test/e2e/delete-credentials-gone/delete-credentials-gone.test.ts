import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { FINALIZER } from '../../../src/api/constants.ts';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import {
  condition,
  heatWrites,
  type Operator,
  RANDOM_STRING,
  scenario,
  underway,
} from '../../support/scenario.ts';

const s = scenario('delete-credentials-gone');
let operator: Operator;

beforeAll(async () => {
  operator = await s.startOperator();
});

it('says so and keeps the finalizer; detach lets the object go', async () => {
  const name = `${s.namespace}-detached`;
  const since = operator.log().length;
  const before = await deletedWithoutCredentials(name);

  await s.patch(name, { spec: { managedOptions: { onDelete: 'detach' } } });
  await s.gone(name);
  expect(await s.stack(before.status.id ?? '')).toMatchObject({ status: 'CREATE_COMPLETE' });
  expect(heatWrites(operator.log().slice(since))).toEqual(['POST /stacks 201']);
});

it('deletes the stack when the Secret is there again', async () => {
  const name = `${s.namespace}-again`;
  const before = await deletedWithoutCredentials(name);
  await writeCredentials();
  await s.gone(name);
  expect(await s.stack(before.status.id ?? '')).toBeUndefined();
});

it('says the same after a restart, which has no session in memory', async () => {
  const name = `${s.namespace}-restart`;
  await deletedWithoutCredentials(name);
  await operator.stop();
  const since = operator.log().length;
  operator = await s.startOperator();
  await s.ask(name);
  expect(condition(await s.notReady(name, 'CredentialsNotFound'), 'Ready')?.message).toContain('detach');
  expect(heatWrites(operator.log().slice(since))).toEqual([]);
  await writeCredentials();
  await s.gone(name);
  expect(await s.stacksNamed(name)).toEqual([]);
});

async function writeCredentials(): Promise<void> {
  await s.writeSecret('openstack-clouds', { 'clouds.yaml': readFileSync(s.bed.clouds, 'utf8') });
}

/** Makes a stack, deletes the Secret and then the object, and waits until the object says what is missing. */
async function deletedWithoutCredentials(name: string): Promise<HeatStack> {
  await writeCredentials();
  await s.apply(name, { template: { inline: RANDOM_STRING } });
  const before = await s.ready(name);
  await s.kubectl(['delete', 'secret', 'openstack-clouds']);
  const missing = await s.notReady(name, 'CredentialsNotFound');
  expect(condition(missing, 'Ready')?.message).toContain('there is no Secret "openstack-clouds"');
  expect(underway(missing)).toEqual(['Reconciling']);
  expect(condition(missing, 'Available')?.status).toBe('True');

  await s.delete(name);
  await s.until(name, 'being deleted', ({ metadata }) => metadata.deletionTimestamp !== undefined);
  const deleting = await s.ask(name);
  const ready = condition(deleting, 'Ready');
  expect(ready).toMatchObject({ status: 'False', reason: 'CredentialsNotFound' });
  expect(ready?.message).toContain('create it so that the stack can be deleted');
  expect(ready?.message).toContain('spec.managedOptions.onDelete to "detach"');
  expect(underway(deleting)).toEqual(['Reconciling']);
  expect(deleting.metadata.finalizers).toContain(FINALIZER);
  expect(await s.stack(before.status.id ?? '')).toMatchObject({ status: 'CREATE_COMPLETE' });
  return before;
}
