import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { cloudsYaml } from '../../support/clouds.ts';
import { HeatProxy } from '../../support/heat-proxy.ts';
import { addUser, removeUser, type User } from '../../support/keystone-users.ts';
import {
  eventually,
  type LogLine,
  type Operator,
  RANDOM_STRING,
  scenario,
  slowTemplate,
} from '../../support/scenario.ts';

const s = scenario('rotation');
const SECRET = 'rotated';
const REF = { secretName: SECRET, cloudName: 'demo' };

let operator: Operator;
let proxy: HeatProxy;
/** Two users of the same project. */
let users: [User, User];

beforeAll(async () => {
  proxy = new HeatProxy(s.bed.heatUrl);
  await proxy.start();
  users = [await addUser(`${s.namespace}-one`, 'demo'), await addUser(`${s.namespace}-two`, 'demo')];
  operator = await s.startOperator();
});

afterAll(async () => {
  for (const user of users) await removeUser(user);
  await proxy.close();
});

afterEach(async () => {
  // Also what a failed test left: sessions are counted.
  await useCredentialsOf(users[0]);
  const left = await names();
  for (const name of left) await s.patch(name, { spec: { cloudCredentialsRef: REF, suspend: false } });
  for (const name of left) await s.delete(name);
  for (const name of left) await s.gone(name);
  await eventually(
    () => sessions(0).at(-1) === 'session closed 0',
    () => `the sessions: ${sessions(0).join(', ')}`,
  );
});

it('goes over to the new credentials at once, in the middle of an operation', async () => {
  const name = `${s.namespace}-busy`;
  await useCredentialsOf(users[0]);
  await apply(name, slowTemplate(12));
  await s.until(name, 'begun', ({ status }) => status.stackStatus === 'CREATE_IN_PROGRESS');
  // The stack is watched with the first token.
  await eventually(
    () => proxy.count('GET', '/stacks') > 0,
    () => 'nothing is watched',
  );
  const [old] = tokens();
  const since = operator.log().length;
  await useCredentialsOf(users[1]);
  await eventually(
    () => tokens().length === 2,
    () => `Heat saw ${tokens().length} tokens`,
  );
  expect(logins(since)).toEqual([201]);
  const during = await s.get(name);
  expect(during?.status.stackStatus).toBe('CREATE_IN_PROGRESS');
  await s.ready(name);

  const answers = proxy.answers.map(({ token }) => token);
  const first = answers.findIndex((token) => token !== old);
  expect(answers.slice(first)).not.toContain(old);
  const told = (await s.events(name)).filter(({ reason }) => reason === 'CredentialsRotated');
  const note = `logged in with the changed credentials of Secret "${SECRET}"`;
  expect(told).toEqual([{ reason: 'CredentialsRotated', type: 'Normal', note }]);
  // Watched to its end by the new session, which is the only one.
  expect(proxy.answers.slice(first).filter(({ path }) => path === '/stacks').length).toBeGreaterThan(0);
  expect(proxy.answers.filter(({ status }) => status >= 400)).toEqual([]);
  expect(sessions(since).toSorted()).toEqual(['session closed 1', 'session opened 1']);
});

it('goes over to the new credentials though nothing is to be done', async () => {
  const name = `${s.namespace}-idle`;
  await useCredentialsOf(users[0]);
  await apply(name, RANDOM_STRING);
  await s.ready(name);
  const since = operator.log().length;
  await useCredentialsOf(users[1]);
  await eventually(
    () => sessions(since).includes('session opened 1'),
    () => `the sessions: ${sessions(since).join(', ')}`,
  );
  expect(logins(since)).toEqual([201]);
  expect(sessions(since)).toEqual(['session closed 1', 'session opened 1']);
  await s.ready(name);
});

it('goes on with its session when the Secret changes and its content does not', async () => {
  const name = `${s.namespace}-label`;
  await useCredentialsOf(users[0]);
  await apply(name, RANDOM_STRING);
  await s.ready(name);
  const since = operator.log().length;
  await s.kubectl(['label', 'secret', SECRET, 'team=blue']);
  await s.reconciled(operator, name, since);
  await s.ask(name);
  expect(logins(since)).toEqual([]);
  expect(sessions(since)).toEqual([]);
  expect((await s.events(name)).map(({ reason }) => reason)).not.toContain('CredentialsRotated');
});

it('closes the session of a suspended object whose Secret is rotated', async () => {
  const name = `${s.namespace}-suspended`;
  await useCredentialsOf(users[0]);
  await apply(name, RANDOM_STRING);
  await s.ready(name);
  await s.patch(name, { spec: { suspend: true } });
  await s.until(
    name,
    'suspended',
    ({ metadata, status }) => status.observedGeneration === metadata.generation,
  );
  const since = operator.log().length;
  await useCredentialsOf(users[1]);
  await eventually(
    () => sessions(since).includes('session closed 0'),
    () => `the sessions: ${sessions(since).join(', ')}`,
  );
  expect(logins(since)).toEqual([]);
});

it('logs in once for all HeatStacks of a Secret, and keeps nothing after the last of them', async () => {
  const all = Array.from({ length: 6 }, (_, index) => `${s.namespace}-${index}`);
  await useCredentialsOf(users[0]);
  await s.writeSecret('other', { 'clouds.yaml': cloudsYaml({}) });
  const since = operator.log().length;
  await Promise.all(all.map((name) => apply(name, RANDOM_STRING)));
  for (const name of all) await s.ready(name);
  expect(logins(since)).toEqual([201]);
  expect(sessions(since)).toEqual(['session opened 1']);

  const [deleted = '', detached = '', moved = '', astray = '', broken = '', last = ''] = all;
  const ref = (secretName: string, cloudName = 'demo') => ({
    spec: { cloudCredentialsRef: { secretName, cloudName } },
  });
  await s.delete(deleted);
  await s.gone(deleted);
  await s.patch(detached, { spec: { managedOptions: { onDelete: 'detach' } } });
  await s.delete(detached);
  await s.gone(detached);
  await s.patch(astray, ref('missing'));
  await s.notReady(astray, 'CredentialsNotFound');
  await s.patch(broken, ref(SECRET, 'missing'));
  await s.notReady(broken, 'InvalidConfiguration');
  // Its Heat has another address, by the proxy, so it goes no further; it has left all the same.
  await s.patch(moved, ref('other'));
  await s.notReady(moved, 'CloudChanged');
  expect(sessions(since)).toEqual(['session opened 1', 'session opened 2']);
  await s.ask(last);

  await s.kubectl(['delete', 'secret', SECRET]);
  await s.notReady(last, 'CredentialsNotFound');
  await eventually(
    () => sessions(since).includes('session closed 1'),
    () => `the sessions: ${sessions(since).join(', ')}`,
  );
  await s.kubectl(['delete', 'secret', 'other']);
  await eventually(
    () => sessions(since).includes('session closed 0'),
    () => `the sessions: ${sessions(since).join(', ')}`,
  );
  expect(logins(since)).toEqual([201, 201]);
});

async function useCredentialsOf({ name, password }: User): Promise<void> {
  const text = cloudsYaml({
    auth: { username: name, password },
    orchestration_endpoint_override: proxy.endpoint,
  });
  await s.writeSecret(SECRET, { 'clouds.yaml': text });
}

async function apply(name: string, template: string): Promise<void> {
  await s.apply(name, {
    cloudCredentialsRef: REF,
    template: { inline: template },
  });
}

async function names(): Promise<string[]> {
  const text = await s.kubectl(['get', 'heatstacks', '-o', 'name']);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(/^.*\//, ''));
}

/** The tokens that Heat saw in this test, the oldest first. */
function tokens(): string[] {
  return [...new Set(proxy.answers.map(({ token }) => token))];
}

/** Statuses of the token requests since a line of the log. */
function logins(since: number): unknown[] {
  const isLogin = ({ msg, service }: LogLine): boolean => msg === 'cloud request' && service === 'identity';
  return operator
    .log()
    .slice(since)
    .filter(isLogin)
    .map(({ status }) => status);
}

/** What became of sessions since a line of the log, and how many there were then. */
function sessions(since: number): string[] {
  const lines = operator.log().slice(since);
  return lines
    .filter(({ msg }) => msg.startsWith('session '))
    .map(({ msg, sessions: count }) => `${msg} ${count}`);
}
