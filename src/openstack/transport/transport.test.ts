import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { ByteBudget } from '../byte-budget.ts';
import { EndpointPolicy } from '../endpoint-policy.ts';
import type { Call } from './call.ts';
import type { TlsOptions } from './pool.ts';
import { Transport, type TransportOptions } from './transport.ts';

const read = (name: string) => readFileSync(new URL(`../testdata/${name}`, import.meta.url), 'utf8');
const CERT = read('loopback-cert.pem');

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A transport of which each call is made once, without a token. */
function transport(options: Partial<TransportOptions> = {}): Transport {
  const authenticator = { token: () => 'token', replace: async () => 'token' };
  return new Transport({
    tls: { verify: true },
    authenticator,
    userAgent: 'test',
    onRequest: () => {},
    onRetry: () => {},
    now: Date.now,
    ...options,
  });
}

const CALL: Omit<Call, 'url'> = {
  service: 'orchestration',
  method: 'GET',
  route: '/x',
  timeoutMs: 10_000,
  maxBytes: 1000,
  repeat: 'unsent',
  redirect: 'read',
  authenticated: false,
};

/** A client, and a server that it talks to. */
async function serve(listener: RequestListener, tls?: TlsOptions, endpoints?: EndpointPolicy) {
  const server = tls
    ? createTlsServer({ cert: CERT, key: read('loopback-key.pem') }, listener)
    : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = transport({ tls: tls ?? { verify: true }, endpoints });
  cleanups.push(async () => {
    await client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const request = (settings: Partial<Call> = {}) =>
    client.request({
      ...CALL,
      url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/v1/p?q=1`,
      ...settings,
    });
  return { client, server, request, port };
}

describe('Transport', () => {
  it('gives any status, body and headers, and follows no redirect', async () => {
    const { request } = await serve((incoming, response) => {
      response.writeHead(302, {
        location: 'http://127.0.0.1:1/',
        'x-seen': `${incoming.method} ${incoming.url}`,
      });
      response.end('go');
    });
    const answer = await request({ method: 'POST', body: '{}' });
    expect(answer).toMatchObject({ status: 302, body: 'go' });
    expect(answer.header('x-seen')).toBe('POST /v1/p?q=1');
  });

  it.each([
    ['announced', { 'content-length': '1001' }],
    ['not announced', {}],
  ])('refuses a body over its limit, %s', async (_how, headers) => {
    const { request } = await serve((_incoming, response) => {
      response.writeHead(200, headers);
      response.end('x'.repeat(1001));
    });
    await expect(request()).rejects.toMatchObject({ code: 'ResponseTooLarge', status: 200 });
    expect((await request({ maxBytes: 1001 })).body).toHaveLength(1001);
  });

  it('stops reading a body that comes byte by byte', async () => {
    const { request } = await serve((_incoming, response) => {
      response.writeHead(200, { 'transfer-encoding': 'chunked' });
      response.flushHeaders();
      response.socket?.write('1\r\nx\r\n'.repeat(66_000));
    });
    await expect(request({ maxBytes: 100_000 })).rejects.toMatchObject({ code: 'ResponseTooLarge' });
  });

  it('keeps a body whole that comes in pieces', async () => {
    const text = '€'.repeat(20_000);
    const { request } = await serve((_incoming, response) => {
      response.writeHead(200, { 'transfer-encoding': 'chunked' });
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; at += 7) response.write(bytes.subarray(at, at + 7));
      response.end();
    });
    expect((await request({ maxBytes: 100_000 })).body).toBe(text);
  });

  it('stops reading a body that never ends', async () => {
    let sent = 0;
    const { request } = await serve((_incoming, response) => {
      const more = (): void => {
        sent += 65_536;
        if (!response.destroyed) response.write('x'.repeat(65_536), () => setImmediate(more));
      };
      more();
    });
    await expect(request({ maxBytes: 200_000 })).rejects.toMatchObject({ code: 'ResponseTooLarge' });
    expect(sent).toBeLessThan(50_000_000);
  });

  it('judges an error answer over 64 KiB by its status alone', async () => {
    const { request } = await serve((_incoming, response) => {
      response.writeHead(400).end('x'.repeat(64 * 1024 + 1));
    });
    const { status, body } = await request();
    expect(status).toBe(400);
    expect(body.length).toBeLessThanOrEqual(64 * 1024);
  });

  it('asks for no compression and takes none', async () => {
    const { request } = await serve((incoming, response) => {
      response.setHeader('x-asked', String(incoming.headers['accept-encoding']));
      if (incoming.method === 'POST') response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(incoming.method === 'POST' ? gzipSync('{}') : '{}');
    });
    expect((await request()).header('x-asked')).toBe('identity');
    await expect(request({ method: 'POST' })).rejects.toMatchObject({ code: 'InvalidResponse' });
  });

  it.each([
    ['no answer', () => {}],
    ['half an answer', (response: { write(text: string): void }) => response.write('{')],
  ])('gives up after its time: %s', async (_what, reply) => {
    const { request } = await serve((_incoming, response) => void reply(response));
    await expect(request({ timeoutMs: 1000 })).rejects.toMatchObject({
      code: 'Timeout',
      notSent: false,
      requestId: expect.stringMatching(/^req-[0-9a-f-]{36}$/),
      message: expect.stringMatching(
        /^Heat at http:\/\/127\.0\.0\.1:\d+ gave no complete answer within 1 s\.$/,
      ),
    });
  });

  it('ends with the reason of the signal, before and during a request', async () => {
    const abort = new AbortController();
    const reason = new Error('stop');
    const { request } = await serve(() => abort.abort(reason));
    await expect(request({ signal: abort.signal })).rejects.toBe(reason);
    await expect(request({ signal: abort.signal })).rejects.toBe(reason);
  });

  it('tells a broken connection from one that never was', async () => {
    const { request, server, port } = await serve((incoming) => incoming.socket.destroy());
    await expect(request()).rejects.toMatchObject({
      code: 'ConnectionFailed',
      notSent: false,
      retryable: true,
    });
    await new Promise((resolve) => server.close(resolve));
    await expect(request()).rejects.toMatchObject({
      code: 'ConnectionFailed',
      notSent: true,
      message: `Heat at http://127.0.0.1:${port} can't be reached (ECONNREFUSED); check the address and the network.`,
    });
  });

  it('ends what is under way and leaves no socket when closed', async () => {
    let arrived: () => void = () => {};
    const waiting = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const { request, client, server } = await serve(() => arrived());
    const pending = request();
    await waiting;
    const [result] = await Promise.allSettled([pending, client.close()]);
    expect(result).toMatchObject({
      status: 'rejected',
      reason: { code: 'ConnectionFailed', retryable: false },
    });
    // Ends only when the last connection has; nothing here closes them from this side.
    await new Promise((resolve) => server.close(resolve));
  });

  describe('with TLS', () => {
    const ok: RequestListener = (_incoming, response) => void response.end('ok');

    it('trusts the given CA', async () => {
      const { request } = await serve(ok, { verify: true, cacert: CERT });
      expect((await request()).body).toBe('ok');
    });

    it('trusts nobody else', async () => {
      const { request } = await serve(ok, { verify: true });
      await expect(request()).rejects.toMatchObject({
        code: 'ConnectionFailed',
        notSent: true,
        retryable: false,
        message: expect.stringContaining(
          "isn't trusted (DEPTH_ZERO_SELF_SIGNED_CERT); give its CA as cacert",
        ),
      });
    });

    it('trusts anybody when told not to verify', async () => {
      const { request } = await serve(ok, { verify: false });
      expect((await request()).body).toBe('ok');
    });
  });
});

describe('Transport with an endpoint policy', () => {
  const hello: RequestListener = (_incoming, response) => void response.end('hello');
  const loopback = async () => [{ address: '127.0.0.1', family: 4 }];

  it.each(['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]'])('sends nothing to %s', async (host) => {
    let connections = 0;
    const { request, server, port } = await serve(hello, undefined, new EndpointPolicy({}));
    server.on('connection', () => {
      connections += 1;
    });
    await expect(request({ url: `http://${host}:${port}/` })).rejects.toMatchObject({
      code: 'EndpointRefused',
      notSent: true,
    });
    expect(connections).toBe(0);
  });

  it.each([undefined, { verify: true, cacert: CERT }])('reaches what is allowed (%j)', async (tls) => {
    const { request, port } = await serve(
      hello,
      tls,
      new EndpointPolicy({ allowed: ['127.0.0.1'] }, loopback),
    );
    expect((await request()).body).toBe('hello');
    const byName = request({ url: `${tls ? 'https' : 'http'}://localhost:${port}/` });
    // The certificate is for the address alone.
    if (tls) await expect(byName).rejects.toThrow(/certificate of Heat at .* is for another host/);
    else expect((await byName).body).toBe('hello');
  });

  it('asks again for each new connection', async () => {
    const answers = ['127.0.0.1', '169.254.169.254'];
    const policy = new EndpointPolicy({ allowed: ['127.0.0.1'] }, async () => [
      { address: answers.shift() ?? '', family: 4 },
    ]);
    const { request, port } = await serve(
      (_incoming, response) => void response.setHeader('connection', 'close').end('hello'),
      undefined,
      policy,
    );
    const url = `http://rebind.example.com:${port}/`;
    expect((await request({ url })).body).toBe('hello');
    await expect(request({ url })).rejects.toMatchObject({ code: 'EndpointRefused' });
    expect(answers).toEqual([]);
  });
});

it('of answers that are too large together, the largest is given up', async () => {
  const more: (() => void)[] = [];
  const server = createServer((incoming, response) => {
    const [, bytes] = (incoming.url ?? '').split('/');
    response.write('x'.repeat(Number(bytes)));
    more.push(() => response.end('x'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = transport({ budget: new ByteBudget(10_000) });
  cleanups.push(async () => {
    await client.close();
    server.close();
  });
  const get = (bytes: number) =>
    client.request({ ...CALL, url: `http://127.0.0.1:${port}/${bytes}`, maxBytes: 100_000 });
  const largest = get(8_000);
  const refused = expect(largest).rejects.toMatchObject({ code: 'Overloaded' });
  const small = get(4_000);
  await refused;
  for (const finish of more) finish();
  expect((await small).body).toHaveLength(4_001);
  // What was held is free again.
  const next = get(9_000);
  await expect.poll(() => more.length).toBe(3);
  more[2]?.();
  expect((await next).body).toHaveLength(9_001);
});
