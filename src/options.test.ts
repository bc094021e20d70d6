import { describe, expect, test } from 'vitest';
import { helpText, leaseName, OptionError, type Options, parseOptions } from './options.ts';

const FLAGS = [
  '--kubeconfig',
  '--context',
  '--namespace',
  '--operator-namespace',
  '--cluster-id',
  '--watch-label-selector',
  '--concurrency',
  '--progress-interval',
  '--operation-grace',
  '--allowed-endpoints',
  '--refused-endpoints',
  '--output-objects',
  '--protect-credentials',
  '--watch-configs-label-selector',
  '--secret-names',
  '--heat-concurrency',
  '--heat-rate',
  '--events',
  '--leader-elect',
  '--lease-name',
  '--lease-duration',
  '--renew-deadline',
  '--retry-period',
  '--shutdown-timeout',
  '--health-address',
  '--metrics-address',
  '--log-level',
  '--log-format',
];

function parse(args: string[], env: NodeJS.ProcessEnv = {}): Options {
  const options = parseOptions(args, env);
  if (typeof options === 'string') throw new Error(options);
  return options;
}

function errorOf(args: string[], env: NodeJS.ProcessEnv = {}): string {
  try {
    parseOptions(args, env);
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError);
    return (error as OptionError).message;
  }
  throw new Error('there was no error');
}

test('without any there are the defaults', () => {
  expect(parse([])).toEqual({
    namespaces: [],
    concurrency: 10,
    progressIntervalMs: 10_000,
    graceMs: 300_000,
    allowedEndpoints: [],
    refusedEndpoints: [],
    outputObjects: true,
    protectCredentials: false,
    secretNames: [],
    heatConcurrency: 8,
    heatRate: 100,
    events: true,
    leaderElect: false,
    leaseDurationMs: 15_000,
    renewDeadlineMs: 10_000,
    retryPeriodMs: 2_000,
    shutdownTimeoutMs: 20_000,
    logLevel: 'info',
    logFormat: 'auto',
  });
});

test('an empty flag counts as not given, as from a value that a chart left unset', () => {
  expect(parse(FLAGS.map((flag) => `${flag}=`))).toEqual(parse([]));
  expect(parse(['--concurrency='], { HEATSTACK_CONCURRENCY: '7' }).concurrency).toBe(7);
});

test('flags are read, with a space or an equals sign', () => {
  const args = [
    '--kubeconfig=/k',
    '--context',
    'c',
    '--namespace=a',
    '--namespace',
    'b',
    '--namespace=a',
    '--operator-namespace=o',
    '--cluster-id=id',
    '--concurrency=100',
    '--progress-interval=1s',
    '--operation-grace=1h30m',
    '--allowed-endpoints=*.example.com,192.0.2.0/24',
    '--allowed-endpoints=keystone',
    '--refused-endpoints=10.96.0.0/12',
    '--output-objects=false',
    '--protect-credentials=true',
    '--secret-names=one',
    '--secret-names=two,one',
    '--watch-label-selector=shard=a',
    '--heat-concurrency=100',
    '--heat-rate=10000',
    '--events=false',
    '--leader-elect=true',
    '--lease-name=l',
    '--lease-duration=6s',
    '--renew-deadline=4s',
    '--retry-period=500ms',
    '--shutdown-timeout=1m',
    '--health-address=:8081',
    '--metrics-address=[::1]:8080',
    '--log-level=debug',
    '--log-format=json',
  ];
  expect(parse(args)).toEqual({
    kubeconfig: '/k',
    context: 'c',
    namespaces: ['a', 'b'],
    operatorNamespace: 'o',
    clusterID: 'id',
    concurrency: 100,
    progressIntervalMs: 1000,
    graceMs: 5_400_000,
    allowedEndpoints: ['*.example.com', '192.0.2.0/24', 'keystone'],
    refusedEndpoints: ['10.96.0.0/12'],
    outputObjects: false,
    protectCredentials: true,
    secretNames: ['one', 'two'],
    stacksLabelSelector: 'shard=a',
    heatConcurrency: 100,
    heatRate: 10_000,
    events: false,
    leaderElect: true,
    leaseName: 'l',
    leaseDurationMs: 6_000,
    renewDeadlineMs: 4_000,
    retryPeriodMs: 500,
    shutdownTimeoutMs: 60_000,
    healthAddress: { port: 8081 },
    metricsAddress: { host: '::1', port: 8080 },
    logLevel: 'debug',
    logFormat: 'json',
  });
});

describe('the environment', () => {
  test('has all of them', () => {
    const env = {
      HEATSTACK_KUBECONFIG: '/k',
      HEATSTACK_CONTEXT: 'c',
      HEATSTACK_NAMESPACE: 'a, b,,a',
      HEATSTACK_OPERATOR_NAMESPACE: 'o',
      HEATSTACK_CLUSTER_ID: 'id',
      HEATSTACK_CONCURRENCY: '1',
      HEATSTACK_PROGRESS_INTERVAL: '2s',
      HEATSTACK_OPERATION_GRACE: '3s',
      HEATSTACK_ALLOWED_ENDPOINTS: 'keystone',
      HEATSTACK_REFUSED_ENDPOINTS: '10.96.0.0/12, 10.88.0.0/16',
      HEATSTACK_OUTPUT_OBJECTS: 'false',
      HEATSTACK_PROTECT_CREDENTIALS: 'true',
      HEATSTACK_WATCH_CONFIGS_LABEL_SELECTOR: 'team in (a, b),!old',
      HEATSTACK_SECRET_NAMES: 'one, two',
      HEATSTACK_WATCH_LABEL_SELECTOR: 'shard=a',
      HEATSTACK_HEAT_CONCURRENCY: '1',
      HEATSTACK_HEAT_RATE: '2',
      HEATSTACK_EVENTS: 'false',
      HEATSTACK_LEADER_ELECT: 'true',
      HEATSTACK_LEASE_NAME: 'l',
      HEATSTACK_LEASE_DURATION: '30s',
      HEATSTACK_RENEW_DEADLINE: '20s',
      HEATSTACK_RETRY_PERIOD: '4s',
      HEATSTACK_SHUTDOWN_TIMEOUT: '10s',
      HEATSTACK_HEALTH_ADDRESS: '127.0.0.1:1',
      HEATSTACK_METRICS_ADDRESS: 'localhost:65535',
      HEATSTACK_LOG_LEVEL: 'warn',
      HEATSTACK_LOG_FORMAT: 'pretty',
    };
    expect(Object.keys(env)).toHaveLength(FLAGS.length);
    expect(parse([], env)).toEqual({
      kubeconfig: '/k',
      context: 'c',
      namespaces: ['a', 'b'],
      operatorNamespace: 'o',
      clusterID: 'id',
      concurrency: 1,
      progressIntervalMs: 2000,
      graceMs: 3000,
      allowedEndpoints: ['keystone'],
      refusedEndpoints: ['10.96.0.0/12', '10.88.0.0/16'],
      outputObjects: false,
      protectCredentials: true,
      configsLabelSelector: 'team in (a, b),!old',
      secretNames: ['one', 'two'],
      stacksLabelSelector: 'shard=a',
      heatConcurrency: 1,
      heatRate: 2,
      events: false,
      leaderElect: true,
      leaseName: 'l',
      leaseDurationMs: 30_000,
      renewDeadlineMs: 20_000,
      retryPeriodMs: 4_000,
      shutdownTimeoutMs: 10_000,
      healthAddress: { host: '127.0.0.1', port: 1 },
      metricsAddress: { host: 'localhost', port: 65_535 },
      logLevel: 'warn',
      logFormat: 'pretty',
    });
  });

  test('gives way to a flag', () => {
    const env = { HEATSTACK_LOG_LEVEL: 'warn', HEATSTACK_NAMESPACE: 'a,b', HEATSTACK_CONCURRENCY: 'odd' };
    const options = parse(['--log-level=error', '--namespace=c', '--concurrency=5'], env);
    expect(options).toMatchObject({ logLevel: 'error', namespaces: ['c'], concurrency: 5 });
  });

  test('that is empty is not set', () => {
    expect(parse([], { HEATSTACK_LOG_LEVEL: '', HEATSTACK_CONTEXT: '', HEATSTACK_NAMESPACE: '' })).toEqual(
      parse([]),
    );
  });

  test('without the prefix is not ours', () => {
    expect(parse([], { LOG_LEVEL: 'odd', CONCURRENCY: '7' })).toEqual(parse([]));
  });
});

describe('an error names the flag, what is wrong and what would be right', () => {
  test.each<[string[], string]>([
    [['--concurrency=0'], '--concurrency must be a whole number from 1 to 100; it is "0"'],
    [['--concurrency=101'], '--concurrency must be a whole number from 1 to 100; it is "101"'],
    [['--concurrency=1.5'], '--concurrency must be'],
    [['--concurrency=ten'], '--concurrency must be'],
    [
      ['--progress-interval=10'],
      '--progress-interval must be a duration of at least 1s, such as 30s or 5m; it is "10"',
    ],
    [['--progress-interval=0s'], '--progress-interval must be a duration of at least 1s'],
    [['--operation-grace=soon'], '--operation-grace must be a duration'],
    [['--protect-credentials=1'], '--protect-credentials must be one of true, false; it is "1"'],
    [['--output-objects=no'], '--output-objects must be one of true, false; it is "no"'],
    [['--heat-concurrency=101'], '--heat-concurrency must be a whole number from 1 to 100; it is "101"'],
    [['--heat-rate=0'], '--heat-rate must be a whole number from 1 to 10000; it is "0"'],
    [
      ['--watch-label-selector=key=a=b'],
      '--watch-label-selector: "key=a=b" is not a requirement for labels, such as key=value or key in (a,b)',
    ],
    [['--lease-duration=10s'], '--lease-duration must be longer than --renew-deadline'],
    [['--retry-period=9s'], '--renew-deadline must be longer than --retry-period'],
    ...['8080', ':', ':65536', '::1:80', 'a:b:80', '[::1]'].map((value): [string[], string] => [
      [`--metrics-address=${value}`],
      `--metrics-address must be a port with a host before it or not, such as :8080; it is "${value}"`,
    ]),
    [['--log-level=loud'], '--log-level must be one of trace, debug, info, warn, error, fatal; it is "loud"'],
    [['--log-format=xml'], '--log-format must be one of auto, json, pretty; it is "xml"'],
    [['--nosuch'], "Unknown option '--nosuch'"],
    [['--log-level'], "Option '--log-level <value>' argument missing"],
    [['start'], "Unexpected argument 'start'"],
    [['--help=yes'], "Option '-h, --help' does not take an argument"],
  ])('%j', (args, message) => {
    expect(errorOf(args)).toContain(message);
  });

  test('also when it came from the environment', () => {
    expect(errorOf([], { HEATSTACK_LOG_LEVEL: 'loud' })).toContain('--log-level must be one of');
  });
});

describe('help and version', () => {
  test.each([['--help'], ['-h'], ['--help', '--log-level=odd']])('%j is help', (...args) => {
    expect(parseOptions(args, {})).toBe('help');
  });

  test('--version is the version', () => {
    expect(parseOptions(['--version'], {})).toBe('version');
  });

  test('--check is asked for besides the options', () => {
    expect(parse(['--check', '--lease-name=a'])).toMatchObject({ check: true, leaseName: 'a' });
    expect(parse([]).check).toBeUndefined();
  });

  test('the help lists every option, its default, and fits a terminal', () => {
    const text = helpText();
    for (const flag of [...FLAGS, '--check', '--help', '--version'])
      expect(text).toMatch(new RegExp(`^  ${flag}( |$)`, 'm'));
    expect(text.match(/^ {2}--/gm)).toHaveLength(FLAGS.length + 3);
    expect(text).toContain('(default 10s)');
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(125);
  });
});

test('the Lease has the name that is given, else one for each selector', () => {
  expect(leaseName({ leaseName: 'mine', stacksLabelSelector: 'a=b' })).toBe('mine');
  expect(leaseName({})).toBe('heatstack-operator');
  expect(leaseName({ stacksLabelSelector: 'a=b' })).toMatch(/^heatstack-operator-[0-9a-f]{8}$/);
  expect(leaseName({ stacksLabelSelector: 'a=b' })).not.toBe(leaseName({ stacksLabelSelector: 'a=c' }));
});
