import { beforeAll, expect, it } from 'vitest';
import { eventually, isCurrent, scenario } from '../../support/scenario.ts';

const s = scenario('supersede');

/** A template whose wait conditions keep Heat at work until each got a signal. */
function template(value: string, waits: readonly string[]): string {
  const conditions = waits.map(
    (name) => `
  handle-${name}:
    type: OS::Heat::WaitConditionHandle
  wait-${name}:
    type: OS::Heat::WaitCondition
    properties: { handle: { get_resource: handle-${name} }, timeout: 300 }`,
  );
  return `heat_template_version: 2018-08-31
resources:
  value:
    type: OS::Heat::Value
    properties: { value: ${value} }${conditions.join('')}
outputs:
  value: { value: { get_attr: [value, value] } }
`;
}

beforeAll(async () => {
  await s.startOperator();
});

/**
 * The states that the stack itself has had in Heat, the oldest first. When two of Heat's threads end an operation at once,
 * it notes the end twice.
 */
async function states(id: string): Promise<string[]> {
  const newestFirst = await Array.fromAsync((await s.heat()).events(id));
  const events = newestFirst.reverse();
  const states = events.filter(({ physicalId }) => physicalId === id).map(({ status }) => status);
  return states.filter((state, at) => state.endsWith('_IN_PROGRESS') || state !== states[at - 1]);
}

it.concurrent.each([
  {
    updatePolicy: 'wait',
    created: ['CREATE_IN_PROGRESS', 'CREATE_COMPLETE', 'UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE'],
    updated: ['UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE', 'UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE'],
  },
  {
    updatePolicy: 'supersede',
    created: ['CREATE_IN_PROGRESS', 'UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE'],
    updated: ['UPDATE_IN_PROGRESS', 'UPDATE_IN_PROGRESS', 'UPDATE_COMPLETE'],
  },
])('$updatePolicy', async ({ updatePolicy, created, updated }) => {
  const name = `supersede-${updatePolicy}`;
  const heat = await s.heat();
  const apply = async (value: string, waits: string[]) => {
    const outputs = { inStatus: ['value'] };
    await s.apply(name, { updatePolicy, template: { inline: template(value, waits) }, outputs });
    return s.until(name, 'looked at', isCurrent);
  };
  const workOn = async (id: string, condition: string) => {
    const isAtWork = async () => {
      const resources = await Array.fromAsync(heat.resources(id));
      return resources.some((each) => each.name === condition && each.status === 'CREATE_IN_PROGRESS');
    };
    await eventually(isAtWork, () => `Heat is not at work on ${condition}`);
  };

  const { status } = await apply('one', ['a']);
  const { id = '' } = status;
  await workOn(id, 'wait-a');
  await apply('two', ['a']);
  await s.ask(name);
  await heat.signalResource(id, 'handle-a');
  expect((await s.ready(name)).status.outputs).toMatchObject([{ value: 'two' }]);
  expect(await states(id)).toEqual(created);

  await apply('three', ['a', 'b']);
  await workOn(id, 'wait-b');
  await apply('four', ['a', 'b']);
  await s.ask(name);
  await heat.signalResource(id, 'handle-b');
  const last = await s.ready(name);
  expect(last.status).toMatchObject({ id, stackStatus: 'UPDATE_COMPLETE', attempts: 0 });
  expect(last.status.outputs).toMatchObject([{ value: 'four' }]);
  expect(await states(id)).toEqual([...created, ...updated]);
  expect((await s.events(name)).filter(({ type }) => type === 'Warning')).toEqual([]);
});
