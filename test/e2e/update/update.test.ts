import { expect, it } from 'vitest';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import { condition, heatRequests, type Operator, scenario } from '../../support/scenario.ts';

const s = scenario('update');
const name = s.namespace;

const TEMPLATE = `heat_template_version: 2018-08-31
parameters:
  greeting: { type: string }
resources:
  first:
    type: OS::Heat::Value
    properties: { value: { get_param: greeting } }
outputs:
  greeting: { value: { get_attr: [first, value] } }
`;

const SECOND = `  second:
    type: OS::Heat::RandomString
`;

const spec = (greeting: string, template = TEMPLATE) => ({
  template: { inline: template },
  parameters: { greeting },
  tags: ['mine'],
  outputs: { inStatus: ['greeting'] },
});

function puts(operator: Operator): number {
  return heatRequests(operator.log()).filter(({ method }) => method === 'PUT').length;
}

function resourceNames(object: HeatStack): string[] | undefined {
  return object.status.resources?.map(({ name }) => name);
}

it('sends each change once', async () => {
  const operator = await s.startOperator();
  await s.apply(name, spec('hello'));
  const created = await s.ready(name);
  expect(created.status.outputs).toMatchObject([{ name: 'greeting', value: 'hello' }]);
  expect(resourceNames(created)).toEqual(['first']);
  const [before] = await s.stacksNamed(name);

  await s.apply(name, spec('good morning'));
  const greeted = await s.ready(name);
  expect(greeted.status.observedGeneration).toBe(2);
  expect(greeted.status.stackStatus).toBe('UPDATE_COMPLETE');
  expect(greeted.status.outputs).toMatchObject([{ name: 'greeting', value: 'good morning' }]);
  expect(greeted.status.appliedDigest).not.toBe(created.status.appliedDigest);
  expect(greeted.status.attemptedDigest).toBe(greeted.status.appliedDigest);
  expect(puts(operator)).toBe(1);

  await s.apply(name, spec('good morning', TEMPLATE.replace('outputs:', `${SECOND}outputs:`)));
  const grown = await s.ready(name);
  expect(grown.status.observedGeneration).toBe(3);
  expect(grown.status.resourceSummary?.text).toBe('2/2');
  expect(resourceNames(grown)).toEqual(['first', 'second']);
  expect(grown.status.appliedDigest).not.toBe(greeted.status.appliedDigest);
  expect(puts(operator)).toBe(2);
  expect(condition(grown, 'Available')?.status).toBe('True');

  // One stack all the time, still with all its tags; one of them is of the inputs.
  const [after, ...others] = await s.stacksNamed(name);
  expect(others).toEqual([]);
  expect(after).toMatchObject({ id: before?.id, status: 'UPDATE_COMPLETE' });
  expect(new Set(after?.tags).difference(new Set(before?.tags)).size).toBe(1);
  expect(after?.tags).toHaveLength(before?.tags.length ?? 0);
  expect(after?.tags).toContain('mine');
  expect(after?.tags).toContain(`heatstack.dev/object=${s.namespace}/${name}`);
  expect(heatRequests(operator.log()).filter(({ method }) => method === 'POST')).toHaveLength(1);
  expect((await s.events(name)).map(({ reason }) => reason)).toEqual([
    'StackCreating',
    'StackCreated',
    'StackUpdating', // the second has the same words, and is counted in the first
    'StackUpdated',
    'StackUpdated',
  ]);

  await s.delete(name);
  await s.gone(name);
});
