import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRETS } from '../../../src/kube/index.ts';
import { Cluster } from './cluster.ts';
import { type Answer, HttpProxy, TcpProxy } from './proxy.ts';
import { ServiceAccount } from './service-account.ts';
import { Watcher } from './watcher.ts';

const FAULT_MS = 15_000;
/** Bookmarks come every 60 s, so that a watch counts as dead after 90 s. */
const SILENCE_MS = 100_000;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster[Symbol.asyncDispose]());

async function tcpProxy(): Promise<{ proxy: TcpProxy; server: string } & AsyncDisposable> {
  const proxy = await TcpProxy.start(Number(cluster.url.port));
  const server = `https://127.0.0.1:${proxy.port}`;
  return { proxy, server, [Symbol.asyncDispose]: () => proxy.stop() };
}

describe.concurrent('the way to the API server', () => {
  it('is lost without a word', async () => {
    await using way = await tcpProxy();
    await using watcher = await Watcher.start({ cluster, namespace: 'silent', way });
    const fault = async () => way.proxy.drop();
    await watcher.survives(fault, { recoveryMs: SILENCE_MS });
  });

  it('is cut for a while', async () => {
    await using way = await tcpProxy();
    await using watcher = await Watcher.start({ cluster, namespace: 'cut', way });
    const fault = async () => {
      way.proxy.tear();
      await sleep(FAULT_MS);
      way.proxy.mend();
    };
    const { lists } = await watcher.survives(fault);
    expect(lists).toBe(0);
  });

  it('is cut while etcd is compacted', async () => {
    await using way = await tcpProxy();
    await using watcher = await Watcher.start({ cluster, namespace: 'compacted', type: SECRETS, way });
    const { lists, log } = await watcher.survives(async () => {
      way.proxy.tear();
      await sleep(FAULT_MS);
      await cluster.compact();
      way.proxy.mend();
    });
    expect(lists).toBe(1);
    expect(log).toContain('version expired');
  });

  it.each<[string, Answer]>([
    ['429 with Retry-After', { status: 429, headers: { 'retry-after': '1' } }],
    ['429', { status: 429 }],
    ['500', { status: 500 }],
    ['503 with Retry-After', { status: 503, headers: { 'retry-after': '5' } }],
  ])('answers lists and watches with %s', async (name, answer) => {
    const proxy = await HttpProxy.start(cluster.url, cluster.ca);
    await using _stopped = { [Symbol.asyncDispose]: () => proxy.stop() };
    const way = { server: proxy.url };
    const namespace = name.toLowerCase().replaceAll(' ', '-');
    await using watcher = await Watcher.start({ cluster, namespace: `watch-${namespace}`, way });
    await using newcomer = await Watcher.prepare({ cluster, namespace: `list-${namespace}`, way });
    proxy.fault = () => answer;
    proxy.tear();
    const end = sleep(FAULT_MS).then(() => {
      proxy.fault = () => undefined;
    });
    newcomer.begin();
    const [{ lists }] = await Promise.all([watcher.survives(() => end), newcomer.survives(() => end)]);
    expect(lists).toBe(0);
    expect(proxy.refused).toBeGreaterThan(2);
  });

  it.each([
    ['before', 0],
    ['after', 5_000],
  ])('asks for another token, which is there %s the old one is refused', async (when, delayMs) => {
    await using way = await tcpProxy();
    const namespace = `token-${when}`;
    const account = await ServiceAccount.create(cluster, namespace);
    const old = await account.token();
    const tokenFile = cluster.file(`${namespace}.token`, `${old.text}\n`);
    await using watcher = await Watcher.start({
      cluster,
      namespace: `${namespace}-watched`,
      way: { server: way.server, tokenFile },
    });
    const { lists, log } = await watcher.survives(async () => {
      const next = await account.token();
      if (delayMs === 0) cluster.file(`${namespace}.token`, next.text);
      await old.revoke();
      way.proxy.tear();
      way.proxy.mend();
      await sleep(delayMs);
      cluster.file(`${namespace}.token`, next.text);
    });
    expect(lists).toBe(0);
    // What is on disk is tried before anything counts as failed.
    expect(log.includes('Unauthorized')).toBe(delayMs > 0);
  });
});
