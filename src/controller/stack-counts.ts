import type { HeatStack, HeatStackStatus } from '../api/heat-stack.ts';
import { CONDITION_TYPES, type NotReadyReason } from '../api/reasons.ts';
import type { CacheEvent, KubeObject } from '../kube/index.ts';
import { parseState } from './stack-state.ts';

/** What is counted of a HeatStack: a few words from fixed sets, whoever wrote its status. */
export interface Countable extends KubeObject {
  /** Whether it is this operator's to work on; else another shard counts it. */
  mine: boolean;
  /** `CREATE_COMPLETE`, `none` without a stack, `other` when it isn't one of Heat's states. */
  stackStatus: string;
  /** `Ready=True Drifted=False`. */
  conditions: string;
  /** Why it isn't Ready, `other` when that isn't one of our reasons; missing unless Ready is False. */
  notReadyReason?: string;
  /** When its deletion was asked for, in milliseconds since 1970. */
  deletingSince?: number;
}

const CONDITION_STATUSES = new Set(['True', 'False', 'Unknown']);
const TYPES = new Set<string>(CONDITION_TYPES);
const REASONS: Readonly<Record<string, true>> = {
  CreateFailed: true,
  UpdateFailed: true,
  RollbackComplete: true,
  RollbackFailed: true,
  DeleteFailed: true,
  CheckFailed: true,
  ResumeFailed: true,
  SnapshotFailed: true,
  RestoreFailed: true,
  OperationTimeout: true,
  StackSuspended: true,
  StackDeleting: true,
  StackNotFound: true,
  NameConflict: true,
  ReplacementBlocked: true,
  InvalidConfiguration: true,
  ValidationFailed: true,
  CloudChanged: true,
  CredentialsNotFound: true,
  DependencyNotReady: true,
  AuthenticationFailed: true,
  Forbidden: true,
  OrchestrationNotAvailable: true,
  QuotaExceeded: true,
  TransientError: true,
} satisfies Record<NotReadyReason, true>;

/** What is counted of an object with this status. */
export function countable(
  { stackStatus, conditions = [] }: Pick<HeatStackStatus, 'stackStatus' | 'conditions'>,
  { deletionTimestamp }: Pick<HeatStack['metadata'], 'deletionTimestamp'> = {},
): Omit<Countable, keyof KubeObject | 'mine'> {
  const known = conditions.filter(({ type, status }) => TYPES.has(type) && CONDITION_STATUSES.has(status));
  const ready = known.findLast(({ type }) => type === 'Ready');
  const deletingSince = Date.parse(deletionTimestamp ?? '');
  return {
    stackStatus: stackStatus === undefined || stackStatus === '' ? 'none' : stateOf(stackStatus),
    conditions: [...new Map(known.map(({ type, status }) => [type, `${type}=${status}`])).values()].join(' '),
    ...(ready?.status === 'False' && {
      notReadyReason: Object.hasOwn(REASONS, ready.reason) ? ready.reason : 'other',
    }),
    ...(deletingSince > 0 && { deletingSince }),
  };
}

function stateOf(stackStatus: string): string {
  return parseState(stackStatus).status === 'UNKNOWN' ? 'other' : stackStatus;
}

/** How many HeatStacks there are of each kind, counted as they come, change and go. */
export class StackCounts {
  readonly #statuses = new Map<string, number>();
  readonly #conditions = new Map<string, number>();
  readonly #reasons = new Map<string, number>();
  readonly #deletingSince = new Map<string, number>();

  /** Takes over what changed in the cache of HeatStacks. */
  update({ type, key, object, old }: CacheEvent<Countable>): void {
    const isDeleted = type === 'deleted';
    // A deletion that was only noticed by a new list comes with the object as it was, and without `old`.
    const before = old ?? (isDeleted ? object : undefined);
    if (before) this.#add(before, -1);
    if (!isDeleted) this.#add(object, 1);
    const { mine, deletingSince } = object;
    if (isDeleted || !mine || deletingSince === undefined) this.#deletingSince.delete(key);
    else this.#deletingSince.set(key, deletingSince);
  }

  /** By state of the stack; none is 0. */
  get byStatus(): ReadonlyMap<string, number> {
    return this.#statuses;
  }

  /** By `type=status` of a condition; none is 0. */
  get byCondition(): ReadonlyMap<string, number> {
    return this.#conditions;
  }

  /** Those that aren't Ready, by `reason`, or `reason stalled` where the operator doesn't go on by itself; none is 0. */
  get byReason(): ReadonlyMap<string, number> {
    return this.#reasons;
  }

  /** For each that is being deleted, when that was asked for, in milliseconds since 1970. */
  get deletingSince(): readonly number[] {
    return [...this.#deletingSince.values()];
  }

  #add({ mine, stackStatus, conditions, notReadyReason }: Countable, by: number): void {
    if (!mine) return;
    addTo(this.#statuses, stackStatus, by);
    if (notReadyReason !== undefined)
      addTo(
        this.#reasons,
        conditions.includes('Stalled=True') ? `${notReadyReason} stalled` : notReadyReason,
        by,
      );
    if (conditions === '') return;
    for (const condition of conditions.split(' ')) addTo(this.#conditions, condition, by);
  }
}

function addTo(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
