import { parseDuration } from '../../src/api/duration.ts';
import { TestbedError } from '../../test/testbed/errors.ts';
import { numberOf, textOptions } from '../arguments.ts';
import { pick } from '../pick.ts';
import { OPERATORS, type OperatorName } from './operators.ts';

const MAX_STACKS = 20_000;
const MAX_PROJECTS = 100;
const NAMES_OF_OPTIONS = ['stacks', 'projects', 'operators', 'work', 'profile', 'json'] as const;
const NAMES = Object.keys(OPERATORS) as OperatorName[];

export const OPERATOR_USAGE = `usage: npm run bench -- [operator] [options]

Measures what stacks cost our operator, one with controller-runtime and gophercloud, and one with kopf and openstacksdk:
on a real API server of Kubernetes, with a stand-in for Heat, all on loopback. Needs Linux, Go and Python; the first run
builds the others into the cache. After that it takes some ten minutes.

options:
  --stacks NUMBERS   how many HeatStacks; several numbers (100,1000,10000) show how cost grows (default 1000; kopf: at
                     most ${OPERATORS.kopf.most})
  --projects N       in so many OpenStack projects, each with a namespace and credentials of its own (default 2)
  --operators NAMES  these operators (default ${NAMES.join(',')})
  --work DURATION    how long Heat works on a stack (default 10s)
  --profile FOLDER   write CPU profiles of ours there, for a browser's developer tools; it then costs more
  --json FILE        write the results to FILE too
  --help             show this
`;

export interface Options {
  stacks: number[];
  projects: number;
  operators: OperatorName[];
  /** As Go writes durations. */
  work: string;
  profile: string | undefined;
  json: string | undefined;
}

/** Options of the command line. Throws a TestbedError for what it doesn't know. */
export function parseOptions(args: string[]): Options {
  const {
    stacks = '1000',
    projects = '2',
    operators,
    work = '10s',
    profile,
    json,
  } = textOptions(args, NAMES_OF_OPTIONS);
  return {
    stacks: stacks.split(',').map((text) => numberOf('--stacks', text, MAX_STACKS)),
    projects: numberOf('--projects', projects, MAX_PROJECTS),
    operators: pick('--operators', operators, NAMES, (name) => name),
    work: durationOf(work),
    profile,
    json,
  };
}

function durationOf(text: string): string {
  try {
    return `${parseDuration(text)}ms`;
  } catch {
    throw new TestbedError(`--work must be a duration such as 10s, not "${text}"`);
  }
}
