/**
 * What the dashboard shows. HeatStacks, sessions and clouds are counted by the replica that works alone, so sums over replicas
 * and shards are right.
 */

/** Which series: those of the releases that are chosen. */
export const CHOSEN = 'cluster=~"$cluster", namespace=~"$namespace", job=~"$job"';
const RELEASE = 'cluster, namespace, job';
const RELEASE_LEGEND = '{{namespace}}/{{job}}';
const REPLICA_LEGEND = '{{pod}} {{instance}}';

/** A query and how its lines are called. */
type Query = [expression: string, legend: string];

interface Panel {
  title: string;
  /** Explains it to whoever looks at it. */
  description: string;
  queries: Query[];
  /** Grafana's name of the unit. */
  unit: string;
  /** Of 24 columns. */
  width: number;
}

export interface Graph extends Panel {
  kind: 'graph';
  stacked?: true;
  /** Values stay until the next one. */
  stepped?: true;
  max?: number;
}

export interface Figure extends Panel {
  kind: 'figure';
  /** From where on it is shown in which colour. */
  limit?: { value: number; color: string };
}

const graph = (panel: Omit<Graph, 'kind'>): Graph => ({ kind: 'graph', ...panel });
const figure = (panel: Omit<Figure, 'kind'>): Figure => ({ kind: 'figure', ...panel });

/** Series of a metric, of the chosen releases. */
function series(metric: string, more = ''): string {
  return `${metric}{${CHOSEN}${more === '' ? '' : `, ${more}`}}`;
}

/** A state of all replicas, by these labels. */
function fleet(metric: string, { more, by }: { more?: string; by?: string } = {}): string {
  return `sum${by === undefined ? '' : ` by (${by})`} (${series(metric, more)})`;
}

/** The same where no series means none. */
const count = (metric: string, more: string): string => `${fleet(metric, { more })} or vector(0)`;

/** What is counted up, a second. */
function rate(metric: string, by: string, more?: string): string {
  return `sum by (${by}) (rate(${series(metric, more)}[$__rate_interval]))`;
}

/** Quantiles of a histogram. */
function quantiles(metric: string, wanted: number[], by?: string): Query[] {
  const labels = [by, 'le'].filter(Boolean).join(', ');
  return wanted.map((quantile) => [
    `histogram_quantile(${quantile}, sum by (${labels}) (rate(${series(`${metric}_bucket`)}[$__rate_interval])))`,
    `${by === undefined ? '' : `{{${by}}}, `}${quantile * 100} %`,
  ]);
}

const QUANTILES = [0.5, 0.9, 0.99];

/** What is shown of requests to a service. */
function requests(service: string, name: string): Graph[] {
  const metric = `heatstack_${service}_request_duration_seconds`;
  return [
    graph({
      title: `Requests to ${name}`,
      description: 'Requests a second by what they ask for; each try counts.',
      queries: [[rate(`${metric}_count`, 'method, route'), '{{method}} {{route}}']],
      unit: 'reqps',
      width: 8,
      stacked: true,
    }),
    graph({
      title: `Time of requests to ${name}`,
      description: 'To the last byte of the answer.',
      queries: quantiles(metric, QUANTILES),
      unit: 's',
      width: 8,
    }),
    graph({
      title: `Errors of ${name} by code`,
      description: "Answers that aren't 2xx or 3xx, a second; <error>: none came.",
      queries: [[rate(`${metric}_count`, 'code', 'code!~"[23].."'), '{{code}}']],
      unit: 'reqps',
      width: 8,
      stacked: true,
    }),
  ];
}

/** Panels by the row that they are in; they fill its lines from the left. */
export const ROWS: Record<string, (Graph | Figure)[]> = {
  HeatStacks: [
    figure({
      title: 'HeatStacks',
      description: 'HeatStacks that the chosen operators work on.',
      queries: [[fleet('heatstack_stacks'), '']],
      unit: 'none',
      width: 4,
    }),
    figure({
      title: 'Ready',
      description: 'HeatStacks whose stack is complete with the inputs of their spec.',
      queries: [[count('heatstack_condition', 'type="Ready", status="True"'), '']],
      unit: 'none',
      width: 4,
    }),
    figure({
      title: 'Stalled',
      description: 'HeatStacks for which nothing happens until somebody changes something.',
      queries: [[count('heatstack_not_ready_stacks', 'stalled="true"'), '']],
      unit: 'none',
      width: 4,
      limit: { value: 1, color: 'red' },
    }),
    figure({
      title: 'Retrying',
      description: "HeatStacks that aren't Ready and are tried again by themselves.",
      queries: [[count('heatstack_not_ready_stacks', 'stalled="false"'), '']],
      unit: 'none',
      width: 4,
      limit: { value: 1, color: 'orange' },
    }),
    figure({
      title: 'Drifted',
      description: 'HeatStacks whose stack another client changed.',
      queries: [[fleet('heatstack_drifted_stacks'), '']],
      unit: 'none',
      width: 4,
      limit: { value: 1, color: 'orange' },
    }),
    figure({
      title: 'Longest deletion',
      description: 'Age of the oldest deletion that is under way; 0 without one.',
      queries: [[`max (${series('heatstack_longest_deletion_seconds')})`, '']],
      unit: 's',
      width: 4,
      limit: { value: 3600, color: 'red' },
    }),
    graph({
      title: 'Stacks by status',
      description: 'States of the stacks in Heat; none: there is no stack.',
      queries: [[fleet('heatstack_stacks', { by: 'status' }), '{{status}}']],
      unit: 'none',
      width: 8,
      stacked: true,
    }),
    graph({
      title: 'Not Ready by reason',
      description: 'Why Ready is False; stalled: nothing happens until somebody changes something.',
      queries: [
        [fleet('heatstack_not_ready_stacks', { by: 'reason, stalled' }), '{{reason}}, stalled: {{stalled}}'],
      ],
      unit: 'none',
      width: 8,
      stacked: true,
    }),
    graph({
      title: 'Conditions',
      description: 'HeatStacks by their conditions.',
      queries: [[fleet('heatstack_condition', { by: 'type, status' }), '{{type}}={{status}}']],
      unit: 'none',
      width: 8,
    }),
    graph({
      title: 'Operations that ended',
      description:
        'Creates, updates and deletes a second by how they ended; superseded: another one took over.',
      queries: [
        [rate('heatstack_operation_duration_seconds_count', 'action, result'), '{{action}} {{result}}'],
      ],
      unit: 'ops',
      width: 8,
      stacked: true,
    }),
    graph({
      title: 'Time of operations',
      description: 'From the begin of an operation until its end was seen.',
      queries: quantiles('heatstack_operation_duration_seconds', [0.5, 0.95], 'action'),
      unit: 's',
      width: 8,
    }),
    graph({
      title: 'Deletions',
      description: 'HeatStacks that are being deleted.',
      queries: [[fleet('heatstack_deleting_stacks', { by: RELEASE }), RELEASE_LEGEND]],
      unit: 'none',
      width: 8,
    }),
  ],
  Reconciles: [
    graph({
      title: 'Reconciles by result',
      description: 'Reconciles a second by how they ended.',
      queries: [
        [rate('controller_runtime_reconcile_total', 'controller, result'), '{{controller}} {{result}}'],
      ],
      unit: 'ops',
      width: 8,
      stacked: true,
    }),
    graph({
      title: 'Failed reconciles',
      description: 'Part of the reconciles that failed, and not for their cloud or their inputs.',
      queries: [
        [
          `${rate('controller_runtime_reconcile_errors_total', 'controller')} / ${rate('controller_runtime_reconcile_total', 'controller')}`,
          '{{controller}}',
        ],
      ],
      unit: 'percentunit',
      width: 4,
      max: 1,
    }),
    graph({
      title: 'Time of a reconcile',
      description: 'Half, nine in ten, and 99 in a hundred reconciles take so long at most.',
      queries: quantiles('controller_runtime_reconcile_time_seconds', QUANTILES),
      unit: 's',
      width: 6,
    }),
    graph({
      title: 'Workers',
      description: 'Reconciles under way, and how many may be (concurrency).',
      queries: [
        [`sum by (controller) (${series('controller_runtime_active_workers')})`, '{{controller}} under way'],
        [
          `max by (controller) (${series('controller_runtime_max_concurrent_reconciles')})`,
          '{{controller}} most',
        ],
      ],
      unit: 'none',
      width: 6,
    }),
  ],
  Queue: [
    graph({
      title: 'Keys that wait',
      description: 'HeatStacks that wait for a worker.',
      queries: [[fleet('workqueue_depth', { by: 'name' }), '{{name}}']],
      unit: 'none',
      width: 6,
    }),
    graph({
      title: 'Time in the queue',
      description: 'How long keys waited for a worker.',
      queries: quantiles('workqueue_queue_duration_seconds', QUANTILES, 'name'),
      unit: 's',
      width: 6,
    }),
    graph({
      title: 'Added and retried',
      description: 'Keys that began to wait, and failures after which a key was to be tried again, a second.',
      queries: [
        [rate('workqueue_adds_total', 'name'), '{{name}} added'],
        [rate('workqueue_retries_total', 'name'), '{{name}} retried'],
      ],
      unit: 'ops',
      width: 6,
    }),
    graph({
      title: 'Longest running',
      description: 'Time that the longest reconcile under way has taken so far.',
      queries: [[`max by (name) (${series('workqueue_longest_running_processor_seconds')})`, '{{name}}']],
      unit: 's',
      width: 6,
    }),
  ],
  'Heat and Keystone': [
    ...requests('heat', 'Heat'),
    ...requests('keystone', 'Keystone'),
    graph({
      title: 'Tokens',
      description: 'Requests for a token a second, the first of a login too.',
      queries: [[rate('heatstack_token_renewals_total', 'result'), '{{result}}']],
      unit: 'reqps',
      width: 24,
    }),
  ],
  'Limits and circuits': [
    graph({
      title: "Circuits that aren't closed",
      description:
        "Logins whose Heat or Keystone doesn't answer: nothing is sent there but a try now and then.",
      queries: [
        [
          `sum by (api, state) (${series('heatstack_circuit_state', 'state!="closed"')})`,
          '{{api}} {{state}}',
        ],
      ],
      unit: 'none',
      width: 6,
      stacked: true,
    }),
    graph({
      title: 'Requests that wait for their turn',
      description: 'Requests to Heat that heatConcurrency or heatRate of their login holds back.',
      queries: [[`sum by (${RELEASE}) (${series('heatstack_waiting_requests')})`, RELEASE_LEGEND]],
      unit: 'none',
      width: 6,
    }),
    graph({
      title: 'Time that a request waits for its turn',
      description: "On the average; it is no part of the request's own time.",
      queries: [
        [
          `${rate('heatstack_heat_wait_seconds_total', RELEASE)} / ${rate('heatstack_heat_request_duration_seconds_count', RELEASE)}`,
          RELEASE_LEGEND,
        ],
      ],
      unit: 's',
      width: 6,
    }),
    graph({
      title: 'Logins',
      description: 'Logins to clouds that are open; HeatStacks with the same credentials share one.',
      queries: [[`sum by (${RELEASE}) (${series('heatstack_sessions')})`, RELEASE_LEGEND]],
      unit: 'none',
      width: 6,
    }),
  ],
  'API server and watches': [
    graph({
      title: 'Requests to the API server',
      description: 'Requests a second by the code of the answer; <error>: none came.',
      queries: [[rate('rest_client_requests_total', 'method, code'), '{{method}} {{code}}']],
      unit: 'reqps',
      width: 8,
      stacked: true,
    }),
    graph({
      title: 'Time of requests to the API server',
      description: 'Without watches.',
      queries: quantiles('rest_client_request_duration_seconds', [0.5, 0.99], 'verb'),
      unit: 's',
      width: 8,
    }),
    graph({
      title: 'Silence of watches',
      description: 'Time since the API server was last heard; it says something every minute.',
      queries: [[`max by (resource) (${series('heatstack_watch_last_event_age_seconds')})`, '{{resource}}']],
      unit: 's',
      width: 8,
    }),
    graph({
      title: 'Watches begun anew',
      description:
        'Watches that followed another one, and lists, a minute. The API server ends each within minutes.',
      queries: [
        [`60 * ${rate('heatstack_watch_restarts_total', 'resource')}`, '{{resource}} watches'],
        [`60 * ${rate('heatstack_watch_lists_total', 'resource')}`, '{{resource}} lists'],
      ],
      unit: 'cpm',
      width: 8,
    }),
    graph({
      title: 'Failed lists and watches',
      description: 'Failures a minute.',
      queries: [[`60 * ${rate('heatstack_watch_failures_total', 'resource')}`, '{{resource}}']],
      unit: 'cpm',
      width: 8,
    }),
    graph({
      title: 'Events not written',
      description: 'Kubernetes Events that were dropped, a minute.',
      queries: [[`60 * ${rate('heatstack_events_dropped_total', RELEASE)}`, RELEASE_LEGEND]],
      unit: 'cpm',
      width: 8,
    }),
  ],
  Replicas: [
    graph({
      title: 'Scraped',
      description: 'Replicas that Prometheus reaches.',
      queries: [[`sum by (${RELEASE}) (${series('up')})`, RELEASE_LEGEND]],
      unit: 'none',
      width: 6,
      stepped: true,
    }),
    graph({
      title: 'Leader',
      description: '1 for the replica that holds the Lease; without leader election there is nothing here.',
      queries: [[series('leader_election_master_status'), `{{name}}: ${REPLICA_LEGEND}`]],
      unit: 'none',
      width: 9,
      max: 1,
      stepped: true,
    }),
    graph({
      title: 'Time since the start',
      description: 'Falls to 0 with each restart.',
      queries: [[`time() - ${series('process_start_time_seconds')}`, REPLICA_LEGEND]],
      unit: 's',
      width: 9,
    }),
  ],
  Process: [
    graph({
      title: 'CPU',
      description: 'Cores in use.',
      queries: [[`rate(${series('process_cpu_seconds_total')}[$__rate_interval])`, REPLICA_LEGEND]],
      unit: 'none',
      width: 6,
    }),
    graph({
      title: 'Memory',
      description: "Resident memory, which the pod's limit is about, and what of it is JavaScript's heap.",
      queries: [
        [series('process_resident_memory_bytes'), `${REPLICA_LEGEND} resident`],
        [series('nodejs_heap_size_used_bytes'), `${REPLICA_LEGEND} heap`],
      ],
      unit: 'bytes',
      width: 6,
    }),
    graph({
      title: 'Lag of the event loop',
      description: 'How late the process comes to its next turn, in 99 of 100 cases; measured every 0.1 s.',
      queries: [[series('nodejs_eventloop_lag_p99_seconds'), REPLICA_LEGEND]],
      unit: 's',
      width: 6,
    }),
    graph({
      title: 'Open files',
      description: 'Connections and files.',
      queries: [[series('process_open_fds'), REPLICA_LEGEND]],
      unit: 'none',
      width: 6,
    }),
  ],
};
