import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCloudsYaml } from './clouds.ts';
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
      auth: {
        username: 'demo',
        password: 's3cret-pa55',
        projectName: 'shop',
        userDomainName: 'Default',
        projectDomainName: 'Default',
      },
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
      auth: {
        username: 'demo',
        password: '0042.10',
        projectId: '0123',
        userDomainName: 'Corp',
        projectDomainName: 'Corp',
      },
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
    expect(parse(text)).toMatchObject({ verify: false, auth: { userId: 'u1', projectId: 'p1' } });
  });

  it('takes region and CA from the options first', () => {
    const config = parse(cloud('    region_name: A\n    regions: [A, B]\n'), {
      regionName: 'B',
      cacert: PEM,
    });
    expect(config).toMatchObject({ regionName: 'B', cacert: PEM });
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
    ['a client certificate', cloud('    cert: /etc/s3cret\n'), /cert: client certificates/],
    [
      'another auth_type',
      cloud('    auth_type: v3oidcpassword\n'),
      /v3oidcpassword is not supported; it can be password/,
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
    ['a trust', cloud('', `${AUTH}\n      trust_id: s3cret`), /auth\.trust_id: trusts are not supported/],
    ['a text for verify', cloud('    verify: "false"\n'), /verify: must be true or false/],
    ['a wrong interface', cloud('    interface: s3cret\n'), /interface: must be public/],
    [
      'an unlisted region',
      cloud('    region_name: s3cret\n    regions: [A]\n'),
      /region_name: must be one of/,
    ],
    ['settings of a region', cloud('    regions: [{name: A, values: {}}]\n'), /values/],
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
