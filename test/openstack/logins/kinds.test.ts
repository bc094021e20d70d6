import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Connection, connect, isOpenStackError } from '../../../src/openstack/index.ts';
import { heatOf } from '../../../src/openstack/testdata/fake-cloud.ts';
import { bed } from '../../support/scenario.ts';
import {
  addCredential,
  addTrust,
  type Credential,
  cloud,
  type Entry,
  type Person,
  person,
  removeCredential,
  TEMPLATE,
} from './people.ts';

let demo: Person;
let alice: Person;
let credential: Credential;
let trust: string;
let delegable: string;

beforeAll(async () => {
  const { clouds } = bed();
  [demo, alice] = await Promise.all([person(clouds, 'demo'), person(clouds, 'alice')]);
  credential = await addCredential(demo);
  trust = await addTrust(demo, alice, { canDelegate: false });
  delegable = await addTrust(demo, alice, { canDelegate: true });
});
afterAll(() => removeCredential(demo, credential));

const at = () => ({ auth_url: demo.authUrl });
const user = () => ({
  ...at(),
  username: 'demo',
  user_domain_id: 'default',
  password: demo.entry.auth.password,
});
const region = { region_name: 'RegionOne' };
const v3 = (type: string, auth: Record<string, unknown>): Entry => ({ auth_type: type, ...region, auth });

const KINDS: [what: string, entry: () => Entry][] = [
  [
    'password: user and project by name and domain',
    () => v3('password', { ...user(), project_name: 'demo', project_domain_name: 'Default' }),
  ],
  [
    'v3password: user and project by id',
    () =>
      v3('v3password', {
        ...at(),
        user_id: demo.userId,
        password: demo.entry.auth.password,
        project_id: demo.projectId,
      }),
  ],
  [
    'v3password: one domain for both',
    () =>
      v3('v3password', {
        ...at(),
        username: 'demo',
        password: demo.entry.auth.password,
        project_name: 'demo',
        domain_name: 'Default',
      }),
  ],
  [
    'v3applicationcredential by id',
    () =>
      v3('v3applicationcredential', {
        ...at(),
        application_credential_id: credential.id,
        application_credential_secret: credential.secret,
      }),
  ],
  [
    'v3applicationcredential by name and user',
    () =>
      v3('v3applicationcredential', {
        ...at(),
        application_credential_name: credential.name,
        username: 'demo',
        user_domain_id: 'default',
        application_credential_secret: credential.secret,
      }),
  ],
  [
    "v3applicationcredential by name and the user's id",
    () =>
      v3('v3applicationcredential', {
        ...at(),
        application_credential_name: credential.name,
        user_id: demo.userId,
        application_credential_secret: credential.secret,
      }),
  ],
  ['v3token', () => v3('v3token', { ...at(), token: demo.token, project_id: demo.projectId })],
  [
    'token',
    () => v3('token', { ...at(), token: demo.token, project_name: 'demo', project_domain_id: 'default' }),
  ],
  [
    'a trust that may be delegated on',
    () =>
      v3('password', {
        ...at(),
        username: 'alice',
        user_domain_id: 'default',
        password: alice.entry.auth.password,
        trust_id: delegable,
      }),
  ],
  ['a trust, with a token', () => v3('v3token', { ...at(), token: alice.token, trust_id: delegable })],
];

async function using<T>(entry: Entry, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await connect(cloud(entry));
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

describe.each(KINDS)('%s', (_what, entry) => {
  // Keystone's threads now and then mix up two requests: "not authorized … identity:create_trust".
  it('signs in to the project, and makes a stack there', { retry: 2 }, () =>
    using(entry(), async (connection) => {
      expect(connection.cloud).toMatchObject({ projectID: demo.projectId, projectName: 'demo' });
      const heat = heatOf(connection);
      const name = `logins-${randomUUID()}`;
      const { id } = await heat.createStack({ name, template: TEMPLATE });
      expect((await heat.getStack({ name, id }, { resolveOutputs: false })).name).toBe(name);
      // With the same login again: a token that was got with another one can be got only from that.
      await connection.reauthenticate();
      await heat.deleteStack({ name, id });
    }),
  );
});

it('a trust that may not be delegated on: reads, and says why Heat can make no stack with it', async () => {
  const auth = { ...user(), username: 'alice', password: alice.entry.auth.password, trust_id: trust };
  await using(v3('password', auth), async (connection) => {
    expect(connection.cloud).toMatchObject({ projectID: demo.projectId });
    const heat = heatOf(connection);
    for await (const stack of heat.stacks({ limit: 1 })) {
      expect(stack.id).toBeDefined();
      break;
    }
    const made = heat.createStack({ name: `logins-${randomUUID()}`, template: TEMPLATE });
    await expect(made).rejects.toMatchObject({ code: 'Forbidden.TrustRefused', status: 403 });
  });
});

it("an application credential's token: Keystone makes no other one of it, and says so", async () => {
  const secret = {
    application_credential_id: credential.id,
    application_credential_secret: credential.secret,
  };
  const token = await using(
    v3('v3applicationcredential', { ...at(), ...secret }),
    async (from) => from.token,
  );
  const made = connect(cloud(v3('v3token', { ...at(), token, project_id: demo.projectId })));
  await expect(made).rejects.toMatchObject({
    code: 'Forbidden',
    message: expect.stringContaining('Using a delegated token to create another token is not allowed'),
  });
});

const WRONG: [what: string, entry: () => Entry, code: string, message: RegExp][] = [
  [
    'password',
    () => v3('password', { ...user(), password: 'canary-5c1', project_name: 'demo', domain_id: 'default' }),
    'Unauthorized',
    /\(401\); check username, password, project and their domains/,
  ],
  [
    'project',
    () => v3('password', { ...user(), project_name: 'nowhere', project_domain_id: 'default' }),
    'Unauthorized',
    /check username, password, project/,
  ],
  [
    'domain',
    () => v3('password', { ...user(), project_name: 'demo', project_domain_name: 'nowhere' }),
    'Unauthorized',
    /check username, password, project/,
  ],
  [
    "application credential's secret",
    () =>
      v3('v3applicationcredential', {
        ...at(),
        application_credential_id: credential.id,
        application_credential_secret: 'canary-5c1',
      }),
    'Unauthorized',
    /\(401\); check id and secret of the application credential/,
  ],
  [
    'application credential',
    () =>
      v3('v3applicationcredential', {
        ...at(),
        application_credential_id: randomUUID(),
        application_credential_secret: 'canary-5c1',
      }),
    'Unauthorized',
    /\(404\); check id and secret of the application credential, and that it wasn't deleted/,
  ],
  [
    'token',
    () => v3('v3token', { ...at(), token: 'canary-5c1', project_id: demo.projectId }),
    'Unauthorized',
    /\(404\); its token has expired or was revoked.*; replace auth\.token/,
  ],
  [
    "project for the token's user",
    () => v3('v3token', { ...at(), token: alice.token, project_id: demo.projectId }),
    'Unauthorized',
    /\(401\); its token .* isn't good for this project; replace auth\.token/,
  ],
  [
    'trust',
    () => v3('password', { ...user(), trust_id: 'nothing' }),
    'Unauthorized',
    /\(401\); check username, password, trust_id/,
  ],
  ['trustee', () => v3('password', { ...user(), trust_id: trust }), 'Forbidden', /answered 403/],
  [
    'address',
    () =>
      v3('password', {
        ...user(),
        auth_url: demo.authUrl.replace('/v3', '/elsewhere'),
        project_id: demo.projectId,
      }),
    'ConfigError',
    /Nothing like Keystone v3 answers at the auth_url/,
  ],
];

it.each(WRONG)('a wrong %s', async (_what, entry, code, message) => {
  const error: unknown = await connect(cloud(entry())).catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code, retryable: false });
  expect(String(error)).toMatch(message);
  expect(isOpenStackError(error) && JSON.stringify({ ...error, said: error.message })).not.toContain(
    'canary',
  );
});
