import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Connection, type ConnectOptions, connect } from '../../../src/openstack/index.ts';
import { heatOf } from '../../../src/openstack/testdata/fake-cloud.ts';
import { bed } from '../../support/scenario.ts';
import { cloud, type Person, person } from './people.ts';
import { programs } from './servers.ts';

const pair = v.object({ cert: v.string(), key: v.string() });
const certificates = v.object({
  cacert: v.string(),
  otherCacert: v.string(),
  here: pair,
  expired: pair,
  elsewhere: pair,
  client: pair,
  stranger: pair,
});

let pem: v.InferOutput<typeof certificates>;
let demo: Person;
/** Closed after each test. */
const open: (Server | Connection)[] = [];

beforeAll(async () => {
  const { environment } = await programs();
  const program = fileURLToPath(new URL('./certificates.py', import.meta.url));
  const { stdout } = await promisify(execFile)(environment.python, [program]);
  pem = v.parse(certificates, JSON.parse(stdout));
  demo = await person(bed().clouds, 'demo');
});

afterEach(async () => {
  for (const each of open.splice(0)) {
    if ('closeAllConnections' in each) each.closeAllConnections();
    await each.close();
  }
});

/** Serves what is at an address over TLS. @returns the new address. */
async function overTls(address: string, tls: ServerOptions): Promise<string> {
  const { hostname, port, pathname } = new URL(address);
  const server = createServer(tls, (request, response) => {
    const { method, url, headers } = request;
    const passed = httpRequest({ hostname, port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(server);
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`;
}

interface Setting {
  /** The servers' own settings; Heat's are Keystone's unless given. */
  keystone?: ServerOptions;
  heat?: ServerOptions;
  /** What the client is given. */
  client?: { cacert?: string; cert?: string; key?: string };
  verify?: boolean;
  options?: ConnectOptions;
}

/** Signs in and lists stacks. */
async function use(setting: Setting): Promise<void> {
  const { keystone = pem.here, heat = keystone, client = { cacert: pem.cacert }, verify = true } = setting;
  const { username, password } = demo.entry.auth;
  const entry = {
    auth: {
      auth_url: await overTls(demo.authUrl, keystone),
      username,
      password,
      user_domain_id: 'default',
      project_id: demo.projectId,
    },
    orchestration_endpoint_override: `${await overTls(bed().heatUrl, heat)}/%(project_id)s`,
    verify,
  };
  const connection = await connect(cloud(entry, client), setting.options);
  open.push(connection);
  for await (const _ of heatOf(connection).stacks({ limit: 1 })) break;
}

const failure = (setting: Setting): Promise<unknown> =>
  use(setting).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('https', () => {
  it('with an authority of its own, which is given', () => use({}));

  it('with that authority among others', () => use({ client: { cacert: pem.otherCacert + pem.cacert } }));

  it.each<[string, () => Setting, RegExp]>([
    [
      'with an authority of its own, which is not given',
      () => ({ client: {} }),
      /The certificate of Keystone at https:.* isn't trusted \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\); give its CA as cacert/,
    ],
    [
      'with another authority than the given one',
      () => ({ client: { cacert: pem.otherCacert } }),
      /The certificate of Keystone .* isn't trusted \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)/,
    ],
    [
      'with a certificate that has expired',
      () => ({ keystone: pem.expired }),
      /The certificate of Keystone at https:.* has expired; renew it/,
    ],
    [
      'with a certificate for another host',
      () => ({ keystone: pem.elsewhere }),
      /The certificate of Keystone at https:.* is for another host; correct the address or the certificate/,
    ],
    [
      "with Heat's certificate expired",
      () => ({ heat: pem.expired }),
      /The certificate of Heat at https:.* has expired; renew it/,
    ],
  ])('%s: refused', async (_what, setting, message) => {
    const error = await failure(setting());
    expect(error).toMatchObject({ code: 'ConnectionFailed', retryable: false, notSent: true });
    expect(String(error)).toMatch(message);
  });

  it('with verify: false: taken whatever it is, and warned of once', async () => {
    const warnings: string[] = [];
    const logger = {
      debug: () => undefined,
      info: () => undefined,
      warn: (_fields: object, message: string) => void warnings.push(message),
      error: () => undefined,
    };
    await use({ keystone: pem.expired, heat: pem.elsewhere, client: {}, verify: false, options: { logger } });
    expect(warnings).toEqual([expect.stringMatching(/cloud "it" has verify: false.*as cacert instead/)]);
  });
});

describe('https that asks for a certificate of the client', () => {
  const mutual = (): ServerOptions => ({
    ...pem.here,
    ca: pem.cacert,
    requestCert: true,
    rejectUnauthorized: true,
  });

  it('which is given', () => use({ keystone: mutual(), client: { cacert: pem.cacert, ...pem.client } }));

  it('which is given in one text with its key', () => {
    const both = pem.client.cert + pem.client.key;
    return use({ keystone: mutual(), client: { cacert: pem.cacert, cert: both } });
  });

  it.each<[string, () => object]>([
    ['which is not given', () => ({})],
    ['which is of another authority', () => pem.stranger],
  ])('%s: refused', async (_what, client) => {
    const dir = await mkdtemp(join(tmpdir(), 'heatstack-tls-'));
    const { cert, key } = pem.here;
    for (const [name, text] of Object.entries({ cert, key, cacert: pem.cacert }))
      await writeFile(join(dir, `${name}.pem`), text);
    const { environment } = await programs();
    const program = fileURLToPath(new URL('./ask_for_certificate.py', import.meta.url));
    const server = spawn(environment.python, [program, dir], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      const [port] = (await once(server.stdout, 'data')) as [Buffer];
      const auth = { auth_url: `https://127.0.0.1:${String(port).trim()}/v3`, user_id: 'u', password: 'p' };
      const asked = cloud({ auth: { ...auth, project_id: 'p' } }, { cacert: pem.cacert, ...client() });
      const error: unknown = await connect(asked).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'ConnectionFailed', retryable: false });
      expect(String(error)).toMatch(
        /Keystone at https:.* refused the client certificate, or asks for one \(ERR_SSL_\S+\); give cert and key/,
      );
    } finally {
      server.stdin.end();
      await rm(dir, { recursive: true });
    }
  });
});
