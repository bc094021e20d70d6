import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TSC = join(ROOT, 'node_modules', '.bin', 'tsc');

/** A program of somebody who has installed the package, with the strictest settings. */
const PROGRAM = `
import { connect, type Connection, ConnectionFailed, type JsonObject, parseCloudsYaml } from './dist/openstack/index.js';
import { startMockCloud } from './dist/openstack/mock/index.js';

await using cloud = await startMockCloud();
await using connection: Connection = await connect(parseCloudsYaml(cloud.cloudsYaml, { cloudName: 'demo' }));
const template: JsonObject = { heat_template_version: '2018-08-31' };
const made = await connection.orchestration?.createStack({ name: 'web', template });
if (!made) throw new ConnectionFailed('ServiceNotFound', 'no Heat');
const stack = await connection.orchestration?.waitForStack(made);
console.log(stack?.status satisfies string | undefined);
`;

test('the published form compiles and runs where it is used', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'heatstack-package-'));
  const { path } = folder;
  await symlink(join(ROOT, 'node_modules'), join(path, 'node_modules'));
  await run(TSC, ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(path, 'dist')]);
  await writeFile(join(path, 'package.json'), '{"type":"module"}');
  await writeFile(join(path, 'program.ts'), PROGRAM);
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess'];
  const how = ['--target', 'esnext', '--module', 'nodenext', '--types', 'node', '--skipLibCheck', 'false'];
  // TypeScript tells on standard output what is wrong.
  const wrong = await run(TSC, [...strict, ...how, 'program.ts'], { cwd: path }).then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  );
  expect(wrong).toBe('');
  const { stdout } = await run(process.execPath, ['program.js'], { cwd: path });
  expect(stdout).toBe('CREATE_COMPLETE\n');
}, 120_000);

test('the package has what is for others, and nothing else', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'heatstack-pack-'));
  const { path } = folder;
  for (const file of ['package.json', 'README.md', 'LICENSE'])
    await copyFile(join(ROOT, file), join(path, file));
  await cp(join(ROOT, 'crds'), join(path, 'crds'), { recursive: true });
  // What `npm run build`, `bundle`, `image` and a release leave there.
  for (const made of [
    'main.js',
    'main.d.ts',
    'openstack/index.js',
    'bundle/licenses.txt',
    'chart/Chart.yaml',
  ]) {
    await mkdir(join(path, 'dist', made, '..'), { recursive: true });
    await writeFile(join(path, 'dist', made), '');
  }
  for (const archive of ['image.tar', 'chart.tgz']) await writeFile(join(path, 'dist', archive), '');
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: path });
  const [{ files = [] } = {}] = JSON.parse(stdout) as { files?: { path: string }[] }[];
  expect(files.map((file) => file.path).sort()).toEqual(
    [
      ...['LICENSE', 'README.md', 'package.json'],
      'crds/heatstack.dev_heatstacks.yaml',
      'crds/schemas/heatstack-heatstack.dev-v1alpha1-strict.json',
      'crds/schemas/heatstack-heatstack.dev-v1alpha1.json',
      ...['dist/main.d.ts', 'dist/main.js', 'dist/openstack/index.js'],
    ].sort(),
  );
});
