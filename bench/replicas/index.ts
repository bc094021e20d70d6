import { randomInt } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheRoot } from '../../test/testbed/cache.ts';
import { TestbedError } from '../../test/testbed/errors.ts';
import { sweepAtEnd } from '../../test/testbed/guard.ts';
import { findPython } from '../../test/testbed/python.ts';
import { startCluster } from '../operator/cluster.ts';
import { StandInHeat } from '../operator/heat.ts';
import { OPERATORS } from '../operator/operators.ts';
import { machine } from '../report.ts';
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
  const log = (line: string): void => void process.stderr.write(`bench: ${line}\n`);
  const python = await findPython();
  const cache = { root: cacheRoot(), python: python.path, log, signal };
  const folder = await mkdtemp(join(tmpdir(), 'heatstack-replicas-'));
  const sweeper = sweepAtEnd(python.path, folder);
  let isWhole = false;
  try {
    const cluster = await startCluster(cache, join(folder, 'kubernetes'));
    try {
      const { kubeconfig, client } = cluster;
      const command = await OPERATORS.ours.prepare({ cache, python, folder, kubeconfig });
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
      if (broken > 0) throw new TestbedError(`rules were broken; the logs of the replicas are in ${folder}`);
      isWhole = true;
    } finally {
      await cluster.stop();
    }
  } finally {
    // A message names it.
    if (isWhole || signal.aborted) await sweeper.sweep();
    else sweeper.keep();
  }
}
