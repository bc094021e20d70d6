import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';

/** What a chart says of where it comes from when it is published. */
export interface Release {
  /** The image without tag and digest. */
  repository: string;
  /** Of the image, `sha256:…`. */
  digest: string;
  /** Address of the sources on their host, without a slash at the end. */
  source: string;
}

/**
 * Writes the chart as it is published: with the image that belongs to it as the default, by its digest, so that nobody
 * who can change a tag can change what is installed. The digest stands in the tag, and not in `image.digest`, which would
 * win over the tag that a user sets for a mirror or a fix. Links in its README lead to the sources of that version.
 *
 * @param chart the chart's folder
 * @param target a folder, made anew
 */
export async function writeReleaseChart(
  chart: string,
  target: string,
  { repository, digest, source }: Release,
): Promise<void> {
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error(`"${digest}" is no digest`);
  if (!/^[a-z0-9][a-z0-9._/:-]*$/.test(repository)) throw new Error(`"${repository}" is no image`);
  if (!/^https:\/\/[\w./-]+\w$/.test(source)) throw new Error(`"${source}" is no address of sources`);
  await rm(target, { recursive: true, force: true });
  await cp(chart, target, { recursive: true });
  let version = '';
  await rewrite(join(target, 'Chart.yaml'), (text) => {
    const about = parseDocument(text);
    version = String(about.get('appVersion'));
    about.set('home', source);
    about.set('sources', [source]);
    return about.toString({ lineWidth: 0 });
  });
  await rewrite(join(target, 'values.yaml'), (text) => {
    const values = parseDocument(text);
    values.setIn(['image', 'repository'], repository);
    values.setIn(['image', 'tag'], `${version}@${digest}`);
    return values.toString({ lineWidth: 0 });
  });
  await rewrite(join(target, 'README.md'), (text) =>
    text.replaceAll('](../../../', `](${source}/blob/v${version}/`),
  );
}

async function rewrite(file: string, change: (text: string) => string): Promise<void> {
  await writeFile(file, change(await readFile(file, 'utf8')));
}
