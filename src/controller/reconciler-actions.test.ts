import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ANNOTATIONS } from '../api/constants.ts';
import type { HeatStackSpec } from '../api/heat-stack.ts';
import { createError } from '../openstack/index.ts';
import { resource } from './testing/fake-heat.ts';
import { World } from './testing/world.ts';

const MINUTE = 60_000;
const NOT_TAKEN = createError('Conflict.ActionInProgress', 'Stack web already has an action in progress.');
const LOST = createError('Timeout', 'no answer in 120 s');

let world: World;

beforeEach(async () => {
  world = new World();
  await world.created();
});

afterEach(async () => {
  await world.stop();
});

/** Sets the annotation, and reconciles. */
async function ask(action: string, spec: Partial<HeatStackSpec> = {}): Promise<unknown> {
  world.apply(spec, { [ANNOTATIONS.action]: action });
  return world.reconcile();
}

/** Ends what Heat does, and lets the operator see it. */
async function ends(...[status, change]: Parameters<World['heat']['finish']>): Promise<void> {
  world.heat.finish(status, change);
  await world.reconcileNews();
}

/** What was asked of Heat that isn't a read. */
const writes = () =>
  world.heat.calls.filter((call) => /^(check|suspend|resume|cancel|update|create|delete)/.test(call));
const handled = () => world.status.lastHandledAction;
const told = () => world.events.map(({ type, reason, note }) => `${type} ${reason}: ${note}`);

describe('check', () => {
  test('is sent once, and Ready is True again without an update', async () => {
    await world.clock.advance(2000);
    await ask('check@1');
    expect(writes()).toEqual(['check']);
    expect(handled()).toEqual({ token: '1', verb: 'check', result: 'InProgress' });
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    // It is noted before it is sent, and nothing more is to be said then.
    expect(world.cluster.writes).toHaveLength(1);

    await ends();
    expect(handled()).toEqual({ token: '1', verb: 'check', result: 'Succeeded' });
    expect(world.ready).toBe('True Succeeded');
    expect(world.status.stackStatus).toBe('CHECK_COMPLETE');
    expect(world.cluster.writes).toHaveLength(2);
    expect(told()).toEqual([
      'Normal ActionStarted: check@1: sent to Heat for stack web',
      'Normal ActionSucceeded: check@1: the stack is CHECK_COMPLETE',
    ]);

    world.forget();
    await ask('check@1');
    await world.restart();
    await world.reconcile();
    expect(world.heat.calls).toEqual([]);
    expect(world.cluster.writes).toEqual([]);
  });

  test('that fails stalls the object with what failed, and an update is sent only when asked for', async () => {
    await world.clock.advance(2000);
    await ask('check@1');
    const resources = [resource('web', 'CHECK_FAILED', { statusReason: 'not found' })];
    await ends('FAILED', { statusReason: 'Stack CHECK failed', resources });
    expect(handled()?.result).toBe('Failed');
    expect(world.ready).toBe('False CheckFailed Stalled');
    expect(world.condition('Ready')?.message).toBe('CHECK_FAILED: web (OS::Heat::Value): not found');
    expect(told()).toContain(
      'Warning ActionFailed: check@1: the stack is CHECK_FAILED: web (OS::Heat::Value): not found',
    );
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(writes()).toEqual(['check']);
  });

  test('is sent again with another token, also within the same second', async () => {
    await ask('check@1');
    await ends();
    const { updatedAt = '' } = world.heat.stack();
    await ask('check@2');
    expect(writes()).toEqual(['check', 'check']);
    await ends('COMPLETE', { updatedAt });
    // The stack looks as it did before: only after a while is it certain that this isn't the first check.
    expect(handled()?.result).toBe('InProgress');
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    await world.clock.advance(5000);
    await world.reconcile();
    expect(handled()).toEqual({ token: '2', verb: 'check', result: 'Succeeded' });
    expect(world.ready).toBe('True Succeeded');
  });

  test('that Heat takes and never begins has failed', async () => {
    world.heat.lostActions = 1;
    await ask('check@1');
    await world.reconcileNews();
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    await world.clock.advance(5000);
    await world.reconcile();
    expect(handled()?.result).toBe('Failed');
    expect(told().at(-1)).toMatch(/^Warning ActionFailed: .*CREATE_COMPLETE: Heat did not begin it/);
    expect(world.ready).toBe('True Succeeded');
    expect(writes()).toEqual(['check']);
  });

  test('waits for the end of an update', async () => {
    world.applyParameter('large');
    await world.reconcile();
    await ask('check@1');
    expect(writes()).toEqual(['update']);
    expect(handled()).toBeUndefined();
    await ends();
    expect(writes()).toEqual(['update', 'check']);
    await ends();
    expect(handled()?.result).toBe('Succeeded');
    expect(world.ready).toBe('True Succeeded');
  });

  test('holds up an update until it is over', async () => {
    await world.clock.advance(2000);
    await ask('check@1');
    world.apply({ parameters: { flavor: 'large' }, updatePolicy: 'supersede' });
    await world.reconcile();
    expect(writes()).toEqual(['check']);
    await ends();
    expect(writes()).toEqual(['check', 'update']);
    expect(handled()).toMatchObject({ token: '1', result: 'Succeeded' });
  });
});

describe('suspend and resume', () => {
  test('bring the stack out of use and back', async () => {
    await world.clock.advance(2000);
    await ask('stack-suspend@1');
    await ends();
    expect(handled()).toEqual({ token: '1', verb: 'stack-suspend', result: 'Succeeded' });
    expect(world.ready).toBe('False StackSuspended Stalled');
    expect(world.condition('Ready')?.message).toMatch(/The annotation heatstack.dev\/action asked for it$/);
    expect(world.eventReasons).toEqual(['ActionStarted', 'ActionSucceeded']);

    await ask('stack-suspend@2');
    expect(handled()?.result).toBe('Refused: the stack is SUSPEND_COMPLETE');
    expect(world.ready).toBe('False StackSuspended Stalled');

    await world.clock.advance(2000);
    await ask('stack-resume@3');
    await ends();
    expect(handled()).toEqual({ token: '3', verb: 'stack-resume', result: 'Succeeded' });
    expect(world.ready).toBe('True Succeeded');
    expect(writes()).toEqual(['suspend', 'resume']);
  });

  test('of somebody else are not put down to the annotation', async () => {
    Object.assign(world.heat.stack(), { status: 'SUSPEND_COMPLETE', updatedAt: '2026-01-01T00:05:00Z' });
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(world.ready).toBe('False StackSuspended Stalled');
    expect(world.condition('Ready')?.message).not.toContain('asked for it');
  });

  test('hold up an update until the stack is resumed', async () => {
    await world.clock.advance(2000);
    await ask('stack-suspend@1');
    await ends();
    await ask('stack-suspend@1', { parameters: { flavor: 'large' } });
    expect(world.ready).toBe('False StackSuspended Stalled');
    await ask('stack-resume@2');
    await ends();
    expect(writes()).toEqual(['suspend', 'resume', 'update']);
  });
});

describe('a cancel', () => {
  /** An update that is seen in progress. */
  async function updating(spec: Partial<HeatStackSpec> = {}): Promise<void> {
    await world.clock.advance(2000);
    world.apply({ parameters: { flavor: 'large' }, ...spec });
    await world.reconcile();
  }
  const remediation = {
    create: { retries: 3, strategy: 'update' },
    update: { retries: 2, strategy: 'update' },
    retryInterval: '30s',
  } as const;

  test('needs no inputs, and its end is seen without them', async () => {
    const inputs = { parametersFrom: [{ configMapRef: { name: 'inputs', optional: false } }] };
    world.writeData('ConfigMap', 'inputs', { flavor: 'large' });
    await updating(inputs);
    world.cluster.delete('ConfigMap', world.object.metadata.namespace ?? '', 'inputs');
    await ask('cancel-without-rollback@1', inputs);
    expect(handled()).toMatchObject({ result: 'InProgress' });
    await ends('FAILED');
    expect(handled()).toMatchObject({ result: 'Succeeded' });
    expect(world.status.stackStatus).toBe('UPDATE_FAILED');
    expect(world.ready).toBe('False DependencyNotReady Reconciling');
  });

  test('with a rollback brings back the inputs before, and the update is not sent again', async () => {
    const { attributes } = structuredClone(world.heat.stack());
    await updating({ remediation });
    await ask('cancel-update@1');
    expect(handled()).toEqual({ token: '1', verb: 'cancel-update', result: 'InProgress' });
    await ends('COMPLETE', { attributes });
    expect(handled()?.result).toBe('Succeeded');
    expect(world.ready).toBe('False RollbackComplete Stalled');
    expect(world.eventReasons).toEqual(['StackUpdating', 'ActionStarted', 'ActionSucceeded', 'StackFailed']);
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(writes()).toEqual(['update', 'cancel_update']);

    // Other inputs are another matter.
    world.applyParameter('small');
    await world.reconcile();
    expect(writes()).toEqual(['update', 'cancel_update', 'update']);
    expect(world.status.attempts).toBe(0);
  });

  test('waits for the rollback though the stack is UPDATE_FAILED for a moment', async () => {
    const { attributes } = structuredClone(world.heat.stack());
    await updating();
    await ask('cancel-update@1');
    Object.assign(world.heat.stack(), { status: 'UPDATE_FAILED' });
    await world.reconcileNews();
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    Object.assign(world.heat.stack(), { status: 'ROLLBACK_COMPLETE', attributes });
    await world.reconcile();
    expect(handled()?.result).toBe('Succeeded');
    expect(world.ready).toBe('False RollbackComplete Stalled');
  });

  test('without a rollback leaves the stack failed, and the update is not sent again', async () => {
    await updating({ remediation });
    await ask('cancel-without-rollback@1');
    await world.reconcileNews();
    expect(handled()).toEqual({ token: '1', verb: 'cancel-without-rollback', result: 'Succeeded' });
    expect(world.ready).toBe('False UpdateFailed Stalled');
    await world.clock.advance(12 * MINUTE);
    await world.reconcile();
    expect(writes()).toEqual(['update', 'cancel_without_rollback']);
  });

  test('of a create is possible without a rollback only', async () => {
    const fresh = new World();
    fresh.apply();
    await fresh.reconcile();
    fresh.apply({}, { [ANNOTATIONS.action]: 'cancel-update@1' });
    await fresh.reconcile();
    expect(fresh.status.lastHandledAction?.result).toBe(
      'Refused: the stack is CREATE_IN_PROGRESS, and there is nothing to cancel',
    );
    fresh.apply({}, { [ANNOTATIONS.action]: 'cancel-without-rollback@2' });
    await fresh.reconcile();
    await fresh.reconcileNews();
    expect(fresh.status.lastHandledAction?.result).toBe('Succeeded');
    expect(fresh.ready).toBe('False CreateFailed Stalled');
    await fresh.stop();
  });

  test('that comes too late is refused in the words of Heat, and the object goes on', async () => {
    await updating();
    await world.reconcile();
    world.heat.onCall = (call) => {
      if (call === 'cancel_update') world.heat.finish();
    };
    world.news.length = 0;
    await ask('cancel-update@1');
    expect(handled()?.result).toMatch(/^Refused: .*Cancelling UPDATE_COMPLETE is not supported/);
    await world.reconcileNews();
    expect(world.ready).toBe('True Succeeded');
  });

  test('overtakes another one that Heat does not carry out', async () => {
    await updating();
    await ask('cancel-update@1');
    Object.assign(world.heat.stack(), { status: 'UPDATE_IN_PROGRESS' });
    await ask('cancel-without-rollback@2');
    expect(writes()).toEqual(['update', 'cancel_update', 'cancel_without_rollback']);
    await world.reconcileNews();
    expect(handled()).toEqual({ token: '2', verb: 'cancel-without-rollback', result: 'Succeeded' });
  });
});

describe('a request that is refused', () => {
  test.each([
    ['reboot@1', 'reboot@1', 'reboot', /^Refused: "reboot" is no action; .* check, stack-suspend/],
    ['check', 'check', 'check', /^Refused: "check" has no token/],
    ['cancel-update@1', '1', 'cancel-update', /^Refused: .*nothing to cancel$/],
    ['stack-resume@1', '1', 'stack-resume', /^Refused: .*not suspended$/],
  ])('%s is told once, and Ready stays as it was', async (action, token, verb, result) => {
    await ask(action);
    expect(handled()).toEqual({ token, verb, result: expect.stringMatching(result) });
    expect(told()).toEqual([expect.stringContaining(`Warning ActionRefused: ${action}: `)]);
    expect(world.ready).toBe('True Succeeded');
    expect(writes()).toEqual([]);
    world.forget();
    await world.reconcile();
    await world.restart();
    await world.reconcile();
    expect(world.heat.calls).toEqual([]);
    expect(world.events).toEqual([]);
  });

  test.each([
    createError('BadRequest', 'no', { status: 400 }),
    createError('Forbidden', 'no', { status: 403 }),
  ])('by Heat is told, and Ready stays as it was', async (error) => {
    world.heat.fail('check', error);
    await ask('check@1');
    expect(handled()?.result).toMatch(/^Refused: Heat does not take it: no/);
    expect(world.eventReasons).toEqual(['ActionRefused']);
    expect(world.ready).toBe('True Succeeded');
    // That it is sent, and that it was refused; none of them in vain.
    expect(world.cluster.writes).toHaveLength(2);
    await world.reconcile();
    expect(writes()).toEqual(['check']);
  });

  test('shows no secret', async () => {
    world.apply({ parameters: { flavor: 'correct-horse-battery' } });
    await world.reconcile();
    await ends();
    world.heat.fail('check', createError('BadRequest', 'bad correct-horse-battery', { status: 400 }));
    await ask('check@1');
    expect(handled()?.result).toContain('[redacted]');
    expect(JSON.stringify([world.object, world.events]).split('correct-horse-battery')).toHaveLength(2);
  });
});

describe('exactly once', () => {
  test('is sent when Heat is free again, and not handled before', async () => {
    world.heat.fail('check', NOT_TAKEN);
    expect(await ask('check@1')).toEqual({ requeueAfterMs: 5000 });
    expect(handled()).toBeUndefined();
    expect(world.eventReasons).toEqual([]);
    await world.reconcile();
    expect(handled()?.result).toBe('InProgress');
    expect(writes()).toEqual(['check', 'check']);
  });

  test.each([
    createError('Unauthorized', 'no', { status: 401 }),
    createError('ConnectionFailed', 'refused', { notSent: true }),
  ])('is tried again after an error that proves that it was not taken', async (error) => {
    world.heat.fail('check', error);
    expect(await ask('check@1')).toBe('later');
    expect(handled()).toBeUndefined();
    await world.reconcile();
    expect(handled()?.result).toBe('InProgress');
  });

  test.each([
    [true, 'Succeeded'],
    [false, 'Failed'],
  ])('is not sent again when the answer was lost (carried out: %s)', async (after, result) => {
    await world.clock.advance(2000);
    world.heat.fail('check', LOST, { after });
    expect(await ask('check@1')).toEqual({ requeueAfterMs: 1000 });
    if (after) world.heat.finish();
    await world.clock.advance(5000);
    await world.reconcile();
    expect(handled()?.result).toBe(result);
    expect(writes()).toEqual(['check']);
    expect(world.ready).toBe('True Succeeded');
  });

  test('is not sent when the note of it could not be written', async () => {
    world.cluster.before = ({ path }) => {
      if (path.endsWith('/status')) throw new Error('the operator ends here');
    };
    await expect(ask('check@1')).rejects.toThrow('the operator ends here');
    expect(writes()).toEqual([]);
    world.cluster.before = () => undefined;
    await world.restart();
    await world.reconcile();
    expect(writes()).toEqual(['check']);
  });

  test.each([
    ['before', 'Failed'],
    ['after', 'Succeeded'],
  ])(
    'is not sent again by an operator that starts after one that ended right %s it',
    async (when, result) => {
      await world.clock.advance(2000);
      world.heat.fail('check', new Error('the operator ends here'), { after: when === 'after' });
      await expect(ask('check@1')).rejects.toThrow('the operator ends here');
      await world.restart();
      await world.reconcile();
      if (when === 'after') world.heat.finish();
      await world.clock.advance(5000);
      await world.reconcile();
      expect(handled()?.result).toBe(result);
      expect(writes()).toEqual(['check']);
    },
  );

  test('ends also when the operator was restarted in between', async () => {
    await world.clock.advance(2000);
    await ask('stack-suspend@1');
    await world.restart();
    await world.reconcile();
    await ends();
    expect(handled()).toEqual({ token: '1', verb: 'stack-suspend', result: 'Succeeded' });
    expect(writes()).toEqual(['suspend']);
  });

  test('stays handled when somebody else wrote to the status', async () => {
    await world.clock.advance(2000);
    await ask('check@1');
    await ends();
    world.edit(({ status }) => {
      delete status.appliedDigest;
      delete status.history;
    });
    await world.reconcile();
    expect(handled()).toEqual({ token: '1', verb: 'check', result: 'Succeeded' });
    expect(writes()).toEqual(['check']);
    expect(world.ready).toBe('True Succeeded');
  });

  test('is not looked for in Heat when the annotation goes or stays', async () => {
    await world.clock.advance(2000);
    await ask('check@1');
    await ends();
    world.forget();
    world.apply({});
    await world.reconcile();
    expect(world.heat.calls).toEqual([]);
    expect(handled()?.token).toBe('1');
  });
});

describe('an action', () => {
  test('waits while the object is suspended', async () => {
    await ask('check@1', { suspend: true });
    await world.reconcile();
    expect(world.heat.calls).toEqual([]);
    expect(handled()).toBeUndefined();
    await ask('check@1', { suspend: false });
    expect(writes()).toEqual(['check']);
  });

  test('is no concern of an object that is deleted', async () => {
    world.apply({}, { [ANNOTATIONS.action]: 'check@1' });
    world.delete();
    await world.reconcile();
    expect(writes()).toEqual(['delete']);
    world.heat.finish('COMPLETE');
    await world.reconcileNews();
    expect(world.exists).toBe(false);
    expect(world.eventReasons).toEqual(['StackDeleting', 'StackDeleted']);
  });

  test('has failed when the stack is gone, which is made anew', async () => {
    await ask('check@1');
    world.heat.all.clear();
    await world.reconcileNews();
    expect(handled()?.result).toBe('Failed');
    expect(told()).toContain('Warning ActionFailed: check@1: the stack is gone');
    expect(writes()).toEqual(['check', 'create']);
  });

  test('does not have a stack made anew that somebody deleted', async () => {
    world.apply({ onExternalDeletion: 'stall' });
    await world.reconcile();
    world.heat.all.clear();
    await ask('check@1');
    expect(world.ready).toBe('False StackNotFound Stalled');
    expect(writes()).toEqual([]);
  });

  test('is not for a stack that is made later, as when an object is applied anew with its annotation', async () => {
    const fresh = new World();
    fresh.apply({}, { [ANNOTATIONS.action]: 'stack-suspend@1' });
    await fresh.reconcile();
    expect(fresh.status.lastHandledAction?.result).toBe('Refused: there is no stack of this object');
    fresh.heat.finish();
    await fresh.reconcileNews();
    expect(fresh.ready).toBe('True Succeeded');
    expect(fresh.heat.calls).not.toContain('suspend');
    expect(fresh.eventReasons).toEqual(['ActionRefused', 'StackCreating', 'StackCreated']);
    await fresh.stop();
  });
});

describe('annotations of Flux', () => {
  test.each(['requestedAt', 'resetAt', 'forceAt'] as const)(
    '%s asks once, also when it is applied again or the operator restarts',
    async (name) => {
      const apply = () => world.apply({}, { [ANNOTATIONS[name]]: 'one' });
      apply();
      await world.reconcile();
      if (name === 'forceAt') await ends();
      world.forget();
      apply();
      await world.reconcile();
      await world.restart();
      await world.reconcile();
      expect(world.heat.calls).toEqual([]);
      expect(world.cluster.writes).toEqual([]);
    },
  );

  test('forceAt is sent when the object is resumed', async () => {
    const force = { [ANNOTATIONS.forceAt]: 'one' };
    world.apply({ suspend: true }, force);
    await world.reconcile();
    expect(world.status.lastHandledForceAt).toBeUndefined();
    world.apply({ suspend: false }, force);
    await world.reconcile();
    expect(writes()).toEqual(['update']);
    expect(world.status.lastHandledForceAt).toBe('one');
  });

  test('forceAt waits for the end of what is in progress', async () => {
    await world.clock.advance(2000);
    world.applyParameter('large');
    await world.reconcile();
    world.apply({}, { [ANNOTATIONS.forceAt]: 'one' });
    await world.reconcile();
    expect(world.status.lastHandledForceAt).toBeUndefined();
    await ends();
    expect(writes()).toEqual(['update', 'update']);
    await ends();
    expect(world.status.lastHandledForceAt).toBe('one');
    expect(world.ready).toBe('True Succeeded');
  });

  test('forceAt is handled by an update that Heat refuses', async () => {
    world.heat.fail('update', createError('BadRequest.StackValidationFailed', 'no', { status: 400 }));
    world.apply({}, { [ANNOTATIONS.forceAt]: 'one' });
    await world.reconcile();
    expect(world.status.lastHandledForceAt).toBe('one');
    await world.restart();
    await world.reconcile();
    expect(writes()).toEqual(['update']);
  });

  test('forceAt is sent again when Heat did not take it', async () => {
    world.heat.fail('update', NOT_TAKEN);
    world.apply({}, { [ANNOTATIONS.forceAt]: 'one' });
    await world.reconcile();
    expect(world.status.lastHandledForceAt).toBeUndefined();
    await world.reconcile();
    expect(writes()).toEqual(['update', 'update']);
    expect(world.status.lastHandledForceAt).toBe('one');
  });
});
