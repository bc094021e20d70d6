import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cache, cached, fingerprint } from '../test/testbed/cache.ts';
import { checkGo, goBuild } from '../test/testbed/go.ts';

/**
 * The folder of a Go module's programs, built into the cache if missing.
 *
 * @param name begins the name of its folder in the cache
 * @param what is built, for people: `gophercloud and the server`
 * @param otherwise what can be done where there is no Go: `, or …`
 */
export async function goPrograms(
  cache: Cache,
  { name, module, what, otherwise }: { name: string; module: string; what: string; otherwise?: string },
): Promise<string> {
  const ldflags = '-s -w';
  const files = (await readdir(module, { recursive: true })).filter((file) =>
    /\.go$|go\.(mod|sum)$/.test(file),
  );
  const content = await Promise.all(files.sort().map((file) => readFile(join(module, file))));
  const print = fingerprint([process.platform, process.arch, ldflags, ...content]);
  const folder = await cached(cache, `${name}-${print}`, async (target) => {
    await checkGo(what, otherwise);
    await goBuild(cache, {
      title: `building ${what} with Go (once)`,
      target,
      module,
      ldflags,
      packages: ['./...'],
    });
  });
  return join(folder, 'bin');
}
