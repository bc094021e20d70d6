import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyedHeap } from './heap.ts';

test('holds what a sorted map would hold', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
  const step = fc.oneof(
    fc.record({ op: fc.constant('set' as const), key, value: fc.nat(20) }),
    fc.record({ op: fc.constant('delete' as const), key }),
    fc.record({ op: fc.constant('pop' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const heap = new KeyedHeap<number>((a, b) => a < b);
      const model = new Map<string, number>();
      for (const s of steps) {
        if (s.op === 'set') {
          heap.set(s.key, s.value);
          model.set(s.key, s.value);
        } else if (s.op === 'delete') {
          expect(heap.delete(s.key)).toBe(model.delete(s.key));
        } else {
          const popped = heap.pop();
          expect(popped?.item).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
          if (popped) {
            expect(model.get(popped.key)).toBe(popped.item);
            model.delete(popped.key);
          }
        }
        expect(heap.size).toBe(model.size);
        for (const [k, v] of model) expect(heap.get(k)).toBe(v);
        expect(heap.peek()?.item).toBe(model.size === 0 ? undefined : Math.min(...model.values()));
      }
    }),
  );
});
