import { canonicalJson } from '../../src/json.ts';
import { type Health, judgeHealth } from '../gitops/health.ts';
import type { History, Version } from './history.ts';
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
 * Judges what kstatus says of each version of a history. A status that the scenario wrote by hand is left out, until the
 * operator has written another: nobody promises anything of it.
 *
 * @param verdicts one for each version
 * @param healths what Argo CD shows, one for each version
 */
export function judgeHistory(
  { versions, byHand }: History,
  verdicts: readonly Verdict[],
  healths: readonly Health[],
): Judgement {
  const problems: string[] = [];
  const objects = new Map<string, { inputs: Inputs; byHand?: string }>();
  let judged = 0;
  for (const [index, version] of versions.entries()) {
    const { metadata, status } = version.object;
    // The object is gone then; what it was last stands in the version before.
    if (version.event === 'DELETED') continue;
    const found: string[] = [];
    const known = objects.get(metadata.uid);
    if (known === undefined) found.push(...judgeFirst(version));
    const object = known ?? { inputs: new Inputs() };
    objects.set(metadata.uid, object);
    const says = canonicalJson(status);
    if (byHand.has(metadata.resourceVersion)) object.byHand = says;
    if (object.byHand !== says) {
      judged += 1;
      const verdict = verdicts[index] ?? { status: 'Unknown', message: 'it was not asked' };
      found.push(...judgeVersion(version, verdict));
      const health = healths[index];
      found.push(...(health ? judgeHealth(version, verdict, health) : ['Argo CD was not asked']));
      if (verdict.status === 'Current') found.push(...object.inputs.judge(version));
    }
    const where = `${metadata.namespace}/${metadata.name} version ${metadata.resourceVersion}`;
    problems.push(...found.map((what) => `${where}: ${what}`));
  }
  return { versions: judged, objects: objects.size, problems };
}

/** The first version of an object is the one that was just created; without it, nothing is known of the first second. */
function judgeFirst({ event, object }: Version): string[] {
  if (event === 'LISTED' || (event === 'ADDED' && isUnseen(object))) return [];
  return ['its history does not begin with its creation'];
}

/** Whether the status is the one of a new object: -1 is the default that the API server gives it. */
function isUnseen({ status: { observedGeneration = -1, conditions } }: Version['object']): boolean {
  return observedGeneration === -1 && conditions === undefined;
}

/** Whether kstatus says the right thing of one version, and whether its conditions go together (docs/conditions.md). */
export function judgeVersion({ object }: Version, { status: says, message }: Verdict): string[] {
  const { metadata, spec, status } = object;
  const conditions = new Map(status.conditions?.map((condition) => [condition.type, condition]));
  const isTrue = (type: string): boolean => conditions.get(type)?.status === 'True';
  const ready = conditions.get('Ready');
  const isSeen = status.observedGeneration === metadata.generation;

  const expected = (): [status: Verdict['status'], why: string] => {
    if (metadata.deletionTimestamp !== undefined) return ['Terminating', 'it is being deleted'];
    if (isUnseen(object)) return ['InProgress', 'nobody has looked at it yet'];
    if (!isSeen) return ['InProgress', 'nobody has looked at its newest generation yet'];
    if (isTrue('Stalled')) return ['Failed', 'it is Stalled'];
    if (isTrue('Reconciling')) return ['InProgress', 'it is Reconciling'];
    return [ready?.status === 'True' ? 'Current' : 'InProgress', told(ready)];
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
  if (!isUnseen(object)) {
    const beside = ['Reconciling', 'Stalled'].filter(isTrue).join(' and ');
    if (!allowed(ready).includes(beside)) {
      problems.push(`${told(ready)}, beside ${beside || 'neither Reconciling nor Stalled'}`);
    }
  }
  return problems;
}

type Condition = NonNullable<Version['object']['status']['conditions']>[number];

function told(ready: Condition | undefined): string {
  return ready ? `Ready is ${ready.status} (${ready.reason})` : 'there is no Ready';
}

/** Which of Reconciling and Stalled may be True beside a Ready. */
function allowed(ready: Condition | undefined): string[] {
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
