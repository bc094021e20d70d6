import { parseArgs } from 'node:util';
import { parseDuration } from './api/duration.ts';

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
  /** Labels of the ConfigMaps and Secrets that are watched; missing: all are. */
  watchLabelSelector?: string;
  /** The Secrets that the operator may read; none means all. */
  secretNames: string[];
  logLevel: string;
  logFormat: 'auto' | 'json' | 'pretty';
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
  concurrency: {
    value: 'N',
    help: 'objects worked on at once, 1 to 100; half of them for one namespace',
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
  'log-level': { value: 'LEVEL', help: 'trace, debug, info, warn, error or fatal', preset: 'info' },
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
  ${'--version'.padEnd(32)} print the version
  ${'--help'.padEnd(32)} print this

Each option can be given in the environment as well, as ${PREFIX} and its name in capitals (${PREFIX}LOG_LEVEL); a list
is separated by commas. A flag wins. Durations are written like 90s, 5m or 1h30m.
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
  const concurrency = Number(text('concurrency'));
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 100) {
    throw new OptionError(
      `--concurrency must be a whole number from 1 to 100; it is "${text('concurrency')}"`,
    );
  }
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
    watchLabelSelector: text('watch-configs-label-selector'),
  };
  return {
    ...(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
      [K in keyof typeof given]?: string;
    }),
    namespaces: list('namespace'),
    concurrency,
    progressIntervalMs: duration('progress-interval', 1_000),
    graceMs: duration('operation-grace', 1_000),
    allowedEndpoints: list('allowed-endpoints'),
    refusedEndpoints: list('refused-endpoints'),
    outputObjects: oneOf('output-objects', ['true', 'false']) === 'true',
    protectCredentials: oneOf('protect-credentials', ['true', 'false']) === 'true',
    secretNames: list('secret-names'),
    logLevel: oneOf('log-level', ['trace', 'debug', 'info', 'warn', 'error', 'fatal']),
    logFormat: oneOf('log-format', ['auto', 'json', 'pretty']),
  };
}
