import { lacking, scenario } from '../scenario.ts';
import * as templates from '../templates.ts';
import type { World } from '../world.ts';

const { SIMPLE, STRICT, NESTED } = templates;
const template = SIMPLE;

/** Waits for the scenario's stack, and takes some members of it. */
const settled =
  (...members: string[]) =>
  async (world: World) => {
    const [stack] = world.stacks;
    if (!stack) return null;
    await world.settled(stack);
    const now = await world.read(stack);
    return Object.fromEntries(members.map((member) => [member, now[member] ?? null]));
  };
const simple = async (world: World) => ({ stack: await world.create({ tags: 'a,b' }), template });

/** updateStack, patchStack, previewStackUpdate, deleteStack. */
export const UPDATING = [
  scenario({
    name: 'update a stack whose name and id are known',
    prepare: simple,
    sdk: `heat.update_stack(Stack.existing(**stack), template=template, parameters={'text': 'second'})\nreturn None`,
    ours: ({ heat, stack }) => heat.updateStack(stack, { template, parameters: { text: 'second' } }),
    after: settled('stack_status', 'parameters'),
    expect: { after: { stack_status: 'UPDATE_COMPLETE', parameters: { text: 'second' } } },
  }),
  scenario({
    name: 'update a stack by its name, through a redirect',
    prepare: simple,
    sdk: `heat.update_stack(name, template=template, parameters={'text': 'second'})\nreturn None`,
    ours: ({ heat, name }) => heat.updateStack(name, { template, parameters: { text: 'second' } }),
    after: settled('stack_status', 'parameters'),
    expect: { after: { stack_status: 'UPDATE_COMPLETE', parameters: { text: 'second' } } },
  }),
  scenario({
    name: 'update a stack by its id',
    prepare: simple,
    sdk: `heat.update_stack(stack['id'], template=template)\nreturn None`,
    ours: ({ heat, stack }) => heat.updateStack(stack.id, { template }),
    after: settled('stack_status'),
    expect: { after: { stack_status: 'UPDATE_COMPLETE' } },
  }),
  scenario({
    name: 'an update that leaves tags and parameters out resets them',
    prepare: async (world) => ({
      stack: await world.create({ tags: 'a', parameters: { text: 'other' }, timeout_mins: 9 }),
      template,
    }),
    sdk: `heat.update_stack(name, template=template)\nreturn None`,
    ours: ({ heat, name }) => heat.updateStack(name, { template }),
    after: settled('tags', 'parameters', 'timeout_mins'),
    expect: { after: { tags: [], parameters: { text: 'first' }, timeout_mins: 9 } },
  }),
  scenario({
    name: 'update with tags',
    prepare: simple,
    sdk: `heat.update_stack(name, template=template, tags=['c'])`,
    ours: ({ heat, name }) => heat.updateStack(name, { template, tags: ['c'] }),
    after: settled('tags'),
    better: {
      because:
        'Heat takes one joined text; openstacksdk sends the list as it is, which Heat refuses without a word.',
      sdk: { error: 'BadRequest', status: 400, after: { tags: ['a', 'b'] } },
      ours: { after: { tags: ['c'] } },
    },
  }),
  scenario({
    name: 'update without anything new, on a stack that was read',
    prepare: simple,
    sdk: `heat.update_stack(heat.get_stack(name))`,
    ours: async ({ heat, name }) => heat.updateStack(await heat.getStack(name), {}),
    better: {
      because:
        'openstacksdk sends an empty body, which Heat refuses; ours says what is missing and sends none.',
      sdk: { error: 'BadRequest', status: 400 },
      ours: { error: 'ConfigError', requests: ['GET /stacks/<name> 302', 'GET /stacks/<name>/<id> 200'] },
    },
  }),
  scenario({
    name: 'update a stack that is not there',
    prepare: async () => ({ template }),
    sdk: `heat.update_stack('nosuch', template=template)`,
    ours: ({ heat }) => heat.updateStack('nosuch', { template }),
    expect: { error: 'ResourceNotFound', status: 404 },
  }),
  scenario({
    name: 'refused: an immutable parameter is changed',
    prepare: async (world) => ({
      stack: await world.create({ template: STRICT, parameters: { needed: 'x' } }),
      template: STRICT,
      parameters: { needed: 'x', fixed: 'b' },
    }),
    sdk: `heat.update_stack(name, template=template, parameters=parameters)`,
    ours: ({ heat, name, template, parameters }) => heat.updateStack(name, { template, parameters }),
    expect: { error: 'BadRequest', status: 400 },
    tells: { code: 'BadRequest.ImmutableParameterModified' },
  }),
  scenario({
    name: 'refused: update of a stack that is suspended',
    prepare: async (world) => {
      const stack = await world.create();
      await world.ask('POST', `/stacks/${stack.name}/${stack.id}/actions`, { suspend: null });
      await world.settled(stack);
      return { template };
    },
    sdk: `heat.update_stack(name, template=template)`,
    ours: ({ heat, name }) => heat.updateStack(name, { template }),
    expect: { error: 'BadRequest', status: 400 },
    tells: { code: 'BadRequest.NotSupported' },
  }),
  scenario({
    name: 'update while a create is in progress',
    prepare: async (world) => ({
      stack: await world.begin({ template: templates.slow(1) }),
      template: templates.slow(0, 'two'),
    }),
    sdk: `heat.update_stack(Stack.existing(**stack), template=template)\nreturn None`,
    ours: ({ heat, stack, template }) => heat.updateStack(stack, { template }),
    after: settled('stack_status'),
    expect: { after: { stack_status: 'UPDATE_COMPLETE' } },
  }),
  scenario({
    name: 'update with converge',
    prepare: simple,
    sdk: `heat.update_stack(name, template=template, converge=True)\nreturn None`,
    ours: ({ heat, name }) => heat.updateStack(name, { template }, { converge: true }),
    after: settled('stack_status'),
    better: {
      because: 'openstacksdk drops it.',
      sdk: { writes: [{ body: { converge: null } }] },
      ours: { writes: [{ body: { converge: true } }], after: { stack_status: 'UPDATE_COMPLETE' } },
    },
  }),
  scenario({
    name: 'preview of an update',
    prepare: simple,
    sdk: `heat.update_stack(name, preview=True, template=template, parameters={'text': 'second'})\nreturn None`,
    ours: ({ heat, name }) => heat.previewStackUpdate(name, { template, parameters: { text: 'second' } }),
    after: settled('stack_status', 'parameters', 'tags'),
    better: {
      because: 'openstacksdk really updates the stack; ours changes nothing.',
      sdk: {
        after: { stack_status: 'UPDATE_COMPLETE', parameters: { text: 'second' }, tags: [] },
        writes: [{ method: 'PUT', path: '/stacks/<name>/<id>' }],
      },
      ours: {
        value: {
          updated: [{ name: 'thing', type: 'OS::Heat::TestResource' }],
          added: [],
          deleted: [],
          replaced: [],
        },
        after: { stack_status: 'CREATE_COMPLETE', parameters: { text: 'first' }, tags: ['a', 'b'] },
      },
    },
  }),
  scenario({
    name: 'what a preview of an update says',
    prepare: simple,
    sdk: `pick(Stack(template=template, **stack).commit(heat, preview=True), 'added', 'updated', 'unchanged')`,
    ours: ({ heat, stack }) => heat.previewStackUpdate(stack, { template }),
    better: {
      because: 'Even where openstacksdk asks for a real preview, it looks for the answer in the wrong place.',
      sdk: { value: { added: null, updated: null, unchanged: null } },
      ours: { value: { added: [], updated: [], unchanged: [{ name: 'thing' }] } },
    },
  }),
  scenario({
    name: 'preview of an update that replaces a resource within a nested stack',
    prepare: async (world) => ({
      stack: await world.create(NESTED),
      files: {
        'inner.yaml': NESTED.files['inner.yaml']
          .replace('inner:', 'renamed:')
          .replace('[inner,', '[renamed,'),
      },
    }),
    sdk: `heat.preview_stack_update`,
    ours: ({ heat, stack, files }) => heat.previewStackUpdate(stack, { template: NESTED.template, files }),
    better: lacking(
      { value: { added: [{ name: 'renamed' }], deleted: [{ name: 'inner' }] } },
      'openstacksdk has no such call; ours looks into nested stacks.',
    ),
  }),
  scenario({
    name: 'update some parameters, and keep the rest',
    prepare: async (world) => ({
      stack: await world.create({
        template: STRICT,
        parameters: { needed: 'x', fixed: 'b' },
        tags: 'a',
      }),
    }),
    sdk: `heat.update_stack(name, existing=True, parameters={'needed': 'y'})`,
    ours: ({ heat, name }) => heat.patchStack(name, { parameters: { needed: 'y' } }),
    after: settled('parameters', 'tags'),
    better: {
      because: 'openstacksdk drops "existing" and sends a PUT that lacks the template; it has no PATCH.',
      sdk: { error: 'BadRequest', status: 400 },
      ours: { after: { parameters: { needed: 'y', fixed: 'b' }, tags: ['a'] } },
    },
  }),
  scenario({
    name: 'update with a parameter taken back to its default',
    prepare: async (world) => ({ stack: await world.create({ parameters: { text: 'other' } }), template }),
    sdk: `heat.update_stack(name, template=template, clear_parameters=['text'])\nreturn None`,
    ours: ({ heat, name }) => heat.patchStack(name, { clearParameters: ['text'] }),
    after: settled('parameters'),
    better: {
      because: 'openstacksdk drops clear_parameters; that a PUT resets everything helps by chance.',
      sdk: { writes: [{ method: 'PUT', body: { clear_parameters: null } }] },
      ours: {
        writes: [{ method: 'PATCH', body: { clear_parameters: ['text'] } }],
        after: { parameters: { text: 'first' } },
      },
    },
  }),
  scenario({
    name: 'delete a stack by its name, through a redirect',
    prepare: simple,
    sdk: `heat.delete_stack(name)`,
    ours: ({ heat, name }) => heat.deleteStack(name),
    after: settled('stack_status'),
    expect: { value: null, after: { stack_status: 'DELETE_COMPLETE' } },
  }),
  scenario({
    name: 'delete a stack by its id',
    prepare: simple,
    sdk: `heat.delete_stack(stack['id'])`,
    ours: ({ heat, stack }) => heat.deleteStack(stack.id),
    after: settled('stack_status'),
    expect: { after: { stack_status: 'DELETE_COMPLETE' } },
  }),
  scenario({
    name: 'delete a stack whose name and id are known',
    prepare: simple,
    sdk: `heat.delete_stack(Stack.existing(**stack))`,
    ours: ({ heat, stack }) => heat.deleteStack(stack),
    after: settled('stack_status'),
    expect: { after: { stack_status: 'DELETE_COMPLETE' } },
  }),
  scenario({
    name: 'delete a stack while it is created',
    prepare: async (world) => ({ stack: await world.begin({ template: templates.slow(1) }) }),
    sdk: `heat.delete_stack(stack['id'])`,
    ours: ({ heat, stack }) => heat.deleteStack(stack.id),
    after: settled('stack_status'),
    expect: { after: { stack_status: 'DELETE_COMPLETE' } },
  }),
  scenario({
    name: 'delete a stack that is not there',
    sdk: `heat.delete_stack('nosuch')`,
    ours: ({ heat }) => heat.deleteStack('nosuch'),
    expect: { value: null },
  }),
  scenario({
    name: 'delete a stack that must be there, and is not',
    sdk: `heat.delete_stack('nosuch', ignore_missing=False)`,
    ours: ({ heat }) => heat.deleteStack('nosuch', { ignoreMissing: false }),
    expect: { error: 'ResourceNotFound', status: 404 },
  }),
  scenario({
    name: 'delete a stack that is deleted already',
    cloud: 'alice',
    sdk: `heat.delete_stack(old['id'], ignore_missing=False)`,
    ours: ({ heat, old }) => heat.deleteStack(old.id, { ignoreMissing: false }),
    expect: { error: 'ResourceNotFound', status: 404 },
  }),
  scenario({
    name: 'delete a stack by a name with a question mark, which no stack has',
    prepare: simple,
    sdk: `heat.delete_stack(name + '?')`,
    ours: ({ heat, name }) => heat.deleteStack(`${name}?`),
    after: settled('stack_status'),
    better: {
      because: 'openstacksdk deletes another stack than the one that was named.',
      sdk: { after: { stack_status: 'DELETE_COMPLETE' } },
      ours: { value: null, after: { stack_status: 'CREATE_COMPLETE' } },
    },
  }),
];
