import { afterAll, expect, it } from 'vitest';
import {
  condition,
  disturb,
  eventually,
  heatWrites,
  scenario,
  slowTemplate,
  underway,
} from '../../support/scenario.ts';

const s = scenario('heat-restart');
const name = 'heat-restart';
/** Heat's shortest time-out, and the operator's grace. */
const OVERDUE_MS = 65_000;

let down = false;
afterAll(async () => {
  if (down) await disturb('heat/start');
});

it('finishes by itself, with the same stack', async () => {
  const operator = await s.startOperator(['--operation-grace', '5s']);
  await s.apply(name, { template: { inline: slowTemplate(6) }, timeout: '1m' });
  const { status } = await s.until(name, 'begun', (object) => object.status.id !== undefined);
  const heat = await s.heat();
  await eventually(
    async () => {
      const [slow] = await Array.fromAsync(heat.resources({ id: status.id ?? '', name }));
      return slow?.status === 'CREATE_IN_PROGRESS';
    },
    () => 'Heat has not begun with the resource',
  );

  await disturb('heat/kill');
  down = true;
  const cut = await s.notReady(name, 'TransientError');
  expect(underway(cut)).toEqual(['Reconciling']);
  expect(condition(cut, 'Ready')?.message).toMatch(/Heat at .* can't be reached/);
  await disturb('heat/start');
  down = false;

  const object = await s.ready(name, 2 * OVERDUE_MS);
  expect(object.status).toMatchObject({ id: status.id, resourceSummary: { text: '1/1' } });
  expect(await s.stacksNamed(name)).toMatchObject([{ id: status.id }]);
  expect(heatWrites(operator.log())).toEqual(['POST /stacks 201', 'PUT /stacks/{name}/{id} 202']);
  expect(await s.events(name)).toContainEqual({
    type: 'Normal',
    reason: 'StackUpdating',
    note: expect.stringContaining('the operation was stuck'),
  });
  await s.delete(name);
  await s.gone(name);
});
