import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, parseDocument } from 'yaml';

/**
 * Writes the chart as it is published: with the image that belongs to it as the default, by its digest, so that nobody
 * who can change a tag can change what is installed. The digest stands in the tag, and not in `image.digest`, which would
 * win over the tag that a user sets for a mirror or a fix.
 *
 * @param chart the chart's folder
 * @param target a folder, made anew
 * @param repository the image without tag and digest
 * @param digest `sha256:…`
 */
export async function writeReleaseChart(
  chart: string,
  target: string,
  repository: string,
  digest: string,
): Promise<void> {
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error(`"${digest}" is no digest`);
  if (!/^[a-z0-9][a-z0-9._/:-]*$/.test(repository)) throw new Error(`"${repository}" is no image`);
  await rm(target, { recursive: true, force: true });
  await cp(chart, target, { recursive: true });
  const { appVersion } = parse(await readFile(join(chart, 'Chart.yaml'), 'utf8')) as { appVersion: string };
  const file = join(target, 'values.yaml');
  const values = parseDocument(await readFile(file, 'utf8'));
  values.setIn(['image', 'repository'], repository);
  values.setIn(['image', 'tag'], `${appVersion}@${digest}`);
  await writeFile(file, values.toString({ lineWidth: 0 }));
}
