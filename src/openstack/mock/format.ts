import type { Json, JsonObject } from '../../json.ts';
import { section } from './parameters.ts';
import { withDefaults } from './resource-types.ts';
import type { Resource, Snapshot, Stack, StackEvent, Step } from './stack.ts';

/** Where a stack is: `http://host/v1/<project>/stacks/<name>/<id>`. */
export type UrlOf = (stack: Stack) => string;

/** `2026-01-31T12:00:00Z`, as Heat writes dates. */
export function time(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}

/** A stack in a list. */
export function stackRow(stack: Stack, urlOf: UrlOf, withProject: boolean): JsonObject {
  return {
    id: stack.id,
    links: [{ href: urlOf(stack), rel: 'self' }],
    ...(withProject && { project: stack.projectId }),
    stack_name: stack.name,
    description: '',
    stack_status: stack.state,
    stack_status_reason: stack.reason,
    creation_time: time(stack.createdAt),
    updated_time: time(stack.updatedAt),
    deletion_time: time(stack.deletedAt),
    stack_owner: stack.owner,
    parent: stack.parent?.id ?? null,
    stack_user_project_id: stack.userProjectId,
    tags: stack.tags.length > 0 ? stack.tags : null,
  };
}

/** A stack by itself. */
export function stackDetail(stack: Stack, urlOf: UrlOf, resolveOutputs: boolean): JsonObject {
  const isGone = stack.action === 'DELETE' && stack.status === 'COMPLETE';
  return {
    ...stackHead(stack, stack.id, urlOf(stack)),
    creation_time: time(stack.createdAt),
    updated_time: time(stack.updatedAt),
    stack_user_project_id: stack.userProjectId,
    stack_status: stack.state,
    stack_status_reason: stack.reason,
    ...(resolveOutputs && !isGone && { outputs: outputs(stack) }),
  };
}

/** What a create would make. */
export function stackPreview(stack: Stack, urlOf: UrlOf): JsonObject {
  return {
    ...stackHead(stack, 'None', urlOf(stack).replace(stack.id, 'None')),
    creation_time: time(stack.createdAt),
    updated_time: null,
    stack_user_project_id: null,
    outputs: outputs(stack),
    resources: previewRows(stack, stack.name, 'None'),
  };
}

function stackHead(stack: Stack, id: string, url: string): JsonObject {
  const description = stack.inputs.template['description'] ?? 'No description';
  return {
    stack_name: stack.name,
    id,
    links: [{ href: url, rel: 'self' }],
    deletion_time: time(stack.deletedAt),
    notification_topics: [],
    parameters: stack.parameters(stack.inputs, id).shown(),
    description,
    template_description: description,
    capabilities: [],
    disable_rollback: stack.disableRollback,
    timeout_mins: stack.timeoutMins,
    stack_owner: stack.owner,
    parent: stack.parent?.id ?? null,
    tags: stack.tags,
  };
}

function outputs(stack: Stack): JsonObject[] {
  return Object.keys(section(stack.inputs.template, 'outputs')).map((key) => output(stack, key, true));
}

/** An output of a stack; in a list it has no value. */
export function output(stack: Stack, key: string, withValue: boolean): JsonObject {
  const defined = section(section(stack.inputs.template, 'outputs'), key);
  const head = { output_key: key, description: defined['description'] ?? 'No description given' };
  if (!withValue) return head;
  const { value, error } = stack.outputValue(defined);
  return { ...head, ...(error !== undefined && { output_error: error }), output_value: value };
}

/** A resource in a list. */
export function resourceRow(stack: Stack, row: Resource, urlOf: UrlOf): JsonObject {
  const { definition, physicalId, child } = row;
  const { name } = definition;
  const links = [
    { href: `${urlOf(stack)}/resources/${name}`, rel: 'self' },
    { href: urlOf(stack), rel: 'stack' },
    ...(child ? [{ href: urlOf(child), rel: 'nested' }] : []),
  ];
  return {
    updated_time: time(row.updatedAt),
    creation_time: time(row.createdAt),
    logical_resource_id: name,
    resource_name: name,
    physical_resource_id: row.action === 'INIT' ? '' : physicalId,
    resource_status: `${row.action}_${row.status}`,
    resource_status_reason: row.reason,
    resource_type: definition.type,
    links,
    required_by: requiredBy(stack, name),
    ...(stack.parentResource !== undefined && { parent_resource: stack.parentResource }),
  };
}

/** A resource with its attributes. */
export function resourceDetail(stack: Stack, row: Resource, urlOf: UrlOf, asked: string[] = []): JsonObject {
  const attributes = attributesOf(stack, row);
  for (const name of asked) attributes[name] ??= stack.attribute(row, name);
  return { ...resourceRow(stack, row, urlOf), description: row.definition.description, attributes };
}

function attributesOf(stack: Stack, row: Resource): JsonObject {
  const { kind } = row.definition;
  // Of a group, Heat doesn't tell its members' here.
  const names = 'template' in kind ? section(kind.template, 'outputs') : (kind.type.attributes ?? {});
  const isGroup = kind.name === 'OS::Heat::ResourceGroup';
  const values = [...new Set([...Object.keys(names), ...Object.keys(row.attributes)])].map((name) => [
    name,
    isGroup ? (name === 'removed_rsrc_list' ? [] : null) : stack.attribute(row, name),
  ]);
  return Object.fromEntries(values) as JsonObject;
}

function requiredBy(stack: Stack, name: string): string[] {
  return [...stack.resources.values()]
    .filter(({ definition }) => definition.needs.includes(name))
    .map(({ definition }) => definition.name);
}

/** The changes that an update would make. */
export function changes(stack: Stack, steps: Step[], showNested: boolean): JsonObject {
  const all: Record<string, JsonObject[]> = {
    unchanged: [],
    updated: [],
    replaced: [],
    added: [],
    deleted: [],
  };
  const put = (kind: string, row: JsonObject): void => void all[kind]?.push(row);
  const goThrough = (of: Stack, name: string, plan: Step[]): void => {
    for (const { kind, next, old, inputs } of plan) {
      if (kind === 'create' || kind === 'replace' || kind === 'keep') {
        put(CHANGES[kind] ?? '', plannedRow(of, next, name, of.id));
      } else {
        put(CHANGES[kind] ?? '', currentRow(of, old ?? next));
      }
      if (!showNested) continue;
      const inner = `${name}-${next.definition.name}`;
      if (kind === 'update' && old?.child && inputs) goThrough(old.child, inner, old.child.plan(inputs));
      if (kind === 'create' || kind === 'replace') {
        for (const row of nestedRows(next.child))
          put('added', plannedRow(row.stack, row.row, inner, row.stack.id));
      }
      if (kind === 'delete' || kind === 'replace') {
        for (const row of nestedRows(old?.child)) put('deleted', currentRow(row.stack, row.row));
      }
    }
  };
  goThrough(stack, stack.name, steps);
  return all;
}

const CHANGES: Record<Step['kind'], string | undefined> = {
  create: 'added',
  replace: 'replaced',
  keep: 'unchanged',
  update: 'updated',
  delete: 'deleted',
  act: undefined,
};

function nestedRows(child: Stack | undefined): { stack: Stack; row: Resource }[] {
  if (!child) return [];
  return [...child.resources.values()].flatMap((row) => [{ stack: child, row }, ...nestedRows(row.child)]);
}

function previewRows(stack: Stack, name: string, id: string): Json[] {
  return [...stack.resources.values()].map((row) => {
    if (row.child) return previewRows(row.child, `${name}-${row.definition.name}`, id);
    const { kind } = row.definition;
    const properties = 'type' in kind ? withDefaults(kind.type, row.properties) : row.properties;
    return { ...plannedRow(stack, row, name, id), properties };
  });
}

/** A resource as it will be: it has no times, and no values that are made. */
function plannedRow(stack: Stack, row: Resource, stackName: string, stackId: string): JsonObject {
  const isMade = row.definition.kind.name !== 'OS::Heat::Value';
  const attributes = attributesOf(stack, row);
  if (isMade)
    for (const name of Object.keys(attributes)) if (!Array.isArray(attributes[name])) attributes[name] = null;
  return {
    updated_time: null,
    creation_time: null,
    resource_name: row.definition.name,
    physical_resource_id: '',
    resource_action: 'INIT',
    resource_status: 'COMPLETE',
    resource_status_reason: '',
    ...engineRow(stack, row, stackName, stackId),
    attributes,
  };
}

function currentRow(stack: Stack, row: Resource): JsonObject {
  return {
    updated_time: time(row.updatedAt),
    creation_time: time(row.createdAt),
    resource_name: row.definition.name,
    physical_resource_id: row.physicalId,
    resource_action: row.action,
    resource_status: row.status,
    resource_status_reason: row.reason,
    ...engineRow(stack, row, stack.name, stack.id),
    attributes: attributesOf(stack, row),
    ...(row.child && {
      nested_stack_id: {
        tenant: stack.projectId,
        stack_name: row.child.name,
        stack_id: row.child.id,
        path: '',
      },
    }),
  };
}

function engineRow(stack: Stack, row: Resource, stackName: string, stackId: string): JsonObject {
  const { name, type, description, metadata } = row.definition;
  const identity = { tenant: stack.projectId, stack_name: stackName, stack_id: stackId };
  return {
    resource_type: type,
    resource_identity: { ...identity, path: `/resources/${name}` },
    stack_identity: { ...identity, path: '' },
    stack_name: stackName,
    required_by: requiredBy(stack, name),
    ...(stack.parentResource !== undefined && { parent_resource: stack.parentResource }),
    description,
    metadata,
  };
}

/** An event in a list; `root` is the stack whose events were asked for with those of its nested stacks. */
export function eventRow(event: StackEvent, urlOf: UrlOf, root?: Stack): JsonObject {
  const resource = `${urlOf(event.stack)}/resources/${event.name}`;
  const links = [
    { href: `${resource}/events/${event.id}`, rel: 'self' },
    { href: resource, rel: 'resource' },
    { href: urlOf(event.stack), rel: 'stack' },
    ...(root ? [{ href: urlOf(root), rel: 'root_stack' }] : []),
  ];
  return {
    id: event.id,
    links,
    event_time: time(event.time),
    logical_resource_id: event.name,
    resource_name: event.name,
    physical_resource_id: event.physicalId,
    resource_status: `${event.action}_${event.status}`,
    resource_status_reason: event.reason,
  };
}

export function snapshotRow(snapshot: Snapshot): JsonObject {
  return {
    id: snapshot.id,
    name: snapshot.name,
    action: 'CREATE',
    status: snapshot.status,
    status_reason: snapshot.reason,
    data: snapshot.data,
    creation_time: time(snapshot.createdAt),
  };
}
