import { beforeAll, expect, it } from 'vitest';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import { condition, FAILING, type Operator, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('update-retries');
let operator: Operator;

beforeAll(async () => {
  operator = await s.startOperator();
});

/** Makes a stack whose update then fails; resolves when the operator has given up. */
async function failToUpdate(name: string, spec: Record<string, unknown>): Promise<HeatStack> {
  await s.apply(name, { template: { inline: RANDOM_STRING }, ...spec });
  await s.ready(name);
  await s.apply(name, { template: { inline: FAILING }, ...spec });
  return s.until(name, 'Stalled', (object) => condition(object, 'Stalled')?.status === 'True');
}

/** What the operator has done for an object since it was created, in the words of its Events. */
function deeds(name: string): unknown[] {
  return operator
    .log()
    .filter(({ key, event }) => key === `${s.namespace}/${name}` && event !== undefined)
    .map(({ event }) => event)
    .slice(2);
}

async function clear(name: string): Promise<void> {
  await s.delete(name);
  await s.gone(name);
}

it.concurrent('tries as often as it may', async () => {
  const name = 'update-retries-one';
  const remediation = { update: { retries: 1, strategy: 'update' }, retryInterval: '1s' };
  const failed = await failToUpdate(name, { remediation });
  expect(failed.status).toMatchObject({ stackStatus: 'UPDATE_FAILED', attempts: 1 });
  expect(condition(failed, 'Ready')).toMatchObject({ status: 'False', reason: 'UpdateFailed' });
  const tries = ['StackUpdating', 'StackFailed', 'StackUpdating', 'StackFailed'];
  expect(deeds(name)).toEqual([...tries, 'RetryExhausted']);
  await clear(name);
});

it.concurrent('does not try with the strategy "none"', async () => {
  const name = 'update-retries-none';
  const remediation = { update: { retries: 5, strategy: 'none' }, retryInterval: '1s' };
  const failed = await failToUpdate(name, { remediation });
  expect(failed.status).toMatchObject({ stackStatus: 'UPDATE_FAILED', attempts: 0 });
  expect(deeds(name)).toEqual(['StackUpdating', 'StackFailed']);
  await clear(name);
});

it.concurrent('tries again after a rollback, too', async () => {
  const name = 'update-retries-rollback';
  const remediation = { update: { retries: 1 }, retryInterval: '1s' };
  const failed = await failToUpdate(name, { rollbackOnFailure: true, remediation });
  expect(failed.status).toMatchObject({ stackStatus: 'ROLLBACK_COMPLETE', attempts: 1 });
  expect(condition(failed, 'Ready')).toMatchObject({ status: 'False', reason: 'RollbackComplete' });
  expect(deeds(name).filter((event) => event === 'StackUpdating')).toHaveLength(2);
  // The inputs of before are there, and asking for them again is no work.
  await s.apply(name, { template: { inline: RANDOM_STRING }, rollbackOnFailure: true, remediation });
  expect((await s.ready(name)).status.stackStatus).toBe('ROLLBACK_COMPLETE');
  await clear(name);
});
