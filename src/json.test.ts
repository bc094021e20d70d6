import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalJson,
  isJsonObject,
  isRawNumber,
  isTooDeep,
  type Json,
  parseJson,
  parseWithin,
  rawNumber,
} from './json.ts';

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

  it.each([
    '{"a":',
    '{12345678901234567890:1}',
    '{12345678901234567890 :1}',
    '[012345678901234567890]',
    '[-]',
    '[12345678901234567890"a"]',
    '["a" 12345678901234567890]',
    '[1e]',
  ])('refuses %s, which is not JSON', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });

  it('reads what JSON.parse reads, with long numbers beside and in texts', () => {
    fc.assert(
      fc.property(fc.json(), fc.string(), (text, around) => {
        const value = JSON.parse(text) as Json;
        const long = `{"long": 9007199254740993, "text": ${JSON.stringify(`${around} 9007199254740993`)}, "value": ${text}}`;
        expect(JSON.stringify(parseJson(long))).toBe(
          `{"long":9007199254740993,"text":${JSON.stringify(`${around} 9007199254740993`)},"value":${JSON.stringify(value)}}`,
        );
      }),
    );
  });

  // The API server takes 9,000 levels. What overflows the stack in one object of a list ends the list for all.
  it('reads any depth, with a long number in it', () => {
    const text = `${'{"a":'.repeat(100_000)}9007199254740993${'}'.repeat(100_000)}`;
    let value: unknown = parseJson(text);
    for (; isJsonObject(value); [value] = Object.values(value));
    expect(value).toEqual(rawNumber('9007199254740993'));
  });

  // A backtracking trim of zeros takes 40 s for this.
  it('reads a long number with many zeros', () => {
    const number = `0.1${'0'.repeat(1_000_000)}1`;
    expect(parseJson(`[${number}]`)).toEqual([rawNumber(number)]);
    const shorter = `0.1${'0'.repeat(900)}1`;
    expect(parseJson(`[${`${shorter},`.repeat(15_000)}1]`)).toHaveLength(15_001);
  });
});

describe('canonicalJson', () => {
  it('does not depend on the order of keys', () => {
    expect(canonicalJson({ b: 1, a: { d: [2, { y: 1, x: 2 }], c: undefined } })).toBe(
      canonicalJson({ a: { d: [2, { x: 2, y: 1 }] }, b: 1 }),
    );
  });

  it('changes nothing of what it is given', () => {
    const given = { a: 1, b: [{ d: 1, c: 2 }], e: { g: 1, f: 2 }, h: 3 };
    expect(canonicalJson(given)).toBe('{"a":1,"b":[{"c":2,"d":1}],"e":{"f":2,"g":1},"h":3}');
    expect(JSON.stringify(given)).toBe('{"a":1,"b":[{"d":1,"c":2}],"e":{"g":1,"f":2},"h":3}');
  });

  it('keeps raw numbers and the order of lists', () => {
    expect(canonicalJson([2, 1, rawNumber('9007199254740993')])).toBe('[2,1,9007199254740993]');
    expect(isRawNumber(rawNumber('1'))).toBe(true);
  });

  it('keeps a key named __proto__', () => {
    expect(canonicalJson(parseJson('{"b":1,"__proto__":2}'))).toBe('{"__proto__":2,"b":1}');
    expect(canonicalJson(parseJson('{"__proto__":{"b":1,"a":2},"c":3}'))).toBe(
      '{"__proto__":{"a":2,"b":1},"c":3}',
    );
  });
});

describe('parseWithin', () => {
  it.each(['[', '{"a":', '[{"a":'])('bounds the depth of %s', (open) => {
    const limits = { maxDepth: 3, maxValues: 100 };
    expect(parseWithin(open.repeat(10), limits)).toEqual({ excess: 'depth' });
    expect(parseWithin('[[],{},[[]]]', limits)).toEqual({ value: [[], {}, [[]]] });
    expect(parseWithin('[[],{},[[[]]]]', limits)).toEqual({ excess: 'depth' });
    expect(parseWithin(open.repeat(101), { maxValues: 1000 })).toEqual({ excess: 'depth' });
  });

  it('bounds the number of values', () => {
    expect(parseWithin('[1,2,3]', { maxValues: 5 })).toEqual({ value: [1, 2, 3] });
    expect(parseWithin('[1,2,3,4,5]', { maxValues: 5 })).toEqual({ excess: 'values' });
    expect(parseWithin('[{},{},{}]', { maxValues: 5 })).toEqual({ excess: 'values' });
  });

  it('does not count what stands in texts', () => {
    const list = ['[[[{{{,,,"\\', '\\"[[[', '\\\\', '"', ''];
    expect(parseWithin(JSON.stringify(list), { maxDepth: 1, maxValues: 6 })).toEqual({ value: list });
  });

  it('keeps every digit, and no number of a text is taken for one', () => {
    const text = '{"a":9007199254740993,"b":"9007199254740993"}';
    const { value } = parseWithin(text, { maxValues: 10 });
    expect(JSON.stringify(value)).toBe(text);
  });

  it('takes a time in proportion to the text', () => {
    const limits = { maxValues: 1000 };
    for (const text of ['"\\', '"\\"', '"', '1-', '∢"'].map((part) => part.repeat(2_000_000))) {
      expect(() => parseWithin(text, limits)).toThrow(SyntaxError);
    }
  });
});

describe('isTooDeep', () => {
  it.each([
    ['objects', (inner: Json): Json => ({ a: 1, b: inner })],
    ['lists', (inner: Json): Json => [1, inner]],
  ])('bounds the depth of %s', (_what, wrap) => {
    let value: Json = 1;
    for (let depth = 0; depth < 100; depth += 1) value = wrap(value);
    expect(isTooDeep(value)).toBe(false);
    expect(isTooDeep(wrap(value))).toBe(true);
    for (let depth = 0; depth < 100_000; depth += 1) value = wrap(value);
    expect(isTooDeep(value)).toBe(true);
  });

  it.each([null, 1, 'text', rawNumber('9007199254740993'), [], {}])('is false for %j', (value) => {
    expect(isTooDeep(value)).toBe(false);
  });
});
