/** Whether Heat carried out an update of the operator's own, and what comes of one that was sent before and came late. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ANNOTATIONS } from '../api/constants.ts';
import type { HeatStackSpec } from '../api/heat-stack.ts';
import type { StackAttributes } from '../openstack/index.ts';
import { World } from './testing/world.ts';

const MINUTE = 60_000;
const MODES = ['disabled', 'warn', 'enabled'] as const;

let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(async () => {
  await world.stop();
});

/** Sends other inputs, and lets a minute pass. */
async function send(flavor: string): Promise<void> {
  world.applyParameter(flavor);
  await world.reconcile();
  await world.clock.advance(MINUTE);
  world.news.length = 0;
}

async function end(): Promise<void> {
  world.heat.finish();
  world.heat.takeCalls();
  await world.reconcileNews();
}

/** Lets the time of a resync come, and reconciles. What the shared list tells comes before. */
async function resync(): Promise<void> {
  await world.clock.advance(12 * MINUTE);
  await world.reconcile();
}

/** What Heat shows of an update of these inputs. */
function show(status: string, attributes: StackAttributes): void {
  const updatedAt = `${new Date(world.clock.now()).toISOString().slice(0, 19)}Z`;
  Object.assign(world.heat.stack(), { status, updatedAt, attributes: structuredClone(attributes) });
}

const sent = (): StackAttributes => structuredClone(world.heat.stack().attributes);
const flavor = () => world.heat.stack().attributes.parameters?.['flavor'];

describe('an update that ended', () => {
  beforeEach(() => world.created());

  test('is known by its tag, without a look at the environment', async () => {
    await send('large');
    await end();
    expect(world.ready).toBe('True Succeeded');
    expect(world.heat.takeCalls()).toEqual(['get+outputs', 'resources']);
  });

  test('is known by the marker after a restart', async () => {
    await send('large');
    world.heat.finish();
    await world.restart();
    world.heat.takeCalls();
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    expect(world.heat.takeCalls()).toEqual(['get+outputs', 'environment', 'resources']);
  });

  test('is known by the marker when it overtook another one', async () => {
    world.apply({ updatePolicy: 'supersede' });
    await send('large');
    await send('huge');
    expect(flavor()).toBe('huge');
    await end();
    expect(world.ready).toBe('True Succeeded');
    expect(world.heat.takeCalls()).toContain('environment');
  });

  test('is sent again when another client won, though it keeps our tags and marker', async () => {
    world.heat.lostUpdates = 1;
    await send('large');
    show('UPDATE_COMPLETE', { ...sent(), parameters: { flavor: 'theirs' } });
    await world.reconcile();
    expect(flavor()).toBe('large');
    expect(world.status.attempts).toBe(1);
  });

  test('is sent again when another client won, and the tag is that of a try that was rolled back', async () => {
    world.apply({
      rollbackOnFailure: true,
      remediation: {
        create: { retries: 0, strategy: 'update' },
        update: { retries: 0, strategy: 'update' },
        retryInterval: '30s',
      },
    });
    await world.reconcile();
    await end();
    const before = sent();
    await send('large');
    show('ROLLBACK_COMPLETE', { ...before, tags: sent().tags ?? [] });
    await world.reconcile();
    expect(world.ready).toBe('False RollbackComplete Stalled');
    world.heat.lostUpdates = 1;
    world.apply({}, { [ANNOTATIONS.forceAt]: 'now' });
    await world.reconcile();
    await world.clock.advance(MINUTE);
    show('UPDATE_COMPLETE', { ...sent(), parameters: { flavor: 'theirs' } });
    world.heat.takeCalls();
    await world.reconcile();
    expect(world.heat.takeCalls()).toContain('update');
    expect(flavor()).toBe('large');
  });
});

describe('inputs of before that come late', () => {
  let late: StackAttributes;

  /** A stack with the inputs of an update, and what was sent for it before. */
  async function start(spec: Partial<HeatStackSpec>): Promise<void> {
    await world.created(spec);
    late = sent();
    await send('large');
    await end();
    expect(world.ready).toBe('True Succeeded');
    world.forget();
  }

  async function isPutRight(): Promise<void> {
    expect(world.heat.takeCalls()).toContain('update');
    expect(flavor()).toBe('large');
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    expect(world.events.map(({ note }) => note)).toEqual([
      'Heat is updating stack web (over inputs of before, which were sent late)',
    ]);
    await end();
    expect(world.ready).toBe('True Succeeded');
    expect(world.condition('Drifted')?.status).not.toBe('True');
    expect(world.status.attempts).toBe(0);
    expect(world.eventReasons).toEqual(['StackUpdating', 'StackUpdated']);
  }

  test.each(MODES)('are put right in the mode "%s"', async (mode) => {
    await start({ driftDetection: { mode } });
    show('UPDATE_COMPLETE', late);
    await resync();
    await isPutRight();
  });

  test('are put right when they came within the second of what they came over', async () => {
    await start({ driftDetection: { mode: 'disabled' } });
    world.heat.stack().attributes = late;
    await resync();
    await isPutRight();
  });

  test('are put right when they failed', async () => {
    await start({ driftDetection: { mode: 'disabled' } });
    show('UPDATE_FAILED', late);
    await resync();
    await isPutRight();
  });

  test.each(MODES)('are put right when they came over an update that was under way (%s)', async (mode) => {
    await start({ driftDetection: { mode } });
    await send('huge');
    show('UPDATE_IN_PROGRESS', late);
    await end();
    expect(world.heat.takeCalls()).toContain('update');
    expect(flavor()).toBe('huge');
  });

  test('are put right after a restart', async () => {
    await start({ driftDetection: { mode: 'disabled' } });
    show('UPDATE_COMPLETE', late);
    await world.restart();
    await resync();
    // The first list tells of it.
    await world.reconcileNews();
    await isPutRight();
  });

  test("another client's inputs are no such", async () => {
    await start({ driftDetection: { mode: 'disabled' } });
    show('UPDATE_COMPLETE', { ...late, tags: sent().tags ?? [] });
    await resync();
    show('UPDATE_COMPLETE', { ...late, environment: {} });
    await resync();
    expect(world.heat.takeCalls()).not.toContain('update');
  });
});
