import type { IncomingHttpHeaders } from 'node:http';
import * as v from 'valibot';
import { parseJson } from '../json.ts';

/** What every {@link KubeError.code} means; the order is that of the documentation. */
export const KUBE_ERROR_CODES = {
  ConfigError: 'The kubeconfig or its credentials cannot be used.',
  ConnectionFailed: 'No answer: the connection was refused, torn, or its certificate not trusted.',
  Timeout: 'No answer in time, from us or (504) from the API server.',
  BadRequest: 'The API server does not understand the request (400, 415 and the like).',
  Unauthorized: 'The API server does not know who we are (401).',
  Forbidden: 'RBAC or admission does not allow it (403).',
  NotFound: 'There is no such object, namespace or resource (404).',
  Conflict: 'The object has changed since it was read (409).',
  AlreadyExists: 'An object of that name is there already (409).',
  Expired: 'The resource version is too old to continue from (410).',
  Invalid: 'The object breaks its schema or a validation rule (422).',
  TooManyRequests: 'The API server is overloaded or still starting (429).',
  ServerError: 'The API server failed (5xx).',
  ResponseTooLarge: 'The answer is longer than what is held in memory.',
  InvalidResponse: 'The answer is not what a Kubernetes API server sends.',
} as const;

export type KubeErrorCode = keyof typeof KUBE_ERROR_CODES;

export interface KubeErrorOptions {
  status?: number | undefined;
  reason?: string | undefined;
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

/** Any failure of `src/kube` that isn't a programming error. Its message names the request, never headers or bodies. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  readonly code: KubeErrorCode;
  /** HTTP status, when there was an answer. */
  readonly status: number | undefined;
  /** The `reason` of the API server's Status object, such as `NotFound`. */
  readonly reason: string | undefined;
  /** How long the API server wants us to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(code: KubeErrorCode, message: string, options: KubeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status;
    this.reason = options.reason;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Whether `error` is a {@link KubeError}, and of one of the codes when any are given. */
export function isKubeError(error: unknown, ...codes: KubeErrorCode[]): error is KubeError {
  return error instanceof KubeError && (codes.length === 0 || codes.includes(error.code));
}

/**
 * Whether the API server itself said that there is no such object. Any other 404 says nothing about the object: it comes
 * from something on the way that doesn't find its API server, or the kind isn't served at the moment.
 */
export function isAbsent(error: unknown): error is KubeError {
  return isKubeError(error, 'NotFound') && error.reason === 'NotFound';
}

const statusSchema = v.object({
  kind: v.literal('Status'),
  message: v.optional(v.string()),
  reason: v.optional(v.string()),
  code: v.optional(v.number()),
  details: v.optional(
    v.object({
      retryAfterSeconds: v.optional(v.number()),
      causes: v.optional(
        v.array(v.object({ reason: v.optional(v.string()), field: v.optional(v.string()) })),
      ),
    }),
  ),
});

const LONGEST_MESSAGE = 1024;

/**
 * The error for an answer that isn't a success.
 *
 * @param where the request, such as `GET /api/v1/namespaces/default`
 * @param body the body's text; only a Status object's message is quoted, any other body by its content type
 */
export function responseError(
  where: string,
  status: number,
  headers: IncomingHttpHeaders,
  body: string,
): KubeError {
  const retryAfterMs = retryAfter(headers['retry-after']);
  const parsed = v.safeParse(statusSchema, tryParse(body));
  if (parsed.success) return statusError(where, { code: status, ...parsed.output }, retryAfterMs);
  const contentType = headers['content-type'] ?? 'no content type';
  const message =
    status === 404
      ? `${where}: 404, this API server has no such resource; is its CustomResourceDefinition installed?`
      : `${where}: ${status} with a body of ${contentType} instead of a Kubernetes Status`;
  return new KubeError(codeOf(status, undefined), message, { status, retryAfterMs });
}

/**
 * The error for the Status object of an `ERROR` event, by which a watch that has begun reports a failure.
 *
 * @param where the request
 */
export function watchError(where: string, object: unknown): KubeError {
  const parsed = v.safeParse(statusSchema, object);
  if (parsed.success) return statusError(where, parsed.output, undefined);
  return new KubeError('InvalidResponse', `${where}: an ERROR event without a Status object`);
}

function statusError(
  where: string,
  answer: v.InferOutput<typeof statusSchema>,
  retryAfterMs: number | undefined,
): KubeError {
  const { code: status = 500, reason, message = 'no message', details } = answer;
  // What it says of an object that it was sent quotes values of it.
  const isAboutBody = (status === 400 || status === 422) && /^(POST|PUT|PATCH) /.test(where);
  const said = isAboutBody
    ? (details?.causes ?? []).map(({ field, reason: why }) => `${field} (${why})`).join(', ') ||
      'no field named'
    : message;
  const text = said.length > LONGEST_MESSAGE ? `${said.slice(0, LONGEST_MESSAGE)}…` : said;
  return new KubeError(
    codeOf(status, reason),
    `${where}: ${status} ${reason ?? ''}: ${text}`.replace(' :', ':'),
    {
      status,
      reason: reason === '' ? undefined : reason,
      retryAfterMs:
        retryAfterMs ??
        (details?.retryAfterSeconds === undefined ? undefined : details.retryAfterSeconds * 1000),
    },
  );
}

function codeOf(status: number, reason: string | undefined): KubeErrorCode {
  switch (status) {
    case 401:
      return 'Unauthorized';
    case 403:
      return 'Forbidden';
    case 404:
      return 'NotFound';
    case 409:
      return reason === 'AlreadyExists' ? 'AlreadyExists' : 'Conflict';
    case 410:
      return 'Expired';
    case 422:
      return 'Invalid';
    case 429:
      return 'TooManyRequests';
    case 504:
      return 'Timeout';
    default:
      if (status >= 500) return 'ServerError';
      return status >= 400 ? 'BadRequest' : 'InvalidResponse';
  }
}

/** Retry-After in milliseconds; the API server sends whole seconds, a proxy before it may send a date. */
function retryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

function tryParse(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
