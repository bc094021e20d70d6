import { afterAll, beforeAll, expect, it } from 'vitest';
import { Release } from '../../support/release.ts';
import { RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('namespace-refused');
const other = `${s.namespace}-other`;
const release = new Release(s.bed, { name: s.namespace, namespace: s.namespace });
const SPEC = { template: { inline: RANDOM_STRING } };
const REFUSED = 'may not look into this namespace; it is left out until it may';

const install = (): Promise<string> =>
  release.install({
    crds: { install: false },
    allowedEndpoints: ['127.0.0.1'],
    clusterID: s.namespace,
    watchNamespaces: [s.namespace, other],
  });

const inOther = (args: string[], stdin = ''): Promise<string> =>
  s.kubectl(['--namespace', other, ...args], { namespaced: false, stdin });

beforeAll(async () => {
  await s.createNamespace(other);
  await install();
  await inOther([
    'create',
    'secret',
    'generic',
    'openstack-clouds',
    `--from-file=clouds.yaml=${s.bed.clouds}`,
  ]);
}, 60_000);

afterAll(async () => {
  await inOther(['delete', 'heatstacks', '--all', '--timeout=30s']);
  await release.uninstall();
}, 60_000);

it('works in the other namespace, and in both once it may', async () => {
  const [here, there] = [`${s.namespace}-here`, `${s.namespace}-there`];
  await inOther(['delete', 'rolebinding', release.fullname]);
  await inOther(['create', '-f', '-'], JSON.stringify(s.manifest(there, SPEC)));
  // The API server takes a binding that is gone into account a moment later.
  const mayList = () =>
    inOther(['auth', 'can-i', 'list', 'heatstacks', '--as', release.user]).then(
      () => true,
      () => false,
    );
  await expect.poll(mayList).toBe(false);

  const operator = await s.startOperator([], release);
  await s.apply(here, SPEC);
  await s.ready(here);
  expect(operator.log().filter(({ msg }) => msg === REFUSED)).toMatchObject([{ namespace: other }]);
  expect(await s.stacksNamed(there)).toEqual([]);

  await install();
  await inOther(['wait', '--for=condition=Ready', `heatstack/${there}`, '--timeout=60s']);
  expect(operator.log().filter(({ msg }) => msg === REFUSED)).toHaveLength(1);
}, 120_000);
