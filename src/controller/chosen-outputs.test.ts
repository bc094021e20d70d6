import { expect, test } from 'vitest';
import { rawNumber } from '../json.ts';
import type { Output } from '../openstack/index.ts';
import { chooseOutputs, wantsObjects } from './chosen-outputs.ts';

const OUTPUTS: Output[] = [
  { key: 'b', value: { list: [1, null, rawNumber('1.10000000000000000001')] } },
  { key: 'a', value: 'text' },
  { key: 'half', value: 'text', error: 'no such attribute' },
];

test('all outputs are chosen, or those that are named, each once and sorted', () => {
  expect([...chooseOutputs(OUTPUTS, undefined).data]).toEqual([
    ['a', 'text'],
    ['b', '{"list":[1,null,1.10000000000000000001]}'],
  ]);
  expect([...chooseOutputs(OUTPUTS, ['a', 'a']).data.keys()]).toEqual(['a']);
});

test('what has an error is left out, also with a value, and its text is not repeated', () => {
  expect([...chooseOutputs(OUTPUTS, undefined).leftOut]).toEqual([
    ['half', 'Heat gives an error instead of a value'],
  ]);
});

test('a name that objects inherit is no output by that', () => {
  expect([...chooseOutputs(OUTPUTS, ['constructor', '__proto__']).leftOut.keys()]).toEqual([
    '__proto__',
    'constructor',
  ]);
});

test.each(['.', '..', '..a', '', 'a b', 'a/b', 'é', 'x'.repeat(254)])('%j is no key', (key) => {
  const { data, leftOut } = chooseOutputs([{ key, value: 'a' }], undefined);
  expect([data.size, leftOut.get(key)]).toEqual([0, expect.stringMatching(/^no key of a Secret/)]);
});

test.each(['.a', 'a..', '-', '_', 'A.b-c_9', 'x'.repeat(253)])('%j is a key', (key) => {
  expect(chooseOutputs([{ key, value: '' }], undefined).data.get(key)).toBe('');
});

test('objects are wanted when one is named', () => {
  expect([undefined, {}, { inStatus: ['*'] }, { names: ['a'] }].map(wantsObjects)).toEqual(
    Array(4).fill(false),
  );
  expect([{ secretName: 'a' }, { configMapName: 'a' }].map(wantsObjects)).toEqual([true, true]);
});
