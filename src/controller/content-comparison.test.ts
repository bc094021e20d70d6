import { describe, expect, test } from 'vitest';
import { type Json, type JsonObject, parseJson, rawNumber } from '../json.ts';
import { compareContent } from './content-comparison.ts';
import type { StackInputs } from './inputs.ts';
import type { LiveInputs } from './live-inputs.ts';

const TEMPLATE = 'heat_template_version: 2018-08-31\nresources: {}\n';
const TAGS = ['heatstack.dev/cluster=1', 'heatstack.dev/object=team/web', 'own'];

function wanted(inputs: Partial<StackInputs> = {}): StackInputs {
  return {
    template: TEMPLATE,
    files: {},
    environment: {},
    parameters: {},
    tags: TAGS,
    timeoutMins: 60,
    disableRollback: true,
    ...inputs,
  };
}

/** As Heat 27 gives out what {@link wanted} has. */
function live(inputs: Partial<LiveInputs> = {}, environment: JsonObject = {}): LiveInputs {
  return {
    template: { heat_template_version: '2018-08-31', resources: {} },
    files: {},
    environment: {
      parameters: {},
      parameter_defaults: { heatstack_digest: 'h2:1' },
      resource_registry: { resources: {} },
      event_sinks: [],
      encrypted_param_names: [],
      ...environment,
    },
    tags: TAGS,
    timeoutMins: 60,
    disableRollback: true,
    ...inputs,
  };
}

const SAME = { differing: [], unseen: [] };
const differs = (...differing: string[]) => ({ differing, unseen: [] });

test('finds inputs equal that Heat gives out as it does', () => {
  expect(compareContent(wanted(), live())).toEqual(SAME);
});

test('names all that differs, in a fixed order, and no value', () => {
  const comparison = compareContent(
    wanted({
      files: { b: 'secret-1', a: 'secret-2' },
      environment: { event_sinks: [{ type: 'zaqar-queue', target: 'secret-3' }] },
      parameters: { size: 'secret-4' },
    }),
    live(
      { template: { resources: 'secret-5' }, tags: [], timeoutMins: 61, disableRollback: false },
      { parameter_defaults: { x: 'secret-6' }, resource_registry: { 'My::T': 'secret-7' } },
    ),
  );
  expect(comparison).toEqual(
    differs(
      'template',
      'files/a',
      'files/b',
      'environment/resource_registry',
      'environment/event_sinks',
      'environment/parameter_defaults/x',
      'parameters/size',
      'tags',
      'timeout',
      'rollbackOnFailure',
    ),
  );
});

describe('the template', () => {
  const value = (text: string) => `resources: { v: { value: ${text} } }`;
  const read = (json: string) => parseJson(`{"resources":{"v":{"value":${json}}}}`) as JsonObject;

  // What Heat 27 made of each.
  test.each([
    ['yes', 'true'],
    ['off', 'false'],
    ['010', '8'],
    ['0xFF', '255'],
    ['1_000', '1000'],
    ['12:30:45', '45045'],
    ['1.10', '1.1'],
    ['1.0', '1.0'],
    ['1e3', '"1e3"'],
    ['1.0e+3', '1000.0'],
    ['-0', '0'],
    ['~', 'null'],
    ['', 'null'],
    ['y', '"y"'],
    ['2018-01-02', '"2018-01-02"'],
    ['2001-12-14t21:59:43.10-05:00', '"2001-12-14t21:59:43.10-05:00"'],
    ['9007199254740993', '9007199254740993'],
    ['0.1234567890123456789', '0.12345678901234568'],
    ['{ yes: 1, 010: 2, 1.10: 3, "10": 4 }', '{"10":4,"8":2,"true":1,"1.1":3}'],
    ['{ a: 1, a: 2 }', '{"a":2}'],
    ['"\\u00e9\\U0001F600"', '"é😀"'],
  ])('is what Heat reads in it: %s is %s', (yaml, json) => {
    const template = value(yaml);
    expect(compareContent(wanted({ template }), live({ template: read(json) }))).toEqual(SAME);
    expect(compareContent(wanted({ template }), live({ template: read('"other"') }))).toEqual(
      differs('template'),
    );
  });

  test.each<[string, StackInputs['template']]>([
    ['JSON', '{"heat_template_version": "2018-08-31",\t"resources": {}}'],
    ['an object', { resources: {}, heat_template_version: '2018-08-31' }],
    ['YAML with Windows line ends', TEMPLATE.replaceAll('\n', '\r\n')],
    ['YAML with comments', `# what it is for\n${TEMPLATE}`],
  ])('is the same as %s', (_, template) => {
    expect(compareContent(wanted({ template }), live())).toEqual(SAME);
  });

  test('keeps the order of lists and the case of text', () => {
    const template = 'a: [x, y]';
    expect(compareContent(wanted({ template }), live({ template: { a: ['y', 'x'] } }))).toEqual(
      differs('template'),
    );
    expect(compareContent(wanted({ template }), live({ template: { a: ['X', 'y'] } }))).toEqual(
      differs('template'),
    );
  });

  test.each<[string, Partial<StackInputs>, Partial<LiveInputs>]>([
    ['can not be read here', { template: 'a: .inf' }, {}],
    ['is nested too deeply', { template: `${'{"a":'.repeat(200)}1${'}'.repeat(200)}` }, {}],
    ['is none that Heat can give out', {}, { template: undefined }],
  ])('that %s is not compared', (_, inputs, theirs) => {
    expect(compareContent(wanted(inputs), live(theirs))).toEqual({ differing: [], unseen: ['template'] });
  });
});

describe('files', () => {
  test('that are too large to be read are not compared', () => {
    const { differing, unseen } = compareContent(wanted({ files: { a: 'b' } }), live({ files: undefined }));
    expect({ differing, unseen }).toEqual({ differing: [], unseen: ['files'] });
  });

  const files = { 'web.yaml': 'a: 1\r\n', empty: '' };

  test.each<[string, Record<string, string>, string[]]>([
    ['the same', { empty: '', 'web.yaml': 'a: 1\r\n' }, []],
    ['another line end', { ...files, 'web.yaml': 'a: 1\n' }, ['files/web.yaml']],
    ['one that is missing', { 'web.yaml': 'a: 1\r\n' }, ['files/empty']],
    ['one more', { ...files, other: 'x' }, ['files/other']],
    ['one that Heat fetched itself', { ...files, 'https://example.com/a.yaml': 'x' }, []],
  ])('%s', (_, theirs, differing) => {
    expect(compareContent(wanted({ files }), live({ files: theirs }))).toEqual(differs(...differing));
  });

  test('that has a URL for a name and is sent is compared', () => {
    const url = 'http://example.com/a.yaml';
    const theirs = live({ files: { [url]: 'b' } });
    expect(compareContent(wanted({ files: { [url]: 'a' } }), theirs)).toEqual(differs(`files/${url}`));
  });

  test('that is called like a member of every object is an ordinary file', () => {
    expect(compareContent(wanted({ files: { constructor: 'a' } }), live())).toEqual(
      differs('files/constructor'),
    );
  });
});

describe('the registry', () => {
  // What Heat 27 made of each.
  test.each<[string, JsonObject, JsonObject]>([
    ['a file that the template uses as a type', {}, { 'web.yaml': 'web.yaml', resources: {} }],
    [
      'a type that a pattern fits',
      { 'My::*': 'OS::Heat::*' },
      { resources: {}, 'My::*': 'OS::Heat::*', 'My::Value': 'OS::Heat::*' },
    ],
    ['null, which takes a type out', { 'OS::Gone': null }, { resources: {} }],
    [
      'entries for one resource',
      { resources: { a: { 'My::T': 'b.yaml', hooks: ['pre-update'], restricted_actions: 'replace' } } },
      { resources: { a: { hooks: ['pre-update'], 'My::T': 'b.yaml', restricted_actions: 'replace' } } },
    ],
    [
      'a base_url and an alias',
      { base_url: 'file:///x', 'My::V': 'OS::Heat::Value' },
      { 'My::V': 'OS::Heat::Value', base_url: 'file:///x', resources: {} },
    ],
  ])('%s is none', (_, ours, theirs) => {
    const comparison = compareContent(
      wanted({ environment: { resource_registry: ours } }),
      live({}, { resource_registry: theirs }),
    );
    expect(comparison).toEqual(SAME);
  });

  test.each<[string, JsonObject, JsonObject]>([
    ['another target', { 'My::T': 'a.yaml' }, { 'My::T': 'b.yaml' }],
    ['an entry more', {}, { 'My::T': 'b.yaml' }],
    ['an entry less', { 'My::T': 'b.yaml' }, {}],
    ['one for a pattern with another target', { 'My::*': 'A::*' }, { 'My::*': 'A::*', 'My::V': 'B::*' }],
    ['a hook', {}, { resources: { a: { hooks: 'pre-update' } } }],
  ])('%s is one', (_, ours, theirs) => {
    const comparison = compareContent(
      wanted({ environment: { resource_registry: ours } }),
      live({}, { resource_registry: theirs }),
    );
    expect(comparison).toEqual(differs('environment/resource_registry'));
  });
});

test.each<[string, JsonObject, JsonObject, string[]]>([
  ['none and none', {}, { event_sinks: [] }, []],
  ['the same', { event_sinks: [{ type: 'a', ttl: 5 }] }, { event_sinks: [{ ttl: 5, type: 'a' }] }, []],
  ['one more', {}, { event_sinks: [{ type: 'a' }] }, ['environment/event_sinks']],
])('event sinks: %s', (_, environment, theirs, differing) => {
  expect(compareContent(wanted({ environment }), live({}, theirs))).toEqual(differs(...differing));
});

describe('defaults of parameters', () => {
  test.each<[string, JsonObject, JsonObject, string[]]>([
    ['the same', { a: { b: [1, null] } }, { a: { b: [1, null] }, heatstack_digest: 'h2:2' }, []],
    ['without our marker, as after a PUT', {}, {}, []],
    ['a marker of the user', { heatstack_digest: 'x' }, {}, []],
    ['another', { a: 'x' }, { a: 'y' }, ['environment/parameter_defaults/a']],
    ['one more', {}, { a: 'y' }, ['environment/parameter_defaults/a']],
    ['one less', { a: 'x' }, {}, ['environment/parameter_defaults/a']],
  ])('%s', (_, ours, theirs, differing) => {
    const environment = { parameter_defaults: ours };
    expect(compareContent(wanted({ environment }), live({}, { parameter_defaults: theirs }))).toEqual(
      differs(...differing),
    );
  });
});

describe('parameters', () => {
  const compare = (ours: JsonObject, theirs: JsonObject, environment: JsonObject = {}) =>
    compareContent(wanted({ environment, parameters: ours }), live({}, { parameters: theirs }));

  test('are merged with those of the environment, whole values', () => {
    const environment = { parameters: { a: 1, b: { x: 1 } } };
    expect(compare({ b: { y: 2 } }, { a: 1, b: { y: 2 } }, environment)).toEqual(SAME);
    expect(compare({ b: { y: 2 } }, { a: 1, b: { x: 1, y: 2 } }, environment)).toEqual(
      differs('parameters/b'),
    );
  });

  test.each<[Json, Json]>([
    [5, 5],
    [5, '5'],
    ['5', 5],
    [1.5, '1.5'],
    [true, 'True'],
    ['false', false],
    [rawNumber('9007199254740993'), '9007199254740993'],
    [rawNumber('9007199254740993'), rawNumber('9007199254740993')],
    [rawNumber('0.1234567890123456789'), 0.12345678901234568],
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [
      { x: [1, null], y: 'z' },
      { y: 'z', x: [1, null] },
    ],
    ['', ''],
  ])('%j and %j are the same', (ours, theirs) => {
    expect(compare({ size: ours }, { size: theirs })).toEqual(SAME);
  });

  test.each<[Json, Json]>([
    ['5', '05'],
    ['yes', true],
    ['Big', 'big'],
    [rawNumber('9007199254740993'), 9007199254740992],
    [
      ['a', 'b'],
      ['b', 'a'],
    ],
    [{ x: 1 }, { x: '1' }],
    ['', null],
  ])('%j and %j are not the same', (ours, theirs) => {
    expect(compare({ size: ours }, { size: theirs })).toEqual(differs('parameters/size'));
  });

  test('that are hidden are not seen', () => {
    const environment = { parameter_defaults: { key: 'b' } };
    const theirs = live({}, { parameters: { password: '******' }, parameter_defaults: { key: '******' } });
    expect(compareContent(wanted({ environment, parameters: { password: 'a' } }), theirs)).toEqual({
      differing: [],
      unseen: ['environment/parameter_defaults/key', 'parameters/password'],
    });
  });

  test('that are hidden differ when only one side has them', () => {
    expect(compare({}, { password: '******' })).toEqual(differs('parameters/password'));
    expect(compare({ password: 'a' }, {})).toEqual(differs('parameters/password'));
  });

  test('that older Heat shows are compared', () => {
    expect(compare({ password: 'a' }, { password: 'b' })).toEqual(differs('parameters/password'));
  });

  test('called like a member of every object are ordinary ones', () => {
    expect(compare({ toString: 'a' }, {})).toEqual(differs('parameters/toString'));
  });
});

test.each<[string, Partial<LiveInputs>, string[]]>([
  ['in another order', { tags: TAGS.toReversed() }, []],
  ['twice', { tags: [...TAGS, 'own'] }, []],
  ['one more', { tags: [...TAGS, 'theirs'] }, ['tags']],
  ['none, as after a PUT', { tags: [] }, ['tags']],
])('tags: %s', (_, theirs, differing) => {
  expect(compareContent(wanted(), live(theirs))).toEqual(differs(...differing));
});

test.each<[Partial<LiveInputs>, string]>([
  [{ timeoutMins: undefined }, 'timeout'],
  [{ timeoutMins: 30 }, 'timeout'],
  [{ disableRollback: false }, 'rollbackOnFailure'],
])('%j is another %s', (theirs, field) => {
  expect(compareContent(wanted(), live(theirs))).toEqual(differs(field));
});
