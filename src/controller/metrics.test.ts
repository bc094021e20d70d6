import { readFileSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { type Family, parseMetrics, total } from '../../test/support/prometheus.ts';
import type { CacheEvent } from '../kube/index.ts';
import { WorkQueue } from '../kube/index.ts';
import { Metrics } from './metrics.ts';
import { type Countable, countable, StackCounts } from './stack-counts.ts';

let metrics: Metrics;
let counts: StackCounts;
const watched = [
  { resource: 'secrets', counters: { lists: 1, watches: 3, failures: 2 }, lastEventAt: 7_000 },
  { resource: 'secrets', counters: { lists: 1, watches: 1, failures: 0 }, lastEventAt: 9_000 },
];

const health = [{ identity: 'closed', orchestration: 'open', waiting: 3 } as const];

beforeEach(() => {
  metrics = new Metrics({ now: () => 10_000 });
  counts = new StackCounts();
  metrics.observeWatches(() => watched);
  metrics.observeWork(counts, { size: 2, health: () => health, waitingCalls: 7 }, { dropped: 5 });
});

const scrape = async (): Promise<Map<string, Family>> => parseMetrics(await metrics.text());

const series = async (): Promise<number> =>
  [...(await scrape()).values()].reduce((sum, { samples }) => sum + samples.length, 0);

function event(
  type: CacheEvent<Countable>['type'],
  name: string,
  status: string,
  ready: string,
  old?: Countable,
  { reason = 'x', ...metadata }: { reason?: string; deletionTimestamp?: string } = {},
) {
  const time = '2026-01-01T00:00:00Z';
  const condition = {
    type: 'Ready',
    status: ready as 'True',
    reason,
    message: '',
    lastTransitionTime: time,
  };
  const object = {
    apiVersion: 'heatstack.dev/v1alpha1',
    kind: 'HeatStack',
    metadata: { name, namespace: 'team', uid: name, resourceVersion: '1' },
    mine: true,
    ...countable({ stackStatus: status, conditions: [condition] }, metadata),
  };
  counts.update({ type, key: `team/${name}`, object, ...(old && { old }), initial: false });
  return object;
}

test('the page lists exactly the metrics that there are, with their labels and types', async () => {
  metrics.queue('heatstack');
  metrics.observeLease('heatstack-operator', () => true);
  metrics.controller('heatstack', 10).ended('success', 1);
  metrics.kubeRequest({ method: 'GET', path: '/', host: 'api:6443', status: 200, ms: 1 });
  event('added', 'a', 'CREATE_COMPLETE', 'False');
  const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` \| (\w+) \|([^|]*)\|/gm)];
  const documented = rows.map(([, name, type]) => `${name} ${type}`);
  const own = [...(await scrape())].filter(([name]) => !/^(process|nodejs)_/.test(name));
  expect(documented.sort()).toEqual(own.map(([name, { type }]) => `${name} ${type}`).sort());
  const cells = new Map(rows.map(([, name, , cell = '']) => [name, cell]));
  for (const [name, { samples }] of own)
    for (const { labels } of samples)
      for (const label of Object.keys(labels))
        if (label !== 'le') expect(cells.get(name), name).toContain(`\`${label}\``);
});

test('a queue is measured as client-go does it', async () => {
  const queue = new WorkQueue({ metrics: metrics.queue('heatstack') });
  const labels = { name: 'heatstack', controller: 'heatstack' };
  queue.add('a');
  queue.add('a');
  queue.add('b');
  expect(total(await scrape(), 'workqueue_depth', labels)).toBe(2);
  const key = (await queue.next(new AbortController().signal)) ?? '';
  queue.add(key);
  let seen = await scrape();
  expect(total(seen, 'workqueue_depth', labels)).toBe(2);
  expect(total(seen, 'workqueue_adds_total', labels)).toBe(3);
  expect(total(seen, 'workqueue_unfinished_work_seconds', labels)).toBeGreaterThan(0);
  queue.done(key);
  queue.addRateLimited(key);
  queue.shutDown();
  seen = await scrape();
  expect(total(seen, 'workqueue_unfinished_work_seconds', labels)).toBe(0);
  expect(total(seen, 'workqueue_work_duration_seconds_count', labels)).toBe(1);
  expect(total(seen, 'workqueue_queue_duration_seconds_count', labels)).toBe(1);
  expect(total(seen, 'workqueue_retries_total', labels)).toBe(1);
});

test('reconciles are counted as controller-runtime does it', async () => {
  const { began, ended } = metrics.controller('heatstack', 10);
  for (const outcome of ['success', 'requeue_after', 'error', 'terminal'] as const) {
    began();
    ended(outcome, 1_500);
  }
  began();
  const seen = await scrape();
  const results = (result: string) => total(seen, 'controller_runtime_reconcile_total', { result });
  expect(['success', 'requeue', 'requeue_after', 'error'].map(results)).toEqual([1, 0, 1, 2]);
  expect(total(seen, 'controller_runtime_reconcile_errors_total')).toBe(2);
  expect(total(seen, 'controller_runtime_terminal_reconcile_errors_total')).toBe(1);
  expect(total(seen, 'controller_runtime_active_workers')).toBe(1);
  expect(total(seen, 'controller_runtime_max_concurrent_reconciles')).toBe(10);
  expect(total(seen, 'controller_runtime_reconcile_time_seconds_sum')).toBe(6);
});

test('watches, sessions and Events are read when they are asked for', async () => {
  const seen = await scrape();
  const secrets = { resource: 'secrets' };
  expect(total(seen, 'heatstack_watch_lists_total', secrets)).toBe(2);
  expect(total(seen, 'heatstack_watch_restarts_total', secrets)).toBe(2);
  expect(total(seen, 'heatstack_watch_failures_total', secrets)).toBe(2);
  expect(total(seen, 'heatstack_watch_last_event_age_seconds', secrets)).toBe(3);
  expect(total(seen, 'heatstack_sessions')).toBe(2);
  expect(total(seen, 'heatstack_waiting_requests')).toBe(7);
  const circuits = (labels: Record<string, string>) => total(seen, 'heatstack_circuit_state', labels);
  expect(circuits({ api: 'heat', state: 'open' })).toBe(1);
  expect(circuits({ api: 'keystone', state: 'closed' })).toBe(1);
  expect(circuits({})).toBe(2);
  expect(total(seen, 'heatstack_events_dropped_total')).toBe(5);
});

test('stacks are counted as they come, change and go', async () => {
  const a = event('added', 'a', 'CREATE_IN_PROGRESS', 'Unknown');
  event('added', 'b', 'CREATE_COMPLETE', 'True');
  const changed = event('updated', 'a', 'CREATE_FAILED', 'False', a);
  let seen = await scrape();
  expect(seen.get('heatstack_stacks')?.samples).toHaveLength(2);
  expect(total(seen, 'heatstack_stacks', { status: 'CREATE_FAILED' })).toBe(1);
  expect(total(seen, 'heatstack_condition', { type: 'Ready', status: 'False' })).toBe(1);
  event('deleted', 'a', 'DELETE_COMPLETE', 'Unknown', changed);
  const theirs = { ...changed, mine: false };
  counts.update({ type: 'added', key: 'team/theirs', object: theirs, initial: false });
  // As a new list finds it.
  event('deleted', 'b', 'CREATE_COMPLETE', 'True');
  seen = await scrape();
  expect(seen.get('heatstack_stacks')?.samples).toEqual([]);
  expect(seen.get('heatstack_condition')?.samples).toEqual([]);
});

test('stacks that are not Ready are counted by why, and whether anybody must help', () => {
  const a = event('added', 'a', 'CREATE_FAILED', 'False', undefined, { reason: 'CreateFailed' });
  event('added', 'b', 'none', 'False', undefined, { reason: 'constructor' });
  event('added', 'c', 'none', 'Unknown', undefined, { reason: 'Progressing' });
  expect(counts.byReason).toEqual(
    new Map([
      ['CreateFailed', 1],
      ['other', 1],
    ]),
  );
  const stalled = { ...a, conditions: 'Ready=False Stalled=True' };
  counts.update({ type: 'updated', key: 'team/a', object: stalled, old: a, initial: false });
  expect(counts.byReason.get('CreateFailed stalled')).toBe(1);
  expect(counts.byReason.has('CreateFailed')).toBe(false);
  counts.update({ type: 'deleted', key: 'team/a', object: stalled, initial: false });
  expect(counts.byReason).toEqual(new Map([['other', 1]]));
});

test('the longest deletion is shown with its age', async () => {
  const deletionTimestamp = '1970-01-01T00:00:04Z';
  let seen = await scrape();
  expect(total(seen, 'heatstack_longest_deletion_seconds')).toBe(0);
  event('added', 'young', 'DELETE_IN_PROGRESS', 'Unknown', undefined, {
    deletionTimestamp: '1970-01-01T00:00:09Z',
  });
  const old = event('updated', 'old', 'DELETE_FAILED', 'False', undefined, { deletionTimestamp });
  seen = await scrape();
  expect(total(seen, 'heatstack_deleting_stacks')).toBe(2);
  expect(total(seen, 'heatstack_longest_deletion_seconds')).toBe(6);
  // Another shard's from now on.
  counts.update({ type: 'updated', key: 'team/old', object: { ...old, mine: false }, old, initial: false });
  event('deleted', 'young', 'DELETE_IN_PROGRESS', 'Unknown');
  seen = await scrape();
  expect(total(seen, 'heatstack_deleting_stacks')).toBe(0);
  expect(total(seen, 'heatstack_longest_deletion_seconds')).toBe(0);
});

test('a stack is counted by the operator alone whose it is', async () => {
  const mine = event('added', 'a', 'CREATE_COMPLETE', 'True');
  const theirs = { ...mine, mine: false };
  const change = { type: 'updated', key: 'team/a', initial: false } as const;
  counts.update({ ...change, object: theirs, old: mine });
  expect(counts.byStatus.size + counts.byCondition.size).toBe(0);
  counts.update({ ...change, object: mine, old: theirs });
  expect(counts.byStatus).toEqual(new Map([['CREATE_COMPLETE', 1]]));
});

test('the end of an operation is noted with the time that it took', async () => {
  const [startedAt, finishedAt] = ['2026-01-01T00:00:00Z', '2026-01-01T00:00:40Z'];
  metrics.operation({ action: 'Create', startedAt, finishedAt, result: 'CREATE_FAILED' });
  metrics.operation({ action: 'Update', startedAt, finishedAt, result: 'Superseded' });
  const seen = await scrape();
  const name = 'heatstack_operation_duration_seconds';
  expect(total(seen, `${name}_sum`, { action: 'Create', result: 'failed' })).toBe(40);
  expect(total(seen, `${name}_count`, { action: 'Update', result: 'superseded' })).toBe(1);
});

test('logins are told from other requests to Keystone', async () => {
  const request = {
    service: 'identity',
    method: 'POST',
    route: '/auth/tokens',
    host: 'keystone',
    ms: 5,
    requestId: '',
    waitedMs: 0,
  } as const;
  metrics.cloudRequest({ ...request, status: 201 });
  metrics.cloudRequest({ ...request, status: 0 });
  const seen = await scrape();
  expect(total(seen, 'heatstack_token_renewals_total', { result: 'success' })).toBe(1);
  expect(total(seen, 'heatstack_token_renewals_total', { result: 'error' })).toBe(1);
  expect(total(seen, 'heatstack_keystone_request_duration_seconds_count', { code: '<error>' })).toBe(1);
});

test('the time that requests waited for their turn adds up', async () => {
  const request = {
    service: 'orchestration',
    method: 'GET',
    route: '/stacks',
    host: 'heat',
    ...{ status: 200, ms: 5 },
  } as const;
  for (const waitedMs of [0, 200, 300]) metrics.cloudRequest({ ...request, waitedMs, requestId: '' });
  const seen = await scrape();
  expect(total(seen, 'heatstack_heat_wait_seconds_total')).toBeCloseTo(0.5);
  expect(total(seen, 'heatstack_heat_request_duration_seconds_sum')).toBeCloseTo(0.015);
});

test('a replica that stands by counts no HeatStacks, so that a sum over replicas is right', async () => {
  event('added', 'a', 'CREATE_COMPLETE', 'True');
  const standby = new Metrics();
  standby.observeWatches(() => watched);
  standby.observeLease('heatstack-operator', () => false);
  const names = [...parseMetrics(await standby.text()).keys()];
  expect(names).toContain('heatstack_watch_lists_total');
  expect(names).not.toContain('heatstack_stacks');
  expect(names).not.toContain('heatstack_condition');
  for (const name of ['not_ready_stacks', 'drifted_stacks', 'deleting_stacks', 'longest_deletion_seconds'])
    expect(names).not.toContain(`heatstack_${name}`);
  expect(total(await scrape(), 'heatstack_stacks')).toBe(1);
});

test('whatever names, states and answers there are, the number of series stays bounded', async () => {
  const round = async (from: number) => {
    const queue = new WorkQueue({ metrics: metrics.queue('heatstack') });
    const { began, ended } = metrics.controller('heatstack', 10);
    for (let index = from; index < from + 1000; index++) {
      const object = event('added', `stack-${index}`, `STATE_${index}`, `Status${index}`);
      queue.add(`team/stack-${index}`);
      queue.done((await queue.next(new AbortController().signal)) ?? '');
      began();
      ended('success', 1);
      const answer = {
        method: 'GET',
        route: '/stacks/{name}/{id}',
        host: 'heat',
        status: 100 + (index % 900),
        ms: 1,
        waitedMs: 0,
      };
      metrics.cloudRequest({ ...answer, service: 'orchestration', requestId: `req-${index}` });
      metrics.kubeRequest({ method: 'GET', path: '/', host: 'api:6443', status: 100 + (index % 900), ms: 1 });
      metrics.operation({
        action: `Action${index}`,
        startedAt: '2026-01-01T00:00:00Z',
        finishedAt: '2026-01-01T00:00:01Z',
        result: `RESULT_${index}`,
      });
      event('deleted', `stack-${index}`, `STATE_${index}`, `Status${index}`, object);
    }
    return series();
  };
  const once = await round(0);
  expect(await round(1000)).toBe(once);
  expect(once).toBeLessThan(1500);
  expect(await metrics.text()).not.toMatch(/stack-\d|team|req-|Status\d/);
});
