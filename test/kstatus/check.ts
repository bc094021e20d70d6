import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { askHealth } from '../gitops/health.ts';
import { messageOf } from '../testbed/errors.ts';
import { HISTORY_FILE, parseHistory } from './history.ts';
import { type Judgement, judgeHistory } from './judge.ts';
import { askKstatus } from './kstatus.ts';

/** More of one scenario are only counted: what is wrong is mostly wrong in every version. */
const MAX_PROBLEMS = 20;

/** Paths of the programs that are asked. */
export interface HistoryPrograms {
  kstatus: string;
  argocd: string;
}

/**
 * Judges the histories that scenarios left.
 *
 * @param artifacts the run's folder; each folder in it is a scenario's
 * @param programs ask kstatus, and the health check for Argo CD
 */
export async function checkHistories(
  artifacts: string,
  programs: HistoryPrograms,
): Promise<(Judgement & { scenario: string })[]> {
  const entries = await readdir(artifacts, { withFileTypes: true });
  const scenarios = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const judgements = [];
  for (const scenario of scenarios.sort()) {
    const judgement = await check(join(artifacts, scenario, HISTORY_FILE), programs).catch(
      (error: unknown): Judgement => ({ versions: 0, objects: 0, problems: [messageOf(error)] }),
    );
    judgements.push({ scenario, ...judgement });
  }
  return judgements;
}

async function check(file: string, { kstatus, argocd }: HistoryPrograms): Promise<Judgement> {
  if (!existsSync(file)) return { versions: 0, objects: 0, problems: ['no history was recorded'] };
  const history = parseHistory(await readFile(file, 'utf8'));
  const objects = history.versions.map(({ object }) => object);
  const [verdicts, healths] = await Promise.all([askKstatus(kstatus, objects), askHealth(argocd, objects)]);
  const judgement = judgeHistory(history, verdicts, healths);
  const { length } = judgement.problems;
  const problems = judgement.problems.slice(0, MAX_PROBLEMS);
  if (length > MAX_PROBLEMS) problems.push(`and ${length - MAX_PROBLEMS} more`);
  return { ...judgement, problems };
}
