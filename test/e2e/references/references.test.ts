import { expect, it } from 'vitest';
import { eventually, heatRequests, type Operator, scenario } from '../../support/scenario.ts';
import { HIDDEN_VALUE } from '../../support/secrets.ts';

const s = scenario('references');
const name = s.namespace;
const WITHIN_MS = 5_000;

const TEMPLATE = `heat_template_version: 2018-08-31
parameters:
  own: { type: string, default: template }
  value: { type: string, default: template }
  from: { type: string, default: template }
  late: { type: string, default: template }
  env: { type: string, default: template }
  rest: { type: string, default: template }
  token: { type: string, hidden: true }
  length: { type: number }
resources:
  nested: { type: lib/nested.yaml }
outputs:
  own: { value: { get_param: own } }
  value: { value: { get_param: value } }
  from: { value: { get_param: from } }
  late: { value: { get_param: late } }
  env: { value: { get_param: env } }
  rest: { value: { get_param: rest } }
  length: { value: { get_param: length } }
  file: { value: { get_file: motd } }
  secret: { value: { get_file: keys/one } }
  nested: { value: { get_attr: [nested, text] } }
  token: { value: { get_param: token } }
`;
const NESTED = `heat_template_version: 2018-08-31
resources:
  inner: { type: OS::Heat::Value, properties: { value: deep } }
outputs:
  text: { value: { get_attr: [inner, value] } }
`;
/** All but the hidden one. */
const SHOWN = ['own', 'value', 'from', 'late', 'env', 'rest', 'length', 'file', 'secret', 'nested'];
const SPEC = {
  template: { configMapKeyRef: { name: 'code', key: 'template' } },
  files: { motd: 'own file' },
  filesFrom: [
    { configMapRef: { name: 'code' }, items: [{ key: 'nested', path: 'nested.yaml' }], prefix: 'lib/' },
    { configMapRef: { name: 'files' } },
    { secretRef: { name: 'keys' }, prefix: 'keys/' },
  ],
  environments: [
    { configMapKeyRef: { name: 'code', key: 'env' } },
    { secretKeyRef: { name: 'env', key: 'text' } },
  ],
  parametersFrom: [{ configMapRef: { name: 'params' } }, { secretRef: { name: 'params' } }],
  parameterValues: [
    { name: 'own', valueFrom: { configMapKeyRef: { name: 'values', key: 'value' } } },
    { name: 'value', valueFrom: { configMapKeyRef: { name: 'values', key: 'value' } } },
    { name: 'length', valueFrom: { secretKeyRef: { name: 'keys', key: 'length' } } },
  ],
  parameters: { own: 'of parameters', from: null },
  outputs: { inStatus: SHOWN },
};

function puts(operator: Operator): number {
  return heatRequests(operator.log()).filter(({ method }) => method === 'PUT').length;
}

async function outputs(): Promise<Record<string, unknown>> {
  const { status } = await s.ready(name);
  return Object.fromEntries((status.outputs ?? []).map((output) => [output.name, output.value]));
}

const params = (from: string, own: string) =>
  s.writeConfigMap('params', { own, value: 'of params', from, late: 'of params' });

it('takes everything from where it is kept, and follows what changes', async () => {
  const all = 'own value from late env rest'.split(' ').map((each) => `${each}: of the environment`);
  await s.writeConfigMap('code', {
    template: TEMPLATE,
    nested: NESTED,
    env: `parameters: { ${all.join(', ')} }`,
  });
  await s.writeConfigMap('files', { motd: 'not this one' });
  await s.writeSecret('keys', { one: 'of the Secret', length: '7' });
  await s.writeSecret('env', { text: 'parameters:\n  rest: of the second environment\n' });
  await params('of params', 'of params');
  await s.writeSecret('params', { late: 'of the later params', token: HIDDEN_VALUE });
  await s.writeConfigMap('values', { value: 'of values' });

  const operator = await s.startOperator();
  await s.apply(name, SPEC);
  expect(await outputs()).toEqual({
    own: 'of parameters',
    value: 'of values',
    from: 'of params',
    late: 'of the later params',
    env: 'of the environment',
    rest: 'of the second environment',
    length: 7,
    file: 'own file',
    secret: 'of the Secret',
    nested: 'deep',
    token: undefined,
  });

  // Another text of a parameter that spec.parameters sets: the same inputs.
  let since = operator.log().length;
  await params('of params', 'something else');
  await s.reconciled(operator, name, since);
  expect(puts(operator)).toBe(0);

  await params('changed', 'something else');
  await eventually(
    () => puts(operator) === 1,
    () => 'no update was sent',
    WITHIN_MS,
  );
  await s.until(name, 'updated', ({ status }) => status.stackStatus === 'UPDATE_COMPLETE');
  expect(await outputs()).toMatchObject({ own: 'of parameters', from: 'changed' });

  since = operator.log().length;
  await s.writeSecret('keys', { one: 'of the Secret', length: '8' });
  await eventually(
    () => puts(operator) === 2,
    () => 'no update was sent',
    WITHIN_MS,
  );
  await s.reconciled(operator, name, since);
  await s.until(name, 'updated again', ({ status }) =>
    (status.outputs ?? []).some((output) => output.name === 'length' && output.value === 8),
  );
  expect(await outputs()).toMatchObject({ length: 8 });
});
