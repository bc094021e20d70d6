import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { COVERED } from './isolation.ts';
import { CLOUD_ADDRESS, NODE_ADDRESS } from './network.ts';

/** What a kubelet demands. The machine's own values stay: files with these are mounted over the settings' own. */
const SETTINGS = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
};

/**
 * Makes of the namespaces that this process runs in a machine that a node can run on.
 *
 * @param dir folder for files
 */
export async function setUpHost(dir: string): Promise<void> {
  await coverFolders();
  await coverSettings(join(dir, 'settings'));
  // A pod's mounts of volumes reach containers that run already; none reach the machine, whose namespace is another.
  await run('mount', '--make-rshared', '/');
  await setUpNetwork();
}

async function coverFolders(): Promise<void> {
  for (const path of COVERED) await run('mount', '-t', 'tmpfs', 'tmpfs', path);
}

async function coverSettings(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  for (const [name, value] of Object.entries(SETTINGS)) {
    const file = join(dir, name.replace('/', '.'));
    await writeFile(file, `${value}\n`);
    await run('mount', '--bind', file, join('/proc/sys', name));
  }
}

/** One interface with the addresses of node and cloud, and a route that leads nowhere: pods reach nothing else. */
async function setUpNetwork(): Promise<void> {
  await run('ip', 'link', 'set', 'lo', 'up');
  await run('ip', 'link', 'add', 'node', 'type', 'veth', 'peer', 'name', 'nowhere');
  for (const name of ['node', 'nowhere']) await run('ip', 'link', 'set', name, 'up');
  for (const address of [NODE_ADDRESS, CLOUD_ADDRESS])
    await run('ip', 'address', 'add', `${address}/24`, 'dev', 'node');
  // A kubelet, and Services, want a default route.
  await run('ip', 'route', 'add', 'default', 'via', NODE_ADDRESS.replace(/\d+$/, '254'), 'dev', 'node');
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
}

async function run(command: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(command, args);
}
