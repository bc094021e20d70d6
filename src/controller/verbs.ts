import { clip } from '../api/clip.ts';
import type { HandledAction } from '../api/heat-stack.ts';
import type { HeatClient } from './heat-client.ts';
import type { SeenStack, Sight } from './plan.ts';

/** What the annotation `heatstack.dev/action` can ask for, as `<verb>@<token>`; each token is carried out once. */
export const VERBS = [
  'check',
  'stack-suspend',
  'stack-resume',
  'cancel-update',
  'cancel-without-rollback',
] as const;
export type Verb = (typeof VERBS)[number];

/** Heat's call for each verb. */
export const CALLS = {
  check: 'checkStack',
  'stack-suspend': 'suspendStack',
  'stack-resume': 'resumeStack',
  'cancel-update': 'cancelUpdate',
  'cancel-without-rollback': 'cancelWithoutRollback',
} as const satisfies Record<Verb, keyof HeatClient>;

/** A value of the annotation: what it asks for, or why that is nothing that can be done. */
export type Request =
  | { token: string; verb: Verb }
  /** `verb`: what stands there in its place. */
  | { token: string; verb: string; refusal: string };

const MAX_VERB_LENGTH = 64;

/** Reads a value of the annotation. One that can't be read is its own token, so that it is refused once. */
export function parseAction(value: string): Request {
  const at = value.indexOf('@');
  const asked = at < 0 ? value : value.slice(0, at);
  const token = value.slice(at + 1);
  const verb = VERBS.find((each) => each === asked);
  if (verb && at > 0 && token !== '') return { token, verb };
  const wrong = verb ? `"${verb}" has no token` : `"${clip(asked, MAX_VERB_LENGTH)}" is no action`;
  const refusal = `${wrong}; write <action>@<token> with another token each time, and one of the actions ${VERBS.join(', ')}`;
  return { token: value, verb: clip(asked, MAX_VERB_LENGTH), refusal };
}

/** The action that was sent to Heat and whose end wasn't seen yet. */
export function underWay(handled: HandledAction | undefined): Verb | undefined {
  return handled?.result === 'InProgress' ? VERBS.find((verb) => verb === handled.verb) : undefined;
}

/** Whether a request can be dealt with before the end of the one under way. Heat may be late to cancel, or never do. */
export function overtakes(verb: Verb, current: Verb, stackStatus: string | undefined): boolean {
  return isCancel(verb) && isCancel(current) && /^(CREATE|UPDATE)_IN_PROGRESS$/.test(stackStatus ?? '');
}

/** Whether a verb ends an operation before its time. */
export function isCancel(verb: string): boolean {
  return verb === 'cancel-update' || verb === 'cancel-without-rollback';
}

/** How an action stands. */
export type Progress =
  /** Heat is at work, or the look tells nothing. */
  | { is: 'open' }
  /** The look is too early to tell. */
  | { is: 'unclear' }
  | { is: 'ended'; result: 'Succeeded' | 'Failed'; why: string };

/** Heat answers before it begins (it carries an action out in a thread of its own). */
const BEGINS_MS = 5_000;
/** A cancelled update shows UPDATE_FAILED for a moment before ROLLBACK_IN_PROGRESS (Heat 27). */
const ROLLS_BACK_MS = 10_000;

/**
 * Tells from a look at Heat what became of an action.
 *
 * @param moved the stack isn't as it was when it was last looked at
 * @param sentMs time since the action was sent, in ms
 */
export function progressOf(
  verb: Verb,
  sight: Sight,
  { moved, sentMs }: { moved: boolean; sentMs: number },
): Progress {
  switch (sight.is) {
    case 'elsewhere':
    case 'ambiguous':
      return { is: 'open' };
    case 'present':
      return progressAt(verb, sight.stack, { moved, sentMs });
    default:
      return { is: 'ended', result: 'Failed', why: 'the stack is gone' };
  }
}

function progressAt(
  verb: Verb,
  { state, stackStatus, seenForMs }: SeenStack,
  { moved, sentMs }: { moved: boolean; sentMs: number },
): Progress {
  const { action, status } = state;
  if (status === 'IN_PROGRESS' || status === 'UNKNOWN') return { is: 'open' };
  if (!moved && sentMs < BEGINS_MS) return { is: 'unclear' };
  const why = `the stack is ${stackStatus}`;
  const ended = (isGood: boolean): Progress => ({
    is: 'ended',
    result: isGood ? 'Succeeded' : 'Failed',
    why,
  });
  if (verb === 'cancel-without-rollback')
    return ended(status === 'FAILED' && (action === 'UPDATE' || action === 'CREATE'));
  if (verb === 'cancel-update') {
    if (action === 'UPDATE' && status === 'FAILED' && seenForMs < ROLLS_BACK_MS) return { is: 'unclear' };
    return ended(action === 'ROLLBACK' && status === 'COMPLETE');
  }
  if (action !== ACTIONS[verb])
    return { is: 'ended', result: 'Failed', why: `${why}: Heat did not begin it` };
  return ended(status === 'COMPLETE');
}

/** What Heat calls the action that a verb begins. */
const ACTIONS = { check: 'CHECK', 'stack-suspend': 'SUSPEND', 'stack-resume': 'RESUME' } as const;
