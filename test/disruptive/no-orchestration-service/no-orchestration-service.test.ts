import { afterAll, expect, it } from 'vitest';
import {
  condition,
  disturb,
  heatRequests,
  RANDOM_STRING,
  scenario,
  underway,
} from '../../support/scenario.ts';

const s = scenario('no-orchestration-service');
const OLD = 'no-orchestration-service-old';
const NEW = 'no-orchestration-service-new';

afterAll(() => disturb('orchestration/show'));

it('says so, and goes on when the service appears', async () => {
  const template = { inline: RANDOM_STRING };
  const first = await s.startOperator();
  await s.apply(OLD, { template });
  const before = await s.ready(OLD);
  await first.stop();

  await disturb('orchestration/hide');
  const operator = await s.startOperator();
  const requests = heatRequests(operator.log()).length;
  await s.apply(NEW, { template });
  await s.apply(OLD, { template: { inline: RANDOM_STRING.replace('length: 8', 'length: 9') } });
  for (const name of [NEW, OLD]) {
    const object = await s.notReady(name, 'OrchestrationNotAvailable');
    expect(underway(object)).toEqual(['Reconciling']);
    expect(condition(object, 'Ready')).toMatchObject({
      status: 'False',
      message: expect.stringContaining("the cloud's catalog has no orchestration service"),
    });
  }
  expect((await s.get(OLD))?.status).toMatchObject({ id: before.status.id, stackStatus: 'CREATE_COMPLETE' });
  expect(heatRequests(operator.log())).toHaveLength(requests);

  await disturb('orchestration/show');
  await s.ready(NEW);
  const after = await s.ready(OLD);
  expect(after.status).toMatchObject({ id: before.status.id, stackStatus: 'UPDATE_COMPLETE' });
  expect(await s.stacksNamed(NEW)).toHaveLength(1);
  await s.kubectl(['delete', 'heatstacks', NEW, OLD, '--timeout=60s']);
});
