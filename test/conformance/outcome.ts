import { isJsonObject, isRawNumber, type Json, type JsonObject, parseJson } from '../../src/json.ts';
import { isOpenStackError } from '../../src/openstack/index.ts';
import type { Exchange } from './recording-proxy.ts';

/**
 * What a client did in a scenario, in words that both clients share: `value`, or `error` with `status` and `type`; what
 * `after` found; and the requests, of which `writes` are those that changed something. Names, ids and times are
 * placeholders.
 */
export type Outcome = JsonObject & { requests: string[]; writes: Json[] };

/** What an outcome has of its own, for placeholders. */
export interface Names {
  name: string;
  /** What the names of the fixtures begin with. */
  prefix: string;
  /** The scenario's stacks. */
  stacks: { name: string; id: string }[];
}

/** Ours, of each exception of openstacksdk and keystoneauth. Those that aren't here keep their names. */
const ERROR_NAMES: Record<string, string> = {
  NotFoundException: 'ResourceNotFound',
  BadRequestException: 'BadRequest',
  ConflictException: 'Conflict',
  ForbiddenException: 'Forbidden',
  ResourceTimeout: 'Timeout',
  ResourceFailure: 'StackFailed',
  ConnectFailure: 'ConnectionFailed',
};

/** Our name, of each member that openstacksdk doesn't call the same in snake case. */
const MEMBER_NAMES: Record<string, Record<string, string>> = {
  Stack: {
    is_rollback_disabled: 'disableRollback',
    owner_id: 'ownerName',
  },
  Resource: {
    logical_resource_id: 'logicalId',
    physical_resource_id: 'physicalId',
    resource_type: 'type',
  },
  StackEvent: {
    event_time: 'at',
    physical_resource_id: 'physicalId',
    logical_resource_id: 'logicalId',
    resource_status: 'status',
    resource_status_reason: 'statusReason',
  },
  StackTemplate: { heat_template_version: 'heat_template_version', parameter_groups: 'parameter_groups' },
  StackEnvironment: {
    encrypted_param_names: 'encrypted_param_names',
    event_sinks: 'event_sinks',
    parameter_defaults: 'parameter_defaults',
    resource_registry: 'resource_registry',
  },
};
/** Members that openstacksdk makes up: of the address, or of a type that never has a name. */
const OMITTED: Record<string, string[]> = {
  // The id of a resource is its name once more.
  Resource: ['id'],
  StackTemplate: ['name', 'id', 'stack_id', 'stack_name'],
  StackEnvironment: ['name', 'id', 'stack_id', 'stack_name'],
};
/** Our names in what openstacksdk leaves as Heat says it: a stack's outputs, and a template's parameters. */
const INNER_NAMES: Record<string, string> = {
  output_key: 'key',
  output_value: 'value',
  output_error: 'error',
  Type: 'type',
  Label: 'label',
  Description: 'description',
  NoEcho: 'noEcho',
  Default: 'default',
  Value: 'value',
};

/** The outcome of openstacksdk, from what sdk.py answers. */
export function sdkOutcome(answer: Json, exchanges: readonly Exchange[], names: Names): Outcome {
  const raw = isJsonObject(answer) ? answer : {};
  const { error, status = null } = raw;
  if (typeof error === 'string') {
    const name = error === 'HttpException' ? httpError(Number(status)) : (ERROR_NAMES[error] ?? error);
    return finish({ error: name, status: status ?? undefined }, exchanges, names);
  }
  return finish({ value: unified(raw['value'] ?? null) }, exchanges, names);
}

function httpError(status: number): string {
  if (status >= 500) return 'ServerError';
  return status === 401 ? 'Unauthorized' : status === 429 ? 'TooManyRequests' : 'HttpException';
}

/** The outcome of our client: what its call resolved with or threw. */
export async function ourOutcome(
  call: () => unknown,
  exchanges: readonly Exchange[],
  names: Names,
): Promise<Outcome> {
  try {
    const value = await call();
    return finish({ value: isGenerator(value) ? await Array.fromAsync(value) : value }, exchanges, names);
  } catch (error) {
    if (!isOpenStackError(error)) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      return finish({ error: name, message }, exchanges, names);
    }
    const { code, status, type } = error;
    return finish({ error: error.name, code, status, type }, exchanges, names);
  }
}

function isGenerator(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** Values of openstacksdk with our names for members; what users name themselves stays. */
function unified(value: Json): Json {
  if (Array.isArray(value)) return value.map(unified);
  if (!isJsonObject(value)) return value;
  const { $resource, ...members } = value;
  const type = String($resource);
  const entries = Object.entries(members).map(([key, member]): [string, Json] => {
    if ($resource === undefined) return [key, unified(member)];
    const name =
      MEMBER_NAMES[type]?.[key] ?? key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    // Of what was never made, Heat says "".
    if (type === 'Resource' && member === '') return [name, null];
    if (type === 'Stack' && key === 'outputs' && Array.isArray(member)) return [name, member.map(renamed)];
    if (type !== 'Template' || key !== 'parameters' || !isJsonObject(member)) return [name, member];
    return [name, Object.fromEntries(Object.entries(member).map(([each, value]) => [each, renamed(value)]))];
  });
  return Object.fromEntries(entries.filter(([key]) => !OMITTED[type]?.includes(key)));
}

function renamed(value: Json): Json {
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(([key, member]): [string, Json] => {
    const name = INNER_NAMES[key] ?? key;
    // Heat says it as text.
    return [name, name === 'noEcho' ? member === 'true' : member];
  });
  return Object.fromEntries(entries);
}

function finish(result: object, exchanges: readonly Exchange[], names: Names): Outcome {
  const requests = exchanges.map(({ method, path, status }) => `${method} ${path} ${status}`);
  // A redirect changes nothing, and neither does what isn't there.
  const writes = exchanges
    .filter(({ method, status }) => method !== 'GET' && status !== 302 && status !== 404)
    .map(({ method, path, body }) => ({
      method,
      path,
      body: body === '' ? null : withoutNulls(parseJson(body)),
    }));
  return placeheld({ ...result, requests, writes }, names) as Outcome;
}

/** What is new in each run, as placeholders. */
export function placeheld(value: unknown, { name, prefix, stacks }: Names): Json {
  let text = JSON.stringify(value) ?? 'null';
  for (const stack of stacks) {
    text = text.replaceAll(stack.id, stack.name === name ? '<id>' : `<id of ${stack.name}>`);
  }
  text = text
    .replace(/https?:\/\/127\.0\.0\.1:\d+(?:\/[\w/]+)?\/v1\/[0-9a-f]{32}/g, '<heat>')
    .replace(/127\.0\.0\.1:\d+/g, '<loopback>')
    .replaceAll(name, '<name>')
    .replaceAll(prefix, '<run>')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uuid>')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?/g, '<time>')
    .replace(/<(?:name|run)>[\w-]*/g, (physical) => physical.replace(/-[a-z0-9]{12}\b/g, '-<random>'))
    .replace(/\b[0-9a-f]{32}\b/g, '<hex>');
  return rawNumbersAsText(parseJson(text));
}

function rawNumbersAsText(value: Json): Json {
  if (isRawNumber(value)) return `number ${value.rawJSON}`;
  if (Array.isArray(value)) return value.map(rawNumbersAsText);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, rawNumbersAsText(member)]));
}

/** Heat takes null and "" for an option that isn't given. */
function withoutNulls(body: Json): Json {
  if (!isJsonObject(body)) return body;
  return Object.fromEntries(Object.entries(body).map(([key, value]) => [key, value === '' ? null : value]));
}

/** Where `actual` differs from `expected`: members that only `actual` has don't count, and null is like none. */
export function difference(
  actual: Json | undefined,
  expected: Json | undefined,
  path = '',
): string | undefined {
  if (expected === undefined || expected === null) {
    return actual === undefined || actual === null ? undefined : mismatch(path, actual, null);
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return mismatch(path, actual, expected);
    return firstDifference(expected.map((item, at) => [`${path}[${at}]`, actual[at], item]));
  }
  if (isJsonObject(expected)) {
    if (!isJsonObject(actual)) return mismatch(path, actual, expected);
    return firstDifference(
      Object.entries(expected).map(([key, item]) => [`${path}.${key}`, actual[key], item]),
    );
  }
  return actual === expected ? undefined : mismatch(path, actual, expected);
}

function firstDifference(
  members: [path: string, actual: Json | undefined, expected: Json][],
): string | undefined {
  for (const [path, actual, expected] of members) {
    const found = difference(actual, expected, path);
    if (found !== undefined) return found;
  }
  return undefined;
}

function mismatch(path: string, actual: Json | undefined, expected: Json): string {
  const short = (value: Json | undefined) => (JSON.stringify(value ?? null) ?? '').slice(0, 300);
  return `${path.replace(/^\./, '') || 'it'} is ${short(actual)} instead of ${short(expected)}`;
}
