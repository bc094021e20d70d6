import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { KubeConfig } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { CertificateAuthority } from '../testing/certificates.ts';
import { KubeError } from './errors.ts';
import { FakeApiServer, sendJson, sendStatus } from './testing/fake-api-server.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { type KubeRequest, KubeTransport } from './transport.ts';
import { WriteRefused } from './write-fence.ts';

const GET: KubeRequest = { method: 'GET', path: '/thing' };

async function failure(promise: Promise<unknown>): Promise<KubeError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof KubeError)) throw new Error(`not a KubeError: ${String(error)}`);
  return error;
}

describe('over http', () => {
  let server: FakeApiServer;
  let clock: FakeClock;
  let transport: KubeTransport;

  beforeEach(async () => {
    server = await FakeApiServer.start();
    server.respond = (_request, response) => sendJson(response, 200, { ok: true });
    clock = new FakeClock();
    transport = new KubeTransport(server.config(), { userAgent: 'test/1', clock });
  });

  afterEach(async () => {
    await transport.close();
    await server.stop();
  });

  test('uses few connections for many requests', async () => {
    for (let i = 0; i < 100; i++) await transport.request(GET);
    // A second one is opened when a request comes before the last answer is quite done with.
    expect(server.connections).toBeLessThanOrEqual(3);
    await Promise.all(Array.from({ length: 200 }, () => transport.request(GET)));
    expect(server.connections).toBeLessThanOrEqual(32);
    expect(server.requests).toHaveLength(300);
  });

  describe('with a fence', () => {
    let mayWrite: boolean;
    let fenced: KubeTransport;

    beforeEach(() => {
      mayWrite = true;
      const beforeWrite = () => {
        if (!mayWrite) throw new WriteRefused('not now');
      };
      fenced = new KubeTransport(server.config(), { userAgent: 'test/1', clock, beforeWrite });
    });

    afterEach(() => fenced.close());

    test.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)(
      'no %s is sent while it is shut',
      async (method) => {
        const write: KubeRequest = { method, path: '/thing', body: {} };
        await expect(fenced.request(write)).resolves.toEqual({ ok: true });
        mayWrite = false;
        await expect(fenced.request(write)).rejects.toThrow(new WriteRefused('not now'));
        await expect(fenced.request(GET)).resolves.toEqual({ ok: true });
        mayWrite = true;
        await expect(fenced.request(write)).resolves.toEqual({ ok: true });
        expect(server.requests.map((request) => request.method)).toEqual([method, 'GET', method]);
      },
    );

    test('a write that waited for a connection is judged when it has one', async () => {
      const answers: (() => void)[] = [];
      server.respond = (_request, response) => answers.push(() => sendJson(response, 200, { ok: true }));
      const all = Array.from({ length: 33 }, () =>
        fenced.request({ method: 'POST', path: '/thing', body: {} }),
      );
      const last = expect(all[32]).rejects.toThrow(WriteRefused);
      await vi.waitFor(() => expect(answers).toHaveLength(32));
      mayWrite = false;
      for (const answer of answers) answer();
      await Promise.all(all.slice(0, 32));
      await last;
      expect(server.requests).toHaveLength(32);
    });
  });

  test('open watches keep no request waiting', async () => {
    const stop = new AbortController();
    const watch = async () => {
      for await (const _event of transport.watch({
        path: '/things',
        query: { watch: true },
        signal: stop.signal,
      }));
    };
    const watches = Promise.allSettled(Array.from({ length: 40 }, watch));
    // Each watch needs a connection of its own; those over the limit of a pool would wait.
    await vi.waitFor(() => expect(server.openWatches.length).toBe(40));
    expect(await transport.request(GET)).toEqual({ ok: true });
    stop.abort();
    await watches;
  });

  test('sends headers, query and JSON', async () => {
    await transport.request({
      method: 'PATCH',
      path: '/a/b',
      query: { labelSelector: 'a=b,c!=d', limit: 5, missing: undefined },
      body: { n: JSON.parse('1') },
      contentType: 'application/merge-patch+json',
    });
    expect(server.requests[0]).toMatchObject({
      method: 'PATCH',
      path: '/a/b',
      query: { labelSelector: 'a=b,c!=d', limit: '5' },
      body: '{"n":1}',
      headers: {
        authorization: 'Bearer sesame',
        'user-agent': 'test/1',
        accept: 'application/json',
        'content-type': 'application/merge-patch+json',
      },
    });
  });

  test('keeps the path of the server URL', async () => {
    const config = server.config();
    const cluster = config.getCurrentCluster();
    Object.assign(cluster ?? {}, { server: `${server.url}/k8s/clusters/c-1/` });
    const behindPath = new KubeTransport(config, { userAgent: 'test/1' });
    await behindPath.request(GET);
    await behindPath.close();
    expect(server.requests[0]?.path).toBe('/k8s/clusters/c-1/thing');
  });

  test('keeps every digit', async () => {
    server.respond = (request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(request.method === 'GET' ? '{"n":9007199254740993}' : request.body);
    };
    const read = await transport.request(GET);
    const written = await transport.request({ method: 'PUT', path: '/thing', body: read });
    expect(server.requests[1]?.body).toBe('{"n":9007199254740993}');
    expect(JSON.stringify(written)).toBe('{"n":9007199254740993}');
  });

  test.each([
    [400, 'BadRequest', 'BadRequest'],
    [401, 'Unauthorized', 'Unauthorized'],
    [403, 'Forbidden', 'Forbidden'],
    [404, 'NotFound', 'NotFound'],
    [409, 'Conflict', 'Conflict'],
    [409, 'AlreadyExists', 'AlreadyExists'],
    [410, 'Gone', 'Expired'],
    [410, 'Expired', 'Expired'],
    [422, 'Invalid', 'Invalid'],
    [500, 'InternalError', 'ServerError'],
    [504, 'Timeout', 'Timeout'],
  ])('status %i %s is %s', async (status, reason, code) => {
    server.respond = (_request, response) => sendStatus(response, status, reason);
    const error = await failure(transport.request(GET));
    expect(error).toMatchObject({ code, status, reason });
    expect(error.message).toBe(`GET /thing: ${status} ${reason}: told ${reason}`);
    expect(server.requests).toHaveLength(1);
  });

  test.each([400, 422])(
    'a refusal of what was sent (%i) names fields and quotes no value',
    async (status) => {
      const causes = [
        { reason: 'FieldValueTooLong', field: 'status.cloud.endpoint', message: 's3cret is too long' },
      ];
      server.respond = (_request, response) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ kind: 'Status', reason: 'X', message: 's3cret', details: { causes } }));
      };
      const sent = await failure(transport.request({ method: 'PUT', path: '/thing', body: {} }));
      expect(sent.message).toBe(`PUT /thing: ${status} X: status.cloud.endpoint (FieldValueTooLong)`);
      // Of a request without a body there is nothing to quote.
      expect((await failure(transport.request(GET))).message).toBe(`GET /thing: ${status} X: s3cret`);
    },
  );

  test('a body that is no Status is not quoted', async () => {
    server.respond = (_request, response) => {
      response.writeHead(502, { 'content-type': 'text/html' });
      response.end('<h1>proxy secret</h1>');
    };
    const error = await failure(transport.request(GET));
    expect(error).toMatchObject({ code: 'ServerError', status: 502 });
    expect(error.message).toBe('GET /thing: 502 with a body of text/html instead of a Kubernetes Status');
  });

  test('a redirect is not followed', async () => {
    server.respond = (_request, response) =>
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    expect(await failure(transport.request(GET))).toMatchObject({ code: 'InvalidResponse', status: 302 });
  });

  test('an answer that is not JSON is an InvalidResponse', async () => {
    server.respond = (_request, response) => void response.end('hello');
    expect(await failure(transport.request(GET))).toMatchObject({ code: 'InvalidResponse' });
  });

  test.each([429, 503])('a GET answered %i with Retry-After is repeated after that time', async (status) => {
    let refusals = 2;
    server.respond = (_request, response) => {
      if (refusals-- > 0) sendStatus(response, status, 'Busy', { 'retry-after': '3' });
      else sendJson(response, 200, { ok: true });
    };
    const answer = transport.request(GET);
    for (let i = 0; i < 2; i++) {
      await vi.waitFor(() => expect(clock.sleeping).toEqual([3000]));
      await clock.advance(3000);
    }
    expect(await answer).toEqual({ ok: true });
    expect(server.requests).toHaveLength(3);
  });

  test('a GET is repeated a few times only', async () => {
    server.respond = (_request, response) => sendStatus(response, 429, 'Busy', { 'retry-after': '0' });
    const answer = failure(transport.request(GET));
    for (let i = 1; i <= 3; i++) {
      await vi.waitFor(() => expect(server.requests).toHaveLength(i));
      await vi.waitFor(() => expect(clock.sleeping).toEqual([0]));
      await clock.advance(0);
    }
    expect(await answer).toMatchObject({ code: 'TooManyRequests', retryAfterMs: 0 });
    expect(server.requests).toHaveLength(4);
  });

  test.each([
    ['a PUT', 'PUT', { 'retry-after': '1' }],
    ['a GET without Retry-After', 'GET', {}],
    ['a GET with a long Retry-After', 'GET', { 'retry-after': '60' }],
  ] as const)('%s is not repeated', async (_name, method, headers) => {
    server.respond = (_request, response) => sendStatus(response, 503, 'Busy', headers);
    expect(await failure(transport.request({ ...GET, method }))).toMatchObject({ code: 'ServerError' });
    expect(server.requests).toHaveLength(1);
  });

  test('a body over the limit is not read', async () => {
    server.respond = (_request, response) => sendJson(response, 200, 'x'.repeat(3_000_000));
    const error = await failure(transport.request({ ...GET, maxBytes: 2 * 1024 * 1024 }));
    expect(error).toMatchObject({ code: 'ResponseTooLarge' });
    expect(error.message).toContain('2 MiB');
  });

  test.each([
    ['before the headers', () => undefined],
    ['in the body', (_: unknown, response: { write(text: string): unknown }) => void response.write('{"a":')],
  ])('an answer that stalls %s times out', async (_name, respond) => {
    server.respond = respond;
    const error = await failure(transport.request({ ...GET, timeoutMs: 50 }));
    expect(error).toMatchObject({ code: 'Timeout' });
    expect(error.message).toBe('GET /thing: no answer within 0.05 s');
  });

  test('what was given up while it waited for a connection is not sent', async () => {
    const answers: (() => void)[] = [];
    server.respond = (_request, response) => answers.push(() => sendJson(response, 200, { ok: true }));
    const put: KubeRequest = { method: 'PUT', path: '/thing', body: {} };
    const all = Array.from({ length: 32 }, () => transport.request(put));
    await vi.waitFor(() => expect(answers).toHaveLength(32));
    expect(await failure(transport.request({ ...put, timeoutMs: 20 }))).toMatchObject({ code: 'Timeout' });
    const stop = new AbortController();
    const stopped = transport.request({ ...put, signal: stop.signal });
    stop.abort(new Error('stopping'));
    await expect(stopped).rejects.toThrow('stopping');
    for (const answer of answers) answer();
    await Promise.all(all);
    server.respond = (_request, response) => sendJson(response, 200, { ok: true });
    expect(await transport.request(GET)).toEqual({ ok: true });
    expect(server.requests).toHaveLength(33);
  });

  test.each([
    ['an error', new Error('stopping')],
    // As `abort()` without a reason gives; its `code` must not be taken for that of a connection.
    ['an AbortError', new DOMException('aborted', 'AbortError')],
  ])('an abort gives its reason: %s', async (_name, reason) => {
    server.respond = () => undefined;
    const stop = new AbortController();
    const answer = transport.request({ ...GET, method: 'PUT', signal: stop.signal });
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    stop.abort(reason);
    await expect(answer).rejects.toBe(reason);
    await expect(transport.request({ ...GET, signal: stop.signal })).rejects.toBe(reason);
    expect(server.requests).toHaveLength(1);
  });

  test('the time to wait may come in the Status as well', async () => {
    const details = { retryAfterSeconds: 60 };
    server.respond = (_request, response) =>
      sendJson(response, 500, { kind: 'Status', code: 500, reason: 'ServerTimeout', message: 'm', details });
    expect(await failure(transport.request(GET))).toMatchObject({
      code: 'ServerError',
      retryAfterMs: 60_000,
    });
  });

  test('a server that is away is a ConnectionFailed', async () => {
    await server.stop();
    const error = await failure(transport.request({ ...GET, method: 'PUT' }));
    expect(error).toMatchObject({ code: 'ConnectionFailed', status: undefined });
    expect(error.message).toBe('PUT /thing: no answer from the API server (ECONNREFUSED)');
  });

  test('after close nothing is sent', async () => {
    await transport.close();
    expect(await failure(transport.request(GET))).toMatchObject({ code: 'ConnectionFailed' });
    expect(server.requests).toHaveLength(0);
  });

  test('a watch refuses a line that is too long', async () => {
    server.watches.push((_request, response) => void response.end('x'.repeat(9_000_000)));
    const read = async () => {
      const { signal } = new AbortController();
      for await (const _event of transport.watch({ path: '/things', query: { watch: true }, signal }));
    };
    expect(await failure(read())).toMatchObject({ code: 'ResponseTooLarge' });
  });

  test('leaving the loop closes the watch', async () => {
    const { signal } = new AbortController();
    server.watches.push((request, response) => server.openWatch(request, response).send('ADDED', {}));
    for await (const event of transport.watch({ path: '/things', query: { watch: true }, signal })) {
      expect(event).toEqual({ type: 'ADDED', object: {} });
      break;
    }
    await vi.waitFor(() => expect(server.openWatches).toHaveLength(0));
  });
});

describe('over https', () => {
  let directory: string;
  const file = (name: string) => path.join(directory, name);

  /** A CA and a certificate of it for each name. */
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'kube-transport-'));
    const authority = new CertificateAuthority(directory, 'test-ca');
    writeFileSync(file('ca.crt'), authority.cert);
    for (const name of ['server', 'client-a', 'client-b']) {
      const { cert, key } = authority.issue(name, 'DNS:kubernetes');
      writeFileSync(file(`${name}.crt`), cert);
      writeFileSync(file(`${name}.key`), key);
    }
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  async function startServer() {
    const clients: string[] = [];
    const server = createHttpsServer(
      {
        key: readFileSync(file('server.key')),
        cert: readFileSync(file('server.crt')),
        ca: readFileSync(file('ca.crt')),
        requestCert: true,
        rejectUnauthorized: false,
      },
      (request, response) => {
        const certificate = (request.socket as TLSSocket).getPeerCertificate();
        clients.push(String(certificate.subject?.CN ?? 'nobody'));
        sendJson(response, 200, { ok: true });
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const stop = async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
    return { port, clients, url: `https://127.0.0.1:${port}`, stop };
  }

  function configFor(cluster: object, user: object = {}): KubeConfig {
    const config = new KubeConfig();
    config.loadFromOptions({
      clusters: [{ name: 'c', skipTLSVerify: false, ...cluster }],
      users: [{ name: 'u', ...user }],
      contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
      currentContext: 'x',
    });
    return config;
  }

  async function requestOnce(config: KubeConfig) {
    const transport = new KubeTransport(config, { userAgent: 'test/1' });
    try {
      return await transport.request(GET);
    } finally {
      await transport.close();
    }
  }

  test('trusts the CA given, under the server name given, and no other', async () => {
    const server = await startServer();
    try {
      const trusted = { server: server.url, caFile: file('ca.crt'), tlsServerName: 'kubernetes' };
      expect(await requestOnce(configFor(trusted))).toEqual({ ok: true });
      const caData = readFileSync(file('ca.crt')).toString('base64');
      expect(await requestOnce(configFor({ ...trusted, caFile: undefined, caData }))).toEqual({ ok: true });
      expect(await requestOnce(configFor({ server: server.url, skipTLSVerify: true }))).toEqual({ ok: true });
      for (const wrong of [{ caFile: undefined }, { tlsServerName: undefined }, { tlsServerName: 'other' }]) {
        const error = await failure(requestOnce(configFor({ ...trusted, ...wrong })));
        expect(error).toMatchObject({ code: 'ConnectionFailed' });
        expect(error.message).toMatch(/\((ERR_TLS_CERT_ALTNAME_INVALID|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/);
      }
    } finally {
      await server.stop();
    }
  });

  test('shows its certificate, and a new one once it is there', async () => {
    const server = await startServer();
    const cluster = { server: server.url, caFile: file('ca.crt'), tlsServerName: 'kubernetes' };
    const user: Record<string, unknown> = { certFile: file('client-a.crt'), keyFile: file('client-a.key') };
    const clock = new FakeClock();
    const config = configFor(cluster, user);
    const transport = new KubeTransport(config, { userAgent: 'test/1', clock });
    try {
      await transport.request(GET);
      Object.assign(config.getCurrentUser() ?? {}, {
        certFile: file('client-b.crt'),
        keyFile: file('client-b.key'),
      });
      await transport.request(GET);
      await clock.advance(30_000);
      await transport.request(GET);
      expect(server.clients).toEqual(['client-a', 'client-a', 'client-b']);
    } finally {
      await transport.close();
      await server.stop();
    }
  });

  test('goes through the proxy of the kubeconfig', async () => {
    const server = await startServer();
    const targets: string[] = [];
    const proxy = createTcpServer((socket) => {
      socket.once('data', (head) => {
        targets.push(head.toString('latin1').split('\r\n', 1)[0] ?? '');
        const upstream = connect(server.port, '127.0.0.1', () => {
          socket.write('HTTP/1.1 200 OK\r\n\r\n');
          socket.pipe(upstream).pipe(socket);
        });
        upstream.on('error', () => socket.destroy());
        socket.on('error', () => upstream.destroy());
        socket.on('close', () => upstream.destroy());
      });
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      const cluster = { server: server.url, caFile: file('ca.crt'), tlsServerName: 'kubernetes', proxyUrl };
      expect(await requestOnce(configFor(cluster))).toEqual({ ok: true });
      expect(targets).toEqual([`CONNECT 127.0.0.1:${server.port} HTTP/1.1`]);
    } finally {
      await server.stop();
      await new Promise((resolve) => proxy.close(resolve));
    }
  });
});
