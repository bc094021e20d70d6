import { describe, expect, it } from 'vitest';
import type { CloudConfig } from './clouds.ts';
import { OpenStackError } from './errors.ts';
import {
  orchestrationEndpoint,
  orchestrationRegions,
  readToken,
  type Token,
  tokenRequest,
} from './keystone.ts';
import type { ApplicationCredentialAuth } from './login.ts';
import { pick, sample } from './testdata/fake-cloud.ts';

const cloud: CloudConfig = {
  name: 'demo',
  authUrl: 'https://k/v3',
  auth: { type: 'password', username: 'u', userDomainName: 'D', password: 'p' },
  scope: { projectName: 'shop', projectDomainId: 'd' },
  interface: 'public',
  verify: true,
};

describe('tokenRequest', () => {
  it('names user and project with their domains, or by id', () => {
    expect(JSON.parse(tokenRequest(cloud))).toEqual({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'u', domain: { name: 'D' }, password: 'p' } },
        },
        scope: { project: { name: 'shop', domain: { id: 'd' } } },
      },
    });
    const byId: CloudConfig = {
      ...cloud,
      auth: { type: 'password', userId: 'u1', userDomainName: 'ignored', password: 'p' },
      scope: { projectId: 'p1', projectDomainName: 'ignored' },
    };
    expect(JSON.parse(tokenRequest(byId))).toEqual({
      auth: {
        identity: { methods: ['password'], password: { user: { id: 'u1', password: 'p' } } },
        scope: { project: { id: 'p1' } },
      },
    });
  });

  it('signs in to a trust', () => {
    expect(JSON.parse(tokenRequest({ ...cloud, scope: { trustId: 't1' } }))).toMatchObject({
      auth: { scope: { 'OS-TRUST:trust': { id: 't1' } } },
    });
  });

  it.each<[string, ApplicationCredentialAuth, object]>([
    ['id', { type: 'applicationCredential', id: 'c1', secret: 's' }, { id: 'c1', secret: 's' }],
    [
      'name and user',
      { type: 'applicationCredential', name: 'c', username: 'u', userDomainId: 'd', secret: 's' },
      { name: 'c', user: { name: 'u', domain: { id: 'd' } }, secret: 's' },
    ],
    [
      "name and the user's id",
      { type: 'applicationCredential', name: 'c', userId: 'u1', secret: 's' },
      { name: 'c', user: { id: 'u1' }, secret: 's' },
    ],
  ])('signs in by an application credential, by %s, and sends no scope', (_what, auth, credential) => {
    const { scope: _, ...without } = cloud;
    expect(JSON.parse(tokenRequest({ ...without, auth }))).toEqual({
      auth: {
        identity: { methods: ['application_credential'], application_credential: credential },
      },
    });
  });

  it('signs in with a token', () => {
    expect(JSON.parse(tokenRequest({ ...cloud, auth: { type: 'token', token: 't' } }))).toEqual({
      auth: {
        identity: { methods: ['token'], token: { id: 't' } },
        scope: { project: { name: 'shop', domain: { id: 'd' } } },
      },
    });
  });
});

describe('readToken', () => {
  const asked = { peer: 'Keystone', method: 'POST', route: '/auth/tokens', requestId: 'req-1' };
  const read = (members: object, by = cloud) => {
    const project = { id: 'p1', name: 'shop' };
    const token = { expires_at: '2026-11-23T14:50:23.000000Z', project, ...members };
    const header = (name: string) => (name === 'x-subject-token' ? 't' : undefined);
    return readToken(
      { status: 201, body: JSON.stringify({ token }), requestId: 'req-1', header },
      asked,
      by,
      0,
    );
  };
  const long = 'x'.repeat(256);

  it.each<[string, object]>([
    ['token.project.id', { project: { id: 'x'.repeat(65), name: 'shop' } }],
    ['token.project.name', { project: { id: 'p1', name: long } }],
    ['token.project.name', { project: { id: 'p1', name: 'shop\n2026 ERROR' } }],
    ['token.project.name', { project: { id: 'p1', name: 'shop\u001b[2J' } }],
  ])('refuses a %s that no Keystone has', (field, members) => {
    expect(() => read({})).not.toThrow();
    expect(() => read(members)).toThrow(`malformed: ${field} should be `);
  });

  it('keeps of the catalog no more than where Heat may be', () => {
    const heat = { interface: 'public', url: 'http://h', region: 'A' };
    const others = [
      ...['internal', 'x'.repeat(10_000)].map((each) => ({ ...heat, interface: each })),
      ...[long, 'A\nB', 'A\u202eB'].map((each) => ({ ...heat, region: each })),
    ];
    const endless = { ...heat, url: `http://h/${'x'.repeat(10_000)}` };
    const service = { type: 'orchestration', endpoints: [...others, endless, ...Array(200).fill(heat)] };
    const catalog = [{ type: 'network', endpoints: [heat] }, ...Array(10).fill(service)];
    const kept = read({ catalog }).catalog;
    expect(kept.map(({ type, endpoints }) => [type, endpoints.length])).toEqual([
      ['orchestration', 100],
      ['orchestration', 100],
    ]);
    expect(new Set(kept.flatMap(({ endpoints }) => endpoints.map((each) => JSON.stringify(each))))).toEqual(
      new Set([JSON.stringify(heat)]),
    );
  });

  it('renews ahead of the end, but not what ends with the token that it was got with', () => {
    const members = { issued_at: '2026-11-23T13:50:23.000000Z' };
    expect(read(members)).toMatchObject({ expiresAt: 3_600_000, renewAt: 3_480_000 });
    const brief = { issued_at: '2026-11-23T14:50:19.000000Z' };
    expect(read(brief)).toMatchObject({ expiresAt: 4_000, renewAt: 2_000 });
    const auth = { type: 'token', token: 't' } as const;
    expect(read(members, { ...cloud, auth })).toMatchObject({ expiresAt: 3_600_000, renewAt: 3_600_000 });
  });

  it.each(['9999-99-99T99:99:99Z', '2026-11-23', 'x'.repeat(100_000), ''])('bears the date %#', (date) => {
    for (const members of [{ expires_at: date }, { issued_at: date }]) {
      try {
        expect(read(members).id).toBe('t');
      } catch (error) {
        expect(error).toMatchObject({ code: 'InvalidResponse' });
      }
    }
  });
});

describe('a token that Keystone refuses', () => {
  const SECRET = 'it\'s \\ "s3cret"';
  const LOGINS: [string, Partial<CloudConfig>, RegExp][] = [
    [
      'a password',
      { auth: { type: 'password', userId: 'u', password: SECRET } },
      /check username, password, project and their domains/,
    ],
    [
      'a trust',
      { auth: { type: 'password', userId: 'u', password: SECRET }, scope: { trustId: 't' } },
      /check username, password, trust_id/,
    ],
    [
      'an application credential',
      { auth: { type: 'applicationCredential', id: 'c', secret: SECRET } },
      /check id and secret of the application credential, and that it wasn't deleted and hasn't expired/,
    ],
    [
      'an application credential by name',
      { auth: { type: 'applicationCredential', name: 'c', userId: 'u', secret: SECRET } },
      /check name, user and secret of the application credential/,
    ],
    [
      'a token',
      { auth: { type: 'token', token: SECRET } },
      /has expired or was revoked.*replace auth\.token/,
    ],
  ];
  const asked = { peer: 'Keystone', method: 'POST', route: '/auth/tokens', requestId: 'req-1' };
  const refusal = (settings: Partial<CloudConfig>, status: number, message: string): unknown => {
    const body = JSON.stringify({ error: { code: status, title: 'x', message } });
    const answer = { status, body, requestId: 'req-1', header: () => undefined };
    try {
      return readToken(answer, asked, { ...cloud, ...settings }, 0);
    } catch (error) {
      return error;
    }
  };

  it.each(LOGINS)('for %s: the cure', (_what, settings, cure) => {
    const error = refusal(settings, 401, 'The request you have made requires authentication.');
    expect(error).toMatchObject({ code: 'Unauthorized', status: 401, retryable: false });
    expect(String(error)).toMatch(cure);
  });

  it.each([
    ['auth_unknown_application_credential_404', LOGINS[2]],
    ['auth_bad_token_404', LOGINS[4]],
  ])('with %s: the cure', (name, login) => {
    const [, settings, cure] = login ?? ['', {}, /never/];
    const error = refusal(settings, 404, String(pick(sample(name).body, 'error', 'message')));
    expect(error).toMatchObject({ code: 'Unauthorized', status: 404 });
    expect(String(error)).toMatch(cure);
  });

  it.each([400, 401, 403, 404, 429, 500])('with %d: the secret is not told', (status) => {
    for (const [, settings] of LOGINS) {
      for (const quoted of [SECRET, JSON.stringify(SECRET)]) {
        const error = refusal(settings, status, `${quoted} is too short`);
        expect(error).toBeInstanceOf(OpenStackError);
        expect(JSON.stringify({ ...(error as object), said: String(error) })).not.toContain('s3cret');
        expect(error).toMatchObject({ status, detail: expect.stringContaining('[redacted]') });
      }
    }
  });

  // Keystone is Python, and so are the proxies before it: they quote by repr(), or as JSON in ASCII.
  it.each([400, 401, 403, 404, 429, 500])('with %d: nor as others write it', (status) => {
    const secret = '\u00e9\'s \\ "s3cret"';
    const written = [
      secret,
      '\u00e9\\\'s \\\\ "s3cret"',
      '\\xe9\\\'s \\\\ "s3cret"',
      '\\u00e9\'s \\\\ \\"s3cret\\"',
    ];
    const login = { auth: { type: 'password', userId: 'u', password: secret } } as const;
    for (const quoted of written) {
      const error = refusal(login, status, `'${quoted}' is too short`);
      expect(error).toBeInstanceOf(OpenStackError);
      const shown = JSON.stringify({ ...(error as object), said: String(error) });
      expect(shown).not.toMatch(/s3cret/);
    }
  });

  // A regular expression that looks at each backslash anew takes minutes for these.
  it.each(['\\', '\\\\a', 'aa', "it's \\", 'x'.repeat(10_000)])(
    'looks for %j no longer than needed',
    (secret) => {
      const login = { auth: { type: 'password', userId: 'u', password: secret } } as const;
      for (const piece of ['\\', 'a\\', 'a', "it's \\\\\\\\", 'x']) {
        expect(refusal(login, 400, piece.repeat(60_000 / piece.length))).toMatchObject({
          code: 'ConfigError',
        });
      }
    },
  );

  it('is told in full when the secret is too short to be found', () => {
    const message = 'The request you have made requires authentication.';
    const login = { auth: { type: 'password', userId: 'u', password: '' } } as const;
    expect(refusal(login, 403, message)).toMatchObject({ detail: message });
  });
});

describe('orchestrationEndpoint', () => {
  const token: Token = {
    id: 't',
    expiresAt: 0,
    renewAt: 0,
    project: { id: 'p1', name: 'shop' },
    catalog: [
      { type: 'cloudformation', endpoints: [{ interface: 'public', region: 'A', url: 'http://cfn' }] },
      { type: 'heat', endpoints: [{ interface: 'public', region: 'A', url: 'http://alias' }] },
      {
        type: 'orchestration',
        endpoints: [
          { interface: 'internal', region: 'A', url: 'http://internal-a/v1/p1' },
          { interface: 'publicURL', region: 'A', url: 'http://public-a/v1/p1/' },
          { interface: 'public', region: 'B', url: 'http://public-b/v1' },
        ],
      },
    ],
  };

  it.each<[string, Partial<CloudConfig>, { url: string; region?: string }]>([
    ['the first of the interface', {}, { url: 'http://public-a/v1/p1', region: 'A' }],
    ['the one of the region', { regionName: 'B' }, { url: 'http://public-b/v1/p1', region: 'B' }],
    ['the one of the interface', { interface: 'internal' }, { url: 'http://internal-a/v1/p1', region: 'A' }],
    [
      'the override',
      { orchestrationEndpointOverride: 'http://o/v1/%(project_id)s', regionName: 'Z' },
      { url: 'http://o/v1/p1', region: 'Z' },
    ],
    [
      'an override in the older spelling',
      { orchestrationEndpointOverride: 'http://o/v1/$(tenant_id)s' },
      { url: 'http://o/v1/p1' },
    ],
    [
      'an override without the project',
      { orchestrationEndpointOverride: 'http://o/v1' },
      { url: 'http://o/v1/p1' },
    ],
  ])('is %s', (_what, settings, endpoint) => {
    expect(orchestrationEndpoint(token, { ...cloud, ...settings })).toEqual(endpoint);
  });

  it.each<[Partial<CloudConfig>, RegExp]>([
    [{ regionName: 'a' }, /no public orchestration endpoint in region "a" \(regions that have one: A, B\)/],
    [{ interface: 'admin' }, /no admin orchestration endpoint in any region \(regions that have one: none\)/],
  ])('is missing for %j', (settings, message) => {
    expect(() => orchestrationEndpoint(token, { ...cloud, ...settings })).toThrow(message);
  });

  it('has no alias', () => {
    const without = { ...token, catalog: token.catalog.slice(0, 2) };
    expect(() => orchestrationEndpoint(without, cloud)).toThrow(/has no orchestration service/);
    expect(orchestrationRegions(without, cloud)).toEqual([]);
  });

  // A regular expression takes minutes for it.
  it('is not one of slashes', () => {
    const url = `http://h/${'/'.repeat(2_000_000)}x`;
    const catalog = [{ type: 'orchestration', endpoints: [{ interface: 'public', url }] }];
    expect(() => orchestrationEndpoint({ ...token, catalog }, cloud)).toThrow(/unusable/);
  });

  it.each([
    'ftp://h/v1',
    'h:8004',
    'http://u:p@h/v1',
    'http://h/v1?x',
    `http://h/${'x'.repeat(1024)}`,
    `http://h/${'é'.repeat(900)}`,
  ])('is not %s', (url) => {
    const catalog = [{ type: 'orchestration', endpoints: [{ interface: 'public', url }] }];
    expect(() => orchestrationEndpoint({ ...token, catalog }, cloud)).toThrow(/unusable/);
  });
});
