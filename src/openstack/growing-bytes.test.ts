import fc from 'fast-check';
import { expect, it } from 'vitest';
import { GrowingBytes } from './growing-bytes.ts';

it('keeps what it is given, in not much more than twice as many bytes', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 50 })), (pieces) => {
      using bytes = new GrowingBytes();
      for (const piece of pieces) bytes.add(Buffer.from(piece));
      expect(bytes.toString()).toBe(pieces.join(''));
      expect(bytes.size).toBe(Buffer.byteLength(pieces.join('')));
      expect(bytes.held).toBeLessThanOrEqual(2 * bytes.size);
    }),
  );
});

it('keeps no buffer that a chunk is a part of', () => {
  using bytes = new GrowingBytes();
  const large = Buffer.alloc(1000, 'a');
  bytes.add(large.subarray(0, 1));
  large.fill('b');
  expect([bytes.held, bytes.toString()]).toEqual([1, 'a']);
});

it('gives its memory back at once', () => {
  const MIB = 1024 * 1024;
  const chunk = new Uint8Array(MIB / 16);
  const before = process.memoryUsage().arrayBuffers;
  const kept = Array.from({ length: 16 }, () => {
    using bytes = new GrowingBytes();
    for (let i = 0; i < 16; i += 1) bytes.add(chunk);
    return bytes;
  });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MIB);
  expect(kept.map(({ held }) => held)).toEqual(Array(16).fill(0));
});
