import { beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { eventually, heatWrites, type Operator, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('recreate-at-once');
let operator: Operator;

beforeAll(async () => {
  operator = await s.startOperator();
});

it('makes a new stack each time the object is deleted and applied again', async () => {
  const name = `${s.namespace}-applied`;
  const seen = new Set<string>();
  for (let round = 0; round < 5; round += 1) {
    await s.apply(name, { template: { inline: RANDOM_STRING } });
    seen.add(await onlyStack(name));
    await s.delete(name);
    await s.gone(name);
  }
  expect(seen.size).toBe(5);
  await noTroubleWasTold(name);
});

it('makes a new stack when the object is replaced by force', async () => {
  const name = `${s.namespace}-replaced`;
  await s.apply(name, { template: { inline: RANDOM_STRING } });
  const first = await onlyStack(name);
  const manifest = stringify(s.manifest(name, { template: { inline: RANDOM_STRING } }));
  await s.kubectl(['replace', '--force', '-f', '-'], { stdin: manifest });
  expect(await onlyStack(name)).not.toBe(first);
  await noTroubleWasTold(name);
  await s.delete(name);
  await s.gone(name);
});

it('waits for the name of its own former stack, which somebody else is deleting', async () => {
  const name = `${s.namespace}-former`;
  // A former stack's end is no deletion by somebody else: also an object that would stall at that goes on.
  const spec = { template: { inline: SLOW_TO_DELETE }, onExternalDeletion: 'stall' };
  await s.apply(name, { ...spec, managedOptions: { onDelete: 'detach' } });
  const former = await onlyStack(name);
  await s.delete(name);
  await s.gone(name);
  const since = operator.log().length;
  await (await s.heat()).deleteStack({ id: former, name });
  await s.apply(name, spec);
  expect(await onlyStack(name)).not.toBe(former);
  const writes = heatWrites(operator.log().slice(since));
  expect(writes.at(0)).toBe('POST /stacks 409');
  expect(writes.at(-1)).toBe('POST /stacks 201');
  await noTroubleWasTold(name);
  await s.delete(name);
  await s.gone(name);
});

it("waits for the name of another client's stack that is being deleted", async () => {
  const name = `${s.namespace}-foreign`;
  const foreign = await s.foreignStack(name, SLOW_TO_DELETE);
  await (await s.heat()).deleteStack(foreign);
  await s.apply(name, { template: { inline: RANDOM_STRING } });
  expect(await onlyStack(name)).not.toBe(foreign.id);
  await noTroubleWasTold(name);
  await s.delete(name);
  await s.gone(name);
});

const SLOW_TO_DELETE = `heat_template_version: 2018-08-31
resources:
  slow:
    type: OS::Heat::TestResource
    properties:
      value: one
      action_wait_secs: { delete: 3 }
`;

/** Waits until the object is Ready; the id of its stack, the only one of that name. */
async function onlyStack(name: string): Promise<string> {
  const { status } = await s.ready(name);
  expect(await s.stacksNamed(name)).toMatchObject([{ id: status.id, status: 'CREATE_COMPLETE' }]);
  return status.id ?? '';
}

/** No look ever led to a failure, and no Event tells of one. */
async function noTroubleWasTold(name: string): Promise<void> {
  const key = `${s.namespace}/${name}`;
  const steps = operator.log().filter((line) => line.msg === 'planned' && line.key === key);
  expect(steps.filter(({ step }) => /stall|retry/.test(JSON.stringify(step)))).toEqual([]);
  await eventually(
    async () => (await s.events(name)).some(({ reason }) => reason === 'StackCreated'),
    () => 'no Event tells that the stack was made',
  );
  expect((await s.events(name)).filter(({ type }) => type !== 'Normal')).toEqual([]);
}
