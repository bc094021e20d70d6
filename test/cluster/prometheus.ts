import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cache, cached, fingerprint } from '../testbed/cache.ts';
import { step } from '../testbed/progress.ts';
import { unpackPackages } from './debian-packages.ts';

const PACKAGES = ['prometheus'];

/** Path of the Prometheus that this machine's Debian or Ubuntu has, unpacked into the cache. */
export async function prometheusProgram(cache: Cache): Promise<string> {
  const release = await readFile('/etc/os-release');
  const name = `prometheus-${fingerprint([...PACKAGES, process.arch, release])}`;
  const folder = await cached(cache, name, (target) =>
    step(cache.log, 'fetching Prometheus with apt', () => unpackPackages(cache, PACKAGES, target)),
  );
  return join(folder, 'usr', 'bin', 'prometheus');
}
