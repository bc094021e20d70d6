import { describe, expect, it } from 'vitest';
import type { HeatStack, ResourceStatus } from '../../src/api/heat-stack.ts';
import { describeChanges, drawTable, isReady, toRows } from './stack-table.ts';

const plain = (_style: unknown, text: string): string => text;

function stack(
  status: Partial<HeatStack['status']>,
  { generation = 1, ready = 'True' }: { generation?: number; ready?: string } = {},
): HeatStack {
  const condition = { type: 'Ready', status: ready, reason: 'Succeeded', message: '' };
  return {
    metadata: { name: 'web', generation },
    status: { observedGeneration: 1, conditions: [condition], ...status },
  } as unknown as HeatStack;
}

function resource(path: string, status = 'CREATE_COMPLETE'): ResourceStatus {
  const name = path.split('/').at(-1) ?? '';
  return { name, type: `Type::${name}`, status, ...(path === name ? {} : { path }) };
}

describe('the table of stacks', () => {
  it('draws a tree with aligned columns', () => {
    const resources = ['farm', 'farm-x', 'farm/0', 'farm/0/key', 'farm/1'].map((path) => resource(path));
    resources[3] = resource('farm/0/key', 'CREATE_IN_PROGRESS');
    const rows = toRows([
      stack({
        stackStatus: 'CREATE_IN_PROGRESS',
        resources,
        resourceSummary: { total: 5, complete: 4, inProgress: 1, failed: 0, text: '4/5' },
      }),
    ]);
    expect(drawTable(rows, '*', plain)).toEqual([
      'NAME       TYPE          STATUS                READY    RESOURCES',
      'web        HeatStack     * CREATE_IN_PROGRESS  True     4/5',
      '├ farm     Type::farm    ✓ CREATE_COMPLETE',
      '│ ├ 0      Type::0       ✓ CREATE_COMPLETE',
      '│ │ └ key  Type::key     * CREATE_IN_PROGRESS',
      '│ └ 1      Type::1       ✓ CREATE_COMPLETE',
      '└ farm-x   Type::farm-x  ✓ CREATE_COMPLETE',
    ]);
  });

  it('calls an object Ready only when the operator has seen its newest generation', () => {
    expect(isReady(stack({}))).toBe(true);
    expect(isReady(stack({}, { generation: 2 }))).toBe(false);
    expect(isReady(stack({}, { ready: 'Unknown' }))).toBe(false);
    expect(toRows([stack({}, { generation: 2 })])[0]?.stack?.ready).toBe('Unknown');
  });

  it('describes what is new, changed or gone, and nothing else', () => {
    const before = toRows([stack({ resources: [resource('a', 'CREATE_IN_PROGRESS'), resource('b')] })]);
    const now = toRows([stack({ resources: [resource('a'), resource('c')] })]);
    const words = describeChanges(before, now).map((line) => line.split(/\s+/));
    expect(words).toEqual([
      ['web/a', 'Type::a', 'CREATE_COMPLETE'],
      ['web/c', 'Type::c', 'CREATE_COMPLETE'],
      ['web/b', 'Type::b', 'gone'],
    ]);
    expect(describeChanges(now, now)).toEqual([]);
  });
});
