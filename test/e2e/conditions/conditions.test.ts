import { beforeAll, expect, it } from 'vitest';
import { ANNOTATIONS } from '../../../src/api/constants.ts';
import type { HeatStack } from '../../../src/api/heat-stack.ts';
import {
  condition,
  FAILING,
  isCurrent,
  type Operator,
  RANDOM_STRING,
  scenario,
  slowTemplate,
} from '../../support/scenario.ts';

const s = scenario('conditions');
let operator: Operator;

beforeAll(async () => {
  // Nobody has looked yet.
  await s.apply('conditions-new', { suspend: true, template: { inline: RANDOM_STRING } });
  const fresh = await s.get('conditions-new');
  expect(fresh?.status).toEqual({ observedGeneration: -1 });
  operator = await s.startOperator();
});

/** The conditions in one line each. */
function said({ status }: HeatStack): string[] | undefined {
  return status.conditions?.map(({ type, status: is, reason }) => `${type}=${is} ${reason}`);
}

it.concurrent('of a stack that nobody has looked at', async () => {
  const object = await s.until('conditions-new', 'looked at', isCurrent);
  expect(said(object)).toEqual([
    'Ready=Unknown Suspended',
    'Available=Unknown Unknown',
    'Progressing=False Suspended',
  ]);
});

it.concurrent('while Heat is at work, and after it', async () => {
  const name = 'conditions-slow';
  await s.apply(name, { template: { inline: slowTemplate(3) } });
  const working = await s.until(
    name,
    'in progress',
    ({ status }) => status.stackStatus === 'CREATE_IN_PROGRESS',
  );
  expect(said(working)).toEqual([
    'Ready=Unknown Progressing',
    'Reconciling=True Progressing',
    'Available=False Progressing',
    'Progressing=True Progressing',
  ]);
  const ready = await s.ready(name);
  expect(said(ready)?.slice(0, 3)).toEqual([
    'Ready=True Succeeded',
    'Available=True Succeeded',
    'Progressing=False Succeeded',
  ]);
  for (const { observedGeneration, lastTransitionTime, message } of ready.status.conditions ?? []) {
    expect(observedGeneration).toBe(ready.metadata.generation);
    expect(Date.parse(lastTransitionTime)).not.toBeNaN();
    expect(message).not.toBe('');
  }

  // During an update the stack stays available.
  await s.patch(name, { spec: { template: { inline: slowTemplate(3, 'two') } } });
  const updating = await s.until(
    name,
    'updating',
    (object) => isCurrent(object) && condition(object, 'Reconciling') !== undefined,
  );
  expect(said(updating)?.slice(0, 3)).toEqual([
    'Ready=Unknown Progressing',
    'Reconciling=True Progressing',
    'Available=True Succeeded',
  ]);
  await s.delete(name);
  await s.gone(name);
});

it.concurrent('while something is missing', async () => {
  const name = 'conditions-missing';
  await s.apply(name, { template: { configMapKeyRef: { name: 'late', key: 'template' } } });
  const waiting = await s.notReady(name, 'DependencyNotReady');
  expect(said(waiting)).toEqual([
    'Ready=False DependencyNotReady',
    'Reconciling=True ProgressingWithRetry',
    'Available=Unknown Unknown',
    'Progressing=True ProgressingWithRetry',
  ]);
  await s.writeConfigMap('late', { template: RANDOM_STRING });
  await s.ready(name);
  await s.delete(name);
  await s.gone(name);
});

it.concurrent('when nothing will happen, until resetAt counts the tries anew', async () => {
  const name = 'conditions-stalled';
  const remediation = { create: { retries: 1 }, retryInterval: '1s' };
  await s.apply(name, { template: { inline: FAILING }, remediation });
  const isStalled = (object: HeatStack) => condition(object, 'Stalled')?.status === 'True';
  const stalled = await s.until(name, 'Stalled', isStalled);
  // The one more try was an update of the stack that couldn't be created.
  expect(said(stalled)).toEqual([
    'Ready=False UpdateFailed',
    'Stalled=True UpdateFailed',
    'Available=False StackFailed',
    'Progressing=False UpdateFailed',
  ]);
  expect(stalled.status.attempts).toBe(1);
  const tries = () =>
    operator.log().filter(({ key, event }) => key === `${s.namespace}/${name}` && event === 'StackUpdating')
      .length;
  expect(tries()).toBe(1);

  await s.patch(name, { metadata: { annotations: { [ANNOTATIONS.resetAt]: 'once' } } });
  const again = await s.until(
    name,
    'Stalled again',
    (object) => object.status.lastHandledResetAt === 'once' && tries() === 2 && isStalled(object),
  );
  expect(again.status).toMatchObject({ attempts: 1, id: stalled.status.id });
  expect((await s.events(name)).map(({ reason }) => reason)).toContain('RetryExhausted');

  // The same value asks for nothing.
  await s.ask(name);
  expect(tries()).toBe(2);
  await s.delete(name);
  await s.gone(name);
});
