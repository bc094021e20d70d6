import { afterAll, expect, it } from 'vitest';
import { addressesOf } from '../../support/addresses.ts';
import { disturb, eventually, heatWrites, scenario, slowTemplate } from '../../support/scenario.ts';

const s = scenario('apiserver-restart');
const name = 'apiserver-restart';

let down = false;
afterAll(async () => {
  if (down) await disturb('apiServer/start');
});

it('finishes by itself, with one stack', async () => {
  const operator = await s.startOperator(['--health-address=127.0.0.1:0']);
  const probe = async (page: '/healthz' | '/readyz') =>
    (await fetch(addressesOf(operator.log(), page)[0] ?? '')).status;
  await s.apply(name, { template: { inline: slowTemplate(4) } });
  const { status } = await s.until(name, 'begun', (object) => object.status.id !== undefined);

  await disturb('apiServer/kill');
  down = true;
  // Its own look at the finished stack, of which it can't tell anybody.
  await s.stackComplete(status.id ?? '');
  await eventually(
    () => operator.log().some(({ msg }) => msg.startsWith('reconcile failed')),
    () => 'the operator did not notice',
  );
  // A restart would cure nothing.
  expect([await probe('/healthz'), await probe('/readyz')]).toEqual([200, 200]);
  await disturb('apiServer/start');
  down = false;

  const object = await s.ready(name);
  expect(object.status).toMatchObject({ id: status.id, stackStatus: 'CREATE_COMPLETE' });
  expect(await s.stacksNamed(name)).toMatchObject([{ id: status.id }]);
  expect(heatWrites(operator.log())).toEqual(['POST /stacks 201']);

  // The watches work again, too.
  await s.apply(name, { template: { inline: slowTemplate(0, 'two') } });
  await s.until(name, 'updated', (last) => last.status.stackStatus === 'UPDATE_COMPLETE');
  await s.delete(name);
  await s.gone(name);
});
