import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CertificateAuthority, type KeyPair } from '../../testing/certificates.ts';
import { ConnectProxy } from '../../testing/connect-proxy.ts';
import { EndpointPolicy, type EndpointRules } from '../endpoint-policy.ts';
import type { Call } from './call.ts';
import { Transport } from './transport.ts';

const HOST = 'heat.example.com';
const CALL: Call = {
  service: 'orchestration',
  method: 'GET',
  url: `https://${HOST}/v1/p`,
  route: '/x',
  timeoutMs: 10_000,
  maxBytes: 1000,
  repeat: 'unsent',
  redirect: 'read',
  authenticated: false,
};

let directory: string;
let authority: CertificateAuthority;
let pair: KeyPair;
let server: Server;
let proxy: ConnectProxy;
let transports: Transport[];
/** What names lead to here. */
let names: Record<string, string[]>;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tunnel-'));
  authority = new CertificateAuthority(directory, 'ca');
  pair = authority.issue('heat', `DNS:${HOST}`);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

beforeEach(async () => {
  transports = [];
  names = { [HOST]: ['203.0.113.10'] };
  server = createServer(pair, (request, response) => response.end(`secure ${request.url}`));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy = await ConnectProxy.start((server.address() as AddressInfo).port);
});
afterEach(async () => {
  for (const transport of transports) await transport.close();
  await proxy[Symbol.asyncDispose]();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function transport(proxyEnv: Record<string, string>, rules?: EndpointRules): Transport {
  const resolve = async (hostname: string) => {
    const found = names[hostname];
    if (!found) throw Object.assign(new Error(hostname), { code: 'ENOTFOUND' });
    return found.map((address) => ({ address, family: 4 }));
  };
  const made = new Transport({
    tls: { verify: true, cacert: authority.cert },
    authenticator: { token: () => 'token', replace: async () => 'token' },
    userAgent: 'test',
    endpoints: rules && new EndpointPolicy(rules, resolve),
    proxyEnv,
    onRequest: () => {},
    onRetry: () => {},
    now: Date.now,
  });
  transports.push(made);
  return made;
}

describe('a proxy', () => {
  it('connects, and TLS is with the cloud; the connection is kept', async () => {
    const made = transport({ HTTPS_PROXY: proxy.url });
    expect(await made.request(CALL)).toMatchObject({ status: 200, body: 'secure /v1/p' });
    for (let n = 0; n < 10; n++) await made.request(CALL);
    // A second connection is made when a request comes before the last answer is quite done with.
    expect(proxy.asked.length).toBeLessThanOrEqual(2);
    expect(proxy.asked[0]).toBe(`${HOST}:443`);
  });

  it('connects for plain http, too', async () => {
    const plain = createHttpServer((_request, response) => response.end('plain'));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    await using toPlain = await ConnectProxy.start((plain.address() as AddressInfo).port);
    const made = transport({ http_proxy: toPlain.url });
    expect(await made.request({ ...CALL, url: `http://${HOST}:8004/v1` })).toMatchObject({ body: 'plain' });
    expect(toPlain.asked).toEqual([`${HOST}:8004`]);
    await made.close();
    plain.closeAllConnections();
    plain.close();
  });

  it('is told its user and password, and nobody else', async () => {
    const url = proxy.url.replace('//', '//me:s3cret@');
    proxy.refuse = 407;
    const error = await transport({ HTTPS_PROXY: url })
      .request(CALL)
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    expect(error).toMatchObject({ code: 'ConnectionFailed', notSent: true, retryable: false });
    expect(String(error)).toContain(`proxy 127.0.0.1:${proxy.port} didn't connect to ${HOST}:443 (407)`);
    expect(String(error)).not.toContain('s3cret');
    expect(proxy.authorizations).toEqual([`Basic ${Buffer.from('me:s3cret').toString('base64')}`]);
  });

  it('that is down is what the error tells of', async () => {
    const { url, port } = proxy;
    await proxy[Symbol.asyncDispose]();
    proxy = await ConnectProxy.start(0);
    await expect(transport({ HTTPS_PROXY: url }).request(CALL)).rejects.toMatchObject({
      code: 'ConnectionFailed',
      notSent: true,
      message: expect.stringContaining(`The proxy 127.0.0.1:${port} can't be reached (ECONNREFUSED)`),
    });
  });

  it('that is none is an error', async () => {
    await expect(transport({ HTTPS_PROXY: 'ftp://s3cret' }).request(CALL)).rejects.toMatchObject({
      code: 'ConfigError',
      message: expect.not.stringContaining('s3cret'),
    });
  });

  it('is not asked for loopback, nor for what NO_PROXY excepts', async () => {
    const { port } = server.address() as AddressInfo;
    const made = transport(
      { HTTPS_PROXY: proxy.url, NO_PROXY: 'example.com' },
      { refused: ['203.0.113.10'] },
    );
    const url = `https://127.0.0.1:${port}/v1`;
    await expect(made.request({ ...CALL, url })).rejects.toMatchObject({ code: 'EndpointRefused' });
    await expect(made.request(CALL)).rejects.toMatchObject({ code: 'EndpointRefused' });
    expect(proxy.asked).toEqual([]);
  });
});

describe('the rules for endpoints', () => {
  const ask = (url: string, rules: EndpointRules = {}) =>
    transport({ HTTPS_PROXY: proxy.url }, rules).request({ ...CALL, url });

  it('let a proxy connect to what they allow', async () => {
    expect(await ask(CALL.url)).toMatchObject({ status: 200 });
    expect(await ask(CALL.url, { allowed: ['*.example.com'] })).toMatchObject({ status: 200 });
    expect(await ask(CALL.url, { allowed: ['203.0.113.0/24'] })).toMatchObject({ status: 200 });
    // Unknown here, and allowed by name.
    names = {};
    expect(await ask(CALL.url, { allowed: [HOST] })).toMatchObject({ status: 200 });
    expect(proxy.asked).toHaveLength(4);
  });

  it.each<[string, string, EndpointRules, Record<string, string[]>]>([
    ['a metadata address', 'https://169.254.169.254/', {}, {}],
    ['another form of it', 'https://0xa9fea9fe/', {}, {}],
    ['a name that leads to one', CALL.url, {}, { [HOST]: ['169.254.169.254'] }],
    [
      'a name that leads to one, allowed by name',
      CALL.url,
      { allowed: [HOST] },
      { [HOST]: ['169.254.169.254'] },
    ],
    ['a name of which one address is refused', CALL.url, {}, { [HOST]: ['203.0.113.10', '169.254.169.254'] }],
    ['a refused network', CALL.url, { refused: ['203.0.113.0/24'] }, { [HOST]: ['203.0.113.10'] }],
    ['a name that is not listed', CALL.url, { allowed: ['other.example'] }, { [HOST]: ['203.0.113.10'] }],
    ['a network that is not listed', CALL.url, { allowed: ['10.0.0.0/8'] }, { [HOST]: ['203.0.113.10'] }],
    ['a name that only the proxy knows', CALL.url, {}, {}],
  ])('let it not connect to %s', async (_what, url, rules, known) => {
    names = known;
    await expect(ask(url, rules)).rejects.toMatchObject({ code: 'EndpointRefused', notSent: true });
    expect(proxy.asked).toEqual([]);
  });
});
