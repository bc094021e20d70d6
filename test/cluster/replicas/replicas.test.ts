import { describe, expect, it } from 'vitest';
import { LEASES, type Lease } from '../../../src/kube/index.ts';
import { eventually, scenario, slowTemplate } from '../../support/scenario.ts';
import { heatProxy, oneStackEach, useProxy } from '../support/heat.ts';
import { installed, kubectl, NAMESPACE } from '../support/installation.ts';
import { isReady, operatorPods, type Pod, restarted, signalOperator } from '../support/pods.ts';

const proxy = heatProxy();
const release = installed({
  replicas: 2,
  leaderElection: { enabled: true, leaseDuration: '6s', renewDeadline: '4s', retryPeriod: '500ms' },
  // One that is paused is to go on, however long the other one takes.
  livenessProbe: { failureThreshold: 30 },
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
      return (
        pods.length === 2 && pods.every(isReady) && pods.some(({ metadata }) => metadata.name === leader)
      );
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
  let now = '';
  await eventually(
    async () => {
      now = await holder();
      return ![former, ''].includes(now);
    },
    () => `the Lease is still held by "${now}"`,
  );
  return now;
}

describe('another replica takes over', () => {
  it('when the pod of the leader is deleted', async () => {
    const [leader] = await leaderAndStandby();
    const name = `${s.namespace}-deleted`;
    await s.apply(name, { template: { inline: slowTemplate(5) } });
    await s.until(name, 'begun', ({ status }) => status.id !== undefined);
    const former = await holder();
    await kubectl(['delete', 'pod', '-n', NAMESPACE, leader.metadata.name, '--wait=false']);
    // The one that stood by, unless the pod that replaces the leader's asks first when it is given up.
    expect(await successor(former)).not.toMatch(new RegExp(`^${leader.metadata.name}_`));
    await oneStackEach(s, [name]);
    expect(proxy.count('POST', '/stacks')).toBe(1);
  });

  it.each<NodeJS.Signals>(['SIGKILL', 'SIGSTOP'])('when the leader gets %s', async (signal) => {
    const name = (suffix: string) => `${s.namespace}-${signal.toLowerCase()}-${suffix}`;
    const [created, updated] = [name('created'), name('updated')];
    await s.apply(updated, { template: { inline: slowTemplate(0) } });
    await oneStackEach(s, [updated]);
    const [leader] = await leaderAndStandby();
    const former = await holder();
    const writes = () => [proxy.count('POST', '/stacks'), proxy.count('PUT')];
    const [posts = 0, puts = 0] = writes();
    // Of one stack the leader is about to hear that it was made, and of the other what it was to look at before an update.
    const [made, seen] = [proxy.hold('POST'), proxy.hold('GET')];
    await s.apply(updated, { template: { inline: slowTemplate(1, 'two') } });
    await seen.arrived;
    await s.apply(created, { template: { inline: slowTemplate(2) } });
    await made.arrived;
    signalOperator(leader, signal);
    for (const held of [made, seen]) held.release();
    const next = await successor(former);
    const ids = await oneStackEach(s, [created, updated]);
    const settled = [posts + 1, puts + 1];
    expect(writes()).toEqual(settled);
    const versions = async () =>
      s.kubectl(['get', 'heatstacks', '-o', 'jsonpath={.items[*].metadata.resourceVersion}']);
    const before = await versions();
    if (signal === 'SIGSTOP') signalOperator(leader, 'SIGCONT');
    expect(await restarted(release, leader)).toMatchObject({ exitCode: signal === 'SIGSTOP' ? 1 : 137 });
    expect(await holder()).toBe(next);
    expect(await versions()).toBe(before);
    expect(writes()).toEqual(settled);
    expect(await oneStackEach(s, [created, updated])).toEqual(ids);
  });
});
