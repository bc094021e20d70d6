import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CircuitBreaker, createError } from '../openstack/index.ts';
import { Crowded } from './outages.ts';
import { CLOUDS_YAML, KEY, World } from './testing/world.ts';

const MINUTE = 60_000;
const REST = 5 * MINUTE;

let world: World;

beforeEach(async () => {
  world = new World();
  await world.created();
  world.heat.takeCalls();
  // The resync is due.
  await world.clock.advance(90 * MINUTE);
});
afterEach(async () => {
  await world.stop();
});

function breaker(): CircuitBreaker {
  if (!world.breaker) throw new Error('nobody logged in');
  return world.breaker;
}

/** As the client does when Heat doesn't answer. */
function goOut(): void {
  const circuit = breaker().of('orchestration');
  for (let n = 0; n < 5; n += 1) circuit.ended('failed', false, 'Heat answered 503 to GET /stacks.');
}

/** A reconcile whose first call finds the circuit open. */
async function reconcileInVain() {
  world.heat.fail('get', breaker().of('orchestration').refusal());
  return world.reconcile();
}

test('while the circuit is open an object says so once, and rests', async () => {
  goOut();
  const result = await reconcileInVain();
  expect(result).toMatchObject({ requeueAfterMs: expect.any(Number) });
  expect((result as { requeueAfterMs: number }).requeueAfterMs).toBeGreaterThanOrEqual(REST);
  expect(world.ready).toBe('False TransientError Reconciling');
  expect(world.condition('Ready')?.message).toMatch(
    /^reconciling the stack: Heat is out of order since \d{4}-\d\d-\d\dT[\d:]{8}Z: Heat answered 503 to GET \/stacks\. Nothing is sent to it but one request now and then, at least every 30 s/,
  );
  // Not with each probe.
  const writes = world.cluster.writes.length;
  const circuit = breaker().of('orchestration');
  for (let probe = 0; probe < 5; probe += 1) {
    await world.clock.advance(30_000);
    circuit.ended('failed', circuit.begin(), 'Heat answered 502 to GET /stacks.');
    await reconcileInVain();
  }
  expect(world.cluster.writes).toHaveLength(writes);
});

test('it is told as a probe, and when the cloud is back', async () => {
  goOut();
  await reconcileInVain();
  expect(world.news).toEqual([]);
  await world.clock.advance(1_000);
  expect(world.news.splice(0)).toEqual([KEY]);
  const circuit = breaker().of('orchestration');
  const isProbe = circuit.begin();
  await reconcileInVain();
  circuit.ended('answered', isProbe);
  await world.clock.advance(100);
  expect(world.news).toEqual([KEY]);
  await world.reconcile();
  expect(world.ready).toBe('True Succeeded');
});

test('one that failed while the circuit opened is told as well', async () => {
  goOut();
  world.heat.fail('get', createError('Timeout', 'no answer'));
  expect(await world.reconcile()).toBe('later');
  const circuit = breaker().of('orchestration');
  circuit.ended('answered', false);
  await world.clock.advance(100);
  expect(world.news).toEqual([KEY]);
});

test('an object whose cloud may hang comes again in a while when workers are scarce, with nothing said', async () => {
  breaker().of('orchestration').ended('hung', false);
  const acquire = world.sessions.acquire.bind(world.sessions);
  let isCrowded = true;
  world.sessions.acquire = async (...args) => {
    if (isCrowded) throw new Crowded();
    return acquire(...args);
  };
  const writes = world.cluster.writes.length;
  expect(await world.reconcile()).toEqual({ requeueAfterMs: 60_000, priority: -100 });
  expect(world.cluster.writes).toHaveLength(writes);
  expect(world.heat.takeCalls()).toEqual([]);
  isCrowded = false;
  await world.reconcile();
  expect(world.ready).toBe('True Succeeded');
});

test('a corrected Secret is not forgotten when workers are scarce, though the object had given up', async () => {
  world.loginErrors.push(...Array.from({ length: 5 }, () => createError('Unauthorized', 'no')));
  world.apply({
    resyncPeriod: '0s',
    resources: { nestedDepth: 0, maxItems: 100, refreshPeriod: '0s' },
    cloudCredentialsRef: { secretName: 'other', cloudName: 'prod' },
  });
  world.writeData('Secret', 'other', { 'clouds.yaml': CLOUDS_YAML });
  for (let round = 0; round < 5; round += 1) await world.reconcile();
  expect(world.ready).toBe('False AuthenticationFailed Stalled');
  world.writeData('Secret', 'other', { 'clouds.yaml': CLOUDS_YAML.replace('correct', 'right') });
  const acquire = world.sessions.acquire.bind(world.sessions);
  world.sessions.acquire = () => Promise.reject(new Crowded());
  await world.reconcile();
  world.sessions.acquire = acquire;
  await world.reconcile();
  expect(world.ready).toBe('True Succeeded');
});
