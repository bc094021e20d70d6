import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clip } from './clip.ts';

describe('clip', () => {
  test('leaves a text that fits', () => {
    expect(clip('all fits', 8)).toBe('all fits');
  });

  test('cuts between words', () => {
    expect(clip('the server has no network', 20)).toBe('the server has no …');
  });

  test('cuts a long word in the middle', () => {
    expect(clip(`at ${'x'.repeat(200)}`, 100)).toBe(`at ${'x'.repeat(95)} …`);
  });

  test("doesn't cut a character in two", () => {
    expect(clip('😀'.repeat(10), 7)).toBe('😀😀 …');
  });

  test('is well-formed, fits, and begins as the text does', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.integer({ min: 4, max: 100 }),
        (text, limit) => {
          const clipped = clip(text, limit);
          expect(clipped.isWellFormed()).toBe(true);
          expect(clipped.length).toBeLessThanOrEqual(limit);
          const kept = text.length > limit ? clipped.replace(/ …$/, '') : clipped;
          expect(text.startsWith(kept)).toBe(true);
        },
      ),
    );
  });
});
