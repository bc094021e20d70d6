import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnGuarded } from '../testbed/guard.ts';
import { hierarchies, makeCgroup } from './cgroups.ts';

const script = (name: string): string => fileURLToPath(new URL(`./${name}`, import.meta.url));
/** Where a node wants folders of its own, whatever it is told. Each is covered by an empty one that only it sees. */
export const COVERED = ['/run', '/var/lib/kubelet', '/var/lib/cni', '/var/log/containers'];

export interface Isolation {
  python: string;
  /** Name of the cgroups that pods run in. */
  cgroup: string;
  /** Kills everything. */
  signal: AbortSignal;
}

/**
 * Runs a program to its end in mount, network and process namespaces of its own. With the last process of these, and that
 * is the program, the kernel takes away all that was started, mounted and configured in them; cgroups and empty folders
 * on the machine are removed after that. Both happen however this process ends.
 *
 * @returns the program's exit code; 137 when it was killed
 */
export async function runIsolated(
  command: readonly string[],
  { python, cgroup, signal }: Isolation,
): Promise<number> {
  const cgroups = (await hierarchies()).map((path) => join(path, cgroup));
  const folders = COVERED.filter((path) => !existsSync(path));
  const remover = spawn(python, ['-I', '-S', script('remove_directories.py'), ...cgroups, ...folders], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const removed = new Promise<void>((resolve) => remover.once('exit', () => resolve()));
  try {
    for (const path of cgroups) await makeCgroup(path);
    for (const path of folders) await mkdir(path);
    const namespaces = ['--mount', '--propagation', 'private', '--net', '--pid', '--mount-proc'];
    const init = [python, '-I', '-S', script('init.py')];
    const child = spawnGuarded(
      python,
      'unshare',
      [...namespaces, '--fork', '--kill-child', '--', ...init, ...command],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
    const kill = () => void child.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    if (signal.aborted) kill();
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (status) => resolve(status ?? 137));
    });
    signal.removeEventListener('abort', kill);
    return code;
  } finally {
    remover.stdin.end();
    await removed;
  }
}
