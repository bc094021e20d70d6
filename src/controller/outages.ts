import type { Logger } from 'pino';
import { inBackground } from '../background.ts';
import type { Clock } from '../kube/index.ts';
import { CircuitBreaker, type CircuitState } from '../openstack/index.ts';

/** Settings of {@link Outages}. */
export interface OutagesOptions {
  /** Called with the key of an object that is worth a reconcile: as a probe, or since its cloud is back. */
  onNews: (key: string) => void;
  /**
   * How many objects may be worked on at once whose calls may hang: a part of the workers. Half of it is left to clouds
   * that haven't failed.
   */
  mostInTrouble: number;
  clock: Clock;
  logger: Logger;
}

/** For so long a cloud that answered counts as one that does. */
const TRUST_MS = 10_000;

/** Too many objects are worked on whose clouds may hang; come again in a while. Nothing was asked of the cloud. */
export class Crowded extends Error {
  override readonly name = 'Crowded';
  /** Whoever is told that there is room comes sooner. */
  readonly retryAfterMs = ROOM_MS;
}

/** How a cloud is doing, as one login sees it. */
export interface CloudHealth {
  /** The state of the circuit of Keystone, and of that of Heat. */
  identity: CircuitState['state'];
  orchestration: CircuitState['state'];
  /** Objects that wait for the cloud to come back. */
  waiting: number;
}

/** One login, whether it succeeds or not. */
interface Login {
  breaker: CircuitBreaker;
  users: Set<string>;
  /** Those that met an error of the cloud and want to be told when it is back; the longest waiting first. */
  waiting: Set<string>;
  /** Ends the pause of the one who tells them. */
  changed: AbortController;
  isWatched: boolean;
}

/** An object is looked at after this time even if nobody told of its cloud; a fifth is added by chance. */
const REST_MS = 5 * 60_000;
const SOON_MS = 1_000;
const ROOM_MS = 60_000;
/** A probe is on its way by then; else another object is asked for one. */
const PROBE_MS = 2_000;
/** Those who waited are told by so many at a time. */
const BATCH = 20;
const BATCH_MS = 100;

/**
 * Keeps the circuit of each login, and who waits for it to close: while it is open, one object at a time is asked to
 * try, and the others cost nothing; when it closes, all are told. A login outlives its session: it is there as long as an
 * object has these credentials, so that logins that fail are bounded as well. Nothing is shared between two logins but
 * the bound on how many workers those that may hang have together, so that others always find one.
 */
export class Outages {
  readonly #options: OutagesOptions;
  readonly #logins = new Map<string, Login>();
  readonly #keyOf = new Map<string, string>();
  /** The logins of the objects that are worked on. */
  readonly #active = new Map<string, Login>();
  /** Objects that there was no room for, by whether their clouds have failed; the longest waiting first. */
  readonly #refused = { suspect: new Set<string>(), other: new Set<string>() };
  readonly #closed = new AbortController();

  constructor(options: OutagesOptions) {
    this.#options = options;
  }

  /** Number of logins. */
  get size(): number {
    return this.#logins.size;
  }

  /**
   * The breaker of a login, which the object uses from now on and no other. {@link end} must follow when the work on the
   * object ends.
   *
   * @throws Crowded
   */
  join(user: string, credentials: string): CircuitBreaker {
    const login = this.#use(user, credentials);
    const { breaker } = login;
    this.#forget(user);
    const suspect = isSuspect(breaker);
    if (this.#mayHang(breaker) && (suspect ? this.#isCrowded : this.#isFull)) {
      (suspect ? this.#refused.suspect : this.#refused.other).add(user);
      throw new Crowded();
    }
    this.#active.set(user, login);
    return breaker;
  }

  /** The breaker of a login, for an object that isn't worked on. */
  note(user: string, credentials: string): CircuitBreaker {
    return this.#use(user, credentials).breaker;
  }

  #use(user: string, credentials: string): Login {
    if (this.#keyOf.get(user) !== credentials) this.leave(user);
    let login = this.#logins.get(credentials);
    if (!login) {
      login = this.#create(user);
      this.#logins.set(credentials, login);
    }
    login.users.add(user);
    this.#keyOf.set(user, credentials);
    return login;
  }

  /** The work on an object has ended. */
  end(user: string): void {
    if (!this.#active.delete(user)) return;
    const { suspect, other } = this.#refused;
    // More than there is room for: of a cloud that answers now, all may come.
    if (!this.#isFull) for (const each of other.values().take(this.#options.mostInTrouble)) this.#call(each);
    if (!this.#isCrowded) for (const each of suspect.values().take(1)) this.#call(each);
  }

  #call(user: string): void {
    this.#forget(user);
    this.#options.onNews(user);
  }

  #forget(user: string): void {
    this.#refused.suspect.delete(user);
    this.#refused.other.delete(user);
  }

  /** Whether clouds that may hang have all the workers that they may have. */
  get #isFull(): boolean {
    return this.#count(() => true) >= this.#options.mostInTrouble;
  }

  /** Whether those that have failed have all the workers that they may have. */
  get #isCrowded(): boolean {
    return this.#isFull || this.#count(isSuspect) >= Math.ceil(this.#options.mostInTrouble / 2);
  }

  #count(of: (breaker: CircuitBreaker) => boolean): number {
    let count = 0;
    // Never more than there are workers.
    for (const { breaker } of this.#active.values()) if (this.#mayHang(breaker) && of(breaker)) count += 1;
    return count;
  }

  /**
   * Whether a call may hang, which keeps its worker for half a minute and more: as a probe, or when there was no answer
   * lately. Where the circuit is open, calls fail at once.
   */
  #mayHang({ isClosed, isProbed, answeredAt = Number.NEGATIVE_INFINITY }: CircuitBreaker): boolean {
    return isProbed || (isClosed && this.#options.clock.now() - answeredAt > TRUST_MS);
  }

  /** The object needs no cloud any more, or another one. */
  leave(user: string): void {
    this.#active.delete(user);
    this.#forget(user);
    const login = this.#of(user);
    if (!login) return;
    login.users.delete(user);
    login.waiting.delete(user);
    if (login.users.size === 0) {
      this.#logins.delete(this.#keyOf.get(user) ?? '');
      login.changed.abort();
    }
    this.#keyOf.delete(user);
  }

  /**
   * Has an object whose reconcile failed for its cloud told when the cloud is back.
   *
   * @returns in how many ms to look again all the same
   */
  wait(user: string): number {
    const login = this.#of(user);
    // It came back at this moment.
    if (!login || login.breaker.isClosed) return SOON_MS;
    login.waiting.add(user);
    if (!login.isWatched) void inBackground(() => this.#watch(login));
    return REST_MS * (1 + 0.2 * Math.random());
  }

  /** How the cloud of each login is doing: for metrics, which sum them up. */
  health(): CloudHealth[] {
    return [...this.#logins.values()].map(({ breaker, waiting }) => ({
      identity: breaker.of('identity').state,
      orchestration: breaker.of('orchestration').state,
      waiting: waiting.size,
    }));
  }

  /** Tells nobody any more. */
  close(): void {
    this.#closed.abort();
    this.#logins.clear();
    this.#keyOf.clear();
    this.#active.clear();
    this.#refused.suspect.clear();
    this.#refused.other.clear();
  }

  #of(user: string): Login | undefined {
    return this.#logins.get(this.#keyOf.get(user) ?? '');
  }

  #create(user: string): Login {
    const { clock, logger } = this.#options;
    const breaker = new CircuitBreaker({
      now: () => clock.now(),
      mayProbe: () => !this.#isCrowded,
      onCircuit: ({ state, ...about }) => {
        const fields = { key: user, ...about };
        if (state === 'closed') logger.info(fields, 'the cloud answers again');
        else if (state === 'half-open') logger.debug(fields, 'trying whether the cloud is back');
        else logger.warn(fields, 'the cloud is out of order; it is tried now and then');
        login.changed.abort();
      },
    });
    const login: Login = {
      breaker,
      users: new Set(),
      waiting: new Set(),
      changed: new AbortController(),
      isWatched: false,
    };
    return login;
  }

  /** Asks for probes while the circuit is open, and tells all who wait when it is closed. */
  async #watch(login: Login): Promise<void> {
    const { clock } = this.#options;
    const { breaker } = login;
    login.isWatched = true;
    while (login.waiting.size > 0 && !this.#closed.signal.aborted) {
      const { isClosed, nextProbeAt = Number.POSITIVE_INFINITY } = breaker;
      const inMs = nextProbeAt - clock.now();
      if (isClosed) {
        this.#tell(login, BATCH);
        await this.#pause(login, BATCH_MS);
      } else if (inMs > 0) {
        // No longer than that while a probe is under way: its end is told.
        await this.#pause(login, Math.min(inMs, REST_MS));
      } else if (this.#isCrowded) {
        await this.#pause(login, SOON_MS);
      } else {
        this.#tell(login, 1);
        await this.#pause(login, PROBE_MS);
      }
    }
    login.isWatched = false;
  }

  async #pause(login: Login, ms: number): Promise<void> {
    login.changed = new AbortController();
    const ended = AbortSignal.any([login.changed.signal, this.#closed.signal]);
    await this.#options.clock.sleep(ms, ended).catch(() => undefined);
  }

  #tell(login: Login, count: number): void {
    for (const user of [...login.waiting.values().take(count)]) {
      login.waiting.delete(user);
      this.#options.onNews(user);
    }
  }
}

/** Whether the last call to the cloud failed. */
function isSuspect(breaker: CircuitBreaker): boolean {
  return !breaker.of('identity').isHealthy || !breaker.of('orchestration').isHealthy;
}
