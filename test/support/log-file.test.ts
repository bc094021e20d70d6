import { appendFileSync, mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LogFile } from './log-file.ts';

test('gives each line once it is whole, though it is cut within a letter', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'log-file-'));
  const path = join(folder.path, 'operator.log');
  const log = new LogFile(path);
  expect(log.lines()).toEqual([]);

  const second = Buffer.from('{"level":30,"msg":"zwölf"}\n');
  const within = second.indexOf('ö') + 1;
  appendFileSync(path, '{"level":30,"msg":"one"}\nno JSON\n');
  appendFileSync(path, second.subarray(0, within));
  expect(log.lines().map(({ msg }) => msg)).toEqual(['one']);

  appendFileSync(path, second.subarray(within));
  expect(log.lines().map(({ msg }) => msg)).toEqual(['one', 'zwölf']);
  expect(log.lines()).toHaveLength(2);
});
