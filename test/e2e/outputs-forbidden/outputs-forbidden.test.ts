import { afterAll, beforeAll, expect, it } from 'vitest';
import { SECRETS } from '../../../src/kube/index.ts';
import { narrowValues, Release } from '../../support/release.ts';
import { condition, RANDOM_STRING, read, scenario, underway } from '../../support/scenario.ts';

const s = scenario('outputs-forbidden');
const own = `${s.namespace}-own`;
const release = new Release(s.bed, { name: s.namespace, namespace: own });

function install(enabled: boolean): Promise<string> {
  return release.install(narrowValues(s.namespace, { outputObjects: { enabled } }));
}

beforeAll(async () => {
  await s.createNamespace(own);
  await install(false);
}, 60_000);

afterAll(async () => {
  await s.kubectl(['delete', 'heatstacks', '--all', '--timeout=60s']);
  await release.uninstall();
}, 120_000);

it('says what is missing, by option and by RBAC, and goes on once it has the right', async () => {
  const name = s.namespace;
  const operator = await s.startOperator([], release);
  const spec = { template: { inline: RANDOM_STRING }, resyncPeriod: '10s' };
  await s.apply(name, { ...spec, outputs: { secretName: 'values' } });
  const disabled = await s.notReady(name, 'InvalidConfiguration');
  expect(underway(disabled)).toEqual(['Stalled']);
  expect(condition(disabled, 'Ready')?.message).toBe(
    'spec.outputs.secretName: Secret "values" is not written, since this operator writes no outputs to objects; leave the name out, or have the operator run with --output-objects=true',
  );
  expect(disabled.status.stackStatus).toBe('CREATE_COMPLETE');

  await operator.stop();
  await s.startOperator(['--output-objects', 'true'], release);
  const forbidden = await s.notReady(name, 'Forbidden');
  expect(underway(forbidden)).toEqual(['Reconciling']);
  expect(condition(forbidden, 'Ready')?.message).toContain(
    'give its ServiceAccount the verb "create" on secrets',
  );
  expect(condition(forbidden, 'Available')?.status).toBe('True');
  expect(forbidden.status.outputs).toEqual([{ name: 'value' }]);

  await install(true);
  await s.ready(name);
  expect(await read(s, SECRETS, 'values')).toBeDefined();

  // What it may not delete it says as well.
  await install(false);
  await s.apply(name, { ...spec, outputs: {} });
  const left = await s.notReady(name, 'Forbidden');
  expect(condition(left, 'Ready')?.message).toContain('give its ServiceAccount the verb "delete" on secrets');
  await install(true);
  await s.ready(name);
  expect(await read(s, SECRETS, 'values')).toBeUndefined();
});
