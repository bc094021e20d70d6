import { randomUUID } from 'node:crypto';
import { scenario } from '../scenario.ts';
import * as templates from '../templates.ts';

/** findStack and getStack. */
export const READING = [
  scenario({
    name: 'find a stack by its name',
    cloud: 'alice',
    sdk: `heat.find_stack(web['name'])`,
    ours: ({ heat, web }) => heat.findStack(web.name),
    expect: { value: { status: 'CREATE_COMPLETE', tags: ['blue', 'name'] } },
  }),
  scenario({
    name: 'find a stack by its id',
    cloud: 'alice',
    sdk: `heat.find_stack(web['id'])`,
    ours: ({ heat, web }) => heat.findStack(web.id),
    expect: { value: { status: 'CREATE_COMPLETE', capabilities: [], notificationTopics: [] } },
  }),
  scenario({
    name: 'find a stack that is not there',
    cloud: 'alice',
    sdk: `heat.find_stack('nosuch')`,
    ours: ({ heat }) => heat.findStack('nosuch'),
    expect: { value: null, requests: ['GET /stacks/nosuch 404'] },
  }),
  scenario({
    name: 'find a stack that must be there, and is not',
    cloud: 'alice',
    sdk: `heat.find_stack('nosuch', ignore_missing=False)`,
    ours: ({ heat }) => heat.findStack('nosuch', { ignoreMissing: false }),
    expect: { error: 'ResourceNotFound' },
  }),
  scenario({
    name: 'find a stack without its outputs',
    cloud: 'alice',
    sdk: `heat.find_stack(web['name'], resolve_outputs=False)`,
    ours: ({ heat, web }) => heat.findStack(web.name, { resolveOutputs: false }),
    expect: { value: { name: '<run>-web', outputs: null } },
  }),
  scenario({
    name: 'find a stack that is deleted, by its name',
    cloud: 'alice',
    sdk: `heat.find_stack(old['name'])`,
    ours: ({ heat, old }) => heat.findStack(old.name),
    expect: { value: null },
  }),
  scenario({
    name: 'find a stack that is deleted, by its id',
    cloud: 'alice',
    sdk: `heat.find_stack(old['id'])`,
    ours: ({ heat, old }) => heat.findStack(old.id),
    expect: { value: null },
  }),
  scenario({
    name: 'get a stack',
    cloud: 'alice',
    sdk: `heat.get_stack(data['id'])`,
    ours: ({ heat, data }) => heat.getStack({ id: data.id }),
    expect: { value: { status: 'UPDATE_COMPLETE', updatedAt: '<time>', deletedAt: null } },
  }),
  scenario({
    name: 'get a stack whose name and id are known',
    cloud: 'alice',
    sdk: `heat.get_stack(Stack.existing(**data))`,
    ours: ({ heat, data }) => heat.getStack(data),
    better: {
      because: 'openstacksdk looks the stack up all the same; ours spares that request.',
      sdk: {
        value: { status: 'UPDATE_COMPLETE' },
        requests: ['GET /stacks/<id of <run>-data> 302', 'GET /stacks/<run>-data/<id of <run>-data> 200'],
      },
      ours: {
        value: { status: 'UPDATE_COMPLETE' },
        requests: ['GET /stacks/<run>-data/<id of <run>-data> 200'],
      },
    },
  }),
  scenario({
    name: 'get a stack without its outputs',
    cloud: 'alice',
    sdk: `heat.get_stack(web['name'], resolve_outputs=False)`,
    ours: ({ heat, web }) => heat.getStack(web.name, { resolveOutputs: false }),
    better: {
      because: 'openstacksdk loses the option: the outputs are resolved.',
      sdk: { value: { outputs: [{}, {}] } },
      ours: { value: { name: '<run>-web', outputs: null } },
    },
  }),
  scenario({
    name: 'get a stack that is not there',
    cloud: 'alice',
    sdk: `heat.get_stack('nosuch')`,
    ours: ({ heat }) => heat.getStack('nosuch'),
    expect: { error: 'ResourceNotFound' },
  }),
  scenario({
    name: 'get a stack by an id that never was',
    cloud: 'alice',
    sdk: `heat.get_stack('01234567-89ab-cdef-0123-456789abcdef')`,
    ours: ({ heat }) => heat.getStack('01234567-89ab-cdef-0123-456789abcdef'),
    expect: { error: 'ResourceNotFound', status: 404 },
  }),
  scenario({
    name: 'get a stack that is deleted',
    cloud: 'alice',
    sdk: `heat.get_stack(old['id'])`,
    ours: ({ heat, old }) => heat.getStack(old.id),
    expect: { error: 'ResourceNotFound' },
  }),
  scenario({
    name: 'get a stack although it is deleted',
    cloud: 'alice',
    sdk: `heat.get_stack(old['id'], show_deleted=True)`,
    ours: ({ heat, old }) => heat.getStack(old.id, { showDeleted: true }),
    better: {
      because: 'openstacksdk always hides it, though Heat keeps it for some time.',
      sdk: { error: 'TypeError' },
      ours: { value: { status: 'DELETE_COMPLETE', deletedAt: '<time>' } },
    },
  }),
  scenario({
    name: 'get a stack of another project',
    sdk: `heat.get_stack(web['id'])`,
    ours: ({ heat, web }) => heat.getStack(web.id),
    expect: { error: 'ResourceNotFound', status: 404 },
  }),
  scenario({
    name: 'find a stack that was adopted',
    cloud: 'alice',
    sdk: `heat.find_stack(adopted['name'])`,
    ours: ({ heat, adopted }) => heat.findStack(adopted.name),
    better: {
      because: 'openstacksdk takes ADOPT_COMPLETE for deleted.',
      sdk: { value: null },
      ours: { value: { status: 'ADOPT_COMPLETE' } },
    },
  }),
  scenario({
    name: 'get a stack that was adopted',
    cloud: 'alice',
    sdk: `heat.get_stack(adopted['id'])`,
    ours: ({ heat, adopted }) => heat.getStack(adopted.id),
    better: {
      because: 'openstacksdk takes ADOPT_COMPLETE for deleted.',
      sdk: { error: 'ResourceNotFound' },
      ours: { value: { status: 'ADOPT_COMPLETE' } },
    },
  }),
  scenario({
    name: 'a name that looks like an id',
    prepare: async (world) => {
      // A stack's name begins with a letter.
      const name = `a${randomUUID().slice(1)}`;
      return { stack: await world.create({}, name) };
    },
    sdk: `pick(heat.find_stack(stack['name']), 'status', 'id')`,
    ours: ({ heat, stack }) => heat.findStack(stack.name),
    expect: { value: { status: 'CREATE_COMPLETE' } },
  }),
  scenario({
    name: 'a name that was used before',
    prepare: async (world) => {
      const before = await world.create();
      await world.ask('DELETE', `/stacks/${before.name}/${before.id}`);
      await world.gone(before);
      return { before, now: await world.create() };
    },
    sdk: `found = heat.find_stack(name)\nreturn [found.id == now['id'], heat.find_stack(before['id'])]`,
    ours: async ({ heat, name, before, now }) => {
      const found = await heat.findStack(name);
      return [found?.id === now.id, await heat.findStack(before.id)];
    },
    expect: { value: [true, null] },
  }),
  scenario({
    name: 'a name with dots, underscores and dashes',
    prepare: async (world) => ({ stack: await world.create({}, `${world.name}_a.b-c`) }),
    sdk: `pick(heat.find_stack(stack['name']), 'status', 'name')`,
    ours: ({ heat, stack }) => heat.findStack(stack.name),
    expect: { value: { status: 'CREATE_COMPLETE', name: '<name>_a.b-c' } },
  }),
  scenario({
    name: 'a name with a question mark, which no stack has',
    cloud: 'alice',
    sdk: `heat.find_stack(web['name'] + '?')`,
    ours: ({ heat, web }) => heat.findStack(`${web.name}?`),
    better: {
      because: 'openstacksdk puts it into the address as it is, and finds another stack.',
      sdk: { value: { name: '<run>-web' } },
      ours: { value: null },
    },
  }),
  scenario({
    name: 'a name with a slash',
    cloud: 'alice',
    sdk: `heat.find_stack(web['name'] + '/resources')`,
    ours: ({ heat, web }) => heat.findStack(`${web.name}/resources`),
    better: {
      because: "openstacksdk reads the stack's resources and takes them for a stack; ours refuses the name.",
      sdk: { value: { id: '<run>-web/resources', status: null } },
      ours: { error: 'ConfigError', requests: [] },
    },
  }),
  scenario({
    name: 'a name of dots that leads elsewhere',
    cloud: 'alice',
    sdk: `heat.find_stack('../build_info')`,
    ours: ({ heat }) => heat.findStack('../build_info'),
    better: {
      because: 'openstacksdk takes what is there for a stack; ours refuses the name.',
      sdk: { value: { id: '../build_info' } },
      ours: { error: 'ConfigError', requests: [] },
    },
  }),
  scenario({
    name: 'an empty name',
    cloud: 'alice',
    sdk: `heat.find_stack('')`,
    ours: ({ heat }) => heat.findStack(''),
    better: {
      because: 'openstacksdk asks for it and answers that there is none; ours says what a name must be.',
      sdk: { value: null, requests: ['GET /stacks/ 404'] },
      ours: { error: 'ConfigError', requests: [] },
    },
  }),
  scenario({
    name: 'a stack that failed',
    cloud: 'alice',
    sdk: `heat.get_stack(broken['name'])`,
    ours: ({ heat, broken }) => heat.getStack(broken.name),
    expect: {
      value: {
        status: 'CREATE_FAILED',
        statusReason: 'Resource CREATE failed: ValueError: resources.broken: Test Resource failed broken',
      },
    },
  }),
  scenario({
    name: 'outputs that are broken, and hidden parameters',
    prepare: async (world) => ({ stack: await world.create({ template: templates.BROKEN_OUTPUT }) }),
    sdk: `heat.get_stack(name)`,
    ours: ({ heat, name }) => heat.getStack(name),
    expect: { value: { status: 'CREATE_COMPLETE' } },
  }),
  scenario({
    name: 'find a stack by the name "detail", which is another address',
    cloud: 'alice',
    sdk: `heat.find_stack('detail')`,
    ours: ({ heat }) => heat.findStack('detail'),
    better: {
      because: 'openstacksdk reads the list of all stacks, and takes it for a stack; ours refuses the name.',
      sdk: { value: { id: 'detail', status: null } },
      ours: { error: 'ConfigError', requests: [] },
    },
  }),
];
