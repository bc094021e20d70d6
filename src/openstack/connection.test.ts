import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CallTrace, ConnectOptions, RequestInfo } from './index.ts';
import { FakeCloud, heatOf, PROJECT, type Reply, sample } from './testdata/fake-cloud.ts';

const STACK = '/stacks/a/1';
const web = { name: 'a', id: '1' };
const expired = sample('heat_bad_token_401');
const busy: Reply = { status: 503, body: 'busy', headers: { 'retry-after': '0' } };
const reset: Reply = (_request, response) => void response.destroy();

let cloud: FakeCloud;
let closers: (() => Promise<void>)[];

beforeEach(async () => {
  cloud = await new FakeCloud().start();
  closers = [];
});
afterEach(async () => {
  for (const close of closers) await close();
  await cloud.stop();
});

async function connected(options?: ConnectOptions, settings = {}) {
  const { connect } = await import('./index.ts');
  const connection = await connect({ ...cloud.config, ...settings }, options);
  closers.push(() => connection.close());
  return connection;
}

describe('connect', () => {
  it('signs in with one request and says where it is', async () => {
    const requests: RequestInfo[] = [];
    const connection = await connected({ onRequest: (request) => requests.push(request) });
    expect(cloud.tokens).toBe(1);
    expect(requests).toEqual([
      {
        service: 'identity',
        method: 'POST',
        route: '/auth/tokens',
        host: new URL(cloud.origin).host,
        status: 201,
        ms: expect.any(Number),
        waitedMs: 0,
        requestId: 'req-of-heat-201',
      },
    ]);
    expect(connection.cloud).toEqual({
      authURL: `${cloud.origin}/v3`,
      endpoint: `${cloud.origin}/v1/${PROJECT}`,
      region: 'RegionOne',
      projectID: PROJECT,
      projectName: 'demo',
      projectDomainID: 'default',
      projectDomainName: 'Default',
    });
    expect(connection.regions).toEqual(['RegionOne']);
    expect(inspect(connection, { depth: 20, showHidden: true })).not.toMatch(/token-1|pa55/);
  });

  it('reads no token with a catalog larger than any cloud has', async () => {
    const endpoint = { interface: 'public', region: 'RegionOne', url: `${cloud.origin}/v1/${PROJECT}` };
    const catalogOf = (count: number) => [{ type: 'orchestration', endpoints: Array(count).fill(endpoint) }];
    cloud.editToken = (token) => Object.assign(token, { catalog: catalogOf(5_000) });
    expect((await connected()).regions).toEqual(['RegionOne']);
    for (const count of [20_000, 100_000]) {
      cloud.editToken = (token) => Object.assign(token, { catalog: catalogOf(count) });
      await expect(connected()).rejects.toMatchObject({
        code: 'ResponseTooLarge',
        message: expect.stringContaining('larger than 1 MiB'),
      });
    }
    // Small in bytes, and still too many.
    cloud.editToken = (token) => Object.assign(token, { catalog: Array(100_000).fill({}) });
    await expect(connected()).rejects.toMatchObject({
      code: 'ResponseTooLarge',
      message: expect.stringContaining('more than 100000 values'),
    });
  });

  it('has no orchestration in another region, and none without the service', async () => {
    const elsewhere = await connected({}, { regionName: 'Mars' });
    expect(elsewhere.orchestration).toBeUndefined();
    expect(elsewhere.regions).toEqual(['RegionOne']);
    expect(elsewhere.cloud).toMatchObject({ region: 'Mars', projectID: PROJECT });
    expect(elsewhere.cloud).not.toHaveProperty('endpoint');
    cloud.editToken = (token) => {
      token['catalog'] = [];
    };
    const without = await connected();
    expect(without.orchestration).toBeUndefined();
    expect(without.regions).toEqual([]);
    cloud.editToken = () => {};
    await without.reauthenticate();
    expect(without.orchestration).toBeDefined();
  });

  it.each<[string, Reply, object]>([
    ['wrong credentials', sample('auth_wrong_password_401'), { code: 'Unauthorized', status: 401 }],
    ['an unknown project', sample('auth_unknown_project_401'), { code: 'Unauthorized', status: 401 }],
    [
      'a malformed request',
      {
        status: 400,
        body: { error: { code: 400, message: 'Invalid input: pa55-of-demo', title: 'Bad Request' } },
      },
      { code: 'ConfigError', message: expect.stringContaining('Invalid input: [redacted]') },
    ],
    ['no Keystone', { status: 404, body: '<html>pa55-of-demo</html>' }, { code: 'ConfigError', status: 404 }],
    [
      'a redirect',
      { status: 301, headers: { location: 'https://k/' } },
      { code: 'ConfigError', status: 301 },
    ],
    ['no token', { status: 201, body: sample('auth_token').body }, { code: 'InvalidResponse' }],
    ['no JSON', { status: 201, body: 'x', headers: { 'x-subject-token': 't' } }, { code: 'InvalidResponse' }],
    [
      'a token without a project',
      {
        status: 201,
        body: { token: { expires_at: '2030-01-01T00:00:00Z' } },
        headers: { 'x-subject-token': 't' },
      },
      { code: 'ConfigError', message: expect.stringContaining('without a project') },
    ],
    ['a refusal', { status: 403, body: { error: { message: 'locked' } } }, { code: 'Forbidden' }],
    ['a server error', { status: 500, body: '' }, { code: 'ServerError', status: 500 }],
  ])('tells %s', async (_what, reply, expected) => {
    cloud.tokenReplies.push(reply);
    const error = await connected().catch((e: unknown) => e);
    expect(error).toMatchObject(expected);
    expect(inspect(error, { depth: 9 })).not.toContain('pa55-of-demo');
    expect(cloud.tokens).toBe(1);
  });

  it('tries again while Keystone is busy', async () => {
    const warn = vi.fn();
    const logger = { debug: vi.fn(), info: vi.fn(), warn, error: vi.fn() };
    cloud.tokenReplies.push(busy, busy);
    await connected({ logger });
    expect(cloud.tokens).toBe(3);
    expect(warn).toHaveBeenCalledTimes(2);
  });

  it('tells a Keystone that cannot be reached from one that refuses', async () => {
    await expect(connected({}, { authUrl: 'http://127.0.0.1:1/v3' })).rejects.toMatchObject({
      code: 'ConnectionFailed',
      notSent: true,
    });
  });

  it('ends with its signal and leaves no socket', async () => {
    const abort = new AbortController();
    const reason = new Error('stop');
    cloud.tokenReplies.push(() => abort.abort(reason));
    await expect(connected({ signal: abort.signal })).rejects.toBe(reason);
    await vi.waitFor(async () => expect(await cloud.connections()).toBe(0));
  });

  it('closes every socket', async () => {
    const connection = await connected();
    cloud.on(`GET ${STACK}`, sample('get_stack'));
    await Promise.all(Array.from({ length: 30 }, () => heatOf(connection).getStack(web)));
    // Pooled: one socket for each of the 16 that may be open at once, not one for each request.
    expect(await cloud.connections()).toBeLessThanOrEqual(16);
    await connection.close();
    await vi.waitFor(async () => expect(await cloud.connections()).toBe(0));
    await expect(heatOf(connection).getStack(web)).rejects.toMatchObject({ code: 'ConnectionFailed' });
  });
});

describe('a token', () => {
  it('is renewed 120 s ahead of its end, once for all who wait', async () => {
    let now = Date.now();
    const connection = await connected({ now: () => now });
    const heat = heatOf(connection);
    cloud.on(`GET ${STACK}`, sample('get_stack'));
    now += 3600_000 - 121_000;
    await heat.getStack(web);
    expect(cloud.tokens).toBe(1);
    now += 2_000;
    await Promise.all(Array.from({ length: 10 }, () => heat.getStack(web)));
    expect(cloud.tokens).toBe(2);
    expect(cloud.seen.map((request) => request.headers['x-auth-token'])).toEqual([
      'token-1',
      ...Array<string>(10).fill('token-2'),
    ]);
  });

  it('that lives shortly is not renewed with each request', async () => {
    cloud.tokenLifetime = 60;
    const heat = heatOf(await connected());
    cloud.on(`GET ${STACK}`, sample('get_stack'));
    await heat.getStack(web);
    await heat.getStack(web);
    expect(cloud.tokens).toBe(1);
  });

  it('that was revoked is renewed once for all, and each request is repeated', async () => {
    const heat = heatOf(await connected());
    const byToken: Reply = (request, response) => {
      const reply = request.headers['x-auth-token'] === 'token-1' ? expired : sample('get_stack');
      response.writeHead(reply.status).end(JSON.stringify(reply.body));
    };
    cloud.on(`GET ${STACK}`, byToken);
    await Promise.all(Array.from({ length: 10 }, () => heat.getStack(web)));
    expect(cloud.tokens).toBe(2);
  });

  it('that was refused repeats a write too, with its body', async () => {
    const heat = heatOf(await connected());
    cloud.on('POST /stacks', expired, sample('create'));
    await heat.createStack({ name: 'a', template: 'x' });
    expect(cloud.seen.map(({ headers, body }) => [headers['x-auth-token'], body])).toEqual([
      ['token-1', '{"stack_name":"a","template":"x"}'],
      ['token-2', '{"stack_name":"a","template":"x"}'],
    ]);
  });

  it('refused twice is Unauthorized', async () => {
    const heat = heatOf(await connected());
    cloud.on(`GET ${STACK}`, expired);
    await expect(heat.getStack(web)).rejects.toMatchObject({
      code: 'Unauthorized',
      status: 401,
      requestId: 'req-of-heat-401',
    });
    expect([cloud.tokens, cloud.seen.length]).toEqual([2, 2]);
  });

  it.each(['the <b>body</b> of a page', `req-${'x'.repeat(100)}`])(
    "is refused, and a request id like %j is nobody's: ours is shown",
    async (id) => {
      const heat = heatOf(await connected());
      cloud.on(`GET ${STACK}`, (_request, response) => {
        response.writeHead(403, { 'x-openstack-request-id': id }).end();
      });
      await expect(heat.getStack(web)).rejects.toMatchObject({
        code: 'Forbidden',
        requestId: expect.stringMatching(/^req-[0-9a-f-]{36}$/),
      });
    },
  );

  it('of credentials that are wrong by now is Unauthorized', async () => {
    const heat = heatOf(await connected());
    cloud.on(`GET ${STACK}`, expired);
    cloud.tokenReplies.push(sample('auth_wrong_password_401'));
    await expect(heat.getStack(web)).rejects.toMatchObject({
      code: 'Unauthorized',
      message: expect.stringContaining('Keystone refused'),
    });
  });

  it('is fetched for all, though one of them has left', async () => {
    let now = Date.now();
    const heat = heatOf(await connected({ now: () => now }));
    cloud.on(`GET ${STACK}`, sample('get_stack'));
    now += 3600_000;
    const abort = new AbortController();
    let answer: () => void = () => {};
    cloud.tokenReplies.push((_request, response) => {
      answer = () => response.writeHead(503, { 'retry-after': '0' }).end();
      abort.abort(new Error('left'));
    });
    const left = heat.getStack(web, { signal: abort.signal });
    const stays = heat.getStack(web);
    await expect(left).rejects.toThrow('left');
    answer();
    await expect(stays).resolves.toMatchObject({ name: 'one-2aae3b' });
    expect(cloud.tokens).toBe(3);
  });
});

describe('project and Heat of a connection', () => {
  /** The catalog has Heat at these endpoints. */
  const heatAt = (...endpoints: { region?: string; url?: string }[]) => {
    cloud.editToken = (token) => {
      const of = ({ region = 'RegionOne', url = `${cloud.origin}/v1/${PROJECT}` }) => ({
        interface: 'public',
        region_id: region,
        url,
      });
      token['catalog'] = [{ type: 'orchestration', endpoints: endpoints.map(of) }];
    };
  };
  const moves: [string, () => void][] = [
    [
      'another project',
      () => {
        cloud.editToken = (token) => {
          token['project'] = { id: 'other', name: 'demo' };
        };
      },
    ],
    ['another address', () => heatAt({ url: `${cloud.origin}/v1/moved` })],
    ['another region, first in a reordered catalog', () => heatAt({ region: 'RegionTwo' }, {})],
  ];

  it.each(moves)('stay the same: reauthenticate refuses %s', async (_what, move) => {
    const connection = await connected();
    const before = connection.cloud;
    move();
    await expect(connection.reauthenticate()).rejects.toMatchObject({
      code: 'IdentityChanged',
      retryable: false,
      message: expect.stringMatching(/cloud "demo".*; connect anew\.$/),
    });
    expect(connection.cloud).toEqual(before);
  });

  it.each(moves)('stay the same: no request is sent to %s', async (_what, move) => {
    let now = Date.now();
    const heat = heatOf(await connected({ now: () => now }));
    cloud.on('POST /stacks', expired);
    move();
    const create = { name: 'a', template: 'x' };
    // The one that Heat refused is not sent again,
    await expect(heat.createStack(create)).rejects.toMatchObject({ code: 'IdentityChanged' });
    expect(cloud.asked).toEqual(['POST /stacks']);
    // and with an expired token none is sent at all.
    now += 3600_000;
    await expect(heat.createStack(create)).rejects.toMatchObject({ code: 'IdentityChanged' });
    expect(cloud.asked).toHaveLength(1);
  });

  it('may be without Heat for a while, but Heat must not come back elsewhere', async () => {
    const connection = await connected();
    const before = connection.cloud;
    heatAt();
    await connection.reauthenticate();
    expect(connection.orchestration).toBeUndefined();
    heatAt({ region: 'RegionTwo' });
    await expect(connection.reauthenticate()).rejects.toMatchObject({ code: 'IdentityChanged' });
    expect(connection.orchestration).toBeUndefined();
    heatAt({}, { region: 'RegionTwo' });
    await connection.reauthenticate();
    expect(connection.cloud).toEqual(before);
  });

  it('stay as they are while a renewed catalog has an unusable address', async () => {
    const connection = await connected();
    const before = connection.cloud;
    heatAt({ url: 'ftp://heat' });
    await expect(connection.reauthenticate()).rejects.toMatchObject({ code: 'InvalidResponse' });
    expect(connection.cloud).toEqual(before);
    await expect(connected()).rejects.toMatchObject({ code: 'InvalidResponse' });
  });
});

describe('a request', () => {
  it.each<[string, Reply]>([
    ['a busy Heat', busy],
    ['a broken connection', reset],
  ])('that only reads is repeated after %s', async (_what, reply) => {
    const heat = heatOf(await connected());
    cloud.on(`GET ${STACK}`, reply, reply, sample('get_stack'));
    await expect(heat.getStack(web)).resolves.toMatchObject({ name: 'one-2aae3b' });
    expect(cloud.seen).toHaveLength(3);
    // A repeat is a request of its own in the logs of Heat.
    expect(new Set(cloud.seen.map((request) => request.headers['x-openstack-request-id'])).size).toBe(3);
  });

  it('that only reads is given up after three tries', async () => {
    const heat = heatOf(await connected());
    cloud.on(`GET ${STACK}`, busy);
    await expect(heat.getStack(web)).rejects.toMatchObject({
      code: 'ServerError',
      status: 503,
      retryAfterMs: 0,
    });
    expect(cloud.seen).toHaveLength(3);
  });

  it('that met a 500 is not repeated', async () => {
    const heat = heatOf(await connected());
    cloud.on(`GET ${STACK}`, { status: 500, body: '' });
    await expect(heat.getStack(web)).rejects.toMatchObject({ code: 'ServerError', status: 500 });
    expect(cloud.seen).toHaveLength(1);
  });

  it.each<[string, Reply]>([
    ['a busy Heat', busy],
    ['a broken connection', reset],
  ])('that writes is never repeated after %s', async (_what, reply) => {
    const heat = heatOf(await connected());
    cloud.on('POST /stacks', reply).on(`PUT ${STACK}`, reply).on(`DELETE ${STACK}`, reply);
    const writes = [
      () => heat.createStack({ name: 'a', template: 'x' }),
      () => heat.createStack({ name: 'a', template: 'x' }),
      () => heat.updateStack(web, { template: 'x' }),
      () => heat.deleteStack(web),
    ];
    for (const write of writes) {
      await expect(write()).rejects.toMatchObject({ retryable: true, notSent: false });
    }
    expect(cloud.seen).toHaveLength(4);
  });

  it('that writes is repeated when nothing was sent', async () => {
    const requests: RequestInfo[] = [];
    const connection = await connected(
      { onRequest: (request) => requests.push(request) },
      { orchestrationEndpointOverride: 'http://127.0.0.1:1/v1/p' },
    );
    await expect(heatOf(connection).createStack({ name: 'a', template: 'x' })).rejects.toMatchObject({
      code: 'ConnectionFailed',
      notSent: true,
    });
    expect(
      requests.filter((request) => request.method === 'POST' && request.route === '/stacks'),
    ).toHaveLength(3);
  });

  it('is traced for whoever made it, also when another one had it sent', async () => {
    const callers = new AsyncLocalStorage<string>();
    const told: string[] = [];
    const trace: CallTrace = ({ route }) => {
      const caller = callers.getStore();
      return ({ status }) => told.push(`${caller} ${route} ${status}`);
    };
    cloud.on('GET /stacks', (_request, response) => response.end('{"stacks": []}'));
    const heat = heatOf(await connected({ trace, limits: { concurrency: 1 } }));
    told.length = 0;
    // Only one at a time: the end of each begins the next.
    const callOf = (caller: string) => callers.run(caller, () => Array.fromAsync(heat.stacks()));
    await Promise.all(['a', 'b', 'c'].map(callOf));
    expect(told).toEqual(['a', 'b', 'c'].map((caller) => `${caller} /stacks 200`));
    const failing = heatOf(
      await connected({
        trace: () => {
          throw new Error('not our affair');
        },
      }),
    );
    await expect(Array.fromAsync(failing.stacks())).resolves.toEqual([]);
  });

  it('is not cut short by api_timeout', async () => {
    const heat = heatOf(await connected({}, { apiTimeoutMs: 1 }));
    cloud.on('POST /stacks', (_request, response) => {
      setTimeout(() => response.writeHead(201).end(JSON.stringify(sample('create').body)), 50);
    });
    await expect(heat.createStack({ name: 'a', template: 'x' })).resolves.toMatchObject({ name: 'a' });
  });

  it('carries the id that Heat logged', async () => {
    const heat = heatOf(await connected());
    cloud.on('POST /stacks', sample('duplicate_409'));
    await expect(heat.createStack({ name: 'a', template: 'x' })).rejects.toMatchObject({
      code: 'Conflict.StackExists',
      type: 'StackExists',
      requestId: 'req-of-heat-409',
    });
  });
});

describe('connect with a name', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('finds the cloud as openstacksdk does', async () => {
    const { connect } = await import('./index.ts');
    const auth = { auth_url: cloud.origin, username: 'demo', password: 'pa55-of-demo', project_name: 'demo' };
    const domains = { user_domain_id: 'default', project_domain_id: 'default' };
    await using folder = await mkdtempDisposable(join(tmpdir(), 'connect-'));
    const file = join(folder.path, 'clouds.yaml');
    await writeFile(file, JSON.stringify({ clouds: { here: { auth: { ...auth, ...domains } } } }));
    vi.stubEnv('OS_CLIENT_CONFIG_FILE', file);
    for (const name of ['here', undefined]) {
      const connection = await connect(name);
      closers.push(() => connection.close());
      expect(connection.cloud.projectID).toBe(PROJECT);
    }
    await expect(connect('nowhere')).rejects.toMatchObject({ code: 'ConfigError' });
  });
});

describe('a sign-in that fails while a connection is used', () => {
  const good = sample('get_stack');

  it('is repeated by itself alone, not with the call as well', async () => {
    const connection = await connected();
    cloud.on(`GET ${STACK}`, expired);
    cloud.tokenReplies.push(...Array<Reply>(9).fill(busy));
    await expect(heatOf(connection).getStack(web)).rejects.toMatchObject({
      code: 'ServerError',
      status: 503,
    });
    expect(cloud.tokens).toBe(1 + 3);
    expect(cloud.asked).toEqual([`GET ${STACK}`]);
    // The refused token isn't tried again: it is replaced first.
    cloud.tokenReplies.length = 0;
    cloud.on(`GET ${STACK}`, good);
    await heatOf(connection).getStack(web);
    expect(cloud.seen.at(-1)?.headers['x-auth-token']).toBe(`token-${cloud.tokens}`);
  });

  it('leaves the token in use as long as it is valid', async () => {
    let now = Date.now();
    const connection = await connected({ now: () => now });
    cloud.on(`GET ${STACK}`, good);
    now += 3_500_000; // 100 s before its end
    cloud.tokenReplies.push({ status: 500, body: '' });
    await heatOf(connection).getStack(web);
    expect(cloud.seen.at(-1)?.headers['x-auth-token']).toBe('token-1');
    // Keystone isn't asked at every call, but soon again.
    await heatOf(connection).getStack(web);
    expect(cloud.tokens).toBe(2);
    now += 11_000;
    await heatOf(connection).getStack(web);
    expect(cloud.seen.at(-1)?.headers['x-auth-token']).toBe('token-3');
  });

  it('is an error when the token is over', async () => {
    let now = Date.now();
    const connection = await connected({ now: () => now });
    now += 3_700_000;
    cloud.tokenReplies.push({ status: 500, body: '' });
    await expect(heatOf(connection).getStack(web)).rejects.toMatchObject({ code: 'ServerError' });
  });
});

describe('options that are there and undefined', () => {
  it('leave the bounds as they are', async () => {
    const connection = await connected({ limits: { stackBytes: undefined } });
    cloud.on(`GET ${STACK}`, { status: 200, body: JSON.stringify({ stack: 'x'.repeat(5 * 1024 * 1024) }) });
    await expect(heatOf(connection).getStack(web)).rejects.toMatchObject({ code: 'ResponseTooLarge' });
  });
});

describe('a hook that fails', () => {
  it('later than it was called ends neither the call nor the process', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', note);
    const onRequest = async () => {
      throw new Error('of the hook');
    };
    const connection = await connected({ onRequest });
    cloud.on(`GET ${STACK}`, sample('get_stack'));
    await heatOf(connection).getStack(web);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('when a repeat is logged leaves the repeat be', async () => {
    const broken = () => {
      throw new Error('disk full');
    };
    const connection = await connected({
      logger: { debug: broken, info: broken, warn: broken, error: broken },
    });
    cloud.on(`GET ${STACK}`, busy, sample('get_stack'));
    expect((await heatOf(connection).getStack(web)).status).toBe('CREATE_COMPLETE');
  });
});
