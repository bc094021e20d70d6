import { readFileSync } from 'node:fs';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type MockCloud, startMockCloud } from './index.ts';

// Each answer that was recorded of a real Heat 27 and Keystone 30 is asked of the mock, after the same preparation.

interface Answer {
  status: number;
  body: unknown;
}

const samples = JSON.parse(
  readFileSync(new URL('../testdata/heat-samples.json', import.meta.url), 'utf8'),
) as Record<string, unknown>;

const NO_SAMPLE = { pagination_links: 'it holds nothing' };
/** Where the mock answers otherwise on purpose. */
const OTHERWISE: Record<string, string> = {
  get_deleted_by_id: 'the real stack had no deletion_time yet: it was read while Heat purged it',
  get_deleted_by_name: 'the real stack had kept its name for the moment: it was read while Heat purged it',
};

const V = { heat_template_version: '2018-08-31' };
const random = (length = 8) => ({ type: 'OS::Heat::RandomString', properties: { length } });
const ONE = {
  ...V,
  resources: { r: random() },
  outputs: { v: { value: { get_attr: ['r', 'value'] }, description: 'the value' } },
};
const TWO = {
  ...V,
  resources: { r: random(12), x: { type: 'OS::Heat::Value', properties: { type: 'string', value: 'hi' } } },
  outputs: { v: { value: { get_attr: ['r', 'value'] } } },
};
const tester = (properties: object) => ({
  ...V,
  resources: { t: { type: 'OS::Heat::TestResource', properties } },
  outputs: { o: { value: { get_attr: ['t', 'output'] } } },
});

let cloud: MockCloud;
let token = '';
let alice = '';
let unscoped = '';
const answers: Record<string, Answer> = {};

async function ask(
  method: string,
  url: string,
  body?: unknown,
  id = token,
): Promise<Answer & { token: string }> {
  const response = await request(url, {
    method,
    headers: { accept: 'application/json', 'content-type': 'application/json', 'x-auth-token': id },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.body.text();
  const parsed: unknown = text.startsWith('{') || text === 'null' ? JSON.parse(text) : text;
  return {
    status: response.statusCode,
    body: parsed,
    token: String(response.headers['x-subject-token'] ?? ''),
  };
}

const signIn = (name: string, password: string, project?: string) =>
  ask('POST', `${cloud.authUrl}/auth/tokens`, {
    auth: {
      identity: {
        methods: ['password'],
        password: { user: { name, password, domain: { id: 'default' } } },
      },
      ...(project && { scope: { project: { name: project, domain: { id: 'default' } } } }),
    },
  });

function heat(method: string, path: string, body?: unknown, project = 'demo', id = token): Promise<Answer> {
  const url = `${new URL(cloud.authUrl).origin}/orchestration/RegionOne/v1/${cloud.projectId(project)}`;
  return ask(method, `${url}${path}`, body, id);
}

/** The path of a new stack. */
async function create(name: string, template: object, more: object = {}): Promise<string> {
  const { status } = await heat('POST', '/stacks', { stack_name: name, template, ...more });
  expect(status).toBe(201);
  return `/stacks/${name}/${cloud.heat.stack(name).id}`;
}

async function created(name: string, template: object, more?: object): Promise<string> {
  const path = await create(name, template, more);
  cloud.heat.finish(name);
  return path;
}

const inner = async (answer: Promise<Answer>, key: string): Promise<Answer> => {
  const { status, body } = await answer;
  return { status, body: (body as Record<string, unknown>)[key] };
};

beforeAll(async () => {
  cloud = await startMockCloud({ credentialTrusts: false });
  const record = async (name: string, answer: Answer | Promise<Answer>): Promise<void> => {
    answers[name] = await answer;
  };
  const signedIn = await signIn('demo', 'secret-of-demo', 'demo');
  token = signedIn.token;
  alice = (await signIn('alice', 'secret-of-alice', 'alice')).token;
  unscoped = (await signIn('demo', 'secret-of-demo')).token;
  await record('auth_token', signedIn);
  await record('auth_wrong_password_401', signIn('demo', 'wrong', 'demo'));
  await record('auth_unknown_project_401', signIn('demo', 'secret-of-demo', 'nope'));
  const identify = (method: string, given: object) =>
    ask('POST', `${cloud.authUrl}/auth/tokens`, {
      auth: { identity: { methods: [method], [method]: given } },
    });
  const credential = { id: 'nope', secret: 's3' };
  await record('auth_unknown_application_credential_404', identify('application_credential', credential));
  await record('auth_bad_token_404', identify('token', { id: 'nope' }));
  const { user } = (signedIn.body as { token: { user: { id: string } } }).token;
  const url = `${cloud.authUrl}/users/${user.id}/application_credentials`;
  await ask('POST', url, { application_credential: { name: 'ci', secret: 's3' } });
  const given = { name: 'ci', secret: 's3', user: { id: user.id } };
  const byCredential = await identify('application_credential', given);
  const wanted = { stack_name: 'no-trust', template: ONE };
  await record(
    'create_trust_refused_403',
    heat('POST', '/stacks', wanted, 'demo', (byCredential as { token?: string }).token),
  );
  await record('heat_unscoped_token', heat('GET', '/stacks', undefined, 'demo', unscoped));
  await record('heat_bad_token_401', heat('GET', '/stacks', undefined, 'demo', 'bad'));
  await record('heat_foreign_project_url', heat('GET', '/stacks', undefined, 'alice'));

  await record(
    'create',
    heat('POST', '/stacks', { stack_name: 'one', template: ONE, tags: 'a,b', timeout_mins: 5 }),
  );
  cloud.heat.finish('one');
  const one = `/stacks/one/${cloud.heat.stack('one').id}`;
  for (const [name, path] of [
    ['get_stack', one],
    ['list_stacks', '/stacks'],
    ['get_by_name_302', '/stacks/one'],
    ['resources', `${one}/resources`],
    ['resource_show', `${one}/resources/r`],
    ['resource_404', `${one}/resources/nope`],
    ['events', `${one}/events?sort_dir=asc`],
    ['outputs_list', `${one}/outputs`],
    ['output_show', `${one}/outputs/v`],
    ['output_404', `${one}/outputs/zz`],
    ['environment', `${one}/environment`],
    ['files', `${one}/files`],
    ['stack_404', '/stacks/nope'],
    ['stack_wrong_name_404', one.replace('one', 'nope')],
    ['build_info', '/build_info'],
  ] as const) {
    await record(name, heat('GET', path));
  }
  const { id } = cloud.heat.stack('one');
  await record('foreign_stack', heat('GET', `/stacks/${id}`, undefined, 'alice', alice));
  await record('versions_300', ask('GET', `${new URL(cloud.authUrl).origin}/orchestration/RegionOne/`));

  const refused = (body: object) => heat('POST', '/stacks', { stack_name: 'bad', ...body });
  const withType = (type: string, properties = {}) => ({
    template: { ...V, resources: { a: { type, properties } } },
  });
  await record('duplicate_409', refused({ stack_name: 'one', template: ONE }));
  await record('unknown_type_400', refused(withType('OS::No::Such')));
  await record('property_400', refused(withType('OS::Heat::RandomString', { length: -5 })));
  await record('bad_name_400', refused({ stack_name: '9 bad name', template: ONE }));
  await record('missing_param_400', refused({ template: { ...V, parameters: { n: { type: 'string' } } } }));
  await record('bad_yaml_400', refused({ template: 'not: [yaml' }));
  await record('no_template_400', refused({}));
  await record('nova_absent', refused(withType('OS::Nova::Server', { flavor: 'x' })));
  await record('validate', heat('POST', '/validate', { template: ONE }));
  await record(
    'preview_create',
    heat('POST', '/stacks/preview', { stack_name: 'pv', template: ONE, tags: 'x' }),
  );
  await record(
    'preview_create_duplicate',
    heat('POST', '/stacks/preview', { stack_name: 'one', template: ONE }),
  );
  const other = { ...ONE, resources: { r: random(9), n: { type: 'OS::Heat::None' } } };
  await record('preview_update_put', heat('PUT', `${one}/preview`, { template: other }));
  await record('preview_update_patch', heat('PATCH', `${one}/preview`, {}));
  await record('update_put_202', heat('PUT', one, { template: TWO, tags: 'c' }));
  cloud.heat.finish('one');
  await record('update_patch_202', heat('PATCH', one, {}));
  cloud.heat.finish('one');
  for (const action of ['check', 'suspend', 'resume']) {
    await record(`action_${action}`, heat('POST', `${one}/actions`, { [action]: null }));
    cloud.heat.finish('one');
  }
  await record('cancel_not_updating', heat('POST', `${one}/actions`, { cancel_update: null }));
  await record('action_bogus', heat('POST', `${one}/actions`, { bogus: null }));
  await record('snapshot_create', heat('POST', `${one}/snapshots`, { name: 's1' }));
  cloud.heat.finish('one');
  await record('snapshots', heat('GET', `${one}/snapshots`));

  const kinds = await created('kinds', {
    ...V,
    resources: {
      a: { type: 'OS::Heat::TestResource' },
      b: random(),
      c: { type: 'OS::Heat::Value', properties: { value: 1 } },
      d: { type: 'OS::Heat::None' },
      e: { type: 'OS::Heat::Delay' },
      f: { type: 'OS::Heat::WaitConditionHandle' },
      g: { type: 'OS::Heat::ResourceGroup', properties: { count: 3, resource_def: random() } },
      m: { ...random(), depends_on: ['a', 'b'] },
    },
  });
  await record('resources_nested', heat('GET', `${kinds}/resources?nested_depth=3`));
  await created(
    'nest',
    { ...V, resources: { k2: { type: 'k.yaml' } } },
    { files: { 'k.yaml': JSON.stringify(ONE) } },
  );
  const nested = await inner(heat('GET', '/stacks?show_nested=true'), 'stacks');
  const rows = nested.body as { stack_name: string }[];
  await record('nested_stack_list_entry', {
    status: 200,
    body: rows.filter(({ stack_name: name }) => name.startsWith('nest-k2-')),
  });

  const failed = await created('fail', tester({ fail: true }));
  await record('create_failed_stack', inner(heat('GET', failed), 'stack'));
  const failedRows = await inner(heat('GET', `${failed}/resources`), 'resources');
  await record('create_failed_resource', { status: 200, body: (failedRows.body as unknown[])[0] });
  const back = await created('rbu', tester({ value: 'a' }), { disable_rollback: false });
  await heat('PUT', back, { template: tester({ fail: true }) });
  cloud.heat.finish('rbu');
  cloud.heat.finish('rbu');
  await record('rollback_complete_stack', inner(heat('GET', back), 'stack'));

  const waiting = await create('aws', tester({ wait_secs: 60 }));
  await record('create_in_progress_stack', inner(heat('GET', waiting), 'stack'));
  await record(
    'update_while_create_in_progress',
    heat('PUT', waiting, { template: tester({ wait_secs: 60, value: 'b' }) }),
  );
  const gone = await created('dw', tester({ wait_secs: 60 }));
  await record('delete_204', heat('DELETE', gone));
  await record('delete_in_progress_stack', inner(heat('GET', gone), 'stack'));
  cloud.heat.finish('dw');
  await record('get_deleted_by_id', heat('GET', gone));
  await record('get_deleted_by_name', heat('GET', '/stacks/dw'));
  await record('delete_deleted', heat('DELETE', gone));

  const updated = await created('cu', tester({}));
  for (const action of ['cancel_without_rollback', 'cancel_update']) {
    await heat('PUT', updated, { template: tester({ wait_secs: 60, value: action }) });
    await record(`action_${action}`, heat('POST', `${updated}/actions`, { [action]: null }));
  }
  await record('abandon', heat('DELETE', `${await created('ab', ONE)}/abandon`));
  const adopted = JSON.stringify(answers['abandon']?.body);
  await record('adopt', heat('POST', '/stacks', { stack_name: 'ad', adopt_stack_data: adopted }));
  await record('timeout_0', heat('POST', '/stacks', { stack_name: 'to0', template: V, timeout_mins: 0 }));
  await record('unknown_parameter', heat('PATCH', one, { parameters: { zz: 1 } }));
  const handle = await created('wc', { ...V, resources: { h: { type: 'OS::Heat::WaitConditionHandle' } } });
  await record('signal', heat('POST', `${handle}/resources/h/signal`, { status: 'SUCCESS' }));
  for (const name of ['pg3', 'pg4']) await created(name, V);
  await record('bad_marker', heat('GET', '/stacks?limit=2&marker=nope'));
});

afterAll(() => cloud.close());

/** Keys and types; of a list the kinds of its members. */
function shape(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  if (Array.isArray(value)) return [...new Set(value.map((each) => JSON.stringify(shape(each))))].sort();
  const members = Object.entries(value).map(([key, member]) => {
    // What kind of error it is, is what programs look at.
    return [
      key,
      key === 'error' && isObject(member)
        ? { ...(shape(member) as object), is: member['type'] }
        : shape(member),
    ];
  });
  return Object.fromEntries((members as [string, unknown][]).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

describe('a mock answers as the real ones did', () => {
  test.each(Object.keys(samples).filter((name) => !(name in NO_SAMPLE)))('%s', (name) => {
    const sample = samples[name];
    const isAnswer = isObject(sample) && 'status' in sample;
    const expected = isAnswer ? (sample as unknown as Answer) : { status: 200, body: sample };
    const { status, body } = answers[name] ?? expect.fail('nothing was asked');
    const same =
      status === expected.status && JSON.stringify(shape(body)) === JSON.stringify(shape(expected.body));
    if (name in OTHERWISE) {
      expect(same).toBe(false);
      return;
    }
    expect({ status, body: shape(body) }).toEqual({ status: expected.status, body: shape(expected.body) });
  });

  test('words of errors are the same', () => {
    for (const name of [
      'stack_404',
      'resource_404',
      'unknown_type_400',
      'property_400',
      'nova_absent',
      'bad_name_400',
    ]) {
      const [one, other] = [answers[name]?.body, (samples[name] as Answer).body];
      const words = (body: unknown): string => JSON.stringify(body).replace(/one-2aae3b/g, 'one');
      expect(JSON.parse(words(one))).toEqual(JSON.parse(words(other)));
    }
  });
});
