import { readFileSync } from 'node:fs';
import { mkdtempDisposable, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';
import { parse } from 'yaml';
import { VERSION } from '../../src/version.ts';
import { writeReleaseChart } from './chart.ts';
import { CHANGELOG, FILES, type Files, notesOf, problemsOf, release } from './version.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NOW: Files = Object.fromEntries(FILES.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]));

test('the version is the same everywhere', () => {
  expect(problemsOf(NOW)).toEqual([]);
});

describe('a release', () => {
  const next = release(NOW, '9.8.7-rc.1', '2030-01-02');

  it('has its version everywhere, and what was unreleased under its heading', () => {
    expect(problemsOf(next, 'v9.8.7-rc.1')).toEqual([]);
    expect(parse(next['deploy/helm/heatstack-operator/Chart.yaml'] ?? '')).toMatchObject({
      version: '9.8.7-rc.1',
      appVersion: '9.8.7-rc.1',
    });
    expect(JSON.parse(next['package-lock.json'] ?? '')).toMatchObject({
      version: '9.8.7-rc.1',
      packages: { '': { version: '9.8.7-rc.1' } },
    });
    expect(next[CHANGELOG]).toContain('## Unreleased\n\n## 9.8.7-rc.1 (2030-01-02)\n');
    expect(notesOf(next, '9.8.7-rc.1')).toMatch(/^\S/);
  });

  it('changes nothing else', () => {
    const back = Object.fromEntries(
      Object.entries(next).map(([file, text]) => [
        file,
        text.replaceAll('\n## 9.8.7-rc.1 (2030-01-02)\n', '').replaceAll('9.8.7-rc.1', VERSION),
      ]),
    );
    expect(back).toEqual(NOW);
  });

  it('is made once', () => {
    expect(() => release(next, '9.8.7-rc.1', '2030-01-02')).toThrow('has 9.8.7-rc.1 already');
    expect(() => release(next, '9.8.8', '2030-01-02')).toThrow('says nothing under "Unreleased"');
  });

  it.each(['v1.0.0', '1.0', '01.0.0', '1.0.0+1', '', '1.0.0-'])('is not called %j', (version) => {
    expect(() => release(NOW, version, '2030-01-02')).toThrow('is no version');
  });

  it('is told from another by its tag, and by a place that was forgotten', () => {
    expect(problemsOf(next, 'v9.8.7')).toEqual(['the tag is v9.8.7, and the version 9.8.7-rc.1']);
    const file = 'deploy/docker/Dockerfile';
    const forgotten = { ...next, [file]: NOW[file] ?? '' };
    expect(problemsOf(forgotten)).toEqual([`${file} says ${VERSION}, and package.json 9.8.7-rc.1`]);
    const silent = { ...next, [CHANGELOG]: NOW[CHANGELOG] ?? '' };
    expect(problemsOf(silent, 'v9.8.7-rc.1')).toEqual([`${CHANGELOG} says nothing of 9.8.7-rc.1`]);
  });
});

test('a published chart has its image, by digest, and is the same otherwise', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'heatstack-chart-'));
  const chart = join(ROOT, 'deploy/helm/heatstack-operator');
  const target = join(folder.path, 'chart');
  const digest = `sha256:${'0a'.repeat(32)}`;
  const repository = 'ghcr.io/example/heatstack-operator';
  const source = 'https://github.com/example/heatstack-operator';
  await writeReleaseChart(chart, target, { repository, digest, source });
  const files = async (from: string) => {
    const names = (await readdir(from, { recursive: true })).sort();
    const texts = await Promise.all(
      names.map(async (name) => [name, await readFile(join(from, name), 'utf8').catch(() => '')] as const),
    );
    return new Map(texts);
  };
  const [before, after] = [await files(chart), await files(target)];
  expect([...after.keys()]).toEqual([...before.keys()]);
  const changed = [...after].filter(([name, text]) => text !== before.get(name)).map(([name]) => name);
  expect(changed).toEqual(['Chart.yaml', 'README.md', 'values.yaml']);
  expect(parse(after.get('Chart.yaml') ?? '')).toEqual({
    ...(parse(before.get('Chart.yaml') ?? '') as object),
    home: source,
    sources: [source],
  });
  const readme = after.get('README.md');
  expect(readme).toContain(`](${source}/blob/v${VERSION}/docs/operations.md)`);
  expect(readme).not.toContain('](..');
  const values = parse(before.get('values.yaml') ?? '') as { image: object };
  expect(parse(after.get('values.yaml') ?? '')).toEqual({
    ...values,
    image: {
      ...values.image,
      repository,
      tag: `${VERSION}@${digest}`,
    },
  });
  // Comments are the documentation of the values.
  const comments = (text = '') => [...text.matchAll(/# -- .*/g)].length;
  expect(comments(after.get('values.yaml'))).toBe(comments(before.get('values.yaml')));
  const published = { repository, digest, source };
  const wrong = (part: object) => writeReleaseChart(chart, target, { ...published, ...part });
  await expect(wrong({ digest: 'latest' })).rejects.toThrow('is no digest');
  await expect(wrong({ repository: 'a b' })).rejects.toThrow('is no image');
  await expect(wrong({ source: '/' })).rejects.toThrow('is no address');
});
