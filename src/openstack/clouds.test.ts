import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { insecureWarning, parseCloudsYaml } from './clouds.ts';
import { OpenStackError } from './errors.ts';

const AUTH = `
      auth_url: https://keystone.example.com:5000/v3
      username: demo
      password: s3cret-pa55
      project_name: shop
      user_domain_name: Default
      project_domain_name: Default`;
const cloud = (rest = '', auth = AUTH) => `clouds:\n  demo:\n    auth:${auth}\n${rest}`;
const parse = (text: string, options = {}) => parseCloudsYaml(text, { cloudName: 'demo', ...options });
const PEM = readFileSync(new URL('./testdata/loopback-cert.pem', import.meta.url), 'utf8');

describe('parseCloudsYaml', () => {
  it('reads a cloud', () => {
    expect(parse(cloud('    region_name: RegionOne\n'))).toEqual({
      name: 'demo',
      authUrl: 'https://keystone.example.com:5000/v3',
      auth: { type: 'password', username: 'demo', password: 's3cret-pa55', userDomainName: 'Default' },
      scope: { projectName: 'shop', projectDomainName: 'Default' },
      regionName: 'RegionOne',
      interface: 'public',
      verify: true,
    });
  });

  it.each([
    ['http://k:5000', 'http://k:5000/v3'],
    ['http://k:5000/', 'http://k:5000/v3'],
    ['https://K.example/identity/v3/', 'https://k.example/identity/v3'],
    ['https://k.example/identity', 'https://k.example/identity/v3'],
  ])('reads auth_url %s', (written, read) => {
    expect(parse(cloud('', AUTH.replace('https://keystone.example.com:5000/v3', written))).authUrl).toBe(
      read,
    );
  });

  it('reads the older and the looser spellings', () => {
    const text = `clouds:
  demo:
    auth-type: v3password
    auth_url: http://k:5000
    domain_name: Corp
    auth:
      user-name: demo
      tenant_id: 0123
      password: 0042.10
    orchestration_endpoint_type: internalURL
    insecure: true
    api_timeout: 90
    orchestration_endpoint_override: http://h:8004/v1/%(project_id)s/
`;
    expect(parse(text)).toEqual({
      name: 'demo',
      authUrl: 'http://k:5000/v3',
      auth: { type: 'password', username: 'demo', password: '0042.10', userDomainName: 'Corp' },
      scope: { projectId: '0123', projectDomainName: 'Corp' },
      interface: 'internal',
      verify: false,
      apiTimeoutMs: 90_000,
      orchestrationEndpointOverride: 'http://h:8004/v1/%(project_id)s',
    });
  });

  it('reads the longest time-out', () => {
    expect(parse(cloud('    api_timeout: 600\n')).apiTimeoutMs).toBe(600_000);
  });

  it('follows anchors and merge keys', () => {
    const text = `common: &common
  auth_url: http://k:5000/v3
  user_id: u1
  password: s3cret-pa55
clouds:
  demo: {auth: {<<: *common, project_id: p1}, verify: no}
`;
    expect(parse(text)).toMatchObject({
      verify: false,
      auth: { userId: 'u1' },
      scope: { projectId: 'p1' },
    });
  });

  it('takes region and CA from the options first', () => {
    const config = parse(cloud('    region_name: A\n    regions: [A, B]\n'), {
      regionName: 'B',
      cacert: PEM,
    });
    expect(config).toMatchObject({ regionName: 'B', cacert: PEM });
  });

  it('takes the settings of a region over those of the cloud', () => {
    const text = cloud(`    interface: internal
    regions:
      - A
      - name: B
        values:
          interface: admin
          auth: { project-name: other, auth_url: 'https://{region_name}.example.com' }
`);
    expect(parse(text)).toMatchObject({
      regionName: 'A',
      interface: 'internal',
      scope: { projectName: 'shop' },
    });
    const config = parse(text, { regionName: 'B' });
    expect(config).toMatchObject({
      regionName: 'B',
      interface: 'admin',
      authUrl: 'https://b.example.com/v3',
    });
    expect(config.auth).toEqual(parse(text).auth);
    expect(config.scope).toEqual({ projectName: 'other', projectDomainName: 'Default' });
    expect(() => parse(text, { regionName: 'C' })).toThrow(/region_name: must be one of regions/);
  });

  it('takes the first of the regions', () => {
    expect(parse(cloud('    regions: [A, {name: B}]\n')).regionName).toBe('A');
    expect(parse(cloud('    regions: [{name: B}]\n')).regionName).toBe('B');
  });

  it.each<[string, string, RegExp]>([
    ['broken YAML', 'clouds:\n  demo: [s3cret', /not valid YAML at line 2/],
    ['a repeated key', `${cloud()}    auth: s3cret\n`, /not valid YAML at line/],
    ['no clouds', 'cloud: {}', /no mapping "clouds"/],
    ['a scalar', 's3cret', /no mapping "clouds"/],
    ['another cloud', 'clouds: {prod: {}, test: {}}', /no cloud "demo" \(it has: prod, test\)/],
    ['a profile', cloud('    profile: https://s3cret.example\n'), /profile: vendor profiles/],
    ['a CA file', cloud('    cacert: /etc/s3cret\n'), /cacert: it names a file/],
    ['a certificate file', cloud('    cert: /etc/s3cret\n'), /cert: it names a file; .* under the key cert/],
    ['a key file', cloud('    key: /etc/s3cret\n'), /key: it names a file; .* under the key key/],
    [
      'a CA file of a region',
      cloud('    regions: [{name: A, values: {cacert: /etc/s3cret}}]\n'),
      /cacert: it names a file/,
    ],
    [
      'another auth_type',
      cloud('    auth_type: v3oidcpassword\n'),
      /v3oidcpassword is not supported: a federated login makes no trust.*; it can be password, v3password, v3applicationcredential, token, v3token/,
    ],
    [
      'a secret as auth_type',
      cloud('    auth_type: "s3cret pa55"\n'),
      /auth_type: this type is not supported/,
    ],
    ['Keystone v2', cloud('    identity_api_version: 2\n'), /identity_api_version: must be 3/],
    ['an auth_url of v2', cloud('', AUTH.replace('/v3', '/v2.0')), /end it with \/v3/],
    [
      'no http',
      cloud('', AUTH.replace('https:', 'file:')),
      /auth\.auth_url: must be an http or https address/,
    ],
    [
      'a long address',
      cloud('', AUTH.replace('/v3', `/${'x'.repeat(1024)}`)),
      /auth\.auth_url: must not be longer than 1024/,
    ],
    [
      'a long region',
      cloud(`    region_name: ${'x'.repeat(256)}\n`),
      /region_name: must not be longer than 255/,
    ],
    ['a user in the URL', cloud('', AUTH.replace('//', '//s3cret:x@')), /auth\.auth_url: must be/],
    ['no auth_url', cloud('', AUTH.replace('auth_url', 'x')), /auth\.auth_url: is missing/],
    ['no password', cloud('', AUTH.replace('password:', 'x:')), /auth\.password: is missing/],
    ['an empty password', cloud('', AUTH.replace('s3cret-pa55', '')), /auth\.password: is missing/],
    ['a password of truth', cloud('', AUTH.replace('s3cret-pa55', 'yes')), /auth\.password: must be text/],
    ['no user', cloud('', AUTH.replace('username', 'x')), /auth\.username: is missing/],
    [
      'no user domain',
      cloud('', AUTH.replace('user_domain_name', 'x')),
      /auth\.user_domain_name: is missing/,
    ],
    ['no project', cloud('', AUTH.replace('project_name', 'x')), /auth\.project_name: is missing/],
    [
      'no project domain',
      cloud('', AUTH.replace('project_domain_name', 'x')),
      /auth\.project_domain_name: is missing/,
    ],
    [
      'a trust beside a project',
      cloud('', `${AUTH}\n      trust_id: s3cret`),
      /auth\.trust_id: a trust brings its own project/,
    ],
    [
      'a login to a domain',
      cloud('', AUTH.replace('project_name: shop', 'domain_name: s3cret')),
      /auth\.project_name: is missing; Heat needs a project/,
    ],
    [
      'a login to the system',
      cloud('', AUTH.replace('project_name: shop', 'system_scope: all')),
      /auth\.system_scope: Heat needs a project; remove it and give project_name/,
    ],
    [
      'an application credential without its auth_type',
      cloud('', AUTH.replace('password', 'application_credential_secret')),
      /auth\.password: is missing; add it, or auth_type: v3applicationcredential/,
    ],
    [
      'a token without its auth_type',
      cloud('', AUTH.replace('password', 'token')),
      /auth\.password: is missing; add it, or auth_type: v3token/,
    ],
    ['no token', cloud('    auth_type: v3token\n'), /auth\.token: is missing/],
    ['a text for verify', cloud('    verify: "false"\n'), /verify: must be true or false/],
    ['a wrong interface', cloud('    interface: s3cret\n'), /interface: must be public/],
    [
      'an unlisted region',
      cloud('    region_name: s3cret\n    regions: [A]\n'),
      /region_name: must be one of/,
    ],
    [
      'settings of a region that are none',
      cloud('    regions: [{name: A, values: s3cret}]\n'),
      /values must be/,
    ],
    ['a wrong time-out', cloud('    api_timeout: s3cret\n'), /api_timeout: must be a number/],
    ['a time-out of 0', cloud('    api_timeout: 0\n'), /api_timeout: must be a number/],
    [
      'a time-out over 10 minutes',
      cloud('    api_timeout: 601\n'),
      /api_timeout: .* seconds above 0, and 600 at most/,
    ],
    ['an endless time-out', cloud('    api_timeout: Infinity\n'), /api_timeout: must be a number/],
    ['auth as a list', 'clouds: {demo: {auth: [s3cret]}}', /auth: must be a mapping/],
  ])('refuses %s, and quotes no value', (_what, text, message) => {
    let error: unknown;
    try {
      parse(text);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(OpenStackError);
    expect(error).toMatchObject({ code: 'ConfigError', retryable: false });
    expect(String(error)).toMatch(message);
    expect(String(error)).not.toMatch(/s3cret|pa55/);
  });

  it.each([
    'v3multifactor',
    'v3totp',
    'v3oidcaccesstoken',
    'v3oidcclientcredentials',
    'v3kerberos',
    'v3oauth1',
    'v3samlpassword',
    'v3websso',
    'v2password',
    'admin_token',
    'none',
    'toString',
  ])('refuses %s by its name', (type) => {
    expect(() => parse(cloud(`    auth_type: ${type}\n`))).toThrow(
      new RegExp(`auth_type: ${type} is not supported.*; it can be password, v3password, .*v3token`),
    );
  });

  it('refuses a bomb of aliases', () => {
    const rows = Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(10)}]`);
    expect(() => parse(`a0: &a0 [x]\n${rows.join('\n')}\n${cloud()}`)).toThrow(/too many aliases/);
  });

  it('refuses what is larger than a clouds.yaml has reason to be', () => {
    expect(() => parse(`${cloud()}# ${'x'.repeat(64 * 1024)}`)).toThrow(
      /clouds.yaml: it is larger than 64 KiB/,
    );
    expect(() => parse(cloud(), { cacert: PEM.repeat(1000) })).toThrow(/cacert: .* larger than 512 KiB/);
  });

  it.each(['__proto__', 'constructor', 'toString'])('finds a cloud named %s', (name) => {
    expect(parseCloudsYaml(cloud().replace('demo', name), { cloudName: name }).name).toBe(name);
    expect(() => parseCloudsYaml(cloud(), { cloudName: name })).toThrow(/no cloud/);
  });

  it('refuses a CA that is none', () => {
    for (const cacert of [
      '/etc/ssl/ca.pem',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    ]) {
      expect(() => parse(cloud(), { cacert })).toThrow(/cacert: the given CA is not a PEM certificate/);
    }
  });

  it('finds no cloud that the file only inherits', () => {
    expect(() => parseCloudsYaml(cloud(), { cloudName: 'constructor' })).toThrow(/no cloud "constructor"/);
  });
});

describe('a login', () => {
  const login = (type: string, auth: object) => {
    const text = JSON.stringify({
      clouds: { demo: { auth_type: type, auth: { auth_url: 'http://k', ...auth } } },
    });
    const { auth: who, scope } = parse(text);
    return { auth: who, scope };
  };
  const project = { project_id: 'p1' };

  it.each(['password', 'v3password'])('by %s', (type) => {
    expect(login(type, { ...project, user_id: 'u1', password: 'p' })).toEqual({
      auth: { type: 'password', userId: 'u1', password: 'p' },
      scope: { projectId: 'p1' },
    });
  });

  it('to a trust', () => {
    const auth = { trust_id: 't1', username: 'u', domain_id: 'd', password: 'p' };
    expect(login('password', auth)).toEqual({
      auth: { type: 'password', username: 'u', userDomainId: 'd', password: 'p' },
      scope: { trustId: 't1' },
    });
  });

  it.each([
    ['token', 'token'],
    ['v3token', 'token'],
    ['v3token', 'auth-token'],
  ])('by %s, written %s', (type, key) => {
    expect(login(type, { ...project, [key]: 't' })).toEqual({
      auth: { type: 'token', token: 't' },
      scope: { projectId: 'p1' },
    });
  });

  it('by an application credential: by id, or by name and user', () => {
    const secret = { application_credential_secret: 's' };
    expect(login('v3applicationcredential', { ...secret, application_credential_id: 'c1' })).toEqual({
      auth: { type: 'applicationCredential', id: 'c1', secret: 's' },
      scope: undefined,
    });
    const named = { ...secret, application_credential_name: 'c', username: 'u', user_domain_name: 'D' };
    expect(login('v3applicationcredential', named).auth).toEqual({
      type: 'applicationCredential',
      name: 'c',
      username: 'u',
      userDomainName: 'D',
      secret: 's',
    });
  });

  it.each<[object, RegExp]>([
    [{ application_credential_id: 'c' }, /auth\.application_credential_secret: is missing/],
    [{ application_credential_secret: 's' }, /auth\.application_credential_id: is missing; .* and its user/],
    [
      { application_credential_secret: 's', application_credential_name: 'c' },
      /auth\.username: is missing; add it, or user_id/,
    ],
    [
      { application_credential_secret: 's', application_credential_name: 'c', username: 'u' },
      /auth\.user_domain_name: is missing/,
    ],
    [
      { application_credential_secret: 's', application_credential_id: 'c', project_name: 'x' },
      /auth\.project_name: an application credential brings its own project; remove it/,
    ],
    [
      { application_credential_secret: 's', application_credential_id: 'c', trust_id: 'x' },
      /auth\.trust_id: an application credential brings its own project; remove it/,
    ],
  ])('by an application credential needs all of it, and no more: %j', (auth, message) => {
    expect(() => login('v3applicationcredential', auth)).toThrow(message);
  });
});

describe("the client's certificate", () => {
  const KEY = readFileSync(new URL('./testdata/loopback-key.pem', import.meta.url), 'utf8');
  const other = generateKeyPairSync('ed25519').privateKey;

  it('goes with its key, which may stand in the same text', () => {
    expect(parse(cloud(), { cert: PEM, key: KEY })).toMatchObject({ cert: PEM, key: KEY });
    expect(parse(cloud(), { cert: PEM + KEY })).toMatchObject({ cert: PEM + KEY, key: PEM + KEY });
  });

  it.each<[string, object, RegExp]>([
    ['without its key', { cert: PEM }, /key: is missing; cert needs its private key/],
    ['that is none', { cert: KEY, key: KEY }, /cert: the given certificate is not a PEM certificate/],
    ['of which there is only the key', { key: KEY }, /key: is given without cert/],
    ['with a key that is none', { cert: PEM, key: PEM }, /key: the given key is not a PEM private key/],
    [
      'with the key of another one',
      { cert: PEM, key: other.export({ type: 'pkcs8', format: 'pem' }) },
      /key: the given key does not belong to cert/,
    ],
    [
      'with a key that has a passphrase',
      {
        cert: PEM,
        key: other.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }),
      },
      /key: the given key is not a PEM private key without a passphrase/,
    ],
  ])('is refused %s', (_what, options, message) => {
    expect(() => parse(cloud(), options)).toThrow(message);
  });
});

it('warns of certificates that are not checked', () => {
  expect(insecureWarning(parse(cloud()))).toBeUndefined();
  expect(insecureWarning(parse(cloud('    verify: false\n')))).toMatch(/cloud "demo" has verify: false/);
});
