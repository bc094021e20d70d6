import { expect, test } from 'vitest';
import { atLeast, parseVersion } from './version.ts';

test.each([
  ['go version go1.26.8 linux/amd64', [1, 26, 8]],
  ['Kubernetes v1.37.2', [1, 37, 2]],
  ['Kubernetes v1.38.0-rc.1', [1, 38, 0]],
  ['no version here', undefined],
])('parseVersion(%j) is %j', (text, expected) => {
  expect(parseVersion(text)).toEqual(expected);
});

test.each([
  ['1.26', '1.26', true],
  ['1.26.8', '1.26', true],
  ['1.9.12', '1.26', false],
  ['2.0', '1.26', true],
  ['1.26', '1.26.1', false],
  ['nothing', '1.26', false],
])('atLeast(%j, %j) is %j', (text, minimum, expected) => {
  expect(atLeast(text, minimum)).toBe(expected);
});
