import { beforeEach, describe, expect, test } from 'vitest';
import type { ImportSource } from '../api/heat-stack.ts';
import { FakeClock } from '../kube/testing/fake-clock.ts';
import { findImport } from './find-import.ts';
import type { Found } from './observe.ts';
import { FakeHeat } from './testing/fake-heat.ts';

let heat: FakeHeat;

beforeEach(() => {
  heat = new FakeHeat(new FakeClock(0));
});

function find(source: Partial<ImportSource>, stackName?: string): Promise<Found> {
  return findImport(heat, { takeOwnership: false, ...source }, stackName, new AbortController().signal);
}

const LEAVING = ['DELETE_IN_PROGRESS', 'DELETE_COMPLETE'];

describe('by id', () => {
  test('finds the stack, whatever its name and its state', async () => {
    const { id } = heat.add({ name: 'legacy', status: 'DELETE_FAILED' });
    heat.add({ name: 'legacy-too' });
    expect(await find({ id })).toMatchObject({ is: 'stack', stack: { id, name: 'legacy' } });
    expect(heat.takeCalls()).toEqual(['find']);
  });

  test('finds none under an id that is the name of a stack', async () => {
    heat.add({ name: 'legacy' });
    expect(await find({ id: 'legacy' })).toEqual({ is: 'absent' });
  });

  test.each(LEAVING)('finds none that is %s', async (status) => {
    expect(await find({ id: heat.add({ status }).id })).toEqual({ is: 'absent' });
  });

  test('refuses a nested stack', async () => {
    const { id } = heat.add({ parentId: 'outer' });
    expect(await find({ id })).toMatchObject({
      is: 'ambiguous',
      message: expect.stringContaining('which is nested in stack outer'),
    });
  });

  test('refuses a stack with another name than spec.stackName', async () => {
    const { id } = heat.add({ name: 'legacy' });
    expect(await find({ id }, 'legacy')).toMatchObject({ is: 'stack' });
    expect(await find({ id }, 'web')).toMatchObject({
      is: 'ambiguous',
      message: expect.stringContaining('spec.stackName is "web"'),
    });
  });
});

describe('by filter', () => {
  test('finds the one stack with the name and all of the tags', async () => {
    const both = heat.add({ name: 'a', attributes: { tags: ['x', 'y', 'z'] } });
    heat.add({ name: 'b', attributes: { tags: ['x', 'y'] } });
    heat.add({ name: 'a', attributes: { tags: ['x'] } });
    for (const filter of [{ name: 'a', tags: ['x', 'y'] }, { tags: ['z'] }]) {
      expect(await find({ filter })).toMatchObject({ is: 'stack', stack: { id: both.id } });
    }
    expect(await find({ filter: { name: 'b' } })).toMatchObject({ is: 'stack', stack: { name: 'b' } });
    expect(await find({ filter: { name: 'b', tags: ['z'] } })).toEqual({ is: 'absent' });
    expect(await find({ filter: { tags: ['x', 'w'] } })).toEqual({ is: 'absent' });
  });

  test('does not trust Heat to have filtered', async () => {
    heat.ignoresNames = true;
    heat.add({ name: 'other' });
    expect(await find({ filter: { name: 'web' } })).toEqual({ is: 'absent' });
  });

  test.each(LEAVING)('leaves out what is %s', async (status) => {
    heat.add({ status });
    expect(await find({ filter: { name: 'web' } })).toEqual({ is: 'absent' });
    const { id } = heat.add();
    expect(await find({ filter: { name: 'web' } })).toMatchObject({ is: 'stack', stack: { id } });
  });

  test('names the first of several', async () => {
    const ids = Array.from(
      { length: 10 },
      (_, index) => heat.add({ name: `s${index}`, attributes: { tags: ['x'] } }).id,
    );
    expect(await find({ filter: { tags: ['x'] } })).toMatchObject({
      is: 'ambiguous',
      message: expect.stringContaining(`more than one stack (${ids.slice(0, 3).join(', ')} and more)`),
    });
    expect(await find({ filter: { tags: ['x'], name: 's1' } })).toMatchObject({ is: 'stack' });
  });

  test('that says nothing fits nothing', async () => {
    heat.add();
    expect(await find({ filter: {} })).toEqual({ is: 'absent' });
    expect(heat.calls).toEqual([]);
  });
});
