import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OUTPUTS_OF } from '../api/constants.ts';
import type { HeatStackSpec } from '../api/heat-stack.ts';
import { rawNumber } from '../json.ts';
import { KubeError, type OwnerReference } from '../kube/index.ts';
import { createError, type Output } from '../openstack/index.ts';
import { type DataKind, type DataObject, dataOf } from './data-object.ts';
import { KEY, NAME, NAMESPACE, World } from './testing/world.ts';

const SECRET = 'web-outputs';
const OUTPUTS: Output[] = [
  { key: 'address', value: '192.0.2.1' },
  { key: 'size', value: 3 },
];

let world: World;

beforeEach(() => {
  world = new World();
});

afterEach(async () => {
  await world.stop();
});

/** Creates the object and its stack with these outputs. */
async function createdWith(spec: HeatStackSpec['outputs'], outputs: Output[] = OUTPUTS): Promise<void> {
  world.apply({ outputs: spec ?? {} });
  await world.reconcile();
  world.heat.finish('COMPLETE', { outputs });
  await world.reconcileNews();
}

function object(kind: DataKind = 'Secret', name = SECRET): DataObject | undefined {
  return world.cluster.get<DataObject>(kind, NAMESPACE, name);
}

/** What an object holds, as text. */
function texts(kind: DataKind = 'Secret', name = SECRET): Record<string, string> | undefined {
  const found = object(kind, name);
  return found && Object.fromEntries(dataOf(found, kind));
}

function message(): string {
  return world.condition('Ready')?.message ?? '';
}

/** Writes to Secrets and ConfigMaps since the last {@link World.forget}. */
function dataWrites(): string[] {
  return world.cluster.writes.filter((write) => /\/(secrets|configmaps)/.test(write));
}

/** A Secret that somebody else made. */
function foreign(metadata: Partial<DataObject['metadata']> = {}, more: Partial<DataObject> = {}): DataObject {
  return world.cluster.apply<DataObject>({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: SECRET, namespace: NAMESPACE, ...metadata },
    type: 'Opaque',
    data: { mine: 'bWluZQ==' },
    ...more,
  });
}

function ownerOf(uid: string, more: Partial<OwnerReference> = {}): OwnerReference {
  return {
    apiVersion: 'heatstack.dev/v1alpha1',
    kind: 'HeatStack',
    name: NAME,
    uid,
    controller: true,
    ...more,
  };
}

describe('the objects', () => {
  test('are there before the HeatStack is Ready, owned by it, with what was chosen', async () => {
    const labels = { team: 'shop' };
    const annotations = { 'example.com/owner': 'us' };
    let readyAtWrite: string | undefined;
    world.cluster.before = ({ method, path }) => {
      if (method === 'POST' && path.endsWith('/secrets')) readyAtWrite = world.ready;
    };
    await createdWith({ secretName: SECRET, configMapName: 'web-public', labels, annotations });
    expect(readyAtWrite).toBe('Unknown Progressing Reconciling');
    expect(world.ready).toBe('True Succeeded');
    expect(texts()).toEqual({ address: '192.0.2.1', size: '3' });
    expect(texts('ConfigMap', 'web-public')).toEqual({ address: '192.0.2.1', size: '3' });
    expect(object()).toMatchObject({ type: 'Opaque', metadata: { labels } });
    expect(object()?.metadata.annotations).toEqual({ ...annotations, [OUTPUTS_OF]: NAME });
    expect(object()?.metadata.ownerReferences).toEqual([ownerOf(world.object.metadata.uid)]);
    expect(world.status.outputs).toEqual([
      { name: 'address', secretKeyRef: { name: SECRET, key: 'address' } },
      { name: 'size', secretKeyRef: { name: SECRET, key: 'size' } },
    ]);
    // As many calls of Heat as without objects.
    expect(world.heat.takeCalls()).toEqual(['create', 'get+outputs', 'resources']);
  });

  test('are not written, and nothing is asked for them, when the spec names none', async () => {
    await createdWith({ inStatus: ['*'] });
    expect(world.cluster.requests.filter((request) => /configmaps|secrets\/(?!creds)/.test(request))).toEqual(
      [],
    );
    expect(world.status.outputsDigest).toBeUndefined();
  });

  test('are not written again or asked for while nothing changes, not even by a new operator', async () => {
    await createdWith({ secretName: SECRET });
    const { resourceVersion } = object()?.metadata ?? {};
    expect(world.reconciler.isOwnData(KEY, `${object()?.metadata.uid}/${resourceVersion}`)).toBe(true);
    for (const restart of [false, true]) {
      if (restart) await world.restart();
      world.forget();
      await world.reconcile();
      expect(world.heat.takeCalls()).toEqual([]);
      expect(dataWrites()).toEqual([]);
    }
    world.forget();
    await world.lookAgain();
    expect(world.heat.takeCalls()).toEqual(['get']);
    expect(world.cluster.requests.filter((request) => request.includes(SECRET))).toEqual([]);
    expect(world.ready).toBe('True Succeeded');
  });

  test('follow an update of the stack once it is complete, and lose what it lost', async () => {
    await createdWith({ secretName: SECRET });
    world.applyParameter('large');
    await world.reconcile();
    expect(texts()).toEqual({ address: '192.0.2.1', size: '3' });
    world.heat.finish('COMPLETE', { outputs: [{ key: 'size', value: 4 }] });
    await world.reconcileNews();
    expect(texts()).toEqual({ size: '4' });
    expect(world.ready).toBe('True Succeeded');
  });

  test('stay as they are when an update fails, and hold nothing of what it left', async () => {
    await createdWith({ secretName: SECRET });
    world.applyParameter('large');
    await world.reconcile();
    world.heat.finish('FAILED', { outputs: [{ key: 'size', value: 4 }] });
    await world.reconcileNews();
    expect(world.ready).toBe('False UpdateFailed Stalled');
    expect(texts()).toEqual({ address: '192.0.2.1', size: '3' });
    expect(world.status.outputs).toEqual([{ name: 'size', secretKeyRef: { name: SECRET, key: 'size' } }]);

    // Not so once the Secret isn't asked for, and gone.
    world.apply({ outputs: { configMapName: 'web-public' } });
    await world.reconcile();
    expect(object()).toBeUndefined();
    expect(world.status.outputs).toEqual([{ name: 'size' }]);
  });

  test('hold the chosen names only, and other labels when they are asked for', async () => {
    await createdWith({ secretName: SECRET, names: ['size'], labels: { team: 'shop', tier: '1' } });
    expect(texts()).toEqual({ size: '3' });
    world.apply({ outputs: { secretName: SECRET, names: ['address'], labels: { tier: '2' } } });
    await world.reconcile();
    expect(texts()).toEqual({ address: '192.0.2.1' });
    expect(object()?.metadata.labels).toEqual({ tier: '2' });
    world.apply({ outputs: { secretName: SECRET, names: ['address'] } });
    await world.reconcile();
    expect(object()?.metadata.labels).toEqual({});
    expect(world.ready).toBe('True Succeeded');
  });

  test('are not written for a stack that another client changed', async () => {
    await createdWith({ secretName: SECRET });
    const stack = world.heat.stack();
    stack.status = 'UPDATE_COMPLETE';
    stack.updatedAt = '2026-01-01T05:00:00Z';
    stack.attributes = {};
    stack.outputs = [{ key: 'size', value: 99 }];
    await world.clock.advance(13 * 60_000);
    await world.reconcile();
    expect(world.condition('Drifted')?.status).toBe('True');
    expect(texts()).toEqual({ address: '192.0.2.1', size: '3' });
    expect(world.status.outputs).toEqual([{ name: 'size', secretKeyRef: { name: SECRET, key: 'size' } }]);
    expect(world.ready).toBe('True Succeeded');

    // Nor can another choice of them be carried out.
    world.apply({ outputs: { secretName: SECRET, names: ['size'] } });
    await world.reconcile();
    expect(texts()).toEqual({ address: '192.0.2.1', size: '3' });
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    world.apply({ outputs: { secretName: SECRET } });
    await world.reconcile();
    world.cluster.delete('Secret', NAMESPACE, SECRET);
    await world.reconcile();
    expect(object()).toBeUndefined();
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    expect(message()).toMatch(/another client changed the stack's inputs; set the annotation .*forceAt/);
  });

  test('stay while the HeatStack is deleted: they go with it', async () => {
    await createdWith({ secretName: SECRET });
    world.delete();
    world.forget();
    await world.reconcile();
    expect(dataWrites()).toEqual([]);
    expect(object()).toBeDefined();
  });
});

describe("an object that is not the HeatStack's own", () => {
  const strangers: [string, () => void][] = [
    ['has no owner', () => foreign()],
    ['carries our annotation', () => foreign({ annotations: { [OUTPUTS_OF]: NAME } })],
    ['has an owner with the same name', () => foreign({ ownerReferences: [ownerOf('other')] })],
    [
      'has the HeatStack as an owner that is not its controller',
      () => foreign({ ownerReferences: [ownerOf(world.object.metadata.uid, { controller: false })] }),
    ],
  ];
  test.each(strangers)('is not touched when it %s', async (_, make) => {
    world.apply({ outputs: { secretName: SECRET } });
    make();
    const before = structuredClone(object());
    await createdWith({ secretName: SECRET });
    expect(object()).toEqual(before);
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    expect(world.condition('Available')?.status).toBe('True');
    expect(message()).toMatch(
      /^spec\.outputs\.secretName: Secret "web-outputs" is there already and .*; delete it or take another name$/,
    );
    expect(world.eventReasons).toContain('InvalidConfiguration');
    expect(world.status.outputs).toEqual([{ name: 'address' }, { name: 'size' }]);
    // Its changes cost Heat nothing.
    world.forget();
    world.cluster.edit<DataObject>('Secret', NAMESPACE, SECRET, ({ data = {} }) =>
      Object.assign(data, { more: '' }),
    );
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);

    world.cluster.delete('Secret', NAMESPACE, SECRET);
    await world.reconcile();
    expect(texts()).toEqual({ address: '192.0.2.1', size: '3' });
    expect(world.ready).toBe('True Succeeded');
  });

  test('is not touched when it takes the name at the very moment of the write', async () => {
    world.cluster.before = ({ method, path }) => {
      if (method === 'POST' && path.endsWith('/secrets') && !object()) foreign();
    };
    await createdWith({ secretName: SECRET });
    expect(texts()).toEqual({ mine: 'mine' });
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
  });

  test('is not touched when it takes the place of ours between the look and the write', async () => {
    await createdWith({ secretName: SECRET });
    world.cluster.before = ({ method, path }) => {
      if (method !== 'PUT' || !path.endsWith(`/${SECRET}`) || texts()?.['mine']) return;
      world.cluster.delete('Secret', NAMESPACE, SECRET);
      foreign();
    };
    world.apply({ outputs: { secretName: SECRET, names: ['size'] } });
    await world.reconcile();
    expect(texts()).toEqual({ mine: 'mine' });
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
  });

  test('belongs to the HeatStack that was first', async () => {
    foreign({ ownerReferences: [ownerOf('other', { name: 'first' })] });
    await createdWith({ secretName: SECRET });
    expect(message()).toContain('belongs to HeatStack "first"');
  });

  test('is not touched when it is the Secret with the credentials, even if that is owned by the HeatStack', async () => {
    world.apply({ outputs: { secretName: 'creds' } });
    world.cluster.edit('Secret', NAMESPACE, 'creds', ({ metadata }) => {
      metadata.ownerReferences = [ownerOf(world.object.metadata.uid)];
    });
    const before = structuredClone(object('Secret', 'creds'));
    await createdWith({ secretName: 'creds' });
    expect(object('Secret', 'creds')).toEqual(before);
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    expect(message()).toContain('take another name');
  });

  test("is not written when it has the name of the operator's key", async () => {
    await createdWith({ secretName: 'heatstack-operator-digest-key' });
    expect(object('Secret', 'heatstack-operator-digest-key')).toBeUndefined();
    expect(message()).toContain("it is the operator's own; take another name");
  });

  test('is not touched when the template comes from it', async () => {
    world.writeData('ConfigMap', 'template', { text: 'heat_template_version: 2021-04-16' });
    world.apply({ template: { configMapKeyRef: { name: 'template', key: 'text' } } });
    await createdWith({ configMapName: 'template' });
    expect(texts('ConfigMap', 'template')).toEqual({ text: 'heat_template_version: 2021-04-16' });
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
  });
});

describe('an object that somebody', () => {
  beforeEach(() => createdWith({ secretName: SECRET }));

  test('deleted is made anew', async () => {
    world.cluster.delete('Secret', NAMESPACE, SECRET);
    world.forget();
    await world.reconcile();
    expect(texts()).toEqual({ address: '192.0.2.1', size: '3' });
    expect(world.heat.takeCalls()).toEqual(['get', 'get+outputs']);
  });

  const edits: [string, (object: DataObject) => void][] = [
    ['a value', ({ data = {} }) => Object.assign(data, { size: 'OTk=' })],
    ['another key', ({ data = {} }) => Object.assign(data, { more: 'OTk=' })],
    ['a key less', ({ data = {} }) => delete data['size']],
    ['no annotation of ours', ({ metadata }) => delete metadata.annotations?.[OUTPUTS_OF]],
  ];
  test.each(edits)('gave %s is put right, also by a new operator, and not over and over', async (_, edit) => {
    for (const restart of [false, true]) {
      world.cluster.edit<DataObject>('Secret', NAMESPACE, SECRET, edit);
      if (restart) await world.restart();
      else await world.clock.advance(10_000);
      await world.reconcile();
      expect(texts()).toEqual({ address: '192.0.2.1', size: '3' });
      expect(object()?.metadata.annotations).toHaveProperty([OUTPUTS_OF]);
    }
    // Another program that insists costs one look in ten seconds.
    world.cluster.edit<DataObject>('Secret', NAMESPACE, SECRET, edit);
    world.forget();
    expect(await world.reconcile()).toEqual({ requeueAfterMs: 10_000 });
    expect(world.heat.takeCalls()).toEqual([]);
    await world.clock.advance(10_000);
    await world.reconcile();
    expect(texts()).toEqual({ address: '192.0.2.1', size: '3' });
  });

  test('changed is written, and not the other one', async () => {
    world.apply({ outputs: { secretName: SECRET, configMapName: 'web-public' } });
    await world.reconcile();
    world.cluster.edit<DataObject>('Secret', NAMESPACE, SECRET, ({ data = {} }) => delete data['size']);
    world.forget();
    await world.reconcile();
    expect(dataWrites()).toEqual([expect.stringMatching(/^PUT .*\/secrets\//)]);
  });

  test('gave a label of their own is left so', async () => {
    world.cluster.edit<DataObject>('Secret', NAMESPACE, SECRET, ({ metadata }) => {
      metadata.labels = { theirs: 'x' };
    });
    world.forget();
    await world.reconcile();
    expect(dataWrites()).toEqual([]);
    expect(world.heat.takeCalls()).toEqual([]);
  });

  test('marked immutable is not touched, and that is said once it matters', async () => {
    world.cluster.edit<DataObject>('Secret', NAMESPACE, SECRET, (secret) => {
      secret.immutable = true;
    });
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
    world.apply({ outputs: { secretName: SECRET, names: ['size'] } });
    world.forget();
    await world.reconcile();
    await world.reconcile();
    expect(dataWrites()).toEqual([]);
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    expect(message()).toContain('is marked immutable and differs from the outputs; delete it');
    world.cluster.delete('Secret', NAMESPACE, SECRET);
    await world.reconcile();
    expect(texts()).toEqual({ size: '3' });
    expect(world.ready).toBe('True Succeeded');
  });

  test('made anew with another type and our owner is not touched', async () => {
    const { ownerReferences = [] } = object()?.metadata ?? {};
    world.cluster.delete('Secret', NAMESPACE, SECRET);
    foreign({ ownerReferences }, { type: 'kubernetes.io/tls' });
    await world.reconcile();
    expect(texts()).toEqual({ mine: 'mine' });
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    expect(message()).toContain('is not of type Opaque; delete it');
  });

  test('deletes, though a finalizer keeps it, is made anew once it is gone', async () => {
    world.cluster.edit('Secret', NAMESPACE, SECRET, ({ metadata }) => {
      metadata.finalizers = ['example.com/theirs'];
    });
    world.cluster.delete('Secret', NAMESPACE, SECRET);
    world.apply({ outputs: { secretName: SECRET, names: ['size'] } });
    expect(await world.reconcile()).toBe('later');
    expect(world.ready).toBe('False TransientError Reconciling');
    expect(message()).toContain('is being deleted; it is made anew once it is gone');
    world.cluster.edit('Secret', NAMESPACE, SECRET, ({ metadata }) => {
      metadata.finalizers = [];
    });
    world.cluster.delete('Secret', NAMESPACE, SECRET);
    await world.reconcile();
    expect(texts()).toEqual({ size: '3' });
    expect(world.ready).toBe('True Succeeded');
  });

  test('took from the HeatStack is theirs', async () => {
    world.cluster.edit<DataObject>('Secret', NAMESPACE, SECRET, ({ metadata, data = {} }) => {
      delete metadata.ownerReferences;
      data['size'] = 'OTk=';
    });
    world.forget();
    await world.reconcile();
    expect(dataWrites()).toEqual([]);
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    // And so it is once nobody asks for it.
    world.apply({ outputs: {} });
    await world.reconcile();
    expect(texts()).toMatchObject({ size: '99' });
    expect(world.ready).toBe('True Succeeded');
  });
});

describe('an object that is not asked for any more', () => {
  beforeEach(() => createdWith({ secretName: SECRET, configMapName: 'web-public' }));

  test('goes once another has taken its place, also when the operator was started anew', async () => {
    await world.restart();
    world.apply({ outputs: { secretName: 'other', configMapName: 'web-public' } });
    world.cluster.before = ({ method, path }) => {
      if (method === 'DELETE' && path.endsWith(SECRET)) expect(object('Secret', 'other')).toBeDefined();
    };
    await world.reconcile();
    expect(object()).toBeUndefined();
    expect(texts('Secret', 'other')).toEqual({ address: '192.0.2.1', size: '3' });
    expect(object('ConfigMap', 'web-public')).toBeDefined();
    expect(world.status.outputs?.[0]?.secretKeyRef).toEqual({ name: 'other', key: 'address' });
  });

  test('goes at once when nothing takes its place, whatever the stack does', async () => {
    world.apply({ outputs: { configMapName: 'web-public' }, parameters: { flavor: 'large' } });
    await world.reconcile();
    expect(world.ready).toBe('Unknown Progressing Reconciling');
    expect(object()).toBeUndefined();
    expect(object('ConfigMap', 'web-public')).toBeDefined();
  });

  test('goes when the HeatStack wants no objects any more', async () => {
    world.apply({ outputs: {} });
    await world.reconcile();
    expect([object(), object('ConfigMap', 'web-public')]).toEqual([undefined, undefined]);
    expect(world.status.outputsDigest).toBeUndefined();
    expect(world.status.outputs).toEqual([{ name: 'address' }, { name: 'size' }]);
    expect(world.ready).toBe('True Succeeded');
  });

  test('goes once more when it comes back, as from a backup of the API server', async () => {
    const backup = structuredClone(object());
    world.apply({ outputs: { configMapName: 'web-public' } });
    await world.reconcile();
    await world.reconcile();
    if (backup) world.cluster.apply(backup);
    await world.reconcile();
    expect(object()).toBeUndefined();
  });

  test("isn't the operator's own any more for the events that are passed over", async () => {
    const { uid, resourceVersion } = object()?.metadata ?? {};
    const isOwn = () => world.reconciler.isOwnData(KEY, `${uid}/${resourceVersion}`);
    expect(isOwn()).toBe(true);
    world.apply({ outputs: { secretName: 'other' } });
    await world.reconcile();
    expect(isOwn()).toBe(false);
  });

  test('stays while the HeatStack is suspended', async () => {
    world.apply({ outputs: {}, suspend: true });
    world.forget();
    await world.reconcile();
    expect(dataWrites()).toEqual([]);
  });

  test('stays when somebody else gave it to the HeatStack', async () => {
    const mine = { name: 'mine', ownerReferences: [ownerOf(world.object.metadata.uid)] };
    foreign(mine);
    foreign({
      ...mine,
      name: 'theirs',
      ownerReferences: [ownerOf('other')],
      annotations: { [OUTPUTS_OF]: NAME },
    });
    world.apply({ outputs: {} });
    await world.reconcile();
    expect(object()).toBeUndefined();
    expect(object('Secret', 'mine')).toBeDefined();
    expect(object('Secret', 'theirs')).toBeDefined();
  });

  test('stays when the template comes from it now', async () => {
    world.apply({ outputs: {}, template: { secretKeyRef: { name: SECRET, key: 'address' } } });
    await world.reconcile();
    expect(object()).toBeDefined();
    expect(object('ConfigMap', 'web-public')).toBeUndefined();
  });

  test('stays when it changed since it was seen to be ours', async () => {
    const seen = structuredClone(world.watched.writtenFor(world.object.metadata.uid));
    world.watched.writtenFor = () => seen;
    world.cluster.edit<DataObject>('Secret', NAMESPACE, SECRET, ({ metadata }) => {
      delete metadata.ownerReferences;
    });
    world.apply({ outputs: {} });
    await world.reconcile();
    expect(object()).toBeDefined();
    expect(object('ConfigMap', 'web-public')).toBeUndefined();
  });
});

describe('a refusal of the API server', () => {
  const verbs: [string, string, (path: string) => boolean][] = [
    ['create', 'POST', (path) => path.endsWith('/secrets')],
    ['update', 'PUT', (path) => path.endsWith(`/${SECRET}`)],
    ['delete', 'DELETE', (path) => path.endsWith(`/${SECRET}`)],
  ];
  test.each(verbs)(
    'to %s is said with its cure and tried again, and the stack is shown',
    async (verb, method, isIt) => {
      if (verb !== 'create') await createdWith({ secretName: SECRET });
      world.cluster.before = (request) => {
        if (request.method === method && isIt(request.path))
          throw new KubeError('Forbidden', 'secrets is forbidden: text-of-the-server', { status: 403 });
      };
      if (verb === 'create') await createdWith({ secretName: SECRET });
      else {
        world.apply({ outputs: verb === 'update' ? { secretName: SECRET, names: ['size'] } : {} });
        expect(await world.reconcile()).toBe('later');
      }
      expect(world.ready).toBe('False Forbidden Reconciling');
      expect(message()).toContain(`give its ServiceAccount the verb "${verb}" on secrets`);
      expect(message()).not.toContain('text-of-the-server');
      expect(world.status).toMatchObject({
        stackStatus: 'CREATE_COMPLETE',
        outputs: [{ name: 'address' }, { name: 'size' }],
      });
      expect(world.condition('Available')?.status).toBe('True');

      world.cluster.before = () => undefined;
      await world.reconcile();
      expect(world.ready).toBe('True Succeeded');
    },
  );

  test('that is no verdict is tried again', async () => {
    world.cluster.before = ({ method, path }) => {
      if (method === 'POST' && path.endsWith('/secrets'))
        throw new KubeError('ServerError', 'etcd', { status: 500 });
    };
    await createdWith({ secretName: SECRET });
    expect(world.ready).toBe('False TransientError Reconciling');
  });

  test('of the content is no reason to try again', async () => {
    world.cluster.before = ({ method, path }) => {
      if (method === 'POST' && path.endsWith('/secrets'))
        throw new KubeError('Invalid', 'data', { status: 422 });
    };
    await createdWith({ secretName: SECRET });
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    world.forget();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);
    expect(dataWrites()).toEqual([]);
  });
});

describe('what is written', () => {
  test('is JSON unless it is text, with every digit; names that objects inherit are names as others', async () => {
    await createdWith({ secretName: SECRET, configMapName: 'web-public' }, [
      { key: '__proto__', value: 'a' },
      { key: 'constructor', value: { b: [1, null] } },
      { key: 'big', value: rawNumber('9007199254740993') },
      { key: 'no', value: false },
      { key: 'empty', value: '' },
      { key: 'odd', value: 'é\ud800' },
    ]);
    const expected = [
      ['__proto__', 'a'],
      ['big', '9007199254740993'],
      ['constructor', '{"b":[1,null]}'],
      ['empty', ''],
      ['no', 'false'],
      ['odd', 'é\ufffd'],
    ];
    expect(Object.entries(texts() ?? {}).sort()).toEqual(expected);
    expect(Object.entries(texts('ConfigMap', 'web-public') ?? {}).sort()).toEqual(expected);
    expect(world.ready).toBe('True Succeeded');
  });

  test('leaves out what has no value or no possible key, and says so', async () => {
    const names = ['broken', 'null', 'a/b', '..a', 'x'.repeat(254), 'nosuch', 'good', '__proto__'];
    await createdWith({ secretName: SECRET, names }, [
      { key: 'broken', value: null, error: 'no such attribute' },
      { key: 'null', value: null },
      { key: 'a/b', value: 'c' },
      { key: '..a', value: 'c' },
      { key: 'x'.repeat(254), value: 'c' },
      { key: 'good', value: 'c' },
      { key: 'other', value: 'c' },
    ]);
    expect(texts()).toEqual({ good: 'c' });
    expect(world.ready).toBe('True Succeeded');
    const errors = new Map(world.status.outputs?.map(({ name, error }) => [name, error]));
    expect(errors.get('broken')).toBe('no such attribute');
    expect(errors.get('null')).toBe('Heat gives no value (null)');
    for (const name of ['a/b', '..a', 'x'.repeat(254)])
      expect(errors.get(name)).toMatch(/^no key of a Secret/);
    for (const name of ['nosuch', '__proto__']) {
      expect(errors.get(name)).toBe('the stack has no such output; correct spec.outputs.names');
    }
    expect([errors.get('good'), errors.get('other')]).toEqual([undefined, undefined]);
  });

  test.each([
    ['values', { key: 'a', value: 'x'.repeat(1024 * 1024 - 1) }],
    [
      'keys',
      ...Array.from({ length: 3000 }, (_, index) => ({ key: String(index).padStart(200, 'k'), value: '' })),
    ],
  ] as [string, ...Output[]][])('is no more than an object can hold, counting %s', async (_, ...outputs) => {
    await createdWith({ secretName: SECRET }, outputs);
    expect(object()).toBeUndefined();
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    expect(message()).toMatch(/need \d+ bytes of at most 1048576; choose fewer in spec\.outputs\.names/);
    world.forget();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);
  });

  test('is nothing when the outputs are too large to be read', async () => {
    await createdWith({ secretName: SECRET });
    world.applyParameter('large');
    await world.reconcile();
    world.heat.fail('get+outputs', createError('ResponseTooLarge', 'too large'));
    world.heat.finish();
    await world.reconcileNews();
    expect(texts()).toEqual({ address: '192.0.2.1', size: '3' });
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    expect(message()).toContain('too large to be read from Heat');
    // Nor does a new operator take what is there for right.
    await world.restart();
    world.heat.fail('get+outputs', createError('ResponseTooLarge', 'too large'));
    await world.reconcile();
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
  });

  test('is of the state that the plan was made for', async () => {
    await createdWith({ secretName: SECRET });
    world.cluster.delete('Secret', NAMESPACE, SECRET);
    world.heat.onCall = (call) => {
      if (call !== 'get+outputs') return;
      Object.assign(world.heat.stack(), {
        status: 'UPDATE_IN_PROGRESS',
        outputs: [{ key: 'half', value: 1 }],
      });
    };
    expect(await world.reconcile()).toBe('later');
    expect(object()).toBeUndefined();
  });
});

describe('a spec that the CRD would refuse today', () => {
  test.each([
    { labels: { 'app.kubernetes.io/name': 'a' } },
    { labels: { 'k8s.io/a': 'a' } },
    { annotations: { 'meta.helm.sh/release-name': 'a' } },
    { annotations: { 'ArgoProj.io/a': 'a' } },
    { labels: { 'kustomize.toolkit.fluxcd.io/name': 'a' } },
    { annotations: { [OUTPUTS_OF]: 'other' } },
  ])('is refused: %j', async (more) => {
    await createdWith({ secretName: SECRET, ...more });
    expect(object()).toBeUndefined();
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    expect(message()).toMatch(/steers other programs; take a key of your own domain/);
  });

  test('is not mistaken for one', async () => {
    await createdWith({ secretName: SECRET, labels: { 'mykubernetes.io/a': 'a', 'kubernetes.io': 'a' } });
    expect(world.ready).toBe('True Succeeded');
  });
});

describe('an operator that may not write outputs', () => {
  beforeEach(async () => {
    world.outputObjects = false;
    await world.restart();
  });

  test('says so, and writes nothing', async () => {
    await createdWith({ secretName: SECRET });
    expect(dataWrites()).toEqual([]);
    expect(world.ready).toBe('False InvalidConfiguration Stalled');
    expect(message()).toMatch(/writes no outputs to objects; leave the name out, or .*--output-objects=true/);
    world.forget();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);

    world.apply({ outputs: {} });
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
  });

  test('leaves what another one wrote', async () => {
    world.outputObjects = true;
    await world.restart();
    await createdWith({ secretName: SECRET });
    world.outputObjects = false;
    await world.restart();
    await world.reconcile();
    expect(world.status.outputs).toEqual([{ name: 'address' }, { name: 'size' }]);
    world.apply({ outputs: {} });
    world.forget();
    await world.reconcile();
    expect(dataWrites()).toEqual([]);
    expect(world.ready).toBe('True Succeeded');
    // And isn't kept busy by it.
    world.forget();
    await world.reconcile();
    expect(world.heat.takeCalls()).toEqual([]);
    world.apply({ suspend: true });
    await world.reconcile();
    expect(world.ready).toBe('True Succeeded');
  });
});

test('names that a stack without outputs lacks are told as well', async () => {
  await createdWith({ secretName: SECRET, names: ['nosuch'] }, []);
  const error = 'the stack has no such output; correct spec.outputs.names';
  expect(world.status.outputs).toEqual([{ name: 'nosuch', error }]);
});

test('a HeatStack that is suspended before its objects are there is not Ready', async () => {
  await createdWith({});
  world.apply({ outputs: { secretName: SECRET }, suspend: true });
  await world.reconcile();
  expect(world.ready).toBe('Unknown Suspended');
});
