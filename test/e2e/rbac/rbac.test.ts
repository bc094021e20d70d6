import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Release } from '../../support/release.ts';
import { DOCUMENTED_RIGHTS, named, parseRights } from '../../support/rights.ts';
import { scenario } from '../../support/scenario.ts';

const s = scenario('rbac');
const own = `${s.namespace}-own`;
const WATCHED = s.namespace;
const UNWATCHED = 'default';

interface Mode {
  mode: string;
  watchNamespaces: string[];
  secretNames?: string[];
  /** The one value that is set. */
  value: string;
}

const MODES: Mode[] = [
  { mode: 'cluster-wide', watchNamespaces: [], value: 'outputObjects.enabled' },
  { mode: 'cluster-wide', watchNamespaces: [], value: 'protectCredentials' },
  { mode: 'cluster-wide', watchNamespaces: [], value: 'events' },
  {
    mode: 'cluster-wide for two Secrets',
    watchNamespaces: [],
    value: 'outputObjects.enabled',
    secretNames: ['one', 'two'],
  },
  { mode: 'with watchNamespaces', watchNamespaces: [WATCHED], value: 'outputObjects.enabled' },
  { mode: 'with watchNamespaces', watchNamespaces: [WATCHED], value: 'protectCredentials' },
  { mode: 'with watchNamespaces', watchNamespaces: [WATCHED], value: 'leaderElection.enabled' },
];
const RELEASES = MODES.map((mode, index) => ({
  secretNames: [],
  ...mode,
  release: new Release(s.bed, { name: `${s.namespace}-${index}`, namespace: own }),
}));

beforeAll(async () => {
  await s.createNamespace(own);
}, 60_000);

afterAll(async () => {
  // Not all of it is in the namespace.
  for (const { release } of RELEASES) await release.uninstall().catch(() => undefined);
}, 60_000);

describe.each(RELEASES)('$mode, with $value alone', ({ release, watchNamespaces, secretNames, value }) => {
  beforeAll(async () => {
    await release.install({
      crds: { install: false },
      watchNamespaces,
      clusterID: 'test',
      secretNames,
      outputObjects: { enabled: value === 'outputObjects.enabled' },
      protectCredentials: value === 'protectCredentials',
      leaderElection: { enabled: value === 'leaderElection.enabled' },
      events: value === 'events',
    });
  }, 60_000);

  it.each([
    ['a watched namespace', WATCHED],
    ['an unwatched namespace', UNWATCHED],
    ['its own namespace', own],
  ])('%s', async (_, namespace) => {
    const isWatched = watchNamespaces.length === 0 || watchNamespaces.includes(namespace);
    const expected = DOCUMENTED_RIGHTS.filter(
      ({ where, condition }) =>
        (where === 'own' ? namespace === own : isWatched) && ['', value].includes(condition),
    ).flatMap(({ right }) => named(right, secretNames));
    const everybodys = await rightsOf(`system:serviceaccount:${own}:nobody`, namespace);
    // The API server takes new roles into account a moment later.
    const rights = async () => {
      const all = await rightsOf(release.user, namespace);
      return [...all].filter((right) => !everybodys.has(right)).sort();
    };
    await expect.poll(rights, { timeout: 10_000 }).toEqual([...new Set(expected)].sort());
  });
});

it('finds the table', () => {
  expect(DOCUMENTED_RIGHTS.length).toBeGreaterThan(20);
  expect(new Set(DOCUMENTED_RIGHTS.map(({ condition }) => condition))).toEqual(
    new Set(['', ...RELEASES.map(({ value }) => value)]),
  );
});

/** What the API server lets a user do in a namespace, as `get secrets name`. */
async function rightsOf(user: string, namespace: string): Promise<Set<string>> {
  const list = ['auth', 'can-i', '--list', `--as=${user}`, '--namespace', namespace];
  return parseRights(await s.kubectl(list, { namespaced: false }));
}
