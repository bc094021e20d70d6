import { expect, test } from 'vitest';
import { TestbedError } from './errors.ts';
import { parseOptions, USAGE } from './options.ts';

test('reads the options', () => {
  expect(parseOptions(['--ready', 'r.json', '--dir=state'])).toEqual({
    help: false,
    ready: 'r.json',
    dir: 'state',
  });
  expect(parseOptions([])).toEqual({ help: false, ready: undefined, dir: undefined });
  expect(parseOptions(['-h']).help).toBe(true);
});

test.each([[['--port', '1']], [['up']], [['--ready']]])('refuses %j in one line', (args) => {
  expect(() => parseOptions(args)).toThrow(TestbedError);
  expect(() => parseOptions(args)).toThrow(/^[^\n]*--help shows the options$/);
});

test('the usage names every option', () => {
  for (const option of ['--ready', '--dir', '--help']) expect(USAGE).toContain(option);
});
