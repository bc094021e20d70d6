import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createError } from '../openstack/index.ts';
import { CLOUDS_YAML, KEY, NAMESPACE, World } from './testing/world.ts';

const testdata = (name: string) =>
  readFileSync(new URL(`../openstack/testdata/${name}`, import.meta.url), 'utf8');

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.stop());

/** Whether the object's stack is watched. */
async function isWatched(): Promise<boolean> {
  const session = await world.sessions.current(KEY);
  return session !== undefined && session.operations.size > 0;
}

function rotate(): void {
  world.writeCredentials(CLOUDS_YAML.replace('username: demo', 'username: alice'));
}

test('a Secret that changes without its content leaves the session as it is', async () => {
  await world.created();
  const session = await world.sessions.current(KEY);
  world.cluster.edit('Secret', NAMESPACE, 'creds', ({ metadata }) => {
    metadata.labels = { team: 'blue' };
  });
  await world.reconcile();
  expect(world.logins).toBe(1);
  expect(await world.sessions.current(KEY)).toBe(session);
});

test('rotated credentials while the stack is in progress: the new session watches it', async () => {
  world.apply();
  await world.reconcile();
  const old = await world.sessions.current(KEY);
  rotate();
  await world.reconcile();
  expect(world.logins).toBe(2);
  expect(world.sessions.size).toBe(1);
  expect(old?.operations.size).toBe(0);
  expect(await isWatched()).toBe(true);
  world.heat.finish();
  await world.reconcileNews();
  expect(world.ready).toBe('True Succeeded');
});

test('rotated to credentials that are refused: the old ones are not used any more', async () => {
  world.apply();
  await world.reconcile();
  rotate();
  world.loginErrors.push(createError('Unauthorized', 'Keystone refused the credentials.'));
  await world.reconcile();
  expect(world.ready).toBe('False AuthenticationFailed Reconciling');
  expect(world.sessions.size).toBe(0);
});

test('rotated to a clouds.yaml that is wrong: the old credentials are not used any more', async () => {
  world.apply();
  await world.reconcile();
  world.writeCredentials('clouds: {}');
  await world.reconcile();
  expect(world.ready).toBe('False InvalidConfiguration Stalled');
  expect(world.sessions.size).toBe(0);
});

test("the Secret's certificates go with the login, and another one makes another login", async () => {
  const [cert, key] = [testdata('loopback-cert.pem'), testdata('loopback-key.pem')];
  const secret = { 'clouds.yaml': CLOUDS_YAML, cacert: cert, cert, key };
  world.writeData('Secret', 'creds', secret);
  await world.created();
  expect(world.lastLogin).toMatchObject({ cacert: cert, cert, key });
  world.writeData('Secret', 'creds', { ...secret, cert: cert + key });
  await world.reconcile();
  expect(world.logins).toBe(2);
});

test.each([
  ['v3applicationcredential', 'application_credential_id: c1', 'application_credential_secret'],
  ['v3token', 'project_id: p1', 'token'],
])('the secret of a %s is not shown', async (type, other, key) => {
  const auth = `auth_url: https://k, ${other}, ${key}: canary-of-the-login`;
  world.writeCredentials(`clouds: {prod: {auth_type: ${type}, auth: {${auth}}}}`);
  world.apply();
  world.loginErrors.push(createError('Unauthorized', 'Keystone does not like canary-of-the-login.'));
  await world.reconcile();
  expect(world.ready).toBe('False AuthenticationFailed Reconciling');
  expect(JSON.stringify(world.status)).toContain('does not like [redacted]');
  expect(JSON.stringify(world.status)).not.toContain('canary');
});

const NOT_LOOKED_AT: [what: string, stop: () => void][] = [
  ['is suspended', () => world.apply({ suspend: true })],
  ['waits for an input', () => world.apply({ template: { configMapKeyRef: { name: 'late', key: 'a' } } })],
  [
    'is suspended and lacks an input',
    () => world.apply({ suspend: true, template: { configMapKeyRef: { name: 'late', key: 'a' } } }),
  ],
];

describe.each(NOT_LOOKED_AT)('an object that %s', (_what, stop) => {
  test('keeps its session, and leaves it when its credentials change', async () => {
    await world.created();
    stop();
    await world.reconcile();
    expect(world.sessions.size).toBe(1);
    rotate();
    await world.reconcile();
    expect(world.sessions.size).toBe(0);
  });

  test('leaves its session when it names another Secret', async () => {
    await world.created();
    world.writeData('Secret', 'other', { 'clouds.yaml': 'clouds: {}' });
    stop();
    world.apply({ cloudCredentialsRef: { secretName: 'other', cloudName: 'prod' } });
    await world.reconcile();
    expect(world.sessions.size).toBe(0);
  });

  test('leaves its session when its Secret goes', async () => {
    await world.created();
    stop();
    world.cluster.delete('Secret', NAMESPACE, 'creds');
    await world.reconcile();
    expect(world.sessions.size).toBe(0);
  });

  test('keeps its session when its namespace goes, to delete its stack with', async () => {
    await world.created();
    world.cluster.edit('Namespace', undefined, NAMESPACE, ({ metadata }) => {
      metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
    });
    stop();
    world.cluster.delete('Secret', NAMESPACE, 'creds');
    await world.reconcile();
    world.delete();
    await world.reconcile();
    world.heat.finish();
    await world.reconcileNews();
    expect(world.exists).toBe(false);
    expect(world.sessions.size).toBe(0);
  });
});

const ENDS: [what: string, end: () => Promise<unknown>][] = [
  [
    'is deleted with its stack',
    async () => {
      world.delete();
      await world.reconcile();
      world.heat.finish();
      await world.reconcileNews();
    },
  ],
  [
    'is detached',
    async () => {
      world.apply({ managedOptions: { onDelete: 'detach' } });
      world.delete();
      await world.reconcile();
    },
  ],
  [
    'goes by the hand of somebody who took the finalizer',
    async () => {
      world.edit(({ metadata }) => {
        metadata.finalizers = [];
      });
      world.delete();
      await world.reconcile();
    },
  ],
  [
    'loses its credentials',
    async () => {
      world.cluster.delete('Secret', NAMESPACE, 'creds');
      await world.reconcile();
    },
  ],
  [
    'names a Secret that is not there',
    async () => {
      world.apply({ cloudCredentialsRef: { secretName: 'late', cloudName: 'prod' } });
      await world.reconcile();
    },
  ],
];

test.each(ENDS)('no session is kept for an object that %s', async (_what, end) => {
  await world.created();
  expect(world.sessions.size).toBe(1);
  await end();
  expect(world.sessions.size).toBe(0);
});

test('no session is kept for an object that goes while its login fails', async () => {
  world.apply();
  world.loginErrors.push(createError('ConnectionFailed', 'The connection broke.'));
  await world.reconcile();
  expect(world.ready).toBe('False TransientError Reconciling');
  world.delete();
  await world.reconcile();
  expect(world.exists).toBe(false);
  expect(world.sessions.size).toBe(0);
});

describe('the Event of a rotation', () => {
  const rotations = () => world.events.filter(({ reason }) => reason === 'CredentialsRotated');
  const resync = async () => {
    await world.clock.advance(12 * 60_000);
    await world.reconcile();
  };

  test('comes once, with the first login that went well, and names the Secret only', async () => {
    await world.created();
    rotate();
    world.loginErrors.push(createError('Unauthorized', 'Keystone refused the credentials.'));
    await world.reconcile();
    expect(rotations()).toEqual([]);
    await world.reconcile();
    await resync();
    expect(rotations()).toEqual([
      {
        type: 'Normal',
        reason: 'CredentialsRotated',
        note: 'logged in with the changed credentials of Secret "creds"',
      },
    ]);
  });

  test('comes not at a start, for the first login or for one that is renewed', async () => {
    await world.created();
    await world.restart();
    await resync();
    world.sessions.evict(KEY);
    await resync();
    expect(world.logins).toBeGreaterThan(1);
    expect(rotations()).toEqual([]);
  });

  test('comes not when the Secret changes and its content does not, or the object names another', async () => {
    await world.created();
    world.cluster.edit('Secret', NAMESPACE, 'creds', ({ metadata }) => {
      metadata.labels = { team: 'blue' };
    });
    await world.reconcile();
    world.writeData('Secret', 'others', { 'clouds.yaml': CLOUDS_YAML });
    world.apply({ cloudCredentialsRef: { secretName: 'others', cloudName: 'prod' } });
    await world.reconcile();
    expect(world.logins).toBe(2);
    expect(rotations()).toEqual([]);
  });
});
