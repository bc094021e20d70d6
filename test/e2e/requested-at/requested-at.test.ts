import { expect, it } from 'vitest';
import { heatRequests, type Operator, RANDOM_STRING, scenario } from '../../support/scenario.ts';

const s = scenario('requested-at');
const name = s.namespace;

const annotate = (key: string, value: string) =>
  s.kubectl(['annotate', '--overwrite', 'heatstack', name, `reconcile.fluxcd.io/${key}=${value}`]);

/** What was asked of Heat after the first `since` lines of the log, without the shared list. */
function asked(operator: Operator, since: number): string[] {
  return heatRequests(operator.log().slice(since))
    .map(({ method, route }) => `${method} ${route}`)
    .filter((request) => request !== 'GET /stacks');
}

it('looks when asked to, and updates when forced to, once', async () => {
  let operator = await s.startOperator();
  await s.apply(name, { template: { inline: RANDOM_STRING }, outputs: { inStatus: ['*'] } });
  const created = await s.ready(name);

  let since = operator.log().length;
  await annotate('requestedAt', 'first');
  const looked = await s.until(name, 'looked at', ({ status }) => status.lastHandledReconcileAt === 'first');
  expect(asked(operator, since)).toContain('GET /stacks/{name}/{id}');
  expect(asked(operator, since).filter((request) => !request.startsWith('GET'))).toEqual([]);
  expect(looked.status).toMatchObject({
    stackStatus: 'CREATE_COMPLETE',
    appliedDigest: created.status.appliedDigest,
  });

  since = operator.log().length;
  await annotate('forceAt', 'now');
  await s.until(name, 'forced', ({ status }) => status.lastHandledForceAt === 'now');
  const forced = await s.ready(name);
  expect(forced.status.stackStatus).toBe('UPDATE_COMPLETE');
  expect(asked(operator, since).filter((request) => !request.startsWith('GET'))).toEqual([
    'PUT /stacks/{name}/{id}',
  ]);
  // The same inputs: neither the digest nor the resource changes.
  expect(forced.status.appliedDigest).toBe(created.status.appliedDigest);
  expect(forced.status.outputs).toEqual(created.status.outputs);
  expect(forced.status.resources?.[0]?.physicalResourceID).toBe(
    created.status.resources?.[0]?.physicalResourceID,
  );
  expect((await s.stacksNamed(name))[0]?.tags).toContain(`heatstack.dev/object=${s.namespace}/${name}`);

  // The values are still there, and have been dealt with: for this operator and for the next one.
  since = operator.log().length;
  await s.kubectl(['label', 'heatstack', name, 'touched=yes']);
  await s.reconciled(operator, name, since);
  await operator.stop();
  const restarted = operator.log().length;
  operator = await s.startOperator();
  await s.reconciled(operator, name, restarted);
  expect(asked(operator, since)).toEqual([]);

  // Both at once are one look and one PUT.
  since = operator.log().length;
  await s.patch(name, {
    metadata: {
      annotations: {
        'reconcile.fluxcd.io/requestedAt': 'second',
        'reconcile.fluxcd.io/forceAt': 'again',
      },
    },
  });
  await s.until(
    name,
    'looked at and forced',
    ({ status }) => status.lastHandledReconcileAt === 'second' && status.lastHandledForceAt === 'again',
  );
  await s.ready(name);
  expect(asked(operator, since).filter((request) => !request.startsWith('GET'))).toHaveLength(1);

  await s.delete(name);
  await s.gone(name);
});
