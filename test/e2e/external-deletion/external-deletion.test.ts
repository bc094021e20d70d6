import { beforeAll, expect, it } from 'vitest';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import {
  condition,
  eventually,
  heatWrites,
  type Operator,
  RANDOM_STRING,
  scenario,
} from '../../support/scenario.ts';

const s = scenario('external-deletion');
let operator: Operator;

beforeAll(async () => {
  operator = await s.startOperator();
});

it('makes the stack anew when a resync sees that it is gone', async () => {
  const name = `${s.namespace}-resync`;
  const before = await created(name, { resyncPeriod: '10s' });
  await deleteInHeat(before);
  await madeAnew(before);
});

it('makes the stack anew when somebody asks for a reconcile', async () => {
  const name = `${s.namespace}-asked`;
  const before = await created(name, {});
  await deleteInHeat(before);
  await s.ask(name);
  await madeAnew(before);
});

it('says so and waits until it is asked, if it shall stall', async () => {
  const name = `${s.namespace}-stall`;
  const before = await created(name, { resyncPeriod: '10s', onExternalDeletion: 'stall' });
  await deleteInHeat(before);

  const stalled = await s.notReady(name, 'StackNotFound');
  const ready = condition(stalled, 'Ready');
  expect(ready?.status).toBe('False');
  expect(ready?.message).toContain('somebody deleted the stack in Heat');
  expect(ready?.message).toContain('request a reconcile to create it anew');
  expect(condition(stalled, 'Stalled')?.status).toBe('True');
  expect(condition(stalled, 'Reconciling')).toBeUndefined();
  expect(condition(stalled, 'Available')).toMatchObject({ status: 'False', reason: 'StackNotFound' });

  // Neither the next resync nor a restart is a wish for a new stack.
  await looksAgain(name, operator.log().length);
  await operator.stop();
  const since = operator.log().length;
  operator = await s.startOperator();
  await looksAgain(name, since);
  expect(heatWrites(operator.log().slice(since))).toEqual([]);
  expect(await s.stacksNamed(name)).toEqual([]);
  expect(condition(await s.notReady(name, 'StackNotFound'), 'Stalled')?.status).toBe('True');

  await s.ask(name);
  await madeAnew(before);
});

async function created(name: string, spec: Record<string, unknown>): Promise<HeatStack> {
  await s.apply(name, { template: { inline: RANDOM_STRING }, ...spec });
  return s.ready(name);
}

async function deleteInHeat({ status: { id = '', stackName = '' } }: HeatStack): Promise<void> {
  await (await s.heat()).deleteStack({ id, name: stackName });
  await s.stackGone(id);
}

/** Waits until the operator has planned once more what to do with the object. */
async function looksAgain(name: string, since: number): Promise<void> {
  const key = `${s.namespace}/${name}`;
  await eventually(
    () =>
      operator
        .log()
        .slice(since)
        .some((line) => line.msg === 'planned' && line.key === key),
    () => `the operator did not look at ${name} again`,
  );
}

/** Waits for the new stack, and deletes it in the end. */
async function madeAnew({ metadata: { name }, status: before }: HeatStack): Promise<void> {
  const object = await s.until(
    name,
    'Ready with a new stack',
    ({ status, ...rest }) =>
      status.id !== before.id && condition({ status, ...rest }, 'Ready')?.status === 'True',
  );
  expect(object.status).toMatchObject({ stackStatus: 'CREATE_COMPLETE', resourceSummary: { text: '1/1' } });
  const stacks = await s.stacksNamed(name);
  expect(stacks).toMatchObject([{ id: object.status.id, status: 'CREATE_COMPLETE' }]);
  expect(stacks[0]?.tags).toContain(`heatstack.dev/object=${s.namespace}/${name}`);
  // Equal Events are counted in one, so the last is not always the newest; the id tells the new stack's.
  const wanted = [
    `somebody deleted stack ${name} (${before.id})`,
    `Heat is creating stack ${name} (${object.status.id})`,
  ];
  await eventually(
    async () => {
      const notes = (await s.events(name)).map(({ note }) => note);
      return wanted.every((text) => notes.some((note) => note.startsWith(text)));
    },
    () => `there are Events missing of ${wanted.join(', ')}`,
  );
  await s.delete(name);
  await s.gone(name);
}
