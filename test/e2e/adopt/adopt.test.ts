import { beforeAll, expect, it } from 'vitest';
import { ANNOTATIONS, TAGS } from '../../../src/api/constants.ts';
import type { Stack, StackAttributes } from '../../../src/openstack/index.ts';
import {
  condition,
  eventually,
  heatWrites,
  type Operator,
  RANDOM_STRING,
  scenario,
  underway,
} from '../../support/scenario.ts';

const s = scenario('adopt');
let operator: Operator;

beforeAll(async () => {
  operator = await s.startOperator();
});

/** A nested stack, and a group of resources. */
const NESTED = `heat_template_version: 2018-08-31
parameters:
  size: { type: number, default: 1 }
resources:
  part:
    type: part.yaml
    properties: { length: 8 }
  group:
    type: OS::Heat::ResourceGroup
    properties:
      count: { get_param: size }
      resource_def: { type: OS::Heat::RandomString }
  after:
    type: OS::Heat::Value
    properties: { value: { get_attr: [part, text] } }
`;
const PART = `heat_template_version: 2018-08-31
parameters:
  length: { type: number }
resources:
  random:
    type: OS::Heat::RandomString
    properties: { length: { get_param: length } }
outputs:
  text: { value: { get_attr: [random, value] } }
`;

it.each<[string, StackAttributes, Record<string, unknown>]>([
  ['flat', { template: RANDOM_STRING }, { template: { inline: RANDOM_STRING } }],
  [
    'nested',
    { template: NESTED, files: { 'part.yaml': PART }, parameters: { size: 2 } },
    { template: { inline: NESTED }, files: { 'part.yaml': PART }, parameters: { size: 2 } },
  ],
])('changes no resource of a stack with the same inputs, a %s one', async (name, attributes, spec) => {
  const stack = await foreign(name, attributes);
  const before = await leaves(stack);
  await s.apply(name, { ...spec, import: { id: stack.id }, tags: ['users-own'] });
  const { metadata, status } = await s.ready(name);
  expect(metadata.finalizers).toEqual(['heatstack.dev/stack']);
  expect(status).toMatchObject({ id: stack.id, stackName: stack.name, stackStatus: 'UPDATE_COMPLETE' });
  expect(await leaves(stack)).toEqual(before);
  expect((await s.stack(stack.id))?.tags.toSorted()).toEqual([
    expect.stringMatching(TAGS.cluster),
    expect.stringMatching(TAGS.digest),
    `${TAGS.object}${s.namespace}/${name}`,
    'users-own',
  ]);
  await eventually(
    async () => (await s.events(name)).some(({ reason }) => reason === 'StackAdopted'),
    () => 'no Event tells of the adoption',
  );

  // From now on the object needs no spec.import.
  const since = operator.log().length;
  await s.apply(name, { ...spec, tags: ['users-own'] });
  expect((await s.ready(name)).status.id).toBe(stack.id);
  expect(heatWrites(operator.log().slice(since))).toEqual([]);
  await s.delete(name);
  await s.gone(name);
  expect(await s.stack(stack.id)).toBeUndefined();
});

it('waits for an approval where something would be replaced', async () => {
  const stack = await foreign('replaced', { template: RANDOM_STRING });
  const before = await leaves(stack);
  const since = operator.log().length;
  await s.apply('replaced', {
    template: { inline: RANDOM_STRING.replace('length: 8', 'length: 9') },
    import: { filter: { name: stack.name } },
  });
  const waiting = await s.notReady('replaced', 'ApprovalRequired');
  expect(condition(waiting, 'Ready')?.status).toBe('Unknown');
  expect(underway(waiting)).toEqual(['Reconciling']);
  expect(waiting.status).toMatchObject({ id: stack.id, stackStatus: 'CREATE_COMPLETE' });
  expect(waiting.metadata.finalizers).toBeUndefined();
  const { id = '', replaced = [] } = waiting.status.plan ?? {};
  expect(replaced).toHaveLength(1);
  expect(updates(since)).toEqual([]);
  expect(await s.stack(stack.id)).toEqual(stack);

  await s.patch('replaced', { metadata: { annotations: { [ANNOTATIONS.approve]: id } } });
  const { status } = await s.ready('replaced');
  expect(status).toMatchObject({ id: stack.id, stackStatus: 'UPDATE_COMPLETE' });
  expect(await leaves(stack)).not.toEqual(before);
  expect(updates(since)).toEqual(['PUT /stacks/{name}/{id} 202']);
  await s.delete('replaced');
  await s.gone('replaced');
});

it('lets the object go and leaves the stack alone while it is not adopted', async () => {
  const stack = await foreign('left', { template: RANDOM_STRING });
  const since = operator.log().length;
  await s.apply('left', {
    template: { inline: RANDOM_STRING.replace('length: 8', 'length: 9') },
    import: { id: stack.id },
  });
  await s.notReady('left', 'ApprovalRequired');
  await s.kubectl(['delete', 'heatstack', 'left', '--timeout=30s']);
  expect(await s.stack(stack.id)).toEqual(stack);
  expect(updates(since)).toEqual([]);
});

it('takes a stack of another HeatStack only when it is told to', async () => {
  const tags = [`${TAGS.cluster}of-yore`, `${TAGS.object}${s.namespace}/taken`];
  const stack = await foreign('taken', { template: RANDOM_STRING, tags });
  const before = await leaves(stack);
  const since = operator.log().length;
  const spec = { template: { inline: RANDOM_STRING } };
  await s.apply('taken', { ...spec, import: { id: stack.id } });
  const refused = await s.notReady('taken', 'NameConflict');
  expect(underway(refused)).toEqual(['Stalled']);
  expect(condition(refused, 'Ready')?.message).toContain('spec.import.takeOwnership');
  expect(updates(since)).toEqual([]);

  await s.apply('taken', { ...spec, import: { id: stack.id, takeOwnership: true } });
  const { status } = await s.ready('taken');
  expect(status.id).toBe(stack.id);
  expect(await leaves(stack)).toEqual(before);
  const after = (await s.stack(stack.id))?.tags ?? [];
  expect(after).toHaveLength(3);
  expect(after).not.toContain(tags[0]);
  await s.delete('taken');
  await s.gone('taken');
});

async function foreign(name: string, attributes: StackAttributes): Promise<Stack> {
  const { id } = await (await s.heat()).createStack({ name: `${s.namespace}-${name}`, ...attributes });
  return s.stackComplete(id);
}

/** The resources that aren't stacks, by their places, with what they are outside of Heat. */
async function leaves(stack: Stack): Promise<Map<string, unknown>> {
  const resources = await Array.fromAsync((await s.heat()).resources(stack, { nestedDepth: 5 }));
  return new Map(
    resources
      .filter(({ nestedStack }) => nestedStack === undefined)
      .map((resource) => [`${resource.stack?.name}/${resource.name}`, resource.physicalId]),
  );
}

/** Updates that the operator sent, as {@link heatWrites}; a preview is none. */
function updates(since: number): string[] {
  return heatWrites(operator.log().slice(since)).filter((write) => !write.includes('/preview'));
}
