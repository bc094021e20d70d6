// `npm test`: checks, unit tests, and the scenarios on a real test bed. The last line counts them.
import { type StdioOptions, spawn } from 'node:child_process';
import { closeSync, globSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { gitopsPrograms } from './gitops/programs.ts';
import { checkHistories, type HistoryPrograms } from './kstatus/check.ts';
import { kstatusProgram } from './kstatus/kstatus.ts';
import {
  addTo,
  type Count,
  describeSecondRuns,
  type FailedFile,
  recount,
  type SecondRun,
} from './second-run.ts';
import { type ScenarioBed, startScenarioBed } from './support/bed.ts';
import { findSecrets } from './support/secrets.ts';
import { cacheRoot } from './testbed/cache.ts';
import { findPython } from './testbed/python.ts';
import { type Failed, MOST_AGAIN, runAgain, runVitest, type VitestProject } from './vitest-run.ts';

const USAGE = `npm test: checks, unit tests and the scenarios on a real API server, Keystone and Heat

Usage: npm test -- [options] [FILTER…]

  FILTER           run only test files whose path contains it
  --unit           no test bed: checks and unit tests only
  --bed            start the test bed for scenarios, print how to use it, and wait for Ctrl-C
  --no-second-run  fail at once; else, when at most 3 files of scenarios failed, those run once more, alone, and
                   count by that. What passed only then is named in the end; what failed twice is a failure
  --artifacts DIR  keep logs and objects of the run there (default: a temporary folder, kept when a test failed)
  --help           print this

The first run builds the test bed's servers (some minutes); see test/testbed/README.md.
`;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const count: Count = { passed: 0, failed: 0, skipped: 0 };
const ROOT = join(import.meta.dirname, '..');
/** What the comparison of clients came to. */
let compared: Count | undefined;
/** Aborted with the name of the signal that came. */
const stop = new AbortController();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      unit: { type: 'boolean', default: false },
      bed: { type: 'boolean', default: false },
      'no-second-run': { type: 'boolean', default: false },
      artifacts: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const artifacts = values.artifacts ?? (await mkdtemp(join(tmpdir(), 'heatstack-test-')));
  const beds: ScenarioBed[] = [];
  let starting: Promise<Prepared> | undefined;
  let secondRuns: SecondRun[] = [];
  // More than once: Ctrl-C reaches the whole process group, and then bootstrap.mjs passes it on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal));
  try {
    if (values.bed) {
      const bed = await startScenarioBed(artifacts, say, stop.signal);
      beds.push(bed);
      say(
        `The test bed is ready; Ctrl-C stops it. In another terminal:\n  HEATSTACK_TESTBED=${bed.file} npx vitest run --project e2e`,
      );
      stop.signal.throwIfAborted();
      await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }));
      return 0;
    }
    // A start of the beds waits more than it works, and the checks go on meanwhile.
    if (!values.unit) starting = prepare(positionals, artifacts, beds);
    // It is looked at below; until then a failure is nobody's.
    starting?.catch(() => undefined);
    if (positionals.length === 0) {
      await step('types', ['tsc', '-p', '.']);
      await step('format and lint', ['biome', 'check', '--error-on-warnings', '.']);
      await step('generated types are fresh', ['node', 'crds/generate-types.ts', '--check']);
      await step('the page of errors is fresh', ['node', 'docs/generate.ts', '--check']);
      await step("the chart's page and schema are fresh", ['node', 'deploy/helm/generate.ts', '--check']);
      await step("Argo CD's ConfigMap is fresh", ['node', 'deploy/argocd/generate.ts', '--check']);
    }
    await vitest('unit', positionals, artifacts);
    if (starting) {
      await vitest('gitops', positionals, artifacts);
      const { programs, bed, disrupted } = await starting;
      const survival = has(positionals, (file) => file.startsWith(WATCH_SURVIVAL));
      const all = positionals.length === 0;
      const failed: Failed[] = [];
      const scenarios = async (project: string, where: ScenarioBed | undefined, to?: Output) => {
        const files = await vitest(project, positionals, artifacts, where, to);
        const of = vitestProject(project, where, TO_TERMINAL);
        failed.push(...files.map((file) => ({ of, file })));
      };
      const aside: [string, Stage][] = [];
      if (disrupted) aside.push(['disruptive', (_, to) => scenarios('disruptive', disrupted, to)]);
      if (survival) aside.push(['watch-survival', (_, to) => scenarios('watch-survival', undefined, to)]);
      if (all) aside.push(['conformance', conformance]);
      const others = background(artifacts, aside);
      await scenarios('e2e', bed);
      await others.end();
      if (!values['no-second-run']) secondRuns = await runAgain(failed, artifacts, say);
      for (const run of secondRuns) add(recount(run));
      if (compared) {
        const isWell = compared.failed === 0 || values['no-second-run'];
        add(isWell ? compared : await compareAgain(compared, artifacts));
      }
      await judgeHistories(beds, programs, all);
      const secrets = await Promise.all(
        // All that is in the folder, and the objects of each cluster.
        beds.map(({ info }, index) => findSecrets(index === 0 ? { ...info, artifacts } : info)),
      );
      record('no secret outside Secrets, in all logs, Events and objects', [...new Set(secrets.flat())]);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    await starting?.catch(() => undefined);
    await Promise.all(beds.map((bed) => bed.stop()));
    if (count.failed === 0 && !secondRuns.length && values.artifacts === undefined)
      await rm(artifacts, { recursive: true, force: true });
    else if (!values.bed) say(`logs and objects of this run: ${artifacts}`);
  }
  if (stop.signal.aborted) {
    say(`stopped by ${stop.signal.reason}`);
    return 130;
  }
  describeSecondRuns(secondRuns).forEach(say);
  const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
  say(`${count.passed} passed, ${count.failed} failed${skipped}`);
  return count.failed === 0 && count.passed > 0 ? 0 : 1;
}

/** What scenarios run on. */
interface Prepared {
  programs: HistoryPrograms;
  bed: ScenarioBed;
  disrupted: ScenarioBed | undefined;
}

/** Makes the programs and starts the test beds; each is put into `beds` once it runs, for whoever stops them. */
async function prepare(filters: string[], artifacts: string, beds: ScenarioBed[]): Promise<Prepared> {
  const python = (await findPython()).path;
  const cache = { root: cacheRoot(), python, log: say, signal: stop.signal };
  const kstatus = await kstatusProgram(cache);
  const { argocd } = await gitopsPrograms(cache);
  const start = async (project: string) => {
    const bed = await startScenarioBed(join(artifacts, project), say, stop.signal);
    beds.push(bed);
    return bed;
  };
  const bed = await start('e2e');
  // The disruptive scenarios stop parts of a test bed, and mostly wait: they have one of their own, beside the others.
  const disrupts = has(filters, (file) => !file.startsWith(WATCH_SURVIVAL));
  return { programs: { kstatus, argocd }, bed, disrupted: disrupts ? await start('disruptive') : undefined };
}

function add(more: Count): void {
  addTo(count, more);
}

/** Runs a program of node_modules/.bin as one check. */
async function step(name: string, [command = '', ...args]: string[]): Promise<void> {
  const code = await execute(command, args);
  record(name, code === 0 ? [] : [`${command} ended with ${code}`]);
}

function record(name: string, problems: string[]): void {
  if (problems.length === 0) count.passed += 1;
  else count.failed += 1;
  say(
    problems.length === 0
      ? `✓ ${name}`
      : `✗ ${name}\n${problems.map((problem) => `    ${problem}`).join('\n')}`,
  );
}

/** The scenarios that need no test bed: they start API servers of their own. */
const WATCH_SURVIVAL = 'test/disruptive/watch-survival/';

/** Whether a run with these filters has such scenarios of those that disrupt. */
function has(filters: string[], isSuch: (file: string) => boolean): boolean {
  const files = globSync('test/disruptive/**/*.test.ts', { cwd: ROOT });
  const wanted = (file: string) => filters.length === 0 || filters.some((filter) => file.includes(filter));
  return files.some((file) => isSuch(file) && wanted(file));
}

/** Where a program's output goes. */
type Output = StdioOptions;
const TO_TERMINAL: Output = ['ignore', 'inherit', 'inherit'];

/** A project of vitest.config.ts, on a test bed if it needs one. */
function vitestProject(project: string, bed: ScenarioBed | undefined, output: Output): VitestProject {
  return {
    project,
    bedFile: bed?.file,
    execute: (command, args, env) => execute(command, args, env, output),
  };
}

/**
 * Runs a project of vitest.config.ts and adds what it counted.
 *
 * @returns the files in which something failed
 */
async function vitest(
  project: string,
  filters: string[],
  artifacts: string,
  bed?: ScenarioBed,
  output: Output = TO_TERMINAL,
): Promise<FailedFile[]> {
  if (output === TO_TERMINAL) say(`\n── ${project} ──`);
  const report = join(artifacts, `${project}.json`);
  const outcome = await runVitest(vitestProject(project, bed, output), filters, report);
  add(outcome?.count ?? { passed: 0, failed: 1, skipped: 0 });
  return outcome?.failedFiles ?? [];
}

/**
 * Has kstatus and the health check for Argo CD judge all versions of objects that the scenarios recorded; each history
 * counts as a test.
 *
 * @param all whether all scenarios ran
 */
async function judgeHistories(beds: ScenarioBed[], programs: HistoryPrograms, all: boolean): Promise<void> {
  say('\n── kstatus and Argo CD ──');
  const judged = await Promise.all(beds.map(({ info }) => checkHistories(info.artifacts, programs)));
  const histories = judged.flat();
  for (const { scenario, problems } of histories)
    if (problems.length > 0) record(`kstatus and Argo CD agree in ${scenario}`, problems);
  const good = histories.filter(({ problems }) => problems.length === 0);
  const sum = (what: 'versions' | 'objects') => good.reduce((total, each) => total + each[what], 0);
  count.passed += good.length;
  if (good.length > 0)
    say(`✓ kstatus and Argo CD agree in ${sum('versions')} versions of ${sum('objects')} objects`);
  if (all && sum('versions') === 0) record('kstatus and Argo CD agree', ['no scenario recorded a history']);
}

/** A stage that writes to a log what others print. */
type Stage = (log: string, output: Output) => Promise<void>;

/** Runs stages beside others; `end` waits for them, and only then shows what they printed. */
function background(
  artifacts: string,
  stages: readonly [name: string, stage: Stage][],
): { end(): Promise<void> } {
  const shown: string[] = [];
  const ended = Promise.all(
    stages.map(async ([name, stage]) => {
      const log = join(artifacts, `${name}.log`);
      const file = openSync(log, 'w');
      await stage(log, ['ignore', file, file]).finally(() => closeSync(file));
      shown.push(`\n── ${name} ──\n${(await readFile(log, 'utf8')).trimEnd()}`);
    }),
  );
  // It is looked at in `end`; until then a failure is nobody's.
  ended.catch(() => undefined);
  return {
    async end() {
      await ended.finally(() => shown.forEach((text) => void say(text)));
    },
  };
}

/** Compares the client with openstacksdk and the mock, on a Keystone and Heat of its own, and adds what it counted. */
async function conformance(log: string, output: Output): Promise<void> {
  compared = await compare(log, output);
}

async function compare(log: string, output: Output): Promise<Count> {
  const code = await execute('node', ['test/conformance/main.ts', '--quiet'], {}, output);
  const [, passed = 0, failed = 0] = /^(\d+) passed, (\d+) failed$/m.exec(await readFile(log, 'utf8')) ?? [];
  return { passed: Number(passed), failed: Math.max(Number(failed), code === 0 ? 0 : 1), skipped: 0 };
}

/** Compares the clients once more, alone, after a few differences: some show work that is over before a busy machine looks. */
async function compareAgain(first: Count, artifacts: string): Promise<Count> {
  if (first.failed > MOST_AGAIN) return first;
  say('\n── once more, alone: the comparison of clients ──');
  const log = join(artifacts, 'conformance-again.log');
  const file = openSync(log, 'w');
  try {
    const second = await compare(log, ['ignore', file, file]);
    say(
      second.failed === 0
        ? `⚠ the comparison of clients passed only when run again, alone; ${first.failed} failed the first time`
        : `✗ the comparison of clients failed twice:\n${await readFile(log, 'utf8')}`,
    );
    return second;
  } finally {
    closeSync(file);
  }
}

/**
 * Runs a program to its end; its exit code. A signal to this process goes to the program, and once that has ended, this
 * throws, so that no stage follows.
 */
async function execute(
  command: string,
  args: string[],
  env: Record<string, string> = {},
  stdio: StdioOptions = ['ignore', 'inherit', 'inherit'],
): Promise<number> {
  stop.signal.throwIfAborted();
  const code = await new Promise<number>((resolve, reject) => {
    // So that `node` and the tools are those of node_modules, however this was started.
    const PATH = `${join(ROOT, 'node_modules', '.bin')}${delimiter}${process.env['PATH'] ?? ''}`;
    const child = spawn(command, args, {
      stdio,
      env: { ...process.env, PATH, ...env },
    });
    const pass = () => void child.kill(stop.signal.reason);
    stop.signal.addEventListener('abort', pass, { once: true });
    child.once('error', reject);
    child.once('exit', (code) => {
      stop.signal.removeEventListener('abort', pass);
      resolve(code ?? 1);
    });
  });
  stop.signal.throwIfAborted();
  return code;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`test: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
