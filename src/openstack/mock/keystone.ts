import { randomBytes } from 'node:crypto';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import type { Answer } from './answer.ts';
import { section } from './parameters.ts';

/** A user that can sign in, in the domain Default. */
export interface MockUser {
  name: string;
  password: string;
  /** Names of the projects that it may use. Users share the projects of one name. */
  projects: string[];
  /** Keystone's administrator: may see the stacks of all projects, and Heat's services. */
  admin?: boolean;
}

interface User extends MockUser {
  id: string;
}

interface Project {
  id: string;
  name: string;
}

/** A token of the mock. */
export interface Token {
  id: string;
  user: User;
  /** Undefined of a token without a scope. */
  project?: Project;
  isAdmin: boolean;
  methods: string[];
  issuedAt: number;
  expiresAt: number;
  /** The application credential it was got by. */
  credential?: Credential;
  trust?: Trust;
}

interface Credential {
  id: string;
  name: string;
  secret: string;
  user: User;
  project: Project;
  unrestricted: boolean;
}

interface Trust {
  id: string;
  trustor: User;
  trustee: User;
  project: Project;
  impersonation: boolean;
}

const DOMAIN = { id: 'default', name: 'Default' };
const CLIENT_ERROR =
  'The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.';

/** What a Keystone tells of its services. */
export interface Service {
  type: string;
  name: string;
  /** An address for each region, for a project. */
  endpoints: (projectId: string) => { region: string; url: string }[];
}

/** A Keystone: who is who, and which tokens are good. */
export class MockKeystone {
  readonly #users: User[];
  readonly #projects = new Map<string, Project>();
  readonly #tokens = new Map<string, Token>();
  readonly #credentials = new Map<string, Credential>();
  readonly #trusts = new Map<string, Trust>();
  readonly #services: () => Service[];
  readonly #url: () => string;
  readonly #now: () => number;
  /** Of tokens that are given from now on, in seconds. */
  tokenLifetimeSeconds: number;

  constructor(
    users: MockUser[],
    of: { url: () => string; services: () => Service[]; now: () => number; tokenLifetimeSeconds: number },
  ) {
    this.#users = users.map((user) => ({ ...user, id: hex() }));
    for (const name of users.flatMap(({ projects }) => projects)) {
      if (!this.#projects.has(name)) this.#projects.set(name, { id: hex(), name });
    }
    this.#url = of.url;
    this.#services = of.services;
    this.#now = of.now;
    this.tokenLifetimeSeconds = of.tokenLifetimeSeconds;
  }

  /** A token that is neither expired nor revoked. */
  token(id: string | undefined): Token | undefined {
    const token = id === undefined ? undefined : this.#tokens.get(id);
    return token && token.expiresAt > this.#now() ? token : undefined;
  }

  revokeAll(): void {
    this.#tokens.clear();
  }

  projectId(name: string): string | undefined {
    return this.#projects.get(name)?.id;
  }

  /** Answers a request below Keystone's address. */
  answer(method: string, path: string, headers: Record<string, string | undefined>, body: Json): Answer {
    const version = this.#version();
    if (path === '/' || path === '') {
      return {
        status: 300,
        body: { versions: { values: [version] } },
        headers: { location: `${this.#url()}/v3/` },
      };
    }
    if (/^\/v3\/?$/.test(path)) return { status: 200, body: { version } };
    if (method === 'POST' && path === '/v3/auth/tokens') return this.#signIn(body);
    const token = this.token(headers['x-auth-token']);
    if (!token) return unauthorized(this.#url());
    const subject = headers['x-subject-token'];
    switch (`${method} ${path.replace(/(users|application_credentials)\/[^/]+/g, '$1/{id}')}`) {
      case 'GET /v3/auth/tokens':
      case 'HEAD /v3/auth/tokens': {
        const other = this.token(subject);
        if (!other) return fault(404, 'Not Found', 'Failed to validate token');
        return { status: 200, body: this.#described(other), headers: { 'x-subject-token': other.id } };
      }
      case 'DELETE /v3/auth/tokens':
        this.#tokens.delete(subject ?? '');
        return { status: 204 };
      case 'GET /v3/auth/catalog':
        return { status: 200, body: { catalog: this.#catalog(token) } };
      case 'GET /v3/auth/projects':
        return { status: 200, body: { projects: this.#projectsOf(token.user), links: {} } };
      case 'POST /v3/users/{id}/application_credentials':
        return this.#addCredential(token, section(asObject(body), 'application_credential'));
      case 'DELETE /v3/users/{id}/application_credentials/{id}':
        return this.#removeCredential(path.split('/').at(-1) ?? '');
      case 'POST /v3/OS-TRUST/trusts':
        return this.#addTrust(token, section(asObject(body), 'trust'));
      default:
        return { status: 404, body: '<!doctype html>\n<title>404 Not Found</title>\n' };
    }
  }

  #signIn(body: Json): Answer {
    const auth = asObject(body)['auth'];
    if (!isJsonObject(auth)) return badRequest('Expecting to find auth in request body.');
    const identity = section(auth, 'identity');
    const method = Array.isArray(identity['methods']) ? String(identity['methods'][0]) : '';
    const given = identity[method];
    if (!isJsonObject(given)) return badRequest(`Expecting to find ${method || 'methods'} in identity.`);
    const signedIn = this.#identify(method, given);
    if (typeof signedIn === 'string') return fault(404, 'Not Found', signedIn);
    if (!signedIn) return unauthorized(this.#url());
    const { user, credential, earlier } = signedIn;
    if (credential && auth['scope'] !== undefined) {
      const what = 'Application credentials cannot request a scope.';
      return unauthorized(this.#url(), `Error authenticating with application credential: ${what}`);
    }
    const scope = this.#scope(user, auth['scope']);
    if (!scope) return unauthorized(this.#url());
    const project = credential?.project ?? scope.project;
    const now = this.#now();
    const owner = scope.trust?.impersonation ? scope.trust.trustor : user;
    const token: Token = {
      id: `gAAAAAB${randomBytes(48).toString('base64url')}`,
      user: owner,
      isAdmin: owner.admin === true,
      methods: earlier ? ['token', ...earlier.methods.filter((each) => each !== 'token')] : [method],
      issuedAt: now,
      // A token that was got by a token ends with it.
      expiresAt: earlier?.expiresAt ?? now + this.tokenLifetimeSeconds * 1000,
      ...(project && { project }),
      ...(credential && { credential }),
      ...(scope.trust && { trust: scope.trust }),
    };
    this.#tokens.set(token.id, token);
    return { status: 201, body: this.#described(token), headers: { 'x-subject-token': token.id } };
  }

  /** Who signs in; undefined when the secret is wrong, a text when what is named isn't there. */
  #identify(
    method: string,
    given: JsonObject,
  ): { user: User; credential?: Credential; earlier?: Token } | string | undefined {
    if (method === 'token') {
      const earlier = this.token(String(given['id']));
      return earlier ? { user: earlier.user, earlier } : 'Could not recognize Fernet token';
    }
    const user = this.#user(section(given, 'user'));
    if (method === 'password') {
      return user && user.password === section(given, 'user')['password'] ? { user } : undefined;
    }
    const { id, name, secret } = given;
    const credential = [...this.#credentials.values()].find((each) =>
      id === undefined ? each.name === name && each.user === user : each.id === id,
    );
    if (!credential) return `Could not find Application Credential: ${String(id ?? name)}.`;
    return credential.secret === secret ? { user: credential.user, credential } : undefined;
  }

  #user({ id, name, domain }: JsonObject): User | undefined {
    return this.#users.find((user) =>
      id === undefined ? user.name === name && isDefault(domain) : user.id === id,
    );
  }

  /** The project of a scope; undefined when the user may not have it. */
  #scope(user: User, scope: Json | undefined): { project?: Project; trust?: Trust } | undefined {
    if (!isJsonObject(scope)) return {};
    const trust = this.#trusts.get(String(section(scope, 'OS-TRUST:trust')['id']));
    if (scope['OS-TRUST:trust'] !== undefined) {
      return trust?.trustee === user ? { project: trust.project, trust } : undefined;
    }
    if (!isJsonObject(scope['project'])) return {};
    const { id, name, domain } = scope['project'];
    const project = [...this.#projects.values()].find((each) =>
      id === undefined ? each.name === name && isDefault(domain) : each.id === id,
    );
    return project && user.projects.includes(project.name) ? { project } : undefined;
  }

  #described(token: Token): JsonObject {
    const { user, project, credential, trust } = token;
    const roles = user.admin ? ['admin', 'member', 'reader'] : ['heat_stack_owner', 'member', 'reader'];
    const date = (milliseconds: number): string =>
      new Date(Math.floor(milliseconds / 1000) * 1000).toISOString().replace('.000Z', '.000000Z');
    return {
      token: {
        methods: token.methods,
        user: { domain: DOMAIN, id: user.id, name: user.name, password_expires_at: null },
        audit_ids: [token.id.slice(-22)],
        expires_at: date(token.expiresAt),
        issued_at: date(token.issuedAt),
        ...(project && {
          project: { domain: DOMAIN, id: project.id, name: project.name },
          is_domain: false,
          roles: roles.map((name) => ({ id: name, name })),
          catalog: this.#catalog(token),
        }),
        ...(credential && {
          application_credential: {
            id: credential.id,
            name: credential.name,
            restricted: !credential.unrestricted,
          },
        }),
        ...(trust && {
          'OS-TRUST:trust': {
            id: trust.id,
            trustor_user: { id: trust.trustor.id },
            trustee_user: { id: trust.trustee.id },
            impersonation: trust.impersonation,
          },
        }),
      },
    };
  }

  #catalog({ project }: Token): JsonObject[] {
    return this.#services().map(({ type, name, endpoints }) => ({
      endpoints: endpoints(project?.id ?? '').flatMap(({ region, url }) =>
        ['public', 'internal', 'admin'].map((each) => ({
          id: `${name}-${region}-${each}`,
          interface: each,
          region_id: region,
          url,
          region,
        })),
      ),
      id: name,
      type,
      name,
    }));
  }

  #projectsOf({ projects }: User): JsonObject[] {
    return projects.map((name) => ({
      id: this.projectId(name) ?? '',
      name,
      domain_id: DOMAIN.id,
      description: '',
      enabled: true,
      parent_id: DOMAIN.id,
      is_domain: false,
      tags: [],
      options: {},
      links: {},
    }));
  }

  #addCredential(
    { user, project, credential: by }: Token,
    { name, secret, unrestricted }: JsonObject,
  ): Answer {
    if (!project || by)
      return fault(403, 'Forbidden', 'You are not authorized to perform the requested action.');
    const credential: Credential = {
      id: hex(),
      name: String(name),
      secret: String(secret ?? randomBytes(64).toString('base64url')),
      user,
      project,
      unrestricted: unrestricted === true,
    };
    this.#credentials.set(credential.id, credential);
    const shown = {
      id: credential.id,
      name: credential.name,
      description: null,
      user_id: user.id,
      project_id: project.id,
      system: null,
      expires_at: null,
      unrestricted: credential.unrestricted,
      roles: [],
      secret: credential.secret,
      links: {},
    };
    return { status: 201, body: { application_credential: shown } };
  }

  #removeCredential(id: string): Answer {
    if (!this.#credentials.delete(id)) {
      return fault(404, 'Not Found', `Could not find Application Credential: ${id}.`);
    }
    for (const token of this.#tokens.values()) if (token.credential?.id === id) this.#tokens.delete(token.id);
    return { status: 204 };
  }

  #addTrust({ user }: Token, given: JsonObject): Answer {
    const trustee = this.#users.find(({ id }) => id === given['trustee_user_id']);
    const project = [...this.#projects.values()].find(({ id }) => id === given['project_id']);
    if (!trustee || !project) return fault(404, 'Not Found', 'Could not find the trustee or the project.');
    const trust: Trust = {
      id: hex(),
      trustor: user,
      trustee,
      project,
      impersonation: given['impersonation'] === true,
    };
    this.#trusts.set(trust.id, trust);
    return { status: 201, body: { trust: { ...given, id: trust.id, trustor_user_id: user.id } } };
  }

  #version(): JsonObject {
    return {
      id: 'v3.14',
      status: 'stable',
      updated: '2020-04-07T00:00:00Z',
      links: [{ rel: 'self', href: `${this.#url()}/v3/` }],
      'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
    };
  }
}

/** Keystone's 401. Heat's own is the same, and names Keystone. */
export function unauthorized(
  keystoneUrl: string,
  message = 'The request you have made requires authentication.',
): Answer {
  const answer = fault(401, 'Unauthorized', message);
  return { ...answer, headers: { 'www-authenticate': `Keystone uri="${keystoneUrl}/v3"` } };
}

function fault(code: number, title: string, message: string): Answer {
  return { status: code, body: { error: { code, message, title } } };
}

function badRequest(what: string): Answer {
  return fault(400, 'Bad Request', `${what} ${CLIENT_ERROR}`);
}

/** Keystone's answer to a body that is no JSON. */
export const MALFORMED: Answer = badRequest('Expecting to find valid JSON in request body.');

function asObject(body: Json): JsonObject {
  return isJsonObject(body) ? body : {};
}

function isDefault(domain: Json | undefined): boolean {
  const { id, name } = asObject(domain ?? null);
  return id === undefined ? name === DOMAIN.name : id === DOMAIN.id;
}

function hex(): string {
  return randomBytes(16).toString('hex');
}
