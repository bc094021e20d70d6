/** The CRD on a real API server: what it takes, what it refuses and how it says so, and how an object then looks. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { STATUS_LIMITS } from '../../src/api/limits.ts';
import { type Json, type JsonObject, parseJson } from '../../src/json.ts';
import { fencedBlocks } from '../support/markdown.ts';
import { bed } from '../support/scenario.ts';
import {
  CREATE_CASES,
  type CreateCase,
  heatStack,
  type SpecChange,
  UPDATE_CASES,
  type UpdateCase,
} from './cases.ts';
import { fieldsOf, pathsIn, readSchema, rulesOf } from './schema.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SAMPLES = `${ROOT}deploy/samples/`;
const DEFINITION = `${ROOT}crds/heatstack.dev_heatstacks.yaml`;
const NAMESPACE = `crd-test-${process.pid}`;
const STACKS = `/apis/heatstack.dev/v1alpha1/namespaces/${NAMESPACE}/heatstacks`;

const SCHEMA = readSchema(readFileSync(DEFINITION, 'utf8'));

const testbed = bed();

// Its own: kubectl would believe for hours what a former CRD said of short names and categories.
const discoveryCache = mkdtempSync(join(tmpdir(), 'crd-test-'));

async function kubectl(...args: string[]): Promise<string> {
  const options = { env: { ...process.env, KUBECONFIG: testbed.kubeconfig }, maxBuffer: 16 * 1024 * 1024 };
  return (await promisify(execFile)(testbed.kubectl, [`--cache-dir=${discoveryCache}`, ...args], options))
    .stdout;
}

let proxy: ChildProcess;
let server: string;

/** One request through "kubectl proxy", as a process for each of a hundred requests would take a minute. */
async function send(
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: JsonObject }> {
  const response = await fetch(server + path, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: parseJson(await response.text()) as JsonObject };
}

const dryRunCreate = (object: JsonObject) =>
  send('POST', `${STACKS}?dryRun=All&fieldValidation=Strict`, object);

const tryCreate = ({ name = 'web', spec }: CreateCase) => dryRunCreate(heatStack(name, spec));

/** Creates an object of a name of its own, and tries the change. */
async function tryUpdate(name: string, { before, after }: Pick<UpdateCase, 'before' | 'after'>) {
  const stored = await store(name, before);
  const changed = heatStack(name, {
    ...(typeof after === 'function' ? after(name) : after),
    suspend: true,
  });
  return send('PUT', `${STACKS}/${name}?dryRun=All`, { ...changed, metadata: stored['metadata'] });
}

beforeAll(async () => {
  // The test bed has it, but maybe not as it is now. Only then, as who applies it has a say in each later upgrade.
  const definition = ['--server-side', '--force-conflicts', `--filename=${DEFINITION}`];
  await kubectl('diff', ...definition).catch(() => kubectl('apply', ...definition));
  await kubectl('wait', '--for=condition=Established', '--timeout=30s', 'crd/heatstacks.heatstack.dev');
  await kubectl('create', 'namespace', NAMESPACE);

  const args = ['proxy', '--port=0', `--kubeconfig=${testbed.kubeconfig}`];
  proxy = spawn(testbed.kubectl, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (!proxy.stdout) throw new Error('kubectl proxy has no output');
  const [line] = (await once(createInterface(proxy.stdout), 'line')) as [string];
  const address = /Starting to serve on (\S+)/.exec(line)?.[1];
  if (!address) throw new Error(`kubectl proxy said: ${line}`);
  server = `http://${address}`;
});

afterAll(async () => {
  await kubectl('delete', 'namespace', NAMESPACE, '--wait=false');
  proxy.kill();
  rmSync(discoveryCache, { recursive: true });
});

describe('create', () => {
  test.each(CREATE_CASES)('$title', async (each) => {
    const { refused } = each;
    const answer = await tryCreate(each);
    if (refused) {
      expect(answer.body['message']).toMatch(refused);
      expect([400, 422]).toContain(answer.status);
    } else {
      expect(answer).toMatchObject({ status: 201 });
    }
  });

  test('the cause of a refusal names its field, as tools show it', async () => {
    const { body } = await dryRunCreate(heatStack('1web'));
    expect(body).toMatchObject({
      details: { causes: [{ field: 'spec.stackName', reason: 'FieldValueRequired' }] },
    });
  });
});

describe('update', () => {
  test.each(UPDATE_CASES.map((each, index) => ({ ...each, name: `update-${index}` })))(
    '$title',
    async ({ name, refused, ...each }) => {
      const answer = await tryUpdate(name, each);
      if (refused) {
        expect(answer.body['message']).toMatch(refused);
        expect(answer.status).toBe(422);
      } else {
        expect(answer).toMatchObject({ status: 200 });
      }
    },
  );
});

/** What a refusal says, for each field. */
function causesOf(answer: JsonObject): { field: string; message: string }[] {
  const { causes = [] } = (answer['details'] ?? {}) as { causes?: { field?: string; message?: string }[] };
  return causes.map(({ field = '', message = '' }) => ({ field, message }));
}

describe('the table of cases', () => {
  test('has each rule of the CRD refuse something, with its message and at its field', async () => {
    const rules = rulesOf(SCHEMA);
    expect(rules.length).toBeGreaterThan(25);
    const answers = await Promise.all([
      ...CREATE_CASES.filter(({ refused }) => refused).map(tryCreate),
      ...UPDATE_CASES.filter(({ refused }) => refused).map((each, index) => tryUpdate(`rule-${index}`, each)),
    ]);
    const causes = answers.flatMap(({ body }) => causesOf(body));
    // The API server puts a kind of error, and mostly the value, before the message.
    const isSeen = (rule: { field: string; message: string }) =>
      causes.some(
        ({ field, message }) =>
          field.replaceAll(/\[\d+\]/g, '[]') === rule.field && message.endsWith(`: ${rule.message}`),
      );
    expect(rules.filter((rule) => !isSeen(rule))).toEqual([]);
  });

  test('has each field and each word of the spec taken somewhere', () => {
    const specs = [
      ...CREATE_CASES.filter(({ refused }) => !refused).map(({ spec = {} }) => spec),
      ...UPDATE_CASES.filter(({ refused }) => !refused).flatMap(({ before, after }) => [
        before,
        ...(typeof after === 'function' ? [] : [after]),
      ]),
    ];
    const used = new Set(specs.flatMap((spec) => pathsIn(heatStack('web', spec)['spec'] as Json, 'spec')));
    const wanted = fieldsOf(SCHEMA.properties?.['spec'] ?? {}, 'spec');
    expect(wanted.length).toBeGreaterThan(60);
    expect(wanted.filter((field) => !used.has(field))).toEqual([]);
  });
});

/** Creates a HeatStack for real; suspended, so that an operator that may run leaves it alone. */
async function store(name: string, spec: SpecChange = {}): Promise<JsonObject> {
  const { status, body } = await send('POST', STACKS, heatStack(name, { ...spec, suspend: true }));
  expect(status, String(body['message'])).toBe(201);
  return body;
}

describe('an object', () => {
  test('has every default', async () => {
    await store('defaults');
    expect((await send('GET', `${STACKS}/defaults`)).body).toMatchObject({
      spec: {
        managementPolicy: 'managed',
        timeout: '60m',
        rollbackOnFailure: false,
        suspend: true,
        driftDetection: { mode: 'warn' },
        updatePolicy: 'wait',
        approval: 'automatic',
        resyncPeriod: '10m',
        managedOptions: { onDelete: 'delete' },
        onExternalDeletion: 'recreate',
        remediation: {
          create: { retries: 3, strategy: 'update' },
          update: { retries: 0, strategy: 'update' },
          retryInterval: '30s',
        },
        resources: { nestedDepth: 0, maxItems: 100, refreshPeriod: '1h' },
      },
      status: { observedGeneration: -1 },
    });
    expect((await dryRunCreate(heatStack('importing', { import: { id: 'a' } }))).body).toMatchObject({
      spec: { import: { takeOwnership: false } },
    });
  });

  test('keeps the digits of a big number, and what a free-form part holds', async () => {
    const { parameters } = CREATE_CASES.find(({ title }) => title === 'parameters of every type')?.spec ?? {};
    await store('digits', {
      parameters,
      environments: [{ object: { parameter_defaults: { a: [{ b: 1 }] } } }],
    });
    const { body } = await send('GET', `${STACKS}/digits`);
    expect(JSON.stringify(body)).toContain('"big":9007199254740993,');
    expect(body).toMatchObject({
      spec: { environments: [{ object: { parameter_defaults: { a: [{ b: 1 }] } } }] },
    });
  });

  test('takes a status as full as our limits allow, and is found and shown by it', async () => {
    const object = await store('shown');
    const text = 'é'.repeat(STATUS_LIMITS.text);
    const time = '2026-01-02T12:00:00Z';
    const status = {
      observedGeneration: 1,
      conditions: [
        {
          type: 'Ready',
          status: 'False',
          reason: 'CreateFailed',
          message: text,
          lastTransitionTime: time,
          observedGeneration: 1,
        },
      ],
      id: '7a43b1f8-0000-4000-8000-000000000000',
      stackName: 'shown',
      cloud: { authURL: 'http://a', endpoint: 'http://b', region: 'c', projectID: 'd', projectName: 'e' },
      ownership: 'h1:0',
      stackStatus: 'CREATE_FAILED',
      stackStatusReason: text,
      createdAt: '2026-01-02T12:00:00',
      updatedAt: time,
      outputs: [
        { name: 'a', description: text, value: [{ b: null }, 1.5] },
        { name: 'b', error: text, secretKeyRef: { name: 'c', key: 'b' } },
      ],
      outputsDigest: 'h1:2',
      resources: Array.from({ length: STATUS_LIMITS.resources }, (_, index) => ({
        name: `r${index}`,
        type: 'OS::Heat::None',
        status: 'CREATE_COMPLETE',
        requiredBy: ['a'],
        ...(index === 0 && {
          physicalResourceID: text,
          statusReason: text,
          updatedAt: time,
          path: 'a/b/r0',
        }),
      })),
      resourceSummary: { total: 3, complete: 1, inProgress: 1, failed: 1, text: '1/3' },
      resourcesTruncated: true,
      failures: Array.from({ length: STATUS_LIMITS.failures }, () => ({
        path: 'a/b',
        type: 'c',
        physicalResourceID: text,
        reason: text,
      })),
      appliedDigest: 'h1:0',
      attemptedDigest: 'h1:1',
      attemptedSince: time,
      hidesInputs: true,
      attempts: 1,
      lastSyncTime: time,
      plan: {
        id: 'p1:0',
        ...Object.fromEntries(
          ['added', 'updated', 'replaced', 'deleted'].map((list) => [
            list,
            Array.from({ length: 200 }, () => ({ path: 'a/b', type: 'c' })),
          ]),
        ),
        unchanged: 3,
        createdAt: time,
      },
      drift: { detectedAt: time, fields: Array.from({ length: 32 }, () => 'parameters/a') },
      history: Array.from({ length: 5 }, () => ({
        digest: 'h1:0',
        action: 'Update',
        startedAt: time,
        finishedAt: time,
        result: 'UPDATE_FAILED',
        reason: text,
      })),
      lastHandledReconcileAt: 'x'.repeat(STATUS_LIMITS.handled),
      lastHandledForceAt: 'x'.repeat(STATUS_LIMITS.handled),
      lastHandledResetAt: 'x'.repeat(STATUS_LIMITS.handled),
      lastHandledAction: { token: 'x'.repeat(STATUS_LIMITS.handled), verb: 'check', result: 'Succeeded' },
    };
    const said = new Set(pathsIn(status as unknown as Json, 'status'));
    const fields = fieldsOf(SCHEMA.properties?.['status'] ?? {}, 'status').filter(
      (field) => !field.includes('='),
    );
    expect(fields.filter((field) => !said.has(field))).toEqual([]);
    const answer = await send('PUT', `${STACKS}/shown/status?fieldValidation=Strict`, { ...object, status });
    expect(answer.status, String(answer.body['message'])).toBe(200);
    expect(answer.body['status']).toEqual(status);

    const found = await send('GET', `${STACKS}?fieldSelector=status.stackStatus%3DCREATE_FAILED`);
    expect(found.body).toMatchObject({ items: [{ metadata: { name: 'shown' } }] });

    const [head = '', row = ''] = (
      await kubectl('get', 'hstack', '-n', NAMESPACE, '-o', 'wide', 'shown')
    ).split('\n');
    expect(head.split(/\s+/)).toEqual([
      'NAME',
      'READY',
      'STATUS',
      'RESOURCES',
      'MESSAGE',
      'ID',
      'CLOUD',
      'AGE',
    ]);
    expect(row).toMatch(/^shown +False +CREATE_FAILED +1\/3 +é+ +7a43b1f8\S+ +demo +\d+s/);
    // The API server tells of categories a moment after it has taken a CRD.
    const inCategory = () => kubectl('get', 'openstack', '-n', NAMESPACE, '-o', 'name').catch(String);
    await expect.poll(inCategory, { timeout: 10_000 }).toContain('heatstack.heatstack.dev/shown');
  });
});

/** The YAML blocks of the pages for users. */
const EXAMPLES = ['README.md', 'docs/environments.md', 'docs/heatstack.md', 'docs/outputs.md'].flatMap(
  (page) =>
    fencedBlocks(readFileSync(join(ROOT, page), 'utf8'), 'yaml').map((text, index) => ({
      title: `${page}, block ${index + 1}`,
      example: parseYaml(text) as JsonObject,
    })),
);

describe('manifests as people write them', () => {
  test.each(EXAMPLES.filter(({ example }) => example['kind'] === 'HeatStack'))(
    '$title is taken',
    async ({ example }) => {
      const answer = await dryRunCreate(example);
      expect(answer, String(answer.body['message'])).toMatchObject({ status: 201 });
    },
  );

  test.each(EXAMPLES.filter(({ example }) => example['kind'] === undefined && 'spec' in example))(
    '$title is taken as a part of a spec',
    async ({ example }) => {
      const { spec, ...others } = example;
      expect(others).toEqual({});
      const answer = await dryRunCreate(heatStack('web', spec as SpecChange));
      expect(answer, String(answer.body['message'])).toMatchObject({ status: 201 });
    },
  );

  test.each(EXAMPLES.filter(({ example }) => 'status' in example))(
    '$title shows a status that can be',
    async ({ title, example }) => {
      const name = title.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase();
      const object = await store(name);
      const answer = await send('PUT', `${STACKS}/${name}/status?dryRun=All&fieldValidation=Strict`, {
        ...object,
        ...example,
      });
      expect(answer, String(answer.body['message'])).toMatchObject({ status: 200 });
    },
  );

  test('are all of these kinds', () => {
    const kinds = EXAMPLES.map(({ example }) =>
      ['kind', 'spec', 'status'].find((member) => member in example),
    );
    expect(kinds.filter((kind) => kind === 'kind').length).toBeGreaterThan(3);
    expect(kinds.filter((kind) => kind === 'spec').length).toBeGreaterThan(20);
    expect(kinds.filter((kind) => kind === undefined)).toEqual([]);
  });

  test.each(readdirSync(SAMPLES))('deploy/samples/%s is taken', async (file) => {
    await kubectl('create', '--dry-run=server', '-n', NAMESPACE, '-f', SAMPLES + file);
  });

  test('kubectl explain says what a template may be', async () => {
    const text = (await kubectl('explain', 'heatstack.spec.template')).replaceAll(/\s+/g, ' ');
    expect(text).toContain('Set exactly one of four');
    expect(text).toContain('There is no URL');
    expect(text).toContain('kubectl apply --server-side');
  });
});
