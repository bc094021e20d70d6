import { addAbortSignal, PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { OUTPUTS_OF } from '../api/constants.ts';
import type { Json, JsonObject } from '../json.ts';
import { KubeClient } from '../kube/index.ts';
import { memoryLogger } from '../kube/testing/memory-logger.ts';
import { Watches } from './watches.ts';

const HEAT_STACKS = '/apis/heatstack.dev/v1alpha1/heatstacks';
const SECRETS = '/api/v1/secrets';
const SPEC = { cloudCredentialsRef: { secretName: 'creds', cloudName: 'prod' }, template: { inline: 'x' } };

let lists: Map<string, Json[]>;
let streams: Map<string, PassThrough>;
let queued: [key: string, priority: number][];
let watches: Watches;
let stop: AbortController;
let running: Promise<void>;
let version: number;

beforeEach(async () => {
  lists = new Map([[HEAT_STACKS, [stack('team', 'web', 'u1'), stack('other', 'web', 'u2')]]]);
  streams = new Map();
  queued = [];
  version = 1;
  const client = new KubeClient({
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
  await vi.waitFor(() => expect(streams.size).toBe(3));
});

afterEach(async () => {
  stop.abort();
  await running;
});

function stack(namespace: string, name: string, uid: string): Json {
  return { metadata: { namespace, name, uid, resourceVersion: '1' }, spec: SPEC };
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
  return queued.slice(2).map(([key]) => key);
}

test('what is there at the start is queued behind what people do', async () => {
  expect(queued).toEqual([
    ['team/web', -100],
    ['other/web', -100],
  ]);
  expect(watches.size).toBe(2);
  send('ADDED', 'creds');
  expect(await keysOnce('creds')).toEqual(['team/web']);
  expect(queued.at(-1)).toEqual(['team/web', 0]);
  expect(watches.versionOf('Secret', 'team', 'creds')).toBe('s-creds/2');
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
  expect(told.sort()).toEqual(['a/free undefined', 'a/kept true', 'a/one creds', 'a/two undefined']);
  stop.abort();
  await end;
});
