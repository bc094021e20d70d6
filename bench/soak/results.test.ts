import { expect, test } from 'vitest';
import { brokenRules, report, type SoakResult } from './results.ts';
import type { Sample } from './samples.ts';

const DURATION = 1_800_000;

/** A look each ten seconds. */
function samples(change: (minutes: number) => Partial<Sample> = () => ({})): Sample[] {
  return Array.from({ length: 180 }, (_, at) => ({
    ...{ atMs: at * 10_000, residentMiB: 120, externalMiB: 5, sockets: 20, descriptors: 40, resources: 30 },
    // A saw's teeth.
    heapMiB: 40 + (at % 6) * 5,
    ...{ sessions: 4, stacks: 300, cpuMs: at * 400, reconciles: at * 200, heatRequests: at * 300 },
    changes: at * 50,
    ...{ tokens: at, watchLists: 3, watchRestarts: at },
    ...change(at / 6),
  }));
}

const result = (changes: Partial<SoakResult> = {}): SoakResult => ({
  ...{ durationMs: DURATION, samples: samples(), problems: [] },
  counts: { created: 500, updated: 900 },
  disturbances: { 'tokens revoked': 30 },
  after: { sessions: 0, sockets: 9, heapMiB: 30, residentMiB: 110 },
  ...changes,
});

test('all is well', () => {
  expect(brokenRules(result())).toEqual([]);
  const text = report(result());
  expect(text).toMatch(/^objects +500 created, 900 updated$/m);
  expect(text).toMatch(/^heap after garbage collection, MiB +40\.0 +40\.0 +40\.0 +\+0\.0 +3\.0 +no$/m);
  expect(text).toMatch(/^reconciles a second +20\.0 +20\.0 +20\.0 +\+0\.0 +- +-$/m);
  expect(text).not.toContain('!');
});

test.each([
  ['resident memory', (minutes: number) => ({ residentMiB: 120 + minutes })],
  ['heap after', (minutes: number) => ({ heapMiB: 40 + minutes / 2 })],
  ['buffers', (minutes: number) => ({ externalMiB: 5 + minutes / 4 })],
  ['sockets', (minutes: number) => ({ sockets: Math.floor(20 + minutes / 2) })],
  ['sessions', (minutes: number) => ({ sessions: Math.floor(4 + minutes / 2) })],
])('what grows is said: %s', (title, change) => {
  const broken = brokenRules(result({ samples: samples(change) }));
  expect(broken).toEqual([expect.stringMatching(`^grew: ${title}`)]);
  expect(report(result({ samples: samples(change) }))).toContain(`! ${broken[0]}`);
});

test('other work in the end than in the beginning proves nothing', () => {
  const slower = samples((minutes) => ({ reconciles: 3000 * Math.sqrt(minutes) }));
  expect(brokenRules(result({ samples: slower }))).toEqual([
    expect.stringMatching('^not the same work.*reconciles a second'),
  ]);
});

test('what is left when all is gone, and what was not right before', () => {
  const after = { ...result().after, sessions: 2 };
  expect(brokenRules(result({ after, problems: ['stack-7: it has no stack'] }))).toEqual([
    expect.stringMatching('^2 sessions'),
    'not right in the end: stack-7: it has no stack',
  ]);
});
