import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Cache, cached, fingerprint } from './cache.ts';
import { checkGo, goBuild } from './go.ts';
import { atLeast } from './version.ts';

const MODULE = join(import.meta.dirname, 'promtool');
const MINIMUM_PROMTOOL = '2.42';
// Without the clients of two dozen clouds, which find what a server is to scrape.
const TAGS = 'remove_all_sd';

/** Path of promtool, which has Prometheus' own engine: the one on PATH if it is new enough, else one built with Go into the cache. */
export async function promtoolProgram(cache: Cache): Promise<string> {
  const onPath = await promisify(execFile)('promtool', ['--version'], { timeout: 20_000 }).catch(
    () => undefined,
  );
  if (onPath !== undefined && atLeast(onPath.stdout, MINIMUM_PROMTOOL)) return 'promtool';
  const ldflags = '-s -w';
  const content = await Promise.all(['go.mod', 'go.sum'].map((file) => readFile(join(MODULE, file))));
  const print = fingerprint([process.platform, process.arch, ldflags, TAGS, ...content]);
  const folder = await cached(cache, `promtool-${print}`, async (target) => {
    await checkGo('promtool', `, or promtool ${MINIMUM_PROMTOOL} or newer`);
    await goBuild(cache, {
      title: 'building promtool with Go (a minute or two, once)',
      target,
      module: MODULE,
      ldflags,
      tags: TAGS,
      packages: ['github.com/prometheus/prometheus/cmd/promtool'],
    });
  });
  return join(folder, 'bin', 'promtool');
}
