// inside.ts FILE: all that happens in the cluster's own namespaces. FILE has what main.ts prepared.
import { type StdioOptions, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addTo, type Count, describeSecondRuns, recount } from '../second-run.ts';
import { serveControl } from '../support/control.ts';
import type { BedInfo } from '../support/scenario.ts';
import { findSecrets } from '../support/secrets.ts';
import { messageOf } from '../testbed/errors.ts';
import { runAgain, runVitest, type VitestProject } from '../vitest-run.ts';
import { startCluster } from './cluster.ts';
import { setUpHost } from './host.ts';
import { keepPodLogs } from './pod-logs.ts';
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

/** What the scenarios came to, as JSON in the folder of artifacts. */
export interface Outcome {
  count: Count;
  /** About files that ran twice, a line each. */
  secondRuns: string[];
  /** Where secrets are that must not be there. */
  secrets: string[];
}
export const OUTCOME = 'outcome.json';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(file: string): Promise<number> {
  const { preparation, dir, artifacts, cgroup, filters, wait } = JSON.parse(
    await readFile(file, 'utf8'),
  ) as Run;
  const start = performance.now();
  await setUpHost(dir);
  const podLogs = join(artifacts, 'pods', 'running');
  const endOfLogs = await keepPodLogs(podLogs, join(artifacts, 'pods', 'all'));
  const failure = new AbortController();
  const cluster = await startCluster({
    ...{ preparation, dir, cgroup, podLogs },
    log: (line) => say(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${line}`),
    onUnexpectedExit: (error) => failure.abort(error),
  });
  const control = await serveControl(cluster);
  const { kubeconfig, clouds, heatUrl, authUrl } = cluster;
  const { helm, prometheus } = preparation;
  const { kubectl } = preparation.controlPlane;
  const bed: BedInfo & { artifacts: string } = {
    ...{ kubeconfig, clouds, kubectl, helm, prometheus, heatUrl, authUrl, artifacts },
    control: control.url,
  };
  const bedFile = join(artifacts, 'testbed.json');
  await writeFile(bedFile, JSON.stringify(bed, null, 2));
  if (wait) {
    say(`The cluster is ready; Ctrl-C stops it. A shell in it, from another terminal:
  nsenter --target $(pgrep --newest --full '${dir}/[r]un.json') --mount --net --pid --wd env HEATSTACK_TESTBED=${bedFile} KUBECONFIG=${kubeconfig} bash
There: ${kubectl} get pods -A, or: npx vitest run --project cluster test/cluster/install`);
    await new Promise((resolve) => failure.signal.addEventListener('abort', resolve, { once: true }));
  } else {
    const broken = new Promise<never>((_, reject) => {
      failure.signal.addEventListener('abort', () => reject(failure.signal.reason as Error), { once: true });
    });
    const outcome = await Promise.race([runScenarios(bedFile, artifacts, filters), broken]);
    await endOfLogs();
    // Each scenario keeps its HeatStacks in the artifacts; what defines them is gone with the last.
    const secrets = await findSecrets(bed, 'events,configmaps');
    await writeFile(join(artifacts, OUTCOME), JSON.stringify({ ...outcome, secrets } satisfies Outcome));
  }
  failure.signal.throwIfAborted();
  return 0;
}

/** Runs the scenarios, and those files that failed once more. */
async function runScenarios(
  bedFile: string,
  artifacts: string,
  filters: readonly string[],
): Promise<Pick<Outcome, 'count' | 'secondRuns'>> {
  const scenarios: VitestProject = { project: 'cluster', bedFile, execute };
  const outcome = await runVitest(scenarios, filters, join(artifacts, 'cluster.json'));
  if (!outcome) return { count: { passed: 0, failed: 1, skipped: 0 }, secondRuns: [] };
  const failed = outcome.failedFiles.map((file) => ({ of: scenarios, file }));
  const again = await runAgain(failed, artifacts, say);
  for (const run of again) addTo(outcome.count, recount(run));
  return { count: outcome.count, secondRuns: describeSecondRuns(again) };
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
    process.exit(await main(process.argv[2] ?? ''));
  } catch (error) {
    process.stderr.write(`test:cluster: ${messageOf(error)}\n`);
    process.exit(1);
  }
}
