import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { stringify } from 'yaml';
import {
  FakeCloud,
  PROJECT,
  pick,
  type Reply,
  type Seen,
  sample,
} from '../../src/openstack/testdata/fake-cloud.ts';
import type { CloudSettings } from './clouds.ts';

const MIB = 1024 * 1024;
/** What Heat has of a stack, whatever was sent for it. */
export const TEMPLATE: Reply = { status: 200, body: { heat_template_version: '2018-08-31', resources: {} } };

/** A stack of a {@link HostileCloud}. Its parts are what Heat says of it, to be changed at will. */
export interface HostileStack {
  readonly id: string;
  readonly name: string;
  /** Below the endpoint, for {@link FakeCloud.on}: `/stacks/<name>/<id>`. */
  readonly path: string;
  /** Whether Heat has it; a create makes it so, a delete ends it. */
  exists: boolean;
  /** Members of the answer to a GET that differ from the sample's. */
  fields: Record<string, unknown>;
  /** The members of its resources that differ from the sample's, one item for each resource. */
  resources: Record<string, unknown>[];
}

/**
 * A Keystone and a Heat on loopback that a tenant might run: what isn't told otherwise works as in a real cloud (a create
 * is complete at once), with answers in the shape of real ones. Any answer can be replaced with {@link FakeCloud.on},
 * {@link FakeCloud.tokenReplies} and {@link FakeCloud.editToken}, by something of the kinds below. It remembers all
 * requests with their headers: {@link FakeCloud.signIns} and {@link FakeCloud.seen}.
 *
 * @example
 * const cloud = await new HostileCloud().start();
 * await it.writeSecret('hostile', { 'clouds.yaml': cloud.cloudsYaml() });
 * cloud.on(`GET ${cloud.stack('web').path}`, endless());
 */
export class HostileCloud extends FakeCloud {
  readonly #stacks = new Map<string, HostileStack>();

  /** A clouds.yaml with the cloud "demo", which leads here. */
  cloudsYaml(changes: CloudSettings = {}): string {
    const auth = {
      auth_url: `${this.origin}/v3`,
      username: 'demo',
      password: 'pa55-of-hostile',
      project_name: 'demo',
    };
    const domains = { user_domain_name: 'Default', project_domain_name: 'Default' };
    const demo = { region_name: 'RegionOne', ...changes, auth: { ...auth, ...domains, ...changes.auth } };
    return stringify({ clouds: { demo } });
  }

  /** The stack with a name, whether it exists already or not. */
  stack(name: string): HostileStack {
    let stack = this.#stacks.get(name);
    if (!stack) {
      const id = randomUUID();
      const path = `/stacks/${encodeURIComponent(name)}/${id}`;
      stack = { id, name, path, exists: false, fields: {}, resources: [{}] };
      this.#stacks.set(name, stack);
    }
    return stack;
  }

  protected override otherwise(seen: Seen): Reply {
    const { method, path, query } = seen;
    if (path === '/stacks' && method === 'POST') return this.#create(seen);
    if (path === '/stacks') {
      const search = new URLSearchParams(query);
      const rows = [...this.#stacks.values()].filter(
        ({ exists, name }) =>
          exists && (search.get('name') ?? name) === name && search.get('status') === null,
      );
      return { status: 200, body: { stacks: rows.map((stack) => this.#shown(stack)) } };
    }
    const stack = [...this.#stacks.values()].find(
      ({ path: own }) => path === own || path.startsWith(`${own}/`),
    );
    if (!stack?.exists) return sample('stack_404');
    switch (`${method} ${path.slice(stack.path.length)}`) {
      case 'GET ':
        return { status: 200, body: { stack: this.#shown(stack) } };
      case 'GET /resources':
        return { status: 200, body: { resources: resourceList(stack.resources) } };
      case 'GET /events':
        return { status: 200, body: { events: [] } };
      case 'GET /template':
        return TEMPLATE;
      case 'GET /environment':
        return sample('environment');
      case 'GET /files':
        return sample('files');
      case 'PUT ':
        return sample('update_put_202');
      case 'DELETE ':
        stack.exists = false;
        return sample('delete_204');
      default:
        return super.otherwise(seen);
    }
  }

  #create({ body }: Seen): Reply {
    const { stack_name: name, tags = '' } = JSON.parse(body) as { stack_name: string; tags?: string };
    const stack = this.stack(name);
    if (stack.exists) return sample('duplicate_409');
    stack.exists = true;
    stack.fields = { tags: tags.split(','), ...stack.fields };
    return { status: 201, body: { stack: { id: stack.id, links: [] } } };
  }

  #shown({ id, name, path, fields }: HostileStack): unknown {
    const known = pick(sample('get_stack').body, 'stack');
    const links = [{ rel: 'self', href: `${this.origin}/v1/${PROJECT}${path}` }];
    return { ...(known as object), id, stack_name: name, links, ...fields };
  }
}

/** Resources as Heat lists them: the sample's with other members, one for each item. */
export function resourceList(changes: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  const known = pick(sample('resources').body, 'resources', '0') as Record<string, unknown>;
  return changes.map((members) => ({ ...known, ...members }));
}

/** No answer at all: the request is read, and that is it. */
export function silence(): Reply {
  return () => {};
}

/** A head of an answer whose body never begins. */
export function headOnly(status = 200): Reply {
  return (_seen, response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': '10' });
    response.flushHeaders();
  };
}

/** A body that goes on for ever, a byte every `everyMs` milliseconds; still good JSON so far. */
export function drip(everyMs = 200, status = 200): Reply {
  return (_seen, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    const timer = setInterval(() => response.write(' '), everyMs);
    response.once('close', () => clearInterval(timer));
  };
}

/** A body that goes on as fast as it is taken, at most 1 GiB; still good JSON so far. */
export function endless(status = 200): Reply {
  return (_seen, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    pump(response, Buffer.alloc(MIB, ' '), 1024);
  };
}

/** Zeros, compressed a thousandfold. */
export function gzipOfZeros(mebibytes = 1024): Reply {
  return (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    pump(response, gzipSync(Buffer.alloc(MIB)), mebibytes);
  };
}

/** A page for people, as a proxy in between answers with. */
export function html(status = 200, text = 'Welcome'): Reply {
  return { status, body: `<!doctype html><title>${text}</title><h1>${text}</h1>` };
}

/** A body as it is, called JSON. */
export function raw(text: string, status = 200): Reply {
  return (_seen, response) => response.writeHead(status, { 'content-type': 'application/json' }).end(text);
}

/** A redirect; with the default status, the kind that asks for the same request again. */
export function redirect(location: string, status = 307): Reply {
  return { status, headers: { location } };
}

/** JSON text of lists in lists, `levels` deep. */
export function deepJson(levels: number): string {
  return `${'['.repeat(levels)}${']'.repeat(levels)}`;
}

/** JSON text of objects in objects, `levels` deep. */
export function deepObject(levels: number): string {
  return `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
}

/** Writes a chunk a number of times, no faster than the client reads. */
function pump(response: ServerResponse, chunk: Buffer, times: number): void {
  let left = times;
  const more = (): void => {
    while (left > 0) {
      left -= 1;
      if (!response.write(chunk)) return;
    }
    response.end();
  };
  response.on('drain', more);
  more();
}
