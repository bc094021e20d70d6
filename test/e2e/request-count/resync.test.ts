import { expect, it } from 'vitest';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import {
  condition,
  eventually,
  heatRequests,
  type Operator,
  RANDOM_STRING,
  type Scenario,
  scenario,
} from '../../support/scenario.ts';

const s = scenario('resync');
const PERIOD_MS = 10_000;
const names = ['a', 'b', 'c'].map((suffix) => `${s.namespace}-${suffix}`);

/** Requests to Heat from a line of the log on, as `GET /stacks`. */
function requests(operator: Operator, since: number): string[] {
  return heatRequests(operator.log().slice(since)).map(({ method, route }) => `${method} ${route}`);
}

async function versions(it: Scenario): Promise<unknown[]> {
  return Promise.all(names.map(async (name) => (await it.get(name))?.metadata.resourceVersion));
}

it('looks at all stacks with one list a period, and after a restart', async () => {
  let operator = await s.startOperator();
  for (const name of names)
    await s.apply(name, { template: { inline: RANDOM_STRING }, resyncPeriod: `${PERIOD_MS}ms` });
  for (const name of names) await s.ready(name);
  const before = await versions(s);

  const look = async (count: number, since: number) => {
    await eventually(
      () => requests(operator, since).length >= count,
      () => `looked ${requests(operator, since).length} times`,
    );
    expect(new Set(requests(operator, since))).toEqual(new Set(['GET /stacks']));
    expect(await versions(s)).toEqual(before);
  };
  // They began at different times; from the second list on all are looked at together.
  await look(2, operator.log().length);
  const since = operator.log().length;
  await look(2, since);
  const [first = 0, second = 0] = heatRequests(operator.log().slice(since)).map(({ time }) =>
    Date.parse(String(time)),
  );
  expect(second - first).toBeGreaterThanOrEqual(PERIOD_MS - 500);

  await operator.stop();
  const restarted = operator.log().length;
  operator = await s.startOperator();
  await look(1, restarted);
  const log = operator.log().slice(restarted);
  expect(log.filter(({ msg }) => msg === 'resumed')).toHaveLength(names.length);
  expect(
    log.filter(({ msg, key }) => msg === 'reconciled' && names.some((name) => key?.endsWith(name))),
  ).toEqual([]);
  expect(log.filter(({ msg, service }) => msg === 'cloud request' && service === 'identity')).toHaveLength(1);

  for (const name of names) await s.delete(name);
  for (const name of names) await s.gone(name);
  await operator.stop();
});

it('finds an update by another client sooner than the period is over', async () => {
  const name = `${s.namespace}-d`;
  const operator = await s.startOperator();
  const parameters = { size: '1' };
  const inline = `${RANDOM_STRING}parameters:\n  size: { type: string }\n`;
  await s.apply(name, { template: { inline }, parameters, resyncPeriod: '5m' });
  await s.ready(name);
  // From the first list of the newest stacks on, whatever is touched is found, however much goes on in the project.
  const ready = operator.log().length;
  await eventually(
    () => requests(operator, ready).length > 0,
    () => 'nothing was listed',
  );
  const since = operator.log().length;
  await (await s.heat()).patchStack({ name }, { parameters: { size: '2' } });
  const isDrifted = (object: HeatStack) => condition(object, 'Drifted')?.status === 'True';
  await s.until(name, 'drifted', isDrifted, 90_000);
  const [first] = requests(operator, since);
  expect(first).toBe('GET /stacks');

  await s.delete(name);
  await s.gone(name);
});
