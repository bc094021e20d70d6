import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../kube/testing/fake-clock.ts';
import { createError } from '../openstack/index.ts';
import { ownerTags } from './digest.ts';
import { findOwn, readStack, whose } from './observe.ts';
import { FakeHeat } from './testing/fake-heat.ts';

const OURS = ownerTags('c1', { namespace: 'team', name: 'web' });
const { signal } = new AbortController();

let heat: FakeHeat;

beforeEach(() => {
  heat = new FakeHeat(new FakeClock(0));
});

describe('reading a stack', () => {
  const options = { resolveOutputs: false, signal };

  test('takes one call', async () => {
    const { id } = heat.add();
    expect(await readStack(heat, { id, name: 'web' }, options)).toMatchObject({ is: 'stack', stack: { id } });
    expect(heat.takeCalls()).toEqual(['get']);
  });

  test('finds a stack that lives under another name', async () => {
    const { id } = heat.add({ name: 'legacy' });
    heat.add({ name: 'web' });
    expect(await readStack(heat, { id, name: 'web' }, options)).toMatchObject({
      is: 'stack',
      stack: { id, name: 'legacy' },
    });
  });

  test('takes no other stack that is called like the id', async () => {
    heat.add({ name: 'id-of-a-stack-that-is-gone' });
    const ref = { id: 'id-of-a-stack-that-is-gone', name: 'web' };
    expect(await readStack(heat, ref, options)).toEqual({ is: 'gone' });
  });

  test('says gone of one with a deletion time, under any name', async () => {
    const { id } = heat.add({ deletedAt: '2026-01-01T00:00:00Z' });
    for (const name of ['web', 'other'])
      expect(await readStack(heat, { id, name }, options)).toEqual({ is: 'gone' });
  });

  test("doesn't take another 404 for one of the stack", async () => {
    const { id } = heat.add();
    const error = createError('ResourceNotFound', 'a resource of it', { type: 'NotFound' });
    heat.fail('get', error);
    await expect(readStack(heat, { id, name: 'web' }, options)).rejects.toBe(error);
    heat.fail('get', error);
    await expect(readStack(heat, { id, name: 'other' }, options)).rejects.toBe(error);
  });
});

describe("finding an object's own stack by its tags", () => {
  const owner = { tags: OURS, deleting: false };

  test('finds it under any name, and no other', async () => {
    heat.add({ name: 'other', attributes: { tags: [OURS[0], 'x'] } });
    expect(await findOwn(heat, owner, signal)).toEqual({ is: 'absent' });
    const { id } = heat.add({ name: 'legacy', attributes: { tags: ['x', ...OURS] } });
    expect(await findOwn(heat, owner, signal)).toMatchObject({ is: 'stack', stack: { id } });
  });

  test('leaves out one that is on its way out, unless the object is, too', async () => {
    const { id } = heat.add({ status: 'DELETE_IN_PROGRESS', attributes: { tags: OURS } });
    expect(await findOwn(heat, owner, signal)).toEqual({ is: 'absent' });
    const deleting = { ...owner, deleting: true };
    expect(await findOwn(heat, deleting, signal)).toMatchObject({ is: 'stack', stack: { id } });
  });
});

test.each([
  [[], 'nobody'],
  [['x', 'heatstack.dev'], 'nobody'],
  [[OURS[0]], 'other'],
  [['heatstack.dev/object=team/web', 'heatstack.dev/cluster=c2'], 'other'],
  [['x', OURS[1], OURS[0]], 'ours'],
])('a stack with the tags %j is %s', (tags, expected) => {
  expect(whose({ tags }, OURS)).toBe(expected);
});
