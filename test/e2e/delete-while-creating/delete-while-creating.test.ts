import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { FINALIZER } from '../../../src/api/constants.ts';
import { heatWrites, type Operator, scenario, slowTemplate } from '../../support/scenario.ts';

const s = scenario('delete-while-creating');

let operator: Operator;

beforeAll(async () => {
  operator = await s.startOperator();
});

it('deletes a stack that is being created', async () => {
  const name = `${s.namespace}-slow`;
  await s.apply(name, { template: { inline: slowTemplate(6) } });
  const creating = await s.until(
    name,
    'being created',
    ({ status }) => status.stackStatus === 'CREATE_IN_PROGRESS',
  );
  await s.delete(name);
  const deleting = await s.until(
    name,
    'being deleted',
    ({ status }) => status.stackStatus === 'DELETE_IN_PROGRESS',
  );
  expect(deleting.metadata.finalizers).toContain(FINALIZER);
  expect(deleting.status.id).toBe(creating.status.id);
  await s.gone(name);
  expect(await s.stack(creating.status.id ?? '')).toBeUndefined();
  expect(await s.stacksNamed(name)).toEqual([]);
  expect(heatWrites(operator.log())).toEqual(['POST /stacks 201', 'DELETE /stacks/{name}/{id} 204']);
});

it('leaves nothing when the object is deleted right after it was applied', async () => {
  // At another moment of the first reconcile each time.
  const names = Array.from({ length: 5 }, (_, index) => `${s.namespace}-at-once-${index}`);
  for (const [index, name] of names.entries()) {
    await s.apply(name, { template: { inline: slowTemplate(3) } });
    await sleep(index * 60);
    await s.delete(name);
  }
  for (const name of names) await s.gone(name);
  // It finishes what is under way, as a create.
  await operator.stop();
  for (const name of names) expect(await s.stacksNamed(name)).toEqual([]);
});
