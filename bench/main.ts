// `npm run bench`: what costs how much, and against what others.
import { messageOf, TestbedError } from '../test/testbed/errors.ts';
import { CLIENT_USAGE, runClientBenchmark } from './client/index.ts';
import { OPERATOR_USAGE, runOperatorBenchmark } from './operator/index.ts';
import { REPLICAS_USAGE, runReplicasTest } from './replicas/index.ts';
import { runSoak, SOAK_USAGE } from './soak/index.ts';

/** How often to look whether the parent still lives, in milliseconds. */
const PARENT_CHECK_MS = 500;

const SUBJECTS: Record<string, { usage: string; run(args: string[], signal: AbortSignal): Promise<void> }> = {
  operator: { usage: OPERATOR_USAGE, run: runOperatorBenchmark },
  client: { usage: CLIENT_USAGE, run: runClientBenchmark },
  replicas: { usage: REPLICAS_USAGE, run: runReplicasTest },
  soak: { usage: SOAK_USAGE, run: runSoak },
};

const DEFAULT_SUBJECT = 'operator';

const USAGE = `usage: npm run bench -- [SUBJECT] [options]

subjects:
  operator  the operator beside one in Go and one in Python (the default)
  client    the OpenStack client beside openstacksdk and gophercloud
  replicas  no comparison, but a trial: replicas of the operator that are killed, ended and paused while objects change
  soak      no comparison either: one operator for half an hour, and whether its memory or its sockets grow

\`npm run bench -- SUBJECT --help\` shows its options.
`;

async function main(all: string[]): Promise<void> {
  const [first] = all;
  if (first === '--help' || first === '-h') {
    process.stdout.write(USAGE);
    return;
  }
  const isNamed = first !== undefined && !first.startsWith('-');
  const [name, args] = isNamed ? [first, all.slice(1)] : [DEFAULT_SUBJECT, all];
  const subject = Object.hasOwn(SUBJECTS, name) ? SUBJECTS[name] : undefined;
  if (!subject) {
    throw new TestbedError(
      `there is no benchmark "${name}" (there is: ${Object.keys(SUBJECTS).join(', ')}); --help tells what they are`,
    );
  }
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(subject.usage);
    return;
  }
  const ending = new AbortController();
  const end = (why: string): void => ending.abort(new TestbedError(`stopped by ${why}`));
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined); // its reader may be gone
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(signal));
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) end("the parent's end");
  }, PARENT_CHECK_MS).unref();
  await subject.run(args, ending.signal);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bench: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
