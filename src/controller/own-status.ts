import { FIELD_MANAGER } from '../api/constants.ts';
import type { Condition, HeatStack, HeatStackStatus } from '../api/heat-stack.ts';
import type { ConditionType } from '../api/reasons.ts';
import { claimedTie } from './digest.ts';

/** Whether somebody else wrote to the status after the operator did, as when it was down. */
export function hasForeignStatus({ metadata }: HeatStack): boolean {
  const writers = (metadata.managedFields ?? []).filter(({ subresource }) => subresource === 'status');
  const ours = writers.filter(({ manager }) => manager === FIELD_MANAGER).map(({ time = '' }) => time);
  // An older entry only says who else wrote before: it stays when what was healed is a part of it.
  return writers.some(
    ({ manager, time = '' }) => manager !== FIELD_MANAGER && ours.every((own) => own < time),
  );
}

const HANDLED = [
  'lastHandledReconcileAt',
  'lastHandledForceAt',
  'lastHandledResetAt',
  'lastHandledAction',
] as const;

/** What a status that somebody else wrote to may still say: the stack's id, if its proof holds, and what was handled. */
export function provable(status: HeatStackStatus): HeatStackStatus {
  const kept = pick(status, ['id', 'stackName', 'cloud', 'ownership', 'conditions', ...HANDLED]);
  return { observedGeneration: -1, ...kept };
}

/** A status without anything about a stack: what was done, asked for and planned stays, and how often a create was tried. */
export function withoutStack(status: HeatStackStatus): HeatStackStatus {
  const { observedGeneration } = status;
  return { observedGeneration, ...pick(status, ['conditions', 'attempts', 'plan', 'history', ...HANDLED]) };
}

/** What a status says of the inputs that were sent. */
const OF_INPUTS: readonly (keyof HeatStackStatus)[] = [
  'appliedDigest',
  'attemptedDigest',
  'attemptedSince',
  'hidesInputs',
  'attempts',
  'plan',
  'drift',
];

/** A status that tells of a stack, and of no inputs that were sent for it. */
export function withoutInputs(status: HeatStackStatus): HeatStackStatus {
  const { observedGeneration } = status;
  const names = Object.keys(status) as (keyof HeatStackStatus)[];
  return {
    observedGeneration,
    ...pick(
      status,
      names.filter((name) => !OF_INPUTS.includes(name)),
    ),
  };
}

function pick(
  status: HeatStackStatus,
  names: readonly (keyof HeatStackStatus)[],
): Omit<HeatStackStatus, 'observedGeneration'> {
  return Object.fromEntries(Object.entries(status).filter(([name]) => names.some((each) => each === name)));
}

/** The Ready condition. */
export function readyOf(status: HeatStackStatus): Condition | undefined {
  return status.conditions?.find(({ type }) => type === 'Ready');
}

/** Whether a condition is True. */
export function isTrue({ conditions = [] }: HeatStackStatus, type: ConditionType): boolean {
  return conditions.some((condition) => condition.type === type && condition.status === 'True');
}

/** Whether the stack in a status is one that the object only observes. */
export function isOnlyObserved({ ownership }: HeatStackStatus): boolean {
  return claimedTie(ownership) === 'observed';
}

/** Whether the stack in a status was somebody else's before it was the object's own. */
export function isAdopted({ ownership }: HeatStackStatus): boolean {
  return claimedTie(ownership) === 'adopted';
}

/** Whether a condition is there, whatever it says. */
export function hasCondition({ conditions = [] }: HeatStackStatus, type: ConditionType): boolean {
  return conditions.some((condition) => condition.type === type);
}

/** Whether nothing was left to do when the status was written. */
export function isSettled({ conditions = [] }: HeatStackStatus): boolean {
  // What was wrong with the inputs may be right by now, without a change of the object.
  return conditions.some(
    ({ type, status, reason }) =>
      (type === 'Ready' || type === 'Stalled') && status === 'True' && reason !== 'InvalidConfiguration',
  );
}
