import { appendFile, mkdir, mkdtempDisposable, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { keepPodLogs } from './pod-logs.ts';

test('logs of pods are kept whole when their pods go', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'heatstack-pod-logs-'));
  const [logs, kept] = [join(folder.path, 'running'), join(folder.path, 'all')];
  const end = await keepPodLogs(logs, kept);
  await mkdir(join(logs, 'ns_first_1', 'operator'), { recursive: true });
  await writeFile(join(logs, 'ns_first_1', 'operator', '0.log'), 'one\n');
  await vi.waitFor(async () => expect(await readdir(kept)).toEqual(['ns_first_1_operator_0.log']));
  await appendFile(join(logs, 'ns_first_1', 'operator', '0.log'), 'two\n');
  await rm(join(logs, 'ns_first_1'), { recursive: true });
  await mkdir(join(logs, 'ns_second_2', 'operator'), { recursive: true });
  await writeFile(join(logs, 'ns_second_2', 'operator', '0.log'), 'late\n');
  await end();
  expect((await readdir(kept)).sort()).toEqual(['ns_first_1_operator_0.log', 'ns_second_2_operator_0.log']);
  expect(await readFile(join(kept, 'ns_first_1_operator_0.log'), 'utf8')).toBe('one\ntwo\n');
});
