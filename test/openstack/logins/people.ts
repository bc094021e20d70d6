import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { parseCloudsYaml } from '../../../src/openstack/index.ts';
import { type CloudEntry, call, logIn, readCloud } from '../../testbed/keystone.ts';

/** Somebody who is signed in to Keystone with a password. */
export interface Person {
  entry: CloudEntry;
  authUrl: string;
  token: string;
  userId: string;
  projectId: string;
}

/** Signs in the user of one of the test bed's clouds. */
export async function person(clouds: string, name: string): Promise<Person> {
  const entry = await readCloud(clouds, name);
  const { authUrl, token, projectId } = await logIn(entry);
  const headers = { 'x-auth-token': token, 'x-subject-token': token };
  const shown = v.parse(
    v.object({ token: v.object({ user: v.object({ id: v.string() }) }) }),
    await (await fetch(`${authUrl}/auth/tokens`, { headers })).json(),
  );
  return { entry, authUrl, token, userId: shown.token.user.id, projectId };
}

/** An application credential. */
export interface Credential {
  id: string;
  name: string;
  secret: string;
}

/** Makes an application credential of a user for the project that the user is signed in to. */
export async function addCredential({ authUrl, token, userId }: Person): Promise<Credential> {
  const { body } = await call('POST', `${authUrl}/users/${userId}/application_credentials`, {
    token,
    body: { application_credential: { name: `logins-${randomUUID()}` } },
  });
  const credential = v.object({ id: v.string(), name: v.string(), secret: v.string() });
  return v.parse(v.object({ application_credential: credential }), body).application_credential;
}

export async function removeCredential(
  { authUrl, token, userId }: Person,
  { id }: Credential,
): Promise<void> {
  await call('DELETE', `${authUrl}/users/${userId}/application_credentials/${id}`, { token });
}

const ROLES = ['member', 'heat_stack_owner', 'reader'];

/** One person trusts another with the project: all roles in it, to act there in the own name. @returns the trust's id. */
export async function addTrust(
  from: Person,
  to: Person,
  { canDelegate }: { canDelegate: boolean },
): Promise<string> {
  const { body } = await call('POST', `${from.authUrl}/OS-TRUST/trusts`, {
    token: from.token,
    body: {
      trust: {
        trustor_user_id: from.userId,
        trustee_user_id: to.userId,
        project_id: from.projectId,
        impersonation: true,
        roles: ROLES.map((name) => ({ name })),
        ...(canDelegate && { allow_redelegation: true, redelegation_count: 3 }),
      },
    },
  });
  return v.parse(v.object({ trust: v.object({ id: v.string() }) }), body).trust.id;
}

/** The settings of a cloud in a clouds.yaml. */
export type Entry = Record<string, unknown> & { auth: Record<string, unknown> };

/** A cloud, read from a clouds.yaml that has it. */
export function cloud(entry: Entry, options: { cacert?: string; cert?: string; key?: string } = {}) {
  return parseCloudsYaml(JSON.stringify({ clouds: { it: entry } }), { cloudName: 'it', ...options });
}

export const TEMPLATE = {
  heat_template_version: '2018-08-31',
  resources: { random: { type: 'OS::Heat::RandomString' } },
};
