import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HeatStackStatus } from '../../../src/api/heat-stack.ts';
import { canonicalJson } from '../../../src/json.ts';
import type { Stack } from '../../../src/openstack/index.ts';
import { heatRequests, heatWrites, type Operator, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('status-tampered');
const own = `${s.namespace}-own`;
const other = `${s.namespace}-other`;

let operator: Operator;
let foreign: Stack;
let truth: HeatStackStatus;
let othersStatus: HeatStackStatus;

const FORGERIES: [what: string, forge: (truth: HeatStackStatus) => Record<string, unknown>][] = [
  [
    'a Ready that is False',
    (truth) => ({
      conditions: truth.conditions?.map((condition) =>
        condition.type === 'Ready' ? { ...condition, status: 'False', reason: 'Broken' } : condition,
      ),
    }),
  ],
  [
    'the message of a condition',
    (truth) => ({
      conditions: truth.conditions?.map((condition) => ({ ...condition, message: 'written by hand' })),
    }),
  ],
  ['no conditions', () => ({ conditions: [] })],
  [
    'a Stalled beside Ready',
    (truth) => ({ conditions: [...(truth.conditions ?? []), { ...byHand(), type: 'Stalled' }] }),
  ],
  [
    "a Stalled that looks like the operator's own",
    (truth) => ({
      conditions: [
        { ...byHand(), type: 'Ready', status: 'False' },
        { ...byHand(), type: 'Stalled' },
        ...(truth.conditions?.slice(1) ?? []),
      ],
    }),
  ],
  [
    'a condition of an unknown type',
    (truth) => ({ conditions: [...(truth.conditions ?? []), { ...byHand(), type: 'Foreign' }] }),
  ],
  ['the id of a foreign stack', () => ({ id: foreign.id })],
  ['the id and name of a foreign stack', () => ({ id: foreign.id, stackName: foreign.name })],
  ['the name of a foreign stack', () => ({ stackName: foreign.name })],
  ['an ownership', () => ({ ownership: 'h1:0000' })],
  ['the whole status of another HeatStack', () => ({ ...othersStatus })],
];

/** The object that a forgery is tried on. */
const victims = FORGERIES.map(([what, forge], index) => ({ what, forge, name: `${s.namespace}-${index}` }));
const truths = new Map<string, HeatStackStatus>();

beforeAll(async () => {
  operator = await s.startOperator();
  foreign = await s.foreignStack(`${s.namespace}-foreign`);
  const names = [own, other, ...victims.map(({ name }) => name)];
  await s.applyAll(names.map((name) => s.manifest(name, { template: { inline: RANDOM_STRING } })));
  for (const name of names) truths.set(name, (await s.ready(name)).status);
  truth = truthOf(own);
  othersStatus = truthOf(other);
});

afterAll(async () => {
  await s.kubectl(['delete', 'heatstacks', '--all']);
});

describe('what is written while the operator runs', () => {
  it.each(victims)('$what is healed', async ({ name, forge }) => {
    const since = operator.log().length;
    await s.patch(name, { status: forge(truthOf(name)) }, 'status');
    await healed(name);
    expect(heatWrites(operator.log().slice(since))).toEqual([]);
  });

  it('is told by no Event, for nothing happened', async () => {
    for (const { name } of victims) {
      expect((await s.events(name)).map(({ reason }) => reason)).toEqual(['StackCreating', 'StackCreated']);
    }
  });
});

describe('what was written while the operator was down', () => {
  let since: number;

  beforeAll(async () => {
    await operator.stop();
    since = operator.log().length;
    for (const { name, forge } of victims) await s.patch(name, { status: forge(truthOf(name)) }, 'status');
    operator = await s.startOperator();
  });

  it.each(victims)('$what is healed', async ({ name }) => {
    await healed(name);
  });

  it('makes the operator write nothing to Heat', () => {
    expect(heatWrites(operator.log().slice(since))).toEqual([]);
  });

  it('is forgotten once it is healed: the next start asks Heat nothing', async () => {
    await operator.stop();
    const restart = operator.log().length;
    operator = await s.startOperator();
    for (const { name } of victims) await s.reconciled(operator, name, restart);
    expect(heatRequests(operator.log().slice(restart))).toEqual([]);
  });
});

it('deletes its own stack, and not the one that a forged status names', async () => {
  await operator.stop();
  await s.patch(own, { status: { id: foreign.id, stackName: foreign.name } }, 'status');
  await s.patch(other, { status: { ...truth } }, 'status');
  await s.delete(own);
  const since = operator.log().length;
  operator = await s.startOperator();
  await s.gone(own);
  expect(await s.stacksNamed(own)).toEqual([]);
  expect(heatWrites(operator.log().slice(since))).toEqual(['DELETE /stacks/{name}/{id} 204']);
  expect(await s.stack(foreign.id)).toMatchObject({ status: 'CREATE_COMPLETE' });
});

it('deletes its own stack when the forged status names the stack of an object that lives', async () => {
  await s.apply(own, { template: { inline: RANDOM_STRING } });
  const living = (await s.ready(own)).status;
  await operator.stop();
  await s.patch(other, { status: { ...living } }, 'status');
  await s.delete(other);
  operator = await s.startOperator();
  await s.gone(other);
  expect(await s.stacksNamed(other)).toEqual([]);
  expect(await s.stacksNamed(own)).toMatchObject([{ id: living.id, status: 'CREATE_COMPLETE' }]);
  await s.delete(own);
  await s.gone(own);
});

it('deletes its own stack though the forged status has another name for it', async () => {
  await s.apply(own, { template: { inline: RANDOM_STRING } });
  await s.ready(own);
  await operator.stop();
  await s.patch(own, { status: { stackName: foreign.name } }, 'status');
  await s.delete(own);
  operator = await s.startOperator();
  await s.gone(own);
  expect(await s.stacksNamed(own)).toEqual([]);
});

function truthOf(name: string): HeatStackStatus {
  const status = truths.get(name);
  if (!status) throw new Error(`${name} was not made`);
  return status;
}

/** Waits until the status says what it said before, and checks that nothing happened in Heat. */
async function healed(name: string): Promise<void> {
  const was = truthOf(name);
  await s.until(name, 'healed', ({ status }) => told(status) === told(was), 20_000);
  expect(await s.stacksNamed(name)).toMatchObject([{ id: was.id, status: 'CREATE_COMPLETE' }]);
  expect(await s.stacksNamed(other)).toMatchObject([{ id: othersStatus.id, status: 'CREATE_COMPLETE' }]);
  expect(await s.stack(foreign.id)).toEqual(foreign);
}

/** What a status says, without times, and without what can't be believed any more once somebody else wrote to it. */
function told(status: HeatStackStatus): string {
  const { lastSyncTime: _, hidesInputs: ___, history: ____, conditions, ...rest } = status;
  const timeless = conditions?.map(({ lastTransitionTime: __, ...condition }) => condition);
  return canonicalJson({ ...rest, conditions: timeless });
}

function byHand() {
  return {
    type: 'Stalled',
    status: 'True',
    reason: 'ByHand',
    message: 'written by hand',
    lastTransitionTime: '2020-01-01T00:00:00Z',
    observedGeneration: 1,
  };
}
