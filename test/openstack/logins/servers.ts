import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheRoot } from '../../testbed/cache.ts';
import { logIn, readCloud } from '../../testbed/keystone.ts';
import { prepareOpenStack } from '../../testbed/openstack.ts';
import {
  type OpenStackEnvironment,
  openStackEnvironment,
  PROGRAMS,
} from '../../testbed/openstack-environment.ts';
import { freePorts } from '../../testbed/ports.ts';
import { findPython } from '../../testbed/python.ts';
import { Service } from '../../testbed/service.ts';

/** Changes the text of a configuration file. */
export type Edit = (text: string) => string;

/** A Keystone and a Heat that no other test uses. */
export interface OwnCloud {
  /** Path of its clouds.yaml; see the test bed's. */
  readonly clouds: string;
  readonly authUrl: string;
  readonly heatUrl: string;
  stop(): Promise<void>;
}

/** The virtual environment of the test bed, which has Keystone, Heat and openstacksdk, and the Python it is made from. */
export async function programs(): Promise<{ python: string; environment: OpenStackEnvironment }> {
  const python = await findPython();
  const cache = { root: cacheRoot(), python: python.path, log: () => undefined };
  return { python: python.path, environment: await openStackEnvironment(cache, python) };
}

/** Starts a Keystone and a Heat with a changed keystone.conf. Heat asks Keystone about every token. */
export async function startOwnCloud(edit: Edit): Promise<OwnCloud> {
  const { python, environment } = await programs();
  const dir = await mkdtemp(join(tmpdir(), 'heatstack-logins-'));
  const { clouds, authUrl, heatUrl, keystone, heat } = await prepareOpenStack({
    environment,
    dir,
    python,
    tokenExpirationSeconds: 3600,
    tokenCacheSeconds: -1,
    onUnexpectedExit: () => undefined,
  });
  await editFile(join(dir, 'keystone.conf'), edit);
  const stop = async (): Promise<void> => {
    await Promise.all([keystone.kill(), heat.kill()]);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await Promise.all([keystone.start(), heat.start()]);
    return { clouds, authUrl, heatUrl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Starts another Keystone on the database and keys of one that runs: each takes the tokens of the other.
 *
 * @param clouds the clouds.yaml beside that database
 */
export async function startSecondKeystone(
  clouds: string,
  edit: Edit,
): Promise<{ authUrl: string; stop(): Promise<void> }> {
  const { python, environment } = await programs();
  const dir = await mkdtemp(join(tmpdir(), 'heatstack-keystone-'));
  const [port = 0] = await freePorts(1);
  const conf = await readFile(join(clouds, '..', 'keystone.conf'), 'utf8');
  await writeFile(join(dir, 'keystone.conf'), edit(conf), { mode: 0o600 });
  const authUrl = `http://127.0.0.1:${port}/v3`;
  const { auth } = await readCloud(clouds, 'demo');
  const keystone = new Service({
    name: 'second-keystone',
    command: environment.python,
    args: [join(PROGRAMS, 'serve_keystone.py'), dir, String(port)],
    env: { PYTHONWARNINGS: 'ignore' },
    logFile: join(dir, 'keystone.log'),
    python,
    readyTimeoutMs: 120_000,
    isReady: async (signal) => {
      await logIn({ auth: { ...auth, auth_url: authUrl } }, signal);
      return true;
    },
  });
  const stop = async (): Promise<void> => {
    await keystone.kill();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await keystone.start();
    return { authUrl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function editFile(file: string, edit: Edit): Promise<void> {
  await writeFile(file, edit(await readFile(file, 'utf8')));
}

/** Changes a setting of a configuration file that is there. */
export function setting(name: string, value: string): Edit {
  return (text) => {
    const changed = text.replace(new RegExp(`^${name} = .*$`, 'm'), `${name} = ${value}`);
    if (changed === text) throw new Error(`no other ${name} in the configuration`);
    return changed;
  };
}
