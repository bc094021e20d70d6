import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Answer, Tamper } from '../recording-proxy.ts';
import { scenario } from '../scenario.ts';
import * as templates from '../templates.ts';

const HTML = { headers: { 'content-type': 'text/html' }, body: '<html><h1>It is broken</h1></html>' };
const fault = (code: number, type: string, message: string): Partial<Answer> => ({
  status: code,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ code, title: 'x', explanation: 'x', error: { type, message, traceback: null } }),
});
/** Changes the first answer only. */
const first =
  (change: Partial<Answer>): Tamper =>
  (_answer, { count }) =>
    count === 1 ? change : undefined;
/** Changes every answer with a status below 300: what a look-up finds stays. */
const found =
  (change: Partial<Answer>): Tamper =>
  ({ status }) =>
    status < 300 ? change : undefined;

/** A server that is none of the cloud's, to which an answer may lead; it ends with the process. */
async function stranger() {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers['x-auth-token'] === undefined ? 'no token' : 'the token');
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({ stack: { id: 'x', stack_name: 'x', stack_status: 'CREATE_COMPLETE', links: [] } }),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
/** Leads a look-up to the same path elsewhere. */
const led = ({ status, headers: { location } }: Answer, base: string): Partial<Answer> | undefined =>
  status === 302 ? { headers: { location: String(location).replace(/^https?:\/\/[^/]+/, base) } } : undefined;

/** What happens on the way: redirects, proxies, failures that pass. */
export const WIRE = [
  scenario({
    name: 'a redirect to another host',
    cloud: 'alice',
    prepare: stranger,
    sdk: `pick(heat.get_stack(web['name']), 'name')`,
    ours: ({ heat, web }) => heat.getStack(web.name),
    tamper: (answer, _request, { url }) => led(answer, url),
    after: async (_world, { seen }) => seen,
    better: {
      because:
        "openstacksdk sends the token to whatever host an answer names; ours stays with the cloud's own.",
      sdk: { value: { name: 'x' }, after: ['the token'] },
      ours: { value: { name: '<run>-web' }, after: [] },
    },
  }),
  scenario({
    name: 'a redirect to an address that only the cloud itself can reach',
    cloud: 'alice',
    sdk: `pick(heat.get_stack(web['name']), 'name')`,
    ours: ({ heat, web }) => heat.getStack(web.name),
    // Heat behind a TLS terminator names itself by http, at a port that is closed.
    tamper: (answer) => led(answer, 'http://127.0.0.1:9'),
    better: {
      because: 'openstacksdk goes there; ours takes only name and id out of the address.',
      sdk: { error: 'ConnectionFailed' },
      ours: { value: { name: '<run>-web' } },
    },
  }),
  scenario({
    name: 'redirects without end',
    cloud: 'alice',
    sdk: `heat.get_stack(web['name'])`,
    ours: ({ heat, web }) => heat.getStack(web.name),
    tamper: (_answer, { base }) => ({ status: 302, headers: { location: `${base}/stacks/one/two` } }),
    better: {
      because: 'openstacksdk follows thirty of them and takes the last for a stack; ours follows none.',
      sdk: { value: { id: '<run>-web', status: null } },
      ours: {
        error: 'InvalidResponse',
        requests: ['GET /stacks/<run>-web 302', 'GET /stacks/one/two 302'],
      },
    },
  }),
  scenario({
    name: 'find a stack behind a proxy that answers 404 itself',
    cloud: 'alice',
    sdk: `heat.find_stack(web['name'])`,
    ours: ({ heat, web }) => heat.findStack(web.name),
    tamper: first({ status: 404, ...HTML }),
    better: {
      because: "openstacksdk takes it for Heat's word that there is no such stack.",
      sdk: { value: null },
      ours: { error: 'ResourceNotFound', status: 404, type: undefined },
    },
  }),
  scenario({
    name: 'delete a stack behind a proxy that answers 404 itself',
    prepare: async (world) => ({ stack: await world.create() }),
    sdk: `heat.delete_stack(name)`,
    ours: ({ heat, name }) => heat.deleteStack(name),
    tamper: () => ({ status: 404, ...HTML }),
    better: {
      because: 'openstacksdk takes the stack for deleted.',
      sdk: { value: null },
      ours: { error: 'ResourceNotFound', status: 404 },
    },
  }),
  scenario({
    name: 'find a stack of which Heat misses a part (404 of type NotFound)',
    cloud: 'alice',
    sdk: `heat.find_stack(web['name'])`,
    ours: ({ heat, web }) => heat.findStack(web.name),
    tamper: found(fault(404, 'NotFound', 'ResourcePropertiesData with id 7 not found')),
    better: {
      because: 'openstacksdk takes any 404 for "no such stack"; only the type EntityNotFound says so.',
      sdk: { value: null },
      ours: { error: 'ResourceNotFound', type: 'NotFound' },
    },
  }),
  scenario({
    name: 'wait for a delete behind a proxy that answers 404 itself',
    polls: true,
    cloud: 'alice',
    sdk: `heat.wait_for_delete(Stack.existing(**web), interval=0.2, wait=30) and 'gone'`,
    ours: ({ heat, web }) =>
      heat.waitForStack(web, { until: 'DELETE_COMPLETE', intervalMs: 200, timeoutMs: 30_000 }),
    tamper: () => ({ status: 404, ...HTML }),
    better: {
      because: 'openstacksdk takes the stack for gone.',
      sdk: { value: 'gone' },
      ours: { error: 'ResourceNotFound' },
    },
  }),
  scenario({
    name: 'a page of HTML instead of an answer',
    cloud: 'alice',
    sdk: `heat.get_stack(web['name'])`,
    ours: ({ heat, web }) => heat.getStack(web.name),
    tamper: found({ status: 200, ...HTML }),
    better: {
      because: 'openstacksdk makes a stack without a status of it.',
      sdk: { value: { id: '<run>-web', status: null } },
      ours: { error: 'InvalidResponse' },
    },
  }),
  scenario({
    name: 'a page of HTML instead of a list',
    cloud: 'alice',
    sdk: `list(heat.stacks())`,
    ours: ({ heat }) => heat.stacks(),
    tamper: found({ status: 200, ...HTML }),
    better: {
      because: 'openstacksdk fails with an error of the library below it; ours says what answered.',
      sdk: { error: 'JSONDecodeError' },
      ours: { error: 'InvalidResponse' },
    },
  }),
  scenario({
    name: 'a service that is busy for a moment (503 with Retry-After)',
    cloud: 'alice',
    sdk: `pick(heat.get_stack(web['name']), 'name')`,
    ours: ({ heat, web }) => heat.getStack(web.name),
    tamper: first({
      status: 503,
      headers: { 'content-type': 'text/html', 'retry-after': '0' },
      body: '<html>',
    }),
    better: {
      because:
        'openstacksdk gives up at once unless it is configured otherwise; ours repeats what is safe to repeat.',
      sdk: { error: 'ServerError', status: 503 },
      ours: { value: { name: '<run>-web' } },
    },
  }),
  scenario({
    name: 'a create whose answer is lost (502) is not repeated',
    prepare: async () => ({ template: templates.SIMPLE }),
    sdk: `heat.create_stack(name=name, template=template)`,
    ours: ({ heat, name, template }) => heat.createStack({ name, template }),
    tamper: first({ status: 502, ...HTML }),
    after: async (world) => (await world.look())?.['stack_name'] ?? null,
    expect: { error: 'ServerError', status: 502, after: '<name>' },
  }),
  scenario({
    name: 'a token that is refused once (401)',
    cloud: 'alice',
    sdk: `pick(heat.get_stack(web['name']), 'name')`,
    ours: ({ heat, web }) => heat.getStack(web.name),
    tamper: first({
      status: 401,
      headers: { 'content-type': 'application/json' },
      body: '{"error":{"code":401,"title":"Unauthorized","message":"The request you have made requires authentication."}}',
    }),
    expect: { value: { name: '<run>-web' } },
  }),
  scenario({
    name: 'tokens that are always refused (401)',
    // Not with alice's token: openstacksdk gives up at once when another call has just found it refused.
    cloud: 'admin',
    sdk: `heat.get_stack(web['name'])`,
    ours: ({ heat, web }) => heat.getStack(web.name),
    tamper: () => ({
      status: 401,
      headers: { 'content-type': 'application/json' },
      body: '{"error":{"code":401,"title":"Unauthorized","message":"The request you have made requires authentication."}}',
    }),
    expect: { error: 'Unauthorized', status: 401 },
  }),
  scenario({
    name: 'too many requests (429)',
    cloud: 'alice',
    sdk: `pick(heat.get_stack(web['name']), 'name')`,
    ours: ({ heat, web }) => heat.getStack(web.name),
    tamper: first({ status: 429, headers: { 'retry-after': '0' }, body: '' }),
    better: {
      because: 'openstacksdk gives up at once unless it is configured otherwise.',
      sdk: { error: 'TooManyRequests', status: 429 },
      ours: { value: { name: '<run>-web' } },
    },
  }),
  scenario({
    name: 'a list whose pages never end',
    cloud: 'alice',
    sdk: `list(heat.stacks(limit=1))`,
    ours: ({ heat }) => heat.stacks({ limit: 1 }),
    tamper: (_answer, { base }) => ({
      body: JSON.stringify({
        stacks: [{ id: 'a', stack_name: 'a', stack_status: 'CREATE_COMPLETE', links: [] }],
        links: [{ rel: 'next', href: `${base}/stacks?limit=1&marker=a` }],
      }),
    }),
    better: {
      because: 'Both notice it; ours has a code for it.',
      sdk: { error: 'SDKException' },
      ours: { error: 'InvalidResponse' },
    },
  }),
  scenario({
    name: 'delete a software configuration behind a proxy that answers 404 itself',
    cloud: 'alice',
    sdk: `heat.delete_software_config('01234567-89ab-cdef-0123-456789abcdef')`,
    ours: ({ heat }) => heat.deleteSoftwareConfig('01234567-89ab-cdef-0123-456789abcdef'),
    tamper: () => ({ status: 404, ...HTML }),
    better: {
      because: 'openstacksdk takes it for deleted.',
      sdk: { value: null },
      ours: { error: 'ResourceNotFound', status: 404 },
    },
  }),
  scenario({
    name: 'a quota that is used up',
    prepare: async () => ({ template: templates.SIMPLE }),
    sdk: `heat.create_stack(name=name, template=template)`,
    ours: ({ heat, name, template }) => heat.createStack({ name, template }),
    tamper: () =>
      fault(
        400,
        'RequestLimitExceeded',
        'You have reached the maximum stacks per tenant, 512. Please delete some stacks.',
      ),
    better: {
      because: 'Heat says 400, as of a wrong request; ours tells the two apart.',
      sdk: { error: 'BadRequest', status: 400 },
      ours: { error: 'QuotaExceeded', status: 400 },
    },
  }),
];
