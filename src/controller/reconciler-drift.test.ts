import { afterEach, beforeEach, expect, test } from 'vitest';
import { ANNOTATIONS } from '../api/constants.ts';
import { createError } from '../openstack/index.ts';
import { World } from './testing/world.ts';

const MINUTE = 60_000;
const TIMEOUT = createError('Timeout', 'no answer');

let world: World;

beforeEach(async () => {
  world = new World();
  await world.created();
});

afterEach(async () => {
  await world.stop();
});

/** Another client's PATCH as Heat shows it: all that was not sent stays, our marker too. */
function patch(status = 'UPDATE_COMPLETE'): void {
  const updatedAt = `${new Date(world.clock.now()).toISOString().slice(0, 19)}Z`;
  Object.assign(world.heat.stack(), { status, updatedAt });
}

/** Lets the time of a resync come, and reconciles. */
async function resync(): Promise<unknown> {
  await world.clock.advance(12 * MINUTE);
  return world.reconcile();
}

const drifted = () => {
  const { status, reason } = world.condition('Drifted') ?? {};
  return `${status} ${reason}`;
};
const told = () => world.eventReasons.filter((reason) => reason === 'DriftDetected').length;

test('is not there before the first look, and False after it', async () => {
  expect(drifted()).toBe('False NoDriftDetected');
  await resync();
  expect(drifted()).toBe('False NoDriftDetected');
  const fresh = new World();
  fresh.apply();
  await fresh.reconcile();
  expect(fresh.condition('Drifted')).toBeUndefined();
  await fresh.stop();
});

test('a PATCH of another client is drift, though our marker is still there', async () => {
  await world.clock.advance(MINUTE);
  patch();
  await resync();
  expect(drifted()).toBe('True DriftDetected');
  expect(world.ready).toBe('True Succeeded');
  expect(world.condition('Ready')?.message).toContain('another client changed the inputs');
  expect(world.heat.calls).not.toContain('update');
  expect(told()).toBe(1);
});

test('stays over further looks, an error that passes and a restart, and is told once', async () => {
  await world.clock.advance(MINUTE);
  patch();
  await resync();
  const since = world.condition('Drifted')?.lastTransitionTime;

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
  expect(told()).toBe(1);
  expect(world.heat.calls).not.toContain('update');
});

test.each(['another spec', 'a forced update'])('ends with our next update: %s', async (why) => {
  await world.clock.advance(MINUTE);
  patch();
  await resync();
  if (why === 'another spec') world.applyParameter('large');
  else world.apply({}, { [ANNOTATIONS.forceAt]: 'now' });
  await world.reconcile();
  expect(world.heat.stack().status).toBe('UPDATE_IN_PROGRESS');
  world.heat.finish();
  await world.reconcileNews();
  expect(world.ready).toBe('True Succeeded');
  expect(drifted()).toBe('False NoDriftDetected');
  await resync();
  expect(drifted()).toBe('False NoDriftDetected');
});

test.each(['seen in progress', 'not seen before its end'])(
  'our own forced update is none (%s)',
  async (when) => {
    await world.clock.advance(MINUTE);
    world.apply({}, { [ANNOTATIONS.forceAt]: 'now' });
    await world.reconcile();
    if (when === 'seen in progress') await world.reconcile();
    world.heat.finish();
    await world.reconcileNews();
    expect(world.ready).toBe('True Succeeded');
    expect(drifted()).toBe('False NoDriftDetected');
    expect(told()).toBe(0);
  },
);

test('a PATCH that is seen at work is drift as well', async () => {
  await world.clock.advance(MINUTE);
  patch('UPDATE_IN_PROGRESS');
  await resync();
  expect(world.ready).toBe('Unknown Progressing Reconciling');
  world.heat.finish();
  await world.reconcileNews();
  expect(world.ready).toBe('True Succeeded');
  expect(drifted()).toBe('True DriftDetected');
  expect(told()).toBe(1);
});

test('a PATCH that Heat rolled back is none in the end', async () => {
  await world.clock.advance(MINUTE);
  patch('UPDATE_IN_PROGRESS');
  await resync();
  world.heat.finish('COMPLETE', { status: 'ROLLBACK_COMPLETE' });
  await world.reconcileNews();
  expect(world.ready).toBe('True Succeeded');
  expect(drifted()).toBe('False NoDriftDetected');
});
