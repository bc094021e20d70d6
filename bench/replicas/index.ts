import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { TestbedError } from '../../test/testbed/errors.ts';
import { startCluster } from '../operator/cluster.ts';
import { StandInHeat } from '../operator/heat.ts';
import { OPERATORS } from '../operator/operators.ts';
import { machine } from '../report.ts';
import { inWorkplace } from '../workplace.ts';
import { parseOptions } from './options.ts';
import { brokenRules, report } from './results.ts';
import { runTrial } from './trial.ts';

export { REPLICAS_USAGE } from './options.ts';

/**
 * `npm run bench -- replicas`: tries replicas of the operator with faults, and prints what came of it.
 *
 * @throws TestbedError when a rule was broken; what is printed says which
 */
export async function runReplicasTest(args: string[], signal: AbortSignal): Promise<void> {
  const options = parseOptions(args, () => randomInt(2 ** 32));
  await inWorkplace('replicas', signal, async (workplace) => {
    const { cache, python, folder, log } = workplace;
    const cluster = await startCluster(cache, join(folder, 'kubernetes'));
    try {
      const { kubeconfig, client } = cluster;
      const command = await OPERATORS.ours.prepare({ ...workplace, kubeconfig });
      log(`--seed ${options.seed}`);
      process.stdout.write(`${machine()}, --seed ${options.seed}\n`);
      let number = 0;
      let broken = 0;
      for (const setUp of options.setUps) {
        const heat = await StandInHeat.start(cache, { work: options.work, signal });
        try {
          const result = await runTrial({
            ...{ options, setUp, client, heat, python: python.path, command, folder, signal },
            nextNumber: () => ++number,
            log: (line) => log(`${setUp.title}: ${line}`),
          });
          process.stdout.write(`\n${report(result)}`);
          broken += brokenRules(result).length;
        } finally {
          await heat.stop();
        }
      }
      if (broken > 0) throw new TestbedError('rules were broken');
    } finally {
      await cluster.stop();
    }
  });
}
