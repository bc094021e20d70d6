import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson, rawNumber } from '../json.ts';
import { Digester, type OwnershipClaim, ownerTags } from './digest.ts';

const digester = new Digester(Buffer.alloc(32, 1));
const other = new Digester(Buffer.alloc(32, 2));

describe('the digest of inputs', () => {
  test('is written with its version, and never changes', () => {
    // A change here makes every operator that is upgraded update every stack.
    expect(digester.inputs('team/web', { template: 'x', tags: [], n: rawNumber('9007199254740993') })).toBe(
      'h2:4ad3423de649aed6f308d3379b17966f78f2b3a36c9ac59e29aa7c748325edd8',
    );
    expect(digester.formerInputs({ template: 'x', tags: [], n: rawNumber('9007199254740993') })).toBe(
      'h1:8be70f09212c523a26a64b2eb53736161134b11a9e8ff1dd4280db5ad643001e',
    );
  });

  test('is the same whatever the order of keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const reversed = JSON.parse(JSON.stringify(value), (_key, member: unknown) =>
          typeof member === 'object' && member !== null && !Array.isArray(member)
            ? Object.fromEntries(Object.entries(member).reverse())
            : member,
        ) as unknown;
        expect(digester.inputs('team/web', reversed)).toBe(
          digester.inputs('team/web', JSON.parse(JSON.stringify(value))),
        );
      }),
    );
  });

  test.each([
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { a: '1' }],
    [{ a: [1, 2] }, { a: [2, 1] }],
    [{ a: null }, {}],
    [{ a: { b: 1 } }, { 'a.b': 1 }],
    [parseJson('9007199254740993'), parseJson('9007199254740992')],
  ])('of %j is another than that of %j', (a, b) => {
    expect(digester.inputs('team/web', a)).not.toBe(digester.inputs('team/web', b));
  });

  test('is another for another object, whose owner could try inputs until the digests are equal', () => {
    expect(digester.inputs('team/web', {})).not.toBe(digester.inputs('other/web', {}));
    expect(digester.outputs('team/web', {})).not.toBe(digester.outputs('other/web', {}));
    expect(digester.outputs('team/web', {})).not.toBe(digester.inputs('team/web', {}));
  });

  test('depends on the key', () => {
    expect(digester.inputs('team/web', {})).not.toBe(other.inputs('team/web', {}));
  });
});

describe('the proof of ownership', () => {
  const claim: OwnershipClaim = {
    uid: 'u',
    stackId: 's',
    projectID: 'p',
    region: 'r',
    endpoint: 'https://heat',
  };

  test.each(['own', 'adopted', 'observed'] as const)('holds for its claim, and says that it is %s', (tie) => {
    expect(digester.tie({ ...claim }, digester.proof(claim, tie))).toBe(tie);
  });

  test.each(['own', 'adopted', 'observed'] as const)('as %s is made of no other', (tie) => {
    const { prefix } = /^(?<prefix>\w+:)/.exec(digester.proof(claim, tie))?.groups ?? {};
    for (const other of ['own', 'adopted', 'observed'] as const) {
      const forged = digester.proof(claim, other).replace(/^\w+:/, prefix ?? '');
      expect(digester.tie(claim, forged)).toBe(other === tie ? tie : undefined);
    }
  });

  test.each(Object.keys(claim))('holds for no other %s', (field) => {
    expect(digester.tie({ ...claim, [field]: 'x' }, digester.proof(claim, 'own'))).toBeUndefined();
    expect(digester.tie({ ...claim, [field]: '' }, digester.proof(claim, 'own'))).toBeUndefined();
  });

  test('is not made of fields that run into each other', () => {
    const a = digester.proof({ ...claim, uid: 'ab', stackId: 'c' }, 'own');
    expect(digester.tie({ ...claim, uid: 'a', stackId: 'bc' }, a)).toBeUndefined();
  });

  test.each([
    undefined,
    '',
    'h1:',
    'h1:00',
    other.proof(claim, 'own'),
    digester.inputs('team/web', ['u', 's', 'p', 'r', 'https://heat']),
  ])('is not %j', (proof) => {
    expect(digester.tie(claim, proof)).toBeUndefined();
  });
});

describe('the tags', () => {
  test('name cluster and object', () => {
    expect(ownerTags('c1', { namespace: 'team', name: 'web' })).toEqual([
      'heatstack.dev/cluster=c1',
      'heatstack.dev/object=team/web',
    ]);
  });

  test('fit into 80 characters, and stay different', () => {
    const long = 'n'.repeat(253);
    const tags = [
      ...ownerTags('c'.repeat(200), { namespace: 'team', name: long }),
      ...ownerTags('a,b', { namespace: 'team', name: `${long.slice(1)}x` }),
      ...ownerTags('a;b', { namespace: 'teamt', name: long.slice(1) }),
    ];
    expect(new Set(tags).size).toBe(6);
    for (const tag of tags) {
      expect(tag.length).toBeLessThanOrEqual(80);
      expect(tag).toMatch(/^heatstack\.dev\/(cluster|object)=[^,]+$/);
    }
  });

  test('of 80 characters are left as they are', () => {
    const name = 'n'.repeat(80 - 'heatstack.dev/object=team/'.length);
    expect(ownerTags('c', { namespace: 'team', name })[1]).toBe(`heatstack.dev/object=team/${name}`);
    expect(ownerTags('c', { namespace: 'team', name: `${name}n` })[1]).toMatch(/=[\w-]{43}$/);
  });
});
