import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseState } from './stack-state.ts';

const ACTIONS = [
  'CREATE',
  'DELETE',
  'UPDATE',
  'ROLLBACK',
  'SUSPEND',
  'RESUME',
  'ADOPT',
  'SNAPSHOT',
  'CHECK',
  'RESTORE',
  'INIT',
];
const STATUSES = ['IN_PROGRESS', 'COMPLETE', 'FAILED'];

test.each(ACTIONS.flatMap((action) => STATUSES.map((status) => ({ action, status }))))(
  '$action of $status',
  ({ action, status }) => {
    expect(parseState(`${action}_${status}`)).toEqual({ action, status });
  },
);

test.each([
  '',
  'CREATE',
  'COMPLETE',
  '_COMPLETE',
  'CREATE_PAUSED',
  'MIGRATE_COMPLETE',
  'MIGRATE_IN_PROGRESS',
  'create_complete',
  'CREATE_COMPLETE ',
  'CREATE__COMPLETE',
  'CREATE_PROGRESS',
  'CREATE_FAILED_COMPLETE',
  'constructor_FAILED',
])('%j is not known', (text) => {
  expect(parseState(text).status).toBe('UNKNOWN');
});

test('no text is too odd', () => {
  fc.assert(fc.property(fc.string(), (text) => parseState(text).status === 'UNKNOWN'));
});
