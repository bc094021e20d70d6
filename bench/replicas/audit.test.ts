import { expect, test } from 'vitest';
import type { StandInStack } from '../operator/heat.ts';
import { audit, type Found, type Wanted } from './audit.ts';

const START = Date.parse('2030-01-01T00:00:00Z');
const at = (seconds: number): number => START + seconds * 1000;

function stack(created: number, changes: Partial<StandInStack> = {}): StandInStack {
  return {
    ...{
      project: 'demo',
      name: 'web',
      id: `id-${created}`,
      status: 'UPDATE_COMPLETE',
      tags: [],
      updated: null,
    },
    created: new Date(at(created)).toISOString(),
    environment: { parameters: { value: '2' }, parameter_defaults: {} },
    ...changes,
  };
}

const gone = (created: number): StandInStack => ({
  ...stack(created, { status: 'DELETE_COMPLETE' }),
  environment: undefined,
});
const wanted = (changes: Partial<Wanted> = {}): Wanted => ({
  name: 'web',
  value: '2',
  made: [at(0)],
  ...changes,
});
const found = (changes: Partial<Found> = {}): Found => ({
  ...{ name: 'web', isReady: true, why: '', stackId: 'id-1' },
  ...changes,
});

test('one object, one stack, with its value', () => {
  expect(audit([wanted()], [found()], [stack(1)])).toEqual([]);
});

test('objects that followed each other had a stack each', () => {
  const again = wanted({ made: [at(0), at(10), at(20)] });
  expect(audit([again], [found({ stackId: 'id-21' })], [gone(1), stack(21)])).toEqual([]);
  expect(audit([wanted({ value: undefined })], [], [gone(1)])).toEqual([]);
});

test.each<[string, Wanted, Found[], StandInStack[]]>([
  ['gone, and nobody', wanted(), [], []],
  ['not ready: it waits', wanted(), [found({ isReady: false, why: 'it waits' })], [stack(1)]],
  ['has no stack', wanted(), [found()], [gone(1)]],
  ['has 2 stacks: id-1 (UPDATE_COMPLETE), id-2', wanted(), [found()], [stack(1), stack(2)]],
  ['its status says id-0', wanted(), [found({ stackId: 'id-0' })], [stack(1)]],
  ['in UPDATE_IN_PROGRESS', wanted(), [found()], [stack(1, { status: 'UPDATE_IN_PROGRESS' })]],
  ['has the value "2", not "3"', wanted({ value: '3' }), [found()], [stack(1)]],
  ['left behind', wanted({ value: undefined }), [], [stack(1)]],
  ['still there', wanted({ value: undefined }), [found()], [gone(1)]],
  ['2 stacks were made for its object no. 1', wanted(), [found({ stackId: 'id-2' })], [gone(1), stack(2)]],
  ['made before its object', wanted({ made: [at(5)] }), [found()], [stack(1)]],
  ['web: nobody asked', wanted({ name: 'db', value: undefined }), [], [gone(1)]],
])('%s', (problem, one, objects, stacks) => {
  expect(audit([one], objects, stacks).join('\n')).toContain(problem);
});
