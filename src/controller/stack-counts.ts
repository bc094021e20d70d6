import type { HeatStackStatus } from '../api/heat-stack.ts';
import { CONDITION_TYPES } from '../api/reasons.ts';
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
}

const CONDITION_STATUSES = new Set(['True', 'False', 'Unknown']);
const TYPES = new Set<string>(CONDITION_TYPES);

/** What is counted of a status. */
export function countable({
  stackStatus,
  conditions = [],
}: Pick<HeatStackStatus, 'stackStatus' | 'conditions'>): Pick<Countable, 'stackStatus' | 'conditions'> {
  const known = conditions.filter(({ type, status }) => TYPES.has(type) && CONDITION_STATUSES.has(status));
  return {
    stackStatus: stackStatus === undefined || stackStatus === '' ? 'none' : stateOf(stackStatus),
    conditions: [...new Map(known.map(({ type, status }) => [type, `${type}=${status}`])).values()].join(' '),
  };
}

function stateOf(stackStatus: string): string {
  return parseState(stackStatus).status === 'UNKNOWN' ? 'other' : stackStatus;
}

/** How many HeatStacks there are of each kind, counted as they come, change and go. */
export class StackCounts {
  readonly #statuses = new Map<string, number>();
  readonly #conditions = new Map<string, number>();

  /** Takes over what changed in the cache of HeatStacks. */
  update({ type, object, old }: CacheEvent<Countable>): void {
    const isDeleted = type === 'deleted';
    // A deletion that was only noticed by a new list comes with the object as it was, and without `old`.
    const before = old ?? (isDeleted ? object : undefined);
    if (before) this.#add(before, -1);
    if (!isDeleted) this.#add(object, 1);
  }

  /** By state of the stack; none is 0. */
  get byStatus(): ReadonlyMap<string, number> {
    return this.#statuses;
  }

  /** By `type=status` of a condition; none is 0. */
  get byCondition(): ReadonlyMap<string, number> {
    return this.#conditions;
  }

  #add({ mine, stackStatus, conditions }: Countable, by: number): void {
    if (!mine) return;
    addTo(this.#statuses, stackStatus, by);
    if (conditions === '') return;
    for (const condition of conditions.split(' ')) addTo(this.#conditions, condition, by);
  }
}

function addTo(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
