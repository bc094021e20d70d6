import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { parseDuration } from './api/duration.ts';
import { parseLabelSelector } from './kube/label-selector.ts';

/** The operator's options. */
export interface Options {
  kubeconfig?: string;
  context?: string;
  namespaces: string[];
  operatorNamespace?: string;
  clusterID?: string;
  concurrency: number;
  progressIntervalMs: number;
  graceMs: number;
  /** Host names and addresses that a cloud may be at; none means all but those that are refused. */
  allowedEndpoints: string[];
  /** Addresses that no cloud may be at, besides loopback, link-local and the API server's. */
  refusedEndpoints: string[];
  /** Whether outputs may be written to Secrets and ConfigMaps. */
  outputObjects: boolean;
  /** Whether Secrets with credentials are kept while HeatStacks need them. */
  protectCredentials: boolean;
  /** Labels of the HeatStacks to work on; missing: all. */
  stacksLabelSelector?: string;
  /** Labels of the ConfigMaps and Secrets that are watched; missing: all are. */
  configsLabelSelector?: string;
  /** The Secrets that the operator may read; none means all. */
  secretNames: string[];
  /** Requests under way at once with one login to a cloud. */
  heatConcurrency: number;
  /** Requests a second with one login to a cloud. */
  heatRate: number;
  /** Whether Kubernetes Events are written. */
  events: boolean;
  /** Whether to wait for a Lease before working. */
  leaderElect: boolean;
  leaseName?: string;
  leaseDurationMs: number;
  renewDeadlineMs: number;
  retryPeriodMs: number;
  /** How long running reconciles may go on after a stop. */
  shutdownTimeoutMs: number;
  /** Where /healthz and /readyz are served; missing: nowhere. */
  healthAddress?: ListenAddress;
  /** Where /metrics is served; missing: nowhere. */
  metricsAddress?: ListenAddress;
  /** Whether to try what a start needs, and to end. */
  check?: true;
  logLevel: string;
  logFormat: 'auto' | 'json' | 'pretty';
}

/** Where to listen; without a host on all of the machine's addresses. */
export interface ListenAddress {
  host?: string;
  port: number;
}

/** A wrong option; the message says which, why and what to do. */
export class OptionError extends Error {
  override readonly name = 'OptionError';
}

interface Definition {
  /** What `--help` shows for the value. */
  value: string;
  help: string;
  preset?: string;
  multiple?: true;
}

const DEFINITIONS = {
  kubeconfig: {
    value: 'FILE',
    help: "kubeconfig of the cluster; default: $KUBECONFIG, the pod's service account, ~/.kube/config",
  },
  context: { value: 'NAME', help: 'context of the kubeconfig; default: the current one' },
  namespace: {
    value: 'NAME',
    help: 'work in this namespace only; may be repeated; default: all namespaces',
    multiple: true,
  },
  'operator-namespace': {
    value: 'NAME',
    help: 'namespace of the operator\'s own Secret; default: the pod\'s, else "default"',
  },
  'cluster-id': {
    value: 'ID',
    help: 'names the cluster in the tags of its stacks; default: uid of namespace kube-system',
  },
  'watch-label-selector': {
    value: 'SELECTOR',
    help: 'work on HeatStacks with these labels only, such as sharding.fluxcd.io/key=a',
  },
  concurrency: {
    value: 'N',
    help: 'objects worked on at once, 1 to 100; at most half for one namespace',
    preset: '10',
  },
  'progress-interval': {
    value: 'DURATION',
    help: 'how often the resources of a stack in progress are read',
    preset: '10s',
  },
  'operation-grace': {
    value: 'DURATION',
    help: 'time beyond spec.timeout before an operation counts as stuck',
    preset: '5m',
  },
  'allowed-endpoints': {
    value: 'HOST',
    help: 'a cloud may only be at this host name (*.example.com), address or network; may be repeated',
    multiple: true,
  },
  'refused-endpoints': {
    value: 'NETWORK',
    help: 'no cloud may be at this address or network; may be repeated; its own are refused anyway',
    multiple: true,
  },
  'output-objects': {
    value: 'BOOL',
    help: 'write outputs to the Secrets and ConfigMaps that HeatStacks ask for',
    preset: 'true',
  },
  'protect-credentials': {
    value: 'BOOL',
    help: 'keep Secrets with credentials, by a finalizer, while HeatStacks need them',
    preset: 'false',
  },
  'watch-configs-label-selector': {
    value: 'SELECTOR',
    help: 'watch only ConfigMaps and Secrets with these labels; others wait for a resync',
  },
  'secret-names': {
    value: 'NAME',
    help: 'read and watch only Secrets of this name; may be repeated; default: all',
    multiple: true,
  },
  'heat-concurrency': {
    value: 'N',
    help: 'requests under way at once with one login to a cloud, 1 to 100',
    preset: '8',
  },
  'heat-rate': {
    value: 'N',
    help: 'requests a second with one login to a cloud, 1 to 10000',
    preset: '100',
  },
  events: { value: 'BOOL', help: 'write Kubernetes Events', preset: 'true' },
  'leader-elect': {
    value: 'BOOL',
    help: 'work only while holding a Lease, so that there can be several replicas',
    preset: 'false',
  },
  'lease-name': {
    value: 'NAME',
    help: "the Lease's name; default: heatstack-operator, and a hash of --watch-label-selector if set",
  },
  'lease-duration': {
    value: 'DURATION',
    help: 'others take the Lease when it was not renewed for so long',
    preset: '15s',
  },
  'renew-deadline': {
    value: 'DURATION',
    help: 'write nothing any more when the Lease could not be renewed for so long',
    preset: '10s',
  },
  'retry-period': {
    value: 'DURATION',
    help: 'time between two tries to get or renew the Lease',
    preset: '2s',
  },
  'shutdown-timeout': {
    value: 'DURATION',
    help: 'how long work that has begun may go on after a stop',
    preset: '20s',
  },
  'health-address': {
    value: '[HOST]:PORT',
    help: 'serve /healthz and /readyz there, such as :8081; default: nowhere',
  },
  'metrics-address': { value: '[HOST]:PORT', help: 'serve /metrics there, such as :8080; default: nowhere' },
  'log-level': {
    value: 'LEVEL',
    help: 'trace, debug, info, warn, error or fatal; SIGUSR2: to debug, and back',
    preset: 'info',
  },
  'log-format': { value: 'FORMAT', help: 'json, pretty, or auto: pretty on a terminal', preset: 'auto' },
} as const satisfies Record<string, Definition>;

const PREFIX = 'HEATSTACK_';
const definitions: [string, Definition][] = Object.entries(DEFINITIONS);

/** The text of `--help`. */
export function helpText(): string {
  const rows = definitions.map(([name, { value, help, preset }]) => {
    const text = preset === undefined ? help : `${help} (default ${preset})`;
    return `  ${`--${name} ${value}`.padEnd(32)} ${text}`;
  });
  return `heatstack-operator: runs OpenStack Heat stacks for the HeatStack objects of a Kubernetes cluster

Usage: heatstack-operator [options]

${rows.join('\n')}
  ${'--check'.padEnd(32)} try the API server and the rights on it, say what is missing, and end
  ${'--version'.padEnd(32)} print the version
  ${'--help'.padEnd(32)} print this

Each option can be given in the environment as well, as ${PREFIX} and its name in capitals (${PREFIX}LOG_LEVEL); a list
is separated by commas. A flag wins. Durations are written like 90s, 5m or 1h30m.
Clouds, and an API server outside of the pod's own cluster, are reached by HTTPS_PROXY, HTTP_PROXY and NO_PROXY.
`;
}

/**
 * Reads flags and environment.
 *
 * @returns `help` or `version` when that was asked for.
 * @throws OptionError
 */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv): Options | 'help' | 'version' {
  let flags: Record<string, string | boolean | (string | boolean)[] | undefined>;
  try {
    flags = parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
        check: { type: 'boolean' },
        ...Object.fromEntries(
          definitions.map(([name, { multiple = false }]) => [name, { type: 'string', multiple }]),
        ),
      },
    }).values;
  } catch (error) {
    throw new OptionError(
      `${error instanceof Error ? (error.message.split(/[.\n]/)[0] ?? '') : String(error)}; see --help`,
    );
  }
  if (flags['help']) return 'help';
  if (flags['version']) return 'version';

  const text = (name: keyof typeof DEFINITIONS): string | undefined => {
    const flag = flags[name];
    // Empty as from a value that a chart or a script didn't set.
    if (typeof flag === 'string' && flag !== '') return flag;
    const { preset }: Definition = DEFINITIONS[name];
    return env[PREFIX + name.toUpperCase().replaceAll('-', '_')] || preset;
  };
  const duration = (name: keyof typeof DEFINITIONS, least: number): number => {
    try {
      const ms = parseDuration(text(name) ?? '');
      if (ms >= least) return ms;
    } catch {
      // said below
    }
    throw new OptionError(
      `--${name} must be a duration of at least ${least / 1000}s, such as 30s or 5m; it is "${text(name)}"`,
    );
  };
  const oneOf = <T extends string>(name: keyof typeof DEFINITIONS, allowed: readonly T[]): T => {
    const found = allowed.find((value) => value === text(name));
    if (found === undefined)
      throw new OptionError(`--${name} must be one of ${allowed.join(', ')}; it is "${text(name)}"`);
    return found;
  };
  const whole = (name: keyof typeof DEFINITIONS, most: number): number => {
    const number = Number(text(name));
    if (Number.isInteger(number) && number >= 1 && number <= most) return number;
    throw new OptionError(`--${name} must be a whole number from 1 to ${most}; it is "${text(name)}"`);
  };
  const address = (name: keyof typeof DEFINITIONS): ListenAddress | undefined => {
    const given = text(name);
    if (given === undefined) return undefined;
    // An IPv6 address is in brackets.
    const [, inBrackets, host = inBrackets, digits] =
      given.match(/^(?:\[([^\]]+)\]|([^:[\]]+))?:(\d{1,5})$/) ?? [];
    const port = Number(digits);
    if (port <= 65_535) return { ...(host === undefined ? {} : { host }), port };
    throw new OptionError(
      `--${name} must be a port with a host before it or not, such as :8080; it is "${given}"`,
    );
  };
  const list = (name: keyof typeof DEFINITIONS): string[] => {
    const flag = flags[name];
    const given = Array.isArray(flag)
      ? flag.flatMap((value) => String(value).split(','))
      : (text(name) ?? '').split(',');
    return [...new Set(given.map((value) => value.trim()).filter((value) => value !== ''))];
  };
  const given = {
    kubeconfig: text('kubeconfig'),
    context: text('context'),
    operatorNamespace: text('operator-namespace'),
    clusterID: text('cluster-id'),
    stacksLabelSelector: text('watch-label-selector'),
    configsLabelSelector: text('watch-configs-label-selector'),
    leaseName: text('lease-name'),
  };
  try {
    if (given.stacksLabelSelector !== undefined) parseLabelSelector(given.stacksLabelSelector);
  } catch (error) {
    throw new OptionError(
      `--watch-label-selector: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const lease = {
    leaseDurationMs: duration('lease-duration', 1_000),
    renewDeadlineMs: duration('renew-deadline', 1_000),
    retryPeriodMs: duration('retry-period', 100),
  };
  // As client-go demands: whoever can't renew must have stopped before another one begins.
  if (lease.renewDeadlineMs >= lease.leaseDurationMs)
    throw new OptionError('--lease-duration must be longer than --renew-deadline');
  if (lease.retryPeriodMs * 1.2 >= lease.renewDeadlineMs)
    throw new OptionError('--renew-deadline must be longer than --retry-period and a fifth of it');
  const healthAddress = address('health-address');
  const metricsAddress = address('metrics-address');
  return {
    ...(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
      [K in keyof typeof given]?: string;
    }),
    namespaces: list('namespace'),
    concurrency: whole('concurrency', 100),
    progressIntervalMs: duration('progress-interval', 1_000),
    graceMs: duration('operation-grace', 1_000),
    allowedEndpoints: list('allowed-endpoints'),
    refusedEndpoints: list('refused-endpoints'),
    outputObjects: oneOf('output-objects', ['true', 'false']) === 'true',
    protectCredentials: oneOf('protect-credentials', ['true', 'false']) === 'true',
    secretNames: list('secret-names'),
    heatConcurrency: whole('heat-concurrency', 100),
    heatRate: whole('heat-rate', 10_000),
    events: oneOf('events', ['true', 'false']) === 'true',
    leaderElect: oneOf('leader-elect', ['true', 'false']) === 'true',
    ...lease,
    shutdownTimeoutMs: duration('shutdown-timeout', 1_000),
    ...(flags['check'] === true ? { check: true } : {}),
    ...(healthAddress === undefined ? {} : { healthAddress }),
    ...(metricsAddress === undefined ? {} : { metricsAddress }),
    logLevel: oneOf('log-level', ['trace', 'debug', 'info', 'warn', 'error', 'fatal']),
    logFormat: oneOf('log-format', ['auto', 'json', 'pretty']),
  };
}

/** Name of the Lease of all replicas that work on the same HeatStacks. The Helm chart makes the same one. */
export function leaseName({
  leaseName: given,
  stacksLabelSelector: selector,
}: Pick<Options, 'leaseName' | 'stacksLabelSelector'>): string {
  if (given !== undefined) return given;
  if (selector === undefined) return 'heatstack-operator';
  return `heatstack-operator-${createHash('sha256').update(selector).digest('hex').slice(0, 8)}`;
}
