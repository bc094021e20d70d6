/**
 * Every error of this library, in one place: one class, told apart by `code`.
 */

interface ErrorKind {
  /** What happened. */
  readonly meaning: string;
  /** Whether the same call may succeed later though nobody changes anything on this side. */
  readonly retryable: boolean;
}

/** The registry of error codes: what each means, and whether a repeat may help. */
export const ERRORS = {
  ConfigError: {
    meaning: 'What the caller gave is wrong: clouds.yaml, a query, a name or a stack attribute.',
    retryable: false,
  },
  AuthenticationFailed: {
    meaning: 'Keystone refused the credentials, or a service refused two tokens in a row.',
    retryable: false,
  },
  IdentityChanged: {
    meaning:
      'The credentials lead to another project or Heat than when the connection was made; connect anew.',
    retryable: true,
  },
  Forbidden: { meaning: 'The user may not do this (403).', retryable: false },
  ResourceNotFound: {
    meaning: 'It is not there (404). Only type EntityNotFound says so of the stack itself.',
    retryable: false,
  },
  StackExists: { meaning: 'Another stack of the project has this name (409).', retryable: false },
  ActionInProgress: { meaning: 'The stack is locked by work in progress (409).', retryable: true },
  BadRequest: {
    meaning: 'The service calls the request wrong (400 and other 4xx); `type` says how.',
    retryable: false,
  },
  QuotaExceeded: { meaning: 'A quota of the project is used up.', retryable: true },
  ServiceNotFound: { meaning: 'The catalog has no orchestration service.', retryable: false },
  EndpointNotFound: {
    meaning: 'The orchestration service is in the catalog, but not in this region and interface.',
    retryable: false,
  },
  Timeout: { meaning: 'No complete answer in time; the request may have been carried out.', retryable: true },
  ConnectionFailed: {
    meaning: 'The server was not reached, or the connection broke; `notSent` tells the two apart.',
    retryable: true,
  },
  EndpointRefused: {
    meaning:
      'The address is not to be connected to, by the rules that this process was given. Nothing was sent.',
    retryable: false,
  },
  InvalidResponse: {
    meaning: 'The answer is not what Heat or Keystone would say, as from a proxy in between.',
    retryable: true,
  },
  ResponseTooLarge: { meaning: 'The answer is larger than the limit for its kind.', retryable: false },
  Overloaded: {
    meaning: 'The answer was given up in favour of others: together they were larger than the budget.',
    retryable: true,
  },
  ServerError: {
    meaning: 'The service failed (5xx). A 500 of Heat can be permanent, so repeats must be bounded.',
    retryable: true,
  },
  TooManyRequests: { meaning: 'The service asks to slow down (429).', retryable: true },
} as const satisfies Record<string, ErrorKind>;

/** A stable name for what went wrong; see {@link ERRORS}. */
export type OpenStackErrorCode = keyof typeof ERRORS;

/** What is known of an error besides its code and message. */
export interface OpenStackErrorDetails {
  /** HTTP status of the answer. */
  status?: number | undefined;
  /** `x-openstack-request-id` of the answer; the one we sent when there was no answer. */
  requestId?: string | undefined;
  /** Heat's `error.type`, such as `StackValidationFailed`. */
  type?: string | undefined;
  /** The service's own text, which may quote inputs: scrub it before showing it. */
  detail?: string | undefined;
  /** How long the service asked to wait, in milliseconds. */
  retryAfterMs?: number | undefined;
  /** True when nothing of the request reached a server, so that even a create may be repeated. */
  notSent?: boolean | undefined;
  /** Overrides the registry's judgement. */
  retryable?: boolean | undefined;
  cause?: unknown;
}

/** Any failure of this library. `message` contains the service's own text (`detail`), never a body of unknown make. */
export class OpenStackError extends Error {
  readonly code: OpenStackErrorCode;
  readonly status?: number;
  readonly requestId?: string;
  readonly type?: string;
  readonly detail?: string;
  readonly retryAfterMs?: number;
  readonly notSent: boolean;
  readonly retryable: boolean;

  constructor(code: OpenStackErrorCode, message: string, details: OpenStackErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'OpenStackError';
    this.code = code;
    this.retryable = details.retryable ?? ERRORS[code].retryable;
    this.notSent = details.notSent ?? false;
    if (details.status !== undefined) this.status = details.status;
    if (details.requestId !== undefined) this.requestId = details.requestId;
    if (details.type !== undefined) this.type = details.type;
    if (details.detail !== undefined) this.detail = details.detail;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
  }
}

/**
 * Whether `error` is one of this library's, of any of the `codes` when some are given.
 *
 * @example
 * if (isOpenStackError(error, 'StackExists', 'ActionInProgress')) return retryLater();
 */
export function isOpenStackError(error: unknown, ...codes: OpenStackErrorCode[]): error is OpenStackError {
  return error instanceof OpenStackError && (codes.length === 0 || codes.includes(error.code));
}
