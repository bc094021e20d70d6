import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../kube/testing/fake-clock.ts';
import { memoryLogger } from '../kube/testing/memory-logger.ts';
import { type CloudConfig, createError } from '../openstack/index.ts';
import type { CloudConnection } from './heat-client.ts';
import { type Session, Sessions } from './sessions.ts';

const AUTH = { type: 'password', username: 'demo', password: 'one' } as const;
const CLOUD: CloudConfig = {
  name: 'prod',
  authUrl: 'https://keystone.example.com/v3',
  auth: AUTH,
  scope: { projectName: 'demo' },
  interface: 'public',
  verify: true,
};
const never = new AbortController().signal;

interface Login {
  cloud: CloudConfig;
  state: 'under way' | 'succeeded' | 'failed';
  closed: boolean;
  succeed: () => void;
  fail: (error: Error) => void;
}

let logins: Login[];
let atOnce: boolean;
let moved: string[];
let closing: Error | undefined;
let sessions: Sessions;
let log: ReturnType<typeof memoryLogger>;

beforeEach(start);

function start(): void {
  logins = [];
  atOnce = true;
  moved = [];
  closing = undefined;
  log = memoryLogger();
  sessions = new Sessions({
    connect: (cloud) => {
      const { promise, resolve, reject } = Promise.withResolvers<CloudConnection>();
      const login: Login = {
        cloud,
        state: 'under way',
        closed: false,
        succeed: () => {
          if (login.state === 'under way') login.state = 'succeeded';
          resolve({
            cloud: { authURL: cloud.authUrl, projectID: 'p', projectName: 'p' },
            token: 'token',
            regions: [],
            reauthenticate: async () => undefined,
            close: async () => {
              login.closed = true;
              if (closing) throw closing;
            },
          });
        },
        fail: (error) => {
          if (login.state === 'under way') login.state = 'failed';
          reject(error);
        },
      };
      logins.push(login);
      if (atOnce) login.succeed();
      return promise;
    },
    onMoved: (user) => moved.push(user),
    tagsOf: () => [],
    onNews: () => undefined,
    onRequest: () => undefined,
    mostInTrouble: 5,
    progressIntervalMs: 10_000,
    clock: new FakeClock(),
    logger: log.logger,
  });
}

afterEach(async () => {
  for (const login of logins) login.succeed();
  await sessions.close();
});

function acquire(
  user: string,
  cloud: Partial<CloudConfig> = {},
  secret = 'uid',
  signal = never,
): Promise<Session> {
  return sessions.acquire(user, secret, { ...CLOUD, ...cloud }, signal);
}

/** Lets everything that can go on do so. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('sharing', () => {
  test('objects with the same credentials share one login, also while it is under way', async () => {
    atOnce = false;
    const both = Promise.all([acquire('ns/a'), acquire('ns/b')]);
    expect(logins).toHaveLength(1);
    logins[0]?.succeed();
    const [a, b] = await both;
    expect(a).toBe(b);
    expect(await acquire('ns/c')).toBe(a);
    expect(logins).toHaveLength(1);
  });

  test.each<[string, Partial<CloudConfig>, string]>([
    ['the Secret, though its text is the same', {}, 'other-uid'],
    ['the password', { auth: { ...AUTH, password: 'two' } }, 'uid'],
    ['the user', { auth: { ...AUTH, username: 'admin' } }, 'uid'],
    ['the project', { scope: { projectName: 'other' } }, 'uid'],
    ['the region', { regionName: 'north' }, 'uid'],
    ['the address', { authUrl: 'https://evil.example.com/v3' }, 'uid'],
    ['the kind of login', { auth: { type: 'token', token: 'one' } }, 'uid'],
    ['the trust', { scope: { trustId: 'one' } }, 'uid'],
    ['the certificates', { cacert: 'PEM' }, 'uid'],
    ["the client's certificate", { cert: 'PEM' }, 'uid'],
    ["the client's key", { key: 'PEM' }, 'uid'],
    ['the check of certificates', { verify: false }, 'uid'],
    ["Heat's address", { orchestrationEndpointOverride: 'https://evil.example.com' }, 'uid'],
  ])('nothing is shared when they differ in %s', async (_what, cloud, secret) => {
    const a = await acquire('ns/a');
    const b = await acquire('other/b', cloud, secret);
    expect(b).not.toBe(a);
    expect(b.connection).not.toBe(a.connection);
    expect(logins.map(({ closed }) => closed)).toEqual([false, false]);
  });
});

describe('a look that is expected', () => {
  const resting = {
    ...{ stackId: 'id', stackName: 'web', stackStatus: 'CREATE_COMPLETE', updatedAt: undefined },
    ...{ tags: 'any' as const, digest: '', periodMs: 600_000 },
  };

  test('is that of an object whose stack is at rest, until it is no more', async () => {
    const session = await acquire('ns/a');
    const told: string[] = [];
    session.looks.expect = (id, of) => told.push(`expect ${id} ${of}`);
    session.looks.forget = (id) => told.push(`forget ${id}`);
    sessions.expectLook('ns/a', 'v1');
    sessions.expectLook('ns/nobody', 'v1');
    expect(told).toEqual([]);
    session.resync.add('ns/a', resting);
    sessions.expectLook('ns/a', 'v2');
    sessions.unwatch('ns/a');
    sessions.expectLook('ns/a', 'v3');
    session.resync.add('ns/a', resting);
    sessions.release('ns/a');
    expect(told).toEqual(['expect id v2', 'forget id', 'forget id']);
  });
});

describe('rotated credentials', () => {
  const rotated = { auth: { ...AUTH, password: 'two' } };

  test('make a new session, and the old one is closed when the last object left it', async () => {
    const old = await acquire('ns/a');
    await acquire('ns/b');
    const fresh = await acquire('ns/a', rotated);
    expect(fresh).not.toBe(old);
    await settled();
    expect(logins[0]?.closed).toBe(false);
    expect(await acquire('ns/b', rotated)).toBe(fresh);
    await settled();
    expect(logins[0]?.closed).toBe(true);
    expect(logins).toHaveLength(2);
  });

  test('take the object out of the old watch', async () => {
    const old = await acquire('ns/a');
    await acquire('ns/b');
    old.operations.add('ns/a', 'id');
    old.operations.add('ns/b', 'id');
    await acquire('ns/a', rotated);
    await settled();
    expect(old.operations.watches('ns/a', 'id')).toBe(false);
    expect(old.operations.watches('ns/b', 'id')).toBe(true);
  });
});

describe('a login that fails', () => {
  test('fails for all who wait, and is not kept', async () => {
    atOnce = false;
    const waiting = [acquire('ns/a'), acquire('ns/b')];
    logins[0]?.fail(new Error('401'));
    for (const result of await Promise.allSettled(waiting)) {
      expect(result).toMatchObject({ status: 'rejected', reason: new Error('401') });
    }
    expect(await sessions.current('ns/a')).toBeUndefined();
    atOnce = true;
    await acquire('ns/a');
    expect(logins).toHaveLength(2);
  });

  test('leaves a session that was opened meanwhile alone', async () => {
    atOnce = false;
    const failing = acquire('ns/a');
    const caught = failing.catch(() => undefined);
    logins[0]?.fail(new Error('401'));
    const next = acquire('ns/b', { regionName: 'north' });
    logins[1]?.succeed();
    await caught;
    expect(await sessions.current('ns/b')).toBe(await next);
  });
});

test('a login that fails after it was evicted leaves the new session alone', async () => {
  atOnce = false;
  const failing = acquire('ns/a').catch(() => undefined);
  sessions.evict('ns/a');
  const next = acquire('ns/b');
  logins[1]?.succeed();
  logins[0]?.fail(new Error('401'));
  await failing;
  expect(await sessions.current('ns/b')).toBe(await next);
  sessions.release('ns/b');
  await settled();
  expect(logins[1]?.closed).toBe(true);
});

describe('an abort', () => {
  test('ends the wait of one object and not the login that others wait for', async () => {
    atOnce = false;
    const stop = new AbortController();
    const a = acquire('ns/a', {}, 'uid', stop.signal);
    const b = acquire('ns/b');
    stop.abort(new Error('stopping'));
    await expect(a).rejects.toThrow('stopping');
    logins[0]?.succeed();
    expect((await b).connection).toBeDefined();
    expect(logins[0]?.closed).toBe(false);
  });

  test('of the only one closes the session once it is open', async () => {
    atOnce = false;
    const stop = new AbortController();
    const a = acquire('ns/a', {}, 'uid', stop.signal);
    stop.abort(new Error('stopping'));
    await expect(a).rejects.toThrow('stopping');
    logins[0]?.succeed();
    await settled();
    expect(logins[0]?.closed).toBe(true);
  });

  test('before anything: nothing is kept', async () => {
    const stop = new AbortController();
    stop.abort(new Error('stopping'));
    await expect(acquire('ns/a', {}, 'uid', stop.signal)).rejects.toThrow('stopping');
    await settled();
    expect(await sessions.current('ns/a')).toBeUndefined();
    expect(logins.every(({ closed }) => closed)).toBe(true);
  });
});

describe('releasing', () => {
  test('by the last object closes the session', async () => {
    const session = await acquire('ns/a');
    await acquire('ns/b');
    session.operations.add('ns/a', 'id');
    sessions.release('ns/a');
    await settled();
    expect(session.operations.watches('ns/a', 'id')).toBe(false);
    expect(logins[0]?.closed).toBe(false);
    expect(await sessions.current('ns/a')).toBeUndefined();
    expect(await sessions.current('ns/b')).toBe(session);
    sessions.release('ns/b');
    await settled();
    expect(logins[0]?.closed).toBe(true);
  });

  test('twice, or by one who has none, is nothing', async () => {
    await acquire('ns/a');
    sessions.release('ns/b');
    sessions.release('ns/a');
    sessions.release('ns/a');
    await settled();
    expect(logins.map(({ closed }) => closed)).toEqual([true]);
  });

  test('and acquiring again is a new login', async () => {
    const first = await acquire('ns/a');
    sessions.release('ns/a');
    expect(await acquire('ns/a')).not.toBe(first);
    await settled();
    expect(logins.map(({ closed }) => closed)).toEqual([true, false]);
  });
});

describe('evicting', () => {
  test('closes the session for all its users, and the next acquire is a new login', async () => {
    const old = await acquire('ns/a');
    await acquire('ns/b');
    old.operations.add('ns/b', 'id');
    sessions.evict('ns/a');
    await settled();
    expect(logins.map(({ closed }) => closed)).toEqual([true]);
    expect(old.operations.size).toBe(0);
    expect(await sessions.current('ns/b')).toBeUndefined();
    const fresh = await acquire('ns/b');
    expect(fresh).not.toBe(old);
    expect(await acquire('ns/a')).toBe(fresh);
    await settled();
    expect(logins.map(({ closed }) => closed)).toEqual([true, false]);
  });

  test('by another user later leaves the new session alone', async () => {
    await acquire('ns/a');
    await acquire('ns/b');
    sessions.evict('ns/a');
    const fresh = await acquire('ns/a');
    sessions.evict('ns/b');
    sessions.release('ns/b');
    await settled();
    expect(await sessions.current('ns/a')).toBe(fresh);
    expect(logins.map(({ closed }) => closed)).toEqual([true, false]);
  });

  test('has the others looked at, whose stacks nothing watches any more', async () => {
    await Promise.all([acquire('ns/a'), acquire('ns/b'), acquire('ns/c', { regionName: 'north' })]);
    sessions.evict('ns/a');
    expect(moved).toEqual(['ns/b']);
  });

  test('leaves other sessions alone, and is nothing for one who has none', async () => {
    const other = await acquire('ns/b', { regionName: 'north' });
    await acquire('ns/a');
    sessions.evict('ns/a');
    sessions.evict('ns/a');
    sessions.evict('ns/x');
    await settled();
    expect(await sessions.current('ns/b')).toBe(other);
    expect(logins.map(({ closed }) => closed)).toEqual([false, true]);
  });

  test('one that is being opened closes it once it is open', async () => {
    atOnce = false;
    const late = acquire('ns/a');
    sessions.evict('ns/a');
    logins[0]?.succeed();
    await late;
    await settled();
    expect(logins[0]?.closed).toBe(true);
    expect(await sessions.current('ns/a')).toBeUndefined();
  });
});

test('closing closes all, also those that are not open yet', async () => {
  await acquire('ns/a');
  atOnce = false;
  const late = acquire('ns/b', { regionName: 'north' });
  const closed = sessions.close();
  logins[1]?.succeed();
  await closed;
  await late;
  expect(logins.map((login) => login.closed)).toEqual([true, true]);
  expect(await sessions.current('ns/a')).toBeUndefined();
});

test('a session that could not be closed is told by code and message, without the cause', async () => {
  closing = createError('ConnectionFailed', 'The socket broke.', { cause: new Error('pa55') });
  await acquire('ns/a');
  sessions.release('ns/a');
  await settled();
  closing = undefined;
  expect(log.lines.slice(1)).toMatchObject([
    { code: 'ConnectionFailed', error: 'The socket broke.', msg: 'a session could not be closed' },
  ]);
  expect(log.text()).not.toMatch(/pa55|stack|cause/);
});

test('opening and closing is logged, without the credentials', async () => {
  await acquire('ns/a');
  await acquire('ns/b');
  sessions.release('ns/a');
  sessions.release('ns/b');
  await settled();
  expect(log.lines).toMatchObject([
    { key: 'ns/a', sessions: 1, msg: 'session opened' },
    { key: 'ns/b', sessions: 0, msg: 'session closed' },
  ]);
  expect(log.text()).not.toMatch(new RegExp(`${AUTH.password}"|${AUTH.username}`));
});

describe('whatever happens', () => {
  const USERS = ['one/a', 'one/b', 'two/a', 'two/b'];
  /** Two Secrets with the same text, and one of them with other texts: nothing but the first pair looks alike. */
  const CREDENTIALS: { secret: string; cloud: Partial<CloudConfig> }[] = [
    { secret: 'uid-1', cloud: {} },
    { secret: 'uid-2', cloud: {} },
    { secret: 'uid-1', cloud: { auth: { ...AUTH, password: 'two' } } },
    { secret: 'uid-1', cloud: { authUrl: 'https://evil.example.com/v3' } },
  ];
  const user = fc.constantFrom(...USERS);
  const steps = fc.array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          does: fc.constant('acquire' as const),
          user,
          with: fc.nat(CREDENTIALS.length - 1),
        }),
      },
      { weight: 3, arbitrary: fc.record({ does: fc.constant('succeed' as const), login: fc.nat(7) }) },
      { weight: 2, arbitrary: fc.record({ does: fc.constant('fail' as const), login: fc.nat(7) }) },
      { weight: 2, arbitrary: fc.record({ does: fc.constant('abort' as const), user }) },
      { weight: 2, arbitrary: fc.record({ does: fc.constant('release' as const), user }) },
      { weight: 1, arbitrary: fc.record({ does: fc.constant('evict' as const), user }) },
    ),
    { maxLength: 40 },
  );

  test('a session is open for just those credentials that an object uses, and is shared with no others', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (plan) => {
        start();
        atOnce = false;
        /** Which credentials each object has a session for, or waits for. */
        const uses = new Map<string, number>();
        /** The reconciles that wait for a login. */
        const waiting = new Map<string, AbortController>();
        const sessionOf = new Map<string, Session>();

        for (const step of plan) {
          if (step.does === 'succeed') logins[step.login]?.succeed();
          else if (step.does === 'fail') logins[step.login]?.fail(new Error('401'));
          else if (step.does === 'abort') waiting.get(step.user)?.abort(new Error('stopping'));
          else if (step.does === 'evict') {
            const of = uses.get(step.user);
            sessions.evict(step.user);
            for (const [each, other] of uses) if (other === of) forget(each);
          } else if (waiting.has(step.user)) {
            // The queue gives an object to one worker at a time.
          } else if (step.does === 'release') {
            sessions.release(step.user);
            forget(step.user);
          } else begin(step.user, step.with);
          await settled();
          check();
        }
        for (const stop of waiting.values()) stop.abort(new Error('stopping'));
        for (const each of USERS) sessions.release(each);
        for (const login of logins) login.succeed();
        await settled();
        expect(sessions.size).toBe(0);
        expect(open()).toHaveLength(0);

        function begin(name: string, index: number): void {
          const { secret, cloud } = CREDENTIALS[index] ?? { secret: '', cloud: {} };
          const stop = new AbortController();
          uses.set(name, index);
          sessionOf.delete(name);
          waiting.set(name, stop);
          acquire(name, cloud, secret, stop.signal).then(
            (session) => {
              waiting.delete(name);
              // Evicted meanwhile: it is of no use any more.
              if (uses.get(name) === index) sessionOf.set(name, session);
            },
            () => {
              waiting.delete(name);
              forget(name);
            },
          );
        }

        function forget(name: string): void {
          uses.delete(name);
          sessionOf.delete(name);
        }

        function check(): void {
          const used = new Set(uses.values());
          expect(sessions.size).toBe(used.size);
          expect(open().length).toBe(new Set(sessionOf.values()).size);
          for (const [name, session] of sessionOf) {
            for (const [other, others] of sessionOf) {
              expect(session === others).toBe(uses.get(name) === uses.get(other));
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  /** Logins that led to a session which isn't closed. */
  function open(): Login[] {
    return logins.filter(({ state, closed }) => state === 'succeeded' && !closed);
  }
});

test('the circuit of a login outlives sign-ins that fail, also when one object alone uses it', async () => {
  const breakers = new Set<unknown>();
  const alone = new Sessions({
    connect: (_, { breaker }) => {
      breakers.add(breaker);
      breaker.of('identity').ended('hung', false, 'no answer');
      return Promise.reject(createError('Timeout', 'no answer'));
    },
    onNews: () => undefined,
    onMoved: () => undefined,
    tagsOf: () => [],
    onRequest: () => undefined,
    mostInTrouble: 5,
    progressIntervalMs: 10_000,
    clock: new FakeClock(),
    logger: log.logger,
  });
  for (let round = 0; round < 3; round += 1) {
    await expect(alone.acquire('ns/a', 'uid', CLOUD, never)).rejects.toThrow('no answer');
    alone.end('ns/a');
  }
  expect(breakers.size).toBe(1);
  expect(alone.health()).toMatchObject([{ identity: 'open' }]);
  await alone.close();
});
