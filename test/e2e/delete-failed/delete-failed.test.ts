import { beforeAll, expect, it } from 'vitest';
import { condition, eventually, scenario, underway } from '../../support/scenario.ts';

const s = scenario('delete-failed');
/** Heat asks the network service, which isn't there, to remove the project's security group. */
const UNDELETABLE = `heat_template_version: 2018-08-31
resources:
  group:
    type: project.yaml
`;
const PROJECT = `heat_template_version: 2018-08-31
resources:
  project:
    type: OS::Keystone::Project
`;
const SPEC = {
  cloudCredentialsRef: { secretName: 'openstack-clouds', cloudName: 'admin' },
  template: { inline: UNDELETABLE },
  files: { 'project.yaml': PROJECT },
  remediation: { retryInterval: '1s' },
  resyncPeriod: '10s',
};
const CAUSE = /DELETE_FAILED: group\/project \(OS::Keystone::Project\): .*network/;

beforeAll(async () => {
  await s.startOperator();
});

it.concurrent('is tried again, names what is in the way, and can be let go', async () => {
  // Keystone takes no name over 64 characters, and Heat puts this one in front of others.
  const name = `own-${s.namespace.slice(-5)}`;
  await s.apply(name, SPEC);
  const { status } = await s.ready(name);
  await s.delete(name);

  const trying = await s.notReady(name, 'DeleteFailed');
  expect(condition(trying, 'Ready')).toMatchObject({
    status: 'False',
    message: expect.stringMatching(CAUSE),
  });
  expect(trying.status.failures).toMatchObject([{ path: 'group/project', type: 'OS::Keystone::Project' }]);
  const again = await s.until(name, 'deleted again', (object) => (object.status.attempts ?? 0) >= 2);
  expect(underway(again)).toEqual(['Reconciling']);

  await s.patch(name, { spec: { managedOptions: { onDelete: 'detach' } } });
  await s.gone(name);
  expect(await s.stacksNamed(name, 'admin')).toMatchObject([{ id: status.id }]);
});

it.concurrent('that somebody else began is left to him', async () => {
  const name = `their-${s.namespace.slice(-5)}`;
  await s.apply(name, SPEC);
  const { status } = await s.ready(name);
  const heat = await s.heat('admin');
  await heat.deleteStack({ id: status.id ?? '', name });
  await eventually(
    async () => (await s.stack(status.id ?? '', 'admin'))?.status === 'DELETE_FAILED',
    () => 'the delete did not fail',
  );

  const stalled = await s.notReady(name, 'StackDeleting');
  expect(underway(stalled)).toEqual(['Stalled']);
  expect(condition(stalled, 'Ready')?.message).toMatch(CAUSE);
  expect(condition(stalled, 'Ready')?.message).toContain('somebody else began to delete the stack');
  expect(condition(stalled, 'Available')).toMatchObject({ status: 'False', reason: 'StackFailed' });
  await s.patch(name, { spec: { managedOptions: { onDelete: 'detach' } } });
  await s.delete(name);
  await s.gone(name);
});
