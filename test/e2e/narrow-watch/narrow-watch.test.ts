import { afterAll, beforeAll, expect, it } from 'vitest';
import { narrowValues, Release } from '../../support/release.ts';
import { condition, eventually, heatRequests, type Operator, scenario } from '../../support/scenario.ts';

const s = scenario('narrow-watch');
const release = new Release(s.bed, { name: s.namespace, namespace: s.namespace });
const WITHIN_MS = 5_000;

const TEMPLATE = `heat_template_version: 2018-08-31
parameters:
  a: { type: string }
  b: { type: string, default: none }
outputs:
  a: { value: { get_param: a } }
  b: { value: { get_param: b } }
`;
const spec = (...parametersFrom: object[]) => ({ template: { inline: TEMPLATE }, parametersFrom });

let operator: Operator;

beforeAll(async () => {
  const watched = { secretNames: ['openstack-clouds', 'open'], watchConfigsLabelSelector: 'watch=yes' };
  await release.install(narrowValues(s.namespace, watched));
  operator = await s.startOperator([], release);
}, 60_000);

afterAll(async () => {
  await release.uninstall();
}, 60_000);

function puts(): number {
  return heatRequests(operator.log()).filter(({ method }) => method === 'PUT').length;
}

async function updated(times: number): Promise<void> {
  await eventually(
    () => puts() === times,
    () => `${puts()} updates were sent, not ${times}`,
    WITHIN_MS,
  );
}

it('needs a right to the named Secrets alone, and notices what it watches', async () => {
  const name = s.namespace;
  const open = { secretRef: { name: 'open' } };
  await s.writeSecret('open', { a: 'one' });
  await s.writeConfigMap('params', { b: 'one' });
  await s.apply(name, spec(open, { configMapRef: { name: 'params' } }));
  await s.ready(name);

  await s.writeSecret('open', { a: 'two' });
  await updated(1);
  await s.ready(name);

  // Not watched until it has the label.
  await s.writeConfigMap('params', { b: 'two' });
  await s.ask(name);
  await updated(2);
  await s.ready(name);
  await s.kubectl(['label', 'configmap', 'params', 'watch=yes']);
  await s.writeConfigMap('params', { b: 'three' });
  await updated(3);
  await s.ready(name);

  await s.apply(`${name}-sealed`, spec(open, { secretRef: { name: 'sealed' } }));
  const refused = await s.notReady(`${name}-sealed`, 'Forbidden');
  expect(condition(refused, 'Ready')?.message).toContain(
    'Secret "sealed", which the API server doesn\'t let the operator get (403)',
  );
  expect(operator.log().filter(({ msg }) => msg === 'list or watch failed; trying again')).toEqual([]);
});
