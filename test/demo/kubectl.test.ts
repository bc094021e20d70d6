import { expect, it } from 'vitest';
import { shortenDescription } from './kubectl.ts';

it('leaves out the manifest and all but the first resources of a description', () => {
  const resources = ['a', 'b', 'c', 'd', 'e'].flatMap((name) => [
    `    Name:    ${name}`,
    '    Status:  CREATE_COMPLETE',
  ]);
  const text = [
    'Name: web',
    'Spec:',
    '  Files:',
    'text: at the margin',
    'Status:',
    '  Id: 1',
    '  Resources:',
  ];
  const shown = shortenDescription(
    [...text, ...resources, '  Stack Name: web', 'Events:'].join('\n'),
    (what) => what,
  );
  expect(shown).toEqual([
    'Name: web',
    'Spec:',
    '  … the manifest (2 more lines)',
    'Status:',
    '  Id: 1',
    '  Resources:',
    ...resources.slice(0, 6),
    '    … the other resources (4 more lines)',
    '  Stack Name: web',
    'Events:',
  ]);
});
