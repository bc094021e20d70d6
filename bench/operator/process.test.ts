import { expect, test } from 'vitest';
import { cpuOf, memoryOf } from './process.ts';

test('CPU time is that of the process and its children, whatever its name is', () => {
  const fields = `S 1 2 3 4 5 6 7 8 9 10 150 50 7 3 20 0`;
  expect(cpuOf(`42 (a) b (c) ${fields}`)).toBe(2100);
  expect(() => cpuOf('')).toThrow('Linux');
});

test('memory is in MiB', () => {
  const status = 'Name:\tnode\nVmHWM:\t  2048 kB\nVmRSS:\t 1024 kB\n';
  expect(memoryOf(status, 'VmHWM')).toBe(2);
  expect(memoryOf(status, 'VmRSS')).toBe(1);
  expect(() => memoryOf('Name:\tnode\n', 'VmRSS')).toThrow('Linux');
});
