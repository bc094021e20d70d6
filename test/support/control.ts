import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Testbed } from '../testbed/index.ts';

/** What scenarios can have disturbed. */
type Disturbed = Pick<
  Testbed,
  'apiServer' | 'heat' | 'keystone' | 'hideOrchestrationService' | 'showOrchestrationService'
>;

/**
 * Serves the restarts that scenarios ask for: they run in processes of their own, the servers belong to this one.
 *
 * @returns the server and its address on loopback
 */
export async function serveControl(testbed: Disturbed): Promise<{ server: Server; url: string }> {
  const actions: Record<string, () => Promise<unknown>> = {
    '/apiServer/kill': () => testbed.apiServer.kill('SIGKILL'),
    '/apiServer/start': () => testbed.apiServer.start(),
    '/heat/kill': () => testbed.heat.kill('SIGKILL'),
    '/heat/start': () => testbed.heat.start(),
    '/keystone/kill': () => testbed.keystone.kill('SIGKILL'),
    '/keystone/start': () => testbed.keystone.start(),
    '/orchestration/hide': () => testbed.hideOrchestrationService(),
    '/orchestration/show': () => testbed.showOrchestrationService(),
  };
  const server = createServer((request, response) => {
    const action = request.method === 'POST' ? actions[request.url ?? ''] : undefined;
    if (!action) {
      response.writeHead(404).end(`POST one of ${Object.keys(actions).join(', ')}`);
      return;
    }
    action().then(
      () => response.writeHead(204).end(),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { server, url: `http://127.0.0.1:${port}` };
}
