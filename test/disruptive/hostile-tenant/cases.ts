import { PROJECT, type Reply } from '../../../src/openstack/testdata/fake-cloud.ts';
import {
  deepJson,
  deepObject,
  drip,
  endless,
  gzipOfZeros,
  type HostileCloud,
  type HostileStack,
  headOnly,
  html,
  raw,
  silence,
} from '../../support/hostile-cloud.ts';
import { RANDOM_STRING } from '../../support/scenario.ts';

/** What a tenant might do, and what becomes of it. */
export interface Case {
  /** Makes the cloud hostile. */
  cloud?: (cloud: HostileCloud, stack: HostileStack) => void;
  /** Of the HeatStack; text is its JSON. */
  spec?: Record<string, unknown> | string;
  /** Instead of the cloud's own. */
  cloudsYaml?: (cloud: HostileCloud) => string;
  /** The reason why it isn't Ready, and a part of the message; or that it is. Nothing where it hangs for a minute. */
  ends?: 'Ready' | [reason: string, message: RegExp];
}

const TRANSIENT = 'TransientError';
const INVALID = 'InvalidConfiguration';
const NOT_ITS_OWN: [string, RegExp] = [TRANSIENT, /isn't its own/];
const KIB = 1024;
/** More than any of them takes. */
const TOO_OFTEN = 100;

/** A cloud whose Heat answers so to a read of the stack. */
function heat(reply: Reply): Pick<Case, 'cloud'> {
  return { cloud: (cloud, { path }) => void cloud.on(`GET ${path}`, reply) };
}

function resources(reply: Reply): Pick<Case, 'cloud'> {
  return { cloud: (cloud, { path }) => void cloud.on(`GET ${path}/resources`, reply) };
}

function keystone(reply: Reply): Pick<Case, 'cloud'> {
  return { cloud: (cloud) => void cloud.tokenReplies.push(...Array<Reply>(TOO_OFTEN).fill(reply)) };
}

/** A stack's answer with a part that isn't as it should be. */
function fields(members: Record<string, unknown>): Pick<Case, 'cloud'> {
  return { cloud: (_, stack) => void Object.assign(stack.fields, members) };
}

const NESTED = { template: { inline: RANDOM_STRING }, resources: { maxItems: 2000, nestedDepth: 5 } };

/** Stacks with long names, each in the one before, and very many resources in the last. */
function crowd(count: number, owners: number, statusReason = ''): Pick<Case, 'cloud'> {
  const link = (rel: string, id: number) => ({ rel, href: `/stacks/s/${id}` });
  const common = { resource_type: 't', resource_status: 'CREATE_COMPLETE' };
  const item = (resource_name: string, links: object[]) =>
    JSON.stringify({ resource_name, ...common, resource_status_reason: statusReason, links });
  const name = '\u4e2d'.repeat(255);
  const items = [
    ...Array.from({ length: owners }, (_, i) => item(name, [link('stack', i), link('nested', i + 1)])),
    ...Array.from({ length: count }, (_, i) => item(`${i}`, [link('stack', owners)])),
  ];
  return resources(raw(`{"resources":[${items}]}`));
}

/** Nine of each in the next: 9^9 values. */
function aliasBomb(first: string): string {
  const names = [...'abcdefghij'];
  return names
    .map((name, i) => `${name}: &${name} ${i === 0 ? first : `[${Array(9).fill(`*${names[i - 1]}`)}]`}`)
    .join('\n');
}

const HIDDEN = 'heat_template_version: 2018-08-31\nparameters: { p: { type: string, hidden: true } }\n';
const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
const named = (value: unknown): string => `{${NAMES.map((name) => `"${name}":${JSON.stringify(value)}`)}}`;
const PLAIN = `"template":{"inline":${JSON.stringify(RANDOM_STRING)}}`;
const keys = Array.from({ length: 30_000 }, (_, i) => `  key${i}: ${i}`).join('\n');

export const CASES: Record<string, Case> = {
  'a Keystone that says nothing': keystone(silence()),
  'a Keystone that never ends': keystone(drip()),
  'a Keystone that sends all it can': { ...keystone(endless()), ends: [TRANSIENT, /larger than 1 MiB/] },
  'a catalog of slashes': {
    cloud: (cloud) => {
      const url = `${cloud.origin}/v1${'/'.repeat(900_000)}x`;
      const endpoints = [{ interface: 'public', region: 'RegionOne', url }];
      cloud.editToken = (token) => Object.assign(token, { catalog: [{ type: 'orchestration', endpoints }] });
    },
    ends: ['OrchestrationNotAvailable', /catalog has no orchestration service/],
  },
  'a catalog with names that mean something': {
    cloud: (cloud) => {
      const endpoints = NAMES.map((region) => ({ interface: region, region, url: cloud.origin }));
      const own = { interface: 'public', region: 'RegionOne', url: `${cloud.origin}/v1/${PROJECT}` };
      const services = NAMES.map((type) => ({ type, endpoints }));
      const catalog = [...services, { type: 'orchestration', endpoints: [...endpoints, own] }];
      cloud.editToken = (token) => Object.assign(token, { catalog });
    },
    ends: 'Ready',
  },
  'a project whose name is too long': {
    cloud: (cloud) => {
      const project = { id: PROJECT, name: 'x'.repeat(100_000) };
      cloud.editToken = (token) => Object.assign(token, { project });
    },
    ends: [TRANSIENT, /token\.project\.name should be/],
  },
  'a Heat that says nothing': heat(silence()),
  'a Heat that says nothing to a create': { cloud: (cloud) => void cloud.on('POST /stacks', silence()) },
  'a body that never begins': heat(headOnly()),
  'a body that never ends': heat(drip()),
  'a body that has no end': { ...heat(endless()), ends: [TRANSIENT, /larger than 4 MiB/] },
  'a refusal that has no end': { ...heat(endless(500)), ends: [TRANSIENT, /answered 500/] },
  'compressed zeros': { ...heat(gzipOfZeros()), ends: [TRANSIENT, /larger than 4 MiB|compressed body/] },
  'a page for people': { ...heat(html()), ends: NOT_ITS_OWN },
  'depth in an answer': { ...heat(raw(`{"stack":${deepObject(100_000)}}`)), ends: NOT_ITS_OWN },
  'depth in a list of resources': {
    ...resources(raw(`{"resources":${deepJson(1_000_000)}}`)),
    ends: NOT_ITS_OWN,
  },
  'millions of values': {
    ...resources(raw(`{"resources":[${'{},'.repeat(5_000_000)}{}]}`)),
    ends: 'Ready',
  },
  'a number of zeros': {
    ...heat(raw(`{"stack":0.1${'0'.repeat(3_000_000)}1}`)),
    ends: [TRANSIENT, /malformed: stack\.stack_name should be/],
  },
  'ten thousand resources': {
    cloud: (_, stack) => {
      stack.resources = Array.from({ length: 10_000 }, (_, i) => ({
        resource_name: `resource-${i}`,
        resource_status: i % 100 === 0 ? 'CREATE_FAILED' : 'CREATE_COMPLETE',
        resource_status_reason: `reason ${i} `.repeat(20),
      }));
    },
    spec: { template: { inline: RANDOM_STRING }, resources: { maxItems: 2000 } },
    ends: 'Ready',
  },
  'nesting without an end': {
    cloud: (_, stack) => {
      const link = (i: number): string => `http://heat/v1/p/stacks/s/s${i}`;
      stack.resources = Array.from({ length: 10_000 }, (_, i) => ({
        resource_name: `r${i}`,
        resource_type: 't'.repeat(500),
        links: [
          { rel: 'stack', href: link(i) },
          { rel: 'nested', href: link(i + 1) },
        ],
      }));
    },
    spec: { template: { inline: RANDOM_STRING }, resources: { maxItems: 2000, nestedDepth: 5 } },
    ends: 'Ready',
  },
  'long names around very many resources': { ...crowd(100_000, 10), spec: NESTED, ends: 'Ready' },
  'long names around as many resources as are read': {
    ...crowd(9_900, 5, '\u4e2d'.repeat(400)),
    spec: NESTED,
    ends: 'Ready',
  },
  'a catalog of very many endpoints': {
    cloud: (cloud) => {
      const own = { interface: 'public', region: 'RegionOne', url: `${cloud.origin}/v1/${PROJECT}` };
      const endpoints = [own, ...Array(19_000).fill({ interface: 'public', url: 'http://h' })];
      cloud.editToken = (token) => Object.assign(token, { catalog: [{ type: 'orchestration', endpoints }] });
    },
    ends: 'Ready',
  },
  'texts that are too long': {
    cloud: (_, stack) => {
      const long = 'x'.repeat(100_000);
      Object.assign(stack.fields, {
        stack_status_reason: long,
        description: long,
        outputs: [{ output_key: long, description: long, output_error: long, output_value: long }],
      });
      stack.resources = [
        {
          resource_type: long,
          physical_resource_id: long,
          resource_status_reason: long,
          required_by: Array(5000).fill('r'),
        },
      ];
    },
    ends: 'Ready',
  },
  'a state that is too long': {
    ...fields({ stack_status: 'X'.repeat(100) }),
    ends: [TRANSIENT, /stack_status should be/],
  },
  'times that are none': {
    ...fields({ creation_time: '9999-99-99T99:99:99Z', deletion_time: '' }),
    ends: 'Ready',
  },
  'outputs with names that mean something': {
    ...fields({
      outputs: NAMES.map((name) => ({ output_key: name, output_value: JSON.parse(named(1)) as unknown })),
    }),
    spec: { template: { inline: RANDOM_STRING }, outputs: { inStatus: ['*'] } },
    ends: 'Ready',
  },
  'resources with names that mean something': {
    cloud: (_, stack) => {
      stack.resources = NAMES.map((name) => ({ resource_name: name, required_by: NAMES }));
    },
    ends: 'Ready',
  },
  'inputs with names that mean something': {
    spec: `{${PLAIN},"files":${named('x')},"parameters":${named(1)},"environments":[{"object":{"parameter_defaults":${named({ a: 1 })},"resource_registry":${named('x')}}},{"inline":${JSON.stringify(`parameter_defaults: ${named({ b: 2 })}`)}}]}`,
    ends: 'Ready',
  },
  'a cloud with a name that means something': {
    cloudsYaml: (cloud) =>
      cloud.cloudsYaml().replace('demo:', '"__proto__": &x\n    a: 1\n  "constructor": *x\n  demo:'),
    ends: 'Ready',
  },
  'an environment with a bomb of aliases': {
    spec: { template: { inline: RANDOM_STRING }, environments: [{ inline: aliasBomb('[x]') }] },
    ends: [INVALID, /spec\.environments\[0\]\.inline: its aliases expand too far/],
  },
  'a template with a bomb of aliases': {
    spec: { template: { inline: `${HIDDEN}${aliasBomb('[x]')}` } },
    ends: 'Ready',
  },
  'a clouds.yaml with a bomb of aliases': {
    cloudsYaml: (cloud) => `${aliasBomb('[x]')}\n${cloud.cloudsYaml()}`,
    ends: [INVALID, /clouds\.yaml: its aliases expand too far/],
  },
  'a clouds.yaml of 100 KiB': {
    cloudsYaml: (cloud) => `${cloud.cloudsYaml()}\n#${'x'.repeat(100 * KIB)}`,
    ends: [INVALID, /clouds\.yaml: it is larger than 64 KiB/],
  },
  'an environment of many keys': {
    spec: { template: { inline: RANDOM_STRING }, environments: [{ inline: `parameter_defaults:\n${keys}` }] },
    ends: 'Ready',
  },
  'an environment of open brackets': {
    spec: { template: { inline: RANDOM_STRING }, environments: [{ inline: '['.repeat(500 * KIB) }] },
    ends: [INVALID, /nested deeper than 100 levels/],
  },
  'a template of many keys': { spec: { template: { inline: `${HIDDEN}outputs:\n${keys}` } }, ends: 'Ready' },
  'depth in parameters': {
    spec: `{${PLAIN},"parameters":{"n":9007199254740993,"p":${deepObject(9000)}}}`,
    ends: [INVALID, /spec\.parameters is nested deeper than 100 levels/],
  },
  'depth in a template': {
    spec: `{"template":{"object":{"n":9007199254740993,"p":${deepObject(9000)}}}}`,
    ends: [INVALID, /spec\.template\.object is nested deeper than 100 levels/],
  },
  'depth in an environment': {
    spec: `{${PLAIN},"environments":[{"object":{"parameters":{"n":9007199254740993,"p":${deepJson(9000)}}}}]}`,
    ends: [INVALID, /spec\.environments is nested deeper than 100 levels/],
  },
};

/** A template of 2 KiB whose stack is an answer of 37 MB: each value is ten of the one before. */
export function growing(): string {
  const values = Array.from(
    { length: 5 },
    (_, i) => `  v${i + 1}:
    type: OS::Heat::Value
    properties: { value: { list_join: ['', [${Array(10).fill(`{ get_attr: [v${i}, value] }`).join(', ')}]] } }
`,
  );
  const outputs = Array.from({ length: 12 }, (_, i) => `  o${i}: { value: { get_attr: [v5, value] } }\n`);
  return `heat_template_version: 2018-08-31
resources:
  v0:
    type: OS::Heat::Value
    properties: { value: 0123456789012345678901234567890 }
${values.join('')}outputs:
${outputs.join('')}`;
}
