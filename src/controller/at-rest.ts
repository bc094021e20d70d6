import { FINALIZER } from '../api/constants.ts';
import { parseDuration } from '../api/duration.ts';
import type { HeatStack, HeatStackSpec } from '../api/heat-stack.ts';
import { isAsked, requestOf } from './asked.ts';
import { type Digester, isNewestDigest, NO_INPUTS } from './digest.ts';
import { hasForeignStatus, isOnlyObserved } from './own-status.ts';
import { Ownership } from './ownership.ts';
import { spreadPeriod } from './period.ts';
import { dependenciesOf, sourcesOf, whyNotReady } from './references.ts';
import type { Resting } from './resync-watch.ts';
import type { Session } from './sessions.ts';

/** What an object shows that has nothing to do but to notice what others do to its stack. */
export interface AtRest extends Resting {
  /** `status.ownership`, which is still to be proven. */
  ownership: string;
  managed: boolean;
  /** Since when the status is as it is, in ms; a look since then may have found nothing new. */
  lastSync: number;
  /** How often the object is to look at it in full, in ms; 0 is never. */
  refreshMs: number;
}

/** An object {@link AtRest} that needs no reconcile at a start to be known as such. */
export interface Idle extends AtRest {
  credentials: HeatStackSpec['cloudCredentialsRef'];
}

/** What an object's stack is at rest with; `undefined` when the status doesn't tell, or nobody wants to know. */
export function shownAtRest({ metadata, spec, status }: HeatStack): AtRest | undefined {
  const { id, stackName, stackStatus, updatedAt, ownership, appliedDigest, lastSyncTime = '' } = status;
  if (!id || !stackStatus || !ownership) return undefined;
  const periodMs = spreadPeriod(parseDuration(spec.resyncPeriod), metadata.uid);
  if (periodMs === 0) return undefined;
  const managed = spec.managementPolicy === 'managed';
  const lastSync = Date.parse(lastSyncTime);
  return {
    stackId: id,
    stackName,
    stackStatus,
    updatedAt,
    ownership,
    managed,
    tags: isOnlyObserved(status) ? 'any' : managed && !status.drift ? 'own' : 'not-others',
    periodMs,
    digest: managed ? (appliedDigest ?? NO_INPUTS) : NO_INPUTS,
    lastSync: Number.isNaN(lastSync) ? 0 : lastSync,
    refreshMs: spreadPeriod(parseDuration(spec.resources.refreshPeriod), metadata.uid),
  };
}

/**
 * What the object shows, if that alone tells that a reconcile would find nothing to do: its newest spec is live, nobody
 * asks for anything or wrote to the status, and it uses no other object but the Secret with the credentials.
 */
export function idle(object: HeatStack): Idle | undefined {
  const { metadata, spec, status } = object;
  // First, since most of the rest holds only of objects that the operator has looked at.
  if (whyNotReady(object) !== undefined || spec.suspend || isAsked(object)) return undefined;
  if (requestOf(object, status.lastHandledAction) || hasForeignStatus(object)) return undefined;
  const { secretName, configMapName } = spec.outputs ?? {};
  const writes = [secretName, configMapName, status.outputsDigest].some((each) => each !== undefined);
  const reads = sourcesOf(spec, metadata.namespace ?? '').length > 1 || dependenciesOf(spec).length > 0;
  if (writes || reads) return undefined;
  const managed = spec.managementPolicy === 'managed';
  const isHeld = metadata.finalizers?.includes(FINALIZER) ?? false;
  if (isHeld !== managed || (managed && isOnlyObserved(status))) return undefined;
  const { appliedDigest, attemptedDigest } = status;
  const isLive = managed
    ? isNewestDigest(appliedDigest) && attemptedDigest === appliedDigest
    : appliedDigest === undefined && attemptedDigest === undefined;
  const rest = isLive ? shownAtRest(object) : undefined;
  return rest && { ...rest, credentials: spec.cloudCredentialsRef };
}

/**
 * Has a session watch the stack of an object that was at rest when the operator started. The object's uid and the proof in
 * its status tell whether the stack is its own in the cloud that the session leads to.
 *
 * @returns false when the object has to look by itself
 */
export function watchAtRest(
  { connection, resync }: Session,
  key: string,
  rest: AtRest,
  { uid, digester, now }: { uid: string; digester: Digester; now: number },
): boolean {
  const { ownership, managed, periodMs, lastSync } = rest;
  const proven = new Ownership(digester, uid);
  const status = { id: rest.stackId, ownership };
  const isKnown = managed ? proven.proves(connection, status) : proven.knows(connection, status);
  if (!connection.orchestration || !isKnown) return false;
  resync.add(key, rest, Math.min(lastSync, now) + periodMs - now);
  return true;
}
