import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { scenario } from '../scenario.ts';
import * as templates from '../templates.ts';
import type { World } from '../world.ts';

const { SIMPLE, STRICT, TYPED, NESTED } = templates;
const settledLook =
  (...members: string[]) =>
  async (world: World) => {
    const { stack_name: name, id } = (await world.look()) ?? {};
    await world.settled({ name: String(name), id: String(id) });
    const stack = await world.look();
    return Object.fromEntries(members.map((member) => [member, stack?.[member] ?? null]));
  };
const template = SIMPLE;

/** Serves a template to Heat, until the process ends. */
export async function serveTemplate() {
  const server = createServer((_request, response) => void response.end(template)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/template.yaml` };
}

/** createStack. */
export const CREATING = [
  scenario({
    name: 'create a stack',
    prepare: async () => ({ template }),
    sdk: `pick(heat.create_stack(name=name, template=template), 'name', 'id')`,
    ours: ({ heat, name }) => heat.createStack({ name, template }),
    after: settledLook('stack_status', 'outputs'),
    expect: { value: { name: '<name>', id: '<uuid>' }, after: { stack_status: 'CREATE_COMPLETE' } },
  }),
  scenario({
    name: 'create from a template as an object',
    prepare: async () => ({ object: templates.abandoned('x')['template'] ?? null }),
    sdk: `heat.create_stack(name=name, template=object)\nreturn None`,
    ours: async ({ heat, name, object }) =>
      void (await heat.createStack({ name, template: object as { heat_template_version: string } })),
    after: settledLook('stack_status'),
    expect: { after: { stack_status: 'CREATE_COMPLETE' } },
  }),
  scenario({
    name: 'parameters of every type',
    prepare: async () => ({
      template: TYPED,
      parameters: {
        text: 'ä "quoted"',
        count: 1.5,
        names: ['a', 'b'],
        tree: { deep: [null, true] },
        flag: false,
      },
    }),
    sdk: `heat.create_stack(name=name, template=template, parameters=parameters)\nreturn None`,
    ours: async ({ heat, name, template, parameters }) =>
      void (await heat.createStack({ name, template, parameters })),
    after: settledLook('parameters', 'outputs'),
    expect: { after: { parameters: { count: '1.5', secret: '******' } } },
  }),
  scenario({
    name: 'an integer over 2^53 as a parameter, and in an output',
    prepare: async (world) =>
      world.create({
        template: TYPED,
        parameters: { text: 'x', count: 1, names: 'a', tree: '{"big": 9007199254740993}', flag: true },
      }),
    sdk: `pick(heat.get_stack(name), 'outputs')['outputs']`,
    ours: async ({ heat, name }) =>
      (await heat.getStack(name)).outputs?.map(({ key, ...output }) => ({
        output_key: key,
        output_value: output.value,
        description: output.description,
      })),
    expect: {},
  }),
  scenario({
    name: 'tags as a list',
    prepare: async () => ({ template }),
    sdk: `heat.create_stack(name=name, template=template, tags=['a', 'b'])`,
    ours: ({ heat, name }) => heat.createStack({ name, template, tags: ['a', 'b'] }),
    after: async (world) => (await world.look())?.['tags'] ?? null,
    better: {
      because:
        'Heat takes one joined text; openstacksdk sends the list as it is, which Heat refuses without a word.',
      sdk: { error: 'BadRequest', status: 400 },
      ours: { value: { name: '<name>' }, after: ['a', 'b'] },
    },
  }),
  scenario({
    name: 'tags joined by hand for openstacksdk',
    prepare: async () => ({ template }),
    sdk: `pick(heat.create_stack(name=name, template=template, tags='a,b'), 'name')`,
    ours: ({ heat, name }) => heat.createStack({ name, template, tags: ['a', 'b'] }),
    after: async (world) => (await world.look())?.['tags'] ?? null,
    expect: { after: ['a', 'b'] },
  }),
  scenario({
    name: 'a tag with a comma',
    prepare: async () => ({ template }),
    sdk: `pick(heat.create_stack(name=name, template=template, tags=','.join(['a,b', 'c'])), 'name')`,
    ours: ({ heat, name }) => heat.createStack({ name, template, tags: ['a,b', 'c'] }),
    better: {
      because: 'Heat would make two tags of it; ours says so before anything is sent.',
      sdk: { value: { name: '<name>' } },
      ours: { error: 'ConfigError', requests: [] },
    },
  }),
  scenario({
    name: 'a tag of 81 characters',
    prepare: async () => ({ template, tag: 'x'.repeat(81) }),
    sdk: `heat.create_stack(name=name, template=template, tags=tag)`,
    ours: ({ heat, name, tag }) => heat.createStack({ name, template, tags: [tag] }),
    better: {
      because: 'Both refuse it; ours before anything is sent.',
      sdk: { error: 'BadRequest', status: 400 },
      ours: { error: 'ConfigError', requests: [] },
    },
  }),
  scenario({
    name: 'inputs that are null',
    prepare: async () => ({ template }),
    sdk: `pick(heat.create_stack(name=name, template=template, environment=None, files=None, parameters=None,
  timeout_mins=None, is_rollback_disabled=None, tags=None), 'name')`,
    ours: ({ heat, name }) =>
      heat.createStack({
        name,
        template,
        environment: null,
        files: null,
        parameters: null,
        timeoutMins: null,
        disableRollback: null,
        tags: null,
      }),
    better: {
      because: 'openstacksdk sends the nulls, and Heat fails at the first; ours leaves them out.',
      sdk: { error: 'BadRequest', status: 400 },
      ours: { value: { name: '<name>' } },
    },
  }),
  scenario({
    name: 'an attribute that is misspelt',
    prepare: async () => ({ template }),
    sdk: `pick(heat.create_stack(name=name, template=template, is_rollback_disabld=False), 'name')`,
    ours: ({ heat, name }) => heat.createStack({ name, template, ...{ disableRollbak: false } }),
    better: {
      because: 'openstacksdk drops it silently and makes another stack than was meant; ours names the key.',
      sdk: { value: { name: '<name>' } },
      ours: { error: 'ConfigError', requests: [] },
    },
  }),
  scenario({
    name: 'time-out and rollback',
    prepare: async () => ({ template }),
    sdk: `pick(heat.create_stack(name=name, template=template, timeout_mins=7, is_rollback_disabled=False), 'name')`,
    ours: ({ heat, name }) => heat.createStack({ name, template, timeoutMins: 7, disableRollback: false }),
    after: settledLook('timeout_mins', 'disable_rollback'),
    expect: { after: { timeout_mins: 7, disable_rollback: false } },
  }),
  scenario({
    name: 'files and a nested template',
    prepare: async () => NESTED,
    sdk: `pick(heat.create_stack(name=name, template=template, files=files, parameters={'text': 'deep'}), 'name')`,
    ours: ({ heat, name }) => heat.createStack({ name, ...NESTED, parameters: { text: 'deep' } }),
    after: settledLook('stack_status', 'parameters'),
    expect: { after: { stack_status: 'CREATE_COMPLETE', parameters: { text: 'deep' } } },
  }),
  scenario({
    name: 'an environment as an object; a default that no template declares',
    prepare: async () => ({
      template,
      environment: { parameters: { text: 'of environment' }, parameter_defaults: { nobody: 'asks' } },
    }),
    sdk: `pick(heat.create_stack(name=name, template=template, environment=environment), 'name')`,
    ours: ({ heat, name, environment }) => heat.createStack({ name, template, environment }),
    after: settledLook('parameters'),
    expect: { after: { parameters: { text: 'of environment' } } },
  }),
  scenario({
    name: 'an environment as YAML',
    prepare: async () => ({ template, environment: 'parameters:\n  text: of yaml\n' }),
    sdk: `pick(heat.create_stack(name=name, template=template, environment=environment), 'name')`,
    ours: ({ heat, name, environment }) => heat.createStack({ name, template, environment }),
    after: settledLook('parameters'),
    expect: { after: { parameters: { text: 'of yaml' } } },
  }),
  scenario({
    name: 'parameters beside an environment: they win',
    prepare: async () => ({ template, environment: { parameters: { text: 'loses' } } }),
    sdk: `pick(heat.create_stack(name=name, template=template, environment=environment, parameters={'text': 'wins'}), 'name')`,
    ours: ({ heat, name, environment }) =>
      heat.createStack({ name, template, environment, parameters: { text: 'wins' } }),
    after: settledLook('parameters'),
    expect: { after: { parameters: { text: 'wins' } } },
  }),
  scenario({
    name: 'environments that Heat merges itself (environment_files)',
    prepare: async () => ({
      template,
      files: { 'a.yaml': 'parameters: { text: of a }', 'b.yaml': 'parameters: { text: of b }' },
      order: ['a.yaml', 'b.yaml'],
    }),
    sdk: `pick(heat.create_stack(name=name, template=template, files=files, environment_files=order), 'name')`,
    ours: ({ heat, name, files, order }) =>
      heat.createStack({ name, template, files, environmentFiles: order }),
    after: settledLook('parameters'),
    expect: { after: { parameters: { text: 'of b' } } },
  }),
  scenario({
    name: 'refused: an environment file that is not among the files',
    prepare: async () => ({ template, files: {}, order: ['nosuch.yaml'] }),
    sdk: `heat.create_stack(name=name, template=template, files=files, environment_files=order)`,
    ours: ({ heat, name, files, order }) =>
      heat.createStack({ name, template, files, environmentFiles: order }),
    expect: { error: 'ServerError', status: 500 },
  }),
  scenario({
    name: 'a template that Heat fetches itself (template_url)',
    prepare: serveTemplate,
    sdk: `pick(heat.create_stack(name=name, template_url=url), 'name')`,
    ours: ({ heat, name, url }) => heat.createStack({ name, templateUrl: url }),
    after: settledLook('stack_status'),
    expect: { after: { stack_status: 'CREATE_COMPLETE' } },
  }),
  scenario({
    name: 'a template that Heat fetches itself, beside a template that is null',
    prepare: serveTemplate,
    sdk: `pick(heat.create_stack(name=name, template_url=url, template=None), 'name')`,
    ours: ({ heat, name, url }) => heat.createStack({ name, templateUrl: url, template: null }),
    better: {
      because: 'openstacksdk sends the null, which wins; ours leaves it out.',
      sdk: { error: 'BadRequest', status: 400 },
      ours: { value: { name: '<name>' } },
    },
  }),
  scenario({
    name: 'preview of a create',
    prepare: async () => NESTED,
    sdk: `heat.create_stack(preview=True, name=name, template=template, files=files)`,
    ours: async ({ heat, name }) => {
      const preview = await heat.createStack({ name, ...NESTED }, { preview: true });
      // Heat has them in any order.
      return { ...preview, resources: preview.resources.map((each) => each.name).sort() };
    },
    after: (world) => world.look(),
    better: {
      because: 'openstacksdk drops the resources, which are what a preview is for.',
      sdk: { value: { name: '<name>', resources: null } },
      ours: {
        value: { name: '<name>', resources: ['before', 'inner'] },
        requests: ['POST /stacks/preview 200'],
      },
    },
  }),
  ...(
    [
      ['a parameter that is missing', { template: STRICT }, 'UserParameterMissing'],
      ['a parameter that is unknown', { template, parameters: { nosuch: 1 } }, 'UnknownUserParameter'],
      ['YAML that is none', { template: 'a: b: c' }, 'HTTPBadRequest'],
      ['a template without a version', { template: 'resources: {}' }, 'HTTPBadRequest'],
      [
        'a type of resource that is unknown',
        { template: { heat_template_version: '2018-08-31', resources: { r: { type: 'No::Such' } } } },
        'StackValidationFailed',
      ],
      [
        'a property that is unknown',
        {
          template: {
            heat_template_version: '2018-08-31',
            resources: { r: { type: 'OS::Heat::TestResource', properties: { nosuch: 1 } } },
          },
        },
        'StackValidationFailed',
      ],
      [
        'a section of an environment that is unknown',
        { template, environment: { nosuch: {} } },
        'HTTPBadRequest',
      ],
      ['a time-out below zero', { template, timeout_mins: -1 }, 'HTTPBadRequest'],
      ['a template of 600 kB', { template: `${SIMPLE}# ${'x'.repeat(600_000)}` }, 'RequestLimitExceeded'],
    ] as const
  ).map(([what, attributes, type]) => {
    const { timeout_mins: timeoutMins, ...rest } = { timeout_mins: undefined, ...attributes };
    return scenario({
      name: `refused: ${what}`,
      prepare: async ({ name }) => ({ attributes: { stack_name: name, ...attributes } }),
      sdk: `heat.create_stack(**attributes)`,
      ours: ({ heat, attributes: { stack_name: name } }) =>
        heat.createStack({ name, ...(rest as object), timeoutMins }),
      expect: { error: 'BadRequest', status: 400 },
      tells: { type },
    });
  }),
  ...['9web', 'my web', 'wéb', 'x'.repeat(256)].map((wrong) =>
    scenario({
      name: `refused: the name "${wrong.slice(0, 10)}"${wrong.length > 10 ? ' … of 256 characters' : ''}`,
      prepare: async () => ({ template, wrong }),
      sdk: `heat.create_stack(name=wrong, template=template)`,
      ours: ({ heat }) => heat.createStack({ name: wrong, template }),
      expect: { error: 'BadRequest', status: 400 },
      tells: { code: 'BadRequest.StackValidationFailed' },
    }),
  ),
  scenario({
    name: 'refused: a name that is taken',
    prepare: async (world) => ({ stack: await world.create(), template }),
    sdk: `heat.create_stack(name=name, template=template)`,
    ours: ({ heat, name }) => heat.createStack({ name, template }),
    expect: { error: 'Conflict', status: 409 },
    tells: { code: 'Conflict.StackExists' },
  }),
  scenario({
    name: 'refused: preview with a name that is taken',
    prepare: async (world) => ({ stack: await world.create(), template }),
    sdk: `heat.create_stack(preview=True, name=name, template=template)`,
    ours: ({ heat, name }) => heat.createStack({ name, template }, { preview: true }),
    expect: { error: 'Conflict', status: 409 },
    tells: { code: 'Conflict.StackExists' },
  }),
  scenario({
    name: 'refused: a resource that only administrators may have',
    prepare: async (world) => ({ template: templates.UNDELETABLE(world.name) }),
    sdk: `heat.create_stack(name=name, template=template)`,
    ours: ({ heat, name, template }) => heat.createStack({ name, template }),
    expect: { error: 'Forbidden', status: 403 },
  }),
];
