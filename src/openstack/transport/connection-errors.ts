import type { Dispatcher } from 'undici';
import { createError, OpenStackError, type OpenStackErrorDetails } from '../errors.ts';
import { type CallOptions, interceptor, PassingHandler, peerOf } from './call.ts';

/** Turns what Node and undici say of a broken connection into ConnectionFailed, with what can be done about it. */
export const connectionErrors = () =>
  interceptor((dispatch, options, handler) => dispatch(options, new ErrorHandler(handler, options)));

class ErrorHandler extends PassingHandler {
  readonly #options: CallOptions;

  constructor(next: Dispatcher.DispatchHandler, options: CallOptions) {
    super(next);
    this.#options = options;
  }

  override onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    // An interceptor's own error, or the reason of a signal: whoever gave up the request has said why.
    const isOurs = error instanceof OpenStackError || controller?.aborted;
    super.onResponseError(controller, isOurs ? error : connectionError(this.#options, error));
  }
}

/** Failures of setting up a connection: nothing of the request has left this machine. */
const NOT_SENT = new Set(['ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);
/** The same, but only of `connect`: an established connection can end with them too, when much was sent. */
const NOT_SENT_IF_CONNECTING = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH']);

/** Codes by which Node refuses a peer's certificate, before it sends anything. They don't heal by themselves. */
const CERTIFICATE =
  /^(?!ERR_SSL_)((CERT_|ERR_TLS_CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)|.*(_CERT_|_SIGNATURE$))/;
/** Codes by which a peer refuses our certificate, or its absence; with TLS 1.3 the request may be there by then. */
const CLIENT_CERTIFICATE =
  /^ERR_SSL_.*(CERTIFICATE_REQUIRED|ALERT.*CERTIFICATE|ALERT_UNKNOWN_CA|ALERT_DECRYPT_ERROR|HANDSHAKE_FAILURE)/;

function connectionError({ call, origin, progress }: CallOptions, cause: Error): OpenStackError {
  const peer = `${peerOf(call)} at ${String(origin)}`;
  const code = codeOf(cause);
  // undici adds what was received, from where it isn't HTTP any more: a token may be in it.
  if ('data' in cause) delete cause.data;
  const fail = (message: string, details: OpenStackErrorDetails = {}): OpenStackError =>
    createError('ConnectionFailed', message, { requestId: progress.requestId, cause, ...details });
  if (CLIENT_CERTIFICATE.test(code)) {
    const cure = 'give cert and key that it accepts';
    return fail(`${peer} refused the client certificate, or asks for one (${code}); ${cure}.`, {
      retryable: false,
    });
  }
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') {
    return fail(`${peer} speaks no TLS (${code}); correct the address, perhaps to http.`, {
      retryable: false,
    });
  }
  if (CERTIFICATE.test(code)) {
    return fail(certificateMessage(peer, code), { notSent: true, retryable: false });
  }
  const isConnecting = 'syscall' in cause && cause.syscall === 'connect';
  return NOT_SENT.has(code) || (NOT_SENT_IF_CONNECTING.has(code) && isConnecting)
    ? fail(`${peer} can't be reached (${code}); check the address and the network.`, { notSent: true })
    : fail(`The connection to ${peer} broke (${code}).`);
}

function certificateMessage(peer: string, code: string): string {
  switch (code) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `The certificate of ${peer} is for another host; correct the address or the certificate.`;
    case 'CERT_HAS_EXPIRED':
      return `The certificate of ${peer} has expired; renew it.`;
    default:
      return `The certificate of ${peer} isn't trusted (${code}); give its CA as cacert.`;
  }
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
