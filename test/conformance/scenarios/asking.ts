import { randomUUID } from 'node:crypto';
import { lacking, scenario } from '../scenario.ts';
import * as templates from '../templates.ts';
import { serveTemplate } from './creating.ts';

/** Template validation, what Heat can do, software configurations. */
export const ASKING = [
  scenario({
    name: 'validate a template',
    cloud: 'alice',
    prepare: async () => ({ template: templates.TYPED }),
    sdk: `heat.validate_template(template)`,
    ours: ({ heat, template }) => heat.validateTemplate({ template }),
    expect: { value: { description: 'No description', parameters: { secret: { noEcho: true } } } },
  }),
  scenario({
    name: 'validate a template with an environment',
    cloud: 'alice',
    prepare: async () => ({
      template: templates.SIMPLE,
      environment: { parameters: { text: 'of environment' } },
    }),
    sdk: `heat.validate_template(template, environment=environment)`,
    ours: ({ heat, template, environment }) => heat.validateTemplate({ template, environment }),
    expect: { value: { parameters: { text: { value: 'of environment' } } } },
  }),
  scenario({
    name: 'validate a template that is wrong',
    cloud: 'alice',
    prepare: async () => ({
      template: { heat_template_version: '2018-08-31', resources: { r: { type: 'No::Such' } } },
    }),
    sdk: `heat.validate_template(template)`,
    ours: ({ heat, template }) => heat.validateTemplate({ template }),
    expect: { error: 'BadRequest', status: 400 },
    tells: { code: 'BadRequest.HTTPBadRequest' },
  }),
  scenario({
    name: 'validate a template whose types this cloud does not have',
    cloud: 'alice',
    prepare: async () => ({
      template: {
        heat_template_version: '2018-08-31',
        resources: { server: { type: 'OS::Nova::Server', properties: { flavor: 'small', image: 'linux' } } },
      },
    }),
    sdk: `heat.validate_template(template, ignore_errors='99001')`,
    ours: ({ heat, template }) => heat.validateTemplate({ template }, { ignoreErrors: [99001] }),
    expect: {},
  }),
  scenario({
    name: 'validate a template with nested ones',
    cloud: 'alice',
    prepare: async () => templates.NESTED,
    sdk: `heat.validate_template(template, files=files)`,
    ours: ({ heat }) => heat.validateTemplate(templates.NESTED, { showNested: true }),
    better: {
      because: 'openstacksdk takes no files, without which a template that names some is refused.',
      sdk: { error: 'TypeError' },
      ours: { value: { parameters: { text: { default: 'hello' } } } },
    },
  }),
  scenario({
    name: 'validate a template that Heat fetches itself',
    cloud: 'alice',
    prepare: serveTemplate,
    sdk: `heat.validate_template(None, template_url=url)`,
    ours: ({ heat, url }) => heat.validateTemplate({ templateUrl: url }),
    better: {
      because: 'openstacksdk sends a template that is null, which wins.',
      sdk: { error: 'BadRequest', status: 400 },
      ours: { value: { parameters: { text: { type: 'String' } } } },
    },
  }),
  scenario({
    name: 'what types of resources there are',
    cloud: 'alice',
    sdk: `heat.resource_types`,
    ours: ({ heat }) => heat.resourceTypes({ name: 'OS::Heat::Test.*' }),
    better: lacking({ value: [{ name: 'OS::Heat::TestResource' }] }),
  }),
  scenario({
    name: 'the schema of a type of resources',
    cloud: 'alice',
    sdk: `heat.resource_type`,
    ours: ({ heat }) => heat.resourceType('OS::Heat::TestResource'),
    better: lacking({
      value: { resource_type: 'OS::Heat::TestResource', properties: { value: { type: 'string' } } },
    }),
  }),
  scenario({
    name: 'what versions of templates there are',
    cloud: 'alice',
    sdk: `heat.template_versions`,
    ours: async ({ heat }) => (await heat.templateVersions()).length > 5,
    better: lacking({ value: true }),
  }),
  scenario({
    name: 'what functions a version of templates has',
    cloud: 'alice',
    sdk: `heat.template_functions`,
    ours: async ({ heat }) =>
      (await heat.templateFunctions('heat_template_version.2018-08-31')).some(
        ({ name }) => name === 'get_param',
      ),
    better: lacking({ value: true }),
  }),
  scenario({
    name: 'what Heat this is',
    cloud: 'alice',
    sdk: `heat.build_info`,
    ours: ({ heat }) => heat.buildInfo(),
    better: lacking({ value: { apiRevision: 'unknown', engineRevision: 'unknown' } }),
  }),
  scenario({
    name: "Heat's engines, without the right to see them",
    cloud: 'alice',
    sdk: `heat.services`,
    ours: ({ heat }) => heat.services(),
    better: lacking({ error: 'Forbidden', status: 403 }),
  }),
  scenario({
    name: "Heat's engines",
    cloud: 'admin',
    sdk: `heat.services`,
    ours: async ({ heat }) => (await heat.services()).length > 0,
    better: lacking({ value: true }),
  }),
  scenario({
    name: 'make, read and delete a software configuration',
    sdk: `made = heat.create_software_config(name=name, group='script', config='echo hello')
read = heat.get_software_config(made.id)
heat.delete_software_config(made.id)
return read`,
    ours: async ({ heat, name }) => {
      const { id } = await heat.createSoftwareConfig({ name, group: 'script', config: 'echo hello' });
      const read = await heat.softwareConfig(id);
      await heat.deleteSoftwareConfig(id);
      return read;
    },
    expect: { value: { name: '<name>', group: 'script', config: 'echo hello', inputs: [] } },
  }),
  scenario({
    name: 'a software configuration that is not there',
    cloud: 'alice',
    sdk: `heat.get_software_config('01234567-89ab-cdef-0123-456789abcdef')`,
    ours: ({ heat }) => heat.softwareConfig('01234567-89ab-cdef-0123-456789abcdef'),
    expect: { error: 'ResourceNotFound', status: 404 },
  }),
  scenario({
    name: 'delete a software configuration that is not there',
    cloud: 'alice',
    sdk: `heat.delete_software_config('01234567-89ab-cdef-0123-456789abcdef')`,
    ours: ({ heat }) => heat.deleteSoftwareConfig('01234567-89ab-cdef-0123-456789abcdef'),
    expect: { value: null },
  }),
  scenario({
    name: 'list software configurations',
    cloud: 'alice',
    sdk: `heat.software_configs()`,
    ours: ({ heat }) => heat.softwareConfigs(),
    expect: { value: [] },
  }),
  scenario({
    name: 'list software deployments',
    cloud: 'alice',
    sdk: `heat.software_deployments()`,
    ours: ({ heat }) => heat.softwareDeployments(),
    expect: { value: [] },
  }),
  scenario({
    name: 'make, change, read and delete a software deployment',
    sdk: `config = heat.create_software_config(name=name, group='script', config='echo hello')
made = heat.create_software_deployment(config_id=config.id, server_id=server, action='CREATE', status='IN_PROGRESS',
  input_values={'a': 1})
heat.update_software_deployment(made.id, status='COMPLETE', output_values={'b': 2})
read = heat.get_software_deployment(made.id)
found = len(list(heat.software_deployments(server_id=server)))
heat.delete_software_deployment(made.id)
return [found, read]`,
    prepare: async () => ({ server: randomUUID() }),
    ours: async ({ heat, name, server: serverId }) => {
      const config = { name, group: 'script', config: 'echo hello' };
      const { id: configId } = await heat.createSoftwareConfig(config);
      const attributes = {
        configId,
        serverId,
        action: 'CREATE',
        status: 'IN_PROGRESS',
        inputValues: { a: 1 },
      };
      const { id } = await heat.createSoftwareDeployment(attributes);
      await heat.updateSoftwareDeployment(id, { status: 'COMPLETE', outputValues: { b: 2 } });
      const read = await heat.softwareDeployment(id);
      const found = await Array.fromAsync(heat.softwareDeployments({ serverId }));
      await heat.deleteSoftwareDeployment(id);
      return [found.length, read];
    },
    expect: { value: [1, { status: 'COMPLETE', inputValues: { a: 1 }, outputValues: { b: 2 } }] },
  }),
];
