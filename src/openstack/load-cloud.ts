import { open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  type CloudConfig,
  cloudOf,
  inRegion,
  MAX_CLOUDS_LENGTH,
  namesOf,
  readCloud,
  readClouds,
} from './clouds.ts';
import { createError } from './errors.ts';
import { MAX_PEM_LENGTH, type PemTexts } from './pem.ts';
import { layered, type Origin, Section, type Settings, settingsOf } from './section.ts';

/** Which cloud to load, and from where. */
export interface LoadOptions {
  /** Name of the cloud. Default: `OS_CLOUD`, else the cloud of the `OS_*` variables, else the only one there is. */
  cloud?: string | undefined;
  /** Default: `OS_REGION_NAME`, else the cloud's own. */
  region?: string | undefined;
  /** Default: `process.env`. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Where to look first, and what relative paths start from. Default: the working directory. */
  cwd?: string | undefined;
  /** Default: the user's own folder. */
  home?: string | undefined;
}

type Env = Readonly<Record<string, string | undefined>>;
type Clouds = ReadonlyMap<string, unknown>;

const SUFFIXES = ['yaml', 'yml', 'json'];
/** Variables that choose a cloud, and make none by themselves. */
const SELECTORS = [
  'OS_CLOUD',
  'OS_REGION_NAME',
  'OS_CLIENT_CONFIG_FILE',
  'OS_CLIENT_SECURE_FILE',
  'OS_CLOUD_NAME',
];

/**
 * Loads a cloud as openstacksdk does, from the files and variables of whoever runs the program:
 *
 * - `clouds.yaml` (or `.yml`, `.json`): the first of `OS_CLIENT_CONFIG_FILE`, the working directory,
 *   `~/.config/openstack` and `/etc/openstack`; over it `secure.yaml`, the first of `OS_CLIENT_SECURE_FILE` and the same
 *   folders; under it the `profile` of a `clouds-public.yaml` from there;
 * - `OS_*` variables, which make a cloud of their own named `envvars`;
 * - the files that `cacert`, `cert` and `key` name.
 *
 * It differs where openstacksdk guesses: a file that isn't valid, or that a variable names and that isn't there, is an
 * error and no reason to take the next one. No URL is fetched, and there are no profiles of vendors in this library.
 *
 * @throws OpenStackError ConfigError, naming file, cloud, key and cure, never a value that may be a secret.
 *
 * @example
 * const cloud = await loadCloud({ cloud: 'demo' });
 */
export async function loadCloud(options: LoadOptions = {}): Promise<CloudConfig> {
  const { env = process.env, cwd = process.cwd(), home = homedir() } = options;
  const files = new Files(env, cwd, home);
  const { clouds, file } = await files.clouds();
  const own = env['OS_CLOUD_NAME'] || 'envvars';
  if (clouds.has(own)) {
    throw createError(
      'ConfigError',
      `${file} has a cloud named "${own}", which is the name of the cloud of the OS_* variables; rename one of them (OS_CLOUD_NAME).`,
    );
  }
  const variables = cloudOfVariables(env);
  const wanted = options.cloud || env['OS_CLOUD'] || (variables && own);
  const { name, section } =
    wanted === own && variables
      ? { name: own, section: new Section(originOf(own), variables) }
      : inFile(clouds, file, wanted, files.folders);
  const profile = await files.profile(section);
  const region = inRegion(profile ? section.over(profile) : section, options.region || env['OS_REGION_NAME']);
  return readCloud(name, region, await files.pem(region.section));
}

function originOf(name: string): Origin {
  return { name: `cloud "${name}" of the OS_* variables`, key: (key) => `OS_${key.toUpperCase()}` };
}

function inFile(clouds: Clouds, file: string | undefined, wanted: string | undefined, folders: string[]) {
  if (file === undefined) {
    throw createError(
      'ConfigError',
      `There is no clouds.yaml in ${folders.join(', ')}; write one, or set OS_CLIENT_CONFIG_FILE, or OS_AUTH_URL and the other OS_* variables.`,
    );
  }
  const name = wanted ?? onlyCloud(clouds, file);
  return { name, section: new Section({ name: `${file}, cloud "${name}"` }, cloudOf(clouds, name, file)) };
}

/** The folders where files are looked for, in their order. */
export function configFolders(env: Env, cwd: string, home: string): string[] {
  const user = join(home, '.config', 'openstack');
  const own = env['XDG_CONFIG_HOME'] ? [join(env['XDG_CONFIG_HOME'], 'openstack')] : [];
  return [...new Set([cwd, ...own, user, '/etc/xdg/openstack', '/etc/openstack'])];
}

/** The settings that `OS_*` variables make: `OS_AUTH_URL` is `auth_url`. Empty variables are none. */
function cloudOfVariables(env: Env): Settings | undefined {
  const isSetting = (key: string) => /^OS_(?!TEST|STD|LOG)/.test(key) && !SELECTORS.includes(key);
  const given = Object.entries(env).filter(([key, value]) => isSetting(key) && value);
  if (given.length === 0) return undefined;
  return new Map(given.map(([key, value = '']) => [key.slice('OS_'.length).toLowerCase(), flagOf(value)]));
}

/** A variable can't hold anything but text. */
function flagOf(value: string): string | boolean {
  return /^true$/i.test(value) ? true : /^false$/i.test(value) ? false : value;
}

function onlyCloud(clouds: Clouds, file: string): string {
  const [name, ...others] = clouds.keys();
  if (name !== undefined && others.length === 0) return name;
  throw createError(
    'ConfigError',
    name === undefined
      ? `${file} has no cloud; add one.`
      : `${file} has several clouds (${namesOf(clouds)}); choose one, by name or with OS_CLOUD.`,
  );
}

/** The files of one user. */
class Files {
  readonly folders: string[];
  readonly #env: Env;
  readonly #cwd: string;
  readonly #home: string;

  constructor(env: Env, cwd: string, home: string) {
    this.folders = configFolders(env, cwd, home);
    this.#env = env;
    this.#cwd = cwd;
    this.#home = home;
  }

  /** All clouds of clouds.yaml and secure.yaml together, and the file to name for them. */
  async clouds(): Promise<{ clouds: Clouds; file: string | undefined }> {
    const plain = await this.#mapping('clouds', 'OS_CLIENT_CONFIG_FILE');
    const secure = await this.#mapping('secure', 'OS_CLIENT_SECURE_FILE');
    const clouds = new Map(plain?.clouds);
    for (const [name, over] of secure?.clouds ?? []) {
      const [below, above] = [settingsOf(clouds.get(name)), settingsOf(over)];
      clouds.set(name, below && above ? layered(below, above) : over);
    }
    return { clouds, file: plain?.file ?? secure?.file };
  }

  /** The settings of the `profile` that a cloud names. */
  async profile(cloud: Section): Promise<Settings | undefined> {
    const name = cloud.text('profile', 'cloud');
    if (name === undefined) return undefined;
    const found = await this.#mapping('clouds-public', undefined, 'public-clouds');
    const profile = settingsOf(found?.clouds.get(name));
    if (profile) return profile;
    throw cloud.error(
      'profile',
      found
        ? `${found.file} has no such profile; correct the name, add it, or write the settings out`
        : 'there is no clouds-public.yaml that has it; write the settings out (profiles of vendors and URLs are not supported)',
    );
  }

  /** The texts of the files that `cacert`, `cert` and `key` name. */
  async pem(cloud: Section): Promise<PemTexts> {
    const read = async (key: string): Promise<string | undefined> => {
      const path = cloud.text(key);
      if (path === undefined) return undefined;
      try {
        return await readText(this.#path(path), MAX_PEM_LENGTH);
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        throw cloud.error(key, `can't read ${this.#path(path)} (${reasonOf(error)}); correct the path`);
      }
    };
    return { cacert: await read('cacert'), cert: await read('cert'), key: await read('key') };
  }

  /** A mapping of clouds, of the first file of that kind. */
  async #mapping(
    kind: string,
    variable?: string,
    section?: string,
  ): Promise<{ clouds: Clouds; file: string } | undefined> {
    const named = variable === undefined ? undefined : this.#env[variable];
    if (named) {
      const file = this.#path(named);
      try {
        return { file, clouds: readClouds(await readText(file, MAX_CLOUDS_LENGTH), file, section) };
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        throw createError(
          'ConfigError',
          `${variable} names ${file}, which can't be read (${reasonOf(error)}); correct it.`,
        );
      }
    }
    for (const folder of this.folders) {
      for (const suffix of SUFFIXES) {
        const file = join(folder, `${kind}.${suffix}`);
        try {
          return { file, clouds: readClouds(await readText(file, MAX_CLOUDS_LENGTH), file, section) };
        } catch (error) {
          // Missing, or somebody else's: openstacksdk takes the next one, too.
          if (!isUnreadable(error)) throw error;
        }
      }
    }
    return undefined;
  }

  /** A path as users write it. */
  #path(written: string): string {
    return resolve(this.#cwd, written.replace(/^~(?=\/|$)/, this.#home));
  }
}

/** Reads a text file. @throws OpenStackError ConfigError when it is too large; errors of the file system. */
async function readText(file: string, maxBytes: number): Promise<string> {
  await using handle = await open(file);
  const buffer = Buffer.alloc(maxBytes + 1);
  let size = 0;
  // Not by its size in advance: what isn't a regular file has none.
  for (let read = -1; read !== 0 && size < buffer.length; size += read) {
    read = (await handle.read(buffer, size, buffer.length - size)).bytesRead;
  }
  if (size > maxBytes) {
    throw createError('ConfigError', `${file} is larger than ${maxBytes / 1024} KiB; give one that isn't.`);
  }
  return buffer.toString('utf8', 0, size);
}

function isUnreadable(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM'].includes(reasonOf(error));
}

function reasonOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error) return String(error.code);
  return 'unknown reason';
}
