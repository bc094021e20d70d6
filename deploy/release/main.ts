/**
 * Prepares a release: docs/releasing.md tells in which order.
 *
 *     npm run release -- VERSION                   writes the version into all places, and the changelog's heading
 *     npm run release -- --check [TAG]             fails when the places differ, or aren't those of the tag
 *     npm run release -- --notes                   prints what the changelog says of the version
 *     npm run release -- --chart REPOSITORY DIGEST SOURCE
 *                                                  writes dist/chart/heatstack-operator, with that image as the default
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { VERSION } from '../../src/version.ts';
import { writeReleaseChart } from './chart.ts';
import { FILES, type Files, notesOf, problemsOf, release } from './version.ts';

const pathOf = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { check: { type: 'boolean' }, notes: { type: 'boolean' }, chart: { type: 'boolean' } },
  });
  const [first] = positionals;
  const texts = await Promise.all(
    FILES.map(async (file) => [file, await readFile(pathOf(file), 'utf8')] as const),
  );
  const files: Files = Object.fromEntries(texts);
  if (values.check) {
    const problems = problemsOf(files, first);
    if (problems.length > 0) throw new Error(problems.join('\n'));
  } else if (values.notes) {
    process.stdout.write(`${notesOf(files, VERSION) ?? ''}\n`);
  } else if (values.chart) {
    const chart = pathOf('deploy/helm/heatstack-operator');
    const [repository = '', digest = '', source = ''] = positionals;
    await writeReleaseChart(chart, pathOf('dist/chart/heatstack-operator'), { repository, digest, source });
  } else if (first !== undefined) {
    const today = new Date().toISOString().slice(0, 10);
    for (const [file, text] of Object.entries(release(files, first, today))) {
      if (text !== files[file]) await writeFile(pathOf(file), text);
    }
    process.stdout.write('now: npm run generate && npm run manifests, then read docs/releasing.md\n');
  } else {
    throw new Error('expected a VERSION, --check [TAG], --notes, or --chart REPOSITORY DIGEST SOURCE');
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`release: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
