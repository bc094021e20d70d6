import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { RecordedSpan } from '../../support/recording-tracer.ts';
import { eventually, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('traces');
const PROVIDER = fileURLToPath(new URL('./provider.ts', import.meta.url));

test('a reconcile is traced down to its requests', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'heatstack-traces-'));
  const file = join(folder.path, 'spans');
  const operator = await s.startOperator([], undefined, {
    nodeArgs: ['--import', PROVIDER],
    env: { SPANS_FILE: file },
  });
  await s.apply('web', { template: { inline: RANDOM_STRING } });
  const { metadata, status } = await s.ready('web');
  let spans: RecordedSpan[] = [];
  const ofWeb = (): RecordedSpan[] =>
    spans.filter(({ attributes }) => attributes['heatstack.object.uid'] === metadata.uid);
  const childrenOf = (id: string): string[] =>
    spans.filter(({ parentId }) => parentId === id).map(({ name }) => name);
  await eventually(
    async () => {
      const text = await readFile(file, 'utf8');
      spans = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as RecordedSpan]));
      // The one that wrote Ready ends after that.
      return (
        ofWeb().length > 1 && ofWeb().some(({ id }) => childrenOf(id).includes('GET /stacks/{name}/{id}'))
      );
    },
    () => JSON.stringify(spans.map(({ name, parentId }) => [name, parentId])),
  );

  const first = ofWeb().find(({ id }) => childrenOf(id).includes('POST /stacks'));
  expect(first).toMatchObject({
    name: 'reconcile heatstack',
    failed: false,
    attributes: {
      'k8s.namespace.name': s.namespace,
      'heatstack.object.name': 'web',
      'heatstack.reconcile.result': 'requeue_after',
    },
  });
  expect(first?.parentId).toBeUndefined();
  const kind = '/apis/heatstack.dev/v1alpha1/namespaces/{namespace}/heatstacks/{name}';
  expect(childrenOf(first?.id ?? '')).toEqual(
    expect.arrayContaining([`GET ${kind}`, `PUT ${kind}/status`, 'POST /auth/tokens', 'POST /stacks']),
  );
  const create = spans.find(({ name }) => name === 'POST /stacks');
  expect(create).toMatchObject({
    traceId: first?.traceId,
    attributes: {
      'peer.service': 'heat',
      'server.address': '127.0.0.1',
      'http.response.status_code': 201,
      'openstack.request_id': expect.stringMatching(/^req-/),
    },
  });
  expect(create?.start).toBeGreaterThanOrEqual(Math.floor(first?.start ?? 0));
  expect(create?.end).toBeLessThanOrEqual(Math.ceil(first?.end ?? 0));
  // The line of the log that tells of the same reconcile.
  const line = operator.log().find(({ method, route }) => method === 'POST' && route === '/stacks');
  expect(first?.attributes['heatstack.reconcile.id']).toBe(line?.['reconcileID']);
  // Shared by all stacks of a login: nobody's.
  const shared = spans.filter(({ name }) => name === 'GET /stacks');
  expect(shared.some(({ parentId }) => parentId === undefined)).toBe(true);

  const text = JSON.stringify(spans);
  expect(text).not.toContain(status.id);
  expect(text).not.toMatch(/password|gAAAA|openstack-clouds|\?/);
});
