import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDuration } from './duration.ts';

describe('parseDuration', () => {
  test.each([
    ['0s', 0],
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['1m500ms', 60_500],
    ['2h0m0s', 7_200_000],
    ['0.1ms', 0],
    ['168h', 604_800_000],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each(['', '10', '0', '-1s', '+1s', '1 h', '1d', '.5h', '1.h', '1h30', '1H', 'h', '1m\n', '1e3s'])(
    '%j is refused',
    (text) => {
      expect(() => parseDuration(text)).toThrow(RangeError);
    },
  );

  test('adds up its parts', () => {
    const part = fc.nat({ max: 10_000 });
    fc.assert(
      fc.property(part, part, part, part, (h, m, s, ms) => {
        expect(parseDuration(`${h}h${m}m${s}s${ms}ms`)).toBe(((h * 60 + m) * 60 + s) * 1000 + ms);
      }),
    );
  });
});
