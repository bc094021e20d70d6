import { beforeAll, expect, it } from 'vitest';
import { ANNOTATIONS } from '../../../src/api/constants.ts';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import {
  condition,
  eventually,
  heatRequests,
  heatWrites,
  type Operator,
  RANDOM_STRING,
  scenario,
  slowTemplate,
} from '../../support/scenario.ts';

const s = scenario('actions');
const ACT = 'POST /stacks/{name}/{id}/actions 200';
let operator: Operator;

beforeAll(async () => {
  operator = await s.startOperator();
});

it('checks, suspends and resumes a stack, each once', async () => {
  const name = `${s.namespace}-stack`;
  await s.apply(name, { template: { inline: RANDOM_STRING } });
  const before = await s.ready(name);
  let since = operator.log().length;
  const checked = await done(name, 'check@1', 'Succeeded');
  expect(ready(checked)).toBe('True Succeeded');
  expect(checked.status).toMatchObject({ id: before.status.id, stackStatus: 'CHECK_COMPLETE' });
  expect(heatWrites(operator.log().slice(since))).toEqual([ACT]);

  // The same token again, and a restart, ask for nothing.
  since = operator.log().length;
  await annotate(name, null);
  await s.reconciled(operator, name, since);
  const removed = operator.log().length;
  await annotate(name, 'check@1');
  await s.reconciled(operator, name, removed);
  expect(heatRequests(operator.log().slice(since))).toEqual([]);
  await operator.stop();
  since = operator.log().length;
  operator = await s.startOperator();
  await s.reconciled(operator, name, since);
  expect(heatRequests(operator.log().slice(since))).toEqual([]);

  const suspended = await done(name, 'stack-suspend@2', 'Succeeded');
  expect(ready(suspended)).toBe('False StackSuspended');
  expect(condition(suspended, 'Stalled')?.status).toBe('True');
  expect(condition(suspended, 'Ready')?.message).toContain(
    'The annotation heatstack.dev/action asked for it',
  );
  expect(suspended.status.stackStatus).toBe('SUSPEND_COMPLETE');

  const resumed = await done(name, 'stack-resume@3', 'Succeeded');
  expect(ready(resumed)).toBe('True Succeeded');
  expect(resumed.status).toMatchObject({ id: before.status.id, stackStatus: 'RESUME_COMPLETE' });
  expect(heatWrites(operator.log().slice(since))).toEqual([ACT, ACT]);
  await told(name, [
    'ActionStarted check@1',
    'ActionSucceeded check@1',
    'ActionStarted stack-suspend@2',
    'ActionSucceeded stack-suspend@2',
    'ActionStarted stack-resume@3',
    'ActionSucceeded stack-resume@3',
  ]);

  // What can't be done is said once, and changes nothing.
  since = operator.log().length;
  await done(name, 'stack-resume@4', 'Refused: the stack is RESUME_COMPLETE, and not suspended');
  const refused = await done(name, 'reboot@5', 'Refused: "reboot" is no action; write <action>@<token>');
  expect(refused.status.lastHandledAction).toMatchObject({ token: 'reboot@5', verb: 'reboot' });
  expect(ready(refused)).toBe('True Succeeded');
  expect(heatWrites(operator.log().slice(since))).toEqual([]);
  await told(name, ['ActionRefused stack-resume@4', 'ActionRefused reboot@5']);
});

it('cancels an update with a rollback, and the next one without', async () => {
  const name = `${s.namespace}-cancel`;
  const remediation = { update: { retries: 3 }, retryInterval: '1s' };
  await s.apply(name, { template: { inline: slowTemplate(0) }, remediation });
  const { status: before } = await s.ready(name);

  const since = operator.log().length;
  await s.apply(name, { template: { inline: slowTemplate(3, 'two') }, remediation });
  await updating(name);
  const back = await done(name, 'cancel-update@1', 'Succeeded');
  expect(ready(back)).toBe('False RollbackComplete');
  expect(condition(back, 'Stalled')?.status).toBe('True');
  expect(condition(back, 'Ready')?.message).toContain(
    `Heat went back to the inputs of ${before.history?.[0]?.startedAt}`,
  );
  expect(back.status).toMatchObject({
    stackStatus: 'ROLLBACK_COMPLETE',
    appliedDigest: before.appliedDigest,
  });
  expect(heatWrites(operator.log().slice(since))).toEqual(['PUT /stacks/{name}/{id} 202', ACT]);

  await s.apply(name, { template: { inline: slowTemplate(3, 'three') }, remediation });
  await updating(name);
  const failed = await done(name, 'cancel-without-rollback@2', 'Succeeded');
  expect(ready(failed)).toBe('False UpdateFailed');
  expect(condition(failed, 'Stalled')?.status).toBe('True');
  expect(failed.status.stackStatus).toBe('UPDATE_FAILED');
});

it('sends it once though the operator is killed in between', async () => {
  const name = `${s.namespace}-killed`;
  await s.apply(name, { template: { inline: slowTemplate(0) } });
  await s.ready(name);
  const since = operator.log().length;
  await annotate(name, 'check@1');
  await s.until(name, 'under way', ({ status }) => status.lastHandledAction !== undefined);
  await operator.kill();
  operator = await s.startOperator();
  // Sent once, or not at all if the end came between the note and the request: then it says so.
  const { status } = await s.until(
    name,
    'over',
    ({ status: { lastHandledAction } }) => lastHandledAction?.result !== 'InProgress',
  );
  const sent = heatWrites(operator.log().slice(since)).length;
  expect(sent).toBeLessThanOrEqual(1);
  if (status.lastHandledAction?.result !== 'Succeeded') expect(status.stackStatus).toBe('CREATE_COMPLETE');
  await s.ready(name);
});

async function annotate(name: string, action: string | null): Promise<void> {
  await s.patch(name, { metadata: { annotations: { [ANNOTATIONS.action]: action } } });
}

/** Asks for an action, and waits for its result. */
async function done(name: string, action: string, result: string): Promise<HeatStack> {
  await annotate(name, action);
  const { length } = action;
  const at = action.indexOf('@') + 1;
  return s.until(
    name,
    `done with ${action}`,
    ({ status: { lastHandledAction } }) =>
      [action, action.slice(at, length)].includes(lastHandledAction?.token ?? '') &&
      (lastHandledAction?.result.startsWith(result) ?? false),
  );
}

/** Waits until an update is in progress in Heat. */
async function updating(name: string): Promise<void> {
  const { status } = await s.until(name, 'there', () => true);
  await eventually(
    async () => (await s.stack(status.id ?? ''))?.status === 'UPDATE_IN_PROGRESS',
    () => `stack ${name} is not being updated`,
  );
  // Heat may be at work before its answer arrives.
  await s.until(name, 'sent', (object) => object.status.attemptedDigest !== object.status.appliedDigest);
}

function ready(object: HeatStack): string {
  const { status, reason } = condition(object, 'Ready') ?? {};
  return `${status} ${reason}`;
}

/** Waits for Events, given by their reason and how they begin. */
async function told(name: string, events: string[]): Promise<void> {
  await eventually(
    async () => {
      const known = (await s.events(name)).map(({ reason, note }) => `${reason} ${note}`);
      return events.every((event) => known.some((each) => each.startsWith(`${event}:`)));
    },
    () => `there are Events missing of ${events.join(', ')}`,
  );
}
