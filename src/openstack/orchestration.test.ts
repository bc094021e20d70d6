import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canonicalJson, parseJson, rawNumber } from '../json.ts';
import type { Connection, Orchestration, RequestInfo } from './index.ts';
import { FakeCloud, heatOf, PROJECT, pick, sample, stackSample } from './testdata/fake-cloud.ts';

const NAME = 'one-2aae3b';
const ID = 'e676bb8c-9320-47d1-aea0-04ea101e4e5a';
const STACK = `/stacks/${NAME}/${ID}`;
const web = { name: NAME, id: ID };

let cloud: FakeCloud;
let connection: Connection;
let heat: Orchestration;
let requests: RequestInfo[];

beforeEach(async () => {
  cloud = await new FakeCloud().start();
  requests = [];
  connection = await cloud.connect({ onRequest: (request) => requests.push(request), userAgent: 'tester/1' });
  heat = heatOf(connection);
});

afterEach(async () => {
  await connection.close();
  await cloud.stop();
});

describe('createStack', () => {
  it('sends what Heat wants and gives the id', async () => {
    cloud.on('POST /stacks', sample('create'));
    const created = await heat.createStack({
      name: NAME,
      template: 'heat_template_version: 2018-08-31\n',
      files: { 'nested.yaml': '{}' },
      environment: { parameter_defaults: { marker: 'h1' } },
      parameters: { count: rawNumber('9007199254740993'), list: [1, 'two', null] },
      tags: ['owner/a=b', 'c'],
      timeoutMins: 60,
      disableRollback: true,
    });
    expect(created).toMatchObject({ id: ID, name: NAME, links: [{ rel: 'self' }] });
    const [request] = cloud.seen;
    expect(request?.headers).toMatchObject({
      accept: 'application/json',
      'accept-encoding': 'identity',
      'content-type': 'application/json',
      'user-agent': 'tester/1',
      'x-auth-token': 'token-1',
      'x-openstack-request-id': expect.stringMatching(/^req-[0-9a-f-]{36}$/),
    });
    expect(request?.body).toContain('9007199254740993');
    expect(parseJson(request?.body ?? '')).toMatchObject({
      stack_name: NAME,
      template: 'heat_template_version: 2018-08-31\n',
      tags: 'owner/a=b,c',
      timeout_mins: 60,
      disable_rollback: true,
    });
  });

  it('leaves out what is undefined, null, or an empty list of tags', async () => {
    cloud.on('POST /stacks', sample('create'));
    await heat.createStack({ name: NAME, template: {}, environment: null, parameters: undefined, tags: [] });
    expect(cloud.seen[0]?.body).toBe(`{"stack_name":"${NAME}","template":{}}`);
  });

  it('previews with a request of its own, nested stacks flattened', async () => {
    const preview = sample('preview_create');
    const [resource] = pick(preview.body, 'stack', 'resources') as unknown[];
    (pick(preview.body, 'stack') as Record<string, unknown>)['resources'] = [resource, [[resource]]];
    cloud.on('POST /stacks/preview', preview);
    const result = await heat.createStack({ name: 'pv-2aae3b', template: {} }, { preview: true });
    expect(result).toMatchObject({ name: 'pv-2aae3b', tags: ['x'], outputs: [{ key: 'v', value: null }] });
    expect(result.resources).toHaveLength(2);
    expect(result.resources[1]).toMatchObject({
      name: 'r',
      type: 'OS::Heat::RandomString',
      status: 'INIT_COMPLETE',
    });
  });

  it.each(['', 'detail', 'preview', 'a/b', '..'])(
    'refuses the name "%s" without asking Heat',
    async (name) => {
      await expect(heat.createStack({ name, template: {} })).rejects.toMatchObject({ code: 'ConfigError' });
      expect(cloud.seen).toEqual([]);
    },
  );

  it.each([['a,b'], [''], ['x'.repeat(81)]])('refuses the tag %j', async (tag) => {
    await expect(heat.createStack({ name: 'a', template: {}, tags: [tag] })).rejects.toMatchObject({
      code: 'ConfigError',
    });
  });
});

describe('getStack', () => {
  it('reads a stack', async () => {
    cloud.on(`GET ${STACK}`, sample('get_stack'));
    expect(await heat.getStack(web)).toEqual({
      id: ID,
      name: NAME,
      status: 'CREATE_COMPLETE',
      statusReason: 'Stack CREATE completed successfully',
      createdAt: '2026-11-23T13:50:24Z',
      description: 'No description',
      templateDescription: 'No description',
      userProjectId: 'b00cebec391744838aea93ca99176f29',
      capabilities: [],
      notificationTopics: [],
      parameters: { 'OS::stack_id': ID, 'OS::project_id': PROJECT, 'OS::stack_name': NAME },
      outputs: [{ key: 'v', description: 'the value', value: 'OuD05oWj' }],
      tags: ['a', 'b'],
      timeoutMins: 5,
      disableRollback: true,
      ownerName: 'demo',
      links: [expect.objectContaining({ rel: 'self' })],
    });
    expect(cloud.asked).toEqual([`GET ${STACK}`]);
    expect(cloud.seen[0]?.query).toBe('');
    expect(requests.at(-1)).toMatchObject({
      service: 'orchestration',
      method: 'GET',
      route: '/stacks/{name}/{id}',
      status: 200,
      requestId: 'req-of-heat-200',
    });
  });

  it('leaves outputs out on demand', async () => {
    cloud.on(`GET ${STACK}`, sample('get_stack'));
    await heat.getStack(web, { resolveOutputs: false });
    expect(cloud.seen[0]?.query).toBe('resolve_outputs=false');
  });

  it('looks a name or an id up, and joins the redirect with its own endpoint', async () => {
    const redirect = sample('get_by_name_302');
    redirect.headers['location'] = `http://evil.example:1/stacks/api/v1/other${STACK}?resolve_outputs=false`;
    cloud.on(`GET /stacks/${NAME}`, redirect).on(`GET /stacks/${ID}`, redirect);
    cloud.on(`GET ${STACK}`, sample('get_stack'));
    for (const ref of [NAME, { id: ID }, { name: NAME }]) await heat.getStack(ref);
    expect(cloud.asked).toEqual([
      `GET /stacks/${NAME}`,
      `GET ${STACK}`,
      `GET /stacks/${ID}`,
      `GET ${STACK}`,
      `GET /stacks/${NAME}`,
      `GET ${STACK}`,
    ]);
  });

  it.each([
    'http://h/v1/p/stacks/..%2Fx/y',
    'http://h/v1/p/stacks/%2E%2E/y',
    'http://h/v1/p/stacks/a',
    'http://h/v1/p/stacks/%E0/y',
    '',
  ])('follows no redirect to %j', async (location) => {
    cloud.on('GET /stacks/a', { status: 302, headers: { location } });
    await expect(heat.getStack('a')).rejects.toMatchObject({ code: 'InvalidResponse' });
    expect(cloud.seen).toHaveLength(1);
  });

  it('encodes what it is given', async () => {
    cloud.on('GET /stacks/a%20b%3Fc%23', sample('stack_404'));
    await expect(heat.getStack('a b?c#')).rejects.toMatchObject({
      code: 'ResourceNotFound',
      type: 'EntityNotFound',
    });
  });

  it('takes a deleted stack for a missing one, unless it is wanted', async () => {
    const path = '/stacks/dw-2aae3b/adc2aba1-f881-46b4-9c80-a7fab528414f';
    const ref = { name: 'dw-2aae3b', id: 'adc2aba1-f881-46b4-9c80-a7fab528414f' };
    cloud
      .on(`GET ${path}`, sample('get_deleted_by_id'))
      .on('GET /stacks/dw-2aae3b', sample('get_deleted_by_name'));
    const error = await heat.getStack(ref).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'ResourceNotFound' });
    // Only Heat's own 404 carries a type.
    expect(error).toHaveProperty('type', undefined);
    expect(await heat.getStack(ref, { showDeleted: true })).toMatchObject({
      status: 'DELETE_COMPLETE',
      tags: [],
    });
    expect(await heat.findStack('dw-2aae3b')).toBeUndefined();
    await expect(heat.findStack('dw-2aae3b', { ignoreMissing: false })).rejects.toMatchObject({
      code: 'ResourceNotFound',
    });
  });

  it('keeps unknown states, and takes a legacy rolled-back create with a deletion time for deleted', async () => {
    const odd = sample('get_stack');
    Object.assign(pick(odd.body, 'stack') as object, {
      stack_status: 'ADOPT_COMPLETE',
      tags: null,
      new_field: {},
    });
    const gone = sample('get_stack');
    Object.assign(pick(gone.body, 'stack') as object, {
      stack_status: 'ROLLBACK_COMPLETE',
      deletion_time: '2026-11-23T13:50:24Z',
    });
    const unknown = sample('get_stack');
    Object.assign(pick(unknown.body, 'stack') as object, { stack_status: 'DREAM_PENDING' });
    cloud.on(`GET ${STACK}`, odd, gone, unknown);
    expect(await heat.getStack(web)).toMatchObject({ status: 'ADOPT_COMPLETE', tags: [] });
    await expect(heat.getStack(web)).rejects.toMatchObject({ code: 'ResourceNotFound' });
    expect(await heat.getStack(web)).toMatchObject({ status: 'DREAM_PENDING' });
  });

  it('reads outputs that failed', async () => {
    cloud.on(`GET ${STACK}`, stackSample('delete_in_progress_stack'));
    expect((await heat.getStack(web)).outputs).toEqual([
      {
        key: 'o',
        description: 'No description given',
        value: null,
        error: 'The specified reference "t" (in unknown) is incorrect.',
      },
    ]);
  });

  it('keeps every digit of a number', async () => {
    const text = JSON.stringify(sample('get_stack').body).replace('"OuD05oWj"', '9007199254740993');
    cloud.on(`GET ${STACK}`, (_request, response) => response.end(text));
    const [output] = (await heat.getStack(web)).outputs ?? [];
    expect(canonicalJson(output?.value)).toBe('9007199254740993');
  });

  it('names the malformed field and quotes nothing', async () => {
    const bad = sample('get_stack');
    Object.assign(pick(bad.body, 'stack') as object, {
      outputs: [{ output_key: 'k' }, { output_key: ['s3cret'] }],
    });
    cloud.on(`GET ${STACK}`, bad);
    const error = await heat.getStack(web).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'InvalidResponse' });
    expect(String(error)).toContain('stack.outputs.1.output_key');
    expect(String(error)).not.toContain('s3cret');
  });

  it.each([
    ['stack.id', { id: 'x'.repeat(65) }],
    ['stack.stack_name', { stack_name: 'x'.repeat(256) }],
    ['stack.stack_status', { stack_status: 'x'.repeat(65) }],
    ['stack.creation_time', { creation_time: 'x'.repeat(65) }],
    ['stack.tags.0', { tags: ['x'.repeat(256)] }],
  ])('refuses a %s that no Heat has', async (field, members) => {
    const known = pick(sample('get_stack').body, 'stack') as object;
    cloud.on(`GET ${STACK}`, { status: 200, body: { stack: { ...known, ...members } } });
    const message = `malformed: ${field} should be `;
    await expect(heat.getStack(web)).rejects.toMatchObject({
      code: 'InvalidResponse',
      message: expect.stringContaining(message),
    });
  });

  // A regular expression takes minutes for it.
  it('finds no stack in a link without an end', async () => {
    const href = `http://h/${'x'.repeat(3_000_000)}`;
    const known = pick(sample('resources').body, 'resources', '0') as object;
    const resource = {
      ...known,
      links: [
        { rel: 'nested', href },
        { rel: 'stack', href: `${href}/stacks/a/b` },
      ],
    };
    cloud.on(`GET ${STACK}/resources`, { status: 200, body: { resources: [resource] } });
    const [found] = await Array.fromAsync(heat.resources(web));
    expect(found).toMatchObject({ name: 'r' });
    expect(found).not.toHaveProperty('nestedStack');
    expect(found).not.toHaveProperty('stack');
  });

  it('refuses more resources than any Heat has, and before anything is made of them', async () => {
    const known = pick(sample('resources').body, 'resources', '0') as object;
    const resources = Array.from({ length: 10_000 }, () => ({ ...known, links: [] }));
    cloud.on(`GET ${STACK}/resources`, { status: 200, body: { resources } });
    expect(await Array.fromAsync(heat.resources(web))).toHaveLength(10_000);
    cloud.on(`GET ${STACK}/resources`, { status: 200, body: { resources: Array(10_001).fill(null) } });
    await expect(Array.fromAsync(heat.resources(web))).rejects.toMatchObject({
      code: 'ResponseTooLarge',
      message: expect.stringContaining('more than 10000 resources'),
    });
  });

  it('refuses a stack over 4 MiB', async () => {
    cloud.on(`GET ${STACK}`, (_request, response) => {
      // Chunked, so that no header tells the size.
      response.write('{"stack":"');
      for (let i = 0; i < 5; i++) response.write('x'.repeat(1024 * 1024));
      response.end('"}');
    });
    await expect(heat.getStack(web)).rejects.toMatchObject({ code: 'ResponseTooLarge' });
  });

  it('tells a missing /v1/<project> from an answer', async () => {
    cloud.on(`GET ${STACK}`, sample('versions_300'));
    await expect(heat.getStack(web)).rejects.toMatchObject({ code: 'InvalidResponse', status: 300 });
  });
});

describe('findStack', () => {
  it('gives a stack or undefined', async () => {
    cloud.on(`GET /stacks/${NAME}`, sample('get_by_name_302')).on(`GET ${STACK}`, sample('get_stack'));
    cloud.on('GET /stacks/nope', sample('stack_404'));
    expect(await heat.findStack(NAME, { resolveOutputs: false })).toMatchObject({ id: ID });
    expect(cloud.seen.at(-1)?.query).toBe('resolve_outputs=false');
    expect(await heat.findStack('nope')).toBeUndefined();
    await expect(heat.findStack('nope', { ignoreMissing: false })).rejects.toMatchObject({
      code: 'ResourceNotFound',
      type: 'EntityNotFound',
      requestId: 'req-of-heat-404',
    });
  });

  it.each([
    ['a proxy', { status: 404, body: '<html>no route s3cret</html>' }],
    ['a resource', { status: 404, body: { error: { type: 'NotFound', message: 'ResourcePropertiesData' } } }],
  ])('takes a 404 of %s not for a missing stack', async (_of, reply) => {
    cloud
      .on(`GET /stacks/${NAME}`, sample('get_by_name_302'))
      .on(`GET ${STACK}`, reply)
      .on(`DELETE ${STACK}`, reply);
    const error = await heat.findStack(NAME).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'ResourceNotFound' });
    expect(String(error)).not.toContain('s3cret');
    await expect(heat.deleteStack(web)).rejects.toMatchObject({ code: 'ResourceNotFound' });
  });
});

describe('stacks', () => {
  const row = (id: string) => ({
    ...(pick(sample('list_stacks').body, 'stacks', '0') as object),
    id,
    stack_name: `stack-${id}`,
    tags: null,
  });
  const page = (ids: string[], next?: string) => ({
    status: 200,
    body: {
      stacks: ids.map(row),
      ...(next && { links: [{ rel: 'next', href: `http://elsewhere/v1/p/stacks?limit=2&marker=${next}` }] }),
    },
  });
  const ids = async (query?: Parameters<Orchestration['stacks']>[0]) =>
    (await Array.fromAsync(heat.stacks(query))).map((stack) => stack.id);

  it('reads one page of 200 by default', async () => {
    cloud.on('GET /stacks', sample('list_stacks'));
    const [stack] = await Array.fromAsync(heat.stacks());
    expect(stack).toMatchObject({ id: ID, name: NAME, tags: ['a', 'b'] });
    expect(stack).not.toHaveProperty('outputs');
    expect(cloud.seen.map((request) => request.query)).toEqual(['limit=200']);
  });

  it('pages by the marker of the next link, else by the last id of a full page', async () => {
    cloud.on('GET /stacks', page(['1', '2'], '2'), page(['3', '4']), page([]));
    expect(await ids({ limit: 2, sortKeys: ['stack_name', 'creation_time'], sortDir: 'asc' })).toEqual([
      '1',
      '2',
      '3',
      '4',
    ]);
    const query = 'limit=2&sort_keys=stack_name&sort_keys=creation_time&sort_dir=asc';
    expect(cloud.seen.map((request) => request.query)).toEqual([
      query,
      `${query}&marker=2`,
      `${query}&marker=4`,
    ]);
  });

  it('gives nothing twice when Heat begins anew, and ends a list without an end', async () => {
    cloud.on('GET /stacks', page(['1', '2'], '2'), page(['1', '3'], '3'), page(['4']));
    expect(await ids({ limit: 2 })).toEqual(['1', '2', '3', '4']);
    cloud.on('GET /stacks', page(['1', '2'], '2'));
    await expect(ids({ limit: 2 })).rejects.toMatchObject({ code: 'InvalidResponse' });
  });

  it('ends a list whose pages have no end', async () => {
    const [known] = pick(sample('list_stacks').body, 'stacks') as object[];
    cloud.on('GET /stacks', (_seen, response) => {
      const id = `stack-${cloud.seen.length}`;
      const links = [{ rel: 'next', href: `http://h/stacks?marker=${id}` }];
      response.end(JSON.stringify({ stacks: [{ ...known, id }], links }));
    });
    const limited = heatOf(await cloud.connect({ limits: { listItems: 1000 } }));
    await expect(Array.fromAsync(limited.stacks())).rejects.toThrow(/more than 1000 items/);
    expect(cloud.seen).toHaveLength(6);
  });

  it('asks for no page more than is read', async () => {
    cloud.on('GET /stacks', page(['1', '2'], '2'));
    for await (const stack of heat.stacks({ limit: 2 })) {
      expect(stack.id).toBe('1');
      break;
    }
    expect(cloud.seen).toHaveLength(1);
  });

  it('stops with the signal', async () => {
    cloud.on('GET /stacks', page(['1', '2'], '2'));
    const abort = new AbortController();
    const read = async () => {
      for await (const _stack of heat.stacks({ limit: 2, signal: abort.signal }))
        abort.abort(new Error('enough'));
    };
    await expect(read()).rejects.toThrow('enough');
  });
});

describe('updateStack', () => {
  it('puts a complete body and reads nothing of the 202', async () => {
    cloud.on(`PUT ${STACK}`, { status: 202, body: 'not json' });
    expect(await heat.updateStack(web, { name: 'ignored', template: 'x', tags: ['a', 'b'] })).toBeUndefined();
    expect(cloud.seen[0]?.body).toBe('{"template":"x","tags":"a,b"}');
  });

  it('looks a bare name up first, with the body only to the stack itself', async () => {
    cloud.on(`GET /stacks/${NAME}`, sample('get_by_name_302')).on(`PUT ${STACK}`, sample('update_put_202'));
    await heat.updateStack(NAME, { template: 'x' });
    expect(cloud.seen.map(({ method, body }) => [method, body.length > 0])).toEqual([
      ['GET', false],
      ['PUT', true],
    ]);
  });

  it('needs a template', async () => {
    await expect(heat.updateStack(web, { tags: ['a'] })).rejects.toMatchObject({ code: 'ConfigError' });
  });
});

describe('deleteStack', () => {
  it('deletes, and swallows a missing stack unless told otherwise', async () => {
    cloud.on(`DELETE ${STACK}`, sample('delete_204'), sample('delete_deleted'));
    await heat.deleteStack(web);
    await heat.deleteStack(web);
    await expect(heat.deleteStack(web, { ignoreMissing: false })).rejects.toMatchObject({
      code: 'ResourceNotFound',
    });
  });

  it('looks a bare id up', async () => {
    cloud
      .on(`GET /stacks/${ID}`, sample('get_by_name_302'), sample('stack_404'))
      .on(`DELETE ${STACK}`, sample('delete_204'));
    await heat.deleteStack(ID);
    await heat.deleteStack({ id: ID });
    expect(cloud.asked).toEqual([`GET /stacks/${ID}`, `DELETE ${STACK}`, `GET /stacks/${ID}`]);
  });
});

describe('resources', () => {
  it('reads resources', async () => {
    cloud.on(`GET ${STACK}/resources`, sample('resources'));
    expect(await Array.fromAsync(heat.resources(web))).toEqual([
      {
        name: 'r',
        logicalId: 'r',
        physicalId: 'one-2aae3b-r-uvtmy2vaikwi',
        type: 'OS::Heat::RandomString',
        status: 'CREATE_COMPLETE',
        statusReason: 'state changed',
        requiredBy: [],
        createdAt: '2026-11-23T13:50:24Z',
        updatedAt: '2026-11-23T13:50:24Z',
        stack: web,
        links: [expect.objectContaining({ rel: 'self' }), expect.objectContaining({ rel: 'stack' })],
      },
    ]);
    expect(cloud.seen[0]?.query).toBe('');
  });

  it('reads nested ones, with their stacks', async () => {
    cloud.on(`GET ${STACK}/resources`, sample('resources_nested'));
    const found = await Array.fromAsync(
      heat.resources(web, { nestedDepth: 3, status: ['FAILED', 'COMPLETE'] }),
    );
    expect(cloud.seen[0]?.query).toBe('nested_depth=3&status=FAILED&status=COMPLETE');
    const nested = found.find((resource) => resource.nestedStack);
    expect(nested?.nestedStack?.id).toBe(nested?.physicalId);
    const inner = found.filter((resource) => resource.stack?.id === nested?.physicalId);
    expect(inner.length).toBeGreaterThan(0);
    expect(inner.every((resource) => resource.parentResource === nested?.name)).toBe(true);
    expect(found.find((resource) => resource.name === 'e')).not.toHaveProperty('physicalId');
  });

  it('looks a name up and fails at the first step when there is no stack', async () => {
    cloud.on('GET /stacks/nope', sample('stack_404'));
    const resources = heat.resources('nope');
    await expect(resources.next()).rejects.toMatchObject({
      code: 'ResourceNotFound',
      type: 'EntityNotFound',
    });
  });
});

it('reads events', async () => {
  cloud.on(`GET ${STACK}/events`, sample('events'));
  const [first] = await Array.fromAsync(heat.events(web, { name: NAME, limit: 20 }));
  expect(first).toMatchObject({
    resourceName: NAME,
    physicalId: ID,
    at: '2026-11-23T13:50:24Z',
    status: 'CREATE_IN_PROGRESS',
    statusReason: 'Stack CREATE started',
  });
  expect(cloud.seen[0]?.query).toBe(`resource_name=${NAME}&limit=20`);
});

it('reads the environment', async () => {
  cloud.on(`GET ${STACK}/environment`, sample('environment'));
  expect(await heat.stackEnvironment(web)).toEqual(sample('environment').body);
});
