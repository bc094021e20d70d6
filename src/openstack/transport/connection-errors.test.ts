import { describe, expect, it } from 'vitest';
import type { OpenStackError } from '../errors.ts';
import { type Call, type CallOptions, failEarly } from './call.ts';
import { connectionErrors } from './connection-errors.ts';

/** What is told of an error of undici or Node. */
function told(code: string, members: object = {}): OpenStackError {
  let error: Error | undefined;
  const wire = connectionErrors()((_options, handler) => {
    failEarly(handler, Object.assign(new Error('raw'), { code, ...members }));
    return true;
  });
  const call = { service: 'orchestration', method: 'POST', route: '/stacks' } as Call;
  const options: CallOptions = {
    origin: 'https://heat:8004',
    path: '/',
    method: 'POST',
    headers: {},
    call,
    progress: { requestId: 'req-1' },
  };
  wire(options, {
    onResponseError: (_controller, given) => {
      error = given;
    },
  });
  return error as OpenStackError;
}

describe('connectionErrors', () => {
  it.each([
    ['ECONNREFUSED', { syscall: 'connect' }, true],
    ['EHOSTUNREACH', { syscall: 'connect' }, true],
    ['ENETUNREACH', { syscall: 'connect' }, true],
    // The kernel says the same of a connection that stood, long after a request was sent.
    ['EHOSTUNREACH', { syscall: 'read' }, false],
    ['ENETUNREACH', { syscall: 'write' }, false],
    ['ENOTFOUND', {}, true],
    ['EAI_AGAIN', {}, true],
    ['UND_ERR_CONNECT_TIMEOUT', {}, true],
    ['ECONNRESET', { syscall: 'read' }, false],
    ['UND_ERR_SOCKET', {}, false],
    ['CERT_HAS_EXPIRED', {}, true],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', {}, true],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', {}, true],
    ['ERR_TLS_CERT_ALTNAME_INVALID', {}, true],
    // These may come when the request is there already.
    ['ERR_SSL_BAD_RECORD_TYPE', {}, false],
    ['ERR_SSL_BAD_SIGNATURE', {}, false],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', {}, false],
    ['ERR_SSL_WRONG_VERSION_NUMBER', {}, false],
  ])('says of %s %o whether nothing was sent: %s', (code, members, notSent) => {
    expect(told(code, members)).toMatchObject({ code: 'ConnectionFailed', notSent, requestId: 'req-1' });
  });

  it.each([
    ['CERT_HAS_EXPIRED', /has expired; renew it/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /is for another host/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /isn't trusted .*; give its CA as cacert/],
    ['ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR', /refused the client certificate/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /speaks no TLS .*; correct the address, perhaps to http/],
    ['ERR_SSL_BAD_RECORD_TYPE', /The connection to Heat at https:\/\/heat:8004 broke/],
  ])('tells the cure of %s', (code, message) => {
    expect(told(code).message).toMatch(message);
  });

  it('keeps what was received to itself', () => {
    expect(told('HPE_INVALID', { data: 'X-Subject-Token: t' }).cause).not.toHaveProperty('data');
  });
});
