// `npm run test:cluster`: scenarios in a real cluster that runs pods. The last line counts them.
import { globSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { addTo, type Count } from '../second-run.ts';
import { cacheRoot } from '../testbed/cache.ts';
import { messageOf, TestbedError } from '../testbed/errors.ts';
import { sweepAtEnd } from '../testbed/guard.ts';
import { findPython } from '../testbed/python.ts';
import { OUTCOME, type Outcome, type Run } from './inside.ts';
import { runIsolated } from './isolation.ts';
import { findLeftovers, readMachineState } from './leftovers.ts';
import { prepare } from './preparation.ts';
import { findMissing } from './requirements.ts';

const USAGE = `npm run test:cluster: the image and the chart in a real cluster of one node, with a real Keystone and Heat

Usage: npm run test:cluster -- [options] [FILTER…]

  FILTER           run only test files whose path contains it
  --up             start the cluster, print how to look into it, and wait for Ctrl-C
  --artifacts DIR  keep logs and objects of the run there (default: a temporary folder, kept when a test failed)
  --help           print this

It needs Linux with apt (Debian, Ubuntu) and root; no Docker and no registry. Everything runs in namespaces and cgroups of
its own and is gone afterwards. The first run builds the programs (some 20 minutes on two cores); see
test/cluster/README.md.
`;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      up: { type: 'boolean', default: false },
      artifacts: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const missing = await findMissing();
  if (missing.length > 0) {
    throw new TestbedError(
      `this machine can't run a cluster, it lacks ${missing.join('; ')}. --help says what is needed`,
    );
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal));
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined); // its reader may be gone
  const artifacts = values.artifacts ?? (await mkdtemp(join(tmpdir(), 'heatstack-cluster-test-')));
  await mkdir(artifacts, { recursive: true });
  const count = await runCluster({ artifacts, filters: positionals, wait: values.up }, stop.signal);
  if (count.failed === 0 && values.artifacts === undefined)
    await rm(artifacts, { recursive: true, force: true });
  else say(`logs and objects of this run: ${artifacts}`);
  if (stop.signal.aborted) {
    say(`stopped by ${stop.signal.reason}`);
    return 130;
  }
  say(
    `${count.passed} passed, ${count.failed} failed${count.skipped > 0 ? `, ${count.skipped} skipped` : ''}`,
  );
  return count.failed === 0 && count.passed > 0 ? 0 : 1;
}

/** Runs the scenarios, and looks whether anything is left of the cluster. */
async function runCluster(
  options: Pick<Run, 'artifacts' | 'filters' | 'wait'>,
  signal: AbortSignal,
): Promise<Count> {
  const python = await findPython();
  const dir = await mkdtemp(join(tmpdir(), 'heatstack-cluster-'));
  const sweeper = sweepAtEnd(python.path, dir);
  const cgroup = `heatstack-cluster-${process.pid}`;
  const count: Count = { passed: 0, failed: 0, skipped: 0 };
  const record = (name: string, problems: readonly string[]): void => {
    if (problems.length === 0) count.passed += 1;
    else count.failed += 1;
    say(
      `${problems.length === 0 ? '✓' : '✗'} ${name}${problems.map((problem) => `\n    ${problem}`).join('')}`,
    );
  };
  try {
    const cache = { root: cacheRoot(), python: python.path, log: say, signal };
    const preparation = await prepare(cache, python, dir);
    const { sbin, libraries } = preparation.runtime;
    const nft = { program: join(sbin, 'nft'), libraries };
    const before = await readMachineState(nft);
    const file = join(dir, 'run.json');
    await writeFile(file, JSON.stringify({ ...options, preparation, dir, cgroup } satisfies Run));
    // So that `node` and the tools are those of node_modules, however this was started.
    process.env['PATH'] = `${join(ROOT, 'node_modules', '.bin')}${delimiter}${process.env['PATH'] ?? ''}`;
    const program = [process.execPath, fileURLToPath(new URL('./inside.ts', import.meta.url)), file];
    const code = await runIsolated(program, { python: python.path, cgroup, signal });
    if (!options.wait && !signal.aborted) {
      if (code !== 0) record('the cluster runs until its scenarios are over', [`it ended with ${code}`]);
      await readOutcome(options.artifacts, count, record);
    }
    await keepLogs(dir, options.artifacts);
    await sweeper.sweep();
    const leftovers = await findLeftovers(before, await readMachineState(nft), [dir, cgroup]);
    record('no process, mount, cgroup, network rule or folder is left of the cluster', leftovers);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await keepLogs(dir, options.artifacts);
    await sweeper.sweep();
  }
  return count;
}

/** Copies the logs of servers to the artifacts. */
async function keepLogs(dir: string, artifacts: string): Promise<void> {
  for (const name of globSync('{kubernetes,node,openstack}/*.log', { cwd: dir })) {
    const target = join(artifacts, 'logs', name);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(dir, name), target);
  }
}

/** Adds what the scenarios came to. */
async function readOutcome(
  artifacts: string,
  count: Count,
  record: (name: string, problems: readonly string[]) => void,
): Promise<void> {
  const text = await readFile(join(artifacts, OUTCOME), 'utf8').catch(() => undefined);
  if (text === undefined) {
    record('the scenarios ran', ['they left no report']);
    return;
  }
  const outcome = JSON.parse(text) as Outcome;
  addTo(count, outcome.count);
  outcome.secondRuns.forEach(say);
  record('no secret outside Secrets, in all logs, Events and objects', outcome.secrets);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`test:cluster: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
