import type { Json } from '../json.ts';
import { parseYaml, YamlError } from '../yaml.ts';
import { createError } from './errors.ts';
import { type Login, readLogin } from './login.ts';
import { checkedPem, type PemTexts } from './pem.ts';
import { namedOf, Section, type Settings, settingsOf } from './section.ts';
import { MAX_URL_LENGTH, withoutSlashes } from './url.ts';

/** One cloud of a clouds.yaml, checked and resolved. Holds secrets: never log it. */
export interface CloudConfig extends Login {
  name: string;
  /** Keystone v3, without a slash at the end: `https://keystone.example.com:5000/v3`. */
  authUrl: string;
  regionName?: string;
  interface: 'public' | 'internal' | 'admin';
  /** PEM certificates that replace the system's. */
  cacert?: string;
  /** The client's own certificate, in PEM, shown to Keystone and Heat; with it goes `key`. */
  cert?: string;
  /** The private key of `cert`, in PEM, without a passphrase. */
  key?: string;
  /** False: any certificate is accepted. */
  verify: boolean;
  /** `api_timeout`, in milliseconds; 10 minutes at most. */
  apiTimeoutMs?: number;
  /** Used instead of the catalog's address of Heat. */
  orchestrationEndpointOverride?: string;
}

/** Which cloud to take, and what to add to it. The file's own `cacert`, `cert` and `key` name paths and are refused. */
export interface CloudOptions {
  cloudName: string;
  /** Wins over the file's `region_name`. */
  regionName?: string | undefined;
  /** PEM certificates of the authorities to trust. */
  cacert?: string | undefined;
  /** The client's own certificate, in PEM. */
  cert?: string | undefined;
  /** The private key of `cert`, in PEM; it may also stand in `cert`. */
  key?: string | undefined;
}

/** The longest `api_timeout`, in seconds: one that hangs keeps other work waiting. */
const MAX_TIMEOUT_S = 600;
/** Longest clouds.yaml, in UTF-16 units: hundreds of clouds. */
export const MAX_CLOUDS_LENGTH = 64 * 1024;
/** Keystone's own limit. */
const MAX_REGION_LENGTH = 255;

/** Settings that would make us read a file or a URL that the author of the file names. */
const PROFILE = 'vendor profiles are not supported; write the settings out';
const named = (what: string, key: string) =>
  `it names a file; give ${what} itself (PEM) beside clouds.yaml under the key ${key}`;
const REFUSED: Record<string, string> = {
  profile: PROFILE,
  cloud: PROFILE,
  cacert: named('the certificate', 'cacert'),
  cert: named('the certificate', 'cert'),
  key: named('the private key', 'key'),
};

/**
 * Reads one cloud from the text of a clouds.yaml, by the rules of openstacksdk: `-` and `_` are the same, `tenant_*`
 * is `project_*`, `domain_*` stands for both domains, and what belongs under `auth` may stand beside it. No file, URL
 * or environment variable is read; see {@link loadCloud} for that.
 *
 * @throws OpenStackError ConfigError, naming cloud, key and cure, never a value of the file.
 *
 * @example
 * const cloud = parseCloudsYaml(await readFile('clouds.yaml', 'utf8'), { cloudName: 'demo' });
 */
export function parseCloudsYaml(text: string, options: CloudOptions): CloudConfig {
  const { cloudName, regionName } = options;
  const clouds = readClouds(text, 'clouds.yaml');
  const origin = { name: `clouds.yaml, cloud "${cloudName}"` };
  const cloud = inRegion(new Section(origin, cloudOf(clouds, cloudName, 'clouds.yaml')), regionName);
  for (const [key, why] of Object.entries(REFUSED)) cloud.section.refuse(key, why);
  return readCloud(cloudName, cloud, options);
}

/** What to warn of, once for each connection, when the cloud's certificates aren't checked. */
export function insecureWarning({ name, verify }: CloudConfig): string | undefined {
  if (verify) return undefined;
  return `cloud "${name}" has verify: false (or insecure: true): whoever is on the way can read and change everything, passwords too; give the cloud's certificate authority as cacert instead`;
}

/**
 * The clouds of a clouds.yaml by name.
 *
 * @param file what to call it.
 * @param section its mapping of clouds.
 * @throws OpenStackError ConfigError.
 */
export function readClouds(text: string, file: string, section = 'clouds'): ReadonlyMap<string, unknown> {
  let root: Json;
  try {
    // `project_id: 0123` means these four characters, as its author reads them.
    root = parseYaml(text, { numbers: false, maxLength: MAX_CLOUDS_LENGTH });
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw createError('ConfigError', `${file}: ${error.message}; correct it.`);
  }
  const clouds = namedOf(namedOf(root)?.get(section));
  if (!clouds) throw createError('ConfigError', `${file} has no mapping "${section}" at its top; add it.`);
  return clouds;
}

/** The settings of one of the clouds. @throws OpenStackError ConfigError. */
export function cloudOf(clouds: ReadonlyMap<string, unknown>, name: string, file: string): Settings {
  const cloud = settingsOf(clouds.get(name));
  if (cloud) return cloud;
  throw createError(
    'ConfigError',
    `${file} has no cloud "${name}" (it has: ${namesOf(clouds)}); correct the name or add it.`,
  );
}

/** Some of the names, for messages. */
export function namesOf(clouds: ReadonlyMap<string, unknown>): string {
  return [...clouds.keys()].slice(0, 10).join(', ') || 'none';
}

/** A cloud's settings with those of the chosen region over them. */
export interface RegionOfCloud {
  section: Section;
  regionName: string | undefined;
}

/**
 * The settings of a cloud in one region: the wanted one, else its `region_name`, else the first of its `regions`.
 *
 * @throws OpenStackError ConfigError, also when there are `regions` and the region isn't one of them.
 */
export function inRegion(cloud: Section, wanted: string | undefined): RegionOfCloud {
  const regions = cloud.value('regions') ?? [];
  if (!Array.isArray(regions)) throw cloud.error('regions', 'must be a list');
  const listed = new Map(regions.map((region: unknown) => readRegion(cloud, region)));
  const name = wanted || cloud.text('orchestration_region_name', 'region_name') || [...listed.keys()][0];
  if (name === undefined) return { section: cloud, regionName: undefined };
  if (name.length > MAX_REGION_LENGTH) {
    throw cloud.error('region_name', `must not be longer than ${MAX_REGION_LENGTH} characters`);
  }
  if (listed.size > 0 && !listed.has(name)) throw cloud.error('region_name', 'must be one of regions');
  const values = listed.get(name);
  return { section: values ? cloud.under(values) : cloud, regionName: name };
}

/** An entry of `regions`: a name, or a name and the settings that differ there. */
function readRegion(cloud: Section, region: unknown): [string, Settings | undefined] {
  const fields = settingsOf(region);
  const name = fields ? fields.get('name') : region;
  if (typeof name !== 'string' || name === '') throw cloud.error('regions', 'must be a list of names');
  const values = fields?.get('values') ?? undefined;
  const settings = settingsOf(values);
  if (values !== undefined && !settings) throw cloud.error('regions', 'values must be a mapping');
  return [name, settings];
}

/** Reads all that is known of a cloud. @throws OpenStackError ConfigError. */
export function readCloud(
  name: string,
  { section, regionName }: RegionOfCloud,
  texts: PemTexts,
): CloudConfig {
  const version = section.text('identity_api_version');
  if (version !== undefined && !/^v?3(\.\d+)?$/.test(version)) {
    throw section.error('identity_api_version', 'must be 3; Keystone v2 is not supported');
  }
  const login = readLogin(section);
  const apiTimeout = section.text('api_timeout');
  const override = section.text('orchestration_endpoint_override', 'orchestration_endpoint');
  const pem = checkedPem(section, texts);
  return {
    name,
    authUrl: authUrl(section.child('auth'), regionName),
    ...login,
    ...(regionName !== undefined && { regionName }),
    interface: pickInterface(section),
    ...(pem.cacert !== undefined && { cacert: pem.cacert }),
    ...(pem.cert !== undefined && { cert: pem.cert }),
    ...(pem.key !== undefined && { key: pem.key }),
    verify: section.flag('insecure') === true ? false : (section.flag('verify') ?? true),
    ...(apiTimeout !== undefined && { apiTimeoutMs: seconds(section, 'api_timeout', apiTimeout) * 1000 }),
    ...(override !== undefined && {
      orchestrationEndpointOverride: httpUrl(section, 'orchestration_endpoint_override', override),
    }),
  };
}

function authUrl(auth: Section, regionName = ''): string {
  // As openstacksdk fills it in: clouds with a Keystone for each region.
  const url = auth.text('auth_url')?.replaceAll('{region_name}', regionName);
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

function seconds(section: Section, key: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= MAX_TIMEOUT_S)) {
    throw section.error(key, `must be a number of seconds above 0, and ${MAX_TIMEOUT_S} at most`);
  }
  return value;
}
