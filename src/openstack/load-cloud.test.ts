import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isOpenStackError } from './errors.ts';
import { configFolders, type LoadOptions, loadCloud } from './load-cloud.ts';

const testdata = (name: string) => readFile(new URL(`./testdata/${name}`, import.meta.url), 'utf8');
const CLOUD = {
  auth: {
    auth_url: 'http://k:5000',
    username: 'demo',
    password: 's3cret-pa55',
    project_name: 'shop',
    domain_name: 'Default',
  },
};
const VARIABLES = {
  OS_AUTH_URL: 'http://env:5000/v3',
  OS_USERNAME: 'demo',
  OS_PASSWORD: 's3cret-pa55',
  OS_PROJECT_NAME: 'shop',
  OS_USER_DOMAIN_NAME: 'Default',
  OS_PROJECT_DOMAIN_ID: 'default',
};

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'load-cloud-'));
});
afterEach(() => rm(root, { recursive: true }));

/** Writes a file below the folder of the test; JSON is YAML, too. */
async function write(path: string, content: string | object): Promise<void> {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content, null, '\t'));
}

const clouds = (members: object) => ({ clouds: members });
const load = (env: Record<string, string> = {}, options: LoadOptions = {}) =>
  loadCloud({ env, cwd: join(root, 'cwd'), home: join(root, 'home'), ...options });

describe('loadCloud', () => {
  it('takes the first clouds.yaml of its folders', async () => {
    const at = (host: string) =>
      clouds({ demo: { ...CLOUD, auth: { ...CLOUD.auth, auth_url: `http://${host}` } } });
    const from = async (env = {}) => (await load(env)).authUrl;
    await write('home/.config/openstack/clouds.json', at('home'));
    expect(await from()).toBe('http://home/v3');
    await write('home/.config/openstack/clouds.yml', at('home-yml'));
    expect(await from()).toBe('http://home-yml/v3');
    await write('xdg/openstack/clouds.yaml', at('xdg'));
    expect(await from({ XDG_CONFIG_HOME: join(root, 'xdg') })).toBe('http://xdg/v3');
    await write('cwd/clouds.yaml', at('cwd'));
    expect(await from({ XDG_CONFIG_HOME: join(root, 'xdg') })).toBe('http://cwd/v3');
    await write('home/mine.yaml', at('named'));
    expect(await from({ OS_CLIENT_CONFIG_FILE: '~/mine.yaml' })).toBe('http://named/v3');
  });

  it('looks in the folders of openstacksdk', () => {
    expect(configFolders({}, '/work', '/home/ann')).toEqual([
      '/work',
      '/home/ann/.config/openstack',
      '/etc/xdg/openstack',
      '/etc/openstack',
    ]);
  });

  it('takes the cloud that is asked for, else that of OS_CLOUD, else that of the variables, else the only one', async () => {
    await write('cwd/clouds.yaml', clouds({ one: CLOUD }));
    expect((await load()).name).toBe('one');
    expect((await load(VARIABLES)).name).toBe('envvars');
    expect((await load({ ...VARIABLES, OS_CLOUD_NAME: 'mine' })).name).toBe('mine');
    await write('cwd/clouds.yaml', clouds({ one: CLOUD, two: CLOUD }));
    expect((await load({ ...VARIABLES, OS_CLOUD: 'two' })).name).toBe('two');
    expect((await load({ ...VARIABLES, OS_CLOUD: 'two' }, { cloud: 'one' })).name).toBe('one');
    expect((await load({ ...VARIABLES, OS_CLOUD: 'two' }, { cloud: 'envvars' })).authUrl).toBe(
      'http://env:5000/v3',
    );
  });

  it('lays secure.yaml over clouds.yaml, and a profile under it', async () => {
    const { password: _, ...auth } = CLOUD.auth;
    await write('cwd/clouds.yaml', clouds({ demo: { profile: 'ours', auth } }));
    await write(
      'home/.config/openstack/secure.yaml',
      clouds({ demo: { auth: { password: 'from-secure' } } }),
    );
    await write('home/.config/openstack/clouds-public.yaml', {
      'public-clouds': {
        ours: { auth: { auth_url: 'http://profile' }, 'region-name': 'R', interface: 'internal' },
      },
    });
    expect(await load()).toMatchObject({
      authUrl: 'http://k:5000/v3',
      auth: { username: 'demo', password: 'from-secure' },
      regionName: 'R',
      interface: 'internal',
    });
    await write('other.yaml', clouds({ demo: { auth: { password: 'from-other' } } }));
    expect(await load({ OS_CLIENT_SECURE_FILE: '../other.yaml' })).toMatchObject({
      auth: { password: 'from-other' },
    });
  });

  it('reads the variables', async () => {
    const { OS_PASSWORD: _, ...others } = VARIABLES;
    const more = {
      OS_REGION_NAME: 'R',
      OS_INTERFACE: 'admin',
      OS_INSECURE: 'True',
      OS_API_TIMEOUT: '7',
      OS_EMPTY: '',
    };
    expect(await load({ ...VARIABLES, ...more, HOME: '/x' })).toEqual({
      name: 'envvars',
      authUrl: 'http://env:5000/v3',
      auth: { type: 'password', username: 'demo', userDomainName: 'Default', password: 's3cret-pa55' },
      scope: { projectName: 'shop', projectDomainId: 'default' },
      regionName: 'R',
      interface: 'admin',
      verify: false,
      apiTimeoutMs: 7000,
    });
    expect(await load({ ...others, OS_AUTH_TYPE: 'v3token', OS_TOKEN: 't' })).toMatchObject({
      auth: { type: 'token', token: 't' },
    });
    await expect(load(others)).rejects.toThrow(
      /cloud "envvars" of the OS_\* variables: OS_PASSWORD: is missing/,
    );
  });

  it('takes the region of the options, of OS_REGION_NAME, of the cloud', async () => {
    await write('cwd/clouds.yaml', clouds({ one: { ...CLOUD, region_name: 'A' } }));
    expect((await load()).regionName).toBe('A');
    expect((await load({ OS_REGION_NAME: 'B' })).regionName).toBe('B');
    expect((await load({ OS_REGION_NAME: 'B' }, { region: 'C' })).regionName).toBe('C');
  });

  it('reads the certificates that are named, those of a region too', async () => {
    const [cert, key] = [await testdata('loopback-cert.pem'), await testdata('loopback-key.pem')];
    await write('home/tls/ca.pem', cert);
    await write('cwd/me.pem', cert);
    await write('cwd/me.key', key);
    const regions = [
      'A',
      { name: 'B', values: { cert: null, key: '', cacert: join(root, 'home/tls/ca.pem') } },
    ];
    await write(
      'cwd/clouds.yaml',
      clouds({ one: { ...CLOUD, cacert: '~/tls/ca.pem', cert: 'me.pem', key: './me.key', regions } }),
    );
    expect(await load()).toMatchObject({ cacert: cert, cert, key });
    expect(await load({}, { region: 'B' })).toMatchObject({ cacert: cert, cert, key });
  });

  it.each<[string, Record<string, string | object>, Record<string, string>, RegExp]>([
    [
      'nothing',
      {},
      {},
      /There is no clouds\.yaml in .*\.config\/openstack.*; write one, or set OS_CLIENT_CONFIG_FILE/,
    ],
    ['nothing but a name', {}, { OS_CLOUD: 'demo' }, /There is no clouds\.yaml in/],
    [
      'several clouds, and none chosen',
      { 'cwd/clouds.yaml': clouds({ a: CLOUD, b: CLOUD }) },
      {},
      /cwd\/clouds\.yaml has several clouds \(a, b\); choose one, by name or with OS_CLOUD/,
    ],
    [
      'a cloud that is not there',
      { 'cwd/clouds.yaml': clouds({ a: CLOUD }) },
      { OS_CLOUD: 'b' },
      /cwd\/clouds\.yaml has no cloud "b" \(it has: a\)/,
    ],
    ['no clouds', { 'cwd/clouds.yaml': clouds({}) }, {}, /cwd\/clouds\.yaml has no cloud; add one/],
    [
      'a file that is broken, though there is another one',
      { 'cwd/clouds.yaml': 'clouds: [s3cret', 'home/.config/openstack/clouds.yaml': clouds({ a: CLOUD }) },
      {},
      /cwd\/clouds\.yaml: it is not valid YAML/,
    ],
    [
      'a file that a variable names and that is missing',
      { 'cwd/clouds.yaml': clouds({ a: CLOUD }) },
      { OS_CLIENT_CONFIG_FILE: '/nowhere/clouds.yaml' },
      /OS_CLIENT_CONFIG_FILE names \/nowhere\/clouds\.yaml, which can't be read \(ENOENT\)/,
    ],
    [
      'a large file',
      { 'cwd/clouds.yaml': `#${'x'.repeat(70_000)}` },
      {},
      /clouds\.yaml is larger than 64 KiB/,
    ],
    [
      'two clouds of one name',
      { 'cwd/clouds.yaml': clouds({ envvars: CLOUD }) },
      VARIABLES,
      /has a cloud named "envvars".*rename one/,
    ],
    [
      'an unknown profile',
      { 'cwd/clouds.yaml': clouds({ a: { ...CLOUD, profile: 'vexxhost' } }) },
      {},
      /profile: there is no clouds-public\.yaml that has it; write the settings out/,
    ],
    [
      'a profile by its URL',
      {
        'cwd/clouds.yaml': clouds({ a: { ...CLOUD, profile: 'https://s3cret.example.com' } }),
        'cwd/clouds-public.yaml': { 'public-clouds': { b: {} } },
      },
      {},
      /profile: .*clouds-public\.yaml has no such profile/,
    ],
    [
      'a CA that is missing',
      { 'cwd/clouds.yaml': clouds({ a: { ...CLOUD, cacert: 'ca.pem' } }) },
      {},
      /cloud "a": cacert: can't read .*cwd\/ca\.pem \(ENOENT\); correct the path/,
    ],
    [
      'a CA that is none',
      { 'cwd/clouds.yaml': clouds({ a: { ...CLOUD, cacert: 'ca.pem' } }), 'cwd/ca.pem': 's3cret' },
      {},
      /cacert: the given CA is not a PEM certificate/,
    ],
    [
      'an endless CA',
      { 'cwd/clouds.yaml': clouds({ a: { ...CLOUD, cacert: '/dev/zero' } }) },
      {},
      /\/dev\/zero is larger than 512 KiB/,
    ],
  ])('refuses %s', async (_what, files, env, message) => {
    for (const [path, content] of Object.entries(files)) await write(path, content);
    const error: unknown = await load(env).then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(isOpenStackError(error, 'ConfigError')).toBe(true);
    expect(String(error)).toMatch(message);
    expect(String(error)).not.toContain('s3cret');
  });
});
