import { expect, test } from 'vitest';
import { completeSchema, formatJson, readValues, type Schema, valuesTable } from './values.ts';

const VALUES = `# Values of a chart.

image:
  # -- Where it is:
  # in a registry.
  name: some/where
  # Not this line.
  # -- Its tag, a|b.
  # @default -- the chart's
  tag: ""
# -- What it needs.
resources:
  requests:
    cpu: 1
# -- Ports.
ports:
  - number: 80
# -- How many.
replicas: 1
`;

const SCHEMA: Schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    global: { type: 'object' },
    enabled: { type: 'boolean' },
    image: {
      type: 'object',
      additionalProperties: false,
      properties: { name: { $ref: '#/definitions/name' }, tag: { type: 'string', description: 'old' } },
    },
    resources: { type: 'object', properties: { requests: { type: 'object' } } },
    ports: { type: 'array' },
    replicas: { type: ['integer', 'string'] },
  },
  definitions: { name: { type: 'string' } },
};

test('reads what the comments say', () => {
  expect(readValues(VALUES)).toEqual([
    {
      path: ['image', 'name'],
      description: 'Where it is: in a registry.',
      preset: 'some/where',
      presetText: undefined,
    },
    { path: ['image', 'tag'], description: 'Its tag, a|b.', preset: '', presetText: "the chart's" },
    {
      path: ['resources'],
      description: 'What it needs.',
      preset: { requests: { cpu: 1 } },
      presetText: undefined,
    },
    { path: ['ports'], description: 'Ports.', preset: [{ number: 80 }], presetText: undefined },
    { path: ['replicas'], description: 'How many.', preset: 1, presetText: undefined },
  ]);
});

test('refuses a value that no comment documents', () => {
  expect(() => readValues('a:\n  # What?\n  b: 1\n')).toThrow('a.b has no comment');
});

test('gives the schema descriptions, and requires all values', () => {
  const schema = completeSchema(SCHEMA, readValues(VALUES));
  expect(schema).toMatchObject({
    required: ['image', 'resources', 'ports', 'replicas'],
    properties: {
      enabled: { type: 'boolean', description: expect.stringContaining('dependency') },
      image: {
        required: ['name', 'tag'],
        properties: {
          name: { $ref: '#/definitions/name', description: 'Where it is: in a registry.' },
          tag: { description: 'Its tag, a|b.' },
        },
      },
      resources: { description: 'What it needs.', properties: { requests: { type: 'object' } } },
    },
  });
  expect(completeSchema(schema, readValues(VALUES))).toEqual(schema);
});

test('refuses a value without a schema, and a schema without a value', () => {
  expect(() => completeSchema(SCHEMA, readValues(`${VALUES}# -- New.\nnew: 1\n`))).toThrow('has no new');
  const [, ...others] = readValues(VALUES);
  expect(() => completeSchema(SCHEMA, others)).toThrow('image.name is not in values.yaml');
});

test('makes a table', () => {
  expect(valuesTable(SCHEMA, readValues(VALUES)).split('\n')).toEqual([
    '| value | type | default | meaning |',
    '|---|---|---|---|',
    '| `image.name` | string | `"some/where"` | Where it is: in a registry. |',
    "| `image.tag` | string | the chart's | Its tag, a\\|b. |",
    '| `resources` | object | `{"requests":{"cpu":1}}` | What it needs. |',
    '| `ports` | list | `[{"number":80}]` | Ports. |',
    '| `replicas` | int or string | `1` | How many. |',
  ]);
});

test('puts into a line what fits', () => {
  const long = 'x'.repeat(100);
  expect(formatJson({ a: [1, { b: true }], c: undefined })).toBe('{ "a": [1, { "b": true }] }');
  expect(formatJson({ a: [long], b: {} })).toBe(`{\n  "a": [\n    "${long}"\n  ],\n  "b": {}\n}`);
});
