import { beforeAll, expect, it } from 'vitest';
import { DIGEST_PARAMETER, TAGS } from '../../../src/api/constants.ts';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import { condition, heatWrites, type Operator, scenario } from '../../support/scenario.ts';

const s = scenario('foreign-put');
let operator: Operator;

beforeAll(async () => {
  operator = await s.startOperator();
});

it('keeps the stack, says what happened, and puts its inputs back with the next update', async () => {
  const name = `${s.namespace}-update`;
  const before = await created(name);
  const tags = (await s.stacksNamed(name))[0]?.tags ?? [];
  await plainUpdate(before);
  expect(await marker(before)).toBeUndefined();

  const since = operator.log().length;
  const drifted = await s.ask(name);
  const ready = condition(drifted, 'Ready');
  expect(ready).toMatchObject({
    status: 'True',
    lastTransitionTime: condition(before, 'Ready')?.lastTransitionTime,
  });
  expect(ready?.message).toContain('another client changed the inputs (parameters/word, tags)');
  expect(ready?.message).toContain('put back with the next update');
  expect(drifted.status).toMatchObject({
    id: before.status.id,
    stackStatus: 'UPDATE_COMPLETE',
    drift: { detectedAt: expect.stringMatching(/^\d{4}-.*Z$/), fields: ['parameters/word', 'tags'] },
  });
  // It stays so, over another look and a restart.
  expect(condition(await s.ask(name), 'Ready')).toEqual(ready);
  await operator.stop();
  operator = await s.startOperator();
  expect(condition(await s.ask(name), 'Ready')).toEqual(ready);
  expect(heatWrites(operator.log().slice(since))).toEqual([]);
  expect((await s.events(name)).filter(({ reason }) => reason === 'DriftDetected')).toHaveLength(1);

  await s.apply(name, spec('two'));
  const after = await s.ready(name);
  expect(heatWrites(operator.log().slice(since))).toEqual(['PUT /stacks/{name}/{id} 202']);
  expect(after.status.id).toBe(before.status.id);
  expect(after.status.drift).toBeUndefined();
  expect(condition(after, 'Ready')?.message).not.toContain('another client');
  const [stack, ...others] = await s.stacksNamed(name);
  expect(others).toEqual([]);
  expect(stack).toMatchObject({ id: before.status.id, status: 'UPDATE_COMPLETE' });
  // All but the one of the inputs.
  const lasting = (tag: string): boolean => !tag.startsWith(TAGS.digest);
  expect(stack?.tags.filter(lasting)).toEqual(tags.filter(lasting));
  expect(stack?.tags).toHaveLength(tags.length);
  expect(await marker(after)).toBe(after.status.appliedDigest);
  const environment = await (await s.heat()).stackEnvironment(ref(after));
  expect(environment['parameters']).toEqual({ word: 'two' });

  await s.delete(name);
  await s.gone(name);
  expect(await s.stacksNamed(name)).toEqual([]);
});

it('replaces inputs of its own that come late, though drift is left alone', async () => {
  const name = `${s.namespace}-late`;
  const driftDetection = { mode: 'disabled' };
  await s.apply(name, { ...spec('one'), driftDetection });
  const before = await s.ready(name);
  const heat = await s.heat();
  const late = {
    template: TEMPLATE,
    environment: await heat.stackEnvironment(ref(before)),
    tags: (await s.stacksNamed(name))[0]?.tags ?? [],
  };
  await s.apply(name, { ...spec('two'), driftDetection });
  const after = await s.ready(name);
  // As an operator that led before sent it, and the network held it back.
  await heat.updateStack(ref(before), late);
  await s.stackComplete(ref(before).id);
  const since = operator.log().length;
  await s.ask(name);
  await s.ready(name);
  expect(heatWrites(operator.log().slice(since))).toEqual(['PUT /stacks/{name}/{id} 202']);
  expect(await marker(after)).toBe(after.status.appliedDigest);
  expect((await heat.stackEnvironment(ref(before)))['parameters']).toEqual({ word: 'two' });
  await s.delete(name);
  await s.gone(name);
});

it('deletes the stack though its tags are gone', async () => {
  const name = `${s.namespace}-delete`;
  const before = await created(name);
  await plainUpdate(before);
  await s.delete(name);
  await s.gone(name);
  expect(await s.stack(before.status.id ?? '')).toBeUndefined();
});

it('deletes the stack though its tags are gone and the operator was restarted', async () => {
  const name = `${s.namespace}-restart`;
  const before = await created(name);
  await operator.stop();
  await plainUpdate(before);
  await s.delete(name);
  operator = await s.startOperator();
  await s.gone(name);
  expect(await s.stack(before.status.id ?? '')).toBeUndefined();
});

const TEMPLATE = `heat_template_version: 2018-08-31
parameters:
  word: { type: string, default: none }
resources:
  value:
    type: OS::Heat::Value
    properties:
      value: { get_param: word }
`;

function spec(word: string): Record<string, unknown> {
  return { template: { inline: TEMPLATE }, parameters: { word }, tags: ['users-own'] };
}

async function created(name: string): Promise<HeatStack> {
  await s.apply(name, spec('one'));
  return s.ready(name);
}

function ref({ status: { id = '', stackName = '' } }: HeatStack): { id: string; name: string } {
  return { id, name: stackName };
}

async function marker(object: HeatStack): Promise<unknown> {
  const environment = await (await s.heat()).stackEnvironment(ref(object));
  const defaults = environment['parameter_defaults'] as Record<string, unknown> | undefined;
  return defaults?.[DIGEST_PARAMETER];
}

/** `openstack stack update -t FILE`, with nothing else. */
async function plainUpdate(object: HeatStack): Promise<void> {
  await (await s.heat()).updateStack(ref(object), { template: TEMPLATE });
  expect(await s.stackComplete(ref(object).id)).toMatchObject({ status: 'UPDATE_COMPLETE', tags: [] });
}
