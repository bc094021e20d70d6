import { afterAll, beforeAll, expect } from 'vitest';
import { cloudsYaml } from '../../support/clouds.ts';
import { HeatProxy } from '../../support/heat-proxy.ts';
import { bed, type Scenario } from '../../support/scenario.ts';
import { CLOUD_ADDRESS } from '../network.ts';

/**
 * A proxy in front of Heat that pods reach. Call it before `installed()`, so that it is there until the operator has
 * deleted its stacks; {@link useProxy} has a scenario's credentials lead to it.
 */
export function heatProxy(): HeatProxy {
  const proxy = new HeatProxy(bed().heatUrl, CLOUD_ADDRESS);
  beforeAll(() => proxy.start());
  afterAll(() => proxy.close());
  return proxy;
}

/** Has the operator of a scenario reach Heat by a proxy. Call it after `scenario()`. */
export function useProxy(s: Scenario, proxy: HeatProxy): void {
  beforeAll(() =>
    s.writeSecret('openstack-clouds', {
      'clouds.yaml': cloudsYaml({ orchestration_endpoint_override: proxy.endpoint }),
    }),
  );
}

/** Waits until HeatStacks are Ready, and sees that each has one stack; their ids. */
export async function oneStackEach(s: Scenario, names: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const name of names) {
    const { id = '' } = (await s.ready(name)).status;
    expect((await s.stacksNamed(name)).map((stack) => stack.id)).toEqual([id]);
    ids.push(id);
  }
  return ids;
}
