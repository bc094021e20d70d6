import { setTimeout as sleep } from 'node:timers/promises';
import { type Group, USUAL_SIZE } from './group.ts';
import { oneOf } from './random.ts';
import type { Replica } from './replica.ts';
import type { Fault, FaultKind } from './tenures.ts';

/** From one fault to the next that befalls the same group, on average, in ms. */
const INTERVAL_MS = 15_000;
/** A group never has more replicas. */
const MOST = 3;
/** How likely a leader is chosen, against one that isn't. */
const LEADER_WEIGHT = 3;

const WEIGHTS = { kill: 4, end: 4, pause: 2, add: 1, remove: 1 } as const satisfies Partial<
  Record<FaultKind, number>
>;
/** What may be chosen; the end of a pause comes by itself. */
export type ChosenKind = keyof typeof WEIGHTS;

/** A replica as a choice sees it. */
export interface Candidate {
  runs: boolean;
  leads: boolean;
}

/**
 * Chooses what to do to one of a group's replicas; `undefined` when there is none that runs. One is paused only if
 * another one can take over.
 *
 * @param mayPause whether there is time enough left
 */
export function chooseFault<T extends Candidate>(
  random: () => number,
  members: readonly T[],
  mayPause: boolean,
): { kind: ChosenKind; target: T } | undefined {
  const running = members.filter(({ runs }) => runs);
  const target = oneOf(random, running, ({ leads }) => (leads ? LEADER_WEIGHT : 1));
  const kinds = (Object.keys(WEIGHTS) as ChosenKind[]).filter((kind) => {
    if (kind === 'pause') return mayPause && running.length > 1;
    if (kind === 'add') return members.length < MOST;
    if (kind === 'remove') return members.length > USUAL_SIZE;
    return true;
  });
  const kind = oneOf(random, kinds, (one) => WEIGHTS[one]);
  return target && kind && { kind, target };
}

export interface FaultsOptions {
  groups: readonly Group[];
  holderOf(lease: string): string | undefined;
  random(): number;
  pauseMs: number;
  /** No fault begins after this, by `Date.now()`. */
  until: number;
  signal: AbortSignal;
}

/** Does things to replicas until the time is over, and until all that were paused go on. @returns all that was done */
export async function causeFaults(options: FaultsOptions): Promise<Fault[]> {
  const { groups, random, pauseMs, until, signal } = options;
  const faults: Fault[] = [];
  const pauses: Promise<void>[] = [];
  const act = (group: Group, kind: FaultKind, replica: Replica): void => {
    faults.push(describe(options, group, kind, replica));
    if (kind === 'kill') replica.kill();
    else if (kind === 'end') replica.end();
    else if (kind === 'pause') replica.pause();
    else if (kind === 'resume') replica.resume();
    else if (kind === 'add') group.add();
    else group.remove(replica);
  };
  for (;;) {
    const pause = ((0.5 + random()) * INTERVAL_MS) / groups.length;
    if (Date.now() + pause >= until) break;
    await sleep(pause, undefined, { signal });
    const group = oneOf(random, groups);
    const holder = group && options.holderOf(group.lease);
    const members = group?.members.map((replica) => ({
      replica,
      runs: replica.state === 'runs',
      leads: holder !== undefined && replica.identity === holder,
    }));
    const chosen = members && chooseFault(random, members, Date.now() + pauseMs < until);
    if (!group || !chosen) continue;
    const { kind, target } = chosen;
    act(group, kind, target.replica);
    if (kind !== 'pause') continue;
    const resumed = sleep(pauseMs, undefined, { signal }).then(() => act(group, 'resume', target.replica));
    resumed.catch(() => undefined);
    pauses.push(resumed);
  }
  await Promise.all(pauses);
  return faults;
}

function describe({ holderOf }: FaultsOptions, group: Group, kind: FaultKind, replica: Replica): Fault {
  const { lease, members } = group;
  const holder = holderOf(lease);
  const standbys = members.filter((other) => other !== replica && other.isWarm).map(({ name }) => name);
  const led = holder !== undefined && replica.identity === holder;
  return { kind, at: Date.now(), lease, replica: replica.name, led, standbys };
}
