import { afterAll, beforeAll, expect, it } from 'vitest';
import { cloudsYaml } from '../../support/clouds.ts';
import { HeatProxy } from '../../support/heat-proxy.ts';
import { condition, RANDOM_STRING, scenario, underway } from '../../support/scenario.ts';

const s = scenario('quota');
const proxy = new HeatProxy(s.bed.heatUrl);
/** As Heat 27 writes it. */
const message =
  'Request limit exceeded: You have reached the maximum stacks per tenant, 512. Please delete some stacks.';

beforeAll(async () => {
  await proxy.start();
  await s.writeSecret('through-proxy', {
    'clouds.yaml': cloudsYaml({ orchestration_endpoint_override: proxy.endpoint }),
  });
  await s.startOperator();
});
afterAll(() => proxy.close());

it('waits for room', async () => {
  const name = `${s.namespace}-waits`;
  const error = { type: 'RequestLimitExceeded', message, traceback: null };
  proxy.answer('POST', { status: 400, body: { code: 400, title: 'Bad Request', explanation: '', error } });
  await s.apply(name, {
    cloudCredentialsRef: { secretName: 'through-proxy', cloudName: 'demo' },
    template: { inline: RANDOM_STRING },
  });
  const waiting = await s.notReady(name, 'QuotaExceeded');
  expect(underway(waiting)).toEqual(['Reconciling']);
  expect(condition(waiting, 'Reconciling')?.reason).toBe('ProgressingWithRetry');
  expect(condition(waiting, 'Ready')).toMatchObject({
    status: 'False',
    message: expect.stringContaining('maximum stacks per tenant, 512'),
  });
  expect(condition(waiting, 'Ready')?.message).toContain('raise the quota');

  proxy.passOn('POST');
  await s.ask(name);
  await s.ready(name);
  expect(await s.stacksNamed(name)).toHaveLength(1);
});
