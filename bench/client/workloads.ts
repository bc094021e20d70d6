/** What a client is asked to do. It is given to its program as JSON. */
export interface Work {
  kind: 'list' | 'get' | 'resources';
  /** Calls that are measured; of a list: rows. */
  count: number;
  /** Calls or rows before them that aren't. */
  warmUp: number;
  /** Calls at a time. */
  concurrency: number;
  /** Rows of one page of a list. */
  pageSize: number;
  /** How many stacks the project has. */
  stacks: number;
  /** The stack that is asked for. */
  name: string;
  id: string;
}

/** A kind of work that clients are compared by. */
export interface Workload {
  /** As given to `--only`. */
  name: string;
  title: string;
  /** What is counted: the CPU time is divided by it. */
  unit: 'call' | 'row';
  work: Work;
  /** How many things in the state CREATE_COMPLETE each of the counted must bring. */
  readEach: number;
}

/** Stacks of the server that have the same length of name and id; which of them is asked for makes no difference. */
const STACK = { name: 'stack-000042', id: 'e676bb8c-9320-47d1-aea0-000000000042' };
const CALLS = { count: 2000, warmUp: 300, concurrency: 1, pageSize: 0, stacks: 10_000, ...STACK };
/** What the server gives to each stack. */
const RESOURCES = 5;

export const WORKLOADS: readonly Workload[] = [
  {
    name: 'list',
    title: 'list 10,000 stacks, pages of 200',
    unit: 'row',
    work: { ...CALLS, kind: 'list', count: 10_000, warmUp: 2000, pageSize: 200 },
    readEach: 1,
  },
  {
    name: 'get',
    title: '2,000 × get a stack, one after the other',
    unit: 'call',
    work: { ...CALLS, kind: 'get' },
    readEach: 1,
  },
  {
    name: 'get-50',
    title: '2,000 × get a stack, 50 at a time',
    unit: 'call',
    work: { ...CALLS, kind: 'get', concurrency: 50 },
    readEach: 1,
  },
  {
    name: 'get-long',
    title: '20,000 × get a stack, 50 at a time, in a process that has long run',
    unit: 'call',
    work: { ...CALLS, kind: 'get', count: 20_000, warmUp: 10_000, concurrency: 50 },
    readEach: 1,
  },
  {
    name: 'resources',
    title: '2,000 × the 5 resources of a stack',
    unit: 'call',
    work: { ...CALLS, kind: 'resources' },
    readEach: RESOURCES,
  },
  {
    name: 'stream',
    title: 'stream 100,000 stacks, pages of 1,000',
    unit: 'row',
    work: { ...CALLS, kind: 'list', count: 100_000, warmUp: 2000, pageSize: 1000, stacks: 100_000 },
    readEach: 1,
  },
];
