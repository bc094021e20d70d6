import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, it } from 'vitest';
import { Cluster } from './cluster.ts';
import { Watcher } from './watcher.ts';

/** Longer than a request waits for its answer (30 s), shorter than a watch waits for a sign of life (90 s). */
const HANG_MS = 36_000;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster[Symbol.asyncDispose]());

it('is killed, and started again', async () => {
  await using watcher = await Watcher.start({ cluster, namespace: 'killed' });
  await watcher.survives(async () => {
    await cluster.plane.apiServer.kill('SIGKILL');
    await cluster.plane.apiServer.start();
  });
});

it('is stopped as in an upgrade, and started again', async () => {
  await using watcher = await Watcher.start({ cluster, namespace: 'stopped' });
  await watcher.survives(async () => {
    await cluster.plane.apiServer.kill('SIGTERM');
    await cluster.plane.apiServer.start();
  });
});

it('hangs, and goes on', async () => {
  const { apiServer } = cluster.plane;
  await using watcher = await Watcher.start({ cluster, namespace: 'hung' });
  await using newcomer = await Watcher.prepare({ cluster, namespace: 'hung-from-the-start' });
  apiServer.pause();
  const end = sleep(HANG_MS).then(() => apiServer.resume());
  newcomer.begin();
  await Promise.all([watcher.survives(() => end), newcomer.survives(() => end)]);
});
