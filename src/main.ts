#!/usr/bin/env node
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type Logger, pino } from 'pino';
import { FIELD_MANAGER } from './api/constants.ts';
import { check } from './check.ts';
import { Metrics } from './controller/metrics.ts';
import { runOperator } from './controller/operator.ts';
import { Tracing } from './controller/tracing.ts';
import { Health } from './health.ts';
import {
  apiServerUrls,
  inClusterNamespace,
  KubeClient,
  KubeTransport,
  LeaderElection,
  loadKubeConfig,
  parseLabelSelector,
} from './kube/index.ts';
import { serveObservability } from './observability.ts';
import { EndpointPolicy } from './openstack/index.ts';
import { helpText, leaseName, type Options, parseOptions } from './options.ts';
import { VERSION } from './version.ts';

const userAgent = `${FIELD_MANAGER}/${VERSION}`;

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`heatstack-operator: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2), process.env);
  if (options === 'help' || options === 'version') {
    process.stdout.write(options === 'help' ? helpText() : `${VERSION}\n`);
    return 0;
  }
  // Names are looked up on libuv's threads, at most on half of them and 4 by default, and for 10 s and more each where
  // a name's server is silent (glibc): a tenant's names must not keep all others waiting.
  process.env['UV_THREADPOOL_SIZE'] ??= '64';
  process.env['RES_OPTIONS'] ??= 'timeout:2 attempts:2';
  const logger = await createLogger(options);
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      logger.info({ signal: name }, 'stopping');
      stop.abort(new Error(`stopped by ${name}`));
    });
  }
  process.on('SIGUSR2', () => toggleLevel(logger, options.logLevel));
  const config = loadKubeConfig(options);
  const operatorNamespace = options.operatorNamespace ?? inClusterNamespace() ?? 'default';
  if (options.check) {
    const transport = new KubeTransport(config, { userAgent, logger });
    const say = (line: string) => void process.stdout.write(`${line}\n`);
    try {
      return (await check(transport, options, operatorNamespace, say, stop)) ? 0 : 1;
    } finally {
      await transport.close();
    }
  }
  const metrics = options.metricsAddress && new Metrics();
  const tracing = Tracing.find();
  const health = new Health();
  stop.signal.addEventListener('abort', () => {
    health.readiness = 'stopping';
  });
  // With connections of its own, so that no other request can cost the Lease.
  const leases = new KubeTransport(config, { userAgent, logger });
  const election = options.leaderElect
    ? new LeaderElection({
        client: new KubeClient(leases),
        lease: { namespace: operatorNamespace, name: leaseName(options) },
        identity: `${hostname()}_${randomUUID()}`,
        durationMs: options.leaseDurationMs,
        renewDeadlineMs: options.renewDeadlineMs,
        retryPeriodMs: options.retryPeriodMs,
        logger,
      })
    : undefined;
  const transport = new KubeTransport(config, {
    userAgent,
    logger,
    onRequest: (request) => {
      metrics?.kubeRequest(request);
      tracing?.kubeRequest(request);
    },
    ...(election ? { beforeWrite: () => election.assertLeader() } : {}),
  });
  const closeServers = await serveObservability({ ...options, health, metrics, logger });
  try {
    await runOperator(
      {
        client: new KubeClient(transport),
        logger,
        namespaces: options.namespaces,
        operatorNamespace,
        clusterID: options.clusterID,
        concurrency: options.concurrency,
        progressIntervalMs: options.progressIntervalMs,
        graceMs: options.graceMs,
        heatConcurrency: options.heatConcurrency,
        heatRate: options.heatRate,
        endpoints: new EndpointPolicy({
          allowed: options.allowedEndpoints,
          refused: options.refusedEndpoints,
          own: apiServerUrls(config),
        }),
        outputObjects: options.outputObjects,
        protectCredentials: options.protectCredentials,
        isMine:
          options.stacksLabelSelector === undefined
            ? undefined
            : parseLabelSelector(options.stacksLabelSelector),
        configsLabelSelector: options.configsLabelSelector,
        secretNames: options.secretNames,
        events: options.events,
        shutdownTimeoutMs: options.shutdownTimeoutMs,
        election,
        metrics,
        tracing,
        onSynced: () => {
          if (!stop.signal.aborted) health.readiness = 'ready';
        },
        userAgent,
        instance: hostname(),
      },
      stop.signal,
    );
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    await Promise.all([transport.close(), leases.close()]);
    health.stop();
    await closeServers();
  }
  return 0;
}

/** To `debug` and back, without a restart, which would lose what is to be looked at. */
function toggleLevel(logger: Logger, configured: string): void {
  logger.level = logger.level === configured ? 'debug' : configured;
  // As a warning, to be seen at most levels.
  logger.warn({ logLevel: logger.level }, 'log level changed by SIGUSR2');
}

async function createLogger({ logLevel, logFormat }: Options): Promise<Logger> {
  const base = { level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  // At once, so that no line of a process that is killed is lost.
  if (logFormat === 'json' || (logFormat === 'auto' && !process.stdout.isTTY))
    return pino(base, pino.destination({ sync: true }));
  // A stream, not a transport: a worker thread wouldn't survive bundling, and loses lines at the end.
  const { default: pretty } = await import('pino-pretty');
  return pino(
    base,
    pretty({
      colorize: process.stdout.isTTY,
      translateTime: 'SYS:HH:MM:ss',
      ignore: 'controller,reconcileID',
      sync: true,
    }),
  );
}
