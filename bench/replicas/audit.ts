import { type HeatStackObject, isReadyNow } from '../operator/fleet.ts';
import type { StandInStack } from '../operator/heat.ts';

/** What there shall be of one name. */
export interface Wanted {
  name: string;
  /** The parameter of its object; `undefined` when that was deleted. */
  value: string | undefined;
  /** When the creates of its objects, one after the other, were sent, in ms since 1970. */
  made: readonly number[];
}

/** An object as the API server has it. */
export interface Found {
  name: string;
  isReady: boolean;
  /** Why it isn't. */
  why: string;
  /** Of its stack, by its status. */
  stackId: string | undefined;
}

/** Of an object, what an audit looks at. */
export function foundOf(object: HeatStackObject): Found {
  const { metadata, status } = object;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const { reason, message } = ready ?? { reason: 'no condition', message: '' };
  const seen = `generation ${status?.observedGeneration} of ${metadata.generation}`;
  const why = `${reason}: ${message} (${seen})`;
  return { name: metadata.name, isReady: isReadyNow(object), why, stackId: status?.id };
}

/** What isn't as it shall be, each with the name; none when all is well. */
export function audit(
  wanted: readonly Wanted[],
  objects: readonly Found[],
  stacks: readonly StandInStack[],
): string[] {
  const stacksOf = Map.groupBy(stacks, ({ name }) => name);
  const twice = wanted.flatMap((one) =>
    doubles(one, stacksOf.get(one.name) ?? []).map((problem) => `${one.name}: ${problem}`),
  );
  return [...auditNow(wanted, objects, stacks), ...twice];
}

/** The same of what there is now, whatever was made before and is gone. */
export function auditNow(
  wanted: readonly Omit<Wanted, 'made'>[],
  objects: readonly Found[],
  stacks: readonly StandInStack[],
): string[] {
  const byName = new Map(objects.map((object) => [object.name, object]));
  const stacksOf = Map.groupBy(stacks, ({ name }) => name);
  const names = new Set(wanted.map(({ name }) => name));
  const unknown = [...objects, ...stacks].filter(({ name }) => !names.has(name));
  return [
    ...unknown.map(({ name }) => `${name}: nobody asked for it`),
    ...wanted.flatMap((one) => {
      const problems = problemsOf(one, byName.get(one.name), stacksOf.get(one.name) ?? []);
      return problems.map((problem) => `${one.name}: ${problem}`);
    }),
  ];
}

function problemsOf(
  { value }: Omit<Wanted, 'made'>,
  object: Found | undefined,
  own: readonly StandInStack[],
): string[] {
  const living = own.filter(({ status }) => status !== 'DELETE_COMPLETE');
  const described = living.map(({ id, status }) => `${id} (${status})`).join(', ');
  if (value === undefined) {
    return [
      ...(object ? ['its object is still there after it was deleted'] : []),
      ...(living.length > 0 ? [`left behind after its object was deleted: ${described}`] : []),
    ];
  }
  if (!object) return ['its object is gone, and nobody deleted it'];
  const problems = object.isReady ? [] : [`not ready: ${object.why}`];
  const [stack] = living;
  if (!stack) return [...problems, 'it has no stack'];
  if (living.length > 1) return [...problems, `it has ${living.length} stacks: ${described}`];
  if (object.stackId !== stack.id)
    problems.push(`its stack is ${stack.id}, its status says ${object.stackId}`);
  if (!stack.status.endsWith('_COMPLETE')) problems.push(`its stack is in ${stack.status}`);
  const given = stack.environment?.parameters['value'];
  if (given !== value) problems.push(`its stack has the value ${JSON.stringify(given)}, not "${value}"`);
  return problems;
}

/** Stacks beyond one that were made for one object, or for none. */
function doubles({ made }: Wanted, own: readonly StandInStack[]): string[] {
  const times = own.map(({ created }) => Date.parse(created));
  const counts = [-Infinity, ...made].map((start, at) => {
    const end = made[at] ?? Infinity;
    return times.filter((time) => time >= start && time < end).length;
  });
  return counts.flatMap((count, at) => {
    if (at === 0) return count > 0 ? [`${count} stacks were made before its object`] : [];
    return count > 1 ? [`${count} stacks were made for its object no. ${at}`] : [];
  });
}
