import { readFileSync } from 'node:fs';
import { context, SpanKind } from '@opentelemetry/api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  AsyncContextManager,
  type RecordedSpan,
  RecordingTracerProvider,
} from '../../test/support/recording-tracer.ts';
import { Controller, LogScope, WorkQueue } from '../kube/index.ts';
import { memoryLogger } from '../kube/testing/memory-logger.ts';
import type { RequestInfo } from '../openstack/index.ts';
import { Tracing } from './tracing.ts';

const NOW = 1_700_000_000_000;
const CREATE: RequestInfo = {
  ...{ service: 'orchestration', method: 'POST', route: '/stacks', host: 'heat.example.com:8004' },
  ...{ status: 201, ms: 40, waitedMs: 7, requestId: 'req-1' },
};
const run = { controller: 'heatstack', key: 'team/web', reconcileID: 'r-1' };

let spans: RecordedSpan[];
let tracing: Tracing;

beforeEach(() => {
  spans = [];
  tracing = new Tracing(new RecordingTracerProvider((span) => spans.push(span)), () => NOW);
  context.setGlobalContextManager(new AsyncContextManager());
});

afterEach(() => {
  context.disable();
});

test('the page lists every attribute, and no other', async () => {
  await tracing.reconcile(run, 'u-1', async () => 'success');
  tracing.cloudCall()(CREATE);
  tracing.cloudCall()({ ...CREATE, status: 0 });
  const page = readFileSync(new URL('../../docs/traces.md', import.meta.url), 'utf8');
  const [, table = ''] = page.split('| attribute |');
  const documented = [...table.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, names = '']) => [
    ...names.matchAll(/`([^`]+)`/g),
  ]);
  const used = new Set(spans.flatMap(({ attributes }) => Object.keys(attributes)));
  expect(documented.map(([, name]) => name).sort()).toEqual([...used].sort());
});

test('nobody is asked for spans when no provider is registered', () => {
  expect(Tracing.find()).toBeUndefined();
});

test('the requests of a reconcile are spans in its own', async () => {
  let told: ReturnType<Tracing['cloudCall']> | undefined;
  await tracing.reconcile(run, 'u-1', async () => {
    await Promise.resolve();
    told = tracing.cloudCall();
    tracing.kubeRequest({
      ...{ method: 'PUT', path: '/apis/heatstack.dev/v1alpha1/namespaces/team/heatstacks/web/status' },
      ...{ host: '[fd00::1]:6443', status: 200, ms: 3 },
    });
    return 'requeue_after';
  });
  // In no context in particular.
  told?.(CREATE);
  const [put, reconcile, create] = spans;
  expect(reconcile).toMatchObject({
    ...{ name: 'reconcile heatstack', parentId: undefined, failed: false },
    attributes: {
      'k8s.namespace.name': 'team',
      'heatstack.controller': 'heatstack',
      'heatstack.object.name': 'web',
      'heatstack.object.uid': 'u-1',
      'heatstack.reconcile.id': 'r-1',
      'heatstack.reconcile.result': 'requeue_after',
    },
  });
  expect(create).toMatchObject({
    ...{ name: 'POST /stacks', traceId: reconcile?.traceId, parentId: reconcile?.id, kind: SpanKind.CLIENT },
    ...{ start: NOW - 40, end: NOW, failed: false },
  });
  expect(create?.attributes).toEqual({
    'http.request.method': 'POST',
    'url.template': '/stacks',
    'server.address': 'heat.example.com',
    'server.port': 8004,
    'http.response.status_code': 201,
    'peer.service': 'heat',
    'heatstack.waited_ms': 7,
    'openstack.request_id': 'req-1',
  });
  expect(put).toMatchObject({
    ...{ parentId: reconcile?.id },
    name: 'PUT /apis/heatstack.dev/v1alpha1/namespaces/{namespace}/heatstacks/{name}/status',
    attributes: { 'peer.service': 'kubernetes', 'server.address': '[fd00::1]', 'server.port': 6443 },
  });
});

test.each([
  [{ status: 0 }, { 'error.type': 'no_answer' }],
  [{ status: 404 }, { 'error.type': '404', 'http.response.status_code': 404 }],
])('a failure is one: %j', (answer, attributes) => {
  tracing.cloudCall()({ ...CREATE, ...answer });
  expect(spans[0]).toMatchObject({ failed: true, attributes });
  expect('http.response.status_code' in (spans[0]?.attributes ?? {})).toBe(answer.status !== 0);
});

test('a reconcile that fails is a failure, and ends its span also when it throws', async () => {
  await tracing.reconcile(run, undefined, async () => 'error');
  await expect(
    tracing.reconcile(run, undefined, () => Promise.reject(new Error('secret'))),
  ).rejects.toThrow();
  expect(spans.map(({ failed }) => failed)).toEqual([true, false]);
  expect(JSON.stringify(spans)).not.toContain('secret');
});

test('a watch is no request, and what nobody reconciles has a trace of its own', () => {
  tracing.kubeRequest({ method: 'GET', path: '/api/v1/secrets', host: 'api', status: 200 });
  expect(spans).toEqual([]);
  tracing.cloudCall()({ ...CREATE, service: 'identity', method: 'GET' });
  expect(spans).toMatchObject([{ parentId: undefined, attributes: { 'peer.service': 'keystone' } }]);
});

test('a controller tells of each run', async () => {
  const { logger, lines } = memoryLogger();
  const queue = new WorkQueue();
  const stop = new AbortController();
  const controller = new Controller({
    ...{ name: 'heatstack', queue, concurrency: 1, logger, logs: new LogScope(logger) },
    reconcile: async () => {
      tracing.cloudCall()(CREATE);
      stop.abort();
      return {};
    },
    trace: (one, work) => tracing.reconcile(one, 'u-1', work),
  });
  queue.add('team/web');
  await controller.run(stop.signal);
  queue.shutDown();
  const [create, reconcile] = spans;
  expect(create?.parentId).toBe(reconcile?.id);
  const id = reconcile?.attributes['heatstack.reconcile.id'];
  expect(lines).toContainEqual(expect.objectContaining({ msg: 'reconciled', reconcileID: id }));
  expect(reconcile?.attributes['heatstack.reconcile.result']).toBe('success');
});
