import { afterAll, beforeAll, expect, it } from 'vitest';
import { HEAT_STACKS } from '../../../src/api/constants.ts';
import { HostileCloud } from '../../support/hostile-cloud.ts';
import { RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('resource-tree-large');
/** Beyond this etcd refuses an object, and the API server answers 500. */
const MIB = 1024 * 1024;
const cloud = new HostileCloud();

beforeAll(async () => {
  await cloud.start();
  await s.writeSecret('stand-in', { 'clouds.yaml': cloud.cloudsYaml() });
  await s.startOperator();
});
afterAll(() => cloud.stop());

/** As many resources as asked for, with texts as long as Heat's; each hundredth failed. */
function resources(count: number): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, i) => ({
    resource_name: `server-of-the-web-farm-${i}`,
    resource_type: 'OS::Nova::Server',
    physical_resource_id: `1f0a5c1e-0000-4000-8000-${String(i).padStart(12, '0')}`,
    resource_status: i % 100 === 99 ? 'CREATE_FAILED' : 'CREATE_COMPLETE',
    resource_status_reason:
      i % 100 === 99 ? `reason of ${i}: `.padEnd(800, 'no valid host was found ') : 'state changed',
    required_by: [`volume-${i}`, `port-${i}`],
  }));
}

it.each([1_000, 10_000])('%i resources', async (count) => {
  const name = `many-${count}`;
  cloud.stack(name).resources = resources(count);
  await s.apply(name, {
    cloudCredentialsRef: { secretName: 'stand-in', cloudName: 'demo' },
    template: { inline: RANDOM_STRING },
    resources: { maxItems: 2000 },
  });
  const { status } = await s.until(name, 'read', (object) => object.status.resourceSummary?.total === count);
  const failed = count / 100;
  expect(status.resourceSummary).toMatchObject({ complete: count - failed, failed });
  expect(status.resources?.length).toBeGreaterThan(Math.min(count, 1_000) * 0.8);
  const shown = status.resources?.filter((resource) => resource.status === 'CREATE_FAILED');
  expect(shown).toHaveLength(failed);
  const object = await s.kube.get(HEAT_STACKS, { namespace: s.namespace, name });
  expect(Buffer.byteLength(JSON.stringify(object))).toBeLessThan(MIB);
});
