import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hierarchies } from './cgroups.ts';
import { COVERED } from './isolation.ts';

/** What of the machine a cluster could leave changed. */
export interface MachineState {
  interfaces: string[];
  /** Rules of nftables, as text. */
  rules: string;
  /** Kernel settings that a kubelet wants to change, and that packets are forwarded by. */
  settings: Record<string, string>;
  folders: string[];
}

const SETTINGS = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'net/ipv4/ip_forward',
];
const FOLDERS = [
  ...COVERED,
  '/var/log/pods',
  '/var/lib/containerd',
  '/opt/containerd',
  '/etc/cni',
  '/etc/containerd',
];

/** @param nft path of the program, and where its libraries are */
export async function readMachineState(nft: { program: string; libraries: string }): Promise<MachineState> {
  const settings = SETTINGS.map(async (name) => [name, await readFile(join('/proc/sys', name), 'utf8')]);
  const env = { ...process.env, LD_LIBRARY_PATH: nft.libraries };
  return {
    interfaces: await readdir('/sys/class/net'),
    rules: (await promisify(execFile)(nft.program, ['list', 'ruleset'], { env })).stdout,
    settings: Object.fromEntries(await Promise.all(settings)) as Record<string, string>,
    folders: FOLDERS.filter((path) => existsSync(path)),
  };
}

/**
 * What a cluster left on the machine, a line each.
 *
 * @param marks texts that only its processes, mounts and cgroups have in them: its state's folder, its cgroup's name
 */
export async function findLeftovers(
  before: MachineState,
  after: MachineState,
  marks: readonly string[],
): Promise<string[]> {
  const isOurs = (text: string): boolean => marks.some((mark) => text.includes(mark));
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').filter(isOurs);
  const cgroups = (await Promise.all((await hierarchies()).map(listFolder))).flat().filter(isOurs);
  return [
    ...(await processes()).filter(isOurs).map((text) => `process ${text.slice(0, 200)}`),
    ...mounts.map((text) => `mount ${text}`),
    ...cgroups.map((path) => `cgroup ${path}`),
    ...added(before.interfaces, after.interfaces).map((name) => `network interface ${name}`),
    ...added(before.rules.split('\n'), after.rules.split('\n')).map((rule) => `network rule ${rule.trim()}`),
    ...added(before.folders, after.folders).map((path) => `folder ${path}`),
    ...Object.entries(after.settings)
      .filter(([name, value]) => value !== before.settings[name])
      .map(([name]) => `changed setting ${name}`),
  ];
}

function added(before: readonly string[], after: readonly string[]): string[] {
  return after.filter((each) => !before.includes(each));
}

async function listFolder(folder: string): Promise<string[]> {
  return (await readdir(folder)).map((name) => join(folder, name));
}

/** Each process' id, command line and cgroups; not this one's, which knows the marks. */
async function processes(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return Promise.all(
    pids.map(async (pid) => {
      const [command, cgroups] = await Promise.all(
        ['cmdline', 'cgroup'].map((file) => readFile(join('/proc', pid, file), 'utf8').catch(() => '')),
      );
      return `${pid} ${command?.replaceAll('\0', ' ')} ${cgroups}`;
    }),
  );
}
