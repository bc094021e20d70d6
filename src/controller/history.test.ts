import { describe, expect, test } from 'vitest';
import type { HistoryEntry } from '../api/heat-stack.ts';
import { begun, ended, type History, seen, sentAt } from './history.ts';

const NOW = Date.UTC(2026, 0, 1, 0, 0, 30, 700);
const TIME = '2026-01-01T00:00:30Z';
const THEN = '2026-01-01T00:00:00Z';

const open = (action: string, digest = 'h2:a'): HistoryEntry => ({ action, digest, startedAt: THEN });
const over = (action: string, result: string, digest = 'h2:a'): HistoryEntry => ({
  ...open(action, digest),
  finishedAt: THEN,
  result,
});

/** In short: `Update UPDATE_FAILED (why)`, the newest first. */
const short = (history: History) =>
  history.map(({ action, result = 'open', reason }) => `${action} ${result}${reason ? ` (${reason})` : ''}`);

describe('an operation that is begun', () => {
  test('is the newest', () => {
    expect(begun(undefined, { action: 'Create', digest: 'h2:a' }, NOW)).toEqual([
      { action: 'Create', digest: 'h2:a', startedAt: TIME },
    ]);
    expect(begun([over('Create', 'CREATE_COMPLETE')], { action: 'Delete' }, NOW)).toEqual([
      { action: 'Delete', startedAt: TIME },
      over('Create', 'CREATE_COMPLETE'),
    ]);
  });

  test('overtakes the one before', () => {
    expect(begun([open('Create')], { action: 'Update', digest: 'h2:b' }, NOW)).toEqual([
      { action: 'Update', digest: 'h2:b', startedAt: TIME },
      { ...open('Create'), finishedAt: TIME, result: 'Superseded' },
    ]);
  });

  test('is none when the same one is sent again', () => {
    expect(begun([open('Update')], { action: 'Update', digest: 'h2:a' }, NOW)).toEqual([open('Update')]);
    const again = begun([over('Update', 'UPDATE_FAILED')], { action: 'Update', digest: 'h2:a' }, NOW);
    expect(short(again)).toEqual(['Update open', 'Update UPDATE_FAILED']);
  });

  test('is one of five at most', () => {
    let history: History = [];
    for (let index = 0; index < 9; index += 1)
      history = begun(history, { action: 'Update', digest: `h2:${index}` }, NOW);
    expect(history.map(({ digest }) => digest)).toEqual(['h2:8', 'h2:7', 'h2:6', 'h2:5', 'h2:4']);
  });
});

test('an end is noted once, and cut to what the status holds', () => {
  const [entry] = ended([open('Update')], { result: 'UPDATE_FAILED', reason: 'x'.repeat(2000) }, NOW);
  expect(entry).toMatchObject({ finishedAt: TIME, result: 'UPDATE_FAILED' });
  expect(entry?.reason?.length).toBeLessThanOrEqual(1024);
  const known = [over('Update', 'UPDATE_COMPLETE')];
  expect(ended(known, { result: 'UPDATE_FAILED' }, NOW)).toEqual(known);
  expect(ended(undefined, { result: 'UPDATE_FAILED' }, NOW)).toEqual([]);
});

describe('what is seen in Heat', () => {
  test.each<[History, string, string[]]>([
    [[], 'UPDATE_COMPLETE', []],
    [[open('Create')], 'CREATE_IN_PROGRESS', ['Create open']],
    [[open('Create')], 'CREATE_COMPLETE', ['Create CREATE_COMPLETE']],
    [[open('Create')], 'CREATE_FAILED', ['Create CREATE_FAILED (why)']],
    [[open('Adopt')], 'UPDATE_COMPLETE', ['Adopt UPDATE_COMPLETE']],
    [[open('Delete')], 'DELETE_FAILED', ['Delete DELETE_FAILED (why)']],
    [[open('Update')], 'CHECK_COMPLETE', ['Update Superseded']],
    [[open('Update')], 'NEW_STATE', ['Update open']],
    [[over('Create', 'CREATE_COMPLETE')], 'CHECK_FAILED', ['Create CREATE_COMPLETE']],
    [[open('Update')], 'ROLLBACK_IN_PROGRESS', ['Rollback open', 'Update UPDATE_FAILED']],
    [[open('Update')], 'ROLLBACK_COMPLETE', ['Rollback ROLLBACK_COMPLETE', 'Update UPDATE_FAILED (why)']],
    [[open('Create')], 'ROLLBACK_COMPLETE', ['Rollback ROLLBACK_COMPLETE', 'Create CREATE_FAILED (why)']],
    [[open('Update')], 'ROLLBACK_FAILED', ['Rollback ROLLBACK_FAILED (why)', 'Update UPDATE_FAILED']],
    [
      [open('Rollback'), over('Update', 'UPDATE_FAILED')],
      'ROLLBACK_COMPLETE',
      ['Rollback ROLLBACK_COMPLETE', 'Update UPDATE_FAILED (why)'],
    ],
    [
      [open('Rollback'), { ...over('Update', 'UPDATE_FAILED'), reason: 'known' }],
      'ROLLBACK_COMPLETE',
      ['Rollback ROLLBACK_COMPLETE', 'Update UPDATE_FAILED (known)'],
    ],
    [
      [over('Update', 'UPDATE_FAILED'), over('Rollback', 'ROLLBACK_COMPLETE')],
      'ROLLBACK_COMPLETE',
      ['Rollback ROLLBACK_COMPLETE', 'Update UPDATE_FAILED (why)', 'Rollback ROLLBACK_COMPLETE'],
    ],
  ])('%j at %s', (history, stackStatus, expected) => {
    expect(short(seen(history, { stackStatus }, 'why', NOW))).toEqual(expected);
  });

  test('of a rollback has the digest of the inputs that are back', () => {
    const status = { stackStatus: 'ROLLBACK_COMPLETE', appliedDigest: 'h2:before' };
    expect(seen([open('Update', 'h2:new')], status, undefined, NOW)).toEqual([
      {
        action: 'Rollback',
        digest: 'h2:before',
        startedAt: TIME,
        finishedAt: TIME,
        result: 'ROLLBACK_COMPLETE',
      },
      { ...open('Update', 'h2:new'), finishedAt: TIME, result: 'UPDATE_FAILED' },
    ]);
  });

  test('changes nothing when it is seen again', () => {
    const status = { stackStatus: 'ROLLBACK_COMPLETE' };
    const once = seen([open('Update')], status, 'why', NOW);
    expect(seen(once, status, 'why', NOW + 60_000)).toEqual(once);
  });
});

test('inputs are known by when they were sent, if Heat completed them', () => {
  const history = [
    { ...over('Rollback', 'ROLLBACK_COMPLETE'), startedAt: TIME },
    over('Update', 'UPDATE_FAILED', 'h2:b'),
    over('Create', 'CREATE_COMPLETE'),
  ];
  expect(sentAt(history, 'h2:a')).toBe(THEN);
  expect(sentAt(history, 'h2:b')).toBeUndefined();
  expect(sentAt(history, undefined)).toBeUndefined();
  expect(sentAt(undefined, 'h2:a')).toBeUndefined();
});
