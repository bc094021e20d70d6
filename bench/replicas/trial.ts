import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HEAT_STACKS } from '../../src/api/constants.ts';
import type { KubeClient } from '../../src/kube/index.ts';
import { TestbedError } from '../../test/testbed/errors.ts';
import { waitUntil } from '../../test/testbed/wait-until.ts';
import { createNamespace, type HeatStackObject } from '../operator/fleet.ts';
import type { StandInHeat } from '../operator/heat.ts';
import type { Command } from '../operator/process.ts';
import { audit, type Found, foundOf } from './audit.ts';
import { Churn } from './churn.ts';
import { causeFaults } from './faults.ts';
import { Group } from './group.ts';
import { LeaseWatch } from './leases.ts';
import type { Options } from './options.ts';
import { seededRandom } from './random.ts';
import { Replica } from './replica.ts';
import type { TrialResult } from './results.ts';
import type { SetUp } from './set-ups.ts';
import { wrongWrites } from './tenures.ts';

/** All must be right so long after the last fault, in ms. */
export const SETTLE_MS = 60_000;
/** The first leaders may need so long, in ms. */
const START_MS = 60_000;
/** How often to look whether all is right, and to tell how it goes, in ms. */
const LOOK_MS = 2000;
const TELL_MS = 15_000;
/** Of the operators' own objects: Leases and the key of the digests. */
const OPERATOR_NAMESPACE = 'default';

export interface TrialOptions {
  options: Options;
  setUp: SetUp;
  client: KubeClient;
  heat: StandInHeat;
  python: string;
  /** Starts an operator without options of its own. */
  command: Command;
  /** Of the replicas' logs. */
  folder: string;
  /** A number for each replica that is started. */
  nextNumber(): number;
  signal: AbortSignal;
  log(line: string): void;
}

/** Runs one set-up with faults and changes, and looks what came of it. All that it starts has ended afterwards. */
export async function runTrial(trial: TrialOptions): Promise<TrialResult> {
  const ending = new AbortController();
  const signal = AbortSignal.any([trial.signal, ending.signal]);
  const groups: Group[] = [];
  try {
    const leases = await LeaseWatch.start(trial.client, OPERATOR_NAMESPACE, signal);
    return await Promise.race([
      runIn({ ...trial, signal }, leases, groups),
      leases.ended().then((): never => {
        throw trial.signal.reason ?? new TestbedError('the watch of the Leases ended');
      }),
    ]);
  } finally {
    ending.abort();
    await Promise.all(groups.map((group) => group.stop()));
  }
}

async function runIn(trial: TrialOptions, leases: LeaseWatch, groups: Group[]): Promise<TrialResult> {
  const { options, setUp, client, heat, python, folder, nextNumber, signal, log } = trial;
  const { stacks: size, durationMs, pauseMs, changes: rate, seed } = options;
  const namespace = `replicas-${setUp.name}`;
  await createNamespace(client, namespace, heat.cloudsYaml(), signal);
  const own = ['--leader-elect', 'true', '--namespace', namespace];
  for (const { lease, args } of setUp.shares) {
    const command = { ...trial.command, args: [...trial.command.args, ...own, ...args] };
    const start = (): Replica => {
      const number = nextNumber();
      return new Replica(python, command, number, join(folder, `replica-${number}.log`));
    };
    groups.push(new Group({ lease, start, random: seededRandom(seed + 2 + groups.length), signal }));
  }
  const isLed = (): boolean => setUp.shares.every(({ lease }) => leases.holderOf(lease) !== undefined);
  if (!(await waitUntil(isLed, { timeoutMs: START_MS, signal })))
    throw new TestbedError(`no replica leads; the logs are in ${folder}`);

  const labels = setUp.shares.map((share) => share.labels);
  const churn = new Churn({ client, namespace, labels, size, rate, random: seededRandom(seed), signal });
  log('begins');
  const until = Date.now() + durationMs;
  const telling = setInterval(() => {
    const { created, updated, deleted } = churn.counts;
    const running = groups.flatMap(({ members }) => members).filter(({ state }) => state === 'runs').length;
    const left = Math.max(0, until - Date.now()) / 1000;
    log(
      `${left.toFixed(0)} s left; ${created} created, ${updated} updated, ${deleted} deleted; ${running} replicas run`,
    );
  }, TELL_MS);
  const holderOf = (lease: string) => leases.holderOf(lease);
  // Numbers of its own, so that faults don't depend on how fast objects change.
  const faultOptions = { groups, holderOf, random: seededRandom(seed + 1), pauseMs, until, signal };
  const [faults] = await Promise.all([causeFaults(faultOptions), churn.run(until)]).finally(() =>
    clearInterval(telling),
  );

  const lastAt = Date.now();
  log('no more faults; looks whether all becomes right');
  let problems: string[] = [];
  do {
    await sleep(LOOK_MS, undefined, { signal });
    problems = audit(churn.wanted, await objectsIn(client, namespace, signal), await heat.stacks());
  } while (problems.length > 0 && Date.now() - lastAt < SETTLE_MS);
  const settledMs = Date.now() - lastAt;

  const replicas = groups.flatMap((group) => group.replicas);
  const byIdentity = new Map(replicas.map(({ identity, name }) => [identity, name]));
  const byAddress = new Map(replicas.map(({ address, name }) => [address, name]));
  const tenures = leases.tenures.map((tenure) => ({
    ...tenure,
    holder: byIdentity.get(tenure.holder) ?? tenure.holder,
  }));
  const writes = (await heat.writes()).map(({ at, method, route, name, status, remote }) => {
    const sender = byAddress.get(remote.slice(0, remote.lastIndexOf(':')));
    const what = `${method} ${route} of ${name} at ${at} by ${sender ?? remote}, answered ${status}`;
    return { at: Date.parse(at), sender, what };
  });
  return {
    title: setUp.title,
    stacks: size,
    counts: churn.counts,
    faults,
    tenures,
    writes: writes.length,
    ...wrongWrites(writes, tenures),
    settledMs: problems.length === 0 ? settledMs : undefined,
    problems,
    complaints: groups.flatMap(({ complaints }) => complaints),
  };
}

async function objectsIn(client: KubeClient, namespace: string, signal: AbortSignal): Promise<Found[]> {
  const { items } = await client.list<HeatStackObject>(HEAT_STACKS, { namespace, signal });
  return items.map(foundOf);
}
