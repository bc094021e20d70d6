import { beforeAll, expect, it } from 'vitest';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import type { Stack } from '../../../src/openstack/index.ts';
import {
  condition,
  eventually,
  heatWrites,
  type Operator,
  RANDOM_STRING,
  scenario,
  underway,
} from '../../support/scenario.ts';

const s = scenario('name-conflict');
let operator: Operator;

beforeAll(async () => {
  operator = await s.startOperator();
});

it("does not touch another client's stack, by create, update or delete", async () => {
  const name = `${s.namespace}-foreign`;
  const foreign = await s.foreignStack(name);
  const since = operator.log().length;
  await s.apply(name, { template: { inline: RANDOM_STRING } });
  expectConflict(await s.notReady(name, 'NameConflict'), foreign, 'a stack that no HeatStack made');

  await s.apply(name, { template: { inline: RANDOM_STRING.replace('length: 8', 'length: 9') } });
  await s.until(name, 'looked at', ({ status }) => status.observedGeneration === 2);
  expectConflict(await s.ask(name), foreign, 'a stack that no HeatStack made');
  await eventually(
    async () => (await s.events(name)).length > 0,
    () => 'no Event tells of the conflict',
  );
  expect((await s.events(name)).map(({ reason }) => reason)).toEqual(['NameConflict']);

  await s.delete(name);
  await s.gone(name);
  expect(await s.stack(foreign.id)).toEqual(foreign);
  expect(new Set(heatWrites(operator.log().slice(since)))).toEqual(new Set(['POST /stacks 409']));
  await (await s.heat()).deleteStack(foreign);
});

it('heals when the name is free: at the resync', async () => {
  const name = `${s.namespace}-resync`;
  const foreign = await s.foreignStack(name);
  await s.apply(name, { template: { inline: RANDOM_STRING }, resyncPeriod: '10s' });
  await s.notReady(name, 'NameConflict');
  await (await s.heat()).deleteStack(foreign);
  await healed(name, foreign);
});

it('heals when the name is free: when somebody asks', async () => {
  const name = `${s.namespace}-asked`;
  const foreign = await s.foreignStack(name);
  await s.apply(name, { template: { inline: RANDOM_STRING } });
  await s.notReady(name, 'NameConflict');
  await (await s.heat()).deleteStack(foreign);
  await s.stackGone(foreign.id);
  await s.ask(name);
  await healed(name, foreign);
});

it('does not touch the stack of another HeatStack with the same stackName', async () => {
  const stackName = `${s.namespace}-shared`;
  const [first, second] = [`${stackName}-first`, `${stackName}-second`];
  const spec = { stackName, template: { inline: RANDOM_STRING } };
  await s.apply(first, spec);
  const { status } = await s.ready(first);
  const stack = await s.stack(status.id ?? '');
  if (!stack) throw new Error('the first object has no stack');
  const since = operator.log().length;
  await s.apply(second, spec);
  expectConflict(await s.notReady(second, 'NameConflict'), stack, 'a stack of another HeatStack');

  await s.delete(second);
  await s.gone(second);
  expect(await s.stack(stack.id)).toEqual(stack);
  expect(heatWrites(operator.log().slice(since))).toEqual(['POST /stacks 409']);
  expect(condition(await s.ask(first), 'Ready')?.status).toBe('True');
  await s.delete(first);
  await s.gone(first);
  expect(await s.stacksNamed(stackName)).toEqual([]);
});

it('does not touch a nested stack that has the name', async () => {
  const outer = await s.foreignStack(`${s.namespace}-outer`, GROUP);
  const nested = await nestedIn(outer);
  const name = `${s.namespace}-nested`;
  const since = operator.log().length;
  await s.apply(name, { stackName: nested.name, template: { inline: RANDOM_STRING } });
  expectConflict(await s.notReady(name, 'NameConflict'), nested, 'a nested stack');
  await s.delete(name);
  await s.gone(name);
  expect(await nestedIn(outer)).toEqual(nested);
  expect(heatWrites(operator.log().slice(since))).toEqual(['POST /stacks 409']);
  await (await s.heat()).deleteStack(outer);
});

it("does not touch a nested stack of the object's neighbour that has the name", async () => {
  const neighbour = `${s.namespace}-neighbour`;
  await s.apply(neighbour, { template: { inline: GROUP } });
  const { status } = await s.ready(neighbour);
  const nested = await nestedIn({ id: status.id ?? '' });
  const name = `${s.namespace}-below`;
  await s.apply(name, { stackName: nested.name, template: { inline: RANDOM_STRING } });
  await s.notReady(name, 'NameConflict');
  await s.delete(name);
  await s.gone(name);
  expect(await nestedIn({ id: status.id ?? '' })).toEqual(nested);
  await s.delete(neighbour);
  await s.gone(neighbour);
});

const GROUP = `heat_template_version: 2018-08-31
resources:
  group:
    type: OS::Heat::ResourceGroup
    properties:
      count: 1
      resource_def: { type: OS::Heat::RandomString }
`;

function expectConflict(object: HeatStack, { id, name }: Stack, whose: string): void {
  const ready = condition(object, 'Ready');
  expect(ready).toMatchObject({ status: 'False', reason: 'NameConflict' });
  expect(ready?.message).toContain(`the name "${name}" is taken by ${whose} (id ${id})`);
  expect(ready?.message).toContain('choose another spec.stackName');
  expect(underway(object)).toEqual(['Stalled']);
  expect(condition(object, 'Available')).toMatchObject({ status: 'False', reason: 'StackNotFound' });
  expect(object.status.id).toBeUndefined();
}

async function healed(name: string, foreign: Stack): Promise<void> {
  const { status } = await s.ready(name);
  expect(status.id).not.toBe(foreign.id);
  expect(await s.stacksNamed(name)).toMatchObject([{ id: status.id }]);
  await s.delete(name);
  await s.gone(name);
}

async function nestedIn({ id }: Pick<Stack, 'id'>): Promise<Stack> {
  const heat = await s.heat();
  const [nested] = await Array.fromAsync(heat.stacks({ ownerId: id, showNested: true }));
  if (!nested) throw new Error(`stack ${id} has no nested stack`);
  return nested;
}
