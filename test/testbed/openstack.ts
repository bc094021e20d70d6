import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestbedError } from './errors.ts';
import { call, logIn, readCloud } from './keystone.ts';
import { type OpenStackEnvironment, PROGRAMS } from './openstack-environment.ts';
import { freePorts } from './ports.ts';
import { Service } from './service.ts';
import { runTool } from './tool.ts';

export interface OpenStackOptions {
  environment: OpenStackEnvironment;
  /** Folder of databases, configuration and logs. */
  dir: string;
  python: string;
  /** Seconds that a token lives. */
  tokenExpirationSeconds: number;
  /** Seconds that Heat believes a token without asking Keystone; -1: it always asks. */
  tokenCacheSeconds: number;
  /** The address that they listen on and have in the catalog. Default: loopback. */
  host?: string | undefined;
  onUnexpectedExit: (error: TestbedError) => void;
  signal?: AbortSignal | undefined;
}

export interface OpenStack {
  /** Path of a clouds.yaml with the clouds admin, demo, demo2 (demo's user in another project) and alice. */
  clouds: string;
  /** Keystone, with /v3. */
  authUrl: string;
  /** Heat, with /v1 and without a project. */
  heatUrl: string;
  keystone: Service;
  heat: Service;
}

/** Keystone and Heat, not started yet. They may be started in any order; Heat is ready only when Keystone is. */
export async function prepareOpenStack(options: OpenStackOptions): Promise<OpenStack> {
  const { environment, dir, python, host = '127.0.0.1', onUnexpectedExit } = options;
  const hostVariable = { TESTBED_HOST: host };
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const [keystonePort, heatPort, cfnPort] = (await freePorts(3)).map(String) as [string, string, string];
  await runTool({
    python,
    command: environment.python,
    args: [
      join(PROGRAMS, 'prepare.py'),
      `--seed=${environment.seed}`,
      `--state=${dir}`,
      `--keystone-port=${keystonePort}`,
      `--heat-port=${heatPort}`,
      `--cfn-port=${cfnPort}`,
      `--token-expiration=${options.tokenExpirationSeconds}`,
      `--token-cache-time=${options.tokenCacheSeconds}`,
    ],
    env: hostVariable,
    logFile: join(dir, 'prepare.log'),
    cure: `remove ${dir} and ${environment.seed}, and start again`,
    signal: options.signal,
  });
  const clouds = join(dir, 'clouds.yaml');
  const authUrl = `http://${host}:${keystonePort}/v3`;
  const heatUrl = `http://${host}:${heatPort}/v1`;
  const demo = await readCloud(clouds, 'demo');

  const service = (
    name: string,
    args: string[],
    isReady: (signal: AbortSignal) => Promise<boolean>,
  ): Service =>
    new Service({
      name,
      command: environment.python,
      args,
      env: { PYTHONWARNINGS: 'ignore', ...hostVariable },
      logFile: join(dir, `${name}.log`),
      python,
      readyTimeoutMs: 180_000,
      isReady,
      onUnexpectedExit,
    });

  const keystone = service(
    'keystone',
    [join(PROGRAMS, 'serve_keystone.py'), dir, keystonePort],
    async (signal) => {
      await logIn(demo, signal);
      return true;
    },
  );
  // The first requests load policies, plug-ins and tokens; done here one after the other, they cost no test a second.
  const heat = service('heat', [join(PROGRAMS, 'serve_heat.py'), dir, heatPort, cfnPort], async (signal) => {
    await fetch(`http://${host}:${heatPort}/`, { signal });
    const { token, projectId } = await logIn(demo, signal);
    await call('GET', `${heatUrl}/${projectId}/stacks`, { token, signal });
    await call('POST', `${heatUrl}/${projectId}/stacks/preview`, { token, signal, body: WARM_UP });
    return true;
  });
  return { clouds, authUrl, heatUrl, keystone, heat };
}

const WARM_UP = {
  stack_name: 'warm-up',
  template: { heat_template_version: '2018-08-31', resources: { r: { type: 'OS::Heat::RandomString' } } },
};
