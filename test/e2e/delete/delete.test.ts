import { beforeAll, expect, it } from 'vitest';
import { FINALIZER } from '../../../src/api/constants.ts';
import {
  condition,
  eventually,
  heatWrites,
  type Operator,
  RANDOM_STRING,
  scenario,
} from '../../support/scenario.ts';

const s = scenario('delete');
let operator: Operator;

beforeAll(async () => {
  operator = await s.startOperator();
});

it('waits with the finalizer until Heat has deleted the stack', async () => {
  const name = `${s.namespace}-slow`;
  const since = operator.log().length;
  await s.apply(name, { template: { inline: SLOW_TO_DELETE } });
  const { status } = await s.ready(name);
  await s.delete(name);

  const deleting = await s.until(
    name,
    'being deleted',
    (object) => object.status.stackStatus === 'DELETE_IN_PROGRESS',
  );
  expect(deleting.metadata.finalizers).toContain(FINALIZER);
  expect(condition(deleting, 'Ready')).toMatchObject({ status: 'Unknown', reason: 'Progressing' });
  expect(condition(deleting, 'Ready')?.message).toMatch(/deleting stack|DELETE_IN_PROGRESS/);
  expect(condition(deleting, 'Reconciling')?.status).toBe('True');
  expect(condition(deleting, 'Stalled')).toBeUndefined();
  expect(condition(deleting, 'Available')?.status).toBe('False');

  // At every moment: the stack is gone, or the object is still there.
  let stackSeenGone = false;
  await eventually(
    async () => {
      const object = await s.get(name);
      const stack = await s.stack(status.id ?? '');
      stackSeenGone ||= stack === undefined;
      if (object === undefined) expect(stack).toBeUndefined();
      return object === undefined;
    },
    () => `${name} is still there; its stack is ${stackSeenGone ? 'gone' : 'there'}`,
  );
  expect(heatWrites(operator.log().slice(since))).toEqual([
    'POST /stacks 201',
    'DELETE /stacks/{name}/{id} 204',
  ]);
  const told = ['StackCreating', 'StackCreated', 'StackDeleting', 'StackDeleted'];
  await eventually(
    async () => (await s.events(name)).length >= told.length,
    () => 'there are Events missing',
  );
  expect((await s.events(name)).map(({ reason }) => reason)).toEqual(told);
});

it('deletes the stack of an object that was deleted while the operator was down', async () => {
  const name = `${s.namespace}-down`;
  await s.apply(name, { template: { inline: RANDOM_STRING } });
  await s.ready(name);
  await operator.stop();
  await s.delete(name);
  expect((await s.get(name))?.metadata.finalizers).toContain(FINALIZER);
  operator = await s.startOperator();
  await s.gone(name);
  expect(await s.stacksNamed(name)).toEqual([]);
});

it('lets an object go whose stack somebody else has deleted', async () => {
  const name = `${s.namespace}-before`;
  await s.apply(name, { template: { inline: RANDOM_STRING } });
  const { status } = await s.ready(name);
  await (await s.heat()).deleteStack({ id: status.id ?? '', name });
  await s.stackGone(status.id ?? '');
  await s.delete(name);
  await s.gone(name);
});

it('needs neither template nor parameters to delete', async () => {
  const name = `${s.namespace}-bare`;
  await s.writeConfigMap('template', { 'stack.yaml': RANDOM_STRING });
  await s.apply(name, { template: { configMapKeyRef: { name: 'template', key: 'stack.yaml' } } });
  await s.ready(name);
  await s.kubectl(['delete', 'configmap', 'template']);
  await s.notReady(name, 'DependencyNotReady');
  await s.delete(name);
  await s.gone(name);
  expect(await s.stacksNamed(name)).toEqual([]);
});

const SLOW_TO_DELETE = `heat_template_version: 2018-08-31
resources:
  slow:
    type: OS::Heat::TestResource
    properties:
      value: one
      action_wait_secs: { delete: 3 }
`;
