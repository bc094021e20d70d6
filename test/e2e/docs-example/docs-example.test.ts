import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { fencedBlocks } from '../../support/markdown.ts';
import { type Manifest, scenario } from '../../support/scenario.ts';

const s = scenario('docs-example');
const PAGE = readFileSync('docs/heatstack.md', 'utf8');
const EXAMPLE = fencedBlocks(PAGE, 'yaml').find((text) => text.includes('kind: HeatStack')) ?? '';
const CONSOLE = fencedBlocks(PAGE, 'console')[0] ?? '';

it('runs as it is written', async () => {
  await s.startOperator();
  const {
    metadata: { name },
  } = parse(EXAMPLE) as Manifest;
  await s.applyText(EXAMPLE);
  await s.kubectl(['wait', '--for=condition=Ready', '--timeout=60s', `hstack/${name}`]);

  const [head, row] = CONSOLE.split('\n').filter((line) => /^(NAME|guestbook) /.test(line));
  const [seenHead, seenRow] = (await s.kubectl(['get', 'hstack', name])).split('\n');
  expect(columns(seenHead)).toEqual(columns(head));
  expect(columns(seenRow)).toEqual(columns(row));
  const [, path = ''] = /-o (jsonpath=.*)/.exec(CONSOLE) ?? [];
  const output = await s.kubectl(['get', 'hstack', name, '-o', path.replaceAll("'", '')]);
  expect(CONSOLE.trimEnd().split('\n').at(-1)).toBe(output);

  const { status } = await s.ready(name);
  const heat = await s.stack(status.id ?? '');
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
  expect(status).toMatchObject({
    cloud: {
      authURL: s.bed.authUrl,
      endpoint: expect.stringContaining('/v1/'),
      region: expect.any(String),
      projectID: expect.stringMatching(/^[0-9a-f]{32}$/),
      projectName: 'demo',
    },
    stackName: name,
    stackStatus: heat?.status,
    stackStatusReason: heat?.statusReason,
    createdAt: heat?.createdAt,
    hidesInputs: false,
    attempts: 0,
    attemptedSince: heat?.createdAt,
    attemptedDigest: status.appliedDigest,
    outputsDigest: expect.stringMatching(/^h1:/),
    lastSyncTime: expect.stringMatching(time),
    resourceSummary: { total: 6, complete: 6, inProgress: 0, failed: 0, text: '6/6' },
  });
  expect(status.updatedAt).toBeUndefined(); // nothing was done since the create
  expect(status.resources?.map(({ path, name: leaf }) => path ?? leaf).sort()).toEqual([
    'farm',
    'farm/0',
    'farm/0/server',
    'farm/1',
    'farm/1/server',
    'password',
  ]);
  expect(status.resources?.find((resource) => resource.name === 'password')?.requiredBy).toEqual(['farm']);
  for (const resource of status.resources ?? []) {
    expect(resource).toMatchObject({
      type: expect.any(String),
      physicalResourceID: expect.any(String),
      status: 'CREATE_COMPLETE',
      updatedAt: expect.stringMatching(time),
    });
  }
  expect(status.conditions?.map(({ type, status: is, reason }) => `${type}=${is} ${reason}`)).toEqual([
    'Ready=True Succeeded',
    'Available=True Succeeded',
    'Progressing=False Succeeded',
    'Drifted=False NoDriftDetected',
  ]);

  await s.patch(name, { spec: { parameters: { servers: 1 } } });
  const updated = await s.ready(name);
  expect(updated.status).toMatchObject({
    createdAt: status.createdAt,
    updatedAt: expect.stringMatching(time),
    attemptedSince: updated.status.updatedAt,
    stackStatus: 'UPDATE_COMPLETE',
    resourceSummary: { text: '4/4' },
  });
  await s.delete(name);
  await s.gone(name);
});

/** A line's columns without the last one, the age. */
function columns(line = ''): string[] {
  return line.trim().split(/\s+/).slice(0, -1);
}
