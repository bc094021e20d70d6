import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Cache } from './cache.ts';
import { goPrograms } from './go-programs.ts';
import { atLeast } from './version.ts';

const MINIMUM_PROMTOOL = '2.42';

/** Path of promtool, which has Prometheus' own engine: the one on PATH if it is new enough, else one built with Go into the cache. */
export async function promtoolProgram(cache: Cache): Promise<string> {
  const onPath = await promisify(execFile)('promtool', ['--version'], { timeout: 20_000 }).catch(
    () => undefined,
  );
  if (onPath !== undefined && atLeast(onPath.stdout, MINIMUM_PROMTOOL)) return 'promtool';
  const folder = await goPrograms(cache, {
    name: 'promtool',
    module: join(import.meta.dirname, 'promtool'),
    what: 'promtool',
    duration: 'a minute or two',
    otherwise: `, or promtool ${MINIMUM_PROMTOOL} or newer`,
    // Without the clients of two dozen clouds, which find what a server is to scrape.
    tags: 'remove_all_sd',
    packages: ['github.com/prometheus/prometheus/cmd/promtool'],
  });
  return join(folder, 'promtool');
}
