import { TestbedError } from '../../test/testbed/errors.ts';
import { machine, writeJson } from '../report.ts';
import { inWorkplace } from '../workplace.ts';
import { CLIENTS, type ClientName, type Command, serverCommand } from './clients.ts';
import { measure, type Starter, startServer } from './measure.ts';
import { parseOptions } from './options.ts';
import { type Sample, summarize, table } from './results.ts';
import type { Work, Workload } from './workloads.ts';

export { CLIENT_USAGE } from './options.ts';

/** `npm run bench -- client`: builds what is missing, measures, and prints a table. */
export async function runClientBenchmark(args: string[], signal: AbortSignal): Promise<void> {
  const options = parseOptions(args);
  await inWorkplace('bench', signal, async (workplace) => {
    const { cache, python, log } = workplace;
    const commands = new Map<ClientName, Command>();
    for (const name of options.clients) {
      commands.set(name, await CLIENTS[name].prepare(workplace));
    }
    const starter = { python: python.path, signal };
    const server = await startServer(starter, await serverCommand(cache));
    const samples: Sample[] = [];
    try {
      for (let round = 1; round <= options.rounds; round += 1) {
        for (const workload of options.workloads) {
          for (const [client, command] of turned(commands, round)) {
            if (round > (CLIENTS[client].rounds ?? Number.POSITIVE_INFINITY)) continue;
            const sample = await sampleOf(starter, server.authUrl, { client, command, round, workload });
            const { cpuMs, count } = sample;
            log(
              `round ${round}: ${workload.name}: ${client}: ${(cpuMs / count).toFixed(4)} ms CPU a ${workload.unit}`,
            );
            samples.push(sample);
          }
        }
      }
    } finally {
      await server.stop();
    }
    const results = summarize(samples);
    const titles = Object.fromEntries(options.clients.map((name) => [name, CLIENTS[name].title]));
    process.stdout.write(`${machine()}\n\n${table(results, options.workloads, titles)}`);
    if (options.json !== undefined) await writeJson(options.json, { machine: machine(), results, samples });
  });
}

/** Each round begins with another, so that none is always the first after a pause. */
function turned<K, V>(map: Map<K, V>, by: number): [K, V][] {
  const entries = [...map];
  const at = by % entries.length;
  return [...entries.slice(at), ...entries.slice(0, at)];
}

interface Turn {
  client: ClientName;
  command: Command;
  round: number;
  workload: Workload;
}

async function sampleOf(
  starter: Starter,
  authUrl: string,
  { client, command, round, workload }: Turn,
): Promise<Sample> {
  const { most } = CLIENTS[client];
  const work: Work = { ...workload.work };
  if (most) {
    work.count = Math.min(work.count, most.count);
    work.warmUp = Math.min(work.warmUp, most.warmUp);
  }
  const measured = await measure(starter, client, command, authUrl, work);
  const expected = work.count * workload.readEach;
  if (measured.read !== expected) {
    throw new TestbedError(`${client} got ${measured.read} of ${expected} things in ${workload.name}`);
  }
  return { workload: workload.name, client, round, count: work.count, ...measured };
}
