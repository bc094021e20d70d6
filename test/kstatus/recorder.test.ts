import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { KubeClient, KubeTransport } from '../../src/kube/index.ts';
import {
  FakeApiServer,
  type OpenWatch,
  sendStatus,
  statusObject,
} from '../../src/kube/testing/fake-api-server.ts';
import { parseHistory } from './history.ts';
import { HistoryRecorder } from './recorder.ts';

let server: FakeApiServer;
let transport: KubeTransport;
let folder: string;
let file: string;

beforeEach(async () => {
  server = await FakeApiServer.start();
  transport = new KubeTransport(server.config(), { userAgent: 'test/1' });
  folder = mkdtempSync(join(tmpdir(), 'history-'));
  file = join(folder, 'history.jsonl');
});

afterEach(async () => {
  await transport.close();
  await server.stop();
  rmSync(folder, { recursive: true });
});

function stack(name: string, resourceVersion: string, spec: unknown = {}) {
  return {
    apiVersion: 'heatstack.dev/v1alpha1',
    kind: 'HeatStack',
    metadata: {
      name,
      namespace: 'team',
      uid: `uid-${name}`,
      resourceVersion,
      generation: 1,
      managedFields: [{ manager: 'kubectl', operation: 'Update' }],
    },
    spec,
    status: { observedGeneration: -1 },
  };
}

const start = () => HistoryRecorder.start(new KubeClient(transport), 'team', file);

/** The one open watch, from a version on. */
function openWatch(resourceVersion: string): Promise<OpenWatch> {
  return vi.waitFor(() => {
    const watch = server.openWatches.find(
      ({ request }) => request.query['resourceVersion'] === resourceVersion,
    );
    if (watch === undefined) throw new Error(`no watch from ${resourceVersion}`);
    return watch;
  });
}

function recorded(): string[] {
  return parseHistory(readFileSync(file, 'utf8')).versions.map(
    ({ event, object: { metadata } }) => `${event} ${metadata.name}@${metadata.resourceVersion}`,
  );
}

it('records every version, and which status was written by hand, without managed fields', async () => {
  const recorder = await start();
  const watch = await openWatch('100');
  expect(watch.request.path).toBe('/apis/heatstack.dev/v1alpha1/namespaces/team/heatstacks');
  watch.send('ADDED', stack('a', '101'));
  watch.send('MODIFIED', stack('a', '102'));
  watch.send('MODIFIED', stack('a', '103'));
  recorder.wroteByHand('102');
  watch.send('DELETED', stack('a', '104'));
  await recorder.stop();
  expect(recorded()).toEqual(['ADDED a@101', 'MODIFIED a@102', 'MODIFIED a@103', 'DELETED a@104']);
  const text = readFileSync(file, 'utf8');
  expect(parseHistory(text).byHand).toEqual(new Set(['102']));
  expect(text).not.toContain('managedFields');
  await vi.waitFor(() => expect(server.openWatches).toEqual([]));
});

it('waits at its end for what is there', async () => {
  const recorder = await start();
  const watch = await openWatch('100');
  server.objects.set('a', stack('a', '102'));
  watch.send('ADDED', stack('a', '101'));
  const stopped = recorder.stop();
  const lists = server.requests.length;
  await vi.waitFor(() => expect(server.requests.length).toBeGreaterThan(lists));
  watch.send('MODIFIED', stack('a', '102'));
  await stopped;
  expect(recorded()).toEqual(['ADDED a@101', 'MODIFIED a@102']);
});

it.each([
  ['a version', () => server.objects.set('a', stack('a', '102')), 'lacks the last of a'],
  ['a deletion', () => undefined, 'lacks the last of a deletion'],
])('fails at its end when %s is missing', async (_, change, message) => {
  const recorder = await start();
  const watch = await openWatch('100');
  watch.send('ADDED', stack('a', '101'));
  await vi.waitFor(() => expect(recorded()).toHaveLength(1));
  change();
  await expect(recorder.stop(50)).rejects.toThrow(message);
});

it('goes on where it was when the watch breaks', async () => {
  const recorder = await start();
  const watch = await openWatch('100');
  watch.send('ADDED', stack('a', '101'));
  await vi.waitFor(() => expect(recorded()).toHaveLength(1));
  server.watches.push((_request, response) => sendStatus(response, 503, 'ServiceUnavailable'));
  watch.tear();
  const next = await openWatch('101');
  next.send('MODIFIED', stack('a', '102'));
  next.end();
  server.objects.set('a', stack('a', '102'));
  await openWatch('102');
  await recorder.stop();
  expect(recorded()).toEqual(['ADDED a@101', 'MODIFIED a@102']);
});

it('says that versions may be missing when the API server does not know where it was', async () => {
  const recorder = await start();
  const watch = await openWatch('100');
  server.objects.set('a', stack('a', '205'));
  server.resourceVersion = '300';
  watch.send('ERROR', statusObject(410, 'Expired'));
  await openWatch('300');
  await recorder.stop();
  expect(recorded()).toEqual(['LISTED a@205']);
});

it.each([
  ['large', JSON.stringify({ template: { inline: 'x'.repeat(70_000) } })],
  ['deep', `{"template":${'['.repeat(20_000)}${']'.repeat(20_000)}}`],
])('leaves a spec out that is %s', async (_, spec) => {
  const recorder = await start();
  const watch = await openWatch('100');
  const event = JSON.stringify({ type: 'ADDED', object: stack('a', '101', 'SPEC') });
  watch.write(`${event.replace('"SPEC"', spec)}\n`);
  await vi.waitFor(() => expect(recorded()).toEqual(['ADDED a@101']));
  expect(readFileSync(file, 'utf8').length).toBeLessThan(1000);
  watch.send('DELETED', stack('a', '102'));
  await recorder.stop();
});
