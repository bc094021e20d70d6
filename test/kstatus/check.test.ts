import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkHistories, type HistoryPrograms } from './check.ts';

let folder: string;
let artifacts: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'check-'));
  artifacts = join(folder, 'artifacts');
  mkdirSync(artifacts);
  writeFileSync(join(artifacts, 'e2e.json'), '{}');
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Programs that say the same of every line; Argo CD's, that it is progressing. */
function programs(says: string): HistoryPrograms {
  const program = (name: string, command: string): string => {
    const file = join(folder, name);
    writeFileSync(file, `#!/bin/sh\nwhile read -r line; do ${command}; done\n`, { mode: 0o700 });
    return file;
  };
  return { kstatus: program('kstatus', says), argocd: program('argocd', ALWAYS('Progressing')) };
}

const ALWAYS = (status: string) => `echo '{"status":"${status}","message":"so it is"}'`;

/** The line of an object that nobody has looked at yet. */
function line(name: string): string {
  const metadata = { name, namespace: 'team', uid: `uid-${name}`, resourceVersion: '7', generation: 1 };
  return `${JSON.stringify({ event: 'ADDED', object: { metadata, status: { observedGeneration: -1 } } })}\n`;
}

function scenario(name: string, history?: string): void {
  mkdirSync(join(artifacts, name));
  if (history !== undefined) writeFileSync(join(artifacts, name, 'history.jsonl'), history);
}

it('judges the history of every scenario', async () => {
  scenario('update', line('a') + line('b'));
  scenario('delete', line('a'));
  expect(await checkHistories(artifacts, programs(ALWAYS('InProgress')))).toEqual([
    { scenario: 'delete', versions: 1, objects: 1, problems: [] },
    { scenario: 'update', versions: 2, objects: 2, problems: [] },
  ]);
});

it('tells what is wrong, and of much only how much', async () => {
  scenario('update', Array.from({ length: 23 }, (_, index) => line(`stack-${index}`)).join(''));
  const [judgement] = await checkHistories(artifacts, programs(ALWAYS('Current')));
  expect(judgement?.problems).toHaveLength(21);
  expect(judgement?.problems[0]).toContain('team/stack-0 version 7: kstatus says Current');
  expect(judgement?.problems[20]).toMatch(/^and \d+ more$/);
});

it.each([
  ['there is none', undefined, ALWAYS('InProgress'), 'no history was recorded'],
  ['it is none', '{"event":"ADDED"}\n', ALWAYS('InProgress'), 'Invalid'],
  ['it is torn', line('a').slice(0, 40), ALWAYS('InProgress'), 'JSON'],
  ['kstatus ends', line('a'), 'exit 3', 'kstatus ended with 3 after 0 of 1 objects'],
  ['kstatus says too little', line('a'), 'true', 'kstatus ended with 0 after 0 of 1 objects'],
  ['kstatus says something else', line('a'), ALWAYS('Fine'), 'Invalid'],
])('fails for a history when %s', async (_, history, says, problem) => {
  scenario('update', history);
  expect(await checkHistories(artifacts, programs(says))).toEqual([
    { scenario: 'update', versions: 0, objects: 0, problems: [expect.stringContaining(problem)] },
  ]);
});
