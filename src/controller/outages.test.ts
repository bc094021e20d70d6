import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../kube/testing/fake-clock.ts';
import { memoryLogger } from '../kube/testing/memory-logger.ts';
import type { Circuit, CircuitBreaker } from '../openstack/index.ts';
import { Crowded, Outages } from './outages.ts';

let clock: FakeClock;
let news: string[];
let log: ReturnType<typeof memoryLogger>;
let outages: Outages;
/** What an object does that is told. */
let onNews: (user: string) => void;

beforeEach(() => {
  clock = new FakeClock(1_000_000);
  news = [];
  onNews = () => undefined;
  log = memoryLogger();
  outages = new Outages({
    onNews: (user) => {
      news.push(user);
      onNews(user);
    },
    mostInTrouble: 2,
    clock,
    logger: log.logger,
  });
});
afterEach(() => outages.close());

const heatOf = (breaker: CircuitBreaker): Circuit => breaker.of('orchestration');

function goOut(breaker: CircuitBreaker, service: 'identity' | 'orchestration' = 'orchestration'): void {
  for (let n = 0; n < 5; n += 1) breaker.of(service).ended('failed', false, 'no answer');
}

/** Objects that meet an open circuit. */
function waiting(credentials: string, ...users: string[]): CircuitBreaker {
  let breaker: CircuitBreaker | undefined;
  for (const user of users) {
    breaker = outages.join(user, credentials);
    outages.end(user);
  }
  if (!breaker) throw new Error('no users');
  goOut(breaker);
  for (const user of users) outages.wait(user);
  return breaker;
}

describe('while a circuit is open', () => {
  test('one object at a time is asked for a probe, each in its turn, and less and less often', async () => {
    const circuit = heatOf(waiting('c', 'a', 'b', 'c'));
    onNews = (user) => {
      if (circuit.refusal()) throw new Error('told too early');
      circuit.ended('failed', circuit.begin());
      outages.wait(user);
    };
    await clock.advance(7_000);
    expect(news).toEqual(['a', 'b', 'c']);
    // Ten minutes of an outage.
    await clock.advance(600_000);
    expect(news.length).toBeLessThan(3 + 30);
    expect(news.length).toBeGreaterThan(3 + 18);
  });

  test('another is asked when one makes no call', async () => {
    waiting('c', 'idle', 'b');
    await clock.advance(3_000);
    expect(news).toEqual(['idle', 'b']);
  });

  test('nobody is asked while a probe is under way', async () => {
    const circuit = heatOf(waiting('c', 'a', 'b'));
    onNews = () => void circuit.begin();
    await clock.advance(120_000);
    expect(news).toEqual(['a']);
    circuit.ended('hung', true);
    await clock.advance(2_000);
    expect(news).toEqual(['a', 'b']);
  });

  test('nobody is asked when nobody waits', async () => {
    goOut(outages.join('a', 'c'));
    await clock.advance(600_000);
    expect(news).toEqual([]);
    expect(clock.sleeping).toEqual([]);
  });

  test('one that waits looks again by itself in the end', () => {
    goOut(outages.join('a', 'c'));
    expect(outages.wait('a')).toBeGreaterThanOrEqual(300_000);
  });
});

describe('when it closes', () => {
  test('all that wait are told within seconds, not all at once', async () => {
    const users = Array.from({ length: 100 }, (_, n) => `ns/${n}`);
    const circuit = heatOf(waiting('c', ...users));
    circuit.ended('answered', false);
    await clock.advance(0);
    expect(news).toHaveLength(20);
    await clock.advance(1_000);
    expect(news.toSorted()).toEqual(users.toSorted());
    await clock.advance(600_000);
    expect(news).toHaveLength(100);
    expect(clock.sleeping).toEqual([]);
  });

  test('and opens again meanwhile, the rest goes on waiting', async () => {
    const users = Array.from({ length: 100 }, (_, n) => `ns/${n}`);
    const breaker = waiting('c', ...users);
    heatOf(breaker).ended('answered', false);
    await clock.advance(150);
    const told = news.length;
    goOut(breaker);
    await clock.advance(800);
    expect(news).toHaveLength(told);
    heatOf(breaker).ended('answered', false);
    await clock.advance(1_000);
    expect(new Set(news).size).toBe(100);
  });

  test('those are told as well who waited for Keystone', async () => {
    const breaker = outages.join('a', 'c');
    goOut(breaker, 'identity');
    outages.wait('a');
    breaker.of('identity').ended('answered', false);
    await clock.advance(100);
    expect(news).toEqual(['a']);
  });

  test('one that comes at just that moment looks again at once', () => {
    outages.join('a', 'c');
    expect(outages.wait('a')).toBe(1_000);
    expect(outages.wait('nobody')).toBe(1_000);
  });
});

describe('workers', () => {
  /** An object of a login of its own, whose last call failed. */
  function failing(user: string): CircuitBreaker {
    const breaker = outages.join(user, `of ${user}`);
    breaker.of('orchestration').ended('hung', false);
    return breaker;
  }

  test('are left to others than those whose clouds may hang', () => {
    const well = outages.join('well', 'well').of('orchestration');
    well.ended('answered', false);
    failing('a');
    // Of this one nobody knows anything yet.
    outages.join('b', 'of b');
    expect(() => outages.join('c', 'of c')).toThrow(Crowded);
    outages.join('other', 'well');
    outages.end('a');
    outages.join('c', 'of c');
  });

  test('are not taken by probes of many clouds that hang', async () => {
    const circuits = ['a', 'b', 'c', 'd'].map((user) => heatOf(waiting(`of ${user}`, user)));
    onNews = (user) => {
      outages.join(user, `of ${user}`);
      const circuit = circuits['abcd'.indexOf(user)];
      if (!circuit?.refusal()) circuit?.begin();
    };
    await clock.advance(10_000);
    // The other place is for clouds that haven't failed.
    expect(news).toHaveLength(1);
    // A call that comes by itself is no probe then either.
    expect(circuits.filter((circuit) => !circuit.refusal())).toEqual([]);
    const [first = ''] = news;
    circuits['abcd'.indexOf(first)]?.ended('hung', true);
    outages.end(first);
    await clock.advance(1_000);
    expect(new Set(news).size).toBe(2);
  });

  test('are given in their turn to those whom there was no room for', () => {
    outages.join('a', 'of a');
    outages.join('b', 'of b');
    for (const user of ['c', 'd', 'e']) expect(() => outages.join(user, `of ${user}`)).toThrow(Crowded);
    outages.leave('d');
    expect(news).toEqual([]);
    outages.end('a');
    expect(news).toEqual(['c', 'e']);
    outages.join('c', 'of c');
    expect(() => outages.join('e', 'of e')).toThrow(Crowded);
    outages.end('b');
    expect(news).toEqual(['c', 'e', 'e']);
  });

  test('are given to all as soon as clouds are well again', () => {
    const [breaker] = ['a', 'b'].map(failing);
    expect(() => outages.join('c', 'of c')).toThrow(Crowded);
    breaker?.of('orchestration').ended('answered', false);
    outages.join('c', 'of c');
  });

  test('are not left for long to one that answered once', async () => {
    for (const user of ['a', 'b'])
      outages.join(user, `of ${user}`).of('orchestration').ended('answered', false);
    await clock.advance(10_000);
    outages.join('c', 'of c');
    outages.end('c');
    await clock.advance(1);
    expect(() => outages.join('c', 'of c')).toThrow(Crowded);
  });
});

test('logins share nothing: one that is out of order leaves the others alone', () => {
  const breaker = waiting('one', 'ns/a');
  const other = outages.join('other/a', 'two');
  expect(other).not.toBe(breaker);
  expect(other.isClosed).toBe(true);
  expect(outages.health()).toEqual([
    { identity: 'closed', orchestration: 'open', waiting: 1 },
    { identity: 'closed', orchestration: 'closed', waiting: 0 },
  ]);
});

test('a login is kept as long as an object has it', async () => {
  const breaker = waiting('one', 'a', 'b');
  expect(outages.join('a', 'one')).toBe(breaker);
  outages.leave('a');
  expect(outages.join('c', 'one')).toBe(breaker);
  // Other credentials.
  outages.join('b', 'two');
  outages.leave('c');
  outages.leave('c');
  expect(outages.size).toBe(1);
  expect(outages.join('a', 'one')).not.toBe(breaker);
  await clock.advance(600_000);
  expect(news).toEqual([]);
});

test('closing ends all that wait', async () => {
  waiting('one', 'a');
  outages.close();
  await clock.advance(600_000);
  expect(news).toEqual([]);
  expect(clock.sleeping).toEqual([]);
});

test('the log tells of an outage once, and of its end', () => {
  const circuit = heatOf(waiting('one', 'ns/a'));
  circuit.ended('answered', false);
  expect(log.lines).toMatchObject([
    {
      key: 'ns/a',
      service: 'orchestration',
      failure: 'no answer',
      msg: expect.stringMatching(/^the cloud is out of/),
    },
    { key: 'ns/a', service: 'orchestration', msg: 'the cloud answers again' },
  ]);
});
