import { beforeAll, expect, it, vi } from 'vitest';
import {
  condition,
  FAILING,
  type Operator,
  RANDOM_STRING,
  scenario,
  underway,
} from '../../support/scenario.ts';

const s = scenario('create-failed');
const CAUSE = /^(CREATE|UPDATE)_FAILED: broken \(OS::Heat::TestResource\): .*Test Resource failed/;
/** Two tries after the first one: 1 s and 2 s later. */
const QUICK = { retries: 2, strategy: 'update' };

let operator: Operator;
beforeAll(async () => {
  operator = await s.startOperator();
});

/** Waits until the operator has done this for an object, in the words of its Events, and nothing else. */
async function did(name: string, deeds: string[]): Promise<void> {
  await vi.waitFor(() => {
    const lines = operator.log().filter(({ key }) => key === `${s.namespace}/${name}`);
    expect(lines.map(({ event }) => event).filter((event) => event !== undefined)).toEqual(deeds);
  });
}

async function stalled(name: string) {
  const object = await s.until(name, 'Stalled', (last) => underway(last).includes('Stalled'));
  expect(underway(object)).toEqual(['Stalled']);
  return object;
}

async function clear(name: string): Promise<void> {
  await s.delete(name);
  await s.gone(name);
}

it.concurrent('tries again, gives up, and is repaired by another template', async () => {
  const name = 'create-failed-retries';
  const remediation = { create: QUICK, retryInterval: '1s' };
  await s.apply(name, { template: { inline: FAILING }, remediation });

  const trying = await s.notReady(name, 'CreateFailed');
  expect(underway(trying)).toEqual(['Reconciling']);
  const failed = await stalled(name);
  expect(condition(failed, 'Ready')).toMatchObject({
    status: 'False',
    message: expect.stringMatching(CAUSE),
  });
  expect(failed.status.attempts).toBe(2);
  expect(failed.status.failures).toMatchObject([{ path: 'broken', type: 'OS::Heat::TestResource' }]);
  expect(failed.status.resourceSummary).toMatchObject({ total: 1, failed: 1, text: '0/1' });
  const done = [
    'StackCreating',
    'StackFailed',
    'StackUpdating',
    'StackFailed',
    'StackUpdating',
    'StackFailed',
  ];
  await did(name, [...done, 'RetryExhausted']);
  const events = await s.events(name);
  expect(events).toContainEqual({
    type: 'Warning',
    reason: 'StackFailed',
    note: expect.stringMatching(CAUSE),
  });
  expect(events).toContainEqual({
    type: 'Warning',
    reason: 'RetryExhausted',
    note: expect.stringContaining('change the object'),
  });

  await s.apply(name, { template: { inline: RANDOM_STRING }, remediation });
  const repaired = await s.ready(name);
  expect(repaired.status).toMatchObject({
    id: failed.status.id,
    stackStatus: 'UPDATE_COMPLETE',
    attempts: 0,
    resourceSummary: { text: '1/1' },
  });
  expect(repaired.status.failures).toBeUndefined();
  await clear(name);
});

it.concurrent('finds the cause inside nested stacks', async () => {
  const name = 'create-failed-nested';
  await s.apply(name, {
    template: {
      inline: 'heat_template_version: 2018-08-31\nresources:\n  farm: { type: farm.yaml }\n',
    },
    files: {
      'farm.yaml': 'heat_template_version: 2018-08-31\nresources:\n  web: { type: server.yaml }\n',
      'server.yaml': FAILING.replace('broken:', 'server:'),
    },
    remediation: { create: { strategy: 'none' } },
  });
  const failed = await stalled(name);
  expect(condition(failed, 'Ready')?.message).toMatch(
    /^CREATE_FAILED: farm\/web\/server \(OS::Heat::TestResource\): .*Test Resource failed/,
  );
  expect(failed.status.failures).toMatchObject([{ path: 'farm/web/server' }]);
  // The resources are shown no deeper than asked for.
  expect(failed.status.resources).toMatchObject([{ name: 'farm', status: 'CREATE_FAILED' }]);
  await clear(name);
});

it.concurrent('makes the stack anew with the strategy "recreate"', async () => {
  const name = 'create-failed-recreate';
  const remediation = { create: { retries: 1, strategy: 'recreate' }, retryInterval: '1s' };
  await s.apply(name, { template: { inline: FAILING }, remediation });
  const first = await s.notReady(name, 'CreateFailed');
  const second = await stalled(name);
  expect(second.status.id).not.toBe(first.status.id);
  expect(second.status).toMatchObject({ stackStatus: 'CREATE_FAILED', attempts: 1 });
  await did(name, [
    ...['StackCreating', 'StackFailed', 'StackDeleting', 'StackCreating', 'StackFailed'],
    'RetryExhausted',
  ]);
  expect(await s.stacksNamed(name)).toMatchObject([{ id: second.status.id }]);
  await clear(name);
});

it.concurrent('stalls at once with the strategy "none"', async () => {
  const name = 'create-failed-none';
  await s.apply(name, {
    template: { inline: FAILING },
    remediation: { create: { retries: 5, strategy: 'none' }, retryInterval: '1s' },
  });
  const failed = await stalled(name);
  expect(condition(failed, 'Ready')).toMatchObject({
    reason: 'CreateFailed',
    message: expect.stringMatching(CAUSE),
  });
  expect(failed.status.attempts).toBe(0);
  await did(name, ['StackCreating', 'StackFailed']);
  await clear(name);
});

it.concurrent('does not repeat a failed update unasked, and a correction repairs it', async () => {
  const name = 'create-failed-update';
  const remediation = { retryInterval: '1s' };
  await s.apply(name, { template: { inline: RANDOM_STRING }, remediation });
  const before = await s.ready(name);
  await s.apply(name, { template: { inline: FAILING }, remediation });
  const failed = await stalled(name);
  expect(condition(failed, 'Ready')).toMatchObject({
    reason: 'UpdateFailed',
    message: expect.stringMatching(CAUSE),
  });
  expect(condition(failed, 'Available')).toMatchObject({ status: 'False', reason: 'StackFailed' });
  expect(failed.status.attempts).toBe(0);
  await s.apply(name, { template: { inline: RANDOM_STRING }, remediation });
  const after = await s.ready(name);
  expect(after.status.id).toBe(before.status.id);
  await did(name, [
    ...['StackCreating', 'StackCreated'],
    ...['StackUpdating', 'StackFailed'],
    ...['StackUpdating', 'StackUpdated'],
  ]);
  await clear(name);
});
