import { setTimeout as sleep } from 'node:timers/promises';
import { parseMetrics, total } from '../../test/support/prometheus.ts';
import { messageOf, TestbedError } from '../../test/testbed/errors.ts';
import type { OperatorProcess } from '../operator/process.ts';

/** From one look to the next, in ms. */
const INTERVAL_MS = 2000;
/** The operator may take so long to tell its metrics, in ms. */
const PATIENCE_MS = 20_000;
const MIB = 1024 ** 2;

/** What an operator has at a moment, looked at from outside. What only grows is counted since its start. */
export interface Sample {
  /** Since the first look, in ms. */
  atMs: number;
  /** Of objects, by the benchmark. */
  changes: number;
  residentMiB: number;
  /** JavaScript's heap, garbage and all. */
  heapMiB: number;
  /** What JavaScript's objects hold outside of the heap: buffers. */
  externalMiB: number;
  sockets: number;
  /** Files, pipes and sockets. */
  descriptors: number;
  /** Timers, sockets and whatever else Node waits for. */
  resources: number;
  sessions: number;
  stacks: number;
  cpuMs: number;
  reconciles: number;
  heatRequests: number;
  tokens: number;
  watchLists: number;
  watchRestarts: number;
}

/** Looks at an operator until the signal is aborted; each look is added to `samples`. @param changes so far */
export async function sample(
  operator: OperatorProcess,
  metricsUrl: string,
  samples: Sample[],
  changes: () => number,
  signal: AbortSignal,
): Promise<void> {
  const start = performance.now();
  for (let turn = 1; !signal.aborted; turn += 1) {
    const atMs = performance.now() - start;
    samples.push({ atMs, changes: changes(), ...(await look(operator, metricsUrl)) });
    const pause = Math.max(0, start + turn * INTERVAL_MS - performance.now());
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
}

/** One look at an operator. Throws a TestbedError when it has ended. */
export async function look(
  operator: OperatorProcess,
  metricsUrl: string,
): Promise<Omit<Sample, 'atMs' | 'changes'>> {
  const { sockets, all: descriptors } = operator.descriptors();
  const residentMiB = operator.residentMiB();
  const cpuMs = operator.cpuMs();
  const metrics = parseMetrics(await textOf(metricsUrl));
  const value = (name: string): number => total(metrics, name);
  return {
    ...{ sockets, descriptors, residentMiB, cpuMs },
    heapMiB: value('nodejs_heap_size_used_bytes') / MIB,
    externalMiB: value('nodejs_external_memory_bytes') / MIB,
    resources: value('nodejs_active_resources_total'),
    sessions: value('heatstack_sessions'),
    stacks: value('heatstack_stacks'),
    reconciles: value('controller_runtime_reconcile_time_seconds_count'),
    heatRequests: value('heatstack_heat_request_duration_seconds_count'),
    tokens: value('heatstack_token_renewals_total'),
    watchLists: value('heatstack_watch_lists_total'),
    watchRestarts: value('heatstack_watch_restarts_total'),
  };
}

async function textOf(url: string): Promise<string> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    return await answer.text();
  } catch (error) {
    throw new TestbedError(`the operator doesn't tell its metrics: ${messageOf(error)}`);
  }
}
