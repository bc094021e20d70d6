import { expect, it } from 'vitest';
import { parseMetrics, total } from '../../support/prometheus.ts';
import { FAILING, RANDOM_STRING, scenario } from '../../support/scenario.ts';
import { installed, kubectl, NAMESPACE } from '../support/installation.ts';
import { operatorPods, type Pod, podLog } from '../support/pods.ts';

const release = installed();
const s = scenario('pod-metrics');

/** The only pod. */
async function operatorPod(): Promise<Pod> {
  const [pod] = await operatorPods(release);
  if (!pod) throw new Error('no pod');
  return pod;
}

it('has metrics that can be scraped, and logs JSON', async () => {
  const [works, fails] = [`${s.namespace}-works`, `${s.namespace}-fails`];
  await s.apply(works, { template: { inline: RANDOM_STRING } });
  await s.apply(fails, { template: { inline: FAILING }, remediation: { create: { retries: 0 } } });
  await s.ready(works);
  await s.notReady(fails, 'CreateFailed');

  const pod = await operatorPod();
  const port = pod.spec.containers[0]?.ports.find(({ name }) => name === 'metrics')?.containerPort;
  const scrape = async () => {
    const answer = await fetch(`http://${pod.status.podIP}:${port}/metrics`);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    return parseMetrics(await answer.text());
  };
  // Metrics and log tell of the last status a moment after it was written.
  const statuses = ['CREATE_COMPLETE', 'CREATE_FAILED'];
  const stacks = async () => {
    const seen = await scrape();
    return statuses.map((status) => total(seen, 'heatstack_stacks', { status }));
  };
  await expect.poll(stacks).toEqual([1, 1]);
  const operations = async () => {
    const seen = await scrape();
    return ['complete', 'failed'].map((result) =>
      total(seen, 'heatstack_operation_duration_seconds_count', { action: 'Create', result }),
    );
  };
  await expect.poll(operations).toEqual([1, 1]);

  const reconciled = async () =>
    (await podLog(release, pod)).flatMap(({ msg, key }) => (msg === 'reconciled' ? [key] : []));
  const keys = [works, fails].map((name) => `${s.namespace}/${name}`);
  await expect.poll(reconciled).toEqual(expect.arrayContaining(keys));
  const lines = (await kubectl(['logs', '-n', NAMESPACE, pod.metadata.name])).trimEnd().split('\n');
  for (const line of lines)
    expect(JSON.parse(line)).toMatchObject({
      level: expect.anything(),
      time: expect.anything(),
      msg: expect.any(String),
    });
});
