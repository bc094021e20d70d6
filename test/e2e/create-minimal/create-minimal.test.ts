import { expect, it } from 'vitest';
import { condition, heatRequests, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('create-minimal');

it('makes the stack and shows it in the status', async () => {
  const operator = await s.startOperator();
  await s.apply('minimal', { template: { inline: RANDOM_STRING } });
  // Works from the moment of apply, since the status is never Ready before the operator has looked.
  await s.kubectl(['wait', '--for=condition=Ready', 'heatstack/minimal', '--timeout=60s']);

  const object = await s.ready('minimal');
  expect(object.status.stackStatus).toBe('CREATE_COMPLETE');
  expect(object.status.resources).toMatchObject([
    { name: 'random', type: 'OS::Heat::RandomString', status: 'CREATE_COMPLETE' },
  ]);
  expect(object.status.resourceSummary).toMatchObject({ total: 1, complete: 1, text: '1/1' });
  expect(object.status.outputs).toEqual([{ name: 'value' }]);
  expect(condition(object, 'Available')?.status).toBe('True');
  expect(condition(object, 'Reconciling')).toBeUndefined();

  const stacks = await s.stacksNamed('minimal');
  expect(stacks).toMatchObject([{ id: object.status.id, status: 'CREATE_COMPLETE' }]);
  expect(stacks[0]?.tags).toContain(`heatstack.dev/object=${s.namespace}/minimal`);

  const requests = heatRequests(operator.log());
  const own = requests.filter(({ route, method }) => !(method === 'GET' && route === '/stacks'));
  expect(own.map(({ method, route }) => `${method} ${route}`)).toEqual([
    'POST /stacks',
    'GET /stacks/{name}/{id}',
    'GET /stacks/{name}/{id}/resources',
  ]);
  expect((await s.events('minimal')).map(({ reason }) => reason)).toEqual(['StackCreating', 'StackCreated']);

  await s.delete('minimal');
  await s.gone('minimal');
  expect(await s.stacksNamed('minimal')).toEqual([]);
});
