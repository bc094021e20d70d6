import { expect, test } from 'vitest';
import { parseOptions } from './options.ts';

test('without options all are measured with a thousand stacks', () => {
  expect(parseOptions([])).toEqual({
    stacks: [1000],
    projects: 2,
    operators: ['ours', 'ours-without-events', 'controller-runtime', 'kopf'],
    work: '10000ms',
    profile: undefined,
    json: undefined,
  });
});

test('several numbers of stacks, chosen operators', () => {
  const options = parseOptions(['--stacks', '100,1000', '--operators', 'kopf,ours', '--work', '1m']);
  expect(options).toMatchObject({ stacks: [100, 1000], operators: ['ours', 'kopf'], work: '60000ms' });
});

test.each([
  [['--stacks', '0'], '--stacks'],
  [['--stacks', '100,'], '--stacks'],
  [['--stacks', '1e3'], '--stacks'],
  [['--projects', '101'], '--projects'],
  [['--operators', 'theirs'], '--operators'],
  [['--work', 'soon'], '--work'],
  [['--linear'], '--help'],
])('%j is refused', (args, why) => {
  expect(() => parseOptions(args)).toThrow(why);
});
