import { beforeAll, expect, it } from 'vitest';
import { ANNOTATIONS } from '../../../src/api/constants.ts';
import { condition, scenario, underway } from '../../support/scenario.ts';

const s = scenario('protect');
const PROTECT = [{ resourceTypes: ['OS::Heat::Test*'], operations: ['replace', 'delete'] }];

const TEMPLATE = `heat_template_version: 2018-08-31
parameters:
  image: { type: string }
  count: { type: number, default: 1 }
resources:
  web:
    type: OS::Heat::ResourceGroup
    properties:
      count: { get_param: count }
      resource_def:
        type: web.yaml
        properties: { image: { get_param: image } }
`;

/** Another image takes another server. */
const WEB = `heat_template_version: 2018-08-31
parameters:
  image: { type: string }
resources:
  server:
    type: OS::Heat::TestResource
    properties: { value: { get_param: image }, update_replace: true }
  note:
    type: OS::Heat::Value
    properties: { value: { get_param: image } }
`;

const DATABASE = `  db:
    type: OS::Heat::TestResource
`;

const spec = (parameters: object, template = TEMPLATE) => ({
  protect: PROTECT,
  template: { inline: template },
  files: { 'web.yaml': WEB },
  parameters,
});

async function serversOf(id = ''): Promise<(string | undefined)[]> {
  const heat = await s.heat();
  const resources = await Array.fromAsync(heat.resources(id, { nestedDepth: 5 }));
  return resources
    .filter(({ type }) => type === 'OS::Heat::TestResource')
    .map(({ physicalId }) => physicalId)
    .sort();
}

beforeAll(async () => {
  await s.startOperator();
});

it.concurrent('keeps what is protected until the plan is approved', async () => {
  const name = 'protect-nested';
  await s.apply(name, spec({ image: 'one' }, TEMPLATE + DATABASE));
  const { status } = await s.ready(name);
  const before = await serversOf(status.id);
  expect(before).toHaveLength(2);

  await s.apply(name, spec({ image: 'two' }));
  const blocked = await s.notReady(name, 'ReplacementBlocked');
  expect(underway(blocked)).toEqual(['Stalled']);
  expect(condition(blocked, 'Ready')?.message).toContain(
    'this update would REPLACE web/0/server, DELETE db, which spec.protect refuses',
  );
  expect(condition(blocked, 'Available')?.status).toBe('True');
  expect(blocked.status.plan).toMatchObject({
    replaced: [{ path: 'web/0/server' }],
    deleted: [{ path: 'db' }],
  });

  // Taken back.
  await s.apply(name, spec({ image: 'one' }, TEMPLATE + DATABASE));
  const reverted = await s.ready(name);
  expect(reverted.status).toMatchObject({ stackStatus: 'CREATE_COMPLETE' });
  expect(reverted.status.plan).toBeUndefined();
  expect(await serversOf(status.id)).toEqual(before);

  // Approved.
  await s.apply(name, spec({ image: 'two' }));
  const { status: again } = await s.notReady(name, 'ReplacementBlocked');
  await s.patch(name, { metadata: { annotations: { [ANNOTATIONS.approve]: again.plan?.id } } });
  await s.ready(name);
  const after = await serversOf(status.id);
  expect(after).toHaveLength(1);
  expect(before).not.toContain(after[0]);
  expect((await s.events(name)).map(({ reason }) => reason)).toContain('ReplacementBlocked');
});

it.concurrent('is on the safe side with a group of nested stacks that grows, which Heat fails to preview', async () => {
  const name = 'protect-growing';
  await s.apply(name, spec({ image: 'one' }));
  const { status } = await s.ready(name);
  const [server] = await serversOf(status.id);
  await s.apply(name, spec({ image: 'one', count: 2 }));
  const untold = await s.notReady(name, 'ReplacementBlocked');
  expect(condition(untold, 'Ready')?.message).toContain('perhaps REPLACE or DELETE web/0/server');
  await s.patch(name, { metadata: { annotations: { [ANNOTATIONS.approve]: untold.status.plan?.id } } });
  await s.ready(name);
  const servers = await serversOf(status.id);
  expect(servers).toHaveLength(2);
  expect(servers).toContain(server);
});

it.concurrent('is obeyed by another try after a failure', async () => {
  const name = 'protect-retry';
  const template = (value: string, fail: boolean) => `heat_template_version: 2018-08-31
resources:
  server:
    type: OS::Heat::TestResource
    properties: { value: ${value}, fail: ${fail} }
`;
  const retrying = (value: string, fail: boolean) => ({
    protect: PROTECT,
    template: { inline: template(value, fail) },
    remediation: { update: { retries: 2 }, retryInterval: '1s' },
  });
  await s.apply(name, retrying('one', false));
  await s.ready(name);
  // Updated in place, which fails; then Heat would replace it.
  await s.apply(name, retrying('two', true));
  const blocked = await s.notReady(name, 'ReplacementBlocked');
  expect(blocked.status.stackStatus).toBe('UPDATE_FAILED');
  expect(condition(blocked, 'Ready')?.message).toContain('REPLACE server');
});
