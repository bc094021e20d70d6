import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, inject } from 'vitest';
import { ANNOTATIONS, HEAT_STACKS, TAGS } from '../../src/api/constants.ts';
import type { Condition, HeatStack } from '../../src/api/heat-stack.ts';
import type { Json, JsonObject } from '../../src/json.ts';
import {
  CONFIG_MAPS,
  EVENTS,
  isKubeError,
  KubeClient,
  type KubeObject,
  KubeTransport,
  loadKubeConfig,
  NAMESPACES,
  type ResourceType,
  SECRETS,
} from '../../src/kube/index.ts';
import {
  type Connection,
  connect,
  type Orchestration,
  parseCloudsYaml,
  type Stack,
} from '../../src/openstack/index.ts';
import { HISTORY_FILE } from '../kstatus/history.ts';
import { HistoryRecorder } from '../kstatus/recorder.ts';
import { spawnGuarded } from '../testbed/guard.ts';
import { LogFile, type LogLine } from './log-file.ts';
import { bedRelease, type Release } from './release.ts';
import { applyObject, applyPatch, patchStatus } from './writes.ts';

export type { LogLine } from './log-file.ts';

const run = promisify(execFile);

/** What a running test bed says of itself, in the file that HEATSTACK_TESTBED names. */
export interface BedInfo {
  kubeconfig: string;
  clouds: string;
  kubectl: string;
  helm: string;
  /** In `npm test`. */
  promtool?: string;
  /** Folder with the Prometheus Operator's custom resource definitions, in `npm test`. */
  monitoringDefinitions?: string;
  /** In `npm run test:cluster`. */
  prometheus?: string;
  heatUrl: string;
  authUrl: string;
  /** Where to ask for restarts; see {@link disturb}. */
  control?: string;
  /** Folder that keeps the logs and objects of the run. */
  artifacts?: string;
}

/** The test bed that this run was started with. */
export function bed(): BedInfo {
  const file = process.env['HEATSTACK_TESTBED'];
  if (!file) {
    throw new Error(
      'HEATSTACK_TESTBED is not set. Use "npm test", or start "npm test -- --bed" and set it as that says',
    );
  }
  return JSON.parse(readFileSync(file, 'utf8')) as BedInfo;
}

/** Kills, stops, continues or starts a part of the test bed, or hides Heat from the catalog; resolves when done. */
export async function disturb(
  action:
    | `${'apiServer' | 'heat' | 'keystone'}/${'kill' | 'start'}`
    | 'orchestration/hide'
    | 'orchestration/show',
): Promise<void> {
  const { control } = bed();
  if (!control) throw new Error('this test bed has no control address');
  const answer = await fetch(`${control}/${action}`, { method: 'POST' });
  if (!answer.ok) throw new Error(`${action}: ${await answer.text()}`);
}

/** A HeatStack as a test writes it. */
export interface Manifest {
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: Record<string, unknown>;
}

/** An Event, as far as scenarios look at it. */
interface Event extends KubeObject {
  reason: string;
  note: string;
  type: string;
  eventTime: string;
  regarding: { name: string; kind: string };
}

/** A running operator. */
export interface Operator {
  readonly pid: number;
  /** All lines logged so far, of all operators of the scenario. */
  log(): LogLine[];
  /** What it ended with, once it has; `null` for a signal. */
  readonly exitCode: Promise<number | null>;
  /** Ends it as Kubernetes does; resolves when it is gone. */
  stop(): Promise<void>;
  /** Ends it at once. */
  kill(): Promise<void>;
}

const READY_MS = 60_000;
const POLL_MS = 100;
/** Heat takes tens of milliseconds of a core for an answer. */
const HEAT_POLL_MS = 400;
/** How long Events are waited for that a log speaks of. */
const EVENTS_MS = 10_000;
/** For a version that is missed while the watch begins anew. */
const CHANGE_MS = 1_000;

/** A template with one resource that needs no other service. */
export const RANDOM_STRING = `heat_template_version: 2018-08-31
resources:
  random:
    type: OS::Heat::RandomString
    properties:
      length: 8
outputs:
  value:
    value: { get_attr: [random, value] }
`;

/** A template whose create takes `seconds`; every update to another value takes as long. */
export function slowTemplate(seconds: number, value = 'one'): string {
  return `heat_template_version: 2018-08-31
resources:
  slow:
    type: OS::Heat::TestResource
    properties:
      value: ${value}
      action_wait_secs: { create: ${seconds}, update: ${seconds}, delete: 0 }
`;
}

/** A template whose one resource fails. */
export const FAILING = `heat_template_version: 2018-08-31
resources:
  broken:
    type: OS::Heat::TestResource
    properties:
      value: one
      fail: true
`;

/**
 * One scenario: a namespace of its own on the shared test bed, with credentials in the Secret `openstack-clouds`
 * (clouds admin, demo, demo2 and alice), and operators of the installed chart that work in this namespace only.
 */
export class Scenario {
  readonly name: string;
  readonly namespace: string;
  readonly bed: BedInfo;
  readonly kube: KubeClient;
  readonly #transport: KubeTransport;
  readonly #operators: Operator[] = [];
  readonly #connections = new Map<string, Promise<Connection>>();
  readonly #artifacts: string;
  readonly #log: LogFile;
  /** What was applied last, by name. */
  readonly #applied = new Map<string, Json>();
  #history: HistoryRecorder | undefined;

  constructor(name: string) {
    this.name = name;
    this.bed = bed();
    this.namespace = `${name}-${Math.random().toString(36).slice(2, 7)}`;
    this.#transport = new KubeTransport(loadKubeConfig({ kubeconfig: this.bed.kubeconfig }), {
      userAgent: 'heatstack-tests/1',
    });
    this.kube = new KubeClient(this.#transport);
    this.#artifacts = join(this.bed.artifacts ?? process.env['TMPDIR'] ?? '/tmp', this.namespace);
    mkdirSync(this.#artifacts, { recursive: true });
    this.#log = new LogFile(join(this.#artifacts, 'operator.log'));
  }

  /** Makes the namespace and the Secret, and records every version of the namespace's HeatStacks from now on. */
  async open(): Promise<void> {
    await this.createNamespace(this.namespace);
    this.#history = await HistoryRecorder.start(
      this.kube,
      this.namespace,
      join(this.#artifacts, HISTORY_FILE),
    );
    await this.writeSecret('openstack-clouds', { 'clouds.yaml': readFileSync(this.bed.clouds, 'utf8') });
  }

  /**
   * Stops the operators, keeps what they left for the search for secrets, and deletes the stacks.
   *
   * @throws Error when the history of the HeatStacks isn't complete
   */
  async close(): Promise<void> {
    await Promise.all(this.#operators.map((operator) => operator.kill()));
    await this.keepObjects().catch(() => undefined);
    const recorded = await this.#history?.stop().catch((error: unknown) => ({ error }));
    for (const cloudName of new Set(['demo', ...this.#connections.keys()]))
      await this.#deleteStacks(cloudName);
    await Promise.all([...this.#connections.values()].map(async (connection) => (await connection).close()));
    await this.#transport.close();
    if (recorded) throw recorded.error;
  }

  /** Deletes what a failed test left: stacks of the namespace's objects, and stacks named after the namespace. */
  async #deleteStacks(cloudName: string): Promise<void> {
    const heat = await this.heat(cloudName);
    // Other scenarios delete stacks meanwhile, and Heat may stumble over one that is half gone.
    const list = () => Array.fromAsync(heat.stacks({ showHidden: true }));
    for (const stack of await list().catch(list)) {
      const isOurs = stack.tags.some((tag) => tag.startsWith(`${TAGS.object}${this.namespace}/`));
      if (isOurs || stack.name.startsWith(this.namespace)) await heat.deleteStack(stack);
    }
  }

  /** Copies the namespace's objects and Events, but no Secret, to the artifacts. */
  async keepObjects(): Promise<void> {
    const { namespace } = this;
    const lists = [HEAT_STACKS, EVENTS, CONFIG_MAPS].map((type) => this.kube.list(type, { namespace }));
    const objects = (await Promise.all(lists)).flatMap(({ items }) => items);
    const lines = objects.map((object) => `${JSON.stringify(object)}\n`);
    writeFileSync(join(this.#artifacts, `objects-${Date.now()}.jsonl`), lines.join(''));
  }

  async createNamespace(name: string): Promise<void> {
    await this.kube.create(NAMESPACES, { metadata: { name } });
  }

  /** Runs kubectl in the scenario's namespace; its stdout. Throws with its stderr. */
  async kubectl(args: string[], options: { stdin?: string; namespaced?: boolean } = {}): Promise<string> {
    const where = options.namespaced === false ? [] : ['--namespace', this.namespace];
    const child = run(this.bed.kubectl, ['--kubeconfig', this.bed.kubeconfig, ...where, ...args], {
      maxBuffer: 64 * 1024 * 1024,
    });
    child.child.stdin?.end(options.stdin ?? '');
    return (await child).stdout;
  }

  /** A manifest of a HeatStack with the scenario's credentials. */
  manifest(
    name: string,
    spec: Record<string, unknown>,
    metadata: Partial<Manifest['metadata']> = {},
  ): Record<string, unknown> & Manifest {
    return {
      apiVersion: 'heatstack.dev/v1alpha1',
      kind: 'HeatStack',
      metadata: { name, ...metadata },
      spec: { cloudCredentialsRef: { secretName: 'openstack-clouds', cloudName: 'demo' }, ...spec },
    };
  }

  /**
   * Applies a HeatStack as `kubectl apply` does: what an earlier apply wrote and this one leaves out goes. (A
   * server-side apply that takes the last field out of an object makes it `null`.)
   */
  async apply(
    name: string,
    spec: Record<string, unknown>,
    metadata: Partial<Manifest['metadata']> = {},
  ): Promise<void> {
    await this.applyAll([this.manifest(name, spec, metadata)]);
  }

  /** {@link apply} of several, one after the other. */
  async applyAll(manifests: readonly Manifest[]): Promise<void> {
    for (const manifest of manifests) {
      const { namespace } = this;
      const { name } = manifest.metadata;
      const now = JSON.parse(JSON.stringify(manifest)) as Manifest & JsonObject;
      const created = await this.kube
        .create(HEAT_STACKS, { ...now, metadata: { ...now.metadata, namespace } })
        .catch((error: unknown) => {
          if (isKubeError(error, 'AlreadyExists')) return undefined;
          throw error;
        });
      if (!created)
        await this.kube.mergePatch(
          HEAT_STACKS,
          { namespace, name },
          applyPatch(this.#applied.get(name), now),
        );
      this.#applied.set(name, now);
    }
  }

  /** `kubectl apply` of manifests as they are written; it reads YAML as users' manifests are read. */
  async applyText(manifests: string, args: string[] = []): Promise<string> {
    return this.kubectl(['apply', ...args, '-f', '-'], { stdin: manifests });
  }

  /** JSON merge patch on a HeatStack; `subresource` for its status. */
  async patch(name: string, patch: unknown, subresource?: 'status'): Promise<void> {
    const ref = { namespace: this.namespace, name };
    if (subresource) {
      await this.#secondOver(name);
      this.#history?.wroteByHand(await patchStatus(this.#transport, HEAT_STACKS, ref, patch));
    } else await this.kube.mergePatch(HEAT_STACKS, ref, patch);
  }

  /**
   * Waits for the end of the second in which an object was written last. Managed fields have whole seconds, and an
   * operator that wasn't there can't tell who was the last in one.
   */
  async #secondOver(name: string): Promise<void> {
    const { managedFields = [] } = (await this.get(name))?.metadata ?? {};
    const end = Math.max(0, ...managedFields.map(({ time = '' }) => Date.parse(time) || 0)) + 1000;
    await eventually(
      () => Date.now() >= end,
      () => `the second before ${new Date(end).toISOString()} is not over`,
    );
  }

  /** Asks for a reconcile, and waits until the operator has dealt with the object as it is now. */
  async ask(name: string): Promise<HeatStack> {
    const token = randomUUID();
    await this.patch(name, { metadata: { annotations: { [ANNOTATIONS.requestedAt]: token } } });
    return this.until(name, 'looked at', ({ status }) => status.lastHandledReconcileAt === token);
  }

  /** Deletes a HeatStack; doesn't wait for it to go. */
  async delete(name: string): Promise<void> {
    await this.kube.delete(HEAT_STACKS, { namespace: this.namespace, name });
  }

  async writeSecret(name: string, data: Record<string, string>): Promise<void> {
    const secret = { metadata: { name }, stringData: data };
    await applyObject(this.#transport, SECRETS, this.namespace, secret);
  }

  async writeConfigMap(name: string, data: Record<string, string>): Promise<void> {
    await applyObject(this.#transport, CONFIG_MAPS, this.namespace, { metadata: { name }, data });
  }

  async get(name: string): Promise<HeatStack | undefined> {
    return this.kube.get<HeatStack>(HEAT_STACKS, { namespace: this.namespace, name });
  }

  /** Waits until an object is as asked for; throws with what it looked like last. */
  async until(
    name: string,
    what: string,
    holds: (object: HeatStack) => boolean,
    timeoutMs: number = READY_MS,
  ): Promise<HeatStack> {
    let last: HeatStack | undefined;
    await eventually(
      async () => {
        last = await this.get(name);
        return last !== undefined && holds(last);
      },
      () => `${name} is not ${what}: ${JSON.stringify({ ...last?.status, resources: undefined }, null, 1)}`,
      timeoutMs,
      () => this.#change(),
    );
    if (!last) throw new Error(`${name} is gone`);
    return last;
  }

  /** Waits until the operator has looked at the newest generation and the object is Ready. */
  async ready(name: string, timeoutMs: number = READY_MS): Promise<HeatStack> {
    return this.until(
      name,
      'Ready',
      (object) => isCurrent(object) && condition(object, 'Ready')?.status === 'True',
      timeoutMs,
    );
  }

  /** Waits until the object is not Ready for this reason. */
  async notReady(name: string, reason: string, timeoutMs: number = READY_MS): Promise<HeatStack> {
    return this.until(
      name,
      `not Ready with ${reason}`,
      (object) => {
        const ready = condition(object, 'Ready');
        return isCurrent(object) && ready?.status !== 'True' && ready?.reason === reason;
      },
      timeoutMs,
    );
  }

  /** Waits until an operator has dealt with the object after the first `since` lines of its log. */
  async reconciled(operator: Operator, name: string, since: number): Promise<void> {
    const key = `${this.namespace}/${name}`;
    await eventually(
      () =>
        operator
          .log()
          .slice(since)
          .some(({ msg, key: of }) => of === key && (msg === 'reconciled' || msg === 'resumed')),
      () => `the operator did not deal with ${name}`,
    );
  }

  /** Waits until the object is gone. */
  async gone(name: string, timeoutMs: number = READY_MS): Promise<void> {
    await eventually(
      async () => (await this.get(name)) === undefined,
      () => `${name} is still there`,
      timeoutMs,
      () => this.#change(),
    );
  }

  /** The next change of a HeatStack in the namespace. */
  async #change(): Promise<void> {
    await Promise.race([this.#history?.change, sleep(CHANGE_MS)].filter((each) => each !== undefined));
  }

  /**
   * Events about an object, oldest first. They are written behind the reconcile that tells them, so this waits until
   * all are there that the operators' log speaks of; what a killed operator didn't write is not waited for long.
   */
  async events(name: string): Promise<{ reason: string; note: string; type: string }[]> {
    for (const end = Date.now() + EVENTS_MS; ; await sleep(POLL_MS)) {
      const logged = this.#loggedEvents(name);
      const { items } = await this.kube.list<Event>(EVENTS, { namespace: this.namespace });
      const events = items
        .filter(({ regarding }) => regarding.kind === 'HeatStack' && regarding.name === name)
        .sort((a, b) => (a.eventTime < b.eventTime ? -1 : 1))
        .map(({ reason, note, type }) => ({ reason, note, type }));
      const isThere = (wanted: unknown) => events.some(({ reason }) => reason === wanted);
      if (logged?.every(isThere) || Date.now() > end) return events;
    }
  }

  /** Reasons of Events that the log has for an object; `undefined` while a reconcile may add some. */
  #loggedEvents(name: string): unknown[] | undefined {
    const key = `${this.namespace}/${name}`;
    const lines = this.#log.lines().filter((line) => line.key === key);
    const isEnd = ({ msg }: LogLine) => msg.startsWith('reconcile');
    const last = lines.at(-1);
    // Where the level keeps the ends out of the log, there are none to wait for.
    if (last && !isEnd(last) && lines.some(isEnd)) return undefined;
    return lines.map(({ event }) => event).filter((event) => event !== undefined);
  }

  /** Heat, as somebody else's client sees it. */
  async heat(cloudName = 'demo'): Promise<Orchestration> {
    let connection = this.#connections.get(cloudName);
    if (!connection) {
      connection = connect(parseCloudsYaml(readFileSync(this.bed.clouds, 'utf8'), { cloudName }));
      this.#connections.set(cloudName, connection);
    }
    const { orchestration } = await connection;
    if (!orchestration) throw new Error(`cloud ${cloudName} has no Heat`);
    return orchestration;
  }

  /** Live stacks with this name in a cloud. */
  async stacksNamed(
    name: string,
    cloudName = 'demo',
  ): Promise<{ id: string; status: string; tags: string[] }[]> {
    const heat = await this.heat(cloudName);
    const stacks = await Array.fromAsync(heat.stacks({ name, showHidden: true }));
    return stacks
      .filter(({ status }) => status !== 'DELETE_COMPLETE')
      .map(({ id, status, tags }) => ({ id, status, tags }));
  }

  /** A stack by its id, nested ones too; `undefined` once it is deleted. */
  async stack(id: string, cloudName = 'demo'): Promise<Stack | undefined> {
    return (await this.heat(cloudName)).findStack(id, { resolveOutputs: false });
  }

  /** Waits until Heat has deleted a stack. */
  async stackGone(id: string, cloudName = 'demo'): Promise<void> {
    await eventually(
      async () => (await this.stack(id, cloudName)) === undefined,
      () => `stack ${id} is still in Heat`,
      READY_MS,
      () => sleep(HEAT_POLL_MS),
    );
  }

  /** Waits until Heat has nothing to do with a stack; throws when it ended otherwise than COMPLETE. */
  async stackComplete(id: string, cloudName = 'demo'): Promise<Stack> {
    let stack: Stack | undefined;
    await eventually(
      async () => {
        stack = await this.stack(id, cloudName);
        return !stack?.status.endsWith('_IN_PROGRESS');
      },
      () => `stack ${id} is ${stack?.status}`,
      READY_MS,
      () => sleep(HEAT_POLL_MS),
    );
    if (!stack?.status.endsWith('_COMPLETE')) throw new Error(`stack ${id} is ${stack?.status}`);
    return stack;
  }

  /** Makes a stack as somebody else's client does, without tags; resolves when it is complete. */
  async foreignStack(name: string, template: string = RANDOM_STRING, cloudName = 'demo'): Promise<Stack> {
    const { id } = await (await this.heat(cloudName)).createStack({ name, template });
    return this.stackComplete(id, cloudName);
  }

  /**
   * Starts an operator for this namespace, as the Deployment of a release would start it and with a token of its
   * ServiceAccount; resolves when its caches are filled.
   *
   * @param args besides those of the Deployment; they win
   * @param release default: the test bed's
   * @param how.root folder of another version of the repository to run from its sources
   * @param how.nodeArgs options of Node
   * @param how.env on top of the Deployment's variables
   */
  async startOperator(
    args: string[] = [],
    release: Release = bedRelease(this.bed),
    { root, nodeArgs = [], env = {} }: { root?: string; nodeArgs?: string[]; env?: NodeJS.ProcessEnv } = {},
  ): Promise<Operator> {
    const released = await release.operator();
    // Beside the administrator's, where nobody else may read and which goes with the test bed.
    const kubeconfig = await release.writeKubeconfig(
      mkdtempSync(join(dirname(this.bed.kubeconfig), 'operator-')),
    );
    const file = join(this.#artifacts, 'operator.log');
    const output = openSync(file, 'a');
    const before = this.#log.lines().length;
    // Guarded, so that no operator outlives a test run that is stopped.
    const child = spawnGuarded(
      inject('python'),
      process.execPath,
      [
        ...nodeArgs,
        root === undefined ? inject('operator') : 'src/main.ts',
        ...['--kubeconfig', kubeconfig, ...released.args, '--namespace', this.namespace],
        // Many run on one machine, each would listen on the same ports.
        ...['--health-address=', '--metrics-address='],
        ...['--log-level', 'trace', '--log-format', 'json', ...args],
      ],
      {
        cwd: root ?? '.',
        stdio: ['ignore', output, output],
        env: { ...process.env, ...released.env, NODE_COMPILE_CACHE: inject('compileCache'), ...env },
      },
    );
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    let ended = false;
    void exited.then(() => {
      ended = true;
    });
    const end = async (signal: NodeJS.Signals) => {
      child.kill(signal);
      await exited;
    };
    const operator: Operator = {
      pid: child.pid ?? 0,
      exitCode: exited,
      log: () => this.#log.lines(),
      stop: () => end('SIGTERM'),
      kill: () => end('SIGKILL'),
    };
    this.#operators.push(operator);
    await eventually(
      async () => {
        if (ended) throw new Error(`the operator ended: ${readFileSync(file, 'utf8').slice(-2000)}`);
        return this.#log
          .lines()
          .slice(before)
          .some(({ msg }) => msg === 'started');
      },
      () => `the operator did not start: ${readFileSync(file, 'utf8').slice(-2000)}`,
      READY_MS,
    );
    return operator;
  }
}

/** A scenario with its namespace, opened before the tests of a file and closed after them. */
export function scenario(name: string): Scenario {
  const it = new Scenario(name);
  beforeAll(() => it.open(), 60_000);
  afterAll(() => it.close(), 60_000);
  return it;
}

/**
 * Waits until a condition holds; throws with the description when it doesn't in time.
 *
 * @param next resolves when it is worth another look; called before each look, so that nothing is missed
 */
export async function eventually(
  holds: () => Promise<boolean> | boolean,
  describe: () => string,
  timeoutMs: number = READY_MS,
  next: () => Promise<unknown> = () => sleep(POLL_MS),
): Promise<void> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const again = next();
    if (await holds()) return;
    if (Date.now() > end) throw new Error(`waited ${timeoutMs / 1000} s: ${describe()}`);
    await again;
  }
}

/** Whether the operator has looked at the newest generation. */
export function isCurrent(object: HeatStack): boolean {
  return object.status.observedGeneration === object.metadata.generation;
}

/** A condition of an object. */
export function condition(object: HeatStack, type: string): Condition | undefined {
  return object.status.conditions?.find((candidate) => candidate.type === type);
}

/** Which of Reconciling and Stalled an object has: exactly one while Ready is False, as kstatus wants it. */
export function underway(object: HeatStack): string[] {
  return ['Reconciling', 'Stalled'].filter((type) => condition(object, type)?.status === 'True');
}

/** Requests to Heat in a log, without the shared list of what is in progress. */
export function heatRequests(log: readonly LogLine[]): LogLine[] {
  return log.filter(({ msg, service }) => msg === 'cloud request' && service === 'orchestration');
}

/** Requests to Heat in a log that change something, as `PUT /stacks/{name}/{id} 202`. */
export function heatWrites(log: readonly LogLine[]): string[] {
  return heatRequests(log)
    .filter(({ method }) => method !== 'GET')
    .map(({ method, route, status }) => `${method} ${route} ${status}`);
}

/** Reads any object. */
export async function read<T extends KubeObject>(
  it: Scenario,
  type: ResourceType,
  name: string,
): Promise<T | undefined> {
  return it.kube.get<T>(type, { namespace: it.namespace, name });
}
