/** What each call asks of Heat, and what it makes of the answer; orchestration.test.ts has those that are more than that. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rawNumber } from '../json.ts';
import type { Connection, Orchestration, RequestInfo } from './index.ts';
import { FakeCloud, heatOf, pick, type Reply, sample } from './testdata/fake-cloud.ts';

const NAME = 'one-2aae3b';
const ID = 'e676bb8c-9320-47d1-aea0-04ea101e4e5a';
const STACK = `/stacks/${NAME}/${ID}`;
const web = { name: NAME, id: ID };

let cloud: FakeCloud;
let connection: Connection;
let heat: Orchestration;
let requests: RequestInfo[];

beforeEach(async () => {
  cloud = await new FakeCloud().start();
  requests = [];
  connection = await cloud.connect({ onRequest: (request) => requests.push(request) });
  heat = heatOf(connection);
});

afterEach(async () => {
  await connection.close();
  await cloud.stop();
});

const ok = (body: unknown, status = 200): Reply => ({ status, body });
const missing = (type: string): Reply => {
  const { status, body } = sample('stack_404');
  return { status, body: { ...(body as object), error: { type, traceback: null, message: 'not found' } } };
};
const proxy404: Reply = { status: 404, body: '<html>no route</html>' };

const links = [expect.objectContaining({ rel: 'self' }), expect.objectContaining({ rel: 'stack' })];
const files = { 'b.sh': '#!/bin/sh\n', 'a.yaml': '' };
const dataOf = (name: string) => pick(sample(name).body, 'data') as object;
const config = {
  id: 'c1',
  name: 'setup',
  group: 'script',
  config: 'echo',
  inputs: [{ name: 'a' }],
  outputs: [],
  options: { x: 1 },
  creation_time: '2026-11-23T13:50:24',
};
const readConfig = {
  id: 'c1',
  name: 'setup',
  group: 'script',
  config: 'echo',
  inputs: [{ name: 'a' }],
  outputs: [],
  options: { x: 1 },
  createdAt: '2026-11-23T13:50:24',
};
const deployment = {
  id: 'd1',
  config_id: 'c1',
  server_id: 's1',
  action: 'CREATE',
  status: 'IN_PROGRESS',
  status_reason: 'waiting',
  input_values: { a: 1 },
  output_values: null,
  creation_time: '2026-11-23T13:50:24',
  updated_time: null,
};
const readDeployment = {
  id: 'd1',
  configId: 'c1',
  serverId: 's1',
  action: 'CREATE',
  status: 'IN_PROGRESS',
  statusReason: 'waiting',
  inputValues: { a: 1 },
  createdAt: '2026-11-23T13:50:24',
};
const change = {
  type: 'OS::Heat::RandomString',
  status: 'INIT_COMPLETE',
  stackName: NAME,
  stack: web,
  requiredBy: [],
  metadata: {},
};

/** One call: what it asks, and what it gives for an answer. */
interface Row {
  /** "GET /stacks/web". */
  asks: string;
  /** Of the request; "" unless given. */
  query?: string;
  /** Of the request; none unless given. */
  body?: unknown;
  reply: Reply;
  call: (heat: Orchestration) => Promise<unknown>;
  gives: unknown;
}

const CALLS: Record<string, Row> = {
  countStacks: {
    asks: 'GET /stacks',
    query: 'name=a&show_nested=true&limit=1&with_count=true',
    reply: ok({ stacks: [], count: 7 }),
    call: (h) => h.countStacks({ name: 'a', showNested: true }),
    gives: 7,
  },
  'patchStack with nothing': {
    asks: `PATCH ${STACK}`,
    body: {},
    reply: sample('update_patch_202'),
    call: (h) => h.patchStack(web, {}),
    gives: undefined,
  },
  'patchStack with everything': {
    asks: `PATCH ${STACK}`,
    body: {
      template: 't',
      template_url: 'http://t/',
      files,
      environment: 'e',
      environment_files: ['a.yaml'],
      files_container: 'box',
      parameters: { a: null },
      tags: 'x,y',
      timeout_mins: 1,
      disable_rollback: false,
      clear_parameters: ['b'],
      converge: true,
    },
    reply: sample('update_patch_202'),
    call: (h) =>
      h.patchStack(
        web,
        {
          template: 't',
          templateUrl: 'http://t/',
          files,
          environment: 'e',
          environmentFiles: ['a.yaml'],
          filesContainer: 'box',
          parameters: { a: null },
          tags: ['x', 'y'],
          timeoutMins: 1,
          disableRollback: false,
          clearParameters: ['b'],
        },
        { converge: true },
      ),
    gives: undefined,
  },
  'updateStack that is told not to converge': {
    asks: `PUT ${STACK}`,
    body: { template: 't', converge: false },
    reply: sample('update_put_202'),
    call: (h) => h.updateStack(web, { template: 't' }, { converge: false }),
    gives: undefined,
  },
  previewStackUpdate: {
    asks: `PUT ${STACK}/preview`,
    query: 'show_nested=true',
    body: { template: 't' },
    reply: sample('preview_update_put'),
    call: (h) => h.previewStackUpdate(web, { template: 't' }),
    gives: {
      added: [{ ...change, name: 'n', type: 'OS::Heat::None', attributes: {} }],
      updated: [],
      replaced: [{ ...change, name: 'r', attributes: { value: null } }],
      deleted: [],
      unchanged: [],
    },
  },
  'previewStackUpdate of what exists': {
    asks: `PATCH ${STACK}/preview`,
    query: 'show_nested=false',
    body: { clear_parameters: ['a'] },
    reply: sample('preview_update_patch'),
    call: (h) => h.previewStackUpdate(web, { clearParameters: ['a'] }, { existing: true, showNested: false }),
    gives: {
      added: [],
      updated: [],
      replaced: [],
      deleted: [],
      unchanged: [{ ...change, name: 'r', attributes: { value: null } }],
    },
  },
  'adoptStack, whose data is text': {
    asks: 'POST /stacks',
    body: { stack_name: 'ad', template: {}, timeout_mins: 5, adopt_stack_data: '{"n":9007199254740993}' },
    reply: sample('adopt'),
    call: (h) =>
      h.adoptStack({ n: rawNumber('9007199254740993') }, { name: 'ad', template: {}, timeoutMins: 5 }),
    gives: { name: 'ad', id: 'e477df94-95d0-4c58-b704-b6487289d329', links: [links[0]] },
  },
  abandonStack: {
    asks: `DELETE ${STACK}/abandon`,
    reply: sample('abandon'),
    call: (h) => h.abandonStack(web),
    gives: sample('abandon').body,
  },
  exportStack: {
    asks: `GET ${STACK}/export`,
    reply: sample('abandon'),
    call: (h) => h.exportStack(web),
    gives: sample('abandon').body,
  },
  stackTemplate: {
    asks: `GET ${STACK}/template`,
    reply: ok({ heat_template_version: '2018-08-31', resources: null }),
    call: (h) => h.stackTemplate(web),
    gives: { heat_template_version: '2018-08-31', resources: null },
  },
  stackFiles: {
    asks: `GET ${STACK}/files`,
    reply: ok(files),
    call: (h) => h.stackFiles(web),
    gives: files,
  },
  'stackFiles of none': {
    asks: `GET ${STACK}/files`,
    reply: sample('files'),
    call: (h) => h.stackFiles(web),
    gives: {},
  },
  outputs: {
    asks: `GET ${STACK}/outputs`,
    reply: sample('outputs_list'),
    call: (h) => h.outputs(web),
    gives: [{ key: 'v', description: 'the value' }],
  },
  output: {
    asks: `GET ${STACK}/outputs/v`,
    reply: sample('output_show'),
    call: (h) => h.output(web, 'v'),
    gives: { key: 'v', description: 'the value', value: 'OuD05oWj' },
  },
  resource: {
    asks: `GET ${STACK}/resources/r`,
    reply: sample('resource_show'),
    call: (h) => h.resource(web, 'r'),
    gives: {
      name: 'r',
      logicalId: 'r',
      physicalId: 'one-2aae3b-r-uvtmy2vaikwi',
      type: 'OS::Heat::RandomString',
      status: 'CREATE_COMPLETE',
      statusReason: 'state changed',
      requiredBy: [],
      createdAt: '2026-11-23T13:50:24Z',
      updatedAt: '2026-11-23T13:50:24Z',
      stack: web,
      links,
      attributes: { value: 'OuD05oWj' },
    },
  },
  'resource with attributes by name': {
    asks: `GET ${STACK}/resources/r`,
    query: 'with_attr=show&with_attr=a%26b',
    reply: sample('resource_show'),
    call: (h) => h.resource(web, 'r', { withAttributes: ['show', 'a&b'] }),
    gives: expect.objectContaining({ name: 'r' }),
  },
  'resources with detail': {
    asks: `GET ${STACK}/resources`,
    query: 'with_detail=true&physical_resource_id=p&id=1&action=CREATE',
    reply: sample('resources'),
    call: (h) =>
      Array.fromAsync(
        h.resources(web, { withDetail: true, physicalResourceId: 'p', id: '1', action: 'CREATE' }),
      ),
    gives: [expect.objectContaining({ name: 'r' })],
  },
  resourceMetadata: {
    asks: `GET ${STACK}/resources/r/metadata`,
    reply: ok({ metadata: { a: [1] } }),
    call: (h) => h.resourceMetadata(web, 'r'),
    gives: { a: [1] },
  },
  'resourceMetadata of none': {
    asks: `GET ${STACK}/resources/r/metadata`,
    reply: ok({ metadata: null }),
    call: (h) => h.resourceMetadata(web, 'r'),
    gives: {},
  },
  markResourceUnhealthy: {
    asks: `PATCH ${STACK}/resources/r`,
    body: { mark_unhealthy: true },
    reply: ok(null),
    call: (h) => h.markResourceUnhealthy(web, 'r'),
    gives: undefined,
  },
  'markResourceUnhealthy that takes it back': {
    asks: `PATCH ${STACK}/resources/p-1`,
    body: { mark_unhealthy: false, resource_status_reason: 'well again' },
    reply: ok(null),
    call: (h) => h.markResourceUnhealthy(web, 'p-1', { unhealthy: false, reason: 'well again' }),
    gives: undefined,
  },
  signalResource: {
    asks: `POST ${STACK}/resources/h/signal`,
    body: {},
    reply: sample('signal'),
    call: (h) => h.signalResource(web, 'h'),
    gives: undefined,
  },
  'signalResource with data': {
    asks: `POST ${STACK}/resources/h/signal`,
    body: { status: 'SUCCESS', id: '1' },
    reply: sample('signal'),
    call: (h) => h.signalResource(web, 'h', { status: 'SUCCESS', id: '1' }),
    gives: undefined,
  },
  event: {
    asks: `GET ${STACK}/resources/r/events/88794bfa`,
    reply: ok({
      event: {
        ...(pick(sample('events').body, 'events', '1') as object),
        resource_type: 'OS::Heat::RandomString',
        resource_properties: { length: 8 },
      },
    }),
    call: (h) => h.event(web, 'r', '88794bfa'),
    gives: {
      id: '88794bfa-fe5f-4dcc-b2ff-6b3e322fa4cd',
      at: '2026-11-23T13:50:24Z',
      resourceName: 'r',
      logicalId: 'r',
      physicalId: 'one-2aae3b-r-uvtmy2vaikwi',
      status: 'CREATE_IN_PROGRESS',
      statusReason: 'state changed',
      stack: web,
      links: [expect.anything(), expect.anything(), expect.anything()],
      resourceType: 'OS::Heat::RandomString',
      resourceProperties: { length: 8 },
    },
  },
  checkStack: {
    asks: `POST ${STACK}/actions`,
    body: { check: null },
    reply: sample('action_check'),
    call: (h) => h.checkStack(web),
    gives: undefined,
  },
  suspendStack: {
    asks: `POST ${STACK}/actions`,
    body: { suspend: null },
    reply: sample('action_suspend'),
    call: (h) => h.suspendStack(web),
    gives: undefined,
  },
  resumeStack: {
    asks: `POST ${STACK}/actions`,
    body: { resume: null },
    reply: sample('action_resume'),
    call: (h) => h.resumeStack(web),
    gives: undefined,
  },
  cancelUpdate: {
    asks: `POST ${STACK}/actions`,
    body: { cancel_update: null },
    reply: sample('action_cancel_update'),
    call: (h) => h.cancelUpdate(web),
    gives: undefined,
  },
  cancelWithoutRollback: {
    asks: `POST ${STACK}/actions`,
    body: { cancel_without_rollback: null },
    reply: sample('action_cancel_without_rollback'),
    call: (h) => h.cancelWithoutRollback(web),
    gives: undefined,
  },
  createSnapshot: {
    asks: `POST ${STACK}/snapshots`,
    body: { name: 's1' },
    reply: sample('snapshot_create'),
    call: (h) => h.createSnapshot(web, { name: 's1' }),
    gives: {
      id: '46c26577-1553-4774-8737-962ad79f4f45',
      name: 's1',
      status: 'IN_PROGRESS',
      createdAt: '2026-11-23T13:50:28Z',
      data: dataOf('snapshot_create'),
    },
  },
  'createSnapshot without a name': {
    asks: `POST ${STACK}/snapshots`,
    body: {},
    reply: sample('snapshot_create'),
    call: (h) => h.createSnapshot(web),
    gives: expect.objectContaining({ status: 'IN_PROGRESS' }),
  },
  snapshots: {
    asks: `GET ${STACK}/snapshots`,
    reply: sample('snapshots'),
    call: (h) => Array.fromAsync(h.snapshots(web)),
    gives: [
      {
        id: '46c26577-1553-4774-8737-962ad79f4f45',
        name: 's1',
        status: 'COMPLETE',
        statusReason: 'Stack SNAPSHOT completed successfully',
        createdAt: '2026-11-23T13:50:28Z',
        data: pick(sample('snapshots').body, 'snapshots', '0', 'data'),
      },
    ],
  },
  snapshot: {
    asks: `GET ${STACK}/snapshots/46c26577`,
    reply: ok({ snapshot: pick(sample('snapshots').body, 'snapshots', '0') }),
    call: (h) => h.snapshot(web, '46c26577'),
    gives: expect.objectContaining({ name: 's1', status: 'COMPLETE' }),
  },
  deleteSnapshot: {
    asks: `DELETE ${STACK}/snapshots/46c26577`,
    reply: { status: 204 },
    call: (h) => h.deleteSnapshot(web, '46c26577'),
    gives: undefined,
  },
  restoreSnapshot: {
    asks: `POST ${STACK}/snapshots/46c26577/restore`,
    reply: { status: 202 },
    call: (h) => h.restoreSnapshot(web, '46c26577'),
    gives: undefined,
  },
  validateTemplate: {
    asks: 'POST /validate',
    body: { template: 't' },
    reply: sample('validate'),
    call: (h) => h.validateTemplate({ template: 't' }),
    gives: {
      description: 'No description',
      parameters: {},
      environment: pick(sample('validate').body, 'Environment'),
    },
  },
  'validateTemplate with parameters, nested too': {
    asks: 'POST /validate',
    query: 'show_nested=true&ignore_errors=99001%2C99002',
    body: { template_url: 'http://t/', files, environment: {}, parameters: { a: 1 } },
    reply: ok({
      Description: 'd',
      ParameterGroups: [{ label: 'g', parameters: ['a'] }],
      NestedParameters: { x: {} },
      Parameters: {
        a: { Type: 'Number', NoEcho: 'false', Default: 1, Value: 2, Label: 'A', MaxValue: 9 },
        p: { Type: 'String', NoEcho: 'True', Description: 'secret' },
        q: { Type: 'String', NoEcho: true },
        r: { Type: 'Json' },
      },
    }),
    call: (h) =>
      h.validateTemplate(
        { templateUrl: 'http://t/', files, environment: {}, parameters: { a: 1 } },
        { showNested: true, ignoreErrors: [99001, 99002] },
      ),
    gives: {
      description: 'd',
      parameterGroups: [{ label: 'g', parameters: ['a'] }],
      nestedParameters: { x: {} },
      parameters: {
        a: { type: 'Number', label: 'A', noEcho: false, default: 1, value: 2, extra: { MaxValue: 9 } },
        p: { type: 'String', description: 'secret', noEcho: true },
        q: { type: 'String', noEcho: true },
        r: { type: 'Json', noEcho: false },
      },
    },
  },
  resourceTypes: {
    asks: 'GET /resource_types',
    reply: ok({ resource_types: ['OS::Heat::Value', 'OS::Nova::Server'] }),
    call: (h) => h.resourceTypes(),
    gives: [{ name: 'OS::Heat::Value' }, { name: 'OS::Nova::Server' }],
  },
  'resourceTypes with descriptions': {
    asks: 'GET /resource_types',
    query: 'name=OS%3A%3AHeat%3A%3A.*&version=27&support_status=SUPPORTED&with_description=true',
    reply: ok({
      resource_types: [
        { resource_type: 'OS::Heat::Value', description: 'A value.' },
        { resource_type: 'OS::Heat::None', description: null },
      ],
    }),
    call: (h) =>
      h.resourceTypes({
        name: 'OS::Heat::.*',
        version: '27',
        supportStatus: 'SUPPORTED',
        withDescription: true,
      }),
    gives: [{ name: 'OS::Heat::Value', description: 'A value.' }, { name: 'OS::Heat::None' }],
  },
  resourceType: {
    asks: 'GET /resource_types/OS%3A%3AHeat%3A%3AValue',
    query: 'with_description=false',
    reply: ok({ resource_type: 'OS::Heat::Value', properties: {} }),
    call: (h) => h.resourceType('OS::Heat::Value', { withDescription: false }),
    gives: { resource_type: 'OS::Heat::Value', properties: {} },
  },
  templateVersions: {
    asks: 'GET /template_versions',
    reply: ok({
      template_versions: [
        { version: 'heat_template_version.2018-08-31', type: 'hot', aliases: ['rocky'] },
        { version: 'AWSTemplateFormatVersion.2010-09-09', type: 'cfn', new: 1 },
      ],
    }),
    call: (h) => h.templateVersions(),
    gives: [
      { version: 'heat_template_version.2018-08-31', type: 'hot', aliases: ['rocky'] },
      { version: 'AWSTemplateFormatVersion.2010-09-09', type: 'cfn', aliases: [], extra: { new: 1 } },
    ],
  },
  templateFunctions: {
    asks: 'GET /template_versions/heat_template_version.2018-08-31/functions',
    query: 'with_condition_func=true',
    reply: ok({
      template_functions: [{ functions: 'get_attr', description: 'An attribute.' }, { functions: 'if' }],
    }),
    call: (h) => h.templateFunctions('heat_template_version.2018-08-31', { withConditions: true }),
    gives: [{ name: 'get_attr', description: 'An attribute.' }, { name: 'if' }],
  },
  buildInfo: {
    asks: 'GET /build_info',
    reply: sample('build_info'),
    call: (h) => h.buildInfo(),
    gives: { apiRevision: 'unknown', engineRevision: 'unknown' },
  },
  services: {
    asks: 'GET /services',
    reply: ok({
      services: [
        {
          id: '1',
          hostname: 'h',
          host: 'h',
          engine_id: 'e',
          status: 'up',
          report_interval: 60,
          updated_at: '2026-11-23T13:50:24.000000',
          deleted_at: null,
        },
      ],
    }),
    call: (h) => h.services(),
    gives: [
      {
        id: '1',
        hostname: 'h',
        engineId: 'e',
        status: 'up',
        reportInterval: 60,
        updatedAt: '2026-11-23T13:50:24.000000',
        extra: { host: 'h', deleted_at: null },
      },
    ],
  },
  softwareConfigs: {
    asks: 'GET /software_configs',
    reply: ok({ software_configs: [{ id: 'c1', name: 'setup', group: 'script', creation_time: null }] }),
    call: (h) => Array.fromAsync(h.softwareConfigs()),
    gives: [{ id: 'c1', name: 'setup', group: 'script' }],
  },
  createSoftwareConfig: {
    asks: 'POST /software_configs',
    body: { name: 'setup', config: 'echo' },
    reply: ok({ software_config: config }),
    call: (h) => h.createSoftwareConfig({ name: 'setup', config: 'echo', group: undefined }),
    gives: readConfig,
  },
  softwareConfig: {
    asks: 'GET /software_configs/c1',
    reply: ok({ software_config: config }),
    call: (h) => h.softwareConfig('c1'),
    gives: readConfig,
  },
  deleteSoftwareConfig: {
    asks: 'DELETE /software_configs/c1',
    reply: { status: 204 },
    call: (h) => h.deleteSoftwareConfig('c1'),
    gives: undefined,
  },
  'deleteSoftwareConfig of none': {
    asks: 'DELETE /software_configs/c1',
    reply: missing('EntityNotFound'),
    call: (h) => h.deleteSoftwareConfig('c1'),
    gives: undefined,
  },
  softwareDeployments: {
    asks: 'GET /software_deployments',
    reply: ok({ software_deployments: [deployment] }),
    call: (h) => Array.fromAsync(h.softwareDeployments()),
    gives: [readDeployment],
  },
  'softwareDeployments of a server': {
    asks: 'GET /software_deployments',
    query: 'server_id=a%26b',
    reply: ok({ software_deployments: [] }),
    call: (h) => Array.fromAsync(h.softwareDeployments({ serverId: 'a&b' })),
    gives: [],
  },
  createSoftwareDeployment: {
    asks: 'POST /software_deployments',
    body: {
      config_id: 'c1',
      server_id: 's1',
      action: 'CREATE',
      status: 'IN_PROGRESS',
      status_reason: 'r',
      input_values: { a: 1 },
      stack_user_project_id: 'p',
    },
    reply: ok({ software_deployment: deployment }, 201),
    call: (h) =>
      h.createSoftwareDeployment({
        configId: 'c1',
        serverId: 's1',
        action: 'CREATE',
        status: 'IN_PROGRESS',
        statusReason: 'r',
        inputValues: { a: 1 },
        stackUserProjectId: 'p',
      }),
    gives: readDeployment,
  },
  softwareDeployment: {
    asks: 'GET /software_deployments/d1',
    reply: ok({ software_deployment: deployment }),
    call: (h) => h.softwareDeployment('d1'),
    gives: readDeployment,
  },
  updateSoftwareDeployment: {
    asks: 'PUT /software_deployments/d1',
    body: { status: 'COMPLETE', output_values: { b: 2 } },
    reply: ok({
      software_deployment: {
        ...deployment,
        status: 'COMPLETE',
        output_values: { b: 2 },
        updated_time: '2026-11-23T13:51:00',
      },
    }),
    call: (h) => h.updateSoftwareDeployment('d1', { status: 'COMPLETE', outputValues: { b: 2 } }),
    gives: {
      ...readDeployment,
      status: 'COMPLETE',
      outputValues: { b: 2 },
      updatedAt: '2026-11-23T13:51:00',
    },
  },
  deleteSoftwareDeployment: {
    asks: 'DELETE /software_deployments/d1',
    reply: { status: 204 },
    call: (h) => h.deleteSoftwareDeployment('d1'),
    gives: undefined,
  },
  'deleteSoftwareDeployment of none': {
    asks: 'DELETE /software_deployments/d1',
    reply: missing('EntityNotFound'),
    call: (h) => h.deleteSoftwareDeployment('d1'),
    gives: undefined,
  },
};

it.each(Object.entries(CALLS))('%s', async (_what, { asks, query = '', body, reply, call, gives }) => {
  cloud.on(asks, reply);
  expect(await call(heat)).toEqual(gives);
  const [seen] = cloud.seen;
  expect(cloud.asked).toEqual([asks]);
  // The order of the keys means nothing to Heat.
  expect([...new URLSearchParams(seen?.query)].sort()).toEqual([...new URLSearchParams(query)].sort());
  expect(seen?.body === '' ? undefined : JSON.parse(seen?.body ?? '')).toEqual(body);
  expect(seen?.headers['content-type']).toBe(body === undefined ? undefined : 'application/json');
  // Routes become labels of metrics: names and ids would make new ones without end.
  const { route } = requests.at(-1) ?? {};
  expect(route).not.toMatch(/one-2aae3b|e676bb8c|46c26577|OS::|%|\/(r|h|v|c1|d1|p-1)(\/|$)/);
  expect(route?.split('/')).toHaveLength(asks.split('/').length);
});

describe('a success that is a page for people', () => {
  const page: Reply = { status: 200, body: '<html>OK</html>' };
  const nothing = Object.entries(CALLS).filter(([, row]) => row.gives === undefined);

  it.each(nothing)('is none: %s', async (_what, { asks, call }) => {
    cloud.on(asks, page);
    await expect(call(heat)).rejects.toMatchObject({ code: 'InvalidResponse' });
  });
});

describe('what is missing', () => {
  it.each<[string, Reply, string, (h: Orchestration) => Promise<unknown>]>([
    ['an output', sample('output_404'), `GET ${STACK}/outputs/zz`, (h) => h.output(web, 'zz')],
    ['a resource', sample('resource_404'), `GET ${STACK}/resources/nope`, (h) => h.resource(web, 'nope')],
    [
      'a software config that must be there',
      missing('EntityNotFound'),
      'DELETE /software_configs/c1',
      (h) => h.deleteSoftwareConfig('c1', { ignoreMissing: false }),
    ],
    [
      "a software config, by a proxy's word",
      proxy404,
      'DELETE /software_configs/c1',
      (h) => h.deleteSoftwareConfig('c1'),
    ],
    [
      'a software deployment that must be there',
      missing('EntityNotFound'),
      'DELETE /software_deployments/d1',
      (h) => h.deleteSoftwareDeployment('d1', { ignoreMissing: false }),
    ],
    [
      "a software deployment, by a proxy's word",
      proxy404,
      'DELETE /software_deployments/d1',
      (h) => h.deleteSoftwareDeployment('d1'),
    ],
    ['a snapshot', missing('NotFound'), `DELETE ${STACK}/snapshots/s`, (h) => h.deleteSnapshot(web, 's')],
  ])('is ResourceNotFound: %s', async (_what, reply, asks, call) => {
    cloud.on(asks, reply);
    await expect(call(heat)).rejects.toMatchObject({ code: 'ResourceNotFound', status: 404 });
  });

  it('is an error before any request when it is a template', async () => {
    for (const call of [heat.previewStackUpdate(web, {}), heat.validateTemplate({ template: null })]) {
      await expect(call).rejects.toMatchObject({
        code: 'ConfigError',
        message: expect.stringContaining('template is missing'),
      });
    }
    await expect(heat.adoptStack({}, {})).rejects.toThrow('adoptStack(): name is missing');
    expect(cloud.seen).toEqual([]);
  });
});

it('tells an unknown action of Heat in its own words', async () => {
  cloud.on(`POST ${STACK}/actions`, sample('action_bogus'));
  await expect(heat.checkStack(web)).rejects.toMatchObject({
    code: 'BadRequest.HTTPBadRequest',
    detail: 'Invalid action bogus specified',
  });
});

it('refuses files that are no texts', async () => {
  cloud.on(`GET ${STACK}/files`, ok({ a: 'x', b: 1 }));
  await expect(heat.stackFiles(web)).rejects.toMatchObject({ code: 'InvalidResponse' });
});

describe('events', () => {
  const EVENTS = `GET ${STACK}/events`;
  const page = (ids: string[], href?: string): Reply => {
    const row = pick(sample('events').body, 'events', '0') as object;
    return ok({
      events: ids.map((id) => ({ ...row, id })),
      ...(href !== undefined && { links: [{ rel: 'next', href }] }),
    });
  };
  const ids = async (query?: Parameters<Orchestration['events']>[1]) =>
    (await Array.fromAsync(heat.events(web, query))).map((event) => event.id);
  const queries = () => cloud.seen.map((request) => request.query);

  it('are read page by page', async () => {
    cloud.on(EVENTS, page(['1', '2'], `http://elsewhere/x?limit=2&marker=m%262`), page(['3']));
    expect(await ids({ limit: 2, marker: '0', sortDir: 'asc' })).toEqual(['1', '2', '3']);
    expect(queries()).toEqual(['limit=2&marker=0&sort_dir=asc', 'limit=2&marker=m%262&sort_dir=asc']);
    expect(cloud.asked).toEqual([EVENTS, EVENTS]);
  });

  it.each(['', '%%%', 'http://[', 'http://h/', '?marker=', '/stacks?limit=2'])(
    'go on after the last one of a full page when the next link is %j',
    async (href) => {
      cloud.on(EVENTS, page(['1', '2'], href), page(['3'], href));
      expect(await ids({ limit: 2 })).toEqual(['1', '2', '3']);
      expect(queries()).toEqual(['limit=2', 'limit=2&marker=2']);
    },
  );

  it('are given once when Heat does not know the marker and begins anew', async () => {
    cloud.on(EVENTS, page(['1', '2'], '?marker=2'), page(['1', '2'], '?marker=3'), page([]));
    expect(await ids({ limit: 2 })).toEqual(['1', '2']);
  });

  it('end with an error when a marker comes again, also without a single row', async () => {
    cloud.on(EVENTS, page([], '?marker=a'), page([], '?marker=b'), page([], '?marker=a'));
    await expect(ids()).rejects.toMatchObject({
      code: 'InvalidResponse',
      message: "Heat's list of events has no end: a page came twice.",
    });
    expect(queries()).toEqual(['limit=200', 'limit=200&marker=a', 'limit=200&marker=b']);
  });

  it('end with an error when pages without a row go on and on', async () => {
    cloud.on(EVENTS, (_seen, response) => {
      const href = `?marker=${cloud.seen.length}`;
      response.end(JSON.stringify({ events: [], links: [{ rel: 'next', href }] }));
    });
    const limited = heatOf(await cloud.connect({ limits: { listItems: 1000 } }));
    await expect(Array.fromAsync(limited.events(web))).rejects.toMatchObject({ code: 'ResponseTooLarge' });
    expect(cloud.seen).toHaveLength(6);
  });

  it('stop after maxItems, and no page more is asked for', async () => {
    cloud.on(EVENTS, page(['1', '2'], '?marker=2'), page(['3', '4'], '?marker=4'));
    expect(await ids({ limit: 2, maxItems: 2 })).toEqual(['1', '2']);
    expect(queries()).toEqual(['limit=2']);
    cloud.on(EVENTS, page(['1', '2'], '?marker=2'), page(['3', '4'], '?marker=4'));
    expect(await ids({ limit: 2, maxItems: 3 })).toEqual(['1', '2', '3']);
    expect(queries()).toEqual(['limit=2', 'limit=2', 'limit=2&marker=2']);
  });

  it.each([-1, 1.5, Number.NaN, '5'])('take no maxItems of %s', async (maxItems) => {
    const query = { maxItems } as { maxItems: number };
    for (const list of [heat.events(web, query), heat.stacks(query)]) {
      await expect(list.next()).rejects.toMatchObject({
        code: 'ConfigError',
        message: expect.stringContaining('maxItems'),
      });
    }
    expect(cloud.seen).toEqual([]);
  });
});

describe('a name that makes the path another one', () => {
  const BAD = ['', '.', '..', 'a/b', '/'];

  it.each<[string, (h: Orchestration, bad: string) => Promise<unknown>]>([
    ['output', (h, bad) => h.output(web, bad)],
    ['resource', (h, bad) => h.resource(web, bad)],
    ['resourceMetadata', (h, bad) => h.resourceMetadata(web, bad)],
    ['markResourceUnhealthy', (h, bad) => h.markResourceUnhealthy(web, bad)],
    ['signalResource', (h, bad) => h.signalResource(web, bad)],
    ['event of a resource', (h, bad) => h.event(web, bad, 'e')],
    ['event', (h, bad) => h.event(web, 'r', bad)],
    ['snapshot', (h, bad) => h.snapshot(web, bad)],
    ['deleteSnapshot', (h, bad) => h.deleteSnapshot(web, bad)],
    ['restoreSnapshot', (h, bad) => h.restoreSnapshot(web, bad)],
    ['resourceType', (h, bad) => h.resourceType(bad)],
    ['templateFunctions', (h, bad) => h.templateFunctions(bad)],
    ['softwareConfig', (h, bad) => h.softwareConfig(bad)],
    ['deleteSoftwareConfig', (h, bad) => h.deleteSoftwareConfig(bad)],
    ['softwareDeployment', (h, bad) => h.softwareDeployment(bad)],
    ['updateSoftwareDeployment', (h, bad) => h.updateSoftwareDeployment(bad, {})],
    ['deleteSoftwareDeployment', (h, bad) => h.deleteSoftwareDeployment(bad)],
    ["a stack's name", (h, bad) => h.deleteStack({ name: bad, id: ID })],
    ["a stack's id", (h, bad) => h.deleteStack({ name: NAME, id: bad })],
    ["a bare stack's name", (h, bad) => h.deleteStack(bad)],
    ["a bare stack's id", (h, bad) => h.stackTemplate({ id: bad })],
    ["an adopted stack's name", (h, bad) => h.adoptStack({}, { name: bad })],
  ])('is refused without asking Heat: %s', async (_what, call) => {
    for (const bad of BAD) await expect(call(heat, bad)).rejects.toMatchObject({ code: 'ConfigError' });
    expect(cloud.seen).toEqual([]);
  });

  it.each(['detail', 'preview'])('is refused for a stack: %s', async (bad) => {
    for (const ref of [bad, { id: bad }, { name: bad, id: ID }, { name: NAME, id: bad }]) {
      await expect(heat.getStack(ref)).rejects.toMatchObject({ code: 'ConfigError' });
    }
    expect(cloud.seen).toEqual([]);
  });

  it('is encoded when it is only odd', async () => {
    const encoded = '%E2%82%AC%20%3Fa%3Db%23%252F';
    cloud.on(`GET ${STACK}/resources/${encoded}/metadata`, ok({ metadata: {} }));
    expect(await heat.resourceMetadata(web, '€ ?a=b#%2F')).toEqual({});
  });
});

describe('keys and attributes that are none', () => {
  it.each<[string, () => unknown]>([
    [
      'softwareDeployments(): unknown key "server_id"',
      () => heat.softwareDeployments({ server_id: 'x' } as object).next(),
    ],
    [
      'resourceTypes(): unknown key "support_status"',
      () => heat.resourceTypes({ support_status: 'x' } as object),
    ],
    [
      'createSoftwareConfig(): unknown attribute "groop"',
      () => heat.createSoftwareConfig({ name: 'a', groop: 'b' } as never),
    ],
    [
      'createSoftwareDeployment(): unknown attribute "config_id"',
      () => heat.createSoftwareDeployment({ config_id: 'x' } as object),
    ],
  ])('%s', async (message, call) => {
    await expect(Promise.resolve().then(call)).rejects.toThrow(message);
    expect(cloud.seen).toEqual([]);
  });
});

describe('abandonStack', () => {
  it('reads what is left of the stack however much it is, since there is no second time', async () => {
    let deep: unknown = 'bottom';
    for (let level = 0; level < 300; level += 1) deep = { deep };
    const resources = Object.fromEntries(
      Array.from({ length: 50_000 }, (_, index) => [`r${index}`, { a: 1, b: 2, c: [] }]),
    );
    cloud.on(`DELETE ${STACK}/abandon`, { status: 200, body: JSON.stringify({ deep, resources }) });
    const data = await heat.abandonStack(web);
    expect(Object.keys(data['resources'] ?? {})).toHaveLength(50_000);
  });
});
