import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Connection, connect, type RequestInfo } from '../../../src/openstack/index.ts';
import { heatOf } from '../../../src/openstack/testdata/fake-cloud.ts';
import { bed } from '../../support/scenario.ts';
import { call } from '../../testbed/keystone.ts';
import {
  addCredential,
  type Credential,
  cloud,
  type Person,
  person,
  removeCredential,
  TEMPLATE,
} from './people.ts';
import { setting, startSecondKeystone } from './servers.ts';

/** Seconds that a token lives. */
const LIFETIME = 4;
const STACKS = 6;

let keystone: Awaited<ReturnType<typeof startSecondKeystone>>;
let demo: Person;
let credential: Credential;
let connection: Connection;
let requests: RequestInfo[];
/** Milliseconds that our clock is behind: with more than a token's life, we take every token for a new one. */
let behind = 0;
const tag = `logins-${randomUUID()}`;

beforeAll(async () => {
  const { clouds } = bed();
  [demo, keystone] = await Promise.all([
    person(clouds, 'demo'),
    startSecondKeystone(clouds, setting('expiration', String(LIFETIME))),
  ]);
  credential = await addCredential(demo);
  requests = [];
  connection = await connect(cloud(entry()), {
    onRequest: (request) => requests.push(request),
    now: () => Date.now() - behind,
  });
  // Not with tokens that end so soon: on a busy machine a create can take as long.
  const patient = await connect(cloud(entry({ auth_url: demo.authUrl })));
  for (let i = 0; i < STACKS; i += 1) {
    await heatOf(patient).createStack({ name: `${tag}-${i}`, template: TEMPLATE, tags: [tag] });
  }
  await patient.close();
}, 120_000);

afterAll(async () => {
  await connection.close();
  const patient = await connect(cloud(entry({ auth_url: demo.authUrl })));
  for await (const { name, id } of heatOf(patient).stacks({ tags: [tag] })) {
    await heatOf(patient).deleteStack({ name, id });
  }
  await patient.close();
  await removeCredential(demo, credential);
  await keystone.stop();
});

function entry(auth: Record<string, unknown> = {}, type = 'v3applicationcredential') {
  const secret = {
    application_credential_id: credential.id,
    application_credential_secret: credential.secret,
  };
  return {
    auth_type: type,
    region_name: 'RegionOne',
    auth: { auth_url: keystone.authUrl, ...(type === 'v3token' ? {} : secret), ...auth },
  };
}

const logins = () => requests.filter(({ service }) => service === 'identity');
const refused = () => requests.filter(({ service, status }) => service === 'orchestration' && status === 401);

/** Waits until a token of now is too old for Heat. A token's times are whole seconds. */
const outlive = () => sleep((LIFETIME + 1) * 1000);

/** Reads the whole list, one stack a page, and lets tokens expire twice on the way. */
async function slowList(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of heatOf(connection).stacks({ tags: [tag], limit: 1 })) {
    names.push(name);
    if (names.length === 2 || names.length === 4) await outlive();
  }
  return names.sort();
}

const all = Array.from({ length: STACKS }, (_, i) => `${tag}-${i}`);

it('in the middle of a long list: the token is renewed ahead, and the list is whole', async () => {
  await connection.reauthenticate();
  requests.length = 0;
  expect(await slowList()).toEqual(all);
  expect(refused()).toEqual([]);
  // Twice, and once more where the machine is so busy that a token ends on the way.
  const statuses = logins().map(({ status }) => status);
  expect(statuses.length).toBeGreaterThanOrEqual(2);
  expect(new Set(statuses)).toEqual(new Set([201]));
});

it('in the middle of a long list, unforeseen: renewed after a 401, and the list is whole', async () => {
  await connection.reauthenticate();
  requests.length = 0;
  // From here on time stands still for us, as on a machine that slept.
  const start = Date.now();
  const names: string[] = [];
  for await (const { name } of heatOf(connection).stacks({ tags: [tag], limit: 1 })) {
    names.push(name);
    if (names.length === 2 || names.length === 4) await outlive();
    behind = Date.now() - start;
  }
  behind = 0;
  expect(names.sort()).toEqual(all);
  // Twice, and once more where the machine is so busy that a token ends on the way.
  expect(refused().length).toBeGreaterThanOrEqual(2);
  expect(logins().map(({ status }) => status)).toEqual(refused().map(() => 201));
});

it('under many requests at once: one login for all', async () => {
  await connection.reauthenticate();
  await outlive();
  requests.length = 0;
  const counts = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const stacks = await Array.fromAsync(heatOf(connection).stacks({ tags: [tag] }));
      return stacks.length;
    }),
  );
  expect(counts).toEqual(Array(10).fill(STACKS));
  expect(logins()).toHaveLength(1);
});

it('of a token that was got with a token: the message says to replace it', async () => {
  // The password is only Keystone's to see: this token is of the Keystone whose tokens end soon.
  const auth = {
    identity: {
      methods: ['password'],
      password: { user: { id: demo.userId, password: demo.entry.auth.password } },
    },
    scope: { project: { id: demo.projectId } },
  };
  const logins: number[] = [];
  const signIn = async (): Promise<Connection> => {
    logins.length = 0;
    const { headers } = await call('POST', `${keystone.authUrl}/auth/tokens`, { body: { auth } });
    const token = headers.get('x-subject-token') ?? '';
    const brief = await connect(cloud(entry({ token, project_id: demo.projectId }, 'v3token')), {
      onRequest: ({ service, status }) => void (service === 'identity' && logins.push(status)),
    });
    try {
      expect(await Array.fromAsync(heatOf(brief).stacks({ tags: [tag] }))).toHaveLength(STACKS);
      return brief;
    } catch (error) {
      await brief.close();
      throw error;
    }
  };
  // On a busy machine a token can end before it is used.
  const brief = await signIn().catch(signIn).catch(signIn);
  try {
    // It is never renewed ahead: a new one would end at the same time.
    expect(logins).toEqual([201]);
    await outlive();
    const late = Array.fromAsync(heatOf(brief).stacks({ tags: [tag] }));
    await expect(late).rejects.toMatchObject({
      code: 'Unauthorized',
      retryable: false,
      message: expect.stringMatching(/its token has expired or was revoked.*; replace auth\.token/),
    });
  } finally {
    await brief.close();
  }
});
