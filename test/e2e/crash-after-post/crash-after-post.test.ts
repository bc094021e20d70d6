import { afterAll, beforeAll, expect, it } from 'vitest';
import { cloudsYaml } from '../../support/clouds.ts';
import { HeatProxy } from '../../support/heat-proxy.ts';
import { type Manifest, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('crash-after-post');
const proxy = new HeatProxy(s.bed.heatUrl);
const CREATES = 20;
const OTHERS = 3;
const names = Array.from({ length: CREATES }, (_, index) => `crash-after-post-${index + 10}`);

beforeAll(async () => {
  await proxy.start();
  await s.writeSecret('openstack-clouds', {
    'clouds.yaml': cloudsYaml({ orchestration_endpoint_override: proxy.endpoint }),
  });
});
afterAll(() => proxy.close());

/** Starts an operator and kills it when Heat has answered a request with this method; so many times. */
async function killAfter(method: string, times: number): Promise<void> {
  for (let kills = 0; kills < times; kills += 1) {
    const held = proxy.hold(method);
    // One at a time, so that just one answer is lost with each kill.
    const operator = await s.startOperator(['--concurrency', '1']);
    await held.arrived;
    await operator.kill();
    held.release();
  }
}

function manifests(template: string, of: readonly string[] = names): Manifest[] {
  return of.map((name) => s.manifest(name, { template: { inline: template } }));
}

it('never makes a second stack, and sends nothing twice', { timeout: 300_000 }, async () => {
  await s.applyAll(manifests(RANDOM_STRING));
  await killAfter('POST', CREATES);
  expect(proxy.count('POST', '/stacks')).toBe(CREATES);

  let operator = await s.startOperator();
  const ids = new Map<string, string | undefined>();
  for (const name of names) {
    const { status } = await s.ready(name);
    expect(await s.stacksNamed(name)).toEqual([
      {
        id: status.id,
        status: 'CREATE_COMPLETE',
        tags: expect.arrayContaining([`heatstack.dev/object=${s.namespace}/${name}`]),
      },
    ]);
    ids.set(name, status.id);
  }
  expect(proxy.count('POST', '/stacks')).toBe(CREATES);
  expect(proxy.count('PUT')).toBe(0);
  expect(proxy.count('DELETE')).toBe(0);
  await operator.stop();

  const updated = names.slice(0, OTHERS);
  await s.applyAll(manifests(RANDOM_STRING.replace('length: 8', 'length: 9'), updated));
  await killAfter('PUT', OTHERS);
  operator = await s.startOperator();
  for (const name of updated) {
    const { status } = await s.ready(name);
    expect(status.id).toBe(ids.get(name));
    expect(status.stackStatus).toBe('UPDATE_COMPLETE');
  }
  expect(proxy.count('PUT')).toBe(OTHERS);
  await operator.stop();

  await s.kubectl(['delete', 'heatstacks', '--all', '--wait=false']);
  await killAfter('DELETE', OTHERS);
  await s.startOperator();
  for (const name of names) {
    await s.gone(name);
    expect(await s.stacksNamed(name)).toEqual([]);
  }
  expect(proxy.count('POST', '/stacks')).toBe(CREATES);
  // A delete that is under way may be asked for again; it changes nothing.
  expect(proxy.count('DELETE')).toBeLessThanOrEqual(CREATES + OTHERS);
});
