import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CacheEvent } from './cache.ts';
import { KubeClient, type WatchEvent } from './client.ts';
import { KubeError } from './errors.ts';
import { CONFIG_MAPS, type KubeObject } from './objects.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';
import {
  configMap,
  FakeApiServer,
  type OpenWatch,
  sendStatus,
  statusObject,
} from './testing/fake-api-server.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { memoryLogger } from './testing/memory-logger.ts';
import { KubeTransport } from './transport.ts';

describe('against an API server', () => {
  let server: FakeApiServer;
  let transport: KubeTransport;
  let stop: AbortController;
  let running: Promise<void> | undefined;
  let events: string[];
  let log: ReturnType<typeof memoryLogger>;

  beforeEach(async () => {
    server = await FakeApiServer.start();
    transport = new KubeTransport(server.config(), { userAgent: 'test/1' });
    stop = new AbortController();
    running = undefined;
    events = [];
    log = memoryLogger();
  });

  afterEach(async () => {
    stop.abort();
    await running;
    await transport.close();
    await server.stop();
  });

  function start(options: Partial<ReflectorOptions<KubeObject>> = {}): Reflector<KubeObject> {
    const reflector = new Reflector<KubeObject>({
      client: new KubeClient(transport),
      type: CONFIG_MAPS,
      onEvent: ({ type, key, object, initial }) => {
        events.push(`${type} ${key}@${object.metadata.resourceVersion}${initial ? ' initial' : ''}`);
      },
      logger: log.logger,
      backoff: { baseMs: 5, maxMs: 20 },
      ...options,
    });
    running = reflector.run(stop.signal);
    return reflector;
  }

  /** The one open watch, once there is one. */
  function openWatch(resourceVersion?: string): Promise<OpenWatch> {
    return vi.waitFor(() => {
      expect(server.openWatches).toHaveLength(1);
      const [watch] = server.openWatches;
      if (watch === undefined) throw new Error('no watch');
      if (resourceVersion !== undefined) expect(watch.request.query['resourceVersion']).toBe(resourceVersion);
      return watch;
    });
  }

  const seen = (expected: string[]) => vi.waitFor(() => expect(events).toEqual(expected));

  test('lists, then watches from the version of the list', async () => {
    server.objects.set('a', configMap('a', '7'));
    const reflector = start({ labelSelector: 'x=y', fieldSelector: 'type!=z', namespace: 'ns' });
    expect(reflector.synced).toBe(false);
    await reflector.whenSynced(stop.signal);
    expect(reflector.synced).toBe(true);
    expect(events).toEqual(['added ns/a@7 initial']);
    const watch = await openWatch('100');
    expect(watch.request.path).toBe('/api/v1/namespaces/ns/configmaps');
    expect(watch.request.query).toMatchObject({
      allowWatchBookmarks: 'true',
      labelSelector: 'x=y',
      fieldSelector: 'type!=z',
    });
    const seconds = Number(watch.request.query['timeoutSeconds']);
    expect(seconds).toBeGreaterThanOrEqual(240);
    expect(seconds).toBeLessThanOrEqual(480);

    watch.send('ADDED', configMap('b', '101'));
    watch.send('MODIFIED', configMap('a', '102'));
    watch.send('DELETED', configMap('b', '103'));
    watch.send('DELETED', configMap('never-seen', '104'));
    await seen(['added ns/a@7 initial', 'added ns/b@101', 'updated ns/a@102', 'deleted ns/b@103']);
    expect(reflector.cache.get('ns/a')?.metadata.resourceVersion).toBe('102');
    expect(reflector.cache.get('ns/b')).toBeUndefined();
    expect(reflector.cache.list()).toHaveLength(1);
    expect(reflector.cache.size).toBe(1);
    expect(reflector.counters).toEqual({ lists: 1, watches: 1, failures: 0 });
    expect(Date.now() - (reflector.lastEventAt ?? 0)).toBeLessThan(10_000);
  });

  test('reads a list in pages', async () => {
    const page = (name: string, next: string) => ({
      metadata: { resourceVersion: '50', continue: next },
      items: [configMap(name, '1')],
    });
    server.lists.push(
      (_request, response) => void response.end(JSON.stringify(page('a', 'more'))),
      (_request, response) => void response.end(JSON.stringify(page('b', ''))),
    );
    start();
    await openWatch('50');
    expect(events).toEqual(['added ns/a@1 initial', 'added ns/b@1 initial']);
    expect(server.requests.map(({ query }) => query['continue'])).toEqual([undefined, 'more', undefined]);
    expect(server.requests[0]?.query['limit']).toBe('500');
  });

  test('asks for everything at once after a paged list has expired', async () => {
    server.lists.push((_request, response) => sendStatus(response, 410, 'Expired'));
    start();
    await openWatch();
    expect(server.requests.map(({ query }) => query['limit'])).toEqual(['500', undefined, undefined]);
  });

  test('asks for metadata only, and gives it the real kind', async () => {
    server.objects.set('a', {
      ...configMap('a', '1'),
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
    });
    const reflector = start({ metadataOnly: true });
    const watch = await openWatch();
    expect(reflector.cache.get('ns/a')).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
    expect(server.requests.map(({ headers }) => headers.accept)).toEqual([
      'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
      'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
    ]);
    watch.send('MODIFIED', {
      ...configMap('a', '2'),
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
    });
    await vi.waitFor(() => expect(reflector.cache.get('ns/a')).toMatchObject({ kind: 'ConfigMap' }));
  });

  test('keeps only what the transform leaves', async () => {
    const withSecret = (version: string) => {
      const object = configMap('a', version);
      object.metadata.annotations = { last: 'applied' };
      return object;
    };
    server.objects.set('a', withSecret('1'));
    const reflector = start({
      transform: (raw) => {
        const { name, namespace, uid, resourceVersion } = raw.metadata;
        return { ...raw, metadata: { name, uid, resourceVersion, ...(namespace && { namespace }) } };
      },
    });
    const watch = await openWatch();
    expect(reflector.cache.get('ns/a')?.metadata.annotations).toBeUndefined();
    watch.send('MODIFIED', withSecret('2'));
    await vi.waitFor(() => expect(reflector.cache.get('ns/a')?.metadata.resourceVersion).toBe('2'));
    expect(reflector.cache.get('ns/a')?.metadata.annotations).toBeUndefined();
  });

  test('a bookmark moves the version on', async () => {
    const reflector = start();
    const watch = await openWatch('100');
    watch.send('BOOKMARK', { kind: 'ConfigMap', metadata: { resourceVersion: '500' } });
    watch.end();
    await openWatch('500');
    expect(events).toEqual([]);
    expect(reflector.counters.lists).toBe(1);
  });

  test('finds out after a lost version what changed and what went', async () => {
    server.objects.set('same', configMap('same', '1'));
    server.objects.set('changed', configMap('changed', '2'));
    server.objects.set('gone', configMap('gone', '3'));
    server.objects.set('remade', configMap('remade', '4', 'old-uid'));
    const reflector = start();
    const watch = await openWatch();
    events.length = 0;

    server.resourceVersion = '200';
    server.objects.delete('gone');
    server.objects.set('changed', configMap('changed', '150'));
    server.objects.set('remade', configMap('remade', '160', 'new-uid'));
    server.objects.set('new', configMap('new', '170'));
    watch.send('ERROR', statusObject(410, 'Expired'));
    await openWatch('200');
    expect(events).toEqual([
      'deleted ns/gone@3',
      'updated ns/changed@150',
      'deleted ns/remade@4',
      'added ns/remade@160',
      'added ns/new@170',
    ]);
    expect(reflector.counters).toEqual({ lists: 2, watches: 2, failures: 0 });
  });

  test('lists anew when the watch is answered 410, and without a pause', async () => {
    server.watches.push((_request, response) => sendStatus(response, 410, 'Expired'));
    const reflector = start({ backoff: { baseMs: 60_000, maxMs: 60_000 } });
    await openWatch();
    expect(reflector.counters).toEqual({ lists: 2, watches: 2, failures: 0 });
  });

  test('pauses when 410 comes again and again', async () => {
    for (let i = 0; i < 3; i++)
      server.watches.push((_request, response) => sendStatus(response, 410, 'Expired'));
    const reflector = start();
    await openWatch();
    expect(reflector.counters).toEqual({ lists: 4, watches: 4, failures: 2 });
  });

  test.each([
    ['500', 500],
    ['429', 429],
    ['403', 403],
    ['401', 401],
    ['404', 404],
  ])('goes on after %s on list and watch', async (_name, status) => {
    server.lists.push((_request, response) => sendStatus(response, status, 'Trouble'));
    server.watches.push((_request, response) => sendStatus(response, status, 'Trouble'));
    server.objects.set('a', configMap('a', '1'));
    const reflector = start();
    const watch = await openWatch('100');
    expect(reflector.counters).toEqual({ lists: 2, watches: 2, failures: 2 });
    watch.send('MODIFIED', configMap('a', '101'));
    await seen(['added ns/a@1 initial', 'updated ns/a@101']);
    expect(log.text()).toContain('told Trouble');
    expect(log.text()).not.toContain('sesame');
  });

  test('goes on from where it was after an ERROR event that is not 410', async () => {
    const reflector = start();
    const watch = await openWatch();
    watch.send('ADDED', configMap('a', '300'));
    watch.send('ERROR', statusObject(500, 'InternalError'));
    await openWatch('300');
    expect(reflector.counters).toEqual({ lists: 1, watches: 2, failures: 1 });
  });

  test('goes on after a torn connection, in the middle of an event too', async () => {
    const reflector = start();
    const watch = await openWatch();
    watch.send('ADDED', configMap('a', '300'));
    watch.write('{"type":"MODIFIED","obj');
    await seen(['added ns/a@300']);
    watch.tear();
    const next = await openWatch('300');
    next.write('{"type":"MODIFIED","obj');
    next.end();
    const last = await openWatch('300');
    expect(reflector.counters).toEqual({ lists: 1, watches: 3, failures: 2 });
    last.send('MODIFIED', configMap('a', '301'));
    await seen(['added ns/a@300', 'updated ns/a@301']);
  });

  test('lists anew after a line that is not an event', async () => {
    const reflector = start();
    const watch = await openWatch();
    watch.write('nonsense\n');
    await vi.waitFor(() => expect(reflector.counters).toMatchObject({ lists: 2, failures: 1 }));
  });

  test('puts together characters and lines that arrive in pieces', async () => {
    const reflector = start();
    const watch = await openWatch();
    const object = configMap('a', '1');
    object.metadata.labels = { smile: 'größer 😀' };
    const bytes = Buffer.from(`${JSON.stringify({ type: 'ADDED', object })}\n`);
    for (const byte of bytes) {
      watch.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await seen(['added ns/a@1']);
    expect(reflector.cache.get('ns/a')?.metadata.labels).toEqual({ smile: 'größer 😀' });
  });

  test('gives up a watch that hangs, before and after its first byte', async () => {
    let hung = 0;
    server.watches.push((_request, response) => {
      response.on('close', () => hung++);
    });
    const reflector = start({ idleTimeoutMs: 60 });
    await vi.waitFor(() => expect(reflector.counters).toMatchObject({ lists: 1, watches: 3, failures: 2 }));
    expect(hung).toBe(1);
    expect(log.text()).toContain('nothing heard for 0.06 s');
  });

  test('gives up a watch 90 s after its last sign of life, not sooner', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const reflector = start();
      const watch = await openWatch();
      for (const version of ['101', '102', '103']) {
        await vi.advanceTimersByTimeAsync(80_000);
        watch.send('ADDED', configMap(`at-${version}`, version));
        await vi.waitFor(() => expect(reflector.cache.size).toBe(Number(version) - 100));
      }
      expect(reflector.counters).toEqual({ lists: 1, watches: 1, failures: 0 });
      await vi.advanceTimersByTimeAsync(90_000);
      await vi.waitFor(() => expect(reflector.counters).toEqual({ lists: 1, watches: 2, failures: 1 }));
      await openWatch('103');
    } finally {
      vi.useRealTimers();
    }
  });

  test('a handler that throws stops nothing', async () => {
    server.objects.set('a', configMap('a', '1'));
    server.objects.set('b', configMap('b', '1'));
    const keys: string[] = [];
    const reflector = start({
      onEvent: ({ key }) => {
        keys.push(key);
        throw new Error('handler is broken');
      },
    });
    const watch = await openWatch();
    watch.send('ADDED', configMap('c', '101'));
    await vi.waitFor(() => expect(keys).toEqual(['ns/a', 'ns/b', 'ns/c']));
    expect(reflector.counters).toEqual({ lists: 1, watches: 1, failures: 0 });
    expect(log.text()).toContain('handler is broken');
  });

  test('stops while a watch is open, and closes it', async () => {
    start();
    await openWatch();
    stop.abort();
    await running;
    await vi.waitFor(() => expect(server.openWatches).toHaveLength(0));
    expect(server.requests).toHaveLength(2);
  });

  test.each(['list', 'watch'])(
    'stops while a %s has not been answered, and opens nothing after',
    async (what) => {
      let closed = false;
      const hang = (_request: unknown, response: { on(event: 'close', listener: () => void): unknown }) => {
        response.on('close', () => {
          closed = true;
        });
      };
      (what === 'list' ? server.lists : server.watches).push(hang);
      start();
      await vi.waitFor(() => expect(server.requests).toHaveLength(what === 'list' ? 1 : 2));
      stop.abort();
      await running;
      await vi.waitFor(() => expect(closed).toBe(true));
      expect(server.requests).toHaveLength(what === 'list' ? 1 : 2);
      expect(server.openWatches).toHaveLength(0);
    },
  );

  test('stops during a pause', async () => {
    server.lists.push((_request, response) => sendStatus(response, 500, 'InternalError'));
    const reflector = start({ backoff: { baseMs: 60_000, maxMs: 60_000 } });
    await vi.waitFor(() => expect(reflector.counters.failures).toBe(1));
    stop.abort();
    await running;
    expect(server.requests).toHaveLength(1);
  });

  test('a refused list is an answer, and any other failure none', async () => {
    server.lists.push(
      (_request, response) => sendStatus(response, 500, 'InternalError'),
      (_request, response) => sendStatus(response, 403, 'Forbidden'),
    );
    const reflector = start();
    await reflector.whenAnswered(stop.signal);
    expect(reflector.synced).toBe(false);
    expect(server.requests).toHaveLength(2);
    await reflector.whenSynced(stop.signal);
  });

  test('whenSynced rejects when it is aborted', async () => {
    server.lists.push(() => undefined);
    const reflector = start();
    const impatient = new AbortController();
    const synced = reflector.whenSynced(impatient.signal);
    impatient.abort(new Error('no more time'));
    await expect(synced).rejects.toThrow('no more time');
  });
});

describe('pauses', () => {
  type Script = (clock: FakeClock) => Promise<void>;

  /** Runs a reflector on scripted watches; the pauses it makes. */
  async function pauses(script: Script[]): Promise<number[]> {
    const clock = new FakeClock(1_000_000);
    const stop = new AbortController();
    const made: number[] = [];
    const reflector = new Reflector<KubeObject>({
      client: {
        async *pages() {
          yield { items: [], resourceVersion: '1' };
        },
        async *watch<T extends KubeObject>(): AsyncGenerator<WatchEvent<T>> {
          const events: WatchEvent<T>[] = [];
          const next = script.shift();
          if (next === undefined) stop.abort();
          else await next(clock);
          yield* events;
        },
      },
      type: CONFIG_MAPS,
      onEvent: (_event: CacheEvent<KubeObject>) => undefined,
      logger: memoryLogger().logger,
      clock: {
        now: () => clock.now(),
        sleep: async (ms) => {
          made.push(ms);
        },
      },
      backoff: { baseMs: 100, maxMs: 1000, jitter: 0 },
    });
    await reflector.run(stop.signal);
    return made;
  }

  const fail: Script = async () => {
    throw new KubeError('ConnectionFailed', 'refused');
  };
  const endAfter =
    (ms: number): Script =>
    (clock) =>
      clock.advance(ms);
  const failAfter =
    (ms: number, error: KubeError): Script =>
    async (clock) => {
      await clock.advance(ms);
      throw error;
    };

  test('grow up to a limit', async () => {
    expect(await pauses([fail, fail, fail, fail, fail, fail])).toEqual([100, 200, 400, 800, 1000, 1000]);
  });

  test('are not made when a watch ends in its time', async () => {
    expect(await pauses([endAfter(300_000), endAfter(1000), endAfter(300_000)])).toEqual([]);
  });

  test('are made when a watch ends at once', async () => {
    expect(await pauses([endAfter(0), endAfter(999), endAfter(10)])).toEqual([100, 200, 400]);
  });

  test('begin anew after a watch that worked', async () => {
    const torn = failAfter(60_000, new KubeError('ConnectionFailed', 'torn'));
    expect(await pauses([fail, fail, torn, fail, endAfter(5000), fail])).toEqual([100, 200, 100, 200, 100]);
  });

  test('grow on when a watch is refused after a long time', async () => {
    const refused = failAfter(5000, new KubeError('ServerError', 'refused', { status: 503 }));
    expect(await pauses([refused, refused, refused])).toEqual([100, 200, 400]);
  });

  test('are as long as the API server asks for, within reason', async () => {
    const busy = (retryAfterMs: number) =>
      failAfter(0, new KubeError('TooManyRequests', 'busy', { status: 429, retryAfterMs }));
    expect(await pauses([busy(7000), busy(50), busy(86_400_000)])).toEqual([7000, 200, 300_000]);
  });
});
