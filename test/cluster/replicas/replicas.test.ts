import { describe, expect, it } from 'vitest';
import { LEASES, type Lease } from '../../../src/kube/index.ts';
import { eventually, scenario, slowTemplate } from '../../support/scenario.ts';
import { heatProxy, oneStackEach, useProxy } from '../support/heat.ts';
import { installed, kubectl, NAMESPACE } from '../support/installation.ts';
import { operatorPods, type Pod, restarted, signalOperator } from '../support/pods.ts';

const proxy = heatProxy();
const release = installed({
  replicas: 2,
  leaderElection: { enabled: true, leaseDuration: '6s', renewDeadline: '4s', retryPeriod: '500ms' },
});
const s = scenario('failover');
useProxy(s, proxy);

/** Who holds the Lease: a pod's name, and what tells its processes apart. */
async function holder(): Promise<string> {
  const lease = await s.kube.get<Lease>(LEASES, { namespace: NAMESPACE, name: 'heatstack-operator' });
  return lease?.spec.holderIdentity ?? '';
}

/** The two pods, the leader first, when both are ready. */
async function leaderAndStandby(): Promise<[Pod, Pod]> {
  let pods: Pod[] = [];
  let leader = '';
  await eventually(
    async () => {
      [pods, leader] = [await operatorPods(release), (await holder()).split('_')[0] ?? ''];
      const areReady = pods.every(({ status }) => status.containerStatuses?.[0]?.ready);
      return pods.length === 2 && areReady && pods.some(({ metadata }) => metadata.name === leader);
    },
    () =>
      `"${leader}" leads, of ${JSON.stringify(pods.map(({ metadata, status }) => [metadata.name, status]))}`,
  );
  const [first, second] = pods.sort((a) => (a.metadata.name === leader ? -1 : 1));
  if (!first || !second) throw new Error('no pods');
  return [first, second];
}

/** Waits until another process leads than `former`; who. */
async function successor(former: string): Promise<string> {
  await expect.poll(async () => ![former, ''].includes(await holder())).toBe(true);
  return holder();
}

describe('the other replica takes over', () => {
  it('when the pod of the leader is deleted', async () => {
    const [leader, standby] = await leaderAndStandby();
    const name = `${s.namespace}-deleted`;
    await s.apply(name, { template: { inline: slowTemplate(5) } });
    await s.until(name, 'begun', ({ status }) => status.id !== undefined);
    const former = await holder();
    await kubectl(['delete', 'pod', '-n', NAMESPACE, leader.metadata.name, '--wait=false']);
    expect(await successor(former)).toMatch(new RegExp(`^${standby.metadata.name}_`));
    await oneStackEach(s, [name]);
    expect(proxy.count('POST', '/stacks')).toBe(1);
  });

  it.each<NodeJS.Signals>(['SIGKILL', 'SIGSTOP'])('when the leader gets %s', async (signal) => {
    const [leader] = await leaderAndStandby();
    const name = `${s.namespace}-${signal.toLowerCase()}`;
    const posts = proxy.count('POST', '/stacks');
    const former = await holder();
    const held = proxy.hold('POST');
    await s.apply(name, { template: { inline: slowTemplate(2) } });
    await held.arrived;
    const end = restarted(release, leader);
    signalOperator(leader, signal);
    held.release();
    const next = await successor(former);
    const [id] = await oneStackEach(s, [name]);
    if (signal === 'SIGSTOP') {
      const { resourceVersion } = (await s.get(name))?.metadata ?? {};
      signalOperator(leader, 'SIGCONT');
      expect(await end).toMatchObject({ exitCode: 1 });
      expect((await s.get(name))?.metadata.resourceVersion).toBe(resourceVersion);
      expect((await s.stacksNamed(name)).map((stack) => stack.id)).toEqual([id]);
    } else expect(await end).toMatchObject({ exitCode: 137 });
    expect(await holder()).toBe(next);
    expect(proxy.count('POST', '/stacks')).toBe(posts + 1);
    expect(proxy.count('PUT')).toBe(0);
  });
});
