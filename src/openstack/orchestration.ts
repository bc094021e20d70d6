import type * as v from 'valibot';
import type { JsonObject } from '../json.ts';
import { jsonObject, LIST_VALUES, notJson, readAnswer } from './answer.ts';
import { type StackAttributes, stackBody } from './attributes.ts';
import { createError, isOpenStackError } from './errors.ts';
import { eventAnswer, eventsAnswer, type StackEvent } from './event.ts';
import { type Link, type StackIdentity, stackInUrl } from './fields.ts';
import {
  type EventQuery,
  eventSearch,
  type ResourceQuery,
  type ResourceTypeQuery,
  resourceSearch,
  resourceTypeSearch,
  type SoftwareDeploymentQuery,
  type StackQuery,
  softwareDeploymentSearch,
  stackSearch,
} from './query.ts';
import { metadataAnswer, type Resource, resourceAnswer, resourcesAnswer } from './resource.ts';
import type { HeatRequest, Session } from './session.ts';
import { type Snapshot, snapshotAnswer, snapshotFields, snapshotsAnswer } from './snapshot.ts';
import {
  configBody,
  deploymentBody,
  type SoftwareConfig,
  type SoftwareConfigAttributes,
  type SoftwareDeployment,
  type SoftwareDeploymentAttributes,
  softwareConfigAnswer,
  softwareConfigsAnswer,
  softwareDeploymentAnswer,
  softwareDeploymentsAnswer,
} from './software.ts';
import {
  type CreatedStack,
  changesAnswer,
  countAnswer,
  createdAnswer,
  filesAnswer,
  type Output,
  outputAnswer,
  outputsAnswer,
  previewAnswer,
  type Stack,
  type StackChanges,
  type StackPreview,
  type StackRef,
  stackAnswer,
  stacksAnswer,
} from './stack.ts';
import { segment, stackPath, stackSegment } from './stack-path.ts';
import {
  type BuildInfo,
  buildInfoAnswer,
  type HeatService,
  type ResourceType,
  resourceTypesAnswer,
  servicesAnswer,
  type TemplateFunction,
  type TemplateValidation,
  type TemplateVersion,
  templateFunctionsAnswer,
  templateVersionsAnswer,
  validationAnswer,
} from './template.ts';
import { isGone, isMissing, type WaitOptions, waitFor } from './wait.ts';

/** How long the kinds of calls may take, in milliseconds. */
const TIMEOUT_MS = {
  /** Heat creates, updates and previews before it answers, and gives its engine 60 s a step. */
  write: 120_000,
  /** Outputs are read from live services, resources from every nested stack; a delete stops running work first. */
  deep: 60_000,
  read: 30_000,
} as const;

/** 201, 202, 204 and 302 say little, in bytes. */
const SMALL_BYTES = 64 * 1024;
/** Of what is left of an abandoned stack, in bytes, and how deeply it may be nested. */
const ABANDONED_BYTES = 64 * 1024 * 1024;
const ABANDONED_DEPTH = 5_000;
/** A row of a list costs Heat 5 ms; without a limit it would answer with all of them at once. */
const PAGE_SIZE = 200;
/** Longest marker of a next page, in characters. */
const MAX_MARKER_LENGTH = 255;

/** Ends the call: it then throws the signal's reason. */
export interface CallOptions {
  signal?: AbortSignal | undefined;
}

/** A call's request, as far as it differs from the usual. */
interface Ask extends CallOptions {
  method?: HeatRequest['method'];
  path: string;
  route: string;
  search?: URLSearchParams | undefined;
  body?: unknown;
  timeout?: keyof typeof TIMEOUT_MS;
  /** How large the answer may be, in bytes; a stack's limit unless given. */
  maxBytes?: number;
  /** How many values it may have; see `readAnswer`. */
  maxValues?: number;
  /** How deeply it may be nested; likewise. */
  maxDepth?: number;
}

/**
 * Heat, with the calls of openstacksdk's orchestration proxy and those that it lacks. Differences, all on purpose: tags
 * are sent as Heat wants them, a preview never updates, `resolveOutputs` works, only Heat's own 404 of type
 * EntityNotFound counts as missing, an adopted stack isn't taken for a deleted one, and unknown keys of queries and
 * attributes are errors instead of being ignored.
 *
 * A stack is given by id, name, or anything with both, which saves a request for looking it up. Lists are read page by
 * page while they are iterated. Every call can throw {@link OpenStackError}; GETs are repeated on failures that pass,
 * others only when nothing was sent.
 *
 * @example
 * const { id, name } = await heat.createStack({ name: 'web', template, parameters: { size: 3 } });
 * const stack = await heat.getStack({ id, name }, { resolveOutputs: false });
 */
export class HeatOrchestration {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  // Stacks

  /**
   * Starts a create and returns at once. Never repeated when its answer is lost: look for the stack then.
   *
   * @throws OpenStackError Conflict.StackExists, QuotaExceeded, BadRequest …
   */
  createStack(
    attributes: StackAttributes,
    options?: CallOptions & { preview?: false },
  ): Promise<CreatedStack>;
  /** What a create would make. Heat checks it like a create, so the name must be free. */
  createStack(attributes: StackAttributes, options: CallOptions & { preview: true }): Promise<StackPreview>;
  async createStack(
    attributes: StackAttributes,
    options: CallOptions & { preview?: boolean } = {},
  ): Promise<CreatedStack | StackPreview> {
    const name = nameOf('createStack', attributes);
    const body = { stack_name: name, ...stackBody('createStack', attributes) };
    if (!options.preview) return this.#create(name, body, options.signal);
    const path = '/stacks/preview';
    const { listBytes } = this.#session.limits;
    const write = { method: 'POST', timeout: 'write', body, signal: options.signal } as const;
    const ask = { ...write, path, route: path, maxBytes: listBytes, maxValues: LIST_VALUES };
    return (await this.#read(previewAnswer, ask)).stack;
  }

  async #create(name: string, body: object, signal: AbortSignal | undefined): Promise<CreatedStack> {
    const ask = {
      method: 'POST',
      path: '/stacks',
      route: '/stacks',
      timeout: 'write',
      body,
      signal,
    } as const;
    return { name, ...(await this.#read(createdAnswer, { ...ask, maxBytes: SMALL_BYTES })).stack };
  }

  /**
   * Takes over the resources of a stack that was abandoned, or exported and abandoned.
   *
   * @param data what {@link abandonStack} or {@link exportStack} gave; its template is taken.
   * @throws OpenStackError BadRequest.NotSupported where the cloud has it disabled (`enable_stack_adopt`).
   */
  async adoptStack(
    data: JsonObject,
    attributes: StackAttributes,
    options: CallOptions = {},
  ): Promise<CreatedStack> {
    const name = nameOf('adoptStack', attributes);
    // Heat wants the data as text.
    const body = {
      stack_name: name,
      ...stackBody('adoptStack', attributes),
      adopt_stack_data: JSON.stringify(data),
    };
    return this.#create(name, body, options.signal);
  }

  /**
   * One stack that isn't deleted, or undefined.
   *
   * @throws OpenStackError ResourceNotFound when there is none and `ignoreMissing` is false.
   */
  findStack(
    nameOrId: string,
    options: CallOptions & { ignoreMissing: false; resolveOutputs?: boolean },
  ): Promise<Stack>;
  findStack(
    nameOrId: string,
    options?: CallOptions & { ignoreMissing?: boolean; resolveOutputs?: boolean },
  ): Promise<Stack | undefined>;
  async findStack(
    nameOrId: string,
    options: CallOptions & { ignoreMissing?: boolean; resolveOutputs?: boolean } = {},
  ): Promise<Stack | undefined> {
    const { ignoreMissing = true, ...rest } = options;
    try {
      const stack = await this.getStack(nameOrId, { ...rest, showDeleted: true });
      if (!isDeleted(stack)) return stack;
    } catch (error) {
      if (!isMissing(error) || !ignoreMissing) throw error;
      return undefined;
    }
    if (ignoreMissing) return undefined;
    throw deletedError(nameOrId);
  }

  /** All stacks that match, page by page, newest first unless sorted. @throws OpenStackError ConfigError. */
  async *stacks(query: StackQuery = {}): AsyncGenerator<Stack, void> {
    const search = stackSearch({ ...query, limit: pageSize(query) });
    const read = async (): Promise<Page<Stack>> => {
      const ask = { path: '/stacks', route: '/stacks', search, signal: query.signal };
      const { stacks, links } = await this.#readList(stacksAnswer, ask);
      return { items: stacks, links };
    };
    yield* this.#pages('stacks', read, search, query.maxItems);
  }

  /** How many stacks match. */
  async countStacks(query: Omit<StackQuery, 'limit' | 'marker' | 'maxItems'> = {}): Promise<number> {
    const search = stackSearch({ ...query, limit: 1 });
    search.set('with_count', 'true');
    const ask = { path: '/stacks', route: '/stacks', search, signal: query.signal };
    return (await this.#read(countAnswer, ask)).count;
  }

  /**
   * One stack.
   *
   * @param options.resolveOutputs false leaves the outputs out, which is cheaper and can't fail because of them.
   * @param options.showDeleted true also gives a stack that is deleted, as Heat does for some time after.
   * @throws OpenStackError ResourceNotFound. Its `type` is EntityNotFound only if Heat said so itself.
   */
  async getStack(
    stack: StackRef,
    options: CallOptions & { resolveOutputs?: boolean; showDeleted?: boolean } = {},
  ): Promise<Stack> {
    const { resolveOutputs = true, showDeleted = false, signal } = options;
    const identity = await this.#identify(stack, signal);
    const found = await this.#getStack(identity, resolveOutputs, signal);
    if (isDeleted(found) && !showDeleted) throw deletedError(identity.name);
    return found;
  }

  async #getStack(
    identity: StackIdentity,
    resolveOutputs: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Stack> {
    const path = `${stackPath(identity)}${resolveOutputs ? '' : '?resolve_outputs=false'}`;
    const timeout = resolveOutputs ? 'deep' : 'read';
    return (await this.#read(stackAnswer, { path, route: STACK, timeout, signal })).stack;
  }

  /**
   * Starts an update, always with PUT: what `attributes` leave out is reset, tags too; only timeoutMins and
   * disableRollback stay as they are. Heat accepts updates that it then drops (a lost race), so read the stack
   * afterwards.
   *
   * @param options.converge true: Heat first reads how its resources really are.
   */
  async updateStack(
    stack: StackRef,
    attributes: StackAttributes,
    options: CallOptions & { converge?: boolean } = {},
  ): Promise<void> {
    const body = stackBody('updateStack', attributes);
    needTemplate('updateStack', body);
    await this.#update(stack, 'PUT', body, options);
  }

  /**
   * Starts an update with PATCH: what `attributes` leave out stays as Heat has it stored, hidden values included. With
   * no attributes at all it carries out the stored definition once more.
   *
   * @param attributes.clearParameters names of parameters that get their default again.
   */
  async patchStack(
    stack: StackRef,
    attributes: StackAttributes & { clearParameters?: string[] },
    options: CallOptions & { converge?: boolean } = {},
  ): Promise<void> {
    await this.#update(stack, 'PATCH', patchBody('patchStack', attributes), options);
  }

  async #update(
    stack: StackRef,
    method: 'PUT' | 'PATCH',
    body: { [name: string]: unknown },
    { converge, signal }: CallOptions & { converge?: boolean },
  ): Promise<void> {
    if (converge !== undefined) body['converge'] = converge;
    const path = stackPath(await this.#identify(stack, signal));
    // The answer, 202, is no JSON and says nothing.
    await this.#do({ method, path, route: STACK, timeout: 'write', body, signal });
  }

  /**
   * What an update would do to each resource; nothing is changed. Heat calls it a guess: what depends on values of
   * resources that don't exist yet can't be known.
   *
   * @param options.existing true: as {@link patchStack} would do it.
   * @param options.showNested false hides what happens in nested stacks, replaces and deletes too.
   */
  async previewStackUpdate(
    stack: StackRef,
    attributes: StackAttributes & { clearParameters?: string[] },
    options: CallOptions & { existing?: boolean; showNested?: boolean } = {},
  ): Promise<StackChanges> {
    const { existing = false, showNested = true, signal } = options;
    const call = 'previewStackUpdate';
    const body = existing ? patchBody(call, attributes) : stackBody(call, attributes);
    if (!existing) needTemplate(call, body);
    const path = `${stackPath(await this.#identify(stack, signal))}/preview`;
    const search = new URLSearchParams({ show_nested: String(showNested) });
    const method = existing ? 'PATCH' : 'PUT';
    const ask = { method, path, route: `${STACK}/preview`, search, body, timeout: 'write', signal } as const;
    return (await this.#readList(changesAnswer, ask)).resource_changes;
  }

  /**
   * Starts a delete, also of a stack in progress or one whose delete failed.
   *
   * @param options.ignoreMissing false: a stack that isn't there is ResourceNotFound.
   */
  async deleteStack(stack: StackRef, options: CallOptions & { ignoreMissing?: boolean } = {}): Promise<void> {
    const { ignoreMissing = true, signal } = options;
    try {
      const path = stackPath(await this.#identify(stack, signal));
      await this.#do({ method: 'DELETE', path, route: STACK, timeout: 'deep', signal });
    } catch (error) {
      if (!isMissing(error) || !ignoreMissing) throw error;
    }
  }

  /**
   * Deletes a stack and leaves its resources as they are. What is answered is all that a later {@link adoptStack} has,
   * hidden values too, and it can't be had again when the answer is lost: call {@link exportStack} first.
   *
   * @throws OpenStackError BadRequest.NotSupported where the cloud has it disabled (`enable_stack_abandon`).
   */
  async abandonStack(stack: StackRef, options: CallOptions = {}): Promise<JsonObject> {
    const path = `${stackPath(await this.#identify(stack, options.signal))}/abandon`;
    const ask = { method: 'DELETE', path, route: `${STACK}/abandon`, timeout: 'write', ...options } as const;
    // It is done by the time that its answer comes, so the answer is read, however large.
    const maxBytes = Math.max(this.#session.limits.listBytes, ABANDONED_BYTES);
    return this.#read(jsonObject, { ...ask, maxBytes, maxValues: Infinity, maxDepth: ABANDONED_DEPTH });
  }

  /** What {@link abandonStack} would answer, without abandoning anything. Hidden values are in it. */
  async exportStack(stack: StackRef, options: CallOptions = {}): Promise<JsonObject> {
    const ask = await this.#part(stack, 'export', options.signal);
    return this.#readList(jsonObject, { ...ask, timeout: 'deep' });
  }

  /**
   * Waits until a stack is as wanted.
   *
   * @returns the stack as last seen, without outputs; undefined when its end was waited for and it wasn't there any more.
   * @throws OpenStackError StackFailed when it ended otherwise (also when it was deleted), Timeout, ResourceNotFound.
   *
   * @example
   * const done = await heat.waitForStack('web', { timeoutMs: 600_000, onProgress: ({ status }) => console.log(status) });
   */
  async waitForStack(stack: StackRef, options: WaitOptions = {}): Promise<Stack | undefined> {
    let identity: StackIdentity | undefined;
    const look = async (signal: AbortSignal | undefined): Promise<Stack> => {
      identity ??= await this.#identify(stack, signal);
      return this.#getStack(identity, false, signal);
    };
    return waitFor(typeof stack === 'string' ? stack : (stack.name ?? stack.id ?? ''), look, options);
  }

  // What Heat has stored of a stack

  /** The template of a stack, as Heat parsed it. */
  async stackTemplate(stack: StackRef, options: CallOptions = {}): Promise<JsonObject> {
    return this.#read(jsonObject, await this.#part(stack, 'template', options.signal));
  }

  /** The environment that Heat has stored. Hidden parameters are masked only since Heat 20. */
  async stackEnvironment(stack: StackRef, options: CallOptions = {}): Promise<JsonObject> {
    return this.#read(jsonObject, await this.#part(stack, 'environment', options.signal));
  }

  /** The files of a stack, exactly as they were sent. */
  async stackFiles(stack: StackRef, options: CallOptions = {}): Promise<Record<string, string>> {
    return this.#read(filesAnswer, await this.#part(stack, 'files', options.signal));
  }

  /** Keys and descriptions of the outputs; {@link output} has a value. */
  async outputs(stack: StackRef, options: CallOptions = {}): Promise<Output[]> {
    return (await this.#read(outputsAnswer, await this.#part(stack, 'outputs', options.signal))).outputs;
  }

  /** One output with its value. @throws OpenStackError ResourceNotFound when the stack has no such output. */
  async output(stack: StackRef, key: string, options: CallOptions = {}): Promise<Output> {
    const ask = await this.#part(stack, 'outputs', options.signal, '{key}', key);
    return (await this.#read(outputAnswer, { ...ask, timeout: 'deep' })).output;
  }

  // Resources

  /** The resources of a stack. @throws OpenStackError ResourceNotFound at the first step when there is no stack. */
  async *resources(stack: StackRef, query: ResourceQuery = {}): AsyncGenerator<Resource, void> {
    const search = resourceSearch(query);
    const ask = await this.#part(stack, 'resources', query.signal);
    yield* (await this.#readList(resourcesAnswer, { ...ask, search, timeout: 'deep' })).resources;
  }

  /**
   * One resource with its attributes, read from the live service.
   *
   * @param options.withAttributes attributes that Heat shows only when they are asked for by name.
   */
  async resource(
    stack: StackRef,
    name: string,
    options: CallOptions & { withAttributes?: readonly string[] } = {},
  ): Promise<Resource> {
    const ask = await this.#part(stack, 'resources', options.signal, '{resource}', name);
    const search = new URLSearchParams(options.withAttributes?.map((attribute) => ['with_attr', attribute]));
    return (await this.#read(resourceAnswer, { ...ask, search, timeout: 'deep' })).resource;
  }

  /** The metadata of a resource. */
  async resourceMetadata(stack: StackRef, name: string, options: CallOptions = {}): Promise<JsonObject> {
    const ask = await this.#part(stack, 'resources', options.signal, '{resource}/metadata', name, 'metadata');
    return (await this.#read(metadataAnswer, ask)).metadata ?? {};
  }

  /**
   * Has Heat replace a resource at the next update, or takes that back. The stack's own status stays as it is.
   *
   * @param resource its name, or its physical id.
   * @throws OpenStackError Conflict.ActionInProgress when Heat is at work on it.
   */
  async markResourceUnhealthy(
    stack: StackRef,
    resource: string,
    options: CallOptions & { unhealthy?: boolean; reason?: string } = {},
  ): Promise<void> {
    const { unhealthy = true, reason, signal } = options;
    const ask = await this.#part(stack, 'resources', signal, '{resource}', resource);
    const body = { mark_unhealthy: unhealthy, resource_status_reason: reason };
    await this.#do({ ...ask, method: 'PATCH', body });
  }

  /** Sends a signal to a resource: what it means is the resource's own, such as a WaitCondition's success. */
  async signalResource(
    stack: StackRef,
    name: string,
    data: JsonObject = {},
    options: CallOptions = {},
  ): Promise<void> {
    const ask = await this.#part(stack, 'resources', options.signal, '{resource}/signal', name, 'signal');
    await this.#do({ ...ask, method: 'POST', timeout: 'deep', body: data });
  }

  // Events

  /**
   * What happened to a stack, page by page, newest first unless sorted.
   *
   * @throws OpenStackError ResourceNotFound at the first step when there is no stack.
   */
  async *events(stack: StackRef, query: EventQuery = {}): AsyncGenerator<StackEvent, void> {
    const search = eventSearch({ ...query, limit: pageSize(query) });
    const ask = await this.#part(stack, 'events', query.signal);
    const read = async (): Promise<Page<StackEvent>> => {
      const { events, links } = await this.#readList(eventsAnswer, { ...ask, search });
      return { items: events, links };
    };
    yield* this.#pages('events', read, search, query.maxItems);
  }

  /** One event, with the properties that its resource had then. */
  async event(stack: StackRef, resource: string, id: string, options: CallOptions = {}): Promise<StackEvent> {
    const rest = ['events', id];
    const ask = await this.#part(
      stack,
      'resources',
      options.signal,
      '{resource}/events/{event}',
      resource,
      ...rest,
    );
    return (await this.#read(eventAnswer, ask)).event;
  }

  // Actions

  /** Has Heat compare each resource with its live service: CHECK_COMPLETE or CHECK_FAILED. It repairs nothing. */
  async checkStack(stack: StackRef, options: CallOptions = {}): Promise<void> {
    await this.#act(stack, 'check', options);
  }

  /** Suspends the resources that can be. Heat refuses updates of a suspended stack. */
  async suspendStack(stack: StackRef, options: CallOptions = {}): Promise<void> {
    await this.#act(stack, 'suspend', options);
  }

  /** Ends what {@link suspendStack} began. */
  async resumeStack(stack: StackRef, options: CallOptions = {}): Promise<void> {
    await this.#act(stack, 'resume', options);
  }

  /** Stops an update and rolls it back. @throws OpenStackError BadRequest.NotSupported when none is in progress. */
  async cancelUpdate(stack: StackRef, options: CallOptions = {}): Promise<void> {
    await this.#act(stack, 'cancel_update', options);
  }

  /** Stops a create or update and leaves the stack FAILED; resources that are being made are finished. */
  async cancelWithoutRollback(stack: StackRef, options: CallOptions = {}): Promise<void> {
    await this.#act(stack, 'cancel_without_rollback', options);
  }

  async #act(stack: StackRef, action: string, { signal }: CallOptions): Promise<void> {
    const ask = await this.#part(stack, 'actions', signal);
    await this.#do({ ...ask, method: 'POST', timeout: 'deep', body: { [action]: null } });
  }

  // Snapshots

  /** Starts a snapshot of a stack and of the resources that can have one. */
  async createSnapshot(stack: StackRef, options: CallOptions & { name?: string } = {}): Promise<Snapshot> {
    const ask = await this.#part(stack, 'snapshots', options.signal);
    const body = { name: options.name };
    return this.#read(snapshotFields, { ...ask, method: 'POST', timeout: 'deep', body });
  }

  /** The snapshots of a stack. @throws OpenStackError ResourceNotFound at the first step when there is no stack. */
  async *snapshots(stack: StackRef, options: CallOptions = {}): AsyncGenerator<Snapshot, void> {
    const ask = await this.#part(stack, 'snapshots', options.signal);
    yield* (await this.#readList(snapshotsAnswer, ask)).snapshots;
  }

  /** One snapshot. @throws OpenStackError ResourceNotFound. */
  async snapshot(stack: StackRef, id: string, options: CallOptions = {}): Promise<Snapshot> {
    const ask = await this.#part(stack, 'snapshots', options.signal, '{snapshot}', id);
    return (await this.#read(snapshotAnswer, ask)).snapshot;
  }

  /** Deletes a snapshot. @throws OpenStackError ResourceNotFound. */
  async deleteSnapshot(stack: StackRef, id: string, options: CallOptions = {}): Promise<void> {
    const ask = await this.#part(stack, 'snapshots', options.signal, '{snapshot}', id);
    await this.#do({ ...ask, method: 'DELETE', timeout: 'deep' });
  }

  /** Starts to put a stack back to what it was when the snapshot was made. */
  async restoreSnapshot(stack: StackRef, id: string, options: CallOptions = {}): Promise<void> {
    const ask = await this.#part(stack, 'snapshots', options.signal, '{snapshot}/restore', id, 'restore');
    await this.#do({ ...ask, method: 'POST', timeout: 'write' });
  }

  // Templates, and the cloud

  /**
   * Checks a template without making anything. Parameters may be missing.
   *
   * @param options.showNested true: also the parameters of nested templates.
   * @param options.ignoreErrors numbers of errors of Heat to let pass, such as 99001: a service that isn't there.
   * @throws OpenStackError BadRequest.* when it is invalid.
   */
  async validateTemplate(
    attributes: Omit<StackAttributes, 'name' | 'tags' | 'timeoutMins' | 'disableRollback'>,
    options: CallOptions & { showNested?: boolean; ignoreErrors?: readonly number[] } = {},
  ): Promise<TemplateValidation> {
    const { showNested, ignoreErrors, signal } = options;
    const body = stackBody('validateTemplate', attributes);
    needTemplate('validateTemplate', body);
    const search = new URLSearchParams();
    if (showNested !== undefined) search.set('show_nested', String(showNested));
    if (ignoreErrors?.length) search.set('ignore_errors', ignoreErrors.join(','));
    const ask = { method: 'POST', path: '/validate', route: '/validate', search, body } as const;
    return this.#read(validationAnswer, { ...ask, timeout: 'write', signal });
  }

  /**
   * The types of resources that templates can use here.
   *
   * @param query.name a pattern, such as `OS::Heat::.*`.
   */
  async resourceTypes(query: ResourceTypeQuery = {}): Promise<ResourceType[]> {
    const search = resourceTypeSearch(query);
    const path = '/resource_types';
    const ask = { path, route: path, search, timeout: 'deep', signal: query.signal } as const;
    return (await this.#readList(resourceTypesAnswer, ask)).resource_types;
  }

  /** The properties and attributes of a type of resources, as Heat describes them. */
  async resourceType(
    name: string,
    options: CallOptions & { withDescription?: boolean } = {},
  ): Promise<JsonObject> {
    const search = new URLSearchParams();
    if (options.withDescription !== undefined) {
      search.set('with_description', String(options.withDescription));
    }
    const path = `/resource_types/${segment('A resource type', name)}`;
    return this.#read(jsonObject, { path, route: '/resource_types/{type}', search, signal: options.signal });
  }

  /** The template versions that this Heat understands. */
  async templateVersions(options: CallOptions = {}): Promise<TemplateVersion[]> {
    const path = '/template_versions';
    return (await this.#read(templateVersionsAnswer, { path, route: path, ...options })).template_versions;
  }

  /** The functions that templates of a version can use. */
  async templateFunctions(
    version: string,
    options: CallOptions & { withConditions?: boolean } = {},
  ): Promise<TemplateFunction[]> {
    const search = new URLSearchParams();
    if (options.withConditions !== undefined) {
      search.set('with_condition_func', String(options.withConditions));
    }
    const path = `/template_versions/${segment('A template version', version)}/functions`;
    const route = '/template_versions/{version}/functions';
    const ask = { path, route, search, signal: options.signal };
    return (await this.#read(templateFunctionsAnswer, ask)).template_functions;
  }

  /** Which Heat it is, as far as its operator says. */
  async buildInfo(options: CallOptions = {}): Promise<BuildInfo> {
    return this.#read(buildInfoAnswer, { path: '/build_info', route: '/build_info', ...options });
  }

  /** The engines of Heat, for administrators. @throws OpenStackError Forbidden. */
  async services(options: CallOptions = {}): Promise<HeatService[]> {
    const ask = { path: '/services', route: '/services', ...options };
    return (await this.#read(servicesAnswer, ask)).services;
  }

  // Software configs and deployments

  /** The software configs of the project, without their contents. */
  async *softwareConfigs(options: CallOptions = {}): AsyncGenerator<SoftwareConfig, void> {
    const path = '/software_configs';
    yield* (await this.#readList(softwareConfigsAnswer, { path, route: path, ...options })).software_configs;
  }

  /** Stores a software config; it can't be changed afterwards. */
  async createSoftwareConfig(
    attributes: SoftwareConfigAttributes,
    options: CallOptions = {},
  ): Promise<SoftwareConfig> {
    const path = '/software_configs';
    const ask = { method: 'POST', path, route: path, body: configBody(attributes), ...options } as const;
    return (await this.#read(softwareConfigAnswer, ask)).software_config;
  }

  /** One software config with its contents. @throws OpenStackError ResourceNotFound. */
  async softwareConfig(id: string, options: CallOptions = {}): Promise<SoftwareConfig> {
    return (await this.#read(softwareConfigAnswer, { ...softwareConfigPath(id), ...options }))
      .software_config;
  }

  /** Deletes a software config. @param options.ignoreMissing false: one that isn't there is ResourceNotFound. */
  async deleteSoftwareConfig(
    id: string,
    options: CallOptions & { ignoreMissing?: boolean } = {},
  ): Promise<void> {
    await this.#remove(softwareConfigPath(id), options);
  }

  /** The software deployments of the project. */
  async *softwareDeployments(query: SoftwareDeploymentQuery = {}): AsyncGenerator<SoftwareDeployment, void> {
    const search = softwareDeploymentSearch(query);
    const path = '/software_deployments';
    const ask = { path, route: path, search, signal: query.signal };
    yield* (await this.#readList(softwareDeploymentsAnswer, ask)).software_deployments;
  }

  /** Hands a software config to a server. */
  async createSoftwareDeployment(
    attributes: SoftwareDeploymentAttributes,
    options: CallOptions = {},
  ): Promise<SoftwareDeployment> {
    const path = '/software_deployments';
    const ask = {
      method: 'POST',
      path,
      route: path,
      body: deploymentBody('createSoftwareDeployment', attributes),
      ...options,
    } as const;
    return (await this.#read(softwareDeploymentAnswer, ask)).software_deployment;
  }

  /** One software deployment. @throws OpenStackError ResourceNotFound. */
  async softwareDeployment(id: string, options: CallOptions = {}): Promise<SoftwareDeployment> {
    const ask = { ...softwareDeploymentPath(id), ...options };
    return (await this.#read(softwareDeploymentAnswer, ask)).software_deployment;
  }

  /** Changes a software deployment; what is left out stays. */
  async updateSoftwareDeployment(
    id: string,
    attributes: SoftwareDeploymentAttributes,
    options: CallOptions = {},
  ): Promise<SoftwareDeployment> {
    const body = deploymentBody('updateSoftwareDeployment', attributes);
    const ask = { ...softwareDeploymentPath(id), method: 'PUT', body, ...options } as const;
    return (await this.#read(softwareDeploymentAnswer, ask)).software_deployment;
  }

  /** Deletes a software deployment. @param options.ignoreMissing false: one that isn't there is ResourceNotFound. */
  async deleteSoftwareDeployment(
    id: string,
    options: CallOptions & { ignoreMissing?: boolean } = {},
  ): Promise<void> {
    await this.#remove(softwareDeploymentPath(id), options);
  }

  async #remove(
    where: Pick<Ask, 'path' | 'route'>,
    { ignoreMissing = true, signal }: CallOptions & { ignoreMissing?: boolean },
  ): Promise<void> {
    try {
      await this.#do({ ...where, method: 'DELETE', signal });
    } catch (error) {
      // Heat names a type; a proxy's 404 says nothing of what is there.
      const saidByHeat = isOpenStackError(error, 'ResourceNotFound') && error.type !== undefined;
      if (!saidByHeat || !ignoreMissing) throw error;
    }
  }

  // How it is asked

  /**
   * Name and id of a stack. With only one of them Heat is asked, which answers with a redirect. It isn't followed:
   * the token stays with our own endpoint, whatever host the redirect names.
   */
  async #identify(stack: StackRef, signal: AbortSignal | undefined): Promise<StackIdentity> {
    const { name, id } = typeof stack === 'string' ? { name: stack, id: undefined } : stack;
    if (name !== undefined && id !== undefined) return { name, id };
    const { answer, asked } = await this.#session.request({
      method: 'GET',
      path: `/stacks/${stackSegment('name or id', name ?? id ?? '')}`,
      route: '/stacks/{nameOrId}',
      redirect: 'read',
      timeoutMs: TIMEOUT_MS.read,
      maxBytes: SMALL_BYTES,
      signal,
    });
    const found = answer.status === 302 ? stackInUrl(answer.header('location') ?? '') : undefined;
    if (!found) throw notJson(answer, asked);
    return found;
  }

  /**
   * Where something below a stack is.
   *
   * @param route of what follows the part.
   * @param rest what stands for it in the path.
   */
  async #part(
    stack: StackRef,
    part: string,
    signal: AbortSignal | undefined,
    route = '',
    ...rest: string[]
  ): Promise<{ path: string; route: string; signal: AbortSignal | undefined }> {
    const identity = await this.#identify(stack, signal);
    const below = rest.map((text) => `/${segment(`A name below a stack's ${part}`, text)}`).join('');
    return {
      path: `${stackPath(identity)}/${part}${below}`,
      route: `${STACK}/${part}${route && `/${route}`}`,
      signal,
    };
  }

  async #ask({ search, body, timeout = 'read', method = 'GET', maxBytes, ...rest }: Ask) {
    const query = search && search.size > 0 ? `?${search}` : '';
    return this.#session.request({
      method,
      path: `${rest.path}${query}`,
      route: rest.route,
      body: body === undefined ? undefined : JSON.stringify(body),
      timeoutMs: TIMEOUT_MS[timeout],
      maxBytes: maxBytes ?? this.#session.limits.stackBytes,
      signal: rest.signal,
    });
  }

  /** Asks, and reads the answer. */
  async #read<TSchema extends v.GenericSchema<unknown, unknown>>(
    schema: TSchema,
    ask: Ask,
  ): Promise<v.InferOutput<TSchema>> {
    const { answer, asked } = await this.#ask(ask);
    return readAnswer(schema, answer, asked, ask.maxValues, ask.maxDepth);
  }

  #readList<TSchema extends v.GenericSchema<unknown, unknown>>(
    schema: TSchema,
    ask: Ask,
  ): Promise<v.InferOutput<TSchema>> {
    return this.#read(schema, { ...ask, maxBytes: this.#session.limits.listBytes, maxValues: LIST_VALUES });
  }

  /** Asks for something to be done; what is answered says nothing. */
  async #do(ask: Ask): Promise<void> {
    const { answer, asked } = await this.#ask({ ...ask, maxBytes: SMALL_BYTES });
    // A page with "200 OK" is a proxy's, and nothing was done. (202 and 204 are Heat's, with whatever text.)
    const isPage = /^text\/html\b/i.test(answer.header('content-type') ?? '');
    if (isPage && answer.status !== 202 && answer.status !== 204) throw notJson(answer, asked);
  }

  /** The items of all pages, each once. `read` is called anew with the marker of the next page in `search`. */
  async *#pages<T extends { id: string }>(
    what: string,
    read: () => Promise<Page<T>>,
    search: URLSearchParams,
    maxItems = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<T, void> {
    const limit = Number(search.get('limit'));
    const { listItems } = this.#session.limits;
    const seen = new Set<string>();
    const markers = new Set<string>();
    for (;;) {
      const page = await read();
      for (const item of page.items) {
        // Heat begins anew when the marker's row is purged meanwhile; nothing is given out twice.
        if (seen.has(item.id)) continue;
        seen.add(item.id);
        yield item;
        if (seen.size >= maxItems) return;
      }
      const marker = nextMarker(page, limit);
      if (marker === undefined) return;
      // They are kept, and Heat's are ids.
      if (marker.length > MAX_MARKER_LENGTH) {
        throw createError('InvalidResponse', `Heat's list of ${what} goes on at a marker that is no id.`);
      }
      if (markers.has(marker)) {
        throw createError('InvalidResponse', `Heat's list of ${what} has no end: a page came twice.`);
      }
      // Pages that hold less than they should count as full ones: there is an end to any list.
      if (seen.size >= listItems || markers.size * limit >= listItems) {
        throw createError(
          'ResponseTooLarge',
          `Heat's list of ${what} has more than ${listItems} items, which is the most that is read.`,
        );
      }
      markers.add(marker);
      search.set('marker', marker);
    }
  }
}

/** {@link HeatOrchestration}'s calls. */
export interface Orchestration extends Pick<HeatOrchestration, keyof HeatOrchestration> {}

const STACK = '/stacks/{name}/{id}';

/** One page of a list. */
interface Page<T> {
  items: T[];
  links: Link[];
}

/** How many items to ask for at a time: none that isn't read. */
function pageSize({ limit, maxItems = Infinity }: { limit?: number; maxItems?: number }): number {
  return Math.min(limit || PAGE_SIZE, maxItems);
}

/** Where the next page begins; undefined after the last one. */
function nextMarker<T extends { id: string }>(page: Page<T>, limit: number): string | undefined {
  const next = page.links.find((link) => link.rel === 'next')?.href;
  const marker = next && URL.parse(next, 'http://heat')?.searchParams.get('marker');
  if (marker) return marker;
  return page.items.length >= limit ? page.items.at(-1)?.id : undefined;
}

function nameOf(call: string, { name }: StackAttributes): string {
  if (!name) throw createError('ConfigError', `${call}(): name is missing; give the stack a name.`);
  stackSegment('name', name);
  return name;
}

function needTemplate(call: string, body: { [name: string]: unknown }): void {
  if (body['template'] !== undefined || body['template_url'] !== undefined) return;
  const why = call === 'validateTemplate' ? 'give one' : 'an update replaces everything';
  throw createError('ConfigError', `${call}(): template is missing; ${why}.`);
}

function patchBody(call: string, attributes: StackAttributes & { clearParameters?: string[] }) {
  const { clearParameters, ...rest } = attributes;
  const body = stackBody(call, rest);
  if (clearParameters?.length) body['clear_parameters'] = clearParameters;
  return body;
}

/** Heat still shows a deleted stack for some time. */
function isDeleted(stack: Stack): boolean {
  return stack.status === 'DELETE_COMPLETE' || isGone(stack);
}

function deletedError(name: string): Error {
  return createError('ResourceNotFound', `The stack ${name} is deleted.`);
}

function softwareConfigPath(id: string) {
  return {
    path: `/software_configs/${segment("A software config's id", id)}`,
    route: '/software_configs/{id}',
  };
}

function softwareDeploymentPath(id: string) {
  return {
    path: `/software_deployments/${segment("A software deployment's id", id)}`,
    route: '/software_deployments/{id}',
  };
}
