import { afterAll, beforeAll, expect, it } from 'vitest';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import { condition, eventually, type Operator, scenario, underway } from '../../support/scenario.ts';
import { HIDDEN_VALUE } from '../../support/secrets.ts';

const s = scenario('hidden-parameter');
const OTHER_VALUE = 'another-canary-2b8d40e6';

/** A template whose hidden parameter has the value as its default. */
function template(resources: string, constraints = ''): string {
  return `heat_template_version: 2018-08-31
parameters:
  token:
    type: string
    hidden: true
    default: ${HIDDEN_VALUE}
${constraints}
resources:
${resources}
outputs:
  token:
    value: { get_param: token }
`;
}

function chain(firstLength: string): string {
  return template(`  holder: { type: OS::Heat::Value, properties: { value: { get_param: token } } }
  first: { type: OS::Heat::RandomString, properties: { length: ${firstLength} } }
  last:
    type: OS::Heat::RandomString
    depends_on: first
    properties: { length: { get_attr: [holder, value] } }`);
}

const TEMPLATES = {
  // Heat quotes the value that breaks a constraint.
  constraint: template(
    '  holder: { type: OS::Heat::Value, properties: { value: { get_param: token } } }',
    '    constraints: [{ length: { max: 5 } }]',
  ),
  // … and that a property doesn't take.
  property: template(
    '  chars: { type: OS::Heat::RandomString, properties: { length: { get_param: token } } }',
  ),
  // Known only when the stack is made: the resource fails with the value in its reason.
  resource: template(`  holder: { type: OS::Heat::Value, properties: { value: { get_param: token } } }
  chars:
    type: OS::Heat::RandomString
    properties: { length: { get_attr: [holder, value] } }`),
  output: template('  holder: { type: OS::Heat::Value, properties: { value: { get_param: token } } }'),
  // Fails at the last one, …
  before: chain('4'),
  // … and with another value at the first, so that Heat doesn't get to the last.
  after: chain('{ get_attr: [holder, value] }').replace(HIDDEN_VALUE, OTHER_VALUE),
};

let operator: Operator;
beforeAll(async () => {
  await s.writeSecret('templates', TEMPLATES);
  operator = await s.startOperator();
});

afterAll(async () => {
  await s.kubectl(['delete', 'heatstacks', '--all', '--timeout=60s']);
});

async function apply(
  key: keyof typeof TEMPLATES,
  { name = `hidden-parameter-${key}`, retries = 0 } = {},
): Promise<string> {
  await s.apply(name, {
    template: { secretKeyRef: { name: 'templates', key } },
    remediation: { create: { strategy: 'update', retries }, retryInterval: '5s' },
  });
  return name;
}

async function messageOf(name: string, reason: string): Promise<string> {
  const object = await s.notReady(name, reason);
  expect(underway(object)).toEqual(['Stalled']);
  return condition(object, 'Ready')?.message ?? '';
}

it('is not shown in what Heat says of wrong inputs', async () => {
  const [constraint, property, resource] = await Promise.all([
    messageOf(await apply('constraint'), 'ValidationFailed'),
    messageOf(await apply('property'), 'ValidationFailed'),
    messageOf(await apply('resource'), 'CreateFailed'),
  ]);
  // What is left of the messages is still of use.
  expect(constraint).toMatch(/Parameter 'token' is invalid: .*\[redacted\].*length \(\d+\) is out of range/);
  expect(property).toMatch(/resources\.chars\.properties\.length: Value '\[redacted\]' is not an integer/);
  expect(resource).toMatch(
    /^CREATE_FAILED: chars \(OS::Heat::RandomString\): .*resources\.chars: .*Value '\[redacted\]' is not an integer/,
  );
});

it('is not shown as an output', async () => {
  const { status } = await s.ready(await apply('output'));
  expect(status.outputs).toEqual([{ name: 'token' }]);
});

it('is not shown once it is another, by what Heat said before and does not get to any more', async () => {
  const name = await apply('before');
  const reasonsOf = ({ status }: HeatStack) =>
    Object.fromEntries(status.resources?.map((each) => [each.name, each.statusReason]) ?? []);
  expect(reasonsOf(await s.notReady(name, 'CreateFailed'))).toMatchObject({
    last: expect.stringContaining("'[redacted]' is not an integer"),
  });

  await apply('after', { name, retries: 1 });
  const retried = await s.until(name, 'given up after a retry', (object) => {
    return object.status.attempts === 1 && underway(object).includes('Stalled');
  });
  expect(retried.status.stackStatus).toBe('UPDATE_FAILED');
  expect(reasonsOf(retried)).toMatchObject({
    first: expect.stringContaining("'[redacted]' is not an integer"),
    last: 'the message is withheld, since it may quote a secret',
  });
  expect(JSON.stringify([retried.status, operator.log()])).not.toContain(OTHER_VALUE);
});

it('stands in no object, Event or log', async () => {
  await eventually(
    async () => (await s.events('hidden-parameter-resource')).some(({ reason }) => reason === 'StackFailed'),
    () => 'no Event tells of the failure',
  );
  const objects = await s.kubectl(['get', 'heatstacks,events', '--output=yaml', '--show-managed-fields']);
  expect(objects).toContain('hidden-parameter-resource');
  expect(objects).not.toContain(HIDDEN_VALUE);
  const log = JSON.stringify(operator.log());
  expect(log).toContain('hidden-parameter-resource');
  expect(log).not.toContain(HIDDEN_VALUE);
});
