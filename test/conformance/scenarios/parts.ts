import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonObject } from '../../../src/json.ts';
import { mergeEnvironments } from '../../../src/openstack/index.ts';
import { type Expected, lacking, names, type Scenario, scenario } from '../scenario.ts';
import * as templates from '../templates.ts';
import type { World } from '../world.ts';

const nested = async (world: World) => ({ stack: await world.create(templates.NESTED) });

/** Environments of several files, as an author of a stack has them. */
const ENVIRONMENTS: JsonObject[] = [
  {
    parameters: { text: 'first', tree: { a: 1, b: { c: 2 } }, list: [1, 2], gone: 'x' },
    parameter_defaults: { one: 1 },
    resource_registry: {
      'My::Thing': 'OS::Heat::Value',
      resources: { web: { 'My::Other': 'OS::Heat::Value' }, 'db*': { hooks: 'pre-create' } },
    },
  },
  {
    parameters: { text: 'second', tree: { b: { d: 3 } }, list: [3], gone: null },
    parameter_defaults: { two: 2 },
    resource_registry: { resources: { web: { hooks: ['pre-update'] } } },
  },
  { parameters: { tree: { a: 'text' } } },
];

/** Has both clients merge environments, without a request. */
function merging(
  name: string,
  environments: JsonObject[],
  verdict: { expect: Expected } | { better: NonNullable<Scenario['better']> },
) {
  return scenario({
    name,
    cloud: 'alice',
    prepare: async (world) => ({
      files: await Promise.all(
        environments.map(async (environment, at) => {
          const file = join(world.folder, `${world.name}-${at}.yaml`);
          await writeFile(file, JSON.stringify(environment));
          return file;
        }),
      ),
    }),
    sdk: `heat.read_env_and_templates(environment_files=files)['environment']`,
    ours: () => mergeEnvironments(environments),
    ...verdict,
  });
}

/** What a stack is made of: resources, events, template, environment, files, outputs. */
export const PARTS = [
  scenario({
    name: 'list the resources of a stack',
    cloud: 'alice',
    sdk: `heat.resources(data['name'])`,
    ours: ({ heat, data }) => heat.resources(data.name),
    expect: {
      value: [{ name: 'thing', status: 'UPDATE_COMPLETE', type: 'OS::Heat::TestResource', requiredBy: [] }],
    },
  }),
  scenario({
    name: 'list the resources of a stack whose name and id are known',
    cloud: 'alice',
    sdk: `heat.resources(Stack.existing(**web))`,
    ours: ({ heat, web }) => heat.resources(web),
    expect: { value: [{}, {}] },
  }),
  scenario({
    name: 'a resource that was never made',
    cloud: 'alice',
    sdk: `heat.resources(broken['name'])`,
    ours: ({ heat, broken }) => heat.resources(broken.name),
    expect: { value: [{ status: 'CREATE_FAILED', physicalId: null }] },
  }),
  scenario({
    name: 'list the resources of a stack that is not there',
    cloud: 'alice',
    sdk: `list(heat.resources('nosuch'))`,
    ours: ({ heat }) => heat.resources('nosuch'),
    expect: { error: 'ResourceNotFound' },
  }),
  scenario({
    name: 'list the resources of a stack that is not there any more',
    cloud: 'alice',
    sdk: `list(heat.resources(Stack.existing(id='01234567-89ab-cdef-0123-456789abcdef', name='nosuch')))`,
    ours: ({ heat }) => heat.resources({ name: 'nosuch', id: '01234567-89ab-cdef-0123-456789abcdef' }),
    expect: { error: 'ResourceNotFound', status: 404 },
  }),
  scenario({
    name: 'when a resource was made, what stack it is',
    cloud: 'alice',
    sdk: `[hasattr(resource, name) for name in ('created_at', 'nested_stack') for resource in heat.resources(web['name'], name='nested')]`,
    ours: ({ heat, web }) => heat.resources(web.name, { name: 'nested' }),
    better: {
      because: 'openstacksdk drops creation_time and what the links say.',
      sdk: { value: [false, false] },
      ours: { value: [{ createdAt: '<time>', nestedStack: { id: '<uuid>' }, stack: { name: '<run>-web' } }] },
    },
  }),
  scenario({
    name: 'list resources by name',
    cloud: 'alice',
    sdk: `names(heat.resources(web['name'], name='before'))`,
    ours: ({ heat, web }) => names(heat.resources(web.name, { name: 'before' })),
    expect: { value: ['before'] },
  }),
  scenario({
    name: 'list resources by status',
    cloud: 'alice',
    sdk: `names(heat.resources(web['name'], status='COMPLETE'))`,
    ours: ({ heat, web }) => names(heat.resources(web.name, { status: 'COMPLETE' })),
    better: {
      because: "openstacksdk reads all and compares with CREATE_COMPLETE itself; ours is Heat's own filter.",
      sdk: { value: [] },
      ours: { value: ['before', 'nested'] },
    },
  }),
  scenario({
    name: 'list resources by type',
    cloud: 'alice',
    sdk: `names(heat.resources(web['name'], type='OS::Heat::TestResource'))`,
    ours: ({ heat, web }) => names(heat.resources(web.name, { type: 'OS::Heat::TestResource' })),
    better: {
      because: 'openstacksdk drops the key and answers with everything.',
      sdk: { value: ['before', 'nested'] },
      ours: { value: ['before'] },
    },
  }),
  scenario({
    name: 'list the resources of nested stacks, too',
    cloud: 'alice',
    sdk: `names(heat.resources(web['name'], nested_depth=2))`,
    ours: ({ heat, web }) => names(heat.resources(web.name, { nestedDepth: 2 })),
    better: {
      because: 'openstacksdk drops the key.',
      sdk: { value: ['before', 'nested'] },
      ours: { value: ['before', 'inner', 'nested'] },
    },
  }),
  scenario({
    name: 'list resources with their details',
    cloud: 'alice',
    sdk: `[getattr(each, 'attributes', None) for each in heat.resources(data['name'], with_detail=True)]`,
    ours: ({ heat, data }) => heat.resources(data.name, { withDetail: true }),
    better: {
      because: 'openstacksdk drops the key.',
      sdk: { value: [null] },
      ours: { value: [{ name: 'thing', attributes: { output: 'second' } }] },
    },
  }),
  scenario({
    name: 'list resources by pages',
    cloud: 'alice',
    sdk: `names(heat.resources(web['name'], limit=1))`,
    ours: ({ heat, web }) => heat.resources(web.name, { limit: 1 } as object),
    better: {
      because: 'Heat has no pages of resources and refuses them; ours says that there is no such key.',
      sdk: { error: 'BadRequest', status: 400 },
      ours: { error: 'ConfigError', requests: [] },
    },
  }),
  scenario({
    name: 'one resource with its attributes',
    cloud: 'alice',
    sdk: `heat.resource`,
    ours: ({ heat, data }) => heat.resource(data, 'thing'),
    better: lacking({
      value: { name: 'thing', type: 'OS::Heat::TestResource', attributes: { output: 'second' } },
    }),
  }),
  scenario({
    name: 'one resource that is not there',
    cloud: 'alice',
    sdk: `heat.resource`,
    ours: ({ heat, data }) => heat.resource(data, 'nosuch'),
    better: lacking({ error: 'ResourceNotFound', status: 404 }),
  }),
  scenario({
    name: 'metadata of a resource',
    cloud: 'alice',
    sdk: `heat.resource_metadata`,
    ours: ({ heat, data }) => heat.resourceMetadata(data, 'thing'),
    better: lacking({ value: {} }),
  }),
  scenario({
    name: 'have a resource replaced by the next update',
    prepare: async (world) => ({ stack: await world.create() }),
    sdk: `heat.mark_resource_unhealthy`,
    ours: ({ heat, stack }) => heat.markResourceUnhealthy(stack, 'thing', { reason: 'looks bad' }),
    after: async (world) => {
      const [stack] = world.stacks;
      const { resource } = stack ? await world.read(stack, '/resources/thing') : {};
      return (resource as JsonObject)['resource_status_reason'] ?? null;
    },
    better: lacking({ value: null, after: 'looks bad' }),
  }),
  scenario({
    name: 'signal a resource',
    prepare: async (world) => ({ stack: await world.create({ template: templates.SIGNALLED }) }),
    sdk: `heat.signal_resource`,
    ours: ({ heat, stack }) =>
      heat.signalResource(stack, 'handle', { id: '1', status: 'SUCCESS', data: 'done' }),
    better: lacking({
      value: null,
      writes: [{ method: 'POST', path: '/stacks/<name>/<id>/resources/handle/signal' }],
    }),
  }),
  scenario({
    name: 'list the events of a stack',
    cloud: 'alice',
    sdk: `heat.stack_events(data['name'])`,
    ours: ({ heat, data }) => heat.events(data.name),
    expect: {},
  }),
  scenario({
    name: 'list the events of a stack by pages',
    cloud: 'alice',
    sdk: `[event.id for event in heat.stack_events(Stack.existing(**data), limit=3)]`,
    ours: async ({ heat, data }) =>
      (await Array.fromAsync(heat.events(data, { limit: 3 }))).map(({ id }) => id),
    expect: {},
  }),
  scenario({
    name: 'list the events of one resource',
    cloud: 'alice',
    sdk: `heat.stack_events(Stack.existing(**data), resource_name='thing')`,
    ours: ({ heat, data }) => heat.events(data, { name: 'thing' }),
    expect: { value: [{}, {}, {}, {}] },
  }),
  scenario({
    name: 'list the events of nested stacks, too',
    cloud: 'alice',
    sdk: `len(list(heat.stack_events(Stack.existing(**web), nested_depth=2)))`,
    ours: async ({ heat, web }) => (await Array.fromAsync(heat.events(web, { nestedDepth: 2 }))).length,
    expect: { value: 10 },
  }),
  scenario({
    name: 'list events, the oldest first',
    cloud: 'alice',
    sdk: `[event.resource_status for event in heat.stack_events(Stack.existing(**broken), sort_dir='asc')]`,
    ours: async ({ heat, broken }) =>
      (await Array.fromAsync(heat.events(broken, { sortDir: 'asc' }))).map(({ status }) => status),
    expect: { value: ['CREATE_IN_PROGRESS', 'CREATE_IN_PROGRESS', 'CREATE_FAILED', 'CREATE_FAILED'] },
  }),
  scenario({
    name: 'list events in the order of another member',
    cloud: 'alice',
    sdk: `list(heat.stack_events(Stack.existing(**broken), sort_key='resource_type')) and None`,
    ours: async ({ heat, broken }) =>
      void (await Array.fromAsync(heat.events(broken, { sortKeys: ['resource_type'] }))),
    better: {
      because: 'openstacksdk sends sort_key, which Heat ignores; its parameter is sort_keys.',
      sdk: { requests: ['GET /stacks/<run>-broken/<id of <run>-broken>/events?sort_key=resource_type 200'] },
      ours: { value: null },
    },
  }),
  scenario({
    name: 'list events by status',
    cloud: 'alice',
    sdk: `[event.resource_name for event in heat.stack_events(Stack.existing(**broken), resource_status='FAILED')]`,
    ours: async ({ heat, broken }) =>
      (await Array.fromAsync(heat.events(broken, { status: 'FAILED' }))).map(
        ({ resourceName }) => resourceName,
      ),
    expect: { value: ['<run>-broken', 'broken'] },
  }),
  scenario({
    name: 'one event with the properties of its resource',
    cloud: 'alice',
    sdk: `heat.get_stack_event`,
    ours: async ({ heat, data }) => {
      const [first] = await Array.fromAsync(heat.events(data, { name: 'thing' }));
      return first && heat.event(data, 'thing', first.id);
    },
    better: lacking({ value: { resourceName: 'thing', resourceProperties: { value: 'second' } } }),
  }),
  scenario({
    name: 'the template of a stack',
    cloud: 'alice',
    sdk: `heat.get_stack_template(web['name'])`,
    ours: ({ heat, web }) => heat.stackTemplate(web.name),
    expect: {
      value: {
        heat_template_version: '2018-08-31',
        description: 'A stack with another one in it',
        resources: { nested: { type: 'inner.yaml' } },
      },
    },
  }),
  scenario({
    name: 'the template of a stack that is not there',
    cloud: 'alice',
    sdk: `heat.get_stack_template('nosuch')`,
    ours: ({ heat }) => heat.stackTemplate('nosuch'),
    expect: { error: 'ResourceNotFound' },
  }),
  scenario({
    name: 'the environment of a stack',
    prepare: async (world) => ({
      stack: await world.create({
        template: templates.TYPED,
        parameters: { text: 'x', count: 2, names: 'a,b', tree: {}, flag: true, secret: 'psst' },
        environment: { parameter_defaults: { nobody: 'asks' } },
      }),
    }),
    sdk: `heat.get_stack_environment(name)`,
    ours: ({ heat, name }) => heat.stackEnvironment(name),
    expect: { value: { parameters: { secret: '******', count: 2 }, parameter_defaults: { nobody: 'asks' } } },
  }),
  scenario({
    name: 'the files of a stack',
    cloud: 'alice',
    sdk: `heat.get_stack_files(web['name'])`,
    ours: ({ heat, web }) => heat.stackFiles(web.name),
    expect: { value: { 'inner.yaml': templates.NESTED.files['inner.yaml'] } },
  }),
  scenario({
    name: 'the files of a stack that is not there any more',
    cloud: 'alice',
    sdk: `heat.get_stack_files(Stack.existing(id='01234567-89ab-cdef-0123-456789abcdef', name='nosuch'))`,
    ours: ({ heat }) => heat.stackFiles({ name: 'nosuch', id: '01234567-89ab-cdef-0123-456789abcdef' }),
    better: {
      because: "openstacksdk takes the error's own members for files.",
      sdk: { value: { code: 404, title: 'Not Found', error: { type: 'EntityNotFound' } } },
      ours: { error: 'ResourceNotFound', status: 404 },
    },
  }),
  scenario({
    name: 'what outputs there are',
    cloud: 'alice',
    sdk: `heat.outputs`,
    // Heat has them in any order.
    ours: async ({ heat, web }) => (await heat.outputs(web)).sort((a, b) => (a.key < b.key ? -1 : 1)),
    better: lacking({ value: [{ key: 'list' }, { key: 'text', description: 'From within' }] }),
  }),
  scenario({
    name: 'one output',
    cloud: 'alice',
    sdk: `heat.output`,
    ours: ({ heat, web }) => heat.output(web, 'list'),
    better: lacking({ value: { key: 'list', value: [1, 'two', { three: 3 }] } }),
  }),
  scenario({
    name: 'one output that is not there',
    cloud: 'alice',
    sdk: `heat.output`,
    ours: ({ heat, web }) => heat.output(web, 'nosuch'),
    better: lacking({ error: 'ResourceNotFound', status: 404 }),
  }),
  merging('environments of several files, merged', ENVIRONMENTS, {
    expect: {
      value: {
        parameters: { text: 'second', tree: { a: 'text', b: { c: 2, d: 3 } }, list: [3] },
        parameter_defaults: { one: 1, two: 2 },
      },
    },
  }),
  merging(
    'environments in which scalars and lists take the place of maps, and null that of all',
    [
      {
        parameters: {
          a: { b: 1 },
          c: { d: 1 },
          e: [1, { f: 2 }],
          g: 1,
          h: { i: { j: { k: 1, l: 2 } } },
          m: null,
        },
        parameter_defaults: { a: { b: 1 } },
      },
      {
        parameters: { a: 'text', c: [1], e: [3], g: null, h: { i: { j: { k: null } } }, m: { n: 1 } },
        parameter_defaults: { a: {}, o: { p: {} } },
      },
    ],
    {
      expect: {
        value: {
          parameters: { a: 'text', c: [1], e: [3], g: null, h: { i: { j: { k: null, l: 2 } } }, m: { n: 1 } },
          parameter_defaults: { a: { b: 1 }, o: { p: {} } },
        },
      },
    },
  ),
  merging(
    'environments in which a map takes the place of a scalar',
    [{ parameters: { a: 1 } }, { parameters: { a: { b: 1 } } }],
    {
      better: {
        because:
          'openstacksdk ends with an error of Python; ours lets the later one win, as it does otherwise.',
        sdk: { error: 'TypeError' },
        ours: { value: { parameters: { a: { b: 1 } } } },
      },
    },
  ),
  merging(
    'an environment as Heat shows it, merged with another',
    [
      {
        parameters: { text: 'x' },
        parameter_defaults: {},
        resource_registry: { resources: {} },
        event_sinks: [],
        encrypted_param_names: [],
      },
      { parameters: { text: 'y' } },
    ],
    {
      better: {
        because: "openstacksdk sends Heat's own list of encrypted parameters back; ours leaves it out.",
        sdk: { value: { parameters: { text: 'y' }, encrypted_param_names: [] } },
        ours: { value: { parameters: { text: 'y' }, event_sinks: [], encrypted_param_names: null } },
      },
    },
  ),
  merging(
    'environments of which one has an empty section',
    [{ parameters: { text: 'kept' } }, { parameters: null }],
    {
      better: {
        because: 'openstacksdk loses what was there before, and Heat refuses what it makes of it.',
        sdk: { value: { parameters: null } },
        ours: { value: { parameters: { text: 'kept' } } },
      },
    },
  ),
  merging(
    'environments that say how to merge their parameters',
    [
      { parameters: { names: 'a,b' } },
      { parameters: { names: 'c' }, parameter_merge_strategies: { names: 'merge' } },
    ],
    {
      better: {
        because: 'openstacksdk leaves it to Heat, which ignores it in a single environment.',
        sdk: { value: { parameters: { names: 'c' }, parameter_merge_strategies: { names: 'merge' } } },
        ours: { value: { parameters: { names: 'a,b,c' }, parameter_merge_strategies: null } },
      },
    },
  ),
  merging(
    'environments that each name a sink of events',
    [
      { event_sinks: [{ type: 'zaqar-queue', target: 'a' }] },
      { event_sinks: [{ type: 'zaqar-queue', target: 'b' }] },
    ],
    {
      better: {
        because: 'openstacksdk keeps the last one only.',
        sdk: { value: { event_sinks: [{ target: 'b' }] } },
        ours: { value: { event_sinks: [{ target: 'a' }, { target: 'b' }] } },
      },
    },
  ),
  merging('an environment with a section that is none', [{ parametres: {} }], {
    better: {
      because: 'Both refuse it; ours has a code for it.',
      sdk: { error: 'ValueError' },
      ours: { error: 'ConfigError' },
    },
  }),
  scenario({
    name: 'an environment that names parameters which Heat has encrypted',
    prepare: async () => ({
      template: templates.SIMPLE,
      environment: { parameters: { text: 'x' }, encrypted_param_names: ['nosuch'] },
    }),
    sdk: `pick(heat.create_stack(name=name, template=template, environment=environment), 'name')`,
    ours: ({ heat, name, template, environment }) =>
      heat.createStack({ name, template, environment: mergeEnvironments([environment]) }),
    better: {
      because: 'Heat fails at it with a 500 that says nothing; merging says whose it is.',
      sdk: { error: 'ServerError', status: 500 },
      ours: { error: 'ConfigError', requests: [] },
    },
  }),
  scenario({
    name: 'parts of a stack that is deleted',
    cloud: 'alice',
    sdk: `names(heat.resources(Stack.existing(**old)))`,
    ours: ({ heat, old }) => names(heat.resources(old)),
    expect: {},
  }),
  scenario({
    name: 'a stack with nested ones: create, then everything of it',
    prepare: nested,
    sdk: `[heat.get_stack_template(name).heat_template_version, heat.get_stack_files(name), names(heat.resources(name))]`,
    ours: async ({ heat, name }) => [
      (await heat.stackTemplate(name))['heat_template_version'],
      await heat.stackFiles(name),
      await names(heat.resources(name)),
    ],
    expect: { value: ['2018-08-31', templates.NESTED.files, ['before', 'nested']] },
  }),
];
