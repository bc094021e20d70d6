/** What a server, or a proxy in between, may answer. Any unhandled rejection or uncaught exception fails the run. */
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { inspect, promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type Connection,
  type ConnectOptions,
  connect,
  OpenStackError,
  type Orchestration,
} from './index.ts';
import { heatOf, PROJECT, type Reply, sample } from './testdata/fake-cloud.ts';
import { flood, HostileServer, json, large, silence, wire } from './testdata/hostile-server.ts';

const web = { name: 'a', id: '1' };

/** Calls of each kind. Some read what is answered, others only whether it is a success. */
const CALLS = {
  get: (heat: Orchestration) => heat.getStack(web),
  list: (heat: Orchestration) => Array.fromAsync(heat.stacks()),
  resources: (heat: Orchestration) => Array.fromAsync(heat.resources(web)),
  events: (heat: Orchestration) => Array.fromAsync(heat.events(web)),
  create: (heat: Orchestration) => heat.createStack({ name: 'a', template: 'x' }),
  update: (heat: Orchestration) => heat.updateStack(web, { template: 'x' }),
  delete: (heat: Orchestration) => heat.deleteStack(web),
  token: (_heat: Orchestration, connection: Connection) => connection.reauthenticate(),
};
type CallName = keyof typeof CALLS;
const NAMES = Object.keys(CALLS) as CallName[];

let server: HostileServer;
let closers: (() => Promise<unknown>)[];

beforeEach(async () => {
  server = await new HostileServer().start();
  closers = [];
  // No time is spent between tries.
  vi.spyOn(Math, 'random').mockReturnValue(0);
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  for (const close of closers.reverse()) await close();
  await server.stop();
});

async function connected(options?: ConnectOptions, settings = {}): Promise<Connection> {
  const connection = await connect({ ...server.config, ...settings }, options);
  closers.push(() => connection.close());
  return connection;
}

/** The code of the error that a call ends with, or "ok". Another error than ours is thrown on. */
async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    if (!(error instanceof OpenStackError)) throw error;
    // Neither the token nor the password, nor what the server said that isn't Heat's.
    expect(inspect(error, { depth: 9 })).not.toMatch(/token-1|pa55|s3cret/);
    return error.code;
  }
}

async function outcomes(reply: Reply, names = NAMES): Promise<Record<string, string>> {
  const connection = await connected();
  const heat = heatOf(connection);
  server.turn(reply);
  const ends = names.map(async (name) => [name, await outcome(CALLS[name](heat, connection))] as const);
  const ended = Object.fromEntries(await Promise.all(ends));
  server.tokenReplies.length = 0;
  return ended;
}

/** What each call ends with: `all`, unless it is named. */
type Expected = Partial<Record<CallName, string>> & { all: string };

const all = (code: string, others: Partial<Record<CallName, string>> = {}): Expected => ({
  ...others,
  all: code,
});
/** A success whose body is wrong: a call that reads nothing of it can't know. */
const unread = (code: string, others: Partial<Record<CallName, string>> = {}) =>
  all(code, { update: 'ok', delete: 'ok', ...others });

const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
const deepObject = `${'{"stack":'.repeat(10_000)}1${'}'.repeat(10_000)}`;
const html = '<!doctype html><title>Sign in</title><p>s3cret</p>';
const headers = 'x-y: s3cret\r\n'.repeat(4_000);
const chunked = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n';

const CASES: Record<string, [Reply, Expected]> = {
  'a page for people': [{ status: 200, body: html }, all('InvalidResponse')],
  'a page for people, called JSON': [json(html), unread('InvalidResponse')],
  'an empty 200': [json(''), unread('InvalidResponse')],
  'a text that is JSON': [json('"s3cret"'), unread('InvalidResponse')],
  null: [json('null'), unread('InvalidResponse')],
  'a number': [json('1e400'), unread('InvalidResponse')],
  'a list': [json('[]'), unread('InvalidResponse')],
  'an empty object': [json('{}'), unread('InvalidResponse')],
  'members of another kind': [
    json('{"stack":[],"stacks":{},"resources":"s3cret","events":null,"token":7}'),
    unread('InvalidResponse'),
  ],
  'rows of another kind': [
    json('{"stack":{"id":{}},"stacks":[[]],"resources":[null],"events":["s3cret"],"token":{"catalog":1}}'),
    unread('InvalidResponse'),
  ],
  'JSON that is cut off': [json('{"stack":{"id":"s3cret'), unread('InvalidResponse')],
  'half an UTF-8 sign': [
    json(Buffer.from('{"stack":"\u4e2d', 'utf8').subarray(0, 12)),
    unread('InvalidResponse'),
  ],
  'UTF-16': [json(Buffer.from('\ufeff{"stacks":[]}', 'utf16le')), unread('InvalidResponse')],
  'a byte order mark': [json('\ufeff{"stacks":[]}'), unread('InvalidResponse')],
  'NaN and Infinity': [json('{"stacks":[NaN,Infinity]}'), unread('InvalidResponse')],
  '10,000 lists deep': [json(deep), unread('InvalidResponse')],
  // 90 KB are also more than any answer that isn't read.
  '10,000 objects deep': [
    json(deepObject),
    unread('InvalidResponse', {
      create: 'ResponseTooLarge',
      update: 'ResponseTooLarge',
      delete: 'ResponseTooLarge',
    }),
  ],
  // A list of resources or stacks takes more values than one thing, and still not these.
  'half a million values': [json(`[${'0,'.repeat(500_000)}0]`), all('ResponseTooLarge')],
  'a compressed answer': [
    json(gzipSync('{"stacks":[]}'), 200, { 'content-encoding': 'gzip' }),
    all('InvalidResponse'),
  ],
  'a compressed refusal': [
    json(gzipSync('s3cret'), 400, { 'content-encoding': 'br' }),
    all('BadRequest', { token: 'ConfigError' }),
  ],
  '40 MiB, announced': [large(40, true), all('ResponseTooLarge')],
  '40 MiB, not announced': [large(40, false), all('ResponseTooLarge')],
  '40 MiB of a refusal': [large(40, false, 403), all('Forbidden')],
  'more pieces than any answer has': [flood(chunked, '1\r\n \r\n'.repeat(1000)), all('ResponseTooLarge')],
  'a body that is closed halfway': [
    wire('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"stack":', 'closes'),
    all('ConnectionFailed'),
  ],
  'chunks that are closed halfway': [wire(`${chunked}5\r\n{"st`, 'closes'), all('ConnectionFailed')],
  'chunks of garbage': [wire(`${chunked}zz\r\ns3cret`, 'closes'), all('ConnectionFailed')],
  'a length that is none': [
    wire('HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\ns3cret', 'closes'),
    all('ConnectionFailed'),
  ],
  'two lengths': [
    wire('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{} s3cret', 'closes'),
    all('ConnectionFailed'),
  ],
  'a token, and then garbage in the headers': [
    wire('HTTP/1.1 201 OK\r\ncontent-type: x\u0001y\r\nx-subject-token: s3cret\r\n\r\n', 'closes'),
    all('ConnectionFailed'),
  ],
  'HTTP/0.9': [wire('s3cret\n', 'closes'), all('ConnectionFailed')],
  'HTTP/9.9': [wire('HTTP/9.9 200 OK\r\n\r\ns3cret', 'closes'), all('ConnectionFailed')],
  'another protocol': [wire('SSH-2.0-OpenSSH_9.9\r\n', 'closes'), all('ConnectionFailed')],
  'the end instead of an answer': [wire('', 'closes'), all('ConnectionFailed')],
  // More than is taken. What would wait for their end is seen, since more never comes.
  'headers without an end': [wire(`HTTP/1.1 200 OK\r\n${headers}`), all('ConnectionFailed')],
  'a header of 1 MiB': [
    wire(`HTTP/1.1 200 OK\r\nx-subject-token: ${'s'.repeat(1024 * 1024)}\r\n\r\n`),
    all('ConnectionFailed'),
  ],
  'trailers without an end': [wire(`${chunked}0\r\n${headers}`), all('ConnectionFailed')],
  'an upgrade': [
    wire('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'),
    all('ConnectionFailed'),
  ],
  'a 100 that nobody asked for': [wire('HTTP/1.1 100 Continue\r\n\r\n'), all('ConnectionFailed')],
  'early hints, and a refusal': [
    wire(
      `${'HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n'.repeat(1000)}HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n`,
    ),
    all('Forbidden'),
  ],
  'a 204 with a body': [
    wire('HTTP/1.1 204 No\r\ncontent-length: 13\r\n\r\n{"stacks":[]}'),
    unread('InvalidResponse', { token: 'ConfigError' }),
  ],
  'a 304 with a body': [
    wire('HTTP/1.1 304 Not Modified\r\ncontent-length: 13\r\n\r\n{"stacks":[]}'),
    all('InvalidResponse', { token: 'ConfigError' }),
  ],
  'status 599': [json(html, 599), all('ServerError')],
  'status 999': [json(html, 999), all('ServerError')],
  'status 402': [json(html, 402), all('BadRequest')],
  'a refusal in the shape of no Heat': [
    json('{"error":{"message":"s3cret","type":"StackExists"}}', 409),
    all('Conflict'),
  ],
  'a refusal with another status in it': [
    json('{"code":409,"title":"","explanation":"","error":{"type":"StackExists","message":"s3cret"}}', 400),
    all('BadRequest', { token: 'ConfigError' }),
  ],
  'a refusal with a type that is none': [
    json('{"code":400,"title":"","explanation":"","error":{"type":"a\\nb.c","message":""}}', 400),
    all('BadRequest', { token: 'ConfigError' }),
  ],
  'a refusal 10,000 deep': [json(deep, 400), all('BadRequest', { token: 'ConfigError' })],
  '401 for ever': [{ status: 401, body: html }, all('Unauthorized')],
  '503 for ever': [{ status: 503, body: html, headers: { 'retry-after': '0' } }, all('ServerError')],
  '429 with a wait of years': [
    { status: 429, body: html, headers: { 'retry-after': '9'.repeat(400) } },
    all('TooManyRequests'),
  ],
};

describe('ends each call with an error of ours, and soon', () => {
  it.each(Object.entries(CASES))('%s', async (_what, [reply, { all: code, ...others }]) => {
    const expected = Object.fromEntries(NAMES.map((name) => [name, others[name] ?? code]));
    // Soon: a time-out, which none of them may wait for, is at least as long as the test's.
    expect(await outcomes(reply)).toEqual(expected);
  });
});

describe('a redirect', () => {
  const kinds = [301, 302, 303, 305, 307, 308];

  it.each(kinds)('of status %i sends nothing to another host, port or scheme', async (status) => {
    const strangers: string[] = [];
    const other = createServer((request, response) => {
      strangers.push(`${request.method} ${request.url}`);
      response.end('{}');
    });
    // The other scheme: whatever connects is seen before any TLS.
    const raw = createTcpServer((socket) => {
      strangers.push('a connection');
      socket.on('error', () => {}).destroy();
    });
    for (const each of [other, raw]) {
      await new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve));
      closers.push(() => new Promise((resolve) => each.close(resolve)));
    }
    const portOf = (each: typeof raw) => (each.address() as AddressInfo).port;
    for (const location of [
      `http://127.0.0.1:${portOf(other)}/v1/${PROJECT}/stacks/a/1`,
      `http://localhost:${portOf(other)}/`,
      `https://127.0.0.1:${portOf(raw)}/v1/x/stacks/a/1`,
      `//127.0.0.1:${portOf(raw)}/`,
    ]) {
      const ended = await outcomes({ status, headers: { location } });
      const { token, ...others } = ended;
      expect(token).toBe('ConfigError');
      expect(new Set(Object.values(others))).toEqual(new Set(['InvalidResponse']));
    }
    expect(strangers).toEqual([]);
  });

  it('that answers a look-up leads nowhere but to our own Heat, and in no circle', async () => {
    const heat = heatOf(await connected());
    server.reply = { status: 302, headers: { location: 'http://192.0.2.1:1/v1/p/stacks/b/2' } };
    for (const call of [
      heat.getStack('a'),
      heat.deleteStack('a'),
      heat.updateStack('a', { template: 'x' }),
    ]) {
      expect(await outcome(call)).toBe('InvalidResponse');
    }
    expect(server.asked.sort()).toEqual(
      [
        'GET /stacks/a',
        'GET /stacks/a',
        'GET /stacks/a',
        'DELETE /stacks/b/2',
        'GET /stacks/b/2',
        'PUT /stacks/b/2',
      ].sort(),
    );
  });
});

it('a hook that throws neither keeps an answer back nor ends the process', async () => {
  let isOn = false;
  const hook = (): void => {
    if (isOn) throw new Error('hook');
  };
  const heat = heatOf(await connected({ onRequest: hook }));
  isOn = true;
  server.reply = json('{"stacks":[]}');
  expect(await Array.fromAsync(heat.stacks())).toEqual([]);
  server.reply = wire('', 'closes');
  expect(await outcome(heat.getStack(web))).toBe('ConnectionFailed');
});

it('a list goes on at no marker that is larger than an id', async () => {
  const heat = heatOf(await connected());
  server.reply = json(
    JSON.stringify({ stacks: [], links: [{ rel: 'next', href: `?marker=${'x'.repeat(300)}` }] }),
  );
  expect(await outcome(Array.fromAsync(heat.stacks()))).toBe('InvalidResponse');
  expect(server.seen).toHaveLength(1);
});

describe('members with special names, and members that come twice', () => {
  /** In every object of the text, at its end. */
  const special = '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"prototype":{}';
  const spoilt = (name: string) =>
    JSON.stringify(sample(name).body).replaceAll(/\{\}|\}/g, (end) =>
      end === '{}' ? `{${special}}` : `,${special}}`,
    );
  const READS: [string, string, (heat: Orchestration) => Promise<unknown>][] = [
    ['a stack', 'get_stack', (h) => h.getStack(web)],
    ['stacks', 'list_stacks', (h) => Array.fromAsync(h.stacks())],
    ['a create', 'create', (h) => h.createStack({ name: 'a', template: 'x' })],
    ['a preview', 'preview_create', (h) => h.createStack({ name: 'a', template: 'x' }, { preview: true })],
    ['changes', 'preview_update_put', (h) => h.previewStackUpdate(web, { template: 'x' })],
    ['a resource', 'resource_show', (h) => h.resource(web, 'r')],
    ['resources', 'resources', (h) => Array.fromAsync(h.resources(web))],
    ['events', 'events', (h) => Array.fromAsync(h.events(web))],
    ['an output', 'output_show', (h) => h.output(web, 'v')],
    ['snapshots', 'snapshots', (h) => Array.fromAsync(h.snapshots(web))],
    ['an environment', 'environment', (h) => h.stackEnvironment(web)],
    ['an abandoned stack', 'abandon', (h) => h.abandonStack(web)],
    ['a build', 'build_info', (h) => h.buildInfo()],
  ];

  /** Every object in it has the prototype of all objects. */
  function expectPlain(value: unknown, place: string): void {
    if (typeof value !== 'object' || value === null) return;
    const prototype = Array.isArray(value) ? Array.prototype : Object.prototype;
    expect([place, Object.getPrototypeOf(value) === prototype]).toEqual([place, true]);
    for (const key of Object.keys(value)) {
      // Not by its name, which would give the prototype.
      expectPlain(Object.getOwnPropertyDescriptor(value, key)?.value, `${place}.${key}`);
    }
  }

  it.each(READS)('change no prototype: %s', async (_what, name, call) => {
    const heat = heatOf(await connected());
    server.reply = json(spoilt(name), sample(name).status);
    const read = await call(heat);
    expectPlain(read, 'it');
    expect('polluted' in {}).toBe(false);
    expect('polluted' in (read as object)).toBe(false);
  });

  it('are kept where names are free: parameters of a template, parameters of a stack', async () => {
    const heat = heatOf(await connected());
    const names = ['__proto__', 'constructor', 'prototype', 'toString'];
    server.reply = json(`{"Parameters":{${names.map((name) => `"${name}":{"Type":"String"}`).join(',')}}}`);
    const { parameters } = await heat.validateTemplate({ template: 'x' });
    expect(Object.keys(parameters)).toEqual(names);
    expect(Object.values(parameters)).toEqual(Array(4).fill({ type: 'String', noEcho: false }));
    const values = `"parameters":{${names.map((name) => `"${name}":"v"`).join(',')}}`;
    const text = JSON.stringify(sample('get_stack').body);
    server.reply = json(text.replace('"parameters":{', `${values.slice(0, -1)},`));
    const stack = await heat.getStack(web);
    expect(Object.keys(stack.parameters ?? {}).slice(0, 4)).toEqual(names);
  });

  it('are the last of their name', async () => {
    const heat = heatOf(await connected());
    const text = JSON.stringify(sample('get_stack').body);
    server.reply = json(
      text
        .replace('{"stack":{', '{"stack":"s3cret","stack":{"id":7,"id":{},')
        .replace('"parameters":{', '"parameters":[],"parameters":{'),
    );
    expect(await heat.getStack(web)).toMatchObject({ id: expect.stringMatching(/^e676/) });
    server.reply = json(text.replace(/\}$/, ',"stack":null}'));
    expect(await outcome(heat.getStack(web))).toBe('InvalidResponse');
  });
});

describe('a Location that is none', () => {
  it.each([
    'stacks',
    '/stacks/',
    '/stacks//1',
    '/stacks/a/',
    '/stacks/a?/1',
    '/stacks/./1',
    '/stacks/a/..',
    '/stacks/a/%2e%2E',
    '/stacks/a%2Fb/1',
    '/stacks/detail/1',
    '/stacks/%/1',
    '/stacks/%ff/1',
    'javascript:1',
    `/stacks/a/1${'x'.repeat(8_000)}`,
  ])('asks for nothing more: %j', async (location) => {
    const heat = heatOf(await connected());
    server.reply = { status: 302, headers: { location } };
    for (const call of [heat.getStack('a'), heat.stackTemplate('a'), heat.deleteStack('a')]) {
      expect(await outcome(call)).toBe('InvalidResponse');
    }
    expect(server.asked).toEqual(Array(3).fill('GET /stacks/a'));
  });

  it.each(['/stacks/a%00%0d%0aX/1', '/stacks/%C2%85/1', '/stacks/a/1;x=y', '/stacks/%E2%80%AE/1'])(
    'but odd stays one name below our own Heat: %j',
    async (location) => {
      const heat = heatOf(await connected());
      server.reply = { status: 302, headers: { location } };
      expect(await outcome(heat.deleteStack('a'))).toBe('InvalidResponse');
      expect(server.asked).toHaveLength(2);
      expect(server.asked[1]).toMatch(/^DELETE \/stacks\/[^/?#]+\/[^/?#]+$/);
    },
  );
});

describe('a token with odd dates', () => {
  /** How many tokens five requests take, and one more after a second, and how long the last one is to be used. */
  async function tokens(edit: (token: Record<string, unknown>) => void): Promise<number[]> {
    let now = Date.now();
    server.editToken = edit;
    const heat = heatOf(await connected({ now: () => now }));
    server.reply = sample('get_stack');
    for (let i = 0; i < 5; i += 1) await heat.getStack(web);
    const first = server.tokens;
    now += 1_000;
    await heat.getStack(web);
    return [first, server.tokens];
  }

  it.each<[string, object, number[]]>([
    [
      'over before it began',
      { issued_at: '2026-11-23T15:00:00Z', expires_at: '2026-11-23T14:00:00Z' },
      [1, 2],
    ],
    ['over by our clock', { issued_at: undefined, expires_at: '2001-01-01T00:00:00Z' }, [1, 2]],
    ['of no time', { issued_at: '2026-11-23T14:00:00Z', expires_at: '2026-11-23T14:00:00Z' }, [1, 2]],
    [
      'from the first year to the last',
      { issued_at: '0001-01-01T00:00:00Z', expires_at: '9999-12-31T23:59:59Z' },
      [1, 1],
    ],
    [
      'of a day that is none',
      { issued_at: '2026-02-30T00:00:00Z', expires_at: '2026-02-31T00:00:00Z' },
      [1, 1],
    ],
  ])('is not renewed with each request: %s', async (_what, members, times) => {
    expect(await tokens((token) => Object.assign(token, members))).toEqual(times);
  });

  it.each([
    '',
    'soon',
    '2026-11-23',
    '2026-11-23T14:00:00+05',
    '9999-99-99T99:99:99Z',
    7,
    null,
    {},
    '+275761-01-01T00:00:00Z',
  ])('is refused when the date is none: %j', async (date) => {
    server.editToken = (token) => Object.assign(token, { expires_at: date });
    expect(await outcome(connected())).toBe('InvalidResponse');
    server.editToken = (token) => Object.assign(token, { issued_at: date });
    expect(await outcome(connected())).toBe('InvalidResponse');
  });
});

it('a renewal that everybody has left still is the one of whoever comes next', async () => {
  let now = Date.now();
  const heat = heatOf(await connected({ now: () => now }));
  server.reply = sample('get_stack');
  now += 24 * 3600_000;
  let answer: () => void = () => {};
  server.tokenReplies.push((_seen, response) => {
    answer = () => response.writeHead(503, { 'retry-after': '0' }).end();
  });
  const aborts = [new AbortController(), new AbortController()];
  const left = aborts.map(({ signal }) => heat.getStack(web, { signal }).catch((error: unknown) => error));
  await expect.poll(() => server.tokens).toBe(2);
  for (const [i, abort] of aborts.entries()) abort.abort(`left ${i}`);
  expect(await Promise.all(left)).toEqual(['left 0', 'left 1']);
  const next = heat.getStack(web);
  answer();
  expect(await next).toMatchObject({ status: 'CREATE_COMPLETE' });
  // The refused one, and its repeat.
  expect(server.tokens).toBe(3);
  expect(server.asked).toHaveLength(1);
});

describe('costs a process little memory', () => {
  const run = promisify(execFile);
  const client = new URL('./testdata/hostile-client.ts', import.meta.url).pathname;
  const hints = 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(2000);
  const bomb = gzipSync(Buffer.alloc(1024 * 1024));

  // The most that it may grow by, in MiB: twice to six times the limit of the answer, and what isn't collected yet.
  it.each<[string, Reply, CallName, string, number]>([
    ['a stack of 37 MiB', large(37, true), 'get', 'ResponseTooLarge', 80],
    ['a stack of 37 MiB, not announced', large(37, false), 'get', 'ResponseTooLarge', 80],
    ['a list of 100 MiB', large(100, false), 'list', 'ResponseTooLarge', 150],
    [
      'a gzip bomb',
      flood(
        `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n`,
        Buffer.concat([Buffer.from(`${bomb.length.toString(16)}\r\n`), bomb, Buffer.from('\r\n')]),
      ),
      'list',
      'InvalidResponse',
      80,
    ],
    ['values without an end', json(`[${'{},'.repeat(5_000_000)}{}]`), 'list', 'ResponseTooLarge', 150],
    [
      '16 MB of lists in lists',
      json(`${'['.repeat(8_000_000)}${']'.repeat(8_000_000)}`),
      'list',
      'InvalidResponse',
      150,
    ],
    // Each piece of one byte comes with 64 KiB: 256 MiB at each try, and they end without an answer.
    [
      'chunks with extensions',
      flood(chunked, `1;${'x'.repeat(65_500)}\r\n \r\n`, 4_000),
      'get',
      'ConnectionFailed',
      150,
    ],
    ['early hints without number', flood('', hints, 100), 'get', 'ConnectionFailed', 150],
  ])('%s', async (_what, reply, name, code, most) => {
    server.reply = reply;
    const args = [client, JSON.stringify(server.config), name];
    const { stdout } = await run(process.execPath, args, { timeout: 25_000 });
    const { end, grownMiB } = JSON.parse(stdout) as { end: string; grownMiB: number };
    expect(end).toBe(code);
    expect(grownMiB).toBeLessThan(most);
  });
});

/** How long each kind of call waits for its answer, in milliseconds. */
const TIME: Record<CallName, number> = {
  get: 60_000,
  list: 30_000,
  resources: 60_000,
  events: 30_000,
  create: 120_000,
  update: 120_000,
  delete: 60_000,
  token: 30_000,
};

describe('a call ends in time, and not before', () => {
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const slow: Record<string, Reply> = {
    'an answer that never starts': silence,
    'a head without an end': wire('HTTP/1.1 200 OK\r\nx-y: '),
    'a body that never starts': wire('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n'),
    'a body that never ends': wire(`${chunked}9\r\n{"stack":`),
    'a refusal that never ends': wire('HTTP/1.1 403 No\r\ncontent-length: 10\r\n\r\n{'),
    'a busy answer that never ends': wire('HTTP/1.1 503 No\r\ncontent-length: 10\r\n\r\n{'),
    'an early hint, and no more': wire('HTTP/1.1 103 Early Hints\r\n\r\n'),
  };

  it.each(Object.entries(slow))('%s', async (_what, reply) => {
    const connection = await connected();
    server.turn(reply);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    for (const name of NAMES) {
      let end: string | undefined;
      const before = server.seen.length + server.tokens;
      const call = outcome(CALLS[name](heatOf(connection), connection)).then((code) => {
        end = code;
      });
      // Not by poll, which moves the clock.
      while (server.seen.length + server.tokens === before) await turn();
      vi.advanceTimersByTime(TIME[name] - 1);
      await turn();
      expect(end).toBeUndefined();
      vi.advanceTimersByTime(1);
      await call;
      expect([name, end]).toEqual([name, 'Timeout']);
      expect(server.seen.length + server.tokens).toBe(before + 1);
    }
  });
});

describe('in any state', () => {
  /** Brings a call into a state in which it stays. */
  interface State {
    connection: Connection;
    call: (signal?: AbortSignal) => Promise<unknown>;
    /** Resolves when the call is in it. */
    arrived: () => Promise<unknown>;
    sockets: () => Promise<number>;
  }
  const retries = { count: 0 };
  const countingLogger = () => {
    retries.count = 0;
    const nothing = (): void => {};
    const warn = (): void => {
      retries.count += 1;
    };
    return { debug: nothing, info: nothing, error: nothing, warn };
  };
  const asked = (count: number) => () => expect.poll(() => server.seen.length).toBe(count);
  const STATES: Record<string, () => Promise<State>> = {
    'connecting, in the middle of TLS': async () => {
      let accepted = 0;
      const mute = createTcpServer((socket) => {
        accepted += 1;
        // It reads, so that it sees the end.
        socket.on('error', () => {}).resume();
      });
      await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
      closers.push(() => new Promise((resolve) => mute.close(resolve)));
      server.heatAt(`https://127.0.0.1:${(mute.address() as AddressInfo).port}`);
      const connection = await connected();
      return {
        connection,
        call: (signal) => heatOf(connection).getStack(web, { signal }),
        arrived: () => expect.poll(() => accepted).toBe(1),
        sockets: () =>
          new Promise((resolve, reject) =>
            mute.getConnections((error, count) => (error ? reject(error) : resolve(count))),
          ),
      };
    },
    'waiting for the head': () => plain(silence, asked(1)),
    'in the body': () => plain(wire(`${chunked}9\r\n{"stack":`), asked(1)),
    'waiting for another try': () =>
      plain({ status: 503, body: '', headers: { 'retry-after': '9' } }, () =>
        expect.poll(() => retries.count).toBe(1),
      ),
    'waiting for a socket': async () => {
      const state = await plain(silence, async () => {});
      // They end when the connection is closed.
      for (let i = 0; i < 16; i += 1) void state.call().catch(() => {});
      await asked(16)();
      return state;
    },
    'waiting for a token': async () => {
      let now = Date.now();
      const connection = await connected({ now: () => now });
      now += 24 * 3600_000;
      server.turn(silence);
      return {
        connection,
        call: (signal) => heatOf(connection).getStack(web, { signal }),
        arrived: () => expect.poll(() => server.tokens).toBe(2),
        sockets: () => server.connections(),
      };
    },
    'waiting between two looks': async () => {
      const { body } = sample('get_stack');
      const connection = await connected();
      server.reply = json(JSON.stringify(body).replace('CREATE_COMPLETE', 'CREATE_IN_PROGRESS'));
      const options = { intervalMs: 10_000 };
      return {
        connection,
        call: (signal) => heatOf(connection).waitForStack(web, { ...options, signal }),
        arrived: asked(1),
        sockets: () => server.connections(),
      };
    },
  };

  async function plain(reply: Reply, arrived: () => Promise<unknown>): Promise<State> {
    const connection = await connected({ logger: countingLogger() });
    server.reply = reply;
    return {
      connection,
      call: (signal) => heatOf(connection).getStack(web, { signal }),
      arrived,
      sockets: () => server.connections(),
    };
  }

  it.each(Object.entries(STATES))('a call ends with its signal: %s', async (_what, enter) => {
    const state = await enter();
    for (const reason of [new Error('stop'), 'stop', { stop: true }, null, 0]) {
      server.seen.length = 0;
      retries.count = 0;
      const abort = new AbortController();
      const ended = state.call(abort.signal).then(
        () => ['ok'],
        (error: unknown) => ['error', error],
      );
      if (reason instanceof Error) await state.arrived();
      else await new Promise((resolve) => setImmediate(resolve));
      abort.abort(reason);
      // By itself each of these would take 9 s or more, and all five together longer than the test may.
      const [how, error] = await ended;
      expect(how).toBe('error');
      expect(error).toBe(reason);
    }
  });

  it.each(Object.entries(STATES).filter(([what]) => what !== 'waiting between two looks'))(
    'a call ends when its connection is closed, and no socket is left: %s',
    async (_what, enter) => {
      const state = await enter();
      const ended = outcome(state.call());
      await state.arrived();
      const start = performance.now();
      const closed = state.connection.close();
      expect(await ended).toBe('ConnectionFailed');
      await closed;
      await expect.poll(state.sockets, { timeout: 8_000 }).toBe(0);
      // undici by itself gives up a handshake after 10 s, and a Retry-After is 9 s.
      expect(performance.now() - start).toBeLessThan(8_000);
    },
  );
});
