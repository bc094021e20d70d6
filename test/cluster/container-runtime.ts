import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cache, cached, fingerprint } from '../testbed/cache.ts';
import { step } from '../testbed/progress.ts';
import { runTool } from '../testbed/tool.ts';
import { APT_CURE, unpackPackages } from './debian-packages.ts';

/** containerd with runc, the CNI plug-ins, nft for kube-proxy, and those of its libraries that may not be there. */
const PACKAGES = [
  ...['containerd', 'runc', 'containernetworking-plugins', 'nftables'],
  ...['libnftables1', 'libnftnl11', 'libjansson4', 'libxtables12', 'libmnl0'],
];

/** What of a node isn't Kubernetes. */
export interface ContainerRuntime {
  /** Folder with containerd, its shim, ctr and runc. */
  bin: string;
  /** Folder with nft. */
  sbin: string;
  /** Folder with the CNI plug-ins. */
  cni: string;
  /** Folder with libraries of nft. */
  libraries: string;
}

/**
 * The container runtime that this machine's Debian or Ubuntu has. The packages are only unpacked, into the cache:
 * nothing is installed on the machine, and none of their services is started.
 */
export async function containerRuntime(cache: Cache): Promise<ContainerRuntime> {
  const release = await readFile('/etc/os-release');
  const name = `container-runtime-${fingerprint([...PACKAGES, process.arch, release])}`;
  const folder = await cached(cache, name, (target) =>
    step(cache.log, 'fetching containerd, runc and CNI plug-ins with apt', () => fetch(cache, target)),
  );
  return folders(folder);
}

async function folders(folder: string): Promise<ContainerRuntime> {
  const usr = join(folder, 'usr');
  const triplet = (await readdir(join(usr, 'lib'))).find((name) => name.endsWith('-linux-gnu')) ?? '';
  return {
    bin: join(usr, 'bin'),
    sbin: join(usr, 'sbin'),
    cni: join(usr, 'lib', 'cni'),
    libraries: join(usr, 'lib', triplet),
  };
}

async function fetch(cache: Cache, target: string): Promise<void> {
  await unpackPackages(cache, PACKAGES, target);
  const { python, signal } = cache;
  const common = { python, logFile: `${target}.log`, cure: APT_CURE, signal };
  const { bin, sbin, libraries } = await folders(target);
  const env = { LD_LIBRARY_PATH: libraries };
  for (const program of [join(bin, 'containerd'), join(bin, 'runc'), join(sbin, 'nft')])
    await runTool({ ...common, cwd: target, command: program, args: ['--version'], env });
}
