import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isJsonObject, type Json, type JsonObject, parseJson } from '../../json.ts';
import { type CloudConfig, parseCloudsYaml } from '../clouds.ts';
import { type Answer, badRequest, NO_ROUTE, Refusal, tooLarge } from './answer.ts';
import { type Fault, Faults } from './faults.ts';
import { MockHeat } from './heat.ts';
import { MALFORMED, MockKeystone, type MockUser, unauthorized } from './keystone.ts';
import type { MockResourceType } from './resource-types.ts';
import { HEAT_ROUTES } from './routes.ts';

export type { Fault } from './faults.ts';
export type { MockHeat } from './heat.ts';
export type { MockUser } from './keystone.ts';
export type { MockResourceType } from './resource-types.ts';
export type { Resource as MockResource, Stack as MockStack } from './stack.ts';

/** What a mock cloud is like. */
export interface MockCloudOptions {
  /** Default: demo (projects demo and demo2), alice (project alice), admin (project admin, administrator). */
  users?: MockUser[];
  /** Default: RegionOne. Each region has a Heat of its own, one Keystone serves all. */
  regions?: string[];
  /** False: the catalog has no Heat. */
  orchestration?: boolean;
  /** Default 3600. */
  tokenLifetimeSeconds?: number;
  /** How long each answer takes, in milliseconds. Default 0. */
  latencyMs?: number;
  /**
   * How many reads of a stack see its work in progress before the work ends. Default 1: code that forgets to wait
   * fails here as it would on a real cloud, and code that polls gets on at once. 0: work ends before the next read.
   */
  progressReads?: number;
  /**
   * False, as Keystone 30 has it by default: who signed in by application credential can't create stacks, since Heat
   * needs a trust for each. Default true, as older ones have it.
   */
  credentialTrusts?: boolean;
  /** Resource types beside `OS::Heat::*`: `{ 'OS::Nova::Server': { attributes: { first_address: '10.0.0.5' } } }`. */
  resourceTypes?: Record<string, MockResourceType>;
  /** The clock, in milliseconds since the epoch. Default `Date.now`. */
  now?: () => number;
}

/** A request that a mock cloud got. */
export interface MockRequest {
  service: 'identity' | 'orchestration';
  method: string;
  /** `/stacks/{name}/{id}`; of Keystone its path. */
  route: string;
  /** Below the service's address; of Heat below the project. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** Undefined when there is none, or it isn't JSON. */
  body: Json | undefined;
  /** Of the answer. Undefined: the connection was cut. */
  status: number | undefined;
}

/** Heat's `max_json_body_size`, in bytes. */
const MAX_BODY = 1024 * 1024;
const USERS: MockUser[] = [
  { name: 'demo', password: 'secret-of-demo', projects: ['demo', 'demo2'] },
  { name: 'alice', password: 'secret-of-alice', projects: ['alice'] },
  { name: 'admin', password: 'secret-of-admin', projects: ['admin'], admin: true },
];

/**
 * Starts a Keystone and a Heat in this process, on a port of loopback, to test programs that use them. They keep
 * stacks in memory and answer as Heat 27 and Keystone 30 do, to any client.
 *
 * Of templates it understands HOT: parameters with their constraints, resources of the types
 * `OS::Heat::RandomString`, `Value`, `None`, `TestResource`, `Delay`, `WaitCondition`, `WaitConditionHandle`,
 * `ResourceGroup`, nested templates, types that the test adds, and the usual functions; `yaql`, `repeat`, `digest`,
 * `map_replace`, `filter` and `make_url` give null. It fetches no URLs, keeps no quotas and knows no roles but the
 * administrator's. How long things take, and in which order independent resources are made, says nothing of a real
 * cloud.
 *
 * @example
 * await using cloud = await startMockCloud();
 * const connection = await connect(cloud.config());
 * const heat = connection.orchestration;
 *
 * await heat.createStack({ name: 'web', template });
 * (await heat.getStack('web')).status; // CREATE_IN_PROGRESS; from the next read on CREATE_COMPLETE
 *
 * cloud.heat.hold(); // work stays in progress …
 * await heat.deleteStack('web');
 * cloud.heat.finish('web', 'FAILED', 'port is in use'); // … until the test ends it
 *
 * cloud.failNext({ method: 'GET', status: 503, headers: { 'retry-after': '1' } });
 */
export async function startMockCloud(options: MockCloudOptions = {}): Promise<MockCloud> {
  const cloud = new MockCloud(options);
  await cloud.listen();
  return cloud;
}

/** A Keystone and a Heat for tests. Made by {@link startMockCloud}. */
export class MockCloud implements AsyncDisposable {
  /** What was asked, in its order. */
  readonly requests: MockRequest[] = [];
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #faults = new Faults();
  readonly #keystone: MockKeystone;
  readonly #heats: MockHeat[];
  readonly #users: MockUser[];
  readonly #options: MockCloudOptions;
  #origin = '';
  #requestCount = 0;

  /** @internal */
  constructor(options: MockCloudOptions) {
    const { users = USERS, regions = ['RegionOne'], now = Date.now, orchestration = true } = options;
    const {
      resourceTypes = {},
      progressReads = 1,
      credentialTrusts = true,
      tokenLifetimeSeconds = 3600,
    } = options;
    this.#options = options;
    this.#users = users;
    this.#heats = regions.map((region) => {
      return new MockHeat(region, () => this.#heatUrl(region), {
        resourceTypes,
        progressReads,
        credentialTrusts,
        now,
      });
    });
    const identity = regions.map((region) => ({ region, url: () => this.authUrl }));
    this.#keystone = new MockKeystone(users, {
      url: () => `${this.#origin}/identity`,
      services: () => [
        {
          type: 'identity',
          name: 'keystone',
          endpoints: () => identity.map(({ region, url }) => ({ region, url: url() })),
        },
        ...(orchestration
          ? [
              {
                type: 'orchestration',
                name: 'heat',
                endpoints: (project: string) =>
                  regions.map((region) => ({ region, url: `${this.#heatUrl(region)}/v1/${project}` })),
              },
            ]
          : []),
      ],
      now,
      tokenLifetimeSeconds,
    });
  }

  /** @internal */
  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    this.#origin = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Keystone's address: `http://127.0.0.1:<port>/identity/v3`. */
  get authUrl(): string {
    return `${this.#origin}/identity/v3`;
  }

  /** The Heat of the first region. */
  get heat(): MockHeat {
    return this.heatOf(this.#heats[0]?.region ?? '');
  }

  /**
   * The Heat of a region.
   *
   * @throws Error when there is no such region.
   */
  heatOf(region: string): MockHeat {
    const heat = this.#heats.find((each) => each.region === region);
    if (!heat) throw new Error(`The mock cloud has no region ${region}.`);
    return heat;
  }

  /** A clouds.yaml with a cloud for each project, of the project's name. */
  get cloudsYaml(): string {
    const region = this.#heats[0]?.region;
    const clouds = this.#users.flatMap(({ name: username, password, projects }) =>
      projects.map((project) => {
        const domains = { user_domain_id: 'default', project_domain_id: 'default' };
        const auth = { auth_url: this.authUrl, username, password, project_name: project, ...domains };
        return [project, { auth, region_name: region, identity_api_version: '3' }];
      }),
    );
    // JSON is YAML.
    return JSON.stringify({ clouds: Object.fromEntries(clouds) }, undefined, 2);
  }

  /** A cloud of {@link cloudsYaml}, for `connect()`. */
  config(cloudName = this.#users[0]?.projects[0] ?? ''): CloudConfig {
    return parseCloudsYaml(this.cloudsYaml, { cloudName });
  }

  /** The id of a project. */
  projectId(name: string): string | undefined {
    return this.#keystone.projectId(name);
  }

  /** Of tokens that are given from now on. */
  set tokenLifetimeSeconds(seconds: number) {
    this.#keystone.tokenLifetimeSeconds = seconds;
  }

  /** From now on, no token that was given is accepted: neither by Keystone nor by Heat. */
  revokeTokens(): void {
    this.#keystone.revokeAll();
  }

  /** Has the next request that fits go wrong. Faults are used up in the order in which they were added. */
  failNext(fault: Fault = {}): void {
    this.#faults.add(fault);
  }

  /** Takes back what {@link failNext} said. */
  clearFaults(): void {
    this.#faults.clear();
  }

  /** Ends the server and all its connections. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #heatUrl(region: string): string {
    return `${this.#origin}/orchestration/${region}`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const text = Buffer.concat(chunks).toString('utf8');
    const { method = '' } = request;
    const url = new URL(request.url ?? '', this.#origin);
    const target = this.#target(method, url);
    const seen: MockRequest = {
      service: target.service,
      method,
      route: target.route,
      path: target.path,
      query: url.searchParams,
      headers: request.headers,
      body: read(text),
      status: undefined,
    };
    this.requests.push(seen);
    const fault = this.#faults.take(seen.service, method, seen.route);
    const delay = (this.#options.latencyMs ?? 0) + (fault?.delayMs ?? 0);
    if (delay > 0) await sleep(delay);
    if (fault?.drop === 'before') return void request.socket.destroy();
    const isWrong = fault && (fault.status !== undefined || fault.delayMs === undefined) && !fault.drop;
    const answer = isWrong ? faultAnswer(fault) : answerOf(() => target.answer(seen, text));
    if (fault?.drop === 'after') return void request.socket.destroy();
    seen.status = answer.status;
    this.#send(response, method, answer);
  }

  /** Whose request it is, by its address. */
  #target(method: string, url: URL) {
    const heat = this.#heats.find(({ region }) => url.pathname.startsWith(`/orchestration/${region}`));
    if (!heat) {
      const path = url.pathname.replace(/^\/identity/, '');
      const answer = (seen: MockRequest, text: string): Answer => {
        if (text !== '' && seen.body === undefined) return MALFORMED;
        const headers = seen.headers as Record<string, string | undefined>;
        return this.#keystone.answer(method, path, headers, seen.body ?? null);
      };
      return { service: 'identity' as const, path, route: path, answer };
    }
    const path = url.pathname.slice(`/orchestration/${heat.region}`.length);
    const [, projectId = '', below = ''] = /^\/v1\/([^/]+)(.*)$/.exec(path) ?? [];
    const fits = HEAT_ROUTES.filter(([, route]) => paramsOf(route, below));
    const found = fits.find(([each]) => each === method);
    const route = (found ?? fits[0])?.[1] ?? below;
    const answer = (seen: MockRequest, text: string): Answer => {
      if (path === '' || path === '/') return versions(this.#heatUrl(heat.region));
      const token = this.#keystone.token(seen.headers['x-auth-token'] as string | undefined);
      if (!token) return unauthorized(`${this.#origin}/identity`);
      if (fits.length === 0) return NO_ROUTE;
      if (method === 'OPTIONS')
        return { status: 204, headers: { allow: fits.map(([each]) => each).join(',') } };
      if (!found) return methodNotAllowed(method);
      const isForeign = token.project?.id !== projectId && !token.isAdmin;
      if (isForeign || !token.project) {
        throw new Refusal(403, 'HTTPForbidden', 'Access was denied to this resource.');
      }
      const body = method === 'GET' || method === 'DELETE' ? {} : bodyOf(text, found[1]);
      const params = paramsOf(found[1], below) ?? {};
      const asked = `${url.origin}${url.pathname}`;
      return found[2]({ heat, token, projectId, params, query: seen.query, body, url: asked });
    };
    return { service: 'orchestration' as const, path: below, route, answer };
  }

  #send(response: ServerResponse, method: string, { status, body, headers }: Answer): void {
    this.#requestCount += 1;
    const isText = typeof body === 'string';
    response.writeHead(status, {
      ...(body !== undefined && { 'content-type': isText ? 'text/html; charset=utf-8' : 'application/json' }),
      'x-openstack-request-id': `req-00000000-0000-4000-8000-${String(this.#requestCount).padStart(12, '0')}`,
      ...headers,
    });
    response.end(body === undefined || method === 'HEAD' ? undefined : isText ? body : JSON.stringify(body));
  }
}

function answerOf(work: () => Answer): Answer {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return error.answer();
    // A fault of the mock itself: said to whoever reads the test's output.
    const { stack: told } = error instanceof Error ? error : { stack: String(error) };
    return { status: 500, body: { error: { type: 'MockFailure', message: told, traceback: null } } };
  }
}

function faultAnswer({ status = 503, body, headers = {} }: Fault): Answer {
  return {
    status,
    body: body === undefined ? `<html><body><h1>${status}</h1></body></html>` : body,
    headers,
  };
}

/** The values of a route's placeholders in a path. */
function paramsOf(route: string, path: string): Record<string, string> | undefined {
  const [parts, given] = [route.split('/'), path.split('/')];
  if (parts.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const value = given[index] ?? '';
    if (!part.startsWith('{')) {
      if (part !== value) return undefined;
    } else {
      params[part.slice(1, -1)] = decodeURIComponent(value);
    }
  }
  return params;
}

function read(text: string): Json | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

function bodyOf(text: string, route: string): JsonObject {
  const size = Buffer.byteLength(text);
  if (size > MAX_BODY) throw tooLarge('JSON body', size, MAX_BODY);
  // A signal, and an action, may come without a body.
  if (text === '' && /signal$|actions$|restore$|^\/stacks\/\{name\}/.test(route)) return {};
  const body = read(text);
  if (body === undefined && text !== '') throw badRequest('Expecting value: line 1 column 1 (char 0)');
  if (isJsonObject(body)) return body;
  throw badRequest(
    'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  );
}

function versions(url: string): Answer {
  const links = [{ rel: 'self', href: `${url}/v1/` }];
  return { status: 300, body: { versions: [{ id: 'v1.0', status: 'CURRENT', links }] } };
}

function methodNotAllowed(method: string): Answer {
  const { body } = badRequest(
    'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  ).answer();
  const { error, ...others } = body as JsonObject;
  const told = {
    ...others,
    code: 405,
    title: 'Method Not Allowed',
    error: { ...(error as JsonObject), type: 'HTTPMethodNotAllowed' },
  };
  return { status: 405, ...(method !== 'HEAD' && { body: told }) };
}
