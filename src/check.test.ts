import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CheckedOptions, check, type Right, rightsFor } from './check.ts';
import { KubeTransport } from './kube/index.ts';
import { FakeApiServer } from './kube/testing/fake-api-server.ts';

const ALL: CheckedOptions = {
  namespaces: [],
  secretNames: ['secretNames'],
  outputObjects: true,
  protectCredentials: true,
  events: true,
  leaderElect: true,
  leaseName: 'leaseName',
};
const FEW: CheckedOptions = {
  ...ALL,
  ...{ secretNames: [], outputObjects: false, protectCredentials: false, events: false, leaderElect: false },
};

const textOf = ({ verb, type, subresource, namespace = '', name = '' }: Right): string =>
  [namespace, type.group || 'core', [type.plural, subresource].filter(Boolean).join('/'), name, verb].join(
    ' ',
  );

/** The table of docs/rbac.md, a text for each verb; with those of values that are on or not. */
function documented(values: boolean): string[] {
  return readFileSync(new URL('../docs/rbac.md', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => /^\| (watched|own) \|/.test(line))
    .flatMap((line) => {
      const [, where, group, resource, name = '', verbs = '', value = ''] = line
        .split('|')
        .map((cell) => cell.trim().replaceAll('`', ''));
      if (value !== '' && !values) return [];
      return verbs
        .split(', ')
        .map((verb) => [where === 'own' ? 'own' : '', group, resource, name, verb].join(' '));
    });
}

test('the rights are those that the documentation lists', () => {
  expect(rightsFor(ALL, 'own').map(textOf).sort()).toEqual(documented(true).sort());
  const few = rightsFor({ ...FEW, secretNames: ['secretNames'] }, 'own').map(textOf);
  expect(few.sort()).toEqual(documented(false).sort());
});

test('in some namespaces they are asked for in each of them', () => {
  const rights = rightsFor({ ...FEW, namespaces: ['a', 'b'] }, 'own');
  expect(new Set(rights.map(({ namespace }) => namespace))).toEqual(new Set(['a', 'b', 'own']));
  expect(rights.map(textOf)).toContain('b core namespaces b get');
});

let server: FakeApiServer;
let transport: KubeTransport;
let allowed: (attributes: Record<string, string>) => boolean;
let lease: object | undefined;

beforeEach(async () => {
  server = await FakeApiServer.start();
  transport = new KubeTransport(server.config(), { userAgent: 'test' });
  allowed = () => true;
  lease = undefined;
  server.respond = ({ method, path, body }, response) => {
    const answer = (status: number, json: object) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
    };
    if (method === 'POST' && path.endsWith('/selfsubjectaccessreviews')) {
      const { spec } = JSON.parse(body) as { spec: { resourceAttributes: Record<string, string> } };
      answer(201, { status: { allowed: allowed(spec.resourceAttributes) } });
    } else if (path.includes('/leases/') && lease) answer(200, lease);
    else answer(404, { kind: 'Status', reason: 'NotFound', code: 404 });
  };
});

afterEach(async () => {
  await transport.close();
  await server.stop();
});

const NOW = Date.parse('2026-01-01T00:00:20Z');

async function run(options: CheckedOptions): Promise<{ isWell: boolean; lines: string[] }> {
  const lines: string[] = [];
  const { signal } = new AbortController();
  const say = (line: string) => void lines.push(line);
  return { isWell: await check(transport, options, 'own', say, { signal, now: () => NOW }), lines };
}

test('all is well', async () => {
  expect(await run(FEW)).toEqual({
    isWell: true,
    lines: [
      '✓ the API server answers, and lists the HeatStacks of all namespaces',
      '✓ has all 14 rights that it needs',
    ],
  });
});

test('says which rights are missing', async () => {
  allowed = ({ resource, verb }) => verb !== 'patch' && !(resource === 'secrets' && verb === 'create');
  expect(await run(FEW)).toMatchObject({
    isWell: false,
    lines: [
      /^✓/,
      '✗ may not patch heatstacks.heatstack.dev in all namespaces, create secrets in namespace own',
    ].map((line) => (typeof line === 'string' ? line : expect.stringMatching(line))),
  });
});

test('says when the definition is missing', async () => {
  server.lists.push((_, response) => {
    const status = { kind: 'Status', reason: 'NotFound', code: 404 };
    response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify(status));
  });
  const { isWell, lines } = await run(FEW);
  expect(isWell).toBe(false);
  expect(lines[0]).toMatch(/^✗ the API server knows no HeatStacks: the custom resource definition is not/);
});

test.each([
  ['nobody has made the Lease', undefined, '✗ no replica works: nobody holds Lease own/leaseName'],
  ['it was given up', { holderIdentity: '' }, '✗ no replica works: nobody holds Lease own/leaseName'],
  [
    'it is held',
    { holderIdentity: 'pod-1', leaseDurationSeconds: 15, renewTime: '2026-01-01T00:00:18.5Z' },
    '✓ pod-1 holds Lease own/leaseName, and renewed it 2 s ago',
  ],
  [
    'it is out of date',
    { holderIdentity: 'pod-1', leaseDurationSeconds: 15, renewTime: '2026-01-01T00:00:01Z' },
    '✗ no replica works: pod-1 holds Lease own/leaseName, and renewed it 19 s ago',
  ],
])('says whether a replica works: %s', async (_, spec, line) => {
  lease = spec && {
    ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' },
    metadata: { name: 'leaseName', namespace: 'own', uid: 'u', resourceVersion: '1' },
    spec,
  };
  const { isWell, lines } = await run({ ...FEW, leaderElect: true });
  expect(lines.at(-1)).toBe(line);
  expect(isWell).toBe(line.startsWith('✓'));
});
