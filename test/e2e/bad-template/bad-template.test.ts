import { expect, it } from 'vitest';
import {
  condition,
  heatRequests,
  type Operator,
  RANDOM_STRING,
  scenario,
  underway,
} from '../../support/scenario.ts';

const s = scenario('bad-template');
const name = s.namespace;

const NO_SUCH_TYPE = RANDOM_STRING.replace('OS::Heat::RandomString', 'OS::Heat::NoSuchThing');
const NOT_YAML = `${RANDOM_STRING}]`;

/** Requests to Heat, and in how many ms the operator wants to look again. */
function activity(operator: Operator): { requests: number; againMs: unknown } {
  const log = operator.log();
  return {
    requests: heatRequests(log).length,
    againMs: log.findLast(({ msg }) => msg.startsWith('reconcile'))?.['requeueAfterMs'],
  };
}

it('says what is wrong, and does no harm', async () => {
  let operator = await s.startOperator();
  await s.apply(name, { template: { inline: NO_SUCH_TYPE } });
  const refused = await s.notReady(name, 'ValidationFailed');
  expect(underway(refused)).toEqual(['Stalled']);
  expect(condition(refused, 'Ready')?.message).toMatch(/400 .*OS::Heat::NoSuchThing.*\[req-/);
  expect(condition(refused, 'Available')).toMatchObject({ status: 'False', reason: 'StackNotFound' });
  expect(refused.status.id).toBeUndefined();
  expect(await s.stacksNamed(name)).toEqual([]);
  expect((await s.events(name)).map(({ reason }) => reason)).toEqual(['ValidationFailed']);
  // Fewer than five requests a minute: the next look is the resync's.
  expect(activity(operator).requests).toBeLessThan(5);
  expect(activity(operator).againMs).toBeGreaterThan(500_000);

  await s.apply(name, { template: { inline: RANDOM_STRING } });
  const healthy = await s.ready(name);
  const heat = await s.heat();
  const before = await heat.getStack({ id: healthy.status.id ?? '', name });

  const stillHealthy = async () => {
    const object = await s.notReady(name, 'ValidationFailed');
    expect(underway(object)).toEqual(['Stalled']);
    expect(condition(object, 'Ready')?.message).toMatch(
      /400 .*Template not in valid format: .*line 10, column 1.*\[req-/,
    );
    expect(condition(object, 'Available')?.status).toBe('True');
    expect(object.status).toMatchObject({
      id: healthy.status.id,
      stackStatus: 'CREATE_COMPLETE',
      appliedDigest: healthy.status.appliedDigest,
      resources: healthy.status.resources,
    });
    expect(await heat.getStack(before)).toEqual(before);
  };
  const sofar = activity(operator).requests;
  await s.apply(name, { template: { inline: NOT_YAML } });
  await stillHealthy();
  expect(activity(operator).requests - sofar).toBeLessThan(5);
  expect(activity(operator).againMs).toBeGreaterThan(500_000);

  const first = condition(await s.notReady(name, 'ValidationFailed'), 'Ready');

  // It stays so when the operator looks again, and when another one does.
  await s.kubectl(['annotate', 'heatstack', name, 'reconcile.fluxcd.io/requestedAt=now']);
  await s.until(name, 'looked at', ({ status }) => status.lastHandledReconcileAt === 'now');
  await stillHealthy();
  await operator.stop();
  let since = operator.log().length;
  operator = await s.startOperator();
  await s.reconciled(operator, name, since);
  await stillHealthy();

  // Said once for each template, though each answer of Heat has another request id.
  const { reason, message } = condition(await s.notReady(name, 'ValidationFailed'), 'Ready') ?? {};
  expect([reason, message]).toEqual([first?.reason, first?.message]);
  const refusals = (await s.events(name)).filter(({ reason }) => reason === 'ValidationFailed');
  expect(refusals).toHaveLength(2);

  // Back to what Heat has: nothing to be sent.
  since = operator.log().length;
  await s.apply(name, { template: { inline: RANDOM_STRING } });
  expect((await s.ready(name)).status.stackStatus).toBe('CREATE_COMPLETE');
  expect(heatRequests(operator.log().slice(since)).filter(({ method }) => method === 'PUT')).toEqual([]);

  await s.apply(name, { template: { inline: NOT_YAML } });
  await s.notReady(name, 'ValidationFailed');
  await s.apply(name, { template: { inline: RANDOM_STRING.replace('length: 8', 'length: 9') } });
  expect((await s.ready(name)).status.stackStatus).toBe('UPDATE_COMPLETE');

  await s.delete(name);
  await s.gone(name);
});
