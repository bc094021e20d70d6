import { lacking, scenario } from '../scenario.ts';
import * as templates from '../templates.ts';
import type { World } from '../world.ts';

const made = async (world: World) => ({ stack: await world.create() });
const status = async (world: World) => {
  const [stack] = world.stacks;
  return stack ? world.settled(stack) : null;
};
const act = async (world: World, action: string) => {
  const stack = await world.create();
  await world.ask('POST', `/stacks/${stack.name}/${stack.id}/actions`, { [action]: null });
  await world.settled(stack);
  return { stack };
};
const snapshot = async (world: World) => {
  const { stack } = await made(world);
  const { json } = await world.ask('POST', `/stacks/${stack.name}/${stack.id}/snapshots`, { name: 'before' });
  await world.settled(stack);
  return { stack, snapshot: (json as { id: string }).id };
};

/** Actions, abandon and adopt, snapshots, waiting. */
export const ACTING = [
  scenario({
    name: 'check a stack by its name',
    prepare: made,
    sdk: `heat.check_stack(name)`,
    ours: ({ heat, name }) => heat.checkStack(name),
    after: status,
    expect: { value: null, after: 'CHECK_COMPLETE' },
  }),
  scenario({
    name: 'suspend a stack',
    prepare: made,
    sdk: `heat.suspend_stack(stack['id'])`,
    ours: ({ heat, stack }) => heat.suspendStack(stack.id),
    after: status,
    expect: { value: null, after: 'SUSPEND_COMPLETE' },
  }),
  scenario({
    name: 'resume a stack',
    prepare: (world) => act(world, 'suspend'),
    sdk: `heat.resume_stack(name)`,
    ours: ({ heat, name }) => heat.resumeStack(name),
    after: status,
    expect: { value: null, after: 'RESUME_COMPLETE' },
  }),
  scenario({
    name: 'an action on a stack that is not there',
    sdk: `heat.suspend_stack('nosuch')`,
    ours: ({ heat }) => heat.suspendStack('nosuch'),
    expect: { error: 'ResourceNotFound', status: 404 },
  }),
  scenario({
    name: 'cancel an update, with rollback',
    prepare: async (world) => {
      const stack = await world.create({ template: templates.slow(0) });
      await world.ask('PUT', `/stacks/${stack.name}/${stack.id}`, { template: templates.slow(3, 'two') });
      return { stack };
    },
    sdk: `heat.cancel_update`,
    ours: ({ heat, stack }) => heat.cancelUpdate(stack),
    after: status,
    better: lacking({ value: null, after: 'ROLLBACK_COMPLETE' }),
  }),
  scenario({
    name: 'cancel an update, without rollback',
    prepare: async (world) => {
      const stack = await world.create({ template: templates.slow(0) });
      await world.ask('PUT', `/stacks/${stack.name}/${stack.id}`, { template: templates.slow(3, 'two') });
      return { stack };
    },
    sdk: `heat.cancel_without_rollback`,
    ours: ({ heat, stack }) => heat.cancelWithoutRollback(stack),
    after: status,
    better: lacking({ value: null, after: 'UPDATE_FAILED' }),
  }),
  scenario({
    name: 'cancel an update when there is none',
    prepare: made,
    sdk: `heat.cancel_update`,
    ours: ({ heat, stack }) => heat.cancelUpdate(stack),
    better: lacking({ error: 'BadRequest', status: 400, type: 'NotSupported' }),
  }),
  scenario({
    name: 'export a stack',
    prepare: made,
    sdk: `heat.export_stack(name)`,
    ours: ({ heat, name }) => heat.exportStack(name),
    expect: {
      value: { name: '<name>', status: 'COMPLETE', resources: { thing: { type: 'OS::Heat::TestResource' } } },
    },
  }),
  scenario({
    name: 'abandon a stack whose name and id are known',
    prepare: made,
    sdk: `heat.abandon_stack(Stack.existing(**stack))`,
    ours: ({ heat, stack }) => heat.abandonStack(stack),
    expect: { value: { name: '<name>', resources: { thing: { type: 'OS::Heat::TestResource' } } } },
  }),
  scenario({
    name: 'abandon a stack by its name',
    prepare: made,
    sdk: `heat.abandon_stack(name)`,
    ours: ({ heat, name }) => heat.abandonStack(name),
    better: {
      because: 'openstacksdk asks for a broken address and takes the error for the data of the stack.',
      sdk: { value: { code: 404 } },
      ours: { value: { name: '<name>', resources: { thing: {} } } },
    },
  }),
  scenario({
    name: 'abandon a stack that is not there any more',
    sdk: `heat.abandon_stack(Stack.existing(id='01234567-89ab-cdef-0123-456789abcdef', name='nosuch'))`,
    ours: ({ heat }) => heat.abandonStack({ name: 'nosuch', id: '01234567-89ab-cdef-0123-456789abcdef' }),
    better: {
      because: 'openstacksdk takes the error for the data of the stack.',
      sdk: { value: { code: 404, error: { type: 'EntityNotFound' } } },
      ours: { error: 'ResourceNotFound', status: 404 },
    },
  }),
  scenario({
    name: 'adopt a stack',
    prepare: async ({ name }) => ({ data: templates.abandoned(name) }),
    sdk: `import json
return pick(heat.create_stack(name=name, template=data['template'], adopt_stack_data=json.dumps(data)), 'name')`,
    ours: ({ heat, name, data }) => heat.adoptStack(data, { name }),
    after: async (world) => {
      const stack = await world.look();
      return stack && world.settled({ name: String(stack['stack_name']), id: String(stack['id']) });
    },
    better: {
      because: 'openstacksdk drops the data, and makes new resources.',
      sdk: { value: { name: '<name>' }, after: 'CREATE_COMPLETE' },
      ours: { value: { name: '<name>' }, after: 'ADOPT_COMPLETE' },
    },
  }),
  scenario({
    name: 'make a snapshot',
    prepare: made,
    sdk: `heat.create_snapshot`,
    ours: ({ heat, stack }) => heat.createSnapshot(stack, { name: 'before' }),
    after: status,
    better: lacking({ value: { id: '<uuid>', name: 'before' }, after: 'SNAPSHOT_COMPLETE' }),
  }),
  scenario({
    name: 'list and read snapshots',
    prepare: snapshot,
    sdk: `heat.snapshots`,
    ours: async ({ heat, stack, snapshot: id }) => [
      await Array.fromAsync(heat.snapshots(stack)),
      await heat.snapshot(stack, id),
    ],
    better: lacking({
      value: [[{ name: 'before', status: 'COMPLETE' }], { name: 'before', status: 'COMPLETE' }],
    }),
  }),
  scenario({
    name: 'restore a snapshot',
    prepare: snapshot,
    sdk: `heat.restore_snapshot`,
    ours: ({ heat, stack, snapshot: id }) => heat.restoreSnapshot(stack, id),
    after: status,
    better: lacking({ value: null, after: 'RESTORE_COMPLETE' }),
  }),
  scenario({
    name: 'delete a snapshot',
    prepare: snapshot,
    sdk: `heat.delete_snapshot`,
    ours: ({ heat, stack, snapshot: id }) => heat.deleteSnapshot(stack, id),
    better: lacking({ value: null }),
  }),
  scenario({
    name: 'make a snapshot while work is in progress',
    prepare: async (world) => ({ stack: await world.begin({ template: templates.slow(3) }) }),
    sdk: `heat.create_snapshot`,
    ours: ({ heat, stack }) => heat.createSnapshot(stack),
    better: lacking({ error: 'Conflict', code: 'Conflict.ActionInProgress', status: 409 }),
  }),
  scenario({
    name: 'wait until a stack is made',
    polls: true,
    prepare: async (world) => ({ stack: await world.begin() }),
    sdk: `heat.wait_for_status(heat.get_stack(name), 'CREATE_COMPLETE', interval=0.2, wait=30).status`,
    ours: async ({ heat, name }) =>
      (await heat.waitForStack(name, { intervalMs: 200, timeoutMs: 30_000 }))?.status,
    better: {
      because: 'The same status; ours needs no look-up for each look.',
      sdk: { value: 'CREATE_COMPLETE' },
      ours: { value: 'CREATE_COMPLETE' },
    },
  }),
  scenario({
    name: 'wait for a stack that fails',
    polls: true,
    prepare: async (world) => ({ stack: await world.create({ template: templates.FAILING }) }),
    sdk: `heat.wait_for_status(heat.get_stack(name), 'CREATE_COMPLETE', interval=0.2, wait=1)`,
    ours: ({ heat, name }) =>
      heat.waitForStack(name, { until: 'CREATE_COMPLETE', intervalMs: 200, timeoutMs: 30_000 }),
    better: {
      because:
        'openstacksdk looks for a status ERROR, which no stack has, and waits for ever unless told how long.',
      sdk: { error: 'Timeout' },
      ours: { error: 'StackFailed' },
    },
  }),
  scenario({
    name: 'wait until a stack is deleted',
    polls: true,
    prepare: async (world) => {
      const stack = await world.create();
      await world.ask('DELETE', `/stacks/${stack.name}/${stack.id}`);
      return { stack };
    },
    sdk: `heat.wait_for_delete(Stack.existing(**stack), interval=0.2, wait=30) and None`,
    ours: async ({ heat, stack }) =>
      void (await heat.waitForStack(stack, { until: 'DELETE_COMPLETE', intervalMs: 200, timeoutMs: 30_000 })),
    better: {
      because: 'The same end; ours needs no look-up for each look.',
      sdk: { value: null },
      ours: { value: null },
    },
  }),
  scenario({
    name: 'wait for a delete that fails',
    polls: true,
    cloud: 'admin',
    prepare: async (world) => {
      const stack = await world.create({ template: templates.UNDELETABLE(world.name) });
      await world.ask('DELETE', `/stacks/${stack.name}/${stack.id}`);
      await world.settled(stack);
      return { stack };
    },
    sdk: `heat.wait_for_delete(Stack.existing(**stack), interval=0.2, wait=1)`,
    ours: ({ heat, stack }) =>
      heat.waitForStack(stack, { until: 'DELETE_COMPLETE', intervalMs: 200, timeoutMs: 1000 }),
    better: {
      because: 'openstacksdk is blind to DELETE_FAILED, and waits until its time is up.',
      sdk: { error: 'Timeout' },
      ours: { error: 'StackFailed' },
    },
  }),
];
