import type { JsonObject } from '../../src/json.ts';

const VERSION = 'heat_template_version: 2018-08-31';

/** One resource that takes no time, whose value is a parameter. */
export const SIMPLE = `${VERSION}
description: A simple stack
parameters:
  text: { type: string, default: first }
resources:
  thing:
    type: OS::Heat::TestResource
    properties: { value: { get_param: text } }
outputs:
  text: { description: What was given, value: { get_attr: [thing, output] } }
`;

/** One resource of which every action takes `seconds`. */
export const slow = (seconds: number, value = 'one'): string => `${VERSION}
resources:
  slow:
    type: OS::Heat::TestResource
    properties: { value: ${value}, action_wait_secs: { create: ${seconds}, update: ${seconds}, delete: 0 } }
`;

/** A create that fails. */
export const FAILING = `${VERSION}
resources:
  broken:
    type: OS::Heat::TestResource
    properties: { value: one, fail: true }
`;

/** A delete that fails, for the administrator in a cloud without networks. */
export const UNDELETABLE = (name: string): string => `${VERSION}
resources:
  project:
    type: OS::Keystone::Project
    properties: { name: ${name} }
`;

const INNER = `${VERSION}
parameters:
  text: { type: string }
resources:
  inner:
    type: OS::Heat::TestResource
    properties: { value: { get_param: text } }
outputs:
  text: { value: { get_attr: [inner, output] } }
`;

/** A stack with another one in it. */
export const NESTED = {
  template: `${VERSION}
description: A stack with another one in it
parameters:
  text: { type: string, default: hello }
resources:
  before:
    type: OS::Heat::TestResource
    properties: { value: { get_param: text } }
  nested:
    type: inner.yaml
    properties: { text: { get_attr: [before, output] } }
outputs:
  text: { description: From within, value: { get_attr: [nested, text] } }
  list: { value: [1, two, { three: 3 }] }
`,
  files: { 'inner.yaml': INNER },
};

/** Parameters of every type. */
export const TYPED = `${VERSION}
parameters:
  text: { type: string }
  count: { type: number }
  names: { type: comma_delimited_list }
  tree: { type: json }
  flag: { type: boolean }
  secret: { type: string, hidden: true, default: hush }
resources:
  value:
    type: OS::Heat::Value
    properties: { type: json, value: { tree: { get_param: tree }, count: { get_param: count } } }
outputs:
  value: { value: { get_attr: [value, value] } }
  names: { value: { get_param: names } }
  flag: { value: { get_param: flag } }
`;

/** A parameter that has no default, and one that mustn't change. */
export const STRICT = `${VERSION}
parameters:
  needed: { type: string }
  fixed: { type: string, default: a, immutable: true }
resources:
  thing:
    type: OS::Heat::TestResource
    properties: { value: { get_param: needed } }
`;

/** An output that can't be resolved. */
export const BROKEN_OUTPUT = `${VERSION}
resources:
  value:
    type: OS::Heat::Value
    properties: { type: json, value: { a: 1 } }
outputs:
  good: { value: { get_attr: [value, value, a] } }
  bad: { value: { str_split: [',', { get_attr: [value, value] }] } }
  absent: { value: { get_attr: [value, value, nosuch] } }
`;

/** A resource that signals can reach. */
export const SIGNALLED = `${VERSION}
resources:
  handle: { type: OS::Heat::WaitConditionHandle }
outputs:
  thing: { value: none }
`;

/** What an abandon of a stack with the template SIMPLE answers. */
export function abandoned(name: string): JsonObject {
  return {
    name,
    action: 'CREATE',
    status: 'COMPLETE',
    template: {
      heat_template_version: '2018-08-31',
      resources: { thing: { type: 'OS::Heat::TestResource', properties: { value: 'adopted' } } },
    },
    environment: { parameters: {} },
    files: {},
    resources: {
      thing: {
        name: 'thing',
        type: 'OS::Heat::TestResource',
        action: 'CREATE',
        status: 'COMPLETE',
        resource_id: `${name}-thing`,
        resource_data: { value: 'adopted' },
        metadata: {},
      },
    },
  };
}
