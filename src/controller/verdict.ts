import type { Availability } from '../api/conditions.ts';
import type { HeatStackStatus } from '../api/heat-stack.ts';
import type { NotReadyReason } from '../api/reasons.ts';
import { enumerate } from './enumerate.ts';
import { sentAt } from './history.ts';
import { isAdopted } from './own-status.ts';
import type { Sight } from './plan.ts';
import { parseState } from './stack-state.ts';

/** A foreign change of the inputs in words. */
export function describeDrift(fields: readonly string[]): string {
  return `another client changed the inputs (${enumerate(fields)})`;
}

/** What Available says when there is no stack. */
export const NO_STACK: Availability = {
  status: 'False',
  reason: 'StackNotFound',
  message: 'No stack of this object is known.',
};

/** What Available says after a look; `undefined` when the look tells nothing about the stack. */
export function availabilityAt(sight: Sight, status: HeatStackStatus): Availability | undefined {
  switch (sight.is) {
    case 'present':
      return availabilityOf(status);
    case 'elsewhere':
      return undefined;
    default:
      return NO_STACK;
  }
}

/** What Available says of the stack in the status; `undefined` while an update leaves it open. */
export function availabilityOf({
  stackStatus = '',
  stackName,
  resourceSummary,
}: HeatStackStatus): Availability | undefined {
  const { action, status } = parseState(stackStatus);
  if (status === 'COMPLETE' && action !== 'DELETE') {
    const failed = resourceSummary?.failed ?? 0;
    if (failed > 0)
      return {
        status: 'False',
        reason: 'ResourceUnhealthy',
        message: `${failed} resources of stack ${stackName} are not well.`,
      };
    return { status: 'True', reason: 'Succeeded', message: `Stack ${stackName} is ${stackStatus}.` };
  }
  if (status === 'FAILED')
    return { status: 'False', reason: 'StackFailed', message: `Stack ${stackName} is ${stackStatus}.` };
  if (status === 'IN_PROGRESS' && (action === 'CREATE' || action === 'DELETE')) {
    return { status: 'False', reason: 'Progressing', message: `Stack ${stackName} is ${stackStatus}.` };
  }
  return undefined;
}

/** Why the stack failed: the first leaf cause, else Heat's own reason. */
export function causeOf({ stackStatusReason, failures = [] }: HeatStackStatus): string | undefined {
  const [first, ...others] = failures;
  if (!first) return stackStatusReason;
  const more = others.length > 0 ? ` (and ${others.length} more, see status.failures)` : '';
  return `${first.path} (${first.type}): ${first.reason}${more}`;
}

/** State and cause of a failure in one line, and which inputs Heat has after a rollback. */
export function failureMessage(status: HeatStackStatus, reason: NotReadyReason, cure = ''): string {
  const { stackStatus, appliedDigest, history } = status;
  const cause = causeOf(status) ?? 'Heat gives no reason';
  const since = sentAt(history, appliedDigest);
  const inputs = since === undefined ? 'the inputs before' : `the inputs of ${since}`;
  const rolledBack =
    appliedDigest || isAdopted(status) ? `went back to ${inputs}` : 'removed what it had made';
  return `${stackStatus}: ${cause}${reason === 'RollbackComplete' ? `; Heat ${rolledBack}` : ''}${cure ? `; ${cure}` : ''}`;
}
