import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000 }); // processes are started; the machine may be busy

let root: string;
const at = (...path: string[]): string => join(root, ...path);
const lock = (version: string): string =>
  JSON.stringify({
    packages: {
      '': {},
      'node_modules/node': { version, integrity: `sha-${version}` },
      'node_modules/for-another-platform': { version: '1.0.0', optional: true },
    },
  });

/** In place of npm: installs a "node" that is the one of this test, and notes that it ran. */
const NPM = `
  const fs = require('node:fs');
  fs.appendFileSync('npm-runs', process.argv.slice(2).join(' ') + '\\n');
  fs.mkdirSync('node_modules/node/bin', { recursive: true });
  fs.rmSync('node_modules/node/bin/node', { force: true });
  fs.symlinkSync(process.execPath, 'node_modules/node/bin/node');
  const { packages } = JSON.parse(fs.readFileSync('package-lock.json', 'utf8'));
  delete packages[''];
  delete packages['node_modules/for-another-platform'];
  fs.writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages }));
`;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bootstrap-test-'));
  mkdirSync(at('test'));
  copyFileSync(new URL('./bootstrap.mjs', import.meta.url), at('test', 'bootstrap.mjs'));
  // Without it a package.json of some folder above would tell what npm-cli.js is.
  writeFileSync(at('package.json'), '{}');
  writeFileSync(at('npm-cli.js'), NPM);
  writeFileSync(at('package-lock.json'), lock('26.0.0'));
  writeFileSync(at('script.cjs'), 'console.log(process.argv.slice(2).join()); process.exitCode = 7;');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function start(...args: string[]) {
  const child = spawn(process.execPath, ['test/bootstrap.mjs', ...args], {
    cwd: root,
    env: { ...process.env, npm_execpath: at('npm-cli.js') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number, stdout, stderr }));
  return { child, ended };
}
const npmRuns = (): number => readFileSync(at('npm-runs'), 'utf8').trim().split('\n').length;

test('installs once, and hands over arguments and exit code', async () => {
  const first = await start('script.cjs', '--help', 'x').ended;
  expect(first).toMatchObject({ code: 7, stdout: '--help,x\n' });
  expect(first.stderr).toContain('npm ci');
  const second = await start('script.cjs').ended;
  expect(second.stderr).toBe('');
  expect(npmRuns()).toBe(1);
});

test('installs again when the lock has changed', async () => {
  await start('script.cjs').ended;
  writeFileSync(at('package-lock.json'), lock('26.0.1'));
  await start('script.cjs').ended;
  expect(npmRuns()).toBe(2);
});

test("doesn't install into another work tree's packages", async () => {
  mkdirSync(at('other'));
  symlinkSync(at('other'), at('node_modules'));
  const { code, stderr } = await start('script.cjs').ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^bootstrap: .*node_modules is a symbolic link .*remove it/);
  expect(existsSync(at('npm-runs'))).toBe(false);
});

test('says in one line that npm failed', async () => {
  writeFileSync(at('npm-cli.js'), 'process.exit(9)');
  const { code, stderr } = await start('script.cjs').ended;
  expect(code).toBe(1);
  expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^bootstrap: npm ci ended with code 9 in .*npm ping/);
});

test.each(['SIGINT', 'SIGTERM'] as const)('forwards %s and waits for the script', async (signal) => {
  writeFileSync(
    at('script.cjs'),
    `process.on('${signal}', () => { console.log('got it'); process.exit(3); });
     console.log('up'); setInterval(() => undefined, 1000);`,
  );
  const { child, ended } = start('script.cjs');
  await once(child.stdout, 'data');
  child.kill(signal);
  expect(await ended).toMatchObject({ code: 3, stdout: 'up\ngot it\n' });
});
