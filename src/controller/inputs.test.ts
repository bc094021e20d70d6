import { describe, expect, test } from 'vitest';
import type { HeatStackSpec, TemplateSource } from '../api/heat-stack.ts';
import { type Json, rawNumber } from '../json.ts';
import { Digester } from './digest.ts';
import { type FoundOutput, InputError, type InputReader } from './input-sources.ts';
import { type Desired, digestMarker, markedEnvironment, resolveInputs } from './inputs.ts';

const TEMPLATE = 'heat_template_version: 2021-04-16\nresources: {}\n';
const SPEC = {
  cloudCredentialsRef: { secretName: 'creds', cloudName: 'prod' },
  template: { inline: TEMPLATE },
  timeout: '60m',
  rollbackOnFailure: false,
} as HeatStackSpec;
const digester = new Digester(Buffer.alloc(32, 1));

const OBJECTS: Record<string, Record<string, string | undefined>> = {
  'ConfigMap/templates': { 'web.yaml': TEMPLATE, empty: ' \n', binary: undefined },
  'Secret/templates': { 'web.yaml': 'secret: template' },
  'ConfigMap/lib': { a: 'cm a', b: 'cm b' },
  'Secret/keys': { a: 'secret a', c: 'secret c' },
  'ConfigMap/binary': { good: 'text', logo: undefined },
  'ConfigMap/envs': { base: 'parameters: { size: 1, zone: a }\n', wrong: 'parameters: [', list: '- a' },
  'Secret/envs': {
    hot: 'parameters: { pw: hunter22, n: 12345678 }\nparameter_defaults: { tree: { k: leaf-value } }',
    none: 'hunter22: x',
  },
};
const OUTPUTS: Record<string, FoundOutput> = {
  'net/id': { is: 'given', value: { cidr: rawNumber('9007199254740993') }, hidden: false },
  'net/key': { is: 'given', value: 'from-its-secret', hidden: true },
  'net/nosuch': { is: 'missing', why: 'HeatStack "net" has no output "nosuch"' },
  'net/later': { is: 'awaited', why: 'HeatStack "net" is not Ready (Progressing)' },
  'net/own': { is: 'unexposed', why: 'HeatStack "net" keeps it to itself' },
};
const reader: InputReader = {
  read: async (kind, name) => {
    const data = OBJECTS[`${kind}/${name}`];
    return data && new Map(Object.entries(data));
  },
  output: async (stack, output) => OUTPUTS[`${stack}/${output}`] ?? { is: 'missing', why: 'no such' },
};

function resolve(spec: Partial<HeatStackSpec> = {}): Promise<Desired> {
  return resolveInputs({ ...SPEC, ...spec }, reader, (inputs) => digester.inputs('team/web', inputs));
}

/** What stands in the way, as `Reason: message`. */
async function problem(spec: Partial<HeatStackSpec>): Promise<string> {
  const error = await resolve(spec).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(InputError);
  const { reason, message } = error as InputError;
  return `${reason}: ${message}`;
}

async function inputs(spec: Partial<HeatStackSpec>): Promise<Desired['inputs']> {
  return (await resolve(spec)).inputs;
}

async function secrets(spec: Partial<HeatStackSpec>): Promise<Desired['secrets']> {
  return (await resolve(spec)).secrets;
}

test('everything that is sent has a value', async () => {
  expect(await inputs({})).toEqual({
    template: TEMPLATE,
    files: {},
    environment: {},
    parameters: {},
    tags: [],
    timeoutMins: 60,
    disableRollback: true,
  });
});

describe('nested too deeply', () => {
  let deep: Json = 1;
  for (let depth = 0; depth < 5000; depth += 1) deep = { a: deep };

  test.each<[string, Partial<HeatStackSpec>]>([
    ['spec.template.object', { template: { object: { deep } } }],
    ['spec.environments', { environments: [{ object: { parameters: { deep } } }] }],
    ['spec.parameters', { parameters: { deep: [deep] } }],
  ])('%s is refused', async (field, spec) => {
    await expect(resolve(spec)).rejects.toMatchObject({
      reason: 'InvalidConfiguration',
      message: `${field} is nested deeper than 100 levels; make it flatter`,
    });
  });
});

describe('the template', () => {
  test.each<[string, TemplateSource, unknown]>([
    ['inline, untouched', { inline: 'a:   2018-08-31 # as it is\n' }, 'a:   2018-08-31 # as it is\n'],
    ['an object', { object: { a: rawNumber('9007199254740993') } }, { a: rawNumber('9007199254740993') }],
    ['a key of a ConfigMap', { configMapKeyRef: { name: 'templates', key: 'web.yaml' } }, TEMPLATE],
    ['a key of a Secret', { secretKeyRef: { name: 'templates', key: 'web.yaml' } }, 'secret: template'],
  ])('is %s', async (_source, template, expected) => {
    expect((await inputs({ template })).template).toEqual(expected);
  });

  test.each([
    ['heat_template_version', '2018-08-31T00:00:00Z', '2018-08-31'],
    ['heat_template_version', 'rocky', 'rocky'],
    ['AWSTemplateFormatVersion', '2010-09-09T00:00:00Z', '2010-09-09'],
    ['description', '2018-08-31T00:00:00Z', '2018-08-31T00:00:00Z'],
  ])('an object with %s %s, as a tool made it, has %s', async (key, value, expected) => {
    expect((await inputs({ template: { object: { [key]: value } } })).template).toEqual({ [key]: expected });
  });

  test.each<[TemplateSource, InputError['reason'], string]>([
    [
      { configMapKeyRef: { name: 'nosuch', key: 'k' } },
      'DependencyNotReady',
      'spec.template.configMapKeyRef: there is no ConfigMap "nosuch" in this namespace; create it or correct the name',
    ],
    [
      { secretKeyRef: { name: 'nosuch', key: 'k' } },
      'DependencyNotReady',
      'spec.template.secretKeyRef: there is no Secret "nosuch" in this namespace; create it or correct the name',
    ],
    [
      { configMapKeyRef: { name: 'templates', key: 'nosuch' } },
      'DependencyNotReady',
      'spec.template.configMapKeyRef: ConfigMap "templates" has no key "nosuch"; add it or correct the key',
    ],
    [
      { configMapKeyRef: { name: 'templates', key: 'empty' } },
      'InvalidConfiguration',
      'spec.template.configMapKeyRef is empty; it must hold a Heat template',
    ],
    [
      { secretKeyRef: { name: 'heatstack-operator-digest-key', key: 'key' } },
      'InvalidConfiguration',
      `spec.template.secretKeyRef: Secret "heatstack-operator-digest-key" is the operator's own; name another one`,
    ],
    [{ inline: '' }, 'InvalidConfiguration', 'spec.template.inline is empty; it must hold a Heat template'],
    [
      {},
      'InvalidConfiguration',
      'spec.template has no source; set inline, object, configMapKeyRef or secretKeyRef',
    ],
  ])('%j can not be used', async (template, reason, message) => {
    const error = await resolve({ template }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ reason, message });
  });
});

describe('environments', () => {
  test('are read and merged', async () => {
    const { environment } = await inputs({
      environments: [
        { inline: 'parameters: { flag: yes, mode: 010, big: 9007199254740993 }\n' },
        { object: { parameters: { mode: 9 } } },
        { inline: '' },
      ],
    });
    expect(environment).toEqual({ parameters: { flag: true, mode: 9, big: rawNumber('9007199254740993') } });
  });

  test.each<[NonNullable<HeatStackSpec['environments']>, string]>([
    [
      [{ inline: '{}' }, { inline: 'a: [hunter2' }],
      'spec.environments[1].inline: it is not valid YAML at line 1, column 12',
    ],
    [[{ inline: '- a' }], 'spec.environments[0].inline: its root is not a map; correct it'],
    [[{ object: {} }, { object: { nosuch: {} } }], 'spec.environments[1]: unknown section "nosuch"'],
  ])('%j can not be used', async (environments, message) => {
    const error = await resolve({ environments }).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: 'InputError', reason: 'InvalidConfiguration' });
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain('hunter2');
  });
});

describe('files', () => {
  test('are those of spec.files over those of later sources over those of earlier ones', async () => {
    const { files } = await inputs({
      filesFrom: [{ configMapRef: { name: 'lib' } }, { secretRef: { name: 'keys' } }],
      files: { c: 'own c', d: 'own d' },
    });
    expect(files).toEqual({ a: 'secret a', b: 'cm b', c: 'own c', d: 'own d' });
  });

  test('have the names of items, and a prefix', async () => {
    const { files } = await inputs({
      filesFrom: [
        { configMapRef: { name: 'lib' }, prefix: 'all/' },
        {
          configMapRef: { name: 'lib' },
          prefix: 'some/',
          items: [
            { key: 'a', path: 'deep/a.yaml' },
            { key: 'a', path: '__proto__' },
          ],
        },
      ],
    });
    expect(Object.entries(files)).toEqual([
      ['all/a', 'cm a'],
      ['all/b', 'cm b'],
      ['some/deep/a.yaml', 'cm a'],
      ['some/__proto__', 'cm a'],
    ]);
  });

  test('that are optional may be missing, and the key of one', async () => {
    const { files } = await inputs({
      filesFrom: [
        { configMapRef: { name: 'nosuch', optional: true } },
        { secretRef: { name: 'nosuch', optional: true } },
        { secretRef: { name: 'keys', optional: true }, items: [{ key: 'nosuch', path: 'x' }] },
      ],
    });
    expect(files).toEqual({});
  });

  test('that are binary can be left out by items', async () => {
    const items = [{ key: 'good', path: 'good' }];
    expect((await inputs({ filesFrom: [{ configMapRef: { name: 'binary' }, items }] })).files).toEqual({
      good: 'text',
    });
  });

  test.each<[NonNullable<HeatStackSpec['filesFrom']>, string]>([
    [
      [{ configMapRef: { name: 'lib' } }, { configMapRef: { name: 'nosuch' } }],
      'DependencyNotReady: spec.filesFrom[1].configMapRef: there is no ConfigMap "nosuch" in this namespace; create it or correct the name',
    ],
    [
      [{ secretRef: { name: 'keys' }, items: [{ key: 'nosuch', path: 'x' }] }],
      'DependencyNotReady: spec.filesFrom[0].items[0]: Secret "keys" has no key "nosuch"; add it or correct the key',
    ],
    [
      [{ configMapRef: { name: 'binary' } }],
      `InvalidConfiguration: spec.filesFrom[0]: key "logo" of ConfigMap "binary" isn't text (UTF-8), and Heat takes nothing else; encode it, for example in base64, or leave it out`,
    ],
    [
      [{ secretRef: { name: 'heatstack-operator-digest-key' } }],
      `InvalidConfiguration: spec.filesFrom[0].secretRef: Secret "heatstack-operator-digest-key" is the operator's own; name another one`,
    ],
  ])('%j can not be used', async (filesFrom, expected) => {
    expect(await problem({ filesFrom })).toBe(expected);
  });

  test('are at most 256', async () => {
    OBJECTS['ConfigMap/many'] = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`k${at}`, '']));
    const once = [{ configMapRef: { name: 'many' } }];
    expect(Object.keys((await inputs({ filesFrom: [...once, ...once] })).files)).toHaveLength(200);
    expect(await problem({ filesFrom: [...once, { configMapRef: { name: 'many' }, prefix: 'b' }] })).toBe(
      'InvalidConfiguration: spec.filesFrom[1]: with it the stack has more than 256 files; take fewer',
    );
    const files = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`own${at}`, '']));
    expect(await problem({ filesFrom: once, files })).toContain('spec.files: with it');
  });
});

describe('environments by reference', () => {
  test('are merged with the others in their order', async () => {
    const { environment } = await inputs({
      environments: [
        { configMapKeyRef: { name: 'envs', key: 'base' } },
        { inline: 'parameters: { size: 2 }' },
        { secretKeyRef: { name: 'envs', key: 'hot' } },
      ],
    });
    expect(environment).toEqual({
      parameters: { size: 2, zone: 'a', pw: 'hunter22', n: 12345678 },
      parameter_defaults: { tree: { k: 'leaf-value' } },
    });
  });

  test.each<[NonNullable<HeatStackSpec['environments']>, string]>([
    [
      [{ inline: '' }, { configMapKeyRef: { name: 'envs', key: 'nosuch' } }],
      'DependencyNotReady: spec.environments[1].configMapKeyRef: ConfigMap "envs" has no key "nosuch"; add it or correct the key',
    ],
    [
      [{ configMapKeyRef: { name: 'envs', key: 'list' } }],
      'InvalidConfiguration: spec.environments[0].configMapKeyRef: its root is not a map; correct it',
    ],
    [
      [{ configMapKeyRef: { name: 'envs', key: 'wrong' } }],
      'InvalidConfiguration: spec.environments[0].configMapKeyRef: it is not valid YAML',
    ],
    [
      [{ secretKeyRef: { name: 'heatstack-operator-digest-key', key: 'key' } }],
      `InvalidConfiguration: spec.environments[0].secretKeyRef: Secret "heatstack-operator-digest-key" is the operator's own`,
    ],
  ])('%j can not be used', async (environments, expected) => {
    expect(await problem({ environments })).toContain(expected);
  });

  test('show nothing of a Secret that is no environment', async () => {
    const environments = [{ inline: '' }, { secretKeyRef: { name: 'envs', key: 'none' } }];
    expect(await problem({ environments })).toBe(
      "InvalidConfiguration: spec.environments[1].secretKeyRef: it has a section, or a merge strategy, that Heat doesn't know, or one of the wrong kind; correct it",
    );
  });
});

describe('parameters by reference', () => {
  const parametersFrom = [{ configMapRef: { name: 'lib' } }, { secretRef: { name: 'keys' } }];

  test('are those of spec.parameters over parameterValues over parametersFrom, the later over the earlier', async () => {
    const { parameters, environment } = await inputs({
      environments: [{ inline: 'parameters: { a: env, b: env, c: env, d: env, e: env }' }],
      parametersFrom,
      parameterValues: [
        { name: 'b', valueFrom: { configMapKeyRef: { name: 'lib', key: 'a' } } },
        { name: 'b', valueFrom: { secretKeyRef: { name: 'keys', key: 'c' } } },
        { name: 'd', valueFrom: { heatStackOutputRef: { name: 'net', output: 'id' } } },
      ],
      parameters: { c: 'own', b: null, e: null },
    });
    expect(parameters).toEqual({
      a: 'secret a',
      b: 'secret c',
      c: 'own',
      d: { cidr: rawNumber('9007199254740993') },
    });
    // What isn't set anywhere else stays to the environment.
    expect(environment['parameters']).toMatchObject({ e: 'env' });
  });

  test('have a prefix', async () => {
    const { parameters } = await inputs({
      parametersFrom: [{ configMapRef: { name: 'lib' }, prefix: 'x_' }],
    });
    expect(parameters).toEqual({ x_a: 'cm a', x_b: 'cm b' });
  });

  test('that are optional may be missing', async () => {
    const { parameters } = await inputs({
      parametersFrom: [{ secretRef: { name: 'nosuch', optional: true } }],
      parameterValues: [
        { name: 'a', valueFrom: { configMapKeyRef: { name: 'nosuch', key: 'k' }, optional: true } },
        { name: 'b', valueFrom: { secretKeyRef: { name: 'keys', key: 'nosuch' }, optional: true } },
        { name: 'c', valueFrom: { heatStackOutputRef: { name: 'net', output: 'nosuch' }, optional: true } },
      ],
    });
    expect(parameters).toEqual({});
  });

  test.each<[NonNullable<HeatStackSpec['parameterValues']>[number]['valueFrom'], string]>([
    [
      { configMapKeyRef: { name: 'nosuch', key: 'k' } },
      'DependencyNotReady: spec.parameterValues[0].valueFrom.configMapKeyRef: there is no ConfigMap "nosuch" in this namespace; create it or correct the name',
    ],
    [
      { secretKeyRef: { name: 'keys', key: 'nosuch' } },
      'DependencyNotReady: spec.parameterValues[0].valueFrom.secretKeyRef: Secret "keys" has no key "nosuch"; add it or correct the key',
    ],
    [
      { secretKeyRef: { name: 'heatstack-operator-digest-key', key: 'key' } },
      `InvalidConfiguration: spec.parameterValues[0].valueFrom.secretKeyRef: Secret "heatstack-operator-digest-key" is the operator's own; name another one`,
    ],
    [
      { configMapKeyRef: { name: 'templates', key: 'binary' }, optional: true },
      `InvalidConfiguration: spec.parameterValues[0].valueFrom.configMapKeyRef: key "binary" of ConfigMap "templates" isn't text (UTF-8), and Heat takes nothing else; encode it, for example in base64, or leave it out`,
    ],
    [
      { heatStackOutputRef: { name: 'net', output: 'nosuch' } },
      'DependencyNotReady: spec.parameterValues[0].valueFrom.heatStackOutputRef: HeatStack "net" has no output "nosuch"',
    ],
    [
      { heatStackOutputRef: { name: 'net', output: 'later' }, optional: true },
      'DependencyNotReady: spec.parameterValues[0].valueFrom.heatStackOutputRef: HeatStack "net" is not Ready (Progressing)',
    ],
    [
      { heatStackOutputRef: { name: 'net', output: 'own' }, optional: true },
      'InvalidConfiguration: spec.parameterValues[0].valueFrom.heatStackOutputRef: HeatStack "net" keeps it to itself',
    ],
  ])('%j can not be used', async (valueFrom, expected) => {
    expect(await problem({ parameterValues: [{ name: 'p', valueFrom }] })).toBe(expected);
  });

  test("of the operator's own Secret, or nested too deeply, can not be used", async () => {
    const own = { secretRef: { name: 'heatstack-operator-digest-key' } };
    expect(await problem({ parametersFrom: [own] })).toContain("is the operator's own");
    let deep: Json = 1;
    for (let depth = 0; depth < 5000; depth += 1) deep = [deep];
    OUTPUTS['net/deep'] = { is: 'given', value: deep, hidden: false };
    const valueFrom = { heatStackOutputRef: { name: 'net', output: 'deep' } };
    expect(await problem({ parameterValues: [{ name: 'p', valueFrom }] })).toContain(
      'nested deeper than 100',
    );
  });

  test('are at most 1000', async () => {
    OBJECTS['ConfigMap/thousand'] = Object.fromEntries(
      Array.from({ length: 1000 }, (_, at) => [`k${at}`, '']),
    );
    const thousand = { configMapRef: { name: 'thousand' } };
    expect(Object.keys((await inputs({ parametersFrom: [thousand] })).parameters)).toHaveLength(1000);
    expect(await problem({ parametersFrom: [thousand], parameters: { own: 1 } })).toBe(
      'InvalidConfiguration: spec.parameters: with it the stack has more than 1000 parameters; take fewer',
    );
  });
});

describe('inputs that are too large', () => {
  const KIB = 1024;
  const fill = (kib: number) => 'x'.repeat(kib * KIB);

  test('are told, with their parts and the largest file', async () => {
    OBJECTS['ConfigMap/large'] = { 'big.yaml': fill(900), 'small.yaml': fill(100) };
    const filesFrom = [{ configMapRef: { name: 'large' }, prefix: 'lib/' }];
    expect((await inputs({ filesFrom })).files).toHaveProperty(['lib/big.yaml']);
    expect(await problem({ filesFrom, parameters: { p: fill(50) } })).toBe(
      'InvalidConfiguration: the inputs need 1051 KiB (template 1 KiB; files 1001 KiB, the largest "lib/big.yaml"; environment 1 KiB; parameters 51 KiB), and Heat takes 1024 KiB in a request; make them smaller',
    );
  });

  test('are told however large they are', async () => {
    OBJECTS['ConfigMap/huge'] = { a: fill(1000) };
    const items = Array.from({ length: 250 }, (_, at) => ({ key: 'a', path: `f${at}` }));
    expect(await problem({ filesFrom: [{ configMapRef: { name: 'huge' }, items }] })).toContain(
      'files 250000 KiB, the largest "f0"',
    );
    OBJECTS['ConfigMap/env'] = { e: `a: ${fill(600)}` };
    const environments = Array.from({ length: 2 }, () => ({ configMapKeyRef: { name: 'env', key: 'e' } }));
    expect(await problem({ environments: environments.slice(0, 1) })).toContain('larger than 512 KiB');
    OBJECTS['ConfigMap/env'] = { e: `# ${fill(500)}` };
    const many = Array.from({ length: 3 }, () => ({ configMapKeyRef: { name: 'env', key: 'e' } }));
    expect(await problem({ environments: many })).toContain(
      'spec.environments have more than 1024 KiB of text, and Heat takes 1024 KiB in a request',
    );
  });
});

test('parameters that are null are not set, others stay what they are', async () => {
  const parameters = {
    a: null,
    b: 0,
    c: '',
    d: false,
    e: [null],
    f: { g: null },
    h: rawNumber('9007199254740993'),
  };
  const { a: _, ...set } = parameters;
  expect((await inputs({ parameters })).parameters).toEqual(set);
});

test.each([
  ['1m', 1],
  ['60m', 60],
  ['61s', 2],
  ['90s', 2],
  ['1h30m', 90],
  ['1ms', 1],
  ['0s', 1],
])('a timeout of %s is %i minutes', async (timeout, minutes) => {
  expect((await inputs({ timeout })).timeoutMins).toBe(minutes);
});

test('tags are a set', async () => {
  expect((await inputs({ tags: ['b', 'a', 'b'] })).tags).toEqual(['a', 'b']);
  const { digest } = await resolve({ tags: ['b', 'a'] });
  expect(digest).toBe((await resolve({ tags: ['a', 'b', 'a'] })).digest);
});

describe('the digest', () => {
  test.each<Partial<HeatStackSpec>>([
    { template: { inline: `${TEMPLATE} ` } },
    { files: { a: '' } },
    { environments: [{ inline: 'parameters: { a: 1 }' }] },
    { parameters: { a: 1 } },
    { tags: ['a'] },
    { timeout: '61m' },
    { rollbackOnFailure: true },
  ])('is another one for %j', async (change) => {
    expect((await resolve(change)).digest).not.toBe((await resolve()).digest);
  });

  test.each<Partial<HeatStackSpec>>([
    { timeout: '3600s' },
    { parameters: { a: null } },
    { environments: [{ inline: '' }] },
    { suspend: true },
    { resyncPeriod: '1h' },
    { template: { configMapKeyRef: { name: 'templates', key: 'web.yaml' } } },
    { cloudCredentialsRef: { secretName: 'other', cloudName: 'other' } },
    { filesFrom: [{ configMapRef: { name: 'nosuch', optional: true } }] },
    { dependsOn: [{ name: 'net' }] },
  ])('is the same for %j', async (change) => {
    expect((await resolve(change)).digest).toBe((await resolve()).digest);
  });
});

describe('the marker', () => {
  test('goes into the environment beside what is there, and comes back', () => {
    const environment = { parameters: { a: 1 }, parameter_defaults: { b: 2 } };
    const marked = markedEnvironment(environment, 'h1:x');
    expect(marked).toEqual({ parameters: { a: 1 }, parameter_defaults: { b: 2, heatstack_digest: 'h1:x' } });
    expect(environment.parameter_defaults).toEqual({ b: 2 });
    expect(digestMarker(marked)).toBe('h1:x');
    expect(digestMarker(markedEnvironment({}, 'h1:x'))).toBe('h1:x');
  });

  test("is the operator's alone", () => {
    expect(
      digestMarker(markedEnvironment({ parameter_defaults: { heatstack_digest: 'forged' } }, 'h1:x')),
    ).toBe('h1:x');
  });

  test.each([
    {},
    { parameter_defaults: null },
    { parameter_defaults: {} },
    { parameter_defaults: { heatstack_digest: 5 } },
  ])('is not in %j', (environment) => {
    expect(digestMarker(environment)).toBeUndefined();
  });
});

describe('values that must not be shown', () => {
  const hot =
    'parameters:\n  pw: { type: string, hidden: true, default: from-default }\n  size: { type: number }\n';

  test('are those of hidden parameters, wherever they are given', async () => {
    const found = await secrets({
      template: { inline: hot },
      parameters: { pw: 'from-parameters', size: 5 },
      environments: [
        { inline: 'parameters: { pw: from-env, size: 6 }\nparameter_defaults: { pw: from-defaults }' },
      ],
    });
    expect(found.toSorted()).toEqual(['from-default', 'from-defaults', 'from-env', 'from-parameters']);
  });

  test('are also the members of a text that Heat reads as a list or as JSON', async () => {
    const inline =
      'parameters: { l: { type: comma_delimited_list, hidden: true, default: "c,d" }, j: { type: json, hidden: true }, s: { hidden: true } }';
    const parameters = { l: 'a,b', j: '{"k":["v"]}', s: 'x,y' };
    const found = await secrets({ template: { inline }, parameters });
    expect(found).toEqual(['c,d', ['c', 'd'], 'a,b', ['a', 'b'], '{"k":["v"]}', { k: ['v'] }, 'x,y']);
    expect(await secrets({ template: { inline }, parameters: { j: '{"k' } })).toContain('{"k');
  });

  test('are found in an object, in JSON, in CloudFormation form and in nested files', async () => {
    const parameters = { pw: 'x' };
    const object = { parameters: { pw: { type: 'string', hidden: true } } };
    const cfn = { Parameters: { pw: { Type: 'String', NoEcho: 'true', Default: 'cfn-default' } } };
    expect(await secrets({ template: { object }, parameters })).toEqual(['x']);
    expect(await secrets({ template: { inline: JSON.stringify(object) }, parameters })).toEqual(['x']);
    expect(await secrets({ template: { object: cfn }, parameters })).toEqual(['cfn-default', 'x']);
    expect(
      await secrets({
        files: { 'nested.yaml': hot },
        environments: [{ object: { parameter_defaults: parameters } }],
      }),
    ).toEqual(['from-default', 'x']);
  });

  test.each([
    ['true', true],
    ['yes', true],
    ['"true"', true],
    ['"yes"', true],
    ['1', true],
    ['y', true],
    ['false', false],
    ['no', false],
    ['"False"', false],
    ['0', false],
    ['', false],
  ])('hidden: %s hides: %s', async (hidden, hides) => {
    const template = { inline: `parameters: { pw: { type: string, hidden: ${hidden} } }` };
    expect(await secrets({ template, parameters: { pw: 'x' } })).toEqual(hides ? ['x'] : []);
  });

  test.each([
    '"hidd\\u0065n": true',
    '"\\x68\\U00000069dden": true',
    '"NoEch\\u006f": true',
    '? hidden\n      : true',
    '<<: *secret',
    '<<: [*secret]',
    '*key : true',
    '!!str hidden: true',
    'hidden: !!bool "true"',
    'hidden: !!binary dHJ1ZQ==',
  ])('are those of parameters that are hidden by %s', async (hides) => {
    const inline = `heat_template_version: 2021-04-16
conditions: { a: &secret { "hi\\x64den": true }, &key "hi\\x64den": false }
parameters:
    pw:
      type: string
      ${hides}
`;
    expect(await secrets({ template: { inline }, parameters: { pw: 'x' } })).toEqual(['x']);
  });

  test('are those of a template in JSON with escapes, with a joined key, and of one with escapes that can not be read', async () => {
    const parameters = { pw: 'x' };
    const json = '{"parameters": {"pw": {"hidd\\u0065n": true}}}';
    expect(await secrets({ template: { inline: json }, parameters })).toEqual(['x']);
    const joined = 'parameters:\n  pw:\n    ? "hid\\\n      den"\n    : true\n';
    expect(await secrets({ template: { inline: joined }, parameters })).toEqual(['x']);
    const unread = '"heat_templat\\x65_version": 2021-04-16\n"hidd\\x65n": [';
    expect(await secrets({ template: { inline: unread }, parameters })).toEqual(['x']);
  });

  test('are those of a template that only Heat can read, too', async () => {
    const parameters = { pw: 'x', size: 5 };
    const twice = `heat_template_version: 2021-04-16\n${hot}description: a\ndescription: b\n`;
    expect(await secrets({ template: { inline: twice }, parameters })).toEqual(['from-default', 'x']);
    const aliases = `heat_template_version: 2021-04-16\n${hot}outputs: [&a {}, ${Array(200).fill('*a').join(', ')}]\n`;
    expect(await secrets({ template: { inline: aliases }, parameters })).toContain('x');
  });

  test('are all parameters when the templates are together larger than what is read, but no other large file counts', async () => {
    const nested = `${TEMPLATE}# hidden ${'x'.repeat(300 * 1024)}\n`;
    const script = `#!/bin/sh\n# hidden ${'x'.repeat(300 * 1024)}\n`;
    const parameters = { plain: 'x' };
    const template = { inline: nested };
    expect(await secrets({ template, files: { 'script.sh': script }, parameters })).toEqual([]);
    expect(await secrets({ template, files: { 'nested.yaml': nested }, parameters })).toEqual(['x']);
  });

  test('are all parameters when the template can not be read at all', async () => {
    const template = { inline: 'heat_template_version: 2021-04-16\nhidden: [' };
    expect(await secrets({ template, parameters: { a: 'x', b: 5 } })).toEqual(['x', 5]);
  });

  test('are none because of a file that is no template', async () => {
    const files = { 'page.html': '<input type="hidden">: [', 'script.sh': 'echo hidden: {{ \\\n  "a\\n"' };
    expect(await secrets({ files, parameters: { a: 'x' } })).toEqual([]);
  });

  test('are all that comes out of a Secret', async () => {
    const found = await secrets({
      filesFrom: [{ secretRef: { name: 'keys' }, items: [{ key: 'a', path: 'f' }] }],
      environments: [{ secretKeyRef: { name: 'envs', key: 'hot' } }],
      parametersFrom: [{ configMapRef: { name: 'lib' } }],
      parameterValues: [
        { name: 'p', valueFrom: { secretKeyRef: { name: 'templates', key: 'web.yaml' } } },
        { name: 'q', valueFrom: { heatStackOutputRef: { name: 'net', output: 'key' } } },
        { name: 'r', valueFrom: { heatStackOutputRef: { name: 'net', output: 'id' } } },
        { name: 'p', valueFrom: { configMapKeyRef: { name: 'lib', key: 'a' } } },
      ],
    });
    expect(found).toEqual([
      'secret a',
      OBJECTS['Secret/envs']?.['hot'],
      'hunter22',
      12345678,
      { k: 'leaf-value' },
      'secret: template',
      'from-its-secret',
    ]);
    expect(await secrets({ parametersFrom: [{ secretRef: { name: 'keys' } }] })).toEqual([
      'secret a',
      'secret c',
    ]);
  });

  test('are a template from a Secret, whole', async () => {
    const template = { secretKeyRef: { name: 'templates', key: 'web.yaml' } };
    expect(await secrets({ template })).toEqual(['secret: template']);
  });
});
