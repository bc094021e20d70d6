import * as v from 'valibot';
import { isJsonObject, type Json, MAX_DEPTH, parseWithin } from '../json.ts';
import { createError, ERRORS, type OpenStackError, type OpenStackErrorCode } from './errors.ts';
import { INVALID, quickReader } from './quick-read.ts';
import type { HttpAnswer } from './transport/call.ts';
import { parseRetryAfter } from './transport/retry.ts';

/** Which request an answer belongs to, for messages. */
export interface Asked {
  /** "Keystone" or "Heat". */
  peer: string;
  method: string;
  /** The path with its variable parts named: `/stacks/{name}/{id}`. */
  route: string;
  /** The id under which the service logged the request: of its answer, else the one sent with it. */
  requestId: string;
  /** Whether the login is one that Keystone lets make no trust; see {@link isDelegated}. */
  delegated?: boolean;
}

/** Most values in an answer about one thing: members of objects and items of lists, at any depth. */
const MAX_VALUES = 100_000;
/** Most values in a list; 10,000 resources of Heat have as many. */
export const LIST_VALUES = 300_000;

/**
 * Reads the JSON body of a successful answer.
 *
 * @throws OpenStackError InvalidResponse, naming the field that is wrong and quoting nothing; ResponseTooLarge when it
 * has too many values, or a list has more items than its schema's `maxLength`.
 */
export function readAnswer<TSchema extends v.GenericSchema<unknown, unknown>>(
  schema: TSchema,
  answer: HttpAnswer,
  asked: Asked,
  maxValues = MAX_VALUES,
  maxDepth = MAX_DEPTH,
): v.InferOutput<TSchema> {
  const { value: json, excess } = tryJson(answer.body, maxValues, maxDepth);
  if (excess === 'values') throw tooLarge(`${maxValues} values`, answer, asked);
  if (json === undefined) throw notJson(answer, asked);
  const read = quickReader(schema)(json);
  if (read !== INVALID) return read as v.InferOutput<TSchema>;
  // From the text again: the quick reader may have changed what it was given.
  const result = v.safeParse(schema, tryJson(answer.body, maxValues, maxDepth).value, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const field = v.getDotPath(issue) ?? 'the body';
  if (issue.type === 'max_length' && Array.isArray(issue.input)) {
    throw tooLarge(`${String(issue.requirement)} ${field}`, answer, asked);
  }
  throw createError(
    'InvalidResponse',
    `${asked.peer}'s answer to ${asked.method} ${asked.route} is malformed: ${field} should be ${issue.expected ?? 'something else'}.`,
    { status: answer.status, requestId: asked.requestId },
  );
}

function tooLarge(
  limit: string,
  answer: HttpAnswer,
  { peer, method, route, requestId }: Asked,
): OpenStackError {
  return createError(
    'ResponseTooLarge',
    `${peer}'s answer to ${method} ${route} has more than ${limit}, which is the most that is read.`,
    { status: answer.status, requestId },
  );
}

/** An answer that neither Keystone nor Heat would give. A body of unknown make is never quoted. */
export function notJson(answer: HttpAnswer, asked: Asked): OpenStackError {
  return createError(
    'InvalidResponse',
    `${asked.peer} answered ${asked.method} ${asked.route} with status ${answer.status} and a body (${contentType(answer)}) that isn't its own; is a proxy in between?`,
    { status: answer.status, requestId: asked.requestId },
  );
}

/** What an error body says; members are missing when it isn't one of Keystone's or Heat's. */
interface Fault {
  type?: string;
  text?: string;
}

// Heat: {code, title, explanation, error: {type, message?, traceback}}; `message` is absent for unexpected exceptions,
// and `traceback`, which can hold secrets, is never read. Keystone and its middleware: {error: {code, title, message}}.
// The whole shape is asked for: `error.message` alone is also what other services say, and theirs isn't ours to show.
const heatFault = v.object({
  code: v.number(),
  title: v.string(),
  explanation: v.string(),
  error: v.object({ type: v.nullish(v.string()), message: v.nullish(v.string()) }),
});
const keystoneFault = v.object({
  error: v.object({ code: v.number(), title: v.string(), message: v.string() }),
});

function readFault(answer: HttpAnswer): Fault | undefined {
  const { value: body } = tryJson(answer.body, MAX_VALUES);
  const heat = v.safeParse(heatFault, body);
  if (heat.success && heat.output.code === answer.status) {
    const { type, message } = heat.output.error;
    return { ...(type && { type }), ...(message && { text: message }) };
  }
  const keystone = v.safeParse(keystoneFault, body);
  if (!keystone.success || keystone.output.error.code !== answer.status) return undefined;
  return { text: keystone.output.error.message };
}

/**
 * The error that an answer with status 4xx or 5xx stands for, by status and Heat's `error.type`.
 *
 * @param now in milliseconds since the epoch, for a Retry-After that is a date.
 */
export function faultError(answer: HttpAnswer, asked: Asked, now: number): OpenStackError {
  const fault = readFault(answer);
  const { type, text } = fault ?? {};
  const code = isTrustRefused(answer.status, fault, asked)
    ? 'Forbidden.TrustRefused'
    : faultCode(answer.status, fault);
  const kind = type ? ` ${type}` : '';
  const none =
    code === 'Forbidden.TrustRefused'
      ? `Keystone lets this login make no trust, which Heat needs for each stack. ${ERRORS[code].cure}`
      : 'no message';
  const said = fault ? (text ?? none) : `a body (${contentType(answer)}) that isn't its own`;
  return createError(
    code,
    `${asked.peer} answered ${answer.status}${kind} to ${asked.method} ${asked.route}: ${said}`,
    {
      status: answer.status,
      requestId: asked.requestId,
      type,
      detail: text,
      retryAfterMs: parseRetryAfter(answer.header('retry-after'), now),
    },
  );
}

// Heat gives RequestLimitExceeded for quotas and for sizes alike. These are its texts for quotas: "You have reached
// the maximum stacks per tenant, 512. Please delete some stacks." (also snapshots). Waiting may cure those, while a
// template with too many resources or bytes stays too large.
const QUOTA = /reached the maximum \w[\w ]* per /i;

/**
 * Whether Keystone refused Heat the trust that a stack needs ("Delegated tokens cannot manage trusts"). Heat 27 passes
 * such a refusal by another service on with its status and type alone; to its own 403 it always has a text.
 */
function isTrustRefused(status: number, fault: Fault | undefined, { method, delegated }: Asked): boolean {
  const isAnothers = status === 403 && fault?.type === 'Forbidden' && fault.text === undefined;
  return isAnothers && delegated === true && method !== 'GET';
}

function faultCode(status: number, fault: Fault | undefined): OpenStackErrorCode {
  if (status >= 500) return 'ServerError';
  const { type, text = '' } = fault ?? {};
  switch (status) {
    case 401:
      return 'Unauthorized';
    case 403:
      return 'Forbidden';
    case 404:
      return 'ResourceNotFound';
    case 409:
      return type === 'StackExists' || type === 'ActionInProgress' ? `Conflict.${type}` : 'Conflict';
    case 429:
      return 'TooManyRequests';
    default:
      if (type === 'RequestLimitExceeded' && QUOTA.test(text)) return 'QuotaExceeded';
      // Only the name of a class makes a code.
      return type && /^\w{1,64}$/.test(type) ? `BadRequest.${type}` : 'BadRequest';
  }
}

function contentType(answer: HttpAnswer): string {
  // Only the media type's own alphabet: the header comes from a stranger.
  return /^[\w.+-]+\/[\w.+-]+/.exec(answer.header('content-type') ?? '')?.[0] ?? 'no content type';
}

/** Nothing for text that isn't JSON. */
function tryJson(
  text: string,
  maxValues: number,
  maxDepth = MAX_DEPTH,
): { value?: Json; excess?: 'depth' | 'values' } {
  try {
    return parseWithin(text, { maxValues, maxDepth });
  } catch {
    return {};
  }
}

/** A schema for a name that is shown to people: on one line and in one direction, of a length that fits where it is shown. */
export const label = (maxLength: number) =>
  v.pipe(v.string(), v.maxLength(maxLength), v.regex(/^[^\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]*$/u));

/** A schema for any JSON value, numbers beyond 2^53 included. */
export const json = v.custom<Json>(() => true);

/** A schema for a JSON object with any members. */
export const jsonObject = v.custom<{ [key: string]: Json }>(isJsonObject, 'an object');
