import { addAbortSignal, PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FINALIZER, OUTPUTS_OF } from '../api/constants.ts';
import type { Json, JsonObject } from '../json.ts';
import { KubeClient, KubeError } from '../kube/index.ts';
import { FakeClock } from '../kube/testing/fake-clock.ts';
import { memoryLogger } from '../kube/testing/memory-logger.ts';
import { Watches, type WatchesOptions } from './watches.ts';

const HEAT_STACKS = '/apis/heatstack.dev/v1alpha1/heatstacks';
const SECRETS = '/api/v1/secrets';
const SPEC = { cloudCredentialsRef: { secretName: 'creds', cloudName: 'prod' }, template: { inline: 'x' } };

let lists: Map<string, Json[]>;
let streams: Map<string, PassThrough>;
let present: string[];
let queued: [key: string, priority: number][];
let watches: Watches;
let stop: AbortController;
let running: Promise<void>;
let version: number;
let client: KubeClient;

beforeEach(async () => {
  lists = new Map([[HEAT_STACKS, [stack('team', 'web', 'u1'), stack('other', 'web', 'u2')]]]);
  streams = new Map();
  queued = [];
  version = 1;
  client = new KubeClient({
    request: async ({ path }) => ({ metadata: { resourceVersion: '1' }, items: lists.get(path) ?? [] }),
    async *watch({ path, signal }) {
      const stream = new PassThrough({ objectMode: true });
      streams.set(path, signal ? addAbortSignal(signal, stream) : stream);
      yield* stream;
    },
  });
  const queue = {
    add: (key: string, { priority = 0 } = {}) => {
      queued.push([key, priority]);
    },
  };
  watches = new Watches({ client, queue, namespaces: [], logger: memoryLogger().logger });
  stop = new AbortController();
  running = watches.run(stop.signal);
  await watches.whenSynced(stop.signal);
  present = watches.lead();
  await vi.waitFor(() => expect(streams.size).toBe(3));
});

afterEach(async () => {
  stop.abort();
  await running;
});

function stack(namespace: string, name: string, uid: string): Json {
  return { metadata: { namespace, name, uid, resourceVersion: '1' }, spec: SPEC };
}

/** Tells of a HeatStack of namespace `team`, and waits until it is known as told. */
async function tell(
  type: 'ADDED' | 'MODIFIED' | 'DELETED',
  name: string,
  {
    spec = {},
    status = {},
    metadata = {},
  }: { spec?: JsonObject; status?: JsonObject; metadata?: JsonObject },
): Promise<void> {
  version += 1;
  const resourceVersion = String(version);
  const object = {
    metadata: { namespace: 'team', name, uid: `h-${name}`, resourceVersion, generation: 1, ...metadata },
    spec: { ...SPEC, ...spec },
    status,
  };
  streams.get(HEAT_STACKS)?.write({ type, object });
  const expected = type === 'DELETED' ? undefined : resourceVersion;
  await vi.waitFor(() => expect(watches.stack('team', name)?.metadata.resourceVersion).toBe(expected));
}

/** The keys that were queued since the last call, but for that of `name` itself. */
function othersThan(name: string): string[] {
  return queued
    .splice(0)
    .map(([key]) => key)
    .filter((key) => key !== `team/${name}`);
}

/** Tells of a Secret of namespace `team`. */
function send(type: 'ADDED' | 'MODIFIED' | 'DELETED', name: string, metadata: JsonObject = {}): void {
  version += 1;
  const object = {
    metadata: { namespace: 'team', name, uid: `s-${name}`, resourceVersion: String(version), ...metadata },
  };
  streams.get(SECRETS)?.write({ type, object });
}

/** The metadata of a Secret that says it was written for this HeatStack. */
function claim(name: string, uid: string): JsonObject {
  const owner = { apiVersion: 'heatstack.dev/v1alpha1', kind: 'HeatStack', name, uid, controller: true };
  return { ownerReferences: [owner], annotations: { [OUTPUTS_OF]: name } };
}

/** The keys that were queued since the start, once this Secret of namespace `team` is known, or isn't any more. */
async function keysOnce(name: string, isKnown = true): Promise<string[]> {
  await vi.waitFor(() => expect(watches.versionOf('Secret', 'team', name) !== undefined).toBe(isKnown));
  return queued.map(([key]) => key);
}

test('a deletion in spite of a finalizer is told, and no other', async () => {
  const torn: string[] = [];
  watches.torn = (key, uid) => torn.push(`${key} ${uid}`);
  const finalizers = [FINALIZER];
  const deletionTimestamp = '2026-01-01T00:00:00Z';
  for (const [name, metadata] of Object.entries({
    held: { finalizers },
    asked: { finalizers, deletionTimestamp },
    free: {},
  })) {
    await tell('ADDED', name, { metadata: { finalizers } });
    await tell('DELETED', name, { metadata });
  }
  // As it was in the end, and not as it was last worked on.
  await tell('ADDED', 'detached', { metadata: { finalizers } });
  const spec = { ...SPEC, managedOptions: { onDelete: 'detach' } };
  await tell('DELETED', 'detached', { metadata: { finalizers }, spec });
  expect(torn).toEqual(['team/held h-held']);
});

test('what is there at the start is told, and queued is what people do from then on', async () => {
  expect(present).toEqual(['team/web', 'other/web']);
  expect(queued).toEqual([]);
  expect(watches.size).toBe(2);
  send('ADDED', 'creds');
  expect(await keysOnce('creds')).toEqual(['team/web']);
  expect(queued.at(-1)).toEqual(['team/web', 0]);
  expect(watches.versionOf('Secret', 'team', 'creds')).toBe('s-creds/2');
});

test('what depends on others is told once at the start, as all the rest', async () => {
  const dependent = { ...SPEC, dependsOn: [{ name: 'web' }, { name: 'app' }] };
  lists.set(HEAT_STACKS, [
    { metadata: { namespace: 'team', name: 'app', uid: 'u3', resourceVersion: '1' }, spec: dependent },
    stack('team', 'web', 'u1'),
  ]);
  const keys: string[] = [];
  const queue = { add: (key: string) => void keys.push(key) };
  const others = new Watches({ client, queue, namespaces: [], logger: memoryLogger().logger });
  const ended = new AbortController();
  const run = others.run(ended.signal);
  await others.whenSynced(ended.signal);
  expect(others.lead()).toEqual(['team/app', 'team/web']);
  ended.abort();
  await run;
  expect(keys).toEqual([]);
});

describe('in a shard', () => {
  const labelled = (key: string): JsonObject => ({ labels: { shard: key } });

  beforeEach(async () => {
    stop.abort();
    await running;
    const spec = { ...SPEC, dependsOn: [{ name: 'theirs' }] };
    const object = (name: string, shard: string, more: JsonObject): Json => ({
      metadata: { namespace: 'team', name, uid: `h-${name}`, resourceVersion: '1', ...labelled(shard) },
      ...more,
    });
    lists.set(HEAT_STACKS, [object('ours', 'a', { spec }), object('theirs', 'b', { spec: SPEC })]);
    streams.clear();
    queued = [];
    watches = new Watches({
      client,
      queue: { add: (key: string, { priority = 0 } = {}) => void queued.push([key, priority]) },
      namespaces: [],
      isMine: (labels) => labels?.['shard'] === 'a',
      logger: memoryLogger().logger,
    });
    stop = new AbortController();
    running = watches.run(stop.signal);
    await watches.whenSynced(stop.signal);
    present = watches.lead();
    await vi.waitFor(() => expect(streams.size).toBe(3));
  });

  const keys = () => queued.splice(0).map(([key]) => key);

  test('only its own are queued, and all are known', async () => {
    expect(present).toEqual(['team/ours']);
    expect(keys()).toEqual([]);
    expect(watches.stack('team', 'theirs')?.mine).toBe(false);
    send('ADDED', 'creds');
    expect(await keysOnce('creds').then(keys)).toEqual(['team/ours']);
    await tell('DELETED', 'theirs', { metadata: labelled('b') });
    // It depends on that.
    expect(keys()).toEqual(['team/ours']);
  });

  test('a change of another shard wakes those that depend on it', async () => {
    keys();
    const conditions = [{ type: 'Ready', status: 'True', reason: 'Succeeded', observedGeneration: 1 }];
    await tell('MODIFIED', 'theirs', {
      metadata: labelled('b'),
      status: { observedGeneration: 1, conditions },
    });
    expect(keys()).toEqual(['team/ours']);
  });

  test('one that changes the shard is let go of by the one, and taken by the other', async () => {
    keys();
    await tell('MODIFIED', 'ours', { metadata: labelled('b') });
    expect(keys()).toEqual(['team/ours']);
    await tell('MODIFIED', 'ours', { metadata: labelled('b') });
    expect(keys()).toEqual([]);
    await tell('MODIFIED', 'theirs', { metadata: labelled('a') });
    expect(keys()).toEqual(['team/theirs']);
  });
});

describe('narrowed', () => {
  /** The selections of ConfigMaps and Secrets that are listed and watched, and what the watches say that they see. */
  async function narrowed(options: Partial<WatchesOptions>): Promise<[string[], boolean, boolean]> {
    const asked = new Set<string>();
    const recording = new KubeClient({
      request: async ({ path, query = {} }) => {
        const { labelSelector, fieldSelector } = query;
        asked.add([path, labelSelector, fieldSelector].filter(Boolean).join(' '));
        return { metadata: { resourceVersion: '1' }, items: [] };
      },
      async *watch({ path, query = {}, signal }) {
        const { labelSelector, fieldSelector } = query;
        asked.add([path, labelSelector, fieldSelector].filter(Boolean).join(' '));
        yield* addAbortSignal(signal ?? stop.signal, new PassThrough({ objectMode: true }));
      },
    });
    const queue = { add: () => undefined };
    const seen = new Watches({
      client: recording,
      queue,
      namespaces: [],
      logger: memoryLogger().logger,
      ...options,
    });
    const ended = new AbortController();
    const run = seen.run(ended.signal);
    await seen.whenSynced(ended.signal);
    ended.abort();
    await run;
    asked.delete(HEAT_STACKS);
    return [[...asked].sort(), seen.seesAll('ConfigMap'), seen.seesAll('Secret')];
  }
  const CONFIG_MAPS = '/api/v1/configmaps';
  const NO_HELM = 'type!=helm.sh/release.v1';

  test.each<[string, Partial<WatchesOptions>, [string[], boolean, boolean]]>([
    ['by nothing', {}, [[CONFIG_MAPS, `${SECRETS} ${NO_HELM}`], true, true]],
    [
      'to labels',
      { labelSelector: 'a=b' },
      [[`${CONFIG_MAPS} a=b`, `${SECRETS} a=b ${NO_HELM}`], false, false],
    ],
    [
      'to labels, while Secrets are kept',
      { labelSelector: 'a=b', inUse: { onStack: () => undefined, onSecret: () => undefined } },
      [[`${CONFIG_MAPS} a=b`, `${SECRETS} ${NO_HELM}`], false, true],
    ],
    [
      'to names of Secrets',
      { secretNames: ['x', 'y'] },
      [[CONFIG_MAPS, `${SECRETS} metadata.name=x`, `${SECRETS} metadata.name=y`], true, false],
    ],
    [
      'to both, in a namespace',
      { labelSelector: 'a=b', secretNames: ['x'], namespaces: ['n'] },
      [
        [
          '/api/v1/namespaces/n/configmaps a=b',
          '/api/v1/namespaces/n/secrets metadata.name=x',
          '/apis/heatstack.dev/v1alpha1/namespaces/n/heatstacks',
        ],
        false,
        false,
      ],
    ],
  ])('%s, they ask for no more', async (_, options, expected) => {
    expect(await narrowed(options)).toEqual(expected);
  });
});

describe('with several namespaces', () => {
  /** The path of what is refused, if anything is. */
  let refused: string | undefined;
  let seen: Watches;
  let lines: ReturnType<typeof memoryLogger>['lines'];
  const clock = new FakeClock();

  beforeEach(() => {
    const memory = memoryLogger();
    lines = memory.lines;
    const guarded = new KubeClient({
      request: async ({ path }) => {
        if (refused !== undefined && path.includes(refused))
          throw new KubeError('Forbidden', 'secrets is forbidden', { status: 403 });
        const [, namespace = ''] = /namespaces\/(\w+)\/heatstacks/.exec(path) ?? [];
        const items = namespace === '' ? [] : [stack(namespace, 'web', `u-${namespace}`)];
        return { metadata: { resourceVersion: '1' }, items };
      },
      async *watch({ signal }) {
        yield* addAbortSignal(signal ?? stop.signal, new PassThrough({ objectMode: true }));
      },
    });
    const queue = { add: (key: string) => void queued.push([key, 0]) };
    seen = new Watches({
      client: guarded,
      queue,
      namespaces: ['team', 'gone'],
      logger: memory.logger,
      clock,
    });
  });

  test.each(['namespaces/gone/', 'namespaces/gone/secrets'])(
    'does not wait for %s, and takes it in once it may',
    async (path) => {
      refused = path;
      const end = seen.run(stop.signal);
      await seen.whenSynced(stop.signal);
      expect(seen.lead()).toEqual(['team/web']);
      expect([seen.isFilled('team/web'), seen.isFilled('gone/web')]).toEqual([true, false]);
      expect(lines.filter(({ level }) => level === 50)).toMatchObject([{ namespace: 'gone' }]);
      queued = [];

      refused = undefined;
      await vi.waitFor(async () => {
        await clock.advance(30_000);
        expect(queued).toContainEqual(['gone/web', 0]);
      });
      expect(seen.isFilled('gone/web')).toBe(true);
      stop.abort();
      await end;
    },
  );

  test('is not ready while it may look into none', async () => {
    refused = 'namespaces/';
    const end = seen.run(stop.signal);
    const synced = seen.whenSynced(stop.signal).then(
      () => 'synced',
      () => 'stopped',
    );
    await vi.waitFor(() => expect(seen.watched.every(({ counters }) => counters.failures > 0)).toBe(true));
    stop.abort();
    expect(await synced).toBe('stopped');
    await end;
  });

  test('stops while one is still refused', async () => {
    refused = 'namespaces/gone/';
    const end = seen.run(stop.signal);
    await seen.whenSynced(stop.signal);
    stop.abort();
    await end;
    expect(seen.isFilled('gone/web')).toBe(false);
  });
});

test('tells before it queues that a look is likely: at a new generation, and when what the object uses changed', async () => {
  const told: string[] = [];
  watches.onChanged = (key, of) => told.push(`${key} ${of} ${queued.some(([each]) => each === key)}`);
  await tell('ADDED', 'app', {});
  await tell('MODIFIED', 'app', { metadata: { labels: { a: 'b' } } });
  expect(told.splice(0)).toEqual(['team/app h-app/1 false']);
  queued.splice(0);
  await tell('MODIFIED', 'app', { metadata: { generation: 2, deletionTimestamp: '2026-01-01T00:00:00Z' } });
  expect(told.splice(0)).toEqual(['team/app h-app/2 false']);
  queued.splice(0);
  send('ADDED', 'creds');
  await keysOnce('creds');
  expect(told.sort()).toEqual(['team/app h-app/2 false', 'team/web u1/0 false']);
});

test('a version that the operator knows is passed over, a deletion never', async () => {
  watches.ignoreData = (key, known) => key === 'team/web' && known === 's-creds/2';
  send('ADDED', 'creds');
  expect(await keysOnce('creds')).toEqual([]);
  send('DELETED', 'creds');
  expect(await keysOnce('creds', false)).toEqual(['team/web']);
});

describe('an object that says for which HeatStack it was written', () => {
  test.each([
    ['has a name that is a path', claim('web/status', 'u1')],
    ['is not there', claim('absent', 'u1')],
    ['has another uid', claim('web', 'u3')],
    ['is in another namespace', claim('web', 'u2')],
  ])('queues nothing when that one %s', async (_, metadata) => {
    send('ADDED', 'claim', metadata);
    expect(await keysOnce('claim')).toEqual([]);
    send('ADDED', 'true', claim('web', 'u1'));
    expect(await keysOnce('true')).toEqual(['team/web']);
  });
});

test('tells who may have a stack with which credentials, and which Secret is kept', async () => {
  const told: string[] = [];
  const seen = new Watches({
    client: new KubeClient({
      request: async ({ path }) => ({ metadata: { resourceVersion: '1' }, items: given.get(path) ?? [] }),
      async *watch({ signal }) {
        yield* addAbortSignal(signal ?? stop.signal, new PassThrough({ objectMode: true }));
      },
    }),
    queue: { add: () => undefined },
    namespaces: [],
    inUse: {
      onStack: ({ key, object }) => told.push(`${key} ${object.credentials}`),
      onSecret: ({ key, object }) => told.push(`${key} ${object.inUse}`),
    },
    logger: memoryLogger().logger,
  });
  const given = new Map<string, Json[]>([
    [
      HEAT_STACKS,
      [
        { metadata: { namespace: 'a', name: 'one', finalizers: ['heatstack.dev/stack'] }, spec: SPEC },
        { metadata: { namespace: 'a', name: 'two', finalizers: ['example.com/other'] }, spec: SPEC },
      ],
    ],
    [
      SECRETS,
      [
        { metadata: { namespace: 'a', name: 'kept', finalizers: ['heatstack.dev/in-use'] } },
        { metadata: { namespace: 'a', name: 'free' } },
      ],
    ],
  ]);
  const end = seen.run(stop.signal);
  await seen.whenSynced(stop.signal);
  seen.lead();
  expect(told.sort()).toEqual(['a/free undefined', 'a/kept true', 'a/one creds', 'a/two undefined']);
  stop.abort();
  await end;
});

describe('a HeatStack that others depend on', () => {
  const ready = (status: string, reason: string): JsonObject => ({
    observedGeneration: 1,
    conditions: [{ type: 'Ready', status, reason, observedGeneration: 1 }],
  });
  const READY = ready('True', 'Succeeded');
  const uses = (name: string): JsonObject => ({
    parameterValues: [{ name: 'id', valueFrom: { heatStackOutputRef: { name, output: 'id' } } }],
  });

  beforeEach(async () => {
    await tell('ADDED', 'app', { spec: uses('net') });
    await tell('ADDED', 'after', { spec: { dependsOn: [{ name: 'net' }] } });
    othersThan('');
  });

  test('queues them when it appears, becomes Ready, shows other outputs or goes, and at no other change', async () => {
    const steps: [type: 'ADDED' | 'MODIFIED' | 'DELETED', status: JsonObject, queues: boolean][] = [
      ['ADDED', {}, true],
      ['MODIFIED', { stackStatus: 'CREATE_IN_PROGRESS' }, false],
      ['MODIFIED', ready('Unknown', 'Progressing'), true],
      ['MODIFIED', { ...ready('Unknown', 'Progressing'), resourceSummary: { text: '1/2' } }, false],
      ['MODIFIED', { ...READY, outputs: [{ name: 'id', value: 1 }] }, true],
      ['MODIFIED', { ...READY, outputs: [{ name: 'id', value: 1 }], lastSyncTime: 'later' }, false],
      ['MODIFIED', { ...READY, outputs: [{ name: 'id', value: 2 }] }, true],
      ['DELETED', {}, true],
    ];
    for (const [type, status, queues] of steps) {
      await tell(type, 'net', { status });
      expect([type, status, othersThan('net')]).toEqual([
        type,
        status,
        queues ? ['team/app', 'team/after'] : [],
      ]);
    }
  });

  test('queues them when what it wrote its outputs to is written again', async () => {
    await tell('ADDED', 'net', { status: READY });
    queued.splice(0);
    watches.ignoreData = (key) => key === 'team/net';
    send('ADDED', 'net-out', claim('net', 'h-net'));
    await vi.waitFor(() => expect(watches.versionOf('Secret', 'team', 'net-out')).toBeDefined());
    expect(queued.map(([key]) => key)).toEqual(['team/app', 'team/after']);
  });

  test("queues them though the change is the operator's own write", async () => {
    watches.ignore = () => true;
    await tell('ADDED', 'net', { status: READY });
    expect(queued.splice(0).map(([key]) => key)).toEqual(['team/app', 'team/after']);
  });

  test('is known by those that use its outputs', async () => {
    expect(watches.consumersOf('team', 'net')).toEqual(['app']);
    expect(watches.consumersOf('other', 'net')).toEqual([]);
    expect(watches.stack('team', 'app')).toMatchObject({ producers: ['net'], dependencies: ['net'] });
    expect(watches.stack('other', 'app')).toBeUndefined();
  });

  describe('and that waits to be deleted', () => {
    const deletionTimestamp = '2026-01-01T00:00:00Z';
    beforeEach(async () => {
      await tell('ADDED', 'net', { metadata: { deletionTimestamp } });
      othersThan('');
    });

    test.each<[string, () => Promise<void>, queues: boolean]>([
      ['goes', () => tell('DELETED', 'app', { spec: uses('net') }), true],
      ['uses it no more', () => tell('MODIFIED', 'app', { metadata: { generation: 2 } }), true],
      [
        'uses another',
        () => tell('MODIFIED', 'app', { spec: uses('dns'), metadata: { generation: 2 } }),
        true,
      ],
      [
        'is being deleted',
        () => tell('MODIFIED', 'app', { spec: uses('net'), metadata: { deletionTimestamp } }),
        true,
      ],
      ['changes', () => tell('MODIFIED', 'app', { spec: uses('net'), status: READY }), false],
    ])('when a user of it %s', async (_, change, queues) => {
      await change();
      expect(othersThan('app')).toEqual(queues ? ['team/net'] : []);
    });

    test('is not queued by one that only depended on it', async () => {
      await tell('DELETED', 'after', { spec: { dependsOn: [{ name: 'net' }] } });
      expect(othersThan('after')).toEqual([]);
    });
  });

  test('is not queued by its users while it lives', async () => {
    await tell('ADDED', 'net', {});
    othersThan('');
    await tell('DELETED', 'app', { spec: uses('net') });
    expect(othersThan('app')).toEqual([]);
  });
});
