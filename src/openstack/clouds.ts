import { X509Certificate } from 'node:crypto';
import { parseYaml, YamlError } from '../yaml.ts';
import { defined } from './define.ts';
import { createError, type OpenStackError } from './errors.ts';
import { MAX_URL_LENGTH, withoutSlashes } from './url.ts';

/** One cloud of a clouds.yaml, checked and resolved. Holds a password: never log it. */
export interface CloudConfig {
  name: string;
  /** Keystone v3, without a slash at the end: `https://keystone.example.com:5000/v3`. */
  authUrl: string;
  auth: PasswordAuth;
  regionName?: string;
  interface: 'public' | 'internal' | 'admin';
  /** PEM certificates that replace the system's. */
  cacert?: string;
  /** False: any certificate is accepted. */
  verify: boolean;
  /** `api_timeout`, in milliseconds; 10 minutes at most. */
  apiTimeoutMs?: number;
  /** Used instead of the catalog's address of Heat. */
  orchestrationEndpointOverride?: string;
}

/** Who signs in, and for which project. User and project are each given by id, or by name and domain. */
export interface PasswordAuth {
  username?: string;
  userId?: string;
  userDomainName?: string;
  userDomainId?: string;
  password: string;
  projectName?: string;
  projectId?: string;
  projectDomainName?: string;
  projectDomainId?: string;
}

/** Which cloud to take, and what to add to it. */
export interface CloudOptions {
  cloudName: string;
  /** Wins over the file's `region_name`. */
  regionName?: string | undefined;
  /** PEM certificates; the file's own `cacert` names a path and is refused. */
  cacert?: string | undefined;
}

const AUTH_TYPES = ['password', 'v3password'];
/** The longest `api_timeout`, in seconds: one that hangs keeps other work waiting. */
const MAX_TIMEOUT_S = 600;
/** Longest clouds.yaml and CA, in UTF-16 units: hundreds of clouds, and the certificate authorities of a system. */
const MAX_CLOUDS_LENGTH = 64 * 1024;
const MAX_CA_LENGTH = 512 * 1024;
/** Keystone's own limit. */
const MAX_REGION_LENGTH = 255;

/** Settings that would make us read a file or a URL that the author of the file names, or sign in another way. */
const REFUSED: Record<string, string> = {
  profile: 'vendor profiles are not supported; write the settings out',
  cloud: 'vendor profiles are not supported; write the settings out',
  cacert: 'it names a file; give the certificate itself (PEM) beside clouds.yaml under the key cacert',
  cert: 'client certificates are not supported; remove it',
  key: 'client certificates are not supported; remove it',
};
const REFUSED_AUTH: Record<string, string> = {
  trust_id: 'trusts are not supported; sign in to a project',
  system_scope: 'Heat needs a project; remove it and give project_name or project_id',
};

/**
 * Reads one cloud from the text of a clouds.yaml, by the rules of openstacksdk: `-` and `_` are the same, `tenant_*`
 * is `project_*`, `domain_*` stands for both domains, and what belongs under `auth` may stand beside it. Only
 * password authentication is supported. No file, URL or environment variable is read.
 *
 * @throws OpenStackError ConfigError, naming cloud, key and cure, never a value of the file.
 *
 * @example
 * const cloud = parseCloudsYaml(await readFile('clouds.yaml', 'utf8'), { cloudName: 'demo' });
 */
export function parseCloudsYaml(text: string, options: CloudOptions): CloudConfig {
  const section = new Section(options.cloudName, cloudEntries(text, options.cloudName));
  for (const [key, why] of Object.entries(REFUSED)) section.refuse(key, why);
  const auth = section.child('auth');
  for (const [key, why] of Object.entries(REFUSED_AUTH)) auth.refuse(key, why);

  const authType = section.text('auth_type') ?? 'password';
  if (!AUTH_TYPES.includes(authType)) {
    // The name of an auth_type is no secret, and naming it is most of the help.
    const name = /^\w{1,40}$/.test(authType) ? authType : 'this type';
    throw section.error('auth_type', `${name} is not supported; it can be ${AUTH_TYPES.join(' or ')}`);
  }
  const version = section.text('identity_api_version');
  if (version !== undefined && !/^v?3(\.\d+)?$/.test(version)) {
    throw section.error('identity_api_version', 'must be 3; Keystone v2 is not supported');
  }

  const regionName = options.regionName || pickRegion(section);
  const apiTimeout = section.text('api_timeout');
  const override = section.text('orchestration_endpoint_override') ?? section.text('orchestration_endpoint');
  return {
    name: options.cloudName,
    authUrl: authUrl(auth),
    auth: passwordAuth(auth),
    ...(regionName !== undefined && { regionName }),
    interface: pickInterface(section),
    ...(options.cacert && { cacert: checkedPem(section, options.cacert) }),
    verify: section.flag('insecure') === true ? false : (section.flag('verify') ?? true),
    ...(apiTimeout !== undefined && { apiTimeoutMs: seconds(section, 'api_timeout', apiTimeout) * 1000 }),
    ...(override !== undefined && {
      orchestrationEndpointOverride: httpUrl(section, 'orchestration_endpoint_override', override),
    }),
  };
}

/** Finds the mapping of one cloud. */
function cloudEntries(text: string, cloudName: string): Map<string, unknown> {
  let root: unknown;
  try {
    // `project_id: 0123` means these four characters, as its author reads them.
    root = parseYaml(text, { numbers: false, maxLength: MAX_CLOUDS_LENGTH });
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw createError('ConfigError', `clouds.yaml: ${error.message}; correct it.`);
  }
  const clouds = entries(entries(root)?.get('clouds'), false);
  if (!clouds) {
    throw createError('ConfigError', 'clouds.yaml has no mapping "clouds" at its top; add it.');
  }
  const cloud = entries(clouds.get(cloudName));
  if (!cloud) {
    const names = [...clouds.keys()].slice(0, 10).join(', ') || 'none';
    throw createError(
      'ConfigError',
      `clouds.yaml has no cloud "${cloudName}" (it has: ${names}); correct the name or add it.`,
    );
  }
  return cloud;
}

/** The entries of a mapping, with `-` in keys read as `_`; undefined when it is none. */
function entries(value: unknown, normalise = true): Map<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return new Map(
    Object.entries(value).map(([key, member]) => [normalise ? key.replaceAll('-', '_') : key, member]),
  );
}

/** A mapping of the file, and how its faults are told. */
class Section {
  readonly #cloud: string;
  readonly #entries: Map<string, unknown>;
  readonly #outer: Section | undefined;
  readonly #path: string;

  constructor(cloud: string, found: Map<string, unknown>, path = '', outer?: Section) {
    this.#cloud = cloud;
    this.#entries = found;
    this.#path = path;
    this.#outer = outer;
  }

  error(key: string, what: string): OpenStackError {
    return createError('ConfigError', `clouds.yaml, cloud "${this.#cloud}": ${this.#path}${key}: ${what}.`);
  }

  /** A mapping below this one, which also finds what stands beside it. */
  child(key: string): Section {
    const value = this.#entries.get(key) ?? {};
    const found = entries(value);
    if (!found) throw this.error(key, 'must be a mapping');
    return new Section(this.#cloud, found, `${this.#path}${key}.`, this);
  }

  value(key: string): unknown {
    const value = this.#entries.get(key) ?? this.#outer?.value(key);
    return value === null || value === '' ? undefined : value;
  }

  refuse(key: string, why: string): void {
    if (this.value(key) !== undefined) throw this.error(key, why);
  }

  text(...keys: string[]): string | undefined {
    for (const key of keys) {
      const value = this.value(key);
      if (typeof value === 'string') return value;
      if (value !== undefined) throw this.error(key, 'must be text; put it in quotes');
    }
    return undefined;
  }

  flag(key: string): boolean | undefined {
    const value = this.value(key);
    if (value === undefined || typeof value === 'boolean') return value;
    // In openstacksdk the text "false" counts as true; guessing either way would surprise somebody.
    throw this.error(key, 'must be true or false, without quotes');
  }
}

function passwordAuth(auth: Section): PasswordAuth {
  const domainName = auth.text('domain_name');
  const domainId = auth.text('domain_id');
  const user = {
    username: auth.text('username', 'user_name'),
    userId: auth.text('user_id'),
    userDomainName: auth.text('user_domain_name') ?? domainName,
    userDomainId: auth.text('user_domain_id') ?? domainId,
  };
  const project = {
    projectName: auth.text('project_name', 'tenant_name'),
    projectId: auth.text('project_id', 'tenant_id'),
    projectDomainName: auth.text('project_domain_name') ?? domainName,
    projectDomainId: auth.text('project_domain_id') ?? domainId,
  };
  const password = auth.text('password');
  if (password === undefined) throw auth.error('password', 'is missing; add it');
  if (user.userId === undefined) {
    if (user.username === undefined) throw auth.error('username', 'is missing; add it, or user_id');
    if (user.userDomainName === undefined && user.userDomainId === undefined) {
      throw auth.error(
        'user_domain_name',
        'is missing; Keystone v3 needs it with username (often "Default")',
      );
    }
  }
  if (project.projectId === undefined) {
    if (project.projectName === undefined) {
      throw auth.error('project_name', 'is missing; Heat needs a project, by project_name or project_id');
    }
    if (project.projectDomainName === undefined && project.projectDomainId === undefined) {
      throw auth.error(
        'project_domain_name',
        'is missing; Keystone v3 needs it with project_name (often "Default")',
      );
    }
  }
  return { ...defined({ ...user, ...project }), password };
}

function authUrl(auth: Section): string {
  const url = auth.text('auth_url');
  if (url === undefined) throw auth.error('auth_url', 'is missing; add the address of Keystone');
  const base = httpUrl(auth, 'auth_url', url);
  if (/\/v2\.0$/.test(base))
    throw auth.error('auth_url', 'names Keystone v2, which is not supported; end it with /v3');
  return /\/v3$/.test(base) ? base : `${base}/v3`;
}

/** An address without slashes at its end. It may hold `%(project_id)s`. */
function httpUrl(section: Section, key: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:';
  if (!url || !isHttp || url.username || url.password || url.search || url.hash) {
    throw section.error(key, 'must be an http or https address without user, query or fragment');
  }
  if (url.href.length > MAX_URL_LENGTH) {
    throw section.error(key, `must not be longer than ${MAX_URL_LENGTH} characters`);
  }
  return withoutSlashes(url.href);
}

function pickInterface(section: Section): CloudConfig['interface'] {
  const text = section.text(
    'orchestration_interface',
    'orchestration_endpoint_type',
    'interface',
    'endpoint_type',
  );
  const name = (text ?? 'public').replace(/URL$/, '');
  if (name === 'public' || name === 'internal' || name === 'admin') return name;
  throw section.error('interface', 'must be public, internal or admin');
}

/** `region_name`, which must be one of `regions` when there are any; else the first of them. */
function pickRegion(section: Section): string | undefined {
  const name = section.text('orchestration_region_name', 'region_name');
  if (name !== undefined && name.length > MAX_REGION_LENGTH) {
    throw section.error('region_name', `must not be longer than ${MAX_REGION_LENGTH} characters`);
  }
  const regions = section.value('regions');
  if (regions === undefined) return name;
  if (!Array.isArray(regions)) throw section.error('regions', 'must be a list');
  const names = regions.map((region: unknown) => {
    const fields = entries(region);
    if (fields?.has('values')) {
      throw section.error(
        'regions',
        'settings of a region (values) are not supported; make it a cloud of its own',
      );
    }
    const found = fields ? fields.get('name') : region;
    if (typeof found !== 'string') throw section.error('regions', 'must be a list of names');
    return found;
  });
  if (name !== undefined && !names.includes(name)) {
    throw section.error('region_name', 'must be one of regions');
  }
  return name ?? names[0];
}

function seconds(section: Section, key: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= MAX_TIMEOUT_S)) {
    throw section.error(key, `must be a number of seconds above 0, and ${MAX_TIMEOUT_S} at most`);
  }
  return value;
}

function checkedPem(section: Section, pem: string): string {
  if (pem.length > MAX_CA_LENGTH) {
    throw section.error(
      'cacert',
      `the given CA is larger than ${MAX_CA_LENGTH / 1024} KiB; give the cloud's own`,
    );
  }
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    if (certificates.length === 0) throw new Error('no certificate');
    for (const certificate of certificates) new X509Certificate(certificate);
    return pem;
  } catch {
    throw section.error(
      'cacert',
      'the given CA is not a PEM certificate; it must begin with -----BEGIN CERTIFICATE-----',
    );
  }
}
