import { beforeAll, expect, it } from 'vitest';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import { condition, eventually, RANDOM_STRING, scenario, underway } from '../../support/scenario.ts';

const s = scenario('resource-tree');
const NESTED = 'heat_template_version: 2018-08-31\nresources:\n';
const GROUP = `${NESTED}  group:
    type: OS::Heat::ResourceGroup
    properties: { count: 2, resource_def: { type: leaf.yaml } }
`;

beforeAll(async () => {
  await s.startOperator();
});

const paths = ({ status }: HeatStack) =>
  (status.resources ?? []).map(({ name, path }) => path ?? name).sort();

it.concurrent('shows as many levels as asked for', async () => {
  const name = `${s.namespace}-levels`;
  const spec = { template: { inline: GROUP }, files: { 'leaf.yaml': RANDOM_STRING } };
  await s.apply(name, spec);
  const flat = await s.ready(name);
  expect(paths(flat)).toEqual(['group']);
  expect(flat.status).toMatchObject({
    resourceSummary: { total: 1, text: '1/1' },
    resourcesTruncated: false,
  });

  await s.apply(name, { ...spec, resources: { nestedDepth: 1 } });
  expect(paths(await s.ready(name))).toEqual(['group', 'group/0', 'group/1']);
  await s.apply(name, { ...spec, resources: { nestedDepth: 2 } });
  const deep = await s.ready(name);
  expect(paths(deep)).toEqual(['group', 'group/0', 'group/0/random', 'group/1', 'group/1/random']);
  expect(deep.status.resourceSummary).toMatchObject({ total: 5, complete: 5, text: '5/5' });
});

it.concurrent('keeps what failed when some must be left out', async () => {
  const name = `${s.namespace}-cut`;
  const good = Array.from({ length: 4 }, (_, i) => `  a${i}: { type: "OS::Heat::None" }\n`).join('');
  const bad =
    '  z: { type: "OS::Heat::TestResource", depends_on: [a0, a1, a2, a3], properties: { fail: true } }\n';
  await s.apply(name, {
    template: { inline: `${NESTED}${good}${bad}` },
    resources: { maxItems: 2 },
    remediation: { create: { strategy: 'none' } },
  });
  const failed = await s.notReady(name, 'CreateFailed');
  expect(failed.status.resources?.map((resource) => resource.name)).toContain('z');
  expect(failed.status).toMatchObject({
    resources: expect.objectContaining({ length: 2 }),
    resourcesTruncated: true,
    resourceSummary: { total: 5, complete: 4, failed: 1, inProgress: 0, text: '4/5' },
    failures: [{ path: 'z' }],
  });
});

it.concurrent('sees a resource that is not well though the stack did not change', async () => {
  const name = `${s.namespace}-unhealthy`;
  const spec = { template: { inline: RANDOM_STRING }, resources: { refreshPeriod: '10s' } };
  await s.apply(name, spec);
  const before = await s.ready(name);
  const ref = { id: before.status.id ?? '', name };
  await (await s.heat()).markResourceUnhealthy(ref, 'random', { reason: 'its disk is broken' });

  const unhealthy = await s.until(
    name,
    'not Available',
    (object) => condition(object, 'Available')?.reason === 'ResourceUnhealthy',
  );
  expect(condition(unhealthy, 'Available')?.status).toBe('False');
  expect(condition(unhealthy, 'Ready')).toMatchObject({ status: 'True', reason: 'Succeeded' });
  expect(underway(unhealthy)).toEqual([]);
  expect(unhealthy.status.stackStatus).toBe('CREATE_COMPLETE');
  expect(unhealthy.status.resources).toMatchObject([
    { name: 'random', status: 'CHECK_FAILED', statusReason: expect.stringContaining('its disk is broken') },
  ]);

  // It is replaced when somebody asks for an update, and only then.
  await s.patch(name, { metadata: { annotations: { 'reconcile.fluxcd.io/forceAt': 'now' } } });
  const after = await s.until(
    name,
    'Available again',
    (object) => condition(object, 'Available')?.status === 'True',
  );
  expect(after.status.stackStatus).toBe('UPDATE_COMPLETE');
  const id = ({ status }: HeatStack) => status.resources?.[0]?.physicalResourceID;
  expect(id(after)).not.toBe(id(before));
});

it.concurrent('takes in 200 resources of a real stack', async () => {
  const name = `${s.namespace}-many`;
  const many = Array.from({ length: 200 }, (_, i) => `  r${i}: { type: "OS::Heat::None" }\n`).join('');
  await s.apply(name, { template: { inline: `${NESTED}${many}` }, resources: { maxItems: 150 } });
  const { status } = await s.ready(name, 120_000);
  expect(status.resources).toHaveLength(150);
  expect(status.resourcesTruncated).toBe(true);
  expect(status.resourceSummary).toMatchObject({ total: 200, complete: 200, text: '200/200' });

  await s.patch(name, { spec: { resources: { maxItems: 2000 } } });
  await eventually(
    async () => (await s.get(name))?.status.resources?.length === 200,
    () => 'not all resources are shown',
  );
  expect((await s.ready(name)).status.resourcesTruncated).toBe(false);
});
