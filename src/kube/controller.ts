import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { type Clock, systemClock } from './clock.ts';
import { LogScope } from './log-scope.ts';
import type { ControllerMetrics, ReconcileOutcome, ReconcileTrace } from './metrics.ts';
import type { WorkQueue } from './work-queue.ts';
import { WriteRefused } from './write-fence.ts';

const DEFAULT_GRACE_MS = 20_000;

/** What a reconcile that went well wants next; nothing: to be called when something changes. */
export interface Result {
  /** Come again after this time, in milliseconds. Not for errors: those are thrown. */
  requeueAfterMs?: number;
  /** With which priority it then waits for a worker; default 0. */
  priority?: number;
}

/** An error that trying again can't cure: the key is not worked on until it is added from outside. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}

export interface ReconcileContext {
  /** Aborted when the grace time after a stop is over. */
  signal: AbortSignal;
  /** Carries the key and an id of this run. */
  logger: Logger;
  /** Adds fields to all further lines of this run; the logger to go on with. */
  note: (fields: object) => Logger;
}

export interface ControllerOptions {
  name: string;
  queue: WorkQueue;
  /** Brings what the key stands for into its wanted state. It may run at any time, again, and after a crash. */
  reconcile: (key: string, context: ReconcileContext) => Promise<Result>;
  /** How many keys are worked on at once. */
  concurrency: number;
  logger: Logger;
  /** Default: one of its own. Given, others find the logger of the run that is under way. */
  logs?: LogScope | undefined;
  clock?: Clock;
  /** How long running reconciles may go on after a stop before their signal is aborted; default 20 s. */
  graceMs?: number;
  metrics?: ControllerMetrics | undefined;
  /** Default: nobody follows a run. */
  trace?: ReconcileTrace | undefined;
}

/** Workers that take keys from a queue and reconcile them. */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  readonly #logs: LogScope;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logs = options.logs ?? new LogScope(options.logger);
  }

  /**
   * Works until the signal is aborted; resolves when the reconciles that were running then have ended.
   *
   * @param cut ends the work as well, and what is running without any grace
   */
  async run(signal: AbortSignal, cut: AbortSignal = new AbortController().signal): Promise<void> {
    const { concurrency, graceMs = DEFAULT_GRACE_MS } = this.#options;
    const finished = new AbortController();
    const overdue = new AbortController();
    const onStop = async () => {
      await this.#clock.sleep(graceMs, finished.signal).catch(() => undefined);
      overdue.abort(signal.reason);
    };
    const startGrace = () => void onStop();
    const onCut = () => overdue.abort(cut.reason);
    signal.addEventListener('abort', startGrace, { once: true });
    cut.addEventListener('abort', onCut, { once: true });
    const stop = AbortSignal.any([signal, cut]);
    try {
      await Promise.all(Array.from({ length: concurrency }, () => this.#work(stop, overdue.signal)));
    } finally {
      signal.removeEventListener('abort', startGrace);
      cut.removeEventListener('abort', onCut);
      finished.abort();
    }
  }

  async #work(stop: AbortSignal, overdue: AbortSignal): Promise<void> {
    const { queue } = this.#options;
    for (let key = await queue.next(stop); key !== undefined; key = await queue.next(stop)) {
      try {
        await this.#reconcile(key, overdue);
      } finally {
        queue.done(key);
      }
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<void> {
    const { name, metrics, trace } = this.#options;
    const startedAt = this.#clock.now();
    const ms = () => this.#clock.now() - startedAt;
    metrics?.began();
    // The id by which all lines of this run are found.
    const fields = { controller: name, key, reconcileID: randomUUID() };
    const work = () => this.#attempt(key, signal, ms);
    const outcome = await this.#logs.run(fields, () => (trace ? trace(fields, work) : work()));
    metrics?.ended(outcome, ms());
  }

  async #attempt(key: string, signal: AbortSignal, took: () => number): Promise<ReconcileOutcome> {
    const { queue, reconcile } = this.#options;
    const logs = this.#logs;
    try {
      const note = (fields: object) => logs.add(fields);
      const { requeueAfterMs, priority = 0 } = await reconcile(key, { signal, logger: logs.logger, note });
      queue.forget(key);
      if (requeueAfterMs !== undefined) queue.addAfter(key, requeueAfterMs, { priority });
      logs.debug({ ms: took(), requeueAfterMs }, 'reconciled');
      return requeueAfterMs === undefined ? 'success' : 'requeue_after';
    } catch (error) {
      if (signal.aborted) {
        logs.info({ ms: took() }, 'reconcile cut short by the stop');
        return 'error';
      }
      if (error instanceof WriteRefused) {
        queue.addRateLimited(key);
        logs.info({ ms: took(), error: error.message }, 'reconcile cut short');
        return 'error';
      }
      if (error instanceof TerminalError) {
        queue.forget(key);
        logs.error({ ms: took(), ...described(error) }, 'reconcile failed; trying again would not help');
        return 'terminal';
      }
      const retryMs = Math.round(queue.addRateLimited(key));
      logs.error({ ms: took(), ...described(error), retryMs }, 'reconcile failed; trying again');
      return 'error';
    }
  }
}

/** Message and code alone: properties and causes of an error may hold what must not be logged. */
function described(error: unknown): { error: string; code?: string } {
  if (!(error instanceof Error)) return { error: String(error) };
  return 'code' in error ? { error: error.message, code: String(error.code) } : { error: error.message };
}
