import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, expect, it } from 'vitest';
import { cloudsYaml } from '../../support/clouds.ts';
import {
  condition,
  heatRequests,
  type LogLine,
  type Operator,
  RANDOM_STRING,
  scenario,
  underway,
} from '../../support/scenario.ts';

const s = scenario('credentials');
const WRONG = 'wrong-canary-5d02';
/** From the correction of a Secret to the first sign of it. */
const SOON_MS = 20_000;

let operator: Operator;
beforeAll(async () => {
  operator = await s.startOperator();
});

async function apply(name: string, secretName: string, template = RANDOM_STRING): Promise<void> {
  await s.apply(name, {
    cloudCredentialsRef: { secretName, cloudName: 'demo' },
    template: { inline: template },
  });
}

async function clear(name: string): Promise<void> {
  await s.delete(name);
  await s.gone(name);
}

function logins(lines: LogLine[]): LogLine[] {
  return lines.filter(({ msg, service }) => msg === 'cloud request' && service === 'identity');
}

const good = { 'clouds.yaml': readFileSync(s.bed.clouds, 'utf8') };

it.concurrent('waits for a Secret that is missing', async () => {
  const name = 'credentials-missing';
  await apply(name, 'late');
  const without = await s.notReady(name, 'CredentialsNotFound');
  expect(underway(without)).toEqual(['Reconciling']);
  expect(condition(without, 'Ready')).toMatchObject({
    status: 'False',
    message: expect.stringMatching(/spec\.cloudCredentialsRef: there is no Secret "late".*create it/),
  });

  // There, but without the key.
  await s.writeSecret('late', { 'cloud.yaml': 'misspelt' });
  const keyless = await s.until(name, 'told of the key', (object) =>
    (condition(object, 'Ready')?.message ?? '').includes('has no key "clouds.yaml"'),
  );
  expect(underway(keyless)).toEqual(['Reconciling']);

  await s.writeSecret('late', good);
  await s.until(name, 'made', ({ status }) => status.id !== undefined, SOON_MS);
  await s.ready(name);
  await clear(name);
});

it.concurrent('says what is wrong with clouds.yaml', async () => {
  const name = 'credentials-invalid';
  for (const [text, cure] of [
    ['clouds: [', /clouds\.yaml: it is not valid YAML at line \d+/],
    ['clouds: { other: {} }', /no cloud "demo" \(it has: other\)/],
    [
      cloudsYaml({ auth_type: 'v3oidcpassword' }),
      /auth_type: v3oidcpassword is not supported: .*; it can be password, /,
    ],
  ] as const) {
    await s.writeSecret('invalid', { 'clouds.yaml': text });
    if (!(await s.get(name))) await apply(name, 'invalid');
    const object = await s.until(name, `told of ${text}`, (last) =>
      cure.test(condition(last, 'Ready')?.message ?? ''),
    );
    expect(condition(object, 'Ready')?.reason).toBe('InvalidConfiguration');
    expect(underway(object)).toEqual(['Stalled']);
  }
  await s.writeSecret('invalid', good);
  await s.until(name, 'made', ({ status }) => status.id !== undefined, SOON_MS);
  await s.ready(name);
  await clear(name);
});

it.concurrent('goes on when the address of Keystone is right again', async () => {
  const name = 'credentials-unreachable';
  // A port that was free a moment ago.
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  await s.writeSecret('unreachable', {
    'clouds.yaml': cloudsYaml({ auth: { auth_url: `http://127.0.0.1:${port}/v3` } }),
  });
  await apply(name, 'unreachable');
  const object = await s.notReady(name, 'TransientError');
  expect(underway(object)).toEqual(['Reconciling']);
  expect(condition(object, 'Ready')?.message).toMatch(/Keystone.*can't be reached \(ECONNREFUSED\)/);

  await s.writeSecret('unreachable', good);
  await s.until(name, 'made', ({ status }) => status.id !== undefined, SOON_MS);
  await s.ready(name);
  await clear(name);
});

it('gives up on a wrong password, and goes on when it is corrected', async () => {
  const name = 'credentials-wrong';
  await s.writeSecret('wrong', { 'clouds.yaml': cloudsYaml({ auth: { password: WRONG } }) });
  const before = operator.log().length;
  await apply(name, 'wrong');
  const refused = await s.notReady(name, 'AuthenticationFailed');
  expect(underway(refused)).toEqual(['Reconciling']);
  expect(condition(refused, 'Ready')?.message).toMatch(/correct the credentials in the Secret/);

  const stalled = await s.until(name, 'Stalled', (object) => underway(object).includes('Stalled'));
  expect(condition(stalled, 'Ready')).toMatchObject({ status: 'False', reason: 'AuthenticationFailed' });
  const tries = logins(operator.log().slice(before));
  // One request a try: a locked account is worse than a late answer.
  expect(tries.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
  expect(heatRequests(operator.log().slice(before))).toEqual([]);
  expect(await s.events(name)).toContainEqual({
    type: 'Warning',
    reason: 'AuthenticationFailed',
    note: expect.any(String),
  });

  await s.writeSecret('wrong', good);
  await s.until(name, 'made', ({ status }) => status.id !== undefined, SOON_MS);
  await s.ready(name);
  await clear(name);
  expect(JSON.stringify(operator.log())).not.toContain(WRONG);
  expect(JSON.stringify([refused, stalled, await s.events(name)])).not.toContain(WRONG);
});

it('takes the new credentials when the Secret is rotated', async () => {
  const name = 'credentials-rotated';
  await s.writeSecret('rotated', good);
  await apply(name, 'rotated');
  const { status } = await s.ready(name);

  // Rotated to what doesn't work: a session that is still open doesn't hide it.
  await s.writeSecret('rotated', { 'clouds.yaml': cloudsYaml({ auth: { password: WRONG } }) });
  await s.notReady(name, 'AuthenticationFailed', SOON_MS);
  const before = operator.log().length;
  await s.writeSecret('rotated', { 'clouds.yaml': cloudsYaml({ api_timeout: 77 }) });
  const after = await s.ready(name, SOON_MS);
  expect(after.status).toMatchObject({ id: status.id, stackStatus: 'CREATE_COMPLETE' });
  expect(logins(operator.log().slice(before)).filter((login) => login['status'] === 201)).toHaveLength(1);
  await clear(name);
});
