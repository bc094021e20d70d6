import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Json, rawNumber } from '../json.ts';
import { Scrubber } from './scrubber.ts';
import { oneLine } from './secret-texts.ts';

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
    expect(pem.clean('MIIabcdef\\nMIIghijkl')).toBe('[redacted]');
    expect(pem.clean('MIIghijkl\\nMIIabcdef')).toBe('[redacted]\\n[redacted]');
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
    const alike = new Scrubber(['secret-one', 'secret-one-and-more', 'secret-one-and']);
    expect(alike.clean('secret-one-and-more, secret-one')).toBe('[redacted], [redacted]');
    const overlapping = new Scrubber(['first-secret', 'secret-second']);
    expect(overlapping.clean('a first-secret-second b')).toBe('a [redacted] b');
  });

  test('before the text is cut', () => {
    const clean = scrubber.clean(`${'x'.repeat(1015)}${SECRET}`);
    expect(clean).not.toContain('hunt');
  });

  test.each<[string, string, string]>([
    ['JSON in ASCII alone', 'pässwörd', '"p\\u00e4ssw\\u00f6rd"'],
    ["Python's notation", 'it\'s "so"\\now', `'it\\'s "so"\\\\now'`],
    ["Python's notation of bytes", 'pässwörd', "b'p\\xc3\\xa4ssw\\xc3\\xb6rd'"],
    ['JSON in JSON', 'say "hi" now', JSON.stringify(JSON.stringify('say "hi" now'))],
    ['JSON, over several lines', 'one\n  two\tthree', JSON.stringify('one\n  two\tthree')],
    ['small hexadecimal digits', 'p/ss wörd', 'p%2fss%20w%c3%b6rd'],
    ['every byte URL-encoded', 'secret', '%73%65%63%72%65%74'],
    ['URL-encoded twice', 'p/ss word', 'p%252Fss%2520word'],
  ])('in %s', (_how, secret, text) => {
    expect(new Scrubber([secret]).clean(`got ${text}!`)).toMatch(/^got b?["'\\]*\[redacted\]["'\\]*!$/);
  });

  test.each([0, 1, 2, 3, 4, 5])('in base64 of a longer text, %d bytes after its beginning', (before) => {
    for (const encoding of ['base64', 'base64url'] as const) {
      for (const secret of [SECRET, '>>>???>>>???', 'pässwörd']) {
        const text = Buffer.from(`${'~'.repeat(before)}${secret}~~~`).toString(encoding);
        const clean = new Scrubber([secret]).clean(`Authorization: Basic ${text}, refused`);
        expect(clean).toMatch(/^Authorization: Basic [\w+/-]{0,7}\[redacted\][\w+/-]{0,4}=*, refused$/);
      }
    }
  });

  test.each(['/', 'x/', 'id-', '/v1/'])('in base64 that stands right after %s', (before) => {
    const clean = scrubber.clean(`GET ${before}${Buffer.from(`user:${SECRET}`).toString('base64')}.`);
    expect(clean).toMatch(/^GET [\w/+-]{1,14}\[redacted\]=\.$/);
  });

  test('in each spelling of a number', () => {
    const cases: [Json, string][] = [
      [12345678, '12345678.0 is out of range'],
      ['+0012345678', '12345678 is out of range'],
      ['1.2345678e7', '12345678.0 is out of range'],
      [12345678, '1.2345678E7 is out of range'],
      ['123456789e15', '1.23456789e+23 is out of range'],
      ['0x1FFFFFF', '33554431 is out of range'],
      ['012345670', '2739128 is out of range'],
      ['1_234_567', '1234567 is out of range'],
      [-1234567, '1234567 is out of range'],
      [rawNumber('90071992547409931'), '9.007199254740994e+16 is out of range'],
    ];
    for (const [secret, text] of cases) {
      expect(new Scrubber([secret]).clean(text)).toMatch(/^\[redacted\](\.0|[eE]\+?\d+)? is out of range$/);
    }
  });

  test('from within a text that is a list or JSON', () => {
    const list = new Scrubber(['first-secret, second-secret']);
    expect(list.clean('["first-secret", "second-secret"] is not allowed')).toBe(
      '["[redacted]", "[redacted]"] is not allowed',
    );
    const json = new Scrubber(['{"user":"alice-a","pins":["12345678", {"deep": "deep-secret"}]}']);
    expect(json.clean("{'user': 'alice-a', 'x': ['12345678', 'deep-secret']}")).toBe(
      "{'user': '[redacted]', 'x': ['[redacted]', '[redacted]']}",
    );
    expect(new Scrubber([{ 'a-secret-name': 1234567 }]).clean("'a-secret-name'")).toBe("'[redacted]'");
  });

  test('piece by piece, when it is long', () => {
    const long = Array.from({ length: 40 }, (_, index) => `${index}-${index * 7919}`).join('/');
    const key = new Scrubber([long]);
    expect(key.clean(`got ${long}.`)).toBe('got [redacted].');
    expect(key.clean(`got ${btoa(long)}.`)).toMatch(/^got \[redacted\]=*\.$/);
    // Heat cuts what it quotes without a sign, at 200 characters for example.
    expect(key.clean(`got '${long.slice(0, 199)} in a template`)).toBe("got '[redacted] in a template");
  });

  test('from any place in it on, sixteen characters in a row', () => {
    const UNITS = 'Zq8rTn4vLw2xKc6yHb9jPd3sMf7gAe5uRo1iXk0BzQ9RtN5VlW3XkC7YhB0JpD4S';
    for (const size of [17, 26, 27, 28, 40, 64, 65, 200]) {
      const secret = Array.from({ length: size }, (_, index) => UNITS[(index * 7 + (index >> 6)) % 64]).join(
        '',
      );
      const it = new Scrubber([secret]);
      for (let from = 0; from + 16 <= size; from += 1) {
        for (const to of [from + 16, from + 17, from + 27, size]) {
          expect(it.clean(`got (${secret.slice(from, to)}) back`)).toBe('got ([redacted]) back');
        }
        expect(it.clean(`got (${secret.slice(from, from + 15)}) back`)).not.toContain('[');
      }
    }
    const base64 = Buffer.from('на-троих-па').toString('base64');
    expect(new Scrubber(['xx пароль-на-троих-пароль']).clean(base64)).toBe('[redacted]=');
  });

  const CONNECTION =
    'postgres://billing:hunter2-x@db.example.com:5432/invoices?sslkey=swordfish&pin=83771264';

  test.each([
    ["float: 'hunter2-x'", "float: '[redacted]'"],
    ["float: '83771264'", "float: '[redacted]'"],
    ["float: 'swordfish'", "float: '[redacted]'"],
    ["float: '//billing'", "float: '//billing'"],
    [
      'resources.invoices: cannot connect to db.example.com, postgres said: billing denied',
      'resources.invoices: cannot connect to db.example.com, postgres said: billing denied',
    ],
  ])('part by part, where they are no words: %s', (text, clean) => {
    expect(new Scrubber([CONNECTION]).clean(text)).toBe(clean);
    // As the value of a template it is no other.
    expect(new Scrubber([`parameters:\n  conn: { default: '${CONNECTION}' }\n`]).clean(text)).toBe(clean);
  });

  test.each([
    ['user:Swordfish', 'got Swordfish', 'got [redacted]'],
    ['token="swordfish"', 'got swordfish', 'got [redacted]'],
    ['admin|QwErTyUi', 'got QwErTyUi', 'got [redacted]'],
    ['admin;pass$word', 'got pass$word', 'got [redacted]'],
    ['admin пароль-2', 'got пароль-2', 'got [redacted]'],
    ['see OS::Heat::RandomString for OpenStack', 'a RandomString', 'a RandomString'],
    ['see OS::Heat::RandomString for OpenStack', 'OpenStack', 'OpenStack'],
    ['user:short', 'cut short', 'cut short'],
  ])('of %s, %s', (secret, text, clean) => {
    expect(new Scrubber([secret]).clean(text)).toBe(clean);
  });

  test('where the text is cut off, from its sixth character on', () => {
    for (const end of ['', '...', ' ...', '…']) {
      expect(scrubber.clean(`got hunter2-h${end}`)).toBe(`got [redacted]${end}`);
      expect(scrubber.clean(`got hunter${end}`)).toBe(`got [redacted]${end}`);
      expect(scrubber.clean(`got hunte${end}`)).toBe(`got hunte${end}`);
    }
    expect(scrubber.clean('hunters hunt')).toBe('hunters hunt');
    expect(scrubber.clean(`got ${btoa(SECRET).slice(0, 12)}`)).toBe('got [redacted]');
  });

  const LETTERS = fc.constantFrom(...'aab. ');
  const word = (minLength: number, maxLength: number) => fc.string({ unit: LETTERS, minLength, maxLength });

  test('as comparing each secret with each place would find it', () => {
    const secrets = fc.array(word(6, 30), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        secrets,
        fc.array(fc.oneof(word(0, 12), fc.nat(11)), { maxLength: 12 }),
        (values, parts) => {
          const known = [...new Set(values.map(oneLine))].filter(({ length }) => length >= 6);
          fc.pre(known.length > 0);
          const text = parts
            .map((part) => (typeof part === 'string' ? part : (values[part] ?? 'x')))
            .join('');
          expect(new Scrubber(known).clean(text)).toBe(slowlyCleaned(oneLine(text), known));
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('whatever it is, and however it is written', () => {
    const unit = fc.integer({ min: 0x20, max: 0x1ffff }).map((code) => String.fromCodePoint(code));
    const texts = (minLength: number) => fc.string({ unit, minLength, maxLength: 90 });
    const forms: ((value: string) => string)[] = [
      (value) => value,
      (value) => JSON.stringify(value),
      (value) => Buffer.from(value).toString('base64'),
      (value) => Buffer.from(value).toString('base64url'),
      (value) => encodeURIComponent(value.toWellFormed()),
      (value) => new URLSearchParams({ x: value }).toString(),
    ];
    fc.assert(
      fc.property(texts(6), texts(0), texts(0), fc.constantFrom(...forms), (value, before, after, write) => {
        const secret = oneLine(value).toWellFormed();
        fc.pre(secret.length >= 6 && !'[redacted]'.includes(secret));
        const clean = new Scrubber([secret]).clean(`${before} ${write(secret)} ${after}`);
        expect(clean).toContain('[redacted]');
        for (const form of forms) expect(clean).not.toContain(form(secret));
      }),
      { numRuns: 300 },
    );
  });

  test('with a lone surrogate does no harm', () => {
    const odd = new Scrubber(['secret\ud800secret']);
    expect(odd.clean('secret\ud800secret')).toBe('[redacted]');
  });
});

/** What the scrubber does, in the most obvious way. */
function slowlyCleaned(text: string, secrets: readonly string[]): string {
  const marks = Array.from(text, () => false);
  const mark = (part: string, from: number) => marks.fill(true, from, from + part.length);
  for (const secret of secrets) {
    for (let at = 0; at < text.length; at += 1) {
      if (text.startsWith(secret, at)) mark(secret, at);
      for (let start = 0; start + 16 <= secret.length; start += 1) {
        const run = secret.slice(start, start + 16);
        if (text.startsWith(run, at)) mark(run, at);
      }
      let length = secret.length;
      while (!text.startsWith(secret.slice(0, length), at)) length -= 1;
      const rest = text.slice(at + length);
      const isCutOff = rest === '' || rest.startsWith('...') || rest.startsWith(' ...');
      if (length >= 6 && isCutOff) mark(secret.slice(0, length), at);
    }
  }
  return Array.from(text, (unit, at) => (marks[at] ? (marks[at - 1] ? '' : '[redacted]') : unit)).join('');
}

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

  test.each<[string, Json, string]>([
    ['a member of a list', ['abc12', SECRET], "['abc12']"],
    ['escaped', 'a"b\\c', JSON.stringify('a"b\\c')],
    ['in base64', 'abc12', btoa('user:abc12')],
    ['URL-encoded', 'a/b&c', 'x=a%2Fb%26c'],
    ['of one character', 'q', 'a quick one'],
  ])('%s makes way, too', (_how, secret, text) => {
    expect(new Scrubber([secret]).clean(`value ${text} is bad`, 'BadRequest')).toBe('BadRequest');
  });

  test('also when it is a number', () => {
    expect(new Scrubber([42]).clean('got 42', 'BadRequest')).toBe('BadRequest');
  });
});

describe('of a template from a Secret', () => {
  const template = new Scrubber([
    `heat_template_version: 2018-08-31
parameters:
  token: { type: string, default: 'it''s-a-token' }
  pin: { type: number, default: 4711 } # as on the card
  users: { type: comma_delimited_list, default: 'a,alice-secret, bob-secret' }
  map: { type: json, default: '{"key": ["json-secret", 12345678]}' }
resources:
  server:
    type: OS::Nova::Server
    properties: {name: "web \\"one\\"", flavor: [m1.small, m1.medium], count: 5}
    depends_on: [network]
  network:
    type: OS::Neutron::Net
  shell:
    user_data: |
      #!/bin/sh
      login --password=swordfish
      curl --user deploy:tuna-salad --header "Accept: text/plain" https://example.com/a/long/path/to/something: here
`,
  ]);

  test('names, resource types and the like are no secret', () => {
    const text = 'resources.server: OS::Nova::Server depends on network; string parameter token, max: 5';
    expect(template.clean(text)).toBe(text);
  });

  test.each([
    ["Value 'it's-a-token' is not an integer", "Value '[redacted]' is not an integer"],
    ['["a", "alice-secret", "bob-secret"]', '["a", "[redacted]", "[redacted]"]'],
    ["{'key': ['json-secret', 12345678]}", "{'key': ['[redacted]', [redacted]"],
    ['Flavor m1.small not found', 'Flavor [redacted] not found'],
    [`Value 'web "one"' is bad`, "Value '[redacted]' is bad"],
    ['sh: login --password=swordfish: no', 'sh:[redacted]: no'],
    ['curl --user deploy:tuna-salad: no', '[redacted]: no'],
    ['bad: type: OS::Nova::Server', 'bad: [redacted]'],
    ['4711 is out of range', 'BadRequest'],
    ['14711 is out of range', '14711 is out of range'],
  ])('values are: %s', (text, clean) => {
    expect(template.clean(text, 'BadRequest')).toBe(clean);
  });

  test('values are also when it is JSON, or no YAML at all', () => {
    const json = new Scrubber([
      JSON.stringify({ resources: { a: { type: 'OS::Heat::Value', x: 'some-secret' } } }),
    ]);
    expect(json.clean("resources.a (OS::Heat::Value): 'some-secret'")).toBe(
      "resources.a (OS::Heat::Value): '[redacted]'",
    );
    const broken = new Scrubber([
      'parameters:\n  a: *some-secret\n  b: !other-secret x\n  c: "third-secret\n',
    ]);
    expect(broken.clean("undefined alias 'some-secret', tag '!other-secret', \"third-secret")).toBe(
      "undefined alias '[redacted]', tag '[redacted]', \"[redacted]",
    );
  });
});

describe('of a template from a Secret, what YAML writes otherwise', () => {
  const template = (value: string) =>
    new Scrubber([
      `heat_template_version: 2018-08-31\nparameters:\n  a_parameter:\n    default: ${value}\nresources: { a_resource: { type: OS::Heat::Value } }\n`,
    ]);

  test.each([
    ['"p\\xe4sswort"', 'pässwort'],
    ['"p\\U000000e4sswort"', 'pässwort'],
    ['"pass\\ wo\\/rt"', 'pass wo/rt'],
    ['"pass\\_wort"', 'pass\xa0wort'],
    ['"pas\\\n      swo\\\n      rt"', 'passwort'],
    ['"pass\n      wort"', 'pass wort'],
    ['>-\n      alpha\n      gamma', 'alpha gamma'],
    [`!!binary ${btoa('swordfish')}`, 'swordfish'],
    [`!!binary ${btoa('swordfish')}`, btoa('swordfish')],
    [`!!binary |\n      cMOk\n      c3N3b3J0`, 'pässwort'],
    ['190:20:30', '685230'],
    ['190:20:30.5', '685230.5'],
    ['0b11110100001001000000', '1000000'],
    ['{ "a": ["p\\x61sswort"] }', 'passwort'],
  ])('%s is found as %s', (value, text) => {
    // A value is also known from its beginning on, so the text goes on.
    const clean = template(value).clean(`Value '${oneLine(text)}' of a_parameter is wrong`);
    expect(clean).toMatch(/^Value b?'+\[redacted\](\.0)?' of a_parameter is wrong$/);
  });

  test('and its names, resource types and version are no secret', () => {
    const text = "a_parameter, resources.a_resource (OS::Heat::Value) of 'heat_template_version: 2018-08-31'";
    expect(template('"\\x61"').clean(text)).toBe(text);
    const keys = new Scrubber(['"a_lon\\x67_parameter": { default: a_long_parameter }\n']);
    expect(keys.clean('of a_long_parameter, too')).toBe('of a_long_parameter, too');
    const parts = new Scrubber([
      'resources:\n  server-01: {}\n  b: { say: "ssh server-01 as s3cret-user" }\n',
    ]);
    expect(parts.clean('resources.server-01: s3cret-user')).toBe('resources.server-01: [redacted]');
  });
});

describe("what Heat 27 said of a hidden parameter's value", () => {
  const value = 'Sup3r/S3cret+Value=9';
  const hidden = new Scrubber([value, ['abcdefgh', value], 1234567.5, '0012345678']);
  test.each([
    `Parameter 'p' is invalid: "${value}" does not match pattern "[a-z]+"`,
    "Parameter 'p' is invalid: length (20) is out of range (min: None, max: 5)",
    "Parameter 'p' is invalid: 1234567.5 is out of range (min: None, max: 5)",
    "Parameter 'p' is invalid: 0012345678 is out of range (min: None, max: 5)",
    `Parameter 'p' is invalid: "${value}" is not an allowed value ["one", "two"]`,
    `Parameter 'p' is invalid: Error validating value '${value}': Invalid net cidr invalid IPNetwork ${value} `,
    `Parameter 'p' is invalid: could not convert string to float: '${value}'`,
    "Parameter 'p' is invalid: Value must be valid JSON: Expecting ',' delimiter: line 1 column 29 (char 28)",
    `Parameter 'p' is invalid: ["abcdefgh", "${value}"] is not an allowed value ["one"]`,
    `Parameter 'p' is invalid: Unrecognized value '${value}', acceptable values are: '0', '1', 'f', 'false'`,
    `Property error: resources.a.properties.length: Value '${value}' is not an integer`,
    `Template not in valid format: Error parsing template [root stack] while scanning a quoted scalar\n  in "<unicode string>", line 3, column 6:\n      a: "${value}\n         ^\nfound unexpected end of stream\n  in "<unicode string>", line 4, column 1:\n    \n    ^`,
    `outputs.o.value.get_attr: The specified reference "${value}" (in unknown) is incorrect.`,
    `The template version is invalid: "heat_template_version: ${value}". "heat_template_version" should be one of: 2013-05-23`,
  ])('%s', (text) => {
    const clean = hidden.clean(text);
    for (const secret of [value, 'abcdefgh', '1234567.5', '12345678']) expect(clean).not.toContain(secret);
    // Where and what is wrong stays.
    expect(clean).toMatch(
      /Parameter 'p' is invalid|resources\.a\.properties|line 3, column 6 found|outputs\.o|version/,
    );
  });
});

describe('the work is bounded', () => {
  const many = (size: number) =>
    Array.from({ length: size }, (_, index) => `secret-${index}-${'x'.repeat(20)}`);

  test('and does not grow with the number of secrets', () => {
    const text = 'Property error: resources.a.properties.length: Value 1234567 is not an integer; '.repeat(
      20,
    );
    const works = [10, 50_000].map((size) => {
      const it = new Scrubber([many(size).map((secret, index) => `${index}${secret}`)]);
      expect(it.clean(text)).toContain('1234567');
      return it.work;
    });
    expect(works[1]).toBeLessThan((works[0] ?? 0) * 1.5);
  });

  test('whatever secrets and texts are chosen: what is too much is withheld', () => {
    // Without a bound: 2,000 texts of 8,000 places, each compared with 20,000 secrets.
    const tenant = new Scrubber([Array.from({ length: 20_000 }, (_, index) => `${'a'.repeat(30)}${index}`)]);
    for (let index = 0; index < 2_000; index += 1) tenant.clean(`${'a'.repeat(8_000)}${index}`);
    expect(tenant.work).toBeLessThan(2_100_000);
    expect(tenant.clean('another text', 'BadRequest')).toBe('BadRequest');
    expect(tenant.clean('Stack UPDATE completed successfully')).toBe('Stack UPDATE completed successfully');
  });

  test('also of secrets that are too many', () => {
    const tenant = new Scrubber([many(150_000)]);
    expect(tenant.clean('all is well', 'BadRequest')).toBe('BadRequest');
  });

  test('but the largest template that Heat takes is not too much, though all of it are values', () => {
    const lines = Array.from(
      { length: 11_500 },
      (_, at) => `  export V${at}=v${at * 7919}w:${at}-${at * 31}x "y, z"`,
    );
    const template = `user_data: |\n${lines.join('\n')}`;
    expect(template.length).toBeGreaterThan(400 * 1024);
    const it = new Scrubber([template, template.replaceAll('w:', 'u:')]);
    expect(it.clean(`sh: v${7919 * 9000}w: all is well`)).toBe('sh: [redacted]: all is well');
  });

  test('a text said again costs nothing', () => {
    const it = new Scrubber([SECRET]);
    it.clean(`got ${SECRET}`);
    const { work } = it;
    expect(it.clean(`got ${SECRET}`)).toBe('got [redacted]');
    expect(it.work).toBe(work);
  });

  test('a huge text is cut before it is looked at, and no secret with it', () => {
    const text = `${'x '.repeat(3584)}${SECRET.repeat(100_000)}`;
    const clean = scrubber.clean(text);
    expect(clean).toMatch(/^x x .*…$/);
    expect(clean).not.toContain('hunt');
    expect(scrubber.clean(SECRET.repeat(100_000))).toBe('[redacted] …');
    // What was looked at may end with a secret's first characters, too few to be known for it.
    const other = 'another-secret';
    const two = new Scrubber([SECRET, other]);
    const looked = `${other.repeat(585)}hu`;
    expect(looked).toHaveLength(8192);
    expect(two.clean(`${looked}nter2-hunter2`)).toBe('[redacted] …');
  });

  test.each([
    ['quotes and escapes', '"\\"'.repeat(50_000)],
    ['blanks', `${' '.repeat(100_000)}#`],
    ['colons', ': '.repeat(50_000)],
    ['brackets', '[{'.repeat(50_000)],
    ['marks of quoted YAML', 'in "<unicode string>", line 1, column 1:\n    \r'.repeat(10_000)],
  ])('no pattern takes more than one look at %s', (_what, text) => {
    // Quadratic work on so much text would take minutes.
    expect(new Scrubber([`a: ${text}`, `\n${text}`]).clean(`found ${text}`, 'BadRequest')).not.toBe('');
  });
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
  expect(scrubber.clean('red \u001b[31mand\u0007 \u202eback')).toBe('red [31mand back');
  const long = scrubber.clean('wörd '.repeat(1000));
  expect(long.length).toBeLessThanOrEqual(1024);
  expect(long).toMatch(/…$/);
  expect(scrubber.clean('x\u{1f600}'.repeat(1000)).isWellFormed()).toBe(true);
});
