import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, type Json, rawNumber } from './json.ts';
import { parseYaml, parseYamlMap, YamlError } from './yaml.ts';

function errorOf(text: string): string {
  try {
    parseYaml(text);
  } catch (error) {
    expect(error).toBeInstanceOf(YamlError);
    return (error as YamlError).message;
  }
  throw new Error('it was read without an error');
}

// What PyYAML makes of each, asked for with `yaml.load(text, CSafeLoader)` as Heat sets it up.
test.each<[text: string, value: Json]>([
  ['yes', true],
  ['No', false],
  ['on', true],
  ['OFF', false],
  ['true', true],
  ['TRUE', true],
  ['tRue', 'tRue'],
  ['y', 'y'],
  ['N', 'N'],
  ['010', 8],
  ['-010', -8],
  ['0', 0],
  ['08', '08'],
  ['08540', '08540'],
  ['0o10', '0o10'],
  ['0x1F', 31],
  ['0b101', 5],
  ['1_000', 1000],
  ['+1', 1],
  ['0_', '0_'],
  ['12:30', 750],
  ['08:30', '08:30'],
  ['190:20:30', 685230],
  ['1.10', 1.1],
  ['1.', 1],
  ['.5', 0.5],
  ['-.5', '-.5'],
  ['1.5e+3', 1500],
  ['1.5e3', '1.5e3'],
  ['1e3', '1e3'],
  ['e5', 'e5'],
  ['.', '.'],
  ['+.', '+.'],
  ['1.2.3', '1.2.3'],
  ['1:30.5', 90.5],
  ['~', null],
  ['NULL', null],
  ['nULL', 'nULL'],
  ['', null],
  ['2018-08-31', '2018-08-31'],
  ['2018-08-31T10:00:00Z', '2018-08-31T10:00:00Z'],
  ['2018-08-31 10:00:00', '2018-08-31 10:00:00'],
  ['"010"', '010'],
  ["'yes'", 'yes'],
  ['!!str 5', '5'],
])('%s is read as %j', (text, value) => {
  expect(parseYaml(text)).toEqual(value);
  expect(parseYaml(`[${text === '' ? '~' : text}]`)).toEqual([value]);
});

test.each(['9007199254740993', '-9007199254740993', '123456789012345678901234567890'])(
  'the integer %s keeps every digit',
  (digits) => {
    expect(parseYaml(`a: ${digits}`)).toEqual({ a: rawNumber(digits) });
    expect(canonicalJson(parseYaml(`a: ${digits}`))).toBe(`{"a":${digits}}`);
  },
);

test.each(['.inf', '-.INF', '.nan', '[1, .nan]'])('%s cannot be carried by JSON', (text) => {
  expect(errorOf(text)).toBe('it holds a number that JSON cannot carry');
});

test('JSON is YAML', () => {
  // No fractions: PyYAML takes 5e-324 for text.
  const values = [fc.string(), fc.integer(), fc.boolean(), fc.constant(null)];
  fc.assert(
    fc.property(fc.object({ values, maxDepth: 3 }), (value) => {
      const text = JSON.stringify(value);
      expect(JSON.stringify(parseYaml(text))).toBe(text);
    }),
    { numRuns: 300 },
  );
});

test.each(['&a [*a]', 'a: &a { b: *a }', '['.repeat(50_000), '- '.repeat(50_000)])(
  'what has no end is refused (%#)',
  (text) => {
    expect(errorOf(text)).toMatch(/nested too deeply|nested deeper than 100 levels/);
  },
);

describe('keys', () => {
  test('stay text', () => {
    expect(parseYaml('{ yes: 1, 010: 2, 1.10: 3, null: 4, 2018-08-31: 5, n: 6 }')).toEqual({
      yes: 1,
      '010': 2,
      '1.10': 3,
      null: 4,
      '2018-08-31': 5,
      n: 6,
    });
  });

  test('that mean something to JavaScript are ordinary keys', () => {
    const value = parseYamlMap('__proto__: { polluted: true }\nconstructor: 1\n');
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(JSON.stringify(value)).toBe('{"__proto__":{"polluted":true},"constructor":1}');
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('must not come twice, unless it is allowed', () => {
    expect(parseYaml('a: 1\na: 2\n', { uniqueKeys: false })).toEqual({ a: 2 });
    expect(errorOf('a: 1\nb: 2\na: 3\n')).toBe('it is not valid YAML at line 3, column 1 (duplicate key)');
  });
});

// As Heat 27 gives out what it read of these.
test('keys that are no text can be what JSON makes of them', () => {
  const text = `{ yes: 1, off: 2, ~: 3, 010: 4, 80: 5, 1.10: 6, 2.0: 7, 1.0e+20: 8, 0x1F: 9, "10": a, 12:30: b,
    -5: z, .5: h, 123456789012345678901: i, 2018-08-31: d, y: y, "yes": t }`;
  expect(parseYaml(text, { jsonKeys: true })).toEqual({
    true: 1,
    false: 2,
    null: 3,
    8: 4,
    80: 5,
    '1.1': 6,
    '2.0': 7,
    '100000000000000000000.0': 8, // and not '1e+20', as with Python: nobody has such keys
    31: 9,
    10: 'a',
    750: 'b',
    '-5': 'z',
    '0.5': 'h',
    '123456789012345678901': 'i',
    '2018-08-31': 'd',
    y: 'y',
    yes: 't',
  });
  expect(parseYaml('a: &a { 010: x }\nb: { <<: *a, 8: y }', { jsonKeys: true, uniqueKeys: false })).toEqual({
    a: { 8: 'x' },
    b: { 8: 'y' },
  });
});

test('merge keys are merged', () => {
  expect(parseYaml('base: &b { x: 1, y: 2 }\nmore:\n  <<: *b\n  y: 3\n')).toEqual({
    base: { x: 1, y: 2 },
    more: { x: 1, y: 3 },
  });
});

test('aliases are resolved', () => {
  expect(parseYaml('a: &a [1, 2]\nb: *a\nc: [*a, *a]\n')).toEqual({
    a: [1, 2],
    b: [1, 2],
    c: [
      [1, 2],
      [1, 2],
    ],
  });
});

describe('what is small but stands for much is refused', () => {
  const names = [...'abcdefghij'];

  test.each([
    ['lists', (last: string) => `[${Array(9).fill(`*${last}`).join(', ')}]`],
    ['maps', (last: string) => `{${Array.from({ length: 9 }, (_, i) => `k${i}: *${last}`).join(', ')}}`],
  ])('a bomb of %s', (_kind, line) => {
    const bomb = names.map((name, i) => `${name}: &${name} ${i === 0 ? '[lol]' : line(names[i - 1] ?? '')}`);
    expect(errorOf(bomb.join('\n'))).toBe('its aliases expand too far (to more than 1 MiB)');
    expect(errorOf([...bomb, `z: [${'*a, '.repeat(20)}]`].join('\n'))).toBe(
      'it has too many aliases (at most 100 are allowed)',
    );
  });

  test('a long text that is repeated', () => {
    const text = `a: &a ${'x'.repeat(300 * 1024)}\nb: [*a, *a, *a]\n`;
    expect(errorOf(text)).toBe('its aliases expand too far (to more than 1 MiB)');
  });

  test('a long key that is repeated', () => {
    const text = `a: &a { ${'x'.repeat(1000)}: 1 }\nb: &b [${'*a, '.repeat(40)}]\nc: [${'*b, '.repeat(40)}]\n`;
    expect(errorOf(text)).toBe('its aliases expand too far (to more than 1 MiB)');
  });

  test('merge keys that merge merge keys', () => {
    const lines = ['a0: &a0 { k: v }'];
    for (let i = 1; i < 40; i += 1) lines.push(`a${i}: &a${i} { <<: [*a${i - 1}, *a${i - 1}], k${i}: v }`);
    expect(JSON.stringify(parseYaml(lines.join('\n'))).length).toBeLessThan(100_000);
  });

  test('merge keys of a large map', () => {
    const rows = Array.from({ length: 2000 }, (_, i) => `  k${i}: 1`);
    const users = Array.from({ length: 50 }, (_, i) => `b${i}: { <<: *a }`);
    expect(errorOf(['a: &a', ...rows, ...users].join('\n'))).toBe('its merge keys expand too far');
  });

  test('depth that aliases add', () => {
    const rows = names.map(
      (name, i) =>
        `${name}: &${name} ${'['.repeat(20)}${i === 0 ? '1' : `*${names[i - 1]}`}${']'.repeat(20)}`,
    );
    expect(errorOf(rows.join('\n'))).toBe('it is nested too deeply, or within itself');
  });
});

// Each of these takes a parser minutes, or all of the stack, that compares keys pairwise, backtracks or recurses.
test.each<[string, string]>([
  ['keys', Array.from({ length: 36_000 }, (_, i) => `key${i}: 1`).join('\n')],
  ['keys in a row', `{${Array.from({ length: 36_000 }, (_, i) => `key${i}: 1`).join(', ')}}`],
  ['anchors', Array.from({ length: 30_000 }, (_, i) => `k${i}: &a${i} 1`).join('\n')],
  ['items', `[${'1,'.repeat(250_000)}1]`],
  ['questions', '? '.repeat(250_000)],
  ['open lists', '['.repeat(500_000)],
  ['open maps', '{a: '.repeat(125_000)],
  ['steps', Array.from({ length: 1_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ['colons', ': '.repeat(250_000)],
  ['documents', '---\n'.repeat(125_000)],
  ['tags', '! '.repeat(250_000)],
  ['quotes', '"\n'.repeat(250_000)],
  ['blank lines', `a: "${' \n'.repeat(250_000)}"`],
  ['digits', `a: ${'1'.repeat(500_000)}`],
  ['digits in 60s', `a: 1${':59'.repeat(170_000)}`],
  ['digits in a fraction', `a: 1.${'0'.repeat(500_000)}1`],
  ['a long key', `${'x'.repeat(500_000)}: 1`],
])('many %s are read, or refused', (_what, text) => {
  expect(text.length).toBeLessThan(512 * 1024);
  try {
    parseYaml(text);
  } catch (error) {
    expect(error).toBeInstanceOf(YamlError);
  }
});

test('an integer over 4300 digits is refused, as by Python', () => {
  expect(parseYaml('1'.repeat(4300))).toEqual(rawNumber('1'.repeat(4300)));
  expect(errorOf('1'.repeat(4301))).toBe('it holds a number of more than 4300 digits');
});

test('a text over 512 KiB is refused unread', () => {
  expect(parseYaml(`"${'x'.repeat(512 * 1024 - 2)}"`)).toHaveLength(512 * 1024 - 2);
  expect(errorOf(`"${'x'.repeat(512 * 1024 - 1)}"`)).toBe('it is larger than 512 KiB');
  expect(() => parseYaml('abcde', { maxLength: 4 })).toThrow(YamlError);
});

test('whatever the text is, it is read or refused', () => {
  const piece = fc.constantFrom(
    ...'[]{},:-?&*!|>\'"%@`# \n\t\r~<=01abx._+',
    '<<: ',
    '*a',
    '&a ',
    '!!int ',
    '!!set ',
    '0b_',
    '0x',
    '.inf',
    '---\n',
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
  );
  fc.assert(
    fc.property(text, (some) => {
      try {
        JSON.stringify(parseYaml(some));
      } catch (error) {
        expect(error).toBeInstanceOf(YamlError);
      }
    }),
    { numRuns: 5000 },
  );
});

test('bytes are refused, unless they may be text', () => {
  const text = 'a: !!binary cMOk\nb: !!binary |\n  cMO\n  k\nc: !!binary /w==\nd: !!binary "%"';
  expect(() => parseYaml(text)).toThrow(/line 1, column 4 \(unknown tag\)/);
  expect(parseYaml(text, { binary: true })).toEqual({ a: 'pä', b: 'pä', c: 'ÿ', d: '' });
});

test('numbers stay as they are written where they are text', () => {
  const text = 'a: [0123, 1.10, 1_0, 2018-08-31, yes, ~]';
  expect(parseYaml(text, { numbers: false })).toEqual({
    a: ['0123', '1.10', '1_0', '2018-08-31', true, null],
  });
});

test.each([
  'a: [hunter2',
  'a: hunter2: b',
  '"hunter2',
  'a: *hunter2',
  '- a\nhunter2: b',
  'hunter2: 1\nhunter2: 2',
  'a: !!int hunter2',
  'a: hunter2\n--- \nb: hunter2',
  '%hunter2\n---\na',
  '\thunter2: 1',
  '&a [*a, hunter2]',
  '!hunter2 x',
  '!!hunter2 [x]',
  '!<hunter2> {}',
  '!hunter2!x y',
  '%TAG !hunter2! x',
  '!!int "hunter2"',
  '<<: hunter2',
])('an error in %j tells where, never what', (text) => {
  let message = '';
  try {
    parseYaml(text);
  } catch (error) {
    expect(error).toBeInstanceOf(YamlError);
    ({ message } = error as YamlError);
  }
  expect(message).not.toContain('hunter2');
});

test('an error tells line and column', () => {
  expect(errorOf('ok: 1\nbad: [1,\n')).toMatch(
    /^it is not valid YAML at line \d+, column \d+ \([a-z ,;'-]+\)$/,
  );
});

describe('a map', () => {
  test.each(['', '# nothing\n', '---\n', '~', '{}'])('is empty for %j', (text) => {
    expect(parseYamlMap(text)).toEqual({});
  });

  test.each(['[]', 'text', '5'])('is not %j', (text) => {
    expect(() => parseYamlMap(text)).toThrow(new YamlError('its root is not a map'));
  });
});
