import type { NotReadyReason } from '../api/reasons.ts';
import { ERRORS, errorFamily, isOpenStackError, type OpenStackError } from '../openstack/index.ts';
import type { Scrubber } from './scrubber.ts';

/** What an error of the OpenStack client means for the object. */
export interface CloudProblem {
  reason: NotReadyReason;
  message: string;
  /**
   * `backoff`: try again, less and less often. `refused`: the same, and Stalled after some tries, since it won't heal by
   * itself. `final`: Stalled at once.
   */
  next: 'backoff' | 'refused' | 'final';
  /** How long the cloud asked to wait, in ms. */
  retryAfterMs?: number;
}

/**
 * Sorts an error of Keystone or Heat, in the words of the conditions. The message is scrubbed.
 *
 * @param doing what was done when it came up, or where the mistake is; the message begins with it
 * @returns `undefined` for an error that isn't the OpenStack client's.
 */
export function toCloudProblem(error: unknown, doing: string, scrubber: Scrubber): CloudProblem | undefined {
  if (!isOpenStackError(error)) return undefined;
  const said = describe(error, scrubber);
  const cure = CURES[error.code] ?? '';
  // The client says some cures itself.
  const message = `${doing}: ${said}${said.includes(cure.slice(2)) ? '' : cure}`;
  const retryAfterMs = error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs };
  const family = errorFamily(error.code);
  switch (family) {
    case 'ConfigError':
    case 'EndpointRefused':
      return { reason: 'InvalidConfiguration', message, next: 'final' };
    case 'BadRequest':
      return { reason: 'ValidationFailed', message, next: 'final' };
    case 'Unauthorized':
      return { reason: 'AuthenticationFailed', message, next: 'refused' };
    case 'Forbidden':
      return { reason: 'Forbidden', message, next: 'refused' };
    case 'QuotaExceeded':
      return { reason: 'QuotaExceeded', message, next: 'backoff', ...retryAfterMs };
    case 'ServiceNotFound':
    case 'EndpointNotFound':
      return { reason: 'OrchestrationNotAvailable', message, next: 'backoff' };
    default:
      return { reason: 'TransientError', message, next: 'backoff', ...retryAfterMs };
  }
}

const CURES: Partial<Record<OpenStackError['code'], string>> = {
  Unauthorized: '; correct the credentials in the Secret',
  Forbidden: '; give the user the roles that Heat asks for, or use other credentials',
  'Forbidden.TrustRefused': `; ${ERRORS['Forbidden.TrustRefused'].cure}`,
  QuotaExceeded: '; raise the quota or delete what is not needed, the operator goes on by itself',
};

/** Whether two messages tell of the same problem: each request has an id of its own. */
export function tellTheSame(one: string, other: string): boolean {
  return one.replaceAll(REQUEST_ID, '') === other.replaceAll(REQUEST_ID, '');
}

const REQUEST_ID = /req-[0-9a-f-]{36}/g;

function describe(error: OpenStackError, scrubber: Scrubber): string {
  // A name of a class; anything else doesn't come from Heat.
  const type = /^\w{1,64}$/.exec(error.type ?? '')?.[0];
  const text = scrubber.clean(error.message, `${errorFamily(error.code)}${type ? ` (${type})` : ''}`);
  // The id finds the request in the logs of the cloud.
  return error.requestId && !text.includes(error.requestId) ? `${text} [${error.requestId}]` : text;
}

/** The code of an error, for the log: its message may quote what was sent. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
