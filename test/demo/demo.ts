import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { HEAT_STACKS } from '../../src/api/constants.ts';
import type { HeatStack } from '../../src/api/heat-stack.ts';
import { isKubeError, KubeClient, KubeTransport, loadKubeConfig } from '../../src/kube/index.ts';
import { connect, parseCloudsYaml } from '../../src/openstack/index.ts';
import { sweepAtEnd } from '../testbed/guard.ts';
import { startTestbed, type Testbed, type TestbedOptions } from '../testbed/index.ts';
import { findPython } from '../testbed/python.ts';
import { waitUntil } from '../testbed/wait-until.ts';
import { DemoError, Interrupted } from './errors.ts';
import { type Kubectl, kubectlFor, shortenDescription } from './kubectl.ts';
import { startOperator, tailOf } from './operator-process.ts';
import type { Screen } from './screen.ts';
import { describeChanges, drawTable, isReady, type Row, readyOf, toRows } from './stack-table.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CRD = 'crds/heatstack.dev_heatstacks.yaml';
const SAMPLES = ['deploy/samples/minimal.yaml', 'deploy/samples/full.yaml'];
const NAMESPACE = 'default';
const CLOUD = 'demo';
/** The update that is shown: the full sample has two servers. */
const PATCH = '{"spec":{"parameters":{"servers":3}}}';

const SERVED_MS = 30_000;
const READY_MS = 180_000;
const GONE_MS = 120_000;
const LOOK_EVERY_MS = 250;

/** What the parts of the demo work with. */
interface Stage {
  screen: Screen;
  signal: AbortSignal;
  bed: Testbed;
  kubectl: Kubectl;
  client: KubeClient;
  operatorLog: string;
}

export interface DemoOptions {
  screen: Screen;
  /** Delete the HeatStacks in the end, instead of leaving everything up. */
  exit: boolean;
  /** Ends the demo, whatever it is doing. */
  signal: AbortSignal;
  /** Called when a server or the operator ends although nobody stopped it. */
  onUnexpectedExit: (error: unknown) => void;
}

/**
 * Shows the operator at work. Nothing is left running when it returns or throws.
 *
 * @returns when all was deleted (`exit`), or when the signal came after all was shown
 * @throws DemoError, TestbedError; the signal's reason if it came before
 */
export async function runDemo({ screen, exit, signal, onUnexpectedExit }: DemoOptions): Promise<void> {
  const begin = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'heatstack-demo-'));
  const sweeper = sweepAtEnd((await findPython()).path, folder);
  const operatorLog = join(folder, 'operator.log');
  let finished = false;
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(async () => {
    const failed = signal.aborted ? !(signal.reason instanceof Interrupted) : !finished;
    // What is said of a failure names logs in there.
    if (failed) sweeper.keep();
    else await sweeper.sweep();
  });

  screen.line(screen.style('bold', 'heatstack-operator: OpenStack Heat stacks as Kubernetes objects'));
  screen.section('Start a Kubernetes API server, Keystone and Heat');
  const bed = await startBed(screen, { dir: join(folder, 'testbed'), signal, onUnexpectedExit });
  cleanup.defer(() => bed.stop());
  const transport = new KubeTransport(loadKubeConfig({ kubeconfig: bed.kubeconfig }), {
    userAgent: 'heatstack-demo/1',
  });
  cleanup.defer(() => transport.close());
  const stage: Stage = {
    screen,
    signal,
    bed,
    kubectl: kubectlFor(bed.kubectl, { kubeconfig: bed.kubeconfig, root: ROOT, signal }),
    client: new KubeClient(transport),
    operatorLog,
  };

  screen.section('Install the HeatStack API and start the operator');
  await showKubectl(stage, ['apply', '--server-side', '-f', CRD]);
  await served(stage);
  await showKubectl(stage, [
    'create',
    'secret',
    'generic',
    'openstack-clouds',
    `--from-file=clouds.yaml=${bed.clouds}`,
  ]);
  screen.command(
    'npm start -- --kubeconfig $KUBECONFIG --allowed-endpoints 127.0.0.1 --progress-interval 1s',
  );
  const { kubeconfig } = bed;
  const operator = await startOperator({
    root: ROOT,
    kubeconfig,
    logFile: operatorLog,
    signal,
    onUnexpectedExit,
  });
  cleanup.defer(() => operator.stop());
  screen.done(`process ${operator.pid}; its log: ${operatorLog}`);

  screen.section('Create two stacks');
  await showKubectl(stage, ['apply', ...SAMPLES.flatMap((file) => ['-f', file])]);
  const created = await watchUntilReady(stage, ['hello', 'web'], []);

  screen.section('Change a parameter: a third server');
  await showKubectl(stage, ['patch', 'hstack', 'web', '--type=merge', '-p', PATCH], `'${PATCH}'`);
  await watchUntilReady(
    stage,
    ['web'],
    created.filter(({ path }) => path.split('/')[0] === 'web'),
  );

  screen.section('What Kubernetes shows');
  await showKubectl(stage, ['get', 'hstack']);
  screen.line();
  await describe(stage);

  screen.section('What Heat shows to any other client');
  const shown = await stacksInHeat(stage);
  if (shown.length === 0) throw new DemoError(`Heat lists no stack in the project of cloud "${CLOUD}"`);
  for (const { name, id, status } of shown) screen.say(`${name.padEnd(8)}${id}  ${status}`);

  if (exit) {
    await deleteAll(stage, shown);
    finished = true;
    const seconds = ((performance.now() - begin) / 1000).toFixed(0);
    screen.line();
    screen.done(`All went well, in ${seconds} s.`);
    return;
  }
  screen.section('Your turn: everything runs until Ctrl-C');
  showWhatToTry(stage);
  finished = true;
  await aborted(signal);
}

/** Starts the test bed and shows what it does: on a terminal one line for each step, elsewhere line by line. */
async function startBed(
  screen: Screen,
  options: Pick<TestbedOptions, 'dir' | 'signal' | 'onUnexpectedExit'>,
): Promise<Testbed> {
  const begin = performance.now();
  const steps = new Map<string, string>();
  const live = screen.live();
  const draw = (spinner: string): string[] =>
    [...steps.values()].map((text) =>
      / done in \d+ s$/.test(text)
        ? `  ${screen.style('green', '✓')} ${text}`
        : `  ${screen.style('yellow', spinner)} ${text}`,
    );
  live.show(draw);
  try {
    const bed = await startTestbed({
      ...options,
      log: (line) => {
        // "TITLE …", then "TITLE: 5 s, what it is busy with", then "TITLE: done in 9 s"
        steps.set(line.replace(/ …$|: (\d+ s|done in ).*$/, ''), line);
        if (!screen.redraws) screen.say(line);
      },
    });
    live.end([]);
    screen.done(`ready in ${((performance.now() - begin) / 1000).toFixed(0)} s`);
    return bed;
  } finally {
    live.end();
  }
}

/** Shows a command and what it prints. `last` replaces the last argument as a shell needs it quoted. */
async function showKubectl({ screen, kubectl }: Stage, args: string[], last?: string): Promise<void> {
  screen.command(`kubectl ${(last === undefined ? args : [...args.slice(0, -1), last]).join(' ')}`);
  for (const line of (await kubectl(args)).split('\n')) screen.say(line);
}

/** Waits until the API server answers for HeatStacks, a moment after the definition is stored. */
async function served({ client, signal }: Stage): Promise<void> {
  const answers = async (): Promise<boolean> => {
    try {
      await client.list(HEAT_STACKS, { namespace: NAMESPACE, signal });
      return true;
    } catch (error) {
      if (isKubeError(error, 'NotFound')) return false;
      throw error;
    }
  };
  if (await waitUntil(answers, { timeoutMs: SERVED_MS, signal })) return;
  throw new DemoError(
    `the API server does not serve HeatStacks ${SERVED_MS / 1000} s after ${CRD} was applied: kubectl describe crd says why`,
  );
}

/**
 * Shows HeatStacks with all their resources, as they change, until all are Ready.
 *
 * @param before rows that were shown already
 * @returns the rows at the end
 */
async function watchUntilReady(
  stage: Stage,
  names: readonly string[],
  before: readonly Row[],
): Promise<readonly Row[]> {
  const { screen, client, signal, operatorLog } = stage;
  const begin = performance.now();
  const live = screen.live();
  let rows = before;
  const draw = (spinner: string): string[] =>
    drawTable(rows, spinner, (style, text) => screen.style(style, text)).map((line) => `  ${line}`);
  screen.line();
  try {
    for (;;) {
      const { items } = await client.list<HeatStack>(HEAT_STACKS, { namespace: NAMESPACE, signal });
      const stacks = items.filter(({ metadata }) => names.includes(metadata.name));
      const next = toRows(stacks);
      const elapsed = (performance.now() - begin) / 1000;
      if (!screen.redraws) {
        for (const line of describeChanges(rows, next))
          screen.say(`${elapsed.toFixed(1).padStart(5)} s  ${line}`);
      }
      rows = next;
      live.show(draw);
      if (stacks.length === names.length && stacks.every(isReady)) {
        live.end(draw(''));
        screen.line();
        screen.done(`${names.length > 1 ? 'all ' : ''}Ready after ${elapsed.toFixed(0)} s`);
        return rows;
      }
      const stalled = stacks.find(({ status }) => status.conditions?.some(({ type }) => type === 'Stalled'));
      if (stalled || elapsed * 1000 > READY_MS) {
        const stack = stalled ?? stacks.find((candidate) => !isReady(candidate));
        const message = (stack && readyOf(stack)?.message) ?? 'the operator has not looked at it';
        const what = stalled ? 'is stalled' : `is not Ready after ${READY_MS / 1000} s`;
        throw new DemoError(
          `HeatStack ${stack?.metadata.name ?? names.join(', ')} ${what}: ${message}. The operator's log (${operatorLog}) says more`,
          tailOf(operatorLog),
        );
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal });
    }
  } finally {
    live.end();
  }
}

async function describe({ screen, kubectl }: Stage): Promise<void> {
  screen.command('kubectl describe hstack web');
  const text = await kubectl(['describe', 'hstack', 'web']);
  for (const line of shortenDescription(text, (omitted) => screen.style('dim', omitted))) screen.say(line);
}

/** The stacks of the demo's project, as the OpenStack client of this repository sees them. */
async function stacksInHeat({ bed, signal }: Stage): Promise<{ name: string; id: string; status: string }[]> {
  const cloud = parseCloudsYaml(await readFile(bed.clouds, 'utf8'), { cloudName: CLOUD });
  const connection = await connect(cloud, { signal });
  try {
    const { orchestration } = connection;
    if (!orchestration) throw new DemoError(`the catalog of cloud "${CLOUD}" has no orchestration service`);
    return await Array.fromAsync(orchestration.stacks({ showHidden: true, signal }));
  } finally {
    await connection.close();
  }
}

async function deleteAll(stage: Stage, shown: readonly { name: string }[]): Promise<void> {
  const { screen, operatorLog } = stage;
  screen.section('Delete the HeatStacks, and their stacks with them');
  try {
    await showKubectl(stage, ['delete', 'hstack', '--all', `--timeout=${GONE_MS / 1000}s`]);
  } catch (error) {
    if (!(error instanceof DemoError)) throw error;
    throw new DemoError(
      `${error.message}. The operator's log (${operatorLog}) says why`,
      tailOf(operatorLog),
    );
  }
  const left = await stacksInHeat(stage);
  if (left.length > 0) {
    throw new DemoError(
      `the HeatStacks are gone, and Heat still has ${left.map(({ name, status }) => `${name} (${status})`).join(', ')}: the operator let go too early, its log (${operatorLog}) says why`,
      tailOf(operatorLog),
    );
  }
  screen.done(`Heat had ${shown.length} stacks and has none left`);
}

function showWhatToTry({ screen, bed, operatorLog }: Stage): void {
  const lines = [
    'In another terminal:',
    '',
    `export KUBECONFIG=${bed.kubeconfig}`,
    `export PATH="${dirname(bed.kubectl)}:$PATH"`,
    '',
    'kubectl get hstack -o wide --watch',
    'kubectl explain heatstack.spec',
    `kubectl patch hstack web --type=merge -p '{"spec":{"parameters":{"servers":1}}}'`,
    'kubectl wait --for=condition=Ready hstack/web',
    'kubectl delete hstack hello',
    '',
    `tail -f ${operatorLog}`,
    '',
    "With OpenStack's own client (pip install python-openstackclient python-heatclient):",
    '',
    `export OS_CLIENT_CONFIG_FILE=${bed.clouds} OS_CLOUD=${CLOUD}`,
    'openstack stack list',
    'openstack stack resource list --nested-depth 2 web',
  ];
  for (const line of lines) screen.say(line.endsWith(':') || line === '' ? line : `  ${line}`);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
