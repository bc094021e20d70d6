import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { TestbedError } from './errors.ts';

/** One cloud of clouds.yaml, as far as the test bed needs it. */
export interface CloudEntry {
  auth: {
    auth_url: string;
    username: string;
    password: string;
    project_name: string;
    user_domain_id: string;
    project_domain_id: string;
  };
}

/** A cloud of a clouds.yaml that the test bed wrote itself. */
export async function readCloud(cloudsFile: string, name: string): Promise<CloudEntry> {
  const file = parse(await readFile(cloudsFile, 'utf8')) as { clouds: Record<string, CloudEntry> };
  const cloud = file.clouds[name];
  if (cloud === undefined)
    throw new TestbedError(
      `${cloudsFile} has no cloud ${name}: it has ${Object.keys(file.clouds).join(', ')}`,
    );
  return cloud;
}

export interface Session {
  authUrl: string;
  token: string;
  projectId: string;
}

/** A password token for a cloud's project. */
export async function logIn({ auth }: CloudEntry, signal?: AbortSignal): Promise<Session> {
  const answer = await call('POST', `${auth.auth_url}/auth/tokens`, {
    signal,
    body: {
      auth: {
        identity: {
          methods: ['password'],
          password: {
            user: { name: auth.username, password: auth.password, domain: { id: auth.user_domain_id } },
          },
        },
        scope: { project: { name: auth.project_name, domain: { id: auth.project_domain_id } } },
      },
    },
  });
  const { token } = answer.body as { token: { project: { id: string } } };
  return {
    authUrl: auth.auth_url,
    token: answer.headers.get('x-subject-token') ?? '',
    projectId: token.project.id,
  };
}

/** Show or hide a service in Keystone's catalog: tokens issued from then on don't have it, or have it again. */
export async function setServiceInCatalog(
  admin: Session,
  serviceType: string,
  shown: boolean,
): Promise<void> {
  const url = `${admin.authUrl}/services`;
  const { body } = await call('GET', `${url}?type=${encodeURIComponent(serviceType)}`, admin);
  const { services } = body as { services: { id: string }[] };
  if (services.length === 0) {
    throw new TestbedError(`Keystone at ${admin.authUrl} knows no service of type ${serviceType}`);
  }
  for (const { id } of services) {
    await call('PATCH', `${url}/${id}`, { token: admin.token, body: { service: { enabled: shown } } });
  }
}

interface CallOptions {
  token?: string;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** One request to an OpenStack service. Throws a TestbedError unless the status is 2xx. */
export async function call(
  method: string,
  url: string,
  { token, body, signal }: CallOptions = {},
): Promise<{ headers: Headers; body: unknown }> {
  const answer = await fetch(url, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { 'x-auth-token': token }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: signal ?? AbortSignal.timeout(60_000),
  });
  const text = await answer.text();
  if (!answer.ok) throw new TestbedError(`${method} ${url}: ${answer.status}: ${text.slice(0, 300)}`);
  return { headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) };
}
