import { type Defined, defined } from './define.ts';
import type { Section } from './section.ts';

/** Who signs in, and by what. Each kind holds a secret. */
export type Auth = PasswordAuth | ApplicationCredentialAuth | TokenAuth;

/** A user by id, or by name and domain. */
export interface UserRef {
  userId?: string;
  username?: string;
  userDomainId?: string;
  userDomainName?: string;
}

/** `password` and `v3password`. */
export interface PasswordAuth extends UserRef {
  type: 'password';
  password: string;
}

/** `v3applicationcredential`: by id, or by name and user. It is for one project, so it has no {@link Scope}. */
export interface ApplicationCredentialAuth extends UserRef {
  type: 'applicationCredential';
  id?: string;
  name?: string;
  secret: string;
}

/** `token` and `v3token`: what is got with it ends when this token does. */
export interface TokenAuth {
  type: 'token';
  token: string;
}

/** What the user signs in to. */
export type Scope = ProjectScope | TrustScope;

/** A project by id, or by name and domain. */
export interface ProjectScope {
  projectId?: string;
  projectName?: string;
  projectDomainId?: string;
  projectDomainName?: string;
}

/** The project of somebody else, who trusts the user with it. */
export interface TrustScope {
  trustId: string;
}

/** A login: `scope` is missing for an application credential, which has its own. */
export interface Login {
  auth: Auth;
  scope?: Scope;
}

const KINDS: Readonly<Record<string, Auth['type']>> = {
  password: 'password',
  v3password: 'password',
  v3applicationcredential: 'applicationCredential',
  token: 'token',
  v3token: 'token',
};
const FEDERATED = /oidc|saml|adfs|websso|fedkerb/;

/** The secret that signs in. */
export function secretOf(auth: Auth): string {
  switch (auth.type) {
    case 'password':
      return auth.password;
    case 'applicationCredential':
      return auth.secret;
    case 'token':
      return auth.token;
  }
}

/**
 * Whether the user signs in by what somebody delegated. Keystone lets such a login make no trusts: an application
 * credential unless its `allow_insecure_application_credential_trust_escalation` is true, and a trust unless it was made
 * to be delegated on, with all roles of it.
 */
export function isDelegated({ auth, scope }: Login): boolean {
  return auth.type === 'applicationCredential' || (scope !== undefined && 'trustId' in scope);
}

/** Reads who signs in to what. @throws OpenStackError ConfigError. */
export function readLogin(section: Section): Login {
  const kind = readKind(section);
  const auth = section.child('auth');
  auth.refuse('system_scope', 'Heat needs a project; remove it and give project_name or project_id');
  if (kind === 'applicationCredential') return { auth: applicationCredential(auth) };
  return { auth: kind === 'token' ? token(auth) : password(auth), scope: readScope(auth) };
}

function readKind(section: Section): Auth['type'] {
  const written = section.text('auth_type', 'auth_plugin') ?? 'password';
  if (Object.hasOwn(KINDS, written) && KINDS[written]) return KINDS[written];
  // The name of an auth_type is no secret, and naming it is most of the help.
  const name = /^\w{1,40}$/.test(written) ? written : 'this type';
  const works = Object.keys(KINDS).join(', ');
  const why = FEDERATED.test(name)
    ? ': a federated login makes no trust, and Heat needs one for each stack'
    : '';
  throw section.error('auth_type', `${name} is not supported${why}; it can be ${works}`);
}

function password(auth: Section): PasswordAuth {
  const found = auth.text('password');
  if (found === undefined) {
    // Whoever has another secret has forgotten to say so.
    if (auth.value('application_credential_secret') !== undefined) {
      throw auth.error('password', 'is missing; add it, or auth_type: v3applicationcredential');
    }
    if (auth.value('token', 'auth_token') !== undefined) {
      throw auth.error('password', 'is missing; add it, or auth_type: v3token');
    }
    throw auth.error('password', 'is missing; add it');
  }
  return { type: 'password', ...user(auth), password: found };
}

function applicationCredential(auth: Section): ApplicationCredentialAuth {
  // Keystone refuses a scope; to leave it out unsaid could lead to another project than the one written here.
  const own = 'an application credential brings its own project; remove it';
  for (const key of ['project_id', 'project_name', 'tenant_id', 'tenant_name', 'trust_id'])
    auth.refuse(key, own);
  const secret = auth.text('application_credential_secret');
  if (secret === undefined) throw auth.error('application_credential_secret', 'is missing; add it');
  const id = auth.text('application_credential_id');
  if (id !== undefined) return { type: 'applicationCredential', id, secret };
  const name = auth.text('application_credential_name');
  if (name === undefined) {
    throw auth.error(
      'application_credential_id',
      'is missing; add it, or application_credential_name and its user',
    );
  }
  return { type: 'applicationCredential', name, ...user(auth), secret };
}

function token(auth: Section): TokenAuth {
  const found = auth.text('token', 'auth_token');
  if (found === undefined) throw auth.error('token', 'is missing; add it');
  return { type: 'token', token: found };
}

function user(auth: Section): Defined<UserRef> {
  const found = {
    username: auth.text('username', 'user_name'),
    userId: auth.text('user_id'),
    userDomainName: auth.text('user_domain_name', 'domain_name'),
    userDomainId: auth.text('user_domain_id', 'domain_id'),
  };
  if (found.userId === undefined) {
    if (found.username === undefined) throw auth.error('username', 'is missing; add it, or user_id');
    if (found.userDomainName === undefined && found.userDomainId === undefined) {
      throw auth.error(
        'user_domain_name',
        'is missing; Keystone v3 needs it with username (often "Default")',
      );
    }
  }
  return defined(found);
}

function readScope(auth: Section): Scope {
  const project = {
    projectName: auth.text('project_name', 'tenant_name'),
    projectId: auth.text('project_id', 'tenant_id'),
    projectDomainName: auth.text('project_domain_name', 'domain_name'),
    projectDomainId: auth.text('project_domain_id', 'domain_id'),
  };
  const named = project.projectId !== undefined || project.projectName !== undefined;
  const trustId = auth.text('trust_id');
  if (trustId !== undefined) {
    if (named) throw auth.error('trust_id', 'a trust brings its own project; remove it, or the project');
    return { trustId };
  }
  if (!named) {
    throw auth.error('project_name', 'is missing; Heat needs a project, by project_name or project_id');
  }
  if (
    project.projectId === undefined &&
    project.projectDomainName === undefined &&
    project.projectDomainId === undefined
  ) {
    throw auth.error(
      'project_domain_name',
      'is missing; Keystone v3 needs it with project_name (often "Default")',
    );
  }
  return defined(project);
}
