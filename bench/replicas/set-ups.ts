import { leaseName } from '../../src/options.ts';

/** Flux's label for static shards. */
const SHARD_LABEL = 'sharding.fluxcd.io/key';

/** Replicas that work on the same HeatStacks: one leads, the others wait. */
export interface Share {
  name: string;
  /** Labels of its HeatStacks. */
  labels: Record<string, string>;
  /** Options of its replicas. */
  args: string[];
  /** Name of its Lease. */
  lease: string;
}

/** One way to run several replicas. */
export interface SetUp {
  name: string;
  title: string;
  shares: Share[];
}

/** All of them, in the order in which they are tried. */
export const SET_UPS: readonly SetUp[] = [
  {
    name: 'leader',
    title: 'a leader and a standby',
    shares: [{ name: 'all', labels: {}, args: [], lease: leaseName({}) }],
  },
  {
    name: 'shards',
    title: 'three shards, each with a leader and a standby',
    shares: ['a', 'b', 'c'].map(shard),
  },
];

function shard(key: string): Share {
  const stacksLabelSelector = `${SHARD_LABEL}=${key}`;
  return {
    name: `shard-${key}`,
    labels: { [SHARD_LABEL]: key },
    args: ['--watch-label-selector', stacksLabelSelector],
    lease: leaseName({ stacksLabelSelector }),
  };
}
