import { describe, expect, it } from 'vitest';
import { type Sample, summarize, table } from './results.ts';
import { WORKLOADS } from './workloads.ts';

function sample(client: string, round: number, cpuMs: number, more: Partial<Sample> = {}): Sample {
  const measured = { read: 2000, wallMs: cpuMs, totalCpuMs: cpuMs, idleMiB: 10, overIdleMiB: 5 };
  return { workload: 'get', client, round, count: 2000, cpuMs, ...measured, ...more };
}

describe('results of the client benchmark', () => {
  it('compares within a round: a machine that is slower in one of them changes nothing', () => {
    const results = summarize([
      sample('ours', 1, 100),
      sample('gophercloud', 1, 200),
      sample('ours', 2, 1000),
      sample('gophercloud', 2, 2000),
      sample('openstacksdk', 2, 8000),
    ]);
    expect(
      results.map(({ client, ratio, cpuMsEach, rounds }) => ({ client, ratio, cpuMsEach, rounds })),
    ).toEqual([
      { client: 'ours', ratio: 0.5, cpuMsEach: 0.275, rounds: 2 },
      { client: 'gophercloud', ratio: 1, cpuMsEach: 0.55, rounds: 2 },
      { client: 'openstacksdk', ratio: 4, cpuMsEach: 4, rounds: 1 },
    ]);
  });

  it('has no ratio without the other client, and no memory where the kernel does not tell', () => {
    const samples = [sample('ours', 1, 100, { idleMiB: undefined, overIdleMiB: undefined })];
    expect(table(summarize(samples), WORKLOADS, { ours: 'ours' })).toBe(
      [
        '2,000 × get a stack, one after the other',
        '        CPU a call     least – most  ÷ gophercloud    wall  whole process  memory idle  over idle',
        '  ours   0.0500 ms  0.0500 – 0.0500              -  0.10 s         0.10 s            -          -',
        '\n',
      ].join('\n'),
    );
  });

  it('shows clients in the order of their titles, and who did less', () => {
    const samples = [sample('gophercloud', 1, 100), sample('ours', 1, 100, { count: 500 })];
    const lines = table(summarize(samples), WORKLOADS, { ours: 'our client', gophercloud: 'theirs' }).split(
      '\n',
    );
    expect(lines[2]).toMatch(/^ {2}our client \(500 calls\) .* 4\.00 ×/);
    expect(lines[3]).toMatch(/^ {2}theirs /);
  });
});
