import { parse } from 'yaml';

/** A value of the chart, as a comment of values.yaml documents it. */
export interface ChartValue {
  /** From the outermost name on. */
  path: string[];
  description: string;
  preset: unknown;
  /** What stands for the preset in pages, where the preset itself says nothing. */
  presetText: string | undefined;
}

/** A node of values.schema.json, as far as it is looked at. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  required?: string[];
  properties?: Record<string, Schema>;
  definitions?: Record<string, Schema>;
  [keyword: string]: unknown;
}

/** What may be set from outside, and is no value of the chart. */
const NOT_OURS: Readonly<Record<string, string>> = {
  global: 'Helm passes it to every chart; not used.',
  enabled: 'For a chart that has this one as a dependency, to name in its `condition`; not used.',
};

/**
 * The values that values.yaml documents as helm-docs reads it: by a comment above the name whose first line begins with
 * `# --`, and a line `# @default -- text` in it or not. What is below a documented name belongs to that.
 *
 * @throws Error when a value is documented neither by itself nor by what is above it
 */
export function readValues(text: string): ChartValue[] {
  const values: ChartValue[] = [];
  const presets: unknown = parse(text);
  /** The names above, and how far each is indented. */
  const above: { name: string; indent: number }[] = [];
  let documentedAt = Number.POSITIVE_INFINITY;
  let comment: string[] = [];
  for (const line of text.split('\n')) {
    const [, remark] = /^\s*# ?(.*)$/.exec(line) ?? [];
    if (remark !== undefined) {
      comment.push(remark);
      continue;
    }
    const [, spaces = '', name] = /^( *)([A-Za-z]\w*):/.exec(line) ?? [];
    const lines = comment;
    comment = [];
    if (name === undefined || spaces.length > documentedAt) continue;
    documentedAt = Number.POSITIVE_INFINITY;
    while ((above.at(-1)?.indent ?? -1) >= spaces.length) above.pop();
    above.push({ name, indent: spaces.length });
    const path = above.map((each) => each.name);
    const preset = at(presets, path);
    const begin = lines.findLastIndex((each) => each.startsWith('-- '));
    if (begin < 0) {
      if (typeof preset !== 'object' || preset === null)
        throw new Error(`values.yaml: ${path.join('.')} has no comment that begins with "# -- "`);
      continue;
    }
    documentedAt = spaces.length;
    const [notes, words] = [true, false].map((isNote) =>
      lines.slice(begin).filter((each) => each.startsWith('@default -- ') === isNote),
    );
    values.push({
      path,
      description: (words ?? []).join(' ').slice('-- '.length),
      preset,
      presetText: notes?.[0]?.slice('@default -- '.length),
    });
  }
  return values;
}

function at(node: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], node);
}

/** The node of the schema that a path leads to; with what a reference in it leads to. */
export function schemaAt(schema: Schema, path: readonly string[]): Schema | undefined {
  let node: Schema | undefined = schema;
  for (const name of path) node = node?.properties?.[name];
  if (node?.$ref === undefined) return node;
  return { ...schema.definitions?.[node.$ref.replace('#/definitions/', '')], ...node };
}

/**
 * The schema with each value's description, and with all values required: a value that is set to null has no default any
 * more.
 *
 * @throws Error when a value is not in the schema, or one of the schema isn't a value
 */
export function completeSchema(schema: Schema, values: readonly ChartValue[]): Schema {
  const documented = new Map(values.map((value) => [value.path.join('.'), value.description]));
  const complete = (node: Schema, path: string[]): Schema => {
    const name = path.join('.');
    const description = documented.get(name);
    if (description !== undefined) {
      documented.delete(name);
      const { description: _, ...keywords } = node;
      return { description, ...keywords };
    }
    const foreign = NOT_OURS[name];
    if (foreign !== undefined) return { ...node, description: foreign };
    if (!node.properties) throw new Error(`values.schema.json: ${name} is not in values.yaml`);
    const { type, additionalProperties, required: _, properties: before, ...others } = node;
    const properties = Object.fromEntries(
      Object.entries(before ?? {}).map(([key, child]) => [key, complete(child, [...path, key])]),
    );
    const required = Object.keys(properties).filter((key) => path.length > 0 || !(key in NOT_OURS));
    return { ...others, type, additionalProperties, required, properties } as Schema;
  };
  const { $schema, title, definitions, ...root } = schema;
  const completed = { $schema, title, ...complete(root, []), definitions } as Schema;
  for (const name of documented.keys()) throw new Error(`values.schema.json has no ${name}`);
  return completed;
}

/** A table of all values, in Markdown; types are called as helm-docs calls them. */
export function valuesTable(schema: Schema, values: readonly ChartValue[]): string {
  const rows = values.map(({ path, description, preset, presetText }) => {
    const types = [schemaAt(schema, path)?.type ?? []].flat().map((type) => TYPES[type] ?? type);
    const shown = presetText ?? `\`${JSON.stringify(preset)}\``;
    const cells = [`\`${path.join('.')}\``, types.join(' or '), shown, description];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| value | type | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

const TYPES: Record<string, string> = { array: 'list', boolean: 'bool', integer: 'int' };

const LINE_WIDTH = 110;

/** JSON as the formatter leaves it: what fits into a line is in one. */
export function formatJson(value: unknown, indent = 0, column = indent): string {
  const flat = oneLine(value);
  if (typeof value !== 'object' || value === null || column + flat.length < LINE_WIDTH) return flat;
  const pad = ' '.repeat(indent + 2);
  const inner = Array.isArray(value)
    ? value.map((each) => `${pad}${formatJson(each, indent + 2)}`)
    : Object.entries(value)
        .filter(([, each]) => each !== undefined)
        .map(([key, each]) => {
          const begin = `${pad}${JSON.stringify(key)}: `;
          return `${begin}${formatJson(each, indent + 2, begin.length)}`;
        });
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  return `${open}\n${inner.join(',\n')}\n${' '.repeat(indent)}${close}`;
}

function oneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .map(([key, each]) => `${JSON.stringify(key)}: ${oneLine(each)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}
