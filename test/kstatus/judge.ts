import { FIELD_MANAGER } from '../../src/api/constants.ts';
import { canonicalJson } from '../../src/json.ts';
import type { Version } from './history.ts';
import type { Verdict } from './kstatus.ts';

/** What a history is worth. */
export interface Judgement {
  /** How many versions were judged, and of how many objects. */
  versions: number;
  objects: number;
  /** What is wrong, a line each: the object, its version and what. */
  problems: string[];
}

/** Last actions after which a stack has the inputs that it was given; not those that take it away or put it to sleep. */
const COMPLETE = /^(CREATE|UPDATE|ADOPT|RESUME|CHECK|SNAPSHOT|RESTORE|ROLLBACK)_COMPLETE$/;

/**
 * Judges what kstatus says of each version of a history. Versions whose status somebody else wrote last, as scenarios do
 * by hand, are left out: nobody promises anything of them.
 *
 * @param verdicts one for each version
 */
export function judgeHistory(history: readonly Version[], verdicts: readonly Verdict[]): Judgement {
  const problems: string[] = [];
  const objects = new Map<string, Inputs>();
  let versions = 0;
  for (const [index, version] of history.entries()) {
    const { uid, name, namespace, resourceVersion } = version.object.metadata;
    // The object is gone then; what it was last stands in the version before.
    if (version.event === 'DELETED') continue;
    const found: string[] = [];
    const known = objects.get(uid);
    if (known === undefined) found.push(...judgeFirst(version));
    const inputs = known ?? new Inputs();
    objects.set(uid, inputs);
    const verdict = verdicts[index] ?? { status: 'Unknown', message: 'kstatus was not asked' };
    const isOurs = version.writtenBy.every((writer) => writer === FIELD_MANAGER);
    if (isOurs) {
      versions += 1;
      found.push(...judgeVersion(version, verdict));
      if (verdict.status === 'Current') found.push(...inputs.judge(version));
    }
    problems.push(...found.map((what) => `${namespace}/${name} version ${resourceVersion}: ${what}`));
  }
  return { versions, objects: objects.size, problems };
}

/** The first version of an object is the one that was just created, or else it tells nothing of a waiter's first second. */
function judgeFirst({ event, writtenBy }: Version): string[] {
  if (event === 'LISTED') return [];
  if (event === 'ADDED' && writtenBy.length === 0) return [];
  return ['its history does not begin with its creation'];
}

/** Whether kstatus says the right thing of one version, and whether its conditions go together (docs/conditions.md). */
export function judgeVersion({ object, writtenBy }: Version, { status: says, message }: Verdict): string[] {
  const { metadata, spec, status } = object;
  const conditions = new Map(status.conditions?.map((condition) => [condition.type, condition]));
  const isTrue = (type: string): boolean => conditions.get(type)?.status === 'True';
  const ready = conditions.get('Ready');
  const isSeen = status.observedGeneration === metadata.generation;

  const expected = (): [status: Verdict['status'], why: string] => {
    if (metadata.deletionTimestamp !== undefined) return ['Terminating', 'it is being deleted'];
    if (writtenBy.length === 0) return ['InProgress', 'nobody has looked at it yet'];
    if (!isSeen) return ['InProgress', 'nobody has looked at its newest generation yet'];
    if (isTrue('Stalled')) return ['Failed', 'it is Stalled'];
    if (isTrue('Reconciling')) return ['InProgress', 'it is Reconciling'];
    return [
      ready?.status === 'True' ? 'Current' : 'InProgress',
      `its Ready is ${ready?.status ?? 'missing'} (${ready?.reason})`,
    ];
  };

  const problems: string[] = [];
  const [right, why] = expected();
  if (says !== right) problems.push(`kstatus says ${says} (${message}) instead of ${right}, though ${why}`);
  if (says === 'Current') {
    const { stackStatus, appliedDigest, attemptedDigest } = status;
    if (!COMPLETE.test(stackStatus ?? '')) problems.push(`kstatus says Current of a stack ${stackStatus}`);
    const isLive = appliedDigest !== undefined && appliedDigest === attemptedDigest;
    if (!isLive && spec?.managementPolicy !== 'unmanaged') {
      problems.push(
        `kstatus says Current while the stack has the inputs ${appliedDigest}, and ${attemptedDigest} were sent`,
      );
    }
  }
  // A status that somebody took away is as if nobody had looked.
  if (writtenBy.length > 0 && (isSeen || conditions.size > 0)) {
    const beside = ['Reconciling', 'Stalled'].filter(isTrue);
    if (!allowed(ready).includes(beside.join(' and '))) {
      problems.push(
        `Ready is ${ready?.status ?? 'missing'} (${ready?.reason}) beside ${beside.join(' and ') || 'neither Reconciling nor Stalled'}`,
      );
    }
  }
  return problems;
}

/** Which of Reconciling and Stalled may be True beside a Ready. */
function allowed(ready: { status: string; reason?: string | undefined } | undefined): string[] {
  switch (ready?.status) {
    case 'True':
      return [''];
    case 'False':
      return ['Reconciling', 'Stalled'];
    case 'Unknown':
      return [ready.reason === 'Suspended' ? '' : 'Reconciling'];
    default:
      return [];
  }
}

/**
 * Which inputs each digest stood for while an object was Current: with others of the same digest, the operator would have
 * called something done that it hadn't sent.
 */
class Inputs {
  readonly #ofDigest = new Map<string, string>();

  judge({ object: { spec, status } }: Version): string[] {
    const template = spec?.template?.inline;
    // What comes from elsewhere isn't in the history.
    if (template === undefined || status.appliedDigest === undefined) return [];
    const given = Object.entries(spec?.parameters ?? {}).filter(([, value]) => value !== null);
    const inputs = canonicalJson([template, Object.fromEntries(given)]);
    const before = this.#ofDigest.get(status.appliedDigest);
    this.#ofDigest.set(status.appliedDigest, inputs);
    if (before === undefined || before === inputs) return [];
    return [`kstatus says Current with the inputs ${status.appliedDigest}, which are those of another spec`];
  }
}
