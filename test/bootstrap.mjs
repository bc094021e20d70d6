// node test/bootstrap.mjs SCRIPT [ARGUMENT...]
//
// Runs a script of this repository with the Node it is written for, in a bare clone too: installs the locked
// dependencies, that Node among them, when they are missing or differ from package-lock.json. Plain JavaScript of
// Node 20, because that may be all there is when it starts.
import { spawn } from 'node:child_process';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** How often to look whether the parent still lives, in milliseconds. */
const PARENT_CHECK_MS = 500;
const root = fileURLToPath(new URL('..', import.meta.url));
const node = join(root, 'node_modules', 'node', 'bin', 'node');
let child;

/** Whether node_modules holds what package-lock.json asks for. npm keeps a lock file of what it installed in there. */
function isInstalled() {
  const packagesOf = (file) => JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  try {
    const installed = packagesOf('node_modules/.package-lock.json');
    const wanted = Object.entries(packagesOf('package-lock.json'));
    return (
      existsSync(node) &&
      wanted.every(([path, { version, integrity, optional }]) => {
        if (path === '') return true;
        const there = installed[path];
        // Optional packages for other platforms are not installed.
        if (there === undefined) return optional === true;
        return there.version === version && there.integrity === integrity;
      })
    );
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

async function install() {
  const modules = join(root, 'node_modules');
  if (lstatSync(modules, { throwIfNoEntry: false })?.isSymbolicLink()) {
    // npm ci empties the folder first, which may be another work tree's.
    fail(
      `${modules} is a symbolic link to what package-lock.json doesn't ask for: remove it and start again`,
    );
  }
  const start = Date.now();
  const say = (text) => process.stderr.write(`bootstrap: ${text}\n`);
  const title = 'installing the locked dependencies (npm ci)';
  say(`${title} …`);
  const ticker = setInterval(() => say(`${title}: ${Math.round((Date.now() - start) / 1000)} s`), 5000);
  // npm tells a script where it is; another package manager would name itself there.
  const npm = process.env.npm_execpath ?? '';
  const [command, ...first] = basename(npm) === 'npm-cli.js' ? [process.execPath, npm] : ['npm'];
  // The tests need the development dependencies whatever NODE_ENV is. All output goes to standard error: standard
  // output belongs to the script.
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  const { code, error } = await run(command, [...first, ...args], ['ignore', 2, 2]);
  clearInterval(ticker);
  if (stopping) process.exit(code);
  if (error !== undefined || code !== 0) {
    fail(
      `npm ci ${error === undefined ? `ended with code ${code}` : `can't be run (${error.message})`} in ${root}: ` +
        "see npm's output above; the npm registry must be reachable (npm ping)",
    );
  }
  if (!existsSync(node)) {
    fail(
      `npm ci left no ${node}: its install script didn't run; allow it with: npm ci --ignore-scripts=false`,
    );
  }
  say(`${title}: done in ${Math.round((Date.now() - start) / 1000)} s`);
}

/** Run a program to its end. */
function run(command, args, stdio) {
  return new Promise((done) => {
    child = spawn(command, args, { cwd: stdio === 'inherit' ? process.cwd() : root, stdio });
    child.once('error', (error) => done({ code: 127, error }));
    child.once('exit', (code, signal) => {
      // As a shell reports it.
      done({ code: code ?? 128 + constants.signals[signal] });
    });
  });
}

function fail(message) {
  process.stderr.write(`bootstrap: ${message}\n`);
  process.exit(1);
}

const [script, ...args] = process.argv.slice(2);
if (script === undefined) fail('usage: node test/bootstrap.mjs SCRIPT [ARGUMENT...]');

let stopping = false;
function stop(signal) {
  stopping = true;
  child?.kill(signal);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(signal));
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) stop('SIGTERM');
}, PARENT_CHECK_MS).unref();

process.stderr.on('error', () => {}); // its reader may be gone

if (!isInstalled()) await install();
const { code, error } = await run(node, [resolve(script), ...args], 'inherit');
if (error !== undefined) fail(`can't run ${node} (${error.message}): remove node_modules and start again`);
process.exitCode = code;
