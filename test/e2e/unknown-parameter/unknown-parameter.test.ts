import { expect, it } from 'vitest';
import { condition, heatRequests, RANDOM_STRING, scenario, underway } from '../../support/scenario.ts';

const s = scenario('unknown-parameter');
const name = s.namespace;

it('names the parameter, and does no harm', async () => {
  const operator = await s.startOperator();
  const template = { inline: RANDOM_STRING };
  await s.apply(name, { template, parameters: { colour: 'red' } });
  const refused = await s.notReady(name, 'ValidationFailed');
  expect(underway(refused)).toEqual(['Stalled']);
  expect(condition(refused, 'Ready')?.message).toMatch(/400 UnknownUserParameter.*colour/);
  expect(await s.stacksNamed(name)).toEqual([]);
  expect(heatRequests(operator.log()).length).toBeLessThan(5);
  const last = operator.log().findLast(({ msg }) => msg.startsWith('reconcile'));
  expect(last?.['requeueAfterMs']).toBeGreaterThan(500_000);

  await s.apply(name, { template });
  const created = await s.ready(name);
  const before = await (await s.heat()).getStack({ id: created.status.id ?? '', name });

  await s.apply(name, { template, parameters: { colour: 'red' } });
  const kept = await s.notReady(name, 'ValidationFailed');
  expect(underway(kept)).toEqual(['Stalled']);
  expect(condition(kept, 'Ready')?.message).toMatch(/400 UnknownUserParameter.*colour/);
  expect(condition(kept, 'Available')?.status).toBe('True');
  expect(kept.status.appliedDigest).toBe(created.status.appliedDigest);
  expect(await (await s.heat()).getStack(before)).toEqual(before);

  await s.apply(name, { template });
  await s.ready(name);
  await s.delete(name);
  await s.gone(name);
});
