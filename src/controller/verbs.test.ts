import { describe, expect, test } from 'vitest';
import type { SeenStack, Sight } from './plan.ts';
import { parseState } from './stack-state.ts';
import { overtakes, parseAction, progressOf, underWay, VERBS, type Verb } from './verbs.ts';

describe('a value of the annotation', () => {
  test.each(VERBS.map((verb) => [verb]))('%s with a token is read', (verb) => {
    expect(parseAction(`${verb}@2026-01-01T00:00:00Z`)).toEqual({ token: '2026-01-01T00:00:00Z', verb });
  });

  test('has all behind the first @ as its token', () => {
    expect(parseAction('check@me@example.com')).toEqual({ token: 'me@example.com', verb: 'check' });
  });

  test.each([
    ['', '', '"" is no action'],
    ['check', 'check', '"check" has no token'],
    ['check@', 'check', '"check" has no token'],
    ['@1', '', '"" is no action'],
    ['reboot@1', 'reboot', '"reboot" is no action'],
    ['Check@1', 'Check', '"Check" is no action'],
    [' check@1', ' check', '" check" is no action'],
    ['toString@1', 'toString', '"toString" is no action'],
  ])('"%s" is refused, with the whole of it as its token', (value, verb, why) => {
    const refusal = `${why}; write <action>@<token> with another token each time, and one of the actions check, stack-suspend, stack-resume, cancel-update, cancel-without-rollback`;
    expect(parseAction(value)).toEqual({ token: value, verb, refusal });
  });

  test('that is long is cut where the status has no room', () => {
    const { verb } = parseAction(`${'x'.repeat(1000)}@1`);
    expect(verb.length).toBeLessThanOrEqual(64);
  });
});

test('an action is under way until its result is known', () => {
  const handled = { token: '1', verb: 'check', result: 'InProgress' };
  expect(underWay(handled)).toBe('check');
  expect(underWay({ ...handled, result: 'Succeeded' })).toBeUndefined();
  expect(underWay({ ...handled, verb: 'reboot' })).toBeUndefined();
  expect(underWay(undefined)).toBeUndefined();
});

test.each<[Verb, Verb, string | undefined, boolean]>([
  ['cancel-without-rollback', 'cancel-update', 'UPDATE_IN_PROGRESS', true],
  ['cancel-update', 'cancel-without-rollback', 'CREATE_IN_PROGRESS', true],
  ['cancel-without-rollback', 'cancel-update', 'ROLLBACK_IN_PROGRESS', false],
  ['cancel-without-rollback', 'cancel-update', undefined, false],
  ['cancel-update', 'check', 'CHECK_IN_PROGRESS', false],
  ['check', 'cancel-update', 'UPDATE_IN_PROGRESS', false],
])('%s overtakes %s at %s: %s', (verb, current, stackStatus, is) => {
  expect(overtakes(verb, current, stackStatus)).toBe(is);
});

describe('what became of an action', () => {
  const LATE = { moved: false, sentMs: 5_000 };
  const SOON = { moved: false, sentMs: 4_999 };
  const MOVED = { moved: true, sentMs: 100 };

  function at(stackStatus: string, seenForMs = 0): Sight {
    const stack: SeenStack = {
      name: 'web',
      whose: 'ours',
      state: parseState(stackStatus),
      stackStatus,
      live: undefined,
      isLate: false,
      operationAgeMs: 0,
      seenForMs,
    };
    return { is: 'present', stack };
  }

  test.each<[Verb, string, 'Succeeded' | 'Failed']>([
    ['check', 'CHECK_COMPLETE', 'Succeeded'],
    ['check', 'CHECK_FAILED', 'Failed'],
    ['check', 'UPDATE_COMPLETE', 'Failed'],
    ['stack-suspend', 'SUSPEND_COMPLETE', 'Succeeded'],
    ['stack-suspend', 'SUSPEND_FAILED', 'Failed'],
    ['stack-suspend', 'RESUME_COMPLETE', 'Failed'],
    ['stack-resume', 'RESUME_COMPLETE', 'Succeeded'],
    ['stack-resume', 'RESUME_FAILED', 'Failed'],
    ['cancel-update', 'ROLLBACK_COMPLETE', 'Succeeded'],
    ['cancel-update', 'ROLLBACK_FAILED', 'Failed'],
    ['cancel-update', 'UPDATE_COMPLETE', 'Failed'],
    ['cancel-without-rollback', 'UPDATE_FAILED', 'Succeeded'],
    ['cancel-without-rollback', 'CREATE_FAILED', 'Succeeded'],
    ['cancel-without-rollback', 'UPDATE_COMPLETE', 'Failed'],
    ['cancel-without-rollback', 'ROLLBACK_COMPLETE', 'Failed'],
  ])('%s at %s: %s', (verb, stackStatus, result) => {
    const why = expect.stringContaining(`the stack is ${stackStatus}`);
    expect(progressOf(verb, at(stackStatus), MOVED)).toEqual({ is: 'ended', result, why });
    expect(progressOf(verb, at(stackStatus, 10_000), LATE)).toMatchObject({ result });
  });

  test.each(VERBS)('%s is open while Heat is at work, or does what nobody knows', (verb) => {
    for (const status of [
      'CHECK_IN_PROGRESS',
      'UPDATE_IN_PROGRESS',
      'ROLLBACK_IN_PROGRESS',
      'DANCE_COMPLETE',
    ])
      for (const when of [LATE, SOON, MOVED])
        expect(progressOf(verb, at(status), when)).toEqual({ is: 'open' });
  });

  test.each(VERBS)('%s is unclear while the stack is as it was, for a while', (verb) => {
    expect(progressOf(verb, at('CHECK_COMPLETE'), SOON)).toEqual({ is: 'unclear' });
    expect(progressOf(verb, at('CHECK_COMPLETE'), LATE)).toMatchObject({ is: 'ended' });
  });

  test('an update that is cancelled shows its failure for a moment', () => {
    expect(progressOf('cancel-update', at('UPDATE_FAILED', 9_999), MOVED)).toEqual({ is: 'unclear' });
    expect(progressOf('cancel-update', at('UPDATE_FAILED', 10_000), LATE)).toMatchObject({
      result: 'Failed',
    });
  });

  test.each<[Sight, string]>([
    [{ is: 'gone' }, 'ended'],
    [{ is: 'absent' }, 'ended'],
    [{ is: 'held', message: '', heldForMs: 0 }, 'ended'],
    [{ is: 'foreign', message: '' }, 'ended'],
    [{ is: 'elsewhere', message: '' }, 'open'],
    [{ is: 'ambiguous', message: '' }, 'open'],
  ])('%j is %s', (sight, is) => {
    expect(progressOf('check', sight, MOVED)).toMatchObject({ is });
  });
});
