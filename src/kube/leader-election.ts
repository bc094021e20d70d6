import type { Logger } from 'pino';
import * as v from 'valibot';
import type { KubeClient } from './client.ts';
import { type Clock, systemClock } from './clock.ts';
import { isKubeError, KubeError } from './errors.ts';
import { microTime } from './micro-time.ts';
import { type KubeObject, keyOf, LEASES } from './objects.ts';
import { WriteRefused } from './write-fence.ts';

/** A coordination.k8s.io/v1 Lease. */
export interface Lease extends KubeObject {
  spec: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

const specSchema = v.object({
  holderIdentity: v.optional(v.string()),
  leaseDurationSeconds: v.optional(v.number()),
  acquireTime: v.optional(v.string()),
  renewTime: v.optional(v.string()),
  leaseTransitions: v.optional(v.number()),
});

/** Settings of a {@link LeaderElection}. */
export interface LeaderElectionOptions {
  /** Its connections should carry nothing else, so that no other request can delay a renewal. */
  client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  lease: { namespace: string; name: string };
  /** Another one for each process, at all times. */
  identity: string;
  /** How long others wait after a renewal before they take the Lease, in ms. */
  durationMs: number;
  /** How long after a renewal was sent this process may still write, in ms; less than the duration. */
  renewDeadlineMs: number;
  /** Longest time between two tries to get or renew the Lease, in ms. */
  retryPeriodMs: number;
  logger: Logger;
  clock?: Clock;
  /** Milliseconds on a clock that nobody sets, and that runs on while the process is stopped. */
  monotonic?: () => number;
  /** For the jitter, 0 ≤ x < 1. */
  random?: () => number;
}

/** The Lease was lost to time or to another process. */
export class LeadershipLost extends Error {
  override readonly name = 'LeadershipLost';
}

/**
 * Makes one of several processes the leader, by a Lease that it renews. As client-go's, it trusts no other machine's
 * clock: a Lease is free when it is released, or when it was seen unchanged, on the own clock, for as long as it says.
 * Each write is guarded by the version that was read, so of several that try one wins.
 */
export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #clock: Clock;
  readonly #monotonic: () => number;
  readonly #random: () => number;
  readonly #logger: Logger;
  readonly #name: string;
  /** The Lease as it was last seen, and when it was first seen so. */
  #seen: { lease: Lease; record: string; since: number } | undefined;
  /** When the renewal was sent that was last confirmed; `undefined` while another one leads, or nobody. */
  #renewedAt: number | undefined;
  /** Whether a write that has no answer may have made this process the holder. */
  #mayHold = false;
  #failing = false;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#monotonic = options.monotonic ?? (() => performance.now());
    this.#random = options.random ?? Math.random;
    this.#logger = options.logger;
    this.#name = keyOf(options.lease);
  }

  /** Name of the Lease. */
  get leaseName(): string {
    return this.#options.lease.name;
  }

  /** Whether this process leads, and may write. */
  get isLeader(): boolean {
    return this.#leftMs() > 0;
  }

  /**
   * To be called right before a write. It looks at the clock and not at a timer, so it also holds in a process that was
   * stopped and goes on.
   *
   * @throws WriteRefused when no write may start, as the last renewal was sent too long ago
   */
  assertLeader(): void {
    if (!this.isLeader) throw new WriteRefused(`Lease ${this.#name} is not held`);
  }

  /**
   * Waits until this process leads, works, and gives the Lease up when the work has ended.
   *
   * @param work is to end soon once its signal is aborted: then the Lease is lost
   * @param signal ends the wait; what is under way then ends the work by itself, and the Lease is held until then
   * @throws LeadershipLost when the Lease was lost; what the work throws
   */
  async lead(work: (lost: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const lost = new AbortController();
    try {
      await this.acquire(signal);
      const holding = this.hold(ended.signal).catch((error: unknown) => lost.abort(error));
      try {
        await work(lost.signal);
      } catch (error) {
        // Whatever failed then, failed for that.
        lost.signal.throwIfAborted();
        throw error;
      } finally {
        ended.abort();
        await holding;
      }
      lost.signal.throwIfAborted();
    } finally {
      if (!lost.signal.aborted) await this.release();
    }
  }

  /** Waits until this process leads; rejects with the signal's reason when it is aborted before. */
  async acquire(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      // Not bound to the signal: of a write that was cut off nobody would know whether it made us the holder.
      await this.#try(this.#options.renewDeadlineMs / 2);
      if (this.isLeader) {
        this.#logger.info({ lease: this.#name, identity: this.#options.identity }, 'leading');
        return;
      }
      await this.#clock.sleep(this.#pauseMs(), signal);
    }
  }

  /**
   * Renews the Lease until the signal is aborted.
   *
   * @throws LeadershipLost when another one has it, or it could not be renewed in time
   */
  async hold(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(this.#jittered(), signal).catch(() => undefined);
      if (signal.aborted) return;
      const leftMs = this.#leftMs();
      if (leftMs > 0) await this.#try(Math.min(this.#options.renewDeadlineMs / 2, leftMs));
      if (!this.isLeader) {
        this.#renewedAt = undefined;
        const { holderIdentity = '' } = this.#seen?.lease.spec ?? {};
        const isOurs = holderIdentity === this.#options.identity;
        const why = isOurs ? 'it could not be renewed in time' : `it is held by "${holderIdentity}"`;
        throw new LeadershipLost(`lost Lease ${this.#name}: ${why}`);
      }
    }
  }

  /** Gives the Lease up, so that another one takes it at once. To be called when nothing will be written any more. */
  async release(): Promise<void> {
    this.#renewedAt = undefined;
    if (!this.#mayHold) return;
    try {
      await this.#within(this.#options.renewDeadlineMs / 2, (signal) => this.#giveUp(signal));
    } catch (error) {
      this.#logger.warn({ lease: this.#name, error: messageOf(error) }, 'the lease could not be released');
    }
  }

  async #giveUp(signal: AbortSignal): Promise<void> {
    const { client, lease: ref, identity } = this.#options;
    const lease = await client.get<Lease>(LEASES, ref, { signal });
    if (lease?.spec.holderIdentity !== identity) return;
    const renewTime = microTime(this.#clock.now());
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime };
    await client.replace<Lease>(LEASES, { ...lease, spec }, { signal });
    this.#mayHold = false;
    this.#logger.info({ lease: this.#name }, 'lease released');
  }

  /** One try to get or renew the Lease; what goes wrong is logged. */
  async #try(timeoutMs: number): Promise<void> {
    try {
      await this.#within(timeoutMs, (signal) => this.#getOrRenew(signal));
      if (this.#failing) this.#logger.info({ lease: this.#name }, 'the lease can be read and written again');
      this.#failing = false;
    } catch (error) {
      const level = this.#failing ? 'debug' : 'warn';
      this.#failing = true;
      this.#logger[level](
        { lease: this.#name, error: messageOf(error) },
        'the lease could not be got or renewed',
      );
    }
  }

  async #getOrRenew(signal: AbortSignal): Promise<void> {
    const { client, lease: ref, identity } = this.#options;
    // The holder knows the version that it wrote itself.
    if (this.#renewedAt !== undefined && this.#seen) {
      try {
        return await this.#write(this.#seen.lease, signal);
      } catch (error) {
        if (!isKubeError(error, 'Conflict', 'NotFound')) throw error;
      }
    }
    const found = await client.get<Lease>(LEASES, ref, { signal });
    if (!found) {
      // Somebody deleted it. Whoever held it may still write, and makes it anew at its next renewal.
      if (this.#renewedAt === undefined && this.#takenForMs() > 0) return;
      this.#seen = undefined;
      return this.#writeIfUnchanged(undefined, signal);
    }
    const lease = this.#see(found);
    if (lease.spec.holderIdentity !== identity) {
      this.#renewedAt = undefined;
      this.#mayHold = false;
      if (this.#takenForMs() > 0) return;
    }
    return this.#writeIfUnchanged(lease, signal);
  }

  /** Writes unless another one was faster, or changed something else of it: the next try will see. */
  async #writeIfUnchanged(lease: Lease | undefined, signal: AbortSignal): Promise<void> {
    try {
      await this.#write(lease, signal);
    } catch (error) {
      if (!isKubeError(error, 'AlreadyExists', 'Conflict', 'NotFound')) throw error;
    }
  }

  /** Makes this process the holder, or renews that it is. */
  async #write(lease: Lease | undefined, signal: AbortSignal): Promise<void> {
    const { client, lease: ref, identity, durationMs } = this.#options;
    const now = microTime(this.#clock.now());
    const { holderIdentity, acquireTime = now, leaseTransitions = 0 } = lease?.spec ?? {};
    const isOurs = holderIdentity === identity;
    const spec: Lease['spec'] = {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(durationMs / 1000),
      acquireTime: isOurs ? acquireTime : now,
      renewTime: now,
      leaseTransitions: leaseTransitions + (lease && !isOurs ? 1 : 0),
    };
    const sentAt = this.#monotonic();
    this.#mayHold = true;
    const written = lease
      ? await client.replace<Lease>(LEASES, { ...lease, spec }, { signal })
      : await client.create<Lease>(LEASES, { metadata: { ...ref }, spec }, { signal });
    this.#see(written);
    // The time before it was sent: whoever reads it does so later, and waits the whole duration from then on.
    this.#renewedAt = sentAt;
  }

  /** Notes the Lease as it is now. */
  #see(lease: Lease): Lease {
    const parsed = v.safeParse(specSchema, lease.spec ?? {});
    if (!parsed.success) throw new KubeError('InvalidResponse', `Lease ${this.#name} is not understood`);
    const spec = parsed.output as Lease['spec'];
    // Not the version: a change of a label is no renewal.
    const record = JSON.stringify(spec);
    const since = this.#seen?.record === record ? this.#seen.since : this.#monotonic();
    const seen = { ...lease, spec };
    this.#seen = { lease: seen, record, since };
    return seen;
  }

  /** How long the Lease that was last seen is not to be taken yet, in ms. */
  #takenForMs(): number {
    if (!this.#seen) return 0;
    const { since, lease } = this.#seen;
    const { holderIdentity = '', leaseDurationSeconds } = lease.spec;
    if (holderIdentity === '') return 0;
    const durationMs =
      leaseDurationSeconds === undefined ? this.#options.durationMs : leaseDurationSeconds * 1000;
    return since + durationMs - this.#monotonic();
  }

  /** Until the next try to get the Lease: the retry period, or less when it may be free before. */
  #pauseMs(): number {
    const takenForMs = this.#takenForMs();
    const pauseMs = this.#jittered();
    return takenForMs > 0 ? Math.min(pauseMs, takenForMs + 1) : pauseMs;
  }

  /** Shorter than the retry period by up to a fifth, so that replicas don't ask all at once. */
  #jittered(): number {
    return this.#options.retryPeriodMs * (1 - 0.2 * this.#random());
  }

  /** How long writes may still start unless the Lease is renewed, in ms. */
  #leftMs(): number {
    if (this.#renewedAt === undefined) return 0;
    return this.#renewedAt + this.#options.renewDeadlineMs - this.#monotonic();
  }

  /** Cuts work off that takes longer than `ms`. */
  async #within(ms: number, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const timeout = new AbortController();
    const done = new AbortController();
    const message = `Lease ${this.#name}: no answer within ${Math.round(ms)} ms`;
    this.#clock.sleep(ms, done.signal).then(
      () => timeout.abort(new KubeError('Timeout', message)),
      () => undefined,
    );
    try {
      await work(timeout.signal);
    } finally {
      done.abort();
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
