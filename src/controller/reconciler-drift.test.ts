import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ANNOTATIONS } from '../api/constants.ts';
import type { HeatStackSpec } from '../api/heat-stack.ts';
import { createError, type StackAttributes } from '../openstack/index.ts';
import { Digester } from './digest.ts';
import { resource } from './testing/fake-heat.ts';
import { World } from './testing/world.ts';

const MINUTE = 60_000;
const TIMEOUT = createError('Timeout', 'no answer');
const ENABLED: Partial<HeatStackSpec> = { driftDetection: { mode: 'enabled' } };
const DISABLED: Partial<HeatStackSpec> = { driftDetection: { mode: 'disabled' } };
const HIDING = 'parameters: { password: { type: string, hidden: true } }';
/** What a comparison costs. */
const CONTENT = ['environment', 'template', 'files'];
const OTHER_KEY = new Digester(Buffer.alloc(32, 9));

let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(async () => {
  await world.stop();
});

/** A stack that was looked at once, and then was left alone for a minute. */
async function start(spec: Partial<HeatStackSpec> = {}): Promise<void> {
  await world.created({ tags: ['own'], ...spec });
  await world.clock.advance(MINUTE);
}

/** Another client's action as Heat shows it. */
function act(status: string): void {
  const updatedAt = `${new Date(world.clock.now()).toISOString().slice(0, 19)}Z`;
  Object.assign(world.heat.stack(), { status, updatedAt });
}

/** Another client's PATCH: all that was not sent stays, our marker too. */
function patch(
  status = 'UPDATE_COMPLETE',
  change: Partial<StackAttributes> = { parameters: { size: 'large' } },
): void {
  act(status);
  Object.assign(world.heat.stack().attributes, change);
}

/** Another client's PUT: what was not sent is gone, our marker and tags too. */
function put(attributes: StackAttributes): void {
  act('UPDATE_COMPLETE');
  world.heat.stack().attributes = attributes;
}

/** Lets the time of a resync come, and looks. */
function resync(): Promise<unknown> {
  return world.lookAgain();
}

function loseStatus(): void {
  world.edit((object) => {
    object.status = { observedGeneration: -1 };
  });
}

async function loseKey(): Promise<void> {
  world.digester = OTHER_KEY;
  await world.restart();
}

const drifted = () => {
  const { status, reason } = world.condition('Drifted') ?? {};
  return `${status} ${reason}`;
};
const told = () => world.events.filter(({ reason }) => reason === 'DriftDetected').map(({ note }) => note);
const message = () => world.condition('Ready')?.message;

/** Our update is under way; it ends, and is looked at. */
async function finishUpdate(): Promise<void> {
  expect(world.heat.stack().status).toBe('UPDATE_IN_PROGRESS');
  world.heat.finish();
  await world.reconcileNews();
}

test('is not there before the first look, and False after it', async () => {
  world.apply();
  await world.reconcile();
  expect(world.condition('Drifted')).toBeUndefined();
  world.heat.finish();
  await world.reconcileNews();
  expect(drifted()).toBe('False NoDriftDetected');
  await resync();
  expect(drifted()).toBe('False NoDriftDetected');
  expect(world.status.drift).toBeUndefined();
});

test('a create that Heat rolled back is not compared', async () => {
  world.apply({ rollbackOnFailure: true });
  await world.reconcile();
  world.heat.finish('COMPLETE', { status: 'ROLLBACK_COMPLETE', attributes: { template: {} } });
  world.forget();
  await world.reconcileNews();
  expect(world.ready).toBe('False RollbackComplete Reconciling');
  expect(world.heat.takeCalls()).not.toContain('template');
});

describe('in the mode "warn"', () => {
  test('a PATCH of another client is told, though our marker is still there', async () => {
    await start();
    const detectedAt = world.clock.now() + 12 * MINUTE;
    patch();
    await resync();
    expect(drifted()).toBe('True DriftDetected');
    expect(world.condition('Drifted')?.message).toBe(
      "Another client changed the stack's inputs: parameters/size.",
    );
    expect(world.status.drift).toEqual({
      detectedAt: new Date(detectedAt).toISOString().replace('.000', ''),
      fields: ['parameters/size'],
    });
    expect(world.ready).toBe('True Succeeded');
    expect(message()).toBe(
      'Stack web is UPDATE_COMPLETE, but another client changed the inputs (parameters/size); they are put back with the next update',
    );
    expect(world.heat.calls).not.toContain('update');
    expect(told()).toEqual(['another client changed the inputs (parameters/size) of stack web']);
  });

  test('a PUT of another client is told with all that it changed and erased', async () => {
    await start({ files: { 'web.yaml': 'a' }, parameters: { size: 'small' }, timeout: '30m' });
    put({ template: 'heat_template_version: 2021-04-16\nresources: { a: {} }\n', disableRollback: false });
    await resync();
    expect(world.status.drift?.fields).toEqual([
      'template',
      'files/web.yaml',
      'parameters/size',
      'tags',
      'timeout',
      'rollbackOnFailure',
    ]);
    expect(message()).toContain('(template, files/web.yaml, parameters/size, tags, timeout and 1 more)');
    expect(world.ready).toBe('True Succeeded');
  });

  test('only tags are told, too', async () => {
    await start();
    patch('UPDATE_COMPLETE', { tags: [] });
    await resync();
    expect(world.status.drift?.fields).toEqual(['tags']);
  });

  test.each([
    ['a PUT of the same inputs', () => put({ ...world.heat.stack().attributes, environment: {} })],
    ['a check', () => act('CHECK_COMPLETE')],
    ['a suspend and resume', () => act('RESUME_COMPLETE')],
    ['a snapshot', () => act('SNAPSHOT_COMPLETE')],
  ])('%s is none', async (_, change) => {
    await start({ parameters: { size: 5 } });
    change();
    world.forget();
    await resync();
    expect(world.heat.takeCalls()).toEqual(['get', ...CONTENT, 'get+outputs', 'resources']);
    expect(world.ready).toBe('True Succeeded');
    expect(drifted()).toBe('False NoDriftDetected');
    expect(told()).toEqual([]);
    // From then on it costs nothing any more.
    await resync();
    expect(world.heat.takeCalls()).toEqual(['get']);
  });

  test('a hidden parameter that Heat masks is none', async () => {
    await start({ template: { inline: HIDING }, parameters: { password: 'the-password' } });
    act('CHECK_COMPLETE');
    await resync();
    expect(drifted()).toBe('False NoDriftDetected');
    patch('UPDATE_COMPLETE', { parameters: { password: 'the-password', size: 'large' } });
    await resync();
    expect(world.status.drift?.fields).toEqual(['parameters/size']);
  });

  test('stays over further looks, an error that passes and a restart, and is told once', async () => {
    await start();
    patch();
    await resync();
    const since = world.condition('Drifted')?.lastTransitionTime;
    const { drift } = world.status;

    world.heat.fail('get', TIMEOUT);
    expect(await resync()).toBe('later');
    expect(world.ready).toBe('False TransientError Reconciling');
    expect(drifted()).toBe('True DriftDetected');
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(drifted()).toBe('True DriftDetected');

    await world.restart();
    world.apply({}, { [ANNOTATIONS.requestedAt]: 'now' });
    await world.reconcile();
    // Once more, and right after an error: the marker says nothing either way.
    world.heat.fail('get', TIMEOUT);
    await resync();
    patch();
    await world.reconcile();
    expect(world.condition('Drifted')).toMatchObject({ status: 'True', lastTransitionTime: since });
    expect(world.status.drift).toEqual(drift);
    expect(told()).toHaveLength(1);
    expect(world.heat.calls).not.toContain('update');
  });

  test('is told again when more is changed, and ends when it is changed back', async () => {
    await start();
    patch();
    await resync();
    const { detectedAt } = world.status.drift ?? {};
    patch('UPDATE_COMPLETE', { timeoutMins: 5 });
    await resync();
    expect(world.status.drift).toEqual({ detectedAt, fields: ['parameters/size', 'timeout'] });
    expect(told()).toHaveLength(2);
    patch('UPDATE_COMPLETE', { timeoutMins: 60, parameters: {} });
    await resync();
    expect(drifted()).toBe('False NoDriftDetected');
    expect(world.status.drift).toBeUndefined();
    expect(message()).toBe('Stack web is UPDATE_COMPLETE');
  });

  test('names at most 32 fields, and no secret in their names', async () => {
    await start({ template: { inline: HIDING }, parameters: { password: 'the-password' } });
    const more = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`p${index}`, 1]));
    patch('UPDATE_COMPLETE', { parameters: { password: 'x', 'a the-password': 1, ...more } });
    await resync();
    expect(world.status.drift?.fields).toHaveLength(32);
    expect(world.status.drift?.fields[0]).toBe('parameters/a [redacted]');
    expect(JSON.stringify([world.status, world.events])).not.toContain('the-password');
  });

  test.each(['another spec', 'a forced update'])('ends with our next update: %s', async (why) => {
    await start();
    patch();
    await resync();
    if (why === 'another spec') world.applyParameter('large');
    else world.apply({}, { [ANNOTATIONS.forceAt]: 'now' });
    await world.reconcile();
    await finishUpdate();
    expect(world.ready).toBe('True Succeeded');
    expect(drifted()).toBe('False NoDriftDetected');
    expect(world.status.drift).toBeUndefined();
    await resync();
    expect(drifted()).toBe('False NoDriftDetected');
  });

  test('ends when the stack is gone and created anew', async () => {
    await start();
    patch();
    await resync();
    const stack = world.heat.stack();
    Object.assign(stack, { status: 'DELETE_COMPLETE', deletedAt: stack.updatedAt });
    await resync();
    expect(drifted()).toBe('False NoDriftDetected');
    expect(world.status.drift).toBeUndefined();
  });

  test.each(['seen in progress', 'not seen before its end'])(
    'our own forced update is none (%s)',
    async (when) => {
      await start();
      world.apply({}, { [ANNOTATIONS.forceAt]: 'now' });
      await world.reconcile();
      if (when === 'seen in progress') await world.reconcile();
      await finishUpdate();
      expect(world.ready).toBe('True Succeeded');
      expect(drifted()).toBe('False NoDriftDetected');
      expect(told()).toEqual([]);
    },
  );

  test('a PATCH that is seen at work is told once it is done', async () => {
    await start();
    patch('UPDATE_IN_PROGRESS');
    await resync();
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    world.heat.finish();
    await world.reconcileNews();
    expect(world.ready).toBe('True Succeeded');
    expect(drifted()).toBe('True DriftDetected');
    expect(told()).toHaveLength(1);
  });

  test('a PATCH that Heat rolled back is none in the end', async () => {
    await start();
    const { attributes } = world.heat.stack();
    const before = structuredClone(attributes);
    patch('UPDATE_IN_PROGRESS');
    await resync();
    world.heat.finish('COMPLETE', { status: 'ROLLBACK_COMPLETE', attributes: before });
    await world.reconcileNews();
    expect(world.ready).toBe('True Succeeded');
    expect(drifted()).toBe('False NoDriftDetected');
  });

  test('a PATCH in the second in which our own update began is found within an hour or so', async () => {
    await start({ resources: { nestedDepth: 0, maxItems: 100, refreshPeriod: '30m' } });
    Object.assign(world.heat.stack().attributes, { parameters: { size: 'large' } });
    world.forget();
    await resync();
    expect(world.heat.takeCalls()).toEqual(['get']);
    for (let minutes = 12; minutes < 84; minutes += 12) await resync();
    // Once an hour at most, however often the resources are read.
    const calls = world.heat.takeCalls();
    expect(calls.filter((call) => call === 'files')).toHaveLength(1);
    expect(calls.filter((call) => call === 'resources')).toHaveLength(2);
    expect(drifted()).toBe('True DriftDetected');
  });

  test('a stack that nobody touched is compared once in a refresh period, and never when that is off', async () => {
    await start();
    for (let minutes = 0; minutes <= 144; minutes += 12) await resync();
    expect(world.heat.takeCalls().filter((call) => call === 'files')).toHaveLength(2);
    world.apply({ resources: { nestedDepth: 0, maxItems: 100, refreshPeriod: '0s' } });
    for (let minutes = 0; minutes <= 144; minutes += 12) await resync();
    expect(world.heat.takeCalls()).not.toContain('files');
  });
});

describe('in the mode "enabled"', () => {
  test('another client’s change is told and put back', async () => {
    await start(ENABLED);
    const { name: _, ...attributes } = world.heat.stack().attributes;
    put({ template: 'a: b' });
    await resync();
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    expect(told()).toEqual(['another client changed the inputs (template, tags) of stack web']);
    expect(world.events.at(-1)).toMatchObject({
      reason: 'StackUpdating',
      note: 'Heat is updating stack web (to put back what another client changed)',
    });
    expect(world.heat.stack().attributes).toEqual(attributes);
    world.heat.takeCalls();
    await finishUpdate();
    // Whether it is so is looked at.
    expect(world.heat.takeCalls()).toEqual(['get', ...CONTENT, 'get+outputs', 'resources']);
    expect(world.ready).toBe('True Succeeded');
    expect(drifted()).toBe('False NoDriftDetected');
    expect(world.status).not.toHaveProperty('drift');
    expect(world.status.attempts).toBe(0);
    expect(told()).toHaveLength(1);
  });

  test('the same inputs in another client’s PUT are not sent again', async () => {
    await start(ENABLED);
    put({ ...world.heat.stack().attributes, environment: {} });
    await resync();
    expect(world.heat.calls).not.toContain('update');
    expect(world.ready).toBe('True Succeeded');
  });

  test('what no update puts back is told, and not sent for ever', async () => {
    await start(ENABLED);
    const keep = () => Object.assign(world.heat.stack().attributes, { timeoutMins: 5 });
    keep();
    act('UPDATE_COMPLETE');
    await resync();
    for (let updates = 1; updates < 3; updates += 1) {
      keep();
      await finishUpdate();
    }
    keep();
    world.forget();
    await finishUpdate();
    expect(world.ready).toBe('True Succeeded');
    expect(drifted()).toBe('True DriftDetected');
    for (let looks = 0; looks < 20; looks += 1) await resync();
    expect(world.heat.calls).not.toContain('update');
    // Another change is another matter.
    patch();
    await resync();
    expect(world.heat.calls).toContain('update');
  });

  test('an update that puts back and is lost in Heat is sent again', async () => {
    await start(ENABLED);
    patch();
    world.heat.lostUpdates = 1;
    await resync();
    expect(world.heat.takeCalls()).toContain('update');
    await world.reconcileNews();
    expect(world.heat.takeCalls()).toContain('update');
    await finishUpdate();
    expect(drifted()).toBe('False NoDriftDetected');
  });
});

describe('in the mode "disabled"', () => {
  test('nothing is compared, told or put back', async () => {
    await start(DISABLED);
    expect(world.condition('Drifted')).toBeUndefined();
    patch();
    world.forget();
    await resync();
    expect(world.heat.takeCalls()).toEqual(['get', 'environment', 'get+outputs', 'resources']);
    put({ template: 'a: b' });
    await resync();
    expect(world.heat.takeCalls()).toEqual(['get', 'environment', 'get+outputs', 'resources']);
    expect(world.ready).toBe('True Succeeded');
    expect(message()).toBe('Stack web is UPDATE_COMPLETE');
    expect(world.condition('Drifted')).toBeUndefined();
    expect(world.status.drift).toBeUndefined();
    expect(told()).toEqual([]);
    for (let minutes = 0; minutes <= 144; minutes += 12) await resync();
    expect(world.heat.takeCalls()).not.toContain('files');
  });

  test('what was told goes, and comes back with another mode', async () => {
    await start();
    patch();
    await resync();
    world.apply(DISABLED);
    await world.reconcile();
    expect(world.condition('Drifted')).toBeUndefined();
    expect(world.status.drift).toBeUndefined();
    expect(message()).toBe('Stack web is UPDATE_COMPLETE');
    world.apply({ driftDetection: { mode: 'warn' } });
    await world.reconcile();
    expect(drifted()).toBe('True DriftDetected');
  });
});

describe('when the status is lost', () => {
  test('a stack with our marker and another client’s change is told, and not updated', async () => {
    await start();
    patch();
    loseStatus();
    await world.restart();
    await world.reconcile();
    expect(world.heat.calls).not.toContain('update');
    expect(world.ready).toBe('True Succeeded');
    expect(world.status.drift?.fields).toEqual(['parameters/size']);
  });

  test('the inputs are compared once, also what a list does not show', async () => {
    await start({ timeout: '30m', rollbackOnFailure: true });
    loseStatus();
    await world.restart();
    world.forget();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([
      'list',
      'environment',
      'get+outputs',
      'template',
      'files',
      'resources',
    ]);
    expect(world.ready).toBe('True Succeeded');
    expect(drifted()).toBe('False NoDriftDetected');
    await resync();
    expect(world.heat.takeCalls()).toEqual(['get']);
  });
});

describe('when the key of the digests is another', () => {
  test.each(['warn', 'disabled'] as const)('nothing is updated (%s)', async (mode) => {
    await start({ parameters: { size: 5 }, driftDetection: { mode } });
    const before = world.status;
    const marker = structuredClone(world.heat.stack().attributes.environment);
    await loseKey();
    await world.reconcile();
    expect(world.heat.takeCalls()).not.toContain('update');
    expect(world.ready).toBe('True Succeeded');
    expect(world.status).toMatchObject({ id: before.id, stackStatus: before.stackStatus });
    for (const field of ['appliedDigest', 'attemptedDigest', 'ownership'] as const) {
      expect(world.status[field]).toBeDefined();
      expect(world.status[field]).not.toBe(before[field]);
    }
    expect(world.events).toEqual([
      {
        type: 'Normal',
        reason: 'StackAdopted',
        note: 'the inputs of stack web were compared, since the digest that it carries is not known; they are those of the spec',
      },
    ]);
    // The status is trusted from then on, though Heat still has the old marker.
    await resync();
    expect(world.heat.takeCalls()).toEqual(['get']);
    expect(world.heat.stack().attributes.environment).toEqual(marker);
    expect(world.ready).toBe('True Succeeded');
  });

  test('what Heat hides can not be compared, and is told', async () => {
    await start({ template: { inline: HIDING }, parameters: { password: 'the-password' } });
    await loseKey();
    await world.reconcile();
    expect(world.heat.takeCalls()).not.toContain('update');
    expect(world.events.map(({ note }) => note)).toEqual([
      expect.stringContaining('but for what Heat does not show (parameters/password)'),
    ]);
    expect(world.events[0]?.note).toContain(ANNOTATIONS.forceAt);
  });

  test.each([
    ['the spec changed meanwhile', () => world.applyParameter('large')],
    ['the template can not be read here', () => world.apply({ template: { inline: 'a: .inf' } })],
  ])('an update is sent when %s', async (_, change) => {
    await start();
    change();
    await loseKey();
    await world.reconcile();
    expect(world.heat.takeCalls()).toContain('update');
    await finishUpdate();
    expect(world.ready).toBe('True Succeeded');
  });

  test('a stack without our tags is left alone', async () => {
    await start();
    put({ ...world.heat.stack().attributes, tags: [] });
    await loseKey();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual(['list', 'list']);
    expect(world.ready).toBe('False NameConflict Stalled');
  });

  test('no second stack is made in another project', async () => {
    await start();
    await loseKey();
    world.cloud = { ...world.cloud, projectID: 'p2', endpoint: 'https://heat.example.com/v1/p2' };
    world.heat.all.clear();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);
    expect(world.ready).toBe('False CloudChanged Stalled');
  });

  test('a failed stack stays as it is', async () => {
    world.apply({
      remediation: {
        create: { retries: 0, strategy: 'none' },
        update: { retries: 0, strategy: 'none' },
        retryInterval: '30s',
      },
    });
    await world.reconcile();
    world.heat.finish('FAILED', { resources: [resource('a', 'CREATE_FAILED', { statusReason: 'bad' })] });
    await world.reconcileNews();
    await loseKey();
    world.forget();
    await world.reconcile();
    expect(world.heat.takeCalls()).not.toContain('update');
    expect(world.ready).toBe('False CreateFailed Stalled');
  });

  test('a rollback to the inputs from before that is known, and a revert to them needs no update', async () => {
    await start();
    const { attributes } = world.heat.stack();
    const before = structuredClone(attributes);
    await loseKey();
    await world.reconcile();
    world.applyParameter('large');
    await world.reconcile();
    world.heat.finish('COMPLETE', { status: 'ROLLBACK_COMPLETE', attributes: before });
    await world.reconcileNews();
    expect(world.ready).toBe('False RollbackComplete Stalled');
    world.forget();
    world.apply({ parameters: {} });
    await world.reconcile();
    expect(world.heat.takeCalls()).not.toContain('update');
    expect(world.ready).toBe('True Succeeded');
  });

  test('digests of a form that this version does not know are none', async () => {
    await start();
    world.edit(({ status }) => {
      status.appliedDigest = status.attemptedDigest = 'h9:abc';
    });
    const { environment } = world.heat.stack().attributes;
    Object.assign(environment as object, { parameter_defaults: { heatstack_digest: 'h9:abc' } });
    await world.restart();
    await world.reconcile();
    expect(world.heat.takeCalls()).not.toContain('update');
    expect(world.ready).toBe('True Succeeded');
    expect(world.status.appliedDigest).toMatch(/^h2:/);
  });
});

describe('what Heat says of another client’s update is withheld, since it may quote its hidden values', () => {
  const QUOTES = 'bad value the-other-password';
  const spec = { template: { inline: HIDING }, parameters: { password: 'the-password' } };
  const failed = () => {
    const { updatedAt = '' } = world.heat.stack();
    return [resource('r', 'UPDATE_FAILED', { statusReason: QUOTES, updatedAt })];
  };

  afterEach(() => {
    expect(JSON.stringify([world.status, world.events]) + world.log.text()).not.toContain(
      'the-other-password',
    );
  });

  test.each([
    ['when it fails', spec, 'UPDATE_FAILED'],
    ['when it fails, of a stack without hidden values', {}, 'UPDATE_FAILED'],
    ['when it ends well', spec, 'UPDATE_COMPLETE'],
    ['while it is at work, and after', spec, 'UPDATE_IN_PROGRESS'],
  ])('%s', async (_, given, status) => {
    await start(given);
    patch(status, { parameters: { password: 'the-other-password' } });
    Object.assign(world.heat.stack(), { statusReason: QUOTES, resources: failed() });
    await resync();
    await world.clock.advance(30_000);
    world.heat.stack().status = status.replace('IN_PROGRESS', 'COMPLETE');
    await resync();
    world.edit(({ metadata }) => {
      metadata.annotations = { [ANNOTATIONS.requestedAt]: 'now' };
    });
    await resync();
    expect(world.status.stackStatusReason).toContain('withheld');
  });

  test('also when it is found to be the wanted one, but for a hidden value', async () => {
    await start(spec);
    const { attributes } = world.heat.stack();
    world.apply({ tags: ['other'] });
    put({ ...attributes, environment: {}, tags: [...(attributes.tags ?? []).slice(0, 2), 'other'] });
    Object.assign(world.heat.stack(), { statusReason: QUOTES, resources: failed() });
    world.forget();
    await world.reconcile();
    expect(world.heat.takeCalls()).not.toContain('update');
    expect(world.ready).toBe('True Succeeded');
    expect(world.status.stackStatusReason).toContain('withheld');
    world.apply({}, { [ANNOTATIONS.requestedAt]: 'now' });
    await resync();
    expect(world.status.stackStatusReason).toContain('withheld');
  });

  test('and shown again of our next one', async () => {
    await start(spec);
    patch('UPDATE_COMPLETE', { parameters: { password: 'the-other-password' } });
    await resync();
    world.apply({ parameters: { password: 'the-new-password' } });
    await world.reconcile();
    const statusReason = 'bad value the-new-password';
    world.heat.finish('FAILED', { statusReason });
    await world.reconcileNews();
    expect(world.status.stackStatusReason).toBe('bad value [redacted]');
  });
});
