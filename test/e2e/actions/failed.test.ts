import { expect, it } from 'vitest';
import { ANNOTATIONS } from '../../../src/api/constants.ts';
import { condition, eventually, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('actions-failed');

it('tells that a check failed, and which resource is not as it was made', async () => {
  await s.startOperator();
  const name = `${s.namespace}-nested`;
  await s.apply(name, {
    template: { inline: 'heat_template_version: 2018-08-31\nresources:\n  web: { type: web.yaml }\n' },
    files: { 'web.yaml': RANDOM_STRING },
  });
  const { status } = await s.ready(name);
  const nested = await s.stack(status.resources?.[0]?.physicalResourceID ?? '');
  if (!nested) throw new Error('there is no nested stack');
  await (await s.heat()).deleteStack(nested);
  await s.stackGone(nested.id);

  await s.patch(name, { metadata: { annotations: { [ANNOTATIONS.action]: 'check@1' } } });
  const failed = await s.notReady(name, 'CheckFailed');
  expect(failed.status).toMatchObject({
    stackStatus: 'CHECK_FAILED',
    lastHandledAction: { token: '1', verb: 'check', result: 'Failed' },
  });
  expect(condition(failed, 'Stalled')?.status).toBe('True');
  expect(condition(failed, 'Ready')?.message).toContain('web');
  await eventually(
    async () =>
      (await s.events(name)).some(
        ({ reason, note }) =>
          reason === 'ActionFailed' && note.startsWith('check@1: the stack is CHECK_FAILED'),
      ),
    () => 'no Event tells it',
  );

  // Heat makes anew what is gone, when it is asked for.
  await s.patch(name, { metadata: { annotations: { [ANNOTATIONS.forceAt]: 'now' } } });
  expect((await s.ready(name)).status.stackStatus).toBe('UPDATE_COMPLETE');
  await s.delete(name);
  await s.gone(name);
});
