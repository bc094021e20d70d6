import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import type { KubeObject } from '../../../src/kube/index.ts';
import { CONFIG_MAPS } from '../../../src/kube/index.ts';
import {
  condition,
  heatRequests,
  heatWrites,
  type Operator,
  RANDOM_STRING,
  read,
  scenario,
  slowTemplate,
  underway,
} from '../../support/scenario.ts';

const s = scenario('unmanaged');
let operator: Operator;

beforeAll(async () => {
  operator = await s.startOperator();
});

it('shows a stack, and leaves it alone', async () => {
  const since = operator.log().length;
  const stack = await s.foreignStack(`${s.namespace}-shown`);
  await s.apply('shown', {
    managementPolicy: 'unmanaged',
    import: { id: stack.id },
    outputs: { inStatus: ['value'], configMapName: 'shown' },
  });
  const { metadata, status } = await s.ready('shown');
  expect(metadata.finalizers).toBeUndefined();
  expect(status).toMatchObject({
    id: stack.id,
    stackName: stack.name,
    stackStatus: 'CREATE_COMPLETE',
    resourceSummary: { text: '1/1' },
    resources: [{ name: 'random', type: 'OS::Heat::RandomString', status: 'CREATE_COMPLETE' }],
    outputs: [{ name: 'value', value: expect.stringMatching(/^.{8}$/) }],
  });
  const written = await read<KubeObject & { data: Record<string, string> }>(s, CONFIG_MAPS, 'shown');
  expect(written?.data).toEqual({ value: status.outputs?.[0]?.value });
  expect(status.appliedDigest).toBeUndefined();

  // A restart costs nothing.
  await operator.stop();
  const restart = operator.log().length;
  operator = await s.startOperator();
  await s.reconciled(operator, 'shown', restart);
  expect(heatRequests(operator.log().slice(restart))).toEqual([]);

  await s.delete('shown');
  await s.gone('shown');
  expect(await s.stack(stack.id)).toEqual(stack);
  expect(heatWrites(operator.log().slice(since))).toEqual([]);
});

it('follows what others do with the stack, to its end', async () => {
  const since = operator.log().length;
  const heat = await s.heat();
  const stack = await s.foreignStack(`${s.namespace}-followed`, slowTemplate(0));
  await s.apply('followed', { managementPolicy: 'unmanaged', import: { filter: { name: stack.name } } });
  await s.ready('followed');

  await heat.updateStack(stack, { template: slowTemplate(5, 'two') });
  const busy = await s.ask('followed');
  expect(condition(busy, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'Progressing' });
  const updated = await s.ready('followed');
  expect(updated.status).toMatchObject({ stackStatus: 'UPDATE_COMPLETE', id: stack.id });

  await heat.updateStack(stack, {
    template: slowTemplate(0, 'three').replace('    properties:', '    properties:\n      fail: true'),
  });
  await expect(s.stackComplete(stack.id)).rejects.toThrow('UPDATE_FAILED');
  await s.ask('followed');
  const failed = await s.notReady('followed', 'UpdateFailed');
  expect(condition(failed, 'Ready')?.status).toBe('False');
  expect(underway(failed)).toEqual(['Stalled']);
  expect(failed.status.failures).toMatchObject([{ path: 'slow', type: 'OS::Heat::TestResource' }]);

  await heat.deleteStack(stack);
  await s.stackGone(stack.id);
  await s.ask('followed');
  // Heat shows what it deleted for a moment more.
  const gone = await s.notReady('followed', 'StackNotFound');
  expect(condition(gone, 'Ready')?.status).toBe('False');
  expect(underway(gone)).toEqual(['Stalled']);

  // Another one with the name is another stack.
  const other = await s.foreignStack(stack.name);
  expect((await s.ask('followed')).status.id).toBe(stack.id);
  await s.delete('followed');
  await s.gone('followed');
  expect(await s.stack(other.id)).toEqual(other);
  expect(heatWrites(operator.log().slice(since))).toEqual([]);
});

it('keeps what the object managed before, and gives it back', async () => {
  const name = `${s.namespace}-policy`;
  await s.apply(name, { template: { inline: RANDOM_STRING } });
  const { status: before } = await s.ready(name);
  const since = operator.log().length;
  const unmanaged = { managementPolicy: 'unmanaged', import: { id: before.id } };
  await s.apply(name, unmanaged);
  const observed = await s.ready(name);
  expect(observed.metadata.finalizers ?? []).toEqual([]);
  expect(observed.status).toMatchObject({ id: before.id });
  expect(observed.status.appliedDigest).toBeUndefined();

  await s.apply(name, { template: { inline: RANDOM_STRING } });
  const after = await s.ready(name);
  expect(after.metadata.finalizers).toEqual(['heatstack.dev/stack']);
  expect(after.status).toMatchObject({ id: before.id, appliedDigest: before.appliedDigest });
  expect(heatWrites(operator.log().slice(since))).toEqual([]);
  await s.delete(name);
  await s.gone(name);
  expect(await s.stacksNamed(name)).toEqual([]);
});

it('lets an object go without its credentials, though it managed the stack when it was last seen', async () => {
  const name = `${s.namespace}-lost`;
  const own = { cloudCredentialsRef: { secretName: 'own', cloudName: 'demo' } };
  await s.writeSecret('own', { 'clouds.yaml': readFileSync(s.bed.clouds, 'utf8') });
  await s.apply(name, { ...own, template: { inline: RANDOM_STRING } });
  const { status } = await s.ready(name);
  await operator.stop();
  await s.apply(name, { ...own, managementPolicy: 'unmanaged', import: { id: status.id } });
  await s.delete(name);
  await s.kubectl(['delete', 'secret', 'own']);
  operator = await s.startOperator();
  await s.gone(name);
  expect(await s.stacksNamed(name)).toMatchObject([{ id: status.id, status: 'CREATE_COMPLETE' }]);
});
