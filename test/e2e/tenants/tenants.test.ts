import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TAGS } from '../../../src/api/constants.ts';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import type { Stack } from '../../../src/openstack/index.ts';
import { sample } from '../../../src/openstack/testdata/fake-cloud.ts';
import { cloudsYaml } from '../../support/clouds.ts';
import { HostileCloud, TEMPLATE } from '../../support/hostile-cloud.ts';
import {
  condition,
  eventually,
  heatWrites,
  isCurrent,
  type Operator,
  RANDOM_STRING,
  scenario,
  slowTemplate,
} from '../../support/scenario.ts';

const victim = scenario('tenants-victim');
const attacker = scenario('tenants-attacker');
/** Name of a HeatStack and its stack, in both namespaces. */
const name = `${victim.namespace}-web`;
/** The same for a stack that takes its time. */
const slow = `${victim.namespace}-slow`;
const SECRET = 'openstack-clouds';

let operator: Operator;
let hostile: HostileCloud;
let before: HeatStack;
let stack: Stack;

beforeAll(async () => {
  // Both at one operator; the Secrets and the clouds in them have the same names.
  operator = await victim.startOperator(['--namespace', attacker.namespace]);
  await victim.apply(name, { template: { inline: RANDOM_STRING }, resyncPeriod: '10s' });
  before = await victim.ready(name);
  stack = await stackOf(before);
});

beforeEach(async () => {
  hostile = await new HostileCloud().start();
  pretend(hostile, `${hostile.origin}/v1`);
  await attacker.writeSecret(SECRET, { 'clouds.yaml': hostile.cloudsYaml() });
});

afterEach(async () => {
  // No matter what the hostile Heat says by now.
  for (const each of [name, slow]) {
    if (!(await attacker.get(each))) continue;
    await attacker.patch(each, { spec: { managedOptions: { onDelete: 'detach' } } });
    await attacker.delete(each);
    await attacker.gone(each);
  }
  expectNothingOfTheVictims(hostile);
  await hostile.stop();
});

afterAll(async () => {
  await victim.delete(name);
  await victim.gone(name);
});

it('logs each tenant in to the cloud that is its own', async () => {
  const since = operator.log().length;
  await attacker.apply(name, { template: { inline: RANDOM_STRING } });
  const { status } = await attacker.ready(name);
  expect(status.cloud).toMatchObject({ projectID: before.status.cloud?.projectID });
  expect(status.id).toBe(hostile.stack(name).id);
  expect(hostile.signIns).toHaveLength(1);
  expect(heatWrites(operator.log().slice(since))).toEqual(['POST /stacks 201']);
  await expectUntouched();
});

describe("a Heat that says the victim's stack is the attacker's", () => {
  /** Makes the hostile Heat report a stack by the victim's id, with the attacker's tags. */
  function claim({ id, name: stackName, tags: [cluster = ''] }: Stack): void {
    const path = `/stacks/${stackName}/${id}`;
    const tags = [cluster, `${TAGS.object}${attacker.namespace}/${stackName}`];
    const shown = {
      ...(sample('get_stack').body as { stack: object }).stack,
      id,
      stack_name: stackName,
      tags,
    };
    hostile
      .on('POST /stacks', sample('duplicate_409'))
      .on('GET /stacks', { status: 200, body: { stacks: [shown] } })
      .on(`GET ${path}`, { status: 200, body: { stack: shown } })
      .on(`GET ${path}/resources`, { status: 200, body: { resources: [] } })
      .on(`GET ${path}/template`, TEMPLATE)
      .on(`GET ${path}/environment`, sample('environment'))
      .on(`GET ${path}/files`, sample('files'))
      .on(`PUT ${path}`, sample('update_put_202'))
      .on(`DELETE ${path}`, sample('delete_204'));
  }

  /** Makes the hostile Heat say that the stack is gone. */
  function disown({ id, name: stackName }: Stack): void {
    hostile
      .on(`GET /stacks/${stackName}/${id}`, sample('stack_404'))
      .on('GET /stacks', { status: 200, body: { stacks: [] } });
  }

  it("can have it shown as the attacker's, updated and deleted, and nothing happens to it", async () => {
    claim(stack);
    await attacker.apply(name, { template: { inline: RANDOM_STRING } });
    await attacker.until(name, 'seen with the id', ({ status }) => status.id === stack.id);
    await expectUntouched();

    await attacker.delete(name);
    await eventually(
      () => hostile.asked.includes(`DELETE /stacks/${name}/${stack.id}`),
      () => 'the hostile Heat was not asked to delete it',
    );
    disown(stack);
    await attacker.gone(name);
    await expectUntouched();
  });

  it('can neither end nor fail what the victim waits for', async () => {
    await victim.apply(slow, { template: { inline: slowTemplate(12) } });
    const begun = await victim.until(slow, 'begun', ({ status }) => status.id !== undefined);
    const waitedFor = await stackOf(begun);
    claim(waitedFor);
    await attacker.apply(slow, { template: { inline: RANDOM_STRING } });
    await attacker.until(slow, 'seen with the id', ({ status }) => status.id === begun.status.id);
    // Complete, says the one; then it is gone.
    disown(waitedFor);
    await attacker.ask(slow);
    expect((await stackOf(begun)).status).toBe('CREATE_IN_PROGRESS');
    expect((await victim.ask(slow)).status).toMatchObject({
      id: begun.status.id,
      stackStatus: 'CREATE_IN_PROGRESS',
    });

    const { status } = await victim.ready(slow);
    expect(status.id).toBe(begun.status.id);
    expect((await victim.events(slow)).map(({ reason }) => reason)).toEqual([
      'StackCreating',
      'StackCreated',
    ]);
    await victim.delete(slow);
    await victim.gone(slow);
  });
});

it("cannot reach the victim's Heat with a token of the hostile Keystone", async () => {
  pretend(hostile, victim.bed.heatUrl);
  const since = operator.log().length;
  await attacker.apply(name, { template: { inline: RANDOM_STRING } });
  const object = await attacker.notReady(name, 'AuthenticationFailed');
  expect(object.status.id).toBeUndefined();
  expect(heatWrites(operator.log().slice(since)).filter((write) => !write.endsWith(' 401'))).toEqual([]);
  await expectUntouched();
});

it.each([
  ['a hostile cloud', () => hostile.cloudsYaml()],
  // The worst case: even who has a login to the same project gets nothing by it.
  ["the victim's own cloud", () => cloudsYaml({})],
])(
  "gains nothing by the victim's status in an object of the attacker, with %s",
  async (_what, credentials) => {
    await attacker.writeSecret(SECRET, { 'clouds.yaml': credentials() });
    await attacker.apply(name, { template: { inline: RANDOM_STRING.replace('length: 8', 'length: 9') } });
    const own = await attacker.until(
      name,
      'Ready or in conflict',
      (object) => isCurrent(object) && condition(object, 'Ready')?.status !== 'Unknown',
    );
    expect(own.status.id).not.toBe(stack.id);
    const since = operator.log().length;
    await attacker.patch(name, { status: { ...before.status } }, 'status');
    expect((await attacker.ask(name)).status.id).toBe(own.status.id);

    await attacker.patch(name, { status: { ...before.status } }, 'status');
    await attacker.delete(name);
    await attacker.gone(name);
    const deletes = heatWrites(operator.log().slice(since)).filter((write) => write.startsWith('DELETE'));
    expect(deletes).toHaveLength(own.status.id === undefined ? 0 : 1);
    await expectUntouched();
  },
);

/** Makes a hostile cloud's Keystone claim that its tokens are for the victim's project, and Heat is at an address. */
function pretend(cloud: HostileCloud, heatUrl: string): void {
  const { projectID = '', projectName = '', region = '' } = before.status.cloud ?? {};
  cloud.editToken = (token) => {
    token['project'] = { id: projectID, name: projectName, domain: { id: 'default', name: 'Default' } };
    token['catalog'] = [
      { type: 'orchestration', endpoints: [{ interface: 'public', region, url: `${heatUrl}/${projectID}` }] },
    ];
  };
}

async function stackOf({ status }: HeatStack): Promise<Stack> {
  const found = await victim.stack(status.id ?? '');
  if (!found) throw new Error('the victim has no stack');
  return found;
}

/** The victim's object and stack are as they were, and the operator is well with them. */
async function expectUntouched(): Promise<void> {
  const after = await victim.ask(name);
  expect(condition(after, 'Ready')).toMatchObject({ status: 'True', reason: 'Succeeded' });
  const { id, cloud, ownership, stackStatus } = before.status;
  expect(after.status).toMatchObject({ id, cloud, ownership, stackStatus });
  expect(await stackOf(after)).toEqual(stack);
}

/** Nothing of the victim's was sent there: no token but those that the server gave out itself, no password. */
function expectNothingOfTheVictims(cloud: HostileCloud): void {
  const tokens = cloud.seen.map(({ headers }) => headers['x-auth-token']);
  expect(tokens.filter((token) => !/^token-\d+$/.test(String(token)))).toEqual([]);
  expect(JSON.stringify([cloud.seen, cloud.signIns])).not.toMatch(/gAAAA|demo-pw/);
}
