import fc from 'fast-check';
import { expect, test } from 'vitest';
import { plan, type Remembered, type Sight, type Step, type Wanted } from './plan.ts';
import { parseState } from './stack-state.ts';

/**
 * `plan` drives a small Heat that fails, loses, forgets and sticks, and is meddled with by others. Whatever
 * happens, as long as it stops happening: the planner comes to rest or says that it needs help, within a bounded
 * number of steps, and never makes a second stack.
 */

const OPERATION_MS = 40_000;
const OVERDUE_MS = 3_600_000;
const MOST_STEPS = 150;

/** What becomes of the next operation that Heat takes. */
type Fate =
  | 'works'
  | 'fails'
  /** Answered 202, and never carried out: another operation won the race inside Heat. */
  | 'lost'
  /** In progress for ever, until another operation takes over. */
  | 'stuck'
  /** Somebody deletes the stack meanwhile. */
  | 'deleted by somebody'
  /** Somebody updates the stack with inputs of his own afterwards. */
  | 'updated by somebody'
  /** The operator dies before it can write down what it did. */
  | 'crash';

interface Stack {
  id: number;
  status: string;
  /** Digest of the inputs that Heat has; `undefined` for somebody else's. */
  live: string | undefined;
  /** What it had before, for a rollback. */
  previous: string | undefined;
  fate: Fate;
  since: number;
  rollback: boolean;
}

class Heat {
  now = 0;
  /** Ids of all stacks ever made. */
  made = 0;
  stack: Stack | undefined;
  /** The name of a deleted stack is not free at once. */
  heldUntil = 0;
  readonly #fates: Fate[];
  readonly #forever: boolean;

  /** @param forever whether the fates begin anew after the last; otherwise all works then. */
  constructor(fates: readonly Fate[], forever = false) {
    this.#fates = [...fates];
    this.#forever = forever;
  }

  nextFate(): Fate {
    const fate = this.#fates.shift() ?? 'works';
    if (this.#forever) this.#fates.push(fate);
    return fate;
  }

  /** @returns whether the answer was 201; 409 otherwise. */
  create(digest: string, rollback: boolean, fate: Fate): boolean {
    if (this.stack && this.stack.status !== 'DELETE_COMPLETE') throw new Error('a second stack');
    if (this.now < this.heldUntil) return false;
    this.made += 1;
    const [status, previous] = ['CREATE_IN_PROGRESS', undefined];
    this.stack = { id: this.made, status, live: digest, previous, fate, since: this.now, rollback };
    return true;
  }

  update(digest: string, rollback: boolean, fate: Fate): void {
    const { stack } = this;
    if (!stack || /^(DELETE|SUSPEND)/.test(stack.status)) throw new Error(`400 for ${stack?.status}`);
    if (fate === 'lost') return;
    const previous = stack.live;
    Object.assign(stack, {
      status: 'UPDATE_IN_PROGRESS',
      live: digest,
      previous,
      fate,
      since: this.now,
      rollback,
    });
  }

  delete(fate: Fate): void {
    if (!this.stack) throw new Error('404');
    if (fate === 'lost') return;
    Object.assign(this.stack, { status: 'DELETE_IN_PROGRESS', fate, since: this.now });
  }

  /** Lets time pass; work in progress ends. */
  pass(ms: number): void {
    this.now += ms;
    const { stack } = this;
    if (!stack) return;
    const [action = '', state] = stack.status.split(/_(.*)/);
    if (state === 'IN_PROGRESS') this.#end(stack, action);
    else if (stack.status === 'DELETE_COMPLETE' && this.now >= this.heldUntil) this.stack = undefined;
    // The failure that a rollback follows is shown for a moment only.
    else if (state === 'FAILED' && stack.rollback && /^(CREATE|UPDATE)$/.test(action)) {
      Object.assign(stack, { status: 'ROLLBACK_IN_PROGRESS', live: stack.previous, fate: this.nextFate() });
      stack.since = this.now;
    }
  }

  #end(stack: Stack, action: string): void {
    const { fate } = stack;
    if (fate === 'stuck' || this.now - stack.since < OPERATION_MS) return;
    if (fate === 'deleted by somebody' || (action === 'DELETE' && fate !== 'fails')) {
      stack.status = 'DELETE_COMPLETE';
      this.heldUntil = this.now + 900;
    } else if (fate === 'updated by somebody')
      Object.assign(stack, { status: 'UPDATE_COMPLETE', live: undefined });
    else stack.status = `${action}_${fate === 'fails' ? 'FAILED' : 'COMPLETE'}`;
  }
}

/** Does what the reconciler does around `plan`: looks, remembers, carries out. */
class Operator {
  readonly heat: Heat;
  wanted: Wanted;
  steps: Step[] = [];
  #remembered: Remembered = { applied: undefined, attempted: undefined, attempts: 0 };
  #id: number | undefined;
  #name: 'free' | 'held' = 'free';
  #seen = { what: '', since: 0 };

  constructor(heat: Heat, wanted: Wanted) {
    this.heat = heat;
    this.wanted = wanted;
  }

  /** Works until nothing is left to do, or only to try a delete again every now and then. @returns the last step. */
  run({ untilStalled = false } = {}): Step {
    this.steps = [];
    for (;;) {
      const sight = this.#look();
      this.#forgetFailuresOfOtherInputs();
      const step = plan(this.wanted, this.#remembered, sight);
      this.steps.push(step);
      if (this.steps.length > MOST_STEPS) throw new Error(`no end: ${JSON.stringify(this.steps.slice(-8))}`);
      if (this.#carryOut(step) || (untilStalled && step.to === 'stall')) return step;
    }
  }

  change(wanted: Partial<Wanted>): void {
    this.wanted = { ...this.wanted, ...wanted, asked: true };
  }

  #look(): Sight {
    const { stack, now } = this.heat;
    if (this.#name === 'held') {
      this.#name = 'free';
      return { is: 'held', message: '', heldForMs: 0 };
    }
    if (!stack) return this.#id === undefined ? { is: 'absent' } : { is: 'gone' };
    if (stack.status === 'DELETE_COMPLETE' && this.#id === undefined && !this.wanted.deleting)
      return { is: 'held', message: '', heldForMs: 0 };
    this.#id = stack.id;
    const state = parseState(stack.status);
    const { attempted, applied } = this.#remembered;
    const failed = state.status === 'FAILED' && attempted !== undefined;
    const live = state.status === 'IN_PROGRESS' ? undefined : failed ? attempted : stack.live;
    if (state.status === 'COMPLETE' && live !== undefined) {
      const known = live === attempted || state.action === 'ROLLBACK' || applied === undefined;
      if (known) this.#remembered = { ...this.#remembered, applied: live };
    }
    const what = `${stack.id} ${stack.status} ${stack.since}`;
    if (this.#seen.what !== what) this.#seen = { what, since: now };
    const times = { operationAgeMs: now - stack.since, seenForMs: now - this.#seen.since };
    return {
      is: 'present',
      stack: { name: 'web', whose: 'ours', state, stackStatus: stack.status, live, ...times },
    };
  }

  #forgetFailuresOfOtherInputs(): void {
    const { attempted } = this.#remembered;
    const { deleting, digest } = this.wanted;
    if (!deleting && attempted !== undefined && attempted !== digest)
      this.#remembered = { ...this.#remembered, attempts: 0 };
  }

  /** @returns whether nothing is left to do. */
  #carryOut(step: Step): boolean {
    const { heat } = this;
    const { digest, rollback, overdueMs } = this.wanted;
    const { attempted, attempts, applied } = this.#remembered;
    switch (step.to) {
      case 'create': {
        const fate = heat.nextFate();
        this.#id = undefined;
        this.#remembered = { applied: undefined, attempted: undefined, attempts: applied ? 0 : attempts };
        if (!heat.create(digest, rollback, fate)) this.#name = 'held';
        else if (fate !== 'crash') {
          this.#id = heat.stack?.id;
          this.#remembered = { ...this.#remembered, attempted: digest };
        }
        break;
      }
      case 'update': {
        const fate = heat.nextFate();
        heat.update(digest, rollback, fate);
        const again = step.why === 'changed' || step.why === 'forced' ? 0 : attempts + 1;
        if (fate !== 'crash') this.#remembered = { applied, attempted: digest, attempts: again };
        this.wanted = { ...this.wanted, force: false };
        break;
      }
      case 'delete': {
        const fate = heat.nextFate();
        heat.delete(fate);
        if (fate !== 'crash') {
          this.#remembered = { applied, attempted, attempts: step.why === 'deleting' ? 0 : attempts + 1 };
        }
        break;
      }
      case 'watch':
        heat.pass(heat.stack?.fate === 'stuck' ? overdueMs + 1 : OPERATION_MS);
        return false;
      case 'wait':
      case 'retry-later':
        heat.pass(step.ms);
        return false;
      case 'rest':
        this.#remembered = { applied: digest, attempted: digest, attempts: 0 };
        this.wanted = { ...this.wanted, asked: false };
        return true;
      case 'stall':
        this.wanted = { ...this.wanted, asked: false };
        if (step.againMs === undefined) return true;
        heat.pass(step.againMs);
        return false;
      case 'release':
        return true;
    }
    heat.pass(1000);
    return false;
  }
}

const fates = fc.array(
  fc.constantFrom<Fate[]>(
    'works',
    'fails',
    'lost',
    'stuck',
    'deleted by somebody',
    'updated by somebody',
    'crash',
  ),
  { maxLength: 12 },
);
const wanted: fc.Arbitrary<Wanted> = fc.record({
  deleting: fc.constant(false),
  managed: fc.constant(true),
  imports: fc.constant(false),
  takeOwnership: fc.constant(false),
  driftMode: fc.constant('warn' as const),
  updatePolicy: fc.constant('wait' as const),
  approval: fc.constant('automatic' as const),
  protects: fc.constant(false),
  verb: fc.constant(undefined),
  onDelete: fc.constant('delete' as const),
  onExternalDeletion: fc.constantFrom('recreate', 'stall'),
  digest: fc.constant('one'),
  asked: fc.constant(true),
  createMayComeMs: fc.constant(0),
  force: fc.boolean(),
  rollback: fc.boolean(),
  remediation: fc.record({
    create: fc.record({ retries: fc.nat(4), strategy: fc.constantFrom('update', 'recreate', 'none') }),
    update: fc.record({ retries: fc.nat(4), strategy: fc.constantFrom('update', 'none') }),
    retryIntervalMs: fc.constantFrom(1000, 30_000, 900_000),
  }),
  overdueMs: fc.constant(OVERDUE_MS),
});

/** The operator rests with the wanted inputs in Heat, or somebody else's of which it knows, or it asks for help. */
function expectSettled(operator: Operator, step: Step): void {
  const { stack } = operator.heat;
  if (step.to === 'rest') {
    expect(stack?.status).toMatch(/_COMPLETE$/);
    if (!step.drifted) expect(stack?.live).toBe(operator.wanted.digest);
    return;
  }
  expect(step.to).toBe('stall');
  // Not at the failure that a rollback is about to follow.
  if (stack?.rollback) expect(stack.status).not.toMatch(/^(CREATE|UPDATE)_FAILED$/);
}

test('a stack is created, changed and deleted, whatever goes wrong for a while', () => {
  fc.assert(
    fc.property(fates, fates, wanted, (first, second, spec) => {
      const operator = new Operator(new Heat(first), spec);
      expectSettled(operator, operator.run());

      // Nothing goes wrong any more: what was stalled, a change of the object sets going.
      const { stack, made } = operator.heat;
      const calm = new Heat([]);
      Object.assign(calm, { stack: stack && { ...stack, fate: 'works' }, made, now: operator.heat.now });
      Object.assign(operator, { heat: calm });
      operator.change({ digest: 'two' });
      if (calm.stack?.status.startsWith('DELETE_')) {
        // Heat refuses updates then, so that the message asks to finish the deletion in Heat.
        operator.run();
        calm.delete('works');
      }
      expectHealthy(operator, operator.run());

      Object.assign(operator, { heat: inherit(calm, second) });
      operator.change({ deleting: true, digest: '' });
      expect(operator.run()).toEqual({ to: 'release', why: 'gone' });
      expect(operator.heat.stack).toBeUndefined();
    }),
    { numRuns: 2000 },
  );
});

test('what never works is given up after a few tries', () => {
  const hopeless = fc.array(fc.constantFrom<Fate[]>('fails', 'lost', 'stuck'), {
    minLength: 1,
    maxLength: 3,
  });
  fc.assert(
    fc.property(hopeless, wanted, (fates, spec) => {
      const operator = new Operator(new Heat(fates, true), spec);
      for (const digest of ['one', 'two']) {
        operator.change({ digest });
        expectSettled(operator, operator.run({ untilStalled: true }));
        const writes = operator.steps.filter((step) => /create|update|delete/.test(step.to));
        const { create, update } = spec.remediation;
        expect(writes.length).toBeLessThanOrEqual(4 + 3 * Math.max(create.retries, update.retries));
      }
    }),
    { numRuns: 1000 },
  );
});

function expectHealthy(operator: Operator, step: Step): void {
  expect(step).toEqual({ to: 'rest', drifted: false });
  expect(operator.heat.stack?.live).toBe(operator.wanted.digest);
}

function inherit(heat: Heat, fates: readonly Fate[]): Heat {
  return Object.assign(new Heat(fates), { stack: heat.stack, made: heat.made, now: heat.now });
}
