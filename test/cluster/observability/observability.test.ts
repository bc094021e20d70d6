import { expect, it } from 'vitest';
import { parseMetrics, total } from '../../support/prometheus.ts';
import { eventually, FAILING, RANDOM_STRING, scenario } from '../../support/scenario.ts';
import { installed, kubectl, NAMESPACE } from '../support/installation.ts';
import { operatorPods, type Pod } from '../support/pods.ts';

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
  let seen = await scrape();
  // The watch tells of the last status a moment after it was written.
  await eventually(
    async () => {
      seen = await scrape();
      return ['CREATE_COMPLETE', 'CREATE_FAILED'].every(
        (status) => total(seen, 'heatstack_stacks', { status }) === 1,
      );
    },
    () => JSON.stringify(seen.get('heatstack_stacks')),
  );
  const operations = 'heatstack_operation_duration_seconds_count';
  expect(total(seen, operations, { action: 'Create', result: 'complete' })).toBe(1);
  expect(total(seen, operations, { action: 'Create', result: 'failed' })).toBe(1);

  const lines = (await kubectl(['logs', '-n', NAMESPACE, pod.metadata.name])).trimEnd().split('\n');
  const log = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  for (const line of log)
    expect(line).toMatchObject({
      level: expect.anything(),
      time: expect.anything(),
      msg: expect.any(String),
    });
  for (const name of [works, fails])
    expect(
      log.filter(({ key, msg }) => key === `${s.namespace}/${name}` && msg === 'reconciled'),
    ).not.toEqual([]);
});
