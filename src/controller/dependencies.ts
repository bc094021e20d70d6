import type { Outcome } from '../api/conditions.ts';
import { enumerate, MOST_NAMED } from './enumerate.ts';
import type { Reconciliation } from './reconciliation.ts';
import { type CachedStack, dependenciesOf, producersOf } from './references.ts';

/** What the operator's watches know of HeatStacks. */
export interface WatchedStacks {
  /** A HeatStack as it was last heard of; nothing when there is none. */
  stack(namespace: string, name: string): CachedStack | undefined;
  /** Names of the HeatStacks of the namespace that use its outputs. */
  consumersOf(namespace: string, name: string): string[];
}

/** A change of another HeatStack is told by the watch; this is for one that lags. */
export const DEPENDENCY_MS = 10 * 60_000;
/** HeatStacks that are looked at for a cycle; more is no chain that anybody made. */
const MAX_WALK = 10_000;

/**
 * The shortest way from HeatStack `from` to `to` along what each depends on, both ends included; nothing when there is
 * none. It takes a time in proportion to what is on the way, and gives up after {@link MAX_WALK}.
 */
export function pathTo(
  from: string,
  to: string,
  next: (name: string) => readonly string[],
): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [from];
  for (const name of queue) {
    for (const other of next(name)) {
      if (other === to) {
        const path = [to];
        for (let at = name; at !== from; at = cameFrom.get(at) ?? from) path.unshift(at);
        return [from, ...path];
      }
      if (cameFrom.has(other) || queue.length >= MAX_WALK) continue;
      cameFrom.set(other, name);
      queue.push(other);
    }
  }
  return undefined;
}

/** The cycle that the HeatStack is in, as in `a → b → a`; nothing when it waits for none that waits for it. */
export function cycleOf({ name, namespace, options, spec }: Reconciliation): string | undefined {
  const own = dependenciesOf(spec);
  const path = pathTo(name, name, (each) =>
    each === name ? own : (options.stacks.stack(namespace, each)?.dependencies ?? []),
  );
  if (!path) return undefined;
  const shown = path.length > 2 * MOST_NAMED ? [...path.slice(0, MOST_NAMED), '…', name] : path;
  return `spec.dependsOn, spec.parameterValues: HeatStacks wait for each other in a circle, ${shown.join(' → ')}; remove one of these references`;
}

/** What of `spec.dependsOn` isn't Ready; nothing when all is. */
export function unmetDependency({ namespace, options, spec }: Reconciliation): string | undefined {
  const unmet = (spec.dependsOn ?? []).flatMap(({ name }) => {
    const why = whyAwaited(name, options.stacks.stack(namespace, name));
    return why === undefined ? [] : [why];
  });
  if (unmet.length === 0) return undefined;
  return `spec.dependsOn: ${enumerate(unmet)}; the operator goes on by itself once all are Ready`;
}

/** Says that the HeatStack waits for others. */
export function waiting(message: string): Extract<Outcome, { state: 'retrying' }> {
  return { state: 'retrying', reason: 'DependencyNotReady', message };
}

function whyAwaited(name: string, stack: Pick<CachedStack, 'notReady'> | undefined): string | undefined {
  if (!stack) return `there is no HeatStack "${name}" in this namespace`;
  return stack.notReady === undefined ? undefined : `HeatStack "${name}" ${stack.notReady}`;
}

/**
 * Why the stack of an object that is being deleted has to stay: others use its outputs. Those that it uses the outputs of
 * itself, at whatever remove, don't count, or all of them would stay for ever.
 */
export function usedBy({ name, namespace, options, spec }: Reconciliation): string | undefined {
  const own = producersOf(spec);
  const producers = (each: string) =>
    each === name ? own : (options.stacks.stack(namespace, each)?.producers ?? []);
  const consumers = options.stacks
    .consumersOf(namespace, name)
    .filter((each) => each !== name && pathTo(name, each, producers) === undefined)
    .sort();
  if (consumers.length === 0) return undefined;
  const named = enumerate(consumers.map((each) => `"${each}"`));
  return `the stack stays while its outputs are in use by HeatStack ${named}; delete them first, or remove their references to it (heatStackOutputRef). To let the object go and keep the stack, set spec.managedOptions.onDelete to "detach"`;
}
