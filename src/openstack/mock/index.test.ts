import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Connection, connect } from '../index.ts';
import { heatOf } from '../testdata/fake-cloud.ts';
import { type MockCloud, type MockCloudOptions, startMockCloud } from './index.ts';

const template = {
  heat_template_version: '2018-08-31',
  parameters: {
    title: { type: 'string', default: 'x' },
    password: { type: 'string', hidden: true, default: 'pw' },
  },
  resources: {
    key: { type: 'OS::Heat::RandomString', properties: { length: 7 } },
    name: { type: 'OS::Heat::Value', properties: { value: { get_param: 'title' } } },
  },
  outputs: {
    key: { value: { get_attr: ['key', 'value'] } },
    name: { value: { list_join: ['.', [{ get_attr: ['name', 'value'] }, 'example.com']] } },
  },
};

let cloud: MockCloud;
let connection: Connection;

async function start(options?: MockCloudOptions): Promise<void> {
  cloud = await startMockCloud(options);
  connection = await connect(cloud.config());
}

beforeEach(() => start());
afterEach(async () => {
  await connection.close();
  await cloud.close();
});

describe('work', () => {
  test('is seen in progress once, and over then', async () => {
    const heat = heatOf(connection);
    await heat.createStack({ name: 'web', template, parameters: { title: 'shop' } });
    expect((await heat.getStack('web')).status).toBe('CREATE_IN_PROGRESS');
    const stack = await heat.getStack('web');
    expect(stack.status).toBe('CREATE_COMPLETE');
    expect(stack.parameters).toMatchObject({ title: 'shop', password: '******' });
    const outputs = cloud.heat.stack('web').resources;
    expect(outputs.get('key')?.data['value']).toMatch(/^\w{7}$/);
    await heat.deleteStack('web');
    await heat.getStack(stack.id);
    expect(cloud.heat.stack(stack.id).state).toBe('DELETE_IN_PROGRESS');
    await expect(heat.getStack('web')).rejects.toMatchObject({ code: 'ResourceNotFound' });
    expect(cloud.heat.stack(stack.id).state).toBe('DELETE_COMPLETE');
  });

  test('goes on as the test says', async () => {
    const heat = heatOf(connection);
    cloud.heat.hold();
    await heat.createStack({ name: 'web', template });
    for (let read = 0; read < 3; read += 1) {
      expect((await heat.getStack('web')).status).toBe('CREATE_IN_PROGRESS');
    }
    cloud.heat.finish('web', 'FAILED', 'NoSpace: resources.key: no room');
    const stack = await heat.getStack('web');
    expect(stack.status).toBe('CREATE_FAILED');
    expect(stack.statusReason).toBe('Resource CREATE failed: NoSpace: resources.key: no room');
    expect(() => cloud.heat.finish('web')).toThrow('Nothing is in progress');
  });

  test('is undone when the stack says so', async () => {
    const heat = heatOf(connection);
    await heat.createStack({ name: 'web', template, disableRollback: false });
    cloud.heat.finish('web');
    await heat.updateStack('web', { template, parameters: { title: 'new' }, disableRollback: false });
    cloud.heat.finish('web', 'FAILED');
    expect(cloud.heat.stack('web').state).toBe('ROLLBACK_IN_PROGRESS');
    cloud.heat.finish('web');
    const stack = await heat.getStack('web');
    expect(stack.status).toBe('ROLLBACK_COMPLETE');
    expect(stack.parameters).toMatchObject({ title: 'x' });
  });

  test('keeps what an update leaves unchanged, and replaces what it must', async () => {
    const heat = heatOf(connection);
    await heat.createStack({ name: 'web', template });
    cloud.heat.finish('web');
    const { resources } = cloud.heat.stack('web');
    const [key, name] = [resources.get('key')?.physicalId, resources.get('name')?.physicalId];
    const longer = structuredClone(template);
    longer.resources.key.properties.length = 9;
    await heat.updateStack('web', { template: longer });
    cloud.heat.finish('web');
    expect(resources.get('key')?.physicalId).not.toBe(key);
    expect(resources.get('name')?.physicalId).toBe(name);
  });

  test('of types that the test adds has their attributes', async () => {
    await connection.close();
    await cloud.close();
    await start({ resourceTypes: { 'OS::Nova::Server': { attributes: { first_address: '10.0.0.5' } } } });
    const heat = heatOf(connection);
    const server = {
      heat_template_version: '2018-08-31',
      resources: { server: { type: 'OS::Nova::Server', properties: { flavor: 'm1' } } },
      outputs: { ip: { value: { get_attr: ['server', 'first_address'] } } },
    };
    await heat.createStack({ name: 'vm', template: server });
    cloud.heat.finish('vm');
    expect((await heat.getStack('vm')).outputs).toMatchObject([{ key: 'ip', value: '10.0.0.5' }]);
    cloud.heat.setAttribute('vm', 'server', 'first_address', '10.0.0.6');
    expect((await heat.getStack('vm')).outputs).toMatchObject([{ value: '10.0.0.6' }]);
  });
});

describe('faults', () => {
  const asked = (): string[] =>
    cloud.requests
      .filter(({ service }) => service === 'orchestration')
      .map(({ method, route, status }) => `${method} ${route} ${status}`);

  test('are answers, and used up', async () => {
    cloud.failNext({ method: 'GET', route: '/stacks/{name}', status: 403, body: { error: 'no' }, times: 1 });
    await expect(heatOf(connection).getStack('web')).rejects.toMatchObject({ code: 'Forbidden' });
    await expect(heatOf(connection).getStack('web')).rejects.toMatchObject({ code: 'ResourceNotFound' });
    expect(asked()).toEqual(['GET /stacks/{name} 403', 'GET /stacks/{name} 404']);
  });

  test.each([
    ['before', 0],
    ['after', 1],
  ] as const)('cut the connection %s a create is carried out', async (drop, stacks) => {
    cloud.failNext({ method: 'POST', drop });
    await expect(heatOf(connection).createStack({ name: 'web', template })).rejects.toMatchObject({
      code: 'ConnectionFailed',
    });
    expect(cloud.heat.stacks).toHaveLength(stacks);
  });
});

describe('signing in', () => {
  test('lasts until tokens are revoked, or expire', async () => {
    const heat = heatOf(connection);
    const signIns = () => cloud.requests.filter(({ route }) => route === '/v3/auth/tokens').length;
    expect(signIns()).toBe(1);
    cloud.revokeTokens();
    await expect(heat.getStack('web')).rejects.toMatchObject({ code: 'ResourceNotFound' });
    expect(signIns()).toBe(2);
  });

  test('works by application credential, by token and by trust', async () => {
    const ask = async (path: string, body: object, token = '') => {
      const response = await request(`${cloud.authUrl}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-auth-token': token },
        body: JSON.stringify(body),
      });
      const told = (await response.body.json()) as {
        token?: { user: { id: string }; project: { name: string; id: string } };
      };
      return { status: response.statusCode, id: String(response.headers['x-subject-token']), body: told };
    };
    const signIn = (identity: object, scope?: object) =>
      ask('/auth/tokens', { auth: { identity, ...(scope && { scope }) } });
    const password = (name: string) => ({
      methods: ['password'],
      password: { user: { name, domain: { name: 'Default' }, password: `secret-of-${name}` } },
    });
    const demo = await signIn(password('demo'), { project: { id: cloud.projectId('demo') } });
    const alice = await signIn(password('alice'));
    const users = [demo, alice].map(({ body }) => body.token?.user.id);

    const made = await ask(
      `/users/${users[0]}/application_credentials`,
      { application_credential: { name: 'ci', secret: 's3' } },
      demo.id,
    );
    expect(made.status).toBe(201);
    const user = { name: 'demo', domain: { id: 'default' } };
    const given = {
      methods: ['application_credential'],
      application_credential: { name: 'ci', user, secret: 's3' },
    };
    expect((await signIn(given)).body.token?.project.name).toBe('demo');
    expect((await signIn(given, { project: { id: cloud.projectId('demo') } })).status).toBe(401);

    const byToken = { methods: ['token'], token: { id: demo.id } };
    const rescoped = await signIn(byToken, { project: { id: cloud.projectId('demo2') } });
    expect(rescoped.body.token?.project.name).toBe('demo2');
    expect((await signIn(byToken, { project: { id: cloud.projectId('alice') } })).status).toBe(401);

    const trust = {
      trustor_user_id: users[0],
      trustee_user_id: users[1],
      project_id: cloud.projectId('demo'),
      impersonation: true,
    };
    const trusted = (await ask('/OS-TRUST/trusts', { trust }, demo.id)).body as unknown as {
      trust: { id: string };
    };
    const scoped = await signIn(password('alice'), { 'OS-TRUST:trust': { id: trusted.trust.id } });
    expect(scoped.body.token?.user.id).toBe(users[0]);
  });

  test('finds a Heat for each region, or none', async () => {
    await connection.close();
    await cloud.close();
    await start({ regions: ['North', 'South'] });
    expect(connection.regions).toEqual(['North', 'South']);
    const south = await connect({ ...cloud.config(), regionName: 'South' });
    await heatOf(south).createStack({ name: 'web', template });
    await south.close();
    expect(cloud.heat.stacks).toHaveLength(0);
    expect(cloud.heatOf('South').stacks).toHaveLength(1);
    await cloud.close();
    await connection.close();
    await start({ orchestration: false });
    expect(connection.orchestration).toBeUndefined();
  });

  test('shows nobody the stacks of another project', async () => {
    await heatOf(connection).createStack({ name: 'web', template });
    const other = await connect(cloud.config('alice'));
    await expect(heatOf(other).getStack('web')).rejects.toMatchObject({ code: 'ResourceNotFound' });
    await other.close();
  });
});
