import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { parse } from 'yaml';
import { bed } from './scenario.ts';

/** A user that a test made. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly password: string;
}

const ROLES = ['member', 'heat_stack_owner'];
const named = v.object({ id: v.string(), name: v.string() });

/** Makes a user who may do in a project what the users of the test bed may in theirs. */
export async function addUser(name: string, project: string): Promise<User> {
  const keystone = await administrator();
  const password = `pw-${randomUUID()}`;
  const body = { user: { name, password, domain_id: 'default' } };
  const { user } = v.parse(v.object({ user: named }), await keystone('POST', '/users', body));
  const { projects } = v.parse(v.object({ projects: v.array(named) }), await keystone('GET', '/projects'));
  const { roles } = v.parse(v.object({ roles: v.array(named) }), await keystone('GET', '/roles'));
  const where = projects.find((each) => each.name === project);
  for (const role of roles.filter((each) => ROLES.includes(each.name)))
    await keystone('PUT', `/projects/${where?.id}/users/${user.id}/roles/${role.id}`);
  return { id: user.id, name, password };
}

/** Takes a user away, and with it all that it may do. */
export async function removeUser({ id }: User): Promise<void> {
  await (await administrator())('DELETE', `/users/${id}`);
}

type Call = (method: string, path: string, body?: object) => Promise<unknown>;

/** Keystone's API, signed in as its administrator. */
async function administrator(): Promise<Call> {
  const { authUrl, clouds } = bed();
  const password = v.parse(
    v.object({ clouds: v.object({ admin: v.object({ auth: v.object({ password: v.string() }) }) }) }),
    parse(readFileSync(clouds, 'utf8')),
  ).clouds.admin.auth.password;
  const domain = { id: 'default' };
  let token = '';
  const call = async (method: string, path: string, body?: object): Promise<Response> => {
    const headers = { 'content-type': 'application/json', 'x-auth-token': token };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(`${authUrl}${path}`, { method, headers, ...sent });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
    return answer;
  };
  const login = await call('POST', '/auth/tokens', {
    auth: {
      identity: { methods: ['password'], password: { user: { name: 'admin', domain, password } } },
      scope: { project: { name: 'admin', domain } },
    },
  });
  token = login.headers.get('x-subject-token') ?? '';
  return async (method, path, body) => {
    const answer = await call(method, path, body);
    return answer.status === 204 ? undefined : answer.json();
  };
}
