import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { scenario } from '../../support/scenario.ts';

const s = scenario('create-full');
const name = s.namespace;

const TEMPLATE = `heat_template_version: 2018-08-31
parameters:
  text: { type: string }
  whole: { type: number }
  fraction: { type: number }
  flag: { type: boolean }
  zones: { type: comma_delimited_list }
  words: { type: comma_delimited_list }
  map: { type: json }
  list: { type: json }
  unset: { type: string, default: from-the-template }
  from_first: { type: string }
  from_second: { type: string }
  from_defaults: { type: string, default: none }
resources:
  farm:
    type: OS::Heat::ResourceGroup
    properties:
      count: { get_param: whole }
      resource_def:
        type: nested/server.yaml
        properties:
          text: { get_file: motd.txt }
  mapped:
    type: Example::Mapped
outputs:
  shown:
    description: What is shown.
    value:
      text: { get_param: text }
      whole: { get_param: whole }
      fraction: { get_param: fraction }
      flag: { get_param: flag }
      zone: { get_param: [zones, 1] }
      words: { get_param: words }
      map: { get_param: map }
      list: { get_param: list }
  hidden_away:
    description: What is not asked for.
    value: { get_attr: [farm, text] }
`;

const NESTED = `heat_template_version: 2018-08-31
parameters:
  text: { type: string }
resources:
  value:
    type: OS::Heat::Value
    properties: { value: { get_param: text } }
outputs:
  text: { value: { get_attr: [value, value] } }
`;

it('gives Heat all of it, and shows what came of it', async () => {
  await s.startOperator();
  const manifest = s.manifest(name, {
    template: { inline: TEMPLATE },
    files: { 'nested/server.yaml': NESTED, 'motd.txt': 'hello: "world"\n' },
    environments: [
      {
        inline: `resource_registry:
  Example::Mapped: OS::Heat::RandomString
parameters:
  from_first: first
  from_second: first
  text: of-an-environment
`,
      },
      { object: { parameters: { from_second: 'second' }, parameter_defaults: { from_defaults: 'preset' } } },
    ],
    parameters: {
      text: 'a "quoted" text, with ünïcode',
      whole: 2,
      fraction: -1.25,
      flag: true,
      zones: ['north', 'south'],
      words: 'one,two',
      map: { team: 'shop', deep: { tier: 1, ratio: 0.5, enabled: false, none: null } },
      list: ['a', 2, { three: true }],
      unset: null,
    },
    tags: ['team-shop', 'tier=1'],
    timeout: '90m30s',
    rollbackOnFailure: true,
    outputs: { inStatus: ['shown'] },
    resources: { nestedDepth: 1 },
  });
  // Server-side: the client-side apply takes nulls out of maps.
  await s.applyText(stringify(manifest), ['--server-side']);
  const object = await s.ready(name);

  const heat = await s.heat();
  const stack = await heat.getStack({ id: object.status.id ?? '', name });
  expect(stack.parameters).toMatchObject({
    text: 'a "quoted" text, with ünïcode',
    whole: '2',
    fraction: '-1.25',
    flag: 'True',
    unset: 'from-the-template',
    from_first: 'first',
    from_second: 'second',
    from_defaults: 'preset',
  });
  expect(stack.tags.toSorted()).toEqual([
    expect.stringMatching(/^heatstack\.dev\/cluster=/),
    expect.stringMatching(/^heatstack\.dev\/digest=h2:[0-9a-f]{32}$/),
    `heatstack.dev/object=${s.namespace}/${name}`,
    'team-shop',
    'tier=1',
  ]);
  expect(stack.timeoutMins).toBe(91);
  expect(stack.disableRollback).toBe(false);

  expect(object.status.outputs).toEqual([
    { name: 'hidden_away', description: 'What is not asked for.' },
    {
      name: 'shown',
      description: 'What is shown.',
      value: {
        text: 'a "quoted" text, with ünïcode',
        whole: 2,
        fraction: -1.25,
        flag: true,
        zone: 'south',
        words: ['one', 'two'],
        map: { team: 'shop', deep: { tier: 1, ratio: 0.5, enabled: false, none: null } },
        list: ['a', 2, { three: true }],
      },
    },
  ]);
  expect(stack.outputs?.find(({ key }) => key === 'hidden_away')?.value).toEqual([
    'hello: "world"\n',
    'hello: "world"\n',
  ]);

  // Depth 1: the group's members, but not what is inside them.
  const shown = object.status.resources?.map(({ name, path, type, status }) => ({
    name,
    path,
    type,
    status,
  }));
  expect(shown).toEqual([
    { name: 'farm', type: 'OS::Heat::ResourceGroup', status: 'CREATE_COMPLETE' },
    { name: '0', path: 'farm/0', type: 'nested/server.yaml', status: 'CREATE_COMPLETE' },
    { name: '1', path: 'farm/1', type: 'nested/server.yaml', status: 'CREATE_COMPLETE' },
    { name: 'mapped', type: 'Example::Mapped', status: 'CREATE_COMPLETE' },
  ]);
  expect(object.status.resourceSummary).toEqual({
    total: 4,
    complete: 4,
    inProgress: 0,
    failed: 0,
    text: '4/4',
  });
  const live = await Array.fromAsync(heat.resources(stack, { nestedDepth: 1 }));
  expect(new Set(object.status.resources?.map(({ physicalResourceID }) => physicalResourceID))).toEqual(
    new Set(live.map(({ physicalId }) => physicalId)),
  );

  await s.delete(name);
  await s.gone(name);
  expect(await s.stacksNamed(name)).toEqual([]);
});
