import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ANNOTATIONS } from '../../../src/api/constants.ts';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import { cloudsYaml } from '../../support/clouds.ts';
import { HeatProxy, type Outage } from '../../support/heat-proxy.ts';
import { condition, RANDOM_STRING, scenario, slowTemplate, underway } from '../../support/scenario.ts';

const s = scenario('outage');
const proxy = new HeatProxy(s.bed.heatUrl);
const SECRET = 'broken-cloud';
const names = ['a', 'b', 'c'].map((letter) => `${s.namespace}-${letter}`);
/** Three attempts of each object before anybody knows, then probes after 1, 2, 4, 8 … s. */
const MOST_REQUESTS = 20;
/** Two reads in a row may take their whole time before a cloud that hangs counts as out of order. */
const CUT_OFF_MS = 120_000;

beforeAll(async () => {
  await proxy.start();
  await s.writeSecret(SECRET, {
    'clouds.yaml': cloudsYaml({ orchestration_endpoint_override: proxy.endpoint }),
  });
  await s.startOperator();
  for (const name of names) await apply(name);
  for (const name of names) await s.ready(name);
});
afterEach(() => proxy.comeBack());
afterAll(() => proxy.close());

/** A HeatStack of the cloud that goes away. */
function apply(name: string, spec: Record<string, unknown> = {}): Promise<void> {
  const cloudCredentialsRef = { secretName: SECRET, cloudName: 'demo' };
  return s.apply(name, { cloudCredentialsRef, template: { inline: RANDOM_STRING }, ...spec });
}

const isCutOff = (object: HeatStack) =>
  /^reconciling the stack: Heat is out of order since /.test(condition(object, 'Ready')?.message ?? '');
const versions = () =>
  Promise.all(names.map(async (name) => (await s.get(name))?.metadata.resourceVersion ?? name));

// "hangs" takes as long as a read may: 30 s.
it.each<[Outage, RegExp]>([
  ['502', /Heat answered 502 to GET /],
  ['refuses', /Heat at http:\/\/127\.0\.0\.1:\d+ can't be reached \(ECONNREFUSED\)/],
  ['hangs', /Heat at http:\/\/127\.0\.0\.1:\d+ gave no complete answer within \d+ s/],
])('%s: is said, spares the cloud, touches nobody else and ends by itself', async (how, failure) => {
  const begun = `${s.namespace}-begun-${how}`;
  await apply(begun, { template: { inline: slowTemplate(3) } });
  const { status } = await s.until(begun, 'begun', (object) => object.status.id !== undefined);

  await proxy.goAway(how);
  const ask = { metadata: { annotations: { [ANNOTATIONS.requestedAt]: how } } };
  for (const name of names) await s.patch(name, ask);
  // Meanwhile another cloud's stack is made, from the first to the last call.
  const other = `${s.namespace}-other-${how}`;
  await s.apply(other, { template: { inline: RANDOM_STRING } });
  await s.ready(other);

  for (const name of [...names, begun]) {
    const object = await s.until(name, 'cut off', isCutOff, CUT_OFF_MS);
    expect(condition(object, 'Ready')).toMatchObject({ status: 'False', reason: 'TransientError' });
    expect(condition(object, 'Ready')?.message).toMatch(failure);
    expect(underway(object)).toEqual(['Reconciling']);
  }
  const before = await versions();
  await s.delete(other);
  await s.gone(other);
  expect(await versions()).toEqual(before);
  expect(proxy.requestsInVain).toBeLessThanOrEqual(MOST_REQUESTS);

  await proxy.comeBack();
  for (const name of [...names, begun]) await s.ready(name);
  expect((await s.get(begun))?.status.id).toBe(status.id);
});
