import { expect, it } from 'vitest';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import { condition, heatRequests, isCurrent, scenario, underway } from '../../support/scenario.ts';
import { HIDDEN_VALUE } from '../../support/secrets.ts';

const s = scenario('dependency');
const [NET, APP, AFTER] = ['net', 'app', 'after'].map((each) => `${s.namespace}-${each}`) as [
  string,
  string,
  string,
];

const PRODUCER = `heat_template_version: 2018-08-31
parameters:
  id: { type: string }
  key: { type: string, hidden: true }
resources:
  slow:
    type: OS::Heat::TestResource
    properties: { value: { get_param: id }, action_wait_secs: { create: 1, update: 1 } }
outputs:
  id: { value: { text: { get_param: id } } }
  key: { value: { get_param: key } }
`;
const CONSUMER = `heat_template_version: 2018-08-31
parameters:
  id: { type: json }
  key: { type: string, hidden: true }
outputs:
  id: { value: { get_param: [id, text] } }
  key: { value: { get_param: key } }
`;
const PLAIN = `heat_template_version: 2018-08-31
resources: { random: { type: OS::Heat::RandomString } }
`;

const producer = (id: string) => ({
  template: { inline: PRODUCER },
  parameters: { id },
  parametersFrom: [{ secretRef: { name: 'keys' } }],
  outputs: { inStatus: ['id'], secretName: 'net-outputs', names: ['key'] },
});
const output = (each: string) => ({
  name: each,
  valueFrom: { heatStackOutputRef: { name: NET, output: each } },
});

async function outputsInHeat({ status }: HeatStack): Promise<Record<string, unknown>> {
  const stack = await (await s.heat()).getStack({ id: status.id ?? '', name: status.stackName ?? '' });
  return Object.fromEntries((stack.outputs ?? []).map(({ key, value }) => [key, value]));
}

it('waits for others, takes their outputs, and follows', async () => {
  const operator = await s.startOperator();
  await s.writeSecret('keys', { key: HIDDEN_VALUE });
  await s.apply(APP, { template: { inline: CONSUMER }, parameterValues: [output('id'), output('key')] });
  await s.apply(AFTER, { template: { inline: PLAIN }, dependsOn: [{ name: APP }] });
  const waits = await s.notReady(APP, 'DependencyNotReady');
  expect(condition(waits, 'Ready')?.message).toContain(`there is no HeatStack "${NET}"`);
  expect(underway(waits)).toEqual(['Reconciling']);
  const after = await s.notReady(AFTER, 'DependencyNotReady');
  expect(condition(after, 'Ready')?.message).toContain(`HeatStack "${APP}" `);
  expect(heatRequests(operator.log())).toEqual([]);

  await s.apply(NET, producer('one'));
  const created = await s.ready(APP);
  expect(await outputsInHeat(created)).toEqual({ id: 'one', key: HIDDEN_VALUE });
  const { status: dependent } = await s.ready(AFTER);
  const createdAt = (status: HeatStack['status']) => Date.parse(status.createdAt ?? '');
  expect(createdAt(dependent)).toBeGreaterThanOrEqual(createdAt(created.status));
  const asked = (name: string) =>
    heatRequests(operator.log()).filter(({ key }) => key === `${s.namespace}/${name}`).length;
  const before = asked(AFTER);

  await s.apply(NET, producer('two'));
  const net = await s.ready(NET);
  const updated = await s.until(
    APP,
    'updated',
    (object) =>
      isCurrent(object) &&
      object.status.stackStatus === 'UPDATE_COMPLETE' &&
      condition(object, 'Ready')?.status === 'True',
  );
  expect(await outputsInHeat(updated)).toEqual({ id: 'two', key: HIDDEN_VALUE });
  expect(net.status.outputs?.find(({ name }) => name === 'key')).not.toHaveProperty('value');
  // Who only depends on it stays as it is.
  expect(condition(await s.ready(AFTER), 'Ready')?.reason).toBe('Succeeded');
  expect(asked(AFTER)).toBe(before);
});
