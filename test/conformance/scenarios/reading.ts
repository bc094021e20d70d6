import { scenario } from '../scenario.ts';

/** Reading one stack. */
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
    expect: {
      value: { status: 'CREATE_COMPLETE', outputs: [{ key: 'text', value: 'hello' }, { key: 'list' }] },
    },
  }),
  scenario({
    name: 'create a stack',
    sdk: `pick(heat.create_stack(name=name, template='heat_template_version: 2018-08-31'), 'name', 'id')`,
    ours: ({ heat, name }) => heat.createStack({ name, template: 'heat_template_version: 2018-08-31' }),
    after: async (world) => (await world.look())?.['stack_name'],
    expect: { value: { name: '<name>' }, after: '<name>' },
  }),
];
