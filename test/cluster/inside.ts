// inside.ts FILE: all that happens in the cluster's own namespaces. FILE has what main.ts prepared.
import { type StdioOptions, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serveControl } from '../support/control.ts';
import type { BedInfo } from '../support/scenario.ts';
import { findSecrets } from '../support/secrets.ts';
import { messageOf } from '../testbed/errors.ts';
import { UNHANDLED_FILE } from '../unhandled.ts';
import { startCluster } from './cluster.ts';
import { setUpHost } from './host.ts';
import type { Preparation } from './preparation.ts';

/** What main.ts tells this program. */
export interface Run {
  preparation: Preparation;
  /** Folder of the cluster's state. */
  dir: string;
  /** Folder for what is worth keeping: logs, objects, reports. */
  artifacts: string;
  cgroup: string;
  /** Only files whose path contains one of these; all if there is none. */
  filters: string[];
  /** Run no scenarios; wait for a signal. */
  wait: boolean;
}

/** What the scenarios came to, in the folder of artifacts. */
export const REPORT = 'cluster.json';
/** How many errors no test handled. */
export const UNHANDLED = 'unhandled';
/** Where secrets were found that must not be there, a line each. */
export const SECRETS_FOUND = 'secrets-found.txt';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main({ preparation, dir, artifacts, cgroup, filters, wait }: Run): Promise<number> {
  const start = performance.now();
  await setUpHost(dir, cgroup);
  const failure = new AbortController();
  const cluster = await startCluster({
    ...{ preparation, dir, cgroup },
    podLogs: join(artifacts, 'pods'),
    log: (line) => say(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${line}`),
    onUnexpectedExit: (error) => failure.abort(error),
  });
  const control = await serveControl(cluster);
  const { kubeconfig, clouds, heatUrl, authUrl } = cluster;
  const { helm } = preparation;
  const { kubectl } = preparation.controlPlane;
  const bed: BedInfo & { artifacts: string } = {
    ...{ kubeconfig, clouds, kubectl, helm, heatUrl, authUrl, artifacts },
    control: control.url,
  };
  const file = join(artifacts, 'testbed.json');
  await writeFile(file, JSON.stringify(bed, null, 2));
  if (wait) {
    const pid = await outsidePid();
    say(`The cluster is ready; Ctrl-C stops it. A shell in it, from another terminal:
  nsenter --target ${pid} --mount --net --pid env HEATSTACK_TESTBED=${file} KUBECONFIG=${kubeconfig} bash
There: ${kubectl} get pods -A, or: npx vitest run --project cluster test/cluster/install`);
    await new Promise((resolve) => failure.signal.addEventListener('abort', resolve, { once: true }));
  } else {
    const report = join(artifacts, REPORT);
    const args = [
      'run',
      '--project',
      'cluster',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ];
    const env = { HEATSTACK_TESTBED: file, [UNHANDLED_FILE]: join(artifacts, UNHANDLED) };
    const ended = execute('vitest', [...args, '--reporter=./test/unhandled.ts', ...filters], env);
    const broken = new Promise<never>((_, reject) => {
      failure.signal.addEventListener('abort', () => reject(failure.signal.reason as Error), { once: true });
    });
    await Promise.race([ended, broken]);
    // Each scenario keeps its HeatStacks in the artifacts; what defines them is gone with the last.
    const secrets = await findSecrets(bed, 'events,configmaps');
    await writeFile(join(artifacts, SECRETS_FOUND), secrets.join('\n'));
  }
  failure.signal.throwIfAborted();
  return 0;
}

/** Process 1's id outside of these namespaces: the kernel tells it in the first line of its scheduling statistics. */
async function outsidePid(): Promise<string> {
  return (await readFile('/proc/1/sched', 'utf8')).match(/\((\d+),/)?.[1] ?? '?';
}

/** Runs a program to its end; its exit code. */
async function execute(command: string, args: string[], env: Record<string, string>): Promise<number> {
  const stdio: StdioOptions = ['ignore', 'inherit', 'inherit'];
  const child = spawn(command, args, { stdio, env: { ...process.env, ...env } });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

if (import.meta.main) {
  try {
    const run = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as Run;
    await mkdir(join(run.artifacts, 'pods'), { recursive: true });
    process.exit(await main(run));
  } catch (error) {
    process.stderr.write(`test:cluster: ${messageOf(error)}\n`);
    process.exit(1);
  }
}
