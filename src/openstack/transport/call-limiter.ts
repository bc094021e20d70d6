import { createError } from '../errors.ts';

/** How many calls to Heat a connection makes. */
export interface CallLimits {
  /** Calls under way at once, of which each is one HTTP request; default: no limit. */
  concurrency?: number | undefined;
  /** Calls begun in a second, with a tenth of them at once after a pause; default: no limit. */
  ratePerSecond?: number | undefined;
}

/** A call that waits for its turn. */
export interface WaitingCall {
  /** Its turn has come; {@link CallLimiter.leave} must follow. */
  enter(): void;
  /** It won't come. */
  refuse(error: Error): void;
}

/**
 * Lets calls begin in the order in which they came, no more at once and in a second than the limits say. Reads and
 * writes wait in one line: neither can keep the other out.
 */
export class CallLimiter {
  readonly #concurrency: number;
  /** Calls for each millisecond. */
  readonly #rate: number;
  readonly #burst: number;
  readonly #now: () => number;
  readonly #onWaiting: (waiting: number) => void;
  readonly #line = new Set<WaitingCall>();
  #underWay = 0;
  #isAdmitting = false;
  #tokens: number;
  #filledAt: number;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param now in milliseconds
   * @param onWaiting told how many calls wait whenever that has changed
   * @throws OpenStackError ConfigError
   */
  constructor(limits: CallLimits, now: () => number, onWaiting: (waiting: number) => void = () => undefined) {
    const { concurrency, ratePerSecond } = limits;
    for (const [name, limit] of Object.entries({ concurrency, ratePerSecond })) {
      if (limit !== undefined && !(limit >= 1)) {
        throw createError('ConfigError', `limits.${name} must be 1 or more; it is ${limit}.`);
      }
    }
    this.#concurrency = concurrency ?? Number.POSITIVE_INFINITY;
    this.#rate = (ratePerSecond ?? Number.POSITIVE_INFINITY) / 1000;
    this.#burst = Math.max(1, (this.#rate * 1000) / 10);
    this.#now = now;
    this.#onWaiting = onWaiting;
    this.#tokens = this.#burst;
    this.#filledAt = now();
  }

  /** Lets a call begin, at once if nobody waits and the limits allow it. @returns whether it has to wait */
  join(call: WaitingCall): boolean {
    if (this.#line.size === 0 && this.#take()) {
      call.enter();
      return false;
    }
    this.#line.add(call);
    this.#onWaiting(this.#line.size);
    this.#setTimer();
    return true;
  }

  /** A waiting call gives up. @returns whether it still waited */
  forgo(call: WaitingCall): boolean {
    const waited = this.#line.delete(call);
    if (waited) this.#onWaiting(this.#line.size);
    return waited;
  }

  /** A call has ended. */
  leave(): void {
    this.#underWay -= 1;
    this.#admit();
  }

  /** Sends all home that wait. */
  refuseAll(error: () => Error): void {
    const calls = [...this.#line];
    this.#line.clear();
    if (calls.length > 0) this.#onWaiting(0);
    for (const call of calls) call.refuse(error());
  }

  #admit(): void {
    // A call can end as soon as it begins: its place is given away here, not one call deeper for each.
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    for (const call of this.#line) {
      if (!this.#take()) break;
      this.forgo(call);
      call.enter();
    }
    this.#isAdmitting = false;
    this.#setTimer();
  }

  #take(): boolean {
    if (this.#underWay >= this.#concurrency) return false;
    if (this.#rate !== Number.POSITIVE_INFINITY) {
      const now = this.#now();
      // A clock that was set back gives nothing.
      const passed = Math.max(0, now - this.#filledAt);
      this.#tokens = Math.min(this.#burst, this.#tokens + passed * this.#rate);
      this.#filledAt = now;
      if (this.#tokens < 1) return false;
      this.#tokens -= 1;
    }
    this.#underWay += 1;
    return true;
  }

  /** Comes back for those who wait for the rate; for a place, {@link leave} does. */
  #setTimer(): void {
    if (this.#timer || this.#line.size === 0 || this.#underWay >= this.#concurrency) return;
    const ms = Math.max(1, Math.ceil((1 - this.#tokens) / this.#rate));
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#admit();
    }, ms);
  }
}
