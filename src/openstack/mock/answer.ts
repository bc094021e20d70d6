import { STATUS_CODES } from 'node:http';

/** What the mock answers a request with. */
export interface Answer {
  status: number;
  /** Sent as JSON; text is sent as it is; undefined is an empty body. */
  body?: unknown;
  headers?: Record<string, string>;
}

/** A request that Heat refuses: one of its error bodies. */
export class Refusal extends Error {
  readonly status: number;
  /** `error.type` of the body: the name of Heat's exception. */
  readonly type: string;
  /** Heat tells no message of exceptions that aren't its own. */
  readonly told: string | undefined;

  constructor(status: number, type: string, told?: string) {
    super(told ?? type);
    this.status = status;
    this.type = type;
    this.told = told;
  }

  answer(): Answer {
    return {
      status: this.status,
      body: {
        code: this.status,
        title: STATUS_CODES[this.status],
        explanation: EXPLANATIONS[this.status] ?? EXPLANATIONS[400],
        error: {
          type: this.type,
          traceback: null,
          ...(this.told !== undefined && { message: this.told }),
        },
      },
    };
  }
}

/** Words of webob, which Heat answers with. */
const EXPLANATIONS: Record<number, string> = {
  400: 'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  403: 'Access was denied to this resource.',
  404: 'The resource could not be found.',
  409: 'There was a conflict when trying to complete your request.',
  500: 'The server has either erred or is incapable of performing the requested operation.',
};

/** 400 of Heat's API layer. */
export function badRequest(message: string): Refusal {
  return new Refusal(400, 'HTTPBadRequest', message);
}

/** 400 of Heat's engine: the template or its inputs are wrong. */
export function invalid(message: string, type = 'StackValidationFailed'): Refusal {
  return new Refusal(400, type, message);
}

/** 404 of something that has a kind and a name. */
export function notFound(kind: string, name: string): Refusal {
  return new Refusal(404, 'EntityNotFound', `The ${kind} (${name}) could not be found.`);
}

/** 400 of what Heat doesn't do in this state. */
export function notSupported(what: string): Refusal {
  return new Refusal(400, 'NotSupported', `${what} is not supported.`);
}

/** 400 of what is larger than Heat takes. */
export function tooLarge(what: string, bytes: number, limit: number): Refusal {
  const message = `Request limit exceeded: ${what} size (${bytes} bytes) exceeds maximum allowed size (${limit} bytes).`;
  return new Refusal(400, 'RequestLimitExceeded', message);
}

export const ACCEPTED: Answer = {
  status: 202,
  body: {
    message: `The request is accepted for processing.<br /><br />\n\n\n`,
    code: '202 Accepted',
    title: 'Accepted',
  },
};

export const NO_CONTENT: Answer = { status: 204 };

/** The answer to an address that no route has. */
export const NO_ROUTE: Answer = {
  status: 404,
  body: {
    message: `${EXPLANATIONS[404]}<br /><br />\n\n\n`,
    code: '404 Not Found',
    title: 'Not Found',
  },
};

/** The answer to a look-up: where the stack is. */
export function found(location: string): Answer {
  const message = `The resource was found at <a href="${location}">${location}</a>;\nyou should be redirected automatically.\n\n`;
  return { status: 302, body: { message, code: '302 Found', title: 'Found' }, headers: { location } };
}
