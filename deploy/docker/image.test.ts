import { execFile } from 'node:child_process';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { writeOperatorImage } from './image.ts';
import { type Image, writeOciArchive } from './oci-archive.ts';
import { tar } from './tar.ts';

const run = promisify(execFile);

/** A file of a tar archive, as the tar program reads it. */
async function read(archive: string, path: string): Promise<Buffer> {
  const options = { encoding: 'buffer', maxBuffer: 1024 ** 3 } as const;
  return (await run('tar', ['-xOf', archive, path], options)).stdout;
}

async function readJson(archive: string, path: string): Promise<Record<string, unknown>> {
  return JSON.parse((await read(archive, path)).toString()) as Record<string, unknown>;
}

const blob = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

test('an image holds what Node needs and the operator, and starts it as nobody in particular', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'heatstack-image-'));
  const [program, licenses] = ['heatstack-operator.mjs', 'licenses.txt'].map((name) =>
    join(folder.path, name),
  );
  if (program === undefined || licenses === undefined) throw new Error('never');
  await writeFile(program, 'console.log(1)\n');
  await writeFile(licenses, 'Apache-2.0\n');
  const file = join(folder.path, 'image.tar');
  const digest = await writeOperatorImage(file, 'example.com/operator:7', {
    version: '7.0.0',
    program,
    licenses,
  });

  const index = (await readJson(file, 'index.json')) as {
    manifests: { digest: string; annotations: object }[];
  };
  expect(index.manifests).toMatchObject([
    { digest, annotations: { 'io.containerd.image.name': 'example.com/operator:7' } },
  ]);
  const manifest = (await readJson(file, blob(digest))) as {
    config: { digest: string };
    layers: { digest: string }[];
  };
  expect(await readJson(file, blob(manifest.config.digest))).toMatchObject({
    os: 'linux',
    config: {
      User: '65532:65532',
      Entrypoint: ['/usr/local/bin/node', '/app/heatstack-operator.mjs'],
      Labels: { 'org.opencontainers.image.version': '7.0.0' },
    },
    rootfs: { diff_ids: manifest.layers.map((layer) => layer.digest) },
  });
  const contents = await Promise.all(
    manifest.layers.map(async (layer, number) => {
      const archive = join(folder.path, `layer-${number}.tar`);
      await writeFile(archive, await read(file, blob(layer.digest)));
      return (await run('tar', ['-tf', archive])).stdout.split('\n').filter(Boolean);
    }),
  );
  expect(contents[0]).toEqual(expect.arrayContaining(['usr/local/bin/node', 'etc/passwd', 'tmp/']));
  expect(contents[0]).toEqual(expect.arrayContaining([expect.stringMatching(/\/libstdc\+\+\.so\.6$/)]));
  expect(contents[1]).toEqual(['app/', 'app/heatstack-operator.mjs', 'app/licenses.txt']);
}, 60_000);

test('the same image gives the same bytes', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'heatstack-image-'));
  const image = {
    name: 'example.com/a:1',
    architecture: 'amd64',
    config: { User: '1:1', Env: [], Entrypoint: ['/a'], WorkingDir: '/', Labels: {} },
    layers: [[{ type: 'file' as const, path: 'a', mode: 0o755, content: Buffer.from('a') }]],
  } satisfies Image;
  const [first, second] = [join(folder.path, 'first.tar'), join(folder.path, 'second.tar')];
  expect(await writeOciArchive(first, image)).toBe(await writeOciArchive(second, image));
  expect((await readFile(first)).equals(await readFile(second))).toBe(true);
});

test('tar reads an archive of files, directories and links', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'heatstack-tar-'));
  const archive = join(folder.path, 'archive.tar');
  const content = Buffer.alloc(513, 'x');
  await writeFile(
    archive,
    tar([
      { type: 'directory', path: 'd/', mode: 0o1777 },
      { type: 'file', path: 'd/f', mode: 0o640, content },
      { type: 'link', path: 'l', mode: 0o777, target: 'd/f' },
    ]),
  );
  const { stdout } = await run('tar', ['--numeric-owner', '--utc', '-tvf', archive]);
  expect(stdout.split('\n').map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
    'drwxrwxrwt 0/0 0 1970-01-01 00:00 d/',
    '-rw-r----- 0/0 513 1970-01-01 00:00 d/f',
    'lrwxrwxrwx 0/0 0 1970-01-01 00:00 l -> d/f',
    '',
  ]);
  expect((await read(archive, 'd/f')).equals(content)).toBe(true);
  expect(() => tar([{ type: 'directory', path: 'p'.repeat(101), mode: 0o755 }])).toThrow(/too long/);
});
