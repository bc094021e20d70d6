import type { Server } from 'node:http';
import type { Logger } from 'pino';
import type { Metrics } from './controller/metrics.ts';
import type { Health } from './health.ts';
import { close, type Pages, serve, text } from './http-server.ts';
import type { ListenAddress } from './options.ts';

/** Where what is served. */
export interface ObservabilityOptions {
  healthAddress?: ListenAddress | undefined;
  metricsAddress?: ListenAddress | undefined;
  health: Health;
  metrics: Metrics | undefined;
  logger: Logger;
}

/**
 * Serves `/healthz` and `/readyz` at one address and `/metrics` at another; at both the same, by one server.
 *
 * @returns closes the servers
 * @throws Error when an address can't be listened on
 */
export async function serveObservability(options: ObservabilityOptions): Promise<() => Promise<void>> {
  const { healthAddress, metricsAddress, health, metrics, logger } = options;
  const healthPages: Pages = {
    '/healthz': () => (health.isAlive ? text(200, 'ok') : text(503, 'the event loop is late')),
    '/readyz': () =>
      health.readiness === 'ready' ? text(200, 'ok') : text(503, `not ready: ${health.readiness}`),
  };
  const metricsPages: Pages = metrics
    ? {
        '/metrics': async () => ({
          status: 200,
          contentType: metrics.contentType,
          body: await metrics.text(),
        }),
      }
    : {};
  const isOne =
    healthAddress !== undefined &&
    healthAddress.port === metricsAddress?.port &&
    healthAddress.host === metricsAddress.host;
  const wanted = isOne
    ? [{ address: healthAddress, pages: { ...healthPages, ...metricsPages } }]
    : [
        { address: healthAddress, pages: healthPages },
        { address: metricsAddress, pages: metricsPages },
      ];
  const servers: Server[] = [];
  const closeAll = async () => {
    await Promise.all(servers.map(close));
  };
  try {
    for (const { address, pages } of wanted) {
      if (!address) continue;
      const { server, port } = await serve(address, pages);
      servers.push(server);
      logger.info({ host: address.host, port, paths: Object.keys(pages) }, 'listening');
    }
  } catch (error) {
    await closeAll();
    throw error;
  }
  return closeAll;
}
