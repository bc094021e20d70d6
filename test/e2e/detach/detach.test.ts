import { expect, it } from 'vitest';
import { condition, eventually, heatWrites, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('detach');
const name = `${s.namespace}-stack`;

it('leaves the stack, and takes it back when the object is applied again', async () => {
  const operator = await s.startOperator();
  const spec = { template: { inline: RANDOM_STRING }, managedOptions: { onDelete: 'detach' } };
  await s.apply(name, spec);
  const before = await s.ready(name);
  const stack = await s.stack(before.status.id ?? '');

  const since = operator.log().length;
  await s.delete(name);
  await s.gone(name);
  expect(await s.stack(before.status.id ?? '')).toEqual(stack);
  expect(heatWrites(operator.log().slice(since))).toEqual([]);
  await eventually(
    async () => (await s.events(name)).some(({ reason }) => reason === 'StackDetached'),
    () => 'no Event tells that the stack stays',
  );

  await s.apply(name, spec);
  const after = await s.ready(name);
  expect(after.metadata.uid).not.toBe(before.metadata.uid);
  expect(after.status).toMatchObject({
    id: before.status.id,
    stackStatus: 'CREATE_COMPLETE',
    appliedDigest: before.status.appliedDigest,
    resourceSummary: { text: '1/1' },
  });
  expect(condition(after, 'Ready')).toMatchObject({ status: 'True', reason: 'Succeeded' });
  expect(await s.stack(before.status.id ?? '')).toEqual(stack);
  expect(await s.stacksNamed(name)).toHaveLength(1);
  // A create that Heat refuses, since the name is taken, is all that was tried.
  expect(heatWrites(operator.log().slice(since))).toEqual(['POST /stacks 409']);
  await eventually(
    async () => (await s.events(name)).some(({ reason }) => reason === 'StackAdopted'),
    () => 'no Event tells that the stack was taken back',
  );

  // It is the object's again in full: an update and a delete reach it.
  await s.apply(name, { template: { inline: RANDOM_STRING.replace('length: 8', 'length: 9') } });
  expect((await s.ready(name)).status).toMatchObject({
    id: before.status.id,
    stackStatus: 'UPDATE_COMPLETE',
  });
  await s.patch(name, { spec: { managedOptions: { onDelete: 'delete' } } });
  await s.delete(name);
  await s.gone(name);
  expect(await s.stacksNamed(name)).toEqual([]);
});
