import { beforeAll, expect, it } from 'vitest';
import { isCurrent, scenario } from '../../support/scenario.ts';

const s = scenario('supersede');

const template = (value: string, seconds: number) => `heat_template_version: 2018-08-31
resources:
  slow:
    type: OS::Heat::TestResource
    properties:
      value: ${value}
      action_wait_secs: { create: ${seconds}, update: ${seconds}, delete: 0 }
outputs:
  value: { value: { get_attr: [slow, output] } }
`;

beforeAll(async () => {
  await s.startOperator();
});

/** The states that the stack itself has had in Heat, the oldest first. */
async function states(id = ''): Promise<string[]> {
  const newestFirst = await Array.fromAsync((await s.heat()).events(id));
  const events = newestFirst.reverse();
  return events.filter(({ physicalId }) => physicalId === id).map(({ status }) => status);
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
  const apply = async (value: string, seconds: number) => {
    const outputs = { inStatus: ['value'] };
    await s.apply(name, { updatePolicy, template: { inline: template(value, seconds) }, outputs });
    await s.until(name, 'looked at', isCurrent);
  };
  await apply('one', 4);
  await apply('two', 0);
  const first = await s.ready(name);
  expect(first.status.outputs).toMatchObject([{ value: 'two' }]);
  expect(await states(first.status.id)).toEqual(created);

  await apply('three', 4);
  await apply('four', 0);
  const last = await s.ready(name);
  expect(last.status).toMatchObject({ stackStatus: 'UPDATE_COMPLETE', attempts: 0 });
  expect(last.status.outputs).toMatchObject([{ value: 'four' }]);
  expect(await states(last.status.id)).toEqual([...created, ...updated]);
  expect((await s.events(name)).filter(({ type }) => type === 'Warning')).toEqual([]);
  expect(await s.stacksNamed(name)).toHaveLength(1);
});
