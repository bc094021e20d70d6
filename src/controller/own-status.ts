import { FIELD_MANAGER } from '../api/constants.ts';
import type { Condition, HeatStack, HeatStackStatus } from '../api/heat-stack.ts';

/** Whether somebody else wrote to the status after the operator did, as when it was down. */
export function hasForeignStatus({ metadata }: HeatStack): boolean {
  const writers = (metadata.managedFields ?? []).filter(({ subresource }) => subresource === 'status');
  const ours = writers.filter(({ manager }) => manager === FIELD_MANAGER).map(({ time = '' }) => time);
  // An older entry only says who else wrote before: it stays when what was healed is a part of it.
  return writers.some(
    ({ manager, time = '' }) => manager !== FIELD_MANAGER && ours.every((own) => own < time),
  );
}

/** What a status that somebody else wrote to may still say: the stack's id, if its proof holds, and what was handled. */
export function provable(status: HeatStackStatus): HeatStackStatus {
  const {
    id,
    stackName,
    cloud,
    ownership,
    conditions,
    lastHandledReconcileAt,
    lastHandledForceAt,
    lastHandledResetAt,
  } = status;
  return defined({
    observedGeneration: -1,
    id,
    stackName,
    cloud,
    ownership,
    conditions,
    lastHandledReconcileAt,
    lastHandledForceAt,
    lastHandledResetAt,
  });
}

/** A status without anything about a stack: what was asked for and handled stays, and how often a create was tried. */
export function withoutStack(status: HeatStackStatus): HeatStackStatus {
  const { observedGeneration, conditions, attempts } = status;
  const { lastHandledReconcileAt, lastHandledForceAt, lastHandledResetAt } = status;
  return defined({
    observedGeneration,
    conditions,
    lastHandledReconcileAt,
    lastHandledForceAt,
    lastHandledResetAt,
    attempts,
  });
}

function defined(status: { [K in keyof HeatStackStatus]: HeatStackStatus[K] | undefined }): HeatStackStatus {
  return Object.fromEntries(
    Object.entries(status).filter(([, value]) => value !== undefined),
  ) as unknown as HeatStackStatus;
}

/** The Ready condition. */
export function readyOf(status: HeatStackStatus): Condition | undefined {
  return status.conditions?.find(({ type }) => type === 'Ready');
}

/** Whether nothing was left to do when the status was written. */
export function isSettled({ conditions = [] }: HeatStackStatus): boolean {
  // What was wrong with the inputs may be right by now, without a change of the object.
  return conditions.some(
    ({ type, status, reason }) =>
      (type === 'Ready' || type === 'Stalled') && status === 'True' && reason !== 'InvalidConfiguration',
  );
}
