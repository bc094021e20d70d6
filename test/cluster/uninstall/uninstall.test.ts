import { expect, it } from 'vitest';
import { DIGEST_KEY_SECRET } from '../../../src/controller/operator-keys.ts';
import { RANDOM_STRING, scenario, slowTemplate } from '../../support/scenario.ts';
import { heatProxy, oneStackEach, useProxy } from '../support/heat.ts';
import { install, installed, kubectl, NAMESPACE } from '../support/installation.ts';

const proxy = heatProxy();
const release = installed();
const s = scenario('uninstall');
useProxy(s, proxy);

it('keeps definition, HeatStacks and stacks, and goes on when it is installed again', async () => {
  const name = (suffix: string) => `${s.namespace}-${suffix}`;
  const [done, begun, deleted] = [name('done'), name('begun'), name('deleted')];
  for (const each of [done, deleted]) await s.apply(each, { template: { inline: RANDOM_STRING } });
  const ids = await oneStackEach(s, [done, deleted]);
  await s.apply(begun, { template: { inline: slowTemplate(6) } });
  const { status } = await s.until(begun, 'begun', (object) => object.status.id !== undefined);
  const key = async () =>
    kubectl(['get', 'secret', DIGEST_KEY_SECRET, '-n', NAMESPACE, '-o', 'jsonpath={.metadata.uid} {.data}']);
  const keyBefore = await key();

  await release.helm(['uninstall', release.name, '--wait', '--timeout', '1m']);
  const mine = ['-l', `app.kubernetes.io/instance=${release.name}`, '-o', 'name'];
  const kinds = 'deployments,pods,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings';
  const left = () => kubectl(['get', `${kinds},validatingadmissionpolicies`, '-A', ...mine]);
  await expect.poll(left).toBe('');
  expect(await kubectl(['get', 'crd', 'heatstacks.heatstack.dev', '-o', 'name'])).toMatch(/heatstacks/);
  expect(await key()).toBe(keyBefore);
  const writes = () => proxy.answers.filter(({ method }) => method !== 'GET').map(({ method }) => method);
  const before = writes();
  expect(before).toEqual(['POST', 'POST', 'POST']);

  // Nobody deletes its stack now, so it stays.
  await s.delete(deleted);
  await s.stackComplete(status.id ?? '');
  expect((await s.get(deleted))?.metadata.finalizers).toEqual(['heatstack.dev/stack']);
  expect((await s.stacksNamed(deleted)).map(({ id }) => id)).toEqual([ids[1]]);

  await install(release);
  await s.gone(deleted);
  expect(await s.stacksNamed(deleted)).toEqual([]);
  expect(await oneStackEach(s, [done, begun])).toEqual([ids[0], status.id]);
  for (const each of [done, begun]) await s.ask(each);
  expect(await key()).toBe(keyBefore);
  expect(writes()).toEqual([...before, 'DELETE']);
});
