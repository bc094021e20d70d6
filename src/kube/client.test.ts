import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KubeClient } from './client.ts';
import {
  CONFIG_MAPS,
  EVENTS,
  type KubeObject,
  keyOf,
  NAMESPACES,
  type ResourceType,
  refOf,
} from './objects.ts';
import { configMap, FakeApiServer, sendJson, sendStatus } from './testing/fake-api-server.ts';
import { KubeTransport } from './transport.ts';

const WIDGETS: ResourceType = {
  group: 'example.org',
  version: 'v1alpha1',
  plural: 'widgets',
  kind: 'Widget',
};

interface Widget extends KubeObject {
  spec?: { size: number };
  status?: { ready: boolean };
}

let server: FakeApiServer;
let transport: KubeTransport;
let client: KubeClient;

beforeEach(async () => {
  server = await FakeApiServer.start();
  server.respond = (request, response) =>
    sendJson(response, 200, request.body ? JSON.parse(request.body) : widget('answer'));
  transport = new KubeTransport(server.config(), { userAgent: 'test/1' });
  client = new KubeClient(transport);
});

afterEach(async () => {
  await transport.close();
  await server.stop();
});

function widget(name: string): Widget {
  return {
    apiVersion: 'example.org/v1alpha1',
    kind: 'Widget',
    metadata: { name, namespace: 'ns', uid: 'u', resourceVersion: '5' },
    spec: { size: 1 },
  };
}

const calls = () => server.requests.map(({ method, path }) => `${method} ${path}`);

test('paths: core and other groups, namespaced or not, status', async () => {
  await client.get(WIDGETS, { namespace: 'ns', name: 'a/b' });
  await client.get(NAMESPACES, { name: 'ns' });
  await client.create(CONFIG_MAPS, configMap('c', ''));
  await client.replace(WIDGETS, widget('w'));
  await client.replaceStatus(WIDGETS, { ...widget('w'), status: { ready: true } });
  await client.mergePatch(EVENTS, { namespace: 'ns', name: 'e' }, { metadata: {}, note: 'n' });
  await client.delete(NAMESPACES, { name: 'ns' });
  expect(calls()).toEqual([
    'GET /apis/example.org/v1alpha1/namespaces/ns/widgets/a%2Fb',
    'GET /api/v1/namespaces/ns',
    'POST /api/v1/namespaces/ns/configmaps',
    'PUT /apis/example.org/v1alpha1/namespaces/ns/widgets/w',
    'PUT /apis/example.org/v1alpha1/namespaces/ns/widgets/w/status',
    'PATCH /apis/events.k8s.io/v1/namespaces/ns/events/e',
    'DELETE /api/v1/namespaces/ns',
  ]);
  expect(server.requests[5]?.headers['content-type']).toBe('application/merge-patch+json');
});

test("a 404 that isn't the API server's word about the object is an error, and no proof that there is none", async () => {
  server.respond = (_request, response) => {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n');
  };
  await expect(client.get(CONFIG_MAPS, { namespace: 'ns', name: 'a' })).rejects.toMatchObject({
    code: 'NotFound',
  });
  await expect(client.delete(CONFIG_MAPS, { namespace: 'ns', name: 'a' })).rejects.toMatchObject({
    code: 'NotFound',
  });
});

test('of what was written only the metadata comes back, if that is enough', async () => {
  const { metadata } = widget('w');
  server.respond = (_request, response) =>
    sendJson(response, 200, { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata });
  const patched = await client.mergePatch(WIDGETS, metadata, { metadata }, { metadataOnly: true });
  expect(patched).toEqual({ apiVersion: 'example.org/v1alpha1', kind: 'Widget', metadata });
  await client.create(WIDGETS, widget('w'), { metadataOnly: true });
  await client.replace(WIDGETS, widget('w'));
  const partial = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
  expect(server.requests.map(({ headers }) => headers.accept)).toEqual([
    partial,
    partial,
    'application/json',
  ]);
});

test('an empty name is refused, not taken for the collection', async () => {
  await expect(client.delete(WIDGETS, { namespace: 'ns', name: '' })).rejects.toThrow(
    'a Widget without a name',
  );
  expect(server.requests).toHaveLength(0);
});

test('what is sent back keeps all that was read, known or not, to the last digit', async () => {
  server.respond = (request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(
      request.body ||
        '{"metadata":{"name":"w","namespace":"ns","managedFields":[{"x":1}]},"spec":{"size":12345678901234567890}}',
    );
  };
  const read = await client.get<Widget>(WIDGETS, { namespace: 'ns', name: 'w' });
  if (read === undefined) throw new Error('nothing read');
  await client.replace(WIDGETS, read);
  expect(server.requests[1]?.body).toContain('"size":12345678901234567890');
  expect(server.requests[1]?.body).toContain('"managedFields":[{"x":1}]');
  expect(JSON.parse(server.requests[1]?.body ?? '')).toMatchObject({
    apiVersion: 'example.org/v1alpha1',
    kind: 'Widget',
  });
});

describe('get', () => {
  test('gives undefined when there is none', async () => {
    server.respond = (_request, response) => sendStatus(response, 404, 'NotFound');
    expect(await client.get(WIDGETS, { namespace: 'ns', name: 'w' })).toBeUndefined();
  });

  test('throws any other error', async () => {
    server.respond = (_request, response) => sendStatus(response, 403, 'Forbidden');
    await expect(client.get(WIDGETS, { namespace: 'ns', name: 'w' })).rejects.toMatchObject({
      code: 'Forbidden',
    });
  });

  test.each(['null', '[]', '{"metadata":null}', '{"spec":{}}'])(
    'does not take %s for an object',
    async (body) => {
      server.respond = (_request, response) => void response.end(body);
      await expect(client.get(WIDGETS, { namespace: 'ns', name: 'w' })).rejects.toMatchObject({
        code: 'InvalidResponse',
      });
    },
  );
});

test('of an object whose status is replaced nothing else is sent', async () => {
  const annotations = { big: 'x' };
  const object = { ...widget('w'), status: { ready: true } };
  await client.replaceStatus(WIDGETS, { ...object, metadata: { ...object.metadata, annotations } });
  expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({
    apiVersion: 'example.org/v1alpha1',
    kind: 'Widget',
    metadata: { name: 'w', namespace: 'ns', uid: 'u', resourceVersion: '5' },
    status: { ready: true },
  });
});

describe('list', () => {
  test('gives items their type, which built-in lists leave out', async () => {
    const { metadata } = configMap('a', '1');
    server.lists.push((_request, response) =>
      sendJson(response, 200, { metadata: { resourceVersion: '9' }, items: [{ metadata }] }),
    );
    const list = await client.list(CONFIG_MAPS, {
      namespace: 'ns',
      labelSelector: 'a=b',
      fieldSelector: 'c=d',
    });
    expect(list).toEqual({
      items: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata }],
      resourceVersion: '9',
    });
    expect(server.requests[0]?.query).toEqual({ labelSelector: 'a=b', fieldSelector: 'c=d', limit: '500' });
  });

  test('an empty one may have null items', async () => {
    server.lists.push((_request, response) =>
      sendJson(response, 200, { metadata: { resourceVersion: '9' }, items: null }),
    );
    expect(await client.list(CONFIG_MAPS)).toEqual({ items: [], resourceVersion: '9' });
    expect(calls()).toEqual(['GET /api/v1/configmaps']);
  });

  test('asks for smaller pages where objects are large, from where it was', async () => {
    // Four objects of 3 MiB are more than a page may have.
    const size = 3 * 1024 * 1024;
    const names = Array.from({ length: 6 }, (_, i) => `c${i}`);
    for (let i = 0; i < 20; i += 1) {
      server.lists.push(({ query }, response) => {
        const from = Number(query['continue'] ?? 0);
        const items = names.slice(from, from + Number(query['limit']));
        const to = from + items.length;
        sendJson(response, 200, {
          metadata: { resourceVersion: '9', ...(to < names.length && { continue: String(to) }) },
          items: items.map((name) => ({ ...configMap(name, '1'), data: { x: 'x'.repeat(size) } })),
        });
      });
    }
    const seen: number[] = [];
    for await (const { items } of client.pages(CONFIG_MAPS)) seen.push(items.length);
    expect(seen).toEqual([1, 1, 1, 1, 1, 1]);
    const asked = server.requests.map(({ query }) => `${query['limit']} from ${query['continue'] ?? 0}`);
    expect(asked.slice(0, 6)).toEqual([
      '500 from 0',
      '100 from 0',
      '20 from 0',
      '4 from 0',
      '1 from 0',
      '1 from 1',
    ]);
  });

  test('does not take something else for a list', async () => {
    server.lists.push((_request, response) => sendJson(response, 200, { items: [] }));
    await expect(client.list(CONFIG_MAPS)).rejects.toMatchObject({ code: 'InvalidResponse' });
  });
});

describe('delete', () => {
  test('may be bound to a uid and version', async () => {
    await client.delete(WIDGETS, { namespace: 'ns', name: 'w' }, { uid: 'u', resourceVersion: '5' });
    expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: 'Background',
      preconditions: { uid: 'u', resourceVersion: '5' },
    });
  });

  test('is content when there is none, and not with any other error', async () => {
    server.respond = (_request, response) => sendStatus(response, 404, 'NotFound');
    await client.delete(WIDGETS, { namespace: 'ns', name: 'w' });
    server.respond = (_request, response) => sendStatus(response, 409, 'Conflict');
    await expect(client.delete(WIDGETS, { namespace: 'ns', name: 'w' })).rejects.toMatchObject({
      code: 'Conflict',
    });
  });
});

test('keys and references', () => {
  for (const ref of [{ name: 'cluster-wide' }, { namespace: 'ns', name: 'a' }])
    expect(refOf(keyOf(ref))).toEqual(ref);
  expect(keyOf({ namespace: 'ns', name: 'a' })).toBe('ns/a');
});
