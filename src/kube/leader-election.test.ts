import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KubeError } from './errors.ts';
import { LeaderElection, type LeaderElectionOptions, LeadershipLost, type Lease } from './leader-election.ts';
import type { ObjectRef } from './objects.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { memoryLogger } from './testing/memory-logger.ts';
import { WriteRefused } from './write-fence.ts';

const LEASE = { namespace: 'own', name: 'operator' };

/** An API server that keeps one Lease. */
class FakeLeases {
  lease: Lease | undefined;
  version = 0;
  writes: string[] = [];
  /** Called before each request is dealt with: throws for an answer that is a failure, waits for a slow one. */
  before: (verb: string, signal: AbortSignal | undefined) => Promise<void> = async () => undefined;
  /** Called after it was dealt with: throws for an answer that is lost. */
  after: (verb: string) => void = () => undefined;

  get client(): LeaderElectionOptions['client'] {
    return {
      get: async (_type: unknown, _ref: ObjectRef, options: { signal?: AbortSignal } = {}) => {
        await this.before('get', options.signal);
        return structuredClone(this.lease);
      },
      create: async (_type: unknown, lease: Lease, options: { signal?: AbortSignal } = {}) => {
        await this.before('create', options.signal);
        if (this.lease) throw new KubeError('AlreadyExists', 'POST: 409');
        return this.#keep('create', lease);
      },
      replace: async (_type: unknown, lease: Lease, options: { signal?: AbortSignal } = {}) => {
        await this.before('replace', options.signal);
        if (!this.lease) throw new KubeError('NotFound', 'PUT: 404');
        if (lease.metadata.resourceVersion !== this.lease.metadata.resourceVersion)
          throw new KubeError('Conflict', 'PUT: 409');
        return this.#keep('replace', lease);
      },
    } as unknown as LeaderElectionOptions['client'];
  }

  #keep(verb: string, { metadata, spec }: Lease): Lease {
    this.version += 1;
    this.writes.push(spec.holderIdentity ?? '');
    this.lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { ...metadata, uid: 'u', resourceVersion: String(this.version) },
      spec: structuredClone(spec),
    };
    this.after(verb);
    return structuredClone(this.lease);
  }
}

let server: FakeLeases;
let clock: FakeClock;
let stop: AbortController;

beforeEach(() => {
  server = new FakeLeases();
  clock = new FakeClock(1_700_000_000_000);
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort(new Error('the test is over'));
  await clock.advance(20_000);
});

/** A process that wants to lead, and what became of it. */
function candidate(identity: string, options: Partial<LeaderElectionOptions> = {}) {
  const { logger, lines } = memoryLogger();
  const election = new LeaderElection({
    client: server.client,
    lease: LEASE,
    identity,
    durationMs: 15_000,
    renewDeadlineMs: 10_000,
    retryPeriodMs: 2_000,
    logger,
    clock,
    monotonic: () => clock.now(),
    random: () => 0,
    ...options,
  });
  const dead = new AbortController();
  const state: { leads: boolean; lost?: unknown } = { leads: false };
  const signal = AbortSignal.any([stop.signal, dead.signal]);
  const done = (async () => {
    await election.acquire(signal);
    state.leads = true;
    await election.hold(signal);
  })().catch((error: unknown) => {
    state.leads = false;
    if (!signal.aborted) state.lost = error;
  });
  return { election, state, done, lines, die: () => dead.abort(new Error('killed')) };
}

const away = async () => {
  throw new KubeError('ConnectionFailed', 'no answer');
};
const stuck = (_verb: string, signal: AbortSignal | undefined) =>
  new Promise<void>((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));

describe('getting the Lease', () => {
  test('the first one makes it', async () => {
    const a = candidate('a');
    await clock.advance(0);
    expect(a.state.leads).toBe(true);
    expect(a.election.isLeader).toBe(true);
    expect(server.lease).toMatchObject({
      metadata: LEASE,
      spec: {
        holderIdentity: 'a',
        leaseDurationSeconds: 15,
        acquireTime: '2023-11-14T22:13:20.000000Z',
        renewTime: '2023-11-14T22:13:20.000000Z',
        leaseTransitions: 0,
      },
    });
  });

  test('of two at once, one gets it', async () => {
    const both = [candidate('a'), candidate('b')];
    await clock.advance(60_000);
    expect(both.map(({ state }) => state.leads).sort()).toEqual([false, true]);
    expect(new Set(server.writes).size).toBe(1);
    // That the other one was faster is no failure.
    expect(both.flatMap(({ lines }) => lines.map(({ msg }) => msg))).toEqual(['leading']);
  });

  test('of two that find it free at once, one gets it', async () => {
    const former = candidate('former');
    await clock.advance(0);
    const both = [candidate('a'), candidate('b')];
    await clock.advance(3_000);
    former.die();
    await clock.advance(20_000);
    expect(both.map(({ state }) => state.leads).sort()).toEqual([false, true]);
    expect(server.lease?.spec.leaseTransitions).toBe(1);
  });

  test('a renewal keeps when it was got, and counts no transition', async () => {
    candidate('a');
    await clock.advance(60_000);
    expect(server.lease?.spec).toMatchObject({
      acquireTime: '2023-11-14T22:13:20.000000Z',
      renewTime: '2023-11-14T22:14:20.000000Z',
      leaseTransitions: 0,
    });
  });

  test('a holder that died is waited for, for the whole duration since it was last seen to renew', async () => {
    const a = candidate('a');
    await clock.advance(0);
    const b = candidate('b');
    await clock.advance(10_000);
    a.die();
    await clock.advance(14_999);
    expect(b.state.leads).toBe(false);
    await clock.advance(2);
    expect(b.state.leads).toBe(true);
    expect(server.lease?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  });

  test('one that has only just started waits as long, however old the renewal says it is', async () => {
    const a = candidate('a');
    await clock.advance(0);
    a.die();
    await clock.advance(3_600_000);
    const b = candidate('b');
    await clock.advance(14_999);
    expect(b.state.leads).toBe(false);
    await clock.advance(2);
    expect(b.state.leads).toBe(true);
  });

  test('a holder whose clock is wrong by years leads as long as it renews, and no longer', async () => {
    const years = 1_700_000_000_000;
    const wrong = {
      now: () => clock.now() - years,
      sleep: (ms: number, signal?: AbortSignal) => clock.sleep(ms, signal),
    };
    const a = candidate('a', { clock: wrong });
    await clock.advance(0);
    const b = candidate('b');
    await clock.advance(60_000);
    expect([a.state.leads, b.state.leads]).toEqual([true, false]);
    expect(server.lease?.spec.renewTime).toBe('1970-01-01T00:01:00.000000Z');
    a.die();
    await clock.advance(15_001);
    expect(b.state.leads).toBe(true);
  });

  test('a label that somebody sets is no renewal', async () => {
    const a = candidate('a');
    await clock.advance(0);
    const b = candidate('b');
    await clock.advance(0);
    a.die();
    for (let i = 0; i < 7; i += 1) {
      await clock.advance(2_000);
      if (server.lease) server.lease.metadata.resourceVersion = `label-${i}`;
    }
    await clock.advance(1_001);
    expect(b.state.leads).toBe(true);
  });

  test('a create whose answer was lost is found to be its own', async () => {
    server.after = () => {
      server.after = () => undefined;
      throw new KubeError('ConnectionFailed', 'no answer');
    };
    const a = candidate('a');
    await clock.advance(2_000);
    expect(a.state.leads).toBe(true);
    expect(server.lease?.spec.leaseTransitions).toBe(0);
  });

  test('what goes wrong is told once, until it goes well again', async () => {
    server.before = away;
    const a = candidate('a');
    await clock.advance(20_000);
    expect(a.lines.filter(({ level }) => level === 40)).toHaveLength(1);
    server.before = async () => undefined;
    await clock.advance(2_000);
    expect(a.state.leads).toBe(true);
    expect(a.lines.map(({ msg }) => msg)).toContain('the lease can be read and written again');
  });
});

describe('losing it', () => {
  async function leaderAndStandby() {
    const a = candidate('a');
    await clock.advance(0);
    const b = candidate('b');
    await clock.advance(4_000);
    return { a, b };
  }

  test('while the API server is away the leader stops first, and nobody follows before that', async () => {
    const { a, b } = await leaderAndStandby();
    server.before = away;
    await clock.advance(9_999);
    expect(() => a.election.assertLeader()).not.toThrow();
    await clock.advance(1);
    expect(() => a.election.assertLeader()).toThrow(WriteRefused);
    await clock.advance(2_000);
    expect(a.state.lost).toEqual(
      new LeadershipLost('lost Lease own/operator: it could not be renewed in time'),
    );
    expect(b.state.leads).toBe(false);
    server.before = async () => undefined;
    await clock.advance(3_001);
    expect(b.state.leads).toBe(true);
  });

  test('a request that gets no answer is given up in time for another one', async () => {
    const { a } = await leaderAndStandby();
    server.before = (...given) => {
      server.before = async () => undefined;
      return stuck(...given);
    };
    await clock.advance(60_000);
    expect(a.state).toEqual({ leads: true });
  });

  test('an answer that comes late counts from when the request was sent', async () => {
    const { a } = await leaderAndStandby();
    const held = Promise.withResolvers<void>();
    const sent = clock.now() + 2_000;
    server.before = (verb) => (verb === 'replace' ? held.promise : Promise.resolve());
    await clock.advance(6_500);
    held.resolve();
    server.before = away;
    await clock.advance(sent + 9_999 - clock.now());
    expect(() => a.election.assertLeader()).not.toThrow();
    await clock.advance(1);
    expect(() => a.election.assertLeader()).toThrow(WriteRefused);
  });

  test('a process that was stopped refuses to write before any of its timers has run', async () => {
    let monotonic = 0;
    const a = candidate('a', { monotonic: () => monotonic });
    await clock.advance(0);
    expect(a.election.isLeader).toBe(true);
    monotonic += 60_000;
    expect(() => a.election.assertLeader()).toThrow(new WriteRefused('Lease own/operator is not held'));
    const { version } = server;
    await clock.advance(2_000);
    expect(a.state.lost).toBeInstanceOf(LeadershipLost);
    expect(server.version).toBe(version);
  });

  test("a clock that somebody sets doesn't matter", async () => {
    let monotonic = 0;
    const a = candidate('a', { monotonic: () => monotonic });
    await clock.advance(0);
    await clock.advance(3_600_000);
    expect(a.election.isLeader).toBe(true);
    monotonic += 10_000;
    expect(a.election.isLeader).toBe(false);
  });

  test('to one that took it', async () => {
    const { a } = await leaderAndStandby();
    if (server.lease) {
      server.lease.spec.holderIdentity = 'c';
      server.lease.metadata.resourceVersion = 'taken';
    }
    await clock.advance(2_000);
    expect(a.state.lost).toEqual(new LeadershipLost('lost Lease own/operator: it is held by "c"'));
    expect(server.lease?.spec.holderIdentity).toBe('c');
  });

  test('not to one that changes something else of it, or deletes it', async () => {
    const { a, b } = await leaderAndStandby();
    if (server.lease) server.lease.metadata.resourceVersion = 'labelled';
    await clock.advance(4_000);
    // Deleted right after a renewal, so that the standby looks first.
    server.lease = undefined;
    server.before = async (verb) => {
      if (verb === 'replace') throw new KubeError('ServerError', 'PUT: 500');
    };
    await clock.advance(4_000);
    expect(server.lease).toBeUndefined();
    server.before = async () => undefined;
    await clock.advance(60_000);
    expect([a.state.leads, b.state.leads]).toEqual([true, false]);
    expect(server.lease).toMatchObject({ spec: { holderIdentity: 'a' } });
  });

  test('a Lease that was deleted, as its holder died, is made anew when that would have ended', async () => {
    const { a, b } = await leaderAndStandby();
    a.die();
    server.lease = undefined;
    await clock.advance(12_000);
    expect(b.state.leads).toBe(false);
    await clock.advance(3_001);
    expect(b.state.leads).toBe(true);
  });
});

describe('working while leading', () => {
  const alone = () =>
    new LeaderElection({
      ...{ client: server.client, lease: LEASE, identity: 'a', clock, monotonic: () => clock.now() },
      ...{ durationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000, logger: memoryLogger().logger },
    });

  test('begins when it leads, and holds the Lease until the work has ended, however long after a stop', async () => {
    const stopped = new AbortController();
    const log: string[] = [];
    const leading = alone().lead(async () => {
      log.push(`begun with ${server.lease?.spec.holderIdentity}`);
      await clock.sleep(60_000);
      log.push(`ended with ${server.lease?.spec.holderIdentity}`);
    }, stopped.signal);
    await clock.advance(1_000);
    stopped.abort(new Error('stopped'));
    const b = candidate('b');
    await clock.advance(58_000);
    expect(b.state.leads).toBe(false);
    await clock.advance(1_000);
    await leading;
    expect(log).toEqual(['begun with a', 'ended with a']);
    await clock.advance(2_000);
    expect(b.state.leads).toBe(true);
  });

  test('is told when the Lease is lost, which is then left alone', async () => {
    const leading = alone().lead(
      (lost) =>
        new Promise((_resolve, reject) => lost.addEventListener('abort', () => reject(new Error('cut')))),
      stop.signal,
    );
    const rejected = expect(leading).rejects.toThrow(LeadershipLost);
    await clock.advance(0);
    server.before = away;
    await clock.advance(12_000);
    await rejected;
    expect(server.writes.every((holder) => holder === 'a')).toBe(true);
  });

  test('never begins when it is stopped before', async () => {
    candidate('b');
    await clock.advance(0);
    const stopped = new AbortController();
    let begun = false;
    const leading = alone().lead(async () => {
      begun = true;
    }, stopped.signal);
    const rejected = expect(leading).rejects.toThrow('stopped');
    await clock.advance(4_000);
    stopped.abort(new Error('stopped'));
    await rejected;
    expect(begun).toBe(false);
  });
});

describe('giving it up', () => {
  test('the next one has it at its next look', async () => {
    const a = candidate('a');
    await clock.advance(0);
    const b = candidate('b');
    await clock.advance(4_000);
    a.die();
    await a.done;
    await a.election.release();
    expect(server.lease?.spec).toMatchObject({
      holderIdentity: '',
      leaseDurationSeconds: 1,
      leaseTransitions: 0,
    });
    expect(() => a.election.assertLeader()).toThrow(WriteRefused);
    await clock.advance(2_000);
    expect(b.state.leads).toBe(true);
    expect(server.lease?.spec).toMatchObject({
      holderIdentity: 'b',
      leaseDurationSeconds: 15,
      leaseTransitions: 1,
    });
  });

  test('what another one holds stays as it is', async () => {
    const a = candidate('a');
    await clock.advance(0);
    const b = candidate('b');
    await clock.advance(0);
    a.die();
    await clock.advance(15_001);
    expect(b.state.leads).toBe(true);
    const { version } = server;
    await a.election.release();
    expect(server.version).toBe(version);
  });

  test('one that never led asks for nothing', async () => {
    candidate('a');
    await clock.advance(0);
    const b = candidate('b');
    await clock.advance(0);
    server.before = () => Promise.reject(new Error('asked'));
    b.die();
    await b.election.release();
    expect(b.lines.map(({ msg }) => msg)).not.toContain('the lease could not be released');
  });

  test('an API server that is away keeps nobody', async () => {
    const a = candidate('a');
    await clock.advance(0);
    server.before = stuck;
    a.die();
    const released = a.election.release();
    await clock.advance(5_000);
    await released;
    expect(a.lines.map(({ msg }) => msg)).toContain('the lease could not be released');
  });
});
