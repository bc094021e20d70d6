import { expect, test } from 'vitest';
import type { PhaseResult, RunResult } from './phases.ts';
import { comparison, growth } from './results.ts';

function phase(changes: Partial<PhaseResult> = {}): PhaseResult {
  return {
    cpuMs: 1000,
    wallMs: 2000,
    requests: { 'POST /stacks': 200, 'GET /stacks?status': 110 },
    writes: 0,
    ...changes,
  };
}

function result(changes: Partial<RunResult['phases']> = {}, stacks = 100): RunResult {
  const restart = phase({ requests: {}, wallMs: 1000 });
  const idle = phase({ cpuMs: 30, wallMs: 30_000 });
  const phases = { create: phase(), update: phase(), idle, restart, delete: phase(), ...changes };
  return { stacks, phases, peakMiB: 99.6 };
}

/** The cells of a row, by its title. */
function row(table: string, title: string): string[] {
  const line = table.split('\n').find((each) => each.startsWith(title)) ?? '';
  return line.slice(title.length).trim().split(/ {2,}/);
}

test('all operators stand beside each other, with the goal', () => {
  const table = comparison({ ours: result(), 'controller-runtime': result() }, 100);
  expect(row(table, '100 stacks')).toEqual([
    'ours',
    'controller-runtime + gophercloud',
    'goal for ours',
    'met',
  ]);
  expect(row(table, 'create → Ready, Heat requests a stack')).toEqual(['3.10', '3.10', '≤ 3.1', 'yes']);
  expect(row(table, 'most memory')).toEqual(['100 MiB', '100 MiB', '≤ 160', 'yes']);
  expect(row(table, 'idle, CPU')).toEqual(['0.10 %', '0.10 %', '≤ 0.5', 'yes']);
});

test('what is to be below the other must be less', () => {
  const others = result();
  const met = (cpuMs: number): string | undefined =>
    row(
      comparison({ ours: result({ create: phase({ cpuMs }) }), 'controller-runtime': others }, 100),
      'create → Ready, CPU a stack',
    ).at(-1);
  expect(met(999)).toBe('yes');
  expect(met(1000)).toBe('no');
});

test('a goal that is missed, and one that nothing can be said of', () => {
  const restart = phase({ requests: { 'GET /stacks/{name}/{id}': 100 }, writes: 1, wallMs: 9000 });
  const table = comparison({ ours: result(), 'ours-without-events': result({ restart }) }, 100);
  expect(row(table, 'restart when settled, Heat requests a stack').at(-1)).toBe('yes, no');
  expect(row(table, 'restart when settled, writes').at(-1)).toBe('yes, no');
  expect(row(table, 'create → Ready, CPU a stack').slice(-2)).toEqual(['-', '-']);
});

test('an operator that works on fewer stacks says how many', () => {
  const table = comparison({ kopf: result({}, 10) }, 100);
  expect(row(table, '100 stacks')[0]).toBe('kopf + openstacksdk (10 stacks)');
});

test('growth has a line for each number of stacks', () => {
  const runs = [
    { stacks: 100, results: { ours: result() } },
    { stacks: 1000, results: { ours: result({}, 1000), kopf: result() } },
  ];
  const lines = growth(runs).trim().split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[1]).toMatch(/^ours +100 +10\.0 ms a stack/);
  expect(lines[2]).toMatch(/^ours +1,000 +1\.0 ms a stack/);
});
