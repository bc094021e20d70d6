/** A Lease got another holder. */
export interface Tenure {
  lease: string;
  /** Which replica holds it from then on; `''` when it was given up. */
  holder: string;
  /** When the holder says that it got it, in ms since 1970. */
  acquiredAt: number;
  /** When a watch saw it. */
  seenAt: number;
}

/** A request to change a stack, and who sent it. */
export interface AttributedWrite {
  at: number;
  /** Which replica sent it; `undefined` when it was none of them. */
  sender: string | undefined;
  /** For people. */
  what: string;
}

/** Writes that none but a leader may send. */
export interface WrongWrites {
  /** By a former leader, after another one had taken over. */
  late: AttributedWrite[];
  /** By one that had never led until then. */
  foreign: AttributedWrite[];
}

/** Looks for writes that weren't sent by who held the sender's Lease. @param tenures in their order */
export function wrongWrites(writes: readonly AttributedWrite[], tenures: readonly Tenure[]): WrongWrites {
  const terms = new Map<string, { from: number; until: number }>();
  for (const [at, { lease, holder, acquiredAt }] of tenures.entries()) {
    if (holder === '') continue;
    const next = tenures.slice(at + 1).find((later) => later.lease === lease && later.holder !== '');
    terms.set(holder, { from: acquiredAt, until: next?.acquiredAt ?? Infinity });
  }
  const termOf = ({ sender = '' }: AttributedWrite) => terms.get(sender);
  return {
    late: writes.filter((write) => write.at > (termOf(write)?.until ?? Infinity)),
    foreign: writes.filter((write) => write.at < (termOf(write)?.from ?? Infinity)),
  };
}

/** What was done to a replica. */
export interface Fault {
  kind: FaultKind;
  at: number;
  lease: string;
  replica: string;
  /** Whether that led. */
  led: boolean;
  /** The other replicas with that Lease that ran and had full caches. */
  standbys: readonly string[];
}

/** Killed (SIGKILL), ended (SIGTERM), paused (SIGSTOP), let go on (SIGCONT), started besides, ended for good (SIGTERM). */
export const FAULT_KINDS = ['kill', 'end', 'pause', 'resume', 'add', 'remove'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/**
 * How long it took until another one led, in ms, in ascending order: after faults of this kind that befell a leader, where
 * a warm standby followed it. If something befell that one meanwhile the time says nothing, and is left out.
 */
export function takeOvers(kind: FaultKind, faults: readonly Fault[], tenures: readonly Tenure[]): number[] {
  const times = faults.flatMap(({ kind: its, at, lease, replica, led, standbys }) => {
    if (its !== kind || !led) return [];
    const next = tenures.find(
      (tenure) =>
        tenure.lease === lease && tenure.seenAt >= at && tenure.holder !== '' && tenure.holder !== replica,
    );
    if (!next || !standbys.includes(next.holder)) return [];
    const isDisturbed = faults.some(
      (other) => other.replica === next.holder && other.at > at && other.at < next.seenAt,
    );
    return isDisturbed ? [] : [next.seenAt - at];
  });
  return times.sort((a, b) => a - b);
}
