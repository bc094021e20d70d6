import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = 'heatstack-operator.mjs';
const LICENSES = 'licenses.txt';

/** The sources take the version from package.json, which isn't there beside a bundle. */
const version: Plugin = {
  name: 'version',
  setup(bundler) {
    bundler.onLoad({ filter: /[/\\]src[/\\]version\.ts$/ }, async () => {
      const { version } = await readPackage(ROOT);
      return { contents: `export const VERSION = ${JSON.stringify(version)};` };
    });
  },
};

/** client-node has classes for the whole API, of which nothing is used; it doesn't say that loading them does nothing. */
const unused: Plugin = {
  name: 'unused',
  setup(bundler) {
    const isClientNode = /[/\\]@kubernetes[/\\]client-node[/\\]/;
    // Not what is in a folder above: its thousands of classes name each other so, and every question takes time.
    bundler.onResolve(
      { filter: /^\.\/|^@kubernetes\/client-node$/ },
      async ({ path, pluginData, ...origin }) => {
        if (pluginData === unused || (path.startsWith('.') && !isClientNode.test(origin.importer)))
          return undefined;
        const { importer, resolveDir, kind } = origin;
        const found = await bundler.resolve(path, { importer, resolveDir, kind, pluginData: unused });
        return found.errors.length > 0 ? found : { path: found.path, sideEffects: false };
      },
    );
  },
};

/**
 * Makes the operator one file that needs nothing but Node 26, and beside it the licences of the packages in it.
 *
 * It isn't minified: a stack trace must say where in the sources it happened, and it is parsed lazily anyway.
 *
 * @param folder where to; made anew
 * @returns the paths of both files
 * @throws Error when it can't be built, or a package in it says nothing of its licence
 */
export async function bundle(folder: string): Promise<{ program: string; licenses: string }> {
  const program = join(folder, PROGRAM);
  const licenses = join(folder, LICENSES);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/main.ts'],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    plugins: [version, unused],
    metafile: true,
    // They are in the other file.
    legalComments: 'none',
    // Dependencies that are CommonJS ask for Node's own modules by require.
    banner: {
      js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
  // One other character, as in a comment, and V8 holds the whole text with two bytes for each.
  const text = await readFile(program, 'utf8');
  await writeFile(program, text.replace(/[^\0-\x7f]/g, escaped));
  const inBundle = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
  const files = inBundle.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file);
  await writeFile(licenses, await licensesOf(packagesOf(files)));
  return { program, licenses };
}

/** A unit of UTF-16 as it can be written in a regular expression or a name; in strings esbuild has done it. */
function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** The folders of the packages that the files are from, by name. */
function packagesOf(files: readonly string[]): string[] {
  const folders = files.map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]);
  const found = [...new Set(folders.filter((folder) => folder !== undefined))];
  return found.map((folder) => join(ROOT, folder)).sort();
}

async function licensesOf(folders: readonly string[]): Promise<string> {
  const parts = await Promise.all(folders.map(licenseOf));
  const own = await readFile(join(ROOT, 'LICENSE'), 'utf8');
  const line = '='.repeat(80);
  return [`heatstack-operator\n\n${own.trim()}\n`, ...parts].join(`\n${line}\n\n`);
}

async function licenseOf(folder: string): Promise<string> {
  const { name, version, license } = await readPackage(folder);
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  if (license === undefined && texts.length === 0) throw new Error(`${name} says nothing of its licence`);
  const title = `${name} ${version}${license === undefined ? '' : `\nLicense: ${license}`}`;
  return `${[title, ...texts.map((text) => text.trim())].join('\n\n')}\n`;
}

async function readPackage(folder: string) {
  const file = join(folder, 'package.json');
  if (!existsSync(file)) throw new Error(`${file} is missing`);
  return JSON.parse(await readFile(file, 'utf8')) as { name: string; version: string; license?: string };
}
