import { describe, expect, it } from 'vitest';
import { canonicalJson, isRawNumber, parseJson, rawNumber } from './json.ts';

describe('parseJson', () => {
  it.each([
    '9007199254740993',
    '-9007199254740993',
    '{"a":[12345678901234567890,1.5]}',
    '{"a":0.12345678901234567891}',
    '[1e400]',
  ])('writes %s back as it was', (text) => {
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });

  it.each([
    ['9007199254740992', 9007199254740992],
    ['1000000000000000000000', 1e21],
    ['1.0e2', 100],
    ['0.1000000000000000000', 0.1],
    ['-0.0e0', -0],
  ])('reads %s as a plain number', (text, value) => {
    expect(parseJson(text)).toBe(value);
  });

  it('keeps a key named __proto__ as an ordinary member', () => {
    const value = parseJson('{"__proto__":{"polluted":9007199254740993}}');
    expect(Object.keys(value as object)).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('refuses what is not JSON', () => {
    expect(() => parseJson('{"a":')).toThrow(SyntaxError);
  });
});

describe('canonicalJson', () => {
  it('does not depend on the order of keys', () => {
    expect(canonicalJson({ b: 1, a: { d: [2, { y: 1, x: 2 }], c: undefined } })).toBe(
      canonicalJson({ a: { d: [2, { x: 2, y: 1 }] }, b: 1 }),
    );
  });

  it('keeps raw numbers and the order of lists', () => {
    expect(canonicalJson([2, 1, rawNumber('9007199254740993')])).toBe('[2,1,9007199254740993]');
    expect(isRawNumber(rawNumber('1'))).toBe(true);
  });

  it('keeps a key named __proto__', () => {
    expect(canonicalJson(parseJson('{"b":1,"__proto__":2}'))).toBe('{"__proto__":2,"b":1}');
  });
});
