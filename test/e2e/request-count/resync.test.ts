import { expect, it } from 'vitest';
import { eventually, heatRequests, type LogLine, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('resync');
const name = s.namespace;
const PERIOD_MS = 10_000;

it('looks once a period, with one request', async () => {
  const operator = await s.startOperator();
  await s.apply(name, { template: { inline: RANDOM_STRING }, resyncPeriod: `${PERIOD_MS}ms` });
  const before = await s.ready(name);
  const since = operator.log().length;
  const looks = (): LogLine[] => heatRequests(operator.log().slice(since));
  await eventually(
    () => looks().length >= 2,
    () => `looked ${looks().length} times`,
  );
  expect(looks().map(({ method, route }) => `${method} ${route}`)).toEqual([
    'GET /stacks/{name}/{id}',
    'GET /stacks/{name}/{id}',
  ]);
  const [first = 0, second = 0] = looks().map(({ time }) => Date.parse(String(time)));
  expect(second - first).toBeGreaterThanOrEqual(PERIOD_MS - 500);
  const after = await s.get(name);
  expect(after?.metadata.resourceVersion).toBe(before.metadata.resourceVersion);

  await s.delete(name);
  await s.gone(name);
});
