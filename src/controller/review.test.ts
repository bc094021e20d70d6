import { beforeEach, describe, expect, test } from 'vitest';
import type { PlannedChange, ProtectRule } from '../api/heat-stack.ts';
import { FakeClock } from '../kube/testing/fake-clock.ts';
import { createError } from '../openstack/index.ts';
import { countChanges, describePreview, type Preview, planId, previewUpdate, toPlan } from './review.ts';
import { change, FakeHeat, resource } from './testing/fake-heat.ts';

const SERVER = 'OS::Nova::Server';
const VOLUME = 'OS::Cinder::Volume';
const GROUP = 'OS::Heat::ResourceGroup';
const { signal } = new AbortController();
const NESTED = { name: 'web-group-subr3nfhngsd', id: 's-1' };
const INNER = { name: 'web-group-subr3nfhngsd-0-3m6uwocp73uq', id: 's-2' };

let heat: FakeHeat;

beforeEach(() => {
  heat = new FakeHeat(new FakeClock(0));
});

function protect(operations: ProtectRule['operations'], ...resourceTypes: string[]): ProtectRule {
  return { operations, resourceTypes };
}

function ask(rules: readonly ProtectRule[] = []): Promise<Preview> {
  const { id, name } = heat.all.size > 0 ? heat.stack() : heat.add();
  return previewUpdate(heat, { id, name }, { template: 'x' }, rules, signal);
}

function preview(more: Partial<Preview> = {}): Preview {
  const none = { added: [], updated: [], replaced: [], deleted: [] };
  return { ...none, unchanged: 0, blocked: [], hidesNested: false, ...more };
}

function planned(count: number, path = 'server'): PlannedChange[] {
  return Array.from({ length: count }, (_, index) => ({ path: `${path}-${index}`, type: SERVER }));
}

describe('what spec.protect refuses', () => {
  test.each<[what: string, rules: ProtectRule[], blocked: string[]]>([
    ['nothing without rules', [], []],
    ['the types that it names', [protect(['replace', 'delete'], SERVER)], ['REPLACE server', 'DELETE old']],
    ['a replacement alone', [protect(['replace'], SERVER)], ['REPLACE server']],
    ['a delete alone', [protect(['delete'], SERVER)], ['DELETE old']],
    ['types that begin alike', [protect(['delete'], 'OS::Cinder::*')], ['DELETE disk']],
    ['all types', [protect(['replace'], '*')], ['REPLACE server', 'REPLACE volume']],
    [
      'what any rule names',
      [protect(['delete'], VOLUME), protect(['replace'], 'OS::Swift::*', SERVER)],
      ['REPLACE server', 'DELETE disk'],
    ],
    ['no type that begins alike when it is named in full', [protect(['delete'], 'OS::Nova')], []],
  ])('%s', async (_what, rules, blocked) => {
    heat.changes = {
      added: [change('new', SERVER)],
      updated: [change('same', SERVER)],
      replaced: [change('volume', VOLUME), change('server', SERVER)],
      deleted: [change('old', SERVER), change('disk', VOLUME)],
    };
    expect((await ask(rules)).blocked).toEqual(blocked);
  });

  test.each<[what: string, rules: ProtectRule[], blocked: string[]]>([
    ['when it may not be replaced', [protect(['replace'], SERVER)], ['REPLACE box']],
    ['when it may not be deleted: it is gone for good', [protect(['delete'], SERVER)], ['REPLACE box']],
    ['but not for the sake of what takes its place', [protect(['replace', 'delete'], VOLUME)], []],
  ])('another type in place of one, %s', async (_what, rules, blocked) => {
    heat.add({ resources: [resource('box', 'CREATE_COMPLETE', { type: SERVER })] });
    heat.changes = { replaced: [change('box', VOLUME)] };
    expect((await ask(rules)).blocked).toEqual(blocked);
  });

  test('reads the resources only when something would be replaced', async () => {
    heat.changes = { deleted: [change('disk', VOLUME)] };
    await ask([protect(['delete'], SERVER)]);
    expect(heat.takeCalls()).toEqual(['preview']);
  });
});

describe('where Heat cannot preview what is nested', () => {
  beforeEach(() => {
    heat.add({
      resources: [
        resource('group', 'CREATE_COMPLETE', { type: GROUP, nestedStack: NESTED }),
        resource('0', 'CREATE_COMPLETE', { type: 'web.yaml', stack: NESTED, nestedStack: INNER }),
        resource('server', 'CREATE_COMPLETE', { type: SERVER, stack: INNER }),
        resource('flat', 'CREATE_COMPLETE', { type: SERVER }),
      ],
    });
    const untold = createError('BadRequest', 'malformed', { status: 400, type: 'HTTPBadRequest' });
    heat.fail('preview', untold);
  });

  test.each(['replaced', 'deleted'] as const)('what is in a stack that is %s goes with it', async (kind) => {
    heat.changes = { [kind]: [change('group', GROUP)] };
    const { deleted, blocked } = await ask([protect(['delete'], SERVER)]);
    expect(deleted.map(({ path }) => path)).toEqual([
      ...(kind === 'deleted' ? ['group'] : []),
      'group/0',
      'group/0/server',
    ]);
    expect(blocked).toEqual(['DELETE group/0/server']);
  });

  test('what is in a stack that is updated may go', async () => {
    heat.changes = { updated: [change('group', GROUP)] };
    const told = await ask([protect(['replace'], SERVER)]);
    expect(told.blocked).toEqual(['perhaps REPLACE or DELETE group/0/server']);
    expect(countChanges(told)).toBe(1);
    expect(describePreview(told)).toBe(
      "add 0, update 1, replace 0 and delete 0 resources, and what Heat can't tell in nested stacks",
    );
  });

  test('the inputs are refused if the outermost stack cannot be previewed either', async () => {
    heat.fail('preview', createError('BadRequest', 'no such type', { status: 400, type: 'X' }));
    await expect(ask()).rejects.toThrow('no such type');
  });
});

test('a mistake that Heat names is no reason to ask again', async () => {
  heat.fail('preview', createError('BadRequest', 'no such type', { status: 400, type: 'X' }));
  await expect(ask()).rejects.toThrow('no such type');
  expect(heat.takeCalls()).toEqual(['preview']);
});

describe('the id of a plan', () => {
  const STACK = ['id', '2026-01-01T00:00:00Z', 'h2:1'];
  const id = planId('h2:2', STACK, preview({ deleted: planned(2) }));

  test.each([
    ['inputs', planId('h2:3', STACK, preview({ deleted: planned(2) }))],
    ['stack', planId('h2:2', ['other'], preview({ deleted: planned(2) }))],
    ['unknown stack', planId('h2:2', [undefined], preview({ deleted: planned(2) }))],
    ['list', planId('h2:2', STACK, preview({ deleted: planned(3) }))],
    ['kind of change', planId('h2:2', STACK, preview({ replaced: planned(2) }))],
    ['view', planId('h2:2', STACK, preview({ deleted: planned(2), hidesNested: true }))],
  ])('is another one for another %s', (_what, other) => {
    expect(other).not.toBe(id);
    expect(other).toMatch(/^[0-9a-f]{16}$/);
  });

  test('is the same for the same, and whatever names Heat makes up for new members of a group', () => {
    expect(planId('h2:2', STACK, preview({ deleted: planned(2), unchanged: 7 }))).toBe(id);
    const grown = (...names: string[]) =>
      planId('h2:2', STACK, preview({ added: names.map((name) => ({ path: `asg/${name}`, type: SERVER })) }));
    expect(grown('ey2en7dflb7b', 'stjnggrlz34z')).toBe(grown('bj564oji2wo7', 'vglh7t2jf6k6'));
    expect(grown('ey2en7dflb7b')).not.toBe(grown('bj564oji2wo7', 'vglh7t2jf6k6'));
    expect(grown('one')).not.toBe(grown('two'));
  });
});

describe('the plan in the status', () => {
  test('has at most 200 of each list', () => {
    const { added, deleted } = toPlan(preview({ added: planned(201), deleted: planned(1) }), 'id', 'now');
    expect([added.length, deleted.length]).toEqual([200, 1]);
  });

  test('fits into the object whatever the names are, and shows first what is lost', () => {
    const long = planned(200, 'x'.repeat(3000));
    const plan = toPlan(
      preview({ added: long, updated: long, replaced: long, deleted: planned(200) }),
      'i',
      't',
    );
    expect(Buffer.byteLength(JSON.stringify(plan))).toBeLessThan(100 * 1024);
    expect(plan.deleted).toHaveLength(200);
    expect(plan.replaced[0]?.path.length).toBeLessThanOrEqual(2048);
    expect(plan.added).toEqual([]);
  });
});
