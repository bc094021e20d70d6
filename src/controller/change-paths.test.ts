import { describe, expect, test } from 'vitest';
import { pathsOf } from './change-paths.ts';
import { change } from './testing/fake-heat.ts';

type Row = [
  name: string,
  stackName: string,
  parentResource?: string | undefined,
  ids?: { in?: string; is?: string },
];

/** The paths of resources that are given as Heat 27 gives them in a preview. */
function paths(rows: readonly Row[], root = 'web'): string[] {
  const changes = rows.map(([name, stackName, parentResource, { in: inside, is } = {}]) =>
    change(name, 'OS::Heat::Value', {
      stackName,
      ...(parentResource === undefined ? {} : { parentResource }),
      ...(inside === undefined ? {} : { stack: { name: stackName, id: inside } }),
      ...(is === undefined ? {} : { nestedStack: { name: 'named-anyhow', id: is } }),
    }),
  );
  const found = pathsOf(root, changes);
  return changes.map((each) => (found.get(each) ?? []).join('/'));
}

describe('paths of the resources in a preview', () => {
  test.each<[what: string, rows: Row[], expected: string[]]>([
    ['of the outermost stack', [['flat', 'web', undefined, { in: 's' }]], ['flat']],
    [
      'that are there, by the ids of their stacks',
      [
        ['group', 'web', undefined, { in: 's', is: 's-1' }],
        ['0', 'web-group-pzgk4jvsjllk', 'group', { in: 's-1', is: 's-2' }],
        ['leaf', 'web-group-pzgk4jvsjllk-0-b5xvapktfx5o', '0', { in: 's-2', is: 's-3' }],
        ['volume', 'shortened-by-heat', 'leaf', { in: 's-3' }],
      ],
      ['group', 'group/0', 'group/0/leaf', 'group/0/leaf/volume'],
    ],
    [
      'that would be, by the names that their stacks would have',
      [
        ['group', 'web', undefined, { in: 's', is: 's-1' }],
        ['0', 'web-group-pzgk4jvsjllk', 'group', { in: 's-1', is: 's-2' }],
        ['server-0', 'web-group-0', '0'],
        ['volume', 'web-group-0-leaf', 'leaf'],
      ],
      ['group', 'group/0', 'group/0/server-0', 'group/0/leaf/volume'],
    ],
    [
      'that go with a nested stack of which another type takes the place',
      [
        ['leaf', 'web-mid-subr3nfhngsd', 'mid', { in: 's-1', is: 's-2' }],
        ['volume', 'web-mid-subr3nfhngsd-leaf-3m6uwocp73uq', 'leaf', { in: 's-2' }],
        ['mid', 'web', undefined, { in: 's' }],
      ],
      ['mid/leaf', 'mid/leaf/volume', 'mid'],
    ],
    [
      'that go with one in a nested stack that stays',
      [
        ['mid', 'web', undefined, { in: 's', is: 's-1' }],
        ['volume', 'web-mid-subr3nfhngsd-leaf-3m6uwocp73uq', 'leaf', { in: 's-2' }],
        ['leaf', 'web-mid', 'mid'],
      ],
      ['mid', 'mid/leaf/volume', 'mid/leaf'],
    ],
    [
      'of a create, which lists no nested stacks',
      [
        ['volume', 'web-group-0-leaf', 'leaf'],
        ['server-0', 'web-group-0', '0'],
      ],
      ['group/0/leaf/volume', 'group/0/server-0'],
    ],
    [
      'with names that look like what Heat puts at the end of names',
      [
        ['loadbalancer', 'web', undefined, { in: 's', is: 's-1' }],
        ['loadbalancer', 'web-loadbalancer-subr3nfhngsd', 'loadbalancer', { in: 's-1', is: 's-2' }],
        ['volume', 'web-loadbalancer-loadbalancer', 'loadbalancer'],
        ['server', 'web-loadbalancer', 'loadbalancer'],
      ],
      [
        'loadbalancer',
        'loadbalancer/loadbalancer',
        'loadbalancer/loadbalancer/volume',
        'loadbalancer/server',
      ],
    ],
    [
      'with such names, and nothing else in their stack',
      [
        ['loadbalancer', 'web', undefined, { in: 's', is: 's-1' }],
        ['pool', 'web-loadbalancer-subr3nfhngsd', 'loadbalancer', { in: 's-1', is: 's-2' }],
        ['member', 'web-loadbalancer-pool', 'pool'],
      ],
      ['loadbalancer', 'loadbalancer/pool', 'loadbalancer/pool/member'],
    ],
    [
      'with stacks that hold each other, as no Heat says',
      [
        ['a', 'x', 'b', { in: 's-1', is: 's-2' }],
        ['b', 'y', 'a', { in: 's-2', is: 's-1' }],
      ],
      [expect.stringMatching(/a$/), expect.stringMatching(/b$/)],
    ],
  ])('%s', (_what, rows, expected) => {
    expect(paths(rows)).toEqual(expected);
  });

  test('takes a time in proportion to their number', () => {
    const rows = Array.from(
      { length: 20_000 },
      (_, index): Row => ['server', `web-group-${index}`, `${index}`],
    );
    expect(paths(rows).at(-1)).toBe('group/19999/server');
  });
});
