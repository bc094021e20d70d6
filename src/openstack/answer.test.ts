import { describe, expect, it } from 'vitest';
import { faultError, jsonObject, readAnswer } from './answer.ts';
import type { OpenStackErrorCode } from './errors.ts';
import { sample } from './testdata/fake-cloud.ts';
import type { HttpAnswer } from './transport/call.ts';

const asked = { peer: 'Heat', method: 'POST', route: '/stacks', requestId: 'req-1' };

function answer(status: number, body: unknown, headers: Record<string, string> = {}): HttpAnswer {
  const text = typeof body === 'string' ? body : (JSON.stringify(body) ?? '');
  return { status, body: text, requestId: 'req-1', header: (name) => headers[name] };
}

describe('readAnswer', () => {
  it.each([
    ['too deep', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['not JSON', '<html>'],
  ])('takes what is %s for no answer of a service', (_what, body) => {
    expect(() => readAnswer(jsonObject, answer(200, body), asked)).toThrow(/isn't its own/);
  });

  it('does not parse what has too many values', () => {
    const body = `{"a":[${'{},'.repeat(40_000)}{}]}`;
    const read = (maxValues?: number) => readAnswer(jsonObject, answer(200, body), asked, maxValues);
    const error = { code: 'ResponseTooLarge', status: 200, message: expect.stringContaining('1000 values') };
    expect(() => read(1000)).toThrow(expect.objectContaining(error));
    expect(read()).toHaveProperty('a');
    expect(() => readAnswer(jsonObject, answer(200, `[${body},${body}]`), asked)).toThrow('100000 values');
  });

  it('keeps names that mean something to JavaScript', () => {
    const text = '{"__proto__":{"polluted":1},"constructor":2}';
    const value = readAnswer(jsonObject, answer(200, text), asked);
    expect(JSON.stringify(value)).toBe(text);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });
});

describe('faultError', () => {
  it('tells the trust that Keystone refused Heat, for logins that may make none, and the cure', () => {
    const { status, body } = sample('create_trust_refused_403');
    const of = (by: object, text = body) => faultError(answer(status, text), { ...asked, ...by }, 0);
    const error = of({ delegated: true });
    expect(error).toMatchObject({ code: 'Forbidden.TrustRefused', status: 403, type: 'Forbidden' });
    expect(error.message).toMatch(/lets this login make no trust, .* Sign in with user and password/);
    // Other logins, reads, and refusals by Heat itself.
    expect(of({}).code).toBe('Forbidden');
    expect(of({ delegated: true, method: 'GET' }).code).toBe('Forbidden');
    expect(of({ delegated: true }, sample('heat_foreign_project_url').body).code).toBe('Forbidden');
  });

  it.each<[string, OpenStackErrorCode, string | undefined, boolean]>([
    ['heat_bad_token_401', 'Unauthorized', undefined, false],
    ['heat_unscoped_token', 'Forbidden', 'HTTPForbidden', false],
    ['heat_foreign_project_url', 'Forbidden', 'HTTPForbidden', false],
    ['stack_404', 'ResourceNotFound', 'EntityNotFound', false],
    ['resource_404', 'ResourceNotFound', 'ResourceNotFound', false],
    ['duplicate_409', 'Conflict.StackExists', 'StackExists', false],
    ['unknown_type_400', 'BadRequest.StackValidationFailed', 'StackValidationFailed', false],
    ['missing_param_400', 'BadRequest.UserParameterMissing', 'UserParameterMissing', false],
    ['nova_absent', 'BadRequest.ResourceTypeUnavailable', 'ResourceTypeUnavailable', false],
    ['cancel_not_updating', 'BadRequest.NotSupported', 'NotSupported', false],
  ])('%s is %s', (name, code, type, retryable) => {
    const { status, body } = sample(name);
    const error = faultError(answer(status, body), asked, 0);
    expect(error).toMatchObject({ code, status, requestId: 'req-1', retryable });
    expect(error.type).toBe(type);
    const { message } = (body as { error: { message: string } }).error;
    expect(error.detail).toBe(message);
    expect(error.message).toContain(message);
  });

  const heatSays = (code: number, error: object) => ({ code, title: 'Title', explanation: 'Why.', error });
  const limit = (message: string) =>
    heatSays(400, { type: 'RequestLimitExceeded', message, traceback: null });
  it.each<[string, OpenStackErrorCode]>([
    [
      'Request limit exceeded: You have reached the maximum stacks per tenant, 512. Please delete some stacks.',
      'QuotaExceeded',
    ],
    [
      'Request limit exceeded: You have reached the maximum snapshots per stack, 32. Please delete some snapshots.',
      'QuotaExceeded',
    ],
    ['Request limit exceeded: Maximum resources per stack exceeded.', 'BadRequest.RequestLimitExceeded'],
    ['Request limit exceeded: Recursion depth exceeds 5.', 'BadRequest.RequestLimitExceeded'],
    [
      'Request limit exceeded: Template size (600107 bytes) exceeds maximum allowed size (524288 bytes).',
      'BadRequest.RequestLimitExceeded',
    ],
    [
      'Request limit exceeded: JSON body size (1100160 bytes) exceeds maximum allowed size (1048576 bytes).',
      'BadRequest.RequestLimitExceeded',
    ],
  ])('takes "%s" for %s', (message, code) => {
    expect(faultError(answer(400, limit(message)), asked, 0).code).toBe(code);
  });

  it.each<[number, OpenStackErrorCode, boolean]>([
    [405, 'BadRequest', false],
    [409, 'Conflict', true],
    [413, 'BadRequest', false],
    [429, 'TooManyRequests', true],
    [500, 'ServerError', true],
    [503, 'ServerError', true],
  ])('takes status %i for %s', (status, code, retryable) => {
    expect(faultError(answer(status, { error: { type: 'X' } }), asked, 0)).toMatchObject({ code, retryable });
  });

  it('passes Retry-After on', () => {
    expect(faultError(answer(503, '', { 'retry-after': '7' }), asked, 0).retryAfterMs).toBe(7_000);
  });

  it('never reads the traceback', () => {
    const body = heatSays(500, { type: 'KeyError', traceback: 'Traceback … s3cret' });
    const error = faultError(answer(500, body), asked, 0);
    expect(error.message).toBe('Heat answered 500 KeyError to POST /stacks: no message');
    expect(JSON.stringify(error)).not.toContain('s3cret');
  });

  it.each([
    ['<html>s3cret</html>', 'text/html'],
    ['"s3cret"', 'application/json'],
    ['{"error":"s3cret"}', 'application/json'],
    ['{"error":{"message":{"s3cret":1}}}', 'application/json'],
    ['s3cret', 's3cret'],
    // Google's, another status than the answer's, Kubernetes', and Heat's without its title.
    ['{"error":{"code":502,"message":"s3cret","status":"ABORTED"}}', 'application/json'],
    ['{"error":{"code":502,"title":"Bad Gateway","message":{"s3cret":1}}}', 'application/json'],
    ['{"error":{"code":404,"title":"Not Found","message":"s3cret"}}', 'application/json'],
    ['{"kind":"Status","code":502,"message":"s3cret"}', 'application/json'],
    ['{"code":502,"explanation":"x","error":{"type":"A","message":"s3cret"}}', 'application/json'],
    ['{"error":{"message":"s3cret"}}', 'application/json'],
    [
      '{"code":404,"title":"a","explanation":"x","error":{"type":"A","message":"s3cret"}}',
      'application/json',
    ],
    [undefined, 'text/html'],
  ])('quotes nothing of %j', (body, type) => {
    const error = faultError(answer(502, body, { 'content-type': type }), asked, 0);
    expect(error).toMatchObject({ code: 'ServerError', status: 502 });
    expect(error.message + error.detail).not.toContain('s3cret');
  });
});
