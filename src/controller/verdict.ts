import type { Availability } from '../api/conditions.ts';
import type { HeatStackStatus } from '../api/heat-stack.ts';
import type { NotReadyReason } from '../api/reasons.ts';
import type { Sight } from './plan.ts';
import { parseState } from './stack-state.ts';

/** How a foreign change of the inputs is called in messages. */
export const DRIFT = 'another client changed the inputs';

/** What Available says when there is no stack. */
export const NO_STACK: Availability = {
  status: 'False',
  reason: 'StackNotFound',
  message: 'There is no stack of this object.',
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

/** Why the stack failed, in one line: the first leaf cause, else Heat's own reason. */
export function failureMessage(status: HeatStackStatus, reason: NotReadyReason, cure = ''): string {
  const { stackStatus, stackStatusReason, appliedDigest, failures = [] } = status;
  const [first, ...others] = failures;
  const cause = first
    ? `${first.path} (${first.type}): ${first.reason}${others.length > 0 ? ` (and ${others.length} more, see status.failures)` : ''}`
    : (stackStatusReason ?? 'Heat gives no reason');
  const rolledBack = appliedDigest ? 'went back to the inputs before' : 'removed what it had made';
  return `${stackStatus}: ${cause}${reason === 'RollbackComplete' ? `; Heat ${rolledBack}` : ''}${cure ? `; ${cure}` : ''}`;
}
