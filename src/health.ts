/** How often the event loop is looked at, in ms. */
const TICK_MS = 1_000;
/** An event loop that is later than this answers nobody in time. */
const LONGEST_LAG_MS = 10_000;

export type Readiness = 'starting' | 'ready' | 'stopping';

/**
 * Whether the process is well, for the probes of its pod. It is alive while its event loop turns; that the API server or a
 * cloud is away is no reason to restart it. It is ready from the time that its caches are filled, also while another replica
 * leads, until it is told to stop.
 */
export class Health {
  readiness: Readiness = 'starting';
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #lastTick: number;
  #lag = 0;

  /** @param now milliseconds of a clock that only goes forward */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#lastTick = now();
    this.#timer = setInterval(() => {
      this.#lag = this.#late();
      this.#lastTick = this.#now();
    }, TICK_MS).unref();
  }

  /** How late the event loop was at its last turn, or is now, in ms. */
  get lagMs(): number {
    return Math.max(this.#lag, this.#late());
  }

  get isAlive(): boolean {
    return this.lagMs < LONGEST_LAG_MS;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #late(): number {
    return Math.max(0, this.#now() - this.#lastTick - TICK_MS);
  }
}
