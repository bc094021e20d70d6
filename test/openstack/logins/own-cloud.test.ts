import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Connection, connect, type RequestInfo } from '../../../src/openstack/index.ts';
import { heatOf } from '../../../src/openstack/testdata/fake-cloud.ts';
import { call, setServiceInCatalog } from '../../testbed/keystone.ts';
import {
  addCredential,
  cloud,
  type Entry,
  type Person,
  person,
  removeCredential,
  TEMPLATE,
} from './people.ts';
import { type OwnCloud, setting, startOwnCloud } from './servers.ts';

// A cloud of its own: its Keystone lets application credentials make no trusts, which is its default, its Heat asks
// Keystone about every token, and its catalog is changed.
let own: OwnCloud;
let demo: Person;
let admin: Person;
const open: Connection[] = [];

beforeAll(async () => {
  own = await startOwnCloud(setting('allow_insecure_application_credential_trust_escalation', 'false'));
  demo = await person(own.clouds, 'demo');
  admin = await person(own.clouds, 'admin');
}, 180_000);
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});
afterAll(() => own?.stop());

const password = (settings: Record<string, unknown> = {}): Entry => ({
  region_name: 'RegionOne',
  ...settings,
  auth: {
    auth_url: own.authUrl,
    user_id: demo.userId,
    password: demo.entry.auth.password,
    project_id: demo.projectId,
  },
});

async function signIn(entry: Entry, requests: RequestInfo[] = []): Promise<Connection> {
  const connection = await connect(cloud(entry), { onRequest: (request) => requests.push(request) });
  open.push(connection);
  return connection;
}

const list = (connection: Connection) => Array.fromAsync(heatOf(connection).stacks());
const revoke = (token: string) =>
  fetch(`${own.authUrl}/auth/tokens`, {
    method: 'DELETE',
    headers: { 'x-auth-token': token, 'x-subject-token': token },
  });

describe('an application credential at a Keystone that lets it make no trusts', () => {
  it('reads, makes no stack, and says what would help', async () => {
    const { id, secret } = await addCredential(demo);
    const auth = {
      auth_url: own.authUrl,
      application_credential_id: id,
      application_credential_secret: secret,
    };
    const connection = await signIn({ auth_type: 'v3applicationcredential', region_name: 'RegionOne', auth });
    expect(await list(connection)).toEqual([]);
    const made = heatOf(connection).createStack({ name: `logins-${randomUUID()}`, template: TEMPLATE });
    await expect(made).rejects.toMatchObject({
      code: 'Forbidden.TrustRefused',
      status: 403,
      message: expect.stringMatching(/Sign in with user and password, or .*trust_escalation/),
    });
  });
});

describe('revoked', () => {
  it('a token: another one is got after the 401', async () => {
    const requests: RequestInfo[] = [];
    const connection = await signIn(password(), requests);
    await list(connection);
    const { token } = connection;
    expect((await revoke(token)).status).toBe(204);
    requests.length = 0;
    expect(await list(connection)).toEqual([]);
    expect(connection.token).not.toBe(token);
    expect(requests.map(({ service, status }) => [service, status])).toEqual([
      ['orchestration', 401],
      ['identity', 201],
      ['orchestration', 200],
    ]);
  });

  it('a token that was given: the message says to replace it', async () => {
    const { token } = await person(own.clouds, 'demo');
    const auth = { auth_url: own.authUrl, token, project_id: demo.projectId };
    const connection = await signIn({ auth_type: 'v3token', region_name: 'RegionOne', auth });
    await revoke(token);
    await revoke(connection.token);
    await expect(list(connection)).rejects.toMatchObject({
      code: 'Unauthorized',
      message: expect.stringMatching(/was revoked.*; replace auth\.token/),
    });
  });

  it('an application credential: refused, by its tokens too', async () => {
    const credential = await addCredential(demo);
    const { id, secret } = credential;
    const auth = {
      auth_url: own.authUrl,
      application_credential_id: id,
      application_credential_secret: secret,
    };
    const connection = await signIn({ auth_type: 'v3applicationcredential', region_name: 'RegionOne', auth });
    await list(connection);
    await removeCredential(demo, credential);
    await expect(list(connection)).rejects.toMatchObject({
      code: 'Unauthorized',
      message: expect.stringMatching(/and that it wasn't deleted and hasn't expired/),
    });
  });
});

describe('several regions', () => {
  beforeAll(async () => {
    const { token, authUrl } = admin;
    const { body } = await call('GET', `${authUrl}/services?type=orchestration`, { token });
    const [service] = v.parse(v.object({ services: v.array(v.object({ id: v.string() })) }), body).services;
    await call('POST', `${authUrl}/regions`, { token, body: { region: { id: 'RegionTwo' } } });
    const endpoint = { service_id: service?.id, interface: 'public', region_id: 'RegionTwo' };
    // Another name of the same address, to tell them apart.
    const url = `${own.heatUrl.replace('127.0.0.1', 'localhost')}/$(project_id)s`;
    await call('POST', `${authUrl}/endpoints`, { token, body: { endpoint: { ...endpoint, url } } });
  });

  it.each<[string, () => Record<string, unknown>, string]>([
    ['the one of region_name', () => ({ region_name: 'RegionTwo' }), 'RegionTwo'],
    ['the first of regions', () => ({ region_name: null, regions: ['RegionTwo', 'RegionOne'] }), 'RegionTwo'],
    ['that of region_name among regions', () => ({ regions: ['RegionTwo', 'RegionOne'] }), 'RegionOne'],
    [
      'with its own settings',
      () => ({
        region_name: null,
        regions: [{ name: 'RegionTwo', values: { interface: 'public' } }],
        interface: 'admin',
      }),
      'RegionTwo',
    ],
  ])('%s', async (_what, settings, region) => {
    const connection = await signIn(password(settings()));
    expect(connection.cloud.region).toBe(region);
    expect(connection.cloud.endpoint).toContain(region === 'RegionTwo' ? '//localhost:' : '//127.0.0.1:');
    expect([...connection.regions].sort()).toEqual(['RegionOne', 'RegionTwo']);
    expect(await list(connection)).toEqual([]);
  });

  it('none of a wrong name or interface: no Heat, and where there is one', async () => {
    const wrong = await signIn(password({ region_name: 'regionone' }));
    expect(wrong.orchestration).toBeUndefined();
    expect([...wrong.regions].sort()).toEqual(['RegionOne', 'RegionTwo']);
    const elsewhere = await signIn(password({ region_name: 'RegionTwo', interface: 'internal' }));
    expect(elsewhere.orchestration).toBeUndefined();
    expect(elsewhere.regions).toEqual(['RegionOne']);
  });
});

describe('a catalog without Heat', () => {
  beforeAll(() => setServiceInCatalog(admin, 'orchestration', false));
  afterAll(() => setServiceInCatalog(admin, 'orchestration', true));

  it('signs in, and there is none', async () => {
    const connection = await signIn(password());
    expect(connection.orchestration).toBeUndefined();
    expect(connection.regions).toEqual([]);
  });

  it('has it where the override says', async () => {
    const override = { orchestration_endpoint_override: `${own.heatUrl}/%(project_id)s` };
    expect(await list(await signIn(password(override)))).toEqual([]);
  });

  it('is missed by who had it before, and found again', async () => {
    await setServiceInCatalog(admin, 'orchestration', true);
    const connection = await signIn(password());
    await setServiceInCatalog(admin, 'orchestration', false);
    await connection.reauthenticate();
    expect(connection.orchestration).toBeUndefined();
    await setServiceInCatalog(admin, 'orchestration', true);
    await connection.reauthenticate();
    expect(await list(connection)).toEqual([]);
  });
});
