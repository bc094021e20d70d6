import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteBudget } from './byte-budget.ts';

it('lets the largest go when all together are too large, and leaves the others alone', () => {
  const budget = new ByteBudget(100);
  const evicted: string[] = [];
  const open = (name: string) => budget.open(() => evicted.push(name));
  const [large, small] = [open('large'), open('small')];
  large.add(90);
  small.add(10);
  expect(evicted).toEqual([]);
  small.add(1);
  expect(evicted).toEqual(['large']);
  expect(budget.used).toBe(11);
  large.add(50); // bytes that come after all count for nothing
  expect(budget.used).toBe(11);
});

it('lets the one that asks go when it is the largest', () => {
  const budget = new ByteBudget(100);
  let evicted = 0;
  const share = budget.open(() => {
    evicted += 1;
  });
  share.add(101);
  share.add(101);
  share.close();
  expect([evicted, budget.used]).toEqual([1, 0]);
});

it('never holds more than its limit, and nothing once all are closed', () => {
  const step = fc.record({ who: fc.nat(9), bytes: fc.nat(60), close: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const budget = new ByteBudget(100);
      const shares = Array.from({ length: 10 }, () => budget.open(() => {}));
      for (const { who, bytes, close } of steps) {
        if (close) shares[who]?.close();
        else shares[who]?.add(bytes);
        expect(budget.used).toBeLessThanOrEqual(100);
        expect(budget.used).toBeGreaterThanOrEqual(0);
      }
      for (const share of shares) share.close();
      expect(budget.used).toBe(0);
    }),
  );
});
