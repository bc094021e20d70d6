/** In a pod: the token and the CA of the service account are replaced on disk, and the API server changes with them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { CertificateAuthority, type KeyPair } from '../testing/certificates.ts';
import { loadKubeConfig } from './config.ts';
import { sendJson, sendStatus } from './testing/fake-api-server.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { memoryLogger } from './testing/memory-logger.ts';
import { type KubeRequest, KubeTransport } from './transport.ts';

const GET: KubeRequest = { method: 'GET', path: '/thing' };
const POST: KubeRequest = { method: 'POST', path: '/things', body: {} };

let directory: string;
let oldAuthority: CertificateAuthority;
let newAuthority: CertificateAuthority;
let oldPair: KeyPair;
let newPair: KeyPair;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'kube-rotation-'));
  oldAuthority = new CertificateAuthority(directory, 'old');
  newAuthority = new CertificateAuthority(directory, 'new');
  oldPair = oldAuthority.issue('server', 'IP:127.0.0.1');
  newPair = newAuthority.issue('server', 'IP:127.0.0.1');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let server: Server;
/** Each request that came, with its token. */
let received: string[];
/** The one token that is good. */
let token: string;
let watches: ServerResponse[];
let clock: FakeClock;
let log: ReturnType<typeof memoryLogger>;
let transport: KubeTransport;

const write = (name: string, content: string) => writeFileSync(path.join(directory, name), content);

beforeEach(async () => {
  received = [];
  watches = [];
  token = 'one';
  server = createServer(oldPair, (request, response) => {
    const sent = request.headers.authorization ?? '';
    received.push(`${request.method} ${sent}`);
    if (sent !== `Bearer ${token}`) sendStatus(response, 401, 'Unauthorized');
    else if (request.url?.includes('watch')) {
      response.writeHead(200).flushHeaders();
      watches.push(response);
    } else sendJson(response, 200, { ok: true });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  write('token', 'one\n');
  write('ca.crt', oldAuthority.cert);
  const env = {
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: String((server.address() as AddressInfo).port),
  };
  // It stands still: nothing is read anew because time has passed.
  clock = new FakeClock();
  log = memoryLogger();
  const config = loadKubeConfig({ env, home: directory, serviceAccountDir: directory });
  transport = new KubeTransport(config, { userAgent: 'test/1', clock, logger: log.logger });
});

afterEach(async () => {
  await transport.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Opens a watch; its first line comes when the server sends one. */
function watch() {
  const stop = new AbortController();
  const lines = transport.watch({ path: '/watch', signal: stop.signal });
  return { first: lines.next(), next: () => lines.next(), stop };
}

/** Sends a line to the newest watch, once there is one. */
async function sends(line: object): Promise<void> {
  await vi.waitFor(() => expect(watches).not.toHaveLength(0));
  watches.at(-1)?.write(`${JSON.stringify(line)}\n`);
}

test('a token is replaced before the API server refuses the old one', async () => {
  await transport.request(GET);
  write('token', 'two\n');
  token = 'two';
  await clock.advance(30_000);
  await transport.request(GET);
  expect(received).toEqual(['GET Bearer one', 'GET Bearer two']);
});

test('a refused token is read anew, and the request sent again', async () => {
  await transport.request(GET);
  write('token', 'two\n');
  token = 'two';
  expect(await transport.request(POST)).toEqual({ ok: true });
  expect(received).toEqual(['GET Bearer one', 'POST Bearer one', 'POST Bearer two']);

  write('token', 'three\n');
  token = 'three';
  const { first, stop } = watch();
  await sends({ n: 1 });
  expect(await first).toEqual({ done: false, value: { n: 1 } });
  stop.abort();
  expect(log.text()).not.toMatch(/one|two|three/);
});

test('a refused token that is the one on disk is an error, and each request sent once', async () => {
  token = 'two';
  await expect(transport.request(POST)).rejects.toMatchObject({ code: 'Unauthorized' });
  await expect(watch().first).rejects.toMatchObject({ code: 'Unauthorized' });
  expect(received).toEqual(['POST Bearer one', 'GET Bearer one']);
});

test('a new CA is trusted as soon as the API server shows a certificate of it; what runs goes on', async () => {
  const { first, next, stop } = watch();
  await sends({ n: 1 });
  await first;
  await transport.request(GET);

  server.setSecureContext(newPair);
  server.closeIdleConnections();
  await expect(transport.request(POST)).rejects.toMatchObject({
    code: 'ConnectionFailed',
    message: expect.stringMatching(/\((UNABLE_TO_|SELF_SIGNED_|CERT_)/),
  });
  write('ca.crt', newAuthority.cert);
  expect(await transport.request(POST)).toEqual({ ok: true });
  expect(received.filter((each) => each.startsWith('POST'))).toHaveLength(1);

  const second = next();
  watches[0]?.write('{"n":2}\n');
  expect(await second).toEqual({ done: false, value: { n: 2 } });
  const other = watch();
  await vi.waitFor(() => expect(watches).toHaveLength(2));
  watches[1]?.write('{"n":3}\n');
  expect(await other.first).toEqual({ done: false, value: { n: 3 } });
  stop.abort();
  other.stop.abort();
});

test('a CA that is replaced by both is used for new connections within 30 s', async () => {
  await transport.request(GET);
  write('ca.crt', oldAuthority.cert + newAuthority.cert);
  await clock.advance(30_000);
  await transport.request(GET);
  server.setSecureContext(newPair);
  server.closeIdleConnections();
  expect(await transport.request(POST)).toEqual({ ok: true });
});
