import type { Dispatcher } from 'undici';
import { createError, OpenStackError } from '../errors.ts';
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
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Codes by which Node refuses a peer's certificate. They don't heal by themselves within a call. */
const CERTIFICATE = /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)|_CERT_|_SIGNATURE$/;
/** Codes by which a peer refuses ours, or its absence. */
const CLIENT_CERTIFICATE =
  /^ERR_SSL_.*(CERTIFICATE_REQUIRED|ALERT.*CERTIFICATE|ALERT_UNKNOWN_CA|HANDSHAKE_FAILURE)/;

function connectionError({ call, origin, progress }: CallOptions, cause: Error): OpenStackError {
  const peer = `${peerOf(call)} at ${String(origin)}`;
  const code = codeOf(cause);
  const { requestId } = progress;
  if (CERTIFICATE.test(code)) {
    return createError('ConnectionFailed', certificateMessage(peer, code), {
      notSent: true,
      retryable: false,
      requestId,
      cause,
    });
  }
  const notSent = NOT_SENT.has(code);
  // undici adds what was received, from where it isn't HTTP any more: a token may be in it.
  if ('data' in cause) delete cause.data;
  return createError(
    'ConnectionFailed',
    notSent
      ? `${peer} can't be reached (${code}); check the address and the network.`
      : `The connection to ${peer} broke (${code}).`,
    { notSent, requestId, cause },
  );
}

function certificateMessage(peer: string, code: string): string {
  if (CLIENT_CERTIFICATE.test(code)) {
    return `${peer} refused the client certificate, or asks for one (${code}); give cert and key that it accepts.`;
  }
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
