import { afterAll, beforeAll, expect, it } from 'vitest';
import { cloudsYaml } from '../../support/clouds.ts';
import { HeatProxy } from '../../support/heat-proxy.ts';
import {
  condition,
  heatWrites,
  RANDOM_STRING,
  scenario,
  slowTemplate,
  underway,
} from '../../support/scenario.ts';

const s = scenario('stuck');
const SPEC = { cloudCredentialsRef: { secretName: 'through-proxy', cloudName: 'demo' } };
const UPDATE = 'PUT /stacks/{name}/{id} 202';
const proxy = new HeatProxy(s.bed.heatUrl);

beforeAll(async () => {
  await proxy.start();
  await s.writeSecret('through-proxy', {
    'clouds.yaml': cloudsYaml({ orchestration_endpoint_override: proxy.endpoint }),
  });
});
afterAll(() => proxy.close());

/** All times of stacks as if they were of the day before, so that what is in progress is overdue. */
function aDayAgo(text: string): string {
  return text.replaceAll(/"(creation|updated)_time": "([^"]+)"/g, (_, which: string, time: string) => {
    const moved = new Date(Date.parse(time) - 24 * 3_600_000).toISOString().slice(0, 19);
    return `"${which}_time": "${moved}Z"`;
  });
}

it('an operation that never ends', async () => {
  const name = `${s.namespace}-endless`;
  let operator = await s.startOperator();
  // The longest, so that Heat doesn't end it itself meanwhile.
  await s.apply(name, { ...SPEC, timeout: '1h', template: { inline: slowTemplate(600) } });
  await s.until(name, 'in progress', ({ status }) => status.stackStatus === 'CREATE_IN_PROGRESS');

  // A new operator learns from Heat alone how old the operation is.
  await operator.stop();
  proxy.rewrite(aDayAgo);
  operator = await s.startOperator();
  const renewed = await s.until(name, 'started once more', ({ status }) => (status.attempts ?? 0) === 1);
  expect(underway(renewed)).toEqual(['Reconciling']);
  expect((await s.events(name)).map(({ note }) => note)).toContainEqual(
    expect.stringContaining('the operation was stuck'),
  );

  await operator.stop();
  operator = await s.startOperator();
  const stalled = await s.notReady(name, 'OperationTimeout');
  expect(underway(stalled)).toEqual(['Stalled']);
  expect(condition(stalled, 'Ready')).toMatchObject({
    status: 'False',
    message: expect.stringContaining('longer than spec.timeout allows'),
  });
  expect(heatWrites(operator.log()).filter((write) => write === UPDATE)).toHaveLength(1);

  // The way out that is asked for: the update that is stuck is cancelled by Heat, and then it isn't stuck any more.
  proxy.rewrite();
  await s.delete(name);
  await s.gone(name);
  await operator.stop();
});

it('an update that Heat accepts and forgets', async () => {
  const name = `${s.namespace}-lost`;
  const operator = await s.startOperator();
  await s.apply(name, { ...SPEC, template: { inline: RANDOM_STRING } });
  await s.ready(name);
  proxy.answer('PUT', { status: 202 });
  await s.apply(name, {
    ...SPEC,
    resyncPeriod: '10s',
    template: { inline: RANDOM_STRING.replace('length: 8', 'length: 9') },
  });
  const stalled = await s.notReady(name, 'UpdateFailed');
  expect(underway(stalled)).toEqual(['Stalled']);
  expect(condition(stalled, 'Ready')?.message).toContain('accepted the update several times');
  expect(stalled.status).toMatchObject({ stackStatus: 'CREATE_COMPLETE', attempts: 3 });
  expect(proxy.passOn('PUT')).toBe(4);
  expect((await s.events(name)).map(({ note }) => note)).toContainEqual(
    expect.stringContaining('the last one was lost'),
  );
  await s.delete(name);
  await s.gone(name);
  await operator.stop();
});
