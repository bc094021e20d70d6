import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheRoot } from '../../test/testbed/cache.ts';
import { TestbedError } from '../../test/testbed/errors.ts';
import { sweepAtEnd } from '../../test/testbed/guard.ts';
import { findPython } from '../../test/testbed/python.ts';
import { machine, writeJson } from '../report.ts';
import { startCluster } from './cluster.ts';
import { Fleet } from './fleet.ts';
import { StandInHeat } from './heat.ts';
import { OPERATORS, type OperatorName } from './operators.ts';
import { parseOptions } from './options.ts';
import { runPhases } from './phases.ts';
import type { Command } from './process.ts';
import { comparison, growth, type Results } from './results.ts';

export { OPERATOR_USAGE } from './options.ts';

/** `npm run bench -- operator`: builds what is missing, measures, and prints tables. */
export async function runOperatorBenchmark(args: string[], signal: AbortSignal): Promise<void> {
  const options = parseOptions(args);
  const log = (line: string): void => void process.stderr.write(`bench: ${line}\n`);
  const python = await findPython();
  const cache = { root: cacheRoot(), python: python.path, log, signal };
  const folder = await mkdtemp(join(tmpdir(), 'heatstack-bench-'));
  const sweeper = sweepAtEnd(python.path, folder);
  let isWhole = false;
  try {
    const cluster = await startCluster(cache, join(folder, 'kubernetes'));
    try {
      const workshop = {
        ...{ cache, python, folder, kubeconfig: cluster.kubeconfig, profileFolder: options.profile },
      };
      const commands = new Map<OperatorName, Command>();
      for (const name of options.operators) commands.set(name, await OPERATORS[name].prepare(workshop));
      const failed: string[] = [];
      const runs: { stacks: number; results: Results }[] = [];
      for (const stacks of options.stacks) {
        const results: Results = {};
        for (const [name, command] of commands) {
          const size = Math.min(stacks, OPERATORS[name].most ?? stacks);
          // The same again with as few stacks would tell nothing new.
          if (size < stacks && runs.some(({ results: before }) => before[name]?.stacks === size)) continue;
          // A Heat for each: none finds the stacks of another, or more work.
          const heat = await StandInHeat.start(cache, { work: options.work, signal });
          try {
            const prefix = `${name}-${stacks}`;
            const fleet = new Fleet({
              ...{ client: cluster.client, prefix, size, namespaces: Math.min(options.projects, size) },
              ...{ cloudsYaml: heat.cloudsYaml(), signal },
            });
            results[name] = await runPhases({
              ...{ python: python.path, command, heat, fleet, stacks: size, signal },
              logFile: join(folder, `${prefix}.log`),
              log: (line) => log(`${size} stacks: ${OPERATORS[name].title}: ${line}`),
            });
          } catch (error) {
            // What the others cost is worth as much.
            if (signal.aborted || !(error instanceof TestbedError)) throw error;
            failed.push(`${size} stacks: ${OPERATORS[name].title}: ${error.message}`);
            log(`${failed.at(-1)}`);
          } finally {
            await heat.stop();
          }
        }
        runs.push({ stacks, results });
      }
      const tables = runs.map(({ stacks, results }) => comparison(results, stacks));
      if (runs.length > 1) tables.push(growth(runs));
      process.stdout.write(`${machine()}\n\n${tables.join('\n')}`);
      if (options.json !== undefined) await writeJson(options.json, { machine: machine(), runs });
      if (failed.length > 0) throw new TestbedError(`${failed.join('\n')}\nits log is in ${folder}`);
      isWhole = true;
    } finally {
      await cluster.stop();
    }
  } finally {
    // A message may name a log in there.
    if (isWhole || signal.aborted) await sweeper.sweep();
    else sweeper.keep();
  }
}
