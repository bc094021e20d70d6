import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { absentControllers, hierarchies, makeCgroup } from './cgroups.ts';

const run = promisify(execFile);
const PROGRAMS = ['unshare', 'mount', 'ip', 'apt-get', 'dpkg-deb'];

/** What this machine lacks to run a cluster, a phrase each; none when it can. */
export async function findMissing(): Promise<string[]> {
  if (process.platform !== 'linux') return ['Linux'];
  const absent = await absentPrograms();
  const missing = absent.length > 0 ? [`${absent.join(', ')} on PATH`] : [];
  // Without it, nothing else can be tried.
  if (process.getuid?.() !== 0) return ['root', ...missing];
  missing.push(...(await missingOfCgroups()));
  if (absent.length === 0 && !(await canIsolate())) {
    missing.push(
      'the right to make namespaces, overlay mounts and network interfaces (CAP_SYS_ADMIN, CAP_NET_ADMIN)',
    );
  }
  return missing;
}

async function absentPrograms(): Promise<string[]> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const found = await Promise.all(
    PROGRAMS.map((name) =>
      Promise.any(folders.map((folder) => access(join(folder, name), constants.X_OK))).then(
        () => true,
        () => false,
      ),
    ),
  );
  return PROGRAMS.filter((_, index) => !found[index]);
}

async function missingOfCgroups(): Promise<string[]> {
  const absent = await absentControllers();
  if (absent.length > 0) return [`the cgroup controllers ${absent.join(', ')}`];
  try {
    for (const hierarchy of await hierarchies()) {
      const trial = join(hierarchy, `heatstack-trial-${process.pid}`);
      await makeCgroup(trial).finally(() => rmdir(trial).catch(() => undefined));
    }
    return [];
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EBUSY'
      ? ["a cgroup of version 2 without processes as the container's root (test/cluster/README.md tells how)"]
      : ['the right to make cgroups'];
  }
}

/** Tries all that a cluster does to the machine, in namespaces that are gone afterwards. */
async function canIsolate(): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'heatstack-trial-'));
  try {
    const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((name) =>
      join(folder, name),
    );
    for (const path of [lower, upper, work, merged]) if (path !== undefined) await mkdir(path);
    const layers = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
    await isolated(['mount', '-t', 'overlay', '-o', layers, 'overlay', merged ?? '']);
    await isolated(['ip', 'link', 'add', 'trial', 'type', 'veth', 'peer', 'name', 'peer']);
    return true;
  } catch {
    return false;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function isolated(command: string[]): Promise<void> {
  const namespaces = ['--mount', '--propagation', 'private', '--net', '--pid', '--fork', '--mount-proc'];
  await run('unshare', [...namespaces, '--', ...command], { timeout: 20_000 });
}
