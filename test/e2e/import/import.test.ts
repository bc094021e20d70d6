import { afterAll, beforeAll, expect, it } from 'vitest';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import type { Stack } from '../../../src/openstack/index.ts';
import {
  condition,
  heatWrites,
  type Operator,
  RANDOM_STRING,
  scenario,
  underway,
} from '../../support/scenario.ts';

const s = scenario('import');
let operator: Operator;

beforeAll(async () => {
  operator = await s.startOperator();
});

afterAll(() => {
  expect(heatWrites(operator.log())).toEqual([]);
});

it('finds a stack by its id', async () => {
  const stack = await foreign(`${s.namespace}-by-id`);
  await observe('by-id', { id: stack.id });
  expectToShow(await s.ready('by-id'), stack);
});

it('finds a stack by its name', async () => {
  const stack = await foreign(`${s.namespace}-by-name`);
  await foreign(`${s.namespace}-by-name-not`);
  await observe('by-name', { filter: { name: stack.name } });
  expectToShow(await s.ready('by-name'), stack);
});

it('finds a stack by its tags, all of them', async () => {
  const [tier, other] = [`tier=${s.namespace}`, `other=${s.namespace}`];
  const stack = await foreign(`${s.namespace}-by-tags`, [tier, other, 'third']);
  await foreign(`${s.namespace}-by-tags-not`, [tier]);
  await observe('by-tags', { filter: { tags: [other, tier] } });
  expectToShow(await s.ready('by-tags'), stack);
});

it('finds a stack by name and tags together', async () => {
  const tag = `both=${s.namespace}`;
  const stack = await foreign(`${s.namespace}-both`, [tag]);
  await foreign(`${s.namespace}-both-not`, [tag]);
  await observe('both', { filter: { name: stack.name, tags: [tag] } });
  expectToShow(await s.ready('both'), stack);
});

it('waits for a stack, and takes the one that comes', async () => {
  const name = `${s.namespace}-late`;
  for (const managementPolicy of ['unmanaged', 'managed']) {
    await s.apply(managementPolicy, {
      managementPolicy,
      import: { filter: { name } },
      template: { inline: RANDOM_STRING },
    });
    const waiting = await s.notReady(managementPolicy, 'StackNotFound');
    expect(underway(waiting)).toEqual(['Reconciling']);
    expect(condition(waiting, 'Available')).toMatchObject({ status: 'False', reason: 'StackNotFound' });
    expect(waiting.metadata.finalizers).toBeUndefined();
  }
  // It takes no stack that may still come.
  await s.kubectl(['delete', 'heatstack', 'managed', '--timeout=30s']);
  const stack = await foreign(name);
  expectToShow(await s.ask('unmanaged'), stack);
});

it('says so while several stacks fit, and goes on when one is left', async () => {
  const tag = `many=${s.namespace}`;
  const [first, second] = [
    await foreign(`${s.namespace}-many-1`, [tag]),
    await foreign(`${s.namespace}-many-2`, [tag]),
  ];
  await observe('many', { filter: { tags: [tag] } });
  const stalled = await s.notReady('many', 'InvalidConfiguration');
  expect(underway(stalled)).toEqual(['Stalled']);
  const { message } = condition(stalled, 'Ready') ?? {};
  for (const { id } of [first, second]) expect(message).toContain(id);
  expect(stalled.status.id).toBeUndefined();

  await (await s.heat()).deleteStack(first);
  await s.stackGone(first.id);
  expectToShow(await s.ask('many'), second);
});

it('takes no stack that is nested in another, or called otherwise than spec.stackName', async () => {
  const heat = await s.heat();
  const outer = await foreign(`${s.namespace}-outer`, [], GROUP);
  const [nested] = await Array.fromAsync(heat.stacks({ ownerId: outer.id, showNested: true }));
  await observe('nested', { id: nested?.id ?? '' });
  expect(condition(await s.notReady('nested', 'InvalidConfiguration'), 'Ready')?.message).toContain(
    `is nested in stack ${outer.id}`,
  );
  await observe('called', { id: outer.id }, { stackName: 'another' });
  expect(condition(await s.notReady('called', 'InvalidConfiguration'), 'Ready')?.message).toContain(
    'spec.stackName is "another"',
  );
});

const GROUP = `heat_template_version: 2018-08-31
resources:
  group:
    type: OS::Heat::ResourceGroup
    properties:
      count: 1
      resource_def: { type: OS::Heat::RandomString }
`;

async function foreign(name: string, tags: string[] = [], template: string = RANDOM_STRING): Promise<Stack> {
  const { id } = await (await s.heat()).createStack({ name, template, tags });
  return s.stackComplete(id);
}

async function observe(
  name: string,
  source: Record<string, unknown>,
  spec: Record<string, unknown> = {},
): Promise<void> {
  await s.apply(name, { managementPolicy: 'unmanaged', import: source, ...spec });
}

function expectToShow(object: HeatStack, { id, name }: Stack): void {
  expect(condition(object, 'Ready')).toMatchObject({ status: 'True', reason: 'Succeeded' });
  expect(object.status).toMatchObject({ id, stackName: name, stackStatus: 'CREATE_COMPLETE' });
}
