import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cache, cached, fingerprint } from './cache.ts';
import { checkGo, goBuild } from './go.ts';

/** Programs of a Go module. */
export interface GoPrograms {
  /** Begins the name of their folder in the cache. */
  name: string;
  /** Folder of the module. */
  module: string;
  /** What is built, for people: `gophercloud and the server`. */
  what: string;
  /** How long that takes, for people: `a minute`. */
  duration?: string;
  /** What can be done where there is no Go: `, or …`. */
  otherwise?: string;
  /** Build tags, with commas between. */
  tags?: string;
  /** Default: all of the module. */
  packages?: string[];
}

/**
 * The folder of a Go module's programs, built into the cache if missing. What is in the module's folder tells whether it
 * is: with other sources, or other versions in go.mod, it is built anew.
 */
export async function goPrograms(
  cache: Cache,
  { name, module, what, duration, otherwise, tags = '', packages = ['./...'] }: GoPrograms,
): Promise<string> {
  const ldflags = '-s -w';
  const files = (await readdir(module, { recursive: true })).filter((file) =>
    /\.go$|\bgo\.(mod|sum)$/.test(file),
  );
  const content = await Promise.all(files.sort().map((file) => readFile(join(module, file))));
  const flags = [ldflags, tags].filter(Boolean);
  const print = fingerprint([process.platform, process.arch, ...flags, ...content]);
  const folder = await cached(cache, `${name}-${print}`, async (target) => {
    await checkGo(what, otherwise);
    const title = `building ${what} with Go (${[duration, 'once'].filter(Boolean).join(', ')})`;
    await goBuild(cache, { title, target, module, ldflags, tags, packages });
  });
  return join(folder, 'bin');
}
