import { AsyncLocalStorage } from 'node:async_hooks';
import type { Logger } from 'pino';

/**
 * Finds the logger of the run that is under way, so that lines of parts that know nothing of runs carry its fields too:
 * of a connection that many share, for instance. It follows a run through everything that it awaits.
 */
export class LogScope {
  readonly #root: Logger;
  readonly #runs = new AsyncLocalStorage<{ logger: Logger }>();

  /** @param root for what belongs to no run */
  constructor(root: Logger) {
    this.#root = root;
  }

  /** The logger of the run that this is called in. */
  get logger(): Logger {
    return this.#runs.getStore()?.logger ?? this.#root;
  }

  /** Carries out a run whose lines have these fields. They have the level that the root has at its begin. */
  run<T>(fields: object, work: () => T): T {
    return this.#runs.run({ logger: this.#root.child(fields) }, work);
  }

  /** Adds fields to all further lines of the run that this is called in. */
  add(fields: object): Logger {
    const run = this.#runs.getStore();
    if (!run) return this.#root;
    run.logger = run.logger.child(fields);
    return run.logger;
  }

  debug(fields: object, message: string): void {
    this.logger.debug(fields, message);
  }

  info(fields: object, message: string): void {
    this.logger.info(fields, message);
  }

  warn(fields: object, message: string): void {
    this.logger.warn(fields, message);
  }

  error(fields: object, message: string): void {
    this.logger.error(fields, message);
  }
}
