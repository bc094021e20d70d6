import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Outcome, summarise } from '../api/conditions.ts';
import {
  MAX_RETRY_MS,
  plan,
  type Remembered,
  type Review,
  type SeenStack,
  type Sight,
  type Step,
  type Wanted,
} from './plan.ts';
import { parseState } from './stack-state.ts';
import { VERBS } from './verbs.ts';

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
    stack: {
      name: 'web',
      whose: 'ours',
      state,
      stackStatus,
      live: undefined,
      isLate: false,
      ...times,
      ...seen,
    },
  };
}

/** A step in a few words, as the tables below write it. */
function short(step: Step): string {
  switch (step.to) {
    case 'stall':
    case 'retry-later':
      return `${step.to} ${step.reason}`;
    case 'rest':
      return step.drifted ? 'rest drifted' : 'rest';
    case 'review':
      return `review ${short(step.step)}`;
    default:
      return 'why' in step ? `${step.to} ${step.why}` : step.to;
  }
}

/** What a column of the tables below stands for, whatever the state. */
interface Column {
  wanted?: Partial<Wanted>;
  /** {@link SAME} when left out. */
  remembered?: Remembered;
  seen?: Partial<SeenStack>;
  review?: Partial<Review>;
}

const CHANGE: Column = { remembered: CHANGED, seen: { live: 'old' } };
const IMPORT: Column = { wanted: { imports: true }, remembered: NOTHING, seen: { whose: 'nobody' } };
const NO_CHANGES: Review = { id: 'plan-1', changes: 0, blocked: [], approved: false };

const COLUMNS: Record<string, Column> = {
  // Heat has the wanted inputs; or others, since the object was changed; or it can't be told which.
  same: { seen: { live: 'new' } },
  changed: CHANGE,
  superseding: { ...CHANGE, wanted: { updatePolicy: 'supersede' } },
  unknown: { remembered: NOTHING },
  deleting: { wanted: DELETING },

  // Somebody else put other inputs in place of the wanted ones.
  warn: { wanted: { driftMode: 'warn' } },
  disabled: { wanted: { driftMode: 'disabled' } },
  enabled: { wanted: { driftMode: 'enabled' } },
  forced: { wanted: { force: true } },

  // The object was changed, and the update is looked at before it is sent.
  manual: { ...CHANGE, wanted: { approval: 'manual' } },
  'not approved': { ...CHANGE, wanted: { approval: 'manual' }, review: {} },
  approved: { ...CHANGE, wanted: { approval: 'manual' }, review: { approved: true } },
  blocked: {
    ...CHANGE,
    wanted: { protects: true },
    review: { changes: 1, blocked: ['REPLACE web/server-0'] },
  },
  unblocked: { ...CHANGE, wanted: { protects: true }, review: { changes: 3 } },

  // Stacks that somebody else made.
  unmanaged: { ...IMPORT, wanted: { imports: true, managed: false } },
  import: IMPORT,
  harmless: { ...IMPORT, review: {} },
  harmful: { ...IMPORT, review: { changes: 1 } },
  "another's": { ...IMPORT, seen: { whose: 'other' } },
  "another's, taken": {
    ...IMPORT,
    wanted: { imports: true, takeOwnership: true },
    seen: { whose: 'other' },
  },
  'not imported': { ...IMPORT, wanted: {} },
  'not imported, deleting': { ...IMPORT, wanted: DELETING },

  // The stack stays when the object goes.
  'detach, deleting': { wanted: { ...DELETING, onDelete: 'detach' } },
  'unmanaged, deleting': { wanted: { ...DELETING, managed: false } },

  // The object was changed, and somebody asked for an action.
  ...Object.fromEntries(VERBS.map((verb) => [verb, { ...CHANGE, wanted: { verb } }])),
};

/** The step in a state of Heat, under the conditions of a column. */
function stepAt(stackStatus: string, column: string): string {
  const { wanted, remembered = SAME, seen, review } = COLUMNS[column] ?? {};
  const sight = present(stackStatus, seen);
  return short(plan({ ...WANTED, ...wanted }, remembered, sight, review && { ...NO_CHANGES, ...review }));
}

/** The step in every state of Heat; a table for each group of {@link COLUMNS}. */
const TABLES: Record<string, string> = {
  'the wanted inputs, and others': `
    state                | same                 | changed              | superseding          | unknown              | deleting
    CREATE_IN_PROGRESS   | watch                | watch                | update changed       | watch                | delete deleting
    CREATE_COMPLETE      | rest                 | update changed       | update changed       | update changed       | delete deleting
    CREATE_FAILED        | stall CreateFailed   | update changed       | update changed       | update changed       | delete deleting
    UPDATE_IN_PROGRESS   | watch                | watch                | update changed       | watch                | delete deleting
    UPDATE_COMPLETE      | rest                 | update changed       | update changed       | update changed       | delete deleting
    UPDATE_FAILED        | stall UpdateFailed   | update changed       | update changed       | update changed       | delete deleting
    ROLLBACK_IN_PROGRESS | watch                | watch                | update changed       | watch                | delete deleting
    ROLLBACK_COMPLETE    | rest                 | update changed       | update changed       | update changed       | delete deleting
    ROLLBACK_FAILED      | stall RollbackFailed | update changed       | update changed       | update changed       | delete deleting
    DELETE_IN_PROGRESS   | watch                | watch                | watch                | watch                | watch
    DELETE_COMPLETE      | wait                 | wait                 | wait                 | wait                 | wait
    DELETE_FAILED        | stall StackDeleting  | stall StackDeleting  | stall StackDeleting  | stall StackDeleting  | delete retry
    SUSPEND_IN_PROGRESS  | watch                | watch                | watch                | watch                | delete deleting
    SUSPEND_COMPLETE     | stall StackSuspended | stall StackSuspended | stall StackSuspended | stall StackSuspended | delete deleting
    SUSPEND_FAILED       | stall StackSuspended | stall StackSuspended | stall StackSuspended | stall StackSuspended | delete deleting
    RESUME_IN_PROGRESS   | watch                | watch                | watch                | watch                | delete deleting
    RESUME_COMPLETE      | rest                 | update changed       | update changed       | update changed       | delete deleting
    RESUME_FAILED        | stall ResumeFailed   | update changed       | update changed       | update changed       | delete deleting
    ADOPT_IN_PROGRESS    | watch                | watch                | watch                | watch                | delete deleting
    ADOPT_COMPLETE       | rest                 | update changed       | update changed       | update changed       | delete deleting
    ADOPT_FAILED         | stall CreateFailed   | update changed       | update changed       | update changed       | delete deleting
    SNAPSHOT_IN_PROGRESS | watch                | watch                | watch                | watch                | delete deleting
    SNAPSHOT_COMPLETE    | rest                 | update changed       | update changed       | update changed       | delete deleting
    SNAPSHOT_FAILED      | stall SnapshotFailed | update changed       | update changed       | update changed       | delete deleting
    CHECK_IN_PROGRESS    | watch                | watch                | watch                | watch                | delete deleting
    CHECK_COMPLETE       | rest                 | update changed       | update changed       | update changed       | delete deleting
    CHECK_FAILED         | stall CheckFailed    | update changed       | update changed       | update changed       | delete deleting
    RESTORE_IN_PROGRESS  | watch                | watch                | watch                | watch                | delete deleting
    RESTORE_COMPLETE     | rest                 | update changed       | update changed       | update changed       | delete deleting
    RESTORE_FAILED       | stall RestoreFailed  | update changed       | update changed       | update changed       | delete deleting
    MIGRATE_COMPLETE     | wait                 | wait                 | wait                 | wait                 | delete deleting
    UPDATE_PAUSED        | wait                 | wait                 | wait                 | wait                 | delete deleting
  `,
  'inputs of somebody else, or an update that is forced': `
    state                | warn                   | disabled               | enabled              | forced
    CREATE_IN_PROGRESS   | watch                  | watch                  | watch                | watch
    CREATE_COMPLETE      | rest drifted           | rest                   | update drift         | update forced
    CREATE_FAILED        | stall CreateFailed     | stall CreateFailed     | stall CreateFailed   | update forced
    UPDATE_IN_PROGRESS   | watch                  | watch                  | watch                | watch
    UPDATE_COMPLETE      | rest drifted           | rest                   | update drift         | update forced
    UPDATE_FAILED        | stall UpdateFailed     | stall UpdateFailed     | stall UpdateFailed   | update forced
    ROLLBACK_IN_PROGRESS | watch                  | watch                  | watch                | watch
    ROLLBACK_COMPLETE    | stall RollbackComplete | stall RollbackComplete | update drift         | update forced
    ROLLBACK_FAILED      | stall RollbackFailed   | stall RollbackFailed   | stall RollbackFailed | update forced
    DELETE_IN_PROGRESS   | watch                  | watch                  | watch                | watch
    DELETE_COMPLETE      | wait                   | wait                   | wait                 | wait
    DELETE_FAILED        | stall StackDeleting    | stall StackDeleting    | stall StackDeleting  | stall StackDeleting
    SUSPEND_IN_PROGRESS  | watch                  | watch                  | watch                | watch
    SUSPEND_COMPLETE     | stall StackSuspended   | stall StackSuspended   | stall StackSuspended | stall StackSuspended
    SUSPEND_FAILED       | stall StackSuspended   | stall StackSuspended   | stall StackSuspended | stall StackSuspended
    RESUME_IN_PROGRESS   | watch                  | watch                  | watch                | watch
    RESUME_COMPLETE      | rest drifted           | rest                   | update drift         | update forced
    RESUME_FAILED        | stall ResumeFailed     | stall ResumeFailed     | stall ResumeFailed   | update forced
    ADOPT_IN_PROGRESS    | watch                  | watch                  | watch                | watch
    ADOPT_COMPLETE       | rest drifted           | rest                   | update drift         | update forced
    ADOPT_FAILED         | stall CreateFailed     | stall CreateFailed     | stall CreateFailed   | update forced
    SNAPSHOT_IN_PROGRESS | watch                  | watch                  | watch                | watch
    SNAPSHOT_COMPLETE    | rest drifted           | rest                   | update drift         | update forced
    SNAPSHOT_FAILED      | stall SnapshotFailed   | stall SnapshotFailed   | stall SnapshotFailed | update forced
    CHECK_IN_PROGRESS    | watch                  | watch                  | watch                | watch
    CHECK_COMPLETE       | rest drifted           | rest                   | update drift         | update forced
    CHECK_FAILED         | stall CheckFailed      | stall CheckFailed      | stall CheckFailed    | update forced
    RESTORE_IN_PROGRESS  | watch                  | watch                  | watch                | watch
    RESTORE_COMPLETE     | rest drifted           | rest                   | update drift         | update forced
    RESTORE_FAILED       | stall RestoreFailed    | stall RestoreFailed    | stall RestoreFailed  | update forced
    MIGRATE_COMPLETE     | wait                   | wait                   | wait                 | wait
    UPDATE_PAUSED        | wait                   | wait                   | wait                 | wait
  `,
  'an update that is looked at before it is sent': `
    state                | manual                | not approved         | approved             | blocked                  | unblocked
    CREATE_IN_PROGRESS   | watch                 | watch                | watch                | watch                    | watch
    CREATE_COMPLETE      | review update changed | await-approval       | update changed       | stall ReplacementBlocked | update changed
    CREATE_FAILED        | review update changed | await-approval       | update changed       | stall ReplacementBlocked | update changed
    UPDATE_IN_PROGRESS   | watch                 | watch                | watch                | watch                    | watch
    UPDATE_COMPLETE      | review update changed | await-approval       | update changed       | stall ReplacementBlocked | update changed
    UPDATE_FAILED        | review update changed | await-approval       | update changed       | stall ReplacementBlocked | update changed
    ROLLBACK_IN_PROGRESS | watch                 | watch                | watch                | watch                    | watch
    ROLLBACK_COMPLETE    | review update changed | await-approval       | update changed       | stall ReplacementBlocked | update changed
    ROLLBACK_FAILED      | review update changed | await-approval       | update changed       | stall ReplacementBlocked | update changed
    DELETE_IN_PROGRESS   | watch                 | watch                | watch                | watch                    | watch
    DELETE_COMPLETE      | wait                  | wait                 | wait                 | wait                     | wait
    DELETE_FAILED        | stall StackDeleting   | stall StackDeleting  | stall StackDeleting  | stall StackDeleting      | stall StackDeleting
    SUSPEND_IN_PROGRESS  | watch                 | watch                | watch                | watch                    | watch
    SUSPEND_COMPLETE     | stall StackSuspended  | stall StackSuspended | stall StackSuspended | stall StackSuspended     | stall StackSuspended
    SUSPEND_FAILED       | stall StackSuspended  | stall StackSuspended | stall StackSuspended | stall StackSuspended     | stall StackSuspended
    RESUME_IN_PROGRESS   | watch                 | watch                | watch                | watch                    | watch
    RESUME_COMPLETE      | review update changed | await-approval       | update changed       | stall ReplacementBlocked | update changed
    RESUME_FAILED        | review update changed | await-approval       | update changed       | stall ReplacementBlocked | update changed
    ADOPT_IN_PROGRESS    | watch                 | watch                | watch                | watch                    | watch
    ADOPT_COMPLETE       | review update changed | await-approval       | update changed       | stall ReplacementBlocked | update changed
    ADOPT_FAILED         | review update changed | await-approval       | update changed       | stall ReplacementBlocked | update changed
    SNAPSHOT_IN_PROGRESS | watch                 | watch                | watch                | watch                    | watch
    SNAPSHOT_COMPLETE    | review update changed | await-approval       | update changed       | stall ReplacementBlocked | update changed
    SNAPSHOT_FAILED      | review update changed | await-approval       | update changed       | stall ReplacementBlocked | update changed
    CHECK_IN_PROGRESS    | watch                 | watch                | watch                | watch                    | watch
    CHECK_COMPLETE       | review update changed | await-approval       | update changed       | stall ReplacementBlocked | update changed
    CHECK_FAILED         | review update changed | await-approval       | update changed       | stall ReplacementBlocked | update changed
    RESTORE_IN_PROGRESS  | watch                 | watch                | watch                | watch                    | watch
    RESTORE_COMPLETE     | review update changed | await-approval       | update changed       | stall ReplacementBlocked | update changed
    RESTORE_FAILED       | review update changed | await-approval       | update changed       | stall ReplacementBlocked | update changed
    MIGRATE_COMPLETE     | wait                  | wait                 | wait                 | wait                     | wait
    UPDATE_PAUSED        | wait                  | wait                 | wait                 | wait                     | wait
  `,
  'a stack that somebody else made': `
    state                | unmanaged            | import                    | harmless                  | harmful                   | another's, taken
    CREATE_IN_PROGRESS   | watch                | watch                     | watch                     | watch                     | watch
    CREATE_COMPLETE      | rest                 | review update adopt       | update adopt              | await-approval            | review update adopt
    CREATE_FAILED        | stall CreateFailed   | review update adopt       | update adopt              | await-approval            | review update adopt
    UPDATE_IN_PROGRESS   | watch                | watch                     | watch                     | watch                     | watch
    UPDATE_COMPLETE      | rest                 | review update adopt       | update adopt              | await-approval            | review update adopt
    UPDATE_FAILED        | stall UpdateFailed   | review update adopt       | update adopt              | await-approval            | review update adopt
    ROLLBACK_IN_PROGRESS | watch                | watch                     | watch                     | watch                     | watch
    ROLLBACK_COMPLETE    | rest                 | review update adopt       | update adopt              | await-approval            | review update adopt
    ROLLBACK_FAILED      | stall RollbackFailed | review update adopt       | update adopt              | await-approval            | review update adopt
    DELETE_IN_PROGRESS   | watch                | retry-later StackNotFound | retry-later StackNotFound | retry-later StackNotFound | retry-later StackNotFound
    DELETE_COMPLETE      | wait                 | retry-later StackNotFound | retry-later StackNotFound | retry-later StackNotFound | retry-later StackNotFound
    DELETE_FAILED        | stall DeleteFailed   | retry-later StackNotFound | retry-later StackNotFound | retry-later StackNotFound | retry-later StackNotFound
    SUSPEND_IN_PROGRESS  | watch                | watch                     | watch                     | watch                     | watch
    SUSPEND_COMPLETE     | stall StackSuspended | stall StackSuspended      | stall StackSuspended      | stall StackSuspended      | stall StackSuspended
    SUSPEND_FAILED       | stall StackSuspended | stall StackSuspended      | stall StackSuspended      | stall StackSuspended      | stall StackSuspended
    RESUME_IN_PROGRESS   | watch                | watch                     | watch                     | watch                     | watch
    RESUME_COMPLETE      | rest                 | review update adopt       | update adopt              | await-approval            | review update adopt
    RESUME_FAILED        | stall ResumeFailed   | review update adopt       | update adopt              | await-approval            | review update adopt
    ADOPT_IN_PROGRESS    | watch                | watch                     | watch                     | watch                     | watch
    ADOPT_COMPLETE       | rest                 | review update adopt       | update adopt              | await-approval            | review update adopt
    ADOPT_FAILED         | stall CreateFailed   | review update adopt       | update adopt              | await-approval            | review update adopt
    SNAPSHOT_IN_PROGRESS | watch                | watch                     | watch                     | watch                     | watch
    SNAPSHOT_COMPLETE    | rest                 | review update adopt       | update adopt              | await-approval            | review update adopt
    SNAPSHOT_FAILED      | stall SnapshotFailed | review update adopt       | update adopt              | await-approval            | review update adopt
    CHECK_IN_PROGRESS    | watch                | watch                     | watch                     | watch                     | watch
    CHECK_COMPLETE       | rest                 | review update adopt       | update adopt              | await-approval            | review update adopt
    CHECK_FAILED         | stall CheckFailed    | review update adopt       | update adopt              | await-approval            | review update adopt
    RESTORE_IN_PROGRESS  | watch                | watch                     | watch                     | watch                     | watch
    RESTORE_COMPLETE     | rest                 | review update adopt       | update adopt              | await-approval            | review update adopt
    RESTORE_FAILED       | stall RestoreFailed  | review update adopt       | update adopt              | await-approval            | review update adopt
    MIGRATE_COMPLETE     | wait                 | wait                      | wait                      | wait                      | wait
    UPDATE_PAUSED        | wait                 | wait                      | wait                      | wait                      | wait
  `,
  'an action that was asked for': `
    state                | check  | stack-suspend | stack-resume | cancel-update | cancel-without-rollback
    CREATE_IN_PROGRESS   | watch  | watch         | watch        | refuse        | act
    CREATE_COMPLETE      | act    | act           | refuse       | refuse        | refuse
    CREATE_FAILED        | refuse | act           | refuse       | refuse        | refuse
    UPDATE_IN_PROGRESS   | watch  | watch         | watch        | act           | act
    UPDATE_COMPLETE      | act    | act           | refuse       | refuse        | refuse
    UPDATE_FAILED        | refuse | act           | refuse       | refuse        | refuse
    ROLLBACK_IN_PROGRESS | watch  | watch         | watch        | refuse        | refuse
    ROLLBACK_COMPLETE    | act    | act           | refuse       | refuse        | refuse
    ROLLBACK_FAILED      | refuse | act           | refuse       | refuse        | refuse
    DELETE_IN_PROGRESS   | watch  | watch         | watch        | refuse        | refuse
    DELETE_COMPLETE      | refuse | refuse        | refuse       | refuse        | refuse
    DELETE_FAILED        | refuse | refuse        | refuse       | refuse        | refuse
    SUSPEND_IN_PROGRESS  | watch  | watch         | watch        | refuse        | refuse
    SUSPEND_COMPLETE     | refuse | refuse        | act          | refuse        | refuse
    SUSPEND_FAILED       | refuse | act           | act          | refuse        | refuse
    RESUME_IN_PROGRESS   | watch  | watch         | watch        | refuse        | refuse
    RESUME_COMPLETE      | act    | act           | refuse       | refuse        | refuse
    RESUME_FAILED        | refuse | act           | act          | refuse        | refuse
    ADOPT_IN_PROGRESS    | watch  | watch         | watch        | refuse        | refuse
    ADOPT_COMPLETE       | act    | act           | refuse       | refuse        | refuse
    ADOPT_FAILED         | refuse | act           | refuse       | refuse        | refuse
    SNAPSHOT_IN_PROGRESS | watch  | watch         | watch        | refuse        | refuse
    SNAPSHOT_COMPLETE    | act    | act           | refuse       | refuse        | refuse
    SNAPSHOT_FAILED      | act    | act           | refuse       | refuse        | refuse
    CHECK_IN_PROGRESS    | watch  | watch         | watch        | refuse        | refuse
    CHECK_COMPLETE       | act    | act           | refuse       | refuse        | refuse
    CHECK_FAILED         | act    | act           | refuse       | refuse        | refuse
    RESTORE_IN_PROGRESS  | watch  | watch         | watch        | refuse        | refuse
    RESTORE_COMPLETE     | act    | act           | refuse       | refuse        | refuse
    RESTORE_FAILED       | refuse | act           | refuse       | refuse        | refuse
    MIGRATE_COMPLETE     | wait   | wait          | wait         | wait          | wait
    UPDATE_PAUSED        | wait   | wait          | wait         | wait          | wait
  `,
};
const [STATES = []] = Object.values(TABLES).map((text) => parseTable(text).rows.map(([state = '']) => state));

function parseTable(text: string): { columns: string[]; rows: string[][] } {
  const [columns = [], ...rows] = text
    .trim()
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()));
  return { columns, rows };
}

describe.each(Object.entries(TABLES))('%s', (_title, text) => {
  const { columns, rows } = parseTable(text);
  const cells = rows.flatMap(([state = '', ...steps]) =>
    steps.map((step, index) => [state, columns[index + 1] ?? '', step] as const),
  );
  test.each(cells)('%s, %s: %s', (stackStatus, column, step) => {
    expect(stepAt(stackStatus, column)).toBe(step);
  });
});

test.each([
  ["another's", 'stall NameConflict'],
  ['not imported', 'stall NameConflict'],
  ['not imported, deleting', 'release not-ours'],
  ['detach, deleting', 'release detached'],
  ['unmanaged, deleting', 'release unmanaged'],
])('whatever the state, %s: %s', (column, step) => {
  for (const stackStatus of STATES)
    expect([stackStatus, stepAt(stackStatus, column)]).toEqual([stackStatus, step]);
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
  review?: Review,
];

const foreign: Sight = { is: 'foreign', message: 'taken' };
const held = { is: 'held', message: 'held', heldForMs: 0 } as const;
const elsewhere: Sight = { is: 'elsewhere', message: 'moved' };
const ambiguous: Sight = { is: 'ambiguous', message: 'two of them' };
const OVERDUE = { operationAgeMs: HOUR + 1 };
const UNMANAGED: Partial<Wanted> = { managed: false, imports: true };
const nobodys = present('CREATE_COMPLETE', { whose: 'nobody' });
const BLOCKED: Review = { ...NO_CHANGES, changes: 1, blocked: ['REPLACE web/server-0'] };

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
      'name held for too long: stall, and look again',
      {},
      NOTHING,
      { ...held, heldForMs: HOUR + 1 },
      {
        to: 'stall',
        reason: 'OperationTimeout',
        message: expect.stringMatching(/^held\. .* once more in Heat$/),
        againMs: 30_000,
      },
    ],
    [
      'cloud changed: stall',
      {},
      SAME,
      elsewhere,
      { to: 'stall', reason: 'CloudChanged', message: 'moved', failure: false },
    ],
    [
      'plans are to be approved: none is made unseen',
      { approval: 'manual' },
      NOTHING,
      { is: 'absent' },
      { to: 'review', step: { to: 'create' } },
    ],
    [
      'resources are protected: a create puts none in danger',
      { protects: true },
      NOTHING,
      { is: 'absent' },
      { to: 'create' },
    ],
  ],
  'to be imported': [
    [
      'not there: look again',
      { imports: true },
      NOTHING,
      { is: 'absent' },
      { to: 'retry-later', reason: 'StackNotFound', failure: false },
    ],
    [
      'gone before it was taken: look again',
      { imports: true },
      NOTHING,
      { is: 'gone' },
      { to: 'retry-later', reason: 'StackNotFound' },
    ],
    ['on its way out: wait', { imports: true }, NOTHING, held, { to: 'wait' }],
    [
      'failed a moment ago: wait, for Heat may be about to roll back',
      { imports: true },
      NOTHING,
      present('UPDATE_FAILED', { whose: 'nobody', seenForMs: 9_999 }),
      { to: 'wait', ms: 2_000 },
    ],
    [
      'more than one: stall',
      { imports: true },
      NOTHING,
      ambiguous,
      { to: 'stall', reason: 'InvalidConfiguration', message: 'two of them' },
    ],
    ['taken, and deleted by somebody: create', {}, SAME, { is: 'gone' }, { to: 'create' }],
    [
      'taken by its tags: an update like any other',
      { imports: true },
      CHANGED,
      present('CREATE_COMPLETE', { live: 'old' }),
      { to: 'update', why: 'changed' },
    ],
    [
      'a plan that protected resources forbid: stall',
      { imports: true, protects: true },
      NOTHING,
      nobodys,
      { to: 'stall', reason: 'ReplacementBlocked' },
      BLOCKED,
    ],
    [
      'a plan with changes that was approved: update',
      { imports: true },
      NOTHING,
      nobodys,
      { to: 'update', why: 'adopt' },
      { ...NO_CHANGES, changes: 2, approved: true },
    ],
    [
      'a plan without changes, but plans are to be approved: wait',
      { imports: true, approval: 'manual' },
      NOTHING,
      nobodys,
      { to: 'await-approval', id: 'plan-1' },
      NO_CHANGES,
    ],
  ],
  unmanaged: [
    [
      'not there: look again',
      UNMANAGED,
      NOTHING,
      { is: 'absent' },
      { to: 'retry-later', reason: 'StackNotFound' },
    ],
    ['on its way out: look again', UNMANAGED, NOTHING, held, { to: 'retry-later', reason: 'StackNotFound' }],
    ['gone: stall', UNMANAGED, NOTHING, { is: 'gone' }, { to: 'stall', reason: 'StackNotFound' }],
    ['more than one: stall', UNMANAGED, NOTHING, ambiguous, { to: 'stall', reason: 'InvalidConfiguration' }],
    ['cloud changed: stall', UNMANAGED, NOTHING, elsewhere, { to: 'stall', reason: 'CloudChanged' }],
    [
      'failed a moment ago: wait, for Heat may be about to roll back',
      UNMANAGED,
      NOTHING,
      present('UPDATE_FAILED', { seenForMs: 9_999 }),
      { to: 'wait', ms: 2_000 },
    ],
    [
      'at work for too long: watch all the same',
      UNMANAGED,
      NOTHING,
      present('UPDATE_IN_PROGRESS', OVERDUE),
      { to: 'watch' },
    ],
    [
      'forced, changed, drifted and superseding: rest all the same',
      { ...UNMANAGED, force: true, driftMode: 'enabled', updatePolicy: 'supersede' },
      CHANGED,
      present('UPDATE_COMPLETE'),
      { to: 'rest', drifted: false },
    ],
  ],
  'an action is asked for': [
    [
      'without a stack: refuse, so that it does not cancel the next create',
      { verb: 'cancel-without-rollback' },
      NOTHING,
      { is: 'absent' },
      { to: 'refuse', message: 'there is no stack of this object' },
    ],
    [
      'and the stack is not taken yet: refuse',
      { verb: 'check', imports: true },
      NOTHING,
      nobodys,
      { to: 'refuse' },
    ],
    ['and the cloud changed: refuse', { verb: 'check' }, SAME, elsewhere, { to: 'refuse', message: 'moved' }],
    [
      'of an unmanaged object: refuse',
      { ...UNMANAGED, verb: 'check' },
      NOTHING,
      present('CREATE_COMPLETE'),
      { to: 'refuse', message: 'spec.managementPolicy is "unmanaged", and nothing is written then' },
    ],
    [
      'of a stack that is stuck: the work begins anew before',
      { verb: 'check' },
      SENT,
      present('UPDATE_IN_PROGRESS', OVERDUE),
      { to: 'update', why: 'overdue' },
    ],
    [
      'to cancel what is stuck: at once',
      { verb: 'cancel-update' },
      SENT,
      present('UPDATE_IN_PROGRESS', OVERDUE),
      { to: 'act', verb: 'cancel-update' },
    ],
    [
      'to cancel what a change would overtake: before it',
      { verb: 'cancel-update', updatePolicy: 'supersede' },
      CHANGED,
      present('UPDATE_IN_PROGRESS'),
      { to: 'act', verb: 'cancel-update' },
    ],
    [
      'that would hide a failure: refuse',
      { verb: 'check' },
      CREATED,
      present('CREATE_FAILED'),
      { to: 'refuse', message: expect.stringContaining('would hide') },
    ],
    [
      'of an object that is being deleted: delete',
      { ...DELETING, verb: 'check' },
      SAME,
      present('UPDATE_COMPLETE'),
      { to: 'delete', why: 'deleting' },
    ],
  ],
  reviewed: [
    [
      'a retry of an update that may replace what is protected',
      { protects: true, remediation: update3 },
      SENT,
      present('UPDATE_FAILED'),
      { to: 'review', step: { to: 'update', why: 'retry' } },
    ],
    [
      'an update that was lost',
      { approval: 'manual' },
      SENT,
      present('UPDATE_COMPLETE', { live: 'old' }),
      { to: 'review', step: { to: 'update', why: 'lost' } },
    ],
    [
      'a change that overtakes another',
      { approval: 'manual', updatePolicy: 'supersede' },
      CHANGED,
      present('UPDATE_IN_PROGRESS'),
      { to: 'review', step: { to: 'update', why: 'changed' } },
    ],
    [
      'inputs to be put back',
      { approval: 'manual', driftMode: 'enabled' },
      SAME,
      present('UPDATE_COMPLETE'),
      { to: 'review', step: { to: 'update', why: 'drift' } },
    ],
    [
      'what is protected and blocked: the message names some of it, and the cure',
      { protects: true },
      CHANGED,
      present('UPDATE_COMPLETE'),
      {
        to: 'stall',
        message:
          'this update would REPLACE a, REPLACE b, DELETE c, DELETE d, DELETE e and 2 more, which spec.protect refuses; change the inputs, or approve the plan with the annotation heatstack.dev/approve: plan-1',
      },
      {
        ...BLOCKED,
        blocked: ['REPLACE a', 'REPLACE b', 'DELETE c', 'DELETE d', 'DELETE e', 'DELETE f', 'DELETE g'],
      },
    ],
    [
      'what is protected and blocked, but approved',
      { protects: true },
      CHANGED,
      present('UPDATE_COMPLETE'),
      { to: 'update', why: 'changed' },
      { ...BLOCKED, approved: true },
    ],
    [
      'a failed create that may not be recreated unasked: repaired by an update',
      { approval: 'manual', remediation: recreate },
      CREATED,
      present('CREATE_FAILED'),
      { to: 'review', step: { to: 'update', why: 'retry' } },
    ],
    [
      'a failed create with protected resources: repaired by an update',
      { protects: true, remediation: recreate },
      CREATED,
      present('CREATE_FAILED'),
      { to: 'review', step: { to: 'update', why: 'retry' } },
    ],
    [
      "somebody's delete of protected resources, after retries: not taken further",
      { protects: true, remediation: recreate },
      { ...CREATED, attempts: 1 },
      present('DELETE_FAILED'),
      { to: 'stall', reason: 'StackDeleting' },
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
    [
      'a create may still come true: wait',
      { ...DELETING, createMayComeMs: 9_000 },
      NOTHING,
      { is: 'absent' },
      { to: 'wait', ms: 5_000 },
    ],
    [
      'a create may still come true once the name is free: wait',
      { ...DELETING, createMayComeMs: 1_500 },
      NOTHING,
      held,
      { to: 'wait', ms: 1_500 },
    ],
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
      'for too long, and whatever was tried before was something else: one update on top',
      {},
      { applied: undefined, attempted: undefined, attempts: 2 },
      present('CREATE_IN_PROGRESS', OVERDUE),
      { to: 'update', why: 'overdue' },
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
      'a change may overtake only creates, updates and rollbacks',
      { updatePolicy: 'supersede' },
      CHANGED,
      present('CHECK_IN_PROGRESS'),
      { to: 'watch' },
    ],
    [
      'nothing to overtake it with: watch',
      { updatePolicy: 'supersede' },
      SENT,
      present('UPDATE_IN_PROGRESS'),
      { to: 'watch' },
    ],
    [
      'it is not known what with: watch',
      { updatePolicy: 'supersede' },
      NOTHING,
      present('CREATE_IN_PROGRESS'),
      { to: 'watch' },
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
      'inputs of before came late, in the mode disabled: send the wanted ones again',
      { driftMode: 'disabled' },
      SAME,
      present('UPDATE_COMPLETE', { live: 'old', isLate: true }),
      { to: 'update', why: 'late' },
    ],
    [
      'inputs of before came late, in the mode warn: send the wanted ones again',
      { driftMode: 'warn' },
      SAME,
      present('UPDATE_COMPLETE', { live: 'old', isLate: true }),
      { to: 'update', why: 'late' },
    ],
    [
      'inputs of before came late, in the mode enabled: send the wanted ones again',
      { driftMode: 'enabled' },
      SAME,
      present('UPDATE_COMPLETE', { live: 'old', isLate: true }),
      { to: 'update', why: 'late' },
    ],
    [
      'inputs of before came late, where plans are to be approved: show what an update would do',
      { approval: 'manual' },
      SAME,
      present('UPDATE_COMPLETE', { live: 'old', isLate: true }),
      { to: 'review', step: { to: 'update', why: 'late' } },
    ],
    [
      'inputs of before come late again and again: no longer',
      { driftMode: 'warn' },
      { ...SAME, attempts: 3 },
      present('UPDATE_COMPLETE', { live: 'old', isLate: true }),
      { to: 'rest', drifted: true },
    ],
    [
      'inputs of before came late, and failed: send the wanted ones again',
      {},
      SAME,
      present('UPDATE_FAILED', { live: 'new', isLate: true }),
      { to: 'update', why: 'late' },
    ],
    [
      'the update that puts inputs back was lost: send it again',
      { driftMode: 'enabled' },
      { ...SAME, attempts: 1 },
      present('UPDATE_COMPLETE'),
      { to: 'update', why: 'lost' },
    ],
    [
      'no update puts the inputs back: say so',
      { driftMode: 'enabled' },
      { ...SAME, attempts: 3 },
      present('UPDATE_COMPLETE'),
      { to: 'rest', drifted: true },
    ],
    [
      'the update that puts inputs back was rolled back: stall',
      { driftMode: 'enabled' },
      { ...SAME, attempts: 1 },
      present('ROLLBACK_COMPLETE'),
      { to: 'stall', reason: 'RollbackComplete', failure: true },
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
      { remediation: { ...recreate, update: { retries: 1, strategy: 'update' } } },
      SENT,
      present('CREATE_FAILED'),
      { to: 'update', why: 'retry' },
    ],
    [
      "somebody's delete of a stack that was whole once: not taken further",
      { remediation: recreate },
      { ...SENT, attempts: 1 },
      present('DELETE_FAILED'),
      { to: 'stall', reason: 'StackDeleting' },
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
  test.each(cases)('%s', (_name, wanted, remembered, sight, step, review) => {
    expect(plan({ ...WANTED, ...wanted }, remembered, sight, review)).toMatchObject(step);
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
  expect(suspended).toMatchObject({
    message: expect.stringMatching(
      /"openstack stack resume web", or the annotation heatstack.dev\/action: stack-resume@TOKEN$/,
    ),
  });
  // There the annotation would be refused.
  const observed = plan({ ...WANTED, ...UNMANAGED }, NOTHING, present('SUSPEND_COMPLETE'));
  expect(observed).toMatchObject({ message: expect.stringMatching(/"openstack stack resume web"$/) });
  const unknown = plan(WANTED, SAME, present('MIGRATE_COMPLETE'));
  expect(unknown).toMatchObject({ message: expect.stringContaining('"MIGRATE_COMPLETE"') });
});

// ---------------------------------------------------------------- what holds for every input

const ACTIONS = STATES.flatMap((state) => (state.endsWith('_COMPLETE') ? [state.slice(0, -9)] : []));
const digest = fc.constantFrom('new', 'new', 'old', 'older');
const ms = fc.constantFrom(0, 1, 9_999, 10_000, 30_000, HOUR, HOUR + 1, 2 * HOUR);
const stackStatus = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom(...ACTIONS, 'INIT'), fc.constantFrom('IN_PROGRESS', 'COMPLETE', 'FAILED'))
      .map((parts) => parts.join('_')),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom('CREATE_FAILED', 'UPDATE_FAILED', 'DELETE_FAILED', 'ROLLBACK_COMPLETE'),
  },
  fc.string(),
  fc.constantFrom('COMPLETE', '_COMPLETE', 'constructor_COMPLETE', 'CREATE_COMPLETE ', 'create_complete', ''),
);
const mostly = fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false));
const seldom = mostly.map((is) => !is);
const wantedInput: fc.Arbitrary<Wanted> = fc.record({
  deleting: seldom,
  managed: mostly,
  imports: fc.boolean(),
  takeOwnership: fc.boolean(),
  driftMode: fc.constantFrom('disabled', 'warn', 'enabled'),
  updatePolicy: fc.constantFrom('wait', 'supersede'),
  approval: fc.constantFrom('automatic', 'manual'),
  protects: fc.boolean(),
  verb: fc.option(fc.constantFrom(...VERBS), { nil: undefined, freq: 2 }),
  onDelete: fc.constantFrom('delete', 'detach'),
  onExternalDeletion: fc.constantFrom('recreate', 'stall'),
  digest,
  asked: fc.boolean(),
  createMayComeMs: fc.oneof(fc.constant(0), fc.nat(200_000)),
  force: seldom,
  rollback: fc.boolean(),
  remediation: fc.record({
    create: fc.record({ retries: fc.nat(100), strategy: fc.constantFrom('update', 'recreate', 'none') }),
    update: fc.record({ retries: fc.nat(100), strategy: fc.constantFrom('update', 'none') }),
    retryIntervalMs: fc.integer({ min: 1000, max: MAX_RETRY_MS }),
  }),
  overdueMs: fc.integer({ min: MINUTE, max: 200 * HOUR }),
});
const rememberedInput: fc.Arbitrary<Remembered> = fc.oneof(
  fc.constantFrom(SAME, CHANGED, SENT, CREATED),
  fc.record({
    applied: fc.option(digest, { nil: undefined }),
    attempted: fc.option(digest, { nil: undefined }),
    attempts: fc.oneof(fc.nat(5), fc.nat()),
  }),
);
const seenInput = fc
  .record({
    stackStatus,
    whose: fc.constantFrom<SeenStack['whose'][]>('ours', 'ours', 'ours', 'nobody', 'other'),
    live: fc.option(digest, { nil: undefined }),
    isLate: fc.boolean(),
    operationAgeMs: ms,
    seenForMs: ms,
  })
  .map(({ stackStatus, ...seen }) => present(stackStatus, seen));
const sightInput: fc.Arbitrary<Sight> = fc.oneof(
  { weight: 6, arbitrary: seenInput },
  fc.constantFrom<Sight[]>({ is: 'absent' }, { is: 'gone' }, elsewhere, foreign, ambiguous),
  ms.map((heldForMs) => ({ ...held, heldForMs })),
);
const reviewInput: fc.Arbitrary<Review | undefined> = fc.option(
  fc.record({
    id: fc.constant('plan-1'),
    changes: fc.nat(2),
    blocked: fc.constantFrom([], BLOCKED.blocked),
    approved: fc.boolean(),
  }),
  { nil: undefined },
);

interface Given {
  wanted: Wanted;
  remembered: Remembered;
  sight: Sight;
  review: Review | undefined;
  /** The stack, if one is seen. */
  stack: SeenStack | undefined;
}
const givenInput: fc.Arbitrary<Given> = fc
  .record({ wanted: wantedInput, remembered: rememberedInput, sight: sightInput, review: reviewInput })
  .map((given) => ({ ...given, stack: given.sight.is === 'present' ? given.sight.stack : undefined }));

/** Runs a check on every combination that fast-check comes up with. */
function always(check: (step: Step, given: Given) => void): void {
  fc.assert(
    fc.property(givenInput, (given) =>
      check(plan(given.wanted, given.remembered, given.sight, given.review), given),
    ),
    { numRuns: 4000 },
  );
}

type Write = Extract<Step, { to: 'create' | 'update' | 'delete' | 'act' }>;
/** Whether a step changes something in Heat. */
function isWrite(step: Step): step is Write {
  return ['create', 'update', 'delete', 'act'].includes(step.to);
}

/** How a step ends a reconcile; `undefined` when it doesn't, or when the object is let go. */
function outcomeOf(step: Step): Outcome | undefined {
  switch (step.to) {
    case 'create':
    case 'update':
    case 'delete':
    case 'act':
    case 'watch':
      return { state: 'working', message: step.to };
    case 'wait':
      return { state: 'working', message: step.message };
    case 'await-approval':
      return { state: 'working', reason: 'ApprovalRequired', message: step.id };
    case 'retry-later':
      return { state: 'retrying', reason: step.reason, message: step.message };
    case 'stall':
      return { state: 'stalled', reason: step.reason, message: step.message };
    case 'rest':
      return { state: 'ready', message: step.to };
    case 'review':
    case 'refuse':
    case 'release':
      return undefined;
  }
}

describe('for every input', () => {
  test('there is a step, its times are sane, and its message says something', () => {
    always((step, { stack }) => {
      expect(step.to).toMatch(
        /^(create|update|review|await-approval|act|refuse|delete|release|watch|wait|retry-later|rest|stall)$/,
      );
      for (const time of ['ms' in step ? step.ms : 1, 'againMs' in step ? step.againMs : 1]) {
        expect(time).toBeGreaterThan(0);
        expect(time).toBeLessThanOrEqual(MAX_RETRY_MS);
      }
      if (step.to === 'watch') expect(stack?.state.status).toBe('IN_PROGRESS');
      // Of a failure, the stack's resources tell.
      if ('message' in step && !('failure' in step && step.failure))
        expect(step.message).toMatch(/^\S.{3,}/s);
      if ('message' in step) expect(step.message).not.toContain('undefined');
    });
  });

  test('the conditions keep their invariants', () => {
    always((step) => {
      const outcome = outcomeOf(step);
      if (!outcome) return;
      const conditions = summarise({ generation: 1, outcome, now: 0 });
      const is = (type: string) => conditions.find((condition) => condition.type === type)?.status;
      const marks = [is('Reconciling'), is('Stalled')].filter((status) => status === 'True');
      const expected = { True: [0, undefined, undefined], False: [1, is('Reconciling'), is('Stalled')] };
      const unknown = [1, 'True', undefined];
      const ready = is('Ready');
      const wants = ready === 'True' || ready === 'False' ? expected[ready] : unknown;
      expect([marks.length, is('Reconciling'), is('Stalled')]).toEqual(wants);
    });
  });

  test("nothing is written to a stack that isn't the object's, but to adopt it", () => {
    always((step, { wanted, stack, review }) => {
      if (step.to === 'update' && step.why === 'adopt') {
        expect(wanted).toMatchObject({ managed: true, imports: true, deleting: false });
        expect(stack?.whose).toMatch(wanted.takeOwnership ? /^(nobody|other)$/ : /^nobody$/);
        const isHarmless = review?.changes === 0 && review.blocked.length === 0;
        expect(review?.approved || (isHarmless && wanted.approval === 'automatic')).toBe(true);
        expect(stack?.state.status).toMatch(/^(COMPLETE|FAILED)$/);
      } else if (isWrite(step) && step.to !== 'create') {
        expect(stack?.whose).toBe('ours');
      }
    });
  });

  test('a stack is made only when none is there, and none is to be imported', () => {
    always((step, { wanted, sight }) => {
      if (step.to !== 'create') return;
      expect(sight.is).toMatch(/^(absent|gone)$/);
      expect(wanted).toMatchObject({ managed: true, imports: false, deleting: false });
    });
  });

  test('what is unmanaged, or out of sight, is not written to, nor is a write to it previewed', () => {
    always((step, { wanted, sight }) => {
      const outOfSight = ['elsewhere', 'foreign', 'ambiguous', 'held'].includes(sight.is);
      if (wanted.managed && !outOfSight) return;
      expect(isWrite(step)).toBe(false);
      expect(step.to).not.toMatch(/review|await-approval/);
    });
  });

  test('plans that are to be approved are carried out when they are, and never before', () => {
    always((step, { wanted, review }) => {
      if (wanted.approval !== 'manual' || wanted.deleting) return;
      expect(step.to).not.toBe('delete');
      if (step.to === 'create' || step.to === 'update') expect(review?.approved).toBe(true);
    });
  });

  test('what is protected is not updated before a look at what that would do', () => {
    always((step, { wanted, review }) => {
      if (!wanted.protects || step.to !== 'update') return;
      expect(review?.approved || review?.blocked.length === 0).toBe(true);
    });
  });

  test('a review decides: after it the step that it was for is carried out, or somebody is needed', () => {
    always((step, { wanted, remembered, sight, review }) => {
      if (review) expect(step.to).not.toBe('review');
      if (step.to !== 'review') return;
      const decide = (said: Partial<Review>) => plan(wanted, remembered, sight, { ...NO_CHANGES, ...said });
      expect(decide({ ...BLOCKED, approved: true })).toEqual(step.step);
      expect(decide(BLOCKED)).toMatchObject({ to: 'stall', reason: 'ReplacementBlocked' });
      const isManual = wanted.approval === 'manual';
      expect(decide({})).toEqual(isManual ? { to: 'await-approval', id: 'plan-1' } : step.step);
      // Changes are what an update is for, and what an adoption isn't.
      const mustAsk = isManual || (step.step.to === 'update' && step.step.why === 'adopt');
      expect(decide({ changes: 1 })).toEqual(mustAsk ? { to: 'await-approval', id: 'plan-1' } : step.step);
    });
  });

  test('only a deletion deletes, or the wanted recreate of a stack that was never whole', () => {
    always((step, { wanted, remembered, stack }) => {
      if (step.to !== 'delete' || wanted.deleting) return;
      expect(wanted.remediation.create.strategy).toBe('recreate');
      expect(wanted).toMatchObject({ protects: false, approval: 'automatic' });
      expect(remembered.applied).toBeUndefined();
      expect(stack?.stackStatus).toMatch(/^(CREATE_FAILED|DELETE_(FAILED|IN_PROGRESS))$/);
    });
  });

  test('a deletion only deletes and lets go, and where the stack is to stay it lets go at once', () => {
    always((step, { wanted: { deleting, managed, onDelete } }) => {
      if (!deleting) {
        expect(step.to).not.toBe('release');
        return;
      }
      expect(step.to).toMatch(/^(delete|release|watch|wait|retry-later|stall)$/);
      if (!managed) expect(step).toEqual({ to: 'release', why: 'unmanaged' });
      else if (onDelete === 'detach') expect(step).toEqual({ to: 'release', why: 'detached' });
    });
  });

  test('the object is let go only when its stack is gone, never will be, or stays', () => {
    always((step, { wanted: { managed, onDelete, createMayComeMs }, sight, stack }) => {
      if (step.to !== 'release' || onDelete === 'detach' || !managed) return;
      expect(stack?.whose).not.toBe('ours');
      expect(['absent', 'gone', 'foreign', 'ambiguous', 'held', 'present']).toContain(sight.is);
      if (sight.is === 'absent' || sight.is === 'held') expect(createMayComeMs).toBe(0);
    });
  });

  test('a state that is not known is left alone', () => {
    always((step, { wanted, stack }) => {
      if (wanted.deleting || stack?.state.status !== 'UNKNOWN') return;
      expect(step.to).toMatch(/^(wait|refuse|stall)$/);
      if (step.to === 'stall') expect(step.reason).toBe('NameConflict');
    });
  });

  test('work in progress is left alone, unless it is canceled, overtaken as wanted, or overdue', () => {
    always((step, { wanted, remembered, stack }) => {
      if (wanted.deleting || stack?.state.status !== 'IN_PROGRESS') return;
      const write = step.to === 'review' ? step.step : step;
      if (!isWrite(write)) return;
      if (write.to === 'act') {
        expect(write.verb).toMatch(/^cancel-/);
        return;
      }
      if (write.to === 'update') expect(stack.state.action).toMatch(/^(CREATE|UPDATE|ROLLBACK)$/);
      if (stack.operationAgeMs > wanted.overdueMs) return;
      expect(write).toEqual({ to: 'update', why: 'changed' });
      expect(wanted.updatePolicy).toBe('supersede');
      expect(remembered.attempted).not.toBe(wanted.digest);
    });
  });

  test('an action is carried out or refused as soon as nothing is in progress, and before all else', () => {
    always((step, { wanted, remembered, sight, stack, review }) => {
      if (step.to === 'act' || step.to === 'refuse') expect(step.verb).toBe(wanted.verb);
      if (step.to === 'act') {
        const pattern = step.verb.startsWith('cancel') ? /_IN_PROGRESS$/ : /_(COMPLETE|FAILED)$/;
        expect(stack?.stackStatus).toMatch(pattern);
        expect(stack?.state.action).not.toBe('DELETE');
      }
      if (!wanted.verb || wanted.deleting) return;
      if (!stack || /^(COMPLETE|FAILED)$/.test(stack.state.status)) expect(step.to).toMatch(/^(act|refuse)$/);
      const other = plan({ ...wanted, verb: undefined }, remembered, sight, review);
      expect(other.to).not.toMatch(/^(act|refuse)$/);
      // One that has to wait changes nothing.
      if (step.to !== 'act' && step.to !== 'refuse') expect(step).toEqual(other);
    });
  });

  test('a stack that has the wanted inputs and is well rests, unless it is suspended or something is asked for', () => {
    always((step, { wanted, stack }) => {
      if (wanted.deleting || wanted.force || wanted.verb || stack?.whose !== 'ours') return;
      const { state, live } = stack;
      if (state.status !== 'COMPLETE' || ['SUSPEND', 'DELETE'].includes(state.action)) return;
      if (live === wanted.digest || !wanted.managed) expect(step).toEqual({ to: 'rest', drifted: false });
    });
  });

  test('what others changed is told or put back as wanted, and only what was whole counts as changed', () => {
    always((step, { wanted, remembered, stack }) => {
      const write = step.to === 'review' ? step.step : step;
      const putsBack = write.to === 'update' && write.why === 'drift';
      if (putsBack) expect(wanted.driftMode).toBe('enabled');
      if (step.to === 'rest' && step.drifted) expect(wanted.driftMode).not.toBe('disabled');
      const ignores = step.to === 'rest' && wanted.managed && stack?.live !== wanted.digest;
      if (ignores && wanted.driftMode === 'enabled') expect(remembered.attempts).toBeGreaterThanOrEqual(3);
      if (ignores && stack?.isLate && stack.state.action === 'UPDATE')
        expect(remembered.attempts).toBeGreaterThanOrEqual(3);
      if (putsBack || ignores)
        expect(remembered).toMatchObject({ applied: wanted.digest, attempted: wanted.digest });
    });
  });

  test('the same inputs are sent again only as often as wanted', () => {
    always((step, { wanted, remembered, stack }) => {
      const write = step.to === 'review' ? step.step : step;
      if (write.to !== 'update' || write.why === 'forced' || write.why === 'adopt') return;
      if (write.why === 'changed') {
        expect(remembered.attempted ?? stack?.live).not.toBe(wanted.digest);
        return;
      }
      const { create, update } = wanted.remediation;
      const retries = Math.max(create.retries, update.retries);
      // What was sent isn't known after a lost status, nor after a create that wasn't answered.
      if (write.why === 'overdue' && remembered.attempted !== wanted.digest) return;
      const most = { retry: retries, lost: 3, overdue: 1, drift: 1, late: 3 }[write.why];
      expect(remembered.attempts).toBeLessThan(most);
      if (write.why === 'retry') {
        expect(stack?.stackStatus).toMatch(
          /^((CREATE|UPDATE|ROLLBACK|ADOPT|INIT)_FAILED|ROLLBACK_COMPLETE)$/,
        );
        expect(remembered.applied === undefined ? create.strategy : update.strategy).not.toBe('none');
      }
    });
  });
});
