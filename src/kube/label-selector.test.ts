import { expect, test } from 'vitest';
import { parseLabelSelector } from './label-selector.ts';

const A = { 'sharding.fluxcd.io/key': 'a', tier: 'web' };

test.each([
  ['sharding.fluxcd.io/key=a', A, true],
  ['sharding.fluxcd.io/key == a', A, true],
  ['sharding.fluxcd.io/key=b', A, false],
  ['sharding.fluxcd.io/key!=b', A, true],
  ['sharding.fluxcd.io/key!=a', A, false],
  ['sharding.fluxcd.io/key=a,tier=db', A, false],
  ['sharding.fluxcd.io/key=a, tier in (db,web)', A, true],
  ['tier notin (db, web)', A, false],
  ['tier notin (db)', A, true],
  ['tier', A, true],
  ['!tier', A, false],
  ['!sharding.fluxcd.io/key', undefined, true],
  ['!sharding.fluxcd.io/key', {}, true],
  ['sharding.fluxcd.io/key', undefined, false],
  ['tier=', { tier: '' }, true],
  ['tier=', {}, false],
  ['tier!=web', {}, true],
  ['tier notin (web)', {}, true],
  ['toString', {}, false],
])('%s for %j: %s', (selector, labels, expected) => {
  expect(parseLabelSelector(selector)(labels)).toBe(expected);
});

test.each([
  '',
  'a,',
  'a=b=c',
  'a in b',
  'a in (b',
  'a > 3',
  'a b',
  'x/y/z=a',
  'a=ü',
  '=a',
  'a in (b),(c)',
  '-a',
])('%s is refused', (selector) => {
  expect(() => parseLabelSelector(selector)).toThrow(SyntaxError);
});
