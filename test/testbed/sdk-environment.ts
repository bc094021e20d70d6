import { fileURLToPath } from 'node:url';
import type { Cache } from './cache.ts';
import type { Python } from './python.ts';
import { pythonEnvironment } from './python-environment.ts';

/**
 * Path of a Python that has openstacksdk, the client that ours is compared with, and nothing of OpenStack's servers;
 * its virtual environment is built into the cache if missing.
 */
export async function sdkEnvironment(cache: Cache, python: Python): Promise<string> {
  const { interpreter } = await pythonEnvironment(cache, python, {
    name: 'openstacksdk',
    title: 'openstacksdk with pip (seconds, once)',
    folder: fileURLToPath(new URL('./sdk', import.meta.url)),
  });
  return interpreter;
}
