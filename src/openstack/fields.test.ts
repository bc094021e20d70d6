import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { readAnswer } from './answer.ts';
import { linkedStack, record, stackInUrl } from './fields.ts';

/** As valibot reads it, and as an answer is read. */
function bothWays(schema: v.GenericSchema, text: string): unknown[] {
  const answer = { status: 200, body: text, requestId: 'req-1', header: () => undefined };
  const asked = { peer: 'Heat', method: 'GET', route: '/x', requestId: 'req-1' };
  return [v.parse(schema, JSON.parse(text)), readAnswer(schema, answer, asked)];
}

describe('record', () => {
  const thing = record({ stack_name: v.string(), note: v.nullish(v.string()) }, (raw) => ({
    name: raw.stack_name,
    note: raw.note ?? undefined,
  }));

  it('has no member that is undefined, and no extra when there is none', () => {
    for (const read of bothWays(thing, '{"stack_name":"a","note":null}')) {
      expect(Object.keys(read as object)).toEqual(['name']);
    }
  });

  it('keeps as extra what it does not know, as it came', () => {
    const text = '{"new":{"a":[1]},"stack_name":"a","none":null,"name":"other","extra":1}';
    for (const read of bothWays(thing, text)) {
      expect(read).toEqual({ name: 'a', extra: { new: { a: [1] }, none: null, name: 'other', extra: 1 } });
    }
  });

  it('is changed by no special name', () => {
    const text =
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"stack_name":"a","toString":1}';
    for (const read of bothWays(thing, text)) {
      const { extra } = read as { extra?: object };
      expect(read).toMatchObject({ name: 'a' });
      for (const each of [read, extra ?? {}]) {
        expect(Object.getPrototypeOf(each)).toBe(Object.prototype);
        expect(each).not.toHaveProperty('polluted');
      }
      expect(extra).toHaveProperty('toString', 1);
    }
    expect({}).not.toHaveProperty('polluted');
  });

  it('refuses what is no object, and a member of another kind', () => {
    for (const text of ['null', '[]', '"a"', '7', '{}', '{"stack_name":7}', '{"stack_name":"a","note":{}}']) {
      expect(() => bothWays(thing, text)).toThrow();
    }
  });
});

describe('stackInUrl', () => {
  it.each([
    'http://heat:8004/v1/p/stacks/web/1',
    'https://other.example/heat/v1/p/stacks/web/1?resolve_outputs=false',
    '/stacks/web/1#x',
    '/stacks/web/1/resources/r',
    'stacks/x/2/stacks/web/1',
    '/stacks/stacks/1/stacks/web/1',
    '/stacks/web?1',
    '/stacks/%77eb/%31',
  ])('finds the stack in %j', (url) => {
    expect(stackInUrl(url)).toEqual({ name: 'web', id: '1' });
  });

  it.each([
    '',
    'web/1',
    '/stacks/',
    '/stacks/web',
    '/stacks/web/',
    '/stacks//1',
    '/stacks/?web/1',
    '/stacks/web/?1',
    '/Stacks/web/1',
    '/stacks/%E0/1',
    '/stacks/web/%',
    '/stacks/web/1/stacks/',
    '/stacks/./1',
    '/stacks/web/..',
    '/stacks/web/%2e%2E',
    '/stacks/a%2Fb/1',
    '/stacks/detail/1',
    '/stacks/web/preview',
    `/stacks/web/${'1'.repeat(10_000)}`,
  ])('finds none in %j', (url) => {
    expect(stackInUrl(url)).toBeUndefined();
  });

  // A regular expression takes minutes for it.
  it('looks at no address without an end', () => {
    expect(stackInUrl('/stacks/'.repeat(1_000_000))).toBeUndefined();
  });
});

describe('linkedStack', () => {
  const links = [
    { rel: 'self', href: 'http://h/stacks/a/1/resources/r' },
    { rel: 'stack', href: 'http://h/stacks/a/1' },
    { rel: 'stack', href: 'http://h/stacks/b/2' },
    { rel: 'nested', href: 'http://h/nothing' },
  ];

  it('is the first of its kind', () => {
    expect(linkedStack(links, 'stack')).toEqual({ name: 'a', id: '1' });
  });

  it.each(['nested', 'constructor', 'parent'])('is none: %s', (rel) => {
    expect(linkedStack(links, rel)).toBeUndefined();
  });
});
