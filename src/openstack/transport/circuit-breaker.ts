import { createError, isOpenStackError, type OpenStackError } from '../errors.ts';
import { type Call, peerOf, quietly } from './call.ts';

/** How a service is doing, as its calls tell. */
export interface CircuitState {
  service: Call['service'];
  /** `open`: nothing is sent. `half-open`: one call tries whether the service is back. */
  state: 'closed' | 'open' | 'half-open';
  /** When the outage began, in milliseconds since the epoch; missing while closed. */
  since?: number;
  /** What failed when the circuit opened, without secrets; missing while closed. */
  failure?: string;
}

/** Settings of a {@link CircuitBreaker}. */
export interface BreakerOptions {
  /** Failures in a row that open a circuit; a time-out counts for two and a half. Default 5. */
  failures?: number;
  /** From the opening to the first probe, in milliseconds; default 1,000. It doubles with each probe that fails. */
  minDelayMs?: number;
  /** The longest time between two probes, in milliseconds; default 30,000. */
  maxDelayMs?: number;
  /** Asked before a call goes out as a probe, which may hang: false puts it off. Default: always. */
  mayProbe?: () => boolean;
  /** Told of each change of a state. */
  onCircuit?: (state: CircuitState) => void;
  /** Milliseconds since the epoch. */
  now?: () => number;
  /** 0 ≤ n < 1, for the jitter. */
  random?: () => number;
}

const FAILURES = 5;
/** A call that hung has kept whoever made it for its whole time: two in a row are enough. */
const TIMEOUT_WEIGHT = 2.5;
const MIN_DELAY_MS = 1_000;
const MAX_DELAY_MS = 30_000;
/** Up to this part of a delay is left out, so that many clients don't come at once. */
const JITTER = 0.2;

/** What an ended attempt says of the service; `nothing` when it was given up on this side. */
export type Verdict = 'answered' | 'failed' | 'hung' | 'nothing';

/**
 * Stops asking a cloud that is out of order, and finds out when it is back: a circuit for Keystone and one for Heat,
 * since tokens outlive an outage of Keystone. It belongs to one login; the connections that a program makes with it one
 * after another can share it, so that also a sign-in that fails is not repeated at once.
 */
export class CircuitBreaker {
  readonly #circuits: Record<Call['service'], Circuit>;

  constructor(options: BreakerOptions = {}) {
    this.#circuits = {
      identity: new Circuit('identity', options),
      orchestration: new Circuit('orchestration', options),
    };
  }

  /** The circuit of a service. */
  of(service: Call['service']): Circuit {
    return this.#circuits[service];
  }

  /** Whether nothing stands in the way of a call. */
  get isClosed(): boolean {
    return Object.values(this.#circuits).every(({ state }) => state === 'closed');
  }

  /** Whether a probe is under way. */
  get isProbed(): boolean {
    return Object.values(this.#circuits).some(({ state }) => state === 'half-open');
  }

  /**
   * When Heat last answered, in milliseconds since the epoch; `undefined` when it never did, or a later call to it or to
   * Keystone failed.
   */
  get answeredAt(): number | undefined {
    const { identity, orchestration } = this.#circuits;
    if (!identity.isHealthy || !orchestration.isHealthy) return undefined;
    return orchestration.answeredAt || undefined;
  }

  /** When the next call may try whether a service is back, in milliseconds since the epoch; missing if none may. */
  get nextProbeAt(): number | undefined {
    const open = Object.values(this.#circuits).filter(({ state }) => state === 'open');
    return open.length > 0 ? Math.min(...open.map(({ nextProbeAt }) => nextProbeAt)) : undefined;
  }
}

/** The circuit of one service. */
export class Circuit {
  readonly #service: Call['service'];
  readonly #options: BreakerOptions;
  readonly #now: () => number;
  #state: CircuitState['state'] = 'closed';
  /** Weight of the failures in a row. */
  #failures = 0;
  #since = 0;
  #failure = '';
  #probes = 0;
  #nextProbeAt = 0;
  #answeredAt = 0;

  constructor(service: Call['service'], options: BreakerOptions) {
    this.#service = service;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  get state(): CircuitState['state'] {
    return this.#state;
  }

  /** Closed, and the last call was answered. */
  get isHealthy(): boolean {
    return this.#state === 'closed' && this.#failures === 0;
  }

  /** When a call was last answered, in milliseconds since the epoch; 0 when none was. */
  get answeredAt(): number {
    return this.#answeredAt;
  }

  /** When a call may be the next probe, in milliseconds since the epoch. */
  get nextProbeAt(): number {
    return this.#nextProbeAt;
  }

  /** Why a call can't begin now; `undefined` when it can. */
  refusal(): OpenStackError | undefined {
    const now = this.#now();
    if (this.#state === 'closed') return undefined;
    const isDue = this.#state === 'open' && now >= this.#nextProbeAt;
    if (isDue && (this.#options.mayProbe?.() ?? true)) return undefined;
    // The text stays the same for the whole outage: who shows it needn't write it anew with each probe.
    const peer = peerOf({ service: this.#service });
    return createError(
      'CircuitOpen',
      `${peer} is out of order since ${new Date(this.#since).toISOString().slice(0, 19)}Z: ${this.#failure} Nothing is sent to it but one request now and then, at least every ${this.#maxDelayMs / 1000} s, until that is answered.`,
      // While a probe is under way nobody knows how long it takes.
      { notSent: true, retryAfterMs: Math.max(MIN_DELAY_MS, this.#nextProbeAt - now) },
    );
  }

  /** A call begins that {@link refusal} let pass. @returns whether it is a probe; `ended` must follow */
  begin(): boolean {
    if (this.#state === 'closed') return false;
    this.#enter('half-open');
    return true;
  }

  /**
   * An attempt has ended.
   *
   * @param isProbe what {@link begin} said
   * @param failure what went wrong, without secrets
   */
  ended(verdict: Verdict, isProbe: boolean, failure = ''): void {
    if (verdict === 'answered') {
      // Also a call from before the outage: it is back, whoever finds out.
      this.#answeredAt = this.#now();
      this.#failures = 0;
      this.#probes = 0;
      if (this.#state !== 'closed') this.#enter('closed');
    } else if (verdict === 'nothing') {
      // The next call may find out at once.
      if (isProbe && this.#state === 'half-open') this.#enter('open');
    } else if (isProbe) {
      if (this.#state === 'half-open') this.#open();
    } else if (this.#state === 'closed') {
      if (this.#failures === 0) this.#since = this.#now();
      this.#failures += verdict === 'hung' ? TIMEOUT_WEIGHT : 1;
      if (this.#failures < (this.#options.failures ?? FAILURES)) return;
      this.#failure = failure;
      this.#open();
    }
  }

  get #maxDelayMs(): number {
    return this.#options.maxDelayMs ?? MAX_DELAY_MS;
  }

  #open(): void {
    const { minDelayMs = MIN_DELAY_MS, random = Math.random } = this.#options;
    const delayMs = Math.min(this.#maxDelayMs, minDelayMs * 2 ** Math.min(this.#probes, 30));
    this.#probes += 1;
    this.#nextProbeAt = this.#now() + delayMs * (1 - JITTER * random());
    this.#enter('open');
  }

  #enter(state: CircuitState['state']): void {
    this.#state = state;
    const about = state === 'closed' ? {} : { since: this.#since, failure: this.#failure };
    quietly(() => this.#options.onCircuit?.({ service: this.#service, state, ...about }));
  }
}

/** What an answer with this status says. Only what stands in front of a service answers with these when it is away. */
export function verdictOfStatus(status: number): Verdict {
  return status === 502 || status === 503 || status === 504 ? 'failed' : 'answered';
}

/** What an error says of the service. A certificate that isn't trusted doesn't heal by waiting. */
export function verdictOfError(error: Error): Verdict {
  if (isOpenStackError(error, 'Timeout')) return 'hung';
  if (isOpenStackError(error, 'ConnectionFailed')) return error.retryable ? 'failed' : 'nothing';
  return isOpenStackError(error, 'InvalidResponse', 'ResponseTooLarge', 'Overloaded')
    ? 'answered'
    : 'nothing';
}
