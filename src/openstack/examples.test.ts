// The examples of docs/openstack.md: docs/generate.ts puts what stands between "#example NAME" and "#end" there.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Connection, connect, type Orchestration, type Stack } from './index.ts';
import { type MockCloud, startMockCloud } from './mock/index.ts';

const template = `
heat_template_version: 2018-08-31
parameters:
  size: { type: number, default: 1 }
resources:
  key: { type: OS::Heat::RandomString, properties: { length: 16 } }
  address: { type: OS::Heat::Value, properties: { value: web.example.com } }
outputs:
  address: { description: where it is, value: { get_attr: [address, value] } }
`;

let cloud: MockCloud;
let connection: Connection;
let heat: Orchestration;
let web: { id: string; name: string };

beforeEach(async () => {
  // Examples print; nobody wants to read it here.
  vi.spyOn(console, 'log').mockImplementation(() => undefined);
  cloud = await startMockCloud();
  connection = await connect(cloud.config());
  if (!connection.orchestration) throw new Error('no Heat');
  heat = connection.orchestration;
  web = await heat.createStack({ name: 'web', template });
  await heat.waitForStack(web);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await connection.close();
  await cloud.close();
});

const all = async <T>(list: AsyncIterable<T>): Promise<T[]> => Array.fromAsync(list);

test('createStack', async () => {
  // #example createStack
  const shop = await heat.createStack({
    name: 'shop',
    template,
    parameters: { size: 3 },
    tags: ['team/shop'],
    timeoutMins: 30,
  });
  const done = await heat.waitForStack(shop);
  // #end
  expect(done).toMatchObject({ status: 'CREATE_COMPLETE', tags: ['team/shop'], timeoutMins: 30 });
});

test('createStack with preview', async () => {
  // #example createStack
  const preview = await heat.createStack({ name: 'other', template }, { preview: true });
  const names = preview.resources.map((resource) => `${resource.name}: ${resource.type}`);
  // #end
  expect(names.sort()).toEqual(['address: OS::Heat::Value', 'key: OS::Heat::RandomString']);
});

test('adoptStack', async () => {
  // #example abandonStack
  const data = await heat.abandonStack(web);
  // #end
  // #example adoptStack
  const adopted = await heat.adoptStack(data, { name: 'web-again', template });
  // #end
  expect((await heat.waitForStack(adopted))?.status).toBe('ADOPT_COMPLETE');
});

test('findStack', async () => {
  // #example findStack
  const stack = await heat.findStack('web');
  if (stack) console.log(stack.status);
  // #end
  expect(stack?.id).toBe(web.id);
});

test('stacks', async () => {
  const names: string[] = [];
  // #example stacks
  for await (const stack of heat.stacks({ status: 'COMPLETE', sortKeys: ['stack_name'], sortDir: 'asc' })) {
    names.push(stack.name);
  }
  // #end
  expect(names).toEqual(['web']);
});

test('countStacks', async () => {
  // #example countStacks
  const failed = await heat.countStacks({ status: 'FAILED' });
  // #end
  expect(failed).toBe(0);
});

test('getStack', async () => {
  // #example getStack
  const stack = await heat.getStack(web);
  const address = stack.outputs?.find((output) => output.key === 'address')?.value;
  // #end
  expect(address).toBe('web.example.com');
});

test('updateStack', async () => {
  // #example updateStack
  await heat.updateStack(web, { template, parameters: { size: 5 }, tags: ['team/web'] });
  const updated = await heat.waitForStack(web);
  // #end
  expect(updated).toMatchObject({ status: 'UPDATE_COMPLETE', tags: ['team/web'] });
});

test('patchStack', async () => {
  // #example patchStack
  await heat.patchStack(web, { parameters: { size: 7 } });
  // #end
  expect((await heat.waitForStack(web))?.status).toBe('UPDATE_COMPLETE');
  expect((await heat.getStack(web)).parameters).toMatchObject({ size: '7' });
});

test('previewStackUpdate', async () => {
  // #example previewStackUpdate
  const changes = await heat.previewStackUpdate(web, {
    template: template.replace('length: 16', 'length: 32'),
  });
  for (const { name, type } of changes.replaced) console.log(`would be replaced: ${name} (${type})`);
  // #end
  expect(changes.replaced.map(({ name }) => name)).toEqual(['key']);
});

test('deleteStack', async () => {
  // #example deleteStack
  await heat.deleteStack(web);
  await heat.waitForStack(web, { until: 'DELETE_COMPLETE', timeoutMs: 600_000 });
  // #end
  expect(await heat.findStack('web')).toBeUndefined();
});

test('exportStack', async () => {
  // #example exportStack
  const backup = await heat.exportStack(web);
  // #end
  expect(backup).toMatchObject({ name: 'web' });
});

test('waitForStack', async () => {
  const seen: string[] = [];
  await heat.updateStack(web, { template });
  // #example waitForStack
  const stack = await heat.waitForStack(web, {
    until: 'UPDATE_COMPLETE',
    timeoutMs: 600_000,
    onProgress: ({ status }) => seen.push(status),
  });
  // #end
  expect(stack?.status).toBe('UPDATE_COMPLETE');
  expect(seen.at(-1)).toBe('UPDATE_COMPLETE');
});

test('stackTemplate', async () => {
  // #example stackTemplate
  const { resources } = await heat.stackTemplate(web);
  // #end
  expect(Object.keys(resources ?? {}).sort()).toEqual(['address', 'key']);
});

test('stackEnvironment', async () => {
  // #example stackEnvironment
  const { parameters, parameter_defaults } = await heat.stackEnvironment(web);
  // #end
  expect({ parameters, parameter_defaults }).toEqual({ parameters: {}, parameter_defaults: {} });
});

test('stackFiles', async () => {
  // #example stackFiles
  const files = await heat.stackFiles(web);
  // #end
  expect(files).toEqual({});
});

test('outputs', async () => {
  // #example outputs
  const keys = (await heat.outputs(web)).map((output) => output.key);
  // #end
  expect(keys).toEqual(['address']);
});

test('output', async () => {
  // #example output
  const { value, error } = await heat.output(web, 'address');
  if (error) console.log(`it can't be resolved: ${error}`);
  // #end
  expect(value).toBe('web.example.com');
});

test('resources', async () => {
  const failed: string[] = [];
  // #example resources
  for await (const resource of heat.resources(web, { nestedDepth: 5, status: 'FAILED' })) {
    failed.push(`${resource.name}: ${resource.statusReason}`);
  }
  // #end
  expect(failed).toEqual([]);
});

test('resource', async () => {
  // #example resource
  const { physicalId, attributes } = await heat.resource(web, 'address');
  // #end
  expect(physicalId).toBeTruthy();
  expect(attributes).toMatchObject({ value: 'web.example.com' });
});

test('resourceMetadata', async () => {
  // #example resourceMetadata
  const metadata = await heat.resourceMetadata(web, 'key');
  // #end
  expect(metadata).toEqual({});
});

test('markResourceUnhealthy', async () => {
  // #example markResourceUnhealthy
  await heat.markResourceUnhealthy(web, 'key', { reason: 'it leaked' });
  await heat.patchStack(web, {}); // replaces it
  // #end
  expect((await heat.waitForStack(web))?.status).toBe('UPDATE_COMPLETE');
});

test('signalResource', async () => {
  const waiting = await heat.createStack({
    name: 'waiting',
    template: {
      heat_template_version: '2018-08-31',
      resources: { handle: { type: 'OS::Heat::WaitConditionHandle' } },
    },
  });
  await heat.waitForStack(waiting);
  // #example signalResource
  await heat.signalResource(waiting, 'handle', { status: 'SUCCESS', reason: 'booted' });
  // #end
  expect(cloud.requests.at(-1)).toMatchObject({ method: 'POST' });
});

test('events', async () => {
  const lines: string[] = [];
  // #example events
  for await (const event of heat.events(web, { status: 'FAILED', maxItems: 10 })) {
    lines.push(`${event.at} ${event.resourceName}: ${event.statusReason}`);
  }
  // #end
  expect(lines).toEqual([]);
});

test('event', async () => {
  const [newest] = await all(heat.events(web, { name: 'key', maxItems: 1 }));
  if (!newest) throw new Error('no event');
  // #example event
  const { resourceProperties } = await heat.event(web, newest.resourceName, newest.id);
  // #end
  expect(resourceProperties).toMatchObject({ length: 16 });
});

test('checkStack', async () => {
  // #example checkStack
  await heat.checkStack(web);
  const { status } = (await heat.waitForStack(web)) ?? {};
  // #end
  expect(status).toBe('CHECK_COMPLETE');
});

test('suspendStack and resumeStack', async () => {
  // #example suspendStack
  await heat.suspendStack(web);
  await heat.waitForStack(web, { until: 'SUSPEND_COMPLETE' });
  // #end
  // #example resumeStack
  await heat.resumeStack(web);
  const resumed = await heat.waitForStack(web, { until: 'RESUME_COMPLETE' });
  // #end
  expect(resumed?.status).toBe('RESUME_COMPLETE');
});

test('cancelUpdate', async () => {
  cloud.heat.hold();
  await heat.updateStack(web, { template });
  // #example cancelUpdate
  await heat.cancelUpdate(web);
  // #end
  expect((await heat.getStack(web)).status).toMatch(/^ROLLBACK_/);
});

test('cancelWithoutRollback', async () => {
  cloud.heat.hold();
  await heat.updateStack(web, { template });
  // #example cancelWithoutRollback
  await heat.cancelWithoutRollback(web);
  // #end
  const until = (stack: Stack) => stack.status.endsWith('_FAILED');
  expect((await heat.waitForStack(web, { until }))?.status).toBe('UPDATE_FAILED');
});

test('snapshots', async () => {
  // #example createSnapshot
  const made = await heat.createSnapshot(web, { name: 'before the upgrade' });
  await heat.waitForStack(web, { until: 'SNAPSHOT_COMPLETE' });
  // #end
  const listed: string[] = [];
  // #example snapshots
  for await (const { id, name, createdAt } of heat.snapshots(web)) {
    listed.push(id);
    console.log(name, createdAt);
  }
  // #end
  // #example snapshot
  const { status, data } = await heat.snapshot(web, made.id);
  // #end
  // #example restoreSnapshot
  await heat.restoreSnapshot(web, made.id);
  await heat.waitForStack(web, { until: 'RESTORE_COMPLETE' });
  // #end
  // #example deleteSnapshot
  await heat.deleteSnapshot(web, made.id);
  // #end
  expect(listed).toEqual([made.id]);
  expect(status).toBe('COMPLETE');
  expect(data).toMatchObject({ name: 'web' });
  expect(await all(heat.snapshots(web))).toEqual([]);
});

test('validateTemplate', async () => {
  // #example validateTemplate
  const { parameters } = await heat.validateTemplate({ template });
  for (const [name, { type, noEcho }] of Object.entries(parameters)) console.log(name, type, noEcho);
  // #end
  expect(parameters).toMatchObject({ size: { type: 'Number', noEcho: false } });
});

test('resourceTypes', async () => {
  // #example resourceTypes
  const types = await heat.resourceTypes({ name: 'OS::Heat::.*' });
  // #end
  expect(types.map(({ name }) => name)).toContain('OS::Heat::RandomString');
});

test('resourceType', async () => {
  // #example resourceType
  const { properties } = await heat.resourceType('OS::Heat::RandomString');
  // #end
  expect(properties).toHaveProperty('length');
});

test('templateVersions', async () => {
  // #example templateVersions
  const versions = (await heat.templateVersions()).map(({ version }) => version);
  // #end
  expect(versions).toContain('heat_template_version.2018-08-31');
});

test('templateFunctions', async () => {
  // #example templateFunctions
  const functions = await heat.templateFunctions('heat_template_version.2018-08-31');
  // #end
  expect(functions.map(({ name }) => name)).toContain('get_param');
});

test('buildInfo', async () => {
  // #example buildInfo
  const { engineRevision } = await heat.buildInfo();
  // #end
  expect(engineRevision).toBeTruthy();
});

test('services', async () => {
  const { isOpenStackError } = await import('./index.ts');
  // #example services
  try {
    for (const { hostname, status } of await heat.services()) console.log(hostname, status);
  } catch (error) {
    if (!isOpenStackError(error, 'Forbidden')) throw error;
    console.log('only administrators may know');
  }
  // #end
});

test('software configs and deployments', async () => {
  // #example createSoftwareConfig
  const config = await heat.createSoftwareConfig({
    name: 'hello',
    group: 'script',
    config: '#!/bin/sh\necho hello',
  });
  // #end
  const configs: string[] = [];
  // #example softwareConfigs
  for await (const { id, name } of heat.softwareConfigs()) {
    configs.push(id);
    console.log(name);
  }
  // #end
  // #example softwareConfig
  const { config: script } = await heat.softwareConfig(config.id);
  // #end
  const serverId = 'ec14c864-096e-4e27-bb8a-2c2b4dc6f3f5';
  // #example createSoftwareDeployment
  const deployment = await heat.createSoftwareDeployment({ configId: config.id, serverId });
  // #end
  const deployments: string[] = [];
  // #example softwareDeployments
  for await (const { id, status } of heat.softwareDeployments({ serverId })) {
    deployments.push(id);
    console.log(status);
  }
  // #end
  // #example updateSoftwareDeployment
  await heat.updateSoftwareDeployment(deployment.id, { status: 'COMPLETE', statusReason: 'it said hello' });
  // #end
  // #example softwareDeployment
  const { status } = await heat.softwareDeployment(deployment.id);
  // #end
  // #example deleteSoftwareDeployment
  await heat.deleteSoftwareDeployment(deployment.id);
  // #end
  // #example deleteSoftwareConfig
  await heat.deleteSoftwareConfig(config.id);
  // #end
  expect({ configs, deployments, status }).toEqual({
    configs: [config.id],
    deployments: [deployment.id],
    status: 'COMPLETE',
  });
  expect(script).toContain('echo hello');
  expect(await all(heat.softwareConfigs())).toEqual([]);
});
