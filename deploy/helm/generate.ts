/**
 * Writes the table of values in the chart's README.md, and the descriptions in its values.schema.json, from the comments in
 * values.yaml. With `--check` writes nothing and fails when one of them is stale.
 *
 *     node deploy/helm/generate.ts [--check]
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { writeGenerated } from '../../crds/generated-files.ts';
import { completeSchema, formatJson, readValues, type Schema, valuesTable } from './values.ts';

const pathOf = (name: string): string =>
  fileURLToPath(new URL(`heatstack-operator/${name}`, import.meta.url));
const read = (name: string): Promise<string> => readFile(pathOf(name), 'utf8');

const values = readValues(await read('values.yaml'));
const schema = completeSchema(JSON.parse(await read('values.schema.json')) as Schema, values);
const readme = await read('README.md');
const marks = /(?<=<!-- GENERATED[^\n]*-->\n)[\s\S]*(?=<!-- END OF GENERATED -->)/;
if (!marks.test(readme)) throw new Error("the chart's README.md has lost its marks");
await writeGenerated(
  [
    [pathOf('values.schema.json'), `${formatJson(schema)}\n`],
    [pathOf('README.md'), readme.replace(marks, () => `\n${valuesTable(schema, values)}\n\n`)],
  ],
  "the chart's values.yaml",
);
