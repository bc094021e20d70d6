/** What the runtime tells whoever measures it. Each is called at the moment itself, and must be quick and not throw. */

/** Told of the keys of one queue, as client-go's queues tell. */
export interface QueueMetrics {
  /** A key that didn't wait does now. */
  added(key: string): void;
  /** A worker took a key. */
  taken(key: string): void;
  /** The work on a key is over. */
  done(key: string): void;
  /** A key that has failed is to be tried again later. */
  retried(): void;
}

/** How a reconcile ended, as controller-runtime counts it; `terminal` is an error that isn't tried again. */
export type ReconcileOutcome = 'success' | 'requeue_after' | 'error' | 'terminal';

/** Told of the reconciles of one controller. */
export interface ControllerMetrics {
  began(): void;
  ended(outcome: ReconcileOutcome, ms: number): void;
}

/** One run of a controller on a key. */
export interface ReconcileRun {
  controller: string;
  key: string;
  /** By which the log's lines of this run are found. */
  reconcileID: string;
}

/** Carries out the work of a run, in whatever it takes to follow it; what the work gives, it gives. */
export type ReconcileTrace = (
  run: ReconcileRun,
  work: () => Promise<ReconcileOutcome>,
) => Promise<ReconcileOutcome>;

/** One request to the API server, a repeat counted by itself. Told in the asynchronous context of whoever made it. */
export interface KubeRequestInfo {
  method: string;
  /** Below the server's URL, with the names of objects, without a query. */
  path: string;
  host: string;
  /** Missing when there was no answer. */
  status?: number | undefined;
  /** To the end of the answer; missing for a watch, which is as long as it likes. */
  ms?: number | undefined;
}
