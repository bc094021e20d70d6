import { globSync } from 'node:fs';
import { link, mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const EVERY_MS = 250;

/**
 * Keeps the logs of pods, which a kubelet removes with their pods: each gets a second name, in another folder of the same
 * file system.
 *
 * @param logs where a kubelet puts them: a folder for each pod, and in it one for each container
 * @returns keeps what is there now, and ends
 */
export async function keepPodLogs(logs: string, kept: string): Promise<() => Promise<void>> {
  await mkdir(logs, { recursive: true });
  await mkdir(kept, { recursive: true });
  const known = new Set<string>();
  const keep = async (): Promise<void> => {
    const found = globSync('*/*/*.log', { cwd: logs }).filter((path) => !known.has(path));
    for (const path of found) {
      // Namespace_name_uid and the container's name; the file is 0.log, or 1.log after a restart.
      const name = `${basename(dirname(dirname(path)))}_${basename(dirname(path))}_${basename(path)}`;
      // A log that is gone already was empty, or nearly.
      await link(join(logs, path), join(kept, name)).catch(() => undefined);
      known.add(path);
    }
  };
  let keeping = Promise.resolve();
  const timer = setInterval(() => {
    keeping = keeping.then(keep);
  }, EVERY_MS);
  return async () => {
    clearInterval(timer);
    await keeping;
    await keep();
  };
}
