import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CallLimiter, type CallLimits } from './call-limiter.ts';

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

/** A limiter, and what became of the calls that joined it. */
function limited(limits: CallLimits) {
  const begun: { name: string; at: number }[] = [];
  const refused: string[] = [];
  const counts: number[] = [];
  const limiter = new CallLimiter(limits, Date.now, (waiting) => counts.push(waiting));
  const call = (name: string, onEnter: () => void = () => undefined) => ({
    enter: () => {
      begun.push({ name, at: Date.now() });
      onEnter();
    },
    refuse: (error: Error) => void refused.push(`${name}: ${error.message}`),
  });
  const join = (name: string) => limiter.join(call(name));
  return { limiter, call, join, begun, names: () => begun.map(({ name }) => name), refused, counts };
}

describe('concurrency', () => {
  it('lets no more begin at once, and the others in the order in which they came', () => {
    const { join, limiter, names, counts } = limited({ concurrency: 2 });
    expect(['a', 'b', 'c', 'd'].map(join)).toEqual([false, false, true, true]);
    expect(names()).toEqual(['a', 'b']);
    limiter.leave();
    expect(names()).toEqual(['a', 'b', 'c']);
    // Whoever comes now isn't served before one that waits.
    join('e');
    limiter.leave();
    limiter.leave();
    expect(names()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(counts).toEqual([1, 2, 1, 2, 1, 0]);
  });

  it('forgets who gave up', () => {
    const { limiter, call, join, names } = limited({ concurrency: 1 });
    const tired = call('tired');
    join('a');
    limiter.join(tired);
    join('b');
    expect(limiter.forgo(tired)).toBe(true);
    expect(limiter.forgo(tired)).toBe(false);
    limiter.leave();
    expect(names()).toEqual(['a', 'b']);
  });

  it('can send all home that wait', () => {
    const { join, limiter, names, refused } = limited({ concurrency: 1 });
    for (const name of ['a', 'b', 'c']) join(name);
    limiter.refuseAll(() => new Error('closed'));
    limiter.leave();
    expect(names()).toEqual(['a']);
    expect(refused).toEqual(['b: closed', 'c: closed']);
  });

  it('serves any number of calls that end at once', () => {
    const { limiter, call, join, begun } = limited({ concurrency: 1 });
    join('first');
    for (let n = 0; n < 20_000; n += 1) limiter.join(call('short', () => limiter.leave()));
    limiter.leave();
    expect(begun).toHaveLength(20_001);
  });
});

describe('rate', () => {
  it('begins a tenth of a second’s calls at once, then one after another', () => {
    const { join, begun } = limited({ ratePerSecond: 20 });
    for (const name of ['a', 'b', 'c', 'd']) join(name);
    vi.advanceTimersByTime(1_000);
    expect(begun).toEqual([
      { name: 'a', at: 0 },
      { name: 'b', at: 0 },
      { name: 'c', at: 50 },
      { name: 'd', at: 100 },
    ]);
  });

  it('goes on when the clock is set back', () => {
    const { join, names } = limited({ ratePerSecond: 1 });
    join('a');
    join('b');
    vi.setSystemTime(-1_000_000);
    vi.advanceTimersByTime(10_000);
    expect(names()).toEqual(['a', 'b']);
  });
});

it.each([
  ['concurrency', 0],
  ['ratePerSecond', Number.NaN],
] as const)('refuses a wrong %s', (name, value) => {
  expect(() => new CallLimiter({ [name]: value }, Date.now)).toThrow(`limits.${name} must be 1 or more`);
});

it('keeps both limits and the order, and forgets nobody, whatever comes', () => {
  const event = fc.oneof(
    fc.constant('join' as const),
    fc.constant('leave' as const),
    fc.constant('give up' as const),
    fc.nat(400),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 100 }),
      fc.array(event, { maxLength: 200 }),
      (concurrency, ratePerSecond, events) => {
        const { limiter, call, begun } = limited({ concurrency, ratePerSecond });
        const start = Date.now();
        const line: { name: string; call: ReturnType<typeof call> }[] = [];
        let underWay = 0;
        let number = 0;
        const check = () => {
          expect(underWay).toBeLessThanOrEqual(concurrency);
          const allowed = Math.max(1, ratePerSecond / 10) + ((Date.now() - start) * ratePerSecond) / 1000;
          expect(begun.length).toBeLessThanOrEqual(allowed + 0.001);
        };
        for (const each of events) {
          if (each === 'join') {
            const name = String(number++);
            const joined = call(name, () => {
              underWay += 1;
              const index = line.findIndex((waiting) => waiting.name === name);
              expect(index).toBeLessThanOrEqual(0); // nobody before it waits
              if (index === 0) line.shift();
            });
            if (limiter.join(joined)) line.push({ name, call: joined });
          } else if (each === 'leave') {
            if (underWay === 0) continue;
            underWay -= 1;
            limiter.leave();
          } else if (each === 'give up') {
            const last = line.pop();
            if (last) expect(limiter.forgo(last.call)).toBe(true);
          } else vi.advanceTimersByTime(each);
          check();
        }
        for (let rounds = 0; line.length > 0 && rounds < 1000; rounds += 1) {
          if (underWay > 0) {
            underWay -= 1;
            limiter.leave();
          }
          vi.advanceTimersByTime(1_100);
          check();
        }
        expect(line).toEqual([]);
        vi.clearAllTimers();
      },
    ),
  );
});
