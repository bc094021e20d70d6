import { randomUUID } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../../json.ts';
import type { Clock } from '../../kube/index.ts';
import {
  type CreatedStack,
  createError,
  type EventQuery,
  type Output,
  type Resource,
  type ResourceChange,
  type ResourceQuery,
  type Stack,
  type StackAttributes,
  type StackChanges,
  type StackEvent,
  type StackPreview,
  type StackQuery,
  type StackRef,
} from '../../openstack/index.ts';
import { parseYaml } from '../../yaml.ts';
import type { HeatClient } from '../heat-client.ts';

/** A stack in a {@link FakeHeat}, with what was sent for it. */
export interface FakeStack {
  id: string;
  name: string;
  status: string;
  statusReason: string;
  createdAt: string;
  updatedAt?: string;
  deletedAt?: string;
  parentId?: string;
  attributes: StackAttributes;
  outputs: Output[];
  resources: Resource[];
  /** The newest first. */
  events: StackEvent[];
}

/** The calls, in one word each. */
export type HeatCall =
  | 'create'
  | 'list'
  | 'poll'
  | 'looks'
  | 'resync'
  | 'newest'
  | 'find'
  | 'get'
  | 'get+outputs'
  | 'preview'
  | 'update'
  | 'delete'
  | 'resources'
  | 'events'
  | 'template'
  | 'environment'
  | 'files'
  | Action;

/** What is done to a stack besides its inputs. */
export type Action = 'check' | 'suspend' | 'resume' | 'cancel_update' | 'cancel_without_rollback';

/**
 * Heat with stacks in memory. It begins operations; a test ends them with {@link FakeHeat.finish}, as it goes with a
 * cloud. An interrupted call is told with {@link FakeHeat.fail}.
 */
export class FakeHeat implements HeatClient {
  /**
   * All calls; of the shared lists, that of stacks in progress is `poll`, one of given ids `looks`, and those of stacks at
   * rest `resync` and `newest`.
   */
  readonly calls: HeatCall[] = [];
  readonly all = new Map<string, FakeStack>();
  /** Names that are taken though no list shows by whom. */
  readonly heldNames = new Set<string>();
  /** Updates that are accepted and then forgotten, as when another client wins a race inside Heat. */
  lostUpdates = 0;
  /** What previews tell; that of a create tells `added`. */
  changes: Partial<StackChanges> = {};
  /** What was previewed last. */
  previewed: (StackAttributes & { showNested?: boolean | undefined }) | undefined;
  /** Checks, suspends and resumes that are accepted and never begun. */
  lostActions = 0;
  /** Lists everything whatever the name asked for, as Heat does with a filter that it doesn't know. */
  ignoresNames = false;
  /** The same for ids. */
  ignoresIds = false;
  /** Called when a call comes in, before it is answered. */
  onCall: (call: HeatCall) => void = () => undefined;
  readonly #clock: Clock;
  readonly #failures: { call: HeatCall; error: unknown; after: boolean }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** All calls but the shared lists, and forgets them. */
  takeCalls(): HeatCall[] {
    return this.calls.splice(0).filter((call) => !['poll', 'resync', 'newest'].includes(call));
  }

  /** The next such call fails; with `after`, once it was carried out (its answer is lost). */
  fail(call: HeatCall, error: unknown, { after = false } = {}): void {
    this.#failures.push({ call, error, after });
  }

  /** The one living stack of that name. */
  stack(name = 'web'): FakeStack {
    const [found, ...others] = [...this.all.values()].filter(
      (stack) => stack.name === name && stack.status !== 'DELETE_COMPLETE',
    );
    if (!found || others.length > 0) throw new Error(`${others.length + (found ? 1 : 0)} stacks ${name}`);
    return found;
  }

  /** A stack that somebody else made. */
  add(stack: Partial<FakeStack> = {}): FakeStack {
    const added: FakeStack = {
      id: randomUUID(),
      name: 'web',
      status: 'CREATE_COMPLETE',
      statusReason: 'Stack CREATE completed successfully',
      createdAt: this.#time(),
      attributes: {},
      outputs: [],
      resources: [],
      events: [],
      ...stack,
    };
    this.all.set(added.id, added);
    return added;
  }

  /** Ends what is in progress. */
  finish(status: 'COMPLETE' | 'FAILED' = 'COMPLETE', change: Partial<FakeStack> = {}, name = 'web'): void {
    const stack = this.stack(name);
    const action = stack.status.slice(0, stack.status.indexOf('_'));
    stack.status = `${action}_${status}`;
    stack.statusReason = status === 'COMPLETE' ? `Stack ${action} completed successfully` : 'Resource failed';
    if (stack.status === 'DELETE_COMPLETE') stack.deletedAt = this.#time();
    Object.assign(stack, change);
  }

  createStack(attributes: StackAttributes): Promise<CreatedStack>;
  createStack(attributes: StackAttributes, options: { preview: true }): Promise<StackPreview>;
  async createStack(
    attributes: StackAttributes,
    options?: { preview: true },
  ): Promise<CreatedStack | StackPreview> {
    return this.#call(options?.preview ? 'preview' : 'create', () => {
      const name = attributes.name ?? '';
      const taken = [...this.all.values()].some((stack) => stack.name === name && !stack.deletedAt);
      if (taken || this.heldNames.has(name))
        throw createError('Conflict.StackExists', `The Stack (${name}) already exists.`, { status: 409 });
      if (options?.preview) {
        this.previewed = structuredClone(attributes);
        return { name, resources: this.changes.added ?? [], tags: [], links: [] };
      }
      const { id } = this.add({
        name,
        status: 'CREATE_IN_PROGRESS',
        statusReason: 'Stack CREATE started',
        attributes: structuredClone(attributes),
      });
      return { id, name, links: [] };
    });
  }

  async updateStack(ref: StackRef, attributes: StackAttributes): Promise<void> {
    this.#call('update', () => {
      const stack = this.#find(ref);
      if (/^(SUSPEND|DELETE)/.test(stack.status)) {
        throw createError('BadRequest', 'Updating a stack when it is suspended is not supported.', {
          status: 400,
          type: 'NotSupported',
        });
      }
      if (this.lostUpdates > 0) {
        this.lostUpdates -= 1;
        return;
      }
      stack.status = 'UPDATE_IN_PROGRESS';
      stack.statusReason = 'Stack UPDATE started';
      stack.updatedAt = this.#time();
      stack.attributes = structuredClone(attributes);
    });
  }

  async previewStackUpdate(
    ref: StackRef,
    attributes: StackAttributes,
    { showNested }: { showNested?: boolean } = {},
  ): Promise<StackChanges> {
    return this.#call('preview', () => {
      this.#find(ref);
      this.previewed = { ...structuredClone(attributes), showNested };
      return { added: [], updated: [], replaced: [], deleted: [], unchanged: [], ...this.changes };
    });
  }

  async deleteStack(ref: StackRef): Promise<void> {
    this.#call('delete', () => {
      const stack = this.all.get(idOf(ref));
      const name = typeof ref === 'string' ? undefined : ref.name;
      // The client takes a stack that isn't there for one that is deleted.
      if (!stack || (name ?? stack.name) !== stack.name || stack.status === 'DELETE_COMPLETE') return;
      stack.status = 'DELETE_IN_PROGRESS';
      stack.statusReason = 'Stack DELETE started';
      stack.updatedAt = this.#time();
    });
  }

  async checkStack(ref: StackRef): Promise<void> {
    this.#act('check', ref);
  }

  async suspendStack(ref: StackRef): Promise<void> {
    this.#act('suspend', ref);
  }

  async resumeStack(ref: StackRef): Promise<void> {
    this.#act('resume', ref);
  }

  async cancelUpdate(ref: StackRef): Promise<void> {
    this.#act('cancel_update', ref);
  }

  async cancelWithoutRollback(ref: StackRef): Promise<void> {
    this.#act('cancel_without_rollback', ref);
  }

  #act(action: Action, ref: StackRef): void {
    this.#call(action, () => {
      const stack = this.#find(ref);
      if (action === 'cancel_update' || action === 'cancel_without_rollback') {
        if (stack.status !== 'UPDATE_IN_PROGRESS' && stack.status !== 'CREATE_IN_PROGRESS')
          throw createError('BadRequest.NotSupported', `Cancelling ${stack.status} is not supported.`, {
            status: 400,
            type: 'NotSupported',
          });
        const isRollback = action === 'cancel_update';
        stack.status = isRollback ? 'ROLLBACK_IN_PROGRESS' : stack.status.replace('IN_PROGRESS', 'FAILED');
        stack.statusReason = isRollback ? 'Stack ROLLBACK started' : 'Stack UPDATE cancelled';
        stack.updatedAt = this.#time();
        return;
      }
      if (this.lostActions > 0) {
        this.lostActions -= 1;
        return;
      }
      stack.status = `${action.toUpperCase()}_IN_PROGRESS`;
      stack.statusReason = `Stack ${action.toUpperCase()} started`;
      stack.updatedAt = this.#time();
    });
  }

  async getStack(ref: StackRef, { resolveOutputs = true } = {}): Promise<Stack> {
    return this.#call(resolveOutputs ? 'get+outputs' : 'get', () => {
      const stack = this.#find(ref);
      const { timeoutMins, disableRollback } = stack.attributes;
      const more = { timeoutMins: timeoutMins ?? 60, disableRollback: disableRollback ?? true };
      return { ...asListed(stack), ...more, ...(resolveOutputs ? { outputs: stack.outputs } : {}) };
    });
  }

  findStack(nameOrId: string, options: { ignoreMissing: false }): Promise<Stack>;
  findStack(nameOrId: string): Promise<Stack | undefined>;
  async findStack(nameOrId: string): Promise<Stack | undefined> {
    return this.#call('find', () => {
      const found = [...this.all.values()].find(
        ({ name, id, deletedAt }) => !deletedAt && (name === nameOrId || id === nameOrId),
      );
      return found && asListed(found);
    });
  }

  async *stacks(query: StackQuery = {}): AsyncGenerator<Stack, void> {
    const ids = query.id === undefined || this.ignoresIds ? undefined : new Set([query.id].flat());
    const rows = this.#call(callOf(query), () => {
      // As Heat 27 does.
      if (query.tags && query.name !== undefined)
        throw createError('ServerError', 'InvalidRequestError', { status: 500 });
      const found = [...this.all.values()].filter(
        ({ id, name, status, deletedAt, parentId, attributes }) =>
          (!deletedAt || query.showDeleted) &&
          parentId === undefined &&
          (ids?.has(id) ?? true) &&
          (query.name === undefined || name === query.name || this.ignoresNames) &&
          (query.tags ?? []).every((tag) => attributes.tags?.includes(tag)) &&
          (query.status === undefined || status.endsWith(`_${query.status}`)),
      );
      if (!query.sortKeys) return found;
      return found.sort((a, b) => ((a.updatedAt ?? '') < (b.updatedAt ?? '') ? 1 : -1));
    });
    for (const row of rows.slice(0, query.maxItems)) yield asListed(row);
  }

  async *resources(ref: StackRef, _query?: ResourceQuery): AsyncGenerator<Resource, void> {
    yield* this.#call('resources', () => this.#find(ref).resources);
  }

  async *events(ref: StackRef, _query?: EventQuery): AsyncGenerator<StackEvent, void> {
    yield* this.#call('events', () => this.#find(ref).events);
  }

  async stackTemplate(ref: StackRef): Promise<JsonObject> {
    return this.#call('template', () => {
      const template = templateOf(this.#find(ref));
      if (template === undefined) throw createError('InvalidResponse', 'no JSON');
      return template;
    });
  }

  async stackEnvironment(ref: StackRef): Promise<JsonObject> {
    return this.#call('environment', () => {
      const stack = this.#find(ref);
      const { environment, parameters = {} } = stack.attributes;
      const given = isJsonObject(environment) ? environment : {};
      const merged = { ...sectionOf(given, 'parameters'), ...parameters };
      return {
        ...given,
        parameters: masked(merged, stack),
        parameter_defaults: masked(sectionOf(given, 'parameter_defaults'), stack),
        resource_registry: { resources: {}, ...sectionOf(given, 'resource_registry') },
        event_sinks: given['event_sinks'] ?? [],
        encrypted_param_names: [],
      };
    });
  }

  async stackFiles(ref: StackRef): Promise<Record<string, string>> {
    return this.#call('files', () => this.#find(ref).attributes.files ?? {});
  }

  #call<T>(call: HeatCall, work: () => T): T {
    this.calls.push(call);
    this.onCall(call);
    const index = this.#failures.findIndex((failure) => failure.call === call);
    const [failure] = index < 0 ? [] : this.#failures.splice(index, 1);
    if (failure && !failure.after) throw failure.error;
    const result = work();
    if (failure) throw failure.error;
    return result;
  }

  /** Heat finds a stack only by both, its id and its name; and by a text that is one of them. */
  #find(ref: StackRef): FakeStack {
    const stack =
      this.all.get(idOf(ref)) ??
      (typeof ref === 'string' ? this.all.values().find((each) => each.name === ref) : undefined);
    const name = typeof ref === 'string' ? undefined : ref.name;
    if (stack && (name === undefined || name === stack.name)) return stack;
    throw createError('ResourceNotFound', 'The Stack could not be found.', {
      status: 404,
      type: 'EntityNotFound',
    });
  }

  #time(): string {
    return `${new Date(this.#clock.now()).toISOString().slice(0, 19)}Z`;
  }
}

/** A resource as Heat lists it. */
export function resource(name: string, status: string, more: Partial<Resource> = {}): Resource {
  return { name, logicalId: name, type: 'OS::Heat::Value', status, requiredBy: [], links: [], ...more };
}

/** A resource as a preview tells of it. */
export function change(name: string, type: string, more: Partial<ResourceChange> = {}): ResourceChange {
  return { name, type, status: 'INIT_COMPLETE', stackName: 'web', requiredBy: [], ...more };
}

/** The template as Heat gives it out; `undefined` when it has what is no JSON. Tests have some that Heat would refuse. */
function templateOf({ attributes: { template = {} } }: FakeStack): JsonObject | undefined {
  if (typeof template !== 'string') return template as JsonObject;
  try {
    return parseYaml(template) as JsonObject;
  } catch {
    return undefined;
  }
}

/** Values of parameters as Heat shows them. */
function masked(values: JsonObject, stack: FakeStack): JsonObject {
  const template = templateOf(stack);
  const declared = isJsonObject(template) ? sectionOf(template, 'parameters') : {};
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      sectionOf(declared, name)['hidden'] ? '******' : value,
    ]),
  );
}

function sectionOf(object: JsonObject, name: string): JsonObject {
  const section = object[name];
  return isJsonObject(section) ? section : {};
}

function callOf({ id, name, tags, status, sortKeys, showDeleted }: StackQuery): HeatCall {
  if (name !== undefined || tags !== undefined) return 'list';
  if (status !== undefined) return 'poll';
  if (sortKeys !== undefined) return 'newest';
  return id !== undefined && showDeleted ? 'looks' : 'resync';
}

function idOf(ref: StackRef): string {
  return (typeof ref === 'string' ? ref : ref.id) ?? '';
}

function asListed({ attributes, outputs: _, resources: __, events: ___, ...stack }: FakeStack): Stack {
  return { ...stack, tags: attributes.tags ?? [], links: [] };
}
