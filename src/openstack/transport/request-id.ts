import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { headerOf, interceptor, PassingHandler, type Progress } from './call.ts';

const HEADER = 'x-openstack-request-id';
const REQUEST_ID = /^req-[\w-]{1,60}$/;

/**
 * Sends an id with each attempt, which services log, and notes the one that they answer with. OpenStack: oslo.middleware
 * takes `req-<uuid>` from a client as the global request id.
 */
export const requestIds = () =>
  interceptor((dispatch, options, handler) => {
    const { progress } = options;
    progress.requestId = `req-${randomUUID()}`;
    options.headers[HEADER] = progress.requestId;
    return dispatch(options, new IdHandler(handler, progress));
  });

class IdHandler extends PassingHandler {
  readonly #progress: Progress;

  constructor(next: Dispatcher.DispatchHandler, progress: Progress) {
    super(next);
    this.#progress = progress;
  }

  override onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    const theirs = headerOf(headers, HEADER);
    // Shown to people, so it must be what it claims to be.
    if (theirs !== undefined && REQUEST_ID.test(theirs)) this.#progress.requestId = theirs;
    super.onResponseStart(controller, status, headers);
  }
}
