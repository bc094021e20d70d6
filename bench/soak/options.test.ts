import { expect, test } from 'vitest';
import { parseOptions } from './options.ts';

test('without options it takes half an hour', () => {
  expect(parseOptions([])).toEqual({
    ...{ durationMs: 1_800_000, stacks: 300, changes: 5, snapshots: undefined, json: undefined },
  });
});

test.each([
  [['--minutes', '0'], '--minutes'],
  [['--stacks', 'many'], '--stacks'],
  [['--changes', '51'], '--changes'],
  [['--gently'], '--help'],
])('%j is refused', (args, why) => {
  expect(() => parseOptions(args)).toThrow(why);
});
