import { setTimeout as sleep } from 'node:timers/promises';
import { TestbedError } from '../../test/testbed/errors.ts';
import type { Fleet } from './fleet.ts';
import type { RequestCounts, StandInHeat } from './heat.ts';
import { type Command, OperatorProcess } from './process.ts';

export const PHASES = ['create', 'update', 'idle', 'restart', 'delete'] as const;
export type Phase = (typeof PHASES)[number];

/** What one phase cost an operator. */
export interface PhaseResult {
  cpuMs: number;
  wallMs: number;
  /** Requests to Heat, sign-ins included, by route. */
  requests: RequestCounts;
  /** How often the operator changed one of the objects: its status or its finalizers. */
  writes: number;
}

/** What all of them cost. */
export interface RunResult {
  stacks: number;
  phases: Record<Phase, PhaseResult>;
  /** The most memory at once, of the process before the restart and of that after it. */
  peakMiB: number;
}

/** A phase is given up when it took longer than this, and so much longer for each stack, in ms. */
const PATIENCE_MS = { base: 240_000, stack: 150 };
const IDLE_MS = 30_000;
/** Nothing happened for so long: it is quiet. */
const QUIET_MS = 5_000;
const LOOK_MS = 250;
/** Less CPU time than this share of a look is none. */
const BUSY_SHARE = 0.1;

export interface Run {
  python: string;
  command: Command;
  logFile: string;
  heat: StandInHeat;
  fleet: Fleet;
  stacks: number;
  signal: AbortSignal;
  log(line: string): void;
}

/** Runs an operator through all phases. What it shall work on is made by this, and gone afterwards. */
export async function runPhases(run: Run): Promise<RunResult> {
  const { fleet, stacks, python, command, logFile, heat, signal, log } = run;
  const timeoutMs = PATIENCE_MS.base + PATIENCE_MS.stack * stacks;
  const phases = {} as Record<Phase, PhaseResult>;
  let operator = new OperatorProcess(python, command, logFile);
  let startCpuMs = 0;
  const measured = async (phase: Phase, act: () => Promise<number | undefined>): Promise<void> => {
    await heat.requests({ reset: true });
    const writes = fleet.changes;
    const start = performance.now();
    const end = await act();
    const cpuMs = operator.cpuMs() - startCpuMs;
    startCpuMs += cpuMs;
    const result = {
      cpuMs,
      wallMs: (end ?? performance.now()) - start,
      requests: await heat.requests(),
      writes: fleet.changes - writes,
    };
    phases[phase] = result;
    log(`${phase}: ${describe(result, stacks)}`);
  };
  const settle = (): Promise<number> => quiet(run, operator, timeoutMs);
  const allReady = async (what: string): Promise<undefined> => {
    await fleet.until(() => fleet.ready === stacks, what, timeoutMs);
  };
  try {
    await fleet.prepare();
    // Its start is no part of what a stack costs.
    await settle();
    startCpuMs = operator.cpuMs();
    await measured('create', async () => {
      await fleet.create();
      return allReady('the create');
    });
    await settle();
    startCpuMs = operator.cpuMs();
    await measured('update', async () => {
      await fleet.update();
      return allReady('the update');
    });
    await settle();
    startCpuMs = operator.cpuMs();
    await measured('idle', async () => {
      await sleep(IDLE_MS, undefined, { signal });
      return undefined;
    });
    let peakMiB = operator.peakMiB();
    await operator.stop();
    startCpuMs = 0;
    await measured('restart', async () => {
      operator = new OperatorProcess(python, command, logFile);
      return settle();
    });
    if (fleet.ready !== stacks)
      throw new TestbedError(`after the restart only ${fleet.ready} stacks are ready`);
    startCpuMs = operator.cpuMs();
    await measured('delete', async () => {
      await fleet.delete();
      await fleet.until(() => fleet.size === 0, 'the delete', timeoutMs);
      return undefined;
    });
    peakMiB = Math.max(peakMiB, operator.peakMiB());
    await checkStacks(run);
    return { stacks, phases, peakMiB };
  } finally {
    await operator.stop();
    await fleet.close();
  }
}

/** Waits until nothing happens any more. @returns when that began, by `performance.now()` */
async function quiet({ heat, fleet, signal }: Run, operator: OperatorProcess, timeoutMs: number) {
  const start = performance.now();
  let busyAt = start;
  let requests = -1;
  let cpuMs = 0;
  for (let at = start; at - busyAt < QUIET_MS; at = performance.now()) {
    if (at - start > timeoutMs) throw new TestbedError('an operator came to no rest');
    await sleep(LOOK_MS, undefined, { signal });
    const now = performance.now();
    const total = sum(await heat.requests());
    const cpu = operator.cpuMs();
    if (total !== requests || cpu - cpuMs > (now - at) * BUSY_SHARE) busyAt = now;
    busyAt = Math.max(busyAt, fleet.lastChangeAt);
    requests = total;
    cpuMs = cpu;
  }
  return busyAt;
}

/** An operator that left stacks behind, or made two for one object, wasn't fast but wrong. */
async function checkStacks({ heat, stacks }: Run): Promise<void> {
  const all = await heat.stacks();
  const living = all.filter(({ status }) => status !== 'DELETE_COMPLETE');
  if (living.length > 0) throw new TestbedError(`${living.length} stacks were left behind`);
  if (all.length !== stacks)
    throw new TestbedError(`${all.length} stacks were created for ${stacks} objects`);
}

export function sum(counts: RequestCounts): number {
  return Object.values(counts).reduce((total, each) => total + each, 0);
}

function describe({ cpuMs, wallMs, requests, writes }: PhaseResult, stacks: number): string {
  const each = (value: number, digits: number): string => (value / stacks).toFixed(digits);
  return `${(wallMs / 1000).toFixed(1)} s, ${each(cpuMs, 2)} ms CPU, ${each(sum(requests), 2)} requests, ${each(writes, 2)} writes a stack`;
}
