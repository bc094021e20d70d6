import { randomUUID } from 'node:crypto';
import { isJsonObject, type Json, type JsonObject } from '../../json.ts';
import {
  ACCEPTED,
  type Answer,
  badRequest,
  found,
  invalid,
  NO_CONTENT,
  notFound,
  notSupported,
  Refusal,
} from './answer.ts';
import {
  changes,
  eventRow,
  output,
  resourceDetail,
  resourceRow,
  snapshotRow,
  stackDetail,
  stackPreview,
  time,
} from './format.ts';
import { type MockHeat, rootOf } from './heat.ts';
import { type Inputs, readAdopted, readArguments, readBoolean, readInputs, readInteger } from './inputs.ts';
import type { Token } from './keystone.ts';
import { listStacks, pageOf } from './lists.ts';
import { section } from './parameters.ts';
import { schemaOf } from './resource-types.ts';
import { type Resource, Stack } from './stack.ts';
import { definitionsOf, emptyScope, nestedTemplate } from './template.ts';
import { TEMPLATE_FUNCTIONS, TEMPLATE_VERSIONS } from './versions.ts';

/** A request to Heat that found its route. */
export interface Call {
  heat: MockHeat;
  token: Token;
  projectId: string;
  /** Values of the route's placeholders. */
  params: Record<string, string>;
  query: URLSearchParams;
  body: JsonObject;
  /** The address that was asked, without its query. */
  url: string;
}

type Handler = (call: Call) => Answer;

/** Heat's API below `/v1/{project}`: the first route that fits counts, as in Heat. */
export const HEAT_ROUTES: [method: string, route: string, handler: Handler][] = [
  ['POST', '/validate', validate],
  ['GET', '/resource_types', resourceTypes],
  ['GET', '/resource_types/{type}', resourceType],
  ['GET', '/template_versions', () => ok({ template_versions: TEMPLATE_VERSIONS })],
  ['GET', '/template_versions/{version}/functions', templateFunctions],
  ['GET', '/build_info', () => ok({ api: { revision: 'unknown' }, engine: { revision: 'unknown' } })],
  ['GET', '/services', services],

  ['GET', '/stacks', (call) => ok(listStacks(call))],
  ['POST', '/stacks', createStack],
  ['POST', '/stacks/preview', previewStack],
  ['GET', '/stacks/detail', (call) => ok(listStacks({ ...call, query: new URLSearchParams() }))],
  ...['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].map((method): [string, string, Handler] => [
    method,
    '/stacks/{name}',
    (call) => lookUp(call, ''),
  ]),
  ...['resources', 'events', 'template', 'actions', 'environment', 'files'].flatMap((part) =>
    ['GET', 'POST']
      .filter((method) => method === 'GET' || !['environment', 'files'].includes(part))
      .map((method): [string, string, Handler] => [
        method,
        `/stacks/{name}/${part}`,
        (call) => lookUp(call, `/${part}`),
      ]),
  ),

  ['GET', '/stacks/{name}/{id}', showStack],
  ['PUT', '/stacks/{name}/{id}', (call) => updateStack(call, false)],
  ['PATCH', '/stacks/{name}/{id}', (call) => updateStack(call, true)],
  ['DELETE', '/stacks/{name}/{id}', deleteStack],
  ['PUT', '/stacks/{name}/{id}/preview', (call) => previewUpdate(call, false)],
  ['PATCH', '/stacks/{name}/{id}/preview', (call) => previewUpdate(call, true)],
  ['GET', '/stacks/{name}/{id}/template', (call) => ok(stackOf(call, true).inputs.template)],
  ['GET', '/stacks/{name}/{id}/environment', environment],
  ['GET', '/stacks/{name}/{id}/files', (call) => ok(stackOf(call, true).inputs.files)],
  ['GET', '/stacks/{name}/{id}/outputs', outputs],
  ['GET', '/stacks/{name}/{id}/outputs/{key}', outputOf],
  ['GET', '/stacks/{name}/{id}/export', (call) => ok(stackOf(call).exported())],
  ['DELETE', '/stacks/{name}/{id}/abandon', abandon],
  ['POST', '/stacks/{name}/{id}/actions', act],

  ['GET', '/stacks/{name}/{id}/snapshots', snapshots],
  ['POST', '/stacks/{name}/{id}/snapshots', takeSnapshot],
  [
    'GET',
    '/stacks/{name}/{id}/snapshots/{snapshot}',
    (call) => ok({ snapshot: snapshotRow(snapshotOf(call)) }),
  ],
  ['DELETE', '/stacks/{name}/{id}/snapshots/{snapshot}', deleteSnapshot],
  ['POST', '/stacks/{name}/{id}/snapshots/{snapshot}/restore', restoreSnapshot],

  ['GET', '/stacks/{name}/{id}/resources', resources],
  ['GET', '/stacks/{name}/{id}/resources/{resource}', showResource],
  ['PATCH', '/stacks/{name}/{id}/resources/{resource}', markUnhealthy],
  ['GET', '/stacks/{name}/{id}/resources/{resource}/metadata', metadata],
  ['POST', '/stacks/{name}/{id}/resources/{resource}/signal', signal],
  ['GET', '/stacks/{name}/{id}/resources/{resource}/events', resourceEvents],
  ['GET', '/stacks/{name}/{id}/resources/{resource}/events/{event}', showEvent],
  ['GET', '/stacks/{name}/{id}/events', (call) => ok({ events: eventsOf(call) })],

  ['GET', '/software_configs', softwareConfigs],
  ['POST', '/software_configs', createSoftwareConfig],
  [
    'GET',
    '/software_configs/{config}',
    (call) => ok({ software_config: configOf(call, call.params['config']) }),
  ],
  ['DELETE', '/software_configs/{config}', deleteSoftwareConfig],
  ['GET', '/software_deployments', softwareDeployments],
  ['POST', '/software_deployments', createSoftwareDeployment],
  ['GET', '/software_deployments/metadata/{server}', deploymentMetadata],
  ['GET', '/software_deployments/{deployment}', (call) => ok({ software_deployment: deploymentOf(call) })],
  ['PUT', '/software_deployments/{deployment}', updateSoftwareDeployment],
  ['DELETE', '/software_deployments/{deployment}', deleteSoftwareDeployment],
];

function ok(body: unknown): Answer {
  return { status: 200, body };
}

/** A flag of a query. */
function flag(query: URLSearchParams, name: string, otherwise = false): boolean {
  const value = query.get(name);
  return value === null ? otherwise : readBoolean(name, value);
}

/** The stack of a route. Reading it is how its work goes on. */
function stackOf({ heat, params, projectId }: Call, withDeleted = false): Stack {
  const { name = '', id = '' } = params;
  return heat.identified(name, id, projectId, withDeleted);
}

function lookedAt(call: Call, withDeleted = false): Stack {
  const stack = stackOf(call, withDeleted);
  rootOf(stack)?.look();
  return stackOf(call, withDeleted);
}

function lookUp({ heat, params, projectId, query }: Call, part: string): Answer {
  const stack = heat.lookUp(params['name'] ?? '', projectId);
  return found(`${heat.urlOf(stack)}${part}${query.size > 0 ? `?${query}` : ''}`);
}

function showStack(call: Call): Answer {
  const resolveOutputs = flag(call.query, 'resolve_outputs', true);
  const stack = lookedAt(call, true);
  return ok({ stack: stackDetail(stack, (each) => call.heat.urlOf(each), resolveOutputs) });
}

/** A stack that isn't kept yet. */
function newStack({ heat, token, projectId, body }: Call): Stack {
  const inputs = readInputs(body);
  const name = body['stack_name'];
  if (name === undefined) throw badRequest('No stack name specified');
  if (body['converge'] !== undefined) {
    throw badRequest('converge flag only supported in stack update (or update preview) request.');
  }
  const { tags = [], timeoutMins = null, disableRollback = true } = readArguments(body);
  heat.checkName(String(name), projectId);
  if (!/^[a-zA-Z][\w.-]{0,254}$/.test(String(name))) {
    throw invalid(
      `Invalid stack name ${String(name)} must contain only alphanumeric or "_-." characters, must start with alpha and must be 255 characters or less.`,
    );
  }
  const owner = token.user.name;
  const stack = new Stack(heat, { name: String(name), projectId, owner, inputs: withFileTypes(inputs) });
  stack.check(stack.inputs);
  return Object.assign(stack, { tags, timeoutMins, disableRollback });
}

function createStack(call: Call): Answer {
  const { body, heat } = call;
  const adopted = body['adopt_stack_data'] === undefined ? undefined : readAdopted(body['adopt_stack_data']);
  if (adopted) {
    const parameters = section(section(adopted, 'environment'), 'parameters');
    body['parameters'] = { ...parameters, ...section(body, 'parameters') };
  }
  const stack = newStack(call);
  // Heat needs a trust for each stack.
  if (call.token.credential && !heat.credentialTrusts) throw new Refusal(403, 'Forbidden');
  heat.add(stack);
  stack.start(adopted ? 'ADOPT' : 'CREATE', undefined, adopted);
  const location = heat.urlOf(stack);
  return {
    status: 201,
    body: { stack: { id: stack.id, links: [{ href: location, rel: 'self' }] } },
    headers: { location },
  };
}

function previewStack(call: Call): Answer {
  const stack = newStack(call);
  for (const { next } of stack.plan(stack.inputs)) stack.resources.set(next.definition.name, next);
  return ok({ stack: stackPreview(stack, (each) => call.heat.urlOf(each)) });
}

/** Heat notes in the registry which files are used as types. */
function withFileTypes(inputs: Inputs): Inputs {
  const registry = section(inputs.environment, 'resource_registry');
  const types = Object.values(section(inputs.template, 'resources'))
    .filter(isJsonObject)
    .map(({ type }) => registry[String(type)] ?? type)
    .filter((type) => typeof type === 'string' && Object.hasOwn(inputs.files, type));
  const files = Object.fromEntries(types.map((type) => [String(type), type])) as JsonObject;
  return { ...inputs, environment: { ...inputs.environment, resource_registry: { ...registry, ...files } } };
}

/** The inputs of an update, checked. */
function newInputs(call: Call, stack: Stack, existing: boolean): Inputs {
  const inputs = withFileTypes(readInputs(call.body, existing ? stack.inputs : undefined));
  const changed = stack.parameters().changedImmutables(stack.parameters(inputs));
  if (changed.length > 0) {
    throw invalid(
      `The following parameters are immutable and may not be updated: ${changed.join(', ')}`,
      'ImmutableParameterModified',
    );
  }
  stack.check(inputs);
  return inputs;
}

function updateStack(call: Call, existing: boolean): Answer {
  // Heat's API layer reads the body before its engine looks for the stack.
  if (!existing) readInputs(call.body);
  const args = readArguments(call.body);
  const stack = stackOf(call);
  if (stack.action === 'SUSPEND') throw notSupported('Updating a stack when it is suspended');
  if (stack.action === 'DELETE') throw notSupported('Updating a stack when it is deleting');
  const inputs = newInputs(call, stack, existing);
  stack.tags = args.tags ?? (existing ? stack.tags : []);
  // Nothing, and 0, leave the old time.
  stack.timeoutMins = args.timeoutMins || stack.timeoutMins;
  stack.disableRollback = args.disableRollback ?? stack.disableRollback;
  stack.start('UPDATE', inputs);
  return ACCEPTED;
}

function previewUpdate(call: Call, existing: boolean): Answer {
  if (!existing) readInputs(call.body);
  readArguments(call.body);
  const showNested = flag(call.query, 'show_nested');
  const stack = stackOf(call);
  const steps = stack.plan(newInputs(call, stack, existing));
  return ok({ resource_changes: changes(stack, steps, showNested) });
}

function deleteStack(call: Call): Answer {
  const stack = stackOf(call);
  if (stack.state === 'DELETE_COMPLETE') throw notFound('Stack', stack.name);
  stack.start('DELETE');
  return NO_CONTENT;
}

function abandon(call: Call): Answer {
  const stack = stackOf(call);
  const data = stack.exported();
  stack.start('DELETE');
  stack.finish();
  return ok(data);
}

function act(call: Call): Answer {
  const [name = '', ...more] = Object.keys(call.body);
  if (name === '') throw badRequest('No action specified');
  if (more.length > 0) throw badRequest('Multiple actions specified');
  const isKnown = ['suspend', 'resume', 'check', 'cancel_update', 'cancel_without_rollback'].includes(name);
  if (!isKnown) throw badRequest(`Invalid action ${name} specified`);
  const stack = stackOf(call);
  if (name.startsWith('cancel')) {
    const cancelable = name === 'cancel_update' ? ['UPDATE'] : ['UPDATE', 'CREATE'];
    if (!stack.isInProgress || !cancelable.includes(stack.action)) {
      throw notSupported(`Cancelling update when stack is ${stack.state}`);
    }
    if (name === 'cancel_update') stack.rollBack();
    else stack.cancel();
  } else if (name === 'check' || stack.state !== `${name.toUpperCase()}_COMPLETE`) {
    stack.start(name.toUpperCase());
  }
  return ok(null);
}

function environment(call: Call): Answer {
  const stack = stackOf(call, true);
  const { schemas } = stack.parameters();
  const masked = (name: string): JsonObject =>
    Object.fromEntries(
      Object.entries(section(stack.inputs.environment, name)).map(([key, value]) => [
        key,
        schemas[key]?.['hidden'] === true ? '******' : value,
      ]),
    );
  return ok({
    ...stack.inputs.environment,
    parameters: masked('parameters'),
    parameter_defaults: masked('parameter_defaults'),
    encrypted_param_names: [],
  });
}

function outputs(call: Call): Answer {
  const stack = lookedAt(call);
  const keys = Object.keys(section(stack.inputs.template, 'outputs'));
  return ok({ outputs: keys.map((key) => output(stack, key, false)) });
}

function outputOf(call: Call): Answer {
  const stack = lookedAt(call);
  const { key = '' } = call.params;
  if (!Object.hasOwn(section(stack.inputs.template, 'outputs'), key)) {
    // Heat forgets to fill in its own message.
    throw new Refusal(404, 'NotFound', 'Specified output key {} not found.');
  }
  return ok({ output: output(stack, key, true) });
}

function snapshots(call: Call): Answer {
  return ok({ snapshots: lookedAt(call).snapshots.map(snapshotRow) });
}

function takeSnapshot(call: Call): Answer {
  const stack = stackOf(call);
  if (stack.isInProgress) {
    const message = `Stack ${stack.name} already has an action (${stack.action}) in progress.`;
    throw new Refusal(409, 'ActionInProgress', message);
  }
  return ok(snapshotRow(stack.takeSnapshot(call.body['name'] ?? null)));
}

function snapshotOf(call: Call) {
  const snapshot = lookedAt(call).snapshots.find(({ id }) => id === call.params['snapshot']);
  if (!snapshot) throw new Refusal(404, 'NotFound', 'Snapshot with id {} not found');
  return snapshot;
}

function deleteSnapshot(call: Call): Answer {
  const snapshot = snapshotOf(call);
  if (snapshot.status === 'IN_PROGRESS') throw notSupported('Deleting in-progress snapshot');
  const { snapshots: kept } = stackOf(call);
  kept.splice(kept.indexOf(snapshot), 1);
  return NO_CONTENT;
}

function restoreSnapshot(call: Call): Answer {
  const snapshot = snapshotOf(call);
  if (snapshot.status !== 'COMPLETE') throw notSupported('Restoring incomplete snapshot');
  const stack = stackOf(call);
  stack.tags = [];
  stack.start('RESTORE', snapshot.inputs);
  return ACCEPTED;
}

function resources(call: Call): Answer {
  const { query, heat } = call;
  const filters = ['type', 'status', 'name', 'action', 'id', 'physical_resource_id'];
  const unknown = [...query.keys()].filter(
    (key) => ![...filters, 'nested_depth', 'with_detail'].includes(key),
  );
  if (unknown.length > 0) {
    throw badRequest(`Invalid filter parameters [${unknown.map((key) => `'${key}'`).join(', ')}]`);
  }
  const depth = readInteger('nested_depth', query.get('nested_depth') ?? '0');
  const format = flag(query, 'with_detail') ? resourceDetail : resourceRow;
  const stack = lookedAt(call, true);
  const fits = ({ definition, ...row }: Resource): boolean =>
    Object.entries({
      type: definition.type,
      status: row.status,
      name: definition.name,
      action: row.action,
      // Heat's own number of the resource, which nobody knows.
      id: '',
      physical_resource_id: row.physicalId,
    }).every(([key, value]) => !query.has(key) || query.getAll(key).includes(value));
  const rows = (of: Stack, left: number): JsonObject[] => {
    const own = [...of.resources.values()];
    const nested = left > 0 ? of.children.flatMap((child) => rows(child, left - 1)) : [];
    return [...own.filter(fits).map((row) => format(of, row, (each) => heat.urlOf(each))), ...nested];
  };
  return ok({ resources: rows(stack, depth) });
}

function resourceOf(call: Call, stack: Stack, orPhysicalId = false): Resource {
  const { resource: name = '' } = call.params;
  const row =
    stack.resources.get(name) ??
    (orPhysicalId ? [...stack.resources.values()].find(({ physicalId }) => physicalId === name) : undefined);
  if (row) return row;
  const message = `The Resource (${name}) could not be found in Stack ${stack.name}.`;
  throw new Refusal(404, 'ResourceNotFound', message);
}

function showResource(call: Call): Answer {
  const stack = lookedAt(call);
  const row = resourceOf(call, stack);
  const asked = call.query.getAll('with_attr');
  return ok({ resource: resourceDetail(stack, row, (each) => call.heat.urlOf(each), asked) });
}

function metadata(call: Call): Answer {
  return ok({ metadata: resourceOf(call, lookedAt(call)).definition.metadata });
}

function markUnhealthy(call: Call): Answer {
  const { mark_unhealthy: unhealthy, resource_status_reason: reason, ...others } = call.body;
  const unknown = Object.keys(others);
  if (unknown.length > 0) {
    const keys = unknown.map((key) => `'${key}'`).join(', ');
    throw badRequest(`Invalid keys in resource mark unhealthy {${keys}}`);
  }
  if (unhealthy === undefined) {
    throw badRequest('Missing mandatory (mark_unhealthy) key from mark unhealthy request');
  }
  const isUnhealthy = readBoolean('mark_unhealthy', unhealthy);
  const stack = stackOf(call);
  const row = resourceOf(call, stack, true);
  if (row.status === 'IN_PROGRESS') {
    const message = `Stack ${stack.name} already has an action (${stack.action}) in progress.`;
    throw new Refusal(409, 'ActionInProgress', message);
  }
  if (isUnhealthy || row.status === 'FAILED') {
    row.action = 'CHECK';
    row.status = isUnhealthy ? 'FAILED' : 'COMPLETE';
    row.reason = String(reason || 'state changed by resource_mark_unhealthy api');
    stack.markEvent(row);
  }
  return ok(null);
}

function signal(call: Call): Answer {
  const row = resourceOf(call, stackOf(call));
  if (row.definition.kind.name !== 'OS::Heat::WaitConditionHandle') {
    throw new Refusal(400, 'ResourceActionNotSupported', 'signal is not supported for resource.');
  }
  const { id, data = null, reason = null, status = 'SUCCESS' } = call.body;
  const number = String(id ?? Object.keys(row.data).length + 1);
  row.data[number] = { id: number, data, reason, status };
  return ok(null);
}

function eventsOf(call: Call, resource?: string): JsonObject[] {
  const { query, heat } = call;
  const depth = readInteger('nested_depth', query.get('nested_depth') ?? '0');
  const stack = lookedAt(call, true);
  const under = (of: Stack): number => (of === stack ? 0 : of.parent ? under(of.parent) + 1 : Number.NaN);
  const all = depth > 0 ? heat.stacks.filter((each) => under(each) <= depth) : [stack];
  const events = all.flatMap((each) => each.events).sort((one, other) => one.order - other.order);
  const fits = events.filter(({ name, status, action, type }) =>
    Object.entries({
      resource_name: name,
      resource_status: status,
      resource_action: action,
      resource_type: type,
    }).every(([key, value]) =>
      key === 'resource_name' && resource !== undefined
        ? value === resource
        : !query.has(key) || query.getAll(key).includes(value),
    ),
  );
  const rows = fits.map((event) =>
    eventRow(event, (each) => heat.urlOf(each), depth > 0 ? stack : undefined),
  );
  return pageOf(query.get('sort_dir') === 'asc' ? rows : rows.reverse(), query);
}

function resourceEvents(call: Call): Answer {
  const { resource = '' } = call.params;
  const events = eventsOf(call, resource);
  if (events.length === 0) throw new Refusal(404, 'HTTPNotFound', `No events found for resource ${resource}`);
  return ok({ events });
}

function showEvent(call: Call): Answer {
  const { resource, event: id = '' } = call.params;
  const event = stackOf(call, true).events.find((each) => each.id === id && each.name === resource);
  if (!event) throw new Refusal(404, 'HTTPNotFound', `No event ${id} found`);
  const row = eventRow(event, (each) => call.heat.urlOf(each));
  return ok({ event: { ...row, resource_type: event.type, resource_properties: event.properties } });
}

function validate({ heat, token, projectId, body, query }: Call): Answer {
  const ignored = (query.get('ignore_errors') ?? '').split(',');
  const showNested = flag(query, 'show_nested');
  const inputs = withFileTypes(readInputs(body));
  const stack = new Stack(heat, { name: 'dummy', projectId, owner: token.user.name, inputs });
  const parameters = stack.parameters();
  const scope = {
    ...emptyScope(inputs, parameters),
    parameter: (name: string) => parameters.value(name) ?? null,
  };
  const unknown = Object.keys(section(inputs.environment, 'parameters')).find(
    (name) => !parameters.schemas[name],
  );
  if (unknown !== undefined) {
    throw invalid(`The Parameter (${unknown}) was not defined in template.`, 'UnknownUserParameter');
  }
  const nested: JsonObject = {};
  try {
    for (const definition of definitionsOf(inputs, heat.types, scope)) {
      const template = showNested ? nestedTemplate(definition, definition.properties) : undefined;
      if (!template) continue;
      const given = { parameters: 'template' in definition.kind ? definition.properties : {} };
      const own = stack.parameters({ ...inputs, template, environment: given });
      const { type, name } = definition;
      const description = template['description'] ?? 'No description';
      nested[name] = { Type: type, Description: description, Parameters: own.described() };
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const isIgnored = error.type === 'ResourceTypeUnavailable' && ignored.includes('99001');
    if (error.type === 'StackValidationFailed') throw badRequest(error.told ?? '');
    if (!isIgnored) throw error;
  }
  const groups = inputs.template['parameter_groups'];
  return ok({
    Description: inputs.template['description'] ?? 'No description',
    Parameters: parameters.described(),
    ...(groups !== undefined && { ParameterGroups: groups }),
    ...(Object.keys(nested).length > 0 && { NestedParameters: nested }),
    Environment: inputs.environment,
  });
}

function resourceTypes({ heat, query }: Call): Answer {
  const status = query.get('support_status');
  const statuses = ['UNKNOWN', 'SUPPORTED', 'DEPRECATED', 'UNSUPPORTED', 'HIDDEN'];
  if (status !== null && !statuses.includes(status)) {
    const list = statuses.map((each) => `'${each}'`).join(', ');
    const message = `Data supplied was not valid: Invalid support status and should be one of (${list})`;
    throw new Refusal(400, 'Invalid', message);
  }
  const pattern = new RegExp(`^(?:${query.get('name') ?? ''})`);
  const version = query.get('version');
  const names = heat.types.names.filter(
    (name) =>
      pattern.test(name) &&
      (status === null || status === 'SUPPORTED') &&
      (version === null || heat.types.get(name)?.since === version),
  );
  if (!flag(query, 'with_description')) return ok({ resource_types: names });
  return ok({
    resource_types: names.map((name) => ({ resource_type: name, description: `The type ${name}.` })),
  });
}

function resourceType({ heat, params }: Call): Answer {
  const { type: name = '' } = params;
  const type = heat.types.get(name);
  if (type) return ok(schemaOf(name, type));
  const refusal = heat.types.unknown(name, 'Service endpoint');
  throw refusal.type === 'StackValidationFailed' ? notFound('Resource Type', name) : refusal;
}

function templateFunctions({ params }: Call): Answer {
  const isKnown = TEMPLATE_VERSIONS.some(({ version }) => version === params['version']);
  if (!isKnown) throw new Refusal(404, 'NotFound', 'Template with version {} not found');
  return ok({ template_functions: TEMPLATE_FUNCTIONS });
}

function services({ token }: Call): Answer {
  if (!token.isAdmin) throw new Refusal(403, 'Forbidden', 'You are not authorized to use service:index.');
  const engine = { binary: 'heat-engine', topic: 'engine', host: 'mock', hostname: 'mock', status: 'up' };
  const times = { created_at: null, updated_at: null, deleted_at: null, report_interval: 60 };
  return ok({ services: [{ id: 'mock', engine_id: 'mock', ...engine, ...times }] });
}

// Software configs and deployments: kept as they are shown.

function owned({ heat, projectId }: Call, kept: Map<string, JsonObject>): JsonObject[] {
  return [...kept].filter(([id]) => heat.owners.get(id) === projectId).map(([, value]) => value);
}

function configOf(call: Call, id: Json | undefined): JsonObject {
  const config = owned(call, call.heat.configs).find((each) => each['id'] === id);
  if (!config) throw new Refusal(404, 'NotFound', 'Software config with id {} not found');
  return config;
}

function softwareConfigs(call: Call): Answer {
  const all = owned(call, call.heat.configs).reverse();
  const rows = all.map(({ id, name, group, creation_time }) => ({ id, name, group, creation_time }));
  return ok({ software_configs: pageOf(rows as JsonObject[], call.query) });
}

function createSoftwareConfig({ heat, projectId, body }: Call): Answer {
  const ioOf = (key: string, more: JsonObject): JsonObject[] =>
    (Array.isArray(body[key]) ? body[key] : []).map((each) => {
      if (!isJsonObject(each) || each['name'] === undefined) throw new Refusal(400, 'ValueError');
      return { type: 'String', ...more, ...each };
    });
  const config: JsonObject = {
    id: randomUUID(),
    name: body['name'] ?? null,
    group: body['group'] ?? null,
    creation_time: time(heat.now()),
    config: body['config'] ?? null,
    inputs: ioOf('inputs', {}),
    outputs: ioOf('outputs', { error_output: false }),
    options: body['options'] ?? {},
  };
  heat.configs.set(String(config['id']), config);
  heat.owners.set(String(config['id']), projectId);
  return ok({ software_config: config });
}

function deleteSoftwareConfig(call: Call): Answer {
  const { id } = configOf(call, call.params['config']);
  if (owned(call, call.heat.deployments).some((each) => each['config_id'] === id)) {
    const message = `Software config with id ${String(id)} can not be deleted as it is referenced.`;
    throw new Refusal(500, 'InvalidRestrictedAction', message);
  }
  call.heat.configs.delete(String(id));
  return NO_CONTENT;
}

function deploymentOf(call: Call): JsonObject {
  const id = call.params['deployment'];
  const deployment = owned(call, call.heat.deployments).find((each) => each['id'] === id);
  if (!deployment) throw new Refusal(404, 'NotFound', 'Deployment with id {} not found');
  return deployment;
}

function softwareDeployments(call: Call): Answer {
  const server = call.query.get('server_id');
  const all = owned(call, call.heat.deployments);
  return ok({ software_deployments: all.filter((each) => server === null || each['server_id'] === server) });
}

function createSoftwareDeployment(call: Call): Answer {
  const { heat, projectId, body } = call;
  const config = configOf(call, body['config_id']);
  const deployment: JsonObject = {
    id: randomUUID(),
    server_id: body['server_id'] ?? null,
    input_values: body['input_values'] ?? {},
    output_values: null,
    action: body['action'] ?? null,
    status: body['status'] ?? null,
    // Heat writes Python's None as text.
    status_reason: String(body['status_reason'] ?? 'None'),
    config_id: config['id'] ?? null,
    creation_time: time(heat.now()),
  };
  heat.deployments.set(String(deployment['id']), deployment);
  heat.owners.set(String(deployment['id']), projectId);
  return ok({ software_deployment: deployment });
}

function updateSoftwareDeployment(call: Call): Answer {
  const deployment = deploymentOf(call);
  for (const key of ['config_id', 'input_values', 'output_values', 'action', 'status', 'status_reason']) {
    const value = call.body[key];
    if (value !== undefined && value !== null) deployment[key] = value;
  }
  deployment['updated_time'] = time(call.heat.now());
  return ok({ software_deployment: deployment });
}

function deleteSoftwareDeployment(call: Call): Answer {
  call.heat.deployments.delete(String(deploymentOf(call)['id']));
  return NO_CONTENT;
}

function deploymentMetadata(call: Call): Answer {
  const { server } = call.params;
  const all = owned(call, call.heat.deployments).filter((each) => each['server_id'] === server);
  return ok({ metadata: all.map((each) => configOf(call, each['config_id'])) });
}
