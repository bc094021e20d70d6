import { describe, expect, test } from 'vitest';
import {
  createError,
  ERRORS,
  type OpenStackError,
  type OpenStackErrorCode,
  type RegisteredCode,
} from '../openstack/index.ts';
import { toCloudProblem } from './heat-errors.ts';
import { Scrubber } from './scrubber.ts';

const scrubber = new Scrubber(['a-very-secret-value', 'abc']);

function problem(
  code: OpenStackErrorCode,
  details: ConstructorParameters<typeof OpenStackError>[2] = {},
  message = 'No.',
) {
  return toCloudProblem(createError(code, message, details), 'creating', scrubber);
}

/** Every code of the client, and what it means for the object. */
const MEANINGS: Record<RegisteredCode, [reason: string, next: string]> = {
  ConfigError: ['InvalidConfiguration', 'final'],
  EndpointRefused: ['InvalidConfiguration', 'final'],
  BadRequest: ['ValidationFailed', 'final'],
  Unauthorized: ['AuthenticationFailed', 'refused'],
  Forbidden: ['Forbidden', 'refused'],
  QuotaExceeded: ['QuotaExceeded', 'backoff'],
  ServiceNotFound: ['OrchestrationNotAvailable', 'backoff'],
  EndpointNotFound: ['OrchestrationNotAvailable', 'backoff'],
  ResourceNotFound: ['TransientError', 'backoff'],
  Conflict: ['TransientError', 'backoff'],
  'Conflict.StackExists': ['TransientError', 'backoff'],
  'Conflict.ActionInProgress': ['TransientError', 'backoff'],
  'BadRequest.StackValidationFailed': ['ValidationFailed', 'final'],
  'BadRequest.UserParameterMissing': ['ValidationFailed', 'final'],
  'BadRequest.UnknownUserParameter': ['ValidationFailed', 'final'],
  'BadRequest.ImmutableParameterModified': ['ValidationFailed', 'final'],
  'BadRequest.NotSupported': ['ValidationFailed', 'final'],
  'BadRequest.RequestLimitExceeded': ['ValidationFailed', 'final'],
  'Forbidden.TrustRefused': ['Forbidden', 'refused'],
  StackFailed: ['TransientError', 'backoff'],
  Timeout: ['TransientError', 'backoff'],
  ConnectionFailed: ['TransientError', 'backoff'],
  CircuitOpen: ['TransientError', 'backoff'],
  InvalidResponse: ['TransientError', 'backoff'],
  ResponseTooLarge: ['TransientError', 'backoff'],
  Overloaded: ['TransientError', 'backoff'],
  ServerError: ['TransientError', 'backoff'],
  IdentityChanged: ['TransientError', 'backoff'],
  TooManyRequests: ['TransientError', 'backoff'],
};

test('there is a meaning of every error', () => {
  expect(Object.keys(MEANINGS).sort()).toEqual(Object.keys(ERRORS).sort());
});

test.each(Object.entries(MEANINGS))('%s is %j', (code, [reason, next]) => {
  expect(problem(code as OpenStackErrorCode)).toMatchObject({ reason, next });
});

test.each([new Error('x'), 'x', undefined, null])('%s is not the cloud', (error) => {
  expect(toCloudProblem(error, 'creating', scrubber)).toBeUndefined();
});

describe('the message', () => {
  test('says what was done, what happened, in which request, and the cure', () => {
    expect(problem('Forbidden', { requestId: 'req-1' }, 'You are not authorized.')?.message).toBe(
      'creating: You are not authorized. [req-1]; give the user the roles that Heat asks for, or use other credentials',
    );
    expect(problem('Unauthorized')?.message).toMatch(/; correct the credentials in the Secret$/);
    expect(problem('QuotaExceeded')?.message).toMatch(/; raise the quota/);
  });

  test('says once how Heat gets the trust that Keystone refused', () => {
    const { cure } = ERRORS['Forbidden.TrustRefused'];
    const told = `Keystone lets this login make no trust, which Heat needs for each stack. ${cure}`;
    for (const [text, withheld] of [[told], ['Bad abc!', 'x']] as const) {
      const message = problem('Forbidden.TrustRefused', {}, text)?.message ?? '';
      expect(message.split(cure)).toHaveLength(2);
      expect(message).toMatch(
        withheld ? /^creating: Forbidden; Sign in with user/ : /^creating: Keystone lets/,
      );
      expect(message).not.toContain('\n');
    }
  });

  test('names the request once', () => {
    expect(problem('BadRequest', { requestId: 'req-1' }, 'No (req-1).')?.message).toBe(
      'creating: No (req-1).',
    );
  });

  test('quotes no secret, and of one that is short not even its surroundings', () => {
    expect(problem('BadRequest', {}, 'Bad a-very-secret-value!')?.message).toBe('creating: Bad [redacted]!');
    expect(
      problem('BadRequest', { type: 'StackValidationFailed', requestId: 'req-1' }, 'Bad abc!')?.message,
    ).toBe('creating: BadRequest (StackValidationFailed) [req-1]');
    expect(problem('BadRequest', {}, 'Bad abc!')?.message).toBe('creating: BadRequest');
  });
});

test.each(['TooManyRequests', 'QuotaExceeded', 'ServerError'] as const)(
  '%s waits as long as the cloud asks',
  (code) => {
    expect(problem(code, { retryAfterMs: 7000 })?.retryAfterMs).toBe(7000);
    expect(problem(code)).not.toHaveProperty('retryAfterMs');
  },
);

test('a type that is no name is not shown', () => {
  const said = 'abc';
  expect(problem('BadRequest', { type: 'InvalidTenant' }, said)?.message).toBe(
    'creating: BadRequest (InvalidTenant)',
  );
  for (const type of ['abc is <b>bad</b>', 'x'.repeat(65), '']) {
    expect(problem('BadRequest', { type }, said)?.message).toBe('creating: BadRequest');
  }
});
