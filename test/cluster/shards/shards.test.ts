import { afterAll, beforeAll, expect, it } from 'vitest';
import { Release } from '../../support/release.ts';
import { bed, RANDOM_STRING, scenario } from '../../support/scenario.ts';
import { heatProxy, oneStackEach, useProxy } from '../support/heat.ts';
import { install, NAMESPACE, removeAll } from '../support/installation.ts';
import { operatorPods, podLog } from '../support/pods.ts';

const LABEL = 'sharding.fluxcd.io/key';
const proxy = heatProxy();
const [rest, shard] = ['heatstack-operator', 'heatstack-operator-a'].map(
  (name) => new Release(bed(), { name, namespace: NAMESPACE }),
) as [Release, Release];

beforeAll(async () => {
  // As docs/operations.md says.
  await install(rest, { watchLabelSelector: `!${LABEL}` });
  await install(shard, {
    watchLabelSelector: `${LABEL}=a`,
    crds: { install: false },
    rbac: { aggregatedRoles: false },
  });
});
afterAll(() => removeAll([rest, shard]));

const s = scenario('pod-shards');
useProxy(s, proxy);

/** The HeatStacks that the operator of a release has dealt with. */
async function handledBy(release: Release): Promise<string[]> {
  const logs = await Promise.all((await operatorPods(release)).map((pod) => podLog(release, pod)));
  const keys = logs.flat().flatMap(({ key }) => key ?? []);
  return [...new Set(keys)].map((key) => key.replace(`${s.namespace}/`, '')).sort();
}

it('each handles its own', async () => {
  const [ours, theirs] = [`${s.namespace}-a`, `${s.namespace}-rest`];
  await s.apply(ours, { template: { inline: RANDOM_STRING } }, { labels: { [LABEL]: 'a' } });
  await s.apply(theirs, { template: { inline: RANDOM_STRING } });
  const [id] = await oneStackEach(s, [ours, theirs]);
  await expect.poll(() => handledBy(shard)).toEqual([ours]);
  await expect.poll(() => handledBy(rest)).toEqual([theirs]);

  await s.kubectl(['label', 'heatstack', ours, `${LABEL}-`]);
  await s.ask(ours);
  expect(await oneStackEach(s, [ours])).toEqual([id]);
  await expect.poll(() => handledBy(rest)).toEqual([ours, theirs]);
  expect(proxy.answers.filter(({ method }) => method !== 'GET').map(({ method }) => method)).toEqual([
    'POST',
    'POST',
  ]);
  await s.delete(ours);
  await s.gone(ours);
  expect(await s.stacksNamed(ours)).toEqual([]);
});
