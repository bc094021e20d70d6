import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { CertificateAuthority } from '../testing/certificates.ts';
import { ConnectProxy } from '../testing/connect-proxy.ts';
import { proxyUrlOf } from './config.ts';
import { sendJson } from './testing/fake-api-server.ts';
import { KubeTransport } from './transport.ts';

const SERVER = 'https://api.example.com:6443';
const PROXY = 'http://proxy.example.com:3128';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'kube-proxy-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

test("the kubeconfig's proxy wins over the environment's, of which NO_PROXY excepts", () => {
  const env = { HTTPS_PROXY: PROXY };
  expect(proxyUrlOf({ server: SERVER }, {})).toBeUndefined();
  expect(proxyUrlOf({ server: SERVER }, env)).toBe(`${PROXY}/`);
  expect(proxyUrlOf({ server: SERVER, proxyUrl: 'socks5://own:1080' }, env)).toBe('socks5://own:1080');
  expect(proxyUrlOf({ server: SERVER }, { ...env, NO_PROXY: '.example.com' })).toBeUndefined();
  expect(proxyUrlOf({ server: 'https://127.0.0.1:6443' }, env)).toBeUndefined();
});

test('what a pod calls the API server is not for a proxy', () => {
  const env = { HTTPS_PROXY: PROXY, KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
  expect(proxyUrlOf({ server: 'https://10.0.0.1:443' }, env)).toBeUndefined();
  expect(proxyUrlOf({ server: SERVER }, env)).toBe(`${PROXY}/`);
});

test('a proxy that is none is an error that quotes nothing', () => {
  expect(() => proxyUrlOf({ server: SERVER }, { HTTPS_PROXY: 'ftp://s3cret' })).toThrow(
    'HTTPS_PROXY is no URL of an HTTP proxy, such as http://proxy.example.com:3128',
  );
});

test("requests go through the environment's proxy, which sees no more than the name", async () => {
  const authority = new CertificateAuthority(directory, 'ca');
  writeFileSync(path.join(directory, 'ca.crt'), authority.cert);
  const server = createServer(authority.issue('api', 'DNS:api.example.com'), (_request, response) =>
    sendJson(response, 200, { ok: true }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await using proxy = await ConnectProxy.start((server.address() as AddressInfo).port);
  vi.stubEnv('HTTPS_PROXY', proxy.url);
  vi.stubEnv('https_proxy', '');
  vi.stubEnv('NO_PROXY', '');
  vi.stubEnv('no_proxy', '');
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'c', server: SERVER, caFile: path.join(directory, 'ca.crt'), skipTLSVerify: false },
    { name: 'u' },
  );
  const transport = new KubeTransport(config, { userAgent: 'test/1' });
  expect(await transport.request({ method: 'GET', path: '/x' })).toEqual({ ok: true });
  expect(proxy.asked).toEqual(['api.example.com:6443']);
  await transport.close();

  proxy.refuse = 407;
  vi.stubEnv('HTTPS_PROXY', proxy.url.replace('//', '//me:s3cret@'));
  const refused = new KubeTransport(config, { userAgent: 'test/1' });
  await expect(refused.request({ method: 'GET', path: '/x' })).rejects.toMatchObject({
    code: 'ConnectionFailed',
    message: `GET /x: no answer from the API server through the proxy 127.0.0.1:${proxy.port} (UND_ERR_ABORTED)`,
  });
  await refused.close();
  server.closeAllConnections();
  server.close();
});
