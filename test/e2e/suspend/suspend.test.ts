import { expect, it } from 'vitest';
import {
  condition,
  heatRequests,
  isCurrent,
  RANDOM_STRING,
  scenario,
  underway,
} from '../../support/scenario.ts';

const s = scenario('suspend');
const OTHER = RANDOM_STRING.replace('length: 8', 'length: 9');

it('leaves Heat alone while it is suspended', async () => {
  const name = 'suspend-edit';
  const operator = await s.startOperator();
  await s.apply(name, { template: { inline: RANDOM_STRING } });
  const { status: before } = await s.ready(name);
  const asked = heatRequests(operator.log()).length;

  // Unchanged: it stays what it was.
  await s.apply(name, { suspend: true, template: { inline: RANDOM_STRING } });
  const unchanged = await s.until(name, 'looked at', isCurrent);
  expect(condition(unchanged, 'Ready')).toMatchObject({ status: 'True', reason: 'Succeeded' });
  expect(underway(unchanged)).toEqual([]);

  // Edited: nobody knows whether it is as wanted.
  await s.apply(name, { suspend: true, template: { inline: OTHER } });
  const edited = await s.until(name, 'looked at', isCurrent);
  expect(condition(edited, 'Ready')).toMatchObject({
    status: 'Unknown',
    reason: 'Suspended',
    message: expect.stringContaining('spec.suspend'),
  });
  expect(underway(edited)).toEqual([]);
  expect(edited.status).toMatchObject({ id: before.id, stackStatus: 'CREATE_COMPLETE' });

  // Not even asked for, or after a restart.
  const still = await s.ask(name);
  expect(condition(still, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'Suspended' });
  await operator.stop();
  const again = await s.startOperator();
  await s.ask(name);
  expect(heatRequests(again.log()).length).toBe(asked);
  expect(await s.stacksNamed(name)).toMatchObject([{ id: before.id, status: 'CREATE_COMPLETE' }]);

  // The edit taken back: as before.
  await s.apply(name, { suspend: true, template: { inline: RANDOM_STRING } });
  await s.until(name, 'looked at', isCurrent);
  await s.apply(name, { suspend: false, template: { inline: OTHER } });
  const { status: after } = await s.ready(name);
  expect(after).toMatchObject({ id: before.id, stackStatus: 'UPDATE_COMPLETE' });
  expect(after.appliedDigest).not.toBe(before.appliedDigest);

  await s.patch(name, { spec: { suspend: true } });
  await s.until(name, 'looked at', isCurrent);
  await s.delete(name);
  await s.gone(name);
  expect(await s.stacksNamed(name)).toEqual([]);
});

it('makes nothing for an object that is suspended from the start', async () => {
  const name = 'suspend-create';
  await s.apply(name, { suspend: true, template: { inline: RANDOM_STRING } });
  const object = await s.until(name, 'looked at', isCurrent);
  expect(condition(object, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'Suspended' });
  expect(await s.stacksNamed(name)).toEqual([]);
  await s.delete(name);
  await s.gone(name);
});
