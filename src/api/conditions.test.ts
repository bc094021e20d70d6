import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Availability, MAX_MESSAGE_LENGTH, type Outcome, summarise } from './conditions.ts';
import type { Condition } from './heat-stack.ts';
import { CONDITION_TYPES, type NotReadyReason } from './reasons.ts';

const NOON = Date.UTC(2026, 0, 2, 12);
const AVAILABLE: Availability = { status: 'True', reason: 'Succeeded', message: 'CREATE_COMPLETE' };

const status = fc.constantFrom('True', 'False', 'Unknown') satisfies fc.Arbitrary<Condition['status']>;
// Few lengths, since shrinking a long random text takes minutes.
const message = fc.constantFrom('', 'no route to host', `long ${'é😀 '.repeat(2000)}`);
const reason = fc.constantFrom<NotReadyReason[]>('CreateFailed', 'NameConflict', 'TransientError');
const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({ state: fc.constant('ready' as const), message }),
  fc.record({ state: fc.constant('working' as const), message }),
  fc.record({ state: fc.constant('retrying' as const), reason, message }),
  fc.record({ state: fc.constant('stalled' as const), reason, message }),
  fc.record({ state: fc.constant('suspended' as const), unchanged: fc.boolean() }),
);
const available: fc.Arbitrary<Availability | undefined> = fc.option(
  fc.record({ status, reason: fc.constantFrom('Succeeded', 'StackFailed', 'StackNotFound'), message }),
  { nil: undefined },
);
/** Whatever somebody wrote into the status, as far as the CRD lets it in. */
const previous = fc.uniqueArray(
  fc.record({
    type: fc.constantFrom(...CONDITION_TYPES, 'Synced', 'Healthy'),
    status,
    observedGeneration: fc.nat(),
    lastTransitionTime: fc.constantFrom('2001-01-01T00:00:00Z', '2002-02-02T00:00:00Z'),
    reason: fc.constantFrom('Succeeded', 'Odd'),
    message,
  }),
  { selector: ({ type }) => type },
);
const input = fc.record({
  generation: fc.integer({ min: 1, max: 1000 }),
  outcome,
  available,
  drifted: fc.option(fc.boolean(), { nil: undefined }),
  previous,
  now: fc.integer({ min: NOON, max: NOON + 1e9 }),
});

const byType = (conditions: Condition[]) =>
  Object.fromEntries(conditions.map((condition) => [condition.type, condition.status]));

/** kstatus' verdict on a custom resource (cli-utils, pkg/kstatus/status), for an object that isn't being deleted. */
function kstatus(
  generation: number,
  observedGeneration: number,
  conditions: Condition[],
): 'InProgress' | 'Failed' | 'Current' {
  if (observedGeneration !== generation) return 'InProgress';
  for (const { type, status: value } of conditions) {
    if (type === 'Reconciling' && value === 'True') return 'InProgress';
    if (type === 'Stalled' && value === 'True') return 'Failed';
  }
  const ready = conditions.find(({ type }) => type === 'Ready');
  return ready && ready.status !== 'True' ? 'InProgress' : 'Current';
}

describe('summarise, whatever comes in', () => {
  test('Ready=True has neither Reconciling nor Stalled, False exactly one, Unknown Reconciling unless suspended', () => {
    fc.assert(
      fc.property(input, (given) => {
        const conditions = summarise(given);
        const { Ready, Reconciling, Stalled } = byType(conditions);
        const present = [Reconciling, Stalled].filter((value) => value !== undefined);
        expect(present.every((value) => value === 'True')).toBe(true);
        if (Ready === 'True') expect(present).toHaveLength(0);
        else if (Ready === 'False') expect(present).toHaveLength(1);
        else if (conditions[0]?.reason === 'Suspended') expect(present).toHaveLength(0);
        else expect([Reconciling, Stalled]).toEqual(['True', undefined]);
      }),
    );
  });

  test('kstatus says Current, Failed and InProgress when we mean it', () => {
    fc.assert(
      fc.property(input, (given) => {
        const conditions = summarise(given);
        const { Ready } = byType(conditions);
        const verdict = kstatus(given.generation, given.generation, conditions);
        if (given.outcome.state !== 'suspended') {
          const meant = {
            ready: 'Current',
            working: 'InProgress',
            retrying: 'InProgress',
            stalled: 'Failed',
          } as const;
          expect(verdict).toBe(meant[given.outcome.state]);
        }
        if (Ready === 'True') expect(verdict).toBe('Current');
        if (Ready === 'Unknown') expect(verdict).toBe('InProgress');
      }),
    );
  });

  test('Progressing repeats Reconciling, and Available what was given', () => {
    fc.assert(
      fc.property(input, (given) => {
        const { Reconciling, Progressing, Available } = byType(summarise(given));
        expect(Progressing).toBe(Reconciling ?? 'False');
        if (given.available) expect(Available).toBe(given.available.status);
      }),
    );
  });

  test('only our types, in their order, each of this generation, with a message that fits', () => {
    fc.assert(
      fc.property(input, (given) => {
        const conditions = summarise(given);
        const types: string[] = conditions.map(({ type }) => type);
        expect(types).toEqual(CONDITION_TYPES.filter((type) => types.includes(type)));
        expect(types).toEqual(expect.arrayContaining(['Ready', 'Available', 'Progressing']));
        for (const condition of conditions) {
          expect(condition.observedGeneration).toBe(given.generation);
          expect(condition.message.length).toBeLessThanOrEqual(MAX_MESSAGE_LENGTH);
          expect(condition.reason).toMatch(/^[A-Za-z]+$/);
        }
      }),
    );
  });

  test('lastTransitionTime moves with the status and with nothing else', () => {
    fc.assert(
      fc.property(input, (given) => {
        const now = `${new Date(given.now).toISOString().slice(0, 19)}Z`;
        for (const condition of summarise(given)) {
          const before = given.previous.find(({ type }) => type === condition.type);
          const kept = before?.status === condition.status;
          expect(condition.lastTransitionTime).toBe(kept ? before.lastTransitionTime : now);
        }
      }),
    );
  });

  test('again on its own result changes nothing', () => {
    fc.assert(
      fc.property(input, fc.nat(), (given, later) => {
        const first = summarise(given);
        const unchanged: Outcome =
          given.outcome.state === 'suspended' ? { state: 'suspended', unchanged: true } : given.outcome;
        const next = { ...given, outcome: unchanged, previous: first, now: given.now + later };
        expect(summarise(next)).toEqual(first);
      }),
    );
  });
});

describe('summarise', () => {
  const at = (given: Outcome, before?: Condition[]) =>
    summarise({ generation: 2, outcome: given, available: AVAILABLE, previous: before, now: NOON });

  test('ready', () => {
    expect(at({ state: 'ready', message: 'The stack is up to date.' })).toEqual([
      {
        type: 'Ready',
        status: 'True',
        observedGeneration: 2,
        lastTransitionTime: '2026-01-02T12:00:00Z',
        reason: 'Succeeded',
        message: 'The stack is up to date.',
      },
      {
        type: 'Available',
        status: 'True',
        observedGeneration: 2,
        lastTransitionTime: '2026-01-02T12:00:00Z',
        reason: 'Succeeded',
        message: 'CREATE_COMPLETE',
      },
      {
        type: 'Progressing',
        status: 'False',
        observedGeneration: 2,
        lastTransitionTime: '2026-01-02T12:00:00Z',
        reason: 'Succeeded',
        message: 'The stack is up to date.',
      },
    ]);
  });

  const reasons = (conditions: Condition[]) => conditions.map((c) => `${c.type}=${c.status} ${c.reason}`);

  test.each<[Outcome, string[]]>([
    [
      { state: 'working', message: '' },
      ['Ready=Unknown Progressing', 'Reconciling=True Progressing', 'Progressing=True Progressing'],
    ],
    [
      { state: 'retrying', reason: 'CredentialsNotFound', message: '' },
      [
        'Ready=False CredentialsNotFound',
        'Reconciling=True ProgressingWithRetry',
        'Progressing=True ProgressingWithRetry',
      ],
    ],
    [
      { state: 'stalled', reason: 'NameConflict', message: '' },
      ['Ready=False NameConflict', 'Stalled=True NameConflict', 'Progressing=False NameConflict'],
    ],
    [{ state: 'suspended', unchanged: false }, ['Ready=Unknown Suspended', 'Progressing=False Suspended']],
  ])('%o', (given, expected) => {
    expect(reasons(at(given)).filter((text) => !text.startsWith('Available'))).toEqual(expected);
  });

  test('suspend keeps what was ready or stalled, and not what was under way', () => {
    const ready = at({ state: 'ready', message: 'fine' });
    const stalled = at({ state: 'stalled', reason: 'NameConflict', message: 'taken' });
    const working = at({ state: 'working', message: 'creating' });
    const retrying = at({ state: 'retrying', reason: 'TransientError', message: 'no route to host' });
    const suspended: Outcome = { state: 'suspended', unchanged: true };
    expect(at(suspended, ready)).toEqual(ready);
    expect(at(suspended, stalled)).toEqual(stalled);
    expect(reasons(at(suspended, working))[0]).toBe('Ready=Unknown Suspended');
    expect(reasons(at(suspended, retrying))[0]).toBe('Ready=Unknown Suspended');
    expect(reasons(at({ state: 'suspended', unchanged: false }, ready))[0]).toBe('Ready=Unknown Suspended');
  });

  test('Available stays when the stack was not looked at, and is Unknown before the first look', () => {
    const unreachable: Outcome = { state: 'retrying', reason: 'TransientError', message: 'no route to host' };
    const first = summarise({ generation: 1, outcome: unreachable, now: NOON });
    expect(reasons(first)).toContain('Available=Unknown Unknown');
    const before = at({ state: 'ready', message: '' });
    const later = summarise({ generation: 3, outcome: unreachable, previous: before, now: NOON });
    expect(reasons(later)).toContain('Available=True Succeeded');
  });

  test('Drifted is the last, is there once it was looked at, and stays when it was not looked at', () => {
    const ready: Outcome = { state: 'ready', message: '' };
    const unreachable: Outcome = { state: 'retrying', reason: 'TransientError', message: 'no route to host' };
    expect(byType(at(ready))).not.toHaveProperty('Drifted');

    const look = (
      drift: readonly string[] | null | undefined,
      given: Outcome,
      before: Condition[],
      now: number,
    ) => summarise({ generation: 2, outcome: given, available: AVAILABLE, drift, previous: before, now });
    const clean = look([], ready, at(ready), NOON);
    expect(reasons(clean).at(-1)).toBe('Drifted=False NoDriftDetected');
    const drifted = look(['template', 'tags'], ready, clean, NOON + 60_000);
    expect(reasons(drifted)).toEqual([
      'Ready=True Succeeded',
      'Available=True Succeeded',
      'Progressing=False Succeeded',
      'Drifted=True DriftDetected',
    ]);
    const later = look(undefined, unreachable, drifted, NOON + 120_000);
    expect(later.at(-1)).toEqual({ ...drifted.at(-1), lastTransitionTime: '2026-01-02T12:01:00Z' });
    expect(later.at(-1)?.message).toBe("Another client changed the stack's inputs: template, tags.");
    const again = look(['tags'], ready, later, NOON + 180_000);
    expect(again.at(-1)?.lastTransitionTime).toBe('2026-01-02T12:01:00Z');
    const cleared = look([], ready, again, NOON + 240_000);
    expect(reasons(cleared).at(-1)).toBe('Drifted=False NoDriftDetected');
    expect(cleared.at(-1)?.lastTransitionTime).toBe('2026-01-02T12:04:00Z');
    expect(byType(look(null, ready, cleared, NOON + 300_000))).not.toHaveProperty('Drifted');
  });
});
