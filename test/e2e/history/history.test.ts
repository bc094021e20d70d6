import { expect, it } from 'vitest';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import { condition, FAILING, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('history');
const OTHER = RANDOM_STRING.replace('length: 8', 'length: 9');

it('tells of each operation, its end and why it failed', async () => {
  const name = s.namespace;
  let operator = await s.startOperator();
  const template = (inline: string) => s.apply(name, { rollbackOnFailure: true, template: { inline } });
  await template(RANDOM_STRING);
  const created = await s.ready(name);
  expect(short(created)).toEqual(['Create CREATE_COMPLETE']);
  expect(created.status.history?.[0]).toMatchObject({
    digest: created.status.appliedDigest,
    startedAt: expect.stringMatching(/Z$/),
    finishedAt: expect.stringMatching(/Z$/),
  });
  await template(OTHER);
  const updated = await s.ready(name);
  expect(short(updated)).toEqual(['Update UPDATE_COMPLETE', 'Create CREATE_COMPLETE']);

  await template(FAILING);
  const back = await s.notReady(name, 'RollbackComplete');
  expect(short(back)).toEqual([
    'Rollback ROLLBACK_COMPLETE',
    'Update UPDATE_FAILED',
    'Update UPDATE_COMPLETE',
    'Create CREATE_COMPLETE',
  ]);
  const [rollback, failed, before] = back.status.history ?? [];
  expect(rollback?.digest).toBe(updated.status.appliedDigest);
  expect(failed?.digest).toBe(back.status.attemptedDigest);
  expect(failed?.reason).toContain('broken');
  expect(condition(back, 'Ready')?.message).toContain(`Heat went back to the inputs of ${before?.startedAt}`);

  // It is in the status, so a restart takes nothing away, and only operations are told.
  await operator.stop();
  operator = await s.startOperator();
  const { status } = await s.ask(name);
  expect(status.history).toEqual(back.status.history);
  await template(OTHER);
  expect((await s.ready(name)).status.history).toEqual(back.status.history);
  await operator.stop();
});

function short({ status: { history = [] } }: HeatStack): string[] {
  return history.map(({ action, result = 'open' }) => `${action} ${result}`);
}
