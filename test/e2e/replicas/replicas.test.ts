import { afterAll, beforeAll, expect, it } from 'vitest';
import { DIGEST_KEY_SECRET } from '../../../src/controller/operator-keys.ts';
import { LEASES, type Lease } from '../../../src/kube/index.ts';
import { addressesOf } from '../../support/addresses.ts';
import { cloudsYaml } from '../../support/clouds.ts';
import { HeatProxy } from '../../support/heat-proxy.ts';
import { parseMetrics, total } from '../../support/prometheus.ts';
import { narrowValues, Release } from '../../support/release.ts';
import { eventually, type Operator, RANDOM_STRING, read, scenario } from '../../support/scenario.ts';

const s = scenario('replicas');
const release = new Release(s.bed, { name: s.namespace, namespace: s.namespace });
const proxy = new HeatProxy(s.bed.heatUrl);

beforeAll(async () => {
  await proxy.start();
  await s.writeSecret('openstack-clouds', {
    'clouds.yaml': cloudsYaml({ orchestration_endpoint_override: proxy.endpoint }),
  });
  const leaderElection = { enabled: true, leaseDuration: '6s', renewDeadline: '4s', retryPeriod: '500ms' };
  await release.install(narrowValues(s.namespace, { replicas: 2, leaderElection }));
}, 60_000);

afterAll(async () => {
  await proxy.close();
  await release.uninstall();
}, 60_000);

const holder = async () => (await read<Lease>(s, LEASES, 'heatstack-operator'))?.spec.holderIdentity ?? '';

/** Waits until another one than `former` holds the Lease; who that is. */
async function successor(former: string): Promise<string> {
  let now = '';
  await eventually(
    async () => {
      now = await holder();
      return now !== '' && now !== former;
    },
    () => `the Lease is still held by "${now}"`,
  );
  return now;
}

/** Brings up a stack, and sees that it is the only one of its object. */
async function bringsUp(name: string): Promise<void> {
  await s.apply(name, { template: { inline: RANDOM_STRING } });
  const { status } = await s.ready(name);
  const stacks = await s.stacksNamed(name);
  expect(stacks.map(({ id }) => id)).toEqual([status.id]);
}

async function start(args: string[] = []): Promise<Operator> {
  return s.startOperator(args, release);
}

it('one works, and another one follows it however it ends', { timeout: 300_000 }, async () => {
  const name = (suffix: string) => `${s.namespace}-${suffix}`;
  let leader = await start();
  let held = await successor('');
  let standby = await start();
  await bringsUp(name('first'));
  const key = await read(
    s,
    { group: '', version: 'v1', plural: 'secrets', kind: 'Secret' },
    DIGEST_KEY_SECRET,
  );
  expect(key).toBeDefined();
  expect(await holder()).toBe(held);

  // A stop finishes the write that is under way, and then gives the Lease up.
  const last = proxy.hold('POST');
  await s.apply(name('stopped'), { template: { inline: RANDOM_STRING } });
  await last.arrived;
  const stopped = leader.stop();
  await eventually(
    () => leader.log().some(({ msg }) => msg === 'stopping'),
    () => 'the leader does not stop',
  );
  expect(await holder()).toBe(held);
  const creates = proxy.count('POST', '/stacks');
  last.release();
  await stopped;
  expect(await leader.exitCode).toBe(0);
  expect((await s.get(name('stopped')))?.status.id).toBeDefined();
  expect(leader.log().map(({ msg }) => msg)).toContain('lease released');
  held = await successor(held);
  leader = standby;
  await s.ready(name('stopped'));
  expect(proxy.count('POST', '/stacks')).toBe(creates);

  standby = await start();
  await leader.kill();
  held = await successor(held);
  leader = standby;
  await bringsUp(name('killed'));

  standby = await start();
  // Stopped while Heat has created a stack that the leader doesn't know of yet.
  const before = proxy.count('POST', '/stacks');
  const create = proxy.hold('POST');
  await s.apply(name('paused'), { template: { inline: RANDOM_STRING } });
  await create.arrived;
  process.kill(leader.pid, 'SIGSTOP');
  create.release();
  held = await successor(held);
  const { status } = await s.ready(name('paused'));
  const versions = async () =>
    s.kubectl(['get', 'heatstacks', '-o', 'jsonpath={.items[*].metadata.resourceVersion}']);
  await bringsUp(name('after'));
  const settled = await versions();
  const writes = () => proxy.answers.filter(({ method }) => method !== 'GET').length;
  const written = writes();
  process.kill(leader.pid, 'SIGCONT');
  expect(await leader.exitCode).toBe(1);
  expect(await holder()).toBe(held);
  expect(await versions()).toBe(settled);
  expect(writes()).toBe(written);
  expect((await s.stacksNamed(name('paused'))).map(({ id }) => id)).toEqual([status.id]);
  // One for each object, of which no more than the paused one and that after it were to come.
  expect(proxy.count('POST', '/stacks')).toBe(before + 2);
  expect(proxy.count('PUT')).toBe(0);

  await s.kubectl(['delete', 'heatstacks', '--all', '--wait=false']);
  for (const each of ['first', 'stopped', 'killed', 'paused', 'after']) await s.gone(name(each));
  expect(JSON.stringify(standby.log())).not.toMatch(/is forbidden|Forbidden/);
  await standby.stop();
});

it('two that start at once make one key, and one of them works', async () => {
  await s.kubectl(['delete', 'secret', DIGEST_KEY_SECRET]);
  const options = ['--metrics-address=127.0.0.1:0'];
  const [one, other] = await Promise.all([start(options), start(options)]);
  await bringsUp(`${s.namespace}-both`);
  // Whoever sums over both counts no HeatStack twice.
  const addresses = addressesOf(one.log(), '/metrics');
  const totals = async (name: string) => {
    const pages = addresses.map((address) => fetch(address));
    const texts = await Promise.all((await Promise.all(pages)).map((page) => page.text()));
    return texts.map((text) => total(parseMetrics(text), name)).sort();
  };
  expect(await totals('leader_election_master_status')).toEqual([0, 1]);
  await expect.poll(() => totals('heatstack_stacks')).toEqual([0, 1]);
  const keys = await s.kubectl(['get', 'secrets', '-o', 'name']);
  expect(keys.split('\n').filter((each) => each.endsWith(DIGEST_KEY_SECRET))).toHaveLength(1);
  await Promise.all([one.stop(), other.stop()]);
  expect(await holder()).toBe('');
});
