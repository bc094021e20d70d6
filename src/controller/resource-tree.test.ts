import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { STATUS_LIMITS } from '../api/limits.ts';
import type { Resource } from '../openstack/index.ts';
import { findFailures, placeResources, reportResources } from './resource-tree.ts';
import { Scrubber } from './scrubber.ts';

const scrubber = new Scrubber(['a-very-secret-value']);

function resource(name: string, status = 'CREATE_COMPLETE', more: Partial<Resource> = {}): Resource {
  const stack = { id: 'root', name: 'root' };
  return {
    name,
    logicalId: name,
    type: 'OS::Heat::Value',
    status,
    requiredBy: [],
    links: [],
    stack,
    ...more,
  };
}

/** A resource that is a nested stack. */
function nested(name: string, id: string, status?: string, more: Partial<Resource> = {}): Resource {
  return resource(name, status, { nestedStack: { id, name: id }, ...more });
}

function inside(id: string): Partial<Resource> {
  return { stack: { id, name: id } };
}

const TREE = [
  resource('network'),
  nested('group', 'g', 'CREATE_FAILED'),
  nested('0', 'm', 'CREATE_FAILED', inside('g')),
  resource('server', 'CREATE_FAILED', { ...inside('m'), statusReason: 'no valid host' }),
  resource('port', 'CREATE_COMPLETE', inside('m')),
  resource('1', 'INIT_COMPLETE', inside('g')),
];

describe('what a cloud may claim', () => {
  // Following each of them to its root would take the square of their number, and paths as long.
  test('nesting without an end', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) =>
      nested(`${i}`, `s${i + 1}`, 'CREATE_FAILED', inside(`s${i}`)),
    );
    const placed = placeResources(chain);
    expect(placed[19_999]?.names).toEqual(Array.from({ length: 11 }, (_, i) => `${19_989 + i}`));
    expect(placed.every(({ depth }) => depth <= 10)).toBe(true);
  });

  // Texts of all paths would be 2,000 times what was sent.
  test('long names around very many resources', () => {
    const long = '\u4e2d'.repeat(255);
    const owners = Array.from({ length: 10 }, (_, i) =>
      nested(long, `s${i + 1}`, undefined, inside(`s${i}`)),
    );
    const leaves = Array.from({ length: 9_990 }, (_, i) => resource(`${i}`, undefined, inside('s10')));
    const join = vi.spyOn(Array.prototype, 'join');
    try {
      const placed = placeResources([...owners, ...leaves]);
      expect(reportResources(placed, 100, scrubber).resources).toHaveLength(100);
      expect(findFailures(placed, scrubber)).toEqual([]);
      expect(join.mock.calls.filter(([separator]) => separator === '/').length).toBeLessThanOrEqual(100);
    } finally {
      join.mockRestore();
    }
  });

  test('names and lists longer than the status takes', () => {
    const long = 'x'.repeat(255);
    const tree = Array.from({ length: 11 }, (_, i) =>
      nested(long, `s${i + 1}`, 'CREATE_FAILED', {
        ...inside(`s${i}`),
        type: 'x'.repeat(5000),
        physicalId: 'x'.repeat(5000),
        statusReason: 'x'.repeat(5000),
        requiredBy: Array.from({ length: 2000 }, (_, n) => `r${n}`),
      }),
    );
    const placed = placeResources(tree);
    for (const each of reportResources(placed, 100, scrubber).resources) {
      expect(each.type).toHaveLength(STATUS_LIMITS.type);
      expect(each.physicalResourceID).toHaveLength(STATUS_LIMITS.physicalResourceID);
      expect(each.requiredBy).toHaveLength(STATUS_LIMITS.requiredBy);
      expect((each.statusReason ?? '').length).toBeLessThanOrEqual(STATUS_LIMITS.text);
      expect((each.path ?? '').length).toBeLessThanOrEqual(STATUS_LIMITS.path);
    }
    const [failure] = findFailures(placed, scrubber);
    expect(failure?.path.length).toBe(STATUS_LIMITS.path);
    expect(failure?.type).toHaveLength(STATUS_LIMITS.type);
  });
});

describe('places', () => {
  test('are paths from the root down', () => {
    expect(placeResources(TREE).map(({ names, depth }) => [names.join('/'), depth])).toEqual([
      ['network', 0],
      ['group', 0],
      ['group/0', 1],
      ['group/0/server', 2],
      ['group/0/port', 2],
      ['group/1', 1],
    ]);
  });

  test('do not depend on the order of the list', () => {
    const paths = (resources: Resource[]) =>
      placeResources(resources)
        .map(({ names }) => names.join('/'))
        .sort();
    expect(paths(TREE.toReversed())).toEqual(paths(TREE));
  });

  test('of resources without links, or in a stack that is not listed, are their names', () => {
    const { stack: _, ...bare } = resource('bare');
    expect(placeResources([bare, resource('lost', 'CREATE_COMPLETE', inside('elsewhere'))])).toMatchObject([
      { names: ['bare'], depth: 0 },
      { names: ['lost'], depth: 0 },
    ]);
  });

  test('have an end even if stacks hold each other', () => {
    const circle = [
      nested('a', 'A', undefined, inside('B')),
      nested('b', 'B', undefined, inside('A')),
      nested('c', 'C', undefined, inside('C')),
    ];
    for (const { depth } of placeResources(circle)) expect(depth).toBeLessThan(3);
  });
});

describe('failures', () => {
  const find = (resources: Resource[]) => findFailures(placeResources(resources), scrubber);

  test('are the leaves, not the stacks around them', () => {
    expect(find(TREE)).toEqual([
      { path: 'group/0/server', type: 'OS::Heat::Value', reason: 'no valid host' },
    ]);
  });

  test('are nested stacks themselves when nothing in them failed', () => {
    const failures = find([
      nested('group', 'g', 'CREATE_FAILED', { statusReason: 'quota' }),
      resource('0', 'CREATE_COMPLETE', inside('g')),
    ]);
    expect(failures).toEqual([{ path: 'group', type: 'OS::Heat::Value', reason: 'quota' }]);
  });

  test('have what was made, and a reason in any case', () => {
    expect(find([resource('a', 'DELETE_FAILED', { physicalId: 'id-1' })])).toEqual([
      { path: 'a', type: 'OS::Heat::Value', physicalResourceID: 'id-1', reason: 'Heat gives no reason' },
    ]);
  });

  test('have no secret for an id, as a key pair has whose name is one', () => {
    const ids = ['592cface-74c6-4f5b-a64c-927130dab128', 'my a-very-secret-value'].map((physicalId) => {
      return find([resource('a', 'DELETE_FAILED', { physicalId })])[0]?.physicalResourceID;
    });
    expect(ids).toEqual(['592cface-74c6-4f5b-a64c-927130dab128', 'my [redacted]']);
  });

  test('cost no work for the ids that Heat makes, and only for those', () => {
    const scrubber = new Scrubber(['a-very-secret-value', 'key-s-uvtmy2vaikwi']);
    const stack = { id: 's', name: 'web' };
    const idOf = (physicalId: string) => {
      const made = resource('r', 'CREATE_FAILED', { physicalId, stack, statusReason: 'state changed' });
      return findFailures(placeResources([made]), scrubber)[0]?.physicalResourceID;
    };
    expect(idOf('592cface-74c6-4f5b-a64c-927130dab128')).toBe('592cface-74c6-4f5b-a64c-927130dab128');
    expect(idOf('web-r-uvtmy2vaikwi')).toBe('web-r-uvtmy2vaikwi');
    expect(scrubber.work).toBe(0);
    expect(idOf('key-s-uvtmy2vaikwi')).toBe('[redacted]');
    expect(idOf('web-r-a-very-secret-value')).toBe('web-r-[redacted]');
    expect(idOf('web-a-very-secret-value-uvtmy2vaikwi')).toBe('web-[redacted]-uvtmy2vaikwi');
  });

  test('come with the cause first: consequences last, else by time, else by path', () => {
    const failures = find([
      resource('cancelled', 'CREATE_FAILED', {
        statusReason: 'CREATE aborted',
        updatedAt: '2026-01-01T00:00:00Z',
      }),
      resource('timeout', 'CREATE_FAILED', { statusReason: 'Timed out', updatedAt: '2026-01-01T00:00:01Z' }),
      resource('z', 'CREATE_FAILED', { statusReason: 'bad', updatedAt: '2026-01-01T00:00:03Z' }),
      resource('y', 'CREATE_FAILED', { statusReason: 'bad', updatedAt: '2026-01-01T00:00:02Z' }),
      resource('x', 'CREATE_FAILED', { statusReason: 'bad', updatedAt: '2026-01-01T00:00:03Z' }),
    ]);
    expect(failures.map(({ path }) => path)).toEqual(['y', 'x', 'z', 'cancelled', 'timeout']);
  });

  test('are at most ten, and quote no secret', () => {
    const many = Array.from({ length: 30 }, (_, i) =>
      resource(`r${i}`, 'CREATE_FAILED', { statusReason: 'a-very-secret-value is bad' }),
    );
    expect(find(many)).toHaveLength(10);
    expect(JSON.stringify(find(many))).not.toContain('very-secret');
  });

  test('are none of what is well', () => {
    expect(find([resource('a'), resource('b', 'UPDATE_IN_PROGRESS'), resource('c', 'ODD_STATE')])).toEqual(
      [],
    );
  });
});

describe('the report', () => {
  const report = (resources: Resource[], maxItems = 100) =>
    reportResources(placeResources(resources), maxItems, scrubber);

  test('lists what is known of each, sorted by path', () => {
    const { resources } = report([
      resource('b', 'CREATE_FAILED', {
        physicalId: 'id-1',
        statusReason: 'a-very-secret-value is bad',
        requiredBy: ['z', 'a'],
        updatedAt: '2026-01-01T00:00:00Z',
      }),
      nested('a', 'A', 'CREATE_COMPLETE', { statusReason: 'state changed' }),
      resource('inner', 'CREATE_COMPLETE', inside('A')),
    ]);
    expect(resources).toEqual([
      { name: 'a', type: 'OS::Heat::Value', status: 'CREATE_COMPLETE' },
      { name: 'inner', type: 'OS::Heat::Value', status: 'CREATE_COMPLETE', path: 'a/inner' },
      {
        name: 'b',
        type: 'OS::Heat::Value',
        physicalResourceID: 'id-1',
        status: 'CREATE_FAILED',
        statusReason: '[redacted] is bad',
        requiredBy: ['a', 'z'],
        updatedAt: '2026-01-01T00:00:00Z',
      },
    ]);
  });

  test('has what is in a stack next to it', () => {
    const inA = resource('x', 'CREATE_COMPLETE', inside('A'));
    const { resources } = report([resource('a-b'), inA, nested('a', 'A'), resource('a.b')]);
    expect(resources.map(({ name, path = name }) => path)).toEqual(['a', 'a/x', 'a-b', 'a.b']);
  });

  test('has the failed ones when some must be left out, and counts all', () => {
    const many = Array.from({ length: 50 }, (_, i) =>
      resource(`r${String(i).padStart(2, '0')}`, i % 10 === 9 ? 'CREATE_FAILED' : 'CREATE_COMPLETE'),
    );
    const { resources, resourcesTruncated, resourceSummary } = report(many, 7);
    expect(resources.map(({ name }) => name)).toEqual(['r00', 'r01', 'r09', 'r19', 'r29', 'r39', 'r49']);
    expect(resourcesTruncated).toBe(true);
    expect(resourceSummary).toMatchObject({ total: 50, complete: 45, failed: 5, text: '45/50' });
  });

  test('is not cut at its very limit', () => {
    expect(report([resource('a'), resource('b')], 2)).toMatchObject({ resourcesTruncated: false });
  });

  test.each<[string[], object]>([
    [[], { total: 0, complete: 0, inProgress: 0, failed: 0, text: '0/0' }],
    [
      ['CREATE_COMPLETE', 'INIT_COMPLETE', 'CREATE_IN_PROGRESS', 'DELETE_FAILED', 'CHECK_COMPLETE', 'ODD'],
      { total: 6, complete: 2, inProgress: 1, failed: 1, text: '2/6' },
    ],
  ])('of %j counts', (statuses, summary) => {
    const resources = statuses.map((status, i) => resource(`r${i}`, status));
    expect(report(resources).resourceSummary).toEqual(summary);
  });

  test('does not depend on the order of the list', () => {
    const statuses = fc.constantFrom('CREATE_COMPLETE', 'CREATE_FAILED', 'INIT_COMPLETE');
    const list = fc
      .uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 3 }), statuses), {
        selector: ([name]) => name,
        maxLength: 8,
      })
      .map((rows) => rows.map(([name, status]) => resource(name, status)));
    fc.assert(
      fc.property(list, fc.integer({ min: 1, max: 8 }), (resources, maxItems) => {
        expect(report(resources.toReversed(), maxItems)).toEqual(report(resources, maxItems));
      }),
    );
  });
});
