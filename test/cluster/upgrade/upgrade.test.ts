import { expect, it } from 'vitest';
import { LEASES, type Lease } from '../../../src/kube/index.ts';
import { eventually, RANDOM_STRING, scenario, slowTemplate } from '../../support/scenario.ts';
import { heatProxy, oneStackEach, useProxy } from '../support/heat.ts';
import { install, installed, NAMESPACE } from '../support/installation.ts';
import { operatorPods } from '../support/pods.ts';

const VALUES = { leaderElection: { enabled: true } };
const proxy = heatProxy();
const release = installed(VALUES);
const s = scenario('upgrade');
useProxy(s, proxy);

const podNames = async (): Promise<string[]> =>
  (await operatorPods(release)).map(({ metadata }) => metadata.name);

/** Waits until one pod is left; its name. */
async function onlyPod(): Promise<string> {
  await expect.poll(podNames).toHaveLength(1);
  return (await podNames())[0] ?? '';
}

/** Waits until a new pod leads; its name. */
async function newPod(before: string): Promise<string> {
  const name = await onlyPod();
  expect(name).not.toBe(before);
  const lease = () => s.kube.get<Lease>(LEASES, { namespace: NAMESPACE, name: 'heatstack-operator' });
  await expect.poll(async () => (await lease())?.spec.holderIdentity).toMatch(new RegExp(`^${name}_`));
  return name;
}

it('goes on with creates under a new pod, and under the old one again', async () => {
  const first = await onlyPod();
  const name = (suffix: string) => `${s.namespace}-${suffix}`;
  /** Creates, of which Heat has begun the first when the change begins, and the second comes in between. */
  const during = async (round: string, change: () => Promise<string>): Promise<string[]> => {
    const [begun, added] = [name(`${round}-begun`), name(`${round}-added`)];
    await s.apply(begun, { template: { inline: slowTemplate(8) } });
    await s.until(begun, 'begun', ({ status }) => status.stackStatus === 'CREATE_IN_PROGRESS');
    // Heat has created it, and the operator that asked for it doesn't know yet.
    const held = proxy.hold('POST');
    await s.apply(added, { template: { inline: RANDOM_STRING } });
    await held.arrived;
    const old = await onlyPod();
    // The old pod finishes what it has begun before it gives the Lease up; the new one is ready by then.
    const isStopping = async () => !(await podNames()).includes(old);
    const stopping = eventually(isStopping, () => `${old} is not stopped`).then(() => held.release());
    await Promise.all([change(), stopping]);
    return [begun, added];
  };
  const upgraded = await during('upgrade', () =>
    install(release, { ...VALUES, podAnnotations: { round: 'two' } }),
  );
  const second = await newPod(first);
  const rolledBack = await during('rollback', () =>
    release.helm(['rollback', release.name, '1', '--wait', '--timeout', '2m']),
  );
  await newPod(second);

  const all = [...upgraded, ...rolledBack];
  await oneStackEach(s, all);
  expect(proxy.count('POST', '/stacks')).toBe(all.length);
  expect(proxy.count('PUT')).toBe(0);
  expect(proxy.count('DELETE')).toBe(0);
});

it('changes nothing when the schema refuses a value', async () => {
  const revisions = async () => JSON.parse(await release.helm(['history', release.name, '-o', 'json']));
  const [before, pods] = [await revisions(), await operatorPods(release)];
  const wrong = { ...VALUES, concurrency: 'many', replica: 2, logLevel: 'loud' };
  const refused = install(release, wrong);
  await expect(refused).rejects.toThrow(/values don't meet the specifications of the schema/);
  for (const value of ['/concurrency', "'replica'", '/logLevel'])
    await expect(refused).rejects.toThrow(value);
  expect(await revisions()).toEqual(before);
  expect((await operatorPods(release)).map(({ metadata }) => metadata.uid)).toEqual(
    pods.map(({ metadata }) => metadata.uid),
  );
});
