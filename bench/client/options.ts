import { numberOf, textOptions } from '../arguments.ts';
import { pick } from '../pick.ts';
import { CLIENTS, type ClientName } from './clients.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

const DEFAULT_ROUNDS = 3;
const MAX_ROUNDS = 100;
const DEFAULT_CLIENTS: readonly ClientName[] = ['ours', 'gophercloud', 'openstacksdk'];

export const CLIENT_USAGE = `usage: npm run bench -- client [options]

Measures what a call costs our client, gophercloud and openstacksdk, on the same server on loopback that does no work.
The first run builds the others into the cache; after that it takes two to four minutes.

options:
  --rounds N        how often each is measured; the median counts (default ${DEFAULT_ROUNDS}; openstacksdk: 1, it is slow)
  --only NAMES      these workloads (${WORKLOADS.map(({ name }) => name).join(', ')})
  --clients NAMES   these clients (${Object.keys(CLIENTS).join(', ')}; default ${DEFAULT_CLIENTS.join(', ')})
  --json FILE       write the results to FILE too
  --help            show this
`;

export interface Options {
  rounds: number;
  workloads: Workload[];
  clients: ClientName[];
  json: string | undefined;
}

/** Options of the command line. Throws a TestbedError for what it doesn't know. */
export function parseOptions(args: string[]): Options {
  const { rounds, only, clients, json } = textOptions(args, ['rounds', 'only', 'clients', 'json'] as const);
  return {
    rounds: rounds === undefined ? DEFAULT_ROUNDS : numberOf('--rounds', rounds, MAX_ROUNDS),
    workloads: pick('--only', only, WORKLOADS, ({ name }) => name),
    clients:
      clients === undefined
        ? [...DEFAULT_CLIENTS]
        : pick('--clients', clients, Object.keys(CLIENTS) as ClientName[], (name) => name),
    json,
  };
}
