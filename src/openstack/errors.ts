/**
 * Every error of this library, in one place: what it means, whether a repeat may help, the cure. docs/openstack-errors.md
 * is made from it.
 */

interface ErrorKind {
  /** What happened. */
  readonly meaning: string;
  /** What to do about it. */
  readonly cure: string;
  /** Whether the same call may succeed later though nobody changes anything on this side. */
  readonly retryable: boolean;
}

/**
 * The registry of error codes. The part before a dot is the family, which is a class of its own; the part behind
 * `BadRequest.` is Heat's `error.type`, of which these are the ones that a client meets most.
 */
export const ERRORS = {
  ConfigError: {
    meaning: 'What the caller gave is wrong: clouds.yaml, a query, a name or an attribute. Nothing was sent.',
    cure: 'The message names the key and what it should be.',
    retryable: false,
  },
  Unauthorized: {
    meaning: 'Keystone refused the credentials, or a service refused two tokens in a row (401).',
    cure: 'Correct the credentials; a token (`v3token`) that has expired must be replaced.',
    retryable: false,
  },
  IdentityChanged: {
    meaning: 'The credentials lead to another project or Heat than when the connection was made.',
    cure: 'Connect anew, and look at which project it is now before anything is written.',
    retryable: false,
  },
  Forbidden: {
    meaning: 'The user may not do this (403).',
    cure: "Give the user the roles that Heat's policy asks for, or use other credentials.",
    retryable: false,
  },
  'Forbidden.TrustRefused': {
    meaning:
      'Heat makes a trust for each stack, and Keystone lets no application credential or other delegated token make one (Keystone 30 and newer).',
    cure: 'Sign in with user and password, or have the cloud set `[security_compliance] allow_insecure_application_credential_trust_escalation` in keystone.conf.',
    retryable: false,
  },
  ResourceNotFound: {
    meaning: 'It is not there (404). Only with `type` EntityNotFound does Heat say so of the stack itself.',
    cure: 'Check name, id, project and region: a stack of another project looks the same.',
    retryable: false,
  },
  Conflict: {
    meaning: 'Something else is in the way (409).',
    cure: 'Read the stack, then decide; the message is what the service said.',
    retryable: true,
  },
  'Conflict.StackExists': {
    meaning: 'Another stack of the project has this name, perhaps a nested one or one that is being deleted.',
    cure: 'Choose another name, or wait until that stack is gone.',
    retryable: false,
  },
  'Conflict.ActionInProgress': {
    meaning: 'The stack or resource is locked by work in progress.',
    cure: 'Wait until the work ends, then repeat.',
    retryable: true,
  },
  BadRequest: {
    meaning: 'The service calls the request wrong (400 and other 4xx); `type` says how.',
    cure: 'The message is what the service said; it can quote inputs.',
    retryable: false,
  },
  'BadRequest.StackValidationFailed': {
    meaning: 'The template or a property of it is invalid.',
    cure: 'Correct the template; `validateTemplate` checks it without making anything.',
    retryable: false,
  },
  'BadRequest.UserParameterMissing': {
    meaning: 'A parameter without a default has no value. A PUT needs all of them again.',
    cure: 'Give it, or update with `patchStack`, which keeps what is stored.',
    retryable: false,
  },
  'BadRequest.UnknownUserParameter': {
    meaning: 'A parameter is given that the template does not declare.',
    cure: 'Correct its name, or put it into `parameter_defaults` of the environment.',
    retryable: false,
  },
  'BadRequest.ImmutableParameterModified': {
    meaning: 'A parameter that the template declares immutable was to be changed.',
    cure: 'Keep its value, or make a new stack.',
    retryable: false,
  },
  'BadRequest.NotSupported': {
    meaning: 'Heat does not do this in the state that the stack is in, or has it disabled.',
    cure: 'Resume a suspended stack first; a stack whose delete failed can only be deleted.',
    retryable: false,
  },
  'BadRequest.RequestLimitExceeded': {
    meaning: 'The template, its files or its resources are too large or too many.',
    cure: 'Make it smaller, or several stacks.',
    retryable: false,
  },
  QuotaExceeded: {
    meaning: 'A quota of the project is used up. Heat says so with 400 RequestLimitExceeded.',
    cure: 'Delete what is not needed, or have the quota raised.',
    retryable: true,
  },
  ServiceNotFound: {
    meaning: 'The catalog has no orchestration service.',
    cure: 'Ask the operator of the cloud, or set `orchestration_endpoint_override`.',
    retryable: false,
  },
  EndpointNotFound: {
    meaning: 'The orchestration service is in the catalog, but not in this region and interface.',
    cure: 'Correct `region_name` or `interface`; the message lists the regions.',
    retryable: false,
  },
  StackFailed: {
    meaning: 'The stack that was waited for ended in another state than the one waited for.',
    cure: 'Its `resources` with status FAILED tell what failed.',
    retryable: false,
  },
  Timeout: {
    meaning:
      'No complete answer in time, or a stack was waited for too long. The request may have been carried out.',
    cure: 'Read the stack before repeating a create or update; `api_timeout` lengthens the time.',
    retryable: true,
  },
  ConnectionFailed: {
    meaning: 'The server was not reached, or the connection broke; `notSent` tells the two apart.',
    cure: 'Check address, network, and the certificate authority (`cacert`).',
    retryable: true,
  },
  CircuitOpen: {
    meaning:
      'Nothing was sent: the service is out of order, and a `CircuitBreaker` keeps calls away until one that is let through is answered.',
    cure: 'None, if it passes; the message says since when, and what failed. Come again after `retryAfterMs`.',
    retryable: true,
  },
  EndpointRefused: {
    meaning:
      'The address is not to be connected to, by the rules that this process was given. Nothing was sent.',
    cure: 'Correct the address, or allow it in the `EndpointPolicy`.',
    retryable: false,
  },
  InvalidResponse: {
    meaning: 'The answer is not what Heat or Keystone would say, as from a proxy in between.',
    cure: 'Look at what answers there; its body is never quoted.',
    retryable: true,
  },
  ResponseTooLarge: {
    meaning: 'The answer is larger than the limit for its kind.',
    cure: 'Ask for less (`resolveOutputs: false`, `limit`, filters), or raise `limits`.',
    retryable: false,
  },
  Overloaded: {
    meaning: 'The answer was given up in favour of others: together they were larger than the budget.',
    cure: 'Repeat it later, or raise the `ByteBudget`.',
    retryable: true,
  },
  ServerError: {
    meaning: 'The service failed (5xx). A 500 of Heat can be permanent.',
    cure: 'Bound the repeats; `requestId` finds the cause in the logs of the cloud.',
    retryable: true,
  },
  TooManyRequests: {
    meaning: 'The service asks to slow down (429).',
    cure: 'Wait for `retryAfterMs`.',
    retryable: true,
  },
} as const satisfies Record<string, ErrorKind>;

/** A code of the registry. */
export type RegisteredCode = keyof typeof ERRORS;

/** A stable name for what went wrong; see {@link ERRORS}. Heat can have types for `BadRequest.` that aren't registered. */
export type OpenStackErrorCode = RegisteredCode | `BadRequest.${string}`;

/** The part of a code before its dot: one class each. */
export type ErrorFamily = Exclude<RegisteredCode, `${string}.${string}`>;

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
  /** How long the service asked to wait, or until the next probe of an open circuit, in milliseconds. */
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

  /** Use {@link createError}, which finds the class of a code. */
  constructor(code: OpenStackErrorCode, message: string, details: OpenStackErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = errorFamily(code);
    this.code = code;
    this.retryable = details.retryable ?? errorKind(code).retryable;
    this.notSent = details.notSent ?? false;
    if (details.status !== undefined) this.status = details.status;
    if (details.requestId !== undefined) this.requestId = details.requestId;
    if (details.type !== undefined) this.type = details.type;
    if (details.detail !== undefined) this.detail = details.detail;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
  }
}

/** The caller's own mistake, found before anything was sent. */
export class ConfigError extends OpenStackError {}
/** Of the sign-in and its catalog. */
export class IdentityError extends OpenStackError {}
export class Unauthorized extends IdentityError {}
export class IdentityChanged extends IdentityError {}
export class ServiceNotFound extends IdentityError {}
export class EndpointNotFound extends IdentityError {}
/** An error status of Heat or Keystone other than 401. */
export class HttpError extends OpenStackError {}
export class BadRequest extends HttpError {}
export class QuotaExceeded extends HttpError {}
export class Forbidden extends HttpError {}
export class ResourceNotFound extends HttpError {}
export class Conflict extends HttpError {}
export class TooManyRequests extends HttpError {}
export class ServerError extends HttpError {}
/** No answer, or none that can be used. */
export class TransportError extends OpenStackError {}
export class Timeout extends TransportError {}
export class ConnectionFailed extends TransportError {}
export class CircuitOpen extends TransportError {}
export class EndpointRefused extends TransportError {}
export class InvalidResponse extends TransportError {}
export class ResponseTooLarge extends TransportError {}
export class Overloaded extends TransportError {}
/** What `waitForStack` throws. */
export class StackFailed extends OpenStackError {}

const CLASSES: Record<ErrorFamily, typeof OpenStackError> = {
  ConfigError,
  Unauthorized,
  IdentityChanged,
  Forbidden,
  ResourceNotFound,
  Conflict,
  BadRequest,
  QuotaExceeded,
  ServiceNotFound,
  EndpointNotFound,
  StackFailed,
  Timeout,
  ConnectionFailed,
  CircuitOpen,
  EndpointRefused,
  InvalidResponse,
  ResponseTooLarge,
  Overloaded,
  ServerError,
  TooManyRequests,
};

/** An error of the class that its code belongs to. */
export function createError(
  code: OpenStackErrorCode,
  message: string,
  details?: OpenStackErrorDetails,
): OpenStackError {
  return new CLASSES[errorFamily(code)](code, message, details);
}

/** The registry's entry for a code, or for its family when it has none of its own. */
export function errorKind(code: OpenStackErrorCode): ErrorKind {
  return Object.hasOwn(ERRORS, code) ? ERRORS[code as RegisteredCode] : ERRORS[errorFamily(code)];
}

/** The family that a code belongs to: `Conflict` of `Conflict.StackExists`. */
export function errorFamily(code: OpenStackErrorCode): ErrorFamily {
  return code.split('.', 1)[0] as ErrorFamily;
}

/**
 * Whether `error` is one of this library's, of any of the `codes` when some are given; a family stands for all that is
 * in it.
 *
 * @example
 * if (isOpenStackError(error, 'Conflict', 'ServerError')) return retryLater();
 */
export function isOpenStackError(error: unknown, ...codes: OpenStackErrorCode[]): error is OpenStackError {
  if (!(error instanceof OpenStackError)) return false;
  return codes.length === 0 || codes.includes(error.code) || codes.includes(errorFamily(error.code));
}
