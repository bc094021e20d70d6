import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadKubeConfig } from './config.ts';
import { Credentials } from './credentials.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { memoryLogger } from './testing/memory-logger.ts';

let directory: string;
let clock: FakeClock;
let log: ReturnType<typeof memoryLogger>;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'kube-credentials-'));
  clock = new FakeClock();
  log = memoryLogger();
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const file = (name: string) => path.join(directory, name);

function credentialsOf(user: object): Credentials {
  writeFileSync(
    file('config'),
    JSON.stringify({
      clusters: [{ name: 'c', cluster: { server: 'https://c.example' } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  );
  return new Credentials(loadKubeConfig({ kubeconfig: file('config') }), log.logger, clock);
}

const authorization = async (credentials: Credentials) => (await credentials.get()).headers['authorization'];

describe('a token file', () => {
  test('wins over a token, is trimmed, and its new content is used within a minute', async () => {
    writeFileSync(file('token'), 'one\n');
    const credentials = credentialsOf({ tokenFile: 'token', token: 'not this' });
    expect(await authorization(credentials)).toBe('Bearer one');
    writeFileSync(file('token'), 'two\n');
    expect(await authorization(credentials)).toBe('Bearer one');
    await clock.advance(30_000);
    expect(await authorization(credentials)).toBe('Bearer two');
  });

  test('that is missing or empty for a while leaves the last good token in use', async () => {
    writeFileSync(file('token'), 'one');
    const credentials = credentialsOf({ tokenFile: file('token') });
    await credentials.get();
    writeFileSync(file('token'), '\n');
    await clock.advance(60_000);
    expect(await authorization(credentials)).toBe('Bearer one');
    expect(log.text()).toContain('the last ones stay in use');
    rmSync(file('token'));
    await clock.advance(60_000);
    expect(await authorization(credentials)).toBe('Bearer one');
    writeFileSync(file('token'), 'two');
    await clock.advance(60_000);
    expect(await authorization(credentials)).toBe('Bearer two');
  });

  test('that never was there is an error', async () => {
    await expect(credentialsOf({ tokenFile: file('token') }).get()).rejects.toMatchObject({
      code: 'ConfigError',
      message: expect.stringContaining(file('token')),
    });
  });
});

test('a static token and a password', async () => {
  expect(await authorization(credentialsOf({ token: 'abc\n' }))).toBe('Bearer abc');
  const basic = await authorization(credentialsOf({ username: 'me', password: 'pass' }));
  expect(basic).toBe(`Basic ${Buffer.from('me:pass').toString('base64')}`);
});

test('impersonation', async () => {
  const { headers } = await credentialsOf({ token: 'abc', as: 'someone' }).get();
  expect(headers['impersonate-user']).toBe('someone');
});

test('a certificate file that cannot be read leaves the last one in use, and says so', async () => {
  writeFileSync(file('crt'), 'PEM 1');
  writeFileSync(file('key'), 'KEY');
  const credentials = credentialsOf({ 'client-certificate': 'crt', 'client-key': 'key' });
  const before = await credentials.get();
  expect(before.tls).toMatchObject({ cert: 'PEM 1', key: 'KEY' });
  rmSync(file('crt'));
  await clock.advance(60_000);
  expect(await credentials.get()).toBe(before);
  expect(log.text()).toContain('the last ones stay in use');
  writeFileSync(file('crt'), 'PEM 2');
  await clock.advance(60_000);
  const after = await credentials.get();
  expect(after.tls.cert).toBe('PEM 2');
  expect(after.tlsId).not.toBe(before.tlsId);
});

describe('an exec plugin', () => {
  const plugin = (script: string) =>
    credentialsOf({
      exec: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: process.execPath,
        args: ['-e', script],
      },
    });

  test('is asked once by many requests, and again after a 401 when its token has expired', async () => {
    const calls = JSON.stringify(file('calls'));
    const credentials = plugin(`
      require('node:fs').appendFileSync(${calls}, 'x');
      const token = 'token-' + require('node:fs').readFileSync(${calls}, 'utf8').length;
      console.log(JSON.stringify({ status: { token, expirationTimestamp: '2020-01-01T00:00:00Z' } }));`);
    const tokens = await Promise.all(Array.from({ length: 5 }, () => authorization(credentials)));
    expect(new Set(tokens)).toEqual(new Set(['Bearer token-1']));
    expect(await credentials.renew(await credentials.get())).toBe(true);
    expect(await authorization(credentials)).toBe('Bearer token-2');
  });

  test('that fails is an error with what it said', async () => {
    await expect(plugin(`console.error('please log in'); process.exit(1)`).get()).rejects.toMatchObject({
      code: 'ConfigError',
      message: 'cannot get the credentials for the API server: please log in',
    });
  });
});
