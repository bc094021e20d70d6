import { beforeAll, expect, it } from 'vitest';
import {
  condition,
  FAILING,
  heatWrites,
  type Operator,
  RANDOM_STRING,
  scenario,
  underway,
} from '../../support/scenario.ts';

const s = scenario('rollback');
const PUT = 'PUT /stacks/{name}/{id} 202';

let operator: Operator;
beforeAll(async () => {
  operator = await s.startOperator();
});

function spec(template: string) {
  return {
    template: { inline: template },
    rollbackOnFailure: true,
    remediation: { create: { strategy: 'none' } },
  };
}

async function rolledBack(name: string) {
  const object = await s.notReady(name, 'RollbackComplete');
  expect(underway(object)).toEqual(['Stalled']);
  expect(object.status.stackStatus).toBe('ROLLBACK_COMPLETE');
  return object;
}

it('reports a rolled back update, and needs no update to go back', async () => {
  const name = 'rollback-update';
  await s.apply(name, spec(RANDOM_STRING));
  const before = await s.ready(name);

  // Its second resource fails, so that the first must be put back.
  const bad = `${RANDOM_STRING.replace('length: 8', 'length: 9').split('outputs:')[0]}${FAILING.split('resources:\n')[1]}    depends_on: random\n`;
  await s.apply(name, spec(bad));
  const failed = await rolledBack(name);
  expect(condition(failed, 'Ready')?.message).toMatch(
    /^ROLLBACK_COMPLETE: .*resources\.broken: Test Resource failed broken; Heat went back to the inputs of 2/,
  );
  expect(condition(failed, 'Available')?.status).toBe('True');
  expect(failed.status.resources).toMatchObject([{ name: 'random' }]);
  expect(failed.status.appliedDigest).toBe(before.status.appliedDigest);
  expect(heatWrites(operator.log())).toEqual(['POST /stacks 201', PUT]);

  await s.apply(name, spec(RANDOM_STRING));
  const reverted = await s.ready(name);
  expect(reverted.status).toMatchObject({ id: before.status.id, stackStatus: 'ROLLBACK_COMPLETE' });
  expect(reverted.status.appliedDigest).toBe(before.status.appliedDigest);
  expect(heatWrites(operator.log())).toEqual(['POST /stacks 201', PUT]);

  await s.apply(name, spec(RANDOM_STRING.replace('length: 8', 'length: 10')));
  const after = await s.ready(name);
  expect(after.status).toMatchObject({ id: before.status.id, stackStatus: 'UPDATE_COMPLETE' });
  expect(heatWrites(operator.log())).toEqual(['POST /stacks 201', PUT, PUT]);

  await s.delete(name);
  await s.gone(name);
});

it('reports a rolled back create, which a good spec repairs', async () => {
  const name = 'rollback-create';
  await s.apply(name, spec(FAILING));
  const failed = await rolledBack(name);
  expect(failed.status.appliedDigest).toBeUndefined();
  expect(condition(failed, 'Ready')?.message).toMatch(
    /^ROLLBACK_COMPLETE: .*resources\.broken: Test Resource failed broken; Heat removed what it had made/,
  );

  await s.apply(name, spec(RANDOM_STRING));
  const repaired = await s.ready(name);
  expect(repaired.status).toMatchObject({ id: failed.status.id, stackStatus: 'UPDATE_COMPLETE' });
  expect(await s.stacksNamed(name)).toHaveLength(1);

  await s.delete(name);
  await s.gone(name);
});
