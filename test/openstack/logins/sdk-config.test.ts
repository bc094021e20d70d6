import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadCloud } from '../../../src/openstack/index.ts';
import { tokenRequest } from '../../../src/openstack/keystone.ts';
import { programs } from './servers.ts';

const auth = {
  auth_url: 'http://k:5000/v3',
  username: 'demo',
  password: 'pw',
  project_name: 'shop',
  user_domain_name: 'Default',
  project_domain_name: 'Default',
};
const VARIABLES = {
  OS_AUTH_URL: 'http://env:5000/v3',
  OS_USERNAME: 'demo',
  OS_PASSWORD: 'pw',
  OS_PROJECT_NAME: 'shop',
  OS_USER_DOMAIN_NAME: 'Default',
  OS_PROJECT_DOMAIN_NAME: 'Default',
};
const one = (settings: object, name = 'one') => ({ clouds: { [name]: { auth, ...settings } } });
const PEM = (name: string) =>
  readFileSync(new URL(`../../../src/openstack/testdata/loopback-${name}.pem`, import.meta.url), 'utf8');
const credential = { application_credential_secret: 's' };

interface Case {
  files?: Record<string, object | string>;
  env?: Record<string, string>;
  cloud?: string;
  region?: string;
}

/** Configurations that openstacksdk and we must resolve to the same. */
const CASES: Record<string, Case> = {
  'a plain cloud': { files: { 'cwd/clouds.yaml': one({ region_name: 'R', interface: 'internal' }) } },
  'an address without version': {
    files: { 'cwd/clouds.yaml': one({ auth: { ...auth, auth_url: 'http://k:5000/' } }) },
  },
  'a file in the home': { files: { 'home/.config/openstack/clouds.yml': one({}) } },
  'the working directory first': {
    files: {
      'home/.config/openstack/clouds.yaml': one({}, 'other'),
      'cwd/clouds.json': one({ interface: 'admin' }),
    },
  },
  'a file that a variable names': {
    files: { 'cwd/clouds.yaml': one({}, 'other'), 'cwd/mine.yaml': one({ region_name: 'X' }) },
    env: { OS_CLIENT_CONFIG_FILE: 'mine.yaml' },
  },
  'secure.yaml over it': {
    files: {
      'cwd/clouds.yaml': { clouds: { one: { auth: { ...auth, password: 'wrong' } } } },
      'home/.config/openstack/secure.yaml': { clouds: { one: { auth: { password: 'right' } } } },
    },
  },
  'a profile under it': {
    files: {
      'cwd/clouds.yaml': one({ profile: 'ours' }),
      'cwd/clouds-public.yaml': {
        'public-clouds': {
          ours: { auth: { auth_url: 'http://p/v3' }, region_name: 'P', interface: 'internal' },
        },
      },
    },
  },
  'older and looser spellings': {
    files: {
      'cwd/clouds.yaml': {
        clouds: {
          one: {
            'auth-type': 'v3password',
            domain_name: 'Corp',
            orchestration_endpoint_type: 'internal',
            auth: { auth_url: 'http://k/v3', username: 'demo', password: 'pw', 'tenant-id': 'p1' },
          },
        },
      },
    },
  },
  'one of several by OS_CLOUD': {
    files: { 'cwd/clouds.yaml': { clouds: { one: { auth }, two: { auth, interface: 'admin' } } } },
    env: { OS_CLOUD: 'two' },
  },
  'one of several by name': {
    files: { 'cwd/clouds.yaml': { clouds: { one: { auth }, two: { auth, interface: 'admin' } } } },
    env: { OS_CLOUD: 'two' },
    cloud: 'one',
  },
  'the variables': {
    env: { ...VARIABLES, OS_REGION_NAME: 'R', OS_INTERFACE: 'internal', OS_INSECURE: 'true' },
  },
  'the variables beside a file': { files: { 'cwd/clouds.yaml': one({}) }, env: VARIABLES },
  'the file beside variables': { files: { 'cwd/clouds.yaml': one({}) }, env: VARIABLES, cloud: 'one' },
  'the first of the regions': { files: { 'cwd/clouds.yaml': one({ regions: ['A', 'B'] }) } },
  'the settings of a region': {
    files: {
      'cwd/clouds.yaml': one({
        regions: ['A', { name: 'B', values: { interface: 'admin', auth: { project_name: 'other' } } }],
      }),
    },
    region: 'B',
  },
  'an address with the region': {
    files: {
      'cwd/clouds.yaml': one({
        region_name: 'north',
        auth: { ...auth, auth_url: 'http://{region_name}.k/v3' },
      }),
    },
  },
  "Heat's own settings": {
    files: {
      'cwd/clouds.yaml': one({
        interface: 'admin',
        orchestration_interface: 'internal',
        orchestration_region_name: 'H',
        orchestration_endpoint_override: 'http://h/v1',
        api_timeout: 7,
      }),
    },
  },
  'certificates by their paths': {
    files: {
      'home/ca.pem': PEM('cert'),
      'cwd/me.pem': PEM('cert'),
      'cwd/me.key': PEM('key'),
      'cwd/clouds.yaml': one({ cacert: '~/ca.pem', cert: 'me.pem', key: 'me.key' }),
    },
  },
  'no check of certificates': { files: { 'cwd/clouds.yaml': one({ verify: false }) } },
  'an application credential by id': {
    files: {
      'cwd/clouds.yaml': one({
        auth_type: 'v3applicationcredential',
        auth: { auth_url: 'http://k/v3', application_credential_id: 'c', ...credential },
      }),
    },
  },
  'an application credential by name': {
    files: {
      'cwd/clouds.yaml': one({
        auth_type: 'v3applicationcredential',
        auth: {
          auth_url: 'http://k/v3',
          application_credential_name: 'c',
          username: 'u',
          user_domain_id: 'd',
          ...credential,
        },
      }),
    },
  },
  'a token': {
    files: {
      'cwd/clouds.yaml': one({
        auth_type: 'v3token',
        auth: { auth_url: 'http://k/v3', token: 't', project_id: 'p1' },
      }),
    },
  },
  'a trust': {
    files: {
      'cwd/clouds.yaml': one({
        auth_type: 'v3password',
        auth: { auth_url: 'http://k/v3', user_id: 'u', password: 'pw', trust_id: 't1' },
      }),
    },
  },
};

let root: string;
let theirs: Record<string, Record<string, unknown>>;
const at = (index: number) => ({
  cwd: join(root, String(index), 'cwd'),
  home: join(root, String(index), 'home'),
});

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'heatstack-sdk-'));
  const cases = Object.values(CASES).map(({ files = {}, env = {}, cloud = null, region = null }, index) => {
    for (const folder of Object.values(at(index))) mkdirSync(folder, { recursive: true });
    for (const [path, content] of Object.entries(files)) {
      const file = join(root, String(index), path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    }
    return { ...at(index), env, cloud, region };
  });
  const { environment } = await programs();
  const program = fileURLToPath(new URL('./sdk_config.py', import.meta.url));
  const PATH = process.env['PATH'] ?? '';
  const { stdout, stderr, status } = spawnSync(environment.python, [program], {
    input: JSON.stringify(cases),
    encoding: 'utf8',
    env: { PATH },
  });
  if (status !== 0) throw new Error(stderr);
  const answers = JSON.parse(stdout) as Record<string, unknown>[];
  theirs = Object.fromEntries(Object.keys(CASES).map((name, index) => [name, answers[index] ?? {}]));
});
afterAll(() => rmSync(root, { recursive: true }));

it.each(Object.entries(CASES))('%s', async (name, { env = {}, cloud, region }) => {
  const index = Object.keys(CASES).indexOf(name);
  const ours = await loadCloud({ env, cloud, region, ...at(index) });
  const { verify, cert, ...others } = theirs[name] ?? {};
  expect(others).toEqual({
    asked: { url: `${ours.authUrl}/auth/tokens`, body: JSON.parse(tokenRequest(ours)) as unknown },
    region: ours.regionName ?? null,
    interface: ours.interface,
    override: ours.orchestrationEndpointOverride ?? null,
    timeout: ours.apiTimeoutMs === undefined ? null : ours.apiTimeoutMs / 1000,
  });
  // They have paths, we have texts.
  const text = (path: unknown) => readFileSync(join(at(index).cwd, String(path)), 'utf8');
  expect(verify !== false).toBe(ours.verify);
  expect(ours.cacert).toBe(typeof verify === 'string' ? readFileSync(verify, 'utf8') : undefined);
  expect([ours.cert, ours.key]).toEqual(Array.isArray(cert) ? cert.map(text) : [undefined, undefined]);
});
