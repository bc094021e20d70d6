import { beforeAll, expect, it } from 'vitest';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import { type DataObject, dataOf } from '../../../src/controller/data-object.ts';
import { CONFIG_MAPS, SECRETS } from '../../../src/kube/index.ts';
import { eventually, heatRequests, type Operator, read, scenario } from '../../support/scenario.ts';
import { HIDDEN_VALUE } from '../../support/secrets.ts';

const s = scenario('outputs');

/** Outputs of every kind; `title` differs from one update to the next. */
const TEMPLATE = `heat_template_version: 2018-08-31
parameters:
  title: { type: string }
  token: { type: string, hidden: true, default: ${HIDDEN_VALUE} }
  big: { type: json, default: { number: 9007199254740993 } }
resources:
  value:
    type: OS::Heat::Value
    properties: { type: json, value: { title: { get_param: title }, list: [1, two, { three: null }] } }
outputs:
  title: { value: { get_attr: [value, value, title] } }
  token: { value: { get_param: token } }
  list: { value: { get_attr: [value, value, list] } }
  big: { value: { get_param: big } }
  empty: { value: '' }
  nothing: { value: { get_attr: [value, value, nosuch] } }
  a/b: { value: c }
  __proto__: { value: p }
  constructor: { value: c }
`;
const TEXTS = {
  big: '{"number":9007199254740993}',
  constructor: 'c',
  empty: '',
  list: '[1,"two",{"three":null}]',
};
/** All but the one that nobody but the readers of a Secret may see. */
const NAMES = ['title', 'list', 'big', 'empty', 'nothing', 'a/b', '__proto__', 'constructor'];
const FROM_SECRET = { secretKeyRef: { name: 'template', key: 'text' } };

let operator: Operator;
beforeAll(async () => {
  await s.writeSecret('template', { text: TEMPLATE });
  operator = await s.startOperator();
});

async function textsOf(name: string): Promise<[string, string][] | undefined> {
  const found = await read<DataObject>(s, SECRETS, name);
  return found && [...dataOf(found, 'Secret')].sort(([a], [b]) => (a < b ? -1 : 1));
}

function entries(texts: Record<string, string>): [string, string][] {
  // It can't be written as a member.
  return [['__proto__', 'p'], ...Object.entries(texts)];
}

/** Requests to Heat about one stack. */
function requestsOf(name: string): number {
  return heatRequests(operator.log()).filter(({ key }) => key === `${s.namespace}/${name}`).length;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  await eventually(holds, () => what);
}

it('writes them before the object is Ready, and follows the stack and the spec', async () => {
  const name = 'outputs-written';
  const apply = (title: string, outputs: object) =>
    s.apply(name, { template: FROM_SECRET, parameters: { title }, outputs });
  const labels = { team: 'shop' };
  await apply('first', { secretName: 'web', configMapName: 'web.public', names: NAMES, labels });
  const seen: HeatStack = await s.ready(name);
  const secret = await read<DataObject>(s, SECRETS, 'web');
  expect(await textsOf('web')).toEqual(entries({ ...TEXTS, title: 'first' }));
  expect(secret).toMatchObject({
    type: 'Opaque',
    metadata: {
      labels,
      annotations: { 'heatstack.dev/outputs-of': name },
      ownerReferences: [
        {
          apiVersion: 'heatstack.dev/v1alpha1',
          kind: 'HeatStack',
          name,
          uid: seen.metadata.uid,
          controller: true,
        },
      ],
    },
  });
  expect(secret?.metadata.ownerReferences?.[0]).not.toHaveProperty('blockOwnerDeletion');
  const map = await read<DataObject>(s, CONFIG_MAPS, 'web.public');
  expect(map?.data?.['big']).toBe(TEXTS.big);
  const outputs = new Map(seen.status.outputs?.map((output) => [output.name, output]));
  expect(outputs.get('list')).toEqual({ name: 'list', secretKeyRef: { name: 'web', key: 'list' } });
  expect(outputs.get('nothing')).toEqual({ name: 'nothing', error: 'Heat gives no value (null)' });
  expect(outputs.get('a/b')?.error).toMatch(/^no key of a Secret or ConfigMap can have this name/);

  await apply('second', { secretName: 'web' });
  await s.ready(name);
  expect(await textsOf('web')).toEqual(entries({ ...TEXTS, title: 'second', token: HIDDEN_VALUE }));
  expect((await read(s, SECRETS, 'web'))?.metadata.labels ?? {}).toEqual({});
  expect(await read(s, CONFIG_MAPS, 'web.public')).toBeUndefined();

  await apply('second', { secretName: 'web-2', names: ['list'] });
  await s.ready(name);
  expect(await textsOf('web-2')).toEqual([['list', TEXTS.list]]);
  expect(await read(s, SECRETS, 'web')).toBeUndefined();

  await apply('second', {});
  await s.ready(name);
  expect(await read(s, SECRETS, 'web-2')).toBeUndefined();
});

it('puts right what somebody changes or deletes, and otherwise neither writes nor asks', async () => {
  const name = 'outputs-kept';
  await s.apply(name, {
    template: FROM_SECRET,
    parameters: { title: 'kept' },
    outputs: { secretName: 'kept', configMapName: 'kept', names: NAMES },
  });
  await s.ready(name);
  const version = async () => (await read(s, SECRETS, 'kept'))?.metadata.resourceVersion;
  const written = await version();
  const asked = requestsOf(name);

  for (const restart of [false, true]) {
    const since = operator.log().length;
    if (restart) {
      await operator.stop();
      operator = await s.startOperator();
    } else {
      await s.kubectl(['label', 'heatstack', name, 'touched=yes']);
    }
    await s.reconciled(operator, name, since);
    expect(requestsOf(name)).toBe(asked);
    expect(await version()).toBe(written);
  }

  await s.kubectl(['delete', 'secret', 'kept']);
  await until('the Secret is not made anew', async () => (await read(s, SECRETS, 'kept')) !== undefined);
  expect(await textsOf('kept')).toEqual(entries({ ...TEXTS, title: 'kept' }));

  await s.kubectl([
    'patch',
    'configmap',
    'kept',
    '--type=merge',
    '-p',
    '{"data":{"title":"mine","more":"x"}}',
  ]);
  await until('the ConfigMap is not put right', async () => {
    const data = (await read<DataObject>(s, CONFIG_MAPS, 'kept'))?.data ?? {};
    return data['title'] === 'kept' && !('more' in data);
  });

  // Also what happened while no operator was there.
  await operator.stop();
  await s.kubectl(['patch', 'secret', 'kept', '--type=merge', '-p', '{"data":{"title":"bWluZQ=="}}']);
  operator = await s.startOperator();
  await until('the Secret is not put right', async () => (await textsOf('kept'))?.at(-1)?.[1] === 'kept');
  expect(await textsOf('kept')).toEqual(entries({ ...TEXTS, title: 'kept' }));
});

it('costs no request to Heat besides those of a stack without objects', async () => {
  const spec = { template: FROM_SECRET, parameters: { title: 'counted' } };
  await s.apply('outputs-none', spec);
  await s.apply('outputs-all', { ...spec, outputs: { secretName: 'all' } });
  await s.ready('outputs-none');
  await s.ready('outputs-all');
  expect(requestsOf('outputs-all')).toBe(requestsOf('outputs-none'));
});

it('stays behind a stack whose update failed', async () => {
  const name = 'outputs-failed';
  const template = (fail: boolean) => `heat_template_version: 2018-08-31
resources:
  it: { type: OS::Heat::TestResource, properties: { value: ${fail ? 'two' : 'one'}, fail: ${fail} } }
outputs:
  value: { value: ${fail ? 'two' : 'one'} }
`;
  await s.apply(name, { template: { inline: template(false) }, outputs: { secretName: 'failed' } });
  await s.ready(name);
  await s.apply(name, { template: { inline: template(true) }, outputs: { secretName: 'failed' } });
  const { status } = await s.notReady(name, 'UpdateFailed');
  expect(await textsOf('failed')).toEqual([['value', 'one']]);
  expect(status.outputs?.[0]).toHaveProperty('secretKeyRef', { name: 'failed', key: 'value' });
});

it('shows a hidden value nowhere but in the Secret', async () => {
  const kinds = 'heatstacks,events,configmaps';
  const objects = await s.kubectl(['get', kinds, '-o', 'yaml', '--show-managed-fields']);
  expect(objects).toContain('outputs-all');
  expect(objects).not.toContain(HIDDEN_VALUE);
  expect(JSON.stringify(operator.log())).not.toContain(HIDDEN_VALUE);
});
