import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cache, cacheRoot } from '../test/testbed/cache.ts';
import { sweepAtEnd } from '../test/testbed/guard.ts';
import { findPython, type Python } from '../test/testbed/python.ts';

/** What every benchmark works with. */
export interface Workplace {
  cache: Cache;
  python: Python;
  /** For what is made anew each time: programs, and the logs of what was started. */
  folder: string;
  /** Tells whoever waits how it goes. */
  log(line: string): void;
  signal: AbortSignal;
}

/**
 * Carries out a benchmark. Its folder is gone afterwards, unless it failed: then it says where the logs are.
 *
 * @param name begins the folder's name
 * @throws what the benchmark throws; TestbedError without a Python
 */
export async function inWorkplace(
  name: string,
  signal: AbortSignal,
  work: (workplace: Workplace) => Promise<void>,
): Promise<void> {
  const log = (line: string): void => void process.stderr.write(`bench: ${line}\n`);
  const python = await findPython();
  const cache = { root: cacheRoot(), python: python.path, log, signal };
  const folder = await mkdtemp(join(tmpdir(), `heatstack-${name}-`));
  const sweeper = sweepAtEnd(python.path, folder);
  try {
    await work({ cache, python, folder, log, signal });
  } catch (error) {
    if (!signal.aborted) {
      sweeper.keep();
      log(`logs are kept in ${folder}`);
      throw error;
    }
    await sweeper.sweep();
    throw error;
  }
  await sweeper.sweep();
}
