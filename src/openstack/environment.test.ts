import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../json.ts';
import { mergeEnvironments } from './environment.ts';
import { ConfigError, createError } from './errors.ts';

test('none, and empty ones, are an empty environment', () => {
  expect(mergeEnvironments([])).toEqual({});
  expect(mergeEnvironments([{}, {}])).toEqual({});
});

describe('as openstacksdk merges several files', () => {
  test('maps are merged deeply, scalars and lists replaced', () => {
    expect(
      mergeEnvironments([
        {
          parameters: { image: 'a', size: 1, zones: ['x', 'y'], labels: { a: { b: 1, c: 2 } } },
          resource_registry: { 'OS::Nova::Server': 'a.yaml', resources: { web: { hooks: 'pre-create' } } },
        },
        {
          parameters: { size: 2, zones: ['z'], labels: { a: { c: 3 }, d: 4 } },
          parameter_defaults: { dns: ['1.1.1.1'] },
          resource_registry: { resources: { web: { restricted_actions: 'replace' }, db: {} } },
        },
      ]),
    ).toEqual({
      parameters: { image: 'a', size: 2, zones: ['z'], labels: { a: { b: 1, c: 3 }, d: 4 } },
      parameter_defaults: { dns: ['1.1.1.1'] },
      resource_registry: {
        'OS::Nova::Server': 'a.yaml',
        resources: { web: { hooks: 'pre-create', restricted_actions: 'replace' }, db: {} },
      },
    });
  });

  test('a map takes the place of a scalar and a scalar that of a map', () => {
    expect(
      mergeEnvironments([
        { parameters: { a: 1, b: { c: 1 }, d: null } },
        { parameters: { a: { x: 1 }, b: 2, d: { y: 1 } } },
      ]),
    ).toEqual({ parameters: { a: { x: 1 }, b: 2, d: { y: 1 } } });
  });

  test('null replaces a value, but not a section', () => {
    expect(
      mergeEnvironments([
        { parameters: { a: 1 }, event_sinks: ['s'] },
        { parameters: { a: null } },
        { parameters: null, resource_registry: null, event_sinks: null, parameter_merge_strategies: null },
      ]),
    ).toEqual({ parameters: { a: null }, event_sinks: ['s'] });
  });

  test('event_sinks are joined', () => {
    expect(mergeEnvironments([{ event_sinks: ['a', 'b'] }, {}, { event_sinks: ['b', 'c'] }])).toEqual({
      event_sinks: ['a', 'b', 'b', 'c'],
    });
  });

  test('the environments themselves stay as they are', () => {
    const first = { parameters: { a: { b: 1 } }, event_sinks: ['x'] };
    const before = structuredClone(first);
    mergeEnvironments([first, { parameters: { a: { c: 2 } }, event_sinks: ['y'] }]);
    expect(first).toEqual(before);
  });

  test('one alone stays what it is, and twice is as once', () => {
    const json = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>;
    const section = fc.dictionary(fc.string({ maxLength: 3 }), json, { noNullPrototype: true });
    const environment: fc.Arbitrary<JsonObject> = fc.record({
      parameters: section,
      parameter_defaults: section,
      resource_registry: section,
    });
    fc.assert(
      fc.property(environment, environment, (a, b) => {
        expect(mergeEnvironments([a])).toEqual(a);
        expect(mergeEnvironments([a, a])).toEqual(a);
        // In which order the merges are done makes no difference.
        expect(mergeEnvironments([mergeEnvironments([a, b]), a])).toEqual(mergeEnvironments([a, b, a]));
      }),
      { numRuns: 200 },
    );
  });
});

describe('parameter_merge_strategies', () => {
  function merge(old: Json, next: Json, strategy: Json, section = 'parameters'): Json | undefined {
    const merged = mergeEnvironments([
      { [section]: { p: old } },
      { [section]: { p: next }, parameter_merge_strategies: { p: strategy } },
    ]);
    expect(merged).not.toHaveProperty('parameter_merge_strategies');
    return (merged[section] as JsonObject)['p'];
  }

  test.each<[strategy: string, old: Json, next: Json, merged: Json]>([
    ['overwrite', { a: 1 }, { b: 2 }, { b: 2 }],
    ['overwrite', ['a'], ['b'], ['b']],
    ['merge', ['a'], ['b', 'a'], ['a', 'b', 'a']],
    ['merge', { a: { x: 1 }, b: 1 }, { a: { y: 2 } }, { a: { y: 2 }, b: 1 }],
    ['deep_merge', { a: { x: 1 }, b: [1] }, { a: { y: 2 }, b: [2] }, { a: { x: 1, y: 2 }, b: [1, 2] }],
    ['merge', { a: 1 }, { a: null, b: 2 }, { a: 1, b: 2 }],
    ['merge', 'a,b', 'c', 'a,b,c'],
    ['merge', 'a', 'b,c', 'a,b,c'],
    ['merge', 'one', 'two', 'onetwo'],
    ['merge', '', 'two', 'two'],
    ['merge', null, ['a'], ['a']],
    ['merge', 1, 2, 2],
    ['merge', ['a'], 'b', 'b'],
    ['merge', { a: 1 }, ['b'], ['b']],
  ])('%s of %j and %j is %j', (strategy, old, next, merged) => {
    expect(merge(old, next, strategy)).toEqual(merged);
    expect(merge(old, next, strategy, 'parameter_defaults')).toEqual(merged);
  });

  test('a default strategy holds for parameters without their own', () => {
    expect(
      mergeEnvironments([
        { parameters: { a: ['1'], b: ['1'], constructor: ['1'] } },
        {
          parameters: { a: ['2'], b: ['2'], constructor: ['2'] },
          parameter_merge_strategies: { default: 'merge', b: 'overwrite' },
        },
      ]),
    ).toEqual({ parameters: { a: ['1', '2'], b: ['2'], constructor: ['1', '2'] } });
  });

  test('hold for the environment that they stand in, and not for the registry', () => {
    expect(
      mergeEnvironments([
        { parameters: { a: ['1'] }, resource_registry: { r: { x: 1 } } },
        {
          parameters: { a: ['2'] },
          resource_registry: { r: { y: 2 } },
          parameter_merge_strategies: { default: 'merge' },
        },
        { parameters: { a: ['3'] } },
      ]),
    ).toEqual({ parameters: { a: ['3'] }, resource_registry: { r: { x: 1, y: 2 } } });
  });

  test.each([['append'], [1], [null], [{}]])('%j is refused', (strategy) => {
    expect(() => merge('a', 'b', strategy)).toThrow(
      createError(
        'ConfigError',
        'environment 2: parameter_merge_strategies of "p" must be one of overwrite, merge, deep_merge',
      ),
    );
  });
});

test('the empty list of encrypted parameters that Heat shows is left out', () => {
  expect(mergeEnvironments([{ encrypted_param_names: [] }, { parameters: { a: 1 } }])).toEqual({
    parameters: { a: 1 },
  });
});

describe('what Heat would refuse', () => {
  test.each<[JsonObject, string]>([
    [{ parameter: {} }, 'unknown section "parameter"; Heat knows parameters, parameter_defaults,'],
    [{ resources: {} }, 'unknown section "resources"'],
    [{ encrypted_param_names: ['a'] }, '"encrypted_param_names" is Heat\'s own; remove it'],
    [{ parameters: [] }, 'section "parameters" must be a map'],
    [{ resource_registry: 'a.yaml' }, 'section "resource_registry" must be a map'],
    [{ event_sinks: {} }, 'section "event_sinks" must be a list'],
    [{ parameter_merge_strategies: 'merge' }, 'section "parameter_merge_strategies" must be a map'],
    [JSON.parse('{"__proto__": {}}') as JsonObject, 'unknown section "__proto__"'],
    [{ ['x'.repeat(100)]: {} }, `unknown section "${'x'.repeat(64)}"`],
  ])('%j is refused, by its place in the list', (environment, message) => {
    expect(() => mergeEnvironments([{}, environment])).toThrow(ConfigError);
    expect(() => mergeEnvironments([{}, environment])).toThrow(`environment 2: ${message}`);
  });
});

test('a parameter named __proto__ is an ordinary one', () => {
  const evil = (value: Json) =>
    JSON.parse(`{"parameters": {"__proto__": ${JSON.stringify(value)}}}`) as JsonObject;
  const merged = mergeEnvironments([evil({ a: 1 }), evil({ b: 2 })]);
  expect(JSON.stringify(merged)).toBe('{"parameters":{"__proto__":{"a":1,"b":2}}}');
  expect(({} as JsonObject)['a']).toBeUndefined();
});
