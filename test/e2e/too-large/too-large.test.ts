import { afterAll, beforeAll, expect, it } from 'vitest';
import { endless, HostileCloud } from '../../support/hostile-cloud.ts';
import { eventually, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('too-large');
const cloud = new HostileCloud();

beforeAll(async () => {
  await cloud.start();
  await s.writeSecret('stand-in', { 'clouds.yaml': cloud.cloudsYaml() });
  await s.startOperator();
});
afterAll(() => cloud.stop());

it('leaves out resources that are too many to be read', async () => {
  const name = 'too-large-resources';
  cloud.on(`GET ${cloud.stack(name).path}/resources`, endless());
  await s.apply(name, {
    cloudCredentialsRef: { secretName: 'stand-in', cloudName: 'demo' },
    template: { inline: RANDOM_STRING },
  });
  const { status } = await s.ready(name);
  expect(status.resourcesTruncated).toBe(true);
  expect(status.resources).toBeUndefined();
  expect(status.resourceSummary).toBeUndefined();
  await eventually(
    async () => (await s.events(name)).some(({ reason }) => reason === 'ResourcesTooLarge'),
    () => 'no Event tells it',
  );
  await s.delete(name);
  await s.gone(name);
});
