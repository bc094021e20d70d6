import { execFile } from 'node:child_process';
import { mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { helpText } from '../../src/options.ts';
import { VERSION } from '../../src/version.ts';
import { bundle } from './bundle.ts';

const run = promisify(execFile);

/** Listens nowhere: port 9 of loopback. */
const KUBECONFIG = {
  clusters: [{ name: 'none', cluster: { server: 'http://127.0.0.1:9' } }],
  users: [{ name: 'nobody', user: { token: 'none' } }],
  contexts: [{ name: 'none', context: { cluster: 'none', user: 'nobody' } }],
  'current-context': 'none',
};

test('the bundle runs by itself, with the licences of what is in it', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'heatstack-bundle-'));
  const { program, licenses } = await bundle(join(folder.path, 'bundle'));
  expect(await readdir(join(folder.path, 'bundle'))).toEqual(['heatstack-operator.mjs', 'licenses.txt']);

  const start = (args: string[]) => run(process.execPath, [program, ...args], { cwd: folder.path });
  expect((await start(['--version'])).stdout).toBe(`${VERSION}\n`);
  expect((await start(['--help'])).stdout).toBe(helpText());

  const kubeconfig = join(folder.path, 'kubeconfig');
  await writeFile(kubeconfig, JSON.stringify(KUBECONFIG));
  for (const format of ['json', 'pretty']) {
    const failed = start([`--kubeconfig=${kubeconfig}`, `--log-format=${format}`]);
    await expect(failed).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^heatstack-operator: .*no answer from the API server \(ECONNREFUSED\)\n$/,
      ),
    });
  }

  const text = await readFile(licenses, 'utf8');
  for (const name of ['undici', 'pino', 'yaml', '@kubernetes/client-node', 'valibot']) {
    expect(text).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\\nLicense: `, 'm'));
  }
  expect(text).toContain('Permission is hereby granted, free of charge');
  // Neither what only develops it nor what nothing uses of a dependency.
  expect(text).not.toMatch(/^(vitest|esbuild|typescript) /m);
}, 60_000);
