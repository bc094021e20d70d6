import { clip } from '../api/clip.ts';
import type { HandledAction } from '../api/heat-stack.ts';
import { STATUS_LIMITS } from '../api/limits.ts';
import type { Sight, Step } from './plan.ts';
import type { Reconciliation } from './reconciliation.ts';
import { parseState } from './stack-state.ts';
import { isCancel, overtakes, progressOf, type Request, underWay, type Verb } from './verbs.ts';
import { causeOf } from './verdict.ts';

const LOOK_AGAIN_MS = 1_000;
const MAX_NAME_LENGTH = 100;

/**
 * What the annotation `heatstack.dev/action` asks for, from the request to its end, in status and Events.
 *
 * An action is noted before it is sent. So it is sent at most once, whatever happens to the operator in between; what
 * became of it is read from the stack.
 */
export class Actions {
  readonly #run: Reconciliation;

  constructor(run: Reconciliation) {
    this.#run = run;
  }

  /** What is to be carried out now; nothing while another action is under way. */
  get wanted(): Verb | undefined {
    const request = this.#readable;
    const { lastHandledAction, stackStatus } = this.#run.status;
    const current = underWay(lastHandledAction);
    if (!request || (current && !overtakes(request.verb, current, stackStatus))) return undefined;
    return request.verb;
  }

  /**
   * Notes what became of the action under way, and refuses what can't be read.
   *
   * @returns a step when it is too early to plan one
   */
  settle(sight: Sight): Step | undefined {
    const run = this.#run;
    const verb = underWay(run.status.lastHandledAction);
    if (verb) {
      const { before, status, memory, now } = run;
      memory.actionSentAt ??= now;
      const moved = before.stackStatus !== status.stackStatus || before.updatedAt !== status.updatedAt;
      const progress = progressOf(verb, sight, { moved, sentMs: now - memory.actionSentAt });
      if (progress.is === 'unclear') {
        return {
          to: 'wait',
          ms: LOOK_AGAIN_MS,
          message: `Heat was asked for "${verb}" of stack ${status.stackName}`,
        };
      }
      if (progress.is === 'open') return undefined;
      this.#end(verb, progress);
    }
    const { request } = run;
    if (request && 'refusal' in request) this.#refuse(request, request.refusal, request.token);
    return undefined;
  }

  /** Notes that an action is about to be sent. @returns what was noted before, for {@link withdraw} */
  begin(verb: Verb): HandledAction | undefined {
    const { status, memory, now, request } = this.#run;
    const former = status.lastHandledAction;
    status.lastHandledAction = { token: request?.token ?? '', verb, result: 'InProgress' };
    memory.actionSentAt = now;
    return former;
  }

  /** Says that an action was sent. */
  begun(): void {
    const { status } = this.#run;
    this.#run.event(
      'Normal',
      'ActionStarted',
      'Act',
      `${this.#name}: sent to Heat for stack ${status.stackName}`,
    );
  }

  /** Takes back that an action was sent: Heat didn't take it, and it is to be tried again. */
  withdraw(former: HandledAction | undefined): void {
    delete this.#run.status.lastHandledAction;
    if (former) this.#run.status.lastHandledAction = former;
  }

  /** Notes why the action that is asked for, or that Heat was asked for just now, is not carried out. */
  refuse(message: string): void {
    const { request, status } = this.#run;
    const refused = request ?? status.lastHandledAction;
    if (refused) this.#refuse(refused, message);
  }

  get #readable(): Extract<Request, { verb: Verb }> | undefined {
    const { request } = this.#run;
    return request && !('refusal' in request) ? request : undefined;
  }

  /** How Events name the action that was sent last. */
  get #name(): string {
    const { verb, token } = this.#run.status.lastHandledAction ?? {};
    return clip(`${verb}@${token}`, MAX_NAME_LENGTH);
  }

  #refuse(
    { token, verb }: Pick<HandledAction, 'token' | 'verb'>,
    message: string,
    name = `${verb}@${token}`,
  ): void {
    const result = clip(`Refused: ${message}`, STATUS_LIMITS.text);
    this.#run.status.lastHandledAction = { token, verb, result };
    this.#run.event('Warning', 'ActionRefused', 'Act', `${clip(name, MAX_NAME_LENGTH)}: ${message}`);
  }

  #end(verb: Verb, { result, why }: { result: 'Succeeded' | 'Failed'; why: string }): void {
    const { status, spec } = this.#run;
    if (status.lastHandledAction) status.lastHandledAction = { ...status.lastHandledAction, result };
    const hasFailed = parseState(status.stackStatus ?? '').status === 'FAILED';
    const cause = result === 'Failed' && hasFailed ? `: ${causeOf(status) ?? 'Heat gives no reason'}` : '';
    if (result === 'Succeeded') this.#run.event('Normal', 'ActionSucceeded', 'Act', `${this.#name}: ${why}`);
    else this.#run.event('Warning', 'ActionFailed', 'Act', `${this.#name}: ${why}${cause}`);
    // Whoever cancels doesn't want the same to be sent again: no try is left.
    if (result === 'Succeeded' && isCancel(verb)) {
      const { create, update } = spec.remediation;
      status.attempts = Math.max(status.attempts ?? 0, create.retries, update.retries);
    }
  }
}

/** Whether the operation that ended last was cancelled by the annotation. */
export function wasCancelled({ verb, result }: HandledAction): boolean {
  return isCancel(verb) && result === 'Succeeded';
}

/** Whether the annotation asked for the suspension of the stack. */
export function wasSuspended({ verb, result }: HandledAction): boolean {
  return verb === 'stack-suspend' && result !== 'InProgress' && !result.startsWith('Refused');
}
