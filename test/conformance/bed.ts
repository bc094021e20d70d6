import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheRoot } from '../testbed/cache.ts';
import { sweepAtEnd } from '../testbed/guard.ts';
import { prepareOpenStack } from '../testbed/openstack.ts';
import { openStackEnvironment } from '../testbed/openstack-environment.ts';
import { findPython } from '../testbed/python.ts';
import { Sdk } from './sdk.ts';
import type { Backend } from './world.ts';

/** A real Keystone and Heat, and an openstacksdk. */
export interface ConformanceBed extends Backend {
  sdk: Sdk;
  /** For files of the run; removed by `stop`. */
  dir: string;
  stop(): Promise<void>;
}

/** Starts Keystone and Heat on free ports of loopback. The first start builds them, which takes minutes. */
export async function startBed(
  log: (line: string) => void,
  signal: AbortSignal,
  onUnexpectedExit: (error: Error) => void,
): Promise<ConformanceBed> {
  const python = await findPython();
  const environment = await openStackEnvironment(
    { root: cacheRoot(), python: python.path, log, signal },
    python,
  );
  const dir = await mkdtemp(join(tmpdir(), 'heatstack-conformance-'));
  const sweeper = sweepAtEnd(python.path, dir);
  log('starting Keystone and Heat');
  const openStack = await prepareOpenStack({
    environment,
    dir: join(dir, 'openstack'),
    python: python.path,
    tokenExpirationSeconds: 3600,
    tokenCacheSeconds: 300,
    onUnexpectedExit,
    signal,
  });
  const { keystone, heat, clouds, heatUrl } = openStack;
  const kill = () => Promise.all([keystone.kill(), heat.kill()]);
  try {
    await Promise.all([keystone.start(signal), heat.start(signal)]);
  } catch (error) {
    await kill();
    sweeper.keep(); // the message names a log in there
    throw error;
  }
  const guarded = { guard: python.path, environment: environment.python };
  const sdk = new Sdk(guarded, clouds, join(dir, 'sdk.log'));
  return {
    clouds,
    heatUrl,
    sdk,
    dir,
    async stop() {
      sdk.close();
      await kill();
      await sweeper.sweep();
    },
  };
}
