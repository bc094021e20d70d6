import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../deploy/bundle/bundle.ts';
import { goPrograms } from '../../test/testbed/go-programs.ts';
import { pythonEnvironment } from '../../test/testbed/python-environment.ts';
import type { Workplace } from '../workplace.ts';
import type { Command } from './process.ts';

const PEERS = fileURLToPath(new URL('./peers', import.meta.url));
/** Objects that each operator works on at once. */
const CONCURRENCY = '10';
/**
 * As the Helm chart has it; and half of its limit of memory, which Node takes for its heap in a pod. Without a limit Node
 * takes some GiB, and collects the less garbage the more it may have.
 */
const HEAP = ['--max-semi-space-size=4', '--max-old-space-size=256'];

/** Where programs come from. */
export interface Workshop extends Pick<Workplace, 'cache' | 'python' | 'folder'> {
  kubeconfig: string;
  /** Where to write a CPU profile of ours; missing: none is made. */
  profileFolder?: string | undefined;
}

export type OperatorName = 'ours' | 'ours-without-events' | 'controller-runtime' | 'kopf';

export interface Operator {
  title: string;
  /** Works on at most so many stacks. */
  most?: number;
  prepare(workshop: Workshop): Promise<Command>;
}

export const OPERATORS: Record<OperatorName, Operator> = {
  ours: { title: 'ours', prepare: (workshop) => ours(workshop, []) },
  'ours-without-events': {
    title: 'ours, --events=false',
    prepare: (workshop) => ours(workshop, ['--events=false']),
  },
  'controller-runtime': {
    title: 'controller-runtime + gophercloud',
    async prepare({ cache, kubeconfig }) {
      const programs = await goPrograms(cache, {
        name: 'bench-controller-runtime',
        module: join(PEERS, 'controller-runtime'),
        what: 'the operator with controller-runtime and gophercloud',
        otherwise: ', or leave it out by --operators',
      });
      const args = ['--kubeconfig', kubeconfig, '--concurrency', CONCURRENCY];
      return { command: join(programs, 'controller-runtime'), args };
    },
  },
  kopf: {
    title: 'kopf + openstacksdk',
    most: 100,
    async prepare({ cache, python, kubeconfig }) {
      const folder = join(PEERS, 'kopf');
      const title = 'kopf and openstacksdk with pip (seconds, once)';
      const { interpreter } = await pythonEnvironment(cache, python, { name: 'bench-kopf', title, folder });
      return { command: interpreter, args: [join(folder, 'stacks.py'), kubeconfig, CONCURRENCY] };
    },
  },
};

/** From a bundle, as the image has it. */
async function ours({ folder, kubeconfig, profileFolder }: Workshop, extra: string[]): Promise<Command> {
  const { program } = await bundle(join(folder, 'bundle'));
  const profile = profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`];
  const args = [
    ...['--kubeconfig', kubeconfig, '--concurrency', CONCURRENCY, '--log-format', 'json'],
    // The peers have no limit to their requests.
    ...['--heat-rate', '10000', '--allowed-endpoints', '127.0.0.1'],
  ];
  return { command: process.execPath, args: [...HEAP, ...profile, program, ...args, ...extra] };
}
