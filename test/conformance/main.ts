// `npm run conformance`: openstacksdk and our client do the same things to the same Heat.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { messageOf } from '../testbed/errors.ts';
import { startBed } from './bed.ts';
import type { Outcome } from './outcome.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { Stage } from './stage.ts';
import { markdown, type Row, row } from './table.ts';
import { judge } from './verdict.ts';

const DOCUMENT = 'docs/openstack-conformance.md';
const USAGE = `npm run conformance: openstacksdk and our client do the same things to the same real Heat

Usage: npm run conformance -- [options]

  --only FILTER  only scenarios whose name contains it
  --json FILE    write all that both did to FILE
  --write        write ${DOCUMENT}
  --help         print this

The first run builds Keystone and Heat (some minutes); see test/testbed/README.md.
`;
/** How many scenarios run at a time: they mostly wait for Heat. */
const AT_ONCE = 5;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', default: '' },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const chosen = SCENARIOS.filter(({ name }) => name.includes(values.only));
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal));
  const bed = await startBed(say, stop.signal, (error) => stop.abort(error));
  try {
    const prefix = `conf${Math.random().toString(36).slice(2, 6)}`;
    const stage = await Stage.open(bed, prefix, bed.dir);
    say(`${chosen.length} scenarios`);
    const rows = await inParallel(chosen, AT_ONCE, stop.signal, async (it, index) => {
      const name = `${prefix}-${index}`;
      const settled = await Promise.allSettled([
        stage.run(it, `${name}-sdk`, bed.sdk),
        stage.run(it, `${name}-own`),
      ]);
      const done = rowOf(it, settled);
      say(row(done));
      return done;
    });
    await stage.close(prefix);
    if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(rows, null, 1)}\n`);
    if (values.write) await writeFile(DOCUMENT, markdown(rows));
    const failed = rows.filter(({ verdict }) => verdict === 'worse').length;
    const better = rows.filter(({ verdict }) => verdict === 'better').length;
    say(`\n${rows.length - failed - better} same, ${better} better, ${failed} worse`);
    say(`${rows.length - failed} passed, ${failed} failed`);
    return failed === 0 && rows.length > 0 ? 0 : 1;
  } finally {
    await bed.stop();
  }
}

function rowOf(it: Scenario, [sdk, ours]: PromiseSettledResult<Outcome>[]): Row {
  if (sdk?.status !== 'fulfilled' || ours?.status !== 'fulfilled') {
    const broken = [sdk, ours].find((run) => run?.status === 'rejected');
    return { name: it.name, verdict: 'worse', reason: `the scenario failed: ${messageOf(broken?.reason)}` };
  }
  return { name: it.name, ...judge(it, sdk.value, ours.value), sdk: sdk.value, ours: ours.value };
}

/** Like Array.map with some at a time, in the order of the list. */
async function inParallel<T, R>(
  items: readonly T[],
  atOnce: number,
  signal: AbortSignal,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const left = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of left) {
      signal.throwIfAborted();
      results[index] = await work(item, index);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`conformance: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
