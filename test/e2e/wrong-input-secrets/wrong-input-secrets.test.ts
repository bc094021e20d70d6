import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { condition, type Operator, scenario, underway } from '../../support/scenario.ts';
import { findSecretsIn, HIDDEN_NUMBER, HIDDEN_VALUE } from '../../support/secrets.ts';

const s = scenario('wrong-input-secrets');

const VALUE = 'holder: { type: OS::Heat::Value, properties: { value: { get_param: token } } }';

/** A parameter with a wrong value, and what is to be read of it. */
interface Kind {
  type: string;
  value?: string;
  constraint?: string;
  resource?: string;
  output?: string;
  says: RegExp;
}

const NO_NUMBER = /resources\.holder\.properties\.value: could not convert string to float: '\[redacted\]'/;

const KINDS: Record<string, Kind> = {
  pattern: {
    type: 'string',
    constraint: 'allowed_pattern: "[a-z]+"',
    says: /Parameter 'token' is invalid: .*"\[redacted\]" does not match pattern/,
  },
  length: {
    type: 'string',
    constraint: 'length: { max: 5 }',
    says: /Parameter 'token' is invalid: .*length \(\d+\) is out of range \(min: None, max: 5\)/,
  },
  range: {
    type: 'number',
    value: HIDDEN_NUMBER,
    constraint: 'range: { max: 5 }',
    says: /Parameter 'token' is invalid: .*\[redacted\] is out of range \(min: None, max: 5\)/,
  },
  allowed: {
    type: 'string',
    constraint: 'allowed_values: [first-kind, second-kind]',
    says: /Parameter 'token' is invalid: .*"\[redacted\]" is not an allowed value/,
  },
  custom: {
    type: 'string',
    constraint: 'custom_constraint: net_cidr',
    says: /Parameter 'token' is invalid: .*Error validating value '\[redacted\]'/,
  },
  number: {
    type: 'number',
    says: /Parameter 'token' is invalid: .*could not convert string to float: '\[redacted\]'/,
  },
  json: {
    type: 'json',
    value: `'{"key": "${HIDDEN_VALUE}"'`,
    says: /Parameter 'token' is invalid: .*Value must be valid JSON: .*line 1 column/,
  },
  list: {
    type: 'comma_delimited_list',
    value: `"${HIDDEN_VALUE},${HIDDEN_NUMBER}"`,
    constraint: 'allowed_values: [first-kind]',
    says: /Parameter 'token' is invalid: .*\["\[redacted\]", "\[redacted\]"\] is not an allowed value/,
  },
  boolean: {
    type: 'boolean',
    says: /Parameter 'token' is invalid: .*Unrecognized value '\[redacted\]', acceptable values are/,
  },
  yaml: {
    type: 'string',
    value: `${HIDDEN_VALUE}: more: "`,
    says: /mapping values are not allowed here in "<unicode string>", line 5, column \d+/,
  },
  property: {
    type: 'string',
    resource: 'chars: { type: OS::Heat::RandomString, properties: { length: { get_param: token } } }',
    says: /resources\.chars\.properties\.length: Value '\[redacted\]' is not an integer/,
  },
  part: {
    type: 'string',
    value: `"admin:${HIDDEN_VALUE}:db"`,
    resource: numberOf('{ str_split: [":", { get_param: token }, 1] }'),
    says: NO_NUMBER,
  },
  rest: {
    type: 'string',
    value: `head-${HIDDEN_VALUE}-tail`,
    resource: numberOf('{ str_split: ["head-", { get_param: token }, 1] }'),
    says: NO_NUMBER,
  },
  escaped: {
    type: 'string',
    value: `"\\x68\\\n      ${HIDDEN_VALUE.slice(1)}"`,
    resource: numberOf('{ get_param: token }'),
    says: NO_NUMBER,
  },
  binary: {
    type: 'string',
    value: `!!binary ${btoa(HIDDEN_VALUE)}`,
    resource: numberOf('{ get_param: token }'),
    says: NO_NUMBER,
  },
  sixty: {
    type: 'number',
    value: `${Math.floor(Number(HIDDEN_NUMBER) / 60)}:${Number(HIDDEN_NUMBER) % 60}`,
    constraint: 'range: { max: 5 }',
    says: /Parameter 'token' is invalid: .*\[redacted\] is out of range \(min: None, max: 5\)/,
  },
  output: {
    type: 'string',
    output: '{ list_concat: [{ get_attr: [holder, value] }] }',
    says: /Items to concat must be lists\. \["\[redacted\]"\] contains an item that is not a list/,
  },
};

function numberOf(value: string): string {
  return `holder: { type: OS::Heat::Value, properties: { type: number, value: ${value} } }`;
}

function template(
  { type, value = HIDDEN_VALUE, constraint, resource = VALUE, output }: Kind,
  hidden: boolean,
): string {
  return `heat_template_version: 2018-08-31
parameters:
  token:
    type: ${type}
    default: ${value}
    hidden: ${hidden}
${constraint ? `    constraints: [{ ${constraint} }]` : ''}
resources:
  ${resource}
${output ? `outputs:\n  joined:\n    description: Made of ${HIDDEN_VALUE}\n    value: ${output}` : ''}
`;
}

const CASES = Object.entries(KINDS).flatMap(([kind, it]) =>
  [true, false].map((hidden) => ({ name: `${kind}-${hidden ? 'hidden' : 'plain'}`, kind: it, hidden })),
);

/** A stack whose resource fails with the value in its reason. */
const FAILING: Kind = {
  type: 'string',
  resource: `${VALUE}
  chars: { type: OS::Heat::RandomString, properties: { length: { get_attr: [holder, value] } } }`,
  says: /resources\.chars: .*Value '\[redacted\]' is not an integer/,
};

let operator: Operator;
beforeAll(async () => {
  const failing = { failing: template(FAILING, true) };
  const templates = CASES.map(({ name, kind, hidden }) => [name, template(kind, hidden)]);
  await s.writeSecret('templates', { ...failing, ...Object.fromEntries(templates) });
  operator = await s.startOperator();
  const manifests = ['failing', ...CASES.map(({ name }) => name)].map((name) =>
    s.manifest(name, {
      // No two scenarios share a name in the project.
      stackName: `${s.name}-${name}`,
      template: { secretKeyRef: { name: 'templates', key: name } },
      remediation: { create: { strategy: 'none' } },
    }),
  );
  await s.applyAll(manifests);
});

afterAll(async () => {
  await s.kubectl(['delete', 'heatstacks', '--all', '--timeout=60s']);
});

describe('a value that Heat refuses', () => {
  it.each(CASES.filter(({ kind }) => !kind.output))('$name', async ({ name, kind }) => {
    const object = await s.notReady(name, 'ValidationFailed');
    expect(underway(object)).toEqual(['Stalled']);
    expect(condition(object, 'Ready')?.message).toMatch(kind.says);
  });

  it.each(CASES.filter(({ kind }) => kind.output))('$name', async ({ name, kind }) => {
    const { status } = await s.ready(name);
    expect(status.outputs).toEqual([
      { name: 'joined', description: '[redacted]', error: expect.stringMatching(kind.says) },
    ]);
  });
});

it('a value that was changed is not shown, though Heat still tells of the failure with the old one', async () => {
  const failed = await s.notReady('failing', 'CreateFailed');
  expect(condition(failed, 'Ready')?.message).toMatch(FAILING.says);
  expect(failed.status.stackStatusReason).toMatch(FAILING.says);
  const kind = { ...FAILING, value: 'another-hidden-value', constraint: 'length: { max: 5 }' };
  await s.writeSecret('templates', { failing: template(kind, true) });
  const refused = await s.notReady('failing', 'ValidationFailed');
  expect(refused.status.stackStatusReason).toMatch(FAILING.says);
  expect(refused.status.failures?.[0]?.reason).toMatch(FAILING.says);
  const looked = await s.ask('failing');
  expect(looked.status.stackStatusReason).toMatch(FAILING.says);
});

it('stands in no object, Event or log, in no form', async () => {
  const objects = await s.kubectl(['get', 'heatstacks,events', '--output=yaml', '--show-managed-fields']);
  expect(objects).toContain('pattern-hidden');
  expect(findSecretsIn(objects)).toEqual([]);
  const log = operator.log().map((line) => JSON.stringify(line));
  expect(log.join('\n')).toContain('pattern-hidden');
  expect(findSecretsIn(log.join('\n'))).toEqual([]);
});
