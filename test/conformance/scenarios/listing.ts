import { names, scenario } from '../scenario.ts';

const row = (name: string) => `<run>-${name}`;

/** stacks: filters, paging, what openstacksdk drops. All in a project with the fixtures only. */
export const LISTING = [
  scenario({
    name: 'list all stacks',
    cloud: 'alice',
    sdk: `heat.stacks()`,
    ours: ({ heat }) => heat.stacks(),
    expect: { value: [{}, {}, {}, {}] },
  }),
  scenario({
    name: 'list by pages of two',
    cloud: 'alice',
    sdk: `[stack.name for stack in heat.stacks(limit=2)]`,
    ours: async ({ heat }) => (await Array.fromAsync(heat.stacks({ limit: 2 }))).map(({ name }) => name),
    expect: {},
  }),
  scenario({
    name: 'list by pages of three, the last of which is short',
    cloud: 'alice',
    sdk: `[stack.name for stack in heat.stacks(limit=3)]`,
    ours: async ({ heat }) => (await Array.fromAsync(heat.stacks({ limit: 3 }))).map(({ name }) => name),
    expect: {},
  }),
  scenario({
    name: 'list a page that is larger than all',
    cloud: 'alice',
    sdk: `names(heat.stacks(limit=50))`,
    ours: ({ heat }) => names(heat.stacks({ limit: 50 })),
    expect: { value: ['adopted', 'broken', 'data', 'web'].map(row) },
  }),
  scenario({
    name: 'stop in the middle of the first page',
    cloud: 'alice',
    sdk: `next(heat.stacks(limit=2)).name`,
    ours: async ({ heat }) => {
      for await (const { name } of heat.stacks({ limit: 2 })) return name;
      return undefined;
    },
    expect: {},
  }),
  scenario({
    name: 'list what follows a marker',
    cloud: 'alice',
    sdk: `[stack.name for stack in heat.stacks(limit=10, marker=web['id'])]`,
    ours: async ({ heat, web }) =>
      (await Array.fromAsync(heat.stacks({ limit: 10, marker: web.id }))).map(({ name }) => name),
    expect: {},
  }),
  scenario({
    name: 'a marker that never was',
    cloud: 'alice',
    sdk: `names(heat.stacks(marker='01234567-89ab-cdef-0123-456789abcdef'))`,
    ours: ({ heat }) => names(heat.stacks({ marker: '01234567-89ab-cdef-0123-456789abcdef' })),
    expect: {},
  }),
  scenario({
    name: 'list by name',
    cloud: 'alice',
    sdk: `names(heat.stacks(name=web['name']))`,
    ours: ({ heat, web }) => names(heat.stacks({ name: web.name })),
    expect: { value: [row('web')] },
  }),
  scenario({
    name: 'list by a name that no stack has',
    cloud: 'alice',
    sdk: `names(heat.stacks(name='nosuch'))`,
    ours: ({ heat }) => names(heat.stacks({ name: 'nosuch' })),
    expect: { value: [] },
  }),
  scenario({
    name: 'list by several names',
    cloud: 'alice',
    sdk: `names(heat.stacks(name=[web['name'], data['name']]))`,
    ours: ({ heat, web, data }) => names(heat.stacks({ name: [web.name, data.name] })),
    expect: { value: [row('data'), row('web')] },
  }),
  scenario({
    name: 'list by status',
    cloud: 'alice',
    sdk: `names(heat.stacks(status='FAILED'))`,
    ours: ({ heat }) => names(heat.stacks({ status: 'FAILED' })),
    expect: { value: [row('broken')] },
  }),
  scenario({
    name: 'list by action',
    cloud: 'alice',
    sdk: `names(heat.stacks(action='UPDATE'))`,
    ours: ({ heat }) => names(heat.stacks({ action: 'UPDATE' })),
    expect: { value: [row('data')] },
  }),
  scenario({
    name: 'list by the user who made it',
    cloud: 'alice',
    sdk: `names(heat.stacks(username='nobody'))`,
    ours: ({ heat }) => names(heat.stacks({ username: 'nobody' })),
    expect: { value: [] },
  }),
  scenario({
    name: 'list by id',
    cloud: 'alice',
    sdk: `names(heat.stacks(id=web['id']))`,
    ours: ({ heat, web }) => names(heat.stacks({ id: web.id })),
    expect: { value: [row('web')] },
  }),
  scenario({
    name: 'list by tag',
    cloud: 'alice',
    sdk: `names(heat.stacks(tags=['blue', 'green']))`,
    ours: ({ heat }) => names(heat.stacks({ tags: ['blue', 'green'] })),
    expect: { value: [row('data')] },
  }),
  scenario({
    name: 'list by any of several tags',
    cloud: 'alice',
    sdk: `names(heat.stacks(any_tags=['red', 'green']))`,
    ours: ({ heat }) => names(heat.stacks({ anyTags: ['red', 'green'] })),
    expect: { value: [row('broken'), row('data')] },
  }),
  scenario({
    name: 'list what has not all of several tags',
    cloud: 'alice',
    sdk: `names(heat.stacks(not_tags=['blue', 'green']))`,
    ours: ({ heat }) => names(heat.stacks({ notTags: ['blue', 'green'] })),
    expect: { value: [row('adopted'), row('broken'), row('web')] },
  }),
  scenario({
    name: 'list what has none of several tags',
    cloud: 'alice',
    sdk: `names(heat.stacks(not_any_tags=['blue', 'red']))`,
    ours: ({ heat }) => names(heat.stacks({ notAnyTags: ['blue', 'red'] })),
    expect: { value: [row('adopted')] },
  }),
  scenario({
    name: 'list by one tag as text',
    cloud: 'alice',
    sdk: `names(heat.stacks(tags='blue'))`,
    ours: ({ heat }) => names(heat.stacks({ tags: 'blue' as unknown as string[] })),
    better: {
      because: 'openstacksdk splits it into characters, and finds nothing; ours names the mistake.',
      sdk: { value: [], requests: ['GET /stacks?tags=b%2Cl%2Cu%2Ce 200'] },
      ours: { error: 'ConfigError', requests: [] },
    },
  }),
  scenario({
    name: 'list by a tag that is called as an attribute of openstacksdk',
    cloud: 'alice',
    sdk: `names(heat.stacks(tags=['name']))`,
    ours: ({ heat }) => names(heat.stacks({ tags: ['name'] })),
    better: {
      because: 'openstacksdk translates the tag as if it were a key.',
      sdk: { value: [], requests: ['GET /stacks?tags=stack_name 200'] },
      ours: { value: [row('web')] },
    },
  }),
  scenario({
    name: 'list by tag and name at once',
    cloud: 'alice',
    sdk: `names(heat.stacks(tags=['blue'], name=web['name']))`,
    ours: ({ heat, web }) => names(heat.stacks({ tags: ['blue'], name: web.name })),
    better: {
      because: "Heat fails at it with a 500 that says nothing; ours says what can't be combined.",
      sdk: { error: 'ServerError', status: 500 },
      ours: { error: 'ConfigError', requests: [] },
    },
  }),
  scenario({
    name: 'list by tag and id at once',
    cloud: 'alice',
    sdk: `names(heat.stacks(tags=['blue'], id=web['id']))`,
    ours: ({ heat, web }) => names(heat.stacks({ tags: ['blue'], id: web.id })),
    expect: { value: [row('web')] },
  }),
  scenario({
    name: 'list by a key that is unknown',
    cloud: 'alice',
    sdk: `names(heat.stacks(statuss='FAILED'))`,
    ours: ({ heat }) => names(heat.stacks({ statuss: 'FAILED' } as object)),
    better: {
      because: 'openstacksdk drops the key and answers with everything.',
      sdk: { value: ['adopted', 'broken', 'data', 'web'].map(row) },
      ours: { error: 'ConfigError', requests: [] },
    },
  }),
  scenario({
    name: 'list by what a row does not have',
    cloud: 'alice',
    sdk: `names(heat.stacks(is_rollback_disabled=True))`,
    ours: ({ heat }) => names(heat.stacks({ disableRollback: true } as object)),
    better: {
      because:
        'openstacksdk reads all stacks and throws all away, since rows lack the member; ours names the key.',
      sdk: { value: [], requests: ['GET /stacks 200'] },
      ours: { error: 'ConfigError', requests: [] },
    },
  }),
  scenario({
    name: 'list by project',
    cloud: 'alice',
    sdk: `names(heat.stacks(project_id='0123456789abcdef0123456789abcdef'))`,
    ours: ({ heat }) => names(heat.stacks({ projectId: '0123456789abcdef0123456789abcdef' })),
    better: {
      because:
        'openstacksdk sends a key that Heat ignores, and answers with everything; ours has no such key.',
      sdk: { value: ['adopted', 'broken', 'data', 'web'].map(row) },
      ours: { value: [] },
    },
  }),
  scenario({
    name: 'list deleted stacks, too',
    cloud: 'alice',
    sdk: `names(heat.stacks(show_deleted=True))`,
    ours: ({ heat }) => names(heat.stacks({ showDeleted: true })),
    better: {
      because: 'openstacksdk drops the key.',
      sdk: { value: ['adopted', 'broken', 'data', 'web'].map(row) },
      ours: { value: ['adopted', 'broken', 'data', 'old', 'web'].map(row) },
    },
  }),
  scenario({
    name: 'list nested stacks, too',
    cloud: 'alice',
    sdk: `names(heat.stacks(show_nested=True))`,
    ours: ({ heat }) => names(heat.stacks({ showNested: true })),
    better: {
      because: 'openstacksdk drops the key.',
      sdk: { value: ['adopted', 'broken', 'data', 'web'].map(row) },
      ours: { value: ['adopted', 'broken', 'data', 'web', 'web-nested-<random>'].map(row) },
    },
  }),
  scenario({
    name: 'list the stacks in a stack',
    cloud: 'alice',
    sdk: `names(heat.stacks(owner_id=web['id'], show_nested=True))`,
    ours: ({ heat, web }) => names(heat.stacks({ ownerId: web.id, showNested: true })),
    better: {
      because: 'openstacksdk drops show_nested, without which there is nothing to find.',
      sdk: { value: [] },
      ours: { value: [row('web-nested-<random>')] },
    },
  }),
  scenario({
    name: 'list hidden stacks, too',
    cloud: 'alice',
    sdk: `names(heat.stacks(show_hidden=True))`,
    ours: ({ heat }) => names(heat.stacks({ showHidden: true })),
    better: {
      because: 'openstacksdk drops the key. (This Heat hides no stack: only the request differs.)',
      sdk: { requests: ['GET /stacks 200'] },
      ours: { requests: ['GET /stacks?show_hidden=true&limit=200 200'] },
    },
  }),
  scenario({
    name: 'list in another order',
    cloud: 'alice',
    sdk: `[stack.name for stack in heat.stacks(sort_keys=['stack_name'], sort_dir='desc')] == sorted(names(heat.stacks()), reverse=True)`,
    ours: async ({ heat }) =>
      (await Array.fromAsync(heat.stacks({ sortKeys: ['stack_name'], sortDir: 'desc' }))).map(
        ({ name }) => name,
      ),
    better: {
      because: 'openstacksdk drops sort_keys and sort_dir: the newest comes first whatever is asked for.',
      sdk: { requests: ['GET /stacks 200', 'GET /stacks 200'] },
      ours: { value: ['web', 'data', 'broken', 'adopted'].map(row) },
    },
  }),
  scenario({
    name: 'list the stacks of all projects, without the right to',
    cloud: 'alice',
    sdk: `names(heat.stacks(global_tenant=True))`,
    ours: ({ heat }) => names(heat.stacks({ globalTenant: true })),
    better: {
      because: "openstacksdk drops the key, and answers with the project's own stacks as if they were all.",
      sdk: { value: ['adopted', 'broken', 'data', 'web'].map(row) },
      ours: { error: 'Forbidden', status: 403 },
    },
  }),
  scenario({
    name: 'count stacks',
    cloud: 'alice',
    sdk: `heat.count_stacks`,
    ours: ({ heat }) => heat.countStacks({ status: 'COMPLETE' }),
    better: {
      because: 'openstacksdk has no such call: it reads all rows to count them.',
      sdk: { error: 'AttributeError' },
      ours: { value: 3 },
    },
  }),
];
