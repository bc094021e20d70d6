import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Where version 2's hierarchy is on a machine that uses it. A kubelet and runc look here for it, and nowhere else. */
const UNIFIED = '/sys/fs/cgroup';
/** A node doesn't come up without them. */
const NEEDED = ['cpu', 'memory', 'pids', 'freezer', 'devices'];
/** The same of version 2, which freezes and keeps from devices without controllers. */
const NEEDED_UNIFIED = ['cpu', 'memory', 'pids'];
/** What a kubelet wants in the cgroup that it is given, of those that the machine has; runc enables the rest. */
const USED_UNIFIED = ['cpu', 'cpuset', 'hugetlb', 'memory', 'pids'];

/**
 * Where cgroup hierarchies are mounted: the one of version 2, or those of version 1, and version 2's beside them, where
 * runc makes cgroups as well.
 */
export function hierarchiesIn(mountinfo: string): string[] {
  const paths = mountinfo.split('\n').flatMap((line) => {
    const [mount = '', type = ''] = line.split(' - ');
    const path = mount.split(' ')[4];
    return /^cgroup2? /.test(type) && path !== undefined ? [path] : [];
  });
  return paths.includes(UNIFIED) ? [UNIFIED] : paths;
}

/** Where this machine's cgroup hierarchies are. */
export async function hierarchies(): Promise<string[]> {
  return hierarchiesIn(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** The controllers that a node needs and this machine hasn't. */
export async function absentControllers(): Promise<string[]> {
  const paths = await hierarchies();
  const isUnified = paths.includes(UNIFIED);
  const present = isUnified ? await unifiedControllers() : paths.flatMap((path) => path.split(/[/,]/));
  return (isUnified ? NEEDED_UNIFIED : NEEDED).filter((name) => !present.includes(name));
}

/**
 * Makes a cgroup whose children can be limited.
 *
 * @param path a name, in one of the hierarchies
 * @throws EBUSY when version 2's root has processes in it and is not the machine's but a container's: the kernel wants
 *   them below it (Documentation/admin-guide/cgroup-v2.rst, "No Internal Process Constraint")
 */
export async function makeCgroup(path: string): Promise<void> {
  const root = dirname(path);
  if (root === UNIFIED) {
    const used = (await unifiedControllers()).filter((name) => USED_UNIFIED.includes(name));
    const enable = (folder: string): Promise<void> =>
      writeFile(join(folder, 'cgroup.subtree_control'), used.map((name) => `+${name}`).join(' '));
    await enable(root);
    await mkdir(path);
    // In use here, they can't be disabled above by a systemd that doesn't know of this cgroup.
    await enable(path);
    return;
  }
  await mkdir(path);
  if (!basename(root).split(',').includes('cpuset')) return;
  // A new cpuset has no processors and no memory, and takes no process until it does.
  for (const file of ['cpuset.cpus', 'cpuset.mems'])
    await writeFile(join(path, file), await readFile(join(root, file)));
}

async function unifiedControllers(): Promise<string[]> {
  return (await readFile(join(UNIFIED, 'cgroup.controllers'), 'utf8')).trim().split(' ');
}
