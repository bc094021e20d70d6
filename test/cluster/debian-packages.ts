import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cache } from '../testbed/cache.ts';
import { runTool } from '../testbed/tool.ts';

/** What helps when packages can't be fetched. */
export const APT_CURE = 'Debian 12 or Ubuntu with working package sources is needed: try apt-get update';

/** Unpacks packages of this machine's Debian or Ubuntu into a folder; installs nothing, and starts none of their services. */
export async function unpackPackages(
  { python, signal }: Cache,
  names: readonly string[],
  target: string,
): Promise<void> {
  const apt = join(target, 'apt');
  const packages = join(target, 'packages');
  for (const path of [join(apt, 'lists', 'partial'), join(apt, 'cache', 'archives', 'partial'), packages])
    await mkdir(path, { recursive: true });
  // Lists of its own: the machine's may be absent or old, and stay as they are.
  const options = [
    ...[`Dir::State::Lists=${join(apt, 'lists')}`, `Dir::Cache=${join(apt, 'cache')}`],
    ...['APT::Sandbox::User=root', 'Debug::NoLocking=1'],
  ].flatMap((option) => ['-o', option]);
  const common = { python, cwd: packages, logFile: `${target}.log`, cure: APT_CURE, signal };
  await runTool({ ...common, command: 'apt-get', args: ['-q', ...options, 'update'] });
  await runTool({ ...common, command: 'apt-get', args: ['-q', ...options, 'download', ...names] });
  for (const file of await readdir(packages))
    await runTool({ ...common, command: 'dpkg-deb', args: ['-x', file, target] });
  await rm(apt, { recursive: true });
  await rm(packages, { recursive: true });
}
