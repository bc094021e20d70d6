import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { messageOf, TestbedError } from './errors.ts';
import { acquireLock } from './guard.ts';
import { type Log, tell } from './progress.ts';

/** Folder of what is built once: `$XDG_CACHE_HOME/heatstack-operator`, else `~/.cache/heatstack-operator`. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  const base = env['XDG_CACHE_HOME'];
  // The XDG specification: a relative path is invalid and ignored.
  return join(
    base !== undefined && isAbsolute(base) ? base : join(homedir(), '.cache'),
    'heatstack-operator',
  );
}

/** A short name for the content something is built from. Different parts never give the same name by being joined. */
export function fingerprint(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('hex').slice(0, 12);
}

/** Marks a folder of the cache complete. */
const STAMP = '.complete';

export interface Cache {
  root: string;
  python: string;
  log: Log;
  signal?: AbortSignal | undefined;
}

/**
 * The folder `name` of the cache, built if it isn't there. `build` fills the empty folder it is given, at its final
 * place (a Python environment can't be moved while it is made). A stamp, written last, marks it complete: what an
 * interrupted build left is thrown away by the next. Processes that want the same folder wait for each other.
 */
export async function cached(
  cache: Cache,
  name: string,
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(cache.root, name);
  const stamp = join(folder, STAMP);
  if (existsSync(stamp)) return folder;
  await mkdir(cache.root, { recursive: true }).catch((error: unknown) => {
    throw new TestbedError(
      `can't make the cache: ${messageOf(error)}; set XDG_CACHE_HOME to a folder you may write to`,
    );
  });
  let stopTelling = (): unknown => undefined;
  const release = await acquireLock(cache.python, `${folder}.lock`, {
    onWait: () => {
      stopTelling = tell(cache.log, `waiting for another test bed that builds ${name}`);
    },
    signal: cache.signal,
  }).finally(() => stopTelling());
  try {
    if (existsSync(stamp)) return folder;
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
    await mkdir(folder);
    await build(folder);
    await writeFile(stamp, `${new Date().toISOString()}\n`);
    return folder;
  } finally {
    release();
  }
}

/** Have the folder `name` built again when it is wanted next. */
export async function forget(cache: Cache, name: string): Promise<void> {
  const stamp = join(cache.root, name, STAMP);
  if (existsSync(stamp)) await rm(stamp, { force: true });
}
