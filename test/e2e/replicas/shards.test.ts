import { afterAll, beforeAll, expect, it } from 'vitest';
import { LEASES, type Lease } from '../../../src/kube/index.ts';
import { leaseName } from '../../../src/options.ts';
import { narrowValues, Release } from '../../support/release.ts';
import { RANDOM_STRING, read, scenario } from '../../support/scenario.ts';

const s = scenario('shards');
const LABEL = 'sharding.fluxcd.io/key';
const shards = ['a', 'b'].map((key) => ({
  key,
  selector: `${LABEL}=${key}`,
  release: new Release(s.bed, { name: `${s.namespace}-${key}`, namespace: s.namespace }),
}));

beforeAll(async () => {
  for (const { selector, release } of shards) {
    const more = { watchLabelSelector: selector, leaderElection: { enabled: true } };
    await release.install(narrowValues(s.namespace, more));
  }
}, 60_000);

afterAll(async () => {
  for (const { release } of shards) await release.uninstall();
}, 60_000);

const USER = `heat_template_version: 2018-08-31
parameters:
  given: { type: string }
outputs:
  value:
    value: { get_param: given }
`;

it('each handles its own, and references hold across them', async () => {
  const [a, b] = shards;
  if (!a || !b) throw new Error('no shards');
  const name = (suffix: string) => `${s.namespace}-${suffix}`;
  const labels = (key: string) => ({ labels: { [LABEL]: key } });
  const theirs = await s.startOperator([], b.release);
  await s.apply(name('unlabelled'), { template: { inline: RANDOM_STRING } });
  const outputs = { inStatus: ['value'] };
  await s.apply(name('ours'), { template: { inline: RANDOM_STRING }, outputs }, labels('a'));
  await s.apply(name('first'), { template: { inline: RANDOM_STRING } }, labels('b'));
  await s.ready(name('first'));
  // Nobody works on these yet.
  for (const each of ['unlabelled', 'ours'])
    expect((await s.get(name(each)))?.metadata.finalizers ?? []).toEqual([]);

  await s.apply(
    name('user'),
    {
      template: { inline: USER },
      parameterValues: [
        { name: 'given', valueFrom: { heatStackOutputRef: { name: name('ours'), output: 'value' } } },
      ],
    },
    labels('b'),
  );
  await s.notReady(name('user'), 'DependencyNotReady');
  const ours = await s.startOperator([], a.release);
  await s.ready(name('ours'));
  await s.ready(name('user'));
  for (const { selector } of shards) {
    const lease = await read<Lease>(s, LEASES, leaseName({ stacksLabelSelector: selector }));
    expect(lease?.spec.holderIdentity).toBeTruthy();
  }
  // The user in the other shard holds it.
  await s.delete(name('ours'));
  await s.notReady(name('ours'), 'DependencyNotReady');
  await s.delete(name('user'));
  await s.gone(name('user'));
  await s.gone(name('ours'));

  // The one that lost it neither touches it nor its stack.
  const id = (await s.get(name('first')))?.status.id;
  await s.kubectl(['label', '--overwrite', 'heatstack', name('first'), `${LABEL}=a`]);
  await s.ask(name('first'));
  await theirs.stop();
  expect((await s.ready(name('first'))).status.id).toBe(id);
  expect((await s.stacksNamed(name('first'))).map((stack) => stack.id)).toEqual([id]);
  await s.delete(name('first'));
  await s.gone(name('first'));
  expect(await s.stacksNamed(name('unlabelled'))).toEqual([]);
  expect(JSON.stringify(ours.log())).not.toMatch(/is forbidden|Forbidden/);
});
