import { median } from '../median.ts';
import { render } from '../table.ts';
import type { Measurement } from './measure.ts';
import type { Workload } from './workloads.ts';

/** The client that others are compared with. */
export const YARDSTICK = 'gophercloud';

/** One measurement. */
export interface Sample extends Measurement {
  workload: string;
  client: string;
  round: number;
  /** Calls or rows that were counted. */
  count: number;
}

/** All rounds of a client in a workload: medians. */
export interface Result {
  workload: string;
  client: string;
  rounds: number;
  count: number;
  /** CPU time of one call or row, and the least and most of all rounds. */
  cpuMsEach: number;
  cpuMsEachLeast: number;
  cpuMsEachMost: number;
  wallMs: number;
  totalCpuMs: number;
  idleMiB: number | undefined;
  overIdleMiB: number | undefined;
  /** CPU time of one call or row over that of the yardstick in the same round. */
  ratio: number | undefined;
}

export function summarize(samples: readonly Sample[]): Result[] {
  const groups = Map.groupBy(samples, ({ workload, client }) => `${workload} ${client}`);
  return [...groups.values()].map((group) => summarizeOne(group, samples));
}

function summarizeOne(group: readonly Sample[], all: readonly Sample[]): Result {
  const { workload = '', client = '', count = 0 } = group[0] ?? {};
  const each = group.map(cpuEach);
  const ratios = group.flatMap((sample) => {
    const other = all.find(
      (o) => o.client === YARDSTICK && o.workload === workload && o.round === sample.round,
    );
    return other ? [cpuEach(sample) / cpuEach(other)] : [];
  });
  const medianOf = (read: (sample: Sample) => number | undefined): number | undefined =>
    median(group.map(read).filter((value) => value !== undefined));
  return {
    workload,
    client,
    rounds: group.length,
    count,
    cpuMsEach: median(each) ?? 0,
    cpuMsEachLeast: Math.min(...each),
    cpuMsEachMost: Math.max(...each),
    wallMs: medianOf((sample) => sample.wallMs) ?? 0,
    totalCpuMs: medianOf((sample) => sample.totalCpuMs) ?? 0,
    idleMiB: medianOf((sample) => sample.idleMiB),
    overIdleMiB: medianOf((sample) => sample.overIdleMiB),
    ratio: median(ratios),
  };
}

function cpuEach({ cpuMs, count }: Sample): number {
  return cpuMs / count;
}

const HEAD = [
  '',
  'CPU of one',
  'least – most',
  `÷ ${YARDSTICK}`,
  'wall',
  'whole process',
  'memory idle',
  'over idle',
];

/** A table for people, with the clients in the order of their titles. */
export function table(
  results: readonly Result[],
  workloads: readonly Workload[],
  titles: Record<string, string>,
): string {
  const lines: string[][] = [];
  for (const { name, title, unit, work } of workloads) {
    const group = Object.keys(titles).flatMap((one) =>
      results.filter(({ workload, client }) => workload === name && client === one),
    );
    if (group.length === 0) continue;
    lines.push(
      [title],
      HEAD.map((cell) => (cell === 'CPU of one' ? `CPU a ${unit}` : cell)),
    );
    for (const result of group) {
      const { client, cpuMsEach, cpuMsEachLeast, cpuMsEachMost, ratio } = result;
      const share = result.count === work.count ? '' : ` (${result.count.toLocaleString('en')} ${unit}s)`;
      lines.push([
        `  ${titles[client] ?? client}${share}`,
        `${cpuMsEach.toFixed(4)} ms`,
        `${cpuMsEachLeast.toFixed(4)} – ${cpuMsEachMost.toFixed(4)}`,
        ratio === undefined ? '-' : `${ratio.toFixed(2)} ×`,
        `${(result.wallMs / 1000).toFixed(2)} s`,
        `${(result.totalCpuMs / 1000).toFixed(2)} s`,
        mib(result.idleMiB),
        mib(result.overIdleMiB),
      ]);
    }
    lines.push([]);
  }
  return render(lines);
}

function mib(value: number | undefined): string {
  return value === undefined ? '-' : `${value.toFixed(0)} MiB`;
}
