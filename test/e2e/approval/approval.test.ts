import { expect, it } from 'vitest';
import { ANNOTATIONS } from '../../../src/api/constants.ts';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import {
  condition,
  heatRequests,
  isCurrent,
  type Operator,
  scenario,
  underway,
} from '../../support/scenario.ts';

const s = scenario('approval');
const name = s.namespace;
const TEST = 'OS::Heat::TestResource';

const TEMPLATE = `heat_template_version: 2018-08-31
parameters:
  image: { type: string }
resources:
  web:
    type: web.yaml
    properties: { image: { get_param: image } }
  count:
    type: OS::Heat::TestResource
    properties: { value: { get_param: image } }
`;

/** Another image takes another server. */
const WEB = `heat_template_version: 2018-08-31
parameters:
  image: { type: string }
resources:
  server-0:
    type: OS::Heat::TestResource
    properties: { value: { get_param: image }, update_replace: true }
`;

const spec = (image: string) => ({
  approval: 'manual',
  template: { inline: TEMPLATE },
  files: { 'web.yaml': WEB },
  parameters: { image },
});

/** Waits for a plan that isn't the one with the id `other`. */
function held(other = ''): Promise<HeatStack> {
  return s.until(name, 'waiting for another approval', (object) => {
    const { plan } = object.status;
    return isCurrent(object) && waits(object) && plan !== undefined && plan.id !== other;
  });
}

function waits(object: HeatStack): boolean {
  return condition(object, 'Ready')?.reason === 'ApprovalRequired';
}

function approve(id: string | undefined): Promise<void> {
  return s.patch(name, { metadata: { annotations: { [ANNOTATIONS.approve]: id } } });
}

function writes(operator: Operator): (string | undefined)[] {
  return heatRequests(operator.log())
    .filter(({ method, route }) => method !== 'GET' && !route?.endsWith('/preview'))
    .map(({ method }) => method);
}

it('carries out nothing but the plan that was approved', async () => {
  const operator = await s.startOperator();
  await s.apply(name, spec('one'));
  const planned = await held();
  expect(planned.status.plan).toMatchObject({
    added: [
      { path: 'count', type: TEST },
      { path: 'web/server-0', type: TEST },
    ],
    updated: [],
    replaced: [],
    deleted: [],
    unchanged: 0,
    createdAt: expect.any(String),
  });
  expect(underway(planned)).toEqual(['Reconciling']);
  expect(condition(planned, 'Ready')?.message).toContain('would add 2,');
  expect(condition(planned, 'Available')?.reason).toBe('StackNotFound');

  await approve('0123456789abcdef');
  expect(waits(await s.ask(name))).toBe(true);
  expect(await s.stacksNamed(name)).toEqual([]);
  await approve(planned.status.plan?.id);
  expect((await s.ready(name)).status.plan).toBeUndefined();

  await s.patch(name, { spec: { parameters: { image: 'two' } } });
  const first = await held(planned.status.plan?.id);
  expect(first.status.plan).toMatchObject({
    added: [],
    updated: [
      { path: 'count', type: TEST },
      { path: 'web', type: 'web.yaml' },
    ],
    replaced: [{ path: 'web/server-0', type: TEST }],
    deleted: [],
    unchanged: 0,
  });
  expect(condition(first, 'Ready')?.message).toContain(`${ANNOTATIONS.approve}: ${first.status.plan?.id}`);
  expect(condition(first, 'Available')?.status).toBe('True');

  // Approved, and changed before the operator looked.
  await s.patch(name, {
    metadata: { annotations: { [ANNOTATIONS.approve]: first.status.plan?.id } },
    spec: { parameters: { image: 'three' } },
  });
  const second = await held(first.status.plan?.id);
  expect(condition(second, 'Ready')?.message).toContain('out of date');
  expect(writes(operator)).toEqual(['POST']);

  await approve(second.status.plan?.id);
  const done = await s.ready(name);
  expect(done.status.plan).toBeUndefined();
  expect(writes(operator)).toEqual(['POST', 'PUT']);

  // Whoever keeps the annotation: it was used. And a change that is taken back needs nobody.
  await s.ask(name);
  await s.patch(name, { spec: { parameters: { image: 'four' } } });
  await held(second.status.plan?.id);
  await s.patch(name, { spec: { parameters: { image: 'three' } } });
  expect((await s.ready(name)).status.plan).toBeUndefined();
  expect(writes(operator)).toEqual(['POST', 'PUT']);
  expect((await s.events(name)).map(({ reason }) => reason)).toContain('PlanReady');

  await s.patch(name, { spec: { parameters: { image: 'five' } } });
  await held();
  await s.delete(name);
  await s.gone(name);
});
