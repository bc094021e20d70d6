import { beforeAll, describe, expect, it } from 'vitest';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import type { StackAttributes } from '../../../src/openstack/index.ts';
import { condition, eventually, heatWrites, type Operator, scenario } from '../../support/scenario.ts';

const s = scenario('drift');
let operator: Operator;

/** With what Heat gives out in other words than it was sent. */
const TEMPLATE = `heat_template_version: 2018-08-31
description: |
  Dates, octal numbers and keys that aren't text.
parameters:
  size: { type: number, default: 010 }
  on_call: { type: boolean, default: yes }
  zones: { type: comma_delimited_list, default: "" }
  labels: { type: json, default: {} }
  password: { type: string, hidden: true, default: "" }
resources:
  config: &config
    type: OS::Heat::Value
    properties:
      type: json
      value: { yes: 1, 010: 2, 80: 3, 1.10: 4, since: 2020-01-02, at: 12:30:45, big: 9007199254740993, none: ~ }
  again:
    <<: *config
  named: { type: Company::Value, properties: { value: { get_param: size } } }
  nested: { type: nested.yaml }
  group:
    type: OS::Heat::ResourceGroup
    properties: { count: 2, resource_def: { type: nested.yaml } }
`;
const NESTED = `heat_template_version: 2018-08-31
parameters:
  pin: { type: string, hidden: true, default: none }
resources:
  shown: { type: OS::Heat::Value, properties: { value: { get_param: pin } } }
`;
const FILES = { 'nested.yaml': NESTED, 'unused.txt': 'one\r\ntwo\n' };
const ENVIRONMENT = {
  resource_registry: {
    'Company::*': 'OS::Heat::*',
    'Company::None': null,
    resources: { nested: { restricted_actions: 'replace' } },
  },
  parameters: { size: 1, zones: ['a'] },
  parameter_defaults: { pin: '1234', unknown: { a: [1, null] } },
};
const PARAMETERS = { size: 5, on_call: true, zones: ['a', 'b'], labels: { tier: { level: 1.5 } } };
const RICH = {
  template: { inline: TEMPLATE },
  files: FILES,
  environments: [{ object: ENVIRONMENT }],
  parameters: { ...PARAMETERS, password: 'hunter-22' },
  tags: ['users-own'],
  timeout: '30m',
};
/** What a client gets by hand, who types values as text. */
const BY_HAND: StackAttributes = {
  template: JSON.stringify({ heat_template_version: '2018-08-31', resources: {} }),
};

const SIMPLE = `heat_template_version: 2018-08-31
parameters:
  word: { type: string, default: none }
resources:
  value: { type: OS::Heat::Value, properties: { value: { get_param: word } } }
`;

const names = { rich: 'rich', warn: 'warn', enabled: 'enabled', disabled: 'disabled' };
for (const key of Object.keys(names) as (keyof typeof names)[]) names[key] = `${s.namespace}-${key}`;

beforeAll(async () => {
  operator = await s.startOperator();
  await s.apply(names.rich, RICH);
  for (const mode of ['warn', 'enabled', 'disabled'] as const) {
    await s.apply(names[mode], {
      template: { inline: SIMPLE },
      parameters: { word: 'one' },
      driftDetection: { mode },
    });
  }
  await Promise.all(Object.values(names).map((name) => s.ready(name)));
});

/**
 * A client that knows nothing of the operator, at work on a stack; resolves when that is done. Heat's times have whole
 * seconds, and of two changes in one the operator can miss the second.
 */
async function meddle(name: string, method: 'put' | 'patch', attributes: StackAttributes): Promise<void> {
  const { id, stackName, updatedAt = '' } = await statusOf(name);
  const heat = await s.heat();
  const ref = { id: id ?? '', name: stackName ?? '' };
  await eventually(
    () => !(Date.now() < Date.parse(updatedAt) + 1000),
    () => `the second of ${updatedAt} is not over`,
  );
  await (method === 'put' ? heat.updateStack(ref, attributes) : heat.patchStack(ref, attributes));
  await s.stackComplete(ref.id);
}

async function statusOf(name: string): Promise<HeatStack['status']> {
  const object = await s.get(name);
  if (!object) throw new Error(`${name} is gone`);
  return object.status;
}

async function tagsOf(name: string): Promise<string[]> {
  return (await s.stacksNamed(name))[0]?.tags ?? [];
}

function expectNone(object: HeatStack): void {
  expect(condition(object, 'Ready')).toMatchObject({
    status: 'True',
    message: `Stack ${object.metadata.name} is ${object.status.stackStatus}`,
  });
  expect(condition(object, 'Drifted')).toMatchObject({ status: 'False', reason: 'NoDriftDetected' });
  expect(object.status.drift).toBeUndefined();
}

describe('of a stack with much that Heat writes in other words', () => {
  it('there is none after a PUT of the same inputs, as another client writes them', async () => {
    const since = operator.log().length;
    await meddle(names.rich, 'put', {
      template: TEMPLATE,
      files: FILES,
      environment: ENVIRONMENT,
      // The command line sends texts.
      parameters: { ...PARAMETERS, size: '5', on_call: 'True', password: 'hunter-22' },
      tags: (await tagsOf(names.rich)).toReversed(),
      timeoutMins: 30,
      disableRollback: true,
    });
    const object = await s.ask(names.rich);
    expect(object.status.stackStatus).toBe('UPDATE_COMPLETE');
    expectNone(object);
    expect(heatWrites(operator.log().slice(since))).toEqual([]);
  });

  it('there is none after a check', async () => {
    const { id = '', stackName = '' } = await statusOf(names.rich);
    await (await s.heat()).checkStack({ id, name: stackName });
    await s.stackComplete(id);
    const object = await s.ask(names.rich);
    expect(object.status.stackStatus).toBe('CHECK_COMPLETE');
    expectNone(object);
  });

  it('there is none that can be seen in another hidden value', async () => {
    await meddle(names.rich, 'patch', { parameters: { password: 'another-33' } });
    expectNone(await s.ask(names.rich));
  });

  it('all that a PUT changed and erased is named', async () => {
    await meddle(names.rich, 'put', BY_HAND);
    const { status } = await s.ask(names.rich);
    expect(status.drift?.fields).toEqual([
      'template',
      'files/nested.yaml',
      'files/unused.txt',
      'environment/resource_registry',
      'environment/parameter_defaults/pin',
      'environment/parameter_defaults/unknown',
      'parameters/labels',
      'parameters/on_call',
      'parameters/password',
      'parameters/size',
      'parameters/zones',
      'tags',
    ]);
  });
});

describe('in the mode "warn"', () => {
  it('a PATCH is told and left, though it keeps tags and marker', async () => {
    const since = operator.log().length;
    await meddle(names.warn, 'patch', { parameters: { word: 'theirs' } });
    const object = await s.ask(names.warn);
    expect(condition(object, 'Drifted')).toMatchObject({
      status: 'True',
      reason: 'DriftDetected',
      message: "Another client changed the stack's inputs: parameters/word.",
    });
    expect(object.status.drift?.fields).toEqual(['parameters/word']);
    expect(condition(object, 'Ready')).toMatchObject({
      status: 'True',
      message: expect.stringContaining('another client changed the inputs (parameters/word)'),
    });
    expect(heatWrites(operator.log().slice(since))).toEqual([]);
    await expect
      .poll(() => s.events(names.warn), { timeout: 10_000 })
      .toContainEqual({
        type: 'Warning',
        reason: 'DriftDetected',
        note: `another client changed the inputs (parameters/word) of stack ${names.warn}`,
      });
  });

  it('it ends when the other client puts the inputs back', async () => {
    await meddle(names.warn, 'patch', { parameters: { word: 'one' } });
    expectNone(await s.ask(names.warn));
  });

  it('changed tags are told', async () => {
    await meddle(names.warn, 'patch', { tags: ['theirs'] });
    expect((await s.ask(names.warn)).status.drift?.fields).toEqual(['tags']);
  });
});

it('in the mode "enabled" a change is told and put back', async () => {
  const tags = await tagsOf(names.enabled);
  const since = operator.log().length;
  await meddle(names.enabled, 'put', BY_HAND);
  await s.ask(names.enabled);
  const object = await s.ready(names.enabled);
  expectNone(object);
  expect(heatWrites(operator.log().slice(since))).toEqual(['PUT /stacks/{name}/{id} 202']);
  const { id = '', stackName = '' } = object.status;
  const environment = await (await s.heat()).stackEnvironment({ id, name: stackName });
  expect(environment['parameters']).toEqual({ word: 'one' });
  expect(await tagsOf(names.enabled)).toEqual(tags);
  await expect
    .poll(async () => (await s.events(names.enabled)).map(({ reason }) => reason).sort(), { timeout: 10_000 })
    .toEqual(['DriftDetected', 'StackCreated', 'StackCreating', 'StackUpdated', 'StackUpdating']);
});

it('in the mode "disabled" a change is left and not told', async () => {
  const since = operator.log().length;
  await meddle(names.disabled, 'put', BY_HAND);
  const object = await s.ask(names.disabled);
  expect(condition(object, 'Ready')).toMatchObject({
    status: 'True',
    message: `Stack ${names.disabled} is UPDATE_COMPLETE`,
  });
  expect(condition(object, 'Drifted')).toBeUndefined();
  expect(object.status.drift).toBeUndefined();
  expect(heatWrites(operator.log().slice(since))).toEqual([]);
});
