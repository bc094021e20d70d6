import { afterAll, expect, it } from 'vitest';
import { cloudsYaml } from '../../support/clouds.ts';
import { addUser, removeUser, type User } from '../../support/keystone-users.ts';
import { scenario, slowTemplate } from '../../support/scenario.ts';
import { heatProxy, oneStackEach } from '../support/heat.ts';
import { installed } from '../support/installation.ts';
import { operatorPods } from '../support/pods.ts';

const proxy = heatProxy();
const release = installed();
const s = scenario('pod-rotation');
const users: User[] = [];
afterAll(async () => {
  for (const user of users) await removeUser(user).catch(() => undefined);
});

/** Makes a user of the stacks' project, and gives its credentials to the operator. */
async function rotate(name: string): Promise<User> {
  const user = await addUser(`${s.namespace}-${name}`, 'demo');
  users.push(user);
  const auth = { username: user.name, password: user.password };
  const cloud = { auth, orchestration_endpoint_override: proxy.endpoint };
  await s.writeSecret('rotated', { 'clouds.yaml': cloudsYaml(cloud) });
  return user;
}

it('goes over to the new credentials', async () => {
  const name = `${s.namespace}-busy`;
  const pods = async () => (await operatorPods(release)).map(({ metadata }) => metadata.uid);
  const before = await pods();
  const spec = (template: string) => ({
    cloudCredentialsRef: { secretName: 'rotated', cloudName: 'demo' },
    template: { inline: template },
  });
  const old = await rotate('one');
  await s.apply(name, spec(slowTemplate(4)));
  await s.until(name, 'begun', ({ status }) => status.stackStatus === 'CREATE_IN_PROGRESS');
  await rotate('two');
  await expect
    .poll(async () => (await s.events(name)).map(({ reason }) => reason))
    .toContain('CredentialsRotated');
  await removeUser(old);
  const ids = await oneStackEach(s, [name]);
  await s.apply(name, spec(slowTemplate(1, 'two')));
  expect(await oneStackEach(s, [name])).toEqual(ids);
  expect((await s.get(name))?.status.stackStatus).toBe('UPDATE_COMPLETE');
  await s.delete(name);
  await s.gone(name);
  expect(await s.stacksNamed(name)).toEqual([]);
  expect(await pods()).toEqual(before);
  // Heat goes on to take a token that it knows, for a while, whatever has become of its user.
  const token = (of: string) => proxy.answers.find(({ method }) => method === of)?.token;
  expect(token('PUT')).not.toBe(token('POST'));
  expect(token('DELETE')).toBe(token('PUT'));
});
