import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Cache, cached, cacheRoot, fingerprint } from './cache.ts';

vi.setConfig({ testTimeout: 60_000 }); // processes are started; the machine may be busy

let root: string;
let lines: string[];
let cache: Cache;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cache-test-'));
  lines = [];
  cache = { root: join(root, 'cache'), python: 'python3', log: (line) => lines.push(line) };
});
afterEach(() => rm(root, { recursive: true, force: true }));

test('cacheRoot follows the XDG specification', () => {
  expect(cacheRoot({ XDG_CACHE_HOME: '/caches' })).toBe('/caches/heatstack-operator');
  expect(cacheRoot({ XDG_CACHE_HOME: 'relative' })).toBe(join(homedir(), '.cache/heatstack-operator'));
  expect(cacheRoot({})).toBe(join(homedir(), '.cache/heatstack-operator'));
});

test('fingerprint tells contents apart, also where they are joined', () => {
  expect(fingerprint(['a', 'b'])).toBe(fingerprint(['a', Buffer.from('b')]));
  expect(fingerprint(['ab', ''])).not.toBe(fingerprint(['a', 'b']));
});

test('builds once', async () => {
  let builds = 0;
  const build = async (folder: string): Promise<void> => {
    await writeFile(join(folder, 'tool'), `build ${++builds}`);
  };
  const folder = await cached(cache, 'tool', build);
  expect(await cached(cache, 'tool', build)).toBe(folder);
  expect(await readFile(join(folder, 'tool'), 'utf8')).toBe('build 1');
});

test('throws away what a failed build left', async () => {
  const failing = cached(cache, 'tool', async (folder) => {
    await writeFile(join(folder, 'half'), '');
    throw new Error('interrupted');
  });
  await expect(failing).rejects.toThrow('interrupted');
  const folder = await cached(cache, 'tool', (target) => writeFile(join(target, 'whole'), ''));
  expect(existsSync(join(folder, 'half'))).toBe(false);
  expect(existsSync(join(folder, 'whole'))).toBe(true);
});

test('lets one of many build, while the others wait', async () => {
  let running = 0;
  let builds = 0;
  const build = async (): Promise<void> => {
    expect(++running).toBe(1);
    builds++;
    await vi.waitFor(() => expect(lines).toHaveLength(2), 20_000); // the two others wait
    running--;
  };
  await Promise.all([1, 2, 3].map(() => cached(cache, 'tool', build)));
  expect(builds).toBe(1);
  expect(lines).toContain('waiting for another test bed that builds tool …');
});

test('stops waiting when aborted', async () => {
  const built = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const first = cached(cache, 'tool', () => {
    begun.resolve();
    return built.promise;
  });
  await begun.promise;
  const aborter = new AbortController();
  const second = cached(
    { ...cache, signal: aborter.signal, log: () => aborter.abort(new Error('enough')) },
    'tool',
    () => Promise.reject(new Error('two at once')),
  );
  await expect(second).rejects.toThrow('enough');
  built.resolve();
  await first;
});
