import { clip } from '../api/clip.ts';
import { ANNOTATIONS, TAGS } from '../api/constants.ts';
import { parseDuration } from '../api/duration.ts';
import type { HeatStackStatus } from '../api/heat-stack.ts';
import type { JsonObject } from '../json.ts';
import type { Stack } from '../openstack/index.ts';
import { type Comparison, compareContent } from './content-comparison.ts';
import { digestTag, isTaggedOtherwise } from './digest.ts';
import type { HeatClient } from './heat-client.ts';
import { digestMarker } from './inputs.ts';
import { readLiveInputs } from './live-inputs.ts';
import { hasCondition, readyOf } from './own-status.ts';
import type { Reconciliation } from './reconciliation.ts';
import { parseState } from './stack-state.ts';
import { describeDrift } from './verdict.ts';

/** So seldom are the inputs of a stack compared that nobody seems to have touched. */
const RARELY_MS = 60 * 60_000;
/** Of `status.drift`. */
const MAX_FIELDS = 32;
const MAX_FIELD_LENGTH = 256;

/** Which inputs Heat has. */
export interface Live {
  /** Their digest; `undefined` when they aren't ours or can't be told. */
  digest?: string | undefined;
  /** Whether Heat itself told that, so that nothing of it is hidden. */
  isTold?: boolean;
  /** Whether they were sent before the wanted ones and came late, from an operator that led before this one. */
  isLate?: boolean;
}

/** Where a {@link LiveDigest} reads. */
export interface LiveSource {
  heat: () => HeatClient;
  /** The stack with what the row of a list doesn't have; `undefined` when it is gone. */
  inFull: (stack: Stack) => Promise<Stack | undefined>;
}

/** Tells for one reconcile which inputs Heat has, and what of them another client changed. */
export class LiveDigest {
  readonly #run: Reconciliation;
  readonly #source: LiveSource;
  /** What this look found of the inputs; `undefined` when it didn't compare them. */
  #comparison: Comparison | undefined;

  constructor(run: Reconciliation, source: LiveSource) {
    this.#run = run;
    this.#source = source;
  }

  /**
   * Which inputs Heat has. The status knows it as long as nobody touched the stack since. After an operation of the
   * operator's own the marker in the environment tells, which rolls back with the template; or the tag of an update, which
   * needs no request. After anything else they tell nothing, since another client's PATCH keeps them (Heat 27), and the
   * inputs themselves are compared.
   */
  async of(stack: Stack, before: HeatStackStatus | undefined): Promise<Live> {
    const { action, status } = parseState(stack.status);
    const { attemptedDigest: attempted, appliedDigest: applied } = before ?? {};
    const { digest } = this.#run;
    // Of another update than the one that was sent last.
    const isOthers = action === 'UPDATE' && attempted !== undefined && isTaggedOtherwise(stack, attempted);
    const isSettled = attempted !== undefined && attempted === applied && attempted === digest;
    if (status === 'FAILED' && attempted !== undefined)
      return { digest: attempted, isLate: isOthers && isSettled };
    let isDue = false;
    if (before && attempted !== undefined && before.updatedAt === stack.updatedAt) {
      // What was sent, Heat may have lost.
      const isSent = readyOf(before)?.reason === 'Progressing';
      if (!isSent && !isOthers && attempted === applied && before.stackStatus === stack.status) {
        isDue = this.#comparisonIsDue(before);
        if (!isDue) return { digest: before.drift ? undefined : applied };
      }
      // Our create, which was seen to begin. An update may have been lost in Heat, so only marker or tag tells.
      if (action === 'CREATE' && before.stackStatus === 'CREATE_IN_PROGRESS')
        return { digest: attempted, isTold: true };
    }
    if (this.#isOurs(stack, attempted) && attempted !== applied) return { digest: attempted, isTold: true };
    const ref = { id: stack.id, name: stack.name };
    const environment = await this.#source.heat().stackEnvironment(ref, { signal: this.#run.signal });
    const marker = this.#run.newForm(digestMarker(environment));
    const isOurs = marker !== undefined && (marker === attempted || marker === applied);
    const isOwnEnd = isOurs && attempted !== applied && (marker === attempted || action === 'ROLLBACK');
    // Another client's update keeps neither of both, or leaves both as they were.
    if (isSettled && isOthers && marker !== undefined && stack.tags.includes(digestTag(marker)))
      return { digest: marker, isLate: true };
    // Other inputs than the wanted ones: whose they are changes nothing.
    if (isOwnEnd || (isOurs && marker !== digest)) return { digest: marker, isTold: true };
    // A create that Heat rolled back leaves no inputs at all.
    const isEmpty = action === 'ROLLBACK' && marker === undefined && applied === undefined;
    if (isEmpty && attempted !== undefined) return {};
    const isAsked = this.#run.spec.driftDetection.mode !== 'disabled';
    if (!isAsked && (marker === digest || attempted === digest)) return { digest: marker };
    return this.#compareWith(stack, environment, { marker, attempted });
  }

  /**
   * Whether Heat carried out the update that was sent last: the stack has the tag of it, and had not before. One that Heat
   * lost leaves no tags.
   */
  #isOurs({ id, status, tags }: Stack, attempted: string | undefined): boolean {
    const { sent } = this.#run.memory;
    return (
      attempted !== undefined &&
      status === 'UPDATE_COMPLETE' &&
      sent?.stackId === id &&
      sent.digest === attempted &&
      tags.includes(digestTag(attempted)) &&
      !isTaggedOtherwise({ tags }, attempted)
    );
  }

  /** Whether the inputs are to be compared though nobody seems to have touched the stack. */
  #comparisonIsDue(before: HeatStackStatus): boolean {
    const { memory, now, spec, digest } = this.#run;
    if (spec.driftDetection.mode === 'disabled' || before.appliedDigest !== digest) return false;
    // Nobody looked while the mode was "disabled"; or what was to be put back may not be.
    if (!hasCondition(before, 'Drifted') || ((before.attempts ?? 0) > 0 && !before.drift)) return true;
    // A change in the second in which an operation of our own began is seen by nothing else (Heat's times are of seconds).
    memory.comparedAt ??= now;
    const period = parseDuration(spec.resources.refreshPeriod);
    return period > 0 && now - memory.comparedAt >= Math.max(period, RARELY_MS);
  }

  /**
   * Compares the inputs that Heat has with the wanted ones.
   *
   * @param marker the digest in the environment
   * @param attempted the digest of what was sent; `undefined` when the status is lost, or was written with another key
   */
  async #compareWith(
    stack: Stack,
    environment: JsonObject,
    { marker, attempted }: { marker: string | undefined; attempted: string | undefined },
  ): Promise<Live> {
    const { digest, wantedInputs } = this.#run;
    const full = await this.#source.inFull(stack);
    if (!wantedInputs || !full) return {};
    const live = await readLiveInputs(this.#source.heat(), full, environment, this.#run.signal);
    const tags = [...this.#run.ownerTags, ...wantedInputs.tags];
    const liveTags = live.tags.filter((tag) => !tag.startsWith(TAGS.digest));
    this.#comparison = compareContent({ ...wantedInputs, tags }, { ...live, tags: liveTags });
    this.#run.memory.comparedAt = this.#run.now;
    const { differing, unseen } = this.#comparison;
    this.#run.logger.debug({ differing: differing.length, unseen: unseen.length }, 'compared the inputs');
    const isNew = attempted === undefined;
    const isKnown = marker === digest;
    if (isNew && isKnown && digest !== undefined) {
      // They were live once: what differs now is another client's doing.
      this.#run.status.appliedDigest = digest;
      this.#run.status.attemptedDigest = digest;
    }
    if (differing.length > 0 || (isNew && !isKnown && unseen.includes('template'))) return {};
    if (isNew && !isKnown) this.#announceMatch(stack.name, unseen);
    // A marker that the status doesn't know yet is that of an update of our own.
    return { digest, isTold: unseen.length === 0 || (isKnown && attempted !== digest) };
  }

  /** Tells that a stack without a digest of ours was found to have the wanted inputs. */
  #announceMatch(name: string, unseen: readonly string[]): void {
    const but =
      unseen.length > 0
        ? `, but for what Heat does not show (${this.#fieldsOf(unseen).join(', ')}); to send that again, set the annotation ${ANNOTATIONS.forceAt}`
        : '';
    const note = `the inputs of stack ${name} were compared, since the digest that it carries is not known; they are those of the spec${but}`;
    this.#run.event('Normal', 'StackAdopted', 'Adopt', note);
  }

  /** What another client changed, as far as this look or the one before tells. */
  get drift(): readonly string[] {
    const { differing } = this.#comparison ?? {};
    return differing ? this.#fieldsOf(differing) : (this.#run.before.drift?.fields ?? []);
  }

  /** Fields as the status shows them: their names may be another client's. */
  #fieldsOf(fields: readonly string[]): string[] {
    return fields
      .slice(0, MAX_FIELDS)
      .map((field) => clip(this.#run.scrubber.clean(field), MAX_FIELD_LENGTH));
  }

  /** Notes that another client changed the inputs, and tells it once. */
  noteDrift(): void {
    const { drift } = this;
    const told = this.#run.before.drift?.fields;
    if (told?.join() !== drift.join()) {
      const note = `${describeDrift(drift)} of stack ${this.#run.status.stackName}`;
      this.#run.event('Warning', 'DriftDetected', 'Look', note);
    }
    this.#run.drift = drift;
  }
}
