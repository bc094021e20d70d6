import { setTimeout as sleep } from 'node:timers/promises';
import type { Replica } from './replica.ts';

/** How many replicas there are unless chance adds some. */
export const USUAL_SIZE = 2;
/** An ended one is started again after so long and up to as long again, in ms. */
const RESTART_MS = 1000;

export interface GroupOptions {
  lease: string;
  start(): Replica;
  random(): number;
  /** Ends all of it. */
  signal: AbortSignal;
}

/** The replicas that share a Lease. One that ends is replaced after a moment, as Kubernetes would do it. */
export class Group {
  readonly lease: string;
  readonly #options: GroupOptions;
  readonly #members = new Set<Replica>();
  /** All there ever were. */
  readonly replicas: Replica[] = [];
  /** What those said that ended by themselves, without a pause that would be the reason. */
  readonly complaints: string[] = [];

  constructor(options: GroupOptions) {
    this.lease = options.lease;
    this.#options = options;
    for (let at = 0; at < USUAL_SIZE; at += 1) this.add();
  }

  /** Those that are to run, and those that end just now. */
  get members(): Replica[] {
    return [...this.#members];
  }

  /** One more from now on. */
  add(): void {
    const { start, random, signal } = this.#options;
    const replica = start();
    this.#members.add(replica);
    this.replicas.push(replica);
    void replica.ended.then(async () => {
      const isWanted = this.#members.delete(replica);
      if (signal.aborted) return;
      const { complaint } = replica;
      if (complaint !== undefined) this.complaints.push(`${replica.name}: ${complaint}`);
      if (!isWanted) return;
      await sleep(RESTART_MS * (1 + random()), undefined, { signal }).then(
        () => this.add(),
        () => undefined,
      );
    });
  }

  /** One less from now on: this one ends, and is not replaced. */
  remove(replica: Replica): void {
    this.#members.delete(replica);
    replica.end();
  }

  /** Kills all, paused ones as well. To be called when the signal is aborted. */
  async stop(): Promise<void> {
    for (const replica of this.replicas) replica.kill();
    await Promise.all(this.replicas.map(({ ended }) => ended));
  }
}
