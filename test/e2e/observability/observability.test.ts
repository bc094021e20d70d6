import { expect, test } from 'vitest';
import { addressesOf } from '../../support/addresses.ts';
import { parseMetrics, total } from '../../support/prometheus.ts';
import { eventually, FAILING, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('observability');

test('metrics, probes and logs tell what happened', async () => {
  const operator = await s.startOperator([
    '--health-address=127.0.0.1:0',
    '--metrics-address=localhost:0',
    '--log-level=info',
  ]);
  const [readyz = ''] = addressesOf(operator.log(), '/readyz');
  const [healthz = ''] = addressesOf(operator.log(), '/healthz');
  const [metrics = ''] = addressesOf(operator.log(), '/metrics');
  expect((await fetch(readyz)).status).toBe(200);
  expect((await fetch(healthz)).status).toBe(200);

  // SIGUSR2 changes the level, here before there is anything to do.
  const changes = () => operator.log().flatMap(({ logLevel }) => (logLevel === undefined ? [] : [logLevel]));
  process.kill(operator.pid, 'SIGUSR2');
  await eventually(
    () => changes().length === 1,
    () => 'the level did not change',
  );

  await s.apply('works', { template: { inline: RANDOM_STRING } });
  await s.apply('fails', { template: { inline: FAILING }, remediation: { create: { retries: 0 } } });
  await s.ready('works');
  await s.notReady('fails', 'CreateFailed');
  const scrape = async () =>
    parseMetrics(await (await fetch(metrics.replace('127.0.0.1', 'localhost'))).text());
  const operations = 'heatstack_operation_duration_seconds_count';
  let seen = await scrape();
  // The watch tells of the last status a moment after it was written.
  await eventually(
    async () => {
      seen = await scrape();
      return (
        total(seen, 'heatstack_stacks', { status: 'CREATE_COMPLETE' }) === 1 &&
        total(seen, 'heatstack_stacks', { status: 'CREATE_FAILED' }) === 1 &&
        total(seen, operations, { action: 'Create' }) === 2 &&
        total(seen, 'workqueue_depth', { name: 'heatstack' }) === 0
      );
    },
    () =>
      JSON.stringify(
        ['heatstack_stacks', 'heatstack_operation_duration_seconds'].map((name) => seen.get(name)),
      ),
  );
  expect(total(seen, 'heatstack_condition', { type: 'Ready', status: 'True' })).toBe(1);
  expect(total(seen, 'heatstack_condition', { type: 'Ready', status: 'False' })).toBe(1);
  expect(total(seen, operations, { action: 'Create', result: 'complete' })).toBe(1);
  expect(total(seen, operations, { action: 'Create', result: 'failed' })).toBe(1);
  expect(total(seen, 'heatstack_token_renewals_total', { result: 'success' })).toBe(1);
  expect(total(seen, 'heatstack_sessions')).toBe(1);
  expect(
    total(seen, 'heatstack_heat_request_duration_seconds_count', { method: 'POST', route: '/stacks' }),
  ).toBe(2);
  const ends = { controller: 'heatstack' };
  expect(total(seen, 'controller_runtime_reconcile_total', ends)).toBe(
    total(seen, 'controller_runtime_reconcile_time_seconds_count', ends),
  );
  expect(total(seen, 'rest_client_requests_total', { code: '200', method: 'GET' })).toBeGreaterThan(3);
  expect(total(seen, 'heatstack_watch_lists_total', { resource: 'heatstacks' })).toBe(1);

  await s.delete('works');
  await s.delete('fails');
  await s.gone('works');
  await s.gone('fails');
  await eventually(
    async () => {
      seen = await scrape();
      const deleted = total(seen, operations, { action: 'Delete', result: 'complete' });
      return deleted === 2 && seen.get('heatstack_stacks')?.samples.length === 0;
    },
    () => JSON.stringify(seen.get('heatstack_stacks')),
  );

  const log = operator.log();
  const create = log.find(
    ({ msg, method, route }) => msg === 'cloud request' && method === 'POST' && route === '/stacks',
  );
  expect(create).toMatchObject({
    controller: 'heatstack',
    cloud: 'demo',
    requestId: expect.stringMatching(/^req-/),
  });
  const run = log.filter(({ reconcileID }) => reconcileID === create?.['reconcileID']);
  expect(new Set(run.map(({ key }) => key))).toEqual(new Set([create?.key]));
  expect(run.map(({ msg }) => msg)).toContain('planned');
  expect(run.at(-1)?.msg).toBe('reconciled');
  const later = log.filter(({ msg, stackID }) => msg === 'reconciled' && stackID !== undefined);
  expect(later.length).toBeGreaterThan(0);
  // Nobody's: it is shared.
  const shared = log.filter(
    ({ msg, method, route }) => msg === 'cloud request' && method === 'GET' && route === '/stacks',
  );
  expect(shared.filter(({ reconcileID }) => reconcileID === undefined).length).toBeGreaterThan(0);

  process.kill(operator.pid, 'SIGUSR2');
  await eventually(
    () => changes().length === 2,
    () => 'the level did not change back',
  );
  expect(changes()).toEqual(['debug', 'info']);
  await operator.stop();
  await expect(fetch(healthz)).rejects.toThrow();
});
