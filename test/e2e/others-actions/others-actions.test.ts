import { afterAll, beforeAll, expect, it } from 'vitest';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import { cloudsYaml } from '../../support/clouds.ts';
import { HeatProxy } from '../../support/heat-proxy.ts';
import {
  condition,
  eventually,
  heatWrites,
  type Operator,
  RANDOM_STRING,
  scenario,
  underway,
} from '../../support/scenario.ts';

const s = scenario('others-actions');
const proxy = new HeatProxy(s.bed.heatUrl);
let operator: Operator;

beforeAll(async () => {
  await proxy.start();
  await s.writeSecret('through-proxy', {
    'clouds.yaml': cloudsYaml({ orchestration_endpoint_override: proxy.endpoint }),
  });
  operator = await s.startOperator();
});
afterAll(() => proxy.close());

async function expectStalled(name: string, reason: string): Promise<HeatStack> {
  const stalled = await s.notReady(name, reason);
  expect(underway(stalled)).toEqual(['Stalled']);
  expect(condition(stalled, 'Ready')?.status).toBe('False');
  return stalled;
}

it('a stack that was suspended and resumed', async () => {
  const name = `${s.namespace}-suspended`;
  await s.apply(name, { template: { inline: RANDOM_STRING } });
  const { status } = await s.ready(name);
  const ref = { id: status.id ?? '', name };
  const heat = await s.heat();
  await heat.suspendStack(ref);
  await s.stackComplete(ref.id);
  await s.ask(name);
  const stalled = await expectStalled(name, 'StackSuspended');
  expect(condition(stalled, 'Ready')?.message).toContain(`openstack stack resume ${name}`);

  // Heat would refuse the update, so it isn't sent before the stack is resumed.
  const since = operator.log().length;
  await s.apply(name, { template: { inline: RANDOM_STRING.replace('length: 8', 'length: 9') } });
  await expectStalled(name, 'StackSuspended');
  expect(heatWrites(operator.log().slice(since))).toEqual([]);
  await heat.resumeStack(ref);
  await s.stackComplete(ref.id);
  await s.ask(name);
  expect((await s.ready(name)).status.stackStatus).toBe('UPDATE_COMPLETE');
});

it('a check that fails, since somebody deleted a nested stack', async () => {
  const name = `${s.namespace}-check`;
  await s.apply(name, {
    template: { inline: 'heat_template_version: 2018-08-31\nresources:\n  web: { type: web.yaml }\n' },
    files: { 'web.yaml': RANDOM_STRING },
  });
  const { status } = await s.ready(name);
  const ref = { id: status.id ?? '', name };
  const heat = await s.heat();
  const nested = status.resources?.[0]?.physicalResourceID ?? '';
  const stack = await s.stack(nested);
  await heat.deleteStack({ id: nested, name: stack?.name ?? '' });
  await s.stackGone(nested);
  await heat.checkStack(ref);
  await eventually(
    async () => (await s.stack(ref.id))?.status === 'CHECK_FAILED',
    () => 'the check did not fail',
  );

  const since = operator.log().length;
  await s.ask(name);
  const stalled = await expectStalled(name, 'CheckFailed');
  expect(condition(stalled, 'Ready')?.message).toMatch(/^CHECK_FAILED: web \(/);
  expect(heatWrites(operator.log().slice(since))).toEqual([]);
});

it.each([
  ['RESUME_FAILED', 'ResumeFailed'],
  ['SNAPSHOT_FAILED', 'SnapshotFailed'],
  ['RESTORE_FAILED', 'RestoreFailed'],
  ['ROLLBACK_FAILED', 'RollbackFailed'],
])('%s', async (stackStatus, reason) => {
  const name = `${s.namespace}-${reason.toLowerCase()}`;
  proxy.rewrite();
  await s.apply(name, {
    cloudCredentialsRef: { secretName: 'through-proxy', cloudName: 'demo' },
    template: { inline: RANDOM_STRING },
  });
  await s.ready(name);
  // Nothing that these resources can do fails so.
  proxy.rewrite((text) =>
    text.replaceAll('"stack_status": "CREATE_COMPLETE"', `"stack_status": "${stackStatus}"`),
  );
  const since = operator.log().length;
  await s.ask(name);
  const stalled = await expectStalled(name, reason);
  expect(condition(stalled, 'Available')).toMatchObject({ status: 'False', reason: 'StackFailed' });
  expect(heatWrites(operator.log().slice(since))).toEqual([]);
  proxy.rewrite();
  await s.ask(name);
  expect((await s.ready(name)).status.stackStatus).toBe('CREATE_COMPLETE');
});

it('a state that this version does not know', async () => {
  const name = `${s.namespace}-unknown`;
  await s.apply(name, {
    cloudCredentialsRef: { secretName: 'through-proxy', cloudName: 'demo' },
    template: { inline: RANDOM_STRING },
  });
  await s.ready(name);
  proxy.rewrite((text) =>
    text.replaceAll('"stack_status": "CREATE_COMPLETE"', '"stack_status": "MIGRATE_PAUSED"'),
  );
  const since = operator.log().length;
  await s.ask(name);
  const waiting = await s.notReady(name, 'Progressing');
  expect(condition(waiting, 'Ready')).toMatchObject({
    status: 'Unknown',
    message: expect.stringContaining('"MIGRATE_PAUSED"'),
  });
  expect(underway(waiting)).toEqual(['Reconciling']);
  expect(heatWrites(operator.log().slice(since))).toEqual([]);
  proxy.rewrite();
  await s.ask(name);
  await s.ready(name);
});
