// `npm run demo`: the operator at work, on a test bed of its own.
import { messageOf } from '../testbed/errors.ts';
import { runDemo } from './demo.ts';
import { DemoError, Interrupted } from './errors.ts';
import { parseOptions, USAGE } from './options.ts';
import { Screen } from './screen.ts';

/** How often to look whether the parent still lives, in milliseconds. */
const PARENT_CHECK_MS = 500;
const INTERRUPTED = 130;

/** Answers the exit code. */
async function main(args: string[]): Promise<number> {
  const options = parseOptions(args);
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined); // its reader may be gone
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => ending.abort(new Interrupted(signal)));
  }
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) ending.abort(new Interrupted("its parent's end"));
  }, PARENT_CHECK_MS).unref();

  const screen = new Screen(process.stdout, process.env);
  try {
    await runDemo({
      screen,
      exit: options.exit,
      signal: ending.signal,
      onUnexpectedExit: (error) => ending.abort(error),
    });
    if (ending.signal.aborted && !(ending.signal.reason instanceof Interrupted)) throw ending.signal.reason;
    screen.line();
    screen.done('Stopped; nothing is left running.');
    return 0;
  } catch (error) {
    // Whatever was under way fails in its own words when a signal or a server's end is the cause.
    const cause: unknown = ending.signal.aborted ? ending.signal.reason : error;
    if (!(cause instanceof Interrupted)) throw cause;
    process.stderr.write(`\ndemo: ${cause.message}\n`);
    return INTERRUPTED;
  } finally {
    screen.restore();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const details = error instanceof DemoError ? error.details : [];
  process.stderr.write(`\ndemo: ${messageOf(error)}\n${details.map((line) => `  | ${line}\n`).join('')}`);
  process.exitCode = 1;
}
