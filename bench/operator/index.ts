import { join } from 'node:path';
import { TestbedError } from '../../test/testbed/errors.ts';
import { machine, writeJson } from '../report.ts';
import { inWorkplace } from '../workplace.ts';
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
  await inWorkplace('bench', signal, async (workplace) => {
    const { cache, python, folder, log } = workplace;
    const cluster = await startCluster(cache, join(folder, 'kubernetes'));
    try {
      const workshop = {
        ...workplace,
        ...{ kubeconfig: cluster.kubeconfig, profileFolder: options.profile },
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
              ...{ cloudsYaml: (project: string) => heat.cloudsYaml({ project }), signal },
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
      if (failed.length > 0) throw new TestbedError(failed.join('\n'));
    } finally {
      await cluster.stop();
    }
  });
}
