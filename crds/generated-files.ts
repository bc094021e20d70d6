import { readFile, writeFile } from 'node:fs/promises';
import { relative } from 'node:path';

/**
 * Writes files that are made from others; with `--check` among the program's arguments it writes nothing, and has the
 * program end with code 1 when one of them is stale.
 *
 * @param files paths and texts
 * @param source what they are made from, for messages
 */
export async function writeGenerated(
  files: readonly (readonly [path: string, text: string])[],
  source: string,
): Promise<void> {
  const check = process.argv.includes('--check');
  for (const [path, text] of files) {
    const name = relative(process.cwd(), path);
    if (!check) {
      await writeFile(path, text);
      console.log(`wrote ${name}`);
    } else if (text !== (await readFile(path, 'utf8').catch(() => ''))) {
      console.error(`${name} is not what ${source} says: run "npm run generate" and commit the result`);
      process.exitCode = 1;
    } else {
      console.log(`${name} is what ${source} says`);
    }
  }
}
