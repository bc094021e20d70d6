import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { HistoryEntry } from '../api/heat-stack.ts';
import type { ControllerMetrics, KubeRequestInfo, QueueMetrics, ReflectorCounters } from '../kube/index.ts';
import type { RequestInfo } from '../openstack/index.ts';
import type { Sessions } from './sessions.ts';
import type { StackCounts } from './stack-counts.ts';

/** What is known of one watch. */
interface Watched {
  resource: string;
  counters: ReflectorCounters;
  lastEventAt: number | undefined;
}

/** Buckets of controller-runtime's histogram of reconciles. */
const RECONCILE_BUCKETS = [
  ...[0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9],
  ...[1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60],
];
/** And of its queues. */
const QUEUE_BUCKETS = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000];
/** And of its client. */
const CLIENT_BUCKETS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 45, 60];
const CLOUD_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const OPERATION_BUCKETS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400];

/** Whoever runs a cloud chooses the numbers that it answers with: others than these share a series. */
const CODES = new Set([
  ...[200, 201, 202, 204, 300, 301, 302, 304],
  ...[400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 429, 500, 501, 502, 503, 504],
]);
const ACTIONS = new Set(['Create', 'Update', 'Adopt', 'Delete', 'Rollback']);
const RESULTS: readonly [suffix: string, result: string][] = [
  ['_COMPLETE', 'complete'],
  ['_FAILED', 'failed'],
  ['Superseded', 'superseded'],
];
/** prom-client's own preset of 10 ms wakes an idle process a hundred times a second. */
const LOOP_PRECISION_MS = 100;

/**
 * The metrics of the program, for Prometheus: the only file that knows its client. Names and labels are those of
 * controller-runtime and client-go where these have such a metric; docs/metrics.md lists all. No label has a value that
 * a user or a cloud makes up, so the number of series is bounded.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #now: () => number;
  #scrape: Promise<string> | undefined;

  readonly #reconciles = this.#counter('controller_runtime_reconcile_total', ['controller', 'result']);
  readonly #errors = this.#counter('controller_runtime_reconcile_errors_total', ['controller']);
  readonly #terminal = this.#counter('controller_runtime_terminal_reconcile_errors_total', ['controller']);
  readonly #reconcileTime = this.#histogram(
    'controller_runtime_reconcile_time_seconds',
    ['controller'],
    RECONCILE_BUCKETS,
  );
  readonly #workers = this.#gauge('controller_runtime_max_concurrent_reconciles', ['controller']);
  readonly #activeWorkers = this.#gauge('controller_runtime_active_workers', ['controller']);

  readonly #depth = this.#gauge('workqueue_depth', ['name', 'controller']);
  readonly #adds = this.#counter('workqueue_adds_total', ['name', 'controller']);
  readonly #retries = this.#counter('workqueue_retries_total', ['name', 'controller']);
  readonly #queued = this.#histogram(
    'workqueue_queue_duration_seconds',
    ['name', 'controller'],
    QUEUE_BUCKETS,
  );
  readonly #worked = this.#histogram(
    'workqueue_work_duration_seconds',
    ['name', 'controller'],
    QUEUE_BUCKETS,
  );

  readonly #kubeRequests = this.#counter('rest_client_requests_total', ['code', 'method', 'host']);
  readonly #kubeTime = this.#histogram(
    'rest_client_request_duration_seconds',
    ['verb', 'host'],
    CLIENT_BUCKETS,
  );

  readonly #heatTime = this.#histogram(
    'heatstack_heat_request_duration_seconds',
    ['method', 'route', 'code'],
    CLOUD_BUCKETS,
  );
  readonly #keystoneTime = this.#histogram(
    'heatstack_keystone_request_duration_seconds',
    ['method', 'route', 'code'],
    CLOUD_BUCKETS,
  );
  readonly #waited = this.#counter('heatstack_heat_wait_seconds_total', []);
  readonly #tokens = this.#counter('heatstack_token_renewals_total', ['result']);
  readonly #operations = this.#histogram(
    'heatstack_operation_duration_seconds',
    ['action', 'result'],
    OPERATION_BUCKETS,
  );

  /** @param now milliseconds since 1970 */
  constructor({ now = Date.now }: { now?: () => number } = {}) {
    this.#now = now;
    collectDefaultMetrics({
      register: this.#registry,
      eventLoopMonitoringPrecision: LOOP_PRECISION_MS,
    });
  }

  /** All metrics in Prometheus' text format. Whoever asks while it is put together gets the same. */
  text(): Promise<string> {
    this.#scrape ??= this.#registry.metrics().finally(() => {
      this.#scrape = undefined;
    });
    return this.#scrape;
  }

  /** Of the text, for the header Content-Type. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** For the queue of the controller with this name. */
  queue(name: string): QueueMetrics {
    const labels = { name, controller: name };
    const addedAt = new Map<string, number>();
    const takenAt = new Map<string, number>();
    const seconds = (since: number) => (performance.now() - since) / 1000;
    this.#depth.set(labels, 0);
    this.#running.set(name, takenAt);
    return {
      added: (key) => {
        this.#adds.inc(labels);
        this.#depth.inc(labels);
        addedAt.set(key, performance.now());
      },
      taken: (key) => {
        this.#depth.dec(labels);
        const since = addedAt.get(key);
        addedAt.delete(key);
        if (since !== undefined) this.#queued.observe(labels, seconds(since));
        takenAt.set(key, performance.now());
      },
      done: (key) => {
        const since = takenAt.get(key);
        takenAt.delete(key);
        if (since !== undefined) this.#worked.observe(labels, seconds(since));
      },
      retried: () => this.#retries.inc(labels),
    };
  }

  /** For the controller with this name. */
  controller(controller: string, concurrency: number): ControllerMetrics {
    this.#workers.set({ controller }, concurrency);
    this.#activeWorkers.set({ controller }, 0);
    for (const result of ['success', 'error', 'requeue', 'requeue_after'])
      this.#reconciles.inc({ controller, result }, 0);
    this.#errors.inc({ controller }, 0);
    this.#terminal.inc({ controller }, 0);
    return {
      began: () => this.#activeWorkers.inc({ controller }),
      ended: (outcome, ms) => {
        this.#activeWorkers.dec({ controller });
        this.#reconcileTime.observe({ controller }, ms / 1000);
        const failed = outcome === 'error' || outcome === 'terminal';
        this.#reconciles.inc({ controller, result: failed ? 'error' : outcome });
        if (failed) this.#errors.inc({ controller });
        if (outcome === 'terminal') this.#terminal.inc({ controller });
      },
    };
  }

  /** Notes a request to the API server. */
  kubeRequest({ method, host, status, ms }: KubeRequestInfo): void {
    this.#kubeRequests.inc({ code: status === undefined ? '<error>' : codeOf(status), method, host });
    if (ms !== undefined) this.#kubeTime.observe({ verb: method, host }, ms / 1000);
  }

  /** Notes a request to Keystone or Heat. */
  cloudRequest({ service, method, route, status, ms, waitedMs }: RequestInfo): void {
    const time = service === 'identity' ? this.#keystoneTime : this.#heatTime;
    if (waitedMs > 0) this.#waited.inc(waitedMs / 1000);
    time.observe({ method, route, code: status === 0 ? '<error>' : codeOf(status) }, ms / 1000);
    if (service === 'identity' && method === 'POST')
      this.#tokens.inc({ result: status === 201 ? 'success' : 'error' });
  }

  /** Notes the end of an operation on a stack. */
  operation({ action, result = '', startedAt, finishedAt = '' }: HistoryEntry): void {
    const seconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
    if (!(seconds >= 0)) return;
    const [, known = 'other'] = RESULTS.find(([suffix]) => result.endsWith(suffix)) ?? [];
    this.#operations.observe({ action: ACTIONS.has(action) ? action : 'other', result: known }, seconds);
  }

  /** Shows whether this process holds a Lease. */
  observeLease(name: string, isLeader: () => boolean): void {
    this.#read('leader_election_master_status', ['name'], (set) => set({ name }, isLeader() ? 1 : 0));
  }

  /** Shows how the watches are doing, whenever the metrics are asked for. To be called once. */
  observeWatches(watched: () => Iterable<Watched>): void {
    const total = (read: (counters: ReflectorCounters) => number) => (set: Setter) => {
      const sums = new Map<string, number>();
      for (const { resource, counters } of watched())
        sums.set(resource, (sums.get(resource) ?? 0) + read(counters));
      for (const [resource, sum] of sums) set({ resource }, sum);
    };
    const sum = (name: MetricName, read: (counters: ReflectorCounters) => number) =>
      this.#readTotal(name, ['resource'], total(read));
    sum('heatstack_watch_lists_total', ({ lists }) => lists);
    sum('heatstack_watch_restarts_total', ({ watches }) => Math.max(0, watches - 1));
    sum('heatstack_watch_failures_total', ({ failures }) => failures);
    this.#read('heatstack_watch_last_event_age_seconds', ['resource'], (set) => {
      const oldest = new Map<string, number>();
      for (const { resource, lastEventAt } of watched())
        if (lastEventAt !== undefined)
          oldest.set(resource, Math.min(lastEventAt, oldest.get(resource) ?? lastEventAt));
      for (const [resource, at] of oldest) set({ resource }, Math.max(0, this.#now() - at) / 1000);
    });
  }

  /**
   * Shows what only the replica shows that works, so that a sum over replicas counts no HeatStack twice. To be called once.
   */
  observeWork(
    stacks: StackCounts,
    sessions: Pick<Sessions, 'size' | 'health' | 'waitingCalls'>,
    events: { dropped: number } | undefined,
  ): void {
    this.#read('heatstack_stacks', ['status'], (set) => {
      for (const [status, count] of stacks.byStatus) set({ status }, count);
    });
    this.#read('heatstack_condition', ['type', 'status'], (set) => {
      for (const [condition, count] of stacks.byCondition) {
        const [type = '', status = ''] = condition.split('=');
        set({ type, status }, count);
      }
    });
    this.#read('heatstack_not_ready_stacks', ['reason', 'stalled'], (set) => {
      for (const [key, count] of stacks.byReason) {
        const [reason = '', stalled] = key.split(' ');
        set({ reason, stalled: String(stalled !== undefined) }, count);
      }
    });
    this.#read('heatstack_drifted_stacks', [], (set) => set({}, stacks.byCondition.get('Drifted=True') ?? 0));
    this.#read('heatstack_deleting_stacks', [], (set) => set({}, stacks.deletingSince.length));
    this.#read('heatstack_longest_deletion_seconds', [], (set) => {
      const now = this.#now();
      const since = stacks.deletingSince.reduce((first, each) => Math.min(first, each), now);
      set({}, (now - since) / 1000);
    });
    this.#read('heatstack_sessions', [], (set) => set({}, sessions.size));
    this.#read('heatstack_waiting_requests', [], (set) => set({}, sessions.waitingCalls));
    this.#read('heatstack_circuit_state', ['api', 'state'], (set) => {
      const counts = { closed: 0, open: 0, 'half-open': 0 };
      const apis = { keystone: { ...counts }, heat: { ...counts } };
      for (const { identity, orchestration } of sessions.health()) {
        apis.keystone[identity]++;
        apis.heat[orchestration]++;
      }
      for (const [api, states] of Object.entries(apis))
        for (const [state, count] of Object.entries(states)) set({ api, state }, count);
    });
    this.#readTotal('heatstack_events_dropped_total', [], (set) => set({}, events?.dropped ?? 0));
  }

  /** When the work on each key of each queue began; see {@link queue}. */
  readonly #running = this.#runningKeys();

  #runningKeys(): Map<string, Map<string, number>> {
    const running = new Map<string, Map<string, number>>();
    const each = (read: (ages: number[]) => number) => (set: Setter) => {
      const now = performance.now();
      for (const [name, since] of running) {
        const ages = [...since.values()].map((at) => (now - at) / 1000);
        set({ name, controller: name }, read(ages));
      }
    };
    const labels = ['name', 'controller'];
    this.#read(
      'workqueue_unfinished_work_seconds',
      labels,
      each((ages) => ages.reduce((sum, age) => sum + age, 0)),
    );
    this.#read(
      'workqueue_longest_running_processor_seconds',
      labels,
      each((ages) => Math.max(0, ...ages)),
    );
    return running;
  }

  #counter(name: MetricName, labelNames: string[]): Counter {
    return new Counter({ name, help: HELP[name], labelNames, registers: [this.#registry] });
  }

  #gauge(name: MetricName, labelNames: string[]): Gauge {
    return new Gauge({ name, help: HELP[name], labelNames, registers: [this.#registry] });
  }

  #histogram(name: MetricName, labelNames: string[], buckets: number[]): Histogram {
    return new Histogram({ name, help: HELP[name], labelNames, buckets, registers: [this.#registry] });
  }

  /** A gauge whose values are put together when it is asked for. */
  #read(name: MetricName, labelNames: string[], read: (set: Setter) => void): void {
    new Gauge({
      name,
      help: HELP[name],
      labelNames,
      registers: [this.#registry],
      collect() {
        this.reset();
        read((labels, value) => this.set(labels, value));
      },
    });
  }

  /** The same for what only grows. */
  #readTotal(name: MetricName, labelNames: string[], read: (set: Setter) => void): void {
    new Counter({
      name,
      help: HELP[name],
      labelNames,
      registers: [this.#registry],
      collect() {
        this.reset();
        read((labels, value) => this.inc(labels, value));
      },
    });
  }
}

type Setter = (labels: Record<string, string>, value: number) => void;

function codeOf(status: number): string {
  return CODES.has(status) ? String(status) : 'other';
}

/** What each metric means. */
const HELP = {
  controller_runtime_reconcile_total: 'Reconciles by how they ended',
  controller_runtime_reconcile_errors_total: 'Reconciles that failed',
  controller_runtime_terminal_reconcile_errors_total: 'Reconciles that failed and are not tried again',
  controller_runtime_reconcile_time_seconds: 'Time of a reconcile',
  controller_runtime_max_concurrent_reconciles: 'Reconciles that may be under way at once',
  controller_runtime_active_workers: 'Reconciles that are under way',
  workqueue_depth: 'Keys that wait for a worker',
  workqueue_adds_total: 'Keys that began to wait',
  workqueue_retries_total: 'Failures after which a key was to be tried again',
  workqueue_queue_duration_seconds: 'Time that a key waited for a worker',
  workqueue_work_duration_seconds: 'Time that a worker had a key',
  workqueue_unfinished_work_seconds: 'Time that the keys that are worked on have taken so far, added up',
  workqueue_longest_running_processor_seconds: 'Time that the longest of them has taken so far',
  rest_client_requests_total: 'Requests to the API server',
  rest_client_request_duration_seconds: 'Time of a request to the API server; of a watch it is not noted',
  leader_election_master_status: '1 while this process holds the Lease, else 0',
  heatstack_stacks: 'HeatStacks by the state of their stack',
  heatstack_condition: 'HeatStacks by their conditions',
  heatstack_not_ready_stacks:
    'HeatStacks whose Ready is False by reason, and whether they wait for somebody to change something',
  heatstack_drifted_stacks: 'HeatStacks whose stack another client changed',
  heatstack_deleting_stacks: 'HeatStacks that are being deleted',
  heatstack_longest_deletion_seconds: 'Time since the deletion was asked for that is under way for longest',
  heatstack_sessions: 'Logins to clouds that are open',
  heatstack_waiting_requests:
    'Requests to Heat that wait for their turn, as a login has only so many at once',
  heatstack_circuit_state: 'Logins by whether their cloud answers: closed, or open while nothing is sent',
  heatstack_heat_request_duration_seconds: 'Time of a request to Heat, to the last byte of the answer',
  heatstack_heat_wait_seconds_total: 'Time that requests to Heat waited for their turn',
  heatstack_keystone_request_duration_seconds:
    'Time of a request to Keystone, to the last byte of the answer',
  heatstack_token_renewals_total: 'Requests for a token, the first of a login too',
  heatstack_operation_duration_seconds:
    'Time from the begin of an operation on a stack until its end was seen',
  heatstack_watch_lists_total: 'Lists that a watch began with, or began anew with',
  heatstack_watch_restarts_total:
    'Watches that followed another one; the API server ends each within minutes',
  heatstack_watch_failures_total: 'Lists and watches that failed',
  heatstack_watch_last_event_age_seconds:
    'Time since the API server was last heard on the watch that was silent for longest',
  heatstack_events_dropped_total: 'Kubernetes Events that were not written',
} as const;

type MetricName = keyof typeof HELP;
