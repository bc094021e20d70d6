import { readFileSync } from 'node:fs';
import type { Outcome } from './outcome.ts';
import type { Scenario } from './scenario.ts';
import { judge, mockDifference } from './verdict.ts';

/** One scenario that was run, and what is said of it. */
export interface Row {
  name: string;
  /** "equal" and "accepted" are of the mock beside the real Heat. */
  verdict: 'same' | 'better' | 'worse' | 'equal' | 'accepted' | 'different';
  /** Why it is better, accepted, worse or different. */
  reason: string;
  /** Requests of both. */
  requests: string;
  /** What both did. */
  runs: Record<string, Outcome>;
}

/** A run that ended, or why there is none. */
export type Attempt = PromiseSettledResult<Outcome>;

/** Whether a row is a fault. */
export const isBad = ({ verdict }: Row): boolean => verdict === 'worse' || verdict === 'different';

/** Our client beside openstacksdk. */
export function sdkRow(it: Scenario, sdk: Attempt, ours: Attempt): Row {
  const { name } = it;
  if (sdk.status === 'rejected' || ours.status === 'rejected') {
    return { name, verdict: 'worse', reason: failureOf(sdk, ours), requests: '', runs: {} };
  }
  const runs = { sdk: sdk.value, ours: ours.value };
  const [theirs, own] = [runs.sdk.requests.length, runs.ours.requests.length];
  const requests = it.polls ? 'polls' : `${theirs} / ${own}`;
  return { name, ...judge(it, runs.sdk, runs.ours), requests, runs };
}

/** Our client on the mock beside our client on the real Heat. */
export function mockRow(it: Scenario, real: Attempt, mock: Attempt, accepted: string | undefined): Row {
  const { name } = it;
  const runs = {
    ...(real.status === 'fulfilled' && { real: real.value }),
    ...(mock.status === 'fulfilled' && { mock: mock.value }),
  };
  const found =
    real.status === 'fulfilled' && mock.status === 'fulfilled'
      ? mockDifference(it, real.value, mock.value)
      : failureOf(real, mock);
  const row = { name, requests: '', runs };
  if (found === undefined && accepted === undefined) return { ...row, verdict: 'equal', reason: '' };
  if (found === undefined) {
    return { ...row, verdict: 'different', reason: 'it is equal: remove it from MOCK_DIFFERENCES' };
  }
  if (accepted !== undefined) return { ...row, verdict: 'accepted', reason: accepted };
  return { ...row, verdict: 'different', reason: `on the mock, ${found}` };
}

function failureOf(...attempts: Attempt[]): string {
  const reasons = attempts.flatMap((attempt) => (attempt.status === 'rejected' ? [attempt.reason] : []));
  return `the scenario failed: ${reasons.join('; ')}`;
}

/** A row for the terminal. */
export function line(row: Row): string {
  const { name, verdict, reason, requests } = row;
  const indent = ' '.repeat(20);
  return `${isBad(row) ? '✗' : '✓'} ${verdict.padEnd(9)} ${requests.padStart(7)}  ${name}${reason && `\n${indent}${reason}`}`;
}

/** The table as a page of the documentation: the same for every run with the same verdicts. */
export function markdown(rows: readonly Row[]): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('*', '\\*');
  const lines = rows.map(
    ({ name, verdict, reason, requests }) => `| ${cell(name)} | ${verdict} | ${requests} | ${cell(reason)} |`,
  );
  const count = (verdict: Row['verdict']): number => rows.filter((row) => row.verdict === verdict).length;
  return `# Beside openstacksdk

Written by \`npm run conformance -- --write\`: openstacksdk ${pinned('openstacksdk')} and this client do the same things to
the same real Heat (${pinned('openstack-heat')}), and what comes of it is compared: ${count('same')} same, ${count('better')} better, none worse.

- **same**: equal results, equal writes, and no more requests than openstacksdk sends.
- **better**: they differ on purpose, and what each of them does is checked.

The requests are those to Heat: of openstacksdk / of this client.

| scenario | verdict | requests | why |
| -------- | ------- | -------- | --- |
${lines.join('\n')}
`;
}

/** The version of a Python package in the test bed. */
function pinned(name: string): string {
  const file = new URL('../testbed/openstack/requirements.in', import.meta.url);
  return new RegExp(`^${name}==(.*)$`, 'm').exec(readFileSync(file, 'utf8'))?.[1] ?? 'of unknown version';
}
