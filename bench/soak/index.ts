import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { HEAT_STACKS } from '../../src/api/constants.ts';
import type { KubeClient } from '../../src/kube/index.ts';
import { TcpProxy } from '../../test/disruptive/watch-survival/proxy.ts';
import { TestbedError } from '../../test/testbed/errors.ts';
import { freePorts } from '../../test/testbed/ports.ts';
import { waitUntil } from '../../test/testbed/wait-until.ts';
import { startCluster } from '../operator/cluster.ts';
import { createNamespace, type HeatStackObject } from '../operator/fleet.ts';
import { StandInHeat } from '../operator/heat.ts';
import { OPERATORS } from '../operator/operators.ts';
import { type Command, OperatorProcess } from '../operator/process.ts';
import { auditNow, foundOf } from '../replicas/audit.ts';
import { seededRandom } from '../replicas/random.ts';
import { machine, writeJson } from '../report.ts';
import { inWorkplace } from '../workplace.ts';
import { credentialsOf, disturb } from './disturbances.ts';
import { type Options, parseOptions } from './options.ts';
import { brokenRules, report, type SoakResult } from './results.ts';
import { look, type Sample, sample } from './samples.ts';
import { Turnover } from './turnover.ts';

export { SOAK_USAGE } from './options.ts';

/** Each has a Secret, and a project, of its own. */
const NAMESPACES = ['soak-0', 'soak-1', 'soak-2', 'soak-3'];
const HEAT_WORK = '5s';
const TOKEN_LIFE = '2m';
/** Longest time for the first objects, for all to be right in the end, and for all to be gone, in ms. */
const PATIENCE_MS = 300_000;
const TELL_MS = 60_000;
/** Of the warm-up, when the first snapshot of the heap is taken. */
const WARM_SHARE = 0.2;
/** Node writes a snapshot of its heap when it gets this. */
const SNAPSHOT_SIGNAL = 'SIGPWR';

/**
 * `npm run bench -- soak`: has an operator work for long, and prints what it had in the beginning and in the end.
 *
 * @throws TestbedError when something grew, or wasn't right in the end; what is printed says what
 */
export async function runSoak(args: string[], signal: AbortSignal): Promise<void> {
  const options = parseOptions(args);
  await inWorkplace('soak', signal, async (workplace) => {
    const { cache, python, folder, log } = workplace;
    const cluster = await startCluster(cache, join(folder, 'kubernetes'));
    try {
      const { client } = cluster;
      const proxy = await TcpProxy.start(await portOf(cluster.kubeconfig));
      const heat = await StandInHeat.start(cache, { work: HEAT_WORK, tokenLife: TOKEN_LIFE, signal });
      try {
        for (const namespace of NAMESPACES)
          await createNamespace(client, namespace, credentialsOf(heat, namespace, 0), signal);
        const kubeconfig = await kubeconfigThrough(proxy, cluster.kubeconfig, folder);
        const ours = await OPERATORS.ours.prepare({ ...workplace, kubeconfig });
        const [port = 0] = await freePorts(1);
        const command = await withOptions(ours, port, options.snapshots);
        const operator = new OperatorProcess(python.path, command, join(folder, 'operator.log'));
        try {
          const metricsUrl = `http://127.0.0.1:${port}/metrics`;
          const result = await soak({ options, client, heat, proxy, operator, metricsUrl, log, signal });
          process.stdout.write(`${machine()}\n\n${report(result)}`);
          if (options.json !== undefined) await writeJson(options.json, { machine: machine(), ...result });
          if (brokenRules(result).length > 0) throw new TestbedError('rules were broken');
        } finally {
          await operator.stop();
        }
      } finally {
        await Promise.all([heat.stop(), proxy.stop()]);
      }
    } finally {
      await cluster.stop();
    }
  });
}

interface Soak {
  options: Options;
  client: KubeClient;
  heat: StandInHeat;
  proxy: TcpProxy;
  operator: OperatorProcess;
  metricsUrl: string;
  log(line: string): void;
  signal: AbortSignal;
}

async function soak(all: Soak): Promise<SoakResult> {
  const { options, client, heat, proxy, operator, metricsUrl, log, signal } = all;
  const { durationMs, stacks: size, changes: rate } = options;
  const namespaces = NAMESPACES;
  const turnover = new Turnover({ client, namespaces, size, rate, random: seededRandom(1), signal });
  const isUp = await waitUntil(() => look(operator, metricsUrl).then(...YES_OR_NO), {
    timeoutMs: PATIENCE_MS,
    signal,
  });
  if (!isUp) throw new TestbedError('the operator did not start');
  log(`making ${size} HeatStacks`);
  await turnover.begin();
  await right(all, turnover, false);

  log('begins');
  const until = Date.now() + durationMs;
  const over = new AbortController();
  const samples: Sample[] = [];
  const sampling = sample(
    operator,
    metricsUrl,
    samples,
    () => turnover.changes,
    AbortSignal.any([signal, over.signal]),
  );
  const telling = setInterval(() => log(progress(samples, until)), TELL_MS);
  const snapshot = setTimeout(() => takeSnapshot(all), durationMs * WARM_SHARE);
  let disturbances: Record<string, number>;
  try {
    [disturbances] = await Promise.race([
      Promise.all([disturb({ client, heat, proxy, namespaces, until, signal }), turnover.run(until)]),
      // It ends before the others only by an error.
      sampling.then((): Promise<never> => Promise.reject(signal.reason)),
    ]);
  } finally {
    clearInterval(telling);
    clearTimeout(snapshot);
    over.abort();
  }
  await sampling;
  takeSnapshot(all);

  log('no more changes; looks whether all becomes right');
  await turnover.heal();
  const problems = await right(all, turnover, true);
  const counts = { ...turnover.counts };
  log('deleting all');
  await turnover.end();
  const isGone = await waitUntil(async () => (await objects(client, signal)).length === 0, {
    timeoutMs: PATIENCE_MS,
    signal,
  });
  if (!isGone) problems.push('HeatStacks that were deleted are still there');
  // The last object's session is closed right after it.
  await waitUntil(async () => (await look(operator, metricsUrl)).sessions === 0, {
    timeoutMs: 10_000,
    signal,
  });
  const after = await look(operator, metricsUrl);
  return { durationMs, samples, counts, disturbances, problems, after };
}

const YES_OR_NO = [() => true, () => false] as const;

/** Waits until all is as it shall be. @returns what isn't; without `failing`, what Heat was to fail at is left out */
async function right(
  { client, heat, signal }: Soak,
  turnover: Turnover,
  failing: boolean,
): Promise<string[]> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const wanted = turnover.wanted;
    const left = new Set(wanted.flatMap(({ name, value }) => (value?.startsWith('fail') ? [name] : [])));
    const found = (await objects(client, signal)).map(foundOf);
    const problems = auditNow(wanted, found, await heat.stacks());
    const counted = problems.filter(
      (problem) => failing || !left.has(problem.slice(0, problem.indexOf(':'))),
    );
    if (counted.length === 0 || Date.now() > deadline) return counted;
    await sleep(2000, undefined, { signal });
  }
}

async function objects(client: KubeClient, signal: AbortSignal): Promise<HeatStackObject[]> {
  const { items } = await client.list<HeatStackObject>(HEAT_STACKS, { signal });
  return items;
}

function progress(samples: readonly Sample[], until: number): string {
  const { residentMiB = 0, heapMiB = 0, sockets = 0, reconciles = 0 } = samples.at(-1) ?? {};
  const left = Math.max(0, until - Date.now()) / 60_000;
  return `${left.toFixed(0)} min left; ${reconciles} reconciles, ${residentMiB.toFixed(0)} MiB, heap ${heapMiB.toFixed(0)} MiB, ${sockets} sockets`;
}

function takeSnapshot({ options, operator, log }: Soak): void {
  if (options.snapshots === undefined) return;
  log(`a snapshot of the heap goes to ${options.snapshots}`);
  operator.send(SNAPSHOT_SIGNAL);
}

async function withOptions(
  { command, args, env }: Command,
  port: number,
  snapshots: string | undefined,
): Promise<Command> {
  const own: string[] = [];
  if (snapshots !== undefined) {
    await mkdir(snapshots, { recursive: true });
    own.push(`--heapsnapshot-signal=${SNAPSHOT_SIGNAL}`, `--diagnostic-dir=${resolve(snapshots)}`);
  }
  const metrics = ['--metrics-address', `127.0.0.1:${port}`];
  return { command, args: [...own, ...args, ...metrics], ...(env && { env }) };
}

const kubeconfigSchema = v.looseObject({
  clusters: v.tuple([v.looseObject({ cluster: v.looseObject({ server: v.string() }) })]),
});

/** The port of the API server in a kubeconfig of the test bed. */
async function portOf(kubeconfig: string): Promise<number> {
  const { clusters } = v.parse(kubeconfigSchema, JSON.parse(await readFile(kubeconfig, 'utf8')));
  return Number(new URL(clusters[0].cluster.server).port);
}

/** A kubeconfig that leads to the same API server by way of a proxy. */
async function kubeconfigThrough(proxy: TcpProxy, kubeconfig: string, folder: string): Promise<string> {
  const content = v.parse(kubeconfigSchema, JSON.parse(await readFile(kubeconfig, 'utf8')));
  content.clusters[0].cluster.server = `https://127.0.0.1:${proxy.port}`;
  const file = join(folder, 'kubeconfig');
  await writeFile(file, JSON.stringify(content), { mode: 0o600 });
  return file;
}
