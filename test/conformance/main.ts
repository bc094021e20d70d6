// `npm run conformance`: openstacksdk and our client do the same things to the same Heat, and our client to the mock.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startMockCloud } from '../../src/openstack/mock/index.ts';
import { messageOf, TestbedError } from '../testbed/errors.ts';
import { startBed } from './bed.ts';
import { MOCK_DIFFERENCES } from './mock-differences.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { Stage } from './stage.ts';
import { type Attempt, isBad, line, markdown, mockRow, type Row, sdkRow } from './table.ts';

const DOCUMENT = 'docs/openstack-conformance.md';
const USAGE = `npm run conformance: one list of scenarios, through openstacksdk and our client, on a real Heat and on the mock

Usage: npm run conformance -- [options]

  --on heat      only compare our client with openstacksdk, on the real Heat
  --on mock      only compare our client on the mock with our client on the real Heat
  --only FILTER  only scenarios whose name contains it
  --quiet        print only what is wrong
  --json FILE    write all that was done to FILE
  --write        write ${DOCUMENT}
  --help         print this

The first run builds Keystone and Heat (some minutes); see test/testbed/README.md.
`;
/** How many scenarios run at a time: they mostly wait for Heat. */
const AT_ONCE = 5;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      on: { type: 'string', default: 'heat,mock' },
      only: { type: 'string', default: '' },
      quiet: { type: 'boolean', default: false },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const on = values.on.split(',');
  if (on.some((each) => each !== 'heat' && each !== 'mock')) {
    throw new TestbedError('--on must be heat or mock; --help shows the options');
  }
  if (values.write && (!on.includes('heat') || values.only !== '')) {
    throw new TestbedError('--write needs all scenarios on heat; leave --on and --only out');
  }
  const chosen = SCENARIOS.filter(({ name }) => name.includes(values.only));
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal));
  const bed = await startBed(say, stop.signal, (error) => stop.abort(error));
  await using mock = await startMockCloud();
  try {
    const prefix = `conf${Math.random().toString(36).slice(2, 6)}`;
    const mockClouds = join(bed.dir, 'mock-clouds.yaml');
    await writeFile(mockClouds, mock.cloudsYaml, { mode: 0o600 });
    // The mock has both on one port.
    const heatUrl = mock.authUrl.replace('/identity/v3', '/orchestration/RegionOne/v1');
    const [real, mocked] = await Promise.all([
      Stage.open(bed, prefix, bed.dir),
      Stage.open({ clouds: mockClouds, heatUrl }, prefix, bed.dir),
    ]);
    say(`${chosen.length} scenarios`);
    const rows = await inParallel(chosen, AT_ONCE, stop.signal, async (it, index) => {
      const name = `${prefix}-${index}`;
      const [ours, sdk, onMock] = await Promise.allSettled([
        real.run(it, `${name}-own`),
        on.includes('heat') ? real.run(it, `${name}-sdk`, bed.sdk) : undefined,
        on.includes('mock') ? mocked.run(it, `${name}-mock`) : undefined,
      ]);
      const done: Row[] = [];
      if (on.includes('heat')) done.push(sdkRow(it, sdk as Attempt, ours));
      if (on.includes('mock')) done.push(mockRow(it, ours, onMock as Attempt, MOCK_DIFFERENCES[it.name]));
      for (const row of done) if (!values.quiet || isBad(row)) say(line(row));
      return done;
    });
    await real.close(prefix);
    const all = rows.flat();
    if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(all, null, 1)}\n`);
    const failed = all.filter(isBad).length;
    if (values.write && failed === 0) {
      await writeFile(
        DOCUMENT,
        markdown(all.filter(({ verdict }) => verdict === 'same' || verdict === 'better')),
      );
    }
    const counts = Map.groupBy(all, ({ verdict }) => verdict);
    say(`\n${[...counts].map(([verdict, { length }]) => `${length} ${verdict}`).join(', ')}`);
    say(`${all.length - failed} passed, ${failed} failed`);
    return failed === 0 && all.length > 0 ? 0 : 1;
  } finally {
    await bed.stop();
  }
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
