import { expect, it } from 'vitest';
import { condition, heatRequests, scenario, underway } from '../../support/scenario.ts';

const s = scenario('references-missing');
const name = s.namespace;

const TEMPLATE = `heat_template_version: 2018-08-31
parameters:
  a: { type: string, default: template }
  b: { type: string, default: template }
outputs:
  a: { value: { get_param: a } }
  b: { value: { get_param: b } }
`;

it('names what is missing, goes on when it is there, and needs nothing that is optional', async () => {
  const operator = await s.startOperator();
  await s.apply(name, {
    template: { inline: TEMPLATE },
    filesFrom: [{ configMapRef: { name: 'files' } }],
    environments: [{ secretKeyRef: { name: 'env', key: 'text' } }],
    parametersFrom: [{ secretRef: { name: 'params', optional: true } }],
    parameterValues: [
      { name: 'a', valueFrom: { configMapKeyRef: { name: 'values', key: 'a' } } },
      { name: 'b', valueFrom: { secretKeyRef: { name: 'values', key: 'b' }, optional: true } },
    ],
    outputs: { inStatus: ['*'] },
  });
  const says = (text: string) =>
    s.until(name, `saying ${text}`, (object) => (condition(object, 'Ready')?.message ?? '').includes(text));
  const first = await says('spec.filesFrom[0].configMapRef: there is no ConfigMap "files"');
  expect(condition(first, 'Ready')).toMatchObject({ status: 'False', reason: 'DependencyNotReady' });
  expect(underway(first)).toEqual(['Reconciling']);
  await s.writeConfigMap('files', {});
  await says('spec.environments[0].secretKeyRef: there is no Secret "env"');
  await s.writeSecret('env', { other: '' });
  await says('spec.environments[0].secretKeyRef: Secret "env" has no key "text"');
  await s.writeSecret('env', { text: 'parameters: { b: environment }' });
  await says('spec.parameterValues[0].valueFrom.configMapKeyRef: there is no ConfigMap "values"');
  expect(heatRequests(operator.log())).toEqual([]);
  await s.writeConfigMap('values', { a: 'found' });
  const { status } = await s.ready(name);
  expect(status.outputs).toMatchObject([
    { name: 'a', value: 'found' },
    { name: 'b', value: 'environment' },
  ]);

  // What is optional is taken once it is there.
  await s.writeSecret('values', { b: 'optional' });
  const after = await s.until(name, 'updated', (object) => object.status.outputs?.[1]?.value === 'optional');
  expect(after.status.outputs?.[0]?.value).toBe('found');
});
