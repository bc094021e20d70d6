import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readFile, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PROGRAMS = ['unshare', 'mount', 'ip', 'apt-get', 'dpkg-deb'];
/** Of cgroup version 1: a node doesn't come up without them. */
const CONTROLLERS = ['cpu', 'memory', 'pids', 'freezer', 'devices'];

/** What this machine lacks to run a cluster, a phrase each; none when it can. */
export async function findMissing(): Promise<string[]> {
  if (process.platform !== 'linux') return ['Linux'];
  const absent = await absentPrograms();
  const missing = absent.length > 0 ? [`${absent.join(', ')} on PATH`] : [];
  // Without it, nothing else can be tried.
  if (process.getuid?.() !== 0) return ['root', ...missing];
  const hierarchies = cgroupHierarchies(await readFile('/proc/self/mountinfo', 'utf8'));
  const without = CONTROLLERS.filter(
    (name) => !hierarchies.some((path) => path.split(/[/,]/).includes(name)),
  );
  if (without.length > 0) missing.push(`cgroup version 1 with ${without.join(', ')}`);
  else if (!(await canMakeCgroup(hierarchies))) missing.push('the right to make cgroups');
  if (absent.length === 0 && !(await canIsolate())) {
    missing.push(
      'the right to make namespaces, overlay mounts and network interfaces (CAP_SYS_ADMIN, CAP_NET_ADMIN)',
    );
  }
  return missing;
}

/** Where cgroup hierarchies are mounted: those of version 1, and version 2's, where runc makes cgroups as well. */
export function cgroupHierarchies(mountinfo: string): string[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [mount = '', type = ''] = line.split(' - ');
    const path = mount.split(' ')[4];
    return /^cgroup2? /.test(type) && path !== undefined ? [path] : [];
  });
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

async function canMakeCgroup(hierarchies: readonly string[]): Promise<boolean> {
  try {
    for (const hierarchy of hierarchies) {
      const trial = join(hierarchy, `heatstack-trial-${process.pid}`);
      await mkdir(trial);
      await rmdir(trial);
    }
    return true;
  } catch {
    return false;
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
