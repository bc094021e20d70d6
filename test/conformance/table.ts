import type { Outcome } from './outcome.ts';
import type { Verdict } from './verdict.ts';

/** One scenario that was run. */
export interface Row extends Verdict {
  name: string;
  sdk?: Outcome;
  ours?: Outcome;
}

const requests = (run: Outcome | undefined): string => String(run?.requests.length ?? '-');

/** A row for the terminal. */
export function row({ name, verdict, reason, sdk, ours }: Row): string {
  const mark = verdict === 'worse' ? '✗' : '✓';
  const counts = `${requests(sdk)}/${requests(ours)}`;
  return `${mark} ${verdict.padEnd(6)} ${counts.padStart(5)}  ${name}${reason && `\n                  ${reason}`}`;
}

/** The table as a page of the documentation: the same for every run with the same verdicts. */
export function markdown(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ name, verdict, reason, sdk, ours }) =>
      `| ${name} | ${verdict} | ${requests(sdk)} / ${requests(ours)} | ${reason.replaceAll('|', '\\|')} |`,
  );
  return `# Beside openstacksdk

Written by \`npm run conformance -- --write\`: openstacksdk 4.22.0 and this client do the same things to the same real
Heat 27. "Same": equal results, equal writes, and no more requests than openstacksdk sends. "Better": they differ on
purpose, and what each does is checked. The requests are those to Heat, of openstacksdk / of this client.

| scenario | verdict | requests | why |
| -------- | ------- | -------- | --- |
${lines.join('\n')}
`;
}
