import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rawNumber } from '../json.ts';
import { Scrubber } from './scrubber.ts';

const SECRET = 'hunter2-hunter2';
const scrubber = new Scrubber([SECRET]);

describe('a secret is taken out', () => {
  test.each<[string, string, string]>([
    ['as it is', SECRET, `Value '${SECRET}' does not match`],
    ['within a word', SECRET, `x${SECRET}y`],
    ['twice', SECRET, `${SECRET} ${SECRET}`],
    ['JSON-escaped', 'say "hi"\\now', 'bad value "say \\"hi\\"\\\\now"'],
    ['in base64', SECRET, `Basic ${btoa(SECRET)}`],
    ['in base64 without padding', SECRET, btoa(SECRET).replaceAll('=', '')],
    ['in base64, with a newline at its end', `${SECRET}\n`, `data: ${btoa(`${SECRET}\n`)}`],
    ['in base64url', '>>>???>>>???', Buffer.from('>>>???>>>???').toString('base64url')],
    ['URL-encoded', 'p&ss w/rd#1', `https://x?p=${encodeURIComponent('p&ss w/rd#1')}`],
    ['URL-encoded with plus', 'p&ss w/rd#1', `p=${new URLSearchParams({ p: 'p&ss w/rd#1' })}`],
    ['trimmed', `  ${SECRET}\n`, `Value "${SECRET}"`],
    ['of another alphabet', 'пароль-пароль', 'Значение пароль-пароль'],
    ['of another alphabet, in base64', 'пароль-пароль', Buffer.from('пароль-пароль').toString('base64')],
  ])('%s', (_how, secret, text) => {
    const clean = new Scrubber([secret]).clean(text);
    expect(clean).toContain('[redacted]');
    for (const part of [secret.trim(), btoa(SECRET).replaceAll('=', ''), encodeURIComponent(secret.trim())])
      expect(clean).not.toContain(part);
  });

  test('line by line, when it has several', () => {
    const key = '-----BEGIN KEY-----\nMIIabcdef\n  MIIghijkl  \n-----END KEY-----';
    const pem = new Scrubber([key]);
    expect(pem.clean(`could not parse MIIghijkl`)).toBe('could not parse [redacted]');
    expect(pem.clean(key)).toBe('[redacted]');
    expect(pem.clean(JSON.stringify(key))).toBe('"[redacted]"');
    expect(pem.clean('MIIabcdef\\nMIIghijkl')).toBe('[redacted]\\n[redacted]');
  });

  test('from within lists, maps and numbers', () => {
    const deep = new Scrubber([
      { a: ['first-secret', { b: 'second-secret' }] },
      12345678,
      rawNumber('9007199254740993'),
    ]);
    expect(deep.clean('first-secret second-secret 12345678 9007199254740993')).toBe(
      '[redacted] [redacted] [redacted] [redacted]',
    );
  });

  test('whole, when another one is a part of it', () => {
    const both = new Scrubber(['secret-one', 'my-secret-one-and-more']);
    expect(both.clean('my-secret-one-and-more, secret-one')).toBe('[redacted], [redacted]');
  });

  test('before the text is cut', () => {
    const clean = scrubber.clean(`${'x'.repeat(1015)}${SECRET}`);
    expect(clean).not.toContain('hunt');
  });

  test('whatever it is', () => {
    const secret = fc
      .string({ minLength: 6, maxLength: 30, unit: 'binary' })
      .filter((text) => text.trim().length >= 6);
    fc.assert(
      fc.property(
        secret,
        fc.string({ maxLength: 20 }),
        fc.string({ maxLength: 20 }),
        (value, before, after) => {
          const clean = new Scrubber([value]).clean(`${before}${value}${after}`);
          if (!'[redacted]'.includes(value)) expect(clean).not.toContain(value);
        },
      ),
    );
  });

  test('with a lone surrogate does no harm', () => {
    const odd = new Scrubber(['secret\ud800secret']);
    expect(odd.clean('secret\ud800secret')).toBe('[redacted]');
  });
});

describe('a secret of less than six characters', () => {
  test('makes way for the fallback where it may be quoted', () => {
    const short = new Scrubber(['abc12', SECRET]);
    expect(short.clean('value abc12 is bad', 'BadRequest')).toBe('BadRequest');
    expect(short.clean('value abc12 is bad')).toBe('the message is withheld, since it may quote a secret');
    expect(short.clean('all is well', 'BadRequest')).toBe('all is well');
    expect(short.clean(`only ${SECRET}`, 'BadRequest')).toBe('only [redacted]');
  });

  test.each([[''], [[]], [{}], [null], [true], ['  ']])('%j hides nothing', (secret) => {
    expect(new Scrubber([secret]).clean('true, null and nothing', 'BadRequest')).toBe(
      'true, null and nothing',
    );
  });

  test('also when it is a number', () => {
    expect(new Scrubber([42]).clean('got 42', 'BadRequest')).toBe('BadRequest');
  });
});

test('what a template from a Secret calls its resources is no secret, its values are', () => {
  const template = new Scrubber(['resources:\n  server:\n    type: OS::Nova::Server\n']);
  expect(template.clean('Resource CREATE failed: resources.server: no host')).toContain(
    'resources.server: no host',
  );
  expect(template.clean('bad: type: OS::Nova::Server')).toBe('bad: [redacted]');
});

test('quoted YAML is cut, its place stays', () => {
  const text = [
    'Error parsing template: mapping values are not allowed here',
    '  in "<unicode string>", line 3, column 12:',
    '      password: unknown-to-us: x',
    '               ^',
    'Please fix it.',
  ].join('\n');
  expect(scrubber.clean(text)).toBe(
    'Error parsing template: mapping values are not allowed here in "<unicode string>", line 3, column 12 Please fix it.',
  );
});

test('a text becomes one line of at most 1 KiB', () => {
  expect(scrubber.clean(' a\n\tb \r\n c ')).toBe('a b c');
  expect(scrubber.clean('')).toBe('');
  const long = scrubber.clean('wörd '.repeat(1000));
  expect(long.length).toBeLessThanOrEqual(1024);
  expect(long).toMatch(/…$/);
  expect(scrubber.clean('x\u{1f600}'.repeat(1000)).isWellFormed()).toBe(true);
});
