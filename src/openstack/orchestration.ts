import type { Json, JsonObject } from '../json.ts';
import { jsonObject, LIST_VALUES, notJson, readAnswer } from './answer.ts';
import { createError, isOpenStackError, type OpenStackError } from './errors.ts';
import {
  type EventQuery,
  eventSearch,
  type ResourceQuery,
  resourceSearch,
  type StackQuery,
  stackSearch,
} from './query.ts';
import type { HeatRequest, Session } from './session.ts';
import {
  type CreatedStack,
  createdAnswer,
  eventsAnswer,
  previewAnswer,
  type Resource,
  resourcesAnswer,
  type Stack,
  type StackEvent,
  type StackIdentity,
  type StackPreview,
  type StackRef,
  stackAnswer,
  stackInUrl,
  stacksAnswer,
} from './stack.ts';

/** Heat creates, updates and previews before it answers, and gives its engine 60 s a step. */
const WRITE_TIMEOUT_MS = 120_000;
/** Outputs are read from live services, resources from every nested stack; a delete stops running work first. */
const DEEP_TIMEOUT_MS = 60_000;
const READ_TIMEOUT_MS = 30_000;

const MIB = 1024 * 1024;
const STACK_BYTES = 4 * MIB;
/** Also of a preview, which has all resources with their properties. */
const LIST_BYTES = 16 * MIB;
/** 201, 202, 204 and 302 say little. */
const SMALL_BYTES = 64 * 1024;

/** A row of a list costs Heat 5 ms; without a limit it would answer with all of them at once. */
const PAGE_SIZE = 200;
/** Most pages of one list: 20,000 stacks, where Heat's quota for a project is 512. */
const MAX_PAGES = 100;

/** The inputs of a stack. Members that are undefined or null aren't sent. */
export interface StackAttributes {
  /** Needed by a create; an update doesn't rename. */
  name?: string | null | undefined;
  /** Text is sent untouched: only Heat reads its YAML. */
  template?: string | JsonObject | null | undefined;
  /** What `get_file` and nested templates name, by the exact same key. */
  files?: Record<string, string> | null | undefined;
  environment?: string | JsonObject | null | undefined;
  parameters?: Record<string, Json> | null | undefined;
  /** At most 80 characters each, no comma. */
  tags?: string[] | null | undefined;
  timeoutMins?: number | null | undefined;
  /** Heat's default is true. */
  disableRollback?: boolean | null | undefined;
}

/** Ends the call: it then throws the signal's reason. */
export interface CallOptions {
  signal?: AbortSignal | undefined;
}

/**
 * Heat, with the calls of openstacksdk's orchestration proxy. Differences, all on purpose: tags are sent as Heat wants
 * them, a preview never updates, `resolveOutputs` works, only Heat's own 404 of type EntityNotFound counts as missing,
 * an adopted stack isn't taken for a deleted one, and unknown query keys are errors instead of being ignored.
 *
 * A stack is given by id, name, or anything with both, which saves a request for looking it up. Every call can throw
 * {@link OpenStackError}.
 *
 * @example
 * const { id, name } = await heat.createStack({ name: 'web', template, parameters: { size: 3 } });
 * const stack = await heat.getStack({ id, name }, { resolveOutputs: false });
 */
export interface Orchestration {
  /**
   * Starts a create and returns at once. Never repeated when its answer is lost: look for the stack then.
   *
   * @throws OpenStackError StackExists, QuotaExceeded, BadRequest …
   */
  createStack(
    attributes: StackAttributes,
    options?: CallOptions & { preview?: false },
  ): Promise<CreatedStack>;
  /** What a create would make. Heat checks it like a create, so the name must be free. */
  createStack(attributes: StackAttributes, options: CallOptions & { preview: true }): Promise<StackPreview>;
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
  /** All stacks that match, page by page, newest first unless sorted. @throws OpenStackError ConfigError. */
  stacks(query?: StackQuery): AsyncGenerator<Stack, void>;
  /**
   * One stack.
   *
   * @param options.resolveOutputs false leaves the outputs out, which is cheaper and can't fail because of them.
   * @param options.showDeleted true also gives a stack that is deleted, as Heat does for some time after.
   * @throws OpenStackError ResourceNotFound. Its `type` is EntityNotFound only if Heat said so itself.
   */
  getStack(
    stack: StackRef,
    options?: CallOptions & { resolveOutputs?: boolean; showDeleted?: boolean },
  ): Promise<Stack>;
  /**
   * Starts an update, always with PUT: what `attributes` leave out is reset, tags too; only timeoutMins and
   * disableRollback stay as they are. Heat accepts updates that it then drops (a lost race), so read the stack
   * afterwards.
   */
  updateStack(stack: StackRef, attributes: StackAttributes, options?: CallOptions): Promise<void>;
  /**
   * Starts a delete, also of a stack in progress or one whose delete failed.
   *
   * @param options.ignoreMissing false: a stack that isn't there is ResourceNotFound.
   */
  deleteStack(stack: StackRef, options?: CallOptions & { ignoreMissing?: boolean }): Promise<void>;
  /** The resources of a stack. @throws OpenStackError ResourceNotFound at the first step when there is no stack. */
  resources(stack: StackRef, query?: ResourceQuery): AsyncGenerator<Resource, void>;
  /** What happened to a stack, newest first. @throws OpenStackError ResourceNotFound at the first step. */
  stackEvents(stack: StackRef, query?: EventQuery): AsyncGenerator<StackEvent, void>;
  /** The environment that Heat has stored. Hidden parameters are masked only since Heat 20. */
  stackEnvironment(stack: StackRef, options?: CallOptions): Promise<JsonObject>;
}

/** {@link Orchestration} over a session. */
export class HeatOrchestration implements Orchestration {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  createStack(
    attributes: StackAttributes,
    options?: CallOptions & { preview?: false },
  ): Promise<CreatedStack>;
  createStack(attributes: StackAttributes, options: CallOptions & { preview: true }): Promise<StackPreview>;
  async createStack(
    attributes: StackAttributes,
    options: CallOptions & { preview?: boolean } = {},
  ): Promise<CreatedStack | StackPreview> {
    const { name } = attributes;
    if (!name) throw createError('ConfigError', 'createStack(): name is missing; give the stack a name.');
    segment('name', name);
    const path = options.preview ? '/stacks/preview' : '/stacks';
    const { answer, asked } = await this.#session.request({
      method: 'POST',
      path,
      route: path,
      body: JSON.stringify({ stack_name: name, ...bodyOf('createStack', attributes) }),
      timeoutMs: WRITE_TIMEOUT_MS,
      maxBytes: options.preview ? LIST_BYTES : SMALL_BYTES,
      signal: options.signal,
    });
    if (options.preview) return readAnswer(previewAnswer, answer, asked, LIST_VALUES).stack;
    return { name, ...readAnswer(createdAnswer, answer, asked).stack };
  }

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

  async *stacks(query: StackQuery = {}): AsyncGenerator<Stack, void> {
    const { signal } = query;
    const search = stackSearch({ ...query, limit: query.limit || PAGE_SIZE });
    const limit = Number(search.get('limit'));
    const seen = new Set<string>();
    const markers = new Set<string>();
    for (;;) {
      const request = { path: `/stacks?${search}`, route: '/stacks', timeoutMs: READ_TIMEOUT_MS };
      const { answer, asked } = await this.#get({ ...request, maxBytes: LIST_BYTES, signal });
      const page = readAnswer(stacksAnswer, answer, asked, LIST_VALUES);
      for (const stack of page.stacks) {
        // Heat begins anew when the marker's row is purged meanwhile; nothing is given out twice.
        if (seen.has(stack.id)) continue;
        seen.add(stack.id);
        yield stack;
      }
      const marker = nextMarker(page, limit);
      if (marker === undefined) return;
      if (markers.has(marker) || markers.size === MAX_PAGES) {
        const why = markers.has(marker) ? 'a page came twice' : `it has more than ${MAX_PAGES} pages`;
        throw createError('InvalidResponse', `Heat's list of stacks has no end: ${why}.`, {
          requestId: asked.requestId,
        });
      }
      markers.add(marker);
      search.set('marker', marker);
    }
  }

  async getStack(
    stack: StackRef,
    options: CallOptions & { resolveOutputs?: boolean; showDeleted?: boolean } = {},
  ): Promise<Stack> {
    const { resolveOutputs = true, showDeleted = false, signal } = options;
    const identity = await this.#identify(stack, signal);
    const { answer, asked } = await this.#get({
      path: `${pathOf(identity)}${resolveOutputs ? '' : '?resolve_outputs=false'}`,
      route: '/stacks/{name}/{id}',
      timeoutMs: resolveOutputs ? DEEP_TIMEOUT_MS : READ_TIMEOUT_MS,
      maxBytes: STACK_BYTES,
      signal,
    });
    const found = readAnswer(stackAnswer, answer, asked).stack;
    if (isDeleted(found) && !showDeleted) throw deletedError(identity.name);
    return found;
  }

  async updateStack(stack: StackRef, attributes: StackAttributes, options: CallOptions = {}): Promise<void> {
    const body = bodyOf('updateStack', attributes);
    if (body.template === undefined) {
      throw createError('ConfigError', 'updateStack(): template is missing; an update replaces everything.');
    }
    const identity = await this.#identify(stack, options.signal);
    // The answer, 202, is no JSON and says nothing.
    await this.#expectDone({
      method: 'PUT',
      path: pathOf(identity),
      route: '/stacks/{name}/{id}',
      body: JSON.stringify(body),
      timeoutMs: WRITE_TIMEOUT_MS,
      maxBytes: SMALL_BYTES,
      signal: options.signal,
    });
  }

  async deleteStack(stack: StackRef, options: CallOptions & { ignoreMissing?: boolean } = {}): Promise<void> {
    const { ignoreMissing = true, signal } = options;
    try {
      const identity = await this.#identify(stack, signal);
      await this.#expectDone({
        method: 'DELETE',
        path: pathOf(identity),
        route: '/stacks/{name}/{id}',
        timeoutMs: DEEP_TIMEOUT_MS,
        maxBytes: SMALL_BYTES,
        signal,
      });
    } catch (error) {
      if (!isMissing(error) || !ignoreMissing) throw error;
    }
  }

  async *resources(stack: StackRef, query: ResourceQuery = {}): AsyncGenerator<Resource, void> {
    const limits = { timeoutMs: DEEP_TIMEOUT_MS, maxBytes: LIST_BYTES };
    const { answer, asked } = await this.#getPart(
      stack,
      'resources',
      limits,
      query.signal,
      resourceSearch(query),
    );
    yield* readAnswer(resourcesAnswer, answer, asked, LIST_VALUES).resources;
  }

  async *stackEvents(stack: StackRef, query: EventQuery = {}): AsyncGenerator<StackEvent, void> {
    const limits = { timeoutMs: READ_TIMEOUT_MS, maxBytes: LIST_BYTES };
    const { answer, asked } = await this.#getPart(stack, 'events', limits, query.signal, eventSearch(query));
    yield* readAnswer(eventsAnswer, answer, asked, LIST_VALUES).events;
  }

  async stackEnvironment(stack: StackRef, options: CallOptions = {}): Promise<JsonObject> {
    const limits = { timeoutMs: READ_TIMEOUT_MS, maxBytes: STACK_BYTES };
    const { answer, asked } = await this.#getPart(stack, 'environment', limits, options.signal);
    return readAnswer(jsonObject, answer, asked);
  }

  /** Reads what Heat keeps below a stack. */
  async #getPart(
    stack: StackRef,
    part: 'resources' | 'events' | 'environment',
    limits: Pick<HeatRequest, 'timeoutMs' | 'maxBytes'>,
    signal: AbortSignal | undefined,
    search = new URLSearchParams(),
  ) {
    const identity = await this.#identify(stack, signal);
    return this.#get({
      path: `${pathOf(identity)}/${part}${search.size > 0 ? `?${search}` : ''}`,
      route: `/stacks/{name}/{id}/${part}`,
      ...limits,
      signal,
    });
  }

  /**
   * Name and id of a stack. With only one of them Heat is asked, which answers with a redirect. It isn't followed:
   * the token stays with our own endpoint, whatever host the redirect names.
   */
  async #identify(stack: StackRef, signal: AbortSignal | undefined): Promise<StackIdentity> {
    const { name, id } = typeof stack === 'string' ? { name: stack, id: undefined } : stack;
    if (name !== undefined && id !== undefined) return { name, id };
    const { answer, asked } = await this.#session.request({
      method: 'GET',
      path: `/stacks/${segment('name or id', name ?? id ?? '')}`,
      route: '/stacks/{nameOrId}',
      redirect: 'read',
      timeoutMs: READ_TIMEOUT_MS,
      maxBytes: SMALL_BYTES,
      signal,
    });
    const found = answer.status === 302 ? stackInUrl(answer.header('location') ?? '') : undefined;
    if (!found) throw notJson(answer, asked);
    return found;
  }

  async #get(request: Omit<HeatRequest, 'method'>) {
    const answered = await this.#session.request({ ...request, method: 'GET' });
    // 300 is Heat's list of versions: the endpoint lacks /v1/<project>.
    if (answered.answer.status !== 200) throw notJson(answered.answer, answered.asked);
    return answered;
  }

  async #expectDone(request: HeatRequest): Promise<void> {
    const { answer, asked } = await this.#session.request(request);
    if (answer.status >= 300) throw notJson(answer, asked);
  }
}

/** `/stacks/{name}/{id}`, encoded. */
function pathOf({ name, id }: StackIdentity): string {
  return `/stacks/${segment('name', name)}/${segment('id', id)}`;
}

/** One part of a path, encoded; refuses what would make the path another one. */
function segment(what: string, text: string): string {
  // GET /stacks/detail and /stacks/preview are other things than stacks.
  const refused = text === '' || text === '.' || text === '..' || text === 'detail' || text === 'preview';
  if (refused || text.includes('/')) {
    throw createError(
      'ConfigError',
      `A stack's ${what} can't be empty, "detail" or "preview", nor contain "/".`,
    );
  }
  return encodeURIComponent(text);
}

/** The body of a create or update, without the name. */
function bodyOf(call: string, attributes: StackAttributes) {
  const { tags } = attributes;
  if (tags?.some((tag) => tag === '' || tag.includes(',') || tag.length > 80)) {
    throw createError('ConfigError', `${call}(): a tag must have 1 to 80 characters and no comma.`);
  }
  return {
    template: attributes.template ?? undefined,
    files: attributes.files ?? undefined,
    environment: attributes.environment ?? undefined,
    parameters: attributes.parameters ?? undefined,
    // Heat splits a text; a list is a 400 without a message, and "" would be one empty tag.
    tags: tags?.length ? tags.join(',') : undefined,
    timeout_mins: attributes.timeoutMins ?? undefined,
    disable_rollback: attributes.disableRollback ?? undefined,
  };
}

/** Heat still shows a deleted stack for some time. */
function isDeleted(stack: Stack): boolean {
  return stack.status === 'DELETE_COMPLETE' || stack.deletedAt !== undefined;
}

/**
 * Whether Heat itself says that there is no such stack. A 404 of another type can come from a resource of a living
 * stack, and one without a type from a proxy.
 */
function isMissing(error: unknown): boolean {
  return isOpenStackError(error, 'ResourceNotFound') && error.type === 'EntityNotFound';
}

function deletedError(name: string): OpenStackError {
  return createError('ResourceNotFound', `The stack ${name} is deleted.`);
}

/** Where the next page begins; undefined after the last one. */
function nextMarker(
  page: { stacks: Stack[]; links: { rel: string; href: string }[] },
  limit: number,
): string | undefined {
  const next = page.links.find((link) => link.rel === 'next')?.href;
  const marker = next && URL.parse(next, 'http://heat')?.searchParams.get('marker');
  if (marker) return marker;
  return page.stacks.length >= limit ? page.stacks.at(-1)?.id : undefined;
}
