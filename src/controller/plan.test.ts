import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  MAX_RETRY_MS,
  plan,
  type Remembered,
  type SeenStack,
  type Sight,
  type Step,
  type Wanted,
} from './plan.ts';
import { parseState } from './stack-state.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const WANTED: Wanted = {
  deleting: false,
  managed: true,
  imports: false,
  takeOwnership: false,
  driftMode: 'warn',
  updatePolicy: 'wait',
  approval: 'automatic',
  protects: false,
  verb: undefined,
  onDelete: 'delete',
  onExternalDeletion: 'recreate',
  digest: 'new',
  asked: false,
  createMayComeMs: 0,
  force: false,
  rollback: false,
  remediation: {
    create: { retries: 3, strategy: 'update' },
    update: { retries: 0, strategy: 'update' },
    retryIntervalMs: 30_000,
  },
  overdueMs: HOUR,
};
const DELETING: Partial<Wanted> = { deleting: true, digest: '' };

/** The stack was whole with the wanted inputs. */
const SAME: Remembered = { applied: 'new', attempted: 'new', attempts: 0 };
/** The stack was whole with other inputs than those that are wanted now. */
const CHANGED: Remembered = { applied: 'old', attempted: 'old', attempts: 0 };
/** The wanted inputs were sent, after others that the stack was whole with. */
const SENT: Remembered = { applied: 'old', attempted: 'new', attempts: 0 };
/** The wanted inputs were sent, and the stack was never whole. */
const CREATED: Remembered = { applied: undefined, attempted: 'new', attempts: 0 };
const NOTHING: Remembered = { applied: undefined, attempted: undefined, attempts: 0 };

function present(stackStatus: string, seen: Partial<SeenStack> = {}): Sight {
  const state = parseState(stackStatus);
  const times = { operationAgeMs: MINUTE, seenForMs: MINUTE };
  return {
    is: 'present',
    stack: { name: 'web', whose: 'ours', state, stackStatus, live: undefined, ...times, ...seen },
  };
}

/** A step in two words, as the table below writes it. */
function short(step: Step): string {
  switch (step.to) {
    case 'stall':
    case 'retry-later':
      return `${step.to} ${step.reason}`;
    case 'rest':
      return step.drifted ? 'rest drifted' : 'rest';
    default:
      return 'why' in step ? `${step.to} ${step.why}` : step.to;
  }
}

/**
 * Every state of Heat. The columns: Heat has the wanted inputs; the object was changed; somebody else put other
 * inputs in place of the wanted ones; the object is being deleted.
 */
const STATES = `
  state                | same                     | changed               | foreign inputs           | deleting
  CREATE_IN_PROGRESS   | watch                    | watch                 | watch                    | delete deleting
  CREATE_COMPLETE      | rest                     | update changed        | rest drifted             | delete deleting
  CREATE_FAILED        | stall CreateFailed       | update changed        | stall CreateFailed       | delete deleting
  UPDATE_IN_PROGRESS   | watch                    | watch                 | watch                    | delete deleting
  UPDATE_COMPLETE      | rest                     | update changed        | rest drifted             | delete deleting
  UPDATE_FAILED        | stall UpdateFailed       | update changed        | stall UpdateFailed       | delete deleting
  ROLLBACK_IN_PROGRESS | watch                    | watch                 | watch                    | delete deleting
  ROLLBACK_COMPLETE    | rest                     | update changed        | stall RollbackComplete   | delete deleting
  ROLLBACK_FAILED      | stall RollbackFailed     | update changed        | stall RollbackFailed     | delete deleting
  DELETE_IN_PROGRESS   | watch                    | watch                 | watch                    | watch
  DELETE_COMPLETE      | wait                     | wait                  | wait                     | wait
  DELETE_FAILED        | stall StackDeleting      | stall StackDeleting   | stall StackDeleting      | delete retry
  SUSPEND_IN_PROGRESS  | watch                    | watch                 | watch                    | delete deleting
  SUSPEND_COMPLETE     | stall StackSuspended     | stall StackSuspended  | stall StackSuspended     | delete deleting
  SUSPEND_FAILED       | stall StackSuspended     | stall StackSuspended  | stall StackSuspended     | delete deleting
  RESUME_IN_PROGRESS   | watch                    | watch                 | watch                    | delete deleting
  RESUME_COMPLETE      | rest                     | update changed        | rest drifted             | delete deleting
  RESUME_FAILED        | stall ResumeFailed       | update changed        | stall ResumeFailed       | delete deleting
  ADOPT_IN_PROGRESS    | watch                    | watch                 | watch                    | delete deleting
  ADOPT_COMPLETE       | rest                     | update changed        | rest drifted             | delete deleting
  ADOPT_FAILED         | stall CreateFailed       | update changed        | stall CreateFailed       | delete deleting
  SNAPSHOT_IN_PROGRESS | watch                    | watch                 | watch                    | delete deleting
  SNAPSHOT_COMPLETE    | rest                     | update changed        | rest drifted             | delete deleting
  SNAPSHOT_FAILED      | stall SnapshotFailed     | update changed        | stall SnapshotFailed     | delete deleting
  CHECK_IN_PROGRESS    | watch                    | watch                 | watch                    | delete deleting
  CHECK_COMPLETE       | rest                     | update changed        | rest drifted             | delete deleting
  CHECK_FAILED         | stall CheckFailed        | update changed        | stall CheckFailed        | delete deleting
  RESTORE_IN_PROGRESS  | watch                    | watch                 | watch                    | delete deleting
  RESTORE_COMPLETE     | rest                     | update changed        | rest drifted             | delete deleting
  RESTORE_FAILED       | stall RestoreFailed      | update changed        | stall RestoreFailed      | delete deleting
  MIGRATE_COMPLETE     | wait                     | wait                  | wait                     | delete deleting
  UPDATE_PAUSED        | wait                     | wait                  | wait                     | delete deleting
`;
const [COLUMNS = [], ...ROWS] = STATES.trim()
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()));
const COLUMN_INPUTS: Record<string, [Partial<Wanted>, Remembered, Partial<SeenStack>]> = {
  same: [{}, SAME, { live: 'new' }],
  changed: [{}, CHANGED, { live: 'old' }],
  'foreign inputs': [{}, SAME, { live: undefined }],
  deleting: [DELETING, SAME, {}],
};

describe.each(ROWS)('%s', (stackStatus, ...expected) => {
  test.each(COLUMNS.slice(1).map((column, index) => [column, expected[index]]))('%s: %s', (column, step) => {
    const [wanted, remembered, seen] = COLUMN_INPUTS[column ?? ''] ?? [{}, NOTHING, {}];
    expect(short(plan({ ...WANTED, ...wanted }, remembered, present(stackStatus ?? '', seen)))).toBe(step);
  });
});

const update3 = { ...WANTED.remediation, update: { retries: 3, strategy: 'update' } } as const;
const updateNone = { ...WANTED.remediation, update: { retries: 3, strategy: 'none' } } as const;
const createNone = { ...WANTED.remediation, create: { retries: 3, strategy: 'none' } } as const;
const recreate = { ...WANTED.remediation, create: { retries: 3, strategy: 'recreate' } } as const;

type Case = [
  name: string,
  wanted: Partial<Wanted>,
  remembered: Remembered,
  sight: Sight,
  step: Partial<Step>,
];

const foreign: Sight = { is: 'foreign', message: 'taken' };
const held: Sight = { is: 'held', message: 'held', heldForMs: 0 };
const elsewhere: Sight = { is: 'elsewhere', message: 'moved' };
const OVERDUE = { operationAgeMs: HOUR + 1 };

const CASES: Record<string, Case[]> = {
  'without a stack': [
    ['none yet: create', {}, NOTHING, { is: 'absent' }, { to: 'create' }],
    ['deleted by somebody: create', {}, SAME, { is: 'gone' }, { to: 'create' }],
    [
      'deleted by somebody, stall asked for: stall',
      { onExternalDeletion: 'stall' },
      SAME,
      { is: 'gone' },
      { to: 'stall', reason: 'StackNotFound', failure: false },
    ],
    [
      'deleted by somebody, stall asked for, but the object was changed: create',
      { onExternalDeletion: 'stall', asked: true },
      SAME,
      { is: 'gone' },
      { to: 'create' },
    ],
    [
      'deleted by ourselves to be created again, stall asked for: create',
      { onExternalDeletion: 'stall', remediation: recreate },
      { ...CREATED, attempts: 1 },
      { is: 'gone' },
      { to: 'create' },
    ],
    ['name taken: stall', {}, NOTHING, foreign, { to: 'stall', reason: 'NameConflict', message: 'taken' }],
    ['name about to be free: wait', {}, NOTHING, held, { to: 'wait', ms: 1000, message: 'held' }],
    [
      'cloud changed: stall',
      {},
      SAME,
      elsewhere,
      { to: 'stall', reason: 'CloudChanged', message: 'moved', failure: false },
    ],
  ],
  deleting: [
    ['no stack: release', DELETING, NOTHING, { is: 'absent' }, { to: 'release', why: 'gone' }],
    ['gone: release', DELETING, SAME, { is: 'gone' }, { to: 'release', why: 'gone' }],
    [
      'a stack that is not ours has the name: release',
      DELETING,
      NOTHING,
      foreign,
      { to: 'release', why: 'not-ours' },
    ],
    ['a former stack has the name: release', DELETING, NOTHING, held, { to: 'release', why: 'not-ours' }],
    ['cloud changed: stall', DELETING, SAME, elsewhere, { to: 'stall', reason: 'CloudChanged' }],
    [
      'detach: release',
      { ...DELETING, onDelete: 'detach' },
      SAME,
      present('UPDATE_COMPLETE'),
      { to: 'release', why: 'detached' },
    ],
    [
      'the delete takes too long: delete again',
      DELETING,
      SAME,
      present('DELETE_IN_PROGRESS', OVERDUE),
      { to: 'delete', why: 'overdue' },
    ],
    [
      'the delete failed a moment ago: later',
      DELETING,
      SAME,
      present('DELETE_FAILED', { seenForMs: 10_000 }),
      { to: 'retry-later', ms: 20_000, reason: 'DeleteFailed', failure: true },
    ],
    [
      'the delete failed again: later, twice as long',
      DELETING,
      { ...SAME, attempts: 1 },
      present('DELETE_FAILED', { seenForMs: 10_000 }),
      { to: 'retry-later', ms: 50_000 },
    ],
    [
      'the delete failed often: stalled, but tried again in the end',
      DELETING,
      { ...SAME, attempts: 5 },
      present('DELETE_FAILED', { seenForMs: 0 }),
      { to: 'stall', reason: 'DeleteFailed', failure: true, againMs: MAX_RETRY_MS },
    ],
    [
      'the delete failed often and long ago: delete',
      DELETING,
      { ...SAME, attempts: 99 },
      present('DELETE_FAILED', { seenForMs: MAX_RETRY_MS }),
      { to: 'delete', why: 'retry' },
    ],
  ],
  'in progress': [
    [
      'for too long: one update on top',
      {},
      SENT,
      present('UPDATE_IN_PROGRESS', OVERDUE),
      { to: 'update', why: 'overdue' },
    ],
    [
      'for too long again: stall',
      {},
      { ...SENT, attempts: 1 },
      present('UPDATE_IN_PROGRESS', OVERDUE),
      { to: 'stall', reason: 'OperationTimeout', failure: false },
    ],
    [
      'a create for too long: one update on top',
      {},
      CREATED,
      present('CREATE_IN_PROGRESS', OVERDUE),
      { to: 'update', why: 'overdue' },
    ],
    [
      "somebody else's work for too long: stall",
      {},
      SAME,
      present('CHECK_IN_PROGRESS', OVERDUE),
      { to: 'stall', reason: 'OperationTimeout' },
    ],
    [
      "somebody else's delete for too long: stall",
      {},
      SAME,
      present('DELETE_IN_PROGRESS', OVERDUE),
      { to: 'stall', reason: 'OperationTimeout' },
    ],
    [
      'the delete before a recreate for too long: delete again',
      { remediation: recreate },
      { ...CREATED, attempts: 1 },
      present('DELETE_IN_PROGRESS', OVERDUE),
      { to: 'delete', why: 'overdue' },
    ],
    [
      'at its very limit: watch',
      {},
      SENT,
      present('UPDATE_IN_PROGRESS', { operationAgeMs: HOUR }),
      { to: 'watch' },
    ],
  ],
  complete: [
    [
      'asked for with force: update though nothing changed',
      { force: true },
      SAME,
      present('UPDATE_COMPLETE', { live: 'new' }),
      { to: 'update', why: 'forced' },
    ],
    [
      'the update was accepted and never carried out: send it again',
      {},
      SENT,
      present('UPDATE_COMPLETE', { live: 'old' }),
      { to: 'update', why: 'lost' },
    ],
    [
      'the update was lost again and again: stall',
      {},
      { ...SENT, attempts: 3 },
      present('UPDATE_COMPLETE', { live: 'old' }),
      { to: 'stall', reason: 'UpdateFailed', failure: false },
    ],
    [
      'taken over by its tags with the same inputs: rest',
      {},
      NOTHING,
      present('CREATE_COMPLETE', { live: 'new' }),
      { to: 'rest', drifted: false },
    ],
    [
      'taken over by its tags with other inputs: update',
      {},
      NOTHING,
      present('CREATE_COMPLETE'),
      { to: 'update', why: 'changed' },
    ],
    [
      'rolled back, and the object was set back to these very inputs: rest',
      {},
      { applied: 'new', attempted: 'old', attempts: 0 },
      present('ROLLBACK_COMPLETE', { live: 'new' }),
      { to: 'rest', drifted: false },
    ],
    [
      'rolled back, with retries left: later',
      { remediation: update3 },
      SENT,
      present('ROLLBACK_COMPLETE', { live: 'old', seenForMs: 10_000 }),
      { to: 'retry-later', reason: 'RollbackComplete', ms: 20_000, failure: true },
    ],
    [
      'rolled back, a retry is due: update',
      { remediation: update3 },
      SENT,
      present('ROLLBACK_COMPLETE', { live: 'old' }),
      { to: 'update', why: 'retry' },
    ],
    [
      'a rolled back create is never recreated, for an update repairs it',
      { remediation: recreate },
      CREATED,
      present('ROLLBACK_COMPLETE', { live: undefined }),
      { to: 'update', why: 'retry' },
    ],
  ],
  failed: [
    [
      'create, a moment ago: later',
      {},
      CREATED,
      present('CREATE_FAILED', { seenForMs: 0 }),
      { to: 'retry-later', reason: 'CreateFailed', ms: 30_000, failure: true },
    ],
    ['create, a retry is due: update', {}, CREATED, present('CREATE_FAILED'), { to: 'update', why: 'retry' }],
    [
      'create, no retry left: stall',
      {},
      { ...CREATED, attempts: 3 },
      present('CREATE_FAILED'),
      { to: 'stall', reason: 'CreateFailed', failure: true },
    ],
    [
      'create, retries not wanted: stall',
      { remediation: createNone },
      CREATED,
      present('CREATE_FAILED'),
      { to: 'stall', reason: 'CreateFailed' },
    ],
    [
      'create, to be recreated: delete',
      { remediation: recreate },
      CREATED,
      present('CREATE_FAILED'),
      { to: 'delete', why: 'recreate' },
    ],
    [
      'create, to be recreated, but the stack was whole once: no delete',
      { remediation: recreate },
      SENT,
      present('CREATE_FAILED'),
      { to: 'stall', reason: 'CreateFailed' },
    ],
    [
      'update of a stack that was never whole, to be recreated: only an update',
      { remediation: recreate },
      CREATED,
      present('UPDATE_FAILED'),
      { to: 'update', why: 'retry' },
    ],
    [
      'the delete before a recreate: deleted again',
      { remediation: recreate },
      { ...CREATED, attempts: 1 },
      present('DELETE_FAILED'),
      { to: 'delete', why: 'retry' },
    ],
    [
      "somebody's delete, after retries by update: stall, for nobody asked us to delete",
      {},
      { ...CREATED, attempts: 1 },
      present('DELETE_FAILED'),
      { to: 'stall', reason: 'StackDeleting', failure: true },
    ],
    [
      'update, with retries left: later',
      { remediation: update3 },
      SENT,
      present('UPDATE_FAILED', { seenForMs: 1000 }),
      { to: 'retry-later', reason: 'UpdateFailed', ms: 29_000 },
    ],
    [
      'update, a retry is due: update',
      { remediation: update3 },
      SENT,
      present('UPDATE_FAILED'),
      { to: 'update', why: 'retry' },
    ],
    [
      'update, retries not wanted: stall',
      { remediation: updateNone },
      SENT,
      present('UPDATE_FAILED'),
      { to: 'stall', reason: 'UpdateFailed' },
    ],
    [
      'update, with rollback on and just seen: wait, for Heat is about to roll back',
      { rollback: true },
      SENT,
      present('UPDATE_FAILED', { seenForMs: 0 }),
      { to: 'wait', ms: 2000 },
    ],
    [
      'update, with rollback on and seen for long: final after all',
      { rollback: true },
      SENT,
      present('UPDATE_FAILED', { seenForMs: 10_000 }),
      { to: 'stall', reason: 'UpdateFailed' },
    ],
    [
      'rollback: final at once',
      { rollback: true },
      SENT,
      present('ROLLBACK_FAILED', { seenForMs: 0 }),
      { to: 'stall', reason: 'RollbackFailed' },
    ],
    [
      'asked for with force: update',
      { force: true },
      SENT,
      present('CHECK_FAILED'),
      { to: 'update', why: 'forced' },
    ],
    [
      'taken over by its tags with other inputs: update',
      {},
      NOTHING,
      present('CREATE_FAILED', { live: 'old' }),
      { to: 'update', why: 'changed' },
    ],
    [
      'suspending: the resources tell why',
      {},
      SAME,
      present('SUSPEND_FAILED'),
      { to: 'stall', reason: 'StackSuspended', failure: true },
    ],
  ],
};

describe.each(Object.entries(CASES))('%s', (_group, cases) => {
  test.each(cases)('%s', (_name, wanted, remembered, sight, step) => {
    expect(plan({ ...WANTED, ...wanted }, remembered, sight)).toMatchObject(step);
  });
});

test('the wait between two tries doubles, up to a limit', () => {
  const waits = Array.from({ length: 7 }, (_, attempts) => {
    const step = plan(
      { ...WANTED, remediation: { ...WANTED.remediation, create: { retries: 100, strategy: 'update' } } },
      { ...CREATED, attempts },
      present('CREATE_FAILED', { seenForMs: 0 }),
    );
    return 'ms' in step ? step.ms / 1000 : undefined;
  });
  expect(waits).toEqual([30, 60, 120, 240, 480, 900, 900]);
});

test('messages name the state and the cure', () => {
  const suspended = plan(WANTED, SAME, present('SUSPEND_COMPLETE'));
  expect(suspended).toMatchObject({ message: expect.stringContaining('openstack stack resume web') });
  const unknown = plan(WANTED, SAME, present('MIGRATE_COMPLETE'));
  expect(unknown).toMatchObject({ message: expect.stringContaining('"MIGRATE_COMPLETE"') });
});

// ---------------------------------------------------------------- what holds for every input

const ACTIONS = ROWS.flatMap(([state = '']) => (state.endsWith('_COMPLETE') ? [state.slice(0, -9)] : []));
const digest = fc.constantFrom('new', 'old', 'older');
const ms = fc.constantFrom(0, 1, 9_999, 10_000, 30_000, HOUR, HOUR + 1, 2 * HOUR);
const stackStatus = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom(...ACTIONS), fc.constantFrom('IN_PROGRESS', 'COMPLETE', 'FAILED'))
      .map((parts) => parts.join('_')),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom('CREATE_FAILED', 'UPDATE_FAILED', 'DELETE_FAILED', 'ROLLBACK_COMPLETE'),
  },
  fc.string(),
  fc.constantFrom('COMPLETE', '_COMPLETE', 'constructor_COMPLETE', 'CREATE_COMPLETE ', 'create_complete', ''),
);
const wantedInput: fc.Arbitrary<Wanted> = fc.record({
  deleting: fc.boolean(),
  managed: fc.constant(true),
  imports: fc.constant(false),
  takeOwnership: fc.constant(false),
  driftMode: fc.constant('warn' as const),
  updatePolicy: fc.constant('wait' as const),
  approval: fc.constant('automatic' as const),
  protects: fc.constant(false),
  verb: fc.constant(undefined),
  onDelete: fc.constantFrom('delete', 'detach'),
  onExternalDeletion: fc.constantFrom('recreate', 'stall'),
  digest,
  asked: fc.boolean(),
  createMayComeMs: fc.nat(200_000),
  force: fc.boolean(),
  rollback: fc.boolean(),
  remediation: fc.record({
    create: fc.record({ retries: fc.nat(100), strategy: fc.constantFrom('update', 'recreate', 'none') }),
    update: fc.record({ retries: fc.nat(100), strategy: fc.constantFrom('update', 'none') }),
    retryIntervalMs: fc.integer({ min: 1000, max: MAX_RETRY_MS }),
  }),
  overdueMs: fc.integer({ min: MINUTE, max: 200 * HOUR }),
});
const rememberedInput: fc.Arbitrary<Remembered> = fc.record({
  applied: fc.option(digest, { nil: undefined }),
  attempted: fc.option(digest, { nil: undefined }),
  attempts: fc.oneof(fc.nat(5), fc.nat()),
});
const seenInput = fc
  .record({
    stackStatus,
    live: fc.option(digest, { nil: undefined }),
    operationAgeMs: ms,
    seenForMs: ms,
  })
  .map(({ stackStatus, ...seen }) => present(stackStatus, seen));
const sightInput: fc.Arbitrary<Sight> = fc.oneof(
  { weight: 6, arbitrary: seenInput },
  fc.constantFrom<Sight[]>({ is: 'absent' }, { is: 'gone' }, elsewhere, foreign, held),
);

/** Runs a check on every combination that fast-check comes up with. */
function always(check: (step: Step, wanted: Wanted, remembered: Remembered, sight: Sight) => void): void {
  fc.assert(
    fc.property(wantedInput, rememberedInput, sightInput, (wanted, remembered, sight) =>
      check(plan(wanted, remembered, sight), wanted, remembered, sight),
    ),
    { numRuns: 3000 },
  );
}

describe('for every input', () => {
  test('there is a step, and its times are sane', () => {
    always((step, _wanted, _remembered, sight) => {
      expect(step.to).toMatch(/^(create|update|delete|release|watch|wait|retry-later|rest|stall)$/);
      for (const time of ['ms' in step ? step.ms : 1, 'againMs' in step ? step.againMs : 1]) {
        expect(time).toBeGreaterThan(0);
        expect(time).toBeLessThanOrEqual(MAX_RETRY_MS);
      }
      if (step.to === 'watch') expect(sight.is === 'present' && sight.stack.state.status).toBe('IN_PROGRESS');
    });
  });

  test("nothing is written to a stack that isn't the object's", () => {
    always((step, _wanted, _remembered, sight) => {
      if (sight.is !== 'present') expect(step.to).not.toMatch(/update|delete|watch|rest/);
      if (sight.is !== 'absent' && sight.is !== 'gone') expect(step.to).not.toBe('create');
    });
  });

  test('only a deletion deletes, or the wanted recreate of a stack that was never whole', () => {
    always((step, { deleting, remediation }, { applied }, sight) => {
      if (step.to !== 'delete' || deleting) return;
      expect(remediation.create.strategy).toBe('recreate');
      expect(applied).toBeUndefined();
      expect(sight.is === 'present' && sight.stack.stackStatus).toMatch(
        /^(CREATE_FAILED|DELETE_(FAILED|IN_PROGRESS))$/,
      );
    });
  });

  test('a deletion never creates, updates or rests, and one with detach always lets go', () => {
    always((step, { deleting, onDelete }) => {
      if (!deleting) {
        expect(step.to).not.toBe('release');
        return;
      }
      expect(step.to).not.toMatch(/create|update|rest/);
      if (onDelete === 'detach') expect(step).toEqual({ to: 'release', why: 'detached' });
    });
  });

  test('the object is let go only when its stack is gone, never was, or stays', () => {
    always((step, { onDelete }, _remembered, sight) => {
      if (step.to !== 'release' || onDelete === 'detach') return;
      expect(['absent', 'gone', 'foreign', 'held']).toContain(sight.is);
    });
  });

  test('a state that is not known, and work in progress, are left alone', () => {
    always((step, { deleting, overdueMs }, _remembered, sight) => {
      if (deleting || sight.is !== 'present') return;
      const { state, operationAgeMs } = sight.stack;
      const busy = state.status === 'IN_PROGRESS' && operationAgeMs <= overdueMs;
      if (busy || state.status === 'UNKNOWN') expect(step.to).toMatch(/^(wait|watch)$/);
    });
  });

  test('a stack that has the wanted inputs and is well rests, unless it is suspended or forced', () => {
    always((step, wanted, _remembered, sight) => {
      if (wanted.deleting || wanted.force || sight.is !== 'present') return;
      const { state, live } = sight.stack;
      if (state.status !== 'COMPLETE' || ['SUSPEND', 'DELETE'].includes(state.action)) return;
      if (live === wanted.digest) expect(step).toEqual({ to: 'rest', drifted: false });
      else if (step.to === 'rest') expect(step.drifted).toBe(true);
    });
  });
});
