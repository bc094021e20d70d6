import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { cacheRoot } from './cache.ts';
import { prepareControlPlane } from './control-plane.ts';
import { controlPlaneBinaries } from './control-plane-binaries.ts';
import { messageOf, TestbedError } from './errors.ts';
import { sweepAtEnd } from './guard.ts';
import { logIn, readCloud, setServiceInCatalog } from './keystone.ts';
import { prepareOpenStack } from './openstack.ts';
import { openStackEnvironment } from './openstack-environment.ts';
import type { Log } from './progress.ts';
import { findPython } from './python.ts';
import type { Service } from './service.ts';

export { type StartedControlPlane, startControlPlane } from './control-plane.ts';
export { TestbedError } from './errors.ts';
export type { Service } from './service.ts';

export interface TestbedOptions {
  /** Folder of all state; it stays and can be started from again. Default: a temporary one, removed at the end. */
  dir?: string | undefined;
  /** Gets progress, a line at a time. Default: nobody. */
  log?: Log | undefined;
  /** Ends a start that isn't finished; everything started is stopped. */
  signal?: AbortSignal | undefined;
  /** Seconds that a Keystone token lives. Default 3600. */
  tokenExpirationSeconds?: number | undefined;
  /** Seconds that Heat believes a token without asking Keystone again; -1: it always asks. Default 300. */
  tokenCacheSeconds?: number | undefined;
  /** Called when a server ends although nobody stopped it. */
  onUnexpectedExit?: ((error: TestbedError) => void) | undefined;
}

export interface Testbed {
  /** Path of a kubeconfig; its user may do anything. */
  readonly kubeconfig: string;
  /** Path of a clouds.yaml with the clouds admin, demo, demo2 (demo's user in another project) and alice. */
  readonly clouds: string;
  /** Path of the kubectl program. */
  readonly kubectl: string;
  /** Heat's API, with /v1 and without a project. */
  readonly heatUrl: string;
  /** Keystone's API, with /v3. */
  readonly authUrl: string;
  /** Folder of all state and logs. */
  readonly dir: string;
  /** Process ids of the servers that run now. */
  readonly pids: Record<string, number>;

  readonly etcd: Service;
  readonly apiServer: Service;
  readonly keystone: Service;
  readonly heat: Service;

  killApiServer(signal?: NodeJS.Signals): Promise<void>;
  startApiServer(): Promise<void>;
  killHeat(signal?: NodeJS.Signals): Promise<void>;
  startHeat(): Promise<void>;

  /** Take the orchestration service out of Keystone's catalog: tokens issued from now on don't show it. */
  hideOrchestrationService(): Promise<void>;
  /** Put it back. */
  showOrchestrationService(): Promise<void>;

  /** Kill all servers and, unless `dir` was given, remove the state. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Start a real Kubernetes API server and a real Keystone and Heat on free ports of loopback. What is missing is built
 * into the cache first, which takes minutes; after that, a start takes seconds.
 *
 * The servers end with the thread that called this, however it ends (Linux).
 * Throws a TestbedError with a one-line message; nothing is left running then.
 */
export async function startTestbed(options: TestbedOptions = {}): Promise<Testbed> {
  const log = options.log ?? (() => undefined);
  const python = await findPython();
  const [binaries, environment] = await together(options.signal, (signal) => {
    const cache = { root: cacheRoot(), python: python.path, log, signal };
    return [controlPlaneBinaries(cache), openStackEnvironment(cache, python)];
  });

  const dir = await stateFolder(options.dir);
  const sweeper = options.dir === undefined ? sweepAtEnd(python.path, dir) : undefined;
  const services: Service[] = [];
  const killAll = async (): Promise<void> => {
    // SIGKILL: on SIGTERM, kube-apiserver waits up to 30 s for open watches, and there is nothing to save.
    await Promise.all(services.map((service) => service.kill('SIGKILL')));
  };
  try {
    const common = { python: python.path, onUnexpectedExit: options.onUnexpectedExit ?? (() => undefined) };
    const { signal } = options;
    const controlPlane = await prepareControlPlane({ ...common, binaries, dir: join(dir, 'kubernetes') });
    const openStack = await prepareOpenStack({
      ...common,
      environment,
      dir: join(dir, 'openstack'),
      tokenExpirationSeconds: options.tokenExpirationSeconds ?? 3600,
      tokenCacheSeconds: options.tokenCacheSeconds ?? 300,
      signal,
    });
    const { etcd, apiServer } = controlPlane;
    const { keystone, heat } = openStack;
    services.push(etcd, apiServer, keystone, heat);
    log('starting etcd, kube-apiserver, Keystone and Heat');
    await together(signal, (both) => [
      etcd.start(both).then(() => apiServer.start(both)),
      keystone.start(both),
      heat.start(both),
    ]);

    const showOrchestrationService = async (shown: boolean): Promise<void> =>
      setServiceInCatalog(await logIn(await readCloud(openStack.clouds, 'admin')), 'orchestration', shown);
    return {
      kubeconfig: controlPlane.kubeconfig,
      clouds: openStack.clouds,
      kubectl: binaries.kubectl,
      heatUrl: openStack.heatUrl,
      authUrl: openStack.authUrl,
      dir,
      get pids() {
        return Object.fromEntries(
          services.flatMap(({ name, pid }) => (pid === undefined ? [] : [[name, pid]])),
        );
      },
      etcd,
      apiServer,
      keystone,
      heat,
      killApiServer: (by) => apiServer.kill(by),
      startApiServer: () => apiServer.start(),
      killHeat: (by) => heat.kill(by),
      startHeat: () => heat.start(),
      hideOrchestrationService: () => showOrchestrationService(false),
      showOrchestrationService: () => showOrchestrationService(true),
      async stop() {
        await killAll();
        await sweeper?.sweep();
      },
    };
  } catch (error) {
    await killAll();
    if (options.signal?.aborted) await sweeper?.sweep();
    else sweeper?.keep(); // the message names a log in there
    throw error;
  }
}

async function stateFolder(dir: string | undefined): Promise<string> {
  try {
    if (dir === undefined) return await mkdtemp(join(tmpdir(), 'heatstack-testbed-'));
    const path = resolve(dir);
    await mkdir(path, { recursive: true, mode: 0o700 });
    return path;
  } catch (error) {
    const cure = dir === undefined ? 'set TMPDIR to a folder you may write to' : 'give --dir another folder';
    throw new TestbedError(`can't make the folder of the state: ${messageOf(error)}; ${cure}`);
  }
}

/** Like Promise.all, but when one fails, the others are aborted and waited for. */
async function together<T extends readonly Promise<unknown>[] | []>(
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const failure = new AbortController();
  const tasks = work(AbortSignal.any([failure.signal, ...(outer === undefined ? [] : [outer])]));
  try {
    return await Promise.all(tasks);
  } catch (error) {
    failure.abort(error);
    await Promise.allSettled(tasks);
    throw error;
  }
}
