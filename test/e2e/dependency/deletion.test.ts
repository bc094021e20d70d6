import { expect, it } from 'vitest';
import { condition, heatWrites, scenario, underway } from '../../support/scenario.ts';

const s = scenario('dependency-deletion');
const named = (each: string) => `${s.namespace}-${each}`;

const PRODUCER = `heat_template_version: 2018-08-31
outputs:
  id: { value: net-1 }
`;
const CONSUMER = `heat_template_version: 2018-08-31
parameters:
  id: { type: string, default: none }
outputs:
  id: { value: { get_param: id } }
`;
const producer = { template: { inline: PRODUCER }, outputs: { inStatus: ['id'] } };
const consumer = (name: string) => ({
  template: { inline: CONSUMER },
  parameterValues: [{ name: 'id', valueFrom: { heatStackOutputRef: { name, output: 'id' } } }],
});

async function held(name: string, by: string): Promise<void> {
  const object = await s.until(name, `held by ${by}`, (each) =>
    (condition(each, 'Ready')?.message ?? '').includes(`in use by HeatStack ${by};`),
  );
  expect(condition(object, 'Ready')).toMatchObject({ status: 'False', reason: 'DependencyNotReady' });
  expect(underway(object)).toEqual(['Reconciling']);
  expect(await s.stacksNamed(name)).toMatchObject([{ status: 'CREATE_COMPLETE' }]);
}

it('names a circle, and holds the deletion of what is in use until nobody uses it', async () => {
  const operator = await s.startOperator();
  const [net, one, two, other] = [named('net'), named('one'), named('two'), named('other')];
  // Two that wait for each other, until one of them doesn't any more.
  await s.apply(net, { ...producer, dependsOn: [{ name: one }] });
  await s.apply(one, consumer(net));
  const circle = await s.notReady(net, 'InvalidConfiguration');
  expect(condition(circle, 'Ready')?.message).toContain(`${net} → ${one} → ${net}`);
  expect(underway(circle)).toEqual(['Stalled']);
  await s.notReady(one, 'InvalidConfiguration');
  expect(heatWrites(operator.log())).toEqual([]);
  await s.apply(net, { ...producer, dependsOn: [] });
  await s.apply(two, consumer(net));
  for (const name of [net, one, two]) await s.ready(name);

  await s.delete(net);
  await held(net, `"${one}", "${two}"`);
  await s.delete(one);
  await s.gone(one);
  await held(net, `"${two}"`);
  await s.apply(two, { template: { inline: CONSUMER }, parameterValues: [] });
  await s.gone(net);
  expect(await s.stacksNamed(net)).toEqual([]);

  // A namespace takes all along.
  await s.apply(other, producer);
  await s.apply(one, consumer(other));
  await s.ready(one);
  await s.delete(other);
  await held(other, `"${one}"`);
  await s.kubectl(['delete', 'namespace', s.namespace, '--wait=false'], { namespaced: false });
  await s.delete(one);
  for (const name of [one, other]) await s.gone(name);
});
