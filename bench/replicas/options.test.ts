import { expect, test } from 'vitest';
import { parseOptions } from './options.ts';

const seed = () => 42;

test('without options both set-ups share ten minutes', () => {
  const { setUps, ...options } = parseOptions([], seed);
  expect(setUps.map(({ name }) => name)).toEqual(['leader', 'shards']);
  expect(options).toEqual({
    ...{ stacks: 1000, durationMs: 300_000, pauseMs: 60_000, changes: 5, work: '10000ms', seed: 42 },
  });
});

test('one set-up has all the time', () => {
  const options = parseOptions(['--set-ups', 'shards', '--duration', '90s', '--seed', '0'], seed);
  expect(options).toMatchObject({ durationMs: 90_000, seed: 0, setUps: [{ name: 'shards' }] });
});

test.each([
  [['--stacks', '0'], '--stacks'],
  [['--changes', '1.5'], '--changes'],
  [['--set-ups', 'alone'], '--set-ups'],
  [['--duration', '10'], '--duration'],
  [['--duration', '2m', '--pause', '60s'], '--pause'],
  [['--seed', '-1'], '--seed'],
  [['--gentle'], '--help'],
])('%j is refused', (args, why) => {
  expect(() => parseOptions(args, seed)).toThrow(why);
});
