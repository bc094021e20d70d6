// `npm run testbed`: the test bed as a program in the foreground.
import { rename, rm, writeFile } from 'node:fs/promises';
import { messageOf, TestbedError } from './errors.ts';
import { startTestbed, type Testbed } from './index.ts';
import { type Options, parseOptions, USAGE } from './options.ts';

/** How often to look whether the parent still lives, in milliseconds. */
const PARENT_CHECK_MS = 500;

/** Runs until a signal, the parent's end or a server's end. Answers the exit code. */
async function main(args: string[]): Promise<number> {
  const options = parseOptions(args);
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const log = (line: string): void => void process.stdout.write(`testbed: ${line}\n`);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined); // its reader may be gone
  const ending = new AbortController();
  const end = (reason: unknown): void => ending.abort(reason);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(signal));
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) end("the parent's end");
  }, PARENT_CHECK_MS).unref();

  if (options.ready !== undefined) await rm(options.ready, { force: true });
  const start = performance.now();
  let bed: Testbed;
  try {
    bed = await startTestbed({ dir: options.dir, log, signal: ending.signal, onUnexpectedExit: end });
  } catch (error) {
    if (!ending.signal.aborted) throw error;
    return finish(ending.signal.reason);
  }
  try {
    if (options.ready !== undefined) await writeReady(options.ready, bed);
    log(`ready after ${((performance.now() - start) / 1000).toFixed(1)} s; Ctrl-C stops it. To look inside:`);
    log(`  export KUBECONFIG=${bed.kubeconfig} OS_CLIENT_CONFIG_FILE=${bed.clouds} OS_CLOUD=demo`);
    log(`  ${bed.kubectl} get namespaces`);
    await aborted(ending.signal);
  } finally {
    await bed.stop();
  }
  return finish(ending.signal.reason);

  function finish(reason: unknown): number {
    if (reason instanceof Error) throw reason; // a server ended by itself
    log(`stopped by ${reason}`);
    return 0;
  }
}

/** Whole or not at all: a reader that sees the file can parse it. */
async function writeReady(file: NonNullable<Options['ready']>, bed: Testbed): Promise<void> {
  const { kubeconfig, clouds, kubectl, heatUrl, authUrl, pids } = bed;
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(
      temporary,
      `${JSON.stringify({ kubeconfig, clouds, kubectl, heatUrl, authUrl, pids }, null, 2)}\n`,
    );
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new TestbedError(
      `can't write ${file}: ${messageOf(error)}; give --ready a file in a folder you may write to`,
    );
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`testbed: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
