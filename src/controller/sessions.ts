import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { untilAborted } from '../abort.ts';
import { canonicalJson } from '../json.ts';
import type { Clock } from '../kube/index.ts';
import {
  type CircuitBreaker,
  type CloudConfig,
  isOpenStackError,
  type RequestInfo,
} from '../openstack/index.ts';
import type { CloudConnection } from './heat-client.ts';
import { OperationWatch } from './operation-watch.ts';
import { type CloudHealth, Outages } from './outages.ts';
import { ResyncWatch } from './resync-watch.ts';
import { StackLooks } from './stack-looks.ts';

/** A login to one cloud with one Secret's credentials, shared by all HeatStacks that use just these. */
export interface Session {
  /** Names the credentials, as their hash: another one means others, or others of the same Secret. */
  readonly credentials: string;
  readonly connection: CloudConnection;
  readonly operations: OperationWatch;
  readonly looks: StackLooks;
  readonly resync: ResyncWatch;
}

/** What a connection of the operator is made with. */
export interface SessionConnectOptions {
  onRequest: (request: RequestInfo) => void;
  onWaiting: (waiting: number) => void;
  breaker: CircuitBreaker;
}

/** Settings of {@link Sessions}. */
export interface SessionsOptions {
  connect: (cloud: CloudConfig, options: SessionConnectOptions) => Promise<CloudConnection>;
  /** Called with the key of an object whose stack is worth a look; see {@link OperationWatch} and {@link Outages}. */
  onNews: (key: string) => void;
  /** The same where there is no hurry; see {@link ResyncWatch} and {@link Sessions.evict}. */
  onMoved: (key: string) => void;
  /** The tags of an object's stack. */
  tagsOf: (key: string) => readonly string[];
  /** Called for each answer of Keystone or Heat. */
  onRequest: (request: RequestInfo) => void;
  /** How many objects may be worked on at once whose clouds may hang; see {@link Outages}. */
  mostInTrouble: number;
  progressIntervalMs: number;
  clock: Clock;
  logger: Logger;
}

interface Entry {
  opening: Promise<Session>;
  /** Once it is open. */
  session?: Session;
  users: Set<string>;
  /** Calls that wait for their turn. */
  waitingCalls: number;
}

/**
 * The sessions in use. Keyed by the SHA-256 of the resolved cloud, password and CA included, and the Secret's uid,
 * never by a name or id that a server reported: tenants can't meet, and a rotated Secret makes a new session. An object
 * has one session at most, so there are never more sessions than HeatStacks.
 */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #keyOf = new Map<string, string>();
  readonly #outages: Outages;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#outages = new Outages(options);
  }

  /** Number of sessions that are open or being opened. */
  get size(): number {
    return this.#entries.size;
  }

  /** Calls to Heat that wait for their turn, of all sessions. */
  get waitingCalls(): number {
    let sum = 0;
    for (const { waitingCalls } of this.#entries.values()) sum += waitingCalls;
    return sum;
  }

  /** How the cloud of each login in use is doing. */
  health(): CloudHealth[] {
    return this.#outages.health();
  }

  /** The work on an object has ended, for now. */
  end(user: string): void {
    this.#outages.end(user);
    // It may have needed no look, and the next one comes whenever it comes.
    const session = this.#sessionOf(user);
    const stackId = session?.resync.stackOf(user);
    if (stackId !== undefined) session?.looks.forget(stackId);
  }

  /**
   * The session for these credentials, opened when there is none yet. The object leaves the session that it used
   * before; a session that nobody uses is closed. {@link end} must follow.
   *
   * @param options.asWorker whether an object is worked on, of which only some may wait for clouds that don't answer
   * @throws OpenStackError when the login fails; nothing is kept then but the state of its circuit.
   * Crowded
   */
  async acquire(
    user: string,
    secretUid: string,
    cloud: CloudConfig,
    signal: AbortSignal,
    { asWorker = true } = {},
  ): Promise<Session> {
    const key = createHash('sha256')
      .update(canonicalJson([secretUid, cloud]))
      .digest('hex');
    // Not all of `release`: the circuit outlives a login that failed.
    if (this.#keyOf.get(user) !== key) this.#leave(user);
    const breaker = asWorker ? this.#outages.join(user, key) : this.#outages.note(user, key);
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = this.#open(user, key, cloud, breaker);
      this.#entries.set(key, entry);
    }
    entry.users.add(user);
    this.#keyOf.set(user, key);
    try {
      const session = await untilAborted(entry.opening, signal);
      entry.session = session;
      return session;
    } catch (error) {
      // All who wait for a login that failed come here, and with the last of them it is forgotten.
      this.#leave(user);
      throw error;
    }
  }

  /**
   * Has an object that isn't worked on use a session that others have opened with the very same credentials of the same
   * Secret.
   *
   * @returns whether it is still open
   */
  join(user: string, session: Session): boolean {
    const entry = this.#entries.get(session.credentials);
    if (entry?.session !== session) return false;
    if (this.#keyOf.get(user) !== session.credentials) this.release(user);
    this.#outages.note(user, session.credentials);
    entry.users.add(user);
    this.#keyOf.set(user, session.credentials);
    return true;
  }

  /** Whether the stack of an object is at rest, and watched by a list that it shares with others. */
  watches(user: string, stackId: string): boolean {
    return this.#sessionOf(user)?.resync.has(user, stackId) ?? false;
  }

  /** Whether Heat is at work on the stack of an object, and a list that it shares with others tells of the end. */
  isOperating(user: string, stackId: string): boolean {
    return this.#sessionOf(user)?.operations.watches(user, stackId) ?? false;
  }

  /**
   * A look at the stack of an object is about to come, if it is at rest, since the object changed.
   *
   * @param version which object it is, and in which version; the same as at the look
   */
  expectLook(user: string, version: string): void {
    const session = this.#sessionOf(user);
    const stackId = session?.resync.stackOf(user);
    if (stackId !== undefined) session?.looks.expect(stackId, version);
  }

  /** The stack of an object is at rest no more. */
  unwatch(user: string): void {
    this.#sessionOf(user)?.resync.remove(user);
  }

  #sessionOf(user: string): Session | undefined {
    const key = this.#keyOf.get(user);
    return key === undefined ? undefined : this.#entries.get(key)?.session;
  }

  /** The session that the object used last, if it is still open. */
  async current(user: string): Promise<Session | undefined> {
    const key = this.#keyOf.get(user);
    return key === undefined ? undefined : this.#entries.get(key)?.opening;
  }

  /**
   * Has an object told when its cloud, which is out of order, is back.
   *
   * @returns in how many ms to look again all the same
   */
  awaitCloud(user: string): number {
    return this.#outages.wait(user);
  }

  /** The object needs its session no more. */
  release(user: string): void {
    this.#outages.leave(user);
    this.#leave(user);
  }

  #leave(user: string): void {
    const key = this.#keyOf.get(user);
    if (key === undefined) return;
    this.#keyOf.delete(user);
    const entry = this.#entries.get(key);
    if (!entry) return;
    entry.users.delete(user);
    entry.session?.operations.remove(user);
    entry.session?.resync.remove(user);
    if (entry.users.size > 0) return;
    this.#entries.delete(key);
    this.#discard(user, entry);
  }

  /**
   * Drops the session that the object used last, for all its users: the next acquire connects anew. For a connection
   * that can't go on, as after IdentityChanged. What the others have under way on it ends with ConnectionFailed; each
   * of them is worth a look then, since nothing watches its stack any more.
   */
  evict(user: string): void {
    const key = this.#keyOf.get(user);
    const entry = key === undefined ? undefined : this.#entries.get(key);
    if (key === undefined || !entry) return;
    this.#entries.delete(key);
    // All at once: a user that finds out later must not evict the new session.
    for (const each of entry.users) this.#keyOf.delete(each);
    this.#discard(user, entry);
    for (const each of entry.users) if (each !== user) this.#options.onMoved(each);
  }

  #discard(user: string, entry: Entry): void {
    const { logger } = this.#options;
    close(entry).then(
      (wasOpen) => {
        if (wasOpen) logger.debug({ key: user, sessions: this.size }, 'session closed');
      },
      (error: unknown) => {
        // Its cause is left out: it may hold what was sent.
        const code = isOpenStackError(error) ? error.code : undefined;
        const message = error instanceof Error ? error.message : String(error);
        logger.warn({ key: user, code, error: message }, 'a session could not be closed');
      },
    );
  }

  /** Closes all sessions; no socket is left. */
  async close(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    this.#keyOf.clear();
    this.#outages.close();
    await Promise.all(entries.map(close));
  }

  #open(user: string, credentials: string, cloud: CloudConfig, breaker: CircuitBreaker): Entry {
    const { connect, onNews, onMoved, tagsOf, onRequest, progressIntervalMs, clock, logger } = this.#options;
    const open = async (): Promise<Session> => {
      // Not bound to one object's signal: others wait for the same login. The client bounds its time.
      const connection = await connect(cloud, {
        onRequest,
        onWaiting: (waiting) => {
          entry.waitingCalls = waiting;
        },
        breaker,
      });
      const orchestration = () => connection.orchestration;
      const looks = new StackLooks({ orchestration, clock });
      const operations = new OperationWatch({
        orchestration,
        looks,
        onNews,
        progressIntervalMs,
        clock,
        logger,
      });
      // So there are never more that are expected than objects at rest.
      const onLeft = (stackId: string) => looks.forget(stackId);
      const resync = new ResyncWatch({ orchestration, tagsOf, onMoved, onLeft, clock, logger });
      logger.debug({ key: user, sessions: this.size }, 'session opened');
      return { credentials, connection, operations, looks, resync };
    };
    const entry: Entry = { opening: open(), users: new Set(), waitingCalls: 0 };
    return entry;
  }
}

/** @returns whether there was something to close: a login that failed leaves nothing. */
async function close(entry: Entry): Promise<boolean> {
  let session: Session;
  try {
    session = await entry.opening;
  } catch {
    return false;
  }
  await Promise.all([session.operations.close(), session.looks.close(), session.resync.close()]);
  await session.connection.close();
  return true;
}
