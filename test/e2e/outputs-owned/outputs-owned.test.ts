import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DataObject } from '../../../src/controller/data-object.ts';
import { CONFIG_MAPS, SECRETS } from '../../../src/kube/index.ts';
import {
  condition,
  heatRequests,
  type Operator,
  RANDOM_STRING,
  read,
  scenario,
  underway,
} from '../../support/scenario.ts';

const s = scenario('outputs-owned');

let operator: Operator;
beforeAll(async () => {
  operator = await s.startOperator();
});

afterAll(async () => {
  await s.kubectl(['delete', 'heatstacks', '--all', '--timeout=60s']);
});

const apply = (name: string, outputs: object) =>
  s.apply(name, { template: { inline: RANDOM_STRING }, outputs });

/** Waits until the object says what is wrong; the message. */
async function refused(name: string): Promise<string> {
  const object = await s.notReady(name, 'InvalidConfiguration');
  expect(underway(object)).toEqual(['Stalled']);
  expect(condition(object, 'Available')?.status).toBe('True');
  expect(object.status.stackStatus).toBe('CREATE_COMPLETE');
  return condition(object, 'Ready')?.message ?? '';
}

it.concurrent('leaves a Secret alone that somebody else made, also one with its marks', async () => {
  const name = 'owned-foreign';
  await s.applyText(`apiVersion: v1
kind: Secret
metadata:
  name: taken
  annotations: { heatstack.dev/outputs-of: ${name} }
stringData: { value: mine }
`);
  const before = await read(s, SECRETS, 'taken');
  await apply(name, { secretName: 'taken', configMapName: 'free' });
  expect(await refused(name)).toBe(
    'spec.outputs.secretName: Secret "taken" is there already and isn\'t this object\'s own, so it is left alone; delete it or take another name',
  );
  // What can be written is.
  expect(await read(s, CONFIG_MAPS, 'free')).toBeDefined();
  expect(await read(s, SECRETS, 'taken')).toEqual(before);

  // Its life costs Heat nothing.
  const key = `${s.namespace}/${name}`;
  const asked = () => heatRequests(operator.log()).filter((line) => line.key === key).length;
  const count = asked();
  const since = operator.log().length;
  await s.kubectl(['label', 'secret', 'taken', 'touched=yes']);
  await s.reconciled(operator, name, since);
  expect(asked()).toBe(count);

  await s.kubectl(['delete', 'secret', 'taken']);
  await s.ready(name);
  expect((await read<DataObject>(s, SECRETS, 'taken'))?.data).toHaveProperty('value');
});

it.concurrent('leaves the Secret of another HeatStack alone', async () => {
  await apply('owned-first', { secretName: 'shared' });
  await s.ready('owned-first');
  const before = await read(s, SECRETS, 'shared');
  await apply('owned-second', { secretName: 'shared' });
  expect(await refused('owned-second')).toContain('belongs to HeatStack "owned-first"');
  expect(await read(s, SECRETS, 'shared')).toEqual(before);
  await apply('owned-second', {});
  await s.ready('owned-second');
  expect(await read(s, SECRETS, 'shared')).toEqual(before);
  // The first gives it up, the second takes the name.
  await apply('owned-second', { secretName: 'shared' });
  await refused('owned-second');
  await apply('owned-first', {});
  await s.ready('owned-second');
  expect((await read(s, SECRETS, 'shared'))?.metadata.ownerReferences?.[0]?.name).toBe('owned-second');
});

it.concurrent('leaves a Secret alone that was marked immutable', async () => {
  const name = 'owned-immutable';
  await apply(name, { secretName: 'fixed' });
  await s.ready(name);
  await s.kubectl(['patch', 'secret', 'fixed', '--type=merge', '-p', '{"immutable":true}']);
  const before = await read(s, SECRETS, 'fixed');
  await apply(name, { secretName: 'fixed', labels: { team: 'shop' } });
  expect(await refused(name)).toContain('is marked immutable and differs from the outputs; delete it');
  expect(await read(s, SECRETS, 'fixed')).toEqual(before);
  await s.kubectl(['delete', 'secret', 'fixed']);
  await s.ready(name);
  expect((await read(s, SECRETS, 'fixed'))?.metadata.labels).toEqual({ team: 'shop' });
});

it.concurrent('deletes nothing that somebody gave to the object or took from it', async () => {
  const name = 'owned-given';
  await apply(name, { secretName: 'taken-away' });
  const { metadata } = await s.ready(name);
  const owner = {
    apiVersion: 'heatstack.dev/v1alpha1',
    kind: 'HeatStack',
    name,
    uid: metadata.uid,
    controller: true,
  };
  await s.applyText(
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'given', ownerReferences: [owner] },
      stringData: { value: 'mine' },
    }),
  );
  await s.kubectl([
    'patch',
    'secret',
    'taken-away',
    '--type=merge',
    '-p',
    '{"metadata":{"ownerReferences":null}}',
  ]);
  await refused(name);
  await apply(name, {});
  await s.ready(name);
  expect(await read(s, SECRETS, 'given')).toBeDefined();
  expect(await read(s, SECRETS, 'taken-away')).toBeDefined();
});

it.concurrent('says so when the outputs are more than a Secret holds', async () => {
  const name = 'owned-large';
  // 20 × 64 KiB, from a template of one.
  const outputs = Array.from({ length: 20 }, (_, index) => `  o${index}: { value: { get_param: text } }`);
  const template = `heat_template_version: 2018-08-31
parameters:
  text: { type: string }
resources:
  it: { type: OS::Heat::None }
outputs:
${outputs.join('\n')}
`;
  const spec = { template: { inline: template }, parameters: { text: 'x'.repeat(65_536) } };
  await s.apply(name, { ...spec, outputs: { secretName: 'large' } });
  expect(await refused(name)).toMatch(
    /need 1310\d+ bytes of at most 1048576; choose fewer in spec\.outputs\.names/,
  );
  expect(await read(s, SECRETS, 'large')).toBeUndefined();
  await s.apply(name, { ...spec, outputs: { secretName: 'large', names: ['o1'] } });
  await s.ready(name);
  expect(Object.keys((await read<DataObject>(s, SECRETS, 'large'))?.data ?? {})).toEqual(['o1']);
});
